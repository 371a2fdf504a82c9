/* test_bettors.c - the demo's crowd against a small server: what it asks for, and how it takes
 * refusals and broken connections. */
#include <string.h>

#include "fake_server.h"
#include "load/load_bettors.h"
#include "load/load_process.h"
#include "test.h"

#define PATIENCE_US (20 * US_PER_SECOND)

struct crowd {
    struct loop *loop;
    struct load_bettors *bettors;
    struct load_bettors_sample sample;
};

static void begin(struct crowd *crowd, const struct fake_server *fake, int64_t think_us)
{
    struct load_bettors_options options = {.address = fake->address,
                                           .count = 12,
                                           .seed = 3,
                                           .think_us = think_us,
                                           .channels = SLICE("market:1.5"),
                                           .currency = SLICE("GBP")};
    assert_int_equal(loop_new(&crowd->loop), 0);
    assert_int_equal(load_bettors_new(crowd->loop, &options, &crowd->bettors), 0);
}

static void end(struct crowd *crowd)
{
    load_bettors_free(crowd->bettors);
    loop_free(crowd->loop);
}

/* Until `*what` of the sample has come to `wanted`. */
static bool run_until(struct crowd *crowd, const uint64_t *what, uint64_t wanted)
{
    int64_t until_us = load_process_now().us + PATIENCE_US;
    do {
        assert_int_equal(loop_run_once(crowd->loop, 10000), 0);
        load_bettors_sample(crowd->bettors, &crowd->sample);
    } while (*what < wanted && load_process_now().us < until_us);
    return *what >= wanted;
}

TEST(bettors, come_with_sessions_and_money_and_do_all_that_customers_do)
{
    static struct fake_server fake;
    static struct crowd crowd;
    fake_server_begin(&fake);
    begin(&crowd, &fake, 4000);
    assert_true(run_until(&crowd, &crowd.sample.bets, 400));
    assert_int_equal(crowd.sample.with_session, 12);
    assert_int_equal(crowd.sample.with_money, 12);
    assert_int_equal(atomic_load(&fake.sessions), 12);
    assert_true(crowd.sample.accepted > 300);
    assert_true(crowd.sample.stale > 0 && crowd.sample.stale < 80);
    assert_true(crowd.sample.retried > 0 && crowd.sample.retried < 80);
    assert_true(crowd.sample.deposits >= 12);
    assert_true(crowd.sample.p50_us > 0 && crowd.sample.p99_us >= crowd.sample.p50_us);
    assert_int_equal(crowd.sample.lost, 0);
    end(&crowd);
    fake_server_end(&fake);
}

TEST(bettors, hurry_when_a_price_moves)
{
    static struct fake_server fake;
    static struct crowd crowd;
    fake_server_begin(&fake);
    begin(&crowd, &fake, US_PER_SECOND);
    assert_true(run_until(&crowd, &crowd.sample.hurried, 20)); /* the price moves each 5 ms */
    end(&crowd);
    fake_server_end(&fake);
}

TEST(bettors, count_refusals_and_go_on)
{
    static struct fake_server fake = {.refuse_each = 2};
    static struct crowd crowd;
    fake_server_begin(&fake);
    begin(&crowd, &fake, 4000);
    assert_true(run_until(&crowd, &crowd.sample.refused, 50));
    assert_true(crowd.sample.accepted >= 40);
    end(&crowd);
    fake_server_end(&fake);
}

TEST(bettors, survive_a_server_that_goes_away)
{
    static struct fake_server fake;
    static struct crowd crowd;
    fake_server_begin(&fake);
    begin(&crowd, &fake, 4000);
    assert_true(run_until(&crowd, &crowd.sample.bets, 50));
    fake_server_end(&fake);
    for (int i = 0; i < 100; i++)
        assert_int_equal(loop_run_once(crowd.loop, 5000), 0);
    end(&crowd);
}
