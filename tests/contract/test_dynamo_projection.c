/* test_dynamo_projection.c - the projection port on a server of DynamoDB's API, filled by the real
 * projector from a log with one good record of every type: whatever is lost, throttled or dies, the
 * table is item by item the one of a projector to which nothing happened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "adapters/curl/curl_signed.h"
#include "adapters/dynamodb/dynamo_projection.h"
#include "adapters/embedded/ledger_cursor_file.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "app/projector.h"
#include "base/error.h"
#include "dynamo_server.h"
#include "every_type.h"
#include "fault_proxy.h"

#define TRIES         30000 /* of a millisecond: generous */
#define SEGMENT_BYTES (1u << 20)
#define THROTTLED                                                                                  \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException\"}"

/* ---- a ledger ---- */

static struct {
    struct faulty_disk *disk;
    struct ledger_log *log;
    uint64_t epoch;
    unsigned answers;
    void (*between)(void); /* after each record; may be NULL */
} book;

static void on_done(struct ledger_append *append, enum append_outcome outcome)
{
    (void)append;
    assert_int_equal(outcome, APPEND_OK);
    book.answers++;
}

static void write_made(struct maker *maker, const struct parts *parts)
{
    (void)parts;
    if (shard_state_seq(maker->state) == 0)
        return;
    struct ledger_append append = {.epoch = book.epoch,
                                   .expected_tail = maker->view.head->seq - 1,
                                   .records = maker->memory,
                                   .bytes = maker->view.head->bytes,
                                   .count = 1,
                                   .on_done = on_done};
    book.answers = 0;
    assert_int_equal(book.log->ops->append(book.log, &append), 0);
    for (int i = 0; i < TRIES && book.answers == 0; i++) {
        book.log->ops->poll(book.log);
        usleep(100);
    }
    assert_int_equal(book.answers, 1);
    if (book.between != NULL)
        book.between();
}

static void book_begin(void)
{
    const struct ledger_file_options files = {.store = {.segment_bytes = SEGMENT_BYTES}};
    struct ledger_report report;
    book.disk = faulty_disk_new();
    assert_int_equal(ledger_file_open(&files, faulty_disk_of(book.disk), &report, &book.log), 0);
    assert_int_equal(book.log->ops->take_epoch(book.log, 0, &book.epoch), 0);
}

/* Its records are the same each time. */
static void write_every_type(void (*after_each)(void))
{
    static struct maker maker;
    book.between = after_each;
    every_type(&maker, write_made);
    write_made(&maker, NULL); /* the last */
    maker_done(&maker);
}

static void book_end(void)
{
    book.log->ops->free(book.log);
    faulty_disk_free(book.disk);
}

/* ---- following it ---- */

struct follower {
    struct ledger_cursor *cursor;
    struct projection_store *store;
    struct projector *projector;
};

static struct dynamo_url url;

static void at_port(int port)
{
    (void)snprintf(url.region, sizeof url.region, "eu-west-1");
    (void)snprintf(url.endpoint, sizeof url.endpoint, "http://127.0.0.1:%d/", port);
}

static void follower_open(struct follower *f)
{
    struct signed_client *clients[DYNAMO_PROJECTION_LANES];
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    const struct curl_signed_options service = {
        .url = url.endpoint, .region = url.region, .service = "dynamodb"};
    const struct ledger_cursor_log log = ledger_file_cursor_log(book.log);
    for (size_t i = 0; i < DYNAMO_PROJECTION_LANES; i++)
        assert_int_equal(curl_signed_new(&service, &clients[i], &why), 0);
    assert_int_equal(ledger_cursor_file_new(&log, &f->cursor), 0);
    assert_int_equal(dynamo_projection_new(&url, clients, &f->store, &why), 0);
    if (f->store->ops->prepare(f->store, &why) < 0)
        fail_msg("%.*s", (int)why.bytes, why.at);
    const struct projector_options options = {
        .limits = MAKER_LIMITS, .cursor = f->cursor, .store = f->store};
    assert_int_equal(projector_new(&options, &f->projector), 0);
}

static void follower_close(struct follower *f)
{
    projector_free(f->projector);
    f->store->ops->free(f->store);
    f->cursor->ops->free(f->cursor);
}

static void step_until_idle(struct follower *f)
{
    int result = PROJECTOR_MORE;
    for (int i = 0; i < TRIES && result != PROJECTOR_IDLE; i++) {
        result = projector_step(f->projector);
        if (result < 0)
            fail_msg("%s", projector_text(f->projector));
        if (result == PROJECTOR_WAITS)
            usleep(1000);
    }
    assert_int_equal(result, PROJECTOR_IDLE);
}

/* ---- what is there ---- */

static char *table_of(const char *name)
{
    char ask[300];
    (void)snprintf(ask, sizeof ask, "{\"TableName\":\"%s\",\"ConsistentRead\":true}", name);
    char *all = strdup(dynamo_server_ask("Scan", ask));
    assert_non_null(all);
    assert_null(strstr(all, "LastEvaluatedKey"));
    return all;
}

/* The table of a projector to which nothing happened; made once. */
static const char *expected(void)
{
    static char *text;
    if (text != NULL)
        return text;
    struct follower f;
    at_port(dynamo_server());
    (void)snprintf(url.table, sizeof url.table, "%s", dynamo_server_table());
    book_begin();
    write_every_type(NULL);
    follower_open(&f);
    step_until_idle(&f);
    assert_int_equal(projector_stats(f.projector).seq, EVERY_TYPE_COUNT);
    follower_close(&f);
    book_end();
    text = table_of(url.table);
    return text;
}

static void check(void)
{
    char *there = table_of(url.table);
    assert_string_equal(there, expected());
    free(there);
}

static void begin(void)
{
    if (dynamo_server() == 0)
        skip();
    (void)expected();
    at_port(dynamo_server());
    (void)snprintf(url.table, sizeof url.table, "%s", dynamo_server_table());
    book_begin();
}

/* ---- tests ---- */

static long count_of(const char *ask)
{
    const char *count = strstr(dynamo_server_ask("Query", ask), "\"Count\":");
    assert_non_null(count);
    return strtol(count + strlen("\"Count\":"), NULL, 10);
}

/* As the interface shows it: a bet by its user, its records in order, and all bets of an event. */
TEST(dynamo_projection, is_asked_by_user_and_by_event)
{
    struct follower f;
    char ask[600];
    begin();
    write_every_type(NULL);
    follower_open(&f);
    step_until_idle(&f);
    const char *all = expected();
    const char *first = strstr(all, "#000\"}");
    assert_non_null(first);
    assert_non_null(strstr(all, "\"status\":{\"S\":\"PLACED\"}"));
    const char *event = strstr(all, "\"event_id\":{\"S\":\"");
    assert_non_null(event);
    event += strlen("\"event_id\":{\"S\":\"");
    (void)snprintf(ask, sizeof ask,
                   "{\"TableName\":\"%s\",\"IndexName\":\"by_event\",\"Select\":\"COUNT\","
                   "\"KeyConditionExpression\":\"event_id = :e\","
                   "\"ExpressionAttributeValues\":{\":e\":{\"S\":\"%.*s\"}}}",
                   url.table, (int)strcspn(event, "\""), event);
    assert_true(count_of(ask) > 0);
    follower_close(&f);
    book_end();
    check();
}

/* Dies after every step, at another place each time. */
static void follow_and_die(void)
{
    static unsigned times;
    struct follower f;
    follower_open(&f);
    for (unsigned i = 0; i < 2 + times % 5; i++)
        assert_true(projector_step(f.projector) >= 0);
    times++;
    follower_close(&f);
}

TEST(dynamo_projection, a_projector_that_dies_leaves_no_gap_and_no_row_twice)
{
    struct follower f;
    begin();
    write_every_type(follow_and_die);
    follower_open(&f);
    step_until_idle(&f);
    follower_close(&f);
    book_end();
    check();
}

static struct follower following;
static struct fault_proxy *proxy;

static void follow_in_trouble(void)
{
    static unsigned times;
    switch (times++ % 3) {
    case 0:
        fault_proxy_set(proxy, FAULT_LOSE_ANSWER);
        break;
    case 1:
        fault_proxy_set(proxy, FAULT_LOSE_REQUEST);
        break;
    default:
        fault_proxy_answer(proxy, 2, "400 Bad Request", THROTTLED);
    }
    step_until_idle(&following);
    fault_proxy_set(proxy, FAULT_NONE);
}

TEST(dynamo_projection, what_is_lost_or_throttled_is_there_once)
{
    int port = 0;
    begin();
    proxy = fault_proxy_new_tcp(dynamo_server(), &port);
    at_port(port);
    follower_open(&following);
    write_every_type(follow_in_trouble);
    step_until_idle(&following);
    assert_true(fault_proxy_losses(proxy) > 10);
    assert_true(fault_proxy_answered(proxy) > 10);
    assert_int_equal(projector_stats(following.projector).restarts, 0);
    follower_close(&following);
    fault_proxy_free(proxy);
    book_end();
    check();
}

/* The rows are there, and the place is not moved: the service goes between. */
TEST(dynamo_projection, a_service_that_crashes_is_waited_for)
{
    struct follower f;
    begin();
    write_every_type(NULL);
    follower_open(&f);
    assert_true(projector_step(f.projector) >= 0);
    dynamo_server_restart();
    step_until_idle(&f);
    follower_close(&f);
    book_end();
    check();
}

static struct follower two[2];

static void follow_by_two(void)
{
    static unsigned times;
    assert_true(projector_step(two[times % 2].projector) >= 0);
    assert_true(projector_step(two[times % 2].projector) >= 0);
    times++;
}

TEST(dynamo_projection, of_two_projectors_each_row_is_one_s)
{
    begin();
    follower_open(&two[0]);
    follower_open(&two[1]);
    write_every_type(follow_by_two);
    step_until_idle(&two[0]);
    step_until_idle(&two[1]);
    follower_close(&two[0]);
    follower_close(&two[1]);
    book_end();
    check();
}
