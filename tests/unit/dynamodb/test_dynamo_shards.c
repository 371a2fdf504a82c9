/* test_dynamo_shards.c - adapters/dynamodb/dynamo_shards.h on a server of DynamoDB's API: each
 * shard once, however many batches it has, and nothing of a table that is no ledger's. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/curl/curl_signed.h"
#include "adapters/dynamodb/dynamo_shards.h"
#include "base/error.h"
#include "dynamo_server.h"
#include "fault_proxy.h"

#define THROTTLED                                                                                  \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException\"}"

struct scene {
    struct fault_proxy *proxy;
    struct dynamo_url url;
    uint32_t shards[BATCH_SHARDS_MAX];
    size_t count;
    char why[256];
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
    (void)setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "of-a-test", 1);
}

static void make_table(const struct scene *scene)
{
    char ask[800];
    (void)snprintf(
        ask, sizeof ask,
        "{\"TableName\":\"%s\",\"BillingMode\":\"PAY_PER_REQUEST\","
        "\"AttributeDefinitions\":[{\"AttributeName\":\"shard\",\"AttributeType\":\"S\"},"
        "{\"AttributeName\":\"batch_no\",\"AttributeType\":\"N\"}],"
        "\"KeySchema\":[{\"AttributeName\":\"shard\",\"KeyType\":\"HASH\"},"
        "{\"AttributeName\":\"batch_no\",\"KeyType\":\"RANGE\"}]}",
        scene->url.table);
    dynamo_server_make_table(scene->url.table, ask);
}

static void put_item(const struct scene *scene, uint32_t prefix, uint32_t shard, unsigned batch_no)
{
    char ask[800];
    (void)snprintf(ask, sizeof ask,
                   "{\"TableName\":\"%s\",\"Item\":{\"shard\":{\"S\":\"%04x-%u\"},"
                   "\"batch_no\":{\"N\":\"%u\"}}}",
                   scene->url.table, prefix, shard, batch_no);
    (void)dynamo_server_ask("PutItem", ask);
}

static int find(struct scene *scene)
{
    struct buf why = buf_over(scene->why, sizeof scene->why - 1);
    struct signed_client *client = NULL;
    const struct curl_signed_options service = {
        .url = scene->url.endpoint, .region = scene->url.region, .service = "dynamodb"};
    assert_int_equal(curl_signed_new(&service, &client, &why), 0);
    int error = dynamo_shards(&scene->url, client, scene->shards, &scene->count, &why);
    scene->why[why.bytes] = '\0';
    return error;
}

static void scene_end(struct scene *scene)
{
    fault_proxy_free(scene->proxy);
}

TEST(dynamo_shards, are_found_each_once_in_the_order_of_their_numbers)
{
    static const uint32_t there[] = {0, 1, 7, 63, 64, 500, 1023};
    struct scene scene;
    scene_begin(&scene);
    make_table(&scene);
    assert_int_equal(find(&scene), 0);
    assert_int_equal(scene.count, 0);
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        for (unsigned batch_no = 1; batch_no <= 1 + i; batch_no++)
            put_item(&scene, batch_prefix(there[i]), there[i], batch_no);
    fault_proxy_answer(scene.proxy, 2, "400 Bad Request", THROTTLED); /* is waited out */
    assert_int_equal(find(&scene), 0);
    assert_int_equal(fault_proxy_answered(scene.proxy), 2);
    assert_int_equal(scene.count, sizeof there / sizeof *there);
    assert_memory_equal(scene.shards, there, sizeof there);
    scene_end(&scene);
}

TEST(dynamo_shards, of_a_key_that_is_no_shard_s_nothing_is_believed)
{
    struct scene scene;
    scene_begin(&scene);
    make_table(&scene);
    put_item(&scene, batch_prefix(3), 3, 1);
    put_item(&scene, batch_prefix(3) ^ 1, 3, 1);
    assert_int_equal(find(&scene), -ERR_IO);
    assert_non_null(strstr(scene.why, "none of a ledger's"));
    scene_end(&scene);
}

/* A service that answers the same shard for ever is left. */
TEST(dynamo_shards, that_come_again_end_the_walk)
{
    struct scene scene;
    scene_begin(&scene);
    fault_proxy_answer(scene.proxy, 0, "200 OK",
                       "{\"Items\":[{\"shard\":{\"S\":\"4bc7-0\"}}],\"Count\":1}");
    assert_int_equal(find(&scene), -ERR_IO);
    assert_int_equal(fault_proxy_answered(scene.proxy), 2);
    scene_end(&scene);
}

TEST(dynamo_shards, of_a_table_or_a_service_that_is_not_there_are_not_known)
{
    struct scene scene;
    scene_begin(&scene);
    assert_int_equal(find(&scene), -ERR_IO);
    assert_non_null(strstr(scene.why, "ResourceNotFoundException"));
    fault_proxy_set(scene.proxy, FAULT_REFUSE);
    assert_int_equal(find(&scene), -ERR_ABSENT);
    assert_true(strlen(scene.why) > 10);
    scene_end(&scene);
}
