/* plain_admin.h - the admin listener of a process that has nothing else there: /metrics, /healthz
 * and /readyz (docs/api/openapi.yaml), by GET and HEAD. Thread: the loop's. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/metrics.h"
#include "net/http/http_server.h"

struct plain_admin {
    const struct metrics *metrics; /* borrowed, as all but the server */
    struct buf out;                /* memory for their text; too little is answered 500 */
    bool (*is_ready)(void *owner);
    void *owner;
    const char *not_ready;      /* the sentence of 503 NOT_READY */
    const char *not_here;       /* of 404 */
    struct http_server *server; /* owned; NULL before plain_admin_open */
};

/* Behind this the server's own metrics can be registered. 0 or -ERR_MEMORY. */
int plain_admin_open(struct plain_admin *admin, struct loop *loop, uint32_t connections_max);
/* `tls` NULL: without. 0, or an error with a sentence in `why`. */
int plain_admin_listen(struct plain_admin *admin, const struct net_address *address,
                       struct tls_server *tls, struct net_address *ret_bound, struct buf *why);
/* Accepts one that was not opened. */
void plain_admin_close(struct plain_admin *admin);
