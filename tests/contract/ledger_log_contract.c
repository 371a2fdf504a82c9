/* ledger_log_contract.c - contract in ledger_log_contract.h; the rules are those of
 * ports/ledger_log.h. */
#include "ledger_log_contract.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "log_records.h"

#define RECORD_BYTES 328
#define WAIT_SECONDS 20

struct bench { /* one open log and what it answered */
    struct log_subject *subject;
    struct ledger_log *log;
    uint64_t epoch;
    pthread_mutex_t lock;
    pthread_cond_t notified;
    unsigned notifications;
};

struct call { /* one append or read, and its answer */
    struct ledger_append append;
    struct ledger_read read;
    struct bench *bench;
    bool submitting;
    unsigned callbacks;
    enum append_outcome outcome;
    int error;
    size_t bytes;
    struct call *next; /* submitted from inside the callback */
    char *memory;
};

static void on_notify(void *owner)
{
    struct bench *bench = owner;
    pthread_mutex_lock(&bench->lock);
    bench->notifications++;
    pthread_cond_signal(&bench->notified);
    pthread_mutex_unlock(&bench->lock);
}

static void bench_open(struct bench *bench, struct log_subject *subject)
{
    *bench = (struct bench){.subject = subject};
    pthread_mutex_init(&bench->lock, NULL);
    pthread_cond_init(&bench->notified, NULL);
    assert_int_equal(subject->open(subject, &bench->log), 0);
    bench->log->notify = on_notify;
    bench->log->notify_owner = bench;
    assert_int_equal(bench->log->ops->take_epoch(bench->log, 0, &bench->epoch), 0);
}

static void bench_close(struct bench *bench)
{
    bench->log->ops->free(bench->log);
    bench->subject->close(bench->subject);
    pthread_mutex_destroy(&bench->lock);
    pthread_cond_destroy(&bench->notified);
}

/* Waits for a notification, as an event loop would, then polls. */
static void poll_until(struct bench *bench, const struct call *call)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_SECONDS;
    while (call->callbacks == 0) {
        int result = 0;
        pthread_mutex_lock(&bench->lock);
        while (bench->notifications == 0 && result == 0)
            result = pthread_cond_timedwait(&bench->notified, &bench->lock, &until);
        bench->notifications = 0;
        pthread_mutex_unlock(&bench->lock);
        assert_int_equal(result, 0); /* a callback without notify() would hang a loop */
        bench->log->ops->poll(bench->log);
    }
}

static void submit(struct call *call);

static void on_append(struct ledger_append *append, enum append_outcome outcome)
{
    struct call *call = append->owner;
    assert_false(call->submitting); /* never inside the submitting call */
    call->callbacks++;
    call->outcome = outcome;
    if (call->next != NULL)
        submit(call->next);
}

static void on_read(struct ledger_read *read, int error, size_t bytes)
{
    struct call *call = read->owner;
    assert_false(call->submitting);
    call->callbacks++;
    call->error = error;
    call->bytes = bytes;
}

static void prepare(struct call *call, struct bench *bench, uint64_t tail, uint32_t count)
{
    *call = (struct call){.bench = bench};
    call->memory = malloc((size_t)count * RECORD_BYTES);
    assert_non_null(call->memory);
    size_t bytes = log_records_make(call->memory, RECORD_BYTES, tail + 1, count, 1);
    call->append = (struct ledger_append){.epoch = bench->epoch,
                                          .expected_tail = tail,
                                          .records = call->memory,
                                          .bytes = bytes,
                                          .count = count,
                                          .on_done = on_append,
                                          .owner = call};
}

static int try_submit(struct call *call)
{
    struct ledger_log *log = call->bench->log;
    call->submitting = true;
    int result = log->ops->append(log, &call->append);
    call->submitting = false;
    return result;
}

static void submit(struct call *call)
{
    assert_int_equal(try_submit(call), 0);
}

static enum append_outcome append(struct bench *bench, uint64_t tail, uint32_t count)
{
    struct call call;
    prepare(&call, bench, tail, count);
    submit(&call);
    poll_until(bench, &call);
    assert_int_equal(call.callbacks, 1);
    free(call.memory);
    return call.outcome;
}

static void begin_read(struct call *call, struct bench *bench, uint64_t seq, uint32_t count,
                       size_t capacity)
{
    *call = (struct call){.bench = bench};
    call->memory = malloc(capacity);
    assert_non_null(call->memory);
    call->read = (struct ledger_read){.seq_first = seq,
                                      .count = count,
                                      .memory = call->memory,
                                      .capacity = capacity,
                                      .on_done = on_read,
                                      .owner = call};
}

static int try_read(struct call *call)
{
    struct ledger_log *log = call->bench->log;
    call->submitting = true;
    int result = log->ops->read(log, &call->read);
    call->submitting = false;
    return result;
}

/* The error, or the records were exactly those. */
static int read_range(struct bench *bench, uint64_t seq, uint32_t count, size_t capacity)
{
    struct call call;
    begin_read(&call, bench, seq, count, capacity);
    assert_int_equal(try_read(&call), 0);
    poll_until(bench, &call);
    if (call.error == 0) {
        assert_int_equal(call.bytes, (size_t)count * RECORD_BYTES);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t got = 0, generation = 0;
            assert_true(log_record_is(call.memory + (size_t)i * RECORD_BYTES, RECORD_BYTES, &got,
                                      &generation));
            assert_int_equal(got, seq + i);
        }
    }
    free(call.memory);
    return call.error;
}

struct visited {
    uint64_t first, last;
    uint64_t stop_at;
};

static int visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct visited *visited = owner;
    uint64_t seq = 0, generation = 0;
    assert_int_equal(shard, 0);
    assert_true(log_record_is(record, bytes, &seq, &generation));
    if (visited->first == 0)
        visited->first = seq;
    else
        assert_int_equal(seq, visited->last + 1);
    visited->last = seq;
    return seq == visited->stop_at ? -ERR_FORMAT : 0;
}

static struct visited replay(struct bench *bench, uint64_t seq_first)
{
    struct visited visited = {0};
    assert_int_equal(bench->log->ops->replay(bench->log, 0, seq_first, visit, &visited), 0);
    return visited;
}

static uint64_t tail_of(struct bench *bench)
{
    return bench->log->ops->tail(bench->log, 0);
}

/* --- The sentences --- */

void ledger_log_contract_gives_back_what_was_appended(struct log_subject *subject)
{
    struct bench bench;
    bench_open(&bench, subject);
    assert_int_equal(tail_of(&bench), 0);
    assert_int_equal(replay(&bench, 1).last, 0);
    assert_int_equal(append(&bench, 0, 3), APPEND_OK);
    assert_int_equal(append(&bench, 3, 1), APPEND_OK);
    assert_int_equal(tail_of(&bench), 4);
    assert_int_equal(read_range(&bench, 1, 4, 4 * RECORD_BYTES), 0);
    assert_int_equal(replay(&bench, 1).first, 1);
    assert_int_equal(replay(&bench, 1).last, 4);
    bench_close(&bench);
}

void ledger_log_contract_keeps_everything_over_a_restart(struct log_subject *subject)
{
    struct bench bench;
    for (uint64_t life = 0; life < 4; life++) {
        bench_open(&bench, subject);
        assert_int_equal(tail_of(&bench), life * 10);
        for (uint64_t i = 0; i < 5; i++)
            assert_int_equal(append(&bench, life * 10 + 2 * i, 2), APPEND_OK);
        assert_int_equal(replay(&bench, 1).last, life * 10 + 10);
        bench_close(&bench);
    }
}

void ledger_log_contract_calls_back_in_poll_only(struct log_subject *subject)
{
    struct bench bench;
    struct call call;
    bench_open(&bench, subject);
    prepare(&call, &bench, 0, 2);
    submit(&call);
    pthread_mutex_lock(&bench.lock);
    while (bench.notifications == 0)
        pthread_cond_wait(&bench.notified, &bench.lock);
    pthread_mutex_unlock(&bench.lock);
    assert_int_equal(call.callbacks, 0); /* done, but nobody has polled */
    poll_until(&bench, &call);
    bench.log->ops->poll(bench.log);
    assert_int_equal(call.callbacks, 1);
    free(call.memory);
    bench_close(&bench);
}

void ledger_log_contract_takes_the_next_append_from_inside_the_callback(struct log_subject *subject)
{
    struct bench bench;
    struct call calls[8];
    bench_open(&bench, subject);
    for (uint64_t i = 0; i < 8; i++) {
        prepare(&calls[i], &bench, i, 1);
        if (i > 0)
            calls[i - 1].next = &calls[i];
    }
    submit(&calls[0]);
    for (int i = 0; i < 8; i++) {
        poll_until(&bench, &calls[i]);
        assert_int_equal(calls[i].outcome, APPEND_OK);
        free(calls[i].memory);
    }
    assert_int_equal(tail_of(&bench), 8);
    bench_close(&bench);
}

void ledger_log_contract_is_busy_while_an_append_is_under_way(struct log_subject *subject)
{
    struct bench bench;
    struct call first, second;
    bench_open(&bench, subject);
    prepare(&first, &bench, 0, 1);
    prepare(&second, &bench, 1, 1);
    if (subject->hold != NULL)
        subject->hold(subject, true);
    submit(&first);
    assert_int_equal(try_submit(&second), -ERR_BUSY);
    assert_int_equal(first.callbacks, 0);
    if (subject->hold != NULL)
        subject->hold(subject, false);
    poll_until(&bench, &first);
    assert_int_equal(second.callbacks, 0); /* an append that was not taken is not called back */
    submit(&second);
    poll_until(&bench, &second);
    assert_int_equal(second.outcome, APPEND_OK);
    free(first.memory);
    free(second.memory);
    bench_close(&bench);
}

void ledger_log_contract_refuses_a_writer_who_missed_something(struct log_subject *subject)
{
    struct bench bench;
    bench_open(&bench, subject);
    assert_int_equal(append(&bench, 0, 3), APPEND_OK);
    assert_int_equal(append(&bench, 2, 1), APPEND_MOVED);
    assert_int_equal(append(&bench, 4, 1), APPEND_MOVED);
    assert_int_equal(tail_of(&bench), 3);
    assert_int_equal(append(&bench, 3, 1), APPEND_OK); /* and goes on */
    assert_int_equal(replay(&bench, 1).last, 4);
    bench_close(&bench);
}

void ledger_log_contract_fences_an_older_epoch(struct log_subject *subject)
{
    struct bench bench;
    uint64_t newer = 0;
    bench_open(&bench, subject);
    assert_int_equal(append(&bench, 0, 1), APPEND_OK);
    assert_int_equal(bench.log->ops->take_epoch(bench.log, 0, &newer), 0);
    assert_true(newer > bench.epoch);
    assert_int_equal(append(&bench, 1, 1), APPEND_MOVED);
    assert_int_equal(tail_of(&bench), 1);
    bench.epoch = newer;
    assert_int_equal(append(&bench, 1, 1), APPEND_OK);
    bench_close(&bench);
}

void ledger_log_contract_never_gives_an_epoch_twice(struct log_subject *subject)
{
    uint64_t last = 0;
    for (int life = 0; life < 5; life++) {
        struct bench bench;
        bench_open(&bench, subject);
        assert_true(bench.epoch > last);
        last = bench.epoch;
        bench_close(&bench);
    }
}

void ledger_log_contract_reads_any_range_and_no_more(struct log_subject *subject)
{
    struct bench bench;
    const size_t ample = 100 * RECORD_BYTES;
    bench_open(&bench, subject);
    for (uint64_t i = 0; i < 30; i++)
        assert_int_equal(append(&bench, 3 * i, 3), APPEND_OK);
    for (uint64_t seq = 1; seq <= 90; seq += 7)
        for (uint32_t count = 1; seq + count - 1 <= 90; count += 13)
            assert_int_equal(read_range(&bench, seq, count, ample), 0);
    assert_int_equal(read_range(&bench, 1, 90, 90 * RECORD_BYTES), 0);
    assert_int_equal(read_range(&bench, 1, 90, 90 * RECORD_BYTES - 1), -ERR_LIMIT);
    assert_int_equal(read_range(&bench, 90, 2, ample), -ERR_NOT_FOUND);
    assert_int_equal(read_range(&bench, 91, 1, ample), -ERR_NOT_FOUND);
    assert_int_equal(read_range(&bench, 0, 1, ample), -ERR_NOT_FOUND);
    assert_int_equal(read_range(&bench, UINT64_MAX, 2, ample), -ERR_NOT_FOUND);
    assert_int_equal(append(&bench, 90, 1), APPEND_OK);
    assert_int_equal(read_range(&bench, 90, 2, ample), 0); /* what came since */
    bench_close(&bench);
}

void ledger_log_contract_is_busy_at_the_limit_of_reads(struct log_subject *subject)
{
    struct bench bench;
    static struct call calls[LEDGER_READS_MAX + 1];
    bench_open(&bench, subject);
    assert_int_equal(append(&bench, 0, 1), APPEND_OK);
    for (size_t i = 0; i <= LEDGER_READS_MAX; i++) {
        begin_read(&calls[i], &bench, 1, 1, RECORD_BYTES);
        assert_int_equal(try_read(&calls[i]), i < LEDGER_READS_MAX ? 0 : -ERR_BUSY);
    }
    for (size_t i = 0; i < LEDGER_READS_MAX; i++) {
        poll_until(&bench, &calls[i]);
        assert_int_equal(calls[i].error, 0);
    }
    assert_int_equal(try_read(&calls[LEDGER_READS_MAX]), 0);
    poll_until(&bench, &calls[LEDGER_READS_MAX]);
    for (size_t i = 0; i <= LEDGER_READS_MAX; i++) {
        assert_int_equal(calls[i].callbacks, 1);
        free(calls[i].memory);
    }
    bench_close(&bench);
}

void ledger_log_contract_replays_from_any_number(struct log_subject *subject)
{
    struct bench bench;
    bench_open(&bench, subject);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(append(&bench, 3 * i, 3), APPEND_OK);
    for (uint64_t seq = 1; seq <= 60; seq += 11) {
        struct visited visited = replay(&bench, seq);
        assert_int_equal(visited.first, seq);
        assert_int_equal(visited.last, 60);
    }
    assert_int_equal(replay(&bench, 0).first, 1);
    assert_int_equal(replay(&bench, 61).first, 0);
    bench_close(&bench);
}

void ledger_log_contract_ends_a_replay_when_the_visitor_says_so(struct log_subject *subject)
{
    struct bench bench;
    struct visited visited = {.stop_at = 17};
    bench_open(&bench, subject);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(append(&bench, 3 * i, 3), APPEND_OK);
    assert_int_equal(bench.log->ops->replay(bench.log, 0, 1, visit, &visited), -ERR_FORMAT);
    assert_int_equal(visited.last, 17);
    bench_close(&bench);
}

void ledger_log_contract_refuses_a_group_above_the_limit(struct log_subject *subject)
{
    struct bench bench;
    struct call call;
    bench_open(&bench, subject);
    prepare(&call, &bench, 0, (uint32_t)(ledger_append_bytes_max(bench.log) / RECORD_BYTES) + 1);
    assert_int_equal(try_submit(&call), -ERR_LIMIT);
    assert_int_equal(append(&bench, 0, 1), APPEND_OK);
    assert_int_equal(call.callbacks, 0);
    free(call.memory);
    bench_close(&bench);
}

void ledger_log_contract_takes_a_group_at_the_limit(struct log_subject *subject)
{
    struct bench bench;
    bench_open(&bench, subject);
    const uint32_t count = (uint32_t)(ledger_append_bytes_max(bench.log) / RECORD_BYTES);
    assert_true(ledger_append_bytes_max(bench.log) >= LEDGER_APPEND_BYTES_MIN);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(append(&bench, i * count, count), APPEND_OK);
    assert_int_equal(read_range(&bench, 1, 3 * count, 4 * LEDGER_APPEND_BYTES_MAX), 0);
    bench_close(&bench);
    bench_open(&bench, subject);
    assert_int_equal(replay(&bench, 1).last, 3 * count);
    bench_close(&bench);
}

void ledger_log_contract_stops_for_ever_after_a_failure(struct log_subject *subject)
{
    struct bench bench;
    struct call call;
    uint64_t epoch = 0;
    bench_open(&bench, subject);
    assert_int_equal(append(&bench, 0, 2), APPEND_OK);
    subject->fail_next(subject);
    assert_int_equal(append(&bench, 2, 2), APPEND_UNKNOWN);
    prepare(&call, &bench, 2, 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(try_submit(&call), -ERR_STOPPED);
    assert_int_equal(bench.log->ops->take_epoch(bench.log, 0, &epoch), -ERR_STOPPED);
    assert_int_equal(tail_of(&bench), 2);
    assert_int_equal(read_range(&bench, 1, 2, 2 * RECORD_BYTES), 0); /* reads go on */
    free(call.memory);
    bench_close(&bench);
    bench_open(&bench, subject); /* a restart looks, and goes on from whatever is there */
    uint64_t tail = tail_of(&bench);
    assert_true(tail == 2 || tail == 4);
    assert_int_equal(append(&bench, tail, 1), APPEND_OK);
    bench_close(&bench);
}

void ledger_log_contract_refuses_without_effect_when_space_ends(struct log_subject *subject)
{
    struct bench bench;
    uint64_t tail = 0;
    enum append_outcome outcome = APPEND_OK;
    bench_open(&bench, subject);
    subject->fill(subject, true);
    while (outcome == APPEND_OK) {
        outcome = append(&bench, tail, 1000);
        tail += outcome == APPEND_OK ? 1000 : 0;
    }
    assert_int_equal(outcome, APPEND_REFUSED);
    assert_int_equal(tail_of(&bench), tail);
    assert_int_equal(append(&bench, tail, 1000), APPEND_REFUSED); /* still refused, not stopped */
    subject->fill(subject, false);
    assert_int_equal(append(&bench, tail, 1000), APPEND_OK);
    bench_close(&bench);
    bench_open(&bench, subject);
    assert_int_equal(replay(&bench, 1).last, tail + 1000);
    bench_close(&bench);
}

void ledger_log_contract_finishes_what_is_under_way_before_it_closes(struct log_subject *subject)
{
    struct bench bench;
    struct call call, reading;
    bench_open(&bench, subject);
    assert_int_equal(append(&bench, 0, 1), APPEND_OK);
    prepare(&call, &bench, 1, 1);
    begin_read(&reading, &bench, 1, 1, RECORD_BYTES);
    submit(&call);
    assert_int_equal(try_read(&reading), 0);
    bench_close(&bench);
    assert_int_equal(call.callbacks, 1);
    assert_int_equal(call.outcome, APPEND_OK);
    assert_int_equal(reading.callbacks, 1);
    free(call.memory);
    free(reading.memory);
    bench_open(&bench, subject);
    assert_int_equal(tail_of(&bench), 2);
    bench_close(&bench);
}
