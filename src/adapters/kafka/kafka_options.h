/* kafka_options.h - where a Kafka is (kafka_conf.c), for whoever opens its adapters. Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define KAFKA_URL_PREFIX   "kafka://"
#define KAFKA_POSITIONS    "overround-positions" /* how far the logs were told: kafka_writer.h */
#define KAFKA_PARTITIONS   64
#define KAFKA_RETENTION_MS "604800000" /* seven days */
#define KAFKA_WAIT_MS_MAX  10000       /* for any answer */

/* Borrowed by whatever is opened with it. */
struct kafka_options {
    const char *url; /* kafka://HOST:PORT,... */
    /* A file of librdkafka's own words, "name=value" a line, of who may: security., ssl. and sasl.
     * names only. NULL: none, and plain connections. */
    const char *config;
    int64_t wait_ms_max; /* 0: KAFKA_WAIT_MS_MAX */
};

/* Does it begin as a URL of a Kafka does? */
bool kafka_options_takes(const char *url);
