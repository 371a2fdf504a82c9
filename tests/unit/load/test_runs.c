/* test_runs.c - whole runs of the generator against a small server: their reports. */
#include <string.h>

#include "fake_server.h"
#include "load/load_frame.h"
#include "load/load_options.h"
#include "test.h"

static char report[LOAD_REPORT_BYTES_MAX];

static int token_of(void *owner, struct slice user_id, struct buf *ret_token)
{
    (void)owner;
    buf_put_text(ret_token, "token-of-");
    buf_put_slice(ret_token, user_id);
    return 0;
}

static struct load_options options_for(const struct fake_server *fake)
{
    return (struct load_options){.target.address = fake->address,
                                 .host = SLICE("h"),
                                 .transport = LOAD_TRANSPORT_HTTP,
                                 .rate = 400,
                                 .burst = 1,
                                 .seconds = 1,
                                 .users = 7,
                                 .connections = 3,
                                 .pipeline = 2,
                                 .clients = 5,
                                 .seed = 1,
                                 .stake_minor_min = 100,
                                 .stake_minor_max = 500,
                                 .deposit_minor = 100000,
                                 .currency = SLICE("GBP"),
                                 .price_policy = SLICE("better"),
                                 .channels = SLICE("market:1.5"),
                                 .user_prefix = SLICE("u"),
                                 .batch = 1,
                                 .token = token_of};
}

typedef int (*run_fn)(const struct load_options *, struct buf *, const char **);

static void run(run_fn fn, const struct load_options *options)
{
    struct buf out = buf_over(report, sizeof report - 1);
    const char *why = "";
    int result = fn(options, &out, &why);
    if (result < 0)
        print_error("%s\n", why);
    assert_int_equal(result, 0);
    assert_false(out.overflow);
    report[out.bytes] = '\0';
    struct load_frame frame; /* one JSON object, whatever is in it */
    assert_int_equal(load_frame_read(buf_slice(&out), &frame), 0);
}

static void expect(const char *part)
{
    if (strstr(report, part) == NULL)
        print_error("%s\nis not in %s\n", part, report);
    assert_non_null(strstr(report, part));
}

TEST(runs, bets_come_from_users_with_money_at_prices_they_saw)
{
    static struct fake_server fake = {.refuse_each = 100};
    fake_server_begin(&fake);
    struct load_options options = options_for(&fake);
    run(load_bets_run, &options);
    assert_int_equal(atomic_load(&fake.deposits), 7);
    assert_int_equal(atomic_load(&fake.bets), 400);
    expect("\"load\":\"bets\"");
    expect("\"sent\":400,\"answered\":400,\"succeeded\":396,\"failed\":0,\"lost\":0");
    expect("{\"status\":409,\"code\":\"ODDS_CHANGED\",\"count\":4}");
    assert_non_null(strstr(fake.last_bet, "{\"market_id\":\"1.5\",\"selection_id\":\"1"));
    assert_non_null(strstr(fake.last_token, "Bearer token-of-u-"));
    fake_server_end(&fake);
}

TEST(runs, bets_go_over_sockets_too)
{
    static struct fake_server fake = {.refuse_each = 100};
    fake_server_begin(&fake);
    struct load_options options = options_for(&fake);
    options.transport = LOAD_TRANSPORT_WS;
    run(load_bets_run, &options);
    assert_int_equal(atomic_load(&fake.bets), 400);
    expect("\"transport\":\"ws\"");
    expect("\"answered\":400,\"succeeded\":396");
    expect("{\"status\":409,\"code\":\"ODDS_CHANGED\",\"count\":4}");
    fake_server_end(&fake);
}

TEST(runs, subscribers_count_deliveries_and_see_no_gap_where_there_is_none)
{
    static struct fake_server fake;
    fake_server_begin(&fake);
    struct load_options options = options_for(&fake);
    run(load_subscribe_run, &options);
    expect("\"clients\":5,\"clients_open\":5,\"closed\":0");
    expect("\"gaps\":0,\"repeats\":0,\"before_snapshot\":0");
    expect("\"latency_from\":\"updated_at\"");
    assert_null(strstr(report, "\"deliveries\":0,"));
    fake_server_end(&fake);
}

TEST(runs, subscribers_see_every_number_that_was_missed)
{
    static struct fake_server fake = {.lose_each = 7};
    fake_server_begin(&fake);
    struct load_options options = options_for(&fake);
    run(load_subscribe_run, &options);
    assert_null(strstr(report, "\"gaps\":0,"));
    fake_server_end(&fake);
}

TEST(runs, reads_ask_for_the_markets_in_turn)
{
    static struct fake_server fake;
    fake_server_begin(&fake);
    struct load_options options = options_for(&fake);
    run(load_reads_run, &options);
    assert_int_equal(atomic_load(&fake.reads), 400);
    expect("\"answered\":400,\"succeeded\":400");
    fake_server_end(&fake);
}

TEST(runs, a_run_without_channels_fails_with_a_sentence)
{
    static struct fake_server fake;
    fake_server_begin(&fake);
    struct load_options options = options_for(&fake);
    options.channels = SLICE("");
    fake_server_end(&fake);
    struct buf out = buf_over(report, sizeof report);
    const char *why = NULL;
    assert_true(load_subscribe_run(&options, &out, &why) < 0);
    assert_non_null(why);
    assert_int_equal(out.bytes, 0);
}
