/* test_shard_limits.c - LIMITS in the fold: set, changed, taken away, and refused where they are
 * wrong; the same after a snapshot. */
#include <string.h>

#include "test.h"

#include "maker.h"

static int64_t stake_max_of(const struct maker *m, enum limit_scope scope, uint32_t ref)
{
    const struct shard_stake_limits *row = shard_state_stake_limits(m->state, scope, ref);
    return row == NULL ? -1 : row->limits.stake_minor_max;
}

TEST(shard_limits, each_scope_has_its_own_and_the_newest_word_counts)
{
    struct maker m;
    maker_open(&m);
    struct parts player = parts_limits(&m, LIMIT_OF_PLAYER, 2, "");
    maker_accept(&m, &player);
    struct parts market = parts_limits(&m, LIMIT_OF_MARKET, 2, "");
    maker_accept(&m, &market);
    struct parts sport = parts_limits(&m, LIMIT_OF_SPORT, 0, "tennis");
    maker_accept(&m, &sport);
    struct parts event = parts_limits(&m, LIMIT_OF_EVENT, 0, "tennis"); /* another scope's id */
    maker_accept(&m, &event);
    uint32_t tennis = shard_state_find_text(m.state, SLICE("tennis"));
    assert_int_equal(shard_state_stake_limits_count(m.state), 4);
    assert_int_equal(stake_max_of(&m, LIMIT_OF_PLAYER, 2), 500);
    assert_int_equal(stake_max_of(&m, LIMIT_OF_PLAYER, 1), -1);
    assert_int_equal(stake_max_of(&m, LIMIT_OF_MARKET, 2), 500);
    struct parts again = parts_limits(&m, LIMIT_OF_SPORT, 0, "tennis");
    again.body.limits.stake_minor_max = 700;
    maker_accept(&m, &again);
    assert_int_equal(stake_max_of(&m, LIMIT_OF_SPORT, tennis), 700);
    assert_int_equal(stake_max_of(&m, LIMIT_OF_EVENT, tennis), 500);
    struct parts gone = parts_no_limits(&m, LIMIT_OF_PLAYER, 2, ""); /* the first row */
    maker_accept(&m, &gone);
    assert_int_equal(shard_state_stake_limits_count(m.state), 3);
    assert_int_equal(stake_max_of(&m, LIMIT_OF_PLAYER, 2), -1);
    assert_int_equal(stake_max_of(&m, LIMIT_OF_MARKET, 2), 500);
    assert_int_equal(stake_max_of(&m, LIMIT_OF_SPORT, tennis), 700);
    assert_int_equal(stake_max_of(&m, LIMIT_OF_EVENT, tennis), 500);
    maker_done(&m);
}

TEST(shard_limits, what_is_wrong_is_refused)
{
    static const char bounds[] = "limits are within their bounds";
    struct maker m;
    maker_open(&m);
    struct parts first = parts_limits(&m, LIMIT_OF_PLAYER, 1, "");
    maker_accept(&m, &first);
    const struct parts good = parts_limits(&m, LIMIT_OF_PLAYER, 1, "");
    REFUSES(&m, good, "limits name those that were in force before",
            p.body.limits.previous_seq = 0);
    REFUSES(&m, good, "limits name those that were in force before", p.body.limits.previous_seq++);
    REFUSES(&m, good, "the account is unknown", p.draft.account = 3);
    REFUSES(&m, good, "a customer's limits are his account's", p.draft.account = 0);
    REFUSES(&m, good, "a market's limits name it", p.body.limits.market = 1);
    REFUSES(&m, good, "no such scope of limits", p.body.limits.scope = LIMIT_OF_NONE);
    REFUSES(&m, good, "no such scope of limits", p.body.limits.scope = LIMIT_OF_LEAGUE);
    REFUSES(&m, good, "no such scope of limits", p.body.limits.scope = LIMIT_OF_PLATFORM);
    REFUSES(&m, good, "no such scope of limits", p.body.limits.scope = LIMIT_SCOPES);
    REFUSES(&m, good, bounds, p.body.limits.stake_minor_min = -1);
    REFUSES(&m, good, bounds, p.body.limits.stake_minor_min = MONEY_MINOR_MAX + 1);
    REFUSES(&m, good, bounds, p.body.limits.stake_minor_max = -1);
    REFUSES(&m, good, bounds, p.body.limits.stake_minor_max = INT64_MAX - 1);
    REFUSES(&m, good, bounds, p.body.limits.payout_minor_max = -1);
    REFUSES(&m, good, bounds, p.body.limits.liability_minor_max = -1);
    REFUSES(&m, good, bounds, p.body.limits.payout_day_minor_max = -1);
    REFUSES(&m, good, bounds, p.body.limits.delay_us = -1);
    REFUSES(&m, good, bounds, p.body.limits.delay_us = LIMIT_DELAY_US_MAX + 1);
    REFUSES(&m, good, bounds, p.body.limits.factor_permyriad = LIMIT_FACTOR_MAX + 1);
    REFUSES(&m, good, "limits are removed where there are some", p.body.limits.removed = 2);
    REFUSES(&m, good, bounds, p.body.limits.removed = 1); /* with a number of its own */
    const struct parts none = parts_no_limits(&m, LIMIT_OF_PLAYER, 2, "");
    REFUSES(&m, none, "limits are removed where there are some", (void)p);
    const struct parts sport = parts_limits(&m, LIMIT_OF_SPORT, 0, "tennis");
    REFUSES(&m, sport, "events and sports, and only they, are named by their ids",
            p.body.limits.scope = LIMIT_OF_MARKET, p.body.limits.market = 1);
    REFUSES(&m, sport, "what a day may pay is a customer's",
            p.body.limits.payout_day_minor_max = 1000);
    const struct parts unnamed = parts_limits(&m, LIMIT_OF_SPORT, 0, "");
    REFUSES(&m, unnamed, "events and sports, and only they, are named by their ids", (void)p);
    const struct parts market = parts_limits(&m, LIMIT_OF_MARKET, 1, "");
    REFUSES(&m, market, "the market is unknown", p.body.limits.market = 9);
    maker_done(&m);
}

TEST(shard_limits, no_more_scopes_have_them_than_may)
{
    struct maker m;
    struct shard_limits limits = MAKER_LIMITS;
    limits.stake_limits_max = 1;
    maker_empty(&m, &limits);
    struct parts begin[] = {parts_genesis(&m)};
    maker_accept(&m, &begin[0]);
    struct parts first = parts_limits(&m, LIMIT_OF_SPORT, 0, "tennis");
    maker_accept(&m, &first);
    struct parts second = parts_limits(&m, LIMIT_OF_SPORT, 0, "golf");
    maker_limited(&m, &second);
    struct parts again = parts_limits(&m, LIMIT_OF_SPORT, 0, "tennis"); /* takes no more room */
    maker_accept(&m, &again);
    struct parts gone = parts_no_limits(&m, LIMIT_OF_SPORT, 0, "tennis");
    maker_accept(&m, &gone);
    second = parts_limits(&m, LIMIT_OF_SPORT, 0, "golf");
    maker_accept(&m, &second);
    maker_done(&m);
}

TEST(shard_limits, a_refusal_says_whose_limit_it_was_and_nothing_else_does)
{
    struct maker m;
    maker_open(&m);
    struct parts refused = parts_refused(&m, 1, 1, "k");
    refused.body.bet.outcome = BET_STAKE_LIMIT;
    refused.body.bet.limit_scope = LIMIT_OF_PLAYER;
    REFUSES(&m, refused, "whose limit refused a bet is known",
            p.body.bet.limit_scope = LIMIT_SCOPES);
    REFUSES(&m, refused, "whose limit refused a bet is known",
            p.body.bet.outcome = BET_ODDS_CHANGED);
    const struct parts placed = parts_bet(&m, 1, 1, "k");
    REFUSES(&m, placed, "no limit refuses an accepted bet",
            p.body.bet.limit_scope = LIMIT_OF_PLAYER);
    maker_accept(&m, &refused);
    maker_done(&m);
}

TEST(shard_limits, the_alternative_to_a_stake_is_the_highest_that_passes)
{
    static const char reason[] = "the alternative to a stake is the highest that passes";
    struct maker m;
    maker_open(&m);
    struct parts good = parts_bet(&m, 1, 1, "k");
    good.body.bet.stake_max = good.body.bet.stake;
    good.body.bet.stake_asked = good.body.bet.stake + 1;
    REFUSES(&m, good, reason, p.body.bet.stake_asked--);
    REFUSES(&m, good, reason, p.body.bet.stake_max++);
    REFUSES(&m, good, reason, p.body.bet.stake_asked = MONEY_MINOR_MAX + 1);
    const struct parts refused = parts_refused(&m, 1, 1, "k");
    REFUSES(&m, refused, "a refused bet has no other stake", p.body.bet.stake_asked = 1);
    maker_accept(&m, &good);
    maker_done(&m);
}
