/* odds_cursor.h - follows the durable changes of the odds log, in bounded steps, while its writer
 * goes on. For those who tell others of it (app/odds_source.h). Thread: one user, any thread; the
 * log outlives it. */
#pragma once

#include "ports/odds_log.h"

struct odds_cursor;

struct odds_cursor_ops {
    /* The next steps visit every change from this position on; and first, as far as they are kept,
     * those from where the process began that wrote at this position: its first change of a market
     * names all of the market's selections. 0, or an error of reading. */
    int (*seek)(struct odds_cursor *cursor, uint64_t position);
    /* Visits the next durable changes, after about bytes_max bytes no more. Blocks for reading. 1:
     * there is more; 0: there is not, now; the visitor's negative answer; -ERR_CORRUPT; -ERR_IO;
     * -ERR_NOT_FOUND: what comes next was deleted, to bound the log. After an error: seek again.
     * *ret_position, on success: all below it was visited. */
    int (*step)(struct odds_cursor *cursor, size_t bytes_max, odds_log_visit visit, void *owner,
                uint64_t *ret_position);
    /* Where the writer's process began: changes from there on were appended by it. */
    uint64_t (*begun)(const struct odds_cursor *cursor);
    /* How many changes it has appended until now, durable or not. */
    uint64_t (*appended)(const struct odds_cursor *cursor);
    void (*free)(struct odds_cursor *cursor);
};

struct odds_cursor {
    const struct odds_cursor_ops *ops;
};
