/* user_shard.h - which of a book's shards a user belongs to (docs/LEDGER.md, "Shards").
 *
 * SipHash-2-4 (64 bits) of the user id's bytes under the key `overround.shards`, modulo the number
 * of shards. Fixed for ever: wallets stand where it says, and fronts, books and `ledger verify`
 * must agree on it. Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define SHARDS_MAX 1024 /* of one book: bet ids have ten bits for it (core/ids.h) */

/* Which one of how many: shard < shards, 1 <= shards <= SHARDS_MAX; or shard == shards, below
 * SHARDS_MAX: the log of a desk apart (docs/decisions/0021), which no user is of. */
struct shard_place {
    uint32_t shard, shards;
};

/* Whether there is such a log; what a ledger's first record says is from outside. */
bool shard_place_valid(struct shard_place place);
/* Whether it is that of a desk apart. */
bool shard_place_is_desk(struct shard_place place);

/* Below `shards`, which is 1 to SHARDS_MAX. */
uint32_t user_shard(struct slice user_id, uint32_t shards);
