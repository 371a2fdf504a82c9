/* reconcile.h - the live state held against a second fold of the same log (app/shadow.h).
 *
 * The shadow asks; the book, at the end of a turn, copies a few rows of its state and all house
 * accounts, as they are after record `seq`; the shadow compares them when its own fold has come
 * to exactly that record. So the live loop pays for one copy of RECONCILE_ROWS rows of each kind
 * (some 250 KB, tens of microseconds) and never waits, every row's turn comes round, and a
 * difference names its row at once. The first one stops betting (book.h).
 *
 * One exchange joins two threads: functions that begin with live_ are the book's loop's, those
 * with shadow_ the shadow's, the others anyone's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ledger/shard_state.h"
#include "ledger/shard_verdicts.h"

#define RECONCILE_ROWS       1024 /* of each kind in one sample */
#define RECONCILE_TEXT_BYTES 320

enum reconcile_kind {
    RECONCILE_COUNT = 0,
    RECONCILE_HOUSE,
    RECONCILE_ACCOUNT,
    RECONCILE_MARKET,
    RECONCILE_SELECTION,
    RECONCILE_LEG,
    RECONCILE_BET
};

/* Kinds of rows, of which some are in a sample. */
#define RECONCILE_ROW_KINDS     5
#define RECONCILE_ROW_BYTES_MAX 128

/* Rows of one kind: [first, first + count) of the rows_count that there are, numbered from 0. */
struct reconcile_range {
    uint32_t first, count, rows_count;
};

/* The live state after record `seq`: all of its small parts, some rows of its large ones. All
 * verdicts ever are in their chain, but for the last few that have not joined it. */
struct reconcile_sample {
    uint64_t seq;
    struct shard_counts counts;
    struct shard_verdicts_chain verdicts;
    uint32_t houses_count;
    struct shard_house houses[CURRENCIES_MAX];
    struct reconcile_range ranges[RECONCILE_ROW_KINDS];
    unsigned char rows[RECONCILE_ROW_KINDS][RECONCILE_ROWS][RECONCILE_ROW_BYTES_MAX];
};

/* Where they differ. */
struct reconcile_drift {
    uint64_t seq; /* the states are those after this record */
    enum reconcile_kind kind;
    uint32_t ref;           /* account or market ref, index of the others */
    const char *field;      /* "available"; static */
    int64_t live, refolded; /* its values */
    uint64_t record;        /* the record at which they part; 0: not known (yet) */
    unsigned char row[RECONCILE_ROW_BYTES_MAX]; /* the live one; of kinds of rows only */
    char text[RECONCILE_TEXT_BYTES];            /* all of it as a sentence */
};

struct reconcile;

int reconcile_new(struct reconcile **ret_reconcile);
void reconcile_free(struct reconcile *reconcile); /* accepts NULL; both threads have ended */

/* ---- the live side ---- */

/* Copies the next rows when they were asked for; else it is one load. */
void live_reconcile_give(struct reconcile *reconcile, const struct shard_state *state);
/* Records behind this one were made others before they were written: a sample of a state with them
 * is not compared. */
void live_reconcile_recall(struct reconcile *reconcile, uint64_t seq_durable);
/* The drift that was found, or NULL; never changed again. */
const struct reconcile_drift *live_reconcile_drift(const struct reconcile *reconcile);
/* The same, once it is known at which record they part (`record`, and the text says so). */
const struct reconcile_drift *live_reconcile_explained(const struct reconcile *reconcile);

/* ---- the shadow's side ---- */

/* Asks for the next sample; none is outstanding. */
void shadow_reconcile_ask(struct reconcile *reconcile);
bool shadow_reconcile_asked(const struct reconcile *reconcile);
/* The sample when it was given, until shadow_reconcile_done(); else NULL. */
const struct reconcile_sample *shadow_reconcile_given(const struct reconcile *reconcile);
/* Whether it is to be compared. To be asked once the log has come to its record. */
bool shadow_reconcile_counts(const struct reconcile *reconcile);
void shadow_reconcile_done(struct reconcile *reconcile);
/* Tells the live side; the first one counts. */
void shadow_reconcile_tell(struct reconcile *reconcile, const struct reconcile_drift *drift);
/* Says at which record the two parted. Once, after it was told. */
void shadow_reconcile_explain(struct reconcile *reconcile, const struct reconcile_drift *drift);

/* ---- pure ---- */

/* The state is at the sample's seq. False, and *ret_drift with its text, at the first difference.
 */
bool reconcile_compare(const struct reconcile_sample *sample, const struct shard_state *state,
                       struct reconcile_drift *ret_drift);
/* Is the refolded row the live one? For kinds with a row. */
bool reconcile_row_is(const struct reconcile_drift *drift, const struct shard_state *state);
/* Writes drift->text anew. */
void reconcile_say(struct reconcile_drift *drift, const struct shard_state *state);

/* ---- anyone's ---- */

struct reconcile_stats {
    uint64_t samples; /* compared and found alike */
    uint64_t rounds;  /* times that every row had its turn */
    uint64_t drift;   /* 0 or 1 */
};
struct reconcile_stats reconcile_stats(const struct reconcile *reconcile);
