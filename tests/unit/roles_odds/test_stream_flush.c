/* test_stream_flush.c - price changes that wait for the next flush: who gets what when somebody
 * begins, drains, leaves or is sent away in between (P1, P3). The tests say when a flush is due. */
#include <stdio.h>
#include <string.h>

#include "roles/odds/odds_calls.h"
#include "stream_fixture.h"
#include "test.h"

static void rest(struct stream_fixture *f)
{
    f->service->pace.due_us = INT64_MAX / 2;
}

static void flush(struct stream_fixture *f)
{
    f->service->pace.due_us = 0;
    fixture_turns(f, 1);
}

static uint64_t writes(const struct stream_fixture *f)
{
    return http_server_stats(f->server)->writes;
}

/* Two markets and who follows both; the number of its snapshot. */
static unsigned long long begin(struct stream_fixture *f, struct peer *peer)
{
    fixture_init(f);
    fixture_begin(f);
    fixture_add(f, "m1", "e1");
    fixture_add(f, "m2", "e1");
    peer_open(peer, f);
    return peer_subscribe(peer, "event:e1");
}

/* The same, and a change of the first that waits. */
static unsigned long long begin_waiting(struct stream_fixture *f, struct peer *peer)
{
    unsigned long long seq = begin(f, peer);
    rest(f);
    fixture_price(f, "m1", 300);
    return seq;
}

static void end(struct stream_fixture *f, struct peer *peer)
{
    peer_end(peer);
    fixture_end(f);
}

static void expect_deltas(struct peer *peer, unsigned long long after, int count)
{
    for (int i = 0; i < count; i++) {
        peer_expect_seq(peer, "{\"op\":\"delta\"", ++after);
    }
    peer_expect_nothing(peer);
}

TEST(stream_flush, changes_that_wait_go_out_together_in_one_send)
{
    struct stream_fixture f;
    struct peer peer;
    unsigned long long seq = begin(&f, &peer);
    rest(&f);
    for (uint32_t i = 0; i < 5; i++)
        fixture_price(&f, i % 2 == 0 ? "m1" : "m2", 300 + i);
    peer_expect_nothing(&peer);
    assert_true(odds_service_stats(f.service)->flushes_put_off.value > 0);
    uint64_t before = writes(&f);
    flush(&f);
    assert_int_equal(writes(&f), before + 1);
    expect_deltas(&peer, seq, 5);
    end(&f, &peer);
}

TEST(stream_flush, who_follows_with_few_others_does_not_wait)
{
    struct stream_fixture f;
    struct peer few, many[2];
    fixture_init(&f);
    f.options.limits.paced_followers_min = 2;
    fixture_begin(&f);
    fixture_add(&f, "m1", "e1");
    peer_open(&few, &f);
    unsigned long long seq = peer_subscribe(&few, "market:m1"), event_seq = 0;
    for (int i = 0; i < 2; i++) {
        peer_open(&many[i], &f);
        event_seq = peer_subscribe(&many[i], "event:e1");
    }
    rest(&f);
    for (uint32_t i = 0; i < 3; i++)
        fixture_price_in_turn(&f, "m1", 300 + i);
    fixture_turns(&f, 1);
    expect_deltas(&few, seq, 3);
    peer_expect_nothing(&many[0]);
    flush(&f);
    for (int i = 0; i < 2; i++) {
        expect_deltas(&many[i], event_seq, 3);
        peer_end(&many[i]);
    }
    end(&f, &few);
}

TEST(stream_flush, the_wait_ends_by_itself)
{
    struct stream_fixture f;
    struct peer peer;
    unsigned long long seq = begin(&f, &peer);
    f.service->pace.due_us = loop_now(f.loop).us + 5000;
    fixture_price(&f, "m1", 300);
    for (int i = 0; i < 100 && f.service->queue != SLOT_NONE; i++)
        assert_int_equal(loop_run_once(f.loop, INT64_MAX), 0); /* nothing but the timer wakes it */
    expect_deltas(&peer, seq, 1);
    end(&f, &peer);
}

#define CROWD 40

static struct peer crowd[CROWD];

static void begin_crowd(struct stream_fixture *f)
{
    fixture_init(f);
    f->net.push_slice_us_max = 0; /* to one connection a turn, or to few where the turn was long */
    fixture_begin(f);
    fixture_add(f, "m1", "e1");
    for (int i = 0; i < CROWD; i++) {
        peer_open(&crowd[i], f);
        (void)peer_subscribe(&crowd[i], "market:m1");
    }
}

static void end_crowd(struct stream_fixture *f)
{
    for (int i = 0; i < CROWD; i++)
        peer_end(&crowd[i]);
    fixture_end(f);
}

static bool is_flushing(const struct stream_fixture *f)
{
    return f->service->flush_begin_us != 0;
}

static void finish_flush(struct stream_fixture *f)
{
    while (is_flushing(f) || f->service->queue != SLOT_NONE)
        flush(f);
}

static void expect_all(unsigned long long after, int count)
{
    for (int i = 0; i < CROWD; i++)
        expect_deltas(&crowd[i], after, count);
}

/* Rounds until a flush was seen under way behind its first turn. */
TEST(stream_flush, changes_join_a_flush_that_has_just_begun_and_are_one_send_with_it)
{
    struct stream_fixture f;
    begin_crowd(&f);
    unsigned long long seq = frame_number(crowd[0].text, "seq");
    bool joined = false;
    for (uint32_t round = 0; round < 200 && !joined; round++, seq += 2) {
        uint64_t before = writes(&f), flushes = odds_service_stats(f.service)->flushes.value;
        fixture_price(&f, "m1", 300 + 2 * round);
        bool in_time = is_flushing(&f) && writes(&f) - before < CROWD / FLUSH_JOIN_SHARE;
        fixture_price(&f, "m1", 301 + 2 * round);
        joined = in_time && f.service->queue == SLOT_NONE;
        finish_flush(&f);
        if (joined) {
            assert_int_equal(odds_service_stats(f.service)->flushes.value, flushes + 1);
            assert_true(writes(&f) - before < 2 * CROWD);
        }
        expect_all(seq, 2);
    }
    assert_true(joined);
    end_crowd(&f);
}

TEST(stream_flush, what_comes_late_in_a_flush_waits_until_it_is_sent)
{
    struct stream_fixture f;
    begin_crowd(&f);
    unsigned long long seq = frame_number(crowd[0].text, "seq");
    bool waited = false;
    for (uint32_t round = 0; round < 200 && !waited; round++, seq += 3) {
        uint64_t before = writes(&f);
        fixture_price(&f, "m1", 300 + 3 * round);
        while (is_flushing(&f) && writes(&f) - before < CROWD / 2)
            fixture_turns(&f, 1);
        waited = is_flushing(&f);
        fixture_price(&f, "m1", 301 + 3 * round);
        fixture_price(&f, "m1", 302 + 3 * round);
        waited = waited && is_flushing(&f) && f.service->queue != SLOT_NONE;
        finish_flush(&f);
        if (waited)
            assert_int_equal(writes(&f) - before, 2 * CROWD); /* two flushes, not three */
        expect_all(seq, 3);
    }
    assert_true(waited);
    end_crowd(&f);
}

TEST(stream_flush, answers_do_not_wait)
{
    struct stream_fixture f;
    struct peer peer;
    unsigned long long seq = begin_waiting(&f, &peer);
    peer_say(&peer, "{\"op\":\"ping\"}");
    peer_expect(&peer, "{\"op\":\"pong\"}");
    peer_expect_nothing(&peer);
    flush(&f);
    expect_deltas(&peer, seq, 1);
    end(&f, &peer);
}

TEST(stream_flush, who_subscribes_in_between_begins_with_the_newest_and_makes_nobody_flush)
{
    struct stream_fixture f;
    struct peer peer, late;
    unsigned long long seq = begin(&f, &peer);
    peer_open(&late, &f);
    rest(&f);
    fixture_price(&f, "m1", 300);
    fixture_price(&f, "m1", 301);
    assert_int_equal(peer_subscribe(&late, "event:e1"), seq + 2);
    assert_non_null(strstr(late.text, "\"odds\":3.01"));
    fixture_price(&f, "m2", 302);
    peer_expect_nothing(&peer);
    flush(&f);
    expect_deltas(&late, seq + 2, 1); /* only what its snapshot does not have */
    expect_deltas(&peer, seq, 3);
    fixture_price(&f, "m2", 303);
    expect_deltas(&late, seq + 3, 1);
    expect_deltas(&peer, seq + 3, 1);
    peer_end(&late);
    end(&f, &peer);
}

TEST(stream_flush, who_resumes_in_between_misses_nothing_and_sees_nothing_twice)
{
    struct stream_fixture f;
    struct peer peer, back;
    char text[160];
    unsigned long long seq = begin(&f, &peer);
    fixture_price(&f, "m1", 299);
    expect_deltas(&peer, seq, 1);
    rest(&f);
    fixture_price(&f, "m1", 300);
    fixture_price(&f, "m2", 301);
    peer_open(&back, &f);
    (void)snprintf(text, sizeof text,
                   "{\"op\":\"resume\",\"channels\":[\"event:e1\"],\"sid\":\"%.16s\","
                   "\"seq\":{\"event:e1\":%llu}}",
                   f.service->sid, seq);
    peer_say(&back, text);
    peer_expect(&back, "{\"op\":\"resumed\"");
    expect_deltas(&back, seq, 3);
    fixture_price(&f, "m2", 302);
    peer_expect_nothing(&peer);
    flush(&f);
    expect_deltas(&back, seq + 3, 1);
    expect_deltas(&peer, seq + 1, 3);
    peer_end(&back);
    end(&f, &peer);
}

TEST(stream_flush, who_subscribes_again_in_between_begins_afresh)
{
    struct stream_fixture f;
    struct peer peer;
    unsigned long long seq = begin_waiting(&f, &peer);
    assert_int_equal(peer_subscribe(&peer, "event:e1"), seq + 1);
    fixture_price(&f, "m1", 301);
    flush(&f);
    expect_deltas(&peer, seq + 1, 1);
    end(&f, &peer);
}

TEST(stream_flush, who_leaves_gets_first_what_waits)
{
    struct stream_fixture f;
    struct peer peer, other;
    unsigned long long seq = begin(&f, &peer);
    peer_open(&other, &f);
    (void)peer_subscribe(&other, "event:e1");
    rest(&f);
    fixture_price(&f, "m1", 300);
    peer_say(&other, "{\"op\":\"unsubscribe\",\"channels\":[\"event:e1\"]}");
    peer_expect(&other, "{\"op\":\"delta\"");
    peer_expect_seq(&other, "{\"op\":\"unsubscribed\"", seq + 1);
    peer_expect_nothing(&peer);
    flush(&f);
    peer_expect_nothing(&other);
    expect_deltas(&peer, seq, 1);
    peer_end(&other);
    end(&f, &peer);
}

TEST(stream_flush, an_event_stream_gets_the_same_messages_once_each)
{
    struct stream_fixture f;
    struct peer peer, stream;
    unsigned long long seq = begin_waiting(&f, &peer);
    peer_begin(&stream, &f);
    peer_send(&stream, "GET /v1/stream?channels=event:e1 HTTP/1.1\r\nHost: x\r\n"
                       "Accept: text/event-stream\r\n\r\n");
    assert_non_null(peer_wait(&stream, "\"op\":\"snapshot\""));
    stream.at = stream.count;
    fixture_price(&f, "m1", 301);
    fixture_price(&f, "m1", 302);
    flush(&f);
    const char *events = peer_wait(&stream, "\"odds\":3.02");
    assert_non_null(events);
    assert_null(strstr(events + stream.at, "\"odds\":3}"));
    assert_non_null(strstr(events + stream.at, "\"odds\":3.01"));
    expect_deltas(&peer, seq, 3);
    peer_end(&stream);
    end(&f, &peer);
}

TEST(stream_flush, who_drains_in_between_gets_the_newest_image_and_then_what_is_newer)
{
    struct stream_fixture f;
    struct peer peer;
    (void)begin(&f, &peer);
    struct client *client = &f.service->clients[0];
    unsigned long long seq = frame_number(peer.text, "seq");
    fixture_price(&f, "m1", 300);
    expect_deltas(&peer, seq, 1);
    client_sent(client, SEND_LAGGING);
    fixture_price(&f, "m1", 301);
    rest(&f);
    fixture_price(&f, "m1", 302); /* waits for the others; it is owed here */
    client_drained(client);
    peer_expect_seq(&peer, "{\"op\":\"skipped\"", seq + 3);
    assert_int_equal(frame_number(peer.text, "changes"), 2);
    peer_expect(&peer, "{\"op\":\"image\"");
    assert_non_null(strstr(peer.text, "\"odds\":3.02"));
    fixture_price(&f, "m2", 303);
    peer_expect_nothing(&peer);
    flush(&f);
    expect_deltas(&peer, seq + 3, 1);
    end(&f, &peer);
}

TEST(stream_flush, a_market_that_ends_in_between_takes_its_changes_with_it_in_order)
{
    struct stream_fixture f;
    struct peer peer;
    unsigned long long seq = begin_waiting(&f, &peer);
    fixture_remove(&f, "m1");
    flush(&f);
    peer_expect(&peer, "{\"op\":\"delta\"");
    peer_expect_seq(&peer, "{\"op\":\"removed\"", seq + 2);
    end(&f, &peer);
}

TEST(stream_flush, who_is_sent_away_or_drained_gets_first_what_waits)
{
    for (int away = 0; away < 2; away++) {
        struct stream_fixture f;
        struct peer peer;
        (void)begin_waiting(&f, &peer);
        if (away)
            odds_service_leave(f.service);
        else
            odds_service_drain(f.service);
        fixture_price(&f, "m1", 301); /* and what still comes does not wait */
        peer_expect(&peer, "{\"op\":\"delta\"");
        peer_expect(&peer, "{\"op\":\"delta\"");
        if (away) {
            fixture_price_in_turn(&f, "m1", 302);
            odds_service_send_away(f.service);
            peer_expect(&peer, "{\"op\":\"delta\"");
            peer_expect(&peer, "{\"op\":\"reconnect\"");
        }
        end(&f, &peer);
    }
}

TEST(stream_flush, nobody_follows_and_nothing_waits)
{
    struct stream_fixture f;
    struct peer peer;
    (void)begin(&f, &peer);
    rest(&f);
    peer_say(&peer, "{\"op\":\"unsubscribe\",\"channels\":[\"event:e1\"]}");
    fixture_price_in_turn(&f, "m1", 300);
    assert_int_equal(f.service->queue, SLOT_NONE);
    end(&f, &peer);
}

TEST(stream_flush, an_image_sent_when_the_history_is_full_holds_no_change_that_is_told_again)
{
    struct stream_fixture f;
    struct peer peer;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_add(&f, "m1", "e1");
    peer_open(&peer, &f);
    peer_say(&peer, "{\"op\":\"subscribe\",\"channels\":[\"market:m1\"],\"conflate_ms\":1}");
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    (void)loop_run_once(f.loop, 3000); /* its interval is over */
    for (uint32_t i = 0; i <= HISTORY_SLOTS; i++)
        fixture_price_in_turn(&f, "m1", 200 + i);
    peer_expect(&peer, "{\"op\":\"skipped\"");
    peer_expect(&peer, "{\"op\":\"image\"");
    unsigned long long version = frame_number(peer.text, "odds_version");
    peer_expect(&peer, "{\"op\":\"delta\"");
    assert_int_equal(frame_number(peer.text, "odds_version"), version + 1);
    end(&f, &peer);
}
