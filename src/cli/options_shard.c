/* options_shard.c - contract in options_shard.h. */
#include "cli/options_shard.h"

#include "base/error.h"

int options_shard(const struct options *options, struct shard_place *ret, struct buf *why)
{
    int64_t shard = 0, shards = 0;
    TRY(options_number(options, "shards", (struct number_range){1, SHARDS_MAX}, &shards, why));
    TRY(options_number(options, "shard", (struct number_range){0, SHARDS_MAX - 1}, &shard, why));
    if (shard >= shards) {
        buf_printf(why, "--shard %lld is none of --shards %lld: they begin with 0",
                   (long long)shard, (long long)shards);
        return -ERR_CONFIG;
    }
    *ret = (struct shard_place){(uint32_t)shard, (uint32_t)shards};
    return 0;
}
