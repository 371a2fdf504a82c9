/* event_consumer.h - reads a stream as a member of a group and puts what comes into a sink, behind
 * whose work it is committed (ports/event_stream.h): nothing is left out, and what comes again
 * after a crash, or when shares are given out anew, is marked.
 *
 * A state machine: event_consumer_step() does a bounded piece of work and comes back; it has no
 * clock. A thread hosts it (cli/consumers/consumer_node.c). Thread: one at a time, but for the
 * stats. */
#pragma once

#include "ports/event_stream.h"

#define CONSUMER_READ_EVENTS_MAX 1000  /* of a step */
#define CONSUMER_READ_MS         200   /* it waits for the first */
#define CONSUMER_EVENTS_MAX      10000 /* about so many are taken before the sink is to settle */

struct event_sink;

struct event_sink_ops {
    /* 0; -ERR_BUSY: no room until it has settled, the event comes again then; another negative
     * answer ends the consumer. */
    int (*take)(struct event_sink *sink, const struct event *event);
    /* 1: all that was taken is where it belongs, and may be committed; 0: not yet, it was waited
     * for as long as it may (SINK_WAIT_MS); a negative answer ends the consumer. */
    int (*settle)(struct event_sink *sink);
    /* This member's share may have changed: what it remembers of partitions is to be forgotten. */
    void (*renew)(struct event_sink *sink);
};

#define SINK_WAIT_MS 500

struct event_sink {
    const struct event_sink_ops *ops;
};

enum consumer_step {
    CONSUMER_GOES_ON = 0, /* call again */
    CONSUMER_AWAY = 1,    /* the stream does not answer: call again after a while */
};

struct consumer_stats {
    uint64_t events; /* taken by the sink */
    uint64_t commits;
    uint64_t failures;   /* times that the stream did not answer, or a commit is not known */
    uint64_t generation; /* of this member's share */
    uint64_t lag;
    bool away; /* it did not answer last */
};

struct event_consumer;

/* Borrows both until free. 0 or -ERR_MEMORY. */
int event_consumer_new(struct event_reader *reader, struct event_sink *sink,
                       struct event_consumer **ret_consumer);
void event_consumer_free(struct event_consumer *consumer); /* accepts NULL */
/* An enum consumer_step, or the error that ended it for good: of the sink, or of the reader but
 * -ERR_ABSENT. */
int event_consumer_step(struct event_consumer *consumer);
/* Is everything that was taken committed, as far as it can be? Then nothing comes again after an
 * end now. Until then, event_consumer_settle() goes on without taking more. */
bool event_consumer_is_settled(const struct event_consumer *consumer);
int event_consumer_settle(struct event_consumer *consumer);
/* Any thread. */
struct consumer_stats event_consumer_stats(const struct event_consumer *consumer);
