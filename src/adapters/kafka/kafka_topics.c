/* kafka_topics.c - contract in kafka_topics.h. */
#include "adapters/kafka/kafka_topics.h"

#include "base/error.h"

#define WORDS_BYTES 512

int kafka_topic_partitions(rd_kafka_t *handle, const char *name, int64_t wait_ms,
                           struct kafka_problem *problem)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, name, NULL);
    if (topic == NULL)
        return -ERR_MEMORY;
    rd_kafka_resp_err_t error = rd_kafka_metadata(handle, 0, topic, &metadata, (int)wait_ms);
    rd_kafka_topic_destroy(topic);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_say(problem, "no broker says which topics there are", rd_kafka_err2str(error));
        return -ERR_ABSENT;
    }
    int result = -ERR_NOT_FOUND;
    if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR &&
        metadata->topics[0].partition_cnt > 0)
        result = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    if (result < 0)
        kafka_say(problem, "this topic is not there", name);
    return result;
}

/* What is written to is never compacted, and by default a GiB is written before it is another's. */
static void compact(rd_kafka_NewTopic_t *topic)
{
    (void)rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "compact");
    (void)rd_kafka_NewTopic_set_config(topic, "segment.bytes", "16777216");
    (void)rd_kafka_NewTopic_set_config(topic, "segment.ms", "3600000");
    (void)rd_kafka_NewTopic_set_config(topic, "min.cleanable.dirty.ratio", "0.1");
}

static rd_kafka_NewTopic_t *describe(const struct kafka_topic *topic)
{
    char words[WORDS_BYTES];
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic->name, KAFKA_PARTITIONS,
                                                      (int)topic->copies, words, sizeof words);
    if (made == NULL)
        return NULL;
    if (topic->compacted)
        compact(made);
    else
        (void)rd_kafka_NewTopic_set_config(made, "retention.ms", KAFKA_RETENTION_MS);
    if (topic->copies > 2) /* of three one may be lost, and the others go on */
        (void)rd_kafka_NewTopic_set_config(made, "min.insync.replicas", "2");
    return made;
}

static int result_of(rd_kafka_event_t *event, struct kafka_problem *problem)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    size_t count = 0;
    const rd_kafka_topic_result_t **topics =
        result == NULL ? NULL : rd_kafka_CreateTopics_result_topics(result, &count);
    rd_kafka_resp_err_t error =
        count == 1 ? rd_kafka_topic_result_error(topics[0]) : rd_kafka_event_error(event);
    if (count == 1 &&
        (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS))
        return 0;
    kafka_say(problem, "a topic could not be made", rd_kafka_err2str(error));
    return -ERR_ABSENT;
}

int kafka_topic_make(rd_kafka_t *handle, const struct kafka_topic *topic, int64_t wait_ms,
                     struct kafka_problem *problem)
{
    rd_kafka_NewTopic_t *made = describe(topic);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    int result = -ERR_MEMORY;
    if (made != NULL && queue != NULL) {
        rd_kafka_CreateTopics(handle, &made, 1, NULL, queue);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, (int)wait_ms);
        result = event == NULL ? -ERR_ABSENT : result_of(event, problem);
        rd_kafka_event_destroy(event);
    }
    if (queue != NULL)
        rd_kafka_queue_destroy(queue);
    if (made != NULL)
        rd_kafka_NewTopic_destroy(made);
    return result;
}
