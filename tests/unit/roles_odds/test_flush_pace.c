/* test_flush_pace.c - when waiting changes go out, in virtual time. */
#include "base/prng.h"
#include "roles/odds/flush_pace.h"
#include "test.h"

#define MAX_US 20000

/* A server whose flush costs `send_us` once and `change_us` for each change it hands over. */
struct world {
    struct flush_pace pace;
    int64_t now_us;
    int64_t send_us, change_us;
};

static void begin(struct world *w, int64_t send_us)
{
    *w = (struct world){.now_us = 5000000, .send_us = send_us, .change_us = 1};
    flush_pace_init(&w->pace, MAX_US);
}

/* A flush that had the loop for itself. */
static void flushed(struct flush_pace *pace, int64_t begin_us, int64_t end_us, uint64_t changes)
{
    flush_pace_flushed(pace, &(struct flush_span){begin_us, end_us, end_us - begin_us}, changes);
}

static void flush(struct world *w, uint64_t changes)
{
    int64_t begin_us = w->now_us;
    assert_int_equal(flush_pace_wait_us(&w->pace, w->now_us), 0);
    w->now_us += w->send_us + (int64_t)changes * w->change_us;
    flushed(&w->pace, begin_us, w->now_us, changes);
}

struct run {
    uint64_t flushes, changes;
    int64_t waited_us_max; /* from a change's coming to the begin of its flush */
    int64_t flushing_us;
};

/* Changes come every `every_us` for a while; the loop flushes whatever is there as soon as it
 * may. */
static struct run run(struct world *w, int64_t every_us, int64_t for_us)
{
    struct run run = {0};
    int64_t begin_us = w->now_us, next_us = begin_us;
    while (w->now_us < begin_us + for_us) {
        if (w->now_us < next_us)
            w->now_us = next_us;
        w->now_us += flush_pace_wait_us(&w->pace, w->now_us);
        uint64_t changes = (uint64_t)((w->now_us - next_us) / every_us) + 1;
        if (w->now_us - next_us > run.waited_us_max)
            run.waited_us_max = w->now_us - next_us;
        next_us += (int64_t)changes * every_us;
        int64_t before_us = w->now_us;
        flush(w, changes);
        run.flushing_us += w->now_us - before_us;
        run.flushes++;
        run.changes += changes;
    }
    return run;
}

TEST(flush_pace, the_first_change_does_not_wait)
{
    struct world w;
    begin(&w, 8000);
    assert_int_equal(flush_pace_wait_us(&w.pace, w.now_us), 0);
}

TEST(flush_pace, a_change_alone_is_followed_by_no_rest_whatever_it_cost)
{
    struct world w;
    begin(&w, 80000);
    for (int i = 0; i < 10; i++) {
        flush(&w, 1);
        assert_int_equal(w.pace.rest_us, 0);
        assert_int_equal(flush_pace_wait_us(&w.pace, w.now_us), 0);
    }
}

TEST(flush_pace, many_changes_rest_as_long_as_their_flush_took)
{
    struct world w;
    begin(&w, 8000);
    w.change_us = 0;
    flush(&w, 1000);
    assert_int_equal(w.pace.rest_us, 7992);
    assert_int_equal(flush_pace_wait_us(&w.pace, w.now_us + 7991), 1);
    assert_int_equal(flush_pace_wait_us(&w.pace, w.now_us + 7000), 992);
    assert_int_equal(flush_pace_wait_us(&w.pace, w.now_us + 7992), 0);
    flushed(&w.pace, w.now_us, w.now_us + 8000, 2);
    assert_int_equal(w.pace.rest_us, 4000);
}

TEST(flush_pace, no_rest_is_longer_than_the_bound)
{
    struct world w;
    begin(&w, 80000);
    flush(&w, 1000);
    assert_int_equal(w.pace.rest_us, MAX_US);
    flushed(&w.pace, 0, INT64_MAX / 2, UINT64_MAX); /* it stood still for long */
    assert_int_equal(w.pace.rest_us, MAX_US);
    flushed(&w.pace, 9000, 8000, 5); /* a clock that goes back costs nothing */
    assert_int_equal(w.pace.rest_us, 0);
}

TEST(flush_pace, what_the_loop_did_for_others_during_a_flush_is_taken_off_its_rest)
{
    static const struct {
        struct flush_span span;
        int64_t rest_us;
    } cases[] = {
        {{0, 8000, 8000}, 7992},  /* had the loop for itself */
        {{0, 11000, 8000}, 4992}, /* the others had 3 ms */
        {{0, 16000, 8000}, 0},    /* the others had as much: half of the time is enough */
        {{0, 90000, 8000}, 0},    /* they were given much more */
        {{0, 100000, 90000}, MAX_US},
        {{0, 8000, 9000}, 7992}, /* no flush costs more than it took */
        {{0, 8000, -1}, 0},      /* nor less than nothing */
        {{0, INT64_MAX / 2, 1}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct flush_pace pace;
        flush_pace_init(&pace, MAX_US);
        flush_pace_flushed(&pace, &cases[i].span, 1000);
        assert_in_range(pace.rest_us, cases[i].rest_us > 9 ? cases[i].rest_us - 1 : 0,
                        cases[i].rest_us);
        assert_int_equal(pace.due_us, cases[i].span.end_us + pace.rest_us);
    }
}

TEST(flush_pace, changes_join_a_flush_that_began_with_few_while_most_of_it_is_not_sent)
{
    assert_true(flush_pace_may_join(1, 0, 1000));
    assert_true(flush_pace_may_join(FLUSH_JOIN_CHANGES - 1, 249, 1000));
    assert_false(flush_pace_may_join(FLUSH_JOIN_CHANGES, 0, 1000)); /* full */
    assert_false(flush_pace_may_join(1, 250, 1000));
    assert_false(flush_pace_may_join(1, 0, 3)); /* too few to be worth it */
    /* Who was sent to comes back to the end of the row: joining ends all the same. */
    uint64_t sent = 0, sends = 1000;
    while (flush_pace_may_join(1, sent, sends)) {
        sent++;
        sends++;
    }
    assert_true(sent < 500);
}

TEST(flush_pace, a_bound_of_zero_never_rests)
{
    struct world w;
    begin(&w, 80000);
    flush_pace_init(&w.pace, 0);
    flush(&w, 1000);
    assert_int_equal(flush_pace_wait_us(&w.pace, w.now_us), 0);
}

TEST(flush_pace, cheap_flushes_are_not_worth_a_rest)
{
    struct world w;
    begin(&w, FLUSH_REST_US_MIN - 10);
    w.change_us = 0;
    flush(&w, 1000);
    assert_int_equal(w.pace.rest_us, 0);
}

TEST(flush_pace, sending_takes_about_half_of_the_time_under_load_and_a_wait_is_bounded)
{
    static const int64_t every_us[] = {1000, 500, 200, 100};
    for (size_t i = 0; i < sizeof every_us / sizeof *every_us; i++) {
        struct world w;
        begin(&w, 8000);
        struct run it = run(&w, every_us[i], 2000000);
        assert_in_range(it.flushing_us, 2000000 * 45 / 100, 2000000 * 60 / 100);
        assert_true(it.waited_us_max <= w.pace.rest_us_max + 8000 + 1000);
        assert_true(it.changes > 6 * it.flushes); /* fewer and fuller */
        w.now_us += MAX_US;
        assert_int_equal(flush_pace_wait_us(&w.pace, w.now_us), 0); /* idle again: no wait */
        flush(&w, 1);
        assert_int_equal(w.pace.rest_us, 0);
    }
}

TEST(flush_pace, changes_that_come_slower_than_a_flush_are_never_put_off)
{
    struct world w;
    begin(&w, 8000);
    struct run it = run(&w, 9000, 2000000);
    assert_int_equal(it.waited_us_max, 0);
    assert_int_equal(it.changes, it.flushes);
}

TEST(flush_pace, is_due_again_at_the_latest_after_the_bound_in_any_order_of_events)
{
    struct flush_pace pace;
    struct prng prng;
    int64_t now_us = 1;
    prng_seed(&prng, 7);
    for (int i = 0; i < 20000; i++) {
        int64_t bound_us = (int64_t)prng_below(&prng, 30000);
        if (i % 500 == 0)
            flush_pace_init(&pace, bound_us);
        int64_t begin_us = now_us;
        now_us += (int64_t)prng_below(&prng, i % 3 == 0 ? 200000 : 2000);
        flushed(&pace, begin_us, now_us, 1 + prng_below(&prng, 50));
        assert_in_range(pace.rest_us, 0, pace.rest_us_max);
        assert_true(pace.rest_us <= now_us - begin_us);
        assert_int_equal(flush_pace_wait_us(&pace, now_us + pace.rest_us), 0);
        assert_int_equal(flush_pace_wait_us(&pace, now_us), pace.rest_us);
        now_us += pace.rest_us + (int64_t)prng_below(&prng, 3000);
    }
}
