/* shard_apply_settle.c - settlements and their reversals: what shard_settlement.h says, or nothing.
 */
#include "base/assert.h"
#include "base/error.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_settlement.h"
#include "ledger/shard_state_internal.h"

/* Every leg, its factors and what it deducts, byte by byte. */
static bool legs_are(const struct record_view *record, const struct settlement *settlement)
{
    const struct record_settled_leg *items = record->items;
    return record->head->items_count == settlement->legs_count &&
           memcmp(items, settlement->legs, settlement->legs_count * sizeof *items) == 0 &&
           memcmp(record->texts.at, settlement->deductions,
                  settlement->deductions_count * sizeof *settlement->deductions) == 0;
}

static int check_settle(struct shard_state *state, const struct record_view *record,
                        const struct shard_bet *bet)
{
    const struct record_settle *s = record->body;
    struct settlement settlement;
    struct record_posting expected[SETTLEMENT_POSTINGS_MAX];
    REQUIRE(bet->state == BET_STATE_OPEN, "L7: settling twice pays once");
    shard_settlement_of(state, bet, &settlement);
    REQUIRE(settlement.decided && s->result_seq == settlement.result_seq &&
                s->result_version == settlement.result_version,
            "L7: a settlement follows from the results in force");
    REQUIRE(legs_are(record, &settlement), "L7: the factors are those of the results");
    REQUIRE(s->stake == bet->stake && s->sizes == bet->sizes && s->flags == bet->flags &&
                s->rounding == bet->rounding &&
                s->currency == state->accounts[bet->account].currency.iso &&
                s->settlement == bet->settlement + 1,
            "L7: the settlement is of this bet");
    REQUIRE(s->payout == settlement.payout && s->token_back == settlement.token_back,
            "L7: the payout follows from stake, odds and factors");
    size_t count = shard_settlement_postings(
        state, bet, (struct settled_money){s->payout, s->token_back != 0, 1}, expected);
    REQUIRE(s->balance_after == shard_available_after(state, bet->account, expected, count),
            "L4: the balance is the fold");
    REQUIRE(shard_postings_are(record, expected, count),
            "L4: the postings are those of the payout");
    REQUIRE(shard_postings_fit(state, record), "L4: a balance is beyond all limits");
    return 0;
}

void shard_count_unsettled(struct shard_state *state, const struct shard_bet *bet, int sign)
{
    for (uint32_t i = 0; i < bet->legs_count; i++)
        state->markets[state->legs[bet->legs_first + i].market].bets_unsettled += (uint32_t)sign;
    state->accounts[bet->account].bets_open += (uint32_t)sign;
    shard_add_liability(state, bet, sign);
}

int shard_apply_settle(struct shard_state *state, const struct record_view *record)
{
    const struct record_settle *s = record->body;
    const struct record_settled_leg *legs = record->items;
    struct shard_bet *bet = NULL;
    TRY(shard_find_bet(state, record, s->bet_id, s->previous_seq, &bet));
    TRY(check_settle(state, record, bet));
    shard_post(state, record);
    bet->state = BET_STATE_SETTLED;
    bet->seq_last = bet->seq_settled = record->head->seq;
    bet->seq_result = s->result_seq;
    bet->payout = s->payout;
    bet->settlement = s->settlement;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        state->legs[bet->legs_first + i].win = legs[i].win;
        state->legs[bet->legs_first + i].place = legs[i].place;
    }
    shard_count_unsettled(state, bet, -1);
    state->counts.bets_settled++;
    return 0;
}

bool shard_token_is_back(const struct shard_state *state, const struct shard_bet *bet)
{
    if ((bet->flags & BET_FREE) == 0 || bet->state != BET_STATE_SETTLED)
        return false;
    for (uint32_t i = 0; i < bet->legs_count; i++)
        if (state->legs[bet->legs_first + i].win.void_halves != 2)
            return false;
    return true;
}

static int check_reverse(struct shard_state *state, const struct record_view *record,
                         const struct shard_bet *bet)
{
    const struct record_reverse *r = record->body;
    struct settlement settlement;
    struct record_posting expected[SETTLEMENT_POSTINGS_MAX];
    REQUIRE(bet->state == BET_STATE_SETTLED, "L7: only a settlement is reversed");
    REQUIRE(r->reverses_seq == bet->seq_settled && r->payout == bet->payout,
            "L7: a reversal names the settlement in force");
    shard_settlement_of(state, bet, &settlement);
    REQUIRE(r->result_seq == settlement.result_seq &&
                r->result_version == settlement.result_version && r->result_seq != bet->seq_result,
            "L7: a reversal follows from a newer result");
    REQUIRE(shard_settlement_differs(state, bet, &settlement),
            "L7: the newer result is another one");
    REQUIRE(r->currency == state->accounts[bet->account].currency.iso,
            "L4: an account has one currency");
    size_t count = shard_settlement_postings(
        state, bet, (struct settled_money){bet->payout, shard_token_is_back(state, bet), -1},
        expected);
    REQUIRE(r->balance_after == shard_available_after(state, bet->account, expected, count),
            "L4: the balance is the fold");
    REQUIRE(shard_postings_are(record, expected, count), "L4: a reversal undoes the settlement");
    REQUIRE(shard_postings_fit(state, record) &&
                shard_liability_fits(state, bet, &state->legs[bet->legs_first]),
            "L4: a balance is beyond all limits");
    return 0;
}

int shard_apply_reverse(struct shard_state *state, const struct record_view *record)
{
    const struct record_reverse *r = record->body;
    struct shard_bet *bet = NULL;
    TRY(shard_find_bet(state, record, r->bet_id, r->previous_seq, &bet));
    TRY(check_reverse(state, record, bet));
    shard_post(state, record);
    bet->state = BET_STATE_OPEN;
    bet->seq_last = record->head->seq;
    bet->seq_settled = 0;
    bet->seq_result = 0;
    bet->payout = 0;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        state->legs[bet->legs_first + i].win = (struct record_leg_result){0};
        state->legs[bet->legs_first + i].place = (struct record_leg_result){0};
    }
    shard_count_unsettled(state, bet, 1);
    state->counts.settlements_reversed++;
    return 0;
}
