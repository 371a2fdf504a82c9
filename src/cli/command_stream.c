/* command_stream.c - `overround stream tail`: prints what a topic says, as a member of a group.
 * What is made of it otherwise has processes of its own (cli/consumers/consumer_node.h). */
#include <stdio.h>

#include "app/event_memory.h"
#include "base/error.h"
#include "base/json_write.h"
#include "cli/command.h"
#include "cli/consumers/stream_consumer.h"
#include "crypto/random.h"

#define LINE_BYTES_MAX (EVENT_VALUE_BYTES_MAX + 1024)

static const struct option_spec specs[] = {
    STREAM_CONSUMER_SPECS,
    {"group", "overround"},
};

struct tail {
    struct event_memory *memory;
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

static int flush_lines(void *owner)
{
    (void)owner;
    return fflush(stdout) == 0 ? 0 : -ERR_IO;
}

static int command_tail(int argc, char *const *argv)
{
    static struct options options;
    static struct tail tail;
    char memory[512];
    uint64_t key[2];
    struct buf why = buf_over(memory, sizeof memory);
    struct stream_consumer consumer = {.take = print_event, .finish = flush_lines, .owner = &tail};
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    random_fill(key, sizeof key);
    int error = event_memory_new(key, &tail.memory);
    if (error == 0)
        error = stream_consumer_open(&consumer, &options, &why);
    if (error == 0)
        error = stream_consumer_run(&consumer);
    if (tail.repeats > 0)
        (void)fprintf(stderr, "overround: %llu repeats were left out\n",
                      (unsigned long long)tail.repeats);
    event_memory_free(tail.memory);
    return stream_consumer_close(&consumer, error, &why);
}

int command_stream(int argc, char *const *argv)
{
    struct slice what = argc < 1 ? SLICE_NONE : slice_text(argv[0]);
    if (slice_is(what, "tail"))
        return command_tail(argc - 1, argv + 1);
    return command_fail(2, SLICE("stream tail --streams URL ..."));
}
