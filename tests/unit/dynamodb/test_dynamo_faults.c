/* test_dynamo_faults.c - of the ledger on a server of DynamoDB's API, what only that has: haste, a
 * failure that is no answer, keys that end, tables and items of others (adapters/dynamodb; DESIGN
 * part 3, L1, L2). What is lost on the way to any engine: tests/contract/ledger_log_wire.c. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/curl/curl_signed.h"
#include "adapters/dynamodb/dynamo_ledger.h"
#include "base/error.h"
#include "dynamo_server.h"
#include "fault_proxy.h"
#include "log_records.h"

#define RECORD_BYTES 328
#define TRIES        30000 /* of a millisecond: generous */
#define THROTTLED                                                                                  \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException\"}"

struct writer {
    struct ledger_log *log;
    uint64_t epoch;
    struct ledger_append append;
    char records[64 * RECORD_BYTES];
    unsigned answers;
    enum append_outcome outcome;
};

struct scene {
    struct fault_proxy *proxy;
    struct dynamo_url url; /* through the proxy */
};

static void scene_begin(struct scene *scene)
{
    int port = dynamo_server(), wire = 0;
    if (port == 0)
        skip();
    *scene = (struct scene){.proxy = fault_proxy_new_tcp(port, &wire)};
    (void)snprintf(scene->url.table, sizeof scene->url.table, "%s", dynamo_server_table());
    (void)snprintf(scene->url.region, sizeof scene->url.region, "eu-west-1");
    (void)snprintf(scene->url.endpoint, sizeof scene->url.endpoint, "http://127.0.0.1:%d/", wire);
    /* The fixture gives the program keys, which a test may have taken from it. */
    (void)setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "of-a-test", 1);
}

static void scene_end(struct scene *scene)
{
    fault_proxy_free(scene->proxy);
}

static int try_open(const struct dynamo_url *url, struct ledger_log **ret_log, char ret_why[256])
{
    struct buf why = buf_over(ret_why, 255);
    struct dynamo_ledger_options options = {.url = url, .close_us_max = 1000000};
    const struct curl_signed_options service = {
        .url = url->endpoint, .region = url->region, .service = "dynamodb"};
    for (size_t i = 0; i < DYNAMO_LEDGER_CLIENTS; i++)
        assert_int_equal(curl_signed_new(&service, &options.clients[i], &why), 0);
    int error = dynamo_ledger_open(&options, ret_log, &why);
    ret_why[why.bytes] = '\0';
    return error;
}

static void writer_open(struct writer *writer, const struct dynamo_url *url)
{
    char why[256];
    *writer = (struct writer){.epoch = 0};
    if (try_open(url, &writer->log, why) != 0)
        fail_msg("%s", why);
    assert_int_equal(writer->log->ops->take_epoch(writer->log, 0, &writer->epoch), 0);
}

static void writer_close(struct writer *writer)
{
    writer->log->ops->free(writer->log);
}

static void on_done(struct ledger_append *append, enum append_outcome outcome)
{
    struct writer *writer = append->owner;
    writer->answers++;
    writer->outcome = outcome;
}

static void begin_append(struct writer *writer, uint64_t tail, uint32_t count)
{
    size_t bytes = log_records_make(writer->records, RECORD_BYTES, tail + 1, count, writer->epoch);
    writer->answers = 0;
    writer->append = (struct ledger_append){.epoch = writer->epoch,
                                            .expected_tail = tail,
                                            .records = writer->records,
                                            .bytes = bytes,
                                            .count = count,
                                            .on_done = on_done,
                                            .owner = writer};
    assert_int_equal(writer->log->ops->append(writer->log, &writer->append), 0);
}

static enum append_outcome end_append(struct writer *writer)
{
    for (int i = 0; i < TRIES && writer->answers == 0; i++) {
        writer->log->ops->poll(writer->log);
        usleep(1000);
    }
    assert_int_equal(writer->answers, 1);
    return writer->outcome;
}

static enum append_outcome append(struct writer *writer, uint64_t tail, uint32_t count)
{
    begin_append(writer, tail, count);
    return end_append(writer);
}

static struct batch_ledger_stats stats_of(struct writer *writer)
{
    struct batch_ledger_stats stats;
    batch_ledger_stats(writer->log, &stats);
    return stats;
}

static bool is_stalled(struct writer *writer)
{
    for (int i = 0; i < TRIES; i++) {
        if (writer->log->ops->trouble(writer->log) == LEDGER_STALLED)
            return true;
        usleep(1000);
    }
    return false;
}

static long items_of(const struct scene *scene)
{
    char ask[400];
    (void)snprintf(ask, sizeof ask,
                   "{\"TableName\":\"%s\",\"Select\":\"COUNT\",\"ConsistentRead\":true}",
                   scene->url.table);
    const char *count = strstr(dynamo_server_ask("Scan", ask), "\"Count\":");
    assert_non_null(count);
    return strtol(count + strlen("\"Count\":"), NULL, 10);
}

/* ---- one writer ---- */

TEST(dynamo_faults, haste_is_waited_out_and_is_no_trouble_when_it_is_short)
{
    struct scene scene;
    struct writer writer;
    scene_begin(&scene);
    writer_open(&writer, &scene.url);
    fault_proxy_answer(scene.proxy, 2, "400 Bad Request", THROTTLED);
    begin_append(&writer, 0, 2);
    while (writer.answers == 0) {
        assert_int_equal(writer.log->ops->trouble(writer.log), LEDGER_WELL);
        writer.log->ops->poll(writer.log);
        usleep(1000);
    }
    assert_int_equal(writer.outcome, APPEND_OK);
    assert_int_equal(stats_of(&writer).again, 2);
    assert_int_equal(fault_proxy_answered(scene.proxy), 2);
    writer_close(&writer);
    scene_end(&scene);
}

TEST(dynamo_faults, throttling_that_lasts_is_said)
{
    struct scene scene;
    struct writer writer;
    scene_begin(&scene);
    writer_open(&writer, &scene.url);
    fault_proxy_answer(scene.proxy, 0, "400 Bad Request", THROTTLED);
    begin_append(&writer, 0, 2);
    assert_true(is_stalled(&writer));
    fault_proxy_set(scene.proxy, FAULT_NONE);
    assert_int_equal(end_append(&writer), APPEND_OK);
    assert_true(stats_of(&writer).again >= 2);
    assert_int_equal(writer.log->ops->trouble(writer.log), LEDGER_WELL);
    assert_int_equal(items_of(&scene), 2);
    writer_close(&writer);
    scene_end(&scene);
}

/* It may have been taken before the service failed: it is looked for before it is put again. */
TEST(dynamo_faults, a_failure_of_the_service_is_no_answer)
{
    struct scene scene;
    struct writer writer;
    scene_begin(&scene);
    writer_open(&writer, &scene.url);
    fault_proxy_answer(scene.proxy, 2, "500 Internal Server Error",
                       "{\"__type\":\"InternalServerError\"}");
    assert_int_equal(append(&writer, 0, 2), APPEND_OK);
    assert_true(stats_of(&writer).lost >= 1);
    assert_int_equal(items_of(&scene), 2);
    writer_close(&writer);
    scene_end(&scene);
}

TEST(dynamo_faults, keys_are_looked_for_again_when_they_have_ended)
{
    char path[] = "/tmp/overround-keys-XXXXXX";
    struct scene scene;
    struct writer writer;
    scene_begin(&scene);
    FILE *file = fdopen(mkstemp(path), "w");
    (void)fprintf(file, "[default]\naws_access_key_id=A\naws_secret_access_key=S\n");
    (void)fclose(file);
    (void)snprintf(scene.url.credentials, sizeof scene.url.credentials, "%s", path);
    writer_open(&writer, &scene.url);
    fault_proxy_answer(scene.proxy, 1, "400 Bad Request", "{\"__type\":\"ExpiredTokenException\"}");
    (void)unlink(path); /* the old keys stay where there are no new ones */
    assert_int_equal(append(&writer, 0, 2), APPEND_OK);
    assert_int_equal(stats_of(&writer).again, 1);
    writer_close(&writer);
    scene_end(&scene);
}

/* ---- what is stored ---- */

static int ignore(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    (void)owner, (void)shard, (void)record, (void)bytes;
    return 0;
}

TEST(dynamo_table, a_changed_or_missing_item_is_found)
{
    static const char *const set[] = {
        "\"UpdateExpression\":\"SET #x = :v\",\"ExpressionAttributeNames\":{\"#x\":\"records\"},"
        "\"ExpressionAttributeValues\":{\":v\":{\"B\":\"AQID\"}}",
        "\"UpdateExpression\":\"SET #x = :v\",\"ExpressionAttributeNames\":{\"#x\":\"crc\"},"
        "\"ExpressionAttributeValues\":{\":v\":{\"N\":\"1\"}}",
        "\"UpdateExpression\":\"SET #x = :v\",\"ExpressionAttributeNames\":{\"#x\":\"epoch\"},"
        "\"ExpressionAttributeValues\":{\":v\":{\"N\":\"9\"}}",
        "\"UpdateExpression\":\"SET #x = :v\",\"ExpressionAttributeNames\":{\"#x\":\"seq_first\"},"
        "\"ExpressionAttributeValues\":{\":v\":{\"S\":\"no number\"}}",
        NULL, /* it is deleted */
    };
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
        struct scene scene;
        struct writer writer;
        char ask[800];
        scene_begin(&scene);
        writer_open(&writer, &scene.url);
        for (uint64_t tail = 0; tail < 8; tail += 2)
            assert_int_equal(append(&writer, tail, 2), APPEND_OK);
        (void)snprintf(ask, sizeof ask,
                       "{\"TableName\":\"%s\",\"Key\":{\"shard\":{\"S\":\"%04x-0\"},"
                       "\"batch_no\":{\"N\":\"3\"}}%s%s}",
                       scene.url.table, batch_prefix(0), set[i] == NULL ? "" : ",",
                       set[i] == NULL ? "" : set[i]);
        (void)dynamo_server_ask(set[i] == NULL ? "DeleteItem" : "UpdateItem", ask);
        assert_int_equal(writer.log->ops->replay(writer.log, 0, 1, ignore, NULL), -ERR_CORRUPT);
        assert_true(strlen(batch_ledger_problem(writer.log)) > 10);
        writer_close(&writer);
        scene_end(&scene);
    }
}

TEST(dynamo_table, with_other_keys_or_of_a_newer_program_is_refused)
{
    struct scene scene;
    struct writer writer;
    struct ledger_log *log = NULL;
    char ask[800], why[256];
    scene_begin(&scene);
    (void)snprintf(ask, sizeof ask,
                   "{\"TableName\":\"%s\",\"BillingMode\":\"PAY_PER_REQUEST\","
                   "\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}],"
                   "\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}]}",
                   scene.url.table);
    dynamo_server_make_table(scene.url.table, ask);
    assert_int_equal(try_open(&scene.url, &log, why), -ERR_CONFIG);
    assert_non_null(strstr(why, "other keys"));
    scene_end(&scene);

    scene_begin(&scene);
    writer_open(&writer, &scene.url);
    writer_close(&writer);
    (void)snprintf(ask, sizeof ask,
                   "{\"TableName\":\"%s\",\"Key\":{\"shard\":{\"S\":\"%04x-0\"},"
                   "\"batch_no\":{\"N\":\"1\"}},\"UpdateExpression\":\"SET #x = :v\","
                   "\"ExpressionAttributeNames\":{\"#x\":\"format\"},"
                   "\"ExpressionAttributeValues\":{\":v\":{\"N\":\"2\"}}}",
                   scene.url.table, batch_prefix(0));
    (void)dynamo_server_ask("UpdateItem", ask);
    assert_int_equal(try_open(&scene.url, &log, why), -ERR_CONFIG);
    assert_non_null(strstr(why, "newer"));
    scene_end(&scene);
}

TEST(dynamo_table, that_nobody_serves_is_said)
{
    struct scene scene;
    struct ledger_log *log = NULL;
    char why[256];
    scene_begin(&scene);
    fault_proxy_set(scene.proxy, FAULT_REFUSE);
    assert_int_equal(try_open(&scene.url, &log, why), -ERR_ABSENT);
    assert_true(strlen(why) > 10);
    scene_end(&scene);
}
