/* ids.c - contract in ids.h. */
#include "core/ids.h"

#include "base/assert.h"

#define SHARD_SHIFT   12
#define TIME_SHIFT    22
#define COUNTER_MASK  ((UINT64_C(1) << SHARD_SHIFT) - 1)
#define TIME_MS_LIMIT (INT64_C(1) << (63 - TIME_SHIFT))

static uint64_t first_of(uint64_t time_ms, uint32_t shard)
{
    return time_ms << TIME_SHIFT | (uint64_t)shard << SHARD_SHIFT;
}

struct bet_id bet_id_next(struct bet_id last, struct instant now, uint32_t shard)
{
    ASSERT(shard < BET_ID_SHARDS_MAX);
    int64_t time_ms = now.us / US_PER_MS - BET_ID_EPOCH_MS;
    ASSERT(time_ms < TIME_MS_LIMIT);

    uint64_t id = first_of(time_ms > 0 ? (uint64_t)time_ms : 0, shard);
    uint64_t last_ms = last.n >> TIME_SHIFT;
    if (id <= last.n)
        id = first_of(last_ms, shard) | ((last.n + 1) & COUNTER_MASK);
    if (id <= last.n) /* this millisecond's counter is used up: borrow from the next */
        id = first_of(last_ms + 1, shard);
    ASSERT(id > last.n); /* L1: never equal or lower */
    ASSERT(id <= INT64_MAX);
    return (struct bet_id){id};
}

struct instant bet_id_instant(struct bet_id id)
{
    return (struct instant){((int64_t)(id.n >> TIME_SHIFT) + BET_ID_EPOCH_MS) * US_PER_MS};
}

uint32_t bet_id_shard(struct bet_id id)
{
    return (uint32_t)(id.n >> SHARD_SHIFT) % BET_ID_SHARDS_MAX;
}
