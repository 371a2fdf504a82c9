/* kafka_position.c - contract in kafka_position.h.
 *
 * A partition has the positions of one log, and the last one is what counts, so its tail is read.
 * All of it is where the key is not among that: between compactions millions of messages, which are
 * read for as long as they come. */
#include "adapters/kafka/kafka_position.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/slice.h"

#define NUMBER_DIGITS_MAX 19
#define TAIL_MESSAGES     1000 /* the marks of transactions count as such */

void kafka_position_write(struct buf *text, const char *book, uint64_t position)
{
    buf_printf(text, "{\"book\":\"%s\",\"position\":%llu}", book, (unsigned long long)position);
}

static int parse(struct slice value, const char *book, uint64_t *ret_position)
{
    char memory[KAFKA_POSITION_BYTES_MAX];
    struct buf expected = buf_over(memory, sizeof memory);
    kafka_position_write(&expected, book, 0);
    struct slice head = slice_of(memory, expected.bytes - strlen("0}"));
    uint64_t position = 0;
    if (!slice_begins(value, head))
        return -ERR_CONFIG;
    value = slice_skip(value, head.bytes);
    if (value.bytes < 2 || value.bytes > NUMBER_DIGITS_MAX + 1 || value.at[value.bytes - 1] != '}')
        return -ERR_CONFIG;
    for (size_t i = 0; i + 1 < value.bytes; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return -ERR_CONFIG;
        position = position * 10 + (uint64_t)(value.at[i] - '0');
    }
    *ret_position = position;
    return 0;
}

struct found {
    uint64_t position;
    bool any;
};

/* 1: the end was reached; 0: it was not. */
static int take_message(const rd_kafka_message_t *message, const struct kafka_position_place *place,
                        struct kafka_problem *problem, struct found *found)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return 1;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_say(problem, "positions cannot be read", rd_kafka_message_errstr(message));
        return 0; /* librdkafka goes on by itself, until the wait is over */
    }
    if (!slice_is(slice_of(message->key, message->key_len), place->key))
        return 0;
    int error = parse(slice_of(message->payload, message->len), place->book, &found->position);
    found->any = true;
    if (error < 0)
        kafka_say(problem, "the topic tells of another book", place->key);
    return error;
}

/* As long as something comes within the wait, and for KAFKA_POSITION_READ_MS_MAX at most. */
static int read_to_end(rd_kafka_t *handle, const struct kafka_position_place *place,
                       struct kafka_problem *problem, struct found *found)
{
    int64_t begin_us = clock_us(CLOCK_MONOTONIC), until_us = begin_us + place->wait_ms * US_PER_MS;
    int64_t end_us = begin_us + KAFKA_POSITION_READ_MS_MAX * US_PER_MS;
    int result = 0;
    while (result == 0) {
        int64_t left_us = until_us - clock_us(CLOCK_MONOTONIC);
        if (left_us <= 0)
            return -ERR_ABSENT;
        rd_kafka_message_t *message =
            rd_kafka_consumer_poll(handle, (int)(left_us / US_PER_MS) + 1);
        if (message == NULL)
            continue;
        result = take_message(message, place, problem, found);
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            until_us = clock_us(CLOCK_MONOTONIC) + place->wait_ms * US_PER_MS;
        if (until_us > end_us)
            until_us = end_us;
        rd_kafka_message_destroy(message);
    }
    return result < 0 ? result : 0;
}

static int assign(rd_kafka_t *handle, int32_t partition, int64_t offset,
                  struct kafka_problem *problem)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    if (list == NULL)
        return -ERR_MEMORY;
    rd_kafka_topic_partition_list_add(list, KAFKA_POSITIONS, partition)->offset = offset;
    rd_kafka_resp_err_t error = rd_kafka_assign(handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    kafka_say(problem, "positions cannot be read", rd_kafka_err2str(error));
    return -ERR_ABSENT;
}

/* From that offset to the end. */
static int read_from(rd_kafka_t *handle, int64_t offset, const struct kafka_position_place *place,
                     struct kafka_problem *problem, struct found *found)
{
    *found = (struct found){.any = false};
    TRY(assign(handle, place->partition, offset, problem));
    return read_to_end(handle, place, problem, found);
}

int kafka_position_read(const struct kafka_position_place *place, struct kafka_problem *problem,
                        uint64_t *ret_position)
{
    static const struct kafka_setting settings[] = {
        {"group.id", KAFKA_POSITIONS},     {"enable.auto.commit", "false"},
        {"enable.partition.eof", "true"},  {"isolation.level", "read_committed"},
        {"auto.offset.reset", "earliest"},
    };
    char memory[KAFKA_PROBLEM_BYTES];
    struct buf why = buf_over(memory, sizeof memory);
    rd_kafka_conf_t *conf = NULL;
    TRY(kafka_conf_new(place->kafka,
                       (struct kafka_settings){settings, sizeof settings / sizeof *settings},
                       problem, &conf, &why));
    rd_kafka_t *handle = kafka_handle_new(RD_KAFKA_CONSUMER, conf, problem);
    if (handle == NULL)
        return -ERR_CONFIG;
    (void)rd_kafka_poll_set_consumer(handle);
    struct found found;
    int result = read_from(handle, RD_KAFKA_OFFSET_TAIL(TAIL_MESSAGES), place, problem, &found);
    if (result == 0 && !found.any)
        result = read_from(handle, RD_KAFKA_OFFSET_BEGINNING, place, problem, &found);
    (void)rd_kafka_consumer_close(handle);
    rd_kafka_destroy(handle);
    if (result == 0)
        *ret_position = found.position;
    return result;
}
