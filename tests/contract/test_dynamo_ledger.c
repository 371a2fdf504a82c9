/* test_dynamo_ledger.c - the ledger_log contract on a server of DynamoDB's API, alone and with a
 * copy in files; its troubles are made on the wire. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/curl/curl_signed.h"
#include "adapters/dynamodb/dynamo_ledger.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "adapters/mirror/ledger_mirror.h"
#include "base/error.h"
#include "dynamo_server.h"
#include "fault_proxy.h"
#include "ledger_log_contract.h"

#define SEGMENT_BYTES (2u << 20)
#define STALL_US      100000

struct dynamo_subject {
    struct log_subject subject;
    struct dynamo_url url, direct; /* over the wire, and past it */
    struct faulty_disk *disk;      /* NULL: no copy */
    int64_t close_us_max;
};

static struct dynamo_subject *dynamo_of(struct log_subject *subject)
{
    return (struct dynamo_subject *)subject;
}

static void say(const char *what, int error, const struct buf *why)
{
    if (error < 0)
        print_error("%s: %s: %.*s\n", what, error_text(error), (int)why->bytes, why->at);
}

static int open_table(const struct dynamo_url *url, int64_t close_us_max,
                      struct ledger_log **ret_log)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct dynamo_ledger_options options = {
        .url = url, .stall_us = STALL_US, .close_us_max = close_us_max};
    const struct curl_signed_options service = {
        .url = url->endpoint, .region = url->region, .service = "dynamodb"};
    for (size_t i = 0; i < DYNAMO_LEDGER_CLIENTS; i++)
        assert_int_equal(curl_signed_new(&service, &options.clients[i], &why), 0);
    int error = dynamo_ledger_open(&options, ret_log, &why);
    say("table", error, &why);
    return error;
}

static int raise_epoch(void *owner, uint64_t epoch)
{
    return ledger_file_raise_epoch(owner, epoch);
}

static int subject_open(struct log_subject *subject, struct ledger_log **ret_log)
{
    struct dynamo_subject *dynamo = dynamo_of(subject);
    const struct ledger_file_options files = {.store = {.segment_bytes = SEGMENT_BYTES}};
    struct ledger_mirror_options options = {.raise_epoch = raise_epoch};
    struct ledger_mirror_report mirror;
    struct ledger_report report;
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    if (dynamo->disk == NULL)
        return open_table(&dynamo->url, dynamo->close_us_max, ret_log);
    struct disk *disk = faulty_disk_of(dynamo->disk);
    assert_int_equal(ledger_file_open(&files, disk, &report, &options.copy), 0);
    assert_int_equal(open_table(&dynamo->url, dynamo->close_us_max, &options.authority), 0);
    options.owner = options.copy;
    int error = ledger_mirror_open(&options, ret_log, &mirror, &why);
    say("mirror", error, &why);
    return error;
}

static void subject_close(struct log_subject *subject)
{
    (void)subject;
}

static void subject_hold(struct log_subject *subject, bool hold)
{
    fault_proxy_set(subject->wire, hold ? FAULT_SILENCE : FAULT_NONE);
}

static void subject_fail_next(struct log_subject *subject)
{
    fault_proxy_answer(subject->wire, 1, "400 Bad Request",
                       "{\"__type\":\"com.amazon.coral.service#AccessDeniedException\","
                       "\"Message\":\"not for you\"}");
}

static int subject_open_beside(struct log_subject *subject, struct ledger_log **ret_log)
{
    return open_table(&dynamo_of(subject)->direct, 20000000, ret_log);
}

static long subject_groups(struct log_subject *subject)
{
    char ask[400];
    (void)snprintf(ask, sizeof ask,
                   "{\"TableName\":\"%s\",\"Select\":\"COUNT\",\"ConsistentRead\":true}",
                   dynamo_of(subject)->url.table);
    const char *count = strstr(dynamo_server_ask("Scan", ask), "\"Count\":");
    assert_non_null(count);
    return strtol(count + strlen("\"Count\":"), NULL, 10);
}

static void subject_crash(struct log_subject *subject)
{
    (void)subject;
    dynamo_server_restart();
}

static void subject_free(struct log_subject *subject)
{
    struct dynamo_subject *dynamo = dynamo_of(subject);
    fault_proxy_free(subject->wire);
    if (dynamo->disk != NULL)
        faulty_disk_free(dynamo->disk);
    free(dynamo);
}

static void at_port(struct dynamo_url *url, int port)
{
    (void)snprintf(url->endpoint, sizeof url->endpoint, "http://127.0.0.1:%d/", port);
}

static struct log_subject *subject_new(void)
{
    int port = dynamo_server();
    if (port == 0)
        skip();
    struct dynamo_subject *dynamo = calloc(1, sizeof *dynamo);
    assert_non_null(dynamo);
    (void)snprintf(dynamo->url.table, sizeof dynamo->url.table, "%s", dynamo_server_table());
    (void)snprintf(dynamo->url.region, sizeof dynamo->url.region, "eu-west-1");
    dynamo->direct = dynamo->url;
    at_port(&dynamo->direct, port);
    dynamo->close_us_max = 20000000;
    dynamo->subject = (struct log_subject){.open = subject_open,
                                           .close = subject_close,
                                           .hold = subject_hold,
                                           .fail_next = subject_fail_next,
                                           .wire = fault_proxy_new_tcp(port, &port),
                                           .open_beside = subject_open_beside,
                                           .groups = subject_groups,
                                           .crash = subject_crash,
                                           .free = subject_free};
    at_port(&dynamo->url, port);
    return &dynamo->subject;
}

static struct log_subject *subject_with_copy_new(void)
{
    struct log_subject *subject = subject_new();
    dynamo_of(subject)->disk = faulty_disk_new();
    return subject;
}

LEDGER_LOG_CONTRACT(dynamo_ledger, subject_new)
LEDGER_LOG_CONTRACT(dynamo_mirror, subject_with_copy_new)
/* A table has no end: what the service says of too much is haste, which is waited out
 * (adapters/dynamodb/dynamo_answer.h). */
LEDGER_LOG_CONTRACT_TEST(dynamo_ledger, subject_new, stops_for_ever_after_a_failure)
LEDGER_LOG_CONTRACT_TEST(dynamo_mirror, subject_with_copy_new, stops_for_ever_after_a_failure)

static struct log_subject *hasty_new(void)
{
    struct log_subject *subject = subject_new();
    dynamo_of(subject)->close_us_max = 1000000;
    return subject;
}

static struct log_subject *hasty_with_copy_new(void)
{
    struct log_subject *subject = subject_with_copy_new();
    dynamo_of(subject)->close_us_max = 1000000;
    return subject;
}

LEDGER_LOG_CONTRACT_WIRE(dynamo_ledger_over_a_wire, hasty_new)
LEDGER_LOG_CONTRACT_CRASH(dynamo_ledger_over_a_wire, hasty_new)
LEDGER_LOG_CONTRACT_WIRE(dynamo_mirror_over_a_wire, hasty_with_copy_new)
LEDGER_LOG_CONTRACT_CRASH(dynamo_mirror_over_a_wire, hasty_with_copy_new)
