/* fake_ports.h - ports in memory for tests of the book: a ledger log that keeps its groups and
 * completes them when told to, and an odds log that counts. Real decisions, no disk. */
#pragma once

#include <stdbool.h>

#include "core/ids.h"
#include "ports/ledger_log.h"
#include "ports/odds_log.h"

struct fake_log {
    struct ledger_log port;
    char *bytes; /* owned; the durable records */
    size_t size, capacity;
    int64_t until_us; /* of the newest append */
    size_t largest;   /* record bytes of the largest group */
    uint32_t shard;   /* another one is a programmer error, as in the real logs */
    uint64_t tail;
    uint64_t epoch;
    struct ledger_append *under_way;
    struct ledger_read *reads[LEDGER_READS_MAX];
    size_t reads_count;
    bool hold; /* poll completes no append while set (a stalled disk) */
    enum ledger_trouble trouble;
    bool full;         /* appends end as REFUSED while set */
    uint64_t refusals; /* how many did */
    bool fail_next;    /* the next append ends as UNKNOWN and is lost */
    bool refuse_next;  /* the next one as REFUSED */
    bool late_next;    /* the next one that is bound to a time as LATE */
    bool unconfirmed;  /* confirmed() is 0: another copy must have it all, and was not asked yet */
};

void fake_log_init(struct fake_log *log);
void fake_log_done(struct fake_log *log);

#define FAKE_ODDS_CHANGES_MAX    4096
#define FAKE_ODDS_SELECTIONS_MAX 160

/* Keeps each change, with its texts, for replay(). */
struct fake_odds_change {
    struct odds_log_change change;
    struct odds_log_selection selections[FAKE_ODDS_SELECTIONS_MAX];
    char texts[2 + FAKE_ODDS_SELECTIONS_MAX]
              [MARKET_ID_BYTES_MAX]; /* market, event, then selections */
};

struct fake_odds_log {
    struct odds_log port;
    struct fake_odds_change *changes; /* owned */
    uint64_t position;                /* of the last change; the first is 1 */
    bool fail;                        /* answers 0: its writer is too far behind */
    uint32_t epoch;
};

void fake_odds_log_init(struct fake_odds_log *log);
void fake_odds_log_done(struct fake_odds_log *log);
