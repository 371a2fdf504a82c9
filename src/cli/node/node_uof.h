/* node_uof.h - the broker of the Unified Odds Feed that a node takes messages from
 * (feeds/uof/uof_link.h). Thread: the book's loop. */
#pragma once

#include <stdbool.h>

#include "app/book.h"
#include "cli/node/node_uof_recovery.h"
#include "feeds/uof/uof_link.h"
#include "feeds/uof/uof_place.h"

struct node_uof_options {
    bool on; /* false: no broker; messages may come by HTTP all the same */
    struct uof_place place;
    struct slice exchange;
    struct slice keys[UOF_KEYS_MAX];
    size_t keys_count;
    struct node_uof_recovery_options recovery;
    const char *ca, *name; /* of amqps://: tls_client.h; borrowed for ever, as all texts here */
};

/* Borrowed. */
struct node_uof_parts {
    struct loop *loop;
    const struct book *book; /* asked whether it can take a message */
    struct feed_source *source;
};

/* All zero at first. */
struct node_uof {
    struct tls_client *tls;             /* owned; NULL: plain */
    struct uof_link *link;              /* owned; NULL: no broker */
    struct node_uof_recovery *recovery; /* owned; NULL: somebody else asks for them */
    struct node_uof_parts parts;
    bool said; /* that there is no connection: it is in the log */
};

/* Before the hook that ends the book's turn (uof_link.h). 0, or an error with a sentence in `why`
 * or none; node_uof_close() is due all the same. */
int node_uof_open(struct node_uof *uof, const struct node_uof_options *options,
                  const struct node_uof_parts *parts, struct buf *why);
/* Whether there is no broker, or its messages come. */
bool node_uof_is_up(const struct node_uof *uof);
/* Another process takes over: nothing is taken any more. */
void node_uof_end(struct node_uof *uof);
void node_uof_close(struct node_uof *uof);

/* -ERR_LIMIT. */
int node_uof_register_metrics(const struct node_uof *uof, struct metrics *metrics);
