/* command_stream.c - `overround stream tail`: what a topic says, as JSON lines, read as a member of
 * a group; an event is committed when its line was written. */
#include <signal.h>
#include <stdio.h>

#include "adapters/kafka/kafka_reader.h"
#include "app/event_memory.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_write.h"
#include "cli/command.h"
#include "crypto/random.h"

#define READ_EVENTS_MAX 1000
#define READ_WAIT_MS    200
#define LINE_BYTES_MAX  (EVENT_VALUE_BYTES_MAX + 1024)

static const struct option_spec specs[] = {
    {"config", NULL},        {"streams", NULL},      {"streams-config", NULL},
    {"topic", "bet-events"}, {"group", "overround"}, {"quiet-ms", "0"},
};

static volatile sig_atomic_t told_to_end;

static void on_signal(int signal)
{
    (void)signal;
    told_to_end = 1;
}

struct tail {
    struct event_reader *reader;
    struct event_memory *memory;
    int64_t quiet_us; /* it ends when nothing came for so long; 0: never */
    uint64_t repeats;
    char line[LINE_BYTES_MAX];
};

/* {"partition":3,"key":"e1","seq":"0-17","value":{...}} */
static int print_event(void *owner, const struct event *event)
{
    struct tail *tail = owner;
    struct buf line = buf_over(tail->line, sizeof tail->line);
    struct json_writer writer = json_write_begin(&line);
    if (!event_memory_take(tail->memory, event)) {
        tail->repeats++;
        return 0;
    }
    json_write_object_open(&writer);
    json_write_key(&writer, "partition");
    json_write_i64(&writer, event->partition);
    json_write_key(&writer, "key");
    json_write_text(&writer, event->key);
    json_write_key(&writer, "seq");
    json_write_text(&writer, event->seq);
    json_write_key(&writer, "value");
    json_write_raw(&writer, event->value);
    json_write_object_close(&writer);
    buf_put_char(&line, '\n');
    return !line.overflow && fwrite(line.at, 1, line.bytes, stdout) == line.bytes ? 0 : -ERR_IO;
}

/* Lines are on their way to whoever reads them before the group hears that they are done. */
static int print_all(struct tail *tail)
{
    struct event_reader *reader = tail->reader;
    int64_t last_us = clock_us(CLOCK_MONOTONIC);
    while (told_to_end == 0) {
        int count = reader->ops->read(reader, READ_EVENTS_MAX, READ_WAIT_MS, print_event, tail);
        if (fflush(stdout) != 0)
            return -ERR_IO;
        if (count > 0 && reader->ops->commit(reader) == 0)
            last_us = clock_us(CLOCK_MONOTONIC);
        if (count < 0 && count != -ERR_ABSENT)
            return count;
        if (tail->quiet_us > 0 && clock_us(CLOCK_MONOTONIC) - last_us > tail->quiet_us)
            break;
    }
    return 0;
}

static int open_tail(const struct options *options, struct tail *tail, struct buf *why)
{
    uint64_t key[2];
    const struct kafka_reader_options reader = {
        .kafka = {.url = options_text(options, "streams"),
                  .config = options_text(options, "streams-config")},
        .topic = options_text(options, "topic"),
        .group = options_text(options, "group"),
    };
    if (reader.kafka.url == NULL) {
        buf_put_text(why, "--streams is missing: kafka://HOST:PORT,...");
        return -ERR_CONFIG;
    }
    TRY(options_number(options, "quiet-ms", (struct number_range){0, 86400000}, &tail->quiet_us,
                       why));
    tail->quiet_us *= US_PER_MS;
    random_fill(key, sizeof key);
    TRY(event_memory_new(key, &tail->memory));
    return kafka_reader_new(&reader, &tail->reader, why);
}

int command_stream(int argc, char *const *argv)
{
    static struct options options;
    static struct tail tail;
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    if (argc < 1 || !slice_is(slice_text(argv[0]), "tail"))
        return command_fail(2, SLICE("stream tail --streams URL --topic NAME --group NAME"));
    const struct command_input input = {argc - 1, argv + 1, specs, sizeof specs / sizeof *specs,
                                        false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    int error = open_tail(&options, &tail, &why);
    if (error == 0)
        error = print_all(&tail);
    if (error < 0 && tail.reader != NULL)
        buf_put_text(&why, tail.reader->ops->problem(tail.reader));
    if (tail.repeats > 0)
        (void)fprintf(stderr, "overround: %llu repeats were left out\n",
                      (unsigned long long)tail.repeats);
    if (tail.reader != NULL)
        tail.reader->ops->free(tail.reader);
    event_memory_free(tail.memory);
    if (error == 0)
        return 0;
    if (why.bytes == 0)
        buf_put_text(&why, error_text(error));
    return command_fail(error == -ERR_CONFIG ? 2 : 1, buf_slice(&why));
}
