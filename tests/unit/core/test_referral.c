/* test_referral.c - which bets are referred to the desk, and what a trader lifts
 * (core/referral.h; BETTING-RULES 4.12). */
#include "test.h"

#include "core/liability.h"
#include "core/referral.h"

static struct stake_limits_combined most_of(int64_t stake_max, int64_t refer_above, bool refers)
{
    struct stake_limits_combined limits = {.limits = STAKE_LIMITS_NONE};
    limits.limits.stake_minor_max = stake_max;
    limits.limits.refer_minor_above = refer_above;
    limits.limits.refers = refers;
    return limits;
}

TEST(referral, a_refusal_by_a_limit_is_referred_where_policy_says_so)
{
    struct stake_limits_combined off = most_of(1000, INT64_MAX, false);
    struct stake_limits_combined on = most_of(1000, INT64_MAX, true);
    static const struct {
        enum bet_outcome outcome;
        enum referral_cause cause;
    } cases[] = {
        {BET_STAKE_LIMIT, REFERRED_STAKE_LIMIT},
        {BET_LIABILITY_LIMIT, REFERRED_LIABILITY_LIMIT},
        {BET_INSUFFICIENT_BALANCE, REFERRED_NOT},
        {BET_ODDS_CHANGED, REFERRED_NOT},
        {BET_MARKET_SUSPENDED, REFERRED_NOT},
        {BET_ODDS_LIMIT, REFERRED_NOT},
        {BET_PLACED, REFERRED_NOT},
        {BET_PENDING, REFERRED_NOT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum bet_outcome outcome = cases[i].outcome;
        assert_int_equal(referral_cause_of(outcome, 5000, &off, false), REFERRED_NOT);
        assert_int_equal(referral_cause_of(outcome, 5000, &off, true), cases[i].cause);
        assert_int_equal(referral_cause_of(outcome, 5000, &on, false), cases[i].cause);
    }
}

TEST(referral, a_stake_below_the_least_and_one_who_may_stake_nothing_are_no_question_of_risk)
{
    struct stake_limits_combined limits = most_of(1000, INT64_MAX, true);
    limits.limits.stake_minor_min = 100;
    assert_int_equal(referral_cause_of(BET_STAKE_LIMIT, 99, &limits, true), REFERRED_NOT);
    assert_int_equal(referral_cause_of(BET_STAKE_LIMIT, 100, &limits, true), REFERRED_STAKE_LIMIT);
    limits.limits.stake_minor_max = 0;
    assert_int_equal(referral_cause_of(BET_STAKE_LIMIT, 5000, &limits, true), REFERRED_NOT);
}

TEST(referral, a_stake_above_what_is_referred_waits_though_nothing_refuses_it)
{
    struct stake_limits_combined limits = most_of(INT64_MAX, 1000, false);
    assert_int_equal(referral_cause_of(BET_PLACED, 1000, &limits, false), REFERRED_NOT);
    assert_int_equal(referral_cause_of(BET_PLACED, 1001, &limits, false), REFERRED_BY_RULE);
    assert_int_equal(referral_cause_of(BET_PENDING, 1001, &limits, false), REFERRED_BY_RULE);
    assert_int_equal(referral_cause_of(BET_STAKE_LIMIT, 1001, &limits, false), REFERRED_NOT);
    assert_int_equal(referral_cause_of(BET_ODDS_CHANGED, 1001, &limits, false), REFERRED_NOT);
}

TEST(referral, what_is_lifted_is_what_refused_and_nothing_else)
{
    struct ticket_limits limits;
    struct ticket_leg_view views[2];
    static const struct {
        enum referral_cause cause;
        bool stake, liability;
    } cases[] = {
        {REFERRED_NOT, false, false},
        {REFERRED_BY_RULE, false, false},
        {REFERRED_STAKE_LIMIT, true, false},
        {REFERRED_LIABILITY_LIMIT, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        limits = (struct ticket_limits){
            .bet = {.stake_minor_min = 10, .stake_minor_max = 1000, .payout_minor_max = 9000}};
        views[0] = views[1] = (struct ticket_leg_view){.liability_room = 70};
        referral_lift_limits(referral_lift_of(cases[i].cause), &limits, views, 2);
        assert_int_equal(limits.bet.stake_minor_min, 10);
        assert_int_equal(limits.bet.stake_minor_max, cases[i].stake ? INT64_MAX : 1000);
        assert_int_equal(limits.bet.payout_minor_max, cases[i].stake ? INT64_MAX : 9000);
        assert_int_equal(views[0].liability_room, cases[i].liability ? LIABILITY_UNLIMITED : 70);
        assert_int_equal(views[1].liability_room, cases[i].liability ? LIABILITY_UNLIMITED : 70);
    }
    limits.bet.stake_minor_max = 0; /* who may stake nothing */
    referral_lift_limits(REFERRAL_LIFTS_ALL, &limits, views, 2);
    assert_int_equal(limits.bet.stake_minor_max, 0);
}

TEST(referral, every_cause_has_a_name)
{
    assert_null(referral_cause_text(REFERRED_NOT));
    assert_string_equal(referral_cause_text(REFERRED_STAKE_LIMIT), "STAKE_LIMIT");
    assert_string_equal(referral_cause_text(REFERRED_LIABILITY_LIMIT), "LIABILITY_LIMIT");
    assert_string_equal(referral_cause_text(REFERRED_BY_RULE), "RULE");
    assert_null(referral_cause_text((enum referral_cause)4));
}
