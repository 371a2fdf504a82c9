/* ids.h - identities as small structs, so that the compiler refuses swapped arguments.
 * A ref is dense and local to one shard's log: the log's MARKET and ACCOUNT records give refs
 * their meaning, and 0 is "none". Ids that leave the program are texts or bet ids.
 * Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"

/* Limits of texts that come from outside, in bytes (counted in limit_reached_total). */
#define USER_ID_BYTES_MAX         64
#define MARKET_ID_BYTES_MAX       120
#define SELECTION_ID_BYTES_MAX    48
#define EVENT_ID_BYTES_MAX        64
#define NAME_BYTES_MAX            96
#define IDEMPOTENCY_KEY_BYTES_MAX 64
#define REASON_BYTES_MAX          96
#define PROVIDER_ID_BYTES_MAX     32

struct account_ref {
    uint32_t n;
};

struct market_ref {
    uint32_t n;
};

/* Time-ordered (DESIGN 6.9): milliseconds since 2020-01-01 << 22 | shard << 12 | counter. */
struct bet_id {
    uint64_t n;
};

#define BET_ID_EPOCH_MS   INT64_C(1577836800000)
#define BET_ID_SHARDS_MAX 1024

/* The id that follows `last` ({0} = none yet) at this time: never equal or lower, also when more
 * than 4,096 ids fall into one millisecond, when the clock stands still or goes back. The id then
 * names a slightly later millisecond than the clock; a time before 2020 counts as 2020.
 * shard < BET_ID_SHARDS_MAX. Ids stay below 2^63 (SQL BIGINT), which lasts until 2089. */
struct bet_id bet_id_next(struct bet_id last, struct instant now, uint32_t shard);
/* The millisecond that it names. */
struct instant bet_id_instant(struct bet_id id);
/* The shard, below BET_ID_SHARDS_MAX. */
uint32_t bet_id_shard(struct bet_id id);
