/* admin_routes.c - contract in admin_routes.h. */
#include "roles/backoffice/admin_routes.h"

#include "ledger/record.h"
#include "net/http/http_reply.h"
#include "roles/backoffice/grant_desk.h"
#include "roles/backoffice/key_desk.h"
#include "roles/backoffice/limit_desk.h"
#include "roles/backoffice/proposal_json.h"
#include "roles/backoffice/referral_decode.h"
#include "roles/backoffice/result_decode.h"
#include "roles/shared/web_files.h"

#define NO_STORE SLICE("Cache-Control: no-store\r\n")

#define ROLES_DESK (JWT_ROLE_BIT(JWT_TRADER) | JWT_ROLE_BIT(JWT_ADMIN))
#define ROLES_FEED JWT_ROLE_BIT(JWT_FEED)
#define ROLES_KEYS JWT_ROLE_BIT(JWT_ADMIN)
#define ROLES_STREAMS                                                                              \
    (JWT_ROLE_BIT(JWT_AUDITOR) | JWT_ROLE_BIT(JWT_REGULATOR) | JWT_ROLE_BIT(JWT_ADMIN))
#define ROLES_STAFF                                                                                \
    (ROLES_DESK | JWT_ROLE_BIT(JWT_RISK) | JWT_ROLE_BIT(JWT_SUPPORT) | JWT_ROLE_BIT(JWT_AUDITOR) | \
     JWT_ROLE_BIT(JWT_REGULATOR))

/* What docs/api/openapi.yaml has of this listener, but for files. */
static const struct admin_route routes[ADMIN_ROUTES_COUNT] = {
    [ADMIN_FRONT] = {"/", ROUTE_READ, 0, 0, ADMIN_HERE},
    [ADMIN_FRONT_DESK] = {"/desk", ROUTE_READ, 0, 0, ADMIN_HERE},
    [ADMIN_HEALTH] = {"/healthz", ROUTE_READ, 0, 0, ADMIN_HERE},
    [ADMIN_READY] = {"/readyz", ROUTE_READ, 0, 0, ADMIN_HERE},
    [ADMIN_METRICS] = {"/metrics", ROUTE_READ, 0, 0, ADMIN_HERE},
    [ADMIN_FEED] = {"/v1/feed/{format}", ROUTE_POST, ROLES_FEED, PROVIDER_ID_BYTES_MAX, ADMIN_BOOK},
    [ADMIN_SHIP] = {"/v1/ship", ROUTE_GET, JWT_ROLE_BIT(JWT_STANDBY), 0, ADMIN_BOOK},
    [ADMIN_LINK] = {"/v1/link", ROUTE_GET, JWT_ROLE_BIT(JWT_GATEWAY), 0, ADMIN_BOOK},
    [ADMIN_DESK_LINK] = {"/v1/desk-link", ROUTE_GET, JWT_ROLE_BIT(JWT_SHARD), 0, ADMIN_BOOK},
    [ADMIN_OFFICE_LINK] = {"/v1/office-link", ROUTE_GET, JWT_ROLE_BIT(JWT_BACK_OFFICE), 0,
                           ADMIN_BOOK},
    [ADMIN_STATUS] = {"/v1/admin/status", ROUTE_READ, ROLES_STAFF, 0, ADMIN_DESK},
    [ADMIN_SETTLEMENTS] = {"/v1/admin/settlements", ROUTE_READ, ROLES_STAFF, 0, ADMIN_DESK},
    [ADMIN_SHARDS] = {"/v1/admin/shards", ROUTE_READ, ROLES_STAFF, 0, ADMIN_DESK},
    [ADMIN_MARKETS] = {"/v1/admin/markets", ROUTE_READ, ROLES_STAFF, 0, ADMIN_DESK},
    [ADMIN_SUSPEND] = {"/v1/admin/markets/{market_id}/suspend", ROUTE_POST, ROLES_DESK,
                       MARKET_ID_BYTES_MAX, ADMIN_DESK},
    [ADMIN_RESUME] = {"/v1/admin/markets/{market_id}/resume", ROUTE_POST, ROLES_DESK,
                      MARKET_ID_BYTES_MAX, ADMIN_DESK},
    [ADMIN_RESULTS] = {"/v1/admin/events/{event_id}/results", ROUTE_POST, ROLES_DESK,
                       EVENT_ID_BYTES_MAX, ADMIN_DESK},
    [ADMIN_PROPOSALS] = {"/v1/admin/results/proposals", ROUTE_GET, ROLES_DESK, 0, ADMIN_DESK},
    [ADMIN_APPROVE] = {"/v1/admin/results/proposals/{proposal_id}/approve", ROUTE_POST, ROLES_DESK,
                       PROPOSAL_ID_BYTES_MAX, ADMIN_DESK},
    [ADMIN_REJECT] = {"/v1/admin/results/proposals/{proposal_id}/reject", ROUTE_POST, ROLES_DESK,
                      PROPOSAL_ID_BYTES_MAX, ADMIN_DESK},
    [ADMIN_WITHDRAW] = {"/v1/admin/results/proposals/{proposal_id}/withdraw", ROUTE_POST,
                        ROLES_DESK, PROPOSAL_ID_BYTES_MAX, ADMIN_DESK},
    [ADMIN_GRANTS] = {"/v1/admin/users/{user_id}/grants", ROUTE_POST, ROLES_DESK, USER_ID_BYTES_MAX,
                      ADMIN_DESK},
    [ADMIN_ADJUSTMENTS] = {"/v1/admin/adjustments", ROUTE_READ, ROLES_STAFF, 0, ADMIN_DESK},
    [ADMIN_LIMITS] = {"/v1/admin/limits/{scope}/{id}", ROUTE_READ | ROUTE_PUT | ROUTE_DELETE,
                      ROLES_DESK, LIMIT_SCOPE_ID_BYTES_MAX, ADMIN_DESK},
    [ADMIN_REFERRALS] = {"/v1/admin/referrals", ROUTE_READ, ROLES_DESK, 0, ADMIN_DESK},
    [ADMIN_REFERRAL_ACCEPT] = {"/v1/admin/referrals/{bet_id}/accept", ROUTE_POST, ROLES_DESK,
                               PROPOSAL_ID_BYTES_MAX, ADMIN_DESK},
    [ADMIN_REFERRAL_REJECT] = {"/v1/admin/referrals/{bet_id}/reject", ROUTE_POST, ROLES_DESK,
                               PROPOSAL_ID_BYTES_MAX, ADMIN_DESK},
    [ADMIN_REFERRAL_OFFER] = {"/v1/admin/referrals/{bet_id}/offer", ROUTE_POST, ROLES_DESK,
                              PROPOSAL_ID_BYTES_MAX, ADMIN_DESK},
    [ADMIN_STREAMS] = {"/v1/admin/streams/{topic}", ROUTE_GET, ROLES_STREAMS, ADMIN_ID_BYTES_MAX,
                       ADMIN_DESK},
    [ADMIN_KEYS] = {"/v1/admin/ledger/rotate-key", ROUTE_POST, ROLES_KEYS, 0, ADMIN_DESK},
    [ADMIN_DEMO_SESSION] = {"/v1/demo/session", ROUTE_POST, 0, 0, ADMIN_BOOK},
};

_Static_assert(ADMIN_ID_BYTES_MAX >= MARKET_ID_BYTES_MAX &&
                   ADMIN_ID_BYTES_MAX >= LIMIT_SCOPE_ID_BYTES_MAX,
               "the longest");

enum admin_route_name admin_routes_find(struct slice path, struct route_ids *ret_ids)
{
    int name = 0;
    while (name < ADMIN_ROUTES_COUNT && !route_matches(path, routes[name].path, ret_ids))
        name++;
    return (enum admin_route_name)name;
}

const struct admin_route *admin_route(enum admin_route_name name)
{
    return &routes[name];
}

void admin_routes_on_head(void *owner, const struct http_request *request,
                          struct http_body_plan *plan)
{
    (void)owner;
    if (request->method == HTTP_POST && slice_begins(request->path, SLICE("/v1/feed/"))) {
        plan->mode = HTTP_BODY_STREAM;
        plan->bytes_max = UINT64_MAX;
    } else if (slice_is(request->path, "/v1/admin/ledger/rotate-key")) {
        plan->bytes_max = KEY_DESK_BODY_BYTES_MAX;
    } else if (slice_begins(request->path, SLICE("/v1/admin/users/"))) {
        plan->bytes_max = GRANT_BODY_BYTES_MAX;
    } else if (slice_begins(request->path, SLICE("/v1/admin/limits/"))) {
        plan->bytes_max = LIMIT_BODY_BYTES_MAX;
    } else if (slice_begins(request->path, SLICE("/v1/admin/referrals/"))) {
        plan->bytes_max = REFERRAL_BODY_BYTES_MAX;
    } else if (slice_begins(request->path, SLICE("/v1/admin/"))) {
        plan->bytes_max = RESULT_BODY_BYTES_MAX;
    }
}

/* ---- who asks ---- */

bool admin_has_role(const struct http_request *request, const struct jwt_claims *claims,
                    uint32_t roles)
{
    if ((claims->roles & roles) != 0)
        return true;
    http_reply_problem(request->reply_to, 403, "ROLE_REQUIRED",
                       SLICE("The token does not have the role that this needs."));
    return false;
}

bool admin_admits(const struct bearer *bearer, int64_t now_s, const struct http_request *request,
                  uint32_t roles, struct jwt_claims *ret_claims)
{
    struct jwt_claims claims;
    enum bearer_outcome outcome = bearer_check(bearer, request, now_s, &claims);
    if (outcome != BEARER_OK) {
        bearer_refuse(request->reply_to, outcome, SLICE_NONE);
        return false;
    }
    if (!admin_has_role(request, &claims, roles))
        return false;
    *ret_claims = claims;
    return true;
}

/* ---- what every process of the listener answers alike ---- */

void admin_reply_not_found(const struct http_request *request)
{
    http_reply_problem(request->reply_to, 404, "NOT_FOUND",
                       SLICE("There is nothing at this path."));
}

void admin_serve_front(const struct http_request *request)
{
    http_reply(request->reply_to, 302, SLICE_NONE,
               SLICE("Location: /desk/\r\nCache-Control: no-store\r\n"), SLICE_NONE);
}

void admin_serve_file(struct http_request *request)
{
    const struct web_file *file = web_files_find(WEB_DESK, request->path);
    if (file == NULL)
        admin_reply_not_found(request);
    else if (route_admits(request, ROUTE_READ))
        web_file_reply(file, request);
}

void admin_reply_metrics(const struct http_request *request, const struct buf *out)
{
    if (out->overflow)
        http_reply_problem(request->reply_to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    else
        http_reply(request->reply_to, 200, SLICE("text/plain; version=0.0.4; charset=utf-8"),
                   NO_STORE, buf_slice(out));
}

void admin_serve_health(const struct http_request *request)
{
    http_reply(request->reply_to, 200, SLICE("text/plain"), NO_STORE, SLICE("ok\n"));
}
