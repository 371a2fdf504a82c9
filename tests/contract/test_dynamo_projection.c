/* test_dynamo_projection.c - the projection contract on a server of DynamoDB's API; and what only
 * that has: keys that are asked for, haste, answers that leave something out, changes of items,
 * each of which is found. Where nothing stays wrong, the table is item by item the one of a
 * projector to which nothing happened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/curl/curl_signed.h"
#include "adapters/dynamodb/dynamo_projection.h"
#include "base/error.h"
#include "dynamo_server.h"
#include "projection_bench.h"
#include "projection_contract.h"

#define THROTTLED                                                                                  \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException\"}"

static struct bench_book book;

static void verify(void);

static void book_end(void)
{
    verify();
    bench_book_close(&book);
}

static void write_every_type(void (*after_each)(void))
{
    bench_book_write_every_type(&book, after_each);
}

/* ---- following it ---- */

static struct dynamo_url url;

static void put_port(struct dynamo_url *at, int port)
{
    (void)snprintf(at->region, sizeof at->region, "eu-west-1");
    (void)snprintf(at->endpoint, sizeof at->endpoint, "http://127.0.0.1:%d/", port);
}

static void at_port(int port)
{
    put_port(&url, port);
}

static struct projection_store *store_at(const struct dynamo_url *at)
{
    struct signed_client *clients[DYNAMO_PROJECTION_LANES];
    struct projection_store *store = NULL;
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    const struct curl_signed_options service = {
        .url = at->endpoint, .region = at->region, .service = "dynamodb"};
    for (size_t i = 0; i < DYNAMO_PROJECTION_LANES; i++)
        assert_int_equal(curl_signed_new(&service, &clients[i], &why), 0);
    assert_int_equal(dynamo_projection_new(at, clients, &store, &why), 0);
    return store;
}

static struct projection_store *store_open(void)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct projection_store *store = store_at(&url);
    if (store->ops->prepare(store, &why) < 0)
        fail_msg("%.*s", (int)why.bytes, why.at);
    return store;
}

static void follower_open(struct bench_follower *f)
{
    bench_follower_open(f, bench_book_cursor(&book), store_open(), 0);
}

/* ---- comparing it ---- */

static struct projection_check_report report;
static struct projection_check_place compared;

/* What `between` does happens after the rows were counted; NULL: nothing. */
static int compare_after(void (*between)(void))
{
    struct projection_check_source source = {
        .log = book.log, .limits = MAKER_LIMITS, .store = store_open()};
    int error = projection_check_begin(source.store, 0, &source.place);
    if (error < 0)
        fail_msg("%s", source.store->ops->problem(source.store));
    if (between != NULL)
        between();
    error = projection_check(&source, &report);
    compared = source.place;
    source.store->ops->free(source.store);
    return error;
}

/* All of it is there. */
static void verify(void)
{
    at_port(dynamo_server());
    if (compare_after(NULL) != 0)
        fail_msg("%s", report.text);
    assert_int_equal(report.seq, EVERY_TYPE_COUNT);
    assert_true(report.bets > 10);
    assert_true(report.balances > 0);
    assert_int_equal(report.ahead, 0);
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
    struct bench_follower f;
    at_port(dynamo_server());
    (void)snprintf(url.table, sizeof url.table, "%s", dynamo_server_table());
    bench_book_open(&book, 0);
    write_every_type(NULL);
    follower_open(&f);
    bench_step_until_idle(&f);
    assert_int_equal(projector_stats(f.projector).seq, EVERY_TYPE_COUNT);
    bench_follower_close(&f);
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
    bench_book_open(&book, 0);
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
    struct bench_follower f;
    char ask[600];
    begin();
    write_every_type(NULL);
    follower_open(&f);
    bench_step_until_idle(&f);
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
    bench_follower_close(&f);
    book_end();
    check();
}

static struct bench_follower following;
static struct fault_proxy *proxy;

static void follow_in_haste(void)
{
    fault_proxy_answer(proxy, 2, "400 Bad Request", THROTTLED);
    bench_step_until_idle(&following);
    fault_proxy_set(proxy, FAULT_NONE);
}

TEST(dynamo_projection, what_is_throttled_is_there_once)
{
    int port = 0;
    begin();
    proxy = fault_proxy_new_tcp(dynamo_server(), &port);
    at_port(port);
    follower_open(&following);
    write_every_type(follow_in_haste);
    bench_step_until_idle(&following);
    assert_true(fault_proxy_answered(proxy) > 10);
    assert_int_equal(projector_stats(following.projector).restarts, 0);
    bench_follower_close(&following);
    fault_proxy_free(proxy);
    book_end();
    check();
}

/* ---- what was changed ---- */

/* Its keys, each an item of two attributes. */
static const char *keys_of(const char *table)
{
    static char all[64 * 1024];
    char ask[400];
    (void)snprintf(ask, sizeof ask,
                   "{\"TableName\":\"%s\",\"ConsistentRead\":true,"
                   "\"ProjectionExpression\":\"user_id,bet_record\"}",
                   table);
    const char *items = strstr(dynamo_server_ask("Scan", ask), "\"Items\":[");
    assert_non_null(items);
    items += strlen("\"Items\":");
    size_t bytes = strcspn(items, "]") + 1;
    assert_true(bytes < sizeof all);
    memcpy(all, items, bytes);
    all[bytes] = '\0';
    return all;
}

/* The key of an item whose sort key has this in it. */
static const char *key_with(const char *part)
{
    static char key[256];
    const char *all = keys_of(url.table), *found = strstr(all, part), *end;
    assert_non_null(found);
    while (strncmp(found, "{\"user_id\"", 10) != 0 && strncmp(found, "{\"bet_record\"", 13) != 0)
        found--;
    end = strstr(found, "}}");
    (void)snprintf(key, sizeof key, "%.*s", (int)(end + 2 - found), found);
    return key;
}

static char *item_of(const char *key)
{
    char ask[600];
    (void)snprintf(ask, sizeof ask, "{\"TableName\":\"%s\",\"ConsistentRead\":true,\"Key\":%s}",
                   url.table, key);
    const char *answer = dynamo_server_ask("GetItem", ask), *item = strstr(answer, "{\"Item\":");
    assert_non_null(item);
    item += strlen("{\"Item\":");
    size_t bytes = strlen(item);
    assert_true(bytes > 2);
    char *copy = strndup(item, bytes - 1); /* without the answer's own brace */
    assert_non_null(copy);
    return copy;
}

static void put_item(const char *item)
{
    char ask[4600];
    (void)snprintf(ask, sizeof ask, "{\"TableName\":\"%s\",\"Item\":%s}", url.table, item);
    (void)dynamo_server_ask("PutItem", ask);
}

static void delete_item(const char *key)
{
    char ask[4600];
    (void)snprintf(ask, sizeof ask, "{\"TableName\":\"%s\",\"Key\":%s}", url.table, key);
    (void)dynamo_server_ask("DeleteItem", ask);
}

/* `value` NULL: the attribute is taken away. */
static void change_item(const char *key, const char *attribute, const char *value)
{
    char ask[900], values[300] = "";
    if (value != NULL)
        (void)snprintf(values, sizeof values, ",\"ExpressionAttributeValues\":{\":v\":%s}", value);
    (void)snprintf(ask, sizeof ask,
                   "{\"TableName\":\"%s\",\"Key\":%s,\"UpdateExpression\":\"%s\","
                   "\"ExpressionAttributeNames\":{\"#a\":\"%s\"}%s}",
                   url.table, key, value == NULL ? "REMOVE #a" : "SET #a = :v", attribute, values);
    (void)dynamo_server_ask("UpdateItem", ask);
}

static void project_all(void)
{
    struct bench_follower f;
    write_every_type(NULL);
    follower_open(&f);
    bench_step_until_idle(&f);
    bench_follower_close(&f);
}

static void assert_found(const char *what)
{
    assert_int_equal(compare_after(NULL), -ERR_CORRUPT);
    if (strstr(report.text, what) == NULL)
        fail_msg("%s is not in: %s", what, report.text);
}

TEST(dynamo_projection, of_a_row_whatever_is_changed_is_found)
{
    static const struct {
        const char *row, *attribute, *value, *found;
    } changes[] = {
        {"#000\"", "stake", "{\"N\":\"10.01\"}", "table bets, record 0-"},
        {"#000\"", "stake", "{\"S\":\"10\"}", "table bets, record 0-"},
        {"#000\"", "stake", NULL, "table bets, record 0-"},
        {"#001\"", "status", "{\"S\":\"LOOST\"}", "LOOST"},
        {"#001\"", "note", "{\"S\":\"of a stranger\"}", "of a stranger"},
        {"#001\"", "settled_at", "{\"S\":\"2030-01-01 00:00:00+00\"}", "2030-01-01"},
        {"#000\"", "shard", "{\"N\":\"3\"}", "table bets, record 0-"},
        {"#000\"", "seq", "{\"N\":\"2\"}", "table bets, record 0-"},
        {"#balance#0", "available", "{\"N\":\"123456.78\"}", "table balances, record 0-"},
        {"#balance#0", "held", "{\"N\":\"-1\"}", "table balances, record 0-"},
        {"#balance#0", "seq", "{\"N\":\"1\"}", "table balances, record 0-"},
        {"#balance#0", "seq", "{\"N\":\"100000\"}", "records that the ledger has not"},
        {"#balance#0", "bonus", NULL, "table balances, record 0-"},
    };
    begin();
    project_all();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char key[256];
        (void)snprintf(key, sizeof key, "%s", key_with(changes[i].row));
        char *kept = item_of(key);
        change_item(key, changes[i].attribute, changes[i].value);
        assert_found(changes[i].found);
        put_item(kept);
        free(kept);
    }
    book_end();
    check();
}

TEST(dynamo_projection, a_row_too_many_or_too_few_is_found)
{
    static const struct {
        const char *key, *more, *found;
    } strays[] = {
        {"{\"user_id\":{\"S\":\"zed\"},\"bet_record\":{\"S\":\"9#077\"}",
         ",\"shard\":{\"N\":\"0\"},\"seq\":{\"N\":\"3\"}", "table bets has"},
        {"{\"user_id\":{\"S\":\"zed\"},\"bet_record\":{\"S\":\"#balance#0\"}",
         ",\"shard\":{\"N\":\"0\"},\"seq\":{\"N\":\"3\"}", "table balances has"},
        {"{\"user_id\":{\"S\":\"zed\"},\"bet_record\":{\"S\":\"9#000\"}", "", "rows of no shard"},
        {"{\"user_id\":{\"S\":\"zed\"},\"bet_record\":{\"S\":\"7\"}", ",\"shard\":{\"S\":\"0\"}",
         "rows of no shard"},
        {"{\"user_id\":{\"S\":\"zed\"},\"bet_record\":{\"S\":\"9#000\"}",
         ",\"shard\":{\"N\":\"0\"},\"seq\":{\"N\":\"100000\"}", "the ledger has not"},
    };
    static const char *const rows[] = {"#000\"", "#001\"", "#balance#0"};
    begin();
    project_all();
    for (size_t i = 0; i < sizeof strays / sizeof *strays; i++) {
        char item[400], key[200];
        (void)snprintf(item, sizeof item, "%s%s}", strays[i].key, strays[i].more);
        (void)snprintf(key, sizeof key, "%s}", strays[i].key);
        put_item(item);
        assert_found(strays[i].found);
        delete_item(key);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[256];
        (void)snprintf(key, sizeof key, "%s", key_with(rows[i]));
        char *kept = item_of(key);
        delete_item(key);
        assert_found("there is no row; the log says");
        put_item(kept);
        free(kept);
    }
    book_end();
    check();
}

/* ---- a service in haste, a large table ---- */

static void throttle(void)
{
    fault_proxy_answer(proxy, 12, "400 Bad Request", THROTTLED); /* past those of one question */
}

static char unprocessed[80 * 1024];

static void leave_keys_out(void)
{
    fault_proxy_answer(proxy, 3, "200 OK", unprocessed);
}

TEST(dynamo_projection, a_comparison_waits_out_haste_and_asks_for_what_was_left_out)
{
    int port = 0;
    begin();
    project_all();
    (void)snprintf(unprocessed, sizeof unprocessed,
                   "{\"Responses\":{\"%s\":[]},\"UnprocessedKeys\":{\"%s\":{"
                   "\"ConsistentRead\":true,\"Keys\":%s}}}",
                   url.table, url.table, keys_of(url.table));
    proxy = fault_proxy_new_tcp(dynamo_server(), &port);
    at_port(port);
    if (compare_after(leave_keys_out) != 0)
        fail_msg("%s", report.text);
    assert_int_equal(fault_proxy_answered(proxy), 3);
    assert_int_equal(compare_after(throttle), 0);
    assert_int_equal(fault_proxy_answered(proxy), 15);
    fault_proxy_set(proxy, FAULT_NONE);
    fault_proxy_free(proxy);
    book_end();
    check();
}

static void answer_nonsense(void)
{
    fault_proxy_answer(proxy, 0, "200 OK", "{\"Responses\":{\"t\":[3]},\"UnprocessedKeys\":[]");
}

static void go_away(void)
{
    fault_proxy_set(proxy, FAULT_REFUSE);
}

TEST(dynamo_projection, a_service_that_lies_or_goes_ends_a_comparison)
{
    int port = 0;
    begin();
    project_all();
    proxy = fault_proxy_new_tcp(dynamo_server(), &port);
    at_port(port);
    assert_int_equal(compare_after(answer_nonsense), -ERR_IO);
    assert_non_null(strstr(report.text, "cannot be read"));
    fault_proxy_set(proxy, FAULT_NONE);
    assert_int_equal(compare_after(go_away), -ERR_ABSENT);
    fault_proxy_set(proxy, FAULT_NONE);
    fault_proxy_free(proxy);
    book_end();
    check();
}

/* A scan's page holds a megabyte: rows of another shard fill some. */
TEST(dynamo_projection, a_table_of_many_pages_is_counted_whole)
{
    static char filler[3000];
    char item[3600];
    begin();
    project_all();
    memset(filler, 'x', sizeof filler - 1);
    for (unsigned i = 0; i < 800; i++) {
        (void)snprintf(item, sizeof item,
                       "{\"user_id\":{\"S\":\"zed-%u\"},\"bet_record\":{\"S\":\"%u#000\"},"
                       "\"shard\":{\"N\":\"5\"},\"seq\":{\"N\":\"%u\"},\"x\":{\"S\":\"%s\"}}",
                       i, i, i, filler);
        put_item(item);
    }
    assert_int_equal(compare_after(NULL), 0);
    for (unsigned i = 0; i < 800; i += 100) {
        (void)snprintf(item, sizeof item,
                       "{\"user_id\":{\"S\":\"zed-%u\"},\"bet_record\":{\"S\":\"%u#001\"}}", i, i);
        put_item(item);
    }
    assert_found("there are 8 rows of no shard");
    for (unsigned i = 0; i < 800; i += 100) {
        (void)snprintf(item, sizeof item,
                       "{\"user_id\":{\"S\":\"zed-%u\"},\"bet_record\":{\"S\":\"%u#001\"}}", i, i);
        delete_item(item);
    }
    book_end();
}

/* ---- a place that is behind ---- */

static char *early_place;

static void project_some(void)
{
    static unsigned times;
    if (++times != EVERY_TYPE_COUNT / 2)
        return;
    struct bench_follower f;
    follower_open(&f);
    bench_step_until_idle(&f);
    bench_follower_close(&f);
    early_place = item_of(key_with("#projection"));
}

/* As a projector leaves it that dies behind its rows. */
TEST(dynamo_projection, rows_behind_the_place_are_of_a_step_under_way)
{
    struct bench_follower f;
    begin();
    write_every_type(project_some);
    follower_open(&f);
    bench_step_until_idle(&f);
    put_item(early_place);
    free(early_place);
    assert_int_equal(compare_after(NULL), 0);
    assert_int_equal(report.seq, EVERY_TYPE_COUNT / 2);
    assert_true(report.bets > 0);
    assert_true(report.ahead > 5);
    bench_follower_close(&f);
    follower_open(&f);
    bench_step_until_idle(&f);
    bench_follower_close(&f);
    book_end();
    check();
}

/* ---- an older program's rows ---- */

static void project_as_before(void)
{
    static unsigned times;
    if (++times != EVERY_TYPE_COUNT / 2)
        return;
    struct bench_follower f;
    follower_open(&f);
    bench_step_until_idle(&f);
    bench_follower_close(&f);
    change_item(key_with("#projection"), "format", NULL);
    while (strstr(keys_of(url.table), "#balance#") != NULL)
        delete_item(key_with("#balance#"));
}

TEST(dynamo_projection, rows_that_an_older_program_began_go_on_without_balances)
{
    struct bench_follower f;
    begin();
    write_every_type(project_as_before);
    follower_open(&f);
    bench_step_until_idle(&f);
    bench_follower_close(&f);
    assert_int_equal(compare_after(NULL), 0);
    assert_int_equal(report.seq, EVERY_TYPE_COUNT);
    assert_true(report.bets > 10);
    assert_int_equal(report.balances, 0);
    assert_false(compared.count.balances_kept);
    assert_null(strstr(keys_of(url.table), "#balance#"));
    change_item(key_with("#projection"), "format", "{\"N\":\"3\"}"); /* of a newer program */
    struct projection_store *store = store_open();
    assert_int_equal(projection_check_begin(store, 0, &compared), -ERR_IO);
    assert_non_null(strstr(store->ops->problem(store), "newer program"));
    store->ops->free(store);
    bench_book_close(&book);
}

/* ---- the contract ---- */

struct dynamo_subject {
    struct projection_subject subject;
    struct dynamo_url url; /* over the wire */
};

static struct projection_store *subject_store(struct projection_subject *subject)
{
    return store_at(&((struct dynamo_subject *)subject)->url);
}

static void subject_crash(struct projection_subject *subject)
{
    (void)subject;
    dynamo_server_restart();
}

static void subject_free(struct projection_subject *subject)
{
    fault_proxy_free(subject->wire);
    free(subject);
}

static struct projection_subject *subject_new(void)
{
    int port = dynamo_server();
    if (port == 0)
        skip();
    struct dynamo_subject *dynamo = calloc(1, sizeof *dynamo);
    assert_non_null(dynamo);
    (void)snprintf(dynamo->url.table, sizeof dynamo->url.table, "%s", dynamo_server_table());
    dynamo->subject = (struct projection_subject){.wire = fault_proxy_new_tcp(port, &port),
                                                  .store_new = subject_store,
                                                  .crash = subject_crash,
                                                  .free = subject_free};
    put_port(&dynamo->url, port);
    return &dynamo->subject;
}

PROJECTION_CONTRACT(dynamo_projection_port, subject_new)
PROJECTION_CONTRACT_CRASH(dynamo_projection_port, subject_new)
