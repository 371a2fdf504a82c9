/* fake_server.c - contract in fake_server.h. One market, 1.5, with two selections; a delta every
 * five milliseconds; every bet is good. */
#include "fake_server.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/rfc3339.h"
#include "net/http/http_reply.h"
#include "net/http/http_upgrade.h"
#include "test.h"

#define TICK_US 5000

static void send_snapshot(struct fake_server *fake, struct ws_handle ws)
{
    char text[512];
    int bytes = snprintf(
        text, sizeof text,
        "{\"op\":\"snapshot\",\"channel\":\"market:1.5\",\"seq\":%llu,\"sid\":\"s\",\"markets\":["
        "{\"market_id\":\"1.5\",\"status\":\"active\",\"odds_version\":%llu,\"selections\":["
        "{\"id\":\"11\",\"odds\":2.10,\"status\":\"active\"},"
        "{\"id\":\"12\",\"odds\":1.80,\"status\":\"active\"}]}]}",
        (unsigned long long)fake->seq, (unsigned long long)fake->seq);
    (void)ws_conn_send_text(ws, slice_of(text, (size_t)bytes));
}

static void on_tick(void *owner)
{
    struct fake_server *fake = owner;
    char text[512], stamp[RFC3339_BYTES_MAX];
    struct buf at = buf_over(stamp, sizeof stamp);
    rfc3339_write(&at, loop_wall(fake->loop));
    fake->seq++;
    int bytes = snprintf(text, sizeof text,
                         "{\"op\":\"delta\",\"channel\":\"market:1.5\",\"seq\":%llu,"
                         "\"market_id\":\"1.5\",\"odds_version\":%llu,\"status\":\"active\","
                         "\"selections\":[{\"id\":\"11\",\"odds\":2.%02llu}],"
                         "\"updated_at\":\"%.*s\"}",
                         (unsigned long long)fake->seq, (unsigned long long)fake->seq,
                         (unsigned long long)(fake->seq % 90 + 10), (int)at.bytes, stamp);
    bool lost = fake->lose_each > 0 && fake->seq % fake->lose_each == 0;
    for (uint32_t i = 0; i < fake->sockets_count && !lost; i++)
        (void)ws_conn_send_text(fake->sockets[i], slice_of(text, (size_t)bytes));
    loop_timer_set(fake->loop, &fake->tick, (struct monotonic){loop_now(fake->loop).us + TICK_US});
}

static void keep_text(char *to, size_t capacity, struct slice text)
{
    size_t bytes = text.bytes < capacity ? text.bytes : capacity - 1;
    if (bytes > 0)
        memcpy(to, text.at, bytes);
    to[bytes] = '\0';
}

static bool stalls_or_mute(struct fake_server *fake, uint64_t bet)
{
    if (bet == fake->stall_at) {
        struct timespec stall = {fake->stall_ms / 1000, fake->stall_ms % 1000 * 1000000L};
        nanosleep(&stall, NULL);
    }
    return fake->mute_from > 0 && bet >= fake->mute_from;
}

static bool is_refused(const struct fake_server *fake, uint64_t bet)
{
    return fake->refuse_each > 0 && bet % fake->refuse_each == 0;
}

/* From now on it is told what changes, and not before: a snapshot comes first. */
static void subscribe(struct fake_server *fake, struct ws_handle ws)
{
    send_snapshot(fake, ws);
    for (uint32_t i = 0; i < fake->sockets_count; i++)
        if (memcmp(&fake->sockets[i], &ws, sizeof ws) == 0)
            return;
    if (fake->sockets_count < FAKE_SOCKETS_MAX)
        fake->sockets[fake->sockets_count++] = ws;
}

static void on_ws_text(void *owner, struct ws_handle ws, struct slice text)
{
    struct fake_server *fake = owner;
    char answer[256];
    if (memmem(text.at, text.bytes, "\"place_bet\"", 11) == NULL) {
        subscribe(fake, ws);
        return;
    }
    uint64_t bet = atomic_fetch_add(&fake->bets, 1) + 1;
    keep_text(fake->last_bet, sizeof fake->last_bet, text);
    if (stalls_or_mute(fake, bet))
        return;
    const char *id = strstr(fake->last_bet, "\"id\":\"");
    int bytes = snprintf(answer, sizeof answer,
                         "{\"op\":\"bet\",\"id\":\"%.*s\",\"code\":%d,\"replayed\":false,"
                         "\"bet\":{\"code\":\"%s\"}}",
                         (int)strcspn(id + 6, "\""), id + 6, is_refused(fake, bet) ? 409 : 201,
                         is_refused(fake, bet) ? "ODDS_CHANGED" : "");
    (void)ws_conn_send_text(ws, slice_of(answer, (size_t)bytes));
}

static void on_ws_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    (void)owner; /* a handle of one that is gone is safe to use */
    (void)ws;
    (void)code;
}

static const struct ws_callbacks ws_calls = {on_ws_text, NULL, on_ws_closed, NULL};

static void on_bet(struct fake_server *fake, struct http_request *request)
{
    uint64_t bet = atomic_fetch_add(&fake->bets, 1) + 1;
    keep_text(fake->last_bet, sizeof fake->last_bet, request->body);
    keep_text(fake->last_token, sizeof fake->last_token,
              http_request_header(request, "authorization"));
    if (stalls_or_mute(fake, bet))
        return;
    if (bet == fake->close_at)
        http_reply(request->reply_to, 503, SLICE("text/plain"), SLICE("Connection: close\r\n"),
                   SLICE("x"));
    else if (is_refused(fake, bet))
        http_reply_problem(request->reply_to, 409, "ODDS_CHANGED", SLICE_NONE);
    else
        http_reply(request->reply_to, 201, SLICE("application/json"), SLICE_NONE,
                   SLICE("{\"bet_id\":\"1\",\"status\":\"PLACED\"}"));
}

static void on_request(void *owner, struct http_request *request)
{
    struct fake_server *fake = owner;
    if (slice_is(request->path, "/v1/stream")) {
        struct ws_handle ws;
        (void)http_upgrade_websocket(request, SLICE_NONE, &ws_calls, fake, &ws);
        return;
    }
    if (slice_is(request->path, "/v1/bets") && request->method == HTTP_POST) {
        on_bet(fake, request);
        return;
    }
    if (slice_is(request->path, "/v1/demo/session")) {
        unsigned long session = atomic_fetch_add(&fake->sessions, 1) + 1;
        char text[64];
        int bytes = snprintf(text, sizeof text, "{\"user_id\":\"u\",\"token\":\"t%lu\"}", session);
        http_reply(request->reply_to, 201, SLICE("application/json"), SLICE_NONE,
                   slice_of(text, (size_t)bytes));
        return;
    }
    bool deposit = slice_is(request->path, "/v1/account/deposits");
    bool read = slice_begins(request->path, SLICE("/v1/odds"));
    atomic_fetch_add(deposit ? &fake->deposits : read ? &fake->reads : &fake->other, 1);
    http_reply(request->reply_to,
               deposit ? 201
               : read  ? 200
                       : 404,
               SLICE("application/json"), SLICE_NONE, SLICE("{}"));
}

static void on_stop(void *owner)
{
    loop_stop(((struct fake_server *)owner)->loop);
}

static void *host(void *owner)
{
    struct fake_server *fake = owner;
    (void)loop_run(fake->loop);
    return NULL;
}

void fake_server_begin(struct fake_server *fake)
{
    struct net_limits limits = net_limits_default();
    struct http_handlers handlers = {fake, NULL, on_request};
    assert_int_equal(loop_new(&fake->loop), 0);
    assert_int_equal(loop_wakeup_open(fake->loop, &fake->stop, on_stop, fake), 0);
    assert_int_equal(http_server_new(fake->loop, &limits, &fake->server), 0);
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &fake->address), 0);
    assert_int_equal(http_server_listen(fake->server, &fake->address, &handlers, &fake->address),
                     0);
    fake->seq = 1;
    timer_init(&fake->tick, on_tick, fake);
    loop_timer_set(fake->loop, &fake->tick, (struct monotonic){loop_now(fake->loop).us});
    assert_int_equal(pthread_create(&fake->thread, NULL, host, fake), 0);
}

void fake_server_end(struct fake_server *fake)
{
    loop_wakeup_signal(&fake->stop);
    pthread_join(fake->thread, NULL);
    loop_timer_cancel(fake->loop, &fake->tick);
    loop_wakeup_close(&fake->stop);
    http_server_free(fake->server);
    loop_free(fake->loop);
}
