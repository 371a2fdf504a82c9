/* backoffice.h - the admin listener: trading desk and its page, feed intake, metrics, status,
 * health.
 *
 * Never to be reached from outside; still every route but health, metrics and the page's files
 * needs a token with its role (a demo gives one: demo_session.h). Thread: the book's loop. */
#pragma once

#include <stdint.h>

#include "base/metrics.h"
#include "net/http/http_server.h"
#include "ports/ledger_tree.h"
#include "roles/backoffice/feed_intake.h"
#include "roles/backoffice/result_policy.h"
#include "roles/backoffice/shard_words.h"
#include "roles/shared/bearer.h"

#include "app/book.h"

struct backoffice;

/* Why a process cannot do its work, as GET /readyz says it. Both for ever. */
struct backoffice_hindrance {
    const char *code;
    struct slice sentence;
};

/* All borrowed until backoffice_free. */
struct backoffice_parts {
    struct loop *loop;
    struct book *book;
    struct odds_store *store;
    const struct bearer *bearer;
    const struct metrics *metrics; /* what GET /metrics writes */
    /* How many connections and WebSockets customers have open now, for the status. */
    void (*open_now)(void *owner, uint64_t *ret_connections, uint64_t *ret_websockets);
    void *open_now_owner;
    /* Whether something else than its book keeps the process from its work. NULL: nothing does. */
    bool (*hindered)(void *owner, struct backoffice_hindrance *ret);
    void *hindered_owner;
    struct result_policy results;
    struct ledger_tree *tree; /* NULL: no signing keys here */
    const struct feed_format *formats;
    size_t formats_count;
    const char *version;
    const char *profile;
    struct slice
        demo_kid; /* signs the desk's sessions of a demo, borrowed; empty: there are none */
    /* GET /v1/ship with a token of role standby: answers the request. NULL: 404. */
    void (*ship)(void *owner, struct http_request *request);
    void *ship_owner;
    /* GET /v1/link with a token of role gateway: the same. */
    void (*link)(void *owner, struct http_request *request);
    void *link_owner;
    /* GET /v1/desk-link with a token of role shard: the same. */
    void (*desk_link)(void *owner, struct http_request *request);
    void *desk_link_owner;
    /* GET /v1/office-link with a token of role back-office: the same. */
    void (*office_link)(void *owner, struct http_request *request);
    void *office_link_owner;
    struct shard_words words; /* of what concerns all shards */
    /* GET /v1/admin/streams/{topic} with a token of role auditor, regulator or admin: answers the
     * request, now or later. NULL: 404. */
    void (*streams)(void *owner, struct http_request *request, struct slice topic);
    void *streams_owner;
};

#define BACKOFFICE_SETTLEMENTS_MAX                                                                 \
    256 /* markets of GET /v1/admin/settlements; the rest is counted */
#define METRICS_BYTES_MAX (512 * 1024) /* of GET /metrics: 500 beyond */

/* 0, -ERR_MEMORY, -ERR_LIMIT. */
int backoffice_new(const struct backoffice_parts *parts, struct backoffice **ret_backoffice);
/* After the HTTP servers. Accepts NULL. */
void backoffice_free(struct backoffice *backoffice);

/* For http_server_listen(). */
struct http_handlers backoffice_handlers(struct backoffice *backoffice);

/* A request that a back-office in a process of its own has carried here (office_teller.h), where
 * `claims` were checked: served as one of the listener, of the routes that are the desk's
 * (admin_routes.h), else 404. `owner` is the back-office; the rest is borrowed for the call. */
void backoffice_serve_carried(void *owner, struct http_request *request,
                              const struct jwt_claims *claims);

/* Another process takes over: nothing of a feed is taken any more (feed_intake.h). */
void backoffice_end_feeds(struct backoffice *backoffice);

/* Registers the book's counters, the feed intake's and the desk's. -ERR_LIMIT. */
int backoffice_register_metrics(struct backoffice *backoffice, struct metrics *metrics);
