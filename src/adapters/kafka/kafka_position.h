/* kafka_position.h - how far a log was told, as the topic KAFKA_POSITIONS keeps it: its key and its
 * value as text, and reading the last one of a key. Thread: any. */
#pragma once

#include "adapters/kafka/kafka_conf.h"

#define KAFKA_POSITION_BYTES_MAX   128
#define KAFKA_POSITION_READ_MS_MAX 120000 /* where all of a partition is read */

/* {"book":"HEX","position":N} */
void kafka_position_write(struct buf *text, const char *book, uint64_t position);

struct kafka_position_place {
    const struct kafka_options *kafka;
    const char *key;
    const char *book; /* in hexadecimal */
    int32_t partition;
    int64_t wait_ms; /* without a message */
};
/* 0 and the last committed position of the key, 0 where there is none; -ERR_CONFIG: it is another
 * book's, or no position at all; -ERR_ABSENT; -ERR_MEMORY. */
int kafka_position_read(const struct kafka_position_place *place, struct kafka_problem *problem,
                        uint64_t *ret_position);
