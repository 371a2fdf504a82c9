/* node_pages.h - a book's logs as events, page by page, for consumers without a Kafka: GET
 * /v1/admin/streams/{topic} of the admin listener (docs/PROTOCOL.md, section 10).
 *
 * A group that asks has a place here: a thread with a source of its own (log_source.h), which makes
 * its pages; nothing that the loop waits for. NODE_PAGES_MAX groups at once; one that has not asked
 * for NODE_PAGES_IDLE_US makes room for another. Thread: the book's loop, but for the threads. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "base/metrics.h"
#include "cli/consumers/log_source.h"
#include "net/http/http_request.h"
#include "net/loop/loop.h"
#include "ports/event_pages.h"

#define NODE_PAGES_MAX      4 /* each may fold the ledger once more */
#define NODE_PAGES_IDLE_US  (30 * US_PER_SECOND)
#define NODE_PAGE_BYTES     ((size_t)128 << 10) /* of events, about */
#define NODE_PAGE_BYTES_MAX ((size_t)1 << 20)   /* of an answer */

enum node_page_state {
    NODE_PAGE_FREE = 0,
    NODE_PAGE_IDLE,
    NODE_PAGE_ASKED, /* the thread's turn; the loop's again when it is idle */
};

struct node_page_place {
    struct node_pages *pages;
    char topic[EVENT_GROUP_BYTES_MAX], group[EVENT_GROUP_BYTES_MAX];
    struct http_reply_to to;
    int64_t asked_us;
    pthread_t thread;
    pthread_mutex_t lock; /* everything below, while the thread runs */
    pthread_cond_t asked;
    enum node_page_state state;
    bool end, answered;
    struct event_place place;
    int result; /* of the page: 1, 0 or an error */
    struct log_source source;
    struct event_pages *reader;
    struct buf text;
};

struct node_pages {
    struct loop *loop; /* borrowed; NULL: not open */
    struct log_source_parts parts;
    struct loop_wakeup wakeup;
    bool wakeup_open;
    uint64_t log; /* names the book and its shard */
    struct node_page_place places[NODE_PAGES_MAX];
    char texts[NODE_PAGES_MAX][NODE_PAGE_BYTES_MAX]; /* of each */
    struct metrics_counter served, refused, failed;
    struct metrics_gauge groups;
};

/* `parts` as of log_source_open; copied. 0 or an error of the loop. */
int node_pages_open(struct node_pages *pages, struct loop *loop,
                    const struct log_source_parts *parts);
/* For backoffice_parts.streams: answers the request, now or later. */
void node_pages_serve(void *owner, struct http_request *request, struct slice topic);
/* Ends the threads, whose stop it sets; nothing is answered any more. Before what the parts name
 * is gone. */
void node_pages_close(struct node_pages *pages);
/* -ERR_LIMIT. */
int node_pages_register_metrics(struct node_pages *pages, struct metrics *metrics);
