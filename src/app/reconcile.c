/* reconcile.c - contract in reconcile.h. */
#include "app/reconcile.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"

enum phase { PHASE_IDLE = 0, PHASE_ASKED, PHASE_GIVEN };

struct reconcile {
    uint32_t phase;    /* enum phase; whose turn it is with `sample` */
    uint32_t drifted;  /* `drift` is written; never again */
    uint32_t recalled; /* `sample` counts for nothing */
    struct reconcile_sample sample;
    struct reconcile_drift drift;
    uint32_t is_explained; /* `explained` is written; never again */
    struct reconcile_drift explained;
    struct reconcile_range next[RECONCILE_ROW_KINDS]; /* the live side's */
    uint32_t rounds_done; /* bit per kind: its last row was given in this round */
    struct reconcile_stats stats;
};

int reconcile_new(struct reconcile **ret_reconcile)
{
    struct reconcile *reconcile = calloc(1, sizeof *reconcile);
    if (reconcile == NULL)
        return -ERR_MEMORY;
    *ret_reconcile = reconcile;
    return 0;
}

void reconcile_free(struct reconcile *reconcile)
{
    free(reconcile);
}

static enum phase phase_of(const struct reconcile *reconcile)
{
    return (enum phase)__atomic_load_n(&reconcile->phase, __ATOMIC_ACQUIRE);
}

static void set_phase(struct reconcile *reconcile, enum phase phase)
{
    __atomic_store_n(&reconcile->phase, phase, __ATOMIC_RELEASE);
}

/* ---- fields, in the order in which a difference is named ---- */

struct field {
    const char *name;
    size_t at, bytes;
};

#define FIELD(type, name)                                                                          \
    {                                                                                              \
#name, offsetof(struct type, name), sizeof(((struct type *)NULL)->name)                    \
    }
#define FIELDS_END                                                                                 \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Money first, so that a difference is named by what it is about. */
static const struct field account_fields[] = {
    FIELD(shard_account, available), FIELD(shard_account, held),
    FIELD(shard_account, free),      FIELD(shard_account, bonus),
    FIELD(shard_account, bets_open), FIELD(shard_account, bets_last),
    FIELD(shard_account, seq_last),  FIELD(shard_account, stakes_open),
    FIELD(shard_account, currency),  FIELDS_END,
};
static const struct field market_fields[] = {
    FIELD(shard_market, stakes_open),
    FIELD(shard_market, stakes_single),
    FIELD(shard_market, returns_open),
    FIELD(shard_market, bets_unsettled),
    FIELD(shard_market, bets_pending),
    FIELD(shard_market, bets_count),
    FIELD(shard_market, legs_last),
    FIELD(shard_market, windows_last),
    FIELD(shard_market, status),
    FIELD(shard_market, holds),
    FIELD(shard_market, seq_stopped),
    FIELD(shard_market, seq_result),
    FIELD(shard_market, result_version),
    FIELD(shard_market, opened_version),
    FIELD(shard_market, model_version),
    FIELD(shard_market, newest_version),
    FIELD(shard_market, has_result),
    FIELD(shard_market, deduction_model),
    FIELD(shard_market, cap_pence),
    FIELD(shard_market, waive_pence),
    FIELD(shard_market, selections_count),
    FIELD(shard_market, selections_first),
    FIELDS_END,
};
static const struct field bet_fields[] = {
    FIELD(shard_bet, state),        FIELD(shard_bet, stake),
    FIELD(shard_bet, payout),       FIELD(shard_bet, settlement),
    FIELD(shard_bet, seq_last),     FIELD(shard_bet, seq_settled),
    FIELD(shard_bet, seq_result),   FIELD(shard_bet, seq_placed),
    FIELD(shard_bet, bet_id),       FIELD(shard_bet, account),
    FIELD(shard_bet, returns),      FIELD(shard_bet, cashed_out),
    FIELD(shard_bet, stake_placed), FIELD(shard_bet, placed_us),
    FIELD(shard_bet, legs_first),   FIELD(shard_bet, legs_count),
    FIELD(shard_bet, sizes),        FIELD(shard_bet, flags),
    FIELD(shard_bet, seq_verdict),  FIELD(shard_bet, cash_out_waits),
    FIELD(shard_bet, cash_outs),    FIELDS_END,
};
static const struct field selection_fields[] = {FIELD(shard_selection, result),
                                                FIELD(shard_selection, costs_open),
                                                FIELD(shard_selection, id),
                                                FIELD(shard_selection, name),
                                                FIELD(shard_selection, result_version),
                                                FIELD(shard_selection, deduction_model),
                                                FIELDS_END};
static const struct field leg_fields[] = {
    FIELD(shard_leg, win),
    FIELD(shard_leg, place),
    FIELD(shard_leg, odds),
    FIELD(shard_leg, bet),
    FIELD(shard_leg, market),
    FIELD(shard_leg, selection),
    FIELD(shard_leg, next_of_market),
    FIELD(shard_leg, flags),
    FIELD(shard_leg, places),
    FIELDS_END,
};
static const struct field house_fields[] = {
    FIELD(shard_house, cash),  FIELD(shard_house, stakes),       FIELD(shard_house, result),
    FIELD(shard_house, promo), FIELD(shard_house, returns_open), FIELDS_END};
static const struct field count_fields[] = {
    FIELD(shard_counts, bets_placed),    FIELD(shard_counts, bets_pending),
    FIELD(shard_counts, bets_refused),   FIELD(shard_counts, bets_not_accepted),
    FIELD(shard_counts, bets_settled),   FIELD(shard_counts, settlements_reversed),
    FIELD(shard_counts, deposits),       FIELD(shard_counts, withdrawals),
    FIELD(shard_counts, money_refused),  FIELD(shard_counts, fences),
    FIELD(shard_counts, results),        FIELD(shard_counts, cash_outs_asked),
    FIELD(shard_counts, cash_outs_done), FIELD(shard_counts, cash_outs_refused),
    FIELD(shard_counts, bets_referred),  FIELD(shard_counts, promotions),
    FIELD(shard_counts, adjustments),    FIELD(shard_counts, adjustment_seq),
    FIELD(shard_counts, records),        FIELDS_END,
};

/* ---- rows ---- */

static const void *account_at(const struct shard_state *state, uint32_t row)
{
    return shard_state_account(state, (struct account_ref){row + 1});
}

static const void *market_at(const struct shard_state *state, uint32_t row)
{
    return shard_state_market(state, (struct market_ref){row + 1});
}

static const void *selection_at(const struct shard_state *state, uint32_t row)
{
    return shard_state_selection_at(state, row);
}

static const void *leg_at(const struct shard_state *state, uint32_t row)
{
    return shard_state_leg(state, row);
}

static const void *bet_at(const struct shard_state *state, uint32_t row)
{
    return shard_state_bet(state, row);
}

/* In the order in which they are compared: the first difference is told. Rows of accounts and
 * markets are told by their refs, from 1. */
static const struct row_kind {
    enum reconcile_kind kind;
    uint32_t numbered_from;
    size_t bytes;
    uint32_t (*count)(const struct shard_state *state);
    const void *(*at)(const struct shard_state *state, uint32_t row);
    const struct field *fields;
} row_kinds[RECONCILE_ROW_KINDS] = {
    {RECONCILE_ACCOUNT, 1, sizeof(struct shard_account), shard_state_accounts_count, account_at,
     account_fields},
    {RECONCILE_BET, 0, sizeof(struct shard_bet), shard_state_bets_count, bet_at, bet_fields},
    {RECONCILE_LEG, 0, sizeof(struct shard_leg), shard_state_legs_count, leg_at, leg_fields},
    {RECONCILE_MARKET, 1, sizeof(struct shard_market), shard_state_markets_count, market_at,
     market_fields},
    {RECONCILE_SELECTION, 0, sizeof(struct shard_selection), shard_state_selections_count,
     selection_at, selection_fields},
};
_Static_assert(sizeof(struct shard_bet) <= RECONCILE_ROW_BYTES_MAX, "the longest row");

/* ---- copying ---- */

static void cut(struct reconcile_range *range, uint32_t rows_count)
{
    range->rows_count = rows_count;
    if (range->first >= rows_count)
        range->first = 0;
    range->count =
        rows_count - range->first < RECONCILE_ROWS ? rows_count - range->first : RECONCILE_ROWS;
}

/* The ranges say which rows, and are cut to what there is. */
static void copy_rows(const struct shard_state *state, struct reconcile_sample *sample)
{
    sample->seq = shard_state_seq(state);
    sample->counts = *shard_state_counts(state);
    sample->verdicts = shard_state_verdicts_chain(state);
    sample->houses_count = (uint32_t)shard_state_houses_count(state);
    for (uint32_t i = 0; i < sample->houses_count; i++)
        sample->houses[i] = *shard_state_house(state, i);
    for (size_t kind = 0; kind < RECONCILE_ROW_KINDS; kind++) {
        struct reconcile_range *range = &sample->ranges[kind];
        cut(range, row_kinds[kind].count(state));
        for (uint32_t i = 0; i < range->count; i++)
            memcpy(sample->rows[kind][i], row_kinds[kind].at(state, range->first + i),
                   row_kinds[kind].bytes);
    }
}

static void advance(struct reconcile *reconcile, size_t kind, const struct reconcile_range *given)
{
    reconcile->next[kind].first = given->first + given->count;
    if (reconcile->next[kind].first < given->rows_count)
        return;
    reconcile->next[kind].first = 0;
    reconcile->rounds_done |= 1u << kind;
}

void live_reconcile_give(struct reconcile *reconcile, const struct shard_state *state)
{
    if (phase_of(reconcile) != PHASE_ASKED)
        return;
    struct reconcile_sample *sample = &reconcile->sample;
    memcpy(sample->ranges, reconcile->next, sizeof sample->ranges);
    copy_rows(state, sample);
    for (size_t kind = 0; kind < RECONCILE_ROW_KINDS; kind++)
        advance(reconcile, kind, &sample->ranges[kind]);
    if (reconcile->rounds_done == (1u << RECONCILE_ROW_KINDS) - 1) {
        reconcile->rounds_done = 0;
        __atomic_add_fetch(&reconcile->stats.rounds, 1, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&reconcile->recalled, 0, __ATOMIC_RELAXED);
    set_phase(reconcile, PHASE_GIVEN);
}

/* The shadow cannot have come to its record, which is in no log. */
void live_reconcile_recall(struct reconcile *reconcile, uint64_t seq_durable)
{
    if (phase_of(reconcile) == PHASE_GIVEN && reconcile->sample.seq > seq_durable)
        __atomic_store_n(&reconcile->recalled, 1, __ATOMIC_RELEASE);
}

const struct reconcile_drift *live_reconcile_drift(const struct reconcile *reconcile)
{
    return __atomic_load_n(&reconcile->drifted, __ATOMIC_ACQUIRE) == 0 ? NULL : &reconcile->drift;
}

const struct reconcile_drift *live_reconcile_explained(const struct reconcile *reconcile)
{
    bool known = __atomic_load_n(&reconcile->is_explained, __ATOMIC_ACQUIRE) != 0;
    return known ? &reconcile->explained : NULL;
}

/* ---- asking ---- */

void shadow_reconcile_ask(struct reconcile *reconcile)
{
    ASSERT(phase_of(reconcile) == PHASE_IDLE);
    set_phase(reconcile, PHASE_ASKED);
}

bool shadow_reconcile_asked(const struct reconcile *reconcile)
{
    return phase_of(reconcile) != PHASE_IDLE;
}

const struct reconcile_sample *shadow_reconcile_given(const struct reconcile *reconcile)
{
    return phase_of(reconcile) == PHASE_GIVEN ? &reconcile->sample : NULL;
}

bool shadow_reconcile_counts(const struct reconcile *reconcile)
{
    return __atomic_load_n(&reconcile->recalled, __ATOMIC_ACQUIRE) == 0;
}

void shadow_reconcile_done(struct reconcile *reconcile)
{
    ASSERT(phase_of(reconcile) == PHASE_GIVEN);
    __atomic_add_fetch(&reconcile->stats.samples, 1, __ATOMIC_RELAXED);
    set_phase(reconcile, PHASE_IDLE);
}

void shadow_reconcile_tell(struct reconcile *reconcile, const struct reconcile_drift *drift)
{
    if (live_reconcile_drift(reconcile) != NULL)
        return;
    reconcile->drift = *drift;
    __atomic_store_n(&reconcile->stats.drift, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&reconcile->drifted, 1, __ATOMIC_RELEASE);
}

void shadow_reconcile_explain(struct reconcile *reconcile, const struct reconcile_drift *drift)
{
    ASSERT(reconcile->is_explained == 0);
    reconcile->explained = *drift;
    __atomic_store_n(&reconcile->is_explained, 1, __ATOMIC_RELEASE);
}

struct reconcile_stats reconcile_stats(const struct reconcile *reconcile)
{
    return (struct reconcile_stats){
        .samples = __atomic_load_n(&reconcile->stats.samples, __ATOMIC_RELAXED),
        .rounds = __atomic_load_n(&reconcile->stats.rounds, __ATOMIC_RELAXED),
        .drift = __atomic_load_n(&reconcile->stats.drift, __ATOMIC_RELAXED),
    };
}

/* ---- comparing ---- */

static int64_t value_of(const void *row, const struct field *field)
{
    int64_t value = 0;
    memcpy(&value, (const char *)row + field->at, field->bytes < 8 ? field->bytes : 8);
    return value;
}

/* Names the first field that differs. A difference in none of them is told as the whole row's. */
static void name_field(const struct field *fields, const void *live, const void *refolded,
                       struct reconcile_drift *drift)
{
    drift->field = "contents";
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (memcmp((const char *)live + field->at, (const char *)refolded + field->at,
                   field->bytes) == 0)
            continue;
        drift->field = field->name;
        drift->live = value_of(live, field);
        drift->refolded = value_of(refolded, field);
        return;
    }
}

static bool count_is(const char *name, uint64_t live, uint64_t refolded,
                     struct reconcile_drift *drift)
{
    if (live == refolded)
        return true;
    drift->kind = RECONCILE_COUNT;
    drift->field = name;
    drift->live = (int64_t)live;
    drift->refolded = (int64_t)refolded;
    return false;
}

/* L3: the same answers under the same keys, in the same order. */
static bool verdicts_are(const struct reconcile_sample *sample, const struct shard_state *state,
                         struct reconcile_drift *drift)
{
    const struct shard_verdicts_chain refolded = shard_state_verdicts_chain(state);
    const struct field whole = {"verdicts_chain", 0, sizeof refolded.hash};
    if (!count_is("verdicts", sample->verdicts.total, refolded.total, drift))
        return false;
    if (memcmp(sample->verdicts.hash, refolded.hash, sizeof refolded.hash) == 0)
        return true;
    drift->kind = RECONCILE_COUNT;
    drift->field = whole.name;
    drift->live = value_of(sample->verdicts.hash, &whole);
    drift->refolded = value_of(refolded.hash, &whole);
    return false;
}

static bool counts_are(const struct reconcile_sample *sample, const struct shard_state *state,
                       struct reconcile_drift *drift)
{
    static const char *const names[RECONCILE_ROW_KINDS] = {"accounts", "bets", "legs", "markets",
                                                           "selections"};
    for (size_t kind = 0; kind < RECONCILE_ROW_KINDS; kind++)
        if (!count_is(names[kind], sample->ranges[kind].rows_count, row_kinds[kind].count(state),
                      drift))
            return false;
    if (!count_is("houses", sample->houses_count, shard_state_houses_count(state), drift))
        return false;
    if (memcmp(&sample->counts, shard_state_counts(state), sizeof sample->counts) == 0)
        return true;
    drift->kind = RECONCILE_COUNT;
    name_field(count_fields, &sample->counts, shard_state_counts(state), drift);
    return false;
}

static bool houses_are(const struct reconcile_sample *sample, const struct shard_state *state,
                       struct reconcile_drift *drift)
{
    for (uint32_t i = 0; i < sample->houses_count; i++) {
        const struct shard_house *refolded = shard_state_house(state, i);
        if (memcmp(&sample->houses[i], refolded, sizeof *refolded) == 0)
            continue;
        drift->kind = RECONCILE_HOUSE;
        drift->ref = i;
        name_field(house_fields, &sample->houses[i], refolded, drift);
        return false;
    }
    return true;
}

static bool rows_are(const struct reconcile_sample *sample, size_t kind,
                     const struct shard_state *state, struct reconcile_drift *drift)
{
    const struct row_kind *rows = &row_kinds[kind];
    const struct reconcile_range *range = &sample->ranges[kind];
    for (uint32_t i = 0; i < range->count; i++) {
        const void *refolded = rows->at(state, range->first + i);
        if (memcmp(sample->rows[kind][i], refolded, rows->bytes) == 0)
            continue;
        drift->kind = rows->kind;
        drift->ref = range->first + i + rows->numbered_from;
        memcpy(drift->row, sample->rows[kind][i], rows->bytes);
        name_field(rows->fields, sample->rows[kind][i], refolded, drift);
        return false;
    }
    return true;
}

static bool all_rows_are(const struct reconcile_sample *sample, const struct shard_state *state,
                         struct reconcile_drift *drift)
{
    for (size_t kind = 0; kind < RECONCILE_ROW_KINDS; kind++)
        if (sample->ranges[kind].rows_count != row_kinds[kind].count(state))
            return true; /* the counts are compared by themselves */
    for (size_t kind = 0; kind < RECONCILE_ROW_KINDS; kind++)
        if (!rows_are(sample, kind, state, drift))
            return false;
    return true;
}

/* The rows go first: what a difference in a sum or count comes from is said by its row. */
bool reconcile_compare(const struct reconcile_sample *sample, const struct shard_state *state,
                       struct reconcile_drift *ret_drift)
{
    struct reconcile_drift drift = {.seq = sample->seq};
    ASSERT(sample->seq == shard_state_seq(state));
    if (all_rows_are(sample, state, &drift) && counts_are(sample, state, &drift) &&
        houses_are(sample, state, &drift) && verdicts_are(sample, state, &drift))
        return true;
    *ret_drift = drift;
    reconcile_say(ret_drift, state);
    return false;
}

bool reconcile_row_is(const struct reconcile_drift *drift, const struct shard_state *state)
{
    for (size_t kind = 0; kind < RECONCILE_ROW_KINDS; kind++) {
        const struct row_kind *rows = &row_kinds[kind];
        uint32_t row = drift->ref - rows->numbered_from;
        if (rows->kind == drift->kind)
            return row < rows->count(state) &&
                   memcmp(rows->at(state, row), drift->row, rows->bytes) == 0;
    }
    return false;
}

/* ---- saying it ---- */

static void say_bet(struct buf *out, const struct shard_bet *bet)
{
    buf_printf(out, "bet %llu of account %u", (unsigned long long)bet->bet_id, bet->account);
}

static void say_where(struct buf *out, const struct reconcile_drift *drift,
                      const struct shard_state *state)
{
    struct slice name = SLICE_NONE;
    switch (drift->kind) {
    case RECONCILE_ACCOUNT:
        name = shard_state_user_id(state, (struct account_ref){drift->ref});
        buf_printf(out, "account %u (%.*s)", drift->ref, SLICE_ARG(name));
        break;
    case RECONCILE_MARKET:
        name = shard_state_market_id(state, (struct market_ref){drift->ref});
        buf_printf(out, "market %u (%.*s)", drift->ref, SLICE_ARG(name));
        break;
    case RECONCILE_SELECTION:
        buf_printf(out, "selection %u", drift->ref);
        break;
    case RECONCILE_LEG:
        say_bet(out, shard_state_bet(state, shard_state_leg(state, drift->ref)->bet));
        buf_printf(out, " leg %u", drift->ref);
        break;
    case RECONCILE_BET:
        say_bet(out, shard_state_bet(state, drift->ref));
        break;
    case RECONCILE_HOUSE:
        buf_printf(out, "house account in %s",
                   currency_code(shard_state_house(state, drift->ref)->currency));
        break;
    case RECONCILE_COUNT:
        buf_put_text(out, "count of");
        break;
    }
}

void reconcile_say(struct reconcile_drift *drift, const struct shard_state *state)
{
    struct buf out = buf_over(drift->text, sizeof drift->text - 1);
    unsigned shard = shard_state_shard(state);
    say_where(&out, drift, state);
    buf_printf(&out, " %s: live %lld, refolded %lld, after record %u-%llu", drift->field,
               (long long)drift->live, (long long)drift->refolded, shard,
               (unsigned long long)drift->seq);
    if (drift->record != 0)
        buf_printf(&out, "; they part at record %u-%llu", shard, (unsigned long long)drift->record);
    drift->text[out.bytes] = '\0';
}
