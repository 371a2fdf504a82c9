/* office.c - contract in office.h. */
#include "roles/backoffice/office.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "crypto/random.h"
#include "net/http/http_reply.h"
#include "roles/backoffice/admin_routes.h"
#include "roles/shared/rate_limit.h"

struct office {
    struct office_parts parts;
    struct rate_limit *users; /* owned */
    struct metrics_counter users_reached, refused;
    char out[OFFICE_METRICS_BYTES_MAX];
};

/* ---- what is of the desk ---- */

/* False: 429 was answered. */
static bool admit_user(struct office *office, const struct http_request *request,
                       const struct jwt_claims *claims)
{
    int64_t wait_us = rate_limit_take(office->users, jwt_sub(claims), loop_now(office->parts.loop));
    if (wait_us == 0)
        return true;
    metrics_count(&office->users_reached, 1);
    http_reply_problem_with(request->reply_to, 429, "RATE_LIMITED",
                            SLICE("Too many requests of this user."), HTTP_RETRY_SOON);
    return false;
}

/* A key that cannot be carried is none to the desk either, which says so. */
static struct slice key_of(const struct http_request *request)
{
    struct slice key = http_request_header(request, "idempotency-key");
    if (http_head_count(request->head, SLICE("idempotency-key")) != 1 || key.bytes > OFFICE_KEY_MAX)
        return SLICE_NONE;
    for (size_t i = 0; i < key.bytes; i++)
        if (key.at[i] < ' ' || key.at[i] > '~')
            return SLICE_NONE;
    return key;
}

static void ask_desk(struct office *office, const struct admin_route *route,
                     struct http_request *request)
{
    struct office_question question = {.method = request->method,
                                       .path = request->path,
                                       .query = request->query,
                                       .key = key_of(request),
                                       .body = request->body};
    int64_t now_s = loop_wall(office->parts.loop).us / US_PER_SECOND;
    if (!admin_admits(office->parts.bearer, now_s, request, route->roles, &question.claims)) {
        metrics_count(&office->refused, 1);
        return;
    }
    if (!admit_user(office, request, &question.claims))
        return;
    if (office_question_fits(&question))
        office_asker_ask(office->parts.asker, &question, request->reply_to);
    else
        http_reply_problem(request->reply_to, 400, "MALFORMED_REQUEST", SLICE_NONE);
}

/* ---- what is of this process ---- */

static void serve_metrics(struct office *office, const struct http_request *request)
{
    struct buf out = buf_over(office->out, sizeof office->out);
    metrics_write(office->parts.metrics, &out);
    admin_reply_metrics(request, &out);
}

static void serve_ready(const struct office *office, const struct http_request *request)
{
    struct http_reply_to to = request->reply_to;
    if (http_server_is_draining(to.server) || !office_asker_is_welcome(office->parts.asker))
        http_reply_problem_with(to, 503, "NOT_READY", SLICE("The desk is not there now."),
                                HTTP_RETRY_SOON);
    else
        http_reply(to, 200, SLICE("text/plain"), SLICE("Cache-Control: no-store\r\n"),
                   SLICE("ready\n"));
}

static void serve_here(struct office *office, enum admin_route_name name,
                       const struct http_request *request)
{
    if (name == ADMIN_METRICS)
        serve_metrics(office, request);
    else if (name == ADMIN_READY)
        serve_ready(office, request);
    else if (name == ADMIN_HEALTH)
        admin_serve_health(request);
    else
        admin_serve_front(request);
}

static void serve(struct office *office, enum admin_route_name name, struct http_request *request)
{
    const struct admin_route *route = admin_route(name);
    switch (route->where) {
    case ADMIN_HERE:
        if (route_admits(request, route->methods))
            serve_here(office, name, request);
        return;
    case ADMIN_DESK:
        if (route_admits(request, route->methods))
            ask_desk(office, route, request);
        return;
    case ADMIN_BOOK:
        break;
    }
    http_reply_problem(request->reply_to, 404, "NOT_FOUND",
                       SLICE("The book's process has this at its own admin listener."));
}

static void on_request(void *owner, struct http_request *request)
{
    struct route_ids ids;
    enum admin_route_name name = admin_routes_find(request->path, &ids);
    if (name == ADMIN_ROUTES_COUNT)
        admin_serve_file(request);
    else
        serve(owner, name, request);
}

struct http_handlers office_handlers(struct office *office)
{
    return (struct http_handlers){
        .owner = office, .on_head = admin_routes_on_head, .on_request = on_request};
}

/* ---- life ---- */

int office_new(const struct office_parts *parts, struct office **ret_office)
{
    struct rate_limit_options users = {.burst = 2 * OFFICE_USER_REQUESTS,
                                       .interval_us = US_PER_SECOND / OFFICE_USER_REQUESTS,
                                       .keys_max = OFFICE_USERS_MAX};
    struct office *office = calloc(1, sizeof *office);
    random_fill(users.hash_key, sizeof users.hash_key);
    if (office == NULL || rate_limit_new(&users, &office->users) < 0) {
        free(office);
        return -ERR_MEMORY;
    }
    office->parts = *parts;
    *ret_office = office;
    return 0;
}

void office_free(struct office *office)
{
    if (office == NULL)
        return;
    rate_limit_free(office->users);
    free(office);
}

int office_register_metrics(struct office *office, struct metrics *metrics)
{
    static const char limit[] = "overround_limit_reached_total";
    static const char limit_help[] = "How often a limit was reached";
    const struct metrics_row rows[] = {
        {{"overround_office_refused_total", "Requests without a token of a role that may ask", NULL,
          0},
         &office->refused.value},
        {{limit, limit_help, "limit=\"office_user_requests\"", 0}, &office->users_reached.value},
        {{limit, limit_help, "limit=\"office_users_tracked\"", 0},
         rate_limit_forgotten(office->users)},
    };
    return metrics_add_counters(metrics, rows, sizeof rows / sizeof *rows);
}
