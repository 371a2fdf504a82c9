/* lease_keeper.h - what a process does about the lease of its shard, and whether it has it now.
 *
 * It asks the store (ports/shard_lease.h) when it is time to, and is told the time with each call.
 * A lease holds from when it was asked for, on this machine's monotonic clock, which is before the
 * store counted from: so whatever the clocks are, the time is over here first. While it is over and
 * nobody is known to have taken it, the process does not work on the shard, asks on, and goes on
 * when the store says that it still has it; it is lost only where the store says so.
 * Thread: one. No clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "ports/shard_lease.h"

enum lease_state {
    LEASE_WANTED = 0, /* it is asked for */
    LEASE_HELD,       /* see lease_keeper_holds */
    LEASE_LOST,       /* another has it: this process works on it no more */
};

struct lease_keeper {
    struct shard_lease_store *store; /* borrowed */
    struct shard_lease_asked asked;
    enum lease_state state;
    struct shard_lease lease; /* unless WANTED */
    int64_t until_us;         /* it holds before this */
    int64_t next_us;          /* when the store is asked again */
    int64_t began_us;         /* of the call under way, or the last */
    uint64_t renewals, failures;
};

void lease_keeper_init(struct lease_keeper *keeper, struct shard_lease_store *store,
                       const struct shard_lease_asked *asked);
/* Asks the store, if it is time to. 0; -ERR_CONFIG: there will never be one. */
int lease_keeper_step(struct lease_keeper *keeper, struct monotonic now);
/* How long nothing is to be done; 0: a step is due; -1: nothing any more. */
int64_t lease_keeper_wait_us(const struct lease_keeper *keeper, struct monotonic now);
bool lease_keeper_holds(const struct lease_keeper *keeper, struct monotonic now);
/* The process has ended its work: the next may take it. */
void lease_keeper_give(struct lease_keeper *keeper);
