/* net_fixture.c - see net_fixture.h. */
#include "net_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#define WAIT_US (5 * US_PER_SECOND)

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    struct fixture *fixture = owner;
    fixture->ws_texts++;
    if (text.bytes < sizeof fixture->ws_last) {
        memcpy(fixture->ws_last, text.at, text.bytes);
        fixture->ws_last[text.bytes] = '\0';
    }
    if (fixture->ws_echo)
        ws_conn_send_text(ws, text);
}

static void on_ws_drained(void *owner, struct ws_handle ws)
{
    (void)ws;
    ((struct fixture *)owner)->ws_drained++;
}

static void on_ws_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct fixture *fixture = owner;
    assert_false(ws_conn_is_open(ws));
    fixture->ws_closed++;
    fixture->ws_code = code;
}

static const struct ws_callbacks ws_callbacks = {on_text, on_ws_drained, on_ws_closed, NULL};

static void on_stream_drained(void *owner, struct http_reply_to to)
{
    (void)to;
    ((struct fixture *)owner)->streams_drained++;
}

static void on_stream_closed(void *owner, struct http_reply_to to, enum conn_close reason)
{
    (void)to;
    (void)reason;
    ((struct fixture *)owner)->streams_closed++;
}

static const struct http_stream_callbacks stream_callbacks = {on_stream_drained, on_stream_closed};

static void on_body(void *owner, struct http_reply_to to, struct slice piece)
{
    struct fixture *fixture = owner;
    fixture->uploaded_bytes += piece.bytes;
    if (fixture->pause_each_piece)
        http_request_pause_body(to);
}

static void on_body_end(void *owner, struct http_reply_to to)
{
    struct fixture *fixture = owner;
    fixture->ends++;
    http_reply(to, 200, SLICE("text/plain"), SLICE_NONE, SLICE("uploaded"));
}

static void on_body_abort(void *owner, struct http_reply_to to)
{
    struct fixture *fixture = owner;
    assert_false(http_request_is_open(to));
    fixture->aborts++;
}

static const struct http_body_sink sink = {on_body, on_body_end, on_body_abort};

static void on_head(void *owner, const struct http_request *request, struct http_body_plan *plan)
{
    (void)owner;
    if (slice_begins(request->path, SLICE("/upload"))) {
        plan->mode = HTTP_BODY_STREAM;
        plan->bytes_max = 1 << 20;
    } else if (slice_is(request->path, "/small")) {
        plan->bytes_max = 10;
    }
}

static void on_request(void *owner, struct http_request *request)
{
    struct fixture *fixture = owner;
    int number = fixture->requests++;
    fixture->last_body_bytes = request->body.bytes;
    fixture->client = request->client;
    if (request->body.bytes > 0 && request->body.bytes <= sizeof fixture->last_body)
        memcpy(fixture->last_body, request->body.at, request->body.bytes);
    if (number < FIXTURE_REPLIES_MAX && request->path.bytes < sizeof fixture->paths[0]) {
        memcpy(fixture->paths[number], request->path.at, request->path.bytes);
        fixture->paths[number][request->path.bytes] = '\0';
    }
    if (slice_is(request->path, "/ws")) {
        http_upgrade_websocket(request, SLICE_NONE, &ws_callbacks, fixture, &fixture->ws);
    } else if (slice_is(request->path, "/upload")) {
        fixture->upload = request->reply_to;
        http_request_stream_body(request, &sink, fixture);
    } else if (slice_is(request->path, "/upload-taken-and-answered")) {
        http_request_stream_body(request, &sink, fixture);
        http_reply_problem(request->reply_to, 401, "UNAUTHENTICATED", SLICE_NONE);
    } else if (slice_is(request->path, "/stream")) {
        fixture->stream = request->reply_to;
        http_stream_begin(request, SLICE("text/event-stream"), SLICE_NONE, &stream_callbacks,
                          fixture);
    } else if (fixture->keep) {
        fixture->kept[number] = request->reply_to;
    } else {
        http_reply(request->reply_to, 200, SLICE("text/plain"), SLICE_NONE, request->path);
    }
}

void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){.limits = net_limits_default(), .ws_echo = true};
}

void fixture_begin(struct fixture *fixture)
{
    struct http_handlers handlers = {fixture, on_head, on_request};
    assert_int_equal(loop_new(&fixture->loop), 0);
    assert_int_equal(http_server_new(fixture->loop, &fixture->limits, &fixture->server), 0);
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &fixture->how.address), 0);
    assert_int_equal(
        http_server_listen_as(fixture->server, &fixture->how, &handlers, &fixture->address), 0);
}

void fixture_end(struct fixture *fixture)
{
    const struct net_stats *stats = http_server_stats(fixture->server);
    for (int i = 0; i < 3; i++)
        assert_int_equal(loop_run_once(fixture->loop, 0), 0);
    if (stats->connections == 0) { /* nothing may be left behind by those that are gone */
        assert_int_equal(stats->outbox_bytes, 0);
        assert_int_equal(stats->receive_bytes, 0);
        assert_int_equal(stats->ws_open, 0);
    }
    http_server_free(fixture->server);
    loop_free(fixture->loop);
}

bool fixture_until(struct fixture *fixture, const int *what, int wanted)
{
    int64_t end = now_us() + WAIT_US;
    while (*what < wanted && now_us() < end)
        assert_int_equal(loop_run_once(fixture->loop, 1000), 0);
    return *what >= wanted;
}

void fixture_turns(struct fixture *fixture, int turns)
{
    for (int i = 0; i < turns; i++)
        assert_int_equal(loop_run_once(fixture->loop, 1000), 0);
}

int peer_connect(const struct fixture *fixture)
{
    struct sockaddr_storage sockaddr;
    socklen_t size = net_address_to_sockaddr(&fixture->address, &sockaddr);
    int fd = socket(sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sockaddr, size), 0);
    return fd;
}

void peer_send(int fd, struct slice bytes)
{
    assert_int_equal(send(fd, bytes.at, bytes.bytes, MSG_NOSIGNAL), (ssize_t)bytes.bytes);
}

/* One read without waiting, after a turn: >0 bytes, 0 end, -1 nothing yet. */
static ssize_t read_some(struct fixture *fixture, int fd, char *to, size_t bytes)
{
    ssize_t got = recv(fd, to, bytes, MSG_DONTWAIT);
    if (got < 0 && errno == ECONNRESET)
        return 0;
    if (got < 0)
        assert_int_equal(loop_run_once(fixture->loop, 1000), 0);
    return got;
}

size_t peer_read(struct fixture *fixture, int fd, char *to, size_t bytes)
{
    size_t count = 0;
    int64_t end = now_us() + WAIT_US;
    while (count < bytes && now_us() < end) {
        ssize_t got = read_some(fixture, fd, to + count, bytes - count);
        if (got == 0)
            break;
        count += got > 0 ? (size_t)got : 0;
    }
    to[count] = '\0';
    return count;
}

bool peer_read_until(struct fixture *fixture, int fd, char *to, size_t capacity, const char *text)
{
    size_t count = 0;
    int64_t end = now_us() + WAIT_US;
    to[0] = '\0';
    while (now_us() < end && count < capacity - 1) {
        ssize_t got = read_some(fixture, fd, to + count, capacity - 1 - count);
        if (got == 0)
            return false;
        count += got > 0 ? (size_t)got : 0;
        to[count] = '\0';
        if (memmem(to, count, text, strlen(text)) != NULL)
            return true;
    }
    return false;
}

bool peer_is_closed(struct fixture *fixture, int fd)
{
    char sink_bytes[4096];
    int64_t end = now_us() + WAIT_US;
    while (now_us() < end)
        if (read_some(fixture, fd, sink_bytes, sizeof sink_bytes) == 0)
            return true;
    return false;
}
