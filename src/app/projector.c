/* projector.c - contract in projector.h. */
#include "app/projector.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/reserve.h"
#include "core/bet.h"
#include "ledger/bet_rows.h"
#include "ledger/shard_verdicts.h"

enum phase {
    PHASE_PLACE =
        0,      /* the store is asked where it stands; with a step that was put: is it there? */
    PHASE_SEEK, /* the cursor is set behind the state's last record */
    PHASE_FOLD,
    PHASE_PUT, /* the rows wait to be put */
    PHASE_ENDED,
};

/* A visitor's answer: its record was not taken. */
#define HOLD (-ERR_BUSY)

struct projector {
    struct projector_options options;
    enum phase phase;
    int error;                 /* of PHASE_ENDED */
    struct shard_state *state; /* owned, as all below */
    struct bet_rows *bet_rows;
    struct projection_place place;   /* of the store */
    struct projection_place waiting; /* of what waits to be put */
    bool unsure;                     /* it was put, and the answer was lost */
    bool cut;                        /* the cursor's step ended early: it has to be set again */
    uint64_t target;                 /* the last record of the log that steps go to */
    struct bet_row *bets;            /* PROJECTION_ROWS_MAX */
    struct balance_row *balances;    /* PROJECTION_ROWS_MAX */
    uint32_t *dirty;                 /* accounts of the step; PROJECTION_ROWS_MAX */
    uint64_t *dirty_in;              /* by account: the step it is in */
    uint64_t step;
    size_t bets_count, dirty_count;
    int64_t oldest_us; /* record time of the first one behind the place; 0: there is none */
    struct projector_stats stats;
    char text[PROJECTOR_TEXT_BYTES];
};

static void set(uint64_t *stat, uint64_t value)
{
    __atomic_store_n(stat, value, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *stat)
{
    return __atomic_load_n(stat, __ATOMIC_RELAXED);
}

struct projector_stats projector_stats(const struct projector *projector)
{
    const struct projector_stats *s = &projector->stats;
    return (struct projector_stats){
        get(&s->seq),      get(&s->tail),  __atomic_load_n(&s->pending_us, __ATOMIC_RELAXED),
        get(&s->rows),     get(&s->steps), get(&s->retries),
        get(&s->restarts),
    };
}

const char *projector_text(const struct projector *projector)
{
    return projector->text;
}

static int say(struct projector *p, int error, const char *what, const char *why)
{
    struct buf text = buf_over(p->text, sizeof p->text - 1);
    buf_put_text(&text, what);
    buf_put_text(&text, why);
    p->text[text.bytes] = '\0';
    return error;
}

/* ---- begin and end ---- */

static size_t accounts_count(const struct projector *p)
{
    return (size_t)p->options.limits.accounts_max + 1;
}

static int make_rows(struct projector *p)
{
    p->bets = reserve_new(PROJECTION_ROWS_MAX, sizeof *p->bets);
    p->balances = reserve_new(PROJECTION_ROWS_MAX, sizeof *p->balances);
    p->dirty = reserve_new(PROJECTION_ROWS_MAX, sizeof *p->dirty);
    p->dirty_in = reserve_new(accounts_count(p), sizeof *p->dirty_in);
    return p->bets == NULL || p->balances == NULL || p->dirty == NULL || p->dirty_in == NULL
               ? -ERR_MEMORY
               : 0;
}

static void drop_rows(struct projector *p)
{
    p->bets_count = p->dirty_count = 0;
    p->oldest_us = 0;
    p->step++;
    p->unsure = false;
    __atomic_store_n(&p->stats.pending_us, 0, __ATOMIC_RELAXED);
}

/* An empty state, and no rows. */
static int begin_fold(struct projector *p)
{
    shard_state_free(p->state);
    bet_rows_free(p->bet_rows);
    p->state = NULL;
    p->bet_rows = NULL;
    drop_rows(p);
    p->place = (struct projection_place){.seq = 0};
    TRY(shard_state_new(&p->options.limits, &p->state));
    return bet_rows_new(&p->options.limits, &p->bet_rows);
}

int projector_new(const struct projector_options *options, struct projector **ret_projector)
{
    struct projector *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ERR_MEMORY;
    p->options = *options;
    p->options.limits = shard_limits_whole(&options->limits);
    int error = make_rows(p);
    if (error == 0)
        error = begin_fold(p);
    if (error < 0) {
        projector_free(p);
        return error;
    }
    *ret_projector = p;
    return 0;
}

void projector_free(struct projector *p)
{
    if (p == NULL)
        return;
    shard_state_free(p->state);
    bet_rows_free(p->bet_rows);
    reserve_free(p->bets, PROJECTION_ROWS_MAX, sizeof *p->bets);
    reserve_free(p->balances, PROJECTION_ROWS_MAX, sizeof *p->balances);
    reserve_free(p->dirty, PROJECTION_ROWS_MAX, sizeof *p->dirty);
    reserve_free(p->dirty_in, accounts_count(p), sizeof *p->dirty_in);
    free(p);
}

/* ---- the place ---- */

static bool same_place(const struct projection_place *a, const struct projection_place *b)
{
    return a->seq == b->seq && a->crc == b->crc;
}

/* All rows that wait are there. */
static void step_is_done(struct projector *p)
{
    set(&p->stats.seq, p->waiting.seq);
    set(&p->stats.rows, p->stats.rows + p->bets_count + p->dirty_count);
    set(&p->stats.steps, p->stats.steps + 1);
    p->place = p->waiting;
    drop_rows(p);
    p->phase = p->cut ? PHASE_SEEK : PHASE_FOLD;
}

static int begin_again(struct projector *p, const struct projection_place *place)
{
    set(&p->stats.restarts, p->stats.restarts + 1);
    TRY(begin_fold(p));
    p->place = *place;
    p->phase = PHASE_SEEK;
    return PROJECTOR_MORE;
}

static int wait_for(struct projector *p)
{
    set(&p->stats.retries, p->stats.retries + 1);
    return PROJECTOR_WAITS;
}

static int store_refuses(struct projector *p, int error)
{
    const char *why = p->options.store->ops->problem(p->options.store);
    return say(p, error,
               "the projection cannot be written: ", why[0] != '\0' ? why : error_text(error));
}

static int find_place(struct projector *p)
{
    struct projection_place there;
    int error = p->options.store->ops->place(p->options.store, p->options.shard, &there);
    if (error == -ERR_ABSENT)
        return wait_for(p);
    if (error < 0)
        return store_refuses(p, error);
    if (p->unsure && same_place(&there, &p->waiting)) {
        step_is_done(p);
        return PROJECTOR_MORE;
    }
    if (p->unsure && same_place(&there, &p->place)) {
        p->phase = PHASE_PUT;
        return PROJECTOR_MORE;
    }
    set(&p->stats.seq, there.seq);
    if (there.seq <= shard_state_seq(p->state) && shard_state_seq(p->state) > 0)
        return begin_again(p, &there);
    drop_rows(p); /* another projector has put them */
    p->place = there;
    p->phase = PHASE_SEEK;
    return PROJECTOR_MORE;
}

/* ---- putting ---- */

static struct projection_step step_of(struct projector *p)
{
    for (size_t i = 0; i < p->dirty_count; i++)
        p->balances[i] = balance_row_of(p->state, p->dirty[i]);
    p->waiting = (struct projection_place){
        .seq = shard_state_seq(p->state),
        .crc = shard_state_record_crc(p->state),
        .time_us = shard_state_time_us(p->state),
    };
    return (struct projection_step){.shard = p->options.shard,
                                    .before = p->place,
                                    .after = p->waiting,
                                    .bets = p->bets,
                                    .bets_count = p->bets_count,
                                    .balances = p->balances,
                                    .balances_count = p->dirty_count};
}

static int put(struct projector *p)
{
    struct projection_step step = step_of(p);
    int error = p->options.store->ops->put(p->options.store, &step);
    if (error == 0) {
        step_is_done(p);
        return PROJECTOR_MORE;
    }
    if (error != -ERR_BUSY && error != -ERR_ABSENT)
        return store_refuses(p, error);
    p->unsure = true;
    p->phase = PHASE_PLACE;
    return wait_for(p);
}

/* ---- folding ---- */

/* The oldest verdicts are forgotten: nothing is decided here. */
static void forget_verdicts(struct shard_state *state)
{
    uint32_t count = shard_state_verdicts_count(state);
    if (count >= shard_state_limits(state)->verdicts_max)
        (void)shard_state_forget_verdicts(state, UINT64_MAX, count / 4 + SHARD_VERDICTS_BLOCK);
}

static void note_account(struct projector *p, const struct record_head *head)
{
    if (head->account == 0 || head->postings_count == 0 || p->dirty_in[head->account] == p->step)
        return;
    p->dirty_in[head->account] = p->step;
    p->dirty[p->dirty_count++] = head->account;
}

static void keep_rows(struct projector *p, const struct record_view *record)
{
    size_t count = 0;
    const struct bet_row *rows = bet_rows_after(p->bet_rows, record, p->state, &count);
    if (record->head->seq <= p->place.seq)
        return;
    if (p->oldest_us == 0) {
        p->oldest_us = record->head->time_us;
        __atomic_store_n(&p->stats.pending_us, p->oldest_us, __ATOMIC_RELAXED);
    }
    for (size_t i = 0; i < count; i++)
        p->bets[p->bets_count++] = rows[i];
    note_account(p, record->head);
}

/* The record up to which the store has the rows: is it this log's? */
static int check_place(struct projector *p, const struct record_head *head)
{
    if (head->seq != p->place.seq || head->crc == p->place.crc)
        return 0;
    return say(p, -ERR_CORRUPT, "the projection is of another ledger", "");
}

static bool is_full(const struct projector *p)
{
    return p->bets_count + BET_LEGS_MAX > PROJECTION_ROWS_MAX ||
           p->dirty_count == PROJECTION_ROWS_MAX;
}

static int apply(struct projector *p, const struct record_view *record)
{
    forget_verdicts(p->state);
    int error = shard_state_apply(p->state, record);
    if (error == -ERR_CORRUPT)
        return say(p, error, "the ledger cannot be folded: ", shard_state_reason(p->state));
    if (error < 0)
        return say(p, error, "the ledger holds more than the limits allow", "");
    keep_rows(p, record);
    return check_place(p, record->head);
}

static int fold_record(void *owner, uint32_t shard, const char *at, size_t bytes)
{
    struct projector *p = owner;
    struct record_view record;
    (void)shard;
    if (record_view_of(at, bytes, &record) < 0)
        return say(p, -ERR_CORRUPT, "a record's own shape or checksum is broken", "");
    int room = is_full(p) ? put(p) : PROJECTOR_MORE;
    if (room == PROJECTOR_WAITS)
        return HOLD;
    return room < 0 ? room : apply(p, &record);
}

static int seek(struct projector *p)
{
    p->options.cursor->ops->seek(p->options.cursor, shard_state_seq(p->state) + 1);
    p->cut = false;
    p->phase = PHASE_FOLD;
    return PROJECTOR_MORE;
}

/* What is durable but not to be shown yet is waited for. */
static bool look(struct projector *p)
{
    if (p->target <= shard_state_seq(p->state))
        p->target = p->options.cursor->ops->look(p->options.cursor);
    set(&p->stats.tail, p->target);
    return p->options.shown == NULL || p->target <= p->options.shown(p->options.owner);
}

/* The cursor's step ended early: by a put that waits, or by what the log could not do. */
static int cut_short(struct projector *p, int error)
{
    p->cut = true;
    if (error == HOLD)
        return PROJECTOR_WAITS; /* put() has said what comes next */
    p->phase = PHASE_SEEK;
    if (error == -ERR_ABSENT)
        return wait_for(p);
    return p->text[0] != '\0' ? error
                              : say(p, error, "the log could not be read: ", error_text(error));
}

static int fold(struct projector *p)
{
    if (!look(p))
        return PROJECTOR_IDLE;
    int more =
        p->options.cursor->ops->step(p->options.cursor, PROJECTOR_STEP_BYTES, fold_record, p);
    if (more < 0)
        return cut_short(p, more);
    uint64_t seq = shard_state_seq(p->state);
    if (more == 1)
        return PROJECTOR_MORE;
    /* A log that a lost disk or a failover has shortened: what was projected never happened. */
    if (seq < p->place.seq)
        return say(p, -ERR_CORRUPT, "the projection has records that the ledger has not", "");
    if (seq == p->place.seq)
        return PROJECTOR_IDLE;
    p->phase = PHASE_PUT;
    return PROJECTOR_MORE;
}

int projector_step(struct projector *p)
{
    int result = p->error;
    switch (p->phase) {
    case PHASE_PLACE:
        result = find_place(p);
        break;
    case PHASE_SEEK:
        result = seek(p);
        break;
    case PHASE_FOLD:
        result = fold(p);
        break;
    case PHASE_PUT:
        result = put(p);
        break;
    case PHASE_ENDED:
        return p->error;
    }
    if (result < 0) {
        p->error = result;
        p->phase = PHASE_ENDED;
    }
    return result;
}
