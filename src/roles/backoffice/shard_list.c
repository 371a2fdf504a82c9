/* shard_list.c - contract in shard_list.h. */
#include "roles/backoffice/shard_list.h"

static void put_shard(struct json_writer *writer, uint32_t shard,
                      const struct relay_shard_view *view)
{
    json_write_object_open(writer);
    json_write_key(writer, "shard");
    json_write_u64(writer, shard);
    json_write_key(writer, "attached");
    json_write_bool(writer, view->attached);
    json_write_key(writer, "granted");
    json_write_bool(writer, view->granted);
    json_write_key(writer, "lag_records");
    json_write_u64(writer, view->lag_records);
    json_write_key(writer, "bets_left");
    json_write_u64(writer, view->bets_left);
    json_write_object_close(writer);
}

void shard_list_write(struct buf *out, const struct shard_words *words)
{
    struct json_writer writer = json_write_begin(out);
    struct relay_shard_view view;
    uint32_t shard = 0;
    json_write_object_open(&writer);
    json_write_key(&writer, "shards");
    json_write_array_open(&writer);
    for (uint32_t n = 0; words->shard != NULL && words->shard(words->owner, n, &shard, &view); n++)
        put_shard(&writer, shard, &view);
    json_write_array_close(&writer);
    json_write_object_close(&writer);
}
