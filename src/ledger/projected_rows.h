/* projected_rows.h - the rows that a log becomes in the tables which people query (docs/LEDGER.md,
 * "Projections"), and their text. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "core/money.h"
#include "core/odds.h"

/* One leg of a bet as it stood after one of the bet's records. Texts are borrowed. */
struct bet_row {
    uint32_t shard;
    uint64_t seq; /* of the record */
    uint64_t bet_id;
    uint32_t record_no; /* of the bet's, dense; 0: it was placed, or asked for */
    uint16_t leg_no;    /* from 1 */
    const char *record; /* its type ("BET") */
    struct slice user_id, event_id, market_id, selection_id;
    struct odds odds;
    struct currency currency;
    int64_t stake;      /* of the whole bet: what stands of it */
    int64_t payout;     /* of the settlement in force; counts when `paid` */
    int64_t cashed_out; /* for what was bought back */
    const char *status; /* PENDING, PLACED, NOT_ACCEPTED, WON, LOST, VOID or SETTLED */
    const char *result; /* of the leg; NULL: none */
    bool paid;
    int64_t created_us;  /* record time of its first record */
    int64_t settled_us;  /* of what settled it, or bought all of it back; 0: neither */
    int64_t recorded_us; /* of this record */
};

/* A customer's money after a record. */
struct balance_row {
    uint32_t shard;
    uint64_t seq;
    uint64_t moved_seq; /* of the record that moved it last; not in the line */
    uint32_t account;   /* its number in the shard's log */
    struct slice user_id;
    struct currency currency;
    int64_t available, held, free, bonus;
    int64_t recorded_us; /* of the record */
};

/* Room for any row's line: its ids with every byte escaped, and its numbers. */
#define PROJECTED_ROW_BYTES_MAX 1024

/* Appends a row as one line, without its end: the columns in the order of the table, a tab between
 * two of them. It is the text form of PostgreSQL's COPY (\N: no value; instants in UTC), in which
 * each value has one spelling, so that two rows are compared as bytes. A byte that a database's
 * text cannot hold (a zero, or no UTF-8) becomes a question mark. */
void bet_row_write(struct buf *out, const struct bet_row *row);
void balance_row_write(struct buf *out, const struct balance_row *row);
