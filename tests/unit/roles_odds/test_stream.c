/* test_stream.c - the WebSocket and event streams, over real sockets (CONTRACT, "WebSocket"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream_fixture.h"
#include "test.h"

#define SUBSCRIBE(channel) "{\"op\":\"subscribe\",\"channels\":[\"" channel "\"]}"

static void begin(struct stream_fixture *f, struct peer *peer)
{
    fixture_init(f);
    fixture_begin(f);
    fixture_add(f, "m1", "e1");
    fixture_add(f, "m2", "e1");
    peer_open(peer, f);
}

static void end(struct stream_fixture *f, struct peer *peer)
{
    peer_end(peer);
    fixture_end(f);
}

TEST(stream, a_snapshot_comes_first_and_then_deltas_without_a_hole)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f, &peer);
    unsigned long long seq = peer_subscribe(&peer, "event:e1");
    assert_non_null(strstr(peer.text, "\"market_id\":\"m1\""));
    assert_non_null(strstr(peer.text, "\"market_id\":\"m2\""));
    for (uint32_t i = 0; i < 10; i++) {
        fixture_price(&f, i % 2 ? "m1" : "m2", 300 + i);
        peer_expect_seq(&peer, "{\"op\":\"delta\",\"channel\":\"event:e1\",\"seq\":", ++seq);
        assert_non_null(strstr(peer.text, "\"id\":\"a\""));
        assert_null(strstr(peer.text, "\"id\":\"b\"")); /* only what changed */
    }
    end(&f, &peer);
}

TEST(stream, all_messages_of_a_turn_arrive_and_a_subscription_among_them_sees_each_once)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f, &peer);
    unsigned long long seq = peer_subscribe(&peer, "market:m1");
    for (uint32_t i = 0; i < 200; i++) /* more than the history holds */
        fixture_price_in_turn(&f, "m1", 200 + i);
    for (int i = 0; i < 200; i++) {
        peer_expect_seq(&peer, "{\"op\":\"delta\"", ++seq);
    }
    peer_expect_nothing(&peer);
    end(&f, &peer);
}

TEST(stream, a_subscription_in_the_turn_of_a_change_gets_it_in_its_snapshot_only)
{
    struct stream_fixture f;
    struct peer peer, other;
    begin(&f, &peer);
    peer_open(&other, &f);
    (void)peer_subscribe(&other, "market:m1");
    peer_say_later(&peer, SUBSCRIBE("market:m1"));
    fixture_price_in_turn(&f, "m1", 777);
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    assert_non_null(strstr(peer.text, "\"odds\":7.77"));
    unsigned long long seq = frame_number(peer.text, "seq");
    peer_expect_seq(&other, "{\"op\":\"delta\"", seq);
    peer_expect_nothing(&peer);
    fixture_price(&f, "m1", 778);
    peer_expect_seq(&peer, "{\"op\":\"delta\"", seq + 1);
    peer_end(&other);
    end(&f, &peer);
}

TEST(stream, tells_a_new_market_whole_and_the_end_of_one)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f, &peer);
    unsigned long long seq = peer_subscribe(&peer, "sport:football");
    fixture_add(&f, "m3", "e2");
    peer_expect_seq(&peer, "{\"op\":\"image\",\"channel\":\"sport:football\",\"seq\":", seq + 1);
    assert_non_null(strstr(peer.text, "\"market\":{\"market_id\":\"m3\""));
    fixture_remove(&f, "m1");
    peer_expect_seq(&peer, "{\"op\":\"removed\",\"channel\":\"sport:football\",\"seq\":", seq + 2);
    assert_non_null(strstr(peer.text, "\"market_id\":\"m1\""));
    end(&f, &peer);
}

TEST(stream, a_channel_may_be_followed_before_it_has_a_market)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f, &peer);
    (void)peer_subscribe(&peer, "event:later");
    assert_non_null(strstr(peer.text, "\"markets\":[]"));
    fixture_add(&f, "m9", "later");
    peer_expect(&peer, "{\"op\":\"image\"");
    end(&f, &peer);
}

TEST(stream, an_older_version_is_dropped)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f, &peer);
    fixture_price(&f, "m1", 250);
    (void)peer_subscribe(&peer, "market:m1");
    const uint16_t first[] = {0};
    const struct odds_image *image = f.store->ops->get(f.store, SLICE("m1"));
    odds_service_on_market(f.service, image, image->odds_version - 1, first, 1); /* a repeat */
    peer_expect_nothing(&peer);
    assert_int_equal(odds_service_stats(f.service)->versions_dropped.value, 1);
    end(&f, &peer);
}

TEST(stream, unsubscribed_channels_are_silent)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f, &peer);
    (void)peer_subscribe(&peer, "market:m1");
    peer_say(&peer, "{\"op\":\"unsubscribe\",\"channels\":[\"market:m1\",\"market:m2\"]}");
    peer_expect(&peer, "{\"op\":\"unsubscribed\",\"channel\":\"market:m1\"");
    peer_expect(&peer, "{\"op\":\"error\",\"code\":\"NOT_SUBSCRIBED\",\"channel\":\"market:m2\"}");
    fixture_price(&f, "m1", 250);
    peer_expect_nothing(&peer);
    end(&f, &peer);
}

/* ---- mistakes and limits ---- */

TEST(stream, errors_are_named_and_too_many_malformed_messages_end_it)
{
    struct stream_fixture f;
    struct peer peer;
    fixture_init(&f);
    f.options.limits.malformed_max = 3;
    fixture_begin(&f);
    peer_open(&peer, &f);
    peer_say(&peer, "{\"op\":\"fly\"}");
    peer_expect(&peer, "{\"op\":\"error\",\"code\":\"UNKNOWN_OP\"}");
    peer_say(&peer, SUBSCRIBE("planet:9"));
    peer_expect(&peer, "{\"op\":\"error\",\"code\":\"BAD_CHANNEL\",\"channel\":\"planet:9\"}");
    peer_say(&peer, "{\"op\":\"ping\"}");
    peer_expect(&peer, "{\"op\":\"pong\"}");
    for (int i = 0; i < 3; i++) {
        peer_say(&peer, "{");
        peer_expect(&peer, "{\"op\":\"error\",\"code\":\"MALFORMED\"}");
    }
    peer_expect(&peer, "CLOSE 1008");
    end(&f, &peer);
}

TEST(stream, each_limit_has_its_answer)
{
    struct stream_fixture f;
    struct peer peer;
    fixture_init(&f);
    f.options.limits.channels_per_client_max = 2;
    f.options.limits.channels_max = 3;
    f.options.limits.subscriptions_max = 3;
    f.options.limits.clients_max = 2;
    f.options.limits.ops_burst_max = 4;
    f.options.limits.ops_per_second_max = 1;
    fixture_begin(&f);
    peer_open(&peer, &f);
    peer_say(&peer, "{\"op\":\"subscribe\",\"channels\":[\"event:1\",\"event:2\",\"event:3\"]}");
    peer_expect(&peer, "{\"op\":\"snapshot\",\"channel\":\"event:1\"");
    peer_expect(&peer, "{\"op\":\"snapshot\",\"channel\":\"event:2\"");
    peer_expect(&peer, "{\"op\":\"error\",\"code\":\"TOO_MANY_CHANNELS\"");
    struct peer other;
    peer_open(&other, &f);
    (void)peer_subscribe(&other, "event:4"); /* event:3 is followed by nobody: it makes room */
    peer_say(&other, SUBSCRIBE("event:5"));
    peer_expect(&other, "{\"op\":\"error\",\"code\":\"CHANNELS_FULL\"");
    peer_say(&other, SUBSCRIBE("event:1"));
    peer_expect(&other, "{\"op\":\"error\",\"code\":\"SUBSCRIPTIONS_FULL\"");
    peer_say(&other, "{\"op\":\"ping\"}");
    peer_expect(&other, "{\"op\":\"pong\"}");
    peer_say(&other, "{\"op\":\"ping\"}");
    peer_expect(&other, "{\"op\":\"error\",\"code\":\"RATE_LIMITED\"}");
    struct peer third;
    peer_begin(&third, &f);
    peer_send(&third, "GET /v1/stream?channels=event:1 HTTP/1.1\r\nHost: x\r\n"
                      "Accept: text/event-stream\r\n\r\n");
    assert_non_null(peer_wait(&third, "TOO_MANY_STREAMS"));
    peer_end(&third);
    peer_end(&other);
    end(&f, &peer);
}

TEST(stream, an_operation_too_many_is_refused_under_its_own_id)
{
    struct stream_fixture f;
    struct peer peer;
    fixture_init(&f);
    f.options.limits.ops_burst_max = 2;
    f.options.limits.ops_per_second_max = 1;
    fixture_begin(&f);
    peer_open(&peer, &f);
    for (int i = 0; i < 2; i++) {
        peer_say(&peer, "{\"op\":\"ping\"}");
        peer_expect(&peer, "{\"op\":\"pong\"}");
    }
    peer_say(&peer, "{\"op\":\"place_bet\",\"id\":\"r\\\"1\",\"bet\":{}}");
    peer_expect(&peer, "{\"op\":\"bet\",\"id\":\"r\\\"1\",\"code\":429,\"replayed\":false,"
                       "\"retry_after\":1,\"bet\":{");
    assert_non_null(strstr(peer.text, "\"code\":\"RATE_LIMITED\""));
    peer_say(&peer, "{\"op\":\"accept_offer\",\"id\":\"r2\",\"bet_id\":\"b\",\"offer\":{}}");
    peer_expect(&peer, "{\"op\":\"bet\",\"id\":\"r2\",\"code\":429");
    peer_say(&peer, "{\"op\":\"decline_offer\",\"id\":\"r3\",\"bet_id\":\"b\",\"offer\":{}}");
    peer_expect(&peer, "{\"op\":\"bet\",\"id\":\"r3\",\"code\":429");
    peer_say(&peer, SUBSCRIBE("event:1"));
    peer_expect(&peer, "{\"op\":\"error\",\"code\":\"RATE_LIMITED\"}");
    peer_say(&peer, "{\"op\":\"fly\"}");
    peer_expect(&peer, "{\"op\":\"error\",\"code\":\"RATE_LIMITED\"}");
    end(&f, &peer);
}

TEST(stream, operations_are_not_limited_where_rate_limits_are_off)
{
    struct stream_fixture f;
    struct peer peer;
    fixture_init(&f);
    f.options.limits.ops_burst_max = 1;
    f.options.limits.ops_per_second_max = 1;
    f.options.ops_unlimited = true;
    fixture_begin(&f);
    peer_open(&peer, &f);
    for (int i = 0; i < 3; i++) {
        peer_say(&peer, "{\"op\":\"ping\"}");
        peer_expect(&peer, "{\"op\":\"pong\"}");
    }
    end(&f, &peer);
}

/* ---- conflation ---- */

#define CONFLATE_MS      300
#define CONFLATE_MS_TEXT "300"

static void pass_interval(struct stream_fixture *f)
{
    int64_t end_us = loop_now(f->loop).us + (CONFLATE_MS + 10) * US_PER_MS;
    while (loop_now(f->loop).us < end_us)
        assert_int_equal(loop_run_once(f->loop, 1000), 0);
}

TEST(stream, conflate_ms_sends_the_newest_once_an_interval_after_a_skipped)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f, &peer);
    peer_say(&peer,
             "{\"op\":\"subscribe\",\"channels\":[\"market:m1\"],\"conflate_ms\":" CONFLATE_MS_TEXT
             "}");
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    unsigned long long seq = frame_number(peer.text, "seq");
    for (uint32_t i = 0; i < 5; i++)
        fixture_price(&f, "m1", 300 + i);
    pass_interval(&f);
    peer_expect_seq(&peer, "{\"op\":\"skipped\",\"channel\":\"market:m1\",\"seq\":", seq + 5);
    assert_int_equal(frame_number(peer.text, "changes"), 5);
    peer_expect(&peer, "{\"op\":\"image\",\"channel\":\"market:m1\",\"market\":{");
    assert_non_null(strstr(peer.text, "\"odds\":3.04"));
    fixture_price(&f, "m1", 400);
    pass_interval(&f);
    peer_expect_seq(&peer, "{\"op\":\"delta\"", seq + 6); /* one change: nothing is skipped */
    end(&f, &peer);
}

TEST(stream, a_change_in_the_turn_in_which_an_interval_ends_is_not_lost)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f, &peer);
    peer_say(&peer, "{\"op\":\"subscribe\",\"channels\":[\"event:e1\"],\"conflate_ms\":20}");
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    unsigned long long seq = frame_number(peer.text, "seq");
    fixture_price(&f, "m1", 301); /* held: the interval has begun with the snapshot */
    usleep(30000);
    fixture_price_in_turn(&f, "m2", 302); /* the timer fires before this turn's end */
    for (unsigned i = 1; i <= 2; i++) {
        peer_expect_seq(&peer, "{\"op\":\"delta\"", seq + i);
    }
    end(&f, &peer);
}

/* Changes prices until the client lags. */
static void make_lag(struct stream_fixture *f, int markets)
{
    char id[16];
    for (uint32_t i = 0; i < 60000; i++) {
        (void)snprintf(id, sizeof id, "x%d", (int)(i % (uint32_t)markets));
        fixture_price_in_turn(f, id, 110 + i % 5000);
        if (i % 50 == 49)
            fixture_turns(f, 1);
        if (i % 50 == 49 && odds_service_stats(f->service)->lagging.value > 0)
            return;
    }
    fail_msg("it never lagged");
}

static void add_many(struct stream_fixture *f, int markets)
{
    char id[16];
    for (int i = 0; i < markets; i++) {
        (void)snprintf(id, sizeof id, "x%d", i);
        fixture_add(f, id, "e1");
    }
}

/* Reads all there is and keeps what a client would: seq without holes and the newest version. */
static unsigned long long follow_all(struct peer *peer, unsigned long long seq, int markets,
                                     unsigned long long *versions, int *ret_skipped)
{
    const char *frame;
    *ret_skipped = 0;
    while ((frame = peer_next(peer)) != NULL) {
        unsigned long long n = frame_number(frame, "seq");
        const char *id = strstr(frame, "\"market_id\":\"x");
        assert_non_null(id);
        int market = (int)strtol(id + 14, NULL, 10);
        assert_in_range(market, 0, markets - 1);
        unsigned long long version = frame_number(frame, "odds_version");
        if (strncmp(frame, "{\"op\":\"skipped\"", 15) == 0) {
            assert_true(n >= seq);
            seq = n;
            ++*ret_skipped;
            continue;
        }
        assert_true(version > versions[market]); /* P1 */
        versions[market] = version;
        if (strncmp(frame, "{\"op\":\"delta\"", 13) == 0) {
            assert_int_equal(n, seq + 1);
            seq = n;
        } else {
            assert_memory_equal(frame, "{\"op\":\"image\"", 13);
            assert_int_equal(n, 0); /* the number is in the skipped before it */
        }
    }
    return seq;
}

TEST(stream, a_slow_client_gets_skipped_and_the_newest_and_never_an_older_price)
{
    struct stream_fixture f;
    struct peer peer;
    unsigned long long versions[8] = {0};
    int skipped;
    fixture_init(&f);
    f.options.limits.late_conflate_ms_max = 1; /* live when it has drained, or soon */
    fixture_begin(&f);
    add_many(&f, 8);
    peer_open(&peer, &f);
    unsigned long long seq = peer_subscribe(&peer, "event:e1");
    make_lag(&f, 8);
    for (uint32_t i = 0; i < 800; i++) /* all of these are conflated */
        fixture_price(&f, i % 2 ? "x1" : "x5", 200 + i);
    seq = follow_all(&peer, seq, 8, versions, &skipped);
    assert_true(skipped >= 2);
    assert_int_equal(odds_service_stats(f.service)->lagging.value, 0);
    assert_int_equal(odds_service_stats(f.service)->dirty.value, 0);
    assert_true(odds_service_stats(f.service)->conflated.value >= 800);
    char id[16];
    for (int i = 0; i < 8; i++) {
        (void)snprintf(id, sizeof id, "x%d", i);
        assert_int_equal(versions[i], f.store->ops->get(f.store, slice_text(id))->odds_version);
    }
    fixture_price(&f, "x3", 777); /* it is live again */
    peer_expect_seq(&peer, "{\"op\":\"delta\"", seq + 1);
    end(&f, &peer);
}

TEST(stream, a_client_that_owes_too_many_markets_or_missed_a_removal_gets_a_new_snapshot)
{
    struct stream_fixture f;
    struct peer peer;
    fixture_init(&f);
    fixture_begin(&f);
    add_many(&f, 80);
    peer_open(&peer, &f);
    peer_say(&peer, SUBSCRIBE("event:e1"));
    do {
        peer_expect(&peer, "{\"op\":\"snapshot\"");
    } while (strstr(peer.text, "\"more\":true") != NULL);
    make_lag(&f, 80);
    for (int i = 0; i < 80; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "x%d", i);
        fixture_price(&f, id, 900);
    }
    fixture_remove(&f, "x0");
    const char *frame;
    unsigned long long seq = 0;
    bool gone = true;
    while ((frame = peer_next(&peer)) != NULL && strncmp(frame, "{\"op\":\"snapshot\"", 16) != 0)
        ;
    assert_non_null(frame);
    assert_true(frame_number(frame, "changes") >= 80);
    assert_null(strstr(frame, "\"partial\":true"));
    do {
        gone &= strstr(frame, "\"market_id\":\"x0\"") == NULL;
        seq = frame_number(frame, "seq");
    } while ((frame = peer_next(&peer)) != NULL);
    assert_true(gone);
    fixture_price(&f, "x3", 777);
    peer_expect_seq(&peer, "{\"op\":\"delta\"", seq + 1);
    end(&f, &peer);
}

TEST(stream, a_client_that_lags_too_long_is_closed_by_name)
{
    struct stream_fixture f;
    struct peer peer;
    fixture_init(&f);
    f.options.limits.lag_ms_max = 200;
    fixture_begin(&f);
    add_many(&f, 8);
    peer_open(&peer, &f);
    (void)peer_subscribe(&peer, "event:e1");
    make_lag(&f, 8);
    const struct odds_service_stats *stats = odds_service_stats(f.service);
    for (int i = 0; i < 40 && stats->lag_closed.value == 0; i++)
        assert_int_equal(loop_run_once(f.loop, 100000), 0);
    assert_int_equal(stats->lag_closed.value, 1);
    assert_int_equal(stats->limit_reached[ODDS_LIMIT_lag_ms_max].value, 1);
    const char *frame, *last = NULL;
    while ((frame = peer_next(&peer)) != NULL)
        last = frame;
    assert_string_equal(last, "CLOSE 1013");
    end(&f, &peer);
}

/* ---- resume ---- */

/* The stream id of a frame. */
static void copy_sid(const char *frame, char to[17])
{
    const char *at = strstr(frame, "\"sid\":\"");
    assert_non_null(at);
    (void)snprintf(to, 17, "%.16s", at + 7);
}

static void say_resume(struct peer *peer, const char *sid, unsigned long long seq)
{
    char text[256];
    (void)snprintf(text, sizeof text,
                   "{\"op\":\"resume\",\"channels\":[\"market:m1\"],\"sid\":\"%s\","
                   "\"seq\":{\"market:m1\":%llu}}",
                   sid, seq);
    peer_say(peer, text);
}

TEST(stream, resume_by_number_replays_what_was_missed)
{
    struct stream_fixture f;
    struct peer peer;
    char sid[17];
    begin(&f, &peer);
    unsigned long long seq = peer_subscribe(&peer, "market:m1");
    copy_sid(peer.text, sid);
    peer_end(&peer);
    for (uint32_t i = 0; i < 3; i++)
        fixture_price(&f, "m1", 300 + i);
    peer_open(&peer, &f);
    say_resume(&peer, sid, seq);
    peer_expect(&peer, "{\"op\":\"resumed\",\"channel\":\"market:m1\"");
    for (int i = 1; i <= 3; i++) {
        peer_expect_seq(&peer, "{\"op\":\"delta\"", seq + (unsigned)i);
    }
    fixture_price(&f, "m1", 500);
    peer_expect_seq(&peer, "{\"op\":\"delta\"", seq + 4);
    end(&f, &peer);
}

TEST(stream, resume_by_a_number_that_is_not_kept_or_of_another_stream_gives_a_snapshot)
{
    struct stream_fixture f;
    struct peer peer;
    char sid[17];
    begin(&f, &peer);
    unsigned long long seq = peer_subscribe(&peer, "market:m1");
    copy_sid(peer.text, sid);
    for (uint32_t i = 0; i < 65; i++) /* one more than is kept */
        fixture_price(&f, "m1", 300 + i);
    peer_end(&peer);
    peer_open(&peer, &f);
    say_resume(&peer, sid, seq);
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    say_resume(&peer, "0000000000000000", seq + 64);
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    say_resume(&peer, sid, seq + 66); /* the future */
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    say_resume(&peer, sid, seq + 64);
    peer_expect(&peer, "{\"op\":\"resumed\"");
    peer_expect(&peer, "{\"op\":\"delta\"");
    end(&f, &peer);
}

TEST(stream, resume_by_versions_sends_only_what_is_newer)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f, &peer);
    fixture_price(&f, "m1", 300);
    peer_say(&peer, "{\"op\":\"resume\",\"channels\":[\"event:e1\"],"
                    "\"have\":{\"m1\":4294967297,\"m2\":4294967297}}");
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    assert_non_null(strstr(peer.text, "\"partial\":true"));
    assert_non_null(strstr(peer.text, "\"market_id\":\"m1\""));
    assert_null(strstr(peer.text, "\"market_id\":\"m2\""));
    peer_say(&peer, "{\"op\":\"resume\",\"channels\":[\"event:e1\"],"
                    "\"have\":{\"m1\":4294967298,\"m2\":4294967297,\"gone\":7}}");
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    assert_null(strstr(peer.text, "\"partial\":true")); /* so that it drops what is gone */
    assert_non_null(strstr(peer.text, "\"market_id\":\"m2\""));
    end(&f, &peer);
}

/* ---- event streams ---- */

static void open_events(struct peer *peer, struct stream_fixture *f, const char *last_id)
{
    char text[512];
    peer_begin(peer, f);
    (void)snprintf(text, sizeof text,
                   "GET /v1/stream?channels=market:m1,market:m2 HTTP/1.1\r\nHost: x\r\n"
                   "Accept: text/event-stream\r\n%s%s%s\r\n",
                   last_id != NULL ? "Last-Event-ID: " : "", last_id != NULL ? last_id : "",
                   last_id != NULL ? "\r\n" : "");
    peer_send(peer, text);
}

/* The id of the last event that has one. */
static void last_id_of(const char *bytes, char *to, size_t capacity)
{
    const char *at = NULL;
    for (const char *next = bytes; (next = strstr(next, "id: ")) != NULL; next += 4)
        if (next == bytes || next[-1] == '\n')
            at = next + 4;
    assert_non_null(at);
    (void)snprintf(to, capacity, "%.*s", (int)strcspn(at, "\n"), at);
}

TEST(stream, an_event_stream_resumes_exactly_after_its_last_event)
{
    struct stream_fixture f;
    struct peer peer;
    char id[64];
    fixture_init(&f);
    fixture_begin(&f);
    fixture_add(&f, "m1", "e1");
    fixture_add(&f, "m2", "e1");
    open_events(&peer, &f, NULL);
    assert_non_null(peer_wait(&peer, "\"channel\":\"market:m2\""));
    fixture_price(&f, "m1", 311);
    const char *bytes = peer_wait(&peer, "\"odds\":3.11");
    assert_non_null(bytes);
    assert_non_null(strstr(bytes, "Content-Type: text/event-stream"));
    last_id_of(bytes, id, sizeof id);
    peer_end(&peer);
    fixture_price(&f, "m1", 312);
    fixture_price(&f, "m2", 322);
    open_events(&peer, &f, id);
    bytes = peer_wait(&peer, "\"odds\":3.22");
    assert_non_null(bytes);
    assert_non_null(strstr(bytes, "\"odds\":3.12"));
    assert_null(strstr(bytes, "\"odds\":3.11"));
    assert_null(strstr(bytes, "snapshot"));
    peer_end(&peer);
    open_events(&peer, &f, "0000000000000000:1,1");
    assert_non_null(peer_wait(&peer, "\"channel\":\"market:m2\""));
    assert_non_null(strstr(peer.bytes, "\"op\":\"snapshot\",\"channel\":\"market:m1\""));
    end(&f, &peer);
}

TEST(stream, an_event_stream_is_kept_alive_by_comments)
{
    struct stream_fixture f;
    struct peer peer;
    fixture_init(&f);
    f.options.heartbeat_ms = 100;
    fixture_begin(&f);
    open_events(&peer, &f, NULL);
    bool alive = false;
    for (int i = 0; i < 3 && !alive; i++)
        alive = peer_wait(&peer, "\r\n: \n\n") != NULL;
    assert_true(alive);
    end(&f, &peer);
}

/* ---- authority ---- */

#define AUTHORITY_ENDED "{\"op\":\"error\",\"code\":\"AUTHORITY_ENDED\"}"

TEST(stream, a_bet_needs_a_token_that_has_not_expired)
{
    struct stream_fixture f;
    struct peer peer;
    struct jwt_claims claims = {.exp_s = 1, .sub_bytes = 3, .sub = "ann"};
    begin(&f, &peer);
    const char *bet = "{\"op\":\"place_bet\",\"id\":\"r\\\"1\",\"bet\":{}}";
    peer_say(&peer, bet);
    peer_expect(&peer,
                "{\"op\":\"bet\",\"id\":\"r\\\"1\",\"code\":401,\"replayed\":false,\"bet\":{");
    f.claims = &claims;
    struct peer late, good;
    peer_open(&late, &f);
    peer_say(&late, bet);
    peer_expect(&late, AUTHORITY_ENDED);
    peer_expect(&late, "{\"op\":\"bet\",\"id\":\"r\\\"1\",\"code\":401");
    (void)peer_subscribe(&late, "market:m1"); /* prices go on */
    claims.exp_s = INT64_MAX / 2;
    peer_open(&good, &f);
    peer_say(&good, bet);
    peer_expect(&good, "{\"op\":\"bet\",\"id\":\"r\\\"1\",\"code\":503"); /* no bet service here */
    odds_service_revoke(f.service, SLICE("ann"));
    peer_expect(&good, AUTHORITY_ENDED);
    peer_say(&good, bet);
    peer_expect(&good, "{\"op\":\"bet\",\"id\":\"r\\\"1\",\"code\":401");
    peer_end(&good);
    peer_end(&late);
    end(&f, &peer);
}

TEST(stream, who_gets_no_own_messages_any_more_is_told_so_once)
{
    struct stream_fixture f;
    struct peer peer, ann[3];
    struct jwt_claims claims = {.exp_s = 1, .sub_bytes = 3, .sub = "ann"};
    fixture_init(&f);
    f.options.limits.sockets_per_user_max = 2;
    fixture_begin(&f);
    f.claims = &claims;
    peer_open(&ann[0], &f);
    odds_service_push(f.service, SLICE("ann"), "balance", SLICE("{\"balance\":1}"));
    peer_expect(&ann[0], AUTHORITY_ENDED); /* instead of the balance */
    odds_service_push(f.service, SLICE("ann"), "balance", SLICE("{\"balance\":2}"));
    peer_expect_nothing(&ann[0]);
    peer_end(&ann[0]);
    claims.exp_s = INT64_MAX / 2;
    for (size_t i = 0; i < 3; i++)
        peer_open(&ann[i], &f);
    peer_expect(&ann[0], AUTHORITY_ENDED); /* the oldest of too many */
    odds_service_push(f.service, SLICE("ann"), "balance", SLICE("{\"balance\":3}"));
    peer_expect_nothing(&ann[0]);
    for (size_t i = 1; i < 3; i++) {
        peer_expect(&ann[i], "{\"op\":\"balance\",\"balance\":3}");
        peer_end(&ann[i]);
    }
    peer_begin(&peer, &f);
    peer_end(&ann[0]);
    end(&f, &peer);
}
