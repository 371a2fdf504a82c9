/* ledger_log_contract.c - contract in ledger_log_contract.h; the rules are those of
 * ports/ledger_log.h. */
#include "ledger_log_contract.h"

#include <stdlib.h>

#include "base/error.h"
#include "ledger_log_bench.h"

void ledger_log_contract_gives_back_what_was_appended(struct log_subject *subject)
{
    struct bench bench;
    bench_open(&bench, subject);
    assert_int_equal(bench_tail(&bench), 0);
    assert_int_equal(bench_replay(&bench, 1).last, 0);
    assert_int_equal(bench_append(&bench, 0, 3), APPEND_OK);
    assert_int_equal(bench_append(&bench, 3, 1), APPEND_OK);
    assert_int_equal(bench_tail(&bench), 4);
    assert_int_equal(bench_read_range(&bench, 1, 4, 4 * BENCH_RECORD_BYTES), 0);
    assert_int_equal(bench_replay(&bench, 1).first, 1);
    assert_int_equal(bench_replay(&bench, 1).last, 4);
    bench_close(&bench);
}

void ledger_log_contract_keeps_everything_over_a_restart(struct log_subject *subject)
{
    struct bench bench;
    for (uint64_t life = 0; life < 4; life++) {
        bench_open(&bench, subject);
        assert_int_equal(bench_tail(&bench), life * 10);
        for (uint64_t i = 0; i < 5; i++)
            assert_int_equal(bench_append(&bench, life * 10 + 2 * i, 2), APPEND_OK);
        assert_int_equal(bench_replay(&bench, 1).last, life * 10 + 10);
        bench_close(&bench);
    }
}

void ledger_log_contract_calls_back_in_poll_only(struct log_subject *subject)
{
    struct bench bench;
    struct bench_call call;
    bench_open(&bench, subject);
    bench_prepare(&call, &bench, 0, 2);
    bench_submit(&call);
    pthread_mutex_lock(&bench.lock);
    while (bench.notifications == 0)
        pthread_cond_wait(&bench.notified, &bench.lock);
    pthread_mutex_unlock(&bench.lock);
    assert_int_equal(call.callbacks, 0); /* done, but nobody has polled */
    bench_poll_until(&bench, &call);
    bench.log->ops->poll(bench.log);
    assert_int_equal(call.callbacks, 1);
    free(call.memory);
    bench_close(&bench);
}

void ledger_log_contract_takes_the_next_append_from_inside_the_callback(struct log_subject *subject)
{
    struct bench bench;
    struct bench_call calls[8];
    bench_open(&bench, subject);
    for (uint64_t i = 0; i < 8; i++) {
        bench_prepare(&calls[i], &bench, i, 1);
        if (i > 0)
            calls[i - 1].next = &calls[i];
    }
    bench_submit(&calls[0]);
    for (int i = 0; i < 8; i++) {
        bench_poll_until(&bench, &calls[i]);
        assert_int_equal(calls[i].outcome, APPEND_OK);
        free(calls[i].memory);
    }
    assert_int_equal(bench_tail(&bench), 8);
    bench_close(&bench);
}

void ledger_log_contract_is_busy_while_an_append_is_under_way(struct log_subject *subject)
{
    struct bench bench;
    struct bench_call first, second;
    bench_open(&bench, subject);
    bench_prepare(&first, &bench, 0, 1);
    bench_prepare(&second, &bench, 1, 1);
    if (subject->hold != NULL)
        subject->hold(subject, true);
    bench_submit(&first);
    assert_int_equal(bench_try_submit(&second), -ERR_BUSY);
    assert_int_equal(first.callbacks, 0);
    if (subject->hold != NULL)
        subject->hold(subject, false);
    bench_poll_until(&bench, &first);
    assert_int_equal(second.callbacks, 0); /* an append that was not taken is not called back */
    bench_submit(&second);
    bench_poll_until(&bench, &second);
    assert_int_equal(second.outcome, APPEND_OK);
    free(first.memory);
    free(second.memory);
    bench_close(&bench);
}

void ledger_log_contract_refuses_a_writer_who_missed_something(struct log_subject *subject)
{
    struct bench bench;
    bench_open(&bench, subject);
    assert_int_equal(bench_append(&bench, 0, 3), APPEND_OK);
    assert_int_equal(bench_append(&bench, 2, 1), APPEND_MOVED);
    assert_int_equal(bench_append(&bench, 4, 1), APPEND_MOVED);
    assert_int_equal(bench_tail(&bench), 3);
    assert_int_equal(bench_append(&bench, 3, 1), APPEND_OK); /* and goes on */
    assert_int_equal(bench_replay(&bench, 1).last, 4);
    bench_close(&bench);
}

void ledger_log_contract_fences_an_older_epoch(struct log_subject *subject)
{
    struct bench bench;
    uint64_t newer = 0;
    bench_open(&bench, subject);
    assert_int_equal(bench_append(&bench, 0, 1), APPEND_OK);
    assert_int_equal(bench.log->ops->take_epoch(bench.log, 0, &newer), 0);
    assert_true(newer > bench.epoch);
    assert_int_equal(bench_append(&bench, 1, 1), APPEND_MOVED);
    assert_int_equal(bench_tail(&bench), 1);
    bench.epoch = newer;
    assert_int_equal(bench_append(&bench, 1, 1), APPEND_OK);
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
    const size_t ample = 100 * BENCH_RECORD_BYTES;
    bench_open(&bench, subject);
    for (uint64_t i = 0; i < 30; i++)
        assert_int_equal(bench_append(&bench, 3 * i, 3), APPEND_OK);
    for (uint64_t seq = 1; seq <= 90; seq += 7)
        for (uint32_t count = 1; seq + count - 1 <= 90; count += 13)
            assert_int_equal(bench_read_range(&bench, seq, count, ample), 0);
    assert_int_equal(bench_read_range(&bench, 1, 90, 90 * BENCH_RECORD_BYTES), 0);
    assert_int_equal(bench_read_range(&bench, 1, 90, 90 * BENCH_RECORD_BYTES - 1), -ERR_LIMIT);
    assert_int_equal(bench_read_range(&bench, 90, 2, ample), -ERR_NOT_FOUND);
    assert_int_equal(bench_read_range(&bench, 91, 1, ample), -ERR_NOT_FOUND);
    assert_int_equal(bench_read_range(&bench, 0, 1, ample), -ERR_NOT_FOUND);
    assert_int_equal(bench_read_range(&bench, UINT64_MAX, 2, ample), -ERR_NOT_FOUND);
    assert_int_equal(bench_append(&bench, 90, 1), APPEND_OK);
    assert_int_equal(bench_read_range(&bench, 90, 2, ample), 0); /* what came since */
    bench_close(&bench);
}

void ledger_log_contract_is_busy_at_the_limit_of_reads(struct log_subject *subject)
{
    struct bench bench;
    static struct bench_call calls[LEDGER_READS_MAX + 1];
    bench_open(&bench, subject);
    assert_int_equal(bench_append(&bench, 0, 1), APPEND_OK);
    for (size_t i = 0; i <= LEDGER_READS_MAX; i++) {
        bench_begin_read(&calls[i], &bench, 1, 1, BENCH_RECORD_BYTES);
        assert_int_equal(bench_try_read(&calls[i]), i < LEDGER_READS_MAX ? 0 : -ERR_BUSY);
    }
    for (size_t i = 0; i < LEDGER_READS_MAX; i++) {
        bench_poll_until(&bench, &calls[i]);
        assert_int_equal(calls[i].error, 0);
    }
    assert_int_equal(bench_try_read(&calls[LEDGER_READS_MAX]), 0);
    bench_poll_until(&bench, &calls[LEDGER_READS_MAX]);
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
        assert_int_equal(bench_append(&bench, 3 * i, 3), APPEND_OK);
    for (uint64_t seq = 1; seq <= 60; seq += 11) {
        struct bench_visited visited = bench_replay(&bench, seq);
        assert_int_equal(visited.first, seq);
        assert_int_equal(visited.last, 60);
    }
    assert_int_equal(bench_replay(&bench, 0).first, 1);
    assert_int_equal(bench_replay(&bench, 61).first, 0);
    bench_close(&bench);
}

void ledger_log_contract_ends_a_replay_when_the_visitor_says_so(struct log_subject *subject)
{
    struct bench bench;
    struct bench_visited visited = {.stop_at = 17};
    bench_open(&bench, subject);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(bench_append(&bench, 3 * i, 3), APPEND_OK);
    assert_int_equal(bench.log->ops->replay(bench.log, 0, 1, bench_visit, &visited), -ERR_FORMAT);
    assert_int_equal(visited.last, 17);
    bench_close(&bench);
}

void ledger_log_contract_refuses_a_group_above_the_limit(struct log_subject *subject)
{
    struct bench bench;
    struct bench_call call;
    bench_open(&bench, subject);
    bench_prepare(&call, &bench, 0,
                  (uint32_t)(ledger_append_bytes_max(bench.log) / BENCH_RECORD_BYTES) + 1);
    assert_int_equal(bench_try_submit(&call), -ERR_LIMIT);
    assert_int_equal(bench_append(&bench, 0, 1), APPEND_OK);
    assert_int_equal(call.callbacks, 0);
    free(call.memory);
    bench_close(&bench);
}

void ledger_log_contract_takes_a_group_at_the_limit(struct log_subject *subject)
{
    struct bench bench;
    bench_open(&bench, subject);
    const uint32_t count = (uint32_t)(ledger_append_bytes_max(bench.log) / BENCH_RECORD_BYTES);
    assert_true(ledger_append_bytes_max(bench.log) >= LEDGER_APPEND_BYTES_MIN);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(bench_append(&bench, i * count, count), APPEND_OK);
    assert_int_equal(bench_read_range(&bench, 1, 3 * count, 4 * LEDGER_APPEND_BYTES_MAX), 0);
    bench_close(&bench);
    bench_open(&bench, subject);
    assert_int_equal(bench_replay(&bench, 1).last, 3 * count);
    bench_close(&bench);
}

void ledger_log_contract_stops_for_ever_after_a_failure(struct log_subject *subject)
{
    struct bench bench;
    struct bench_call call;
    uint64_t epoch = 0;
    bench_open(&bench, subject);
    assert_int_equal(bench_append(&bench, 0, 2), APPEND_OK);
    subject->fail_next(subject);
    assert_int_equal(bench_append(&bench, 2, 2), APPEND_UNKNOWN);
    bench_prepare(&call, &bench, 2, 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bench_try_submit(&call), -ERR_STOPPED);
    assert_int_equal(bench.log->ops->take_epoch(bench.log, 0, &epoch), -ERR_STOPPED);
    assert_int_equal(bench_tail(&bench), 2);
    assert_int_equal(bench_read_range(&bench, 1, 2, 2 * BENCH_RECORD_BYTES), 0); /* reads go on */
    free(call.memory);
    bench_close(&bench);
    bench_open(&bench, subject); /* a restart looks, and goes on from whatever is there */
    uint64_t tail = bench_tail(&bench);
    assert_true(tail == 2 || tail == 4);
    assert_int_equal(bench_append(&bench, tail, 1), APPEND_OK);
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
        outcome = bench_append(&bench, tail, 1000);
        tail += outcome == APPEND_OK ? 1000 : 0;
    }
    assert_int_equal(outcome, APPEND_REFUSED);
    assert_int_equal(bench_tail(&bench), tail);
    assert_int_equal(bench_append(&bench, tail, 1000),
                     APPEND_REFUSED); /* still refused, not stopped */
    subject->fill(subject, false);
    assert_int_equal(bench_append(&bench, tail, 1000), APPEND_OK);
    bench_close(&bench);
    bench_open(&bench, subject);
    assert_int_equal(bench_replay(&bench, 1).last, tail + 1000);
    bench_close(&bench);
}

void ledger_log_contract_finishes_what_is_under_way_before_it_closes(struct log_subject *subject)
{
    struct bench bench;
    struct bench_call call, reading;
    bench_open(&bench, subject);
    assert_int_equal(bench_append(&bench, 0, 1), APPEND_OK);
    bench_prepare(&call, &bench, 1, 1);
    bench_begin_read(&reading, &bench, 1, 1, BENCH_RECORD_BYTES);
    bench_submit(&call);
    assert_int_equal(bench_try_read(&reading), 0);
    bench_close(&bench);
    assert_int_equal(call.callbacks, 1);
    assert_int_equal(call.outcome, APPEND_OK);
    assert_int_equal(reading.callbacks, 1);
    free(call.memory);
    free(reading.memory);
    bench_open(&bench, subject);
    assert_int_equal(bench_tail(&bench), 2);
    bench_close(&bench);
}
