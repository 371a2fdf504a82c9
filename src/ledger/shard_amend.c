/* shard_amend.c - contract in shard_amend.h. */
#include "ledger/shard_amend.h"

#include "base/assert.h"
#include "base/hash.h"
#include "ledger/shard_referrals_internal.h"

/* Whatever came after it, of its own, was decided on a bet that is open. A result of its markets
 * was not: it says nothing of any bet, and a bet may wait while one comes. */
static bool is_alone(const struct shard_bet *bet, const struct record_head *record)
{
    return bet->state == BET_STATE_OPEN && bet->seq_last == record->seq &&
           bet->cash_out_waits == CASH_OUT_NONE;
}

/* As shard_apply_bet.c counts the one and the other. */
static void count_again(struct shard_state *state, struct shard_bet *bet)
{
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        struct shard_market *market = &state->markets[state->legs[bet->legs_first + i].market];
        market->bets_count--;
        market->bets_unsettled--;
        market->bets_pending++;
    }
    state->counts.bets_placed--;
    bet->state = BET_STATE_PENDING;
}

/* The stake goes to the customer's held money, not to the house. */
static void move_stake(struct shard_state *state, const struct record_head *record,
                       struct record_posting *posting)
{
    ASSERT(posting->kind == LEDGER_HOUSE_STAKES); /* L4: the other end of the stake */
    shard_house_of(state, (struct currency){posting->currency})->stakes -= posting->amount;
    state->accounts[record->account].held += posting->amount;
    posting->account = record->account;
    posting->kind = LEDGER_HELD;
}

bool shard_amend_to_pending(struct shard_state *state, struct record_head *record)
{
    struct record_view view;
    int error = record_view_of(record, record->bytes, &view);
    ASSERT(error == 0 && record->type == RECORD_BET);
    struct record_bet *body = (struct record_bet *)view.body;
    struct shard_bet *bet = shard_bet_of(state, body->bet_id);
    ASSERT(body->outcome == BET_PLACED && bet != NULL && record->postings_count == 2);
    if (!is_alone(bet, record))
        return false;
    count_again(state, bet);
    state->counts.bets_pending++;
    move_stake(state, record, (struct record_posting *)&view.postings[1]);
    body->outcome = BET_PENDING;
    body->decide_at_us = record->time_us;
    shard_amend_chain(record, record->before_crc);
    return true;
}

/* ---- releases ---- */

void shard_waiting_keep(const struct shard_state *state, uint32_t bet,
                        struct shard_waiting *ret_waiting)
{
    uint32_t row = shard_state_find_referral(state, bet);
    ret_waiting->bet = *shard_state_bet(state, bet);
    ret_waiting->referred = row != REFERRAL_NONE;
    if (ret_waiting->referred)
        ret_waiting->referral = *shard_state_referral(state, row);
    for (uint32_t i = 0; i < ret_waiting->bet.legs_count; i++) {
        const struct shard_leg *leg = shard_state_leg(state, ret_waiting->bet.legs_first + i);
        ret_waiting->odds[i] = leg->odds;
        ret_waiting->flags[i] = leg->flags;
    }
}

/* What place_released() of shard_apply_bet.c put in its place. */
static void wait_as_before(struct shard_state *state, struct shard_bet *bet,
                           const struct shard_waiting *waiting)
{
    shard_add_liability(state, bet, -1);
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        state->legs[bet->legs_first + i].odds = waiting->odds[i];
        state->legs[bet->legs_first + i].flags = waiting->flags[i];
    }
    bet->placed_us = waiting->bet.placed_us;
    bet->returns = waiting->bet.returns;
    bet->seq_verdict = waiting->bet.seq_verdict;
    shard_add_liability(state, bet, 1);
    count_again(state, bet);
}

bool shard_amend_to_waiting(struct shard_state *state, struct record_head *record,
                            const struct shard_waiting *waiting)
{
    struct record_view view;
    int error = record_view_of(record, record->bytes, &view);
    ASSERT(error == 0 && record->type == RECORD_RELEASE);
    struct record_release *body = (struct record_release *)view.body;
    struct shard_bet *bet = shard_bet_of(state, body->bet_id);
    ASSERT(body->outcome == BET_PLACED && bet != NULL && record->postings_count == 2);
    ASSERT(waiting->bet.bet_id == body->bet_id && waiting->bet.state == BET_STATE_PENDING);
    if (!is_alone(bet, record))
        return false;
    if (waiting->referred && !shard_return_referral(state, &waiting->referral))
        return false;
    wait_as_before(state, bet, waiting);
    move_stake(state, record, (struct record_posting *)&view.postings[1]);
    body->outcome = BET_PENDING;
    shard_amend_chain(record, record->before_crc);
    return true;
}

void shard_amend_chain(struct record_head *record, uint32_t before_crc)
{
    record->before_crc = before_crc;
    record->crc = crc32c(0, (const char *)record + 8, record->bytes - 8);
}

void shard_amend_end(struct shard_state *state, uint32_t crc)
{
    state->record_crc = crc;
}
