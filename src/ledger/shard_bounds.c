/* shard_bounds.c - every number of a state that came from outside, against what the fold relies
 * on without asking again: an index is within its table, a fraction has a denominator, an enum is
 * one of its values. What the numbers say together is shard_state_check's. */
#include "base/error.h"
#include "core/bet.h"
#include "core/cash_out.h"
#include "core/deductions.h"
#include "ledger/shard_proposals_internal.h"
#include "ledger/shard_referrals_internal.h"

static bool within(int64_t balance)
{
    return balance >= -SHARD_BALANCE_MAX && balance <= SHARD_BALANCE_MAX;
}

static bool is_zero(const void *at, size_t bytes)
{
    const char *byte = at;
    for (size_t i = 0; i < bytes; i++)
        if (byte[i] != 0)
            return false;
    return true;
}

static int check_houses(struct shard_state *state)
{
    for (size_t i = 0; i < state->houses_count; i++) {
        const struct shard_house *house = &state->houses[i];
        REQUIRE(currency_known(house->currency) && is_zero(house->reserved, sizeof house->reserved),
                "a house account has a known currency");
        REQUIRE(within(house->cash) && within(house->stakes) && within(house->result) &&
                    within(house->promo) && within(house->returns_open),
                "L4: a balance is beyond all limits");
        for (size_t j = 0; j < i; j++)
            REQUIRE(!currency_equal(house->currency, state->houses[j].currency),
                    "L4: a currency has its house accounts once");
    }
    return 0;
}

static int check_accounts(struct shard_state *state)
{
    REQUIRE(is_zero(&state->accounts[0], sizeof *state->accounts), "account 0 is nobody");
    for (uint32_t ref = 1; ref <= state->accounts_count; ref++) {
        const struct shard_account *account = &state->accounts[ref];
        REQUIRE((account->currency.iso == 0 || currency_known(account->currency)) &&
                    is_zero(account->reserved, sizeof account->reserved),
                "an account has a known currency or none");
        REQUIRE(within(account->available) && within(account->held) && within(account->free) &&
                    within(account->bonus) && within(account->stakes_open),
                "L4: a balance is beyond all limits");
        REQUIRE(account->seq_last <= state->seq, "L1: a number is beyond the last record");
    }
    return 0;
}

static int check_market(struct shard_state *state, const struct shard_market *market)
{
    size_t texts = symbols_count(state->texts);
    REQUIRE(market->event_id < texts && market->provider < texts && market->sport < texts &&
                market->event_name < texts && market->name < texts && market->kind < texts,
            "a market's texts are known");
    REQUIRE(market->selections_count <= SELECTIONS_MAX &&
                market->selections_first <= state->selections_count &&
                market->selections_count <= state->selections_count - market->selections_first,
            "a market's selections are within their table");
    REQUIRE(shard_status_valid(market->status), "no such market status");
    REQUIRE(within(market->stakes_open) && within(market->stakes_single) &&
                within(market->returns_open),
            "L4: a balance is beyond all limits");
    REQUIRE(market->deduction_model <= DEDUCT_PRICE && market->cap_pence <= 99 &&
                market->waive_pence <= 99 && market->has_result <= 1,
            "a market's deductions are known");
    REQUIRE(market->opened_version <= market->result_version &&
                market->model_version <= market->result_version &&
                (market->deduction_model == 0 || market->model_version > 0),
            "L7: a result has its version");
    REQUIRE(market->seq_result <= state->seq && market->seq_stopped <= state->seq,
            "L1: a number is beyond the last record");
    return 0;
}

static int check_markets(struct shard_state *state)
{
    size_t texts = symbols_count(state->texts);
    REQUIRE(is_zero(&state->markets[0], sizeof *state->markets), "market 0 is none");
    for (uint32_t ref = 1; ref <= state->markets_count; ref++)
        TRY(check_market(state, &state->markets[ref]));
    for (uint32_t i = 0; i < state->selections_count; i++) {
        const struct shard_selection *selection = &state->selections[i];
        REQUIRE(selection->id < texts && selection->name < texts, "a selection's texts are known");
        REQUIRE(shard_result_valid(&selection->result), "the factors are impossible");
        REQUIRE(selection->result_version > 0 || selection->result.win.known == 0,
                "L7: a result has its version");
        REQUIRE(selection->deduction_model <= DEDUCT_PRICE &&
                    (selection->deduction_model != 0) == (selection->result.deduction != 0) &&
                    is_zero(selection->reserved, sizeof selection->reserved),
                "a selection's deduction is of a model");
        REQUIRE(within(selection->costs_open), "L4: a balance is beyond all limits");
    }
    return 0;
}

static int check_leg(struct shard_state *state, const struct shard_leg *leg, uint32_t bet)
{
    const struct shard_market *market = shard_market_at(state, leg->market);
    REQUIRE(market != NULL && leg->selection < market->selections_count,
            "L6: the selection is unknown");
    REQUIRE(leg->bet == bet, "L7: a leg is its bet's");
    REQUIRE(leg->odds.denominator != 0 && leg->odds.numerator > leg->odds.denominator,
            "L6: there was a price");
    REQUIRE(((unsigned)leg->flags & ~LEG_FLAGS_ALL) == 0 && leg->reserved == 0,
            "a leg's flags are known");
    REQUIRE(shard_factors_valid(leg->win) && shard_factors_valid(leg->place),
            "the factors are impossible");
    return 0;
}

static int check_bet_numbers(struct shard_state *state, const struct shard_bet *bet)
{
    REQUIRE(bet->bet_id <= state->last_bet_id.n, "bet ids rise");
    REQUIRE(bet->seq_placed >= 1 && bet->seq_placed <= bet->seq_last &&
                bet->seq_last <= state->seq && bet->seq_settled <= state->seq &&
                bet->seq_result <= state->seq,
            "L1: a number is beyond the last record");
    REQUIRE(bet->seq_verdict >= bet->seq_placed && bet->seq_verdict <= bet->seq_last,
            "L3: a bet's verdict is among its records");
    REQUIRE(bet->payout >= 0 && bet->payout <= MONEY_MINOR_MAX && bet->returns >= 0 &&
                bet->returns <= MONEY_MINOR_MAX && bet->cashed_out >= 0 &&
                bet->cashed_out <= MONEY_MINOR_MAX && bet->stake <= bet->stake_placed &&
                bet->stake_placed <= MONEY_MINOR_MAX,
            "L4: a balance is beyond all limits");
    return 0;
}

/* The legs of the bets before end where this one's begin. */
static int check_bet(struct shard_state *state, uint32_t index, uint32_t legs_first)
{
    const struct shard_bet *bet = &state->bets[index];
    TRY(check_bet_numbers(state, bet));
    REQUIRE(bet->account >= 1 && bet->account <= state->accounts_count,
            "L7: an account's counts are those of its bets");
    REQUIRE(bet->state >= BET_STATE_PENDING && bet->state < BET_STATES &&
                bet->policy >= PRICE_BETTER && bet->policy <= PRICE_ANY &&
                bet->rounding >= ROUND_DOWN && bet->rounding <= ROUND_HALF_EVEN &&
                ((unsigned)bet->flags & ~BET_FLAGS_ALL) == 0,
            "a bet's state, policy, rounding and flags are known");
    REQUIRE(bet->legs_count >= 1 && bet->legs_count <= BET_LEGS_MAX &&
                bet->legs_first == legs_first && bet->legs_count <= state->legs_count - legs_first,
            "L7: a bet has its legs");
    REQUIRE(
        bet->cash_outs <= CASH_OUTS_OF_BET_MAX &&
            (bet->cash_out_waits == CASH_OUT_NONE || bet->cash_out_waits < state->cash_outs_count),
        "L7: a bet's cash-outs are within their table");
    for (uint32_t i = 0; i < bet->legs_count; i++)
        TRY(check_leg(state, &state->legs[legs_first + i], index));
    return 0;
}

int shard_check_bets(struct shard_state *state, uint32_t first, uint32_t count)
{
    uint64_t before = first == 0 ? 0 : state->bets[first - 1].bet_id;
    uint32_t legs =
        first == 0 ? 0 : state->bets[first - 1].legs_first + state->bets[first - 1].legs_count;
    for (uint32_t i = first; i < first + count; i++) {
        REQUIRE(state->bets[i].bet_id > before, "bet ids rise");
        before = state->bets[i].bet_id;
        TRY(check_bet(state, i, legs));
        legs += state->bets[i].legs_count;
    }
    return 0;
}

/* Each request that was decided has its verdict, in memory or not. */
int shard_check_verdicts(struct shard_state *state)
{
    const struct shard_counts *counts = &state->counts;
    const struct verdict_ring *ring = &state->verdicts;
    uint64_t decided = state->bets_count;
    bool fits = !__builtin_add_overflow(decided, counts->bets_refused, &decided) &&
                !__builtin_add_overflow(decided, counts->deposits, &decided) &&
                !__builtin_add_overflow(decided, counts->withdrawals, &decided) &&
                !__builtin_add_overflow(decided, counts->promotions, &decided) &&
                !__builtin_add_overflow(decided, counts->money_refused, &decided) &&
                !__builtin_add_overflow(decided, counts->cash_outs_asked, &decided);
    REQUIRE(fits && decided == ring->total, "L3: every request decided has a verdict");
    return 0;
}

int shard_check_verdict(struct shard_state *state, const struct shard_verdict *verdict,
                        uint64_t seq_before)
{
    REQUIRE(verdict->seq > seq_before && verdict->seq <= state->seq,
            "L1: a number is beyond the last record");
    REQUIRE(verdict->account >= 1 && verdict->account <= state->accounts_count,
            "L3: a verdict is somebody's");
    if (verdict->bet == BET_NONE)
        return 0;
    REQUIRE(verdict->bet < state->bets_count &&
                state->bets[verdict->bet].seq_placed == verdict->seq &&
                state->bets[verdict->bet].account == verdict->account,
            "L3: a verdict has its bet");
    return 0;
}

/* Each stands in the chain of its market, and each chain comes from behind. */
static int check_windows(struct shard_state *state)
{
    for (uint32_t i = 0; i < state->windows_count; i++) {
        const struct shard_window *window = &state->windows[i];
        REQUIRE(window->market >= 1 && window->market <= state->markets_count,
                "L7: a window of time is a market's");
        REQUIRE(window->next_of_market == WINDOW_NONE ||
                    (window->next_of_market < i &&
                     state->windows[window->next_of_market].market == window->market),
                "L7: a market's windows of time are a chain");
        REQUIRE(window->from_us < window->until_us && window->in_force <= 1 &&
                    is_zero(window->reserved, sizeof window->reserved),
                "a window of time has a begin and an end");
    }
    for (uint32_t ref = 1; ref <= state->markets_count; ref++) {
        uint32_t last = state->markets[ref].windows_last;
        REQUIRE(last == WINDOW_NONE ||
                    (last < state->windows_count && state->windows[last].market == ref),
                "L7: a market's windows of time are a chain");
    }
    return 0;
}

int shard_check_rows(struct shard_state *state)
{
    TRY(check_accounts(state));
    TRY(check_markets(state));
    TRY(check_windows(state));
    TRY(shard_check_stake_limits(state));
    return shard_check_proposals(state);
}

/* Each is of a bet, which knows of the one that waits, and of no other. */
static int check_cash_outs(struct shard_state *state)
{
    uint64_t before = 0, waiting = 0, known = 0;
    for (uint32_t i = 0; i < state->cash_outs_count; i++) {
        const struct shard_cash_out *row = &state->cash_outs[i];
        bool waits = row->seq_verdict == row->seq;
        REQUIRE(row->seq > before && row->seq <= row->seq_verdict &&
                    row->seq_verdict <= state->seq && row->bet < state->bets_count,
                "L3: a cash-out has its bet and its verdict");
        REQUIRE(shard_amount_valid(row->stake) && shard_amount_valid(row->accepted) &&
                    shard_amount_valid(row->bound) && row->tolerance <= CASH_OUT_WHOLE &&
                    row->reserved == 0,
                "L4: a balance is beyond all limits");
        REQUIRE((state->bets[row->bet].cash_out_waits == i) == waits,
                "L7: a bet knows the cash-out that waits");
        before = row->seq;
        waiting += waits;
    }
    for (uint32_t i = 0; i < state->bets_count; i++)
        known += state->bets[i].cash_out_waits != CASH_OUT_NONE;
    REQUIRE(known == waiting, "L7: a bet knows the cash-out that waits");
    return 0;
}

static bool desk_valid(const struct shard_state *state)
{
    static const struct shard_desk none;
    const struct shard_desk *desk = &state->desk;
    if (desk->seq == 0)
        return memcmp(desk, &none, sizeof none) == 0;
    return desk->reserved == 0 &&
           (desk->shard != state->shard ||
            memcmp(desk->book_id, state->book_id, sizeof desk->book_id) != 0);
}

int shard_check_rest(struct shard_state *state)
{
    TRY(check_cash_outs(state));
    TRY(shard_check_referrals(state));
    REQUIRE(desk_valid(state), "words are relayed from another log");
    REQUIRE(state->counts.adjustment_seq <= state->seq &&
                (state->counts.adjustment_seq == 0) == (state->counts.adjustments == 0),
            "L4: the newest write-off is one of those counted");
    uint32_t count = state->bets_count;
    uint64_t last = count == 0 ? 0 : state->bets[count - 1].bet_id;
    REQUIRE(last == state->last_bet_id.n, "bet ids rise");
    REQUIRE(state->legs_count == (count == 0 ? 0
                                             : state->bets[count - 1].legs_first +
                                                   state->bets[count - 1].legs_count),
            "L7: a bet has its legs");
    return check_houses(state);
}
