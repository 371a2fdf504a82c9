/* test_kafka_positions.c - how far a log was told, as a real broker's topic keeps it
 * (adapters/kafka/kafka_position.h): its own partition, its tail, and what stands behind others'.
 */
#include "test.h"

#include <librdkafka/rdkafka.h>
#include <string.h>

#include "adapters/kafka/kafka_writer.h"
#include "base/error.h"
#include "kafka_server.h"

#define WAIT_MS   5000
#define SHARD     30 /* of partitions 60 and 61: nobody else's here */
#define OF_OTHERS 1500

static struct event_writer *writer_of(uint32_t shard)
{
    const struct kafka_writer_options options = {
        .kafka = {.url = kafka_server(), .wait_ms_max = WAIT_MS},
        .topic = "positions-test",
        .shard = shard,
        .copies = 1};
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct event_writer *writer = NULL;
    if (options.kafka.url == NULL)
        skip();
    assert_int_equal(kafka_writer_new(&options, &writer, &why), 0);
    return writer;
}

/* A broker that has just begun may need more than one asking. */
static uint64_t begin(struct event_writer *writer)
{
    uint64_t position = 0;
    int error = -ERR_ABSENT;
    for (int tries = 0; tries < 20 && error == -ERR_ABSENT; tries++)
        error = writer->ops->begin(writer, &position);
    if (error < 0)
        fail_msg("%s", writer->ops->problem(writer));
    return position;
}

static uint64_t begin_anew(uint32_t shard)
{
    struct event_writer *writer = writer_of(shard);
    uint64_t position = begin(writer);
    writer->ops->free(writer);
    return position;
}

/* Messages of another key into the same partition. */
static void write_others(int32_t partition)
{
    char problem[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers",
                                       kafka_server() + strlen(KAFKA_URL_PREFIX), problem,
                                       sizeof problem),
                     RD_KAFKA_CONF_OK);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
    assert_non_null(producer);
    for (int i = 0; i < OF_OTHERS; i++)
        assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(KAFKA_POSITIONS),
                                           RD_KAFKA_V_PARTITION(partition),
                                           RD_KAFKA_V_KEY("another", 7), RD_KAFKA_V_VALUE("{}", 2),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                           RD_KAFKA_V_END),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_flush(producer, 60000), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(producer);
}

TEST(kafka_positions, the_last_one_is_found_in_the_tail_and_behind_others)
{
    struct event_writer *writer = writer_of(SHARD);
    assert_int_equal(begin(writer), 0);
    for (uint64_t position = 1; position <= 5; position++)
        assert_int_equal(writer->ops->commit(writer, position), 0);
    writer->ops->free(writer);
    assert_int_equal(begin_anew(SHARD), 5);
    write_others(2 * SHARD + 1);
    assert_int_equal(begin_anew(SHARD), 5);
}

TEST(kafka_positions, a_shard_without_partitions_of_its_own_does_not_take_anothers)
{
    struct event_writer *writer = writer_of(KAFKA_PARTITIONS / 2);
    uint64_t position = 99;
    (void)begin_anew(SHARD); /* the topic is there */
    assert_int_equal(writer->ops->begin(writer, &position), -ERR_ABSENT);
    assert_non_null(strstr(writer->ops->problem(writer), "too few partitions"));
    assert_int_equal(position, 99);
    writer->ops->free(writer);
}
