/* kafka_reader.c - contract in kafka_reader.h. What was visited is remembered as the next offset of
 * each partition until it is committed; a share that is taken away takes that with it.
 *
 * How far a partition was read is the offset behind its newest message, or the one that its end was
 * told with: behind a message stands the mark of its transaction, which is none to be read. */
#include "adapters/kafka/kafka_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/kafka/kafka_conf.h"
#include "adapters/kafka/kafka_topics.h"
#include "base/assert.h"
#include "base/error.h"

#define LOOK_MS 1000

struct kafka_reader {
    struct event_reader reader;
    struct kafka_reader_options options;
    struct kafka_problem problem;
    rd_kafka_t *handle;                       /* owned, as the three below */
    rd_kafka_topic_partition_list_t *visited; /* next offsets, not committed */
    rd_kafka_topic_partition_list_t *reached; /* how far each part of the share was read */
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
    rd_kafka_topic_partition_list_destroy(r->reached);
    r->reached = rd_kafka_topic_partition_list_new(KAFKA_PARTITIONS);
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

static int remember(struct kafka_reader *r, rd_kafka_topic_partition_list_t *list,
                    int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_find(list, r->options.topic, partition);
    if (at == NULL)
        at = rd_kafka_topic_partition_list_add(list, r->options.topic, partition);
    if (at == NULL)
        return -ERR_MEMORY;
    at->offset = offset;
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
    error = remember(r, r->visited, message->partition, message->offset + 1);
    if (error == 0)
        error = remember(r, r->reached, message->partition, message->offset + 1);
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

/* Something that is no message to visit: 0 when it is only the end of a partition. */
static int take_other(struct kafka_reader *r, rd_kafka_message_t *message)
{
    if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return take_error(r, message);
    int error = remember(r, r->reached, message->partition, message->offset);
    rd_kafka_message_destroy(message);
    return error;
}

/* Nothing came, and it is not known that anybody is there: is the topic? */
static int look_for_topic(struct kafka_reader *r)
{
    if (!r->problem.is_away)
        return 0;
    int count = kafka_topic_partitions(r->handle, r->options.topic, LOOK_MS, &r->problem);
    if (count == -ERR_NOT_FOUND)
        kafka_say(&r->problem, "there is no topic", r->options.topic);
    if (count < 0)
        return -ERR_ABSENT;
    r->problem.is_away = false;
    return 0;
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
            int error = take_other(r, message);
            if (error == 0)
                continue;
            if (count > 0)
                break;
            return error;
        }
        TRY(visit_message(r, message, visit, owner));
        r->problem.is_away = false;
        count++;
    }
    if (count == 0)
        TRY(look_for_topic(r));
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

/* ---- while others work ---- */

/* Calls are what says that this member lives: its share is not fetched meanwhile. What comes all
 * the same is of a share that was given to it just now, which has dropped what was held. */
static int reader_stay(struct event_reader *reader, int wait_ms)
{
    struct kafka_reader *r = reader_of(reader);
    rd_kafka_topic_partition_list_t *share = NULL;
    if (rd_kafka_assignment(r->handle, &share) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return -ERR_ABSENT;
    (void)rd_kafka_pause_partitions(r->handle, share);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(r->handle, wait_ms);
    (void)rd_kafka_resume_partitions(r->handle, share);
    rd_kafka_topic_partition_list_destroy(share);
    if (message == NULL)
        return 0;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return take_other(r, message);
    ASSERT(r->held == NULL);
    r->held = message;
    return 0;
}

/* 0 where nothing is known yet. */
static uint64_t lag_of(struct kafka_reader *r, const rd_kafka_topic_partition_t *part)
{
    int64_t low = RD_KAFKA_OFFSET_INVALID, high = RD_KAFKA_OFFSET_INVALID;
    const rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_find(r->reached, part->topic, part->partition);
    (void)rd_kafka_get_watermark_offsets(r->handle, part->topic, part->partition, &low, &high);
    int64_t reached = at != NULL ? at->offset : low;
    return high > reached && reached >= 0 ? (uint64_t)(high - reached) : 0;
}

static uint64_t reader_lag(struct event_reader *reader)
{
    struct kafka_reader *r = reader_of(reader);
    rd_kafka_topic_partition_list_t *share = NULL;
    uint64_t lag = 0;
    if (rd_kafka_assignment(r->handle, &share) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    for (int i = 0; i < share->cnt; i++)
        lag += lag_of(r, &share->elems[i]);
    rd_kafka_topic_partition_list_destroy(share);
    return lag;
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
    if (r->reached != NULL)
        rd_kafka_topic_partition_list_destroy(r->reached);
    free(r);
}

static const struct event_reader_ops reader_ops = {
    .read = reader_read,
    .generation = reader_generation,
    .commit = reader_commit,
    .stay = reader_stay,
    .lag = reader_lag,
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
        {"queued.max.messages.kbytes", "16384"}, {"enable.partition.eof", "true"},
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
    r->problem.is_away = true; /* nobody has answered yet */
    r->visited = rd_kafka_topic_partition_list_new(KAFKA_PARTITIONS);
    r->reached = rd_kafka_topic_partition_list_new(KAFKA_PARTITIONS);
    int error = r->visited == NULL || r->reached == NULL ? -ERR_MEMORY : open_handle(r, why);
    if (error == 0)
        error = subscribe(r);
    if (error < 0) {
        reader_free(&r->reader);
        return error;
    }
    *ret_reader = &r->reader;
    return 0;
}
