/* ledger_log_wire.c - the sentences of ledger_log_contract.h for a log whose medium is at the other
 * end of a wire (DESIGN part 3, L1, L2): whatever is lost there, a group stands once or it does
 * not, and the log says which. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "fault_proxy.h"
#include "ledger_log_bench.h"
#include "ledger_log_contract.h"

#define ROUNDS 3
#define TRIES  60000 /* of a millisecond: generous */
#define AMPLE  (60 * US_PER_SECOND)

static void disturb(const struct bench *bench, enum fault fault)
{
    fault_proxy_set(bench->subject->wire, fault);
}

static unsigned losses(const struct bench *bench)
{
    return fault_proxy_losses(bench->subject->wire);
}

static long groups(const struct bench *bench)
{
    return bench->subject->groups(bench->subject);
}

static void assert_stalls(const struct bench *bench)
{
    for (int i = 0; i < TRIES && bench->log->ops->trouble(bench->log) != LEDGER_STALLED; i++)
        usleep(1000);
    assert_int_equal(bench->log->ops->trouble(bench->log), LEDGER_STALLED);
}

/* ---- something is lost ---- */

static void lose(struct log_subject *subject, enum fault fault)
{
    struct bench bench;
    bench_open(&bench, subject);
    uint64_t tail = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        assert_int_equal(bench_append(&bench, tail, 3), APPEND_OK);
        unsigned before = losses(&bench);
        disturb(&bench, fault);
        assert_int_equal(bench_append(&bench, tail + 3, 7), APPEND_OK);
        assert_int_equal(losses(&bench), before + 1);
        tail += 10;
    }
    assert_int_equal(bench_replay(&bench, 1).last, tail);
    assert_int_equal(groups(&bench), 2 * ROUNDS + 1); /* and the epoch */
    bench_close(&bench);
}

void ledger_log_contract_a_group_whose_answer_is_lost_stands_once(struct log_subject *subject)
{
    lose(subject, FAULT_LOSE_ANSWER);
}

void ledger_log_contract_a_group_that_is_lost_itself_is_sent_again(struct log_subject *subject)
{
    lose(subject, FAULT_LOSE_REQUEST);
}

void ledger_log_contract_an_epoch_is_taken_once_whatever_is_lost(struct log_subject *subject)
{
    static const enum fault faults[] = {FAULT_LOSE_ANSWER, FAULT_LOSE_REQUEST};
    struct bench bench;
    bench_open(&bench, subject);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        uint64_t epoch = bench.epoch;
        unsigned before = losses(&bench);
        disturb(&bench, faults[i]);
        assert_int_equal(bench_take_epoch(&bench), 0);
        assert_true(bench.epoch > epoch);
        assert_int_equal(losses(&bench), before + 1);
    }
    assert_int_equal(groups(&bench), 3);
    assert_int_equal(bench_append(&bench, 0, 1), APPEND_OK);
    bench_close(&bench);
}

/* A copy of our own does not ask anybody. */
void ledger_log_contract_a_read_that_is_lost_is_an_error_or_whole(struct log_subject *subject)
{
    static const enum fault faults[] = {FAULT_LOSE_ANSWER, FAULT_LOSE_REQUEST};
    struct bench bench;
    bench_open(&bench, subject);
    for (uint64_t tail = 0; tail < 6; tail += 2)
        assert_int_equal(bench_append(&bench, tail, 2), APPEND_OK);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        disturb(&bench, faults[i]);
        int error = bench_read_range(&bench, 2, 4, 4 * BENCH_RECORD_BYTES);
        assert_true(error == 0 || error == -ERR_IO);
        disturb(&bench, FAULT_NONE);
        assert_int_equal(bench_read_range(&bench, 2, 4, 4 * BENCH_RECORD_BYTES), 0);
    }
    bench_close(&bench);
}

/* ---- nobody answers ---- */

/* An append while this lasts, which `end` then ends. */
static void outlast(struct log_subject *subject, enum fault fault, enum fault end)
{
    struct bench bench;
    struct bench_call call;
    bench_open(&bench, subject);
    assert_int_equal(bench_append(&bench, 0, 1), APPEND_OK);
    assert_int_equal(bench.log->ops->trouble(bench.log), LEDGER_WELL);
    disturb(&bench, fault);
    bench_prepare(&call, &bench, 1, 2);
    bench_submit(&call);
    assert_stalls(&bench);
    bench.log->ops->poll(bench.log);
    assert_int_equal(call.callbacks, 0);
    unsigned before = losses(&bench);
    disturb(&bench, end);
    bench_poll_until(&bench, &call);
    assert_int_equal(call.outcome, APPEND_OK);
    assert_int_equal(bench.log->ops->trouble(bench.log), LEDGER_WELL);
    assert_int_equal(losses(&bench) - before, end == FAULT_NONE ? 0 : 1);
    assert_int_equal(bench_replay(&bench, 1).last, 3);
    assert_int_equal(groups(&bench), 3);
    free(call.memory);
    bench_close(&bench);
}

void ledger_log_contract_a_silence_is_said_and_waited_out(struct log_subject *subject)
{
    outlast(subject, FAULT_SILENCE, FAULT_NONE);
}

void ledger_log_contract_a_medium_that_is_away_is_said_and_waited_for(struct log_subject *subject)
{
    outlast(subject, FAULT_REFUSE, FAULT_NONE);
}

void ledger_log_contract_a_connection_that_is_cut_under_an_append_costs_nothing(
    struct log_subject *subject)
{
    outlast(subject, FAULT_SILENCE, FAULT_LOSE_REQUEST);
}

void ledger_log_contract_a_log_that_is_closed_leaves_a_silent_medium(struct log_subject *subject)
{
    struct bench bench;
    struct bench_call call;
    bench_open(&bench, subject);
    assert_int_equal(bench_append(&bench, 0, 1), APPEND_OK);
    disturb(&bench, FAULT_SILENCE);
    bench_prepare(&call, &bench, 1, 1);
    bench_submit(&call);
    bench_close(&bench); /* comes back */
    assert_int_equal(call.callbacks, 1);
    assert_int_equal(call.outcome, APPEND_UNKNOWN);
    free(call.memory);
}

void ledger_log_contract_what_was_acknowledged_is_there_after_a_crash(struct log_subject *subject)
{
    struct bench bench;
    uint64_t tail = 0;
    bench_open(&bench, subject);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct bench_call call;
        for (unsigned i = 0; i < 10; i++, tail += 5)
            assert_int_equal(bench_append(&bench, tail, 5), APPEND_OK);
        bench_prepare(&call, &bench, tail, 5);
        bench_submit(&call); /* into the crash */
        subject->crash(subject);
        bench_poll_until(&bench, &call);
        assert_int_equal(call.outcome, APPEND_OK);
        free(call.memory);
        tail += 5;
    }
    assert_int_equal(bench_replay(&bench, 1).last, tail);
    assert_int_equal(groups(&bench), 11 * ROUNDS + 1);
    bench_close(&bench);
}

/* ---- in its time or not at all (L6) ---- */

static enum append_outcome append_until(struct bench *bench, uint64_t tail, int64_t until_us)
{
    struct bench_call call;
    bench_prepare(&call, bench, tail, 2);
    call.append.until_us = until_us;
    bench_submit(&call);
    bench_poll_until(bench, &call);
    free(call.memory);
    return call.outcome;
}

void ledger_log_contract_a_group_is_written_in_its_time_or_not_at_all(struct log_subject *subject)
{
    struct bench bench;
    bench_open(&bench, subject);
    int64_t now = clock_us(CLOCK_MONOTONIC);
    assert_int_equal(append_until(&bench, 0, now + AMPLE), APPEND_OK); /* clocks were compared */
    assert_int_equal(append_until(&bench, 2, now - 1), APPEND_LATE);
    assert_int_equal(bench_tail(&bench), 2);
    now = clock_us(CLOCK_MONOTONIC);
    disturb(&bench, FAULT_LOSE_ANSWER);
    assert_int_equal(append_until(&bench, 2, now + AMPLE), APPEND_OK); /* it stands all the same */
    assert_int_equal(bench_append(&bench, 4, 1), APPEND_OK);
    assert_int_equal(bench_replay(&bench, 1).last, 5);
    assert_int_equal(groups(&bench), 4);
    bench_close(&bench);
}

/* ---- two writers ---- */

void ledger_log_contract_the_first_to_write_wins_and_the_other_stays_out(
    struct log_subject *subject)
{
    struct bench old, new;
    bench_open(&old, subject);
    assert_int_equal(bench_append(&old, 0, 2), APPEND_OK);
    bench_open_beside(&new, subject);
    assert_int_equal(bench_take_epoch(&new), 0);
    assert_true(new.epoch > old.epoch);
    assert_int_equal(bench_append(&old, 2, 1), APPEND_MOVED); /* before the new one has written */
    assert_int_equal(bench_append(&new, 2, 3), APPEND_OK);
    assert_int_equal(bench_append(&old, 2, 1), APPEND_MOVED);
    assert_int_equal(bench_append(&old, 5, 1), APPEND_MOVED);
    assert_int_equal(bench_take_epoch(&old), -ERR_STOPPED);
    assert_int_equal(bench_replay(&new, 1).last, 5);
    bench_close(&old);
    bench_open(&old, subject); /* a start folds what it missed, and goes on */
    assert_int_equal(bench_replay(&old, 1).last, 5);
    assert_int_equal(bench_append(&old, 5, 1), APPEND_OK);
    assert_int_equal(bench_append(&new, 5, 1), APPEND_MOVED);
    bench_close(&old);
    bench_close(&new);
}

void ledger_log_contract_no_epoch_is_taken_behind_a_writer_that_was_not_folded(
    struct log_subject *subject)
{
    struct bench writer, late;
    bench_open(&writer, subject);
    bench_open_beside(&late, subject);
    assert_int_equal(bench_append(&writer, 0, 2), APPEND_OK);
    assert_int_equal(bench_take_epoch(&late), -ERR_STOPPED);
    assert_int_equal(bench_append(&writer, 2, 2), APPEND_OK);
    assert_int_equal(groups(&writer), 3);
    bench_close(&writer);
    bench_close(&late);
}

void ledger_log_contract_of_two_who_take_an_epoch_one_gets_it(struct log_subject *subject)
{
    struct bench first, second;
    bench_open_only(&first, subject);
    bench_open_beside(&second, subject);
    assert_int_equal(bench_take_epoch(&first), 0);
    assert_int_equal(bench_take_epoch(&second), -ERR_STOPPED);
    assert_int_equal(groups(&first), 1);
    assert_int_equal(bench_append(&first, 0, 1), APPEND_OK);
    bench_close(&first);
    bench_close(&second);
}
