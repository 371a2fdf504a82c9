/* sim_verdicts.h - the store of old idempotency keys in the simulated machine, and the requests
 * that wait for it; this folder only. */
#pragma once

#include "adapters/embedded/verdict_keeper.h"

struct sim_verdicts {
    struct verdict_store *store;  /* owns, while up; NULL: this run has none */
    struct ledger_cursor *cursor; /* owns */
    bool damaged;                 /* bits of its files fell over */
    uint64_t unsure_turn;  /* up to this turn somebody may be told that a key is not to be known */
    uint64_t made, merged; /* runs, counted already */
    /* Entries whose key may be an old one: they are decided when that is known. */
    uint32_t looking[VERDICT_ASKS_MAX];
    uint32_t looking_count;
};
