/* test_lag_pace.c - how often a client that was late is told the newest, in virtual time. */
#include "base/prng.h"
#include "roles/odds/lag_pace.h"
#include "test.h"

#define MAX_US 400000

static struct lag_pace fresh(void)
{
    struct lag_pace pace;
    lag_pace_init(&pace, 0);
    return pace;
}

/* Calm all the time from *now_us on: when it gets every change again. */
static int64_t until_live(struct lag_pace *pace, int64_t *now_us)
{
    int64_t begin_us = *now_us;
    while (pace->interval_us > 0) {
        *now_us += 1000;
        (void)lag_pace_calm(pace, *now_us);
    }
    return *now_us - begin_us;
}

TEST(lag_pace, who_is_late_again_and_again_is_told_more_seldom_up_to_a_limit)
{
    struct lag_pace pace = fresh();
    static const int32_t intervals[] = {50000, 100000, 200000, 400000, 400000};
    assert_int_equal(pace.interval_us, 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(lag_pace_late(&pace, MAX_US, 1000000 + i), i < 4);
        assert_int_equal(pace.interval_us, intervals[i]);
    }
    assert_int_equal(lag_pace_late(&pace, 300000, 1000010), true); /* a lower limit holds, too */
    assert_int_equal(pace.interval_us, 300000);
}

TEST(lag_pace, who_is_calm_is_told_more_often_step_by_step_and_then_everything)
{
    struct lag_pace pace = fresh();
    int64_t now_us = 5000000;
    (void)lag_pace_late(&pace, MAX_US, now_us);
    (void)lag_pace_late(&pace, MAX_US, now_us);
    assert_false(lag_pace_calm(&pace, now_us + LAG_CALM_US_MIN - 1));
    assert_true(lag_pace_calm(&pace, now_us + LAG_CALM_US_MIN));
    assert_int_equal(pace.interval_us, 50000);
    assert_false(lag_pace_calm(&pace, now_us + LAG_CALM_US_MIN));
    assert_true(lag_pace_calm(&pace, now_us + 2 * LAG_CALM_US_MIN));
    assert_int_equal(pace.interval_us, 0);
    assert_false(lag_pace_calm(&pace, now_us + 9 * LAG_CALM_US_MIN));
}

TEST(lag_pace, a_trial_that_fails_at_once_is_repeated_ever_later_up_to_a_limit)
{
    struct lag_pace pace = fresh();
    int64_t now_us = 5000000, before_us = 0;
    for (int i = 0; i < 9; i++) {
        (void)lag_pace_late(&pace, MAX_US, now_us);
        int64_t took_us = until_live(&pace, &now_us);
        assert_true(took_us >= before_us);
        before_us = took_us;
        now_us += 100000;
    }
    assert_in_range(before_us, LAG_CALM_US_MAX, LAG_CALM_US_MAX + 1000);
    now_us += 2LL * LAG_CALM_US_MAX; /* now one that lasts */
    (void)lag_pace_late(&pace, MAX_US, now_us);
    assert_in_range(until_live(&pace, &now_us), LAG_CALM_US_MAX / 2, LAG_CALM_US_MAX / 2 + 1000);
}

TEST(lag_pace, a_crowd_that_was_late_together_does_not_try_together)
{
    int tries[10] = {0};
    for (int i = 0; i < 256; i++) {
        struct lag_pace pace;
        int64_t now_us = 5000000;
        lag_pace_init(&pace, (uint8_t)i);
        (void)lag_pace_late(&pace, MAX_US, now_us);
        int64_t took_us = until_live(&pace, &now_us);
        assert_in_range(took_us, LAG_CALM_US_MIN, 2 * LAG_CALM_US_MIN);
        tries[(took_us - LAG_CALM_US_MIN) * 10 / (LAG_CALM_US_MIN + 1000)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(tries[i], 20, 30);
}

TEST(lag_pace, no_limit_of_an_interval_is_no_interval)
{
    struct lag_pace pace = fresh();
    assert_false(lag_pace_late(&pace, 0, 1000));
    assert_int_equal(pace.interval_us, 0);
}

TEST(lag_pace, whatever_comes_the_interval_keeps_its_bounds)
{
    struct prng prng;
    struct lag_pace pace = fresh();
    int64_t now_us = 1;
    prng_seed(&prng, 11);
    for (int i = 0; i < 100000; i++) {
        int32_t before_us = pace.interval_us;
        now_us += (int64_t)prng_below(&prng, 3000000);
        bool late = prng_below(&prng, 3) == 0;
        bool changed = late ? lag_pace_late(&pace, MAX_US, now_us) : lag_pace_calm(&pace, now_us);
        assert_int_equal(changed, pace.interval_us != before_us);
        assert_true(late ? pace.interval_us >= before_us : pace.interval_us <= before_us);
        assert_true(pace.interval_us == 0 ||
                    (pace.interval_us >= LAG_PACE_US_MIN && pace.interval_us <= MAX_US));
        assert_in_range(pace.calm_us, 0, LAG_CALM_US_MAX);
    }
}
