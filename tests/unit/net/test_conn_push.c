/* test_conn_push.c - what is pushed to many goes out in slices, behind the answers: push_slice.h
 * and conn.h over real sockets. A slice of no time sends to one connection, or to few where the
 * turn itself took long: so a test goes round until it has seen what it waits for. */
#include "test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream/push_slice.h"
#include "net_fixture.h"

#define HANDSHAKE                                                                                  \
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                 \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define PEERS      64
#define ROUNDS_MAX 500

static struct fixture f;
static struct {
    int fds[PEERS];
    struct ws_handle ws[PEERS];
    struct shared_bytes *frame; /* 130 bytes of text */
} crowd;

#define FRAME_BYTES (4 + 130)

static void begin(void)
{
    char text[512];
    fixture_init(&f);
    f.limits.push_slice_us_max = 0;
    fixture_begin(&f);
    for (int i = 0; i < PEERS; i++) {
        crowd.fds[i] = peer_connect(&f);
        peer_send(crowd.fds[i], SLICE(HANDSHAKE));
        assert_true(peer_read_until(&f, crowd.fds[i], text, sizeof text, "\r\n\r\n"));
        crowd.ws[i] = f.ws;
    }
    memset(text, 'x', 130);
    assert_int_equal(ws_frame_shared_text(slice_of(text, 130), &crowd.frame), 0);
}

static void end(void)
{
    fixture_turns(&f, PEERS);
    assert_int_equal(crowd.frame->references, 1);
    shared_bytes_give(crowd.frame);
    for (int i = 0; i < PEERS; i++)
        close(crowd.fds[i]);
    fixture_end(&f);
}

static uint64_t waiting(void)
{
    const struct net_stats *stats = http_server_stats(f.server);
    return stats->pushes_joined - stats->pushes_left;
}

static void push(int peer)
{
    assert_int_equal(ws_conn_send_shared(crowd.ws[peer], crowd.frame), SEND_OK);
}

static void push_all(void)
{
    for (int i = 0; i < PEERS; i++)
        push(i);
}

static void finish(void)
{
    for (int i = 0; i < PEERS && waiting() > 0; i++)
        fixture_turns(&f, 1);
    assert_int_equal(waiting(), 0);
}

static void swallow(size_t frames)
{
    static char got[ROUNDS_MAX * FRAME_BYTES];
    for (int i = 0; i < PEERS; i++)
        assert_int_equal(peer_read(&f, crowd.fds[i], got, frames * FRAME_BYTES),
                         frames * FRAME_BYTES);
}

TEST(conn_push, a_slice_is_the_limit_or_half_of_the_other_work_of_the_turn)
{
    static const struct {
        int64_t us_max, worked_us, slice_us;
    } cases[] = {
        {500, 0, 500}, {500, 1000, 500}, {500, 4000, 2000}, {0, 0, 0}, {0, 100, 50}, {500, -9, 500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(push_slice_us(cases[i].us_max, cases[i].worked_us), cases[i].slice_us);
}

TEST(conn_push, an_answer_goes_out_before_everybody_was_pushed_to)
{
    begin();
    int asker = peer_connect(&f), rounds = 0;
    bool overtaken = false;
    char answer[512];
    for (; rounds < ROUNDS_MAX && !overtaken; rounds++) {
        uint64_t replies = http_server_stats(f.server)->replies;
        push_all();
        peer_send(asker, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        while (http_server_stats(f.server)->replies == replies)
            fixture_turns(&f, 1);
        overtaken = waiting() > 0 && recv(asker, answer, sizeof answer, MSG_DONTWAIT) > 0;
        finish();
        (void)recv(asker, answer, sizeof answer, MSG_DONTWAIT);
    }
    assert_true(overtaken);
    assert_true(http_server_stats(f.server)->limit_reached[NET_LIMIT_push_slice_us_max] > 0);
    swallow((size_t)rounds);
    close(asker);
    end();
}

TEST(conn_push, an_answer_takes_along_what_was_pushed_before_it_in_order)
{
    begin();
    bool seen = false;
    int rounds = 0, last = PEERS - 1;
    static char got[ROUNDS_MAX * FRAME_BYTES];
    for (; rounds < ROUNDS_MAX && !seen; rounds++) {
        push_all();
        assert_int_equal(ws_conn_send_text(crowd.ws[last], SLICE("answer")), SEND_OK);
        fixture_turns(&f, 1);
        seen = waiting() > 0;
        assert_int_equal(recv(crowd.fds[last], got, FRAME_BYTES + 8, MSG_DONTWAIT),
                         FRAME_BYTES + 8);
        assert_memory_equal(got, crowd.frame->at, FRAME_BYTES);
        assert_memory_equal(got + FRAME_BYTES,
                            "\x81\x06"
                            "answer",
                            8);
        finish();
    }
    assert_true(seen);
    end();
}

TEST(conn_push, who_was_pushed_to_first_is_sent_to_first_and_once)
{
    static char got[2 * FRAME_BYTES];
    begin();
    uint64_t writes = http_server_stats(f.server)->writes;
    for (int i = PEERS - 1; i >= 0; i--)
        push(i);
    push_all(); /* they stand in the row already */
    int next = PEERS - 1;
    while (waiting() > 0) {
        fixture_turns(&f, 1);
        for (; next >= (int)waiting(); next--)
            assert_int_equal(recv(crowd.fds[next], got, sizeof got, MSG_DONTWAIT), sizeof got);
    }
    assert_int_equal(next, -1);
    assert_int_equal(http_server_stats(f.server)->writes, writes + PEERS);
    end();
}

TEST(conn_push, who_goes_while_waiting_leaves_the_others_their_turn)
{
    static char got[FRAME_BYTES];
    begin();
    push_all();
    for (int i = 0; i < PEERS; i += 3) { /* the first, some between, the last */
        shutdown(crowd.fds[i], SHUT_WR);
        ws_conn_close(crowd.ws[i], 1000, SLICE_NONE);
    }
    f.ws_closed = 0;
    assert_true(fixture_until(&f, &f.ws_closed, (PEERS + 2) / 3));
    finish();
    for (int i = 0; i < PEERS; i++)
        if (i % 3 != 0)
            assert_int_equal(recv(crowd.fds[i], got, sizeof got, MSG_DONTWAIT), FRAME_BYTES);
    end();
}

TEST(conn_push, a_pool_ends_while_pushes_wait)
{
    begin();
    push_all();
    end();
}
