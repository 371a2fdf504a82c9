/* test_ws_probe.c - pings behind what is pushed, in virtual time. */
#include "net/ws/ws_probe.h"
#include "test.h"

#define EVERY 1000
#define LATE  100000

/* A ping is under way that left at `at_us`. */
static struct ws_probe sent_at(int64_t at_us)
{
    struct ws_probe probe = {0};
    assert_true(ws_probe_pushed(&probe, EVERY, EVERY));
    ws_probe_left(&probe, at_us);
    return probe;
}

TEST(ws_probe, a_ping_follows_so_many_bytes_and_one_at_a_time)
{
    struct ws_probe probe = {0};
    assert_false(ws_probe_pushed(&probe, EVERY - 1, EVERY));
    assert_true(ws_probe_pushed(&probe, 1, EVERY));
    assert_false(ws_probe_pushed(&probe, 5 * EVERY, EVERY));
    ws_probe_answered(&probe, 5);
    assert_true(ws_probe_pushed(&probe, 1, EVERY)); /* these bytes are behind the last ping, too */
    ws_probe_answered(&probe, 6);
    assert_false(ws_probe_pushed(&probe, EVERY - 1, EVERY));
}

TEST(ws_probe, who_answers_in_time_is_not_late)
{
    struct ws_probe probe = sent_at(1000);
    assert_false(ws_probe_is_late(&probe, LATE, 1000 + LATE - 1));
    ws_probe_answered(&probe, 1000 + LATE - 1);
    assert_false(ws_probe_is_late(&probe, LATE, 1000 + 50 * LATE));
}

TEST(ws_probe, who_does_not_is_late_once_a_ping)
{
    struct ws_probe probe = sent_at(1000);
    assert_true(ws_probe_is_late(&probe, LATE, 1000 + LATE));
    assert_false(ws_probe_is_late(&probe, LATE, 1000 + 9 * LATE));
    assert_false(ws_probe_pushed(&probe, 9 * EVERY, EVERY)); /* it is still awaited */
    ws_probe_answered(&probe, 1000 + 10 * LATE);
    assert_true(ws_probe_pushed(&probe, 1, EVERY));
}

TEST(ws_probe, what_waits_in_our_own_queue_is_not_the_peers_delay)
{
    struct ws_probe probe = {0};
    assert_true(ws_probe_pushed(&probe, EVERY, EVERY));
    assert_false(ws_probe_is_late(&probe, LATE, 50 * LATE));
    ws_probe_left(&probe, 50 * LATE);
    ws_probe_left(&probe, 51 * LATE); /* it has left already */
    assert_true(ws_probe_is_late(&probe, LATE, 51 * LATE));
}

TEST(ws_probe, a_long_way_is_no_delay)
{
    struct ws_probe probe = sent_at(1000);
    ws_probe_answered(&probe, 1000 + 7 * LATE); /* the other end of the world */
    probe.bytes = 0;
    assert_true(ws_probe_pushed(&probe, EVERY, EVERY));
    ws_probe_left(&probe, 20 * LATE);
    assert_false(ws_probe_is_late(&probe, LATE, 28 * LATE - 1));
    assert_true(ws_probe_is_late(&probe, LATE, 28 * LATE));
}

TEST(ws_probe, a_pong_that_nobody_asked_for_changes_nothing)
{
    struct ws_probe probe = {0};
    ws_probe_answered(&probe, 1000);
    assert_false(probe.answered);
    probe = sent_at(1000);
    assert_true(ws_probe_is_late(&probe, LATE, 1000 + LATE));
}
