/* user_shard.c - contract in user_shard.h. */
#include "core/user_shard.h"

#include "base/assert.h"
#include "base/hash.h"
#include "core/ids.h"

_Static_assert(SHARDS_MAX == BET_ID_SHARDS_MAX, "a bet's id names its shard");

/* The sixteen bytes of `overround.shards`, as two little-endian numbers. */
static const uint64_t key[2] = {UINT64_C(0x6e756f727265766f), UINT64_C(0x7364726168732e64)};

bool shard_place_valid(struct shard_place place)
{
    return place.shards > 0 && place.shards <= SHARDS_MAX && place.shard <= place.shards &&
           place.shard < SHARDS_MAX;
}

bool shard_place_is_desk(struct shard_place place)
{
    return place.shard == place.shards;
}

uint32_t user_shard(struct slice user_id, uint32_t shards)
{
    ASSERT(shards > 0 && shards <= SHARDS_MAX);
    return (uint32_t)(siphash64(key, user_id.at, user_id.bytes) % shards);
}
