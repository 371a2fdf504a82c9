/* standby_http.c - what a standby answers: that it is one, how it does, and the command to take
 * over. Contract in standby_internal.h. */
#include "base/error.h"
#include "base/json_write.h"
#include "base/log.h"
#include "cli/standby/standby_internal.h"
#include "net/http/http_reply.h"

#define NO_STORE SLICE("Cache-Control: no-store\r\n")

static void reply_standby(struct http_request *request)
{
    http_reply_problem_with(request->reply_to, 503, "STANDBY",
                            SLICE("This is a standby: it follows the primary and takes no bets."),
                            HTTP_RETRY_SOON);
}

/* ---- who asks ---- */

static bool need_role(struct standby *standby, struct http_request *request, uint32_t roles,
                      struct jwt_claims *ret_claims)
{
    int64_t now_s = loop_wall(standby->loop).us / US_PER_SECOND;
    enum bearer_outcome outcome = bearer_check(&standby->bearer, request, now_s, ret_claims);
    if (outcome != BEARER_OK) {
        bearer_refuse(request->reply_to, outcome, SLICE_NONE);
        return false;
    }
    if ((ret_claims->roles & roles) != 0)
        return true;
    http_reply_problem(request->reply_to, 403, "ROLE_REQUIRED",
                       SLICE("The token does not have the role that this needs."));
    return false;
}

/* ---- metrics ---- */

static void show(void *owner)
{
    struct standby *standby = owner;
    struct ship_receiver_stats stats = ship_receiver_stats(standby->receiver);
    uint64_t behind = stats.primary_tail > stats.tail ? stats.primary_tail - stats.tail : 0;
    int64_t since = stats.behind_since_us;
    metrics_set(&standby->following, stats.following);
    metrics_set(&standby->failed, stats.failed);
    metrics_set(&standby->tail, (int64_t)stats.tail);
    metrics_set(&standby->primary_tail, (int64_t)stats.primary_tail);
    metrics_set(&standby->lag_records, (int64_t)behind);
    metrics_set(&standby->lag_us, since == 0 ? 0 : loop_now(standby->loop).us - since);
    metrics_count(&standby->groups, stats.groups - standby->groups.value);
    metrics_count(&standby->bytes, stats.bytes - standby->bytes.value);
    metrics_count(&standby->keys_bytes, stats.keys_bytes - standby->keys_bytes.value);
    metrics_count(&standby->sessions, stats.sessions - standby->sessions.value);
    metrics_count(&standby->bad_messages, stats.bad_messages - standby->bad_messages.value);
}

int standby_register_metrics(struct standby *standby)
{
    struct metrics *metrics = &standby->metrics;
    const struct metrics_gauge_row gauges[] = {
        {{"overround_standby_following", "1: the primary's groups come in", NULL, 0},
         &standby->following},
        {{"overround_standby_failed", "1: it follows no more", NULL, 0}, &standby->failed},
        {{"overround_standby_seq", "Last record that is durable here", NULL, 0}, &standby->tail},
        {{"overround_standby_primary_seq", "Last record that the primary spoke of", NULL, 0},
         &standby->primary_tail},
        {{"overround_standby_lag_records", "Records of the primary that are not here", NULL, 0},
         &standby->lag_records},
        {{"overround_standby_lag_seconds", "Since it had all that the primary spoke of", NULL, 6},
         &standby->lag_us},
    };
    const struct metrics_row counters[] = {
        {{"overround_standby_groups_total", "Groups made durable", NULL, 0},
         &standby->groups.value},
        {{"overround_standby_bytes_total", "Bytes of their records", NULL, 0},
         &standby->bytes.value},
        {{"overround_standby_keys_bytes_total", "Bytes of personal keys taken", NULL, 0},
         &standby->keys_bytes.value},
        {{"overround_standby_sessions_total", "Times that the primary was joined", NULL, 0},
         &standby->sessions.value},
        {{"overround_standby_refused_total", "Times that the primary refused", NULL, 0},
         &standby->refused.value},
        {{"overround_standby_bad_messages_total", "Messages refused", NULL, 0},
         &standby->bad_messages.value},
    };
    metrics_init(metrics, standby->metrics_items, STANDBY_METRICS_MAX);
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    TRY(metrics_add_refresh(metrics, show, standby));
    TRY(node_upkeep_register_metrics(&standby->stores.upkeep, metrics));
    TRY(node_listen_register_metrics(&standby->listen, metrics));
    return node_shadow_register_metrics(&standby->stores.shadow, metrics);
}

static void serve_metrics(struct standby *standby, struct http_request *request)
{
    struct buf out = buf_over(standby->out, sizeof standby->out);
    metrics_write(&standby->metrics, &out);
    if (out.overflow)
        http_reply_problem(request->reply_to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    else
        http_reply(request->reply_to, 200, SLICE("text/plain; version=0.0.4; charset=utf-8"),
                   NO_STORE, buf_slice(&out));
}

/* ---- status and takeover ---- */

static void put_number(struct json_writer *writer, const char *key, uint64_t value)
{
    json_write_key(writer, key);
    json_write_u64(writer, value);
}

static void reply_place(struct standby *standby, struct http_request *request, const char *role)
{
    struct ship_receiver_stats stats = ship_receiver_stats(standby->receiver);
    struct buf out = buf_over(standby->out, sizeof standby->out);
    struct json_writer writer = json_write_begin(&out);
    json_write_object_open(&writer);
    json_write_key(&writer, "role");
    json_write_text(&writer, slice_text(role));
    json_write_key(&writer, "following");
    json_write_bool(&writer, stats.following);
    put_number(&writer, "epoch", standby->promoted ? standby->promoted_epoch : stats.epoch);
    put_number(&writer, "ledger_records", stats.tail);
    put_number(&writer, "primary_records", stats.primary_tail);
    put_number(&writer, "behind_records",
               stats.primary_tail > stats.tail ? stats.primary_tail - stats.tail : 0);
    json_write_object_close(&writer);
    http_reply(request->reply_to, 200, SLICE("application/json"), NO_STORE, buf_slice(&out));
}

static void serve_status(struct standby *standby, struct http_request *request)
{
    struct jwt_claims claims;
    const uint32_t staff = ~(JWT_ROLE_BIT(JWT_BETTOR) | JWT_ROLE_BIT(JWT_FEED));
    if (need_role(standby, request, staff, &claims))
        reply_place(standby, request, "standby");
}

static void serve_promote(struct standby *standby, struct http_request *request)
{
    struct jwt_claims claims;
    if (!need_role(standby, request, JWT_ROLE_BIT(JWT_ADMIN), &claims))
        return;
    int error = standby_promote(standby);
    if (error == -ERR_NOT_FOUND)
        http_reply_problem(request->reply_to, 409, "NOTHING_TO_PROMOTE",
                           SLICE("This standby has no record yet."));
    else if (error < 0)
        http_reply_problem_with(request->reply_to, 503, "PROMOTE_FAILED",
                                slice_text(error_text(error)), HTTP_RETRY_SOON);
    else
        reply_place(standby, request, "primary");
}

/* ---- routes ---- */

static void serve_health(struct standby *standby, struct http_request *request)
{
    (void)standby;
    http_reply(request->reply_to, 200, SLICE("text/plain"), NO_STORE, SLICE("ok\n"));
}

static void serve_ready(struct standby *standby, struct http_request *request)
{
    (void)standby;
    reply_standby(request);
}

static void on_admin(void *owner, struct http_request *request)
{
    static const struct {
        const char *path;
        enum http_method method;
        void (*serve)(struct standby *standby, struct http_request *request);
    } routes[] = {
        {"/metrics", HTTP_GET, serve_metrics},
        {"/healthz", HTTP_GET, serve_health},
        {"/readyz", HTTP_GET, serve_ready},
        {"/v1/admin/status", HTTP_GET, serve_status},
        {"/v1/admin/promote", HTTP_POST, serve_promote},
    };
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!slice_is(request->path, routes[i].path))
            continue;
        if (request->method == routes[i].method)
            routes[i].serve(owner, request);
        else
            http_reply_not_allowed(request->reply_to,
                                   routes[i].method == HTTP_GET ? "GET" : "POST");
        return;
    }
    reply_standby(request);
}

static void on_public(void *owner, struct http_request *request)
{
    (void)owner;
    reply_standby(request);
}

struct http_handlers standby_admin_handlers(struct standby *standby)
{
    return (struct http_handlers){.owner = standby, .on_request = on_admin};
}

struct http_handlers standby_public_handlers(struct standby *standby)
{
    return (struct http_handlers){.owner = standby, .on_request = on_public};
}
