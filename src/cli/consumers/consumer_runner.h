/* consumer_runner.h - hosts an event_consumer on a thread of its own, and counts what it does. A
 * stream that is away is tried again for ever, from the start on. Thread: the owner's, but for what
 * says otherwise. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "app/event_consumer.h"
#include "base/metrics.h"
#include "cli/consumers/schema_watch.h"

#define CONSUMER_SETTLE_US 5000000 /* an end waits so long for what was taken */

struct consumer_runner {
    struct event_reader *reader; /* borrowed, as the next */
    struct event_sink *sink;
    struct event_consumer *consumer;   /* owned */
    const struct schema_topic *schema; /* borrowed, set before the start; NULL: nobody is asked */
    pthread_t thread;
    bool running, told_away;
    uint32_t stop;  /* atomic */
    uint32_t ended; /* atomic: it follows no more, for `error` */
    int error;
    struct metrics_gauge lag, away, generation;
    struct metrics_counter events, commits, failures;
};

/* 0 or -ERR_MEMORY. */
int consumer_runner_start(struct consumer_runner *runner, struct event_reader *reader,
                          struct event_sink *sink);
/* Settles and commits what was taken, within CONSUMER_SETTLE_US and what a broker takes to answer.
 * Accepts one that was never started. */
void consumer_runner_stop(struct consumer_runner *runner);
/* 0: it follows; or the error that ended it: -ERR_CONFIG also where a registry refuses the schema.
 */
int consumer_runner_error(const struct consumer_runner *runner);
/* Does the stream answer, as far as is known? Any thread. */
bool consumer_runner_is_ready(const struct consumer_runner *runner);
/* `labels`: borrowed for ever. 0 or -ERR_LIMIT. */
int consumer_runner_register_metrics(struct consumer_runner *runner, const char *labels,
                                     struct metrics *metrics);
