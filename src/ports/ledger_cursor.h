/* ledger_cursor.h - follows the durable records of one shard, in bounded steps.
 *
 * For those who fold the log a second time on a thread of their own (app/shadow.h). It takes no
 * lock that the writer of the log could ever wait for, so the thread may be of the lowest
 * priority. Thread: one user, any thread; the log outlives it. */
#pragma once

#include "ports/ledger_log.h"

struct ledger_cursor;

struct ledger_cursor_ops {
    /* The next step begins with this record, from 1 on; it need not be there yet. */
    void (*seek)(struct ledger_cursor *cursor, uint64_t seq_first);
    /* The last durable record now; steps go as far until the next look. 0: none. */
    uint64_t (*look)(struct ledger_cursor *cursor);
    /* Visits the next whole groups, after about bytes_max bytes no more. Blocks for reading them.
     * 1: there is more up to what was looked at; 0: there is not; the visitor's negative answer;
     * -ERR_CORRUPT; -ERR_IO; -ERR_NOT_FOUND (a file is missing); -ERR_ABSENT (what holds the log is
     * away: later). After an error: seek again. */
    int (*step)(struct ledger_cursor *cursor, size_t bytes_max, ledger_visit visit, void *owner);
    void (*free)(struct ledger_cursor *cursor);
};

struct ledger_cursor {
    const struct ledger_cursor_ops *ops;
};
