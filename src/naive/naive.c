/* naive.c - contract in naive.h: its parts, its paths, and who may ask. */
#include "naive/naive.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "crypto/random.h"
#include "crypto/token_cache.h"
#include "naive/naive_internal.h"
#include "net/http/http_reply.h"
#include "net/http/http_url.h"

#define SECOND_US         US_PER_SECOND
#define DB_ANSWER_US_MAX  (30 * SECOND_US)
#define SESSION_ANSWER_US (SECOND_US / 2)
#define USERS_TRACKED_MAX 65536
#define REDIS_CONNECTIONS 8

/* ---- what is asked ---- */

enum need { NEED_NOBODY = 0, NEED_BETTOR, NEED_DESK, NEED_FEED };

struct naive_route {
    const char *path;
    unsigned methods;
    enum need need;
    void (*serve)(struct naive *naive, const struct ask *ask);
};

static void serve_health(struct naive *naive, const struct ask *ask)
{
    (void)naive;
    http_reply(ask->request->reply_to, 200, SLICE("application/json"),
               SLICE("Cache-Control: no-store\r\n"), SLICE("{\"status\":\"ok\"}"));
}

/* V0-28: what a load balancer asks. The session cache may be away. */
static void serve_ready(struct naive *naive, const struct ask *ask)
{
    if (db_pool_is_up(naive->pool))
        serve_health(naive, ask);
    else
        http_reply_problem_with(ask->request->reply_to, 503, "DATABASE_UNAVAILABLE", SLICE_NONE,
                                HTTP_RETRY_SOON);
}

static void serve_metrics(struct naive *naive, const struct ask *ask)
{
    struct buf out = buf_over(naive->out, sizeof naive->out);
    metrics_write(&naive->metrics, &out);
    if (out.overflow)
        http_reply_problem(ask->request->reply_to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    else
        http_reply(ask->request->reply_to, 200, SLICE("text/plain; version=0.0.4; charset=utf-8"),
                   SLICE_NONE, buf_slice(&out));
}

static void serve_feed(struct naive *naive, const struct ask *ask)
{
    odds_feed_serve(naive->feed, ask->request);
}

static bool read_results(struct naive *naive, struct json_reader *reader, int *ret_taken)
{
    struct slice key;
    bool good = json_object_begin(reader);
    while (good && json_object_next(reader, &key)) {
        if (!slice_is(key, "markets")) {
            good = json_skip(reader);
            continue;
        }
        good = json_array_begin(reader);
        while (good && json_array_next(reader)) {
            good = settlement_order_read(reader, &naive->order) &&
                   settlement_has_room(naive->settlement);
            if (good)
                settlement_offer(naive->settlement, &naive->order);
            *ret_taken += good;
        }
    }
    return good && json_end(reader) == 0;
}

/* V0-16: by hand. Markets before a bad one are settled: there is no undoing. */
static void serve_results(struct naive *naive, const struct ask *ask)
{
    char scratch[4096], memory[64];
    struct json_reader reader;
    struct buf out = buf_over(memory, sizeof memory);
    int taken = 0;
    json_begin(&reader, ask->request->body, scratch, sizeof scratch);
    if (!read_results(naive, &reader, &taken)) {
        http_reply_problem(ask->request->reply_to, 400, "MALFORMED_RESULT",
                           SLICE("Markets with selections that are WON, LOST or VOID."));
        return;
    }
    buf_printf(&out, "{\"markets\":%d}", taken);
    http_reply(ask->request->reply_to, 202, SLICE("application/json"), SLICE_NONE, buf_slice(&out));
}

#define BOTH(path, methods, need, serve)                                                           \
    {path, methods, need, serve},                                                                  \
    {                                                                                              \
        "/v1" path, methods, need, serve                                                           \
    }

static const struct naive_route public_routes[] = {
    {"/healthz", ROUTE_READ, NEED_NOBODY, serve_health},
    {"/readyz", ROUTE_READ, NEED_NOBODY, serve_ready},
    BOTH("/odds/{market_id}", ROUTE_READ, NEED_NOBODY, naive_serve_odds),
    BOTH("/bets", ROUTE_POST, NEED_BETTOR, naive_serve_place),
    BOTH("/bets", ROUTE_READ, NEED_BETTOR, naive_serve_bets),
    BOTH("/bets/{bet_id}", ROUTE_READ, NEED_BETTOR, naive_serve_bet),
    BOTH("/account", ROUTE_READ, NEED_BETTOR, naive_serve_account),
    BOTH("/account/deposits", ROUTE_POST, NEED_BETTOR, naive_serve_deposit),
    BOTH("/account/exclusion", ROUTE_POST, NEED_BETTOR, naive_serve_exclusion),
    BOTH("/login", ROUTE_POST, NEED_BETTOR, naive_serve_login),
    {NULL, 0, NEED_NOBODY, NULL},
};

static const struct naive_route admin_routes[] = {
    {"/healthz", ROUTE_READ, NEED_NOBODY, serve_health},
    {"/readyz", ROUTE_READ, NEED_NOBODY, serve_ready},
    {"/metrics", ROUTE_READ, NEED_NOBODY, serve_metrics},
    {"/v1/feed/json", ROUTE_POST, NEED_FEED, serve_feed},
    {"/v1/admin/events/{event_id}/results", ROUTE_POST, NEED_DESK, serve_results},
    {"/v1/admin/bets/{bet_id}/void", ROUTE_POST, NEED_DESK, naive_serve_void},
    {NULL, 0, NEED_NOBODY, NULL},
};

/* ---- who asks ---- */

static bool has_role(const struct jwt_claims *claims, enum need need)
{
    bool is_desk = jwt_has_role(claims, JWT_TRADER) || jwt_has_role(claims, JWT_ADMIN);
    switch (need) {
    case NEED_NOBODY:
        return true;
    case NEED_BETTOR:
        return jwt_has_role(claims, JWT_BETTOR);
    case NEED_DESK:
        return is_desk;
    case NEED_FEED:
        return jwt_has_role(claims, JWT_FEED);
    }
    return false;
}

/* V0-10: a token with each request. False when 401 or 403 was answered. */
static bool admit(struct naive *naive, struct http_request *request, enum need need,
                  struct jwt_claims *ret_claims)
{
    if (need == NEED_NOBODY)
        return true;
    int64_t now_s = loop_wall(naive->loop).us / US_PER_SECOND;
    enum bearer_outcome outcome = bearer_check(&naive->bearer, request, now_s, ret_claims);
    if (outcome != BEARER_OK) {
        bearer_refuse(request->reply_to, outcome, SLICE_NONE);
        return false;
    }
    if (has_role(ret_claims, need))
        return true;
    http_reply_problem(request->reply_to, 403, "ROLE_REQUIRED", SLICE_NONE);
    return false;
}

/* ---- routing ---- */

static void reply_not_found(const struct http_request *request)
{
    http_reply_problem(request->reply_to, 404, "NOT_FOUND",
                       SLICE("There is nothing at this path."));
}

/* What goes to the database as an id: of a bet it must be a UUID's text. */
static bool id_fits(const struct naive_route *route, struct slice id)
{
    if (strstr(route->path, "{bet_id}") == NULL)
        return id.bytes <= MARKET_ID_BYTES_MAX;
    bool good = id.bytes == NAIVE_BET_ID_BYTES;
    for (size_t i = 0; good && i < id.bytes; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c = id.at[i];
        good = dash ? c == '-' : (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
    }
    return good;
}

static void serve(struct naive *naive, const struct naive_route *route,
                  struct http_request *request, struct slice raw)
{
    char memory[MARKET_ID_BYTES_MAX + 1];
    struct buf text = buf_over(memory, sizeof memory);
    struct jwt_claims claims = {.exp_s = 0};
    struct ask ask = {.request = request, .id = SLICE_NONE};
    if (!admit(naive, request, route->need, &claims))
        return;
    if (raw.at != NULL &&
        (http_url_decode(raw, false, &text, &ask.id) < 0 || !id_fits(route, ask.id))) {
        reply_not_found(request);
        return;
    }
    ask.user = jwt_sub(&claims);
    route->serve(naive, &ask);
}

/* The rows of one path stand behind each other, one for each method. */
static void serve_table(struct naive *naive, const struct naive_route *routes,
                        struct http_request *request)
{
    unsigned methods = 0;
    for (const struct naive_route *route = routes; route->path != NULL; route++) {
        struct route_ids ids;
        if (!route_matches(request->path, route->path, &ids))
            continue;
        methods |= route->methods;
        if (route_allows(route->methods, request->method)) {
            serve(naive, route, request, ids.id[0]);
            return;
        }
    }
    if (methods == 0)
        reply_not_found(request);
    else
        (void)route_admits(request, methods);
}

static void on_public(void *owner, struct http_request *request)
{
    serve_table(owner, public_routes, request);
}

static void on_admin(void *owner, struct http_request *request)
{
    serve_table(owner, admin_routes, request);
}

static void on_admin_head(void *owner, const struct http_request *request,
                          struct http_body_plan *plan)
{
    (void)owner;
    if (slice_is(request->path, "/v1/feed/json") && request->method == HTTP_POST)
        *plan = (struct http_body_plan){HTTP_BODY_STREAM, UINT64_MAX};
}

struct http_handlers naive_public_handlers(struct naive *naive)
{
    return (struct http_handlers){.owner = naive, .on_request = on_public};
}

struct http_handlers naive_admin_handlers(struct naive *naive)
{
    return (struct http_handlers){.owner = naive, .on_head = on_admin_head, .on_request = on_admin};
}

struct metrics *naive_metrics(struct naive *naive)
{
    return &naive->metrics;
}

/* ---- life ---- */

static int open_calls(struct naive *naive)
{
    size_t count = (size_t)naive->options.requests_max;
    naive->calls = calloc(count, sizeof *naive->calls);
    if (naive->calls == NULL)
        return -ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        naive->calls[i].next_free = naive->free_call;
        naive->free_call = &naive->calls[i];
    }
    return 0;
}

static int open_limit(struct naive *naive)
{
    struct rate_limit_options options = {.keys_max = USERS_TRACKED_MAX};
    int64_t bets = naive->options.bets_per_minute;
    if (bets == 0)
        return 0;
    options.burst = (uint32_t)bets;
    options.interval_us = 60 * SECOND_US / bets;
    random_fill(options.hash_key, sizeof options.hash_key);
    return rate_limit_new(&options, &naive->limit);
}

static int open_stores(struct naive *naive)
{
    struct net_limits limits = net_limits_default();
    const struct db_pool_options pool = {.loop = naive->loop,
                                         .url = naive->options.database,
                                         .connections = naive->options.connections,
                                         .wait_us_max = naive->options.wait_ms_max * US_PER_MS,
                                         .answer_us_max = DB_ANSWER_US_MAX};
    limits.connections_max = REDIS_CONNECTIONS;
    TRY(db_pool_new(&pool, &naive->pool));
    TRY(conn_pool_new(naive->loop, &limits, &naive->conns));
    const struct session_cache_options sessions = {.pool = naive->conns,
                                                   .address = naive->options.redis,
                                                   .session_s = naive->options.session_s,
                                                   .answer_us_max = SESSION_ANSWER_US};
    return session_cache_new(&sessions, &naive->sessions);
}

static int open_parts(struct naive *naive)
{
    TRY(open_calls(naive));
    TRY(open_limit(naive));
    TRY(token_cache_new(NAIVE_TOKENS_KEPT_MAX, &naive->tokens));
    naive->bearer = (struct bearer){.cache = naive->tokens, .rules = naive->options.rules};
    TRY(open_stores(naive));
    const struct settlement_parts settlement = {naive->loop, naive->pool, naive->sessions,
                                                naive->options.currency};
    TRY(settlement_new(&settlement, &naive->settlement));
    TRY(odds_feed_new(naive->loop, naive->pool, naive->settlement, &naive->feed));
    return naive_register_metrics(naive);
}

int naive_new(struct loop *loop, const struct naive_options *options, struct naive **ret,
              struct buf *why)
{
    TRY(db_schema_migrate(options->database, why));
    struct naive *naive = calloc(1, sizeof *naive);
    if (naive == NULL)
        return -ERR_MEMORY;
    naive->loop = loop;
    naive->options = *options;
    int error = open_parts(naive);
    if (error < 0) {
        naive_end(naive);
        naive_free(naive);
        return error;
    }
    *ret = naive;
    return 0;
}

/* Whoever waits for cache or database is told that there is none, and answers 503. */
void naive_end(struct naive *naive)
{
    naive->ending = true;
    if (naive->settlement != NULL)
        settlement_end(naive->settlement);
    if (naive->feed != NULL)
        odds_feed_end(naive->feed);
    session_cache_free(naive->sessions);
    naive->sessions = NULL;
    db_pool_free(naive->pool);
    naive->pool = NULL;
    conn_pool_free(naive->conns);
    naive->conns = NULL;
}

void naive_free(struct naive *naive)
{
    if (naive == NULL)
        return;
    ASSERT(naive->ending);
    odds_feed_free(naive->feed);
    settlement_free(naive->settlement);
    rate_limit_free(naive->limit);
    token_cache_free(naive->tokens);
    free(naive->calls);
    free(naive);
}
