/* kafka_conf.h - how this program reaches a Kafka: the brokers, and what librdkafka is told of
 * them. Its own threads only carry bytes; what they have to say is kept as a sentence, never
 * logged. Thread: any, but for what says otherwise. */
#pragma once

#include <librdkafka/rdkafka.h>

#include "adapters/kafka/kafka_options.h"
#include "base/buf.h"

#define KAFKA_PROBLEM_BYTES 256

/* The last sentence about what is wrong; written within calls of the handle's user only. */
struct kafka_problem {
    char text[KAFKA_PROBLEM_BYTES];
    bool is_away; /* no broker could be reached; whoever hears from one takes it back */
};

struct kafka_setting {
    const char *name, *value;
};

struct kafka_settings {
    const struct kafka_setting *at;
    size_t count;
};

/* A configuration with these settings beside the options'. `problem` outlives what is made of it.
 * 0 and *ret_conf, which becomes a handle's or is destroyed by the caller; -ERR_CONFIG with a
 * sentence in `why`; -ERR_MEMORY. */
int kafka_conf_new(const struct kafka_options *options, struct kafka_settings settings,
                   struct kafka_problem *problem, rd_kafka_conf_t **ret_conf, struct buf *why);
/* A handle of the configuration, which it takes in any case. NULL: `problem` says why. */
rd_kafka_t *kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf,
                             struct kafka_problem *problem);
void kafka_say(struct kafka_problem *problem, const char *what, const char *why);
