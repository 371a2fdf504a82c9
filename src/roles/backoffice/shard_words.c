/* shard_words.c - contract in shard_words.h. */
#include "roles/backoffice/shard_words.h"

bool shard_words_wait(const struct shard_words *words, const struct relay_wait_for *what,
                      relay_spread_fn told, void *told_owner)
{
    return words->wait != NULL && words->wait(words->owner, what, told, told_owner);
}

static void put_numbers(struct json_writer *writer, const char *key, const uint16_t *numbers,
                        uint32_t count)
{
    json_write_key(writer, key);
    json_write_array_open(writer);
    for (uint32_t i = 0; i < count; i++)
        json_write_u64(writer, numbers[i]);
    json_write_array_close(writer);
}

void shard_words_put(struct json_writer *writer, const struct relay_spread *spread)
{
    json_write_key(writer, "shards");
    json_write_object_open(writer);
    json_write_key(writer, "have_it");
    json_write_u64(writer, spread->have_it);
    put_numbers(writer, "away", spread->away, spread->away_count);
    if (spread->refused_count > 0)
        put_numbers(writer, "refused", spread->refused, spread->refused_count);
    json_write_object_close(writer);
}
