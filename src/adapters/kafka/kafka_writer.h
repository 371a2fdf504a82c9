/* kafka_writer.h - the event_writer port on a topic of a Kafka: every message is acknowledged by
 * all copies in sync, once and in order while a process lives (idempotent producer).
 *
 * How far a log was told stands in the topic KAFKA_POSITIONS, which keeps the last message of each
 * key (compacted): the key is TOPIC/SHARD, the value names the book. Atomic: a transaction holds a
 * batch and its position, so that nothing is ever twice for who reads committed messages only, and
 * `transactional.id` is of the shard, so that a writer that is gone writes no more. Not atomic: the
 * position follows its batch, which a crash or a failure repeats.
 *
 * Thread: one user. */
#pragma once

#include "adapters/kafka/kafka_options.h"
#include "ports/event_stream.h"

#define KAFKA_UNSENT_KBYTES_MAX 65536 /* of messages that the brokers have not acknowledged */
#define KAFKA_BOOK_BYTES        16
#define KAFKA_SCHEMA            "schema-id"

struct kafka_writer_options {
    struct kafka_options kafka; /* borrowed, as the topic */
    const char *topic;
    const char *compression; /* NULL: lz4 */
    bool atomic;
    uint32_t shard;
    uint8_t book[KAFKA_BOOK_BYTES]; /* whose events: a topic with another's is refused */
    int64_t copies; /* > 0: topics that are not there are made, with so many copies of each part */
};

/* Reaches for nobody yet. 0, -ERR_MEMORY, or -ERR_CONFIG with a sentence in `why`. */
int kafka_writer_new(const struct kafka_writer_options *options, struct event_writer **ret_writer,
                     struct buf *why);
/* Messages that are put from now on say by which schema they are made, in the header KAFKA_SCHEMA
 * (digits): a registry's number of it, above 0. Thread: the writer's user. */
void kafka_writer_name_schema(struct event_writer *writer, int64_t id);
