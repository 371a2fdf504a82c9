/* test_settle_random.c - settle_single() against a computation on paper, and its laws. */
#include "test.h"

#include "base/prng.h"
#include "core/settle.h"
#include "slow.h"

#define GBP ((struct currency){826})

struct single {
    int64_t stake;
    struct odds odds;
    struct leg_result result;
    enum rounding rounding;
};

static struct odds any_odds(struct prng *prng)
{
    struct odds odds;
    uint64_t most = prng_below(prng, 2) ? 1000 : ODDS_TERM_MAX;
    while (!odds_make(prng_below(prng, most) + 1, prng_below(prng, most) + 1, &odds))
        ;
    return odds;
}

static struct single any_single(struct prng *prng)
{
    uint64_t tied = prng_below(prng, prng_below(prng, 2) ? 6 : DEAD_HEAT_TERM_MAX) + 1;
    return (struct single){
        .stake = (int64_t)(prng_below(prng, MONEY_MINOR_MAX + 1) >> prng_below(prng, 50)),
        .odds = any_odds(prng),
        .result = {prng_below(prng, 4) > 0, (uint8_t)prng_below(prng, 3),
                   (uint16_t)(prng_below(prng, tied) + 1), (uint16_t)tied},
        .rounding = (enum rounding)(ROUND_DOWN + prng_below(prng, 3)),
    };
}

static int64_t paid(const struct single *single)
{
    return settle_single(money_of(single->stake, GBP), single->odds, single->result,
                         single->rounding)
        .minor;
}

/* In words: the stake is two half stakes; each is refunded if void, and otherwise pays the
 * price on its dead-heat part if won. Doubled and brought to the common denominator. */
static struct slow paid_on_paper(const struct single *single)
{
    struct leg_result result = single->result;
    struct slow common =
        slow_multiply(slow_of(single->odds.denominator), slow_of(result.dead_heat_denominator));
    struct slow winner =
        slow_multiply(slow_of(single->odds.numerator), slow_of(result.dead_heat_numerator));
    struct slow halves = slow_of(0);
    for (int half = 0; half < 2; half++) {
        if (half < result.void_halves)
            halves = slow_add(halves, common);
        else if (result.won)
            halves = slow_add(halves, winner);
    }
    struct slow total = slow_multiply(halves, slow_of((uint64_t)single->stake));
    total = slow_divide(total, slow_add(common, common), single->rounding);
    struct slow most = slow_of(MONEY_MINOR_MAX);
    return slow_compare(total, most) > 0 ? most : total;
}

TEST(settle_random, agrees_with_paper_and_pencil)
{
    struct prng prng;
    prng_seed(&prng, 411);
    int capped = 0;
    for (int i = 0; i < 10000; i++) {
        struct single single = any_single(&prng);
        int64_t fast = paid(&single);
        capped += fast == MONEY_MINOR_MAX;
        if (slow_compare(slow_of((uint64_t)fast), paid_on_paper(&single)) != 0)
            fail_msg("step %d: %jd", i, (intmax_t)fast);
    }
    assert_in_range(capped, 1, 5000); /* both sides of the limit were seen */
}

TEST(settle_random, the_modes_differ_by_one_minor_unit_at_most)
{
    struct prng prng;
    prng_seed(&prng, 412);
    for (int i = 0; i < 100000; i++) {
        struct single single = any_single(&prng);
        single.rounding = ROUND_DOWN;
        int64_t down = paid(&single);
        single.rounding = ROUND_HALF_UP;
        int64_t half_up = paid(&single);
        single.rounding = ROUND_HALF_EVEN;
        int64_t half_even = paid(&single);
        assert_in_range(half_even, down, half_up);
        assert_in_range(half_up, down, down + 1);
    }
}

TEST(settle_random, more_stake_a_better_price_and_a_better_result_never_pay_less)
{
    struct prng prng;
    prng_seed(&prng, 413);
    for (int i = 0; i < 100000; i++) {
        struct single single = any_single(&prng);
        int64_t base = paid(&single);
        struct single more = single;
        more.stake += more.stake < MONEY_MINOR_MAX;
        assert_true(paid(&more) >= base);
        more = single;
        more.odds = any_odds(&prng);
        if (odds_compare(more.odds, single.odds) >= 0)
            assert_true(paid(&more) >= base);
        more = single;
        more.result.won = true;
        assert_true(paid(&more) >= base);
        more.result.dead_heat_numerator = more.result.dead_heat_denominator;
        assert_true(paid(&more) >= base);
    }
}

TEST(settle_random, equal_results_pay_the_same_and_void_pays_the_stake)
{
    struct prng prng;
    prng_seed(&prng, 414);
    int equal = 0;
    for (int i = 0; i < 100000; i++) {
        struct single a = any_single(&prng);
        struct single b = a;
        b.result = any_single(&prng).result;
        if (leg_result_equal(a.result, b.result)) {
            assert_int_equal(paid(&a), paid(&b));
            equal++;
        }
        if (leg_result_outcome(a.result) == LEG_OUTCOME_VOID)
            assert_int_equal(paid(&a), a.stake);
        if (leg_result_outcome(a.result) == LEG_OUTCOME_LOST)
            assert_int_equal(paid(&a), 0);
    }
    assert_true(equal > 1000);
}
