/* gateway.c - contract in gateway.h. */
#include "roles/gateway/gateway.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/cycles.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json_write.h"
#include "base/rfc3339.h"
#include "crypto/random.h"
#include "net/http/http_reply.h"
#include "net/http/http_url.h"
#include "roles/shared/demo_session.h"
#include "roles/shared/rate_limit.h"
#include "roles/shared/route.h"
#include "roles/shared/web_files.h"

#define HEADERS_BYTES_MAX 512

struct gateway {
    struct gateway_options options;
    struct gateway_parts parts;
    struct rate_limit *addresses; /* owned; NULL: off */
    uint64_t request_id_key[2];   /* secret of this process */
    struct metrics_histogram acceptance, overhead;
    struct metrics_counter address_reached;
};

int gateway_new(const struct gateway_options *options, const struct gateway_parts *parts,
                struct gateway **ret_gateway)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL)
        return -ERR_MEMORY;
    gateway->options = *options;
    gateway->parts = *parts;
    random_fill(gateway->request_id_key, sizeof gateway->request_id_key);
    metrics_histogram_init(&gateway->acceptance, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    metrics_histogram_init(&gateway->overhead, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    if (options->address_requests_second > 0) {
        struct rate_limit_options rate = {
            .burst = options->address_burst > 0 ? options->address_burst : 1,
            .interval_us = US_PER_SECOND / options->address_requests_second,
            .keys_max = options->addresses_tracked_max,
        };
        random_fill(rate.hash_key, sizeof rate.hash_key);
        int error = rate_limit_new(&rate, &gateway->addresses);
        if (error < 0) {
            free(gateway);
            return error;
        }
    }
    *ret_gateway = gateway;
    return 0;
}

void gateway_free(struct gateway *gateway)
{
    if (gateway == NULL)
        return;
    rate_limit_free(gateway->addresses);
    free(gateway);
}

/* ---- request ids ---- */

/* Made of the reply handle, so that it need not be kept until the answer; keyed, so that it
 * tells nobody how many requests there are. */
static void put_request_id(struct buf *headers, const struct gateway *gateway,
                           struct http_reply_to to)
{
    static const char digits[] = "0123456789abcdef";
    const uint32_t words[3] = {to.conn.index, to.conn.generation, to.request_no};
    struct hash128 hash = siphash128(gateway->request_id_key, words, sizeof words);
    char text[32];
    for (int i = 0; i < 16; i++) {
        text[i] = digits[hash.low >> (4 * i) & 15];
        text[16 + i] = digits[hash.high >> (4 * i) & 15];
    }
    buf_put_text(headers, "X-Request-Id: ");
    buf_put(headers, text, sizeof text);
    buf_put_text(headers, "\r\n");
}

static void reply_problem(const struct gateway *gateway, struct http_reply_to to, int status,
                          const char *code, const char *detail)
{
    char memory[HEADERS_BYTES_MAX];
    struct buf headers = buf_over(memory, sizeof memory);
    put_request_id(&headers, gateway, to);
    if (status == 503)
        buf_put_text(&headers, "Retry-After: 1\r\n");
    http_reply_problem_with(to, status, code, slice_text(detail), buf_slice(&headers));
}

static void reply_not_found(const struct gateway *gateway, struct http_reply_to to)
{
    reply_problem(gateway, to, 404, "NOT_FOUND", "There is nothing at this path.");
}

/* ---- answers about bets and money ---- */

enum cookie_word { COOKIE_CONN, COOKIE_REQUEST, COOKIE_SERVER, COOKIE_BEGUN };

/* begun_us 0: not a bet, its time is not counted. */
static struct book_cookie cookie_of(struct gateway *gateway, struct http_reply_to to,
                                    int64_t begun_us)
{
    struct book_cookie cookie = {.owner = gateway};
    cookie.words[COOKIE_CONN] = (uint64_t)to.conn.index << 32 | to.conn.generation;
    cookie.words[COOKIE_REQUEST] = to.request_no;
    cookie.words[COOKIE_SERVER] = (uint64_t)(uintptr_t)to.server;
    cookie.words[COOKIE_BEGUN] = (uint64_t)begun_us;
    return cookie;
}

static struct http_reply_to reply_to_of(const struct book_cookie *cookie)
{
    return (struct http_reply_to){
        .server = (struct http_server *)(uintptr_t)cookie->words[COOKIE_SERVER],
        .conn = {(uint32_t)(cookie->words[COOKIE_CONN] >> 32),
                 (uint32_t)cookie->words[COOKIE_CONN]},
        .request_no = (uint32_t)cookie->words[COOKIE_REQUEST],
    };
}

static void on_bet_answer(const struct bet_service_answer *answer)
{
    struct gateway *gateway = answer->cookie.owner;
    struct http_reply_to to = reply_to_of(&answer->cookie);
    char memory[HEADERS_BYTES_MAX];
    struct buf headers = buf_over(memory, sizeof memory);
    put_request_id(&headers, gateway, to);
    buf_put_text(&headers, "Cache-Control: no-store\r\n");
    if (answer->replayed)
        buf_put_text(&headers, "Idempotent-Replayed: true\r\n");
    if (answer->retry_after_s > 0)
        buf_printf(&headers, "Retry-After: %d\r\n", answer->retry_after_s);
    if (answer->cookie.words[COOKIE_BEGUN] != 0)
        metrics_record(&gateway->acceptance,
                       (uint64_t)clock_us(CLOCK_MONOTONIC) - answer->cookie.words[COOKIE_BEGUN]);
    http_reply(to, answer->status,
               answer->status >= 400 ? SLICE("application/problem+json")
                                     : SLICE("application/json"),
               buf_slice(&headers), answer->body);
}

/* ---- who asks ---- */

/* Claims of a route that needs a token; false when 401 was answered. */
static bool need_token(struct gateway *gateway, const struct http_request *request,
                       struct jwt_claims *ret_claims)
{
    enum cycles_stage before = cycles_enter(CYCLES_AUTH);
    enum bearer_outcome outcome =
        bearer_check(gateway->parts.bearer, request,
                     loop_wall(gateway->parts.loop).us / US_PER_SECOND, ret_claims);
    (void)cycles_enter(before);
    if (outcome == BEARER_OK)
        return true;
    char memory[HEADERS_BYTES_MAX];
    struct buf headers = buf_over(memory, sizeof memory);
    put_request_id(&headers, gateway, request->reply_to);
    bearer_refuse(request->reply_to, outcome, buf_slice(&headers));
    return false;
}

/* Address and device of a bet, for its record (G-10); sealed by the book. */
static struct slice personal_of(const struct http_request *request, struct buf *memory)
{
    struct slice agent = http_request_header(request, "user-agent");
    net_address_write_ip(memory, &request->client);
    buf_put_char(memory, '\n');
    size_t room = memory->capacity - memory->bytes;
    buf_put(memory, agent.at, agent.bytes < room ? agent.bytes : room);
    return buf_slice(memory);
}

/* An IPv6 customer has a /64 at least: one of its addresses is not one customer. */
static bool admit_address(struct gateway *gateway, const struct http_request *request)
{
    if (gateway->addresses == NULL)
        return true;
    struct slice key = slice_of(request->client.ip, net_address_is_v4(&request->client) ? 16 : 8);
    int64_t wait_us = rate_limit_take(gateway->addresses, key, loop_now(gateway->parts.loop));
    if (wait_us == 0)
        return true;
    metrics_count(&gateway->address_reached, 1);
    char memory[HEADERS_BYTES_MAX];
    struct buf headers = buf_over(memory, sizeof memory);
    put_request_id(&headers, gateway, request->reply_to);
    buf_printf(&headers, "Retry-After: %lld\r\n",
               (long long)((wait_us + US_PER_SECOND - 1) / US_PER_SECOND));
    http_reply_problem_with(request->reply_to, 429, "RATE_LIMITED",
                            SLICE("Too many requests from this address."), buf_slice(&headers));
    return false;
}

/* ---- bets and money ---- */

/* `bet_id`: of a cash-out, or of an offer's bet. */
static void serve_write(struct gateway *gateway, struct http_request *request, enum bet_call call,
                        struct slice bet_id)
{
    struct jwt_claims claims;
    char personal[PERSONAL_PLAIN_BYTES_MAX];
    struct buf memory = buf_over(personal, sizeof personal);
    int64_t begun_us = clock_us(CLOCK_MONOTONIC);
    if (!need_token(gateway, request, &claims))
        return;
    if (http_head_count(request->head, SLICE("idempotency-key")) > 1) {
        reply_problem(gateway, request->reply_to, 400, "IDEMPOTENCY_KEYS_DIFFER",
                      "More than one Idempotency-Key.");
        return;
    }
    const struct bet_question question = {
        .call = call,
        .transport = TRANSPORT_HTTP,
        .claims = &claims,
        .key = http_request_header(request, "idempotency-key"),
        .words = request->body,
        .personal = personal_of(request, &memory),
        .bet_id = bet_id,
    };
    struct book_cookie cookie =
        cookie_of(gateway, request->reply_to, call == BET_CALL_PLACE ? begun_us : 0);
    metrics_record(&gateway->overhead, (uint64_t)(clock_us(CLOCK_MONOTONIC) - begun_us));
    enum cycles_stage before = cycles_enter(CYCLES_DECIDE);
    bet_port_ask(gateway->parts.bets, &question, on_bet_answer, cookie);
    (void)cycles_enter(before);
}

static void serve_read(struct gateway *gateway, const struct http_request *request,
                       enum bet_call call, struct slice words)
{
    struct jwt_claims claims;
    if (!need_token(gateway, request, &claims))
        return;
    const struct bet_question question = {.call = call, .claims = &claims, .words = words};
    bet_port_ask(gateway->parts.bets, &question, on_bet_answer,
                 cookie_of(gateway, request->reply_to, 0));
}

/* Without a token: whoever holds a head can hold us to it. */
static void serve_anyone(struct gateway *gateway, const struct http_request *request,
                         enum bet_call call, struct slice words)
{
    const struct bet_question question = {.call = call, .words = words};
    bet_port_ask(gateway->parts.bets, &question, on_bet_answer,
                 cookie_of(gateway, request->reply_to, 0));
}

/* ---- prices ---- */

/* Prices may be read without a token, but a bad one is never taken for none. */
static void serve_odds(struct gateway *gateway, struct http_request *request)
{
    struct jwt_claims claims;
    int64_t now_s = loop_wall(gateway->parts.loop).us / US_PER_SECOND;
    enum bearer_outcome outcome = bearer_check(gateway->parts.bearer, request, now_s, &claims);
    if (outcome == BEARER_BAD || outcome == BEARER_EXPIRED) {
        bearer_refuse(request->reply_to, outcome, SLICE_NONE);
        return;
    }
    if (gateway->parts.odds == NULL || !gateway->parts.odds(gateway->parts.odds_owner, request,
                                                            outcome == BEARER_OK ? &claims : NULL))
        reply_not_found(gateway, request->reply_to);
}

/* ---- the demo's users ---- */

static void serve_demo_session(struct gateway *gateway, struct http_request *request)
{
    const struct demo_sessions sessions = {.bearer = gateway->parts.bearer,
                                           .loop = gateway->parts.loop,
                                           .kid = gateway->options.demo_kid,
                                           .roles = JWT_ROLE_BIT(JWT_BETTOR)};
    char memory[HEADERS_BYTES_MAX];
    struct buf headers = buf_over(memory, sizeof memory);
    put_request_id(&headers, gateway, request->reply_to);
    demo_session_serve(&sessions, request->reply_to, buf_slice(&headers));
}

/* ---- files and health ---- */

static void serve_health(struct http_request *request)
{
    http_reply(request->reply_to, 200, SLICE("text/plain"), SLICE("Cache-Control: no-store\r\n"),
               SLICE("ok\n"));
}

static void serve_ready(struct gateway *gateway, struct http_request *request)
{
    if (!gateway->parts.takes_bets(gateway->parts.takes_bets_owner) ||
        http_server_is_draining(request->reply_to.server)) {
        reply_problem(gateway, request->reply_to, 503, "NOT_READY", "No bets are taken now.");
        return;
    }
    http_reply(request->reply_to, 200, SLICE("text/plain"), SLICE("Cache-Control: no-store\r\n"),
               SLICE("ready\n"));
}

static void serve_file(struct gateway *gateway, struct http_request *request)
{
    const struct web_file *file = web_files_find(WEB_PLAYER, request->path);
    if (file == NULL)
        reply_not_found(gateway, request->reply_to);
    else
        web_file_reply(file, request);
}

/* ---- routes ---- */

enum route {
    ROUTE_FILE = 0,
    ROUTE_HEALTH,
    ROUTE_READY,
    ROUTE_ODDS,
    ROUTE_BETS,
    ROUTE_BET,
    ROUTE_PROOF,
    ROUTE_CASH_OUT,
    ROUTE_OFFER_ACCEPT,
    ROUTE_OFFER_DECLINE,
    ROUTE_HEAD,
    ROUTE_KEYS,
    ROUTE_ACCOUNT,
    ROUTE_DEPOSITS,
    ROUTE_WITHDRAWALS,
    ROUTE_DEMO_SESSION,
    ROUTE_NONE,
};

struct route_row {
    const char *path;
    unsigned methods;
    enum route route;
};

/* What docs/api/openapi.yaml has of this listener, but for files. */
static const struct route_row rows[] = {
    {"/v1/odds/{market_id}", ROUTE_READ, ROUTE_ODDS}, /* asked most */
    {"/v1/bets", ROUTE_READ | ROUTE_POST, ROUTE_BETS},
    {"/v1/bets/{bet_id}", ROUTE_READ, ROUTE_BET},
    {"/v1/bets/{bet_id}/cash-out", ROUTE_READ | ROUTE_POST, ROUTE_CASH_OUT},
    {"/v1/bets/{bet_id}/offer/accept", ROUTE_POST, ROUTE_OFFER_ACCEPT},
    {"/v1/bets/{bet_id}/offer/decline", ROUTE_POST, ROUTE_OFFER_DECLINE},
    {"/v1/bets/{bet_id}/proof", ROUTE_READ, ROUTE_PROOF},
    {"/v1/odds", ROUTE_READ, ROUTE_ODDS},
    {"/v1/events", ROUTE_READ, ROUTE_ODDS},
    {"/v1/stream", ROUTE_GET, ROUTE_ODDS},
    {"/v1/account", ROUTE_READ, ROUTE_ACCOUNT},
    {"/v1/account/deposits", ROUTE_POST, ROUTE_DEPOSITS},
    {"/v1/account/withdrawals", ROUTE_POST, ROUTE_WITHDRAWALS},
    {"/v1/ledger/head", ROUTE_READ, ROUTE_HEAD},
    {"/v1/ledger/keys", ROUTE_READ, ROUTE_KEYS},
    {"/v1/demo/session", ROUTE_POST, ROUTE_DEMO_SESSION},
    {"/healthz", ROUTE_READ, ROUTE_HEALTH},
    {"/readyz", ROUTE_READ, ROUTE_READY},
};

static struct route_row row_of(struct slice path, struct slice *ret_bet_id)
{
    static const struct route_row file = {"", ROUTE_READ, ROUTE_FILE}, none = {"", 0, ROUTE_NONE};
    struct route_ids ids;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!route_matches(path, rows[i].path, &ids))
            continue;
        *ret_bet_id = ids.id[0]; /* of a bet's routes: no other asks */
        return rows[i];
    }
    return slice_begins(path, SLICE("/v1/")) ? none : file;
}

static void dispatch(struct gateway *gateway, struct http_request *request, enum route route,
                     struct slice bet_id)
{
    switch (route) {
    case ROUTE_FILE:
        serve_file(gateway, request);
        return;
    case ROUTE_HEALTH:
        serve_health(request);
        return;
    case ROUTE_READY:
        serve_ready(gateway, request);
        return;
    case ROUTE_ODDS:
        serve_odds(gateway, request);
        return;
    case ROUTE_BETS:
        if (request->method == HTTP_POST)
            serve_write(gateway, request, BET_CALL_PLACE, SLICE_NONE);
        else
            serve_read(gateway, request, BET_CALL_LIST, request->query);
        return;
    case ROUTE_BET:
        serve_read(gateway, request, BET_CALL_READ, bet_id);
        return;
    case ROUTE_PROOF:
        serve_read(gateway, request, BET_CALL_PROOF, bet_id);
        return;
    case ROUTE_CASH_OUT:
        if (request->method == HTTP_POST)
            serve_write(gateway, request, BET_CALL_CASH_OUT, bet_id);
        else
            serve_read(gateway, request, BET_CALL_OFFER, bet_id);
        return;
    case ROUTE_OFFER_ACCEPT:
        serve_write(gateway, request, BET_CALL_TAKE_OFFER, bet_id);
        return;
    case ROUTE_OFFER_DECLINE:
        serve_write(gateway, request, BET_CALL_DECLINE_OFFER, bet_id);
        return;
    case ROUTE_HEAD:
        serve_anyone(gateway, request, BET_CALL_HEAD, request->query);
        return;
    case ROUTE_KEYS:
        serve_anyone(gateway, request, BET_CALL_KEYS, request->query);
        return;
    case ROUTE_ACCOUNT:
        serve_read(gateway, request, BET_CALL_ACCOUNT, SLICE_NONE);
        return;
    case ROUTE_DEPOSITS:
        serve_write(gateway, request, BET_CALL_DEPOSIT, SLICE_NONE);
        return;
    case ROUTE_WITHDRAWALS:
        serve_write(gateway, request, BET_CALL_WITHDRAW, SLICE_NONE);
        return;
    case ROUTE_DEMO_SESSION:
        serve_demo_session(gateway, request);
        return;
    case ROUTE_NONE:
        reply_not_found(gateway, request->reply_to);
        return;
    }
}

static void on_request(void *owner, struct http_request *request)
{
    struct gateway *gateway = owner;
    struct slice bet_id = SLICE_NONE;
    struct route_row row = row_of(request->path, &bet_id);
    if (row.route == ROUTE_DEMO_SESSION && !gateway->options.demo)
        row.route = ROUTE_NONE;
    /* Health is asked by machines that must not be told to come back later. */
    if (row.route != ROUTE_HEALTH && row.route != ROUTE_READY && !admit_address(gateway, request))
        return;
    if (row.route == ROUTE_NONE)
        reply_not_found(gateway, request->reply_to);
    else if (route_admits(request, row.methods))
        dispatch(gateway, request, row.route, bet_id);
}

struct http_handlers gateway_handlers(struct gateway *gateway)
{
    return (struct http_handlers){.owner = gateway, .on_request = on_request};
}

int gateway_register_metrics(struct gateway *gateway, struct metrics *metrics)
{
    static const char limits[] = "overround_limit_reached_total";
    static const char help[] = "How often a named limit was reached";
    const struct metrics_row asked = {{limits, help, "limit=\"address_requests_second\"", 0},
                                      &gateway->address_reached.value};
    TRY(metrics_add_counters(metrics, &asked, 1));
    if (gateway->addresses != NULL) {
        const struct metrics_row tracked = {{limits, help, "limit=\"addresses_tracked_max\"", 0},
                                            rate_limit_forgotten(gateway->addresses)};
        TRY(metrics_add_counters(metrics, &tracked, 1));
    }
    TRY(metrics_add_histogram(metrics,
                              (struct metrics_name){"overround_bet_acceptance_seconds",
                                                    "From a bet's request to its answer", NULL, 6},
                              &gateway->acceptance));
    return metrics_add_histogram(metrics,
                                 (struct metrics_name){"overround_gateway_overhead_seconds",
                                                       "Routing, token and limits of a request",
                                                       NULL, 6},
                                 &gateway->overhead);
}
