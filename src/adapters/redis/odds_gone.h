/* odds_gone.h - the markets that a follower has taken out, and in which version: an older value
 * that was read before that and comes after it, or that a server has again, is not shown (P1). Each
 * is remembered for ODDS_TOMBSTONE_US, in which no value of it can be anywhere any more
 * (odds_entries.h); beyond the room that is there the oldest is forgotten early, and counted.
 * Pure: time comes as an argument. Thread: one user. */
#pragma once

#include <stdint.h>

#include "base/hash.h"
#include "base/metrics.h"
#include "base/table.h"

struct odds_gone {
    struct odds_gone_row {
        struct hash128 key;
        uint64_t version;
        int64_t since_us;
        uint32_t next, before; /* of the newer and the older one; of free ones */
    } * rows;                  /* owned, as the table */
    struct table *by_key;
    uint32_t rows_max, used, free_first, first, last;
    int64_t early_us; /* when one was forgotten early last; 0: never */
    struct metrics_gauge count;
    struct metrics_counter early;
};

/* 0, -ERR_MEMORY; odds_gone_done() is due all the same. */
int odds_gone_init(struct odds_gone *gone, uint32_t rows_max);
void odds_gone_done(struct odds_gone *gone);

/* It went in that version, or in a newer one that is known. */
void odds_gone_note(struct odds_gone *gone, struct hash128 key, uint64_t version, int64_t now_us);
/* The version in which it went; 0: it is not known that it did. */
uint64_t odds_gone_version(const struct odds_gone *gone, struct hash128 key);
/* It is there again. */
void odds_gone_forget(struct odds_gone *gone, struct hash128 key);
/* Forgets those whose time is over. */
void odds_gone_tend(struct odds_gone *gone, int64_t now_us);
