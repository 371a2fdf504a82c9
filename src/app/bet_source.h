/* bet_source.h - the topic `bet-events` as a fold of a shard's log: the event_source port over a
 * ledger_cursor (ledger/bet_events.h says what a record is as messages).
 *
 * Messages name users, markets and events, and records only refer to them: so the source folds the
 * log once more, beside the book, from the newest snapshot at or below the position that it begins
 * behind. The price is a further state in memory, as large as the live one. Positions are record
 * numbers. Only what was told is visited: `told` says how far that is. Thread: one user. */
#pragma once

#include "ports/event_stream.h"
#include "ports/ledger_cursor.h"
#include "ports/snapshot_store.h"
#include "ports/verdict_store.h"

/* Borrowed until free. */
struct bet_source_ports {
    struct ledger_cursor *cursor;
    struct snapshot_store *snapshots;     /* of the source's thread; NULL: every fold is from 1 */
    const struct verdict_store *verdicts; /* NULL: no verdict is forgotten */
    uint64_t (*told)(void *owner);        /* any thread: the last record that was; never falls */
    void *owner;
};

/* 0 or -ERR_MEMORY. The caller owns *ret_source. Its errors: -ERR_CORRUPT (the log cannot be read
 * or folded, or it ends before the position), -ERR_LIMIT, -ERR_MEMORY, -ERR_IO. */
int bet_source_new(const struct shard_limits *limits, const struct bet_source_ports *ports,
                   struct event_source **ret_source);
/* A sentence about the last error, or "". */
const char *bet_source_problem(const struct event_source *source);
