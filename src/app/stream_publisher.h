/* stream_publisher.h - tells a topic what a log says: event_source to event_writer, from the
 * position that the topic last kept.
 *
 * The log is the outbox: nothing is kept here but one batch, so a stream that is away for days
 * costs PUBLISHER_BATCH_BYTES of memory, and what waits is in the log. A batch and its position
 * are committed together; when the outcome is not known, the writer is begun again and its position
 * says whether the batch is there, and only if it is not is the same batch put again.
 *
 * A state machine: publisher_step() does a bounded piece of work and comes back; it has no clock. A
 * thread hosts it (cli/node/node_streams.c). Thread: one at a time, but for the stats. */
#pragma once

#include "ports/event_stream.h"

#define PUBLISHER_BATCH_BYTES      ((size_t)8 << 20) /* of events; one step is read beyond it */
#define PUBLISHER_SILENT_POSITIONS 65536 /* without an event, the position alone is committed */

enum publisher_step {
    PUBLISHER_IDLE = 0, /* all that there is was told */
    PUBLISHER_MORE = 1, /* call again */
    PUBLISHER_AWAY = 2, /* the stream does not answer: call again after a while */
};

/* All but the first two since the begin. */
struct publisher_stats {
    uint64_t position; /* kept by the topic; 0: not known yet */
    uint64_t lag;      /* records that were told and are not in the topic */
    uint64_t events;   /* committed */
    uint64_t batches;
    uint64_t failures; /* times that the stream did not answer, or failed */
    uint64_t repeats;  /* events put again because their commit was not known */
    bool away;         /* it did not answer last */
};

struct stream_publisher;

/* Borrows both until free. 0 or -ERR_MEMORY. */
int stream_publisher_new(struct event_source *source, struct event_writer *writer,
                         struct stream_publisher **ret_publisher);
void stream_publisher_free(struct stream_publisher *publisher); /* accepts NULL */

/* An enum publisher_step, or the error that ended it for good: of the source; of the writer
 * -ERR_CONFIG or -ERR_MEMORY; -ERR_STOPPED: another process has told of this log meanwhile, so this
 * one is not its writer any more. */
int stream_publisher_step(struct stream_publisher *publisher);
/* Any thread. */
struct publisher_stats stream_publisher_stats(const struct stream_publisher *publisher);
