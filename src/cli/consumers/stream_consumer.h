/* stream_consumer.h - the loop of a command that reads a topic as a member of a group: events are
 * committed behind whatever was made of them. Ends in order at SIGTERM and SIGINT. Thread: main. */
#pragma once

#include "adapters/kafka/kafka_reader.h"
#include "cli/options/options.h"
#include "ports/event_stream.h"

/* clang-format off */
#define STREAM_CONSUMER_SPECS                                                                      \
    {"config", NULL},                                                                              \
    {"streams", NULL},                                                                             \
    {"streams-config", NULL},                                                                      \
    {"topic", "bet-events"},                                                                       \
    {"quiet-ms", "0"},                                                                            \
    {"session-ms", "6000"}
/* clang-format on */

struct stream_consumer {
    struct event_reader *reader; /* owned */
    int64_t quiet_us;            /* it ends when nothing came for so long; 0: never */
    event_visit take;
    /* What was taken is where it belongs; only then it is committed. 0 or an error. */
    int (*finish)(void *owner);
    void *owner;
};

/* 0, or an error with a sentence in `why`. */
int stream_consumer_open(struct stream_consumer *consumer, const struct options *options,
                         struct buf *why);
/* 0: told to end, or it was quiet for long enough; else the error that ended it. */
int stream_consumer_run(struct stream_consumer *consumer);
/* Ends it, and answers the command's exit code for `error`, with its reason on stderr. */
int stream_consumer_close(struct stream_consumer *consumer, int error, struct buf *why);
