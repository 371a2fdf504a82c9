/* admin_routes.h - what the admin listener has: its paths, who may ask for each, and which process
 * answers it where the back-office is a process of its own (office.h). Thread: the loop's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/http/http_server.h"
#include "roles/shared/bearer.h"
#include "roles/shared/route.h"

/* Which process answers a request that came to a back-office of its own. */
enum admin_where {
    ADMIN_HERE = 1, /* each its own: health, metrics, the page */
    ADMIN_DESK,     /* the one that has the desk: it is carried there */
    ADMIN_BOOK,     /* none: it is asked of the book's own listener only, as links and feeds are */
};

/* The rows of the table, in its order. */
enum admin_route_name {
    ADMIN_FRONT,
    ADMIN_FRONT_DESK,
    ADMIN_HEALTH,
    ADMIN_READY,
    ADMIN_METRICS,
    ADMIN_FEED,
    ADMIN_SHIP,
    ADMIN_LINK,
    ADMIN_DESK_LINK,
    ADMIN_OFFICE_LINK,
    ADMIN_STATUS,
    ADMIN_SETTLEMENTS,
    ADMIN_SHARDS,
    ADMIN_MARKETS,
    ADMIN_SUSPEND,
    ADMIN_RESUME,
    ADMIN_RESULTS,
    ADMIN_PROPOSALS,
    ADMIN_APPROVE,
    ADMIN_REJECT,
    ADMIN_WITHDRAW,
    ADMIN_GRANTS,
    ADMIN_ADJUSTMENTS,
    ADMIN_LIMITS,
    ADMIN_REFERRALS,
    ADMIN_REFERRAL_ACCEPT,
    ADMIN_REFERRAL_REJECT,
    ADMIN_REFERRAL_OFFER,
    ADMIN_STREAMS,
    ADMIN_KEYS,
    ADMIN_DEMO_SESSION,
    ADMIN_ROUTES_COUNT,
};

#define ADMIN_ID_BYTES_MAX 128 /* the longest of id_bytes_max */

struct admin_route {
    const char *path;
    unsigned methods;
    uint32_t roles;      /* one of these is needed; 0: nobody is asked */
    size_t id_bytes_max; /* of each id, decoded */
    enum admin_where where;
};

/* The row of that path, and what stands in the path for its {names}; ADMIN_ROUTES_COUNT: there is
 * none. *ret_ids is written where there is one. */
enum admin_route_name admin_routes_find(struct slice path, struct route_ids *ret_ids);
/* `name` is a row's. */
const struct admin_route *admin_route(enum admin_route_name name);
/* How the body of a request is taken: http_handlers.on_head, whatever the owner. */
void admin_routes_on_head(void *owner, const struct http_request *request,
                          struct http_body_plan *plan);

/* False when 401 or 403 was answered; *ret_claims is written on true. */
bool admin_admits(const struct bearer *bearer, int64_t now_s, const struct http_request *request,
                  uint32_t roles, struct jwt_claims *ret_claims);
/* False when 403 was answered. */
bool admin_has_role(const struct http_request *request, const struct jwt_claims *claims,
                    uint32_t roles);
void admin_reply_not_found(const struct http_request *request);
/* Whoever opens the listener in a browser finds the desk. */
void admin_serve_front(const struct http_request *request);
/* A file of the desk's page, or 404, or 405. */
void admin_serve_file(struct http_request *request);
/* GET /metrics: what `out` holds; 500 where it has overflowed. */
void admin_reply_metrics(const struct http_request *request, const struct buf *out);
void admin_serve_health(const struct http_request *request);
