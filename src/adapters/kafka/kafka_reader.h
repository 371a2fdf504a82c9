/* kafka_reader.h - the event_reader port on a topic of a Kafka: one member of a consumer group, who
 * reads what was committed (transactions that were not are passed over).
 *
 * Its share of the topic's parts is the group's business (range assignment): when members come and
 * go, what one visited and did not commit comes again to another. A group that is new begins with
 * the oldest message that is kept. Thread: one user. */
#pragma once

#include "adapters/kafka/kafka_options.h"
#include "ports/event_stream.h"

#define KAFKA_SESSION_MS 6000 /* a member that says nothing for so long has left the group */

struct kafka_reader_options {
    struct kafka_options kafka; /* borrowed, as the texts */
    const char *topic, *group;
    int64_t session_ms; /* 0: KAFKA_SESSION_MS */
};

/* Joins soon. 0, -ERR_MEMORY, or -ERR_CONFIG with a sentence in `why`. */
int kafka_reader_new(const struct kafka_reader_options *options, struct event_reader **ret_reader,
                     struct buf *why);
