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
#include "roles/gateway/web_files.h"
#include "roles/shared/rate_limit.h"

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

/* `bet_id`: of a cash-out. */
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

static size_t put_uuid(char text[36])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    size_t at = 0;
    random_fill(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* RFC 9562 section 5.4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        text[at++] = digits[bytes[i] >> 4];
        text[at++] = digits[bytes[i] & 15];
    }
    return at;
}

static void put_session(struct buf *out, const struct jwt_claims *claims, struct slice token)
{
    struct json_writer writer = json_write_begin(out);
    char memory[RFC3339_BYTES_MAX];
    struct buf time = buf_over(memory, sizeof memory);
    rfc3339_write_ms(&time, (struct instant){claims->exp_s * US_PER_SECOND});
    json_write_object_open(&writer);
    json_write_key(&writer, "user_id");
    json_write_text(&writer, jwt_sub(claims));
    json_write_key(&writer, "token");
    json_write_text(&writer, token);
    json_write_key(&writer, "expires_at");
    json_write_text(&writer, buf_slice(&time));
    json_write_object_close(&writer);
}

static void serve_demo_session(struct gateway *gateway, struct http_request *request)
{
    struct jwt_claims claims = {.roles = JWT_ROLE_BIT(JWT_BETTOR)};
    char token_memory[JWT_BYTES_MAX];
    char body_memory[JWT_BYTES_MAX + 256];
    char headers_memory[HEADERS_BYTES_MAX];
    struct buf token = buf_over(token_memory, sizeof token_memory);
    struct buf body = buf_over(body_memory, sizeof body_memory);
    struct buf headers = buf_over(headers_memory, sizeof headers_memory);
    claims.sub_bytes = (uint32_t)put_uuid(claims.sub);
    claims.iat_s = loop_wall(gateway->parts.loop).us / US_PER_SECOND;
    claims.exp_s = claims.iat_s + GATEWAY_DEMO_TOKEN_S;
    if (jwt_sign(&gateway->parts.bearer->rules, gateway->options.demo_kid, &claims, &token) < 0) {
        reply_problem(gateway, request->reply_to, 500, "NO_SIGNING_KEY", "");
        return;
    }
    put_session(&body, &claims, buf_slice(&token));
    put_request_id(&headers, gateway, request->reply_to);
    buf_put_text(&headers, "Cache-Control: no-store\r\n");
    http_reply(request->reply_to, 201, SLICE("application/json"), buf_slice(&headers),
               buf_slice(&body));
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
    const struct web_file *file = web_files_find(request->path);
    char memory[HEADERS_BYTES_MAX];
    struct buf headers = buf_over(memory, sizeof memory);
    if (file == NULL) {
        reply_not_found(gateway, request->reply_to);
        return;
    }
    buf_put_text(&headers, "ETag: ");
    buf_put_text(&headers, file->etag);
    buf_put_text(&headers, "\r\nCache-Control: no-cache\r\n"
                           "Content-Security-Policy: default-src 'self'; connect-src 'self' ws: "
                           "wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n"
                           "Referrer-Policy: no-referrer\r\n");
    struct slice known = http_request_header(request, "if-none-match");
    if (known.at != NULL && slice_is(known, file->etag)) {
        http_reply(request->reply_to, 304, SLICE_NONE, buf_slice(&headers), SLICE_NONE);
        return;
    }
    http_reply(request->reply_to, 200, slice_text(file->type), buf_slice(&headers), file->content);
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
    ROUTE_HEAD,
    ROUTE_KEYS,
    ROUTE_ACCOUNT,
    ROUTE_DEPOSITS,
    ROUTE_WITHDRAWALS,
    ROUTE_DEMO_SESSION,
    ROUTE_NONE,
};

/* What stands behind /v1/bets/: one segment, or one with /proof or /cash-out behind it. */
static enum route bet_route(struct slice path, struct slice *ret_id)
{
    struct slice rest = slice_skip(path, sizeof "/v1/bets/" - 1);
    const char *slash = rest.bytes == 0 ? NULL : memchr(rest.at, '/', rest.bytes);
    *ret_id = rest;
    if (slash == NULL)
        return rest.bytes > 0 ? ROUTE_BET : ROUTE_NONE;
    ret_id->bytes = (size_t)(slash - rest.at);
    struct slice end = slice_skip(rest, ret_id->bytes);
    if (ret_id->bytes == 0)
        return ROUTE_NONE;
    if (slice_is(end, "/cash-out"))
        return ROUTE_CASH_OUT;
    return slice_is(end, "/proof") ? ROUTE_PROOF : ROUTE_NONE;
}

static bool is_odds_path(struct slice path)
{
    return slice_is(path, "/v1/odds") || slice_is(path, "/v1/events") ||
           slice_begins(path, SLICE("/v1/events/")) || slice_is(path, "/v1/stream");
}

static enum route route_of(struct slice path, struct slice *ret_id)
{
#define ROUTE(path, route)                                                                         \
    {                                                                                              \
        {(path), sizeof(path) - 1}, (route)                                                        \
    }
    static const struct {
        struct slice path;
        enum route route;
    } exact[] = {
        ROUTE("/v1/bets", ROUTE_BETS),
        ROUTE("/healthz", ROUTE_HEALTH),
        ROUTE("/readyz", ROUTE_READY),
        ROUTE("/v1/account", ROUTE_ACCOUNT),
        ROUTE("/v1/ledger/head", ROUTE_HEAD),
        ROUTE("/v1/ledger/keys", ROUTE_KEYS),
        ROUTE("/v1/account/deposits", ROUTE_DEPOSITS),
        ROUTE("/v1/account/withdrawals", ROUTE_WITHDRAWALS),
        ROUTE("/v1/demo/session", ROUTE_DEMO_SESSION),
    };
#undef ROUTE
    if (slice_begins(path, SLICE("/v1/odds/"))) /* asked most */
        return ROUTE_ODDS;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (slice_equal(path, exact[i].path))
            return exact[i].route;
    if (is_odds_path(path))
        return ROUTE_ODDS;
    if (slice_begins(path, SLICE("/v1/bets/")))
        return bet_route(path, ret_id);
    return slice_begins(path, SLICE("/v1/")) ? ROUTE_NONE : ROUTE_FILE;
}

enum methods { METHODS_READ = 1, METHODS_POST, METHODS_BOTH };

static enum methods methods_of(enum route route)
{
    switch (route) {
    case ROUTE_BETS:
    case ROUTE_CASH_OUT:
        return METHODS_BOTH;
    case ROUTE_DEPOSITS:
    case ROUTE_WITHDRAWALS:
    case ROUTE_DEMO_SESSION:
        return METHODS_POST;
    case ROUTE_FILE:
    case ROUTE_HEALTH:
    case ROUTE_READY:
    case ROUTE_ODDS:
    case ROUTE_BET:
    case ROUTE_PROOF:
    case ROUTE_HEAD:
    case ROUTE_KEYS:
    case ROUTE_ACCOUNT:
    case ROUTE_NONE:
        break;
    }
    return METHODS_READ;
}

static bool admit_method(enum route route, const struct http_request *request)
{
    static const char *const allow[] = {
        [METHODS_READ] = "GET, HEAD", [METHODS_POST] = "POST", [METHODS_BOTH] = "GET, HEAD, POST"};
    enum methods methods = methods_of(route);
    bool reads = request->method == HTTP_GET || request->method == HTTP_HEAD;
    if ((reads && methods != METHODS_POST) ||
        (request->method == HTTP_POST && methods != METHODS_READ))
        return true;
    http_reply_not_allowed(request->reply_to, allow[methods]);
    return false;
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
    case ROUTE_HEAD:
        serve_anyone(gateway, request, BET_CALL_HEAD, request->query);
        return;
    case ROUTE_KEYS:
        serve_anyone(gateway, request, BET_CALL_KEYS, SLICE_NONE);
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
    enum route route = route_of(request->path, &bet_id);
    if (route == ROUTE_DEMO_SESSION && !gateway->options.demo)
        route = ROUTE_NONE;
    /* Health is asked by machines that must not be told to come back later. */
    if (route != ROUTE_HEALTH && route != ROUTE_READY && !admit_address(gateway, request))
        return;
    if (route == ROUTE_NONE)
        reply_not_found(gateway, request->reply_to);
    else if (admit_method(route, request))
        dispatch(gateway, request, route, bet_id);
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
