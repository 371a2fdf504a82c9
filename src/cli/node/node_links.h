/* node_links.h - fronts in processes of their own, seen from the book's loop: each comes to
 * GET /v1/link of the admin listener as a WebSocket, with a token of role gateway, and is one
 * teller (roles/bet/bet_link_teller.h). Thread: the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "net/http/http_request.h"
#include "net/ws/ws_conn.h"
#include "roles/bet/bet_link_teller.h"

#define NODE_LINKS_MAX 64 /* at once: the next is answered 503 */
/* Of the admin listener: the longest batch of a front, and of a back-office (node_offices.h). */
#define NODE_LINK_MESSAGE_BYTES_MAX ((size_t)384 * 1024)

struct node_link {
    struct node_links *links;
    struct bet_link_teller *teller; /* owned; NULL: the place was never used */
    struct ws_handle ws;
    bool open;
};

/* All zero at first. */
struct node_links {
    struct bet_port *bets;    /* borrowed */
    struct shard_place place; /* of this book */
    struct node_link places[NODE_LINKS_MAX];
    uint32_t used; /* places that were ever used: they come first */
    struct metrics_gauge attached;
    struct metrics_counter sessions, questions, own, bad_batches, dropped, places_reached;
};

/* For node_fronts' book; `bets` is borrowed until node_links_close(). */
void node_links_open(struct node_links *links, struct bet_port *bets, struct shard_place place);
/* For backoffice_parts.link. */
void node_links_serve(void *owner, struct http_request *request);

bool node_links_wants(const struct node_links *links, struct slice user_id);
void node_links_push(struct node_links *links, struct slice user_id, const char *op,
                     struct slice object);
void node_links_turn_end(struct node_links *links, bool takes_bets);
/* After the servers and the bet service have ended. */
void node_links_close(struct node_links *links);

/* -ERR_LIMIT. */
int node_links_register_metrics(struct node_links *links, struct metrics *metrics);
