/* test_ws_conn.c - net/ws/ws_conn.h over real sockets, with hand-made frames. */
#include "test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_fixture.h"

#define HANDSHAKE                                                                                  \
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                 \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define M "\x00\x00\x00\x00"

static struct fixture f;

/* Opens a WebSocket and sends `first` in the same packet as the handshake. */
static int open_ws(struct slice first)
{
    char text[1024];
    struct buf buf = buf_over(text, sizeof text);
    int fd = peer_connect(&f);
    buf_put_text(&buf, HANDSHAKE);
    buf_put_slice(&buf, first);
    peer_send(fd, buf_slice(&buf));
    char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Accept: "
                    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    assert_int_equal(peer_read(&f, fd, text, sizeof answer - 1), sizeof answer - 1);
    assert_string_equal(text, answer);
    return fd;
}

static int begin(void)
{
    fixture_init(&f);
    fixture_begin(&f);
    return open_ws(SLICE_NONE);
}

static void expect_frame(int fd, struct slice frame)
{
    char text[512];
    assert_int_equal(peer_read(&f, fd, text, frame.bytes), frame.bytes);
    assert_memory_equal(text, frame.at, frame.bytes);
}

static void end(int fd)
{
    close(fd);
    assert_true(fixture_until(&f, &f.ws_closed, 1));
    fixture_turns(&f, 2);
    assert_int_equal(f.ws_closed, 1);
    assert_int_equal(http_server_stats(f.server)->ws_open, 0);
    fixture_end(&f);
}

TEST(ws_conn, text_goes_both_ways_and_pings_are_answered)
{
    int fd = begin();
    peer_send(fd, SLICE("\x81\x82" M "hi"
                        "\x89\x81" M "p"));
    expect_frame(fd, SLICE("\x81\x02hi"
                           "\x8a\x01p"));
    assert_string_equal(f.ws_last, "hi");
    end(fd);
    assert_int_equal(f.ws_code, WS_CLOSE_ABNORMAL);
}

TEST(ws_conn, frames_behind_the_handshake_are_not_lost)
{
    fixture_init(&f);
    fixture_begin(&f);
    int fd = open_ws(SLICE("\x81\x82" M "hi"
                           "\x81\x83" M "y"));
    expect_frame(fd, SLICE("\x81\x02hi"));
    peer_send(fd, SLICE("ou"));
    expect_frame(fd, SLICE("\x81\x03you"));
    end(fd);
}

TEST(ws_conn, the_closing_handshake_begins_on_either_side)
{
    int fd = begin();
    peer_send(fd, SLICE("\x88\x82" M "\x0b\xb8"));
    expect_frame(fd, SLICE("\x88\x02\x0b\xb8"));
    assert_true(peer_is_closed(&f, fd));
    end(fd);
    assert_int_equal(f.ws_code, 3000);
    fd = begin();
    ws_conn_close(f.ws, WS_CLOSE_NORMAL, SLICE("bye"));
    assert_int_equal(ws_conn_send_text(f.ws, SLICE("late")), SEND_GONE);
    expect_frame(fd, SLICE("\x88\x05\x03\xe8"
                           "bye"));
    peer_send(fd, SLICE("\x81\x81" M "x"
                        "\x88\x82" M "\x03\xe8"));
    assert_true(peer_is_closed(&f, fd));
    end(fd);
    assert_int_equal(f.ws_texts, 0); /* after our leave nothing counts */
    assert_int_equal(f.ws_code, WS_CLOSE_NORMAL);
}

TEST(ws_conn, a_peer_that_does_not_answer_our_close_is_cut)
{
    fixture_init(&f);
    f.limits.ws_close_ms_max = 30;
    fixture_begin(&f);
    int fd = open_ws(SLICE_NONE);
    ws_conn_close(f.ws, WS_CLOSE_GOING_AWAY, SLICE_NONE);
    assert_true(fixture_until(&f, &f.ws_closed, 1));
    assert_int_equal(http_server_stats(f.server)->closed[CONN_CLOSE_NO_CLOSE_FRAME], 1);
    end(fd);
    assert_int_equal(f.ws_code, WS_CLOSE_GOING_AWAY);
}

TEST(ws_conn, mistakes_close_with_their_code)
{
    static const struct {
        struct slice frame, answer;
    } rows[] = {
        {{"\x81\x01x", 3}, {"\x88\x02\x03\xea", 4}},                 /* no mask: 1002 */
        {{"\x81\x81" M "\xff", 7}, {"\x88\x02\x03\xef", 4}},         /* 1007 */
        {{"\x82\x81" M "x", 7}, {"\x88\x02\x03\xeb", 4}},            /* binary: 1003 */
        {{"\x81\xff\0\0\0\0\0\1\0\1", 10}, {"\x88\x02\x03\xf1", 4}}, /* 64 KiB + 1: 1009 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = begin();
        peer_send(fd, rows[i].frame);
        expect_frame(fd, rows[i].answer);
        assert_true(peer_is_closed(&f, fd));
        end(fd);
    }
}

TEST(ws_conn, a_silent_peer_is_pinged_and_then_closed)
{
    fixture_init(&f);
    f.limits.ws_ping_ms = 40;
    f.limits.ws_pong_ms_max = 1000; /* we answer in time, also on a busy machine */
    fixture_begin(&f);
    int fd = open_ws(SLICE_NONE);
    for (int i = 0; i < 2; i++) {
        expect_frame(fd, SLICE("\x89\x00"));
        peer_send(fd, SLICE("\x8a\x80" M));
    }
    expect_frame(fd, SLICE("\x89\x00"));
    assert_int_equal(f.ws_closed, 0);
    assert_true(fixture_until(&f, &f.ws_closed, 1));
    assert_int_equal(http_server_stats(f.server)->closed[CONN_CLOSE_NO_PONG], 1);
    end(fd);
}

TEST(ws_conn, a_client_that_does_not_read_lags_is_bounded_and_is_closed)
{
    static char text[8192];
    struct shared_bytes *frame;
    fixture_init(&f);
    f.limits.outbox_bytes_max = 300000;
    f.limits.write_stall_ms_max = 2000; /* longer than it takes to fill the outbox */
    fixture_begin(&f);
    int fd = open_ws(SLICE_NONE);
    memset(text, 'x', sizeof text);
    assert_int_equal(ws_frame_shared_text(slice_of(text, sizeof text), &frame), 0);
    enum send_outcome outcome = SEND_OK;
    int lagging = 0;
    for (int i = 0; i < 100000 && outcome != SEND_FULL; i++) {
        outcome = ws_conn_send_shared(f.ws, frame);
        lagging += outcome == SEND_LAGGING;
        assert_true(ws_conn_queued_bytes(f.ws) <= 300000);
        if (i % 8 == 0)
            fixture_turns(&f, 1);
    }
    assert_int_equal(outcome, SEND_FULL);
    assert_true(lagging > 10);
    assert_int_equal(ws_conn_send_shared(f.ws, frame), SEND_GONE);
    assert_true(fixture_until(&f, &f.ws_closed, 1));
    assert_int_equal(f.ws_code, WS_CLOSE_TRY_LATER);
    assert_int_equal(frame->references, 1); /* nothing of it is left in the queue */
    shared_bytes_give(frame);
    end(fd);
}

TEST(ws_conn, on_drained_comes_once_when_a_lagging_client_reads_again)
{
    static char text[8192], got[65536];
    int fd = begin();
    memset(text, 'x', sizeof text);
    while (ws_conn_send_text(f.ws, slice_of(text, sizeof text)) != SEND_LAGGING)
        fixture_turns(&f, 1);
    fixture_turns(&f, 5);
    assert_int_equal(f.ws_drained, 0);
    for (int i = 0; i < 10000 && f.ws_drained == 0; i++) {
        (void)peer_read(&f, fd, got, 4096);
        fixture_turns(&f, 1);
    }
    assert_int_equal(f.ws_drained, 1);
    assert_true(ws_conn_queued_bytes(f.ws) <= f.limits.outbox_high_bytes / 2);
    fixture_turns(&f, 5);
    assert_int_equal(f.ws_drained, 1);
    end(fd);
}

TEST(ws_conn, what_a_peer_leaves_waiting_makes_it_late_until_all_of_it_is_sent)
{
    static char text[8192], got[65536];
    struct shared_bytes *frame;
    fixture_init(&f);
    f.limits.outbox_ms_max = 0;
    f.limits.outbox_high_bytes = f.limits.outbox_bytes_max; /* not by their number */
    f.limits.ws_probe_bytes = SIZE_MAX;
    fixture_begin(&f);
    int fd = open_ws(SLICE_NONE);
    memset(text, 'x', sizeof text);
    assert_int_equal(ws_frame_shared_text(slice_of(text, sizeof text), &frame), 0);
    enum send_outcome outcome = SEND_OK;
    for (int i = 0; i < 10000 && outcome == SEND_OK; i++) {
        bool waits = ws_conn_queued_bytes(f.ws) > 0; /* the kernel had its turn */
        outcome = ws_conn_send_shared(f.ws, frame);
        assert_int_equal(outcome, waits ? SEND_LATE : SEND_OK);
        fixture_turns(&f, 2);
    }
    assert_int_equal(outcome, SEND_LATE);
    assert_int_equal(http_server_stats(f.server)->limit_reached[NET_LIMIT_outbox_ms_max], 1);
    assert_int_equal(f.ws_drained, 0);
    for (int i = 0; i < 10000 && f.ws_drained == 0; i++) {
        assert_true(ws_conn_queued_bytes(f.ws) > 0);
        (void)peer_read(&f, fd, got, 4096);
        fixture_turns(&f, 1);
    }
    assert_int_equal(f.ws_drained, 1);
    assert_int_equal(ws_conn_queued_bytes(f.ws), 0);
    assert_int_equal(ws_conn_send_shared(f.ws, frame), SEND_OK);
    fixture_turns(&f, 2);
    shared_bytes_give(frame);
    end(fd);
}

TEST(ws_conn, pushes_are_followed_by_a_ping_and_who_does_not_answer_it_is_late_once)
{
    static char text[1000], got[4096];
    struct shared_bytes *frame;
    fixture_init(&f);
    f.limits.ws_probe_bytes = 1500;
    f.limits.ws_probe_ms_max = 0;
    fixture_begin(&f);
    int fd = open_ws(SLICE_NONE);
    memset(text, 'x', sizeof text);
    assert_int_equal(ws_frame_shared_text(slice_of(text, sizeof text), &frame), 0);
    static const struct {
        enum send_outcome outcome;
        bool pinged;
    } steps[] = {{SEND_OK, false}, {SEND_OK, true}, {SEND_LATE, false}, {SEND_OK, false}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t bytes = frame->bytes + (steps[i].pinged ? 2 : 0);
        assert_int_equal(ws_conn_send_shared(f.ws, frame), steps[i].outcome);
        fixture_turns(&f, 2);
        assert_int_equal(peer_read(&f, fd, got, bytes), bytes);
        if (steps[i].pinged)
            assert_memory_equal(got + frame->bytes, "\x89\x00", 2);
    }
    assert_int_equal(f.ws_drained, 1);
    assert_int_equal(http_server_stats(f.server)->limit_reached[NET_LIMIT_ws_probe_ms_max], 1);
    peer_send(fd, SLICE("\x8a\x80" M)); /* its pong: the next ping may come */
    fixture_turns(&f, 5);
    assert_int_equal(ws_conn_send_shared(f.ws, frame), SEND_OK);
    fixture_turns(&f, 2);
    assert_int_equal(peer_read(&f, fd, got, frame->bytes + 2), frame->bytes + 2);
    shared_bytes_give(frame);
    end(fd);
}

TEST(ws_conn, all_output_of_a_turn_is_one_write)
{
    struct shared_bytes *frame;
    static char text[2000];
    int fd = begin();
    memset(text, 'x', sizeof text);
    assert_int_equal(ws_frame_shared_text(slice_of(text, sizeof text), &frame), 0);
    fixture_turns(&f, 2);
    uint64_t writes = http_server_stats(f.server)->writes;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ws_conn_send_text(f.ws, SLICE("small")), SEND_OK);
        assert_int_equal(ws_conn_send_shared(f.ws, frame), SEND_OK);
    }
    fixture_turns(&f, 2);
    assert_int_equal(http_server_stats(f.server)->writes, writes + 1);
    assert_int_equal(ws_conn_queued_bytes(f.ws), 0);
    assert_int_equal(frame->references, 1);
    shared_bytes_give(frame);
    end(fd);
}

TEST(ws_conn, paused_reading_waits_and_goes_on)
{
    int fd = begin();
    ws_conn_pause(f.ws);
    peer_send(fd, SLICE("\x81\x82" M "hi"));
    fixture_turns(&f, 5);
    assert_int_equal(f.ws_texts, 0);
    ws_conn_resume(f.ws);
    assert_true(fixture_until(&f, &f.ws_texts, 1));
    end(fd);
}

static void on_drained(void *owner)
{
    ((struct fixture *)owner)->drained++;
}

TEST(ws_conn, drain_says_going_away)
{
    int fd = begin();
    http_server_drain(f.server, 3000, on_drained, &f);
    expect_frame(fd, SLICE("\x88\x07\x03\xe9"
                           "drain"));
    peer_send(fd, SLICE("\x88\x82" M "\x03\xe9"));
    assert_true(peer_is_closed(&f, fd));
    close(fd);
    assert_true(fixture_until(&f, &f.drained, 1));
    assert_int_equal(f.ws_closed, 1);
    fixture_end(&f);
}

TEST(ws_conn, other_versions_get_426_and_wrong_keys_400)
{
    char text[1024];
    fixture_init(&f);
    fixture_begin(&f);
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "UPGRADE_REQUIRED"));
    assert_non_null(strstr(text, "HTTP/1.1 426 "));
    assert_non_null(strstr(text, "Sec-WebSocket-Version: 13\r\n"));
    peer_send(fd, SLICE("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: short\r\n\r\n"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "BAD_HANDSHAKE"));
    close(fd);
    fixture_turns(&f, 2);
    fixture_end(&f);
}
