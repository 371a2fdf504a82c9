/* kafka_topics.h - topics are made and looked for. Thread: any. */
#pragma once

#include "adapters/kafka/kafka_conf.h"

struct kafka_topic {
    const char *name;
    int64_t copies;
    bool compacted; /* the last message of a key is kept; else all of them for KAFKA_RETENTION_MS */
};

/* How many parts the topic has. -ERR_NOT_FOUND: it is not there; -ERR_ABSENT: nobody says. */
int kafka_topic_partitions(rd_kafka_t *handle, const char *name, int64_t wait_ms,
                           struct kafka_problem *problem);
/* Makes it with KAFKA_PARTITIONS; one that is there is left as it is. 0, or -ERR_ABSENT. */
int kafka_topic_make(rd_kafka_t *handle, const struct kafka_topic *topic, int64_t wait_ms,
                     struct kafka_problem *problem);
