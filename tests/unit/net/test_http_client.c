/* test_http_client.c - net/http/http_client.h against our own server on the same loop. */
#include "test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http/http_client.h"
#include "net_fixture.h"

static struct fixture f;
static struct http_client *client;

struct seen {
    int answers, closed, connected, drained, opened, refused, texts, ws_closed;
    uint64_t tags[64];
    int statuses[64];
    char last[256];
    enum conn_close reason;
    uint32_t unanswered;
    int refused_status;
    struct ws_handle ws;
    uint16_t ws_code;
};
static struct seen seen;

static void on_connected(void *owner, struct http_client_handle handle)
{
    (void)handle;
    ((struct seen *)owner)->connected++;
}

static void on_answer(void *owner, uint64_t tag, const struct http_answer *answer)
{
    struct seen *to = owner;
    to->tags[to->answers % 64] = tag;
    to->statuses[to->answers % 64] = answer->status;
    to->answers++;
    size_t bytes = answer->body.bytes < sizeof to->last ? answer->body.bytes : sizeof to->last - 1;
    if (bytes > 0)
        memcpy(to->last, answer->body.at, bytes);
    to->last[bytes] = '\0';
}

static void on_client_drained(void *owner, struct http_client_handle handle)
{
    (void)handle;
    ((struct seen *)owner)->drained++;
}

static void on_client_closed(void *owner, enum conn_close reason, uint32_t unanswered)
{
    struct seen *to = owner;
    to->closed++;
    to->reason = reason;
    to->unanswered = unanswered;
}

static const struct http_client_callbacks callbacks = {on_connected, on_answer, on_client_drained,
                                                       on_client_closed};

static struct http_client_handle begin(void)
{
    struct http_client_handle handle;
    struct net_limits limits = net_limits_default();
    fixture_init(&f);
    fixture_begin(&f);
    seen = (struct seen){0};
    limits.http_idle_ms_max = 2000;
    assert_int_equal(http_client_new(f.loop, &limits, &client), 0);
    assert_int_equal(http_client_connect(client, &f.address, &callbacks, &seen, &handle), 0);
    return handle;
}

static void end(void)
{
    http_client_free(client);
    fixture_turns(&f, 3);
    fixture_end(&f);
}

static struct http_client_request get(const char *target, uint64_t tag)
{
    return (struct http_client_request){
        .method = SLICE("GET"), .target = slice_text(target), .tag = tag};
}

TEST(http_client, pipelined_requests_get_their_answers_in_order)
{
    struct http_client_handle handle = begin();
    for (uint64_t i = 0; i < 64; i++) {
        struct http_client_request request = get("/x", i);
        if (i % 5 == 0)
            request.method = SLICE("HEAD");
        assert_int_equal(http_client_send(handle, &request), SEND_OK);
    }
    struct http_client_request one_more = get("/x", 64);
    assert_int_equal(http_client_send(handle, &one_more), SEND_FULL);
    assert_true(fixture_until(&f, &seen.answers, 64));
    for (uint64_t i = 0; i < 64; i++)
        assert_int_equal(seen.tags[i], i);
    assert_int_equal(
        http_client_send_raw(handle, SLICE("GET /raw HTTP/1.1\r\nHost: a\r\n\r\n"), false, 7),
        SEND_OK);
    assert_true(fixture_until(&f, &seen.answers, 65));
    assert_string_equal(seen.last, "/raw");
    assert_int_equal(seen.connected, 1);
    assert_int_equal(seen.closed, 0);
    end();
    assert_int_equal(seen.closed, 1);
}

TEST(http_client, an_upload_is_held_back_by_a_slow_reader_and_arrives_whole)
{
    static char piece[10000];
    struct http_client_handle handle = begin();
    struct http_client_request request = get("/upload", 1);
    request.method = SLICE("POST");
    request.chunked = true;
    assert_int_equal(http_client_send(handle, &request), SEND_OK);
    assert_int_equal(http_client_send(handle, &request), SEND_FULL); /* not before its end */
    size_t sent = 0;
    while (sent < 1000000) {
        enum send_outcome outcome = http_client_upload(handle, slice_of(piece, sizeof piece));
        assert_true(outcome == SEND_OK || outcome == SEND_LAGGING);
        sent += sizeof piece;
        if (outcome == SEND_LAGGING) {
            int before = seen.drained;
            assert_true(fixture_until(&f, &seen.drained, before + 1));
            assert_true(http_client_queued_bytes(handle) <= 32 * 1024);
        }
    }
    http_client_upload_end(handle);
    assert_true(fixture_until(&f, &seen.answers, 1));
    assert_string_equal(seen.last, "uploaded");
    assert_int_equal(f.uploaded_bytes, 1000000);
    end();
}

TEST(http_client, what_has_no_answer_is_counted_when_the_server_leaves)
{
    struct http_client_handle handle = begin();
    f.keep = true;
    struct http_client_request request = get("/x", 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(http_client_send(handle, &request), SEND_OK);
    assert_true(fixture_until(&f, &f.requests, 3));
    http_reply(f.kept[0], 200, SLICE("text/plain"), SLICE_NONE, SLICE("one"));
    assert_true(fixture_until(&f, &seen.answers, 1));
    http_server_free(f.server);
    assert_true(fixture_until(&f, &seen.closed, 1));
    assert_int_equal(seen.unanswered, 2);
    assert_int_equal(http_client_send(handle, &request), SEND_GONE);
    http_client_free(client);
    loop_free(f.loop);
}

TEST(http_client, a_refused_connection_is_an_on_closed)
{
    struct http_client_handle handle = begin();
    http_client_close(handle);
    struct net_address nobody;
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:1"), &nobody), 0);
    assert_true(fixture_until(&f, &seen.closed, 1));
    if (http_client_connect(client, &nobody, &callbacks, &seen, &handle) == 0) {
        assert_true(fixture_until(&f, &seen.closed, 2));
        assert_int_equal(seen.reason, CONN_CLOSE_CONNECT_FAILED);
    }
    end();
}

/* A server of our own making, which answers wrongly. */
static void expect_refusal(const char *answer, int answers)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_storage sockaddr;
    struct net_address any;
    socklen_t size;
    struct http_client_handle handle = begin();
    http_client_close(handle);
    assert_true(fixture_until(&f, &seen.closed, 1));
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &any), 0);
    size = net_address_to_sockaddr(&any, &sockaddr);
    assert_int_equal(bind(listener, (struct sockaddr *)&sockaddr, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&sockaddr, &size), 0);
    any = net_address_of(&sockaddr);
    assert_int_equal(http_client_connect(client, &any, &callbacks, &seen, &handle), 0);
    struct http_client_request request = get("/", 1);
    assert_int_equal(http_client_send(handle, &request), SEND_OK);
    int fd = accept(listener, NULL, NULL);
    peer_send(fd, slice_text(answer));
    assert_true(fixture_until(&f, &seen.closed, 2));
    if (seen.answers != answers)
        fail_msg("%s: %d answers", answer, seen.answers);
    close(fd);
    close(listener);
    end();
}

TEST(http_client, wrong_answers_end_the_connection)
{
    expect_refusal("HTTP/1.1 200 OK\r\n\r\nuntil the end", 0);
    expect_refusal("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab", 0);
    expect_refusal("HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nab", 0);
    expect_refusal("HTTP/1.1 101 Switching Protocols\r\n\r\n", 0);
    expect_refusal("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nab", 0);
    expect_refusal("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
                   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                   1); /* the second was not asked for */
    expect_refusal("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                   "2\r\nab\r\n0\r\n\r\n",
                   1);
}

/* ---- WebSocket ---- */

static void on_open(void *owner, struct ws_handle ws)
{
    struct seen *to = owner;
    to->opened++;
    to->ws = ws;
}

static void on_refused(void *owner, int status)
{
    struct seen *to = owner;
    to->refused++;
    to->refused_status = status;
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    struct seen *to = owner;
    (void)ws;
    to->texts++;
    if (text.bytes < sizeof to->last) {
        memcpy(to->last, text.at, text.bytes);
        to->last[text.bytes] = '\0';
    }
}

static void on_ws_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct seen *to = owner;
    (void)ws;
    to->ws_closed++;
    to->ws_code = code;
}

static const struct ws_callbacks ws_callbacks = {on_text, NULL, on_ws_closed, NULL};

TEST(http_client, opens_a_websocket_and_masks_what_it_sends)
{
    static char text[200], longer[60000];
    begin();
    struct http_client_ws ws = {
        .target = SLICE("/ws"),
        .subprotocol = SLICE("a, b"),
        .on_open = on_open,
        .on_refused = on_refused,
        .callbacks = &ws_callbacks,
        .owner = &seen,
    };
    assert_int_equal(http_client_open_websocket(client, &f.address, &ws), 0);
    assert_true(fixture_until(&f, &seen.opened, 1));
    memset(text, 'q', sizeof text - 1);
    assert_int_equal(ws_conn_send_text(seen.ws, slice_text(text)), SEND_OK);
    assert_true(fixture_until(&f, &seen.texts, 1)); /* the server accepts masked frames only */
    assert_string_equal(seen.last, text);
    memset(longer, 'l', sizeof longer);
    assert_int_equal(ws_conn_send_text(seen.ws, slice_of(longer, sizeof longer)), SEND_OK);
    assert_true(fixture_until(&f, &seen.texts, 2));
    ws_conn_close(seen.ws, WS_CLOSE_NORMAL, SLICE_NONE);
    assert_true(fixture_until(&f, &seen.ws_closed, 1));
    assert_true(fixture_until(&f, &f.ws_closed, 1));
    assert_int_equal(seen.ws_code, WS_CLOSE_NORMAL);
    assert_int_equal(f.ws_code, WS_CLOSE_NORMAL);
    assert_int_equal(seen.refused, 0);
    end();
}

TEST(http_client, a_websocket_that_is_refused_says_the_status)
{
    begin();
    struct http_client_ws ws = {
        .target = SLICE("/no-websocket-here"),
        .on_open = on_open,
        .on_refused = on_refused,
        .callbacks = &ws_callbacks,
        .owner = &seen,
    };
    assert_int_equal(http_client_open_websocket(client, &f.address, &ws), 0);
    assert_true(fixture_until(&f, &seen.refused, 1));
    assert_int_equal(seen.refused_status, 200);
    assert_int_equal(seen.opened, 0);
    end();
}
