/* test_ledger_writer.c - the threads of a ledger_file when its disks hang, fail and come back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/embedded/ledger_cursor_file.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/clock.h"
#include "base/error.h"
#include "log_records.h"
#include "test.h"

#define SEGMENT_BYTES (64u << 10)
#define STALL_US      20000
#define RECORD_BYTES  48

struct bench {
    struct faulty_disk *fakes[2];
    struct ledger_log *log;
    struct ledger_file_options options;
    struct ledger_report report;
    uint64_t epoch;
    uint64_t told;  /* the follower: the last record of a group that it was told of */
    uint64_t wrong; /* it was told of something else than the next group */
    char records[2 * RECORD_BYTES];
    struct ledger_append append;
    int answers;
    enum append_outcome outcome;
};

static void on_durable(void *owner, const struct ledger_append *group)
{
    struct bench *bench = owner;
    if (group->expected_tail != __atomic_load_n(&bench->told, __ATOMIC_ACQUIRE))
        bench->wrong++;
    __atomic_store_n(&bench->told, group->expected_tail + group->count, __ATOMIC_RELEASE);
}

static void bench_make(struct bench *bench, bool two)
{
    *bench = (struct bench){
        .options = {.store = {.segment_bytes = SEGMENT_BYTES, .reserve_bytes = SEGMENT_BYTES},
                    .stall_us = STALL_US}};
    bench->options.follower = (struct ledger_follower){on_durable, bench};
    for (int i = 0; i < 2; i++)
        bench->fakes[i] = faulty_disk_new();
    if (two)
        bench->options.store.second = faulty_disk_of(bench->fakes[1]);
}

static uint64_t tail(struct bench *bench)
{
    return bench->log->ops->tail(bench->log, 0);
}

static void bench_open(struct bench *bench)
{
    assert_int_equal(ledger_file_open(&bench->options, faulty_disk_of(bench->fakes[0]),
                                      &bench->report, &bench->log),
                     0);
    assert_int_equal(bench->log->ops->take_epoch(bench->log, 0, &bench->epoch), 0);
    bench->told = tail(bench);
}

static void bench_close(struct bench *bench)
{
    bench->log->ops->free(bench->log);
    bench->log = NULL;
}

static void bench_free(struct bench *bench)
{
    for (int i = 0; i < 2; i++)
        faulty_disk_free(bench->fakes[i]);
}

static void on_done(struct ledger_append *append, enum append_outcome outcome)
{
    struct bench *bench = append->owner;
    bench->answers++;
    bench->outcome = outcome;
    memset(bench->records, 0xEE, sizeof bench->records); /* the owner's again */
}

static void submit_until(struct bench *bench, int64_t until_us)
{
    bench->append = (struct ledger_append){.epoch = bench->epoch,
                                           .expected_tail = tail(bench),
                                           .records = bench->records,
                                           .count = 2,
                                           .until_us = until_us,
                                           .on_done = on_done,
                                           .owner = bench};
    bench->append.bytes =
        log_records_make(bench->records, RECORD_BYTES, bench->append.expected_tail + 1, 2, 1);
    assert_int_equal(bench->log->ops->append(bench->log, &bench->append), 0);
}

static void submit(struct bench *bench)
{
    submit_until(bench, 0);
}

static void wait_answer(struct bench *bench, int answers)
{
    for (int i = 0; i < 60000 && bench->answers < answers; i++) {
        bench->log->ops->poll(bench->log);
        usleep(1000);
    }
    assert_int_equal(bench->answers, answers);
}

static void append(struct bench *bench)
{
    int answers = bench->answers;
    submit(bench);
    wait_answer(bench, answers + 1);
    assert_int_equal(bench->outcome, APPEND_OK);
}

static void hold(struct bench *bench, int volume, bool held)
{
    faulty_disk_hold_syncs(bench->fakes[volume], held);
}

static int64_t health(const struct metrics_gauge *gauge)
{
    return __atomic_load_n(&gauge->value, __ATOMIC_RELAXED);
}

static void wait_back(struct bench *bench)
{
    for (int i = 0; i < 60000 && ledger_file_hangs(bench->log); i++)
        usleep(1000);
    assert_false(ledger_file_hangs(bench->log));
}

/* The directory that is written into. A busy machine makes a stall by itself now and then, so it is
 * asked for, with nothing under way: nobody leaves it then. */
static int active(struct bench *bench)
{
    wait_back(bench);
    return (int)health(&ledger_file_health(bench->log)->volume) - 1;
}

static void wait_trouble(struct bench *bench, enum ledger_trouble trouble)
{
    for (int i = 0; i < 60000 && bench->log->ops->trouble(bench->log) != trouble; i++)
        usleep(1000);
    assert_int_equal(bench->log->ops->trouble(bench->log), trouble);
}

static int visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    uint64_t *seen = owner;
    uint64_t seq = 0, generation = 0;
    (void)shard;
    if (!log_record_is(record, bytes, &seq, &generation) || seq != *seen + 1)
        return -ERR_CORRUPT;
    *seen = seq;
    return 0;
}

static void assert_reads(struct bench *bench)
{
    uint64_t seen = 0;
    assert_int_equal(bench->log->ops->replay(bench->log, 0, 1, visit, &seen), 0);
    assert_int_equal(seen, tail(bench));
    assert_int_equal(bench->told, tail(bench));
    assert_int_equal(bench->wrong, 0);
}

TEST(ledger_writer, a_stall_is_told_and_ends_by_itself)
{
    struct bench bench;
    bench_make(&bench, false);
    bench_open(&bench);
    append(&bench);
    assert_int_equal(bench.log->ops->trouble(bench.log), LEDGER_WELL);
    uint64_t stalls = ledger_file_health(bench.log)->stalls.value;
    hold(&bench, 0, true);
    submit(&bench);
    wait_trouble(&bench, LEDGER_STALLED);
    bench.log->ops->poll(bench.log);
    assert_int_equal(bench.answers, 1);
    hold(&bench, 0, false);
    wait_answer(&bench, 2);
    assert_int_equal(bench.outcome, APPEND_OK);
    assert_int_equal(bench.log->ops->trouble(bench.log), LEDGER_WELL);
    assert_int_equal(ledger_file_health(bench.log)->stalls.value, stalls + 1);
    append(&bench);
    assert_reads(&bench);
    bench_close(&bench);
    bench_free(&bench);
}

TEST(ledger_writer, what_stalls_goes_on_in_the_other_directory_and_is_answered_once)
{
    struct bench bench;
    bench_make(&bench, true);
    bench_open(&bench);
    for (int round = 0; round < 6; round++) {
        append(&bench);
        int volume = active(&bench); /* the other one of the round before */
        hold(&bench, volume, true);
        append(&bench); /* on the other one */
        assert_int_equal(health(&ledger_file_health(bench.log)->volume), 2 - volume);
        assert_true(ledger_file_hangs(bench.log));
        append(&bench);
        hold(&bench, volume, false); /* its write ends well, and nobody wants it */
        append(&bench);
        assert_reads(&bench);
    }
    assert_true(ledger_file_health(bench.log)->failovers.value >= 6);
    uint64_t all = tail(&bench);
    assert_int_equal(bench.answers, all / 2);
    bench_close(&bench);
    bench_open(&bench);
    assert_int_equal(tail(&bench), all);
    assert_reads(&bench);
    bench_close(&bench);
    bench_free(&bench);
}

TEST(ledger_writer, what_stalls_longer_than_it_may_is_not_written_in_the_other_directory)
{
    struct bench bench;
    bench_make(&bench, true);
    bench_open(&bench);
    append(&bench);
    hold(&bench, 0, true);
    submit_until(&bench, clock_us(CLOCK_MONOTONIC) + STALL_US / 2);
    wait_answer(&bench, 2);
    assert_int_equal(bench.outcome, APPEND_LATE);
    assert_int_equal(tail(&bench), 2);
    hold(&bench, 0, false); /* what was written there, if it was, is not the log's */
    append(&bench);
    assert_reads(&bench);
    bench_close(&bench);
    bench_open(&bench);
    assert_int_equal(tail(&bench), 4);
    assert_reads(&bench);
    bench_close(&bench);
    bench_free(&bench);
}

TEST(ledger_writer, what_waits_for_a_segment_longer_than_it_may_is_not_written)
{
    struct bench bench;
    bench_make(&bench, false);
    bench.options.store.reserve_bytes = 0;
    bench_open(&bench);
    append(&bench);
    faulty_disk_limit(bench.fakes[0], 1); /* the segment fills, and there is no other */
    int answers = 1;
    while (bench.outcome == APPEND_OK) {
        submit(&bench);
        wait_answer(&bench, ++answers);
    }
    assert_int_equal(bench.outcome, APPEND_REFUSED);
    uint64_t before = tail(&bench);
    hold(&bench, 0, true); /* there is now, as soon as its zeros are on the disk */
    faulty_disk_limit(bench.fakes[0], 0);
    int64_t until_us = clock_us(CLOCK_MONOTONIC) + 50000;
    submit_until(&bench, until_us);
    while (clock_us(CLOCK_MONOTONIC) <= until_us)
        usleep(1000);
    hold(&bench, 0, false);
    wait_answer(&bench, ++answers);
    assert_int_equal(bench.outcome, APPEND_LATE);
    assert_int_equal(tail(&bench), before);
    append(&bench);
    assert_reads(&bench);
    bench_close(&bench);
    bench_free(&bench);
}

TEST(ledger_writer, what_fails_goes_on_in_the_other_directory_at_once)
{
    struct bench bench;
    bench_make(&bench, true);
    bench.options.stall_us = 0; /* no clock is needed for that */
    bench_open(&bench);
    append(&bench);
    /* whatever meets the failure, preparing or the append: the append is answered */
    for (int i = 0; i < 50 && health(&ledger_file_health(bench.log)->volume) == 1; i++) {
        faulty_disk_fail_sync(bench.fakes[0], 1);
        append(&bench);
    }
    assert_int_equal(health(&ledger_file_health(bench.log)->volume), 2);
    faulty_disk_fail_sync(bench.fakes[0], 0);
    append(&bench);
    assert_reads(&bench);
    /* the second fails as well: the first is not trusted again, so the log stops */
    enum append_outcome outcome = APPEND_OK;
    for (int i = 0; i < 50 && outcome == APPEND_OK; i++) {
        int answers = bench.answers;
        faulty_disk_fail_sync(bench.fakes[1], 1);
        submit(&bench);
        wait_answer(&bench, answers + 1);
        outcome = bench.outcome;
    }
    assert_int_equal(outcome, APPEND_UNKNOWN);
    assert_int_equal(bench.log->ops->append(bench.log, &bench.append), -ERR_STOPPED);
    bench_close(&bench);
    bench_free(&bench);
}

TEST(ledger_writer, when_both_directories_stall_the_first_to_come_back_goes_on)
{
    struct bench bench;
    bench_make(&bench, true);
    bench_open(&bench);
    append(&bench);
    hold(&bench, 0, true);
    hold(&bench, 1, true);
    submit(&bench);
    wait_trouble(&bench, LEDGER_STALLED);
    usleep(5 * STALL_US); /* longer than a failover takes to begin */
    hold(&bench, 1, false);
    wait_answer(&bench, 2);
    assert_int_equal(bench.outcome, APPEND_OK);
    assert_int_equal(health(&ledger_file_health(bench.log)->volume), 2);
    hold(&bench, 0, false);
    append(&bench);
    assert_reads(&bench);
    bench_close(&bench);
    bench_free(&bench);
}

TEST(ledger_writer, does_not_fail_back_to_a_directory_where_a_writer_hangs)
{
    struct bench bench;
    bench_make(&bench, true);
    bench_open(&bench);
    append(&bench);
    int first = active(&bench), second = 1 - first;
    uint64_t failovers = ledger_file_health(bench.log)->failovers.value;
    hold(&bench, first, true);
    append(&bench);
    hold(&bench, second, true);
    submit(&bench);
    wait_trouble(&bench, LEDGER_STALLED);
    usleep(5 * STALL_US); /* longer than a failover takes to begin */
    assert_int_equal(health(&ledger_file_health(bench.log)->volume), second + 1);
    hold(&bench, second, false);
    wait_answer(&bench, 3);
    assert_int_equal(bench.outcome, APPEND_OK);
    assert_int_equal(health(&ledger_file_health(bench.log)->volume), second + 1);
    assert_int_equal(ledger_file_health(bench.log)->failovers.value, failovers + 1);
    hold(&bench, first, false);
    append(&bench);
    assert_reads(&bench);
    bench_close(&bench);
    bench_free(&bench);
}

/* A cursor that follows the log sees each durable record once, over every failover. */
TEST(ledger_writer, a_cursor_goes_on_across_failovers)
{
    struct bench bench;
    bench_make(&bench, true);
    bench_open(&bench);
    struct ledger_cursor_log view = ledger_file_cursor_log(bench.log);
    struct ledger_cursor *cursor = NULL;
    uint64_t seen = 0;
    assert_int_equal(ledger_cursor_file_new(&view, &cursor), 0);
    for (int round = 0; round < 4; round++) {
        append(&bench);
        int volume = active(&bench);
        hold(&bench, volume, true);
        append(&bench);
        hold(&bench, volume, false);
        assert_int_equal(cursor->ops->look(cursor), tail(&bench));
        while (cursor->ops->step(cursor, 4096, visit, &seen) == 1)
            ;
        assert_int_equal(seen, tail(&bench));
    }
    cursor->ops->free(cursor);
    bench_close(&bench);
    bench_free(&bench);
}

TEST(ledger_writer, the_end_does_not_wait_for_ever_for_one_that_hangs)
{
    struct bench bench;
    bench_make(&bench, true);
    bench_open(&bench);
    append(&bench);
    int volume = active(&bench);
    hold(&bench, volume, true);
    append(&bench);
    assert_true(ledger_file_hangs(bench.log));
    bench_close(&bench); /* and the disks stay */
    hold(&bench, volume, false);
    struct disk *disk = faulty_disk_of(bench.fakes[volume]);
    int file = -1, error = -ERR_BUSY;
    for (int i = 0; i < 60000 && error == -ERR_BUSY; i++) {
        error = disk->ops->lock(disk, "ledger-0000.lock", &file);
        usleep(1000);
    }
    assert_int_equal(error, 0); /* it came back and let go of everything */
    disk->ops->close(disk, file);
    bench_open(&bench);
    assert_int_equal(tail(&bench), 4);
    bench_close(&bench);
    bench_free(&bench);
}

TEST(ledger_writer, a_full_disk_is_told_and_ends_by_itself)
{
    struct bench bench;
    bench_make(&bench, false);
    bench_open(&bench);
    append(&bench);
    faulty_disk_limit(bench.fakes[0], 1);
    while (bench.outcome == APPEND_OK) {
        int answers = bench.answers;
        submit(&bench);
        wait_answer(&bench, answers + 1);
    }
    assert_int_equal(bench.outcome, APPEND_REFUSED);
    wait_trouble(&bench, LEDGER_FULL);
    assert_int_equal(health(&ledger_file_health(bench.log)->reserve_bytes), 0);
    assert_int_equal(health(&ledger_file_health(bench.log)->reserve_missing_bytes), SEGMENT_BYTES);
    faulty_disk_limit(bench.fakes[0], 0);
    wait_trouble(&bench, LEDGER_WELL); /* nobody appends meanwhile */
    append(&bench);
    assert_reads(&bench);
    bench_close(&bench);
    bench_free(&bench);
}
