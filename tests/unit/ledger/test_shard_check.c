/* test_shard_check.c - shard_state_check sees each sum and count that does not fit: the state is
 * tampered with through its memory, as no record could. */
#include "test.h"

#include "base/error.h"
#include "ledger/shard_state_internal.h"
#include "maker.h"

#define HELD         "L4: what is held are the stakes of pending bets"
#define ZERO_SUM     "L4: all accounts of a currency sum to zero"
#define STAKES       "L4: house stakes are the stakes of open bets"
#define RETURNS      "L4: the potential return is stake times odds"
#define OF_MARKET    "L7: a market's counts are those of its bets"
#define OF_LIABILITY "L7: the open liability is what open bets pay if they win"
#define OF_USER      "L7: an account's counts are those of its bets"
#define SETTLED      "L7: a settled bet has its settlement"

/* Bets 0 settled, 1 open, 2 pending, 3 not accepted: 1 and 3 of ada, 0 and 2 of bob. Account 3
 * has no money yet. */
static void open_with_bets(struct maker *m)
{
    maker_open(m);
    for (uint32_t i = 0; i < 4; i++) {
        char key[2] = {(char)('a' + i), 0};
        uint32_t account = 2 - i % 2;
        struct parts bet =
            i < 2 ? parts_bet(m, account, 1 + i, key) : parts_pending(m, account, 2, key);
        parts_stake(m, &bet, 1000 + i, (struct odds){21, 10});
        maker_accept(m, &bet);
    }
    struct parts release = parts_release(m, 3, BET_ODDS_CHANGED);
    maker_accept(m, &release);
    struct parts result = parts_result(m, 1, LEG_WON);
    maker_accept(m, &result);
    struct parts settle = parts_settle(m, 0);
    maker_accept(m, &settle);
    struct parts account = parts_account(m, "cy");
    maker_accept(m, &account);
    assert_int_equal(shard_state_check(m->state), 0);
}

static void fails(struct maker *m, const char *reason)
{
    assert_int_equal(shard_state_check(m->state), -ERR_CORRUPT);
    assert_string_equal(shard_state_reason(m->state), reason);
}

/* Sees it after `change`, and nothing after `back`. */
#define SEES(reason, change, back)                                                                 \
    do {                                                                                           \
        change;                                                                                    \
        fails(&m, reason);                                                                         \
        back;                                                                                      \
        assert_int_equal(shard_state_check(m.state), 0);                                           \
    } while (0)

TEST(shard_check, sees_money_that_came_from_nowhere)
{
    struct maker m;
    open_with_bets(&m);
    struct shard_account *accounts = m.state->accounts;
    struct shard_house *house = &m.state->houses[0];
    SEES(ZERO_SUM, accounts[1].available++, accounts[1].available--);
    SEES(HELD, accounts[2].held++, accounts[2].held--);
    SEES("L4: what is held is not negative", accounts[2].held = -1, accounts[2].held = 1002);
    SEES("L4: an account without a currency has no money", accounts[3].available = 1,
         accounts[3].available = 0);
    SEES("L4: an account without a currency has no money", accounts[3].held = 1,
         accounts[3].held = 0);
    SEES(ZERO_SUM, house->cash--, house->cash++);
    SEES(ZERO_SUM, house->result--, house->result++);
    SEES(STAKES, house->stakes--, house->stakes++);
    maker_done(&m);
}

/* The sum over all is right, but it is not held for the one who bets. */
TEST(shard_check, sees_a_stake_held_for_another)
{
    struct maker m;
    open_with_bets(&m);
    struct shard_account *accounts = m.state->accounts;
    SEES(HELD, (accounts[2].held -= 2, accounts[1].held += 2),
         (accounts[2].held += 2, accounts[1].held -= 2));
    maker_done(&m);
}

TEST(shard_check, sees_bets_that_do_not_fit_the_money)
{
    struct maker m;
    open_with_bets(&m);
    struct shard_bet *bets = m.state->bets;
    SEES(RETURNS, bets[1].stake += 100, bets[1].stake -= 100);
    SEES(RETURNS, bets[1].returns++, bets[1].returns--);
    SEES(SETTLED, bets[1].seq_settled = 9, bets[1].seq_settled = 0);
    SEES(SETTLED, bets[0].seq_settled = 0, bets[0].seq_settled = 10);
    SEES(OF_USER, bets[0].state = BET_STATE_OPEN, bets[0].state = BET_STATE_SETTLED);
    SEES(HELD, bets[2].state = BET_STATE_OPEN, bets[2].state = BET_STATE_PENDING);
    maker_done(&m);
}

TEST(shard_check, sees_counts_that_do_not_fit_the_bets)
{
    struct maker m;
    open_with_bets(&m);
    struct shard_market *markets = m.state->markets;
    struct shard_account *accounts = m.state->accounts;
    SEES(OF_MARKET, markets[1].bets_count++, markets[1].bets_count--);
    SEES(OF_MARKET, markets[2].bets_unsettled++, markets[2].bets_unsettled--);
    SEES(OF_MARKET, markets[2].bets_pending--, markets[2].bets_pending++);
    SEES(OF_MARKET, markets[2].stakes_open++, markets[2].stakes_open--);
    SEES(OF_LIABILITY, markets[2].returns_open--, markets[2].returns_open++);
    SEES(OF_MARKET, markets[2].stakes_single--, markets[2].stakes_single++);
    SEES(OF_LIABILITY, m.state->selections[4].costs_open++, m.state->selections[4].costs_open--);
    SEES(OF_LIABILITY, m.state->houses[0].returns_open++, m.state->houses[0].returns_open--);
    SEES(OF_USER, accounts[1].bets_open++, accounts[1].bets_open--);
    SEES(OF_USER, accounts[2].bets_open = 0, accounts[2].bets_open = 1);
    maker_done(&m);
}

/* A chain that leads to another's bet, back to itself, or past one. */
TEST(shard_check, sees_chains_that_lead_elsewhere)
{
    struct maker m;
    open_with_bets(&m);
    struct shard_market *markets = m.state->markets;
    struct shard_account *accounts = m.state->accounts;
    struct shard_bet *bets = m.state->bets;
    struct shard_leg *legs = m.state->legs;
    SEES(OF_MARKET, markets[2].legs_last = 0, markets[2].legs_last = 3);
    SEES(OF_MARKET, legs[3].next_of_market = LEG_NONE, legs[3].next_of_market = 2);
    SEES(OF_MARKET, legs[3].next_of_market = 3, legs[3].next_of_market = 2);
    SEES(OF_USER, accounts[1].bets_last = 2, accounts[1].bets_last = 3);
    SEES(OF_USER, bets[3].next_of_account = 3, bets[3].next_of_account = 1);
    SEES(OF_USER, accounts[1].bets_last = BET_NONE, accounts[1].bets_last = 3);
    /* Bet 3 was not accepted, so no count misses it. */
    SEES(OF_USER, accounts[1].bets_last = 1, accounts[1].bets_last = 3);
    SEES(OF_MARKET, markets[2].legs_last = 2, markets[2].legs_last = 3);
    maker_done(&m);
}

/* No log that was written gets here, so the state is put at the edge by hand. */
TEST(shard_check, no_record_takes_a_balance_beyond_the_limits)
{
    static const char reason[] = "L4: a balance is beyond all limits";
    struct maker m;
    open_with_bets(&m);
    struct shard_account *bob = &m.state->accounts[2];
    struct shard_house *house = &m.state->houses[0];
    const struct shard_account bob_before = *bob;
    const struct shard_house house_before = *house;

    house->stakes = SHARD_BALANCE_MAX - 5;
    struct parts parts = parts_bet(&m, 2, 2, "x");
    maker_refuse(&m, &parts, reason);
    parts = parts_release(&m, 2, BET_PLACED);
    maker_refuse(&m, &parts, reason);
    *house = house_before;
    m.state->markets[2].stakes_open += SHARD_BALANCE_MAX;
    parts = parts_bet(&m, 2, 2, "x");
    maker_refuse(&m, &parts, reason);
    m.state->markets[2].stakes_open -= SHARD_BALANCE_MAX;
    m.state->markets[2].returns_open += SHARD_BALANCE_MAX;
    maker_refuse(&m, &parts, reason);
    m.state->markets[2].returns_open -= SHARD_BALANCE_MAX;
    house->returns_open += SHARD_BALANCE_MAX;
    maker_refuse(&m, &parts, reason);
    *house = house_before;
    bob->available = SHARD_BALANCE_MAX;
    parts = parts_release(&m, 2, BET_ODDS_CHANGED);
    maker_refuse(&m, &parts, reason);
    *bob = bob_before;

    struct parts lost = parts_result(&m, 1, LEG_LOST);
    maker_accept(&m, &lost);
    bob->available = -SHARD_BALANCE_MAX;
    parts = parts_reverse(&m, 0);
    maker_refuse(&m, &parts, reason);
    *bob = bob_before;
    m.state->markets[1].stakes_open += SHARD_BALANCE_MAX;
    parts = parts_reverse(&m, 0);
    maker_refuse(&m, &parts, reason);
    m.state->markets[1].stakes_open -= SHARD_BALANCE_MAX;
    parts = parts_reverse(&m, 0);
    maker_accept(&m, &parts);
    house->result = SHARD_BALANCE_MAX;
    parts = parts_settle(&m, 0);
    maker_refuse(&m, &parts, reason);
    maker_done(&m);
}
