/* audit.h - the offline proof of a book: every record refolded, every sum checked, every bet's
 * price looked up in the odds log (L1-L7; `overround ledger verify`).
 *
 * Reads through the ports only, writes nothing. Memory: the state of the log, 112 bytes for each
 * leg of an accepted bet, and 24 (48 while they are sorted) for each verdict: that no key has two
 * is shown over the whole log, though the fold remembers the newest only. Thread: one. */
#pragma once

#include <stdint.h>

#include "ledger/shard_state.h"
#include "ports/ledger_log.h"
#include "ports/odds_log.h"

/* What somebody says the state was after a record: a snapshot. */
struct audit_mark {
    uint64_t seq;
    uint8_t state_hash[32];
};

struct audit_report {
    const char *reason; /* what is broken, with its invariant; "" when all holds. Static. */
    uint64_t seq;       /* of the record at fault; 0: a sum over the whole state */
    uint64_t records;
    uint64_t legs_checked;   /* price, version and status found as recorded in the odds log */
    uint64_t legs_unlogged;  /* not to be checked: newer than the end of the odds log or of an
                              * epoch in it (a crash took its last second), or made by a price
                              * that was deleted to bound the log */
    uint64_t odds_kept_from; /* position from which on the odds log was kept; 0: all of it. Of
                              * several logs the highest */
    uint64_t odds_changes;
    uint64_t marks_checked;              /* the state was as they say */
    uint64_t verdicts_checked;           /* no two of them are of one key (L3) */
    uint64_t bets_unsettled_with_result; /* work left to do, not an error */
    uint8_t state_hash[32];
};

/* Everything that is borrowed for an audit. */
struct audit_source {
    struct ledger_log *log;
    /* Of all whose prices were taken, in any order: a book that went on elsewhere has one of its
     * own there. None: prices are not looked up. */
    struct odds_log *const *odds;
    size_t odds_count;
    uint32_t shard;
    const struct audit_mark *marks; /* in the order of seq; those beyond the log are not checked */
    size_t marks_count;
};
/* audit_shard() that holds the marks against the state as well. */
int audit_marked(const struct audit_source *source, struct shard_state *state,
                 struct audit_report *ret);

/* A leg whose odds_position is 0 names a price that was never logged. That is a contradiction and
 * no loss: a market whose change could not be logged is suspended before anybody can bet on it
 * (ports/odds_log.h, append()).
 *
 * The whole audit into an empty state made by the caller. odds may be NULL: then prices are not
 * looked up. 0; -ERR_CORRUPT with a reason; other errors as refold(). *ret is always written. */
int audit_shard(struct ledger_log *log, struct odds_log *odds, uint32_t shard,
                struct shard_state *state, struct audit_report *ret);
