/* test_open_loop.c - requests go out when they are due, and a server that stops for a moment is
 * charged for all who came in that moment. */
#include "load/load_open_loop.h"

#include "fake_server.h"
#include "load/load_frame.h"
#include "load/load_wire.h"
#include "test.h"

struct run {
    struct fake_server fake;
    struct loop *loop;
    struct load_open_loop *open_loop;
    const struct load_open_loop_result *result;
    bool refuses_to_build;
};

static bool build(void *owner, uint64_t n, uint32_t connection, struct buf *out)
{
    (void)n;
    (void)connection;
    struct run *run = owner;
    struct load_wire_request request = {
        .method = "POST", .path = "/v1/bets", .host = SLICE("h"), .body = SLICE("{}")};
    load_wire_request(out, &request);
    return !run->refuses_to_build;
}

static struct slice code(void *owner, const struct load_pool_answer *answer)
{
    (void)owner;
    return answer->status == 201 ? SLICE_NONE
                                 : load_frame_find_text(answer->body, SLICE("\"code\""));
}

static void go(struct run *run, uint32_t connections, const struct load_open_loop_options *options)
{
    static const struct load_open_loop_callbacks callbacks = {build, code, NULL};
    fake_server_begin(&run->fake);
    struct load_pool_options pool = {.target.address = run->fake.address,
                                     .transport = LOAD_TRANSPORT_HTTP,
                                     .connections = connections,
                                     .pipeline = 1};
    assert_int_equal(loop_new(&run->loop), 0);
    assert_int_equal(load_open_loop_new(run->loop, &pool, &callbacks, run, &run->open_loop), 0);
    assert_true(load_open_loop_connect(run->open_loop, connections, 10000));
    assert_int_equal(load_open_loop_run(run->open_loop, options, &run->result), 0);
}

static void end(struct run *run)
{
    load_open_loop_free(run->open_loop);
    loop_free(run->loop);
    fake_server_end(&run->fake);
}

TEST(open_loop, sends_exactly_the_requests_of_the_schedule)
{
    static struct run run;
    struct load_open_loop_options options = {
        .rate = 1000, .burst = 1, .warmup_ms = 100, .measure_ms = 300, .grace_ms = 10000};
    go(&run, 4, &options);
    const struct load_tally *tally = &run.result->tally;
    assert_int_equal(atomic_load(&run.fake.bets), 400);
    assert_int_equal(tally->sent, 300); /* the first 100 ms are not counted */
    assert_int_equal(tally->answered, 300);
    assert_int_equal(tally->succeeded, 300);
    assert_int_equal(tally->failed, 0);
    assert_int_equal(run.result->unsent, 0);
    assert_int_equal(tally->latency_us.count, 300);
    end(&run);
}

TEST(open_loop, charges_a_stall_to_everyone_who_came_during_it)
{
    /* The server sleeps 200 ms at its 100th request. A closed loop would see one slow answer; of
     * the 200 that were due meanwhile, half must have waited 100 ms or longer. */
    static struct run run;
    run.fake.stall_at = 100;
    run.fake.stall_ms = 200;
    struct load_open_loop_options options = {
        .rate = 1000, .burst = 1, .measure_ms = 500, .grace_ms = 20000};
    go(&run, 4, &options);
    const struct load_tally *tally = &run.result->tally;
    assert_int_equal(tally->answered, 500);
    assert_true(tally->latency_us.max >= 190000);
    assert_true(histogram_count_above(&tally->latency_us, 100000) >= 90);
    /* The generator knows that it was not itself that was late. */
    assert_true(run.result->waited_for_connection >= 150);
    end(&run);
}

TEST(open_loop, counts_what_was_never_answered_or_never_sent)
{
    static struct run run;
    run.fake.mute_from = 51;
    struct load_open_loop_options options = {
        .rate = 1000, .burst = 1, .measure_ms = 200, .grace_ms = 50};
    go(&run, 2, &options);
    const struct load_tally *tally = &run.result->tally;
    assert_int_equal(tally->answered, 50);
    assert_int_equal(tally->lost, 150);
    assert_int_equal(run.result->unsent, 148); /* two were under way */
    assert_int_equal(tally->latency_us.count, 200);
    assert_int_equal(load_tally_failed_ppm(tally), 750000);
    end(&run);
}

TEST(open_loop, goes_on_after_a_connection_was_closed)
{
    static struct run run;
    run.fake.close_at = 20;
    struct load_open_loop_options options = {
        .rate = 500, .burst = 5, .measure_ms = 1000, .grace_ms = 20000};
    go(&run, 1, &options);
    const struct load_tally *tally = &run.result->tally;
    assert_int_equal(tally->answered + tally->lost, 500);
    assert_int_equal(tally->failed, 1 + tally->lost); /* 503, and what was under way */
    assert_true(load_pool_stats(load_open_loop_pool(run.open_loop))->opened >= 2);
    end(&run);
}

TEST(open_loop, keeps_requests_due_that_cannot_be_made_yet)
{
    static struct run run;
    run.refuses_to_build = true;
    struct load_open_loop_options options = {
        .rate = 1000, .burst = 1, .measure_ms = 100, .grace_ms = 20};
    go(&run, 2, &options);
    assert_int_equal(atomic_load(&run.fake.bets), 0);
    assert_int_equal(run.result->unsent, 100);
    assert_true(run.result->not_built > 0);
    end(&run);
}
