/* test_ship_sender.c - adapters/ship/ship_sender.h: what is sent when, who waits for whom, and who
 * is refused. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "base/error.h"
#include "ship_pair.h"

#define TIMEOUT_US 1000000

static struct pair *begin(enum ship_mode mode, enum ship_degrade degrade)
{
    struct pair *pair = malloc(sizeof *pair);
    pair_begin(pair, mode, degrade);
    return pair;
}

static void end(struct pair *pair)
{
    pair_check(pair);
    pair_end(pair);
    free(pair);
}

static struct pair *begin_attached(enum ship_mode mode)
{
    struct pair *pair = begin(mode, SHIP_DEGRADE_STOP);
    pair_attach(pair);
    pair_run(pair);
    assert_true(ship_sender_stats(pair->sender).following);
    return pair;
}

TEST(ship_sender, sends_a_group_only_when_it_is_durable_here)
{
    struct pair *pair = begin_attached(SHIP_MODE_SYNC);
    uint64_t sent = pair->down.sent;
    pair->primary_log.hold = true;
    pair_append(pair, 2);
    pair_run(pair);
    assert_int_equal(pair->down.sent, sent);
    pair->primary_log.hold = false;
    pair->log->ops->poll(pair->log);
    assert_int_equal(pair->down.sent, sent + 1);
    assert_int_equal(pair->down.last, SHIP_GROUP);
    pair_run(pair);
    end(pair);
}

TEST(ship_sender, ends_a_synchronous_append_only_when_the_standby_has_it)
{
    struct pair *pair = begin_attached(SHIP_MODE_SYNC);
    pair->standby_log.hold = true;
    pair_append(pair, 2);
    pair_run(pair);
    assert_int_equal(pair->appended, 0);
    assert_int_equal(pair->confirmed, 0);
    pair->standby_log.hold = false;
    pair->standby_log.port.ops->poll(&pair->standby_log.port);
    while (pair_carry(pair))
        ;
    assert_true(ship_sender_ready(pair->sender));
    assert_int_equal(pair->appended, 0); /* its callback runs inside poll() */
    pair->log->ops->poll(pair->log);
    assert_int_equal(pair->appended, 1);
    assert_int_equal(pair->outcome, APPEND_OK);
    assert_int_equal(pair->confirmed, 2);
    end(pair);
}

TEST(ship_sender, ends_an_asynchronous_append_at_once_and_counts_the_lag)
{
    struct pair *pair = begin_attached(SHIP_MODE_ASYNC);
    pair->standby_log.hold = true;
    pair_append(pair, 2);
    pair->log->ops->poll(pair->log);
    assert_int_equal(pair->appended, 1);
    pair_pass(pair, 700);
    struct ship_sender_stats stats = ship_sender_stats(pair->sender);
    assert_int_equal(stats.lag_records, 2);
    assert_int_equal(stats.lag_bytes, pair->primary_log.size);
    assert_int_equal(stats.lag_us, 700);
    assert_false(stats.caught_up);
    pair->standby_log.hold = false;
    pair_run(pair);
    stats = ship_sender_stats(pair->sender);
    assert_int_equal(stats.lag_records + stats.lag_bytes + (uint64_t)stats.lag_us, 0);
    assert_true(stats.caught_up);
    end(pair);
}

TEST(ship_sender, ships_nothing_when_it_is_off)
{
    struct pair *pair = begin(SHIP_MODE_OFF, SHIP_DEGRADE_STOP);
    pair_append(pair, 3);
    pair_run(pair);
    assert_int_equal(pair->appended, 1);
    assert_int_equal(pair->log->ops->confirmed(pair->log, 0), 3);
    pair_attach(pair);
    pair_run(pair);
    assert_int_equal(pair->refusal, SHIP_OFF);
    assert_int_equal(ship_receiver_stats(pair->receiver).refusal, SHIP_OFF);
    assert_int_equal(pair->standby_log.tail, 0);
    end(pair);
}

TEST(ship_sender, sends_nothing_of_an_append_that_failed_here)
{
    struct pair *pair = begin_attached(SHIP_MODE_SYNC);
    uint64_t sent = pair->down.sent;
    pair->primary_log.fail_next = true;
    pair_append(pair, 2);
    pair_run(pair);
    assert_int_equal(pair->outcome, APPEND_UNKNOWN);
    assert_int_equal(pair->down.sent, sent);
    end(pair);
}

/* ---- a standby that is away ---- */

TEST(ship_sender, tells_when_the_standby_keeps_a_group_waiting_for_too_long)
{
    struct pair *pair = begin_attached(SHIP_MODE_SYNC);
    pair->standby_log.hold = true;
    pair_append(pair, 2);
    pair_run(pair);
    pair_pass(pair, TIMEOUT_US - 1);
    pair_run(pair);
    assert_false(pair->away);
    pair_pass(pair, 1);
    assert_true(pair->away);
    assert_int_equal(pair->appended, 0); /* it waits on: nobody may be told */
    assert_int_equal(ship_sender_stats(pair->sender).timeouts, 1);
    pair->standby_log.hold = false;
    pair_run(pair);
    assert_false(pair->away);
    assert_int_equal(pair->appended, 1);
    assert_int_equal(pair->notes[SHIP_NOTE_AWAY], 1);
    assert_int_equal(pair->notes[SHIP_NOTE_BACK], 1);
    end(pair);
}

TEST(ship_sender, tells_when_no_standby_comes_though_nothing_waits)
{
    struct pair *pair = begin(SHIP_MODE_SYNC, SHIP_DEGRADE_STOP);
    pair_pass(pair, TIMEOUT_US);
    assert_true(pair->away);
    pair_attach(pair);
    pair_run(pair);
    assert_false(pair->away);
    pair_detach(pair);
    pair_pass(pair, TIMEOUT_US - 1);
    assert_false(pair->away);
    pair_pass(pair, 1);
    assert_true(pair->away);
    end(pair);
}

TEST(ship_sender, goes_on_without_the_standby_when_that_was_chosen_and_returns_to_it)
{
    struct pair *pair = begin(SHIP_MODE_SYNC, SHIP_DEGRADE_ASYNC);
    pair_append(pair, 2);
    pair_run(pair);
    assert_int_equal(pair->appended, 0);
    pair_pass(pair, TIMEOUT_US);
    pair_run(pair);
    assert_int_equal(pair->appended, 1);
    assert_true(ship_sender_stats(pair->sender).degraded);
    assert_false(pair->away); /* nobody is told to stop */
    assert_int_equal(pair->confirmed, 2);
    pair_attach(pair);
    pair_run(pair);
    assert_false(ship_sender_stats(pair->sender).degraded);
    pair->standby_log.hold = true;
    pair_append(pair, 1);
    pair_run(pair);
    assert_int_equal(pair->appended, 1); /* it waits again */
    pair->standby_log.hold = false;
    pair_run(pair);
    assert_int_equal(pair->appended, 2);
    end(pair);
}

TEST(ship_sender, returns_to_a_standby_that_follows_under_load)
{
    struct pair *pair = begin(SHIP_MODE_SYNC, SHIP_DEGRADE_ASYNC);
    pair_append(pair, 2);
    pair_pass(pair, TIMEOUT_US);
    pair_run(pair);
    pair_attach(pair);
    pair->standby_log.hold = true; /* always a group behind */
    for (int i = 0; i < 20 && ship_sender_stats(pair->sender).degraded; i++) {
        if (!pair->appending)
            pair_append(pair, 1);
        pair->log->ops->poll(pair->log);
        pair->standby_log.hold = false;
        pair->standby_log.port.ops->poll(&pair->standby_log.port);
        pair->standby_log.hold = true;
        (void)pair_carry(pair);
        pair_pass(pair, 10);
    }
    assert_false(ship_sender_stats(pair->sender).degraded);
    pair->standby_log.hold = false;
    pair_run(pair);
    end(pair);
}

TEST(ship_sender, ends_a_wait_when_the_standby_returns_with_what_was_not_acknowledged)
{
    struct pair *pair = begin_attached(SHIP_MODE_SYNC);
    pair_append(pair, 2);
    pair->log->ops->poll(pair->log);
    while (pair->down.count > 0 || pair->standby_log.under_way != NULL) {
        assert_int_equal(pair->up.count, 0);
        (void)pair_carry(pair);
        if (pair->up.count == 0)
            pair->standby_log.port.ops->poll(&pair->standby_log.port);
    }
    assert_int_equal(pair->standby_log.tail, 2);
    pair_detach(pair); /* the acknowledgement is lost */
    assert_int_equal(pair->appended, 0);
    pair_restart_standby(pair);
    pair_attach(pair);
    pair_run(pair);
    assert_int_equal(pair->appended, 1);
    assert_int_equal(pair->outcome, APPEND_OK);
    end(pair);
}

TEST(ship_sender, confirms_nothing_after_a_start_before_the_standby_has_spoken)
{
    struct pair *pair = begin_attached(SHIP_MODE_SYNC);
    pair_append(pair, 4);
    pair_run(pair);
    pair_restart_primary(pair);
    assert_int_equal(pair->log->ops->tail(pair->log, 0), 4);
    assert_int_equal(pair->log->ops->confirmed(pair->log, 0), 0);
    pair_attach(pair);
    pair_run(pair);
    assert_int_equal(pair->log->ops->confirmed(pair->log, 0), 4);
    end(pair);
}

TEST(ship_sender, ends_an_append_that_waits_as_unknown_when_the_log_is_freed)
{
    struct pair *pair = begin_attached(SHIP_MODE_SYNC);
    pair->standby_log.hold = true;
    pair_append(pair, 2);
    pair_run(pair);
    pair_check(pair);
    pair_end(pair); /* frees the log */
    assert_int_equal(pair->appended, 1);
    assert_int_equal(pair->outcome, APPEND_UNKNOWN);
    free(pair);
}

/* ---- catching up ---- */

TEST(ship_sender, reads_back_what_a_standby_is_missing_and_then_goes_on_live)
{
    struct pair *pair = begin(SHIP_MODE_ASYNC, SHIP_DEGRADE_STOP);
    for (int i = 0; i < 30; i++) {
        pair_append(pair, 100);
        pair_run(pair);
    }
    pair_attach(pair);
    pair_run(pair);
    assert_int_equal(pair->standby_log.tail, 3000);
    uint64_t read = ship_sender_stats(pair->sender).groups_read;
    assert_true(read > 1 && read < 30); /* in steps that grow */
    pair_append(pair, 1);
    pair_run(pair);
    assert_int_equal(ship_sender_stats(pair->sender).groups_live, 1);
    assert_int_equal(ship_sender_stats(pair->sender).groups_read, read);
    assert_int_equal(pair->standby_log.tail, 3001);
    end(pair);
}

TEST(ship_sender, keeps_nothing_in_memory_for_a_standby_that_takes_nothing)
{
    struct pair *pair = begin_attached(SHIP_MODE_ASYNC);
    uint64_t sent = pair->down.sent;
    pair->down.queued = SHIP_QUEUE_BYTES_MAX;
    for (int i = 0; i < 10; i++) {
        pair_append(pair, 10);
        pair_run(pair);
    }
    assert_int_equal(pair->down.sent, sent);
    assert_true(ship_sender_stats(pair->sender).queue_reached >= 10);
    pair->down.queued = 0;
    ship_sender_drained(pair->sender);
    pair_run(pair);
    assert_int_equal(pair->standby_log.tail, 100); /* without a gap */
    end(pair);
}

TEST(ship_sender, asks_for_fewer_records_when_they_are_large)
{
    struct pair *pair = begin(SHIP_MODE_ASYNC, SHIP_DEGRADE_STOP);
    pair_append(pair,
                8000); /* 64, 128, ... of them are read at once, up to more than one read holds */
    pair_run(pair);
    pair_attach(pair);
    pair_run(pair);
    assert_int_equal(pair->standby_log.tail, 8000);
    end(pair);
}

TEST(ship_sender, sends_keys_before_the_records_that_need_them)
{
    struct pair *pair = begin_attached(SHIP_MODE_SYNC);
    pair_append(pair, 1);
    pair_run(pair);
    assert_int_equal(pair->keys_written, 320);
    assert_memory_equal(pair->keys, pair->keys_there, 320);
    pair->keys_bytes = 960; /* a block of keys ahead */
    pair_append(pair, 1);
    pair->log->ops->poll(pair->log);
    assert_true(pair->down.count > 1);
    pair_run(pair);
    assert_int_equal(pair->keys_written, 960);
    assert_false(pair->keys_dirty); /* durable before the records were acknowledged */
    memset(pair->keys, 0, 64);
    ship_sender_keys_changed(pair->sender);
    pair_run(pair);
    assert_memory_equal(pair->keys, pair->keys_there, 960);
    end(pair);
}

/* ---- who is refused ---- */

/* Both have `common` records, then each its own: made by a second primary on a copy of the log. */
static void diverge(struct pair *pair, uint32_t common, uint32_t own, uint32_t theirs)
{
    static struct pair other;
    pair_append(pair, common);
    pair_run(pair);
    pair_begin(&other, SHIP_MODE_ASYNC, SHIP_DEGRADE_STOP);
    pair_append(&other, common);
    pair_run(&other);
    other.maker->time_us += 5000; /* another moment */
    if (theirs > 0)
        pair_append(&other, theirs);
    pair_run(&other);
    pair_attach(&other);
    pair_run(&other);
    if (own > 0)
        pair_append(pair, own);
    pair_run(pair);
    /* The standby of the other one comes to us. */
    free(pair->standby_log.bytes);
    pair->standby_log = other.standby_log;
    fake_log_init(&other.standby_log);
    pair_end(&other);
    pair_restart_standby(pair);
    pair_attach(pair);
    pair_run(pair);
}

TEST(ship_sender, names_the_first_record_at_which_the_logs_part)
{
    static const struct {
        uint32_t common, own, theirs;
        uint16_t refusal;
        uint64_t seq;
    } rows[] = {
        {2, 1, 1, SHIP_DIVERGED, 3},
        {3, 40, 1, SHIP_DIVERGED, 4},
        {3, 1, 40, SHIP_DIVERGED, 4},
        {50, 7, 7, SHIP_DIVERGED, 51},
        {64, 64, 1, SHIP_DIVERGED, 65},
        {64, 1, 63, SHIP_DIVERGED, 65},
        {7, 0, 1, SHIP_AHEAD, 8},
        {31, 0, 33, SHIP_AHEAD, 32},
        {9, 5, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair *pair = begin(SHIP_MODE_ASYNC, SHIP_DEGRADE_STOP);
        diverge(pair, rows[i].common, rows[i].own, rows[i].theirs);
        assert_int_equal(pair->refusal, rows[i].refusal);
        assert_int_equal(pair->refusal_seq, rows[i].seq);
        assert_int_equal(ship_receiver_stats(pair->receiver).refusal, rows[i].refusal);
        assert_int_equal(ship_receiver_stats(pair->receiver).refusal_seq, rows[i].seq);
        uint64_t expected =
            rows[i].refusal == 0 ? rows[i].common + rows[i].own : rows[i].common + rows[i].theirs;
        assert_int_equal(pair->standby_log.tail, expected); /* nothing was overwritten */
        pair_end(pair);
        free(pair);
    }
}

static struct ship_message hello(struct pair *pair)
{
    return (struct ship_message){
        .type = SHIP_HELLO,
        .hello = {.creation = PAIR_CREATION, .epoch = pair->epoch, .keys = pair->options.keys_id}};
}

/* A standby by hand: attached, nothing said yet. */
static void attach_by_hand(struct pair *pair)
{
    pair_attach(pair);
    while (pair->up.count > 0) { /* what the real one said is forgotten */
        free(pair->up.messages[0].at);
        pair->up.count--;
        memmove(pair->up.messages, pair->up.messages + 1,
                pair->up.count * sizeof *pair->up.messages);
    }
}

static uint16_t refusal_of(struct pair *pair, const struct ship_message *message)
{
    attach_by_hand(pair);
    pair->refusal = 0;
    pair_say_up(pair, message);
    (void)pair_carry(pair);
    if (pair->attached)
        pair_detach(pair);
    return pair->refusal;
}

TEST(ship_sender, refuses_a_standby_of_another_log_or_with_other_keys)
{
    struct pair *pair = begin(SHIP_MODE_SYNC, SHIP_DEGRADE_STOP);
    struct ship_message message = hello(pair);
    message.hello.creation++;
    assert_int_equal(refusal_of(pair, &message), SHIP_OTHER_LOG);
    message = hello(pair);
    message.hello.creation = 0;
    message.hello.tail = 1; /* a log without an id */
    assert_int_equal(refusal_of(pair, &message), SHIP_OTHER_LOG);
    message = hello(pair);
    message.hello.shard = 1;
    assert_int_equal(refusal_of(pair, &message), SHIP_OTHER_LOG);
    message = hello(pair);
    message.hello.keys.secrets[5]++;
    assert_int_equal(refusal_of(pair, &message), SHIP_KEYS_DIFFER);
    message = hello(pair);
    assert_int_equal(refusal_of(pair, &message), 0);
    assert_false(ship_sender_stats(pair->sender).head_key_differs);
    message.hello.keys.head_key[5]++; /* a takeover would sign with another one: it is told */
    assert_int_equal(refusal_of(pair, &message), 0);
    assert_true(ship_sender_stats(pair->sender).head_key_differs);
    assert_int_equal(pair->notes[SHIP_NOTE_HEAD_KEY], 1);
    end(pair);
}

TEST(ship_sender, serves_one_standby_and_gives_its_place_away_when_it_is_silent)
{
    struct pair *pair = begin_attached(SHIP_MODE_ASYNC);
    const struct ship_link link = {pair, NULL, NULL, NULL};
    assert_false(ship_sender_attach(pair->sender, &link));
    pair->now_us += SHIP_SILENCE_US_MAX;
    ship_sender_tick(pair->sender, pair->now_us);
    assert_true(ship_sender_attach(pair->sender, &link));
    assert_true(pair->down.closed); /* the silent one's */
    ship_sender_detached(pair->sender);
    ship_receiver_detached(pair->receiver);
    pair->attached = false;
    end(pair);
}

TEST(ship_sender, refuses_what_is_out_of_place)
{
    struct pair *pair = begin_attached(SHIP_MODE_SYNC);
    pair_append(pair, 3);
    pair_run(pair);
    const struct ship_message rows[] = {
        {.type = SHIP_ACK, .ack = {pair->epoch, 4}},           /* more than was sent */
        {.type = SHIP_ACK, .ack = {pair->epoch, 2}},           /* less than before */
        {.type = SHIP_ACK, .ack = {pair->epoch + 1, 3}},       /* of another writer */
        hello(pair),                                           /* twice */
        {.type = SHIP_FENCE, .fence = {PAIR_CREATION, 99, 1}}, /* not first */
        {.type = SHIP_PROBED, .probed = {.seq = 1}},
        {.type = SHIP_PROBE, .probe = {1}},
        {.type = SHIP_WELCOME},
        {.type = SHIP_BEAT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pair_say_up(pair, &rows[i]);
        pair_run(pair);
        assert_int_equal(pair->refusal, SHIP_BAD_MESSAGE);
        assert_int_equal(ship_sender_stats(pair->sender).bad_messages, i + 1);
        assert_int_equal(pair->fenced_epoch, 0);
        assert_false(pair->attached);
        pair->refusal = 0;
        pair_attach(pair);
        pair_run(pair);
        assert_true(ship_sender_stats(pair->sender).following);
    }
    ship_sender_message(pair->sender, SLICE("no message at all"));
    assert_int_equal(pair->refusal, SHIP_BAD_MESSAGE);
    end(pair);
}

/* ---- fencing ---- */

TEST(ship_sender, is_fenced_by_whoever_has_a_higher_epoch)
{
    const uint64_t higher = UINT64_C(1) << 32;
    for (int by = 0; by < 3; by++) {
        struct pair *pair = begin(SHIP_MODE_ASYNC, SHIP_DEGRADE_STOP);
        struct ship_message message = hello(pair);
        message.hello.epoch = higher;
        if (by == 1)
            message =
                (struct ship_message){.type = SHIP_FENCE, .fence = {PAIR_CREATION, higher, 17}};
        if (by == 2)
            message = (struct ship_message){
                .type = SHIP_REFUSED,
                .refused = {.epoch = higher, .seq = 17, .refusal = SHIP_FENCED}};
        assert_int_equal(refusal_of(pair, &message), SHIP_FENCED);
        assert_int_equal(pair->fenced_epoch, higher);
        assert_int_equal(pair->fenced_seq, by == 0 ? 0 : 17);
        struct ledger_append append = {.epoch = pair->epoch, .count = 1};
        assert_int_equal(pair->log->ops->append(pair->log, &append), -ERR_STOPPED);
        message = hello(pair); /* it serves nobody any more */
        assert_int_equal(refusal_of(pair, &message), SHIP_FENCED);
        end(pair);
    }
}

TEST(ship_sender, tells_the_fenced_epoch_only_when_it_is_remembered)
{
    struct pair *pair = begin(SHIP_MODE_OFF, SHIP_DEGRADE_STOP); /* obeyed also when it is off */
    const struct ship_message message = {.type = SHIP_FENCE,
                                         .fence = {PAIR_CREATION, UINT64_C(5) << 32, 17}};
    pair->fence_error = -ERR_IO;
    assert_int_equal(refusal_of(pair, &message), SHIP_FAILED);
    pair->fence_error = 0;
    assert_int_equal(refusal_of(pair, &message), SHIP_FENCED);
    assert_int_equal(refusal_of(pair, &message), SHIP_FENCED); /* and again */
    end(pair);
}

TEST(ship_sender, is_not_fenced_by_a_start_of_its_own_term_or_by_another_log)
{
    struct pair *pair = begin(SHIP_MODE_ASYNC, SHIP_DEGRADE_STOP);
    struct ship_message message = {.type = SHIP_FENCE, .fence = {PAIR_CREATION, pair->epoch, 17}};
    assert_int_equal(refusal_of(pair, &message), SHIP_NOT_HIGHER);
    message.fence.epoch = pair->epoch + 99; /* its folder is an older copy */
    assert_int_equal(refusal_of(pair, &message), SHIP_NOT_HIGHER);
    message.fence.epoch = UINT64_C(1) << 32;
    message.fence.creation++;
    assert_int_equal(refusal_of(pair, &message), SHIP_OTHER_LOG);
    message = hello(pair);
    message.hello.epoch = pair->epoch + 99;
    assert_int_equal(refusal_of(pair, &message), SHIP_LATER_START);
    message.hello.epoch = UINT64_C(1) << 32;
    message.hello.creation++;
    assert_int_equal(refusal_of(pair, &message), SHIP_OTHER_LOG);
    assert_int_equal(pair->fenced_epoch, 0);
    pair_append(pair, 1);
    pair_run(pair);
    assert_int_equal(pair->appended, 1);
    end(pair);
}

TEST(ship_sender, never_ends_a_synchronous_append_after_it_was_fenced)
{
    struct pair *pair = begin_attached(SHIP_MODE_SYNC);
    pair->standby_log.hold = true;
    pair_append(pair, 2);
    pair_run(pair);
    ship_receiver_stop(pair->receiver,
                       ship_next_term(pair->epoch)); /* promoted while the group was under way */
    pair->standby_log.hold = false;
    pair_run(pair);
    assert_int_equal(pair->standby_log.tail, 2); /* it may be there */
    assert_int_equal(pair->fenced_epoch, ship_next_term(pair->epoch));
    pair_pass(pair, 10 * TIMEOUT_US);
    pair_run(pair);
    assert_int_equal(pair->appended, 0);
    end(pair);
}
