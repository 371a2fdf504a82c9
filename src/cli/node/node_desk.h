/* node_desk.h - the desk of a book with several shards (docs/decisions/0016), seen from a node: in
 * the process of shard 0, or of a desk apart (0021), the links of the others' processes, which come
 * to GET /v1/desk-link of the admin listener with a token of role shard (app/relay_teller.h); in
 * those the link to it (cli/node/desk_link.h). In a book of one shard, and in a shard without
 * --desk, it is nothing. Thread: the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/relay_teller.h"
#include "base/metrics.h"
#include "cli/node/desk_link.h"
#include "net/http/http_request.h"
#include "net/ws/ws_conn.h"

/* A link of another shard's process. */
struct node_desk_link {
    struct node_desk *desk;
    struct ws_handle ws;
    int number; /* the teller's */
    bool open;
};

/* All zero at first. */
struct node_desk {
    struct loop *loop; /* borrowed, as the book */
    struct book *book;
    struct relay_teller *teller; /* owned, as the next; NULL: this process is no desk of others */
    struct node_desk_link *links;
    uint32_t links_count, first; /* shard that is another process's */
    struct timer due_timer;
    struct desk_link link; /* to the desk elsewhere */
    struct metrics_gauge attached, granted, lag_records, bets_left;
    struct metrics_counter sessions, words, words_read, forgotten, grants, not_granted, refused;
    struct metrics_counter answers, answers_away, bad, foreign, replaced, read_failures;
    struct metrics_counter waits_reached, links_reached;
};

struct node_desk_parts {
    struct loop *loop; /* all borrowed until node_desk_close() */
    struct book *book;
    struct ledger_log *log;
    struct shard_place place;
    const struct peer_address *desk; /* count 0: the desk is this process */
};

/* With the book started. 0, or an error with a sentence in `why` or none; node_desk_close() is due
 * all the same. */
int node_desk_open(struct node_desk *desk, const struct node_desk_parts *parts, struct buf *why);
/* For backoffice_parts.desk_link. */
void node_desk_serve(void *owner, struct http_request *request);
/* For backoffice_parts.words. */
bool node_desk_wait(void *owner, const struct relay_wait_for *words, relay_spread_fn told,
                    void *told_owner);
bool node_desk_shard(void *owner, uint32_t n, uint32_t *ret_shard,
                     struct relay_shard_view *ret_view);
/* For the book's listener. */
void node_desk_word(struct node_desk *desk, const struct record_view *record);
/* Behind book_begin_turn(); behind book_end_turn(), with whether this process may let bets be taken
 * anywhere. */
void node_desk_turn_begin(struct node_desk *desk);
void node_desk_turn_end(struct node_desk *desk, bool grants);
/* While the loop and the book are there; then behind the admin listener and the book. */
void node_desk_end(struct node_desk *desk);
void node_desk_close(struct node_desk *desk);

/* Of the end that this process has. -ERR_LIMIT. */
int node_desk_register_metrics(struct node_desk *desk, const struct node_desk_parts *parts,
                               struct metrics *metrics);
