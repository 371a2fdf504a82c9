/* test_conn_tls.c - TLS under connections: our server and our client on real sockets. */
#include "test.h"

#include <string.h>
#include <unistd.h>

#include "net/http/http_client.h"
#include "net_fixture.h"
#include "tls_pair.h"

static struct fixture f;
static struct pki pki;
static struct tls_client *tls;
static struct http_client *client;
static char text[8192];

struct seen {
    int connected, answers, closed, opened, refused, texts, ws_closed;
    size_t text_bytes;
    char last[4096];
    enum conn_close reason;
    struct ws_handle ws;
};
static struct seen seen;

static void on_connected(void *owner, struct http_client_handle handle)
{
    (void)handle;
    ((struct seen *)owner)->connected++;
}

static void on_answer(void *owner, uint64_t tag, const struct http_answer *answer)
{
    (void)tag;
    struct seen *to = owner;
    to->answers++;
    size_t bytes = answer->body.bytes < sizeof to->last ? answer->body.bytes : sizeof to->last - 1;
    if (bytes > 0)
        memcpy(to->last, answer->body.at, bytes);
    to->last[bytes] = '\0';
}

static void on_closed(void *owner, enum conn_close reason, uint32_t unanswered)
{
    (void)unanswered;
    struct seen *to = owner;
    to->closed++;
    to->reason = reason;
}

static const struct http_client_callbacks callbacks = {on_connected, on_answer, NULL, on_closed};

static void begin(void)
{
    struct tls_files files;
    const struct tls_client_files client_files = {.ca = pki.ca, .resume = true};
    struct net_limits limits = net_limits_default();
    seen = (struct seen){0};
    pki_make(&pki, 30);
    files = (struct tls_files){.certificates = pki.cert, .key = pki.key};
    tls = pair_client(&client_files);
    f.how.tls = pair_server(&files);
    fixture_begin(&f);
    assert_int_equal(http_client_new(f.loop, &limits, &client), 0);
    http_client_use_tls(client, tls);
}

static void end(void)
{
    http_client_free(client);
    fixture_turns(&f, 5);
    struct tls_server *server = f.how.tls;
    fixture_end(&f);
    tls_server_free(server);
    tls_client_free(tls);
    pki_remove(&pki);
}

static struct http_client_handle open_one(void)
{
    struct http_client_handle handle;
    assert_int_equal(http_client_connect(client, &f.address, &callbacks, &seen, &handle), 0);
    return handle;
}

static void ask(struct http_client_handle handle, struct slice target, struct slice body)
{
    const struct http_client_request request = {
        .method = body.bytes > 0 ? SLICE("POST") : SLICE("GET"), .target = target, .body = body};
    assert_int_equal(http_client_send(handle, &request), SEND_OK);
}

static const struct net_stats *stats(void)
{
    return http_server_stats(f.server);
}

TEST(conn_tls, carries_requests_that_were_queued_before_the_handshake)
{
    fixture_init(&f);
    begin();
    struct http_client_handle handle = open_one();
    ask(handle, SLICE("/one"), SLICE_NONE);
    ask(handle, SLICE("/two"), SLICE_NONE);
    assert_true(fixture_until(&f, &seen.answers, 2));
    assert_string_equal(seen.last, "/two");
    assert_int_equal(seen.connected, 1);
    assert_int_equal(stats()->tls_full, 1);
    assert_int_equal(stats()->tls_handshaking, 0);
    end();
}

TEST(conn_tls, the_next_connection_is_a_resumption)
{
    fixture_init(&f);
    begin();
    ask(open_one(), SLICE("/one"), SLICE_NONE);
    assert_true(fixture_until(&f, &seen.answers, 1));
    ask(open_one(), SLICE("/two"), SLICE_NONE);
    assert_true(fixture_until(&f, &seen.answers, 2));
    assert_int_equal(stats()->tls_full, 1);
    assert_int_equal(stats()->tls_resumed, 1);
    end();
}

TEST(conn_tls, a_long_body_arrives_whole)
{
    static char body[60000];
    fixture_init(&f);
    begin();
    memset(body, 'b', sizeof body);
    struct http_client_handle handle = open_one();
    for (int i = 1; i <= 20; i++) {
        ask(handle, SLICE("/body"), slice_of(body, sizeof body));
        assert_true(fixture_until(&f, &seen.answers, i));
        assert_int_equal(f.last_body_bytes, sizeof body);
    }
    end();
}

static void on_open(void *owner, struct ws_handle ws)
{
    struct seen *to = owner;
    to->opened++;
    to->ws = ws;
}

static void on_refused(void *owner, int status)
{
    (void)status;
    ((struct seen *)owner)->refused++;
}

static void on_text(void *owner, struct ws_handle ws, struct slice message)
{
    (void)ws;
    struct seen *to = owner;
    to->texts++;
    to->text_bytes += message.bytes;
}

static void on_ws_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    (void)ws;
    (void)code;
    ((struct seen *)owner)->ws_closed++;
}

static const struct ws_callbacks ws_callbacks = {on_text, NULL, on_ws_closed, NULL};

static void open_websocket(void)
{
    struct http_client_ws ws = {.target = SLICE("/ws"),
                                .on_open = on_open,
                                .on_refused = on_refused,
                                .callbacks = &ws_callbacks,
                                .owner = &seen};
    assert_int_equal(http_client_open_websocket(client, &f.address, &ws), 0);
    assert_true(fixture_until(&f, &seen.opened, 1));
}

TEST(conn_tls, websocket_messages_of_every_size_come_back)
{
    static char message[65000];
    fixture_init(&f);
    begin();
    open_websocket();
    memset(message, 'm', sizeof message);
    size_t sent = 0;
    int count = 0;
    for (size_t bytes = 1; bytes <= sizeof message; bytes = bytes * 3 + 1) {
        assert_int_equal(ws_conn_send_text(seen.ws, slice_of(message, bytes)), SEND_OK);
        sent += bytes;
        assert_true(fixture_until(&f, &seen.texts, ++count));
        assert_int_equal(seen.text_bytes, sent);
    }
    end();
}

TEST(conn_tls, a_record_holds_what_a_turn_has_queued)
{
    fixture_init(&f);
    begin();
    open_websocket();
    uint64_t writes = stats()->writes;
    for (int i = 0; i < 100; i++)
        assert_int_equal(ws_conn_send_text(f.ws, SLICE("a price of 2.10 for the home side")),
                         SEND_OK);
    assert_true(fixture_until(&f, &seen.texts, 100));
    assert_int_equal(stats()->writes, writes + 1);
    end();
}

TEST(conn_tls, a_client_that_reads_nothing_is_closed_when_its_time_is_over)
{
    static char message[60000];
    fixture_init(&f);
    f.limits.write_stall_ms_max = 300;
    f.limits.outbox_bytes_max = 64 * 1024 * 1024;
    begin();
    open_websocket();
    memset(message, 'm', sizeof message);
    ws_conn_pause(seen.ws);
    /* More than both sockets hold. */
    for (int i = 0; i < 300; i++)
        (void)ws_conn_send_text(f.ws, slice_of(message, sizeof message));
    for (int i = 0; i < 5000 && stats()->closed[CONN_CLOSE_WRITE_STALL] == 0; i++)
        fixture_turns(&f, 1);
    assert_int_equal(stats()->closed[CONN_CLOSE_WRITE_STALL], 1);
    assert_int_equal(f.ws_closed, 1);
    end();
}

/* ---- handshakes that do not come to an end ---- */

TEST(conn_tls, a_handshake_that_does_not_go_on_is_closed_and_counted)
{
    fixture_init(&f);
    f.limits.tls_handshake_ms_max = 200;
    begin();
    int silent = peer_connect(&f), slow = peer_connect(&f);
    peer_send(slow, slice_of("\x16\x03\x01\x02\x00\x01\x00", 7));
    assert_true(peer_is_closed(&f, silent));
    assert_true(peer_is_closed(&f, slow));
    assert_int_equal(stats()->limit_reached[NET_LIMIT_tls_handshake_ms_max], 2);
    assert_int_equal(stats()->closed[CONN_CLOSE_TLS_HANDSHAKE], 2);
    assert_int_equal(stats()->tls_handshaking, 0);
    close(silent);
    close(slow);
    end();
}

TEST(conn_tls, above_the_limit_the_oldest_handshake_makes_room)
{
    fixture_init(&f);
    f.limits.tls_handshakes_max = 3;
    begin();
    int waiting[3];
    for (int i = 0; i < 3; i++) {
        waiting[i] = peer_connect(&f);
        while (stats()->tls_handshaking < (uint64_t)i + 1)
            fixture_turns(&f, 1);
    }
    ask(open_one(), SLICE("/in"), SLICE_NONE);
    assert_true(fixture_until(&f, &seen.answers, 1));
    assert_true(peer_is_closed(&f, waiting[0]));
    assert_int_equal(stats()->limit_reached[NET_LIMIT_tls_handshakes_max], 1);
    assert_int_equal(stats()->tls_handshaking, 2);
    for (int i = 0; i < 3; i++)
        close(waiting[i]);
    end();
}

TEST(conn_tls, a_crowd_that_signs_on_is_taken_a_few_at_a_turn)
{
    fixture_init(&f);
    f.limits.tls_handshakes_per_turn_max = 1;
    begin();
    for (int i = 0; i < 20; i++)
        ask(open_one(), SLICE("/in"), SLICE_NONE);
    assert_true(fixture_until(&f, &seen.answers, 20));
    assert_true(stats()->limit_reached[NET_LIMIT_tls_handshakes_per_turn_max] > 0);
    assert_int_equal(stats()->tls_handshaking, 0);
    end();
}

TEST(conn_tls, garbage_is_closed_and_counted)
{
    fixture_init(&f);
    begin();
    int fd = peer_connect(&f);
    peer_send(fd, slice_of("\x00\x01\x02 nothing that anybody knows", 30));
    assert_true(peer_is_closed(&f, fd));
    assert_int_equal(stats()->closed[CONN_CLOSE_TLS_HANDSHAKE], 1);
    assert_int_equal(f.requests, 0);
    close(fd);
    end();
}

TEST(conn_tls, plain_http_is_told_where_it_is)
{
    fixture_init(&f);
    begin();
    int fd = peer_connect(&f);
    peer_send(fd, SLICE("GET /v1/odds/1.23 HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_true(peer_read_until(&f, fd, text, sizeof text, "https:// or wss://"));
    assert_non_null(strstr(text, "HTTP/1.1 400 Bad Request\r\n"));
    assert_non_null(strstr(text, "\"code\":\"TLS_REQUIRED\""));
    assert_true(peer_is_closed(&f, fd));
    close(fd);
    for (int i = 0; i < 100 && stats()->connections > 0; i++)
        fixture_turns(&f, 1);
    assert_int_equal(stats()->closed[CONN_CLOSE_NOT_TLS], 1);
    assert_int_equal(stats()->tls_handshaking, 0);
    assert_int_equal(f.requests, 0);
    end();
}

TEST(conn_tls, a_drain_closes_those_that_have_not_signed_on)
{
    fixture_init(&f);
    begin();
    int fd = peer_connect(&f);
    while (stats()->tls_handshaking < 1)
        fixture_turns(&f, 1);
    http_server_drain(f.server, 1000, NULL, NULL);
    assert_true(peer_is_closed(&f, fd));
    close(fd);
    end();
}

TEST(conn_tls, a_client_that_does_not_know_the_authority_never_sends_a_request)
{
    fixture_init(&f);
    begin();
    tls_client_free(tls);
    const struct tls_client_files files = {.ca = pki.other_ca};
    tls = pair_client(&files);
    http_client_use_tls(client, tls);
    ask(open_one(), SLICE("/secret"), SLICE_NONE);
    assert_true(fixture_until(&f, &seen.closed, 1));
    assert_int_equal(seen.reason, CONN_CLOSE_TLS_HANDSHAKE);
    assert_int_equal(seen.connected, 0);
    for (int i = 0; i < 100 && stats()->connections > 0; i++)
        fixture_turns(&f, 1);
    assert_int_equal(stats()->closed[CONN_CLOSE_TLS_HANDSHAKE], 1);
    assert_int_equal(f.requests, 0);
    end();
}
