/* ledger_log_bench.c - contract in ledger_log_bench.h. */
#include "ledger_log_bench.h"

#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "log_records.h"

#define WAIT_SECONDS 60

static void on_notify(void *owner)
{
    struct bench *bench = owner;
    pthread_mutex_lock(&bench->lock);
    bench->notifications++;
    pthread_cond_signal(&bench->notified);
    pthread_mutex_unlock(&bench->lock);
}

static void begin(struct bench *bench, struct log_subject *subject,
                  int (*open)(struct log_subject *subject, struct ledger_log **ret_log))
{
    *bench = (struct bench){.subject = subject};
    pthread_mutex_init(&bench->lock, NULL);
    pthread_cond_init(&bench->notified, NULL);
    assert_int_equal(open(subject, &bench->log), 0);
    bench->log->notify = on_notify;
    bench->log->notify_owner = bench;
}

void bench_open_only(struct bench *bench, struct log_subject *subject)
{
    begin(bench, subject, subject->open);
}

void bench_open_beside(struct bench *bench, struct log_subject *subject)
{
    begin(bench, subject, subject->open_beside);
    bench->beside = true;
}

int bench_take_epoch(struct bench *bench)
{
    return bench->log->ops->take_epoch(bench->log, 0, &bench->epoch);
}

void bench_open(struct bench *bench, struct log_subject *subject)
{
    bench_open_only(bench, subject);
    assert_int_equal(bench_take_epoch(bench), 0);
}

void bench_close(struct bench *bench)
{
    bench->log->ops->free(bench->log);
    if (!bench->beside)
        bench->subject->close(bench->subject);
    pthread_mutex_destroy(&bench->lock);
    pthread_cond_destroy(&bench->notified);
}

void bench_poll_until(struct bench *bench, const struct bench_call *call)
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

static void on_append(struct ledger_append *append, enum append_outcome outcome)
{
    struct bench_call *call = append->owner;
    assert_false(call->submitting); /* never inside the submitting call */
    call->callbacks++;
    call->outcome = outcome;
    if (call->next != NULL)
        bench_submit(call->next);
}

static void on_read(struct ledger_read *read, int error, size_t bytes)
{
    struct bench_call *call = read->owner;
    assert_false(call->submitting);
    call->callbacks++;
    call->error = error;
    call->bytes = bytes;
}

void bench_prepare(struct bench_call *call, struct bench *bench, uint64_t tail, uint32_t count)
{
    *call = (struct bench_call){.bench = bench};
    call->memory = malloc((size_t)count * BENCH_RECORD_BYTES);
    assert_non_null(call->memory);
    size_t bytes = log_records_make(call->memory, BENCH_RECORD_BYTES, tail + 1, count, 1);
    call->append = (struct ledger_append){.epoch = bench->epoch,
                                          .expected_tail = tail,
                                          .records = call->memory,
                                          .bytes = bytes,
                                          .count = count,
                                          .on_done = on_append,
                                          .owner = call};
}

int bench_try_submit(struct bench_call *call)
{
    struct ledger_log *log = call->bench->log;
    call->submitting = true;
    int result = log->ops->append(log, &call->append);
    call->submitting = false;
    return result;
}

void bench_submit(struct bench_call *call)
{
    assert_int_equal(bench_try_submit(call), 0);
}

enum append_outcome bench_append(struct bench *bench, uint64_t tail, uint32_t count)
{
    struct bench_call call;
    bench_prepare(&call, bench, tail, count);
    bench_submit(&call);
    bench_poll_until(bench, &call);
    assert_int_equal(call.callbacks, 1);
    free(call.memory);
    return call.outcome;
}

void bench_begin_read(struct bench_call *call, struct bench *bench, uint64_t seq, uint32_t count,
                      size_t capacity)
{
    *call = (struct bench_call){.bench = bench};
    call->memory = malloc(capacity);
    assert_non_null(call->memory);
    call->read = (struct ledger_read){.seq_first = seq,
                                      .count = count,
                                      .memory = call->memory,
                                      .capacity = capacity,
                                      .on_done = on_read,
                                      .owner = call};
}

int bench_try_read(struct bench_call *call)
{
    struct ledger_log *log = call->bench->log;
    call->submitting = true;
    int result = log->ops->read(log, &call->read);
    call->submitting = false;
    return result;
}

int bench_read_range(struct bench *bench, uint64_t seq, uint32_t count, size_t capacity)
{
    struct bench_call call;
    bench_begin_read(&call, bench, seq, count, capacity);
    assert_int_equal(bench_try_read(&call), 0);
    bench_poll_until(bench, &call);
    if (call.error == 0) {
        assert_int_equal(call.bytes, (size_t)count * BENCH_RECORD_BYTES);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t got = 0, generation = 0;
            assert_true(log_record_is(call.memory + (size_t)i * BENCH_RECORD_BYTES,
                                      BENCH_RECORD_BYTES, &got, &generation));
            assert_int_equal(got, seq + i);
        }
    }
    free(call.memory);
    return call.error;
}

int bench_visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct bench_visited *visited = owner;
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

struct bench_visited bench_replay(struct bench *bench, uint64_t seq_first)
{
    struct bench_visited visited = {0};
    assert_int_equal(bench->log->ops->replay(bench->log, 0, seq_first, bench_visit, &visited), 0);
    return visited;
}

uint64_t bench_tail(struct bench *bench)
{
    return bench->log->ops->tail(bench->log, 0);
}
