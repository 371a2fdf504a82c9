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

struct dynamo_subject {
    struct log_subject subject;
    struct fault_proxy *proxy;
    struct dynamo_url url;
    struct faulty_disk *disk; /* NULL: no copy */
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

static int open_table(struct dynamo_subject *dynamo, struct ledger_log **ret_log)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct dynamo_ledger_options options = {.url = &dynamo->url, .close_us_max = 20000000};
    const struct curl_signed_options service = {
        .url = dynamo->url.endpoint, .region = dynamo->url.region, .service = "dynamodb"};
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
        return open_table(dynamo, ret_log);
    struct disk *disk = faulty_disk_of(dynamo->disk);
    assert_int_equal(ledger_file_open(&files, disk, &report, &options.copy), 0);
    assert_int_equal(open_table(dynamo, &options.authority), 0);
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
    fault_proxy_set(dynamo_of(subject)->proxy, hold ? FAULT_SILENCE : FAULT_NONE);
}

static void subject_fail_next(struct log_subject *subject)
{
    fault_proxy_answer(dynamo_of(subject)->proxy, 1, "400 Bad Request",
                       "{\"__type\":\"com.amazon.coral.service#AccessDeniedException\","
                       "\"Message\":\"not for you\"}");
}

static void subject_free(struct log_subject *subject)
{
    struct dynamo_subject *dynamo = dynamo_of(subject);
    fault_proxy_free(dynamo->proxy);
    if (dynamo->disk != NULL)
        faulty_disk_free(dynamo->disk);
    free(dynamo);
}

static struct log_subject *subject_new(void)
{
    int port = dynamo_server();
    if (port == 0)
        skip();
    struct dynamo_subject *dynamo = calloc(1, sizeof *dynamo);
    assert_non_null(dynamo);
    dynamo->proxy = fault_proxy_new_tcp(port, &port);
    (void)snprintf(dynamo->url.table, sizeof dynamo->url.table, "%s", dynamo_server_table());
    (void)snprintf(dynamo->url.region, sizeof dynamo->url.region, "eu-west-1");
    (void)snprintf(dynamo->url.endpoint, sizeof dynamo->url.endpoint, "http://127.0.0.1:%d/", port);
    dynamo->subject = (struct log_subject){.open = subject_open,
                                           .close = subject_close,
                                           .hold = subject_hold,
                                           .fail_next = subject_fail_next,
                                           .free = subject_free};
    return &dynamo->subject;
}

static struct log_subject *subject_with_copy_new(void)
{
    struct log_subject *subject = subject_new();
    dynamo_of(subject)->disk = faulty_disk_new();
    return subject;
}

LEDGER_LOG_CONTRACT(dynamo_ledger, subject_new)
LEDGER_LOG_CONTRACT_TEST(dynamo_ledger, subject_new, stops_for_ever_after_a_failure)
LEDGER_LOG_CONTRACT(dynamo_mirror, subject_with_copy_new)
