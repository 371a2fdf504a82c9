/* dynamo_shards.c - contract in dynamo_shards.h. */
#include "adapters/dynamodb/dynamo_shards.h"

#include <string.h>

#include "adapters/dynamodb/dynamo_link.h"
#include "base/error.h"

#define ASK_BYTES_MAX 1024 /* a table's name, and what stands around it */

struct found {
    bool shards[BATCH_SHARDS_MAX];
    size_t count;
    uint32_t newest; /* found last */
};

/* 1: one more; 0: there are no more. */
static int ask_next(struct dynamo_link *link, struct found *found)
{
    char memory[ASK_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    struct slice body;
    uint32_t shard = 0;
    dynamo_ask_shard(&text, link->url.table, found->count == 0 ? NULL : &found->newest);
    TRY(store_error(dynamo_link_ask_again(link, DYNAMO_SCAN, &text, &body).answer));
    int more = dynamo_answer_shard(body, &shard);
    if (more == 0)
        return 0;
    if (more < 0 || found->shards[shard]) { /* asked for again, it would come for ever */
        dynamo_link_explain(link, "its table has keys that are none of a ledger's");
        return -ERR_IO;
    }
    found->shards[shard] = true;
    found->newest = shard;
    found->count++;
    return 1;
}

int dynamo_shards(const struct dynamo_url *url, struct signed_client *client,
                  uint32_t ret_shards[BATCH_SHARDS_MAX], size_t *ret_count, struct buf *why)
{
    struct found found = {.count = 0};
    struct dynamo_link link;
    size_t count = 0;
    TRY(dynamo_link_init(&link, url, client, why));
    int more = 1;
    while (more == 1)
        more = ask_next(&link, &found);
    if (more < 0)
        buf_put_text(why, link.problem);
    dynamo_link_done(&link);
    if (more < 0)
        return more;
    for (uint32_t shard = 0; shard < BATCH_SHARDS_MAX; shard++)
        if (found.shards[shard])
            ret_shards[count++] = shard;
    *ret_count = count;
    return 0;
}
