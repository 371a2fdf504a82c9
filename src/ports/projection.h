/* projection.h - the tables that people query, `bets` and `balances`, as a projector fills them
 * (DESIGN part 3, 6.7; docs/LEDGER.md, "Projections"): rows are inserted and never changed, and
 * with each step the place in the log up to which they go, in one transaction. So a row is there
 * exactly once, whatever dies when.
 *
 * Nothing in here is the truth: it can be thrown away and made again from the log. Calls block, on
 * a thread that may wait. Thread: one at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "ledger/projected_rows.h"

#define PROJECTION_ROWS_MAX    4096 /* of each table in one step */
#define PROJECTION_COMPARE_MAX 100  /* in one comparison */

/* Up to where a shard was projected. All 0: nothing was. */
struct projection_place {
    uint64_t seq;
    uint32_t crc;            /* of that record: says of which log */
    int64_t time_us;         /* of that record */
    uint64_t bets, balances; /* rows of the shard so far, of a store that has no count() */
};

/* Rows in the order of seq, then leg_no; all of them behind `before`, none behind `after`. */
struct projection_step {
    uint32_t shard;
    struct projection_place before, after;
    const struct bet_row *bets;
    size_t bets_count;
    const struct balance_row *balances;
    size_t balances_count;
};

enum projection_table { PROJECTION_BETS = 0, PROJECTION_BALANCES };

/* Which rows: of a shard, up to a place. */
struct projection_range {
    enum projection_table table;
    uint32_t shard;
    uint64_t seq_last;
};

/* To be compared: of bets, or of balances (the other is NULL), as a place has them. */
struct projection_rows {
    const struct bet_row *bets;
    const struct balance_row *balances;
    size_t count; /* PROJECTION_COMPARE_MAX at most; no two have the same key */
    uint64_t seq_last;
};

struct projection_difference {
    size_t row;         /* the first that is not there, or is another */
    struct slice there; /* what is there, in the store's words; empty: nothing. Borrowed until the
                         * next comparison */
    uint64_t ahead;     /* of balances: have moved on, behind the place */
};

/* Of a shard. */
struct projection_count {
    uint64_t bets, balances;             /* rows up to the place */
    uint64_t bets_ahead, balances_ahead; /* behind it: of a step under way, or one that died */
    uint64_t seq_max;                    /* of all of them */
    uint64_t strays;                     /* rows of no shard, whose ever */
    bool balances_kept;                  /* there are any */
};

struct projection_store;

struct projection_store_ops {
    /* Makes the tables where they are missing; before anything else is asked. 0; -ERR_CONFIG:
     * tables of a newer program, or others; -ERR_ABSENT: later again; -ERR_IO: it refuses. With
     * `why`. */
    int (*prepare)(struct projection_store *store, struct buf *why);
    /* 0; -ERR_ABSENT: the store is away; -ERR_IO: it refuses, problem() says why. */
    int (*place)(struct projection_store *store, uint32_t shard, struct projection_place *ret);
    /* All of it or nothing. 0; -ERR_BUSY: the place is not `before`, somebody else has moved it;
     * -ERR_ABSENT: away, or the answer was lost: place() says what is there; -ERR_IO. */
    int (*put)(struct projection_store *store, const struct projection_step *step);
    /* A store that keeps rows in the order of the log has the next three, for a comparison; they
     * are NULL where rows are found by their keys. */
    /* Begins to read rows: their lines (ledger/projected_rows.h), in the order of
     * steps, `bets` and `balances` beside each other. 0, -ERR_ABSENT, -ERR_IO. */
    int (*read)(struct projection_store *store, const struct projection_range *range);
    /* 1: a line, without its end, borrowed until the next one of that table; 0: there is no more;
     * -ERR_ABSENT, -ERR_IO. */
    int (*next)(struct projection_store *store, enum projection_table table,
                struct slice *ret_line);
    /* Rows behind their shard's place, which no projector wrote. 0 or an error, as place(). */
    int (*strays)(struct projection_store *store, uint64_t *ret_rows);
    /* A store that finds rows by their keys has these two, else NULL. Of balances it has each
     * customer's newest only. After place(): */
    /* 0: all are there, the same (but for *ret->ahead); 1: *ret says which is not; -ERR_ABSENT,
     * -ERR_IO. */
    int (*compare)(struct projection_store *store, const struct projection_rows *rows,
                   struct projection_difference *ret);
    /* Counts all rows; seq_last of the range is the place. 0, -ERR_ABSENT, -ERR_IO. */
    int (*count)(struct projection_store *store, const struct projection_range *range,
                 struct projection_count *ret);
    /* From any thread: what waits for the store ends soon, with -ERR_ABSENT. */
    void (*leave)(struct projection_store *store);
    const char *(*problem)(const struct projection_store *store); /* of the last error; or "" */
    void (*free)(struct projection_store *store);
};

struct projection_store {
    const struct projection_store_ops *ops;
};
