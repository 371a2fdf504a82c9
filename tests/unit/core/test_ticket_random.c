/* test_ticket_random.c - tickets by chance: of one leg as bet_decide(), of many as their lines, and
 * the stake that is offered (core/ticket.h). */
#include "test.h"

#include "by_lines.h"
#include "core/lines_sum.h"
#include "random_bets.h"
#include "ticket_scene.h"

#ifdef OVERROUND_SLOW_ASSERTS
#define ROUNDS 20000 /* the build with sanitizers */
#else
#define ROUNDS 200000
#endif

static struct ticket_scene s;

static bool one_in(struct prng *prng, uint64_t n)
{
    return prng_below(prng, n) == 0;
}

static struct odds near(struct prng *prng)
{
    struct odds odds;
    while (!odds_make(195 + prng_below(prng, 10), 100, &odds))
        ;
    return odds;
}

static void make_any_single(struct prng *prng)
{
    scene_make(&s, 1, 1 + (int64_t)prng_below(prng, UINT64_C(1) << (4 + prng_below(prng, 45))));
    struct market_view *market = &s.views[0].market;
    s.ticket.policy = (enum price_policy)(PRICE_BETTER + prng_below(prng, 4));
    bool small = one_in(prng, 2);
    market->odds = small ? near(prng) : random_odds(prng);
    s.legs[0].odds = small ? near(prng) : market->odds;
    if (s.ticket.policy == PRICE_ANY && one_in(prng, 2))
        s.legs[0].odds = ODDS_NONE;
    if (one_in(prng, 20))
        market->odds = ODDS_NONE;
    s.legs[0].odds_version = prng_below(prng, 3) > 0 ? 0 : 16 + prng_below(prng, 3);
    if (one_in(prng, 10))
        market->status = (enum market_status)(MARKET_ACTIVE + prng_below(prng, 5));
    if (one_in(prng, 10))
        market->selection_status = (enum selection_status)(SELECTION_ACTIVE + prng_below(prng, 6));
    market->provider_alive = !one_in(prng, 20);
    market->selection_known = !one_in(prng, 20);
    market->bet_delay_us = (int64_t)(one_in(prng, 3) ? prng_below(prng, 3) : 0);
    int64_t size = s.ticket.stake.minor * 4;
    s.limits.bet = (struct bet_limits){
        (int64_t)prng_below(prng, (uint64_t)size) / 8, (int64_t)prng_below(prng, (uint64_t)size),
        (int64_t)prng_below(prng, (uint64_t)size * 3), (uint32_t)prng_below(prng, 600),
        (enum rounding)(ROUND_DOWN + prng_below(prng, 3))};
    if (one_in(prng, 4))
        s.limits.bet.payout_minor_max = INT64_MAX;
    s.available.minor = (int64_t)prng_below(prng, (uint64_t)size);
    static const struct currency currencies[] = {GBP, GBP, GBP, GBP, GBP, EUR, CURRENCY_NONE};
    s.available.currency = currencies[prng_below(prng, 7)];
}

TEST(ticket_random, a_single_is_decided_as_before)
{
    struct prng prng;
    prng_seed(&prng, 530);
    int seen[32] = {0};
    for (int i = 0; i < ROUNDS; i++) {
        make_any_single(&prng);
        if (i % 2 > 0) { /* one that is chosen from one is the same */
            s.legs[0].banker = false;
            s.ticket.sizes.mask = 1;
        }
        struct slip slip = {s.ticket.stake, s.legs[0].odds, s.legs[0].odds_version,
                            s.ticket.policy};
        struct bet_verdict bet;
        bet_decide(&slip, &s.views[0].market, &s.limits.bet, s.available, &bet);
        const struct ticket_verdict *ticket = &s.verdict;
        enum bet_outcome outcome = scene_decide_ticket(&s);
        if (outcome != bet.outcome || ticket->stake_minor_max != bet.stake_minor_max ||
            ticket->stake_minor_min != bet.stake_minor_min)
            fail_msg("step %d: %s %jd, %s %jd", i, bet_outcome_text(outcome),
                     (intmax_t)ticket->stake_minor_max, bet_outcome_text(bet.outcome),
                     (intmax_t)bet.stake_minor_max);
        assert_true(odds_equal(ticket->taken[0], bet.odds));
        assert_int_equal(ticket->potential_return.minor, bet.potential_return.minor);
        assert_int_equal(ticket->potential_return.currency.iso, bet.potential_return.currency.iso);
        assert_int_equal(ticket->bet_delay_us,
                         outcome == BET_PENDING ? s.views[0].market.bet_delay_us : 0);
        seen[outcome]++;
    }
    for (int outcome = BET_MARKET_SUSPENDED; outcome <= BET_CURRENCY_MISMATCH; outcome++)
        assert_true(seen[outcome] > ROUNDS / 200);
    assert_true(seen[BET_PLACED] > ROUNDS / 200);
    assert_true(seen[BET_PENDING] > ROUNDS / 200);
}

/* The shape and prices of a random bet, as a ticket; the bet's legs are all won. */
static void make_any_ticket(struct random_bet *random, struct prng *prng)
{
    random_bet_make(random, prng, false);
    uint32_t count = random->bet.legs_count;
    scene_make(&s, count, 1);
    s.ticket.sizes = random->bet.sizes;
    s.ticket.each_way = random->bet.each_way;
    s.ticket.stake_kind = random->bet.free  ? STAKE_FREE
                          : one_in(prng, 4) ? STAKE_BONUS
                                            : STAKE_CASH;
    for (uint32_t i = 0; i < count; i++) {
        struct bet_leg *leg = &random->legs[i];
        leg->win = leg->place = (struct leg_part){.result = LEG_WON};
        s.legs[i] = (struct ticket_leg){leg->odds, 0, leg->banker};
        s.views[i].market.odds = leg->odds;
        s.views[i].terms = leg->terms;
    }
    int64_t lines = (int64_t)bet_lines(&random->bet);
    random->bet.stake.minor =
        lines * (1 + (int64_t)prng_below(prng, UINT64_C(1) << prng_below(prng, 30)));
    s.ticket.stake.minor = random->bet.stake.minor;
    s.limits.bet.rounding = (enum rounding)(ROUND_DOWN + prng_below(prng, 3));
}

TEST(ticket_random, the_potential_return_is_the_sum_of_the_lines)
{
    struct random_bet random;
    struct prng prng;
    prng_seed(&prng, 531);
    int placed = 0;
    for (int i = 0; i < ROUNDS / 10; i++) {
        make_any_ticket(&random, &prng);
        int64_t pays = by_lines(&random.bet, LINES_SHARE_WHOLE, s.limits.bet.rounding);
        enum bet_outcome outcome = scene_decide_ticket(&s);
        assert_int_equal(s.verdict.lines, bet_lines(&random.bet));
        if (pays < 0 || pays == MONEY_MINOR_MAX) {
            assert_int_equal(outcome, BET_STAKE_LIMIT);
            continue;
        }
        placed++;
        assert_int_equal(outcome, BET_PLACED);
        assert_int_equal(s.verdict.potential_return.minor, pays);
    }
    assert_true(placed > ROUNDS / 40);
}

static enum bet_outcome decided_at(int64_t stake)
{
    s.ticket.stake.minor = stake;
    return scene_decide_ticket(&s);
}

TEST(ticket_random, the_stake_that_is_offered_passes_and_a_unit_more_on_each_line_does_not)
{
    struct random_bet random;
    struct prng prng;
    prng_seed(&prng, 532);
    int offered = 0, liability = 0;
    for (int i = 0; i < ROUNDS / 4; i++) {
        make_any_ticket(&random, &prng);
        uint64_t size = (uint64_t)s.ticket.stake.minor;
        s.limits.bet.stake_minor_min = (int64_t)prng_below(&prng, size) / 4;
        s.limits.bet.stake_minor_max = (int64_t)prng_below(&prng, size * 2);
        s.limits.bet.payout_minor_max =
            (int64_t)prng_below(&prng, size << (1 + prng_below(&prng, 16)));
        for (uint32_t leg = 0; leg < s.ticket.legs_count; leg++)
            if (one_in(&prng, 3))
                s.views[leg].liability_room =
                    (int64_t)prng_below(&prng, size << (1 + prng_below(&prng, 16)));
        enum bet_outcome outcome = scene_decide_ticket(&s);
        if (outcome == BET_PLACED)
            continue;
        assert_true(outcome == BET_STAKE_LIMIT || outcome == BET_LIABILITY_LIMIT);
        liability += outcome == BET_LIABILITY_LIMIT;
        int64_t lines = (int64_t)s.verdict.lines;
        int64_t least = s.verdict.stake_minor_min;
        int64_t most = s.verdict.stake_minor_max;
        if (most == 0) { /* then the least that may be asked for does not pass either */
            int64_t first = s.limits.bet.stake_minor_min > 1 ? s.limits.bet.stake_minor_min : 1;
            assert_int_not_equal(decided_at((first + lines - 1) / lines * lines), BET_PLACED);
            continue;
        }
        offered++;
        assert_int_equal(decided_at(least), BET_PLACED);
        assert_int_equal(decided_at(most), BET_PLACED);
        outcome = decided_at(most + lines);
        assert_true(outcome == BET_STAKE_LIMIT || outcome == BET_LIABILITY_LIMIT);
        if (least > lines)
            assert_int_equal(decided_at(least - lines), BET_STAKE_LIMIT);
    }
    assert_true(offered > ROUNDS / 100);
    assert_true(liability > ROUNDS / 100);
}
