/* node_offices.h - back-offices in processes of their own, seen from the loop of the process that
 * has the desk: each comes to GET /v1/office-link of the admin listener as a WebSocket, with a
 * token of role back-office, and is one teller (roles/backoffice/office_teller.h). Thread: the
 * book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "net/http/http_request.h"
#include "net/ws/ws_conn.h"
#include "roles/backoffice/office_teller.h"

#define NODE_OFFICES_MAX 8 /* at once: the next is answered 503 */

struct node_office {
    struct node_offices *offices;
    struct office_teller *teller; /* owned; NULL: the place was never used */
    struct ws_handle ws;
    bool open;
};

/* All zero at first. */
struct node_offices {
    struct office_desk desk; /* its owner is borrowed */
    struct node_office places[NODE_OFFICES_MAX];
    uint32_t used; /* places that were ever used: they come first */
    struct office_teller_stats stats;
    struct metrics_counter places_reached;
};

/* Before the first of them comes. */
void node_offices_open(struct node_offices *offices, const struct office_desk *desk);
/* For backoffice_parts.office_link. */
void node_offices_serve(void *owner, struct http_request *request);
void node_offices_turn_end(struct node_offices *offices);
/* After the servers and the desk have ended. */
void node_offices_close(struct node_offices *offices);

/* -ERR_LIMIT. */
int node_offices_register_metrics(struct node_offices *offices, struct metrics *metrics);
