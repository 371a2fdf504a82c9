/* stream_consumer.c - contract in stream_consumer.h. */
#include "cli/consumers/stream_consumer.h"

#include <signal.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/command.h"

#define READ_EVENTS_MAX 1000
#define READ_WAIT_MS    200

static volatile sig_atomic_t told_to_end;

static void on_signal(int signal)
{
    (void)signal;
    told_to_end = 1;
}

int stream_consumer_open(struct stream_consumer *consumer, const struct options *options,
                         struct buf *why)
{
    struct kafka_reader_options reader = {
        .kafka = {.url = options_text(options, "streams"),
                  .config = options_text(options, "streams-config")},
        .topic = options_text(options, "topic"),
        .group = options_text(options, "group"),
    };
    if (reader.kafka.url == NULL) {
        buf_put_text(why, "--streams is missing: kafka://HOST:PORT,...");
        return -ERR_CONFIG;
    }
    TRY(options_number(options, "quiet-ms", (struct number_range){0, 86400000}, &consumer->quiet_us,
                       why));
    consumer->quiet_us *= US_PER_MS;
    TRY(options_number(options, "session-ms", (struct number_range){1000, 300000},
                       &reader.session_ms, why));
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    return kafka_reader_new(&reader, &consumer->reader, why);
}

int stream_consumer_run(struct stream_consumer *consumer)
{
    struct event_reader *reader = consumer->reader;
    int64_t last_us = clock_us(CLOCK_MONOTONIC);
    while (told_to_end == 0) {
        int count = reader->ops->read(reader, READ_EVENTS_MAX, READ_WAIT_MS, consumer->take,
                                      consumer->owner);
        if (count < 0 && count != -ERR_ABSENT)
            return count;
        if (count > 0) {
            TRY(consumer->finish(consumer->owner));
            (void)reader->ops->commit(reader); /* what it is not sure of comes again */
            last_us = clock_us(CLOCK_MONOTONIC);
        }
        if (consumer->quiet_us > 0 && clock_us(CLOCK_MONOTONIC) - last_us > consumer->quiet_us)
            break;
    }
    return 0;
}

int stream_consumer_close(struct stream_consumer *consumer, int error, struct buf *why)
{
    if (error < 0 && consumer->reader != NULL && why->bytes == 0)
        buf_put_text(why, consumer->reader->ops->problem(consumer->reader));
    if (consumer->reader != NULL)
        consumer->reader->ops->free(consumer->reader);
    if (error == 0)
        return 0;
    if (why->bytes == 0)
        buf_put_text(why, error_text(error));
    return command_fail(error == -ERR_CONFIG ? 2 : 1, buf_slice(why));
}
