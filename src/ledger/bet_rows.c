/* bet_rows.c - contract in bet_rows.h. */
#include "ledger/bet_rows.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "core/bet.h"
#include "core/settle.h"
#include "ledger/record_json.h"

/* What the rows of a bet need and its state does not keep. */
struct trace {
    int64_t created_us;
    int64_t settled_us; /* 0: it is not */
    uint32_t records;
};

struct bet_rows {
    struct trace *traces; /* owned; by the bet's index */
    size_t traces_count;
    struct bet_row rows[BET_LEGS_MAX];
};

int bet_rows_new(const struct shard_limits *limits, struct bet_rows **ret_rows)
{
    struct bet_rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL)
        return -ERR_MEMORY;
    rows->traces_count = limits->bets_max;
    rows->traces = reserve_new(rows->traces_count, sizeof *rows->traces);
    if (rows->traces == NULL) {
        bet_rows_free(rows);
        return -ERR_MEMORY;
    }
    *ret_rows = rows;
    return 0;
}

void bet_rows_free(struct bet_rows *rows)
{
    if (rows == NULL)
        return;
    reserve_free(rows->traces, rows->traces_count, sizeof *rows->traces);
    free(rows);
}

static bool is_settled(const struct shard_bet *bet)
{
    return bet->state == BET_STATE_SETTLED || bet->state == BET_STATE_CASHED_OUT;
}

static void note(struct trace *trace, const struct shard_bet *bet, int64_t time_us)
{
    if (trace->records == 0)
        trace->created_us = time_us;
    if (!is_settled(bet))
        trace->settled_us = 0;
    else if (trace->settled_us == 0)
        trace->settled_us = time_us;
    trace->records++;
}

/* ---- words ---- */

static const char *settled_text(const struct shard_state *state, const struct shard_bet *bet)
{
    struct settled_results results = {0};
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_leg *leg = shard_state_leg(state, bet->legs_first + i);
        if (leg->win.known == 1)
            settled_results_add(&results, record_factors(leg->win));
        if (leg->place.known == 1)
            settled_results_add(&results, record_factors(leg->place));
    }
    return settled_results_text(&results, bet->payout);
}

static const char *status_text(const struct shard_state *state, const struct shard_bet *bet)
{
    switch ((enum bet_state)bet->state) {
    case BET_STATE_PENDING:
    case BET_STATE_REFERRED:
        return "PENDING";
    case BET_STATE_OPEN:
        return "PLACED";
    case BET_STATE_NOT_ACCEPTED:
        return "NOT_ACCEPTED";
    case BET_STATE_SETTLED:
        return settled_text(state, bet);
    case BET_STATE_CASHED_OUT:
        return "SETTLED";
    case BET_STATES:
        break;
    }
    return "PLACED";
}

static const char *result_text(const struct shard_leg *leg)
{
    return leg->win.known == 1 ? leg_outcome_text(leg_result_outcome(record_factors(leg->win)))
                               : NULL;
}

/* ---- rows ---- */

/* What all rows of the record have alike. */
static struct bet_row row_of(const struct record_view *record, const struct shard_state *state,
                             const struct shard_bet *bet, const struct trace *trace)
{
    const struct shard_account *account =
        shard_state_account(state, (struct account_ref){bet->account});
    return (struct bet_row){
        .shard = shard_state_shard(state),
        .seq = record->head->seq,
        .bet_id = bet->bet_id,
        .record_no = trace->records - 1,
        .record = record_type_text((enum record_type)record->head->type),
        .user_id = shard_state_user_id(state, (struct account_ref){bet->account}),
        .currency = account->currency,
        .stake = bet->stake,
        .payout = bet->payout,
        .paid = bet->state == BET_STATE_SETTLED,
        .cashed_out = bet->cashed_out,
        .status = status_text(state, bet),
        .created_us = trace->created_us,
        .settled_us = trace->settled_us,
        .recorded_us = record->head->time_us,
    };
}

static void put_leg(struct bet_row *row, const struct shard_state *state,
                    const struct shard_leg *leg)
{
    struct market_ref market = {leg->market};
    row->market_id = shard_state_market_id(state, market);
    row->event_id = shard_state_text(state, shard_state_market(state, market)->event_id);
    row->selection_id =
        shard_state_text(state, shard_state_selection(state, market, leg->selection)->id);
    row->odds = leg->odds;
    row->result = result_text(leg);
}

const struct bet_row *bet_rows_after(struct bet_rows *rows, const struct record_view *record,
                                     const struct shard_state *state, size_t *ret_count)
{
    uint64_t bet_id = record_bet_id(record);
    uint32_t index = bet_id == 0 ? BET_NONE : shard_state_find_bet(state, (struct bet_id){bet_id});
    *ret_count = 0;
    if (index == BET_NONE)
        return rows->rows;
    ASSERT(index < rows->traces_count);
    const struct shard_bet *bet = shard_state_bet(state, index);
    note(&rows->traces[index], bet, record->head->time_us);
    const struct bet_row alike = row_of(record, state, bet, &rows->traces[index]);
    for (uint16_t i = 0; i < bet->legs_count; i++) {
        rows->rows[i] = alike;
        rows->rows[i].leg_no = (uint16_t)(i + 1);
        put_leg(&rows->rows[i], state, shard_state_leg(state, bet->legs_first + i));
    }
    *ret_count = bet->legs_count;
    return rows->rows;
}

struct balance_row balance_row_of(const struct shard_state *state, uint32_t account)
{
    struct account_ref ref = {account};
    const struct shard_account *a = shard_state_account(state, ref);
    return (struct balance_row){
        .shard = shard_state_shard(state),
        .seq = shard_state_seq(state),
        .moved_seq = a->seq_last,
        .account = account,
        .user_id = shard_state_user_id(state, ref),
        .currency = a->currency,
        .available = a->available,
        .held = a->held,
        .free = a->free,
        .bonus = a->bonus,
        .recorded_us = shard_state_time_us(state),
    };
}
