/* options_shard.c - contract in options_shard.h. */
#include "cli/options/options_shard.h"

#include "adapters/postgres/pg_batch.h"
#include "base/error.h"

static int take_shard(const struct options *options, struct node_options *ret, struct buf *why)
{
    int64_t shard = 0, shards = 0;
    TRY(options_number(options, "shards", (struct number_range){1, SHARDS_MAX}, &shards, why));
    ret->shard = (struct shard_place){0, (uint32_t)shards};
    if (ret->any_shard)
        return 0;
    TRY(options_number(options, "shard", (struct number_range){0, SHARDS_MAX - 1}, &shard, why));
    if (shard >= shards) {
        buf_printf(why, "--shard %lld is none of --shards %lld: they begin with 0",
                   (long long)shard, (long long)shards);
        return -ERR_CONFIG;
    }
    ret->shard.shard = (uint32_t)shard;
    return 0;
}

static int check_lease(const struct node_options *node, struct buf *why)
{
    if (!pg_url_is(node->ledger))
        buf_put_text(why, "--lease: a lease stands in the ledger's database: --ledger "
                          "postgresql://...");
    else if (node->from_running)
        buf_put_text(why, "--lease: who has the shard gives it at its end; not with --take-over");
    return why->bytes == 0 ? 0 : -ERR_CONFIG;
}

int options_shard(const struct options *options, struct node_options *ret, struct buf *why)
{
    int64_t lease_ms = 0;
    ret->any_shard = slice_is(slice_text(options_text(options, "shard")), "any");
    TRY(take_shard(options, ret, why));
    TRY(options_switch(options, "lease", &ret->leased, why));
    TRY(options_number(options, "lease-ms", (struct number_range){300, 600000}, &lease_ms, why));
    ret->leased = ret->leased || ret->any_shard;
    ret->lease_us = lease_ms * US_PER_MS;
    return ret->leased ? check_lease(ret, why) : 0;
}
