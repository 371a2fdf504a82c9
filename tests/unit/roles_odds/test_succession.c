/* test_succession.c - a second odds service goes on where the first one ended (P1): what clients
 * are told at the end, what a resume gets from the successor, and what becomes of the markets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "core/market.h"
#include "stream_fixture.h"
#include "test.h"

#define SUBSCRIBE(channel) "{\"op\":\"subscribe\",\"channels\":[\"" channel "\"]}"

struct succession {
    struct stream_fixture old, new;
    struct shared_bytes *state;
    char sid[17];
};

static void begin_old(struct succession *t)
{
    fixture_init(&t->old);
    fixture_begin(&t->old);
    fixture_add(&t->old, "m1", "e1");
    fixture_add(&t->old, "m2", "e1");
}

/* `keep_ms`: of the markets that nobody has offered again. */
static void hand_over(struct succession *t, int64_t keep_ms)
{
    odds_service_leave(t->old.service);
    assert_true(odds_service_is_answered(t->old.service));
    odds_service_send_away(t->old.service);
    assert_int_equal(odds_service_hand_over(t->old.service, &t->state), 0);
    fixture_init(&t->new);
    t->new.options.succession_keep_ms = keep_ms;
    t->new.state = shared_bytes_slice(t->state);
    fixture_begin(&t->new);
}

static void end_both(struct succession *t)
{
    shared_bytes_give(t->state);
    fixture_end(&t->new);
    fixture_end(&t->old);
}

static void note_sid(struct succession *t, const char *frame)
{
    const char *at = strstr(frame, "\"sid\":\"");
    assert_non_null(at);
    memcpy(t->sid, at + 7, 16);
    t->sid[16] = '\0';
}

static void resume(struct succession *t, struct peer *peer, unsigned long long seq)
{
    char text[256];
    (void)snprintf(text, sizeof text,
                   "{\"op\":\"resume\",\"channels\":[\"event:e1\"],\"sid\":\"%s\","
                   "\"seq\":{\"event:e1\":%llu}}",
                   t->sid, seq);
    peer_say(peer, text);
}

TEST(succession, everyone_gets_what_is_owed_and_then_the_hint_and_1012)
{
    struct succession t = {0};
    struct peer peer;
    begin_old(&t);
    peer_open(&peer, &t.old);
    peer_say(&peer, "{\"op\":\"subscribe\",\"channels\":[\"event:e1\"],\"conflate_ms\":60000}");
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    fixture_price(&t.old, "m1", 310); /* waits for the minute to be over */
    peer_expect_nothing(&peer);
    fixture_price_in_turn(&t.old, "m2", 320); /* and this one for the end of the turn */
    hand_over(&t, 60000);
    peer_expect(&peer, "{\"op\":\"delta\",\"channel\":\"event:e1\"");
    peer_expect(&peer, "{\"op\":\"delta\",\"channel\":\"event:e1\"");
    peer_expect(&peer, "{\"op\":\"reconnect\",\"after_ms\":0}");
    peer_expect(&peer, "CLOSE 1012");
    peer_end(&peer);
    end_both(&t);
}

TEST(succession, the_hints_are_spread)
{
    struct succession t = {0};
    struct peer peers[4];
    begin_old(&t);
    for (int i = 0; i < 4; i++)
        peer_open(&peers[i], &t.old);
    hand_over(&t, 60000);
    for (int i = 0; i < 4; i++) {
        char hint[64];
        (void)snprintf(hint, sizeof hint, "{\"op\":\"reconnect\",\"after_ms\":%d}", i * 50);
        peer_expect(&peers[i], hint);
        peer_end(&peers[i]);
    }
    end_both(&t);
}

TEST(succession, an_event_stream_is_told_when_to_come_back_and_ends)
{
    struct succession t = {0};
    struct peer peer;
    begin_old(&t);
    peer_begin(&peer, &t.old);
    peer_send(&peer, "GET /v1/stream?channels=event:e1 HTTP/1.1\r\nHost: x\r\n"
                     "Accept: text/event-stream\r\n\r\n");
    assert_non_null(peer_wait(&peer, "\"op\":\"snapshot\""));
    hand_over(&t, 60000);
    assert_non_null(peer_wait(&peer, "retry: 0\n\n"));
    assert_non_null(peer_wait(&peer, "\r\n0\r\n\r\n"));
    assert_int_equal(odds_service_stats(t.old.service)->event_streams.value, 0);
    peer_end(&peer);
    end_both(&t);
}

TEST(succession, nothing_begins_after_the_leave)
{
    struct succession t = {0};
    struct peer socket, stream;
    begin_old(&t);
    peer_open(&socket, &t.old);
    odds_service_leave(t.old.service);
    peer_say(&socket, SUBSCRIBE("event:e1"));
    peer_expect_nothing(&socket);
    peer_begin(&stream, &t.old);
    peer_send(&stream, "GET /v1/stream?channels=event:e1 HTTP/1.1\r\nHost: x\r\n"
                       "Accept: text/event-stream\r\n\r\n");
    assert_non_null(peer_wait(&stream, "\"code\":\"RESTARTING\""));
    hand_over(&t, 60000);
    peer_end(&stream);
    peer_end(&socket);
    end_both(&t);
}

TEST(succession, a_resume_goes_on_behind_the_last_number_without_a_hole)
{
    struct succession t = {0};
    struct peer before, after;
    begin_old(&t);
    peer_open(&before, &t.old);
    (void)peer_subscribe(&before, "event:e1");
    note_sid(&t, before.text);
    fixture_price(&t.old, "m1", 310);
    peer_expect(&before, "{\"op\":\"delta\"");
    unsigned long long seq = frame_number(before.text, "seq");
    hand_over(&t, 60000);
    fixture_add_at(&t.new, "m1", "e1", odds_version_make(2, 1)); /* its first word after it */
    fixture_turns(&t.new, 1);
    peer_open(&after, &t.new);
    resume(&t, &after, seq);
    peer_expect_seq(&after, "{\"op\":\"resumed\"", seq);
    peer_expect_seq(&after, "{\"op\":\"image\"", seq + 1);
    assert_non_null(strstr(after.text, "\"market_id\":\"m1\""));
    peer_expect_nothing(&after); /* m2 is what it was: the provider has not said it yet */
    peer_end(&after);
    peer_end(&before);
    end_both(&t);
}

TEST(succession, an_older_number_and_a_number_that_never_was_get_a_snapshot)
{
    struct succession t = {0};
    struct peer before, after;
    begin_old(&t);
    peer_open(&before, &t.old);
    (void)peer_subscribe(&before, "event:e1");
    note_sid(&t, before.text);
    unsigned long long seq = frame_number(before.text, "seq");
    fixture_price(&t.old, "m1", 310);
    hand_over(&t, 60000);
    peer_open(&after, &t.new);
    resume(&t, &after, seq); /* one message behind: the successor has not got it */
    peer_expect_seq(&after, "{\"op\":\"snapshot\"", seq + 1);
    resume(&t, &after, seq + 2);
    peer_expect(&after, "{\"op\":\"snapshot\"");
    peer_end(&after);
    peer_end(&before);
    end_both(&t);
}

TEST(succession, a_channel_that_is_made_anew_begins_above_all_that_was)
{
    struct succession t = {0};
    struct peer before, after;
    begin_old(&t);
    peer_open(&before, &t.old);
    (void)peer_subscribe(&before, "event:e1");
    for (uint32_t i = 0; i < 20; i++)
        fixture_price(&t.old, "m1", 300 + i);
    hand_over(&t, 60000);
    peer_open(&after, &t.new);
    unsigned long long seq = peer_subscribe(&after, "event:e1");
    assert_true(peer_subscribe(&after, "market:m7") > seq); /* the old one never had it */
    peer_end(&after);
    peer_end(&before);
    end_both(&t);
}

TEST(succession, markets_that_are_held_are_kept_by_a_resume_and_removed_when_nobody_offers_them)
{
    struct succession t = {0};
    struct peer after;
    begin_old(&t);
    hand_over(&t, 100);
    peer_open(&after, &t.new);
    peer_say(&after, "{\"op\":\"resume\",\"channels\":[\"event:e1\"],"
                     "\"have\":{\"m1\":4294967297,\"m2\":4294967297}}");
    peer_expect(&after, "{\"op\":\"snapshot\"");
    assert_non_null(strstr(after.text, "\"partial\":true"));
    assert_non_null(strstr(after.text, "\"markets\":[]"));
    fixture_add_at(&t.new, "m1", "e1", odds_version_make(2, 1));
    peer_expect(&after, "{\"op\":\"image\"");
    assert_non_null(strstr(after.text, "\"market_id\":\"m1\""));
    const struct odds_service_stats *stats = odds_service_stats(t.new.service);
    for (int i = 0; i < 6000 && stats->markets.value > 1; i++) /* the tick is once a second */
        assert_int_equal(loop_run_once(t.new.loop, 10000), 0);
    peer_expect(&after, "{\"op\":\"removed\"");
    assert_non_null(strstr(after.text, "\"market_id\":\"m2\""));
    assert_int_equal(stats->markets.value, 1);
    peer_end(&after);
    end_both(&t);
}

TEST(succession, what_is_held_is_in_no_snapshot_and_in_no_read)
{
    struct succession t = {0};
    struct peer socket, reader;
    begin_old(&t);
    hand_over(&t, 60000);
    peer_open(&socket, &t.new);
    (void)peer_subscribe(&socket, "event:e1");
    assert_non_null(strstr(socket.text, "\"markets\":[]"));
    peer_begin(&reader, &t.new);
    peer_send(&reader, "GET /v1/odds/m1 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(peer_wait(&reader, "\"code\":\"MARKET_NOT_FOUND\""));
    peer_end(&reader);
    peer_end(&socket);
    end_both(&t);
}

TEST(succession, an_older_version_than_the_old_process_showed_is_dropped)
{
    struct succession t = {0};
    struct peer after;
    begin_old(&t);
    hand_over(&t, 60000);
    peer_open(&after, &t.new);
    (void)peer_subscribe(&after, "event:e1");
    fixture_add_at(&t.new, "m1", "e1", odds_version_make(1, 1));
    peer_expect_nothing(&after);
    peer_end(&after);
    end_both(&t);
}

TEST(succession, a_state_that_is_none_leaves_the_service_as_new)
{
    struct stream_fixture f;
    struct peer peer;
    fixture_init(&f);
    f.state = SLICE("no state");
    f.state_result = -ERR_UNSUPPORTED;
    fixture_begin(&f);
    fixture_add(&f, "m1", "e1");
    peer_open(&peer, &f);
    assert_int_equal(peer_subscribe(&peer, "event:e1"), 1);
    peer_end(&peer);
    fixture_end(&f);
}
