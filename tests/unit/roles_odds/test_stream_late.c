/* test_stream_late.c - clients that were late are told the newest at intervals, and everything
 * again when they are calm (P1, P3). The tests say who is late, and when it has been calm for
 * long. */
#include <string.h>

#include "roles/odds/odds_calls.h"
#include "stream_fixture.h"
#include "test.h"

static struct client *begin(struct stream_fixture *f, struct peer *peer)
{
    fixture_init(f);
    fixture_begin(f);
    fixture_add(f, "m1", "e1");
    fixture_add(f, "m2", "e1");
    peer_open(peer, f);
    return &f->service->clients[0];
}

static void end(struct stream_fixture *f, struct peer *peer)
{
    peer_end(peer);
    assert_int_equal(odds_service_stats(f->service)->late.value, 0);
    assert_int_equal(odds_service_stats(f->service)->dirty.value, 0);
    fixture_end(f);
}

/* It was late, and its queue is empty again. */
static void be_late(struct client *client)
{
    client_sent(client, SEND_LATE);
    client_drained(client);
}

static int64_t late(const struct stream_fixture *f)
{
    return odds_service_stats(f->service)->late.value;
}

/* Until its interval is over. */
static void wait_interval(struct stream_fixture *f, const struct subscription *sub)
{
    while (loop_now(f->loop).us < sub->due_us)
        assert_int_equal(loop_run_once(f->loop, 1000), 0);
}

TEST(stream_late, who_was_late_is_told_the_newest_at_an_interval_instead_of_every_change)
{
    struct stream_fixture f;
    struct peer peer;
    struct client *client = begin(&f, &peer);
    unsigned long long seq = peer_subscribe(&peer, "market:m1");
    be_late(client);
    assert_int_equal(late(&f), 1);
    struct subscription *sub = &f.service->subscriptions[client->first];
    assert_int_equal(sub->conflate_us, LAG_PACE_US_MIN);
    sub->due_us = loop_now(f.loop).us + 1000000; /* it has just been told */
    for (uint32_t i = 0; i < 200; i++)           /* more than the history holds */
        fixture_price(&f, "m1", 300 + i);
    peer_expect_nothing(&peer);
    sub->due_us = 0;
    fixture_price(&f, "m1", 777);
    peer_expect_seq(&peer, "{\"op\":\"skipped\"", seq + 201);
    assert_int_equal(frame_number(peer.text, "changes"), 201);
    peer_expect(&peer, "{\"op\":\"image\"");
    assert_non_null(strstr(peer.text, "\"odds\":7.77"));
    end(&f, &peer);
}

TEST(stream_late, a_single_change_in_an_interval_is_told_as_it_was)
{
    struct stream_fixture f;
    struct peer peer;
    struct client *client = begin(&f, &peer);
    unsigned long long seq = peer_subscribe(&peer, "event:e1");
    be_late(client);
    struct subscription *sub = &f.service->subscriptions[client->first];
    fixture_price(&f, "m1", 300);
    fixture_price(&f, "m2", 301);
    wait_interval(&f, sub);
    for (unsigned i = 1; i <= 2; i++) {
        peer_expect_seq(&peer, "{\"op\":\"delta\"", seq + i);
    }
    end(&f, &peer);
}

TEST(stream_late, all_channels_of_who_was_late_are_paced_and_the_longer_interval_counts)
{
    struct stream_fixture f;
    struct peer peer;
    struct client *client = begin(&f, &peer);
    (void)peer_subscribe(&peer, "market:m1");
    peer_say(&peer, "{\"op\":\"subscribe\",\"channels\":[\"market:m2\"],\"conflate_ms\":60}");
    peer_expect(&peer, "{\"op\":\"snapshot\"");
    be_late(client);
    (void)peer_subscribe(&peer, "event:e1");
    static const int64_t first[] = {50000, 60000, 50000}, second[] = {100000, 100000, 100000},
                         calm[] = {0, 60000, 0};
    const int64_t *const steps[] = {first, second, first, calm};
    for (size_t i = 0; i < 4; i++) {
        if (i == 1)
            be_late(client);
        if (i > 1) {
            client->pace.judge_us = 0;
            client_calm(client);
        }
        uint32_t at = client->first;
        for (int n = 0; n < 3; n++, at = f.service->subscriptions[at].client_next) {
            assert_int_equal(f.service->subscriptions[at].conflate_us, steps[i][n]);
            assert_int_equal((f.service->subscriptions[at].slow & SLOW_CONFLATE) != 0,
                             steps[i][n] > 0);
        }
    }
    assert_int_equal(late(&f), 0);
    end(&f, &peer);
}

TEST(stream_late, who_is_calm_again_gets_every_change_and_misses_none)
{
    struct stream_fixture f;
    struct peer peer;
    struct client *client = begin(&f, &peer);
    unsigned long long seq = peer_subscribe(&peer, "market:m1");
    be_late(client);
    struct subscription *sub = &f.service->subscriptions[client->first];
    sub->due_us = loop_now(f.loop).us + 1000000;
    fixture_price(&f, "m1", 300); /* owed when it ends */
    fixture_price(&f, "m1", 301);
    client->pace.judge_us = 0;
    client_calm(client);
    assert_int_equal(late(&f), 0);
    fixture_price(&f, "m1", 302);
    peer_expect_seq(&peer, "{\"op\":\"skipped\"", seq + 3);
    peer_expect(&peer, "{\"op\":\"image\"");
    for (unsigned i = 0; i < 3; i++) {
        fixture_price(&f, "m1", 400 + i);
        peer_expect_seq(&peer, "{\"op\":\"delta\"", seq + 4 + i);
    }
    end(&f, &peer);
}

TEST(stream_late, calm_is_noticed_when_all_that_was_owed_is_sent)
{
    struct stream_fixture f;
    struct peer peer;
    struct client *client = begin(&f, &peer);
    (void)peer_subscribe(&peer, "market:m1");
    be_late(client);
    struct subscription *sub = &f.service->subscriptions[client->first];
    sub->due_us = 0;
    fixture_price(&f, "m1", 300);
    assert_int_equal(late(&f), 1); /* not for long enough */
    client->pace.judge_us = 0;
    sub->due_us = 0;
    fixture_price(&f, "m1", 301);
    assert_int_equal(late(&f), 0);
    end(&f, &peer);
}

TEST(stream_late, the_interval_ends_at_its_limit_which_is_counted)
{
    struct stream_fixture f;
    struct peer peer;
    struct client *client = begin(&f, &peer);
    (void)peer_subscribe(&peer, "market:m1");
    const struct metrics_counter *hits =
        &odds_service_stats(f.service)->limit_reached[ODDS_LIMIT_late_conflate_ms_max];
    for (int i = 0; i < 4; i++)
        be_late(client);
    assert_int_equal(client->pace.interval_us, 400000);
    assert_int_equal(hits->value, 0);
    be_late(client);
    assert_int_equal(client->pace.interval_us, 400000);
    assert_int_equal(hits->value, 1);
    assert_int_equal(late(&f), 1);
    end(&f, &peer);
}

TEST(stream_late, who_only_had_much_to_take_and_took_it_is_not_late)
{
    struct stream_fixture f;
    struct peer peer;
    struct client *client = begin(&f, &peer);
    unsigned long long seq = peer_subscribe(&peer, "market:m1");
    client_sent(client, SEND_LAGGING);
    client_drained(client);
    assert_int_equal(late(&f), 0);
    fixture_price(&f, "m1", 300);
    peer_expect_seq(&peer, "{\"op\":\"delta\"", seq + 1);
    client_sent(client, SEND_LAGGING);
    client->lagging_since_us -= LAG_LATE_US; /* but this one took its time */
    client_drained(client);
    assert_int_equal(late(&f), 1);
    end(&f, &peer);
}
