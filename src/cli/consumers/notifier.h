/* notifier.h - the sink of the role `notification-service`: tells somebody else's server what
 * customers' bets came to (roles/notification/notice.h), each by a POST that is signed
 * (roles/notification/webhook_signature.h). What cannot be told in so many tries, or is refused, is
 * a line of DIR/dead-letters, durable before it is committed. Thread: the consumer's, but for the
 * metrics. */
#pragma once

#include "app/event_consumer.h"
#include "base/buf.h"
#include "base/metrics.h"

#define NOTIFIER_DEAD_BYTES_MAX (64 << 20) /* then nothing is given up: it is tried on */

struct notifier_options {
    const char *url;    /* http or https */
    const char *ca;     /* who vouches for the server; NULL: the system */
    const char *secret; /* a file; NULL: nothing is signed */
    const char *data;   /* of dead letters; there */
    int64_t tries_max;
};

struct notifier;

/* Borrows the texts until free. 0, -ERR_MEMORY, -ERR_IO, or -ERR_CONFIG with a sentence in `why`.
 */
int notifier_new(const struct notifier_options *options, struct notifier **ret_notifier,
                 struct buf *why);
void notifier_free(struct notifier *notifier); /* accepts NULL; gives up what is under way */
struct event_sink *notifier_sink(struct notifier *notifier);
/* 0 or -ERR_LIMIT. */
int notifier_register_metrics(struct notifier *notifier, struct metrics *metrics);
