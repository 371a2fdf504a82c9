/* test_ledger_mirror.c - adapters/mirror/ledger_mirror.h over two logs in memory: what stands in
 * the authority is in the copy before anybody is told, and whatever is lost of the copy comes
 * back. */
#include "test.h"

#include <string.h>

#include "adapters/mirror/ledger_mirror.h"
#include "base/error.h"
#include "fake_ports.h"
#include "log_records.h"

#define RECORD_BYTES 328

struct pair {
    struct fake_log authority, copy;
    struct ledger_log *log;
    uint64_t epoch;
    struct ledger_mirror_report report;
    char why[256];
    char records[64 * RECORD_BYTES];
    struct ledger_append append;
    unsigned answers, notified;
    enum append_outcome outcome;
};

static int raise_epoch(void *owner, uint64_t epoch)
{
    struct fake_log *copy = owner;
    assert_true(epoch >= copy->epoch);
    copy->epoch = epoch;
    return 0;
}

static int try_join(struct pair *pair)
{
    struct buf why = buf_over(pair->why, sizeof pair->why - 1);
    const struct ledger_mirror_options options = {.authority = &pair->authority.port,
                                                  .copy = &pair->copy.port,
                                                  .raise_epoch = raise_epoch,
                                                  .owner = &pair->copy};
    int error = ledger_mirror_open(&options, &pair->log, &pair->report, &why);
    pair->why[why.bytes] = '\0';
    return error;
}

static void on_notify(void *owner)
{
    struct pair *pair = owner;
    pair->notified++;
}

static void join(struct pair *pair)
{
    assert_int_equal(try_join(pair), 0);
    pair->log->notify = on_notify;
    pair->log->notify_owner = pair;
    assert_int_equal(pair->log->ops->take_epoch(pair->log, 0, &pair->epoch), 0);
}

static void begin(struct pair *pair)
{
    memset(pair, 0, sizeof *pair);
    fake_log_init(&pair->authority);
    fake_log_init(&pair->copy);
    join(pair);
}

/* A start: the logs below stay. The fakes complete nothing in free(). */
static void join_again(struct pair *pair)
{
    pair->log->ops->free(pair->log);
    join(pair);
}

static void end(struct pair *pair)
{
    pair->log->ops->free(pair->log);
    fake_log_done(&pair->authority);
    fake_log_done(&pair->copy);
}

static void on_done(struct ledger_append *append, enum append_outcome outcome)
{
    struct pair *pair = append->owner;
    pair->answers++;
    pair->outcome = outcome;
}

static void begin_append(struct pair *pair, uint64_t tail, uint32_t count)
{
    size_t bytes = log_records_make(pair->records, RECORD_BYTES, tail + 1, count, 1);
    pair->answers = 0;
    pair->append = (struct ledger_append){.epoch = pair->epoch,
                                          .expected_tail = tail,
                                          .records = pair->records,
                                          .bytes = bytes,
                                          .count = count,
                                          .on_done = on_done,
                                          .owner = pair};
    assert_int_equal(pair->log->ops->append(pair->log, &pair->append), 0);
}

static enum append_outcome append(struct pair *pair, uint64_t tail, uint32_t count)
{
    begin_append(pair, tail, count);
    for (int i = 0; i < 4 && pair->answers == 0; i++)
        pair->log->ops->poll(pair->log);
    assert_int_equal(pair->answers, 1);
    return pair->outcome;
}

/* Straight into one of them, as another process's program would. */
static void put(struct fake_log *log, uint64_t tail, uint32_t count, uint64_t generation)
{
    static char records[64 * RECORD_BYTES];
    static struct pair other;
    size_t bytes = log_records_make(records, RECORD_BYTES, tail + 1, count, generation);
    struct ledger_append group = {.epoch = log->epoch,
                                  .expected_tail = tail,
                                  .records = records,
                                  .bytes = bytes,
                                  .count = count,
                                  .on_done = on_done,
                                  .owner = &other};
    assert_int_equal(log->port.ops->append(&log->port, &group), 0);
    log->port.ops->poll(&log->port);
    assert_int_equal(other.outcome, APPEND_OK);
}

static void assert_same(const struct pair *pair, uint64_t tail)
{
    assert_int_equal(pair->authority.tail, tail);
    assert_int_equal(pair->copy.tail, tail);
    assert_int_equal(pair->authority.size, pair->copy.size);
    assert_memory_equal(pair->authority.bytes, pair->copy.bytes, pair->copy.size);
}

TEST(ledger_mirror, tells_of_a_group_when_both_have_it)
{
    struct pair pair;
    begin(&pair);
    pair.copy.hold = true;
    begin_append(&pair, 0, 3);
    for (int i = 0; i < 3; i++)
        pair.log->ops->poll(pair.log);
    assert_int_equal(pair.authority.tail, 3);
    assert_int_equal(pair.answers, 0);
    assert_int_equal(pair.log->ops->tail(pair.log, 0), 0); /* what can be read */
    assert_int_equal(ledger_mirror_stats(pair.log).behind, 3);
    pair.copy.hold = false;
    pair.log->ops->poll(pair.log);
    assert_int_equal(pair.answers, 1);
    assert_int_equal(pair.outcome, APPEND_OK);
    assert_int_equal(ledger_mirror_stats(pair.log).behind, 0);
    assert_same(&pair, 3);
    end(&pair);
}

TEST(ledger_mirror, gives_the_copy_nothing_that_does_not_stand)
{
    struct pair pair;
    begin(&pair);
    pair.authority.refuse_next = true;
    assert_int_equal(append(&pair, 0, 2), APPEND_REFUSED);
    assert_int_equal(append(&pair, 0, 2), APPEND_OK);
    pair.authority.epoch++; /* another writer */
    assert_int_equal(append(&pair, 2, 2), APPEND_MOVED);
    pair.authority.epoch--;
    pair.authority.fail_next = true;
    assert_int_equal(append(&pair, 2, 2), APPEND_UNKNOWN);
    assert_int_equal(pair.log->ops->append(pair.log, &pair.append), -ERR_STOPPED);
    assert_int_equal(pair.copy.tail, 2);
    end(&pair);
}

TEST(ledger_mirror, waits_for_space_of_the_copy)
{
    struct pair pair;
    begin(&pair);
    pair.copy.full = true;
    begin_append(&pair, 0, 2);
    for (int i = 0; i < 5; i++)
        pair.log->ops->poll(pair.log);
    assert_int_equal(pair.answers, 0);
    assert_int_equal(pair.log->ops->trouble(pair.log), LEDGER_FULL);
    assert_true(ledger_mirror_stats(pair.log).copy_retries >= 1);
    assert_int_equal(pair.log->ops->append(pair.log, &pair.append), -ERR_BUSY);
    pair.copy.full = false;
    for (int i = 0; i < 3 && pair.answers == 0; i++)
        pair.log->ops->poll(pair.log);
    assert_int_equal(pair.outcome, APPEND_OK);
    assert_int_equal(pair.log->ops->trouble(pair.log), LEDGER_WELL);
    assert_same(&pair, 2);
    end(&pair);
}

TEST(ledger_mirror, is_stopped_by_a_copy_that_fails_and_comes_up_at_a_start)
{
    struct pair pair;
    begin(&pair);
    assert_int_equal(append(&pair, 0, 2), APPEND_OK);
    pair.copy.fail_next = true;
    assert_int_equal(append(&pair, 2, 3), APPEND_UNKNOWN); /* it stands; nobody is told */
    assert_int_equal(pair.authority.tail, 5);
    assert_int_equal(pair.copy.tail, 2);
    pair.copy.fail_next = false;
    join_again(&pair);
    assert_int_equal(pair.report.copied, 3);
    assert_int_equal(pair.report.seq_tail, 5);
    assert_same(&pair, 5);
    assert_int_equal(append(&pair, 5, 1), APPEND_OK);
    assert_same(&pair, 6);
    end(&pair);
}

TEST(ledger_mirror, makes_a_lost_copy_again)
{
    struct pair pair;
    begin(&pair);
    for (uint64_t tail = 0; tail < 6000; tail += 60)
        assert_int_equal(append(&pair, tail, 60), APPEND_OK);
    fake_log_done(&pair.copy);
    fake_log_init(&pair.copy);
    join_again(&pair);
    assert_int_equal(pair.report.copied, 6000);
    assert_same(&pair, 6000);
    end(&pair);
}

TEST(ledger_mirror, gets_what_another_writer_wrote)
{
    struct pair pair;
    begin(&pair);
    assert_int_equal(append(&pair, 0, 2), APPEND_OK);
    pair.authority.epoch++;
    put(&pair.authority, 2, 5, 1);
    join_again(&pair);
    assert_same(&pair, 7);
    end(&pair);
}

TEST(ledger_mirror, refuses_a_copy_of_another_log)
{
    static const struct {
        uint64_t tail;
        uint64_t generation;
        const char *why;
    } rows[] = {
        {2, 9, "record 1 of the copy"}, /* from the begin */
        {1, 1, NULL},                   /* its begin: fine */
        {5, 1, "not its copy"},         /* ahead */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair pair;
        begin(&pair);
        put(&pair.authority, 0, 3, 1);
        put(&pair.copy, 0, (uint32_t)rows[i].tail, rows[i].generation);
        pair.log->ops->free(pair.log);
        int error = try_join(&pair);
        assert_int_equal(error, rows[i].why == NULL ? 0 : -ERR_CORRUPT);
        if (rows[i].why != NULL) {
            assert_non_null(strstr(pair.why, rows[i].why));
            assert_int_equal(pair.copy.tail, rows[i].tail); /* nothing was written */
        } else {
            pair.log->ops->free(pair.log);
        }
        fake_log_done(&pair.authority);
        fake_log_done(&pair.copy);
    }
}

TEST(ledger_mirror, refuses_a_copy_that_parted_behind_the_first_record)
{
    struct pair pair;
    begin(&pair);
    put(&pair.authority, 0, 1, 1);
    put(&pair.copy, 0, 1, 1);
    put(&pair.authority, 1, 3, 1);
    put(&pair.copy, 1, 1, 2);
    pair.log->ops->free(pair.log);
    assert_int_equal(try_join(&pair), -ERR_CORRUPT);
    assert_non_null(strstr(pair.why, "record 2 of the copy"));
    fake_log_done(&pair.authority);
    fake_log_done(&pair.copy);
}

TEST(ledger_mirror, takes_the_authoritys_epoch_for_both)
{
    struct pair pair;
    begin(&pair);
    pair.authority.epoch = 40;
    join_again(&pair);
    assert_int_equal(pair.epoch, 41);
    assert_int_equal(pair.copy.epoch, 41);
    assert_int_equal(append(&pair, 0, 1), APPEND_OK);
    end(&pair);
}

TEST(ledger_mirror, passes_on_what_either_log_has_to_tell)
{
    struct pair pair;
    begin(&pair);
    unsigned before = pair.notified;
    pair.authority.port.notify(pair.authority.port.notify_owner);
    pair.copy.port.notify(pair.copy.port.notify_owner);
    assert_int_equal(pair.notified, before + 2);
    pair.authority.trouble = LEDGER_STALLED;
    assert_int_equal(pair.log->ops->trouble(pair.log), LEDGER_STALLED);
    end(&pair);
}
