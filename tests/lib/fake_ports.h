/* fake_ports.h - ports in memory for tests of the book: a ledger log that keeps its groups and
 * completes them when told to, and an odds log that counts. Real decisions, no disk. */
#pragma once

#include <stdbool.h>

#include "ports/ledger_log.h"
#include "ports/odds_log.h"

struct fake_log {
    struct ledger_log port;
    char *bytes; /* owned; the durable records */
    size_t size, capacity;
    uint64_t tail;
    uint64_t epoch;
    struct ledger_append *under_way;
    struct ledger_read *reads[LEDGER_READS_MAX];
    size_t reads_count;
    bool hold;      /* poll completes no append while set (a stalled disk) */
    bool fail_next; /* the next append ends as UNKNOWN and is lost */
};

void fake_log_init(struct fake_log *log);
void fake_log_done(struct fake_log *log);

struct fake_odds_log {
    struct odds_log port;
    uint64_t position;
    uint32_t epoch;
    uint64_t changes;
};

void fake_odds_log_init(struct fake_odds_log *log);
