/* kafka_reader.c - contract in kafka_reader.h. What was visited is remembered as the next offset of
 * each partition until it is committed; a share that is taken away takes that with it. */
#include "adapters/kafka/kafka_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/kafka/kafka_conf.h"
#include "base/error.h"

struct kafka_reader {
    struct event_reader reader;
    struct kafka_reader_options options;
    struct kafka_problem problem;
    rd_kafka_t *handle;                       /* owned, as the two below */
    rd_kafka_topic_partition_list_t *visited; /* next offsets, not committed */
    rd_kafka_message_t *held;                 /* a visitor refused it: it comes again */
    uint64_t generation;
};

static struct kafka_reader *reader_of(struct event_reader *reader)
{
    return (struct kafka_reader *)reader;
}

static void drop_share(struct kafka_reader *r)
{
    if (r->held != NULL)
        rd_kafka_message_destroy(r->held);
    r->held = NULL;
    rd_kafka_topic_partition_list_destroy(r->visited);
    r->visited = rd_kafka_topic_partition_list_new(KAFKA_PARTITIONS);
    r->generation++;
}

/* Runs within poll: on the reader's thread. The conf's opaque is the problem. */
static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t what,
                         rd_kafka_topic_partition_list_t *partitions, void *owner)
{
    struct kafka_reader *r =
        (struct kafka_reader *)((char *)owner - offsetof(struct kafka_reader, problem));
    drop_share(r);
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        (void)rd_kafka_assign(handle, partitions);
    else
        (void)rd_kafka_assign(handle, NULL);
}

static struct slice seq_of(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t bytes = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "seq", &value, &bytes) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLICE_NONE;
    return slice_of(value, bytes);
}

static int remember(struct kafka_reader *r, const rd_kafka_message_t *message)
{
    rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_find(r->visited, r->options.topic, message->partition);
    if (at == NULL)
        at = rd_kafka_topic_partition_list_add(r->visited, r->options.topic, message->partition);
    if (at == NULL)
        return -ERR_MEMORY;
    at->offset = message->offset + 1;
    return 0;
}

static int visit_message(struct kafka_reader *r, rd_kafka_message_t *message, event_visit visit,
                         void *owner)
{
    const struct event event = {
        .key = slice_of(message->key, message->key_len),
        .value = slice_of(message->payload, message->len),
        .seq = seq_of(message),
        .position = (uint64_t)message->offset,
        .time_us = rd_kafka_message_timestamp(message, NULL) * 1000,
        .partition = message->partition,
    };
    int error = visit(owner, &event);
    if (error < 0) {
        r->held = message;
        return error;
    }
    error = remember(r, message);
    rd_kafka_message_destroy(message);
    return error;
}

/* A message that is none says how the group or the brokers are; librdkafka mends what it can. */
static int take_error(struct kafka_reader *r, rd_kafka_message_t *message)
{
    rd_kafka_resp_err_t code = message->err;
    kafka_say(&r->problem, "nothing can be read", rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    return code == RD_KAFKA_RESP_ERR__FATAL ||
                   code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                   code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED
               ? -ERR_CONFIG
               : -ERR_ABSENT;
}

static rd_kafka_message_t *next_message(struct kafka_reader *r, int wait_ms)
{
    rd_kafka_message_t *held = r->held;
    r->held = NULL;
    return held != NULL ? held : rd_kafka_consumer_poll(r->handle, wait_ms);
}

static int reader_read(struct event_reader *reader, int events_max, int wait_ms, event_visit visit,
                       void *owner)
{
    struct kafka_reader *r = reader_of(reader);
    int count = 0;
    while (count < events_max) {
        rd_kafka_message_t *message = next_message(r, count == 0 ? wait_ms : 0);
        if (message == NULL)
            break;
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            int error = take_error(r, message);
            if (count > 0)
                break;
            return error;
        }
        TRY(visit_message(r, message, visit, owner));
        count++;
    }
    return count;
}

static uint64_t reader_generation(const struct event_reader *reader)
{
    return ((const struct kafka_reader *)reader)->generation;
}

/* A member that lost its share meanwhile is refused: the one who has it reads on from before. */
static int reader_commit(struct event_reader *reader)
{
    struct kafka_reader *r = reader_of(reader);
    if (r->visited->cnt == 0)
        return 0;
    rd_kafka_resp_err_t error = rd_kafka_commit(r->handle, r->visited, 0);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_say(&r->problem, "what was read could not be committed", rd_kafka_err2str(error));
        return -ERR_ABSENT;
    }
    rd_kafka_topic_partition_list_destroy(r->visited);
    r->visited = rd_kafka_topic_partition_list_new(KAFKA_PARTITIONS);
    return r->visited == NULL ? -ERR_MEMORY : 0;
}

static const char *reader_problem(const struct event_reader *reader)
{
    return ((const struct kafka_reader *)reader)->problem.text;
}

static void reader_free(struct event_reader *reader)
{
    struct kafka_reader *r = reader_of(reader);
    if (r->held != NULL)
        rd_kafka_message_destroy(r->held);
    r->held = NULL;
    if (r->handle != NULL) {
        (void)rd_kafka_consumer_close(r->handle);
        rd_kafka_destroy(r->handle);
    }
    if (r->visited != NULL)
        rd_kafka_topic_partition_list_destroy(r->visited);
    free(r);
}

static const struct event_reader_ops reader_ops = {
    .read = reader_read,
    .generation = reader_generation,
    .commit = reader_commit,
    .problem = reader_problem,
    .free = reader_free,
};

static int open_handle(struct kafka_reader *r, struct buf *why)
{
    char session[24];
    (void)snprintf(
        session, sizeof session, "%lld",
        (long long)(r->options.session_ms > 0 ? r->options.session_ms : KAFKA_SESSION_MS));
    const struct kafka_setting settings[] = {
        {"group.id", r->options.group},          {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},   {"auto.offset.reset", "earliest"},
        {"isolation.level", "read_committed"},   {"session.timeout.ms", session},
        {"heartbeat.interval.ms", "500"},        {"partition.assignment.strategy", "range"},
        {"queued.max.messages.kbytes", "16384"},
    };
    rd_kafka_conf_t *conf = NULL;
    TRY(kafka_conf_new(&r->options.kafka,
                       (struct kafka_settings){settings, sizeof settings / sizeof *settings},
                       &r->problem, &conf, why));
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    r->handle = kafka_handle_new(RD_KAFKA_CONSUMER, conf, &r->problem);
    if (r->handle == NULL) {
        buf_put_text(why, r->problem.text);
        return -ERR_CONFIG;
    }
    (void)rd_kafka_poll_set_consumer(r->handle);
    return 0;
}

static int subscribe(struct kafka_reader *r)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    if (topics == NULL)
        return -ERR_MEMORY;
    rd_kafka_topic_partition_list_add(topics, r->options.topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(r->handle, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -ERR_CONFIG;
}

int kafka_reader_new(const struct kafka_reader_options *options, struct event_reader **ret_reader,
                     struct buf *why)
{
    struct kafka_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ERR_MEMORY;
    r->reader.ops = &reader_ops;
    r->options = *options;
    r->visited = rd_kafka_topic_partition_list_new(KAFKA_PARTITIONS);
    int error = r->visited == NULL ? -ERR_MEMORY : open_handle(r, why);
    if (error == 0)
        error = subscribe(r);
    if (error < 0) {
        reader_free(&r->reader);
        return error;
    }
    *ret_reader = &r->reader;
    return 0;
}
