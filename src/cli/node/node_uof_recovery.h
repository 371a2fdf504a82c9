/* node_uof_recovery.h - asks the provider's API for the recoveries of the Unified Odds Feed
 * (feeds/uof/uof_recovery.h), by the web client. What they bring comes through the broker. Thread:
 * the book's loop. */
#pragma once

#include "base/buf.h"
#include "base/metrics.h"
#include "feeds/uof/uof_recovery.h"
#include "net/loop/loop.h"
#include "ports/feed_source.h"

struct node_uof_recovery_options {
    struct uof_recovery rules; /* without a row: nobody is asked */
    const char *ca;            /* who vouches for the API; NULL: the system. Borrowed for ever */
    struct slice token;        /* of the API: the broker's user; borrowed */
};

struct node_uof_recovery;

/* The source is told whose recoveries are asked for here. *ret is NULL where nobody's are. 0;
 * -ERR_CONFIG with a sentence; -ERR_MEMORY, -ERR_IO. */
int node_uof_recovery_new(const struct node_uof_recovery_options *options, struct loop *loop,
                          struct feed_source *source, struct node_uof_recovery **ret,
                          struct buf *why);
/* Accepts NULL. */
void node_uof_recovery_free(struct node_uof_recovery *recovery);
/* Nothing is asked for any more: another process goes on. Accepts NULL. */
void node_uof_recovery_end(struct node_uof_recovery *recovery);

/* -ERR_LIMIT. */
int node_uof_recovery_register_metrics(const struct node_uof_recovery *recovery,
                                       struct metrics *metrics);
