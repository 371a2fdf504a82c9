/* test_event_stream_kafka.c - the contract of streams through a topic of a real broker
 * (app/stream_publisher.h, adapters/kafka), and through one behind a wire that fails. */
#include <stdlib.h>

#include "adapters/kafka/kafka_reader.h"
#include "adapters/kafka/kafka_writer.h"
#include "app/stream_publisher.h"
#include "event_stream_contract.h"
#include "fault_proxy.h"
#include "kafka_server.h"

#define TOPIC   "contract"
#define WAIT_MS 2000

struct kafka_subject {
    struct stream_subject subject;
    const char *url;
    struct fault_proxy *wire; /* NULL: none */
    struct stream_source held;
    struct event_writer *writer;
    struct stream_publisher *publisher;
    enum wire_fault fault;
    unsigned losses; /* when the fault began */
    bool was_away;   /* the publisher, since then */
};

static struct kafka_subject *kafka_of(struct stream_subject *subject)
{
    return (struct kafka_subject *)subject;
}

static struct event_reader *reader_new(struct stream_subject *subject, const char *group)
{
    const struct kafka_reader_options options = {
        .kafka = {.url = kafka_of(subject)->url, .wait_ms_max = WAIT_MS},
        .topic = TOPIC,
        .group = group};
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct event_reader *reader = NULL;
    assert_int_equal(kafka_reader_new(&options, &reader, &why), 0);
    return reader;
}

static bool tell(struct stream_subject *subject)
{
    struct kafka_subject *kafka = kafka_of(subject);
    int result = stream_publisher_step(kafka->publisher);
    assert_true(result >= 0);
    kafka->was_away |= result == PUBLISHER_AWAY;
    return result == PUBLISHER_IDLE;
}

static void disturb(struct stream_subject *subject, enum wire_fault fault)
{
    static const enum fault faults[] = {[WIRE_LOSES_REQUEST] = FAULT_LOSE_REQUEST,
                                        [WIRE_LOSES_ANSWER] = FAULT_LOSE_ANSWER,
                                        [WIRE_IS_SILENT] = FAULT_SILENCE,
                                        [WIRE_REFUSES] = FAULT_REFUSE,
                                        [WIRE_WORKS] = FAULT_NONE};
    struct kafka_subject *kafka = kafka_of(subject);
    kafka->fault = fault;
    kafka->losses = fault_proxy_losses(kafka->wire);
    kafka->was_away = false;
    fault_proxy_set(kafka->wire, faults[fault]);
}

static bool was_met(struct stream_subject *subject)
{
    struct kafka_subject *kafka = kafka_of(subject);
    return kafka->fault == WIRE_LOSES_REQUEST || kafka->fault == WIRE_LOSES_ANSWER
               ? fault_proxy_losses(kafka->wire) > kafka->losses
               : kafka->was_away;
}

static void subject_free(struct stream_subject *subject)
{
    struct kafka_subject *kafka = kafka_of(subject);
    stream_publisher_free(kafka->publisher);
    kafka->writer->ops->free(kafka->writer);
    stream_source_close(&kafka->held);
    stream_subject_close(subject);
    free(kafka);
}

static struct stream_subject *subject_at(const char *url, struct fault_proxy *wire)
{
    struct kafka_subject *kafka = calloc(1, sizeof *kafka);
    struct kafka_writer_options options = {
        .kafka = {.url = url, .wait_ms_max = WAIT_MS}, .topic = TOPIC, .atomic = true, .copies = 1};
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    assert_non_null(kafka);
    kafka->subject = (struct stream_subject){.reader_new = reader_new,
                                             .tell = tell,
                                             .disturb = disturb,
                                             .was_met = was_met,
                                             .free = subject_free};
    kafka->url = url;
    kafka->wire = wire;
    stream_subject_open(&kafka->subject);
    stream_source_open(&kafka->subject, &kafka->held);
    options.shard = kafka->subject.shard;
    assert_int_equal(kafka_writer_new(&options, &kafka->writer, &why), 0);
    assert_int_equal(stream_publisher_new(kafka->held.source, kafka->writer, &kafka->publisher), 0);
    return &kafka->subject;
}

static struct stream_subject *kafka_new(void)
{
    const char *url = kafka_server();
    return url == NULL ? NULL : subject_at(url, NULL);
}

static struct stream_subject *behind_wire_new(void)
{
    const char *url = kafka_server_behind_wire();
    return url == NULL ? NULL : subject_at(url, kafka_server_wire());
}

EVENT_STREAM_CONTRACT(event_stream_kafka, kafka_new)
EVENT_STREAM_CONTRACT_FAULTS(event_stream_wire, behind_wire_new)
