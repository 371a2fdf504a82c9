/* kafka_writer.c - contract in kafka_writer.h. After any failure the handle is thrown away: what it
 * still had is purged, and begin() makes another, which fences the old one where that matters. */
#include "adapters/kafka/kafka_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/kafka/kafka_conf.h"
#include "adapters/kafka/kafka_position.h"
#include "adapters/kafka/kafka_topics.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"

#define POLL_MS      50
#define POLL_EVERY   512 /* puts: failed deliveries are told within calls only */
#define FIND_TRIES   40  /* POLL_MS each */
#define CLOSE_MS     1000
#define TOPIC_BYTES  96
#define SETTINGS_MAX 16

struct kafka_writer {
    struct event_writer writer;
    struct kafka_writer_options options;
    struct kafka_problem problem;
    char book[2 * KAFKA_BOOK_BYTES + 1];
    char key[TOPIC_BYTES + 16]; /* TOPIC/SHARD */
    char transactional_id[TOPIC_BYTES + 32];
    rd_kafka_t *handle; /* owned, as the next; NULL: begin() is due */
    rd_kafka_topic_t *topic;
    int32_t position_partition;
    bool in_transaction;
    char schema[24]; /* the header's digits; "": it is left out */
    uint64_t puts;
    uint64_t undelivered; /* since begin() */
};

static struct kafka_writer *writer_of(struct event_writer *writer)
{
    return (struct kafka_writer *)writer;
}

static int64_t wait_ms(const struct kafka_writer *w)
{
    return w->options.kafka.wait_ms_max > 0 ? w->options.kafka.wait_ms_max : KAFKA_WAIT_MS_MAX;
}

static void end_handle(struct kafka_writer *w)
{
    if (w->topic != NULL)
        rd_kafka_topic_destroy(w->topic);
    if (w->handle != NULL) {
        (void)rd_kafka_purge(w->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_flush(w->handle, CLOSE_MS); /* the reports of what was purged */
        rd_kafka_destroy(w->handle);
    }
    w->topic = NULL;
    w->handle = NULL;
    w->in_transaction = false;
}

/* Ends the handle: what follows is begin(). */
static int absent(struct kafka_writer *w, const char *what, const char *why)
{
    if (why != NULL)
        kafka_say(&w->problem, what, why);
    end_handle(w);
    return -ERR_ABSENT;
}

/* The reason of a transactional call's failure; ends the error. */
static int absent_error(struct kafka_writer *w, const char *what, rd_kafka_error_t *error)
{
    kafka_say(&w->problem, what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return absent(w, what, NULL);
}

/* ---- begin ---- */

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *owner)
{
    struct kafka_writer *w = message->_private;
    (void)handle;
    (void)owner;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    w->undelivered++;
    if (message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
        message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        kafka_say(&w->problem, "a message was not taken", rd_kafka_err2str(message->err));
}

static int open_handle(struct kafka_writer *w, struct buf *why)
{
    char kbytes[24];
    (void)snprintf(kbytes, sizeof kbytes, "%d", KAFKA_UNSENT_KBYTES_MAX);
    struct kafka_setting settings[SETTINGS_MAX] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"partitioner", "murmur2_random"}, /* as Java's clients do, so that keys meet */
        {"compression.type", w->options.compression == NULL ? "lz4" : w->options.compression},
        {"linger.ms", "5"},
        {"queue.buffering.max.kbytes", kbytes},
        {"queue.buffering.max.messages", "1000000"}, /* the bytes are the bound */
        {"message.timeout.ms", "30000"},
        {"delivery.report.only.error", "true"},
    };
    size_t count = 9;
    if (w->options.atomic) {
        settings[count++] = (struct kafka_setting){"transactional.id", w->transactional_id};
        settings[count++] = (struct kafka_setting){"transaction.timeout.ms", "60000"};
    }
    rd_kafka_conf_t *conf = NULL;
    TRY(kafka_conf_new(&w->options.kafka, (struct kafka_settings){settings, count}, &w->problem,
                       &conf, why));
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    w->handle = kafka_handle_new(RD_KAFKA_PRODUCER, conf, &w->problem);
    return w->handle == NULL ? -ERR_CONFIG : 0;
}

static int find_topic(struct kafka_writer *w, const struct kafka_topic *topic)
{
    int count = kafka_topic_partitions(w->handle, topic->name, wait_ms(w), &w->problem);
    if (count == -ERR_NOT_FOUND && topic->copies > 0) {
        TRY(kafka_topic_make(w->handle, topic, wait_ms(w), &w->problem));
        for (int tries = 0; count == -ERR_NOT_FOUND && tries < FIND_TRIES; tries++) {
            (void)rd_kafka_poll(w->handle, POLL_MS); /* not all brokers know of it yet */
            count = kafka_topic_partitions(w->handle, topic->name, wait_ms(w), &w->problem);
        }
    }
    return count == -ERR_NOT_FOUND ? -ERR_ABSENT : count;
}

/* Of two topics of a shard, the positions lie in two partitions, and in no other shard's: a
 * transaction that is open holds back what stands behind it, and then an older position would be
 * the last one that is seen. */
static int find_positions(struct kafka_writer *w)
{
    const struct kafka_topic positions = {KAFKA_POSITIONS, w->options.copies, true};
    uint32_t partition = 2 * w->options.shard + (w->options.atomic ? 0 : 1);
    int count = find_topic(w, &positions);
    TRY(count);
    w->position_partition = (int32_t)partition;
    if (partition < (uint32_t)count)
        return 0;
    kafka_say(&w->problem, "the topic has too few partitions, of which each shard needs two",
              KAFKA_POSITIONS);
    return -ERR_ABSENT;
}

static int find_topics(struct kafka_writer *w)
{
    const struct kafka_topic topic = {w->options.topic, w->options.copies, false};
    TRY(find_topic(w, &topic));
    TRY(find_positions(w));
    w->topic = rd_kafka_topic_new(w->handle, w->options.topic, NULL);
    return w->topic == NULL ? -ERR_MEMORY : 0;
}

static int read_position(struct kafka_writer *w, uint64_t *ret_position)
{
    const struct kafka_position_place place = {.kafka = &w->options.kafka,
                                               .key = w->key,
                                               .book = w->book,
                                               .partition = w->position_partition,
                                               .wait_ms = wait_ms(w)};
    return kafka_position_read(&place, &w->problem, ret_position);
}

static int begin_handle(struct kafka_writer *w, uint64_t *ret_position)
{
    struct buf why = buf_over(w->problem.text, sizeof w->problem.text - 1);
    TRY(open_handle(w, &why));
    TRY(find_topics(w));
    rd_kafka_error_t *error =
        w->options.atomic ? rd_kafka_init_transactions(w->handle, (int)wait_ms(w)) : NULL;
    if (error != NULL)
        return absent_error(w, "no transactions yet", error);
    return read_position(w, ret_position);
}

static int writer_begin(struct event_writer *writer, uint64_t *ret_position)
{
    struct kafka_writer *w = writer_of(writer);
    end_handle(w);
    w->undelivered = 0;
    int error = begin_handle(w, ret_position);
    if (error < 0)
        end_handle(w);
    return error;
}

/* ---- put ---- */

static int begin_transaction(struct kafka_writer *w)
{
    if (!w->options.atomic || w->in_transaction)
        return 0;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(w->handle);
    if (error != NULL)
        return absent_error(w, "no transaction", error);
    w->in_transaction = true;
    return 0;
}

/* One message into librdkafka's queue, which is bounded: when it is full, what is under way is
 * waited for. */
static int produce(struct kafka_writer *w, const rd_kafka_vu_t *fields, size_t count)
{
    int64_t until_us = clock_us(CLOCK_MONOTONIC) + wait_ms(w) * US_PER_MS;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_produceva(w->handle, fields, count);
        if (error == NULL)
            break;
        if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__QUEUE_FULL ||
            clock_us(CLOCK_MONOTONIC) > until_us)
            return absent_error(w, "no room for a message", error);
        rd_kafka_error_destroy(error);
        (void)rd_kafka_poll(w->handle, POLL_MS);
    }
    if (++w->puts % POLL_EVERY == 0)
        (void)rd_kafka_poll(w->handle, 0);
    return w->undelivered == 0 ? 0 : absent(w, "", NULL);
}

#define FIELD_KEY(from)                                                                            \
    {                                                                                              \
        .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)(from).at, (from).bytes }        \
    }
#define FIELD_VALUE(from)                                                                          \
    {                                                                                              \
        .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)(from).at, (from).bytes }      \
    }
#define FIELD_COPY                                                                                 \
    {                                                                                              \
        .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY                               \
    }
#define FIELD_US(w)                                                                                \
    {                                                                                              \
        .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (w)                                               \
    }
#define FIELD_AT(us)                                                                               \
    {                                                                                              \
        .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = (us) / US_PER_MS                               \
    }

static int writer_put(struct event_writer *writer, const struct event *event)
{
    struct kafka_writer *w = writer_of(writer);
    ASSERT(event->key.bytes <= EVENT_KEY_BYTES_MAX && event->value.bytes <= EVENT_VALUE_BYTES_MAX);
    if (w->handle == NULL)
        return -ERR_ABSENT;
    TRY(begin_transaction(w));
    const size_t schema_bytes = strlen(w->schema);
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = w->topic},
        FIELD_KEY(event->key),
        FIELD_VALUE(event->value),
        {.vtype = RD_KAFKA_VTYPE_HEADER,
         .u.header = {"seq", event->seq.at, (ssize_t)event->seq.bytes}},
        FIELD_AT(event->time_us),
        FIELD_COPY,
        FIELD_US(w),
        {.vtype = RD_KAFKA_VTYPE_HEADER,
         .u.header = {KAFKA_SCHEMA, w->schema, (ssize_t)schema_bytes}}, /* may be left out */
    };
    return produce(w, fields, sizeof fields / sizeof *fields - (schema_bytes == 0));
}

/* ---- commit ---- */

static int flush(struct kafka_writer *w)
{
    rd_kafka_resp_err_t error = rd_kafka_flush(w->handle, (int)wait_ms(w));
    if (w->undelivered > 0)
        return absent(w, "", NULL);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR
               ? 0
               : absent(w, "the brokers have not acknowledged", rd_kafka_err2str(error));
}

static int put_position(struct kafka_writer *w, uint64_t position)
{
    char memory[KAFKA_POSITION_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    kafka_position_write(&text, w->book, position);
    const struct slice key = slice_text(w->key), value = buf_slice(&text);
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = KAFKA_POSITIONS},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = w->position_partition},
        FIELD_KEY(key),
        FIELD_VALUE(value),
        FIELD_COPY,
        FIELD_US(w),
    };
    return produce(w, fields, sizeof fields / sizeof *fields);
}

static int writer_commit(struct event_writer *writer, uint64_t position)
{
    struct kafka_writer *w = writer_of(writer);
    if (w->handle == NULL)
        return -ERR_ABSENT;
    TRY(begin_transaction(w));
    if (!w->options.atomic)
        TRY(flush(w)); /* a position is never ahead of what it speaks of */
    TRY(put_position(w, position));
    if (!w->options.atomic)
        return flush(w);
    rd_kafka_error_t *error = rd_kafka_commit_transaction(w->handle, (int)wait_ms(w));
    if (error != NULL)
        return absent_error(w, "a transaction was not committed", error);
    w->in_transaction = false;
    return w->undelivered == 0 ? 0 : absent(w, "", NULL);
}

void kafka_writer_name_schema(struct event_writer *writer, int64_t id)
{
    struct kafka_writer *w = writer_of(writer);
    (void)snprintf(w->schema, sizeof w->schema, "%lld", (long long)id);
}

static const char *writer_problem(const struct event_writer *writer)
{
    return ((const struct kafka_writer *)writer)->problem.text;
}

static void writer_free(struct event_writer *writer)
{
    struct kafka_writer *w = writer_of(writer);
    end_handle(w);
    free(w);
}

static const struct event_writer_ops writer_ops = {writer_begin, writer_put, writer_commit,
                                                   writer_problem, writer_free};

static void put_names(struct kafka_writer *w)
{
    struct buf book = buf_over(w->book, sizeof w->book);
    for (size_t i = 0; i < KAFKA_BOOK_BYTES; i++)
        buf_printf(&book, "%02x", w->options.book[i]);
    (void)snprintf(w->key, sizeof w->key, "%s/%u", w->options.topic, w->options.shard);
    (void)snprintf(w->transactional_id, sizeof w->transactional_id, "overround-%s-%u",
                   w->options.topic, w->options.shard);
}

int kafka_writer_new(const struct kafka_writer_options *options, struct event_writer **ret_writer,
                     struct buf *why)
{
    ASSERT(strlen(options->topic) < TOPIC_BYTES);
    struct kafka_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ERR_MEMORY;
    w->writer.ops = &writer_ops;
    w->options = *options;
    put_names(w);
    int error = open_handle(w, why); /* a bad configuration is told at once */
    if (error < 0) {
        writer_free(&w->writer);
        return error;
    }
    *ret_writer = &w->writer;
    return 0;
}
