/* test_http_server.c - net/http/http_server.h, http_reply.h, http_stream.h over real sockets. */
#include "test.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "net/stream/listener.h"
#include "net_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static struct fixture f;

static void begin(void)
{
    fixture_init(&f);
    fixture_begin(&f);
}

static uint64_t hits(enum net_limit limit)
{
    return http_server_stats(f.server)->limit_reached[limit];
}

/* Sends `request` on a new connection; the answer must contain `wanted`. */
static void expect(struct slice request, const char *wanted)
{
    char text[8192];
    int fd = peer_connect(&f);
    peer_send(fd, request);
    if (!peer_read_until(&f, fd, text, sizeof text, wanted))
        fail_msg("expected %s, got %s", wanted, text);
    close(fd);
}

TEST(http_server, answers_a_request_and_keeps_the_connection)
{
    char text[1024];
    begin();
    int fd = peer_connect(&f);
    for (int i = 0; i < 3; i++) {
        peer_send(fd, SLICE(GET("/hello?x=1")));
        assert_true(peer_read_until(&f, fd, text, sizeof text, "\r\n\r\n/hello"));
        assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
        assert_non_null(strstr(text, "Content-Length: 6\r\n"));
        assert_non_null(strstr(text, " GMT\r\n"));
        assert_null(strstr(text, "Connection: close"));
    }
    assert_int_equal(http_server_stats(f.server)->accepted, 1);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_request_in_single_bytes_is_the_same_request)
{
    static const char request[] =
        "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
    char text[1024];
    begin();
    int fd = peer_connect(&f);
    for (size_t i = 0; i < sizeof request - 1; i++) {
        peer_send(fd, slice_of(request + i, 1));
        fixture_turns(&f, 1);
    }
    assert_true(peer_read_until(&f, fd, text, sizeof text, "\r\n\r\n/b"));
    assert_int_equal(f.last_body_bytes, 5);
    assert_memory_equal(f.last_body, "abcde", 5);
    assert_int_equal(f.requests, 1);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, pipelined_answers_keep_the_order_of_the_requests)
{
    char text[4096];
    begin();
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/0") GET("/1") "HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n" GET("/3")));
    assert_true(fixture_until(&f, &f.requests, 4));
    http_reply(f.kept[2], 200, SLICE("text/plain"), SLICE_NONE, SLICE("no body for HEAD"));
    http_reply(f.kept[1], 200, SLICE("text/plain"), SLICE_NONE, SLICE("<one>"));
    http_reply(f.kept[3], 404, SLICE("text/plain"), SLICE("X-A: 1\r\n"), SLICE("<three>"));
    fixture_turns(&f, 2);
    assert_int_equal(recv(fd, text, 1, MSG_DONTWAIT), -1); /* nothing may overtake */
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, SLICE("<zero>"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "<three>"));
    char *zero = strstr(text, "<zero>"), *one = strstr(text, "<one>");
    char *head = strstr(text, "Content-Length: 16\r\n"), *three = strstr(text, "X-A: 1");
    assert_non_null(zero);
    assert_true(zero < one);
    assert_true(one < head);
    assert_true(head < three);
    assert_null(strstr(text, "no body"));
    close(fd);
    fixture_end(&f);
}

static struct shared_bytes *page_of(struct slice body, size_t *ret_head_bytes)
{
    char head[256];
    struct buf lines = buf_over(head, sizeof head);
    struct shared_bytes *page;
    http_reply_put_page(&lines, SLICE("text/plain"), SLICE("ETag: \"7\"\r\n"), body.bytes);
    assert_int_equal(shared_bytes_new(lines.bytes + body.bytes, &page), 0);
    memcpy(page->at, head, lines.bytes);
    memcpy(page->at + lines.bytes, body.at, body.bytes);
    *ret_head_bytes = lines.bytes;
    return page;
}

TEST(http_server, a_page_is_one_answer_for_many_requests)
{
    char text[4096];
    size_t head_bytes;
    struct shared_bytes *page = page_of(SLICE("<page>"), &head_bytes);
    begin();
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/0") "HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\n" GET(
                      "/2") "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    assert_true(fixture_until(&f, &f.requests, 4));
    for (int i = 3; i >= 0; i--) /* three of them wait for their turn */
        http_reply_page(f.kept[i], page, head_bytes);
    assert_int_equal(page->references, 1);
    assert_true(peer_read_until(&f, fd, text, sizeof text,
                                "Connection: close\r\nX-Content-Type-Options: nosniff\r\n"
                                "Content-Type: text/plain\r\nContent-Length: 6\r\n"
                                "ETag: \"7\"\r\n\r\n<page>"));
    size_t answers = 0, bodies = 0, tags = 0;
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 200 OK\r\nDate: ")) != NULL; at++)
        answers++;
    for (const char *at = text; (at = strstr(at, "\r\n\r\n<page>")) != NULL; at++)
        bodies++;
    for (const char *at = text; (at = strstr(at, "ETag: \"7\"\r\n")) != NULL; at++)
        tags++;
    assert_int_equal(answers, 4);
    assert_int_equal(bodies, 3);
    assert_int_equal(tags, 4);
    shared_bytes_give(page);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, reading_pauses_at_http_pipeline_max_and_goes_on_after_answers)
{
    static char text[65536];
    fixture_init(&f);
    f.limits.http_pipeline_max = 4;
    fixture_begin(&f);
    f.keep = true;
    int fd = peer_connect(&f);
    for (int i = 0; i < 10; i++)
        peer_send(fd, SLICE(GET("/p")));
    assert_true(fixture_until(&f, &f.requests, 4));
    fixture_turns(&f, 5);
    assert_int_equal(f.requests, 4);
    assert_true(hits(NET_LIMIT_http_pipeline_max) > 0);
    for (int i = 0; i < 10; i++) {
        assert_true(fixture_until(&f, &f.requests, i + 1));
        http_reply(f.kept[i], 200, SLICE("text/plain"), SLICE_NONE,
                   i == 9 ? SLICE("<last>") : SLICE("x"));
        fixture_turns(&f, 3);
    }
    assert_true(peer_read_until(&f, fd, text, sizeof text, "<last>"));
    close(fd);
    fixture_end(&f);
}

static bool waited; /* the last turn did, or would have */

/* Stands before the C library's. */
int epoll_pwait2(int epoll, struct epoll_event *events, int events_max, const struct timespec *wait,
                 const sigset_t *signals)
{
    waited = wait == NULL || wait->tv_sec > 0 || wait->tv_nsec > 0;
    return (int)syscall(SYS_epoll_pwait2, epoll, events, events_max, wait, signals, 8);
}

TEST(http_server, requests_that_were_kept_are_followed_by_a_turn_that_does_not_wait)
{
    fixture_init(&f);
    f.limits.http_pipeline_max = 1;
    fixture_begin(&f);
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/0") GET("/1")));
    assert_true(fixture_until(&f, &f.requests, 1));
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, SLICE("x"));
    while (f.requests < 2)
        assert_int_equal(loop_run_once(f.loop, 0), 0);
    assert_int_equal(loop_run_once(f.loop, 10 * US_PER_MS), 0);
    assert_false(waited);
    assert_int_equal(loop_run_once(f.loop, 10 * US_PER_MS), 0);
    assert_true(waited);
    close(fd);
    fixture_end(&f);
}

static int requests_when_told, told;

static void note_received(void *owner)
{
    (void)owner;
    told++;
    requests_when_told = f.requests;
}

TEST(http_server, who_wants_to_know_of_a_read_is_told_before_its_requests_are)
{
    begin();
    told = 0;
    http_server_at_receive(f.server, note_received, NULL);
    expect(SLICE(GET("/a")), "/a");
    assert_int_equal(told, 1);
    assert_int_equal(requests_when_told, 0);
    expect(SLICE(GET("/b")), "/b");
    assert_int_equal(told, 2);
    assert_int_equal(requests_when_told, 1);
    fixture_end(&f);
}

static void answer_the_first(void *owner)
{
    (void)owner;
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, SLICE("<end>"));
}

TEST(http_server, a_connection_that_ends_when_it_is_read_gives_nothing_more)
{
    char text[1024];
    begin();
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/0")));
    assert_true(fixture_until(&f, &f.requests, 1));
    http_server_stop_listening(f.server); /* so that the next answer is a connection's last */
    http_server_at_receive(f.server, answer_the_first, NULL);
    peer_send(fd, SLICE(GET("/1")));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "<end>"));
    fixture_turns(&f, 3);
    assert_int_equal(f.requests, 1);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, an_answer_after_the_client_is_gone_does_nothing)
{
    begin();
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/x")));
    assert_true(fixture_until(&f, &f.requests, 1));
    struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd); /* sends a reset */
    fixture_turns(&f, 3);
    assert_false(http_request_is_open(f.kept[0]));
    /* Another connection takes its place; it must not get the answer. */
    fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/y")));
    assert_true(fixture_until(&f, &f.requests, 2));
    assert_int_equal(f.kept[1].conn.index, f.kept[0].conn.index);
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, SLICE("stale"));
    assert_int_equal(http_server_stats(f.server)->replies_late, 1);
    http_reply(f.kept[1], 200, SLICE("text/plain"), SLICE_NONE, SLICE("fresh"));
    char text[1024];
    assert_true(peer_read_until(&f, fd, text, sizeof text, "fresh"));
    assert_null(strstr(text, "stale"));
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_client_that_ends_its_direction_still_gets_its_answer)
{
    char text[1024];
    begin();
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/half")));
    shutdown(fd, SHUT_WR);
    assert_true(fixture_until(&f, &f.requests, 1));
    fixture_turns(&f, 3);
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, SLICE("<answer>"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "<answer>"));
    assert_true(peer_is_closed(&f, fd));
    fixture_turns(&f, 2);
    assert_int_equal(http_server_stats(f.server)->connections, 0); /* nothing to linger for */
    close(fd);
    fixture_end(&f);
}

TEST(http_server, broken_requests_are_refused_by_name)
{
    static char head[HTTP_HEAD_BYTES_MAX + 8192];
    begin();
    expect(SLICE("GET / HTTP/1.1\nHost: a\r\n\r\n"), "\"code\":\"MALFORMED_REQUEST\"");
    expect(SLICE("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 ");
    expect(SLICE("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), "HTTP/1.1 505 ");
    expect(SLICE("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 501 ");
    expect(SLICE("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"), "HTTP/1.1 417 ");
    expect(SLICE("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"), "HTTP/1.1 501 ");
    expect(SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n"),
           "\"code\":\"BODY_TOO_LARGE\"");
    expect(SLICE("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "b\r\n12345678901\r\n"),
           "HTTP/1.1 413 ");
    expect(SLICE("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
           "HTTP/1.1 400 ");
    memset(head, 'a', sizeof head);
    memcpy(head, "GET /", 5);
    expect(slice_of(head, 4096), "HTTP/1.1 414 ");
    memcpy(head, "GET / HTTP/1.1\r\nA: ", 19);
    expect(slice_of(head, HTTP_HEAD_BYTES_MAX + 1), "HTTP/1.1 431 ");
    assert_int_equal(f.requests, 0);
    assert_int_equal(http_server_stats(f.server)->bad_requests, 11);
    assert_int_equal(hits(NET_LIMIT_http_head_bytes_max), 1);
    assert_int_equal(hits(NET_LIMIT_http_target_bytes_max), 1);
    fixture_end(&f);
}

TEST(http_server, a_mistake_is_answered_after_the_answers_before_it)
{
    char text[2048];
    begin();
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/good") "rubbish\r\n\r\n"));
    assert_true(fixture_until(&f, &f.requests, 1));
    fixture_turns(&f, 2);
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, SLICE("<good>"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "MALFORMED_REQUEST"));
    assert_true(strstr(text, "<good>") < strstr(text, "HTTP/1.1 400"));
    assert_true(peer_is_closed(&f, fd));
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_slow_head_is_answered_with_408)
{
    char text[1024];
    fixture_init(&f);
    f.limits.http_header_ms_max = 50;
    fixture_begin(&f);
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("GET / HTT"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "REQUEST_TIMEOUT"));
    assert_true(peer_is_closed(&f, fd));
    assert_int_equal(hits(NET_LIMIT_http_header_ms_max), 1);
    close(fd);
    fixture_end(&f);
}

#define CLOCK_MS 500

/* Sends `piece` for longer than the clock of a request; every answer comes a turn later. */
static void send_steadily(int fd, struct slice piece, int *answered)
{
    int64_t end_us = loop_now(f.loop).us + CLOCK_MS * 3 / 2 * US_PER_MS;
    while (loop_now(f.loop).us < end_us) {
        usleep(15000);
        peer_send(fd, piece);
        fixture_turns(&f, 2);
        for (; *answered < f.requests; (*answered)++)
            http_reply(f.kept[*answered], 204, SLICE_NONE, SLICE_NONE, SLICE_NONE);
    }
}

TEST(http_server, the_clock_of_a_head_or_body_begins_anew_with_each_request)
{
    int answered = 0;
    fixture_init(&f);
    f.limits.http_header_ms_max = CLOCK_MS;
    f.limits.http_body_grace_ms_max = CLOCK_MS;
    fixture_begin(&f);
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("GET /a HTTP/1.1\r\nHos"));
    fixture_turns(&f, 1);
    /* Every read ends in the middle of a head, and later in the middle of a body. */
    send_steadily(fd, SLICE("t: a\r\n\r\nGET /b HTTP/1.1\r\nHos"), &answered);
    peer_send(fd, SLICE("t: a\r\n\r\nPOST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\nx"));
    struct slice end = SLICE("y"
                             "POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
    static char most[198];
    peer_send(fd, slice_of(most, sizeof most));
    send_steadily(fd, end, &answered);
    assert_true(answered > 20);
    assert_int_equal(http_server_stats(f.server)->bad_requests, 0);
    assert_int_equal(http_server_stats(f.server)->connections, 1);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_slow_body_is_answered_with_408_and_a_steady_one_is_not)
{
    char text[1024];
    fixture_init(&f);
    f.limits.http_body_grace_ms_max = 60;
    fixture_begin(&f);
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nx"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "HTTP/1.1 408 "));
    close(fd);
    fd = peer_connect(&f);
    static char half[4500];
    peer_send(fd, SLICE("POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n"));
    peer_send(fd, slice_of(half, sizeof half));
    struct monotonic begin_at = loop_now(f.loop);
    while (loop_now(f.loop).us < begin_at.us + 100 * US_PER_MS)
        fixture_turns(&f, 1);
    peer_send(fd, slice_of(half, sizeof half));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "\r\n\r\n/ok"));
    assert_int_equal(f.last_body_bytes, 9000);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, an_idle_connection_is_closed_without_a_word)
{
    char text[64];
    fixture_init(&f);
    f.limits.http_idle_ms_max = 40;
    fixture_begin(&f);
    int fd = peer_connect(&f);
    assert_int_equal(peer_read(&f, fd, text, 1), 0);
    assert_int_equal(hits(NET_LIMIT_http_idle_ms_max), 1);
    assert_int_equal(http_server_stats(f.server)->closed[CONN_CLOSE_IDLE], 1);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, above_connections_max_a_new_one_gets_503)
{
    char text[1024];
    fixture_init(&f);
    f.limits.connections_max = 1;
    fixture_begin(&f);
    int first = peer_connect(&f);
    peer_send(first, SLICE(GET("/first")));
    assert_true(peer_read_until(&f, first, text, sizeof text, "/first"));
    int second = peer_connect(&f);
    assert_true(peer_read_until(&f, second, text, sizeof text, "TOO_MANY_CONNECTIONS\"}"));
    assert_true(peer_is_closed(&f, second));
    assert_int_equal(hits(NET_LIMIT_connections_max), 1);
    close(first);
    close(second);
    fixture_end(&f);
}

TEST(http_server, http_1_0_gets_one_answer_and_the_end)
{
    char text[1024];
    begin();
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "/old"));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    assert_true(peer_is_closed(&f, fd));
    close(fd);
    fixture_end(&f);
}

TEST(http_server, continue_is_said_once_and_not_before_earlier_answers)
{
    char text[2048];
    begin();
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/0") "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                                  "Expect: 100-continue\r\n\r\n"));
    assert_true(fixture_until(&f, &f.requests, 1));
    fixture_turns(&f, 2);
    assert_int_equal(recv(fd, text, 1, MSG_DONTWAIT), -1);
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, SLICE("<zero>"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "100 Continue\r\n\r\n"));
    assert_true(strstr(text, "<zero>") < strstr(text, "100 Continue"));
    peer_send(fd, SLICE("ok"));
    assert_true(fixture_until(&f, &f.requests, 2));
    http_reply(f.kept[1], 200, SLICE("text/plain"), SLICE_NONE, SLICE("<one>"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "<one>"));
    assert_null(strstr(text, "100 Continue"));
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_streamed_body_arrives_in_pieces_and_can_be_paused)
{
    char text[1024];
    static char block[20000];
    begin();
    f.pause_each_piece = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "4e20\r\n"));
    peer_send(fd, slice_of(block, sizeof block));
    peer_send(fd, SLICE("\r\n5\r\nhello\r\n0\r\n\r\n" GET("/next")));
    fixture_turns(&f, 20);
    size_t seen = f.uploaded_bytes;
    assert_true(seen > 0 && seen < sizeof block + 5);
    assert_int_equal(f.ends, 0);
    for (int i = 0; i < 100 && f.ends == 0; i++) {
        http_request_resume_body(f.upload);
        assert_int_equal(f.uploaded_bytes, seen); /* no piece inside the call */
        fixture_turns(&f, 2);
        seen = f.uploaded_bytes;
    }
    assert_int_equal(f.uploaded_bytes, sizeof block + 5);
    assert_true(peer_read_until(&f, fd, text, sizeof text, "/next"));
    assert_non_null(strstr(text, "uploaded"));
    assert_int_equal(f.aborts, 0);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_streamed_body_with_a_length_ends_without_another_byte)
{
    char text[1024];
    begin();
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "uploaded"));
    assert_int_equal(f.uploaded_bytes, 5);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_broken_upload_is_aborted_exactly_once)
{
    char text[1024];
    begin();
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabcX"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "HTTP/1.1 400 "));
    close(fd);
    assert_true(fixture_until(&f, &f.aborts, 1));
    fd = peer_connect(&f);
    peer_send(fd, SLICE("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"));
    fixture_turns(&f, 3);
    close(fd);
    assert_true(fixture_until(&f, &f.aborts, 2));
    fd = peer_connect(&f);
    peer_send(fd, SLICE("POST /upload-taken-and-answered HTTP/1.1\r\nHost: a\r\n"
                        "Content-Length: 9\r\n\r\nabc"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "UNAUTHENTICATED"));
    assert_non_null(strstr(text, "Connection: close"));
    close(fd);
    assert_true(fixture_until(&f, &f.aborts, 3));
    assert_int_equal(f.ends, 0);
    fixture_end(&f);
}

TEST(http_server, receive_bytes_max_bounds_what_chunk_framing_can_cost)
{
    static char chunks[120000];
    fixture_init(&f);
    f.limits.receive_bytes_max = HTTP_HEAD_BYTES_MAX + 32768;
    fixture_begin(&f);
    int fd = peer_connect(&f);
    for (size_t i = 0; i + 6 <= sizeof chunks; i += 6)
        memcpy(chunks + i, "1\r\nx\r\n", 6);
    peer_send(fd, SLICE("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    peer_send(fd, slice_of(chunks, sizeof chunks));
    assert_true(peer_is_closed(&f, fd));
    assert_int_equal(hits(NET_LIMIT_receive_bytes_max), 1);
    assert_int_equal(http_server_stats(f.server)->closed[CONN_CLOSE_RECEIVE_FULL], 1);
    assert_int_equal(f.requests, 0);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_peer_that_takes_nothing_is_closed_after_write_stall_ms_max)
{
    static char body[16000000];
    fixture_init(&f);
    f.limits.write_stall_ms_max = 60;
    fixture_begin(&f);
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/big")));
    assert_true(fixture_until(&f, &f.requests, 1));
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, slice_of(body, sizeof body));
    int64_t end_us = loop_now(f.loop).us + 3000000;
    while (http_server_stats(f.server)->connections > 0 && loop_now(f.loop).us < end_us)
        fixture_turns(&f, 1);
    assert_int_equal(http_server_stats(f.server)->closed[CONN_CLOSE_WRITE_STALL], 1);
    assert_int_equal(hits(NET_LIMIT_write_stall_ms_max), 1);
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_stream_is_chunked_and_the_connection_goes_on_after_its_end)
{
    char text[2048];
    begin();
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/stream") GET("/after")));
    assert_true(fixture_until(&f, &f.requests, 1));
    fixture_turns(&f, 2);
    assert_int_equal(f.requests, 1); /* the next waits for the stream's end */
    assert_int_equal(http_stream_write(f.stream, SLICE("data: 1\n\n")), SEND_OK);
    assert_int_equal(http_stream_write(f.stream, SLICE("")), SEND_OK);
    struct shared_bytes *shared;
    assert_int_equal(shared_bytes_copy(SLICE("data: 2\n\n"), &shared), 0);
    assert_int_equal(http_stream_write_shared(f.stream, shared), SEND_OK);
    shared_bytes_give(shared);
    http_stream_end(f.stream);
    assert_int_equal(http_stream_write(f.stream, SLICE("x")), SEND_GONE);
    assert_true(peer_read_until(&f, fd, text, sizeof text, "/after"));
    assert_non_null(strstr(text, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(
        strstr(text, "\r\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\nHTTP/1.1"));
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_stream_to_a_client_that_does_not_read_is_bounded)
{
    static char piece[16384];
    fixture_init(&f);
    f.limits.outbox_bytes_max = 200000;
    fixture_begin(&f);
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/stream")));
    assert_true(fixture_until(&f, &f.requests, 1));
    enum send_outcome outcome = SEND_OK;
    bool lagged = false;
    for (int i = 0; i < 10000 && outcome != SEND_FULL; i++) {
        outcome = http_stream_write(f.stream, slice_of(piece, sizeof piece));
        lagged |= outcome == SEND_LAGGING;
        assert_true(http_stream_queued_bytes(f.stream) <= 200000 + 64);
        fixture_turns(&f, i % 4 == 0);
    }
    assert_int_equal(outcome, SEND_FULL);
    assert_true(lagged);
    assert_int_equal(hits(NET_LIMIT_outbox_bytes_max), 1);
    assert_true(fixture_until(&f, &f.streams_closed, 1));
    close(fd);
    fixture_end(&f);
}

TEST(http_server, a_stream_ends_when_its_client_leaves)
{
    static const struct slice requests[] = {
        {GET("/stream"), sizeof(GET("/stream")) - 1},
        {GET("/stream") GET("/x"), sizeof(GET("/stream") GET("/x")) - 1}, /* reading has paused */
    };
    char text[1024];
    for (size_t i = 0; i < 2; i++) {
        begin();
        int fd = peer_connect(&f);
        peer_send(fd, requests[i]);
        assert_true(fixture_until(&f, &f.requests, 1));
        assert_true(peer_read_until(&f, fd, text, sizeof text, "\r\n\r\n"));
        fixture_turns(&f, 2);
        close(fd); /* nothing is unread, so this is an end and no reset */
        assert_true(fixture_until(&f, &f.streams_closed, 1));
        fixture_end(&f);
    }
}

TEST(http_server, a_client_that_is_still_sending_gets_the_refusal_and_no_reset)
{
    static char body[100000];
    char text[1024];
    begin();
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"));
    peer_send(fd, slice_of(body, sizeof body)); /* more than one read takes */
    assert_true(peer_read_until(&f, fd, text, sizeof text, "BODY_TOO_LARGE\"}"));
    fixture_turns(&f, 3);
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), 0);   /* an end, no ECONNRESET */
    assert_true(http_server_stats(f.server)->bytes_in > sizeof body); /* read, and thrown away */
    close(fd);
    int64_t end_us = loop_now(f.loop).us + 3000000;
    while (http_server_stats(f.server)->connections > 0 && loop_now(f.loop).us < end_us)
        fixture_turns(&f, 1);
    assert_int_equal(http_server_stats(f.server)->closed[CONN_CLOSE_PROTOCOL], 1);
    fixture_end(&f);
}

TEST(http_server, a_large_answer_arrives_whole_and_stops_further_requests_meanwhile)
{
    static char body[16000000], got[16100000];
    char text[4096];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i % 23);
    begin();
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/big")));
    assert_true(fixture_until(&f, &f.requests, 1));
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, slice_of(body, sizeof body));
    fixture_turns(&f, 2);
    peer_send(fd, SLICE(GET("/2")));
    fixture_turns(&f, 3);
    assert_int_equal(f.requests, 1);
    assert_true(peer_read_until(&f, fd, text, 400, "\r\n\r\n"));
    size_t head = (size_t)(strstr(text, "\r\n\r\n") + 4 - text), here = strlen(text) - head;
    memcpy(got, text + head, here);
    assert_int_equal(peer_read(&f, fd, got + here, sizeof body - here), sizeof body - here);
    assert_memory_equal(got, body, sizeof body);
    assert_true(fixture_until(&f, &f.requests, 2));
    close(fd);
    fixture_end(&f);
}

TEST(http_server, an_answer_above_reply_bytes_max_becomes_500)
{
    char text[1024];
    static char body[5000];
    fixture_init(&f);
    f.limits.reply_bytes_max = 4999;
    fixture_begin(&f);
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/big")));
    assert_true(fixture_until(&f, &f.requests, 1));
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, slice_of(body, sizeof body));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "REPLY_TOO_LARGE"));
    close(fd);
    fixture_end(&f);
}

static void on_drained(void *owner)
{
    ((struct fixture *)owner)->drained++;
}

TEST(http_server, drain_finishes_what_is_in_flight_and_closes_the_idle)
{
    char text[1024];
    begin();
    f.keep = true;
    int idle = peer_connect(&f), busy = peer_connect(&f);
    peer_send(busy, SLICE(GET("/busy")));
    assert_true(fixture_until(&f, &f.requests, 1));
    fixture_turns(&f, 2);
    http_server_drain(f.server, 5000, on_drained, &f);
    assert_true(peer_is_closed(&f, idle));
    assert_int_equal(f.drained, 0);
    struct sockaddr_storage sockaddr;
    socklen_t size = net_address_to_sockaddr(&f.address, &sockaddr);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(late, (struct sockaddr *)&sockaddr, size), -1);
    close(late);
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, SLICE("<done>"));
    assert_true(peer_read_until(&f, busy, text, sizeof text, "<done>"));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    close(busy);
    close(idle);
    assert_true(fixture_until(&f, &f.drained, 1));
    fixture_end(&f);
}

TEST(http_server, drain_cuts_at_its_deadline)
{
    begin();
    f.keep = true;
    int fd = peer_connect(&f);
    peer_send(fd, SLICE(GET("/never")));
    assert_true(fixture_until(&f, &f.requests, 1));
    http_server_drain(f.server, 30, on_drained, &f);
    assert_true(fixture_until(&f, &f.drained, 1));
    assert_true(peer_is_closed(&f, fd));
    close(fd);
    fixture_end(&f);
}

TEST(http_server, an_idle_connection_keeps_no_buffers)
{
    char text[1024];
    begin();
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("GET /a HTTP/1.1\r\nHos"));
    fixture_turns(&f, 3);
    assert_true(http_server_stats(f.server)->receive_bytes > 0);
    peer_send(fd, SLICE("t: a\r\n\r\n"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "/a"));
    assert_int_equal(http_server_stats(f.server)->receive_bytes, 0);
    assert_int_equal(http_server_stats(f.server)->outbox_bytes, 0);
    close(fd);
    fixture_end(&f);
}

/* ---- one address for several ---- */

#define SHARERS_PEERS 64

static void answer_second(void *owner, struct http_request *request)
{
    ++*(int *)owner;
    http_reply(request->reply_to, 200, SLICE("text/plain"), SLICE_NONE, request->path);
}

static int listen_too(struct http_server *server, bool shares, int *requests)
{
    const struct http_listening how = {.address = f.address, .shares = shares};
    const struct http_handlers handlers = {.owner = requests, .on_request = answer_second};
    return http_server_listen_as(server, &how, &handlers, NULL);
}

TEST(http_server, servers_that_share_an_address_each_get_connections)
{
    struct http_server *second;
    int peers[SHARERS_PEERS], requests = 0;
    char text[1024];
    fixture_init(&f);
    f.how.shares = true;
    fixture_begin(&f);
    assert_int_equal(http_server_new(f.loop, &f.limits, &second), 0);
    assert_int_equal(listen_too(second, false, &requests), -ERR_NETWORK); /* in use */
    assert_int_equal(listener_probe(&f.address), -ERR_NETWORK);
    assert_int_equal(listen_too(second, true, &requests), 0);
    for (int i = 0; i < SHARERS_PEERS; i++) {
        peers[i] = peer_connect(&f);
        peer_send(peers[i], SLICE(GET("/any")));
        assert_true(peer_read_until(&f, peers[i], text, sizeof text, "\r\n\r\n/any"));
    }
    assert_true(f.requests > 0);
    assert_true(requests > 0);
    assert_int_equal(f.requests + requests, SHARERS_PEERS);
    for (int i = 0; i < SHARERS_PEERS; i++)
        close(peers[i]);
    fixture_turns(&f, 3);
    http_server_free(second);
    fixture_end(&f);
}

TEST(http_server, an_address_that_is_not_shared_is_in_use_also_for_those_that_would)
{
    struct http_server *second;
    int requests = 0;
    begin();
    assert_int_equal(http_server_new(f.loop, &f.limits, &second), 0);
    assert_int_equal(listen_too(second, true, &requests), -ERR_NETWORK);
    assert_int_equal(listener_probe(&f.address), -ERR_NETWORK);
    http_server_free(second);
    fixture_end(&f);
    assert_int_equal(listener_probe(&f.address), 0);
}
