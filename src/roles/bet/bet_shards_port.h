/* bet_shards_port.h - the books of all shards as one bet_port: each question goes to the book of
 * the shard that it is for (bet_shard.h). What names no shard, a ledger's head or keys, is answered
 * by shard 0; a shard that there is not by 421 WRONG_SHARD. Thread: that of the ports. */
#pragma once

#include "core/user_shard.h"
#include "roles/bet/bet_port.h"

#define BET_SHARDS_PORTS_MAX 64 /* shards that one front asks */

struct bet_shards_port {
    struct bet_port port;
    uint32_t shards;
    struct bet_port *of[BET_SHARDS_PORTS_MAX]; /* borrowed; by shard */
};

/* Of `shards` of them, at most BET_SHARDS_PORTS_MAX; the caller then says each. */
void bet_shards_port_init(struct bet_shards_port *all, uint32_t shards);
