/* pg_place.h - where a ledger in a database stands, and what its server answered: what others may
 * know of it without libpq. */
#pragma once

#include <stdint.h>

/* Where a shard's log stands: its newest batch. All 0: it is empty. */
struct pg_place {
    int64_t batch_no, epoch;
    uint64_t seq_last;
};

/* Answers of the server that were no success, by what they mean (pg_link.h). */
struct pg_counters {
    uint64_t lost, again, away; /* answers of the server, as pg_answer says */
};
