/* test_ship_receiver.c - adapters/ship/ship_receiver.h: what a standby writes, acknowledges and
 * refuses. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "base/error.h"
#include "base/prng.h"
#include "ship_pair.h"

static struct pair *begin(void)
{
    struct pair *pair = malloc(sizeof *pair);
    pair_begin(pair, SHIP_MODE_SYNC, SHIP_DEGRADE_STOP);
    pair_attach(pair);
    pair_append(pair, 3);
    pair_run(pair);
    assert_int_equal(pair->standby_log.tail, 3);
    return pair;
}

static void end(struct pair *pair)
{
    pair_check(pair);
    pair_end(pair);
    free(pair);
}

TEST(ship_receiver, knows_where_the_primary_is)
{
    struct pair *pair = begin();
    struct ship_receiver_stats stats = ship_receiver_stats(pair->receiver);
    assert_true(stats.following);
    assert_int_equal(stats.primary_tail, 3);
    assert_int_equal(stats.behind_since_us, 0);
    assert_int_equal(stats.epoch, pair->epoch);
    assert_int_equal(pair->odds_epoch, 5);
    pair->standby_log.hold = true;
    pair_append(pair, 2);
    pair_run(pair);
    ship_sender_odds(pair->sender, 6, 2000);
    pair_pass(pair, SHIP_BEAT_US);
    pair->standby_log.hold = false;
    pair_run(pair);
    assert_int_equal(pair->odds_epoch, 6);
    assert_int_equal(pair->odds_position, 2000);
    assert_int_equal(ship_receiver_stats(pair->receiver).behind_since_us, 0);
    end(pair);
}

TEST(ship_receiver, folds_what_it_takes)
{
    struct pair *pair = begin();
    unsigned char ours[32], theirs[32];
    pair_append(pair, 200);
    pair_run(pair);
    assert_int_equal(shard_state_hash(pair->maker->state, ours), 0);
    assert_int_equal(shard_state_hash(pair->state, theirs), 0);
    assert_memory_equal(ours, theirs, sizeof ours);
    end(pair);
}

/* The next group as the primary would send it, for a test to change. */
static struct ship_message next_group(struct pair *pair, char records[4096])
{
    struct parts parts = parts_account(pair->maker, "somebody");
    maker_encode(pair->maker, &parts);
    memcpy(records, pair->maker->memory, pair->maker->view.head->bytes);
    return (struct ship_message){
        .type = SHIP_GROUP,
        .group = {.epoch = pair->epoch, .seq_first = 4, .count = 1},
        .tail = slice_of(records, pair->maker->view.head->bytes),
    };
}

static void check_not_written(struct pair *pair, uint16_t refusal)
{
    pair_run(pair);
    assert_int_equal(pair->standby_log.tail, 3);
    assert_int_equal(pair->refusal, refusal);
    assert_int_equal(pair->notes[SHIP_NOTE_REFUSES], 1);
    assert_false(pair->attached);
}

TEST(ship_receiver, refuses_a_group_that_does_not_follow)
{
    for (int wrong = 0; wrong < 4; wrong++) {
        struct pair *pair = begin();
        char records[4096];
        struct ship_message group = next_group(pair, records);
        uint64_t seq = wrong == 0 ? 3 : 5;
        if (wrong < 2) {
            group.group.seq_first = seq;
            memcpy(records + 8, &seq, sizeof seq);
        } else if (wrong == 2) {
            group.group.epoch++;
        } else {
            group.group.epoch--;
        }
        pair_say_down(pair, &group);
        check_not_written(pair, SHIP_BAD_MESSAGE);
        assert_false(ship_receiver_stats(pair->receiver).failed);
        pair_attach(pair); /* the next session may be better */
        pair_append(pair, 1);
        pair_run(pair);
        assert_int_equal(pair->standby_log.tail, 4);
        end(pair);
    }
}

TEST(ship_receiver, writes_no_record_that_the_fold_refuses)
{
    for (int wrong = 0; wrong < 2; wrong++) {
        struct pair *pair = begin();
        char records[4096];
        struct parts parts = parts_account(pair->maker, "somebody");
        parts.draft.account = 77; /* L1: refs are dense */
        struct ship_message group = next_group(pair, records);
        if (wrong == 0) {
            records[40] ^= 1; /* its own checksum is broken */
        } else {
            maker_encode(pair->maker, &parts);
            memcpy(records, pair->maker->memory, pair->maker->view.head->bytes);
            group.tail.bytes = pair->maker->view.head->bytes;
        }
        pair_say_down(pair, &group);
        check_not_written(pair, SHIP_BAD_RECORD);
        assert_true(
            ship_receiver_stats(pair->receiver).failed); /* the fold may be ahead: for good */
        assert_non_null(strstr(ship_receiver_text(pair->receiver), "record"));
        end(pair);
    }
}

TEST(ship_receiver, acknowledges_nothing_when_its_disk_failed)
{
    struct pair *pair = begin();
    pair->standby_log.fail_next = true;
    pair_append(pair, 2);
    pair_run(pair);
    assert_int_equal(pair->appended, 1); /* the one before */
    assert_true(ship_receiver_stats(pair->receiver).failed);
    assert_non_null(strstr(ship_receiver_text(pair->receiver), "disk failed"));
    pair->standby_log.fail_next = false;
    pair_restart_standby(pair);
    pair_attach(pair);
    pair_run(pair);
    assert_int_equal(pair->appended, 2);
    end(pair);
}

TEST(ship_receiver, tries_the_same_group_again_when_there_was_no_space)
{
    struct pair *pair = begin();
    pair->standby_log.refuse_next = true;
    pair_append(pair, 2);
    pair_run(pair);
    assert_int_equal(pair->appended, 1);
    assert_true(ship_receiver_busy(pair->receiver));
    assert_false(ship_receiver_stats(pair->receiver).failed);
    pair_pass(pair, SHIP_RETRY_US);
    pair_run(pair);
    assert_int_equal(pair->appended, 2);
    end(pair);
}

TEST(ship_receiver, folds_on_when_there_is_room_again)
{
    struct pair *pair = begin();
    pair->room = 2;
    pair_append(pair, 5);
    pair_run(pair);
    assert_int_equal(shard_state_seq(pair->state), 5); /* in the middle of the group */
    assert_int_equal(pair->standby_log.tail, 3);
    assert_true(ship_receiver_busy(pair->receiver));
    pair->room = UINT32_MAX;
    pair_pass(pair, 1000);
    pair_run(pair);
    assert_int_equal(pair->standby_log.tail, 8);
    assert_int_equal(pair->appended, 2);
    end(pair);
}

TEST(ship_receiver, acknowledges_no_record_whose_keys_are_not_durable)
{
    struct pair *pair = begin();
    pair->keys_bytes = 640;
    int syncs = pair->keys_syncs;
    pair->standby_log.hold = true;
    pair_append(pair, 1);
    pair_run(pair);
    assert_int_equal(pair->keys_syncs, syncs);
    assert_int_equal(pair->appended, 1);
    pair->standby_log.hold = false;
    pair_run(pair);
    assert_int_equal(pair->keys_syncs, syncs + 1);
    assert_int_equal(pair->appended, 2);
    pair->keys_error = -ERR_NO_SPACE;
    pair->keys_bytes = 960;
    pair_append(pair, 1);
    pair_run(pair);
    assert_int_equal(pair->appended, 2);
    assert_true(ship_receiver_stats(pair->receiver).failed);
    end(pair);
}

TEST(ship_receiver, follows_no_primary_that_another_has_overtaken)
{
    struct pair *pair = begin();
    pair_detach(pair);
    pair->standby_log.epoch = ship_next_term(pair->epoch); /* it followed somebody else meanwhile */
    pair_restart_standby(pair);
    pair_attach(pair);
    pair_run(pair);
    assert_int_equal(pair->fenced_epoch, ship_next_term(pair->epoch));
    assert_false(ship_receiver_stats(pair->receiver).following);
    end(pair);
}

TEST(ship_receiver, refuses_what_is_out_of_place)
{
    const struct ship_message rows[] = {
        {.type = SHIP_WELCOME, .welcome = {.creation = PAIR_CREATION, .epoch = 1}},
        {.type = SHIP_PROBE, .probe = {1}},
        {.type = SHIP_HELLO},
        {.type = SHIP_ACK},
        {.type = SHIP_FENCE},
        {.type = SHIP_PROBED, .probed = {.seq = 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair *pair = begin();
        pair_say_down(pair, &rows[i]);
        check_not_written(pair, SHIP_BAD_MESSAGE);
        assert_int_equal(ship_receiver_stats(pair->receiver).bad_messages, 1);
        end(pair);
    }
}

/* Before the welcome, by a primary that lies. */
TEST(ship_receiver, refuses_a_welcome_to_another_log)
{
    const struct ship_message rows[] = {
        {.type = SHIP_WELCOME, .welcome = {.creation = PAIR_CREATION + 1, .epoch = 9}},
        {.type = SHIP_WELCOME, .welcome = {.creation = 0, .epoch = 9}},
        {.type = SHIP_WELCOME, .welcome = {.creation = PAIR_CREATION, .epoch = 9, .shard = 1}},
        {.type = SHIP_WELCOME, .welcome = {.creation = PAIR_CREATION, .epoch = 0}}, /* older */
        {.type = SHIP_GROUP, .group = {.epoch = 1}},
        {.type = SHIP_PROBE, .probe = {4}}, /* beyond its log */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair *pair = begin();
        char records[4096];
        struct ship_message message = rows[i];
        if (message.type == SHIP_GROUP)
            message = next_group(pair, records);
        pair_detach(pair);
        pair_attach(pair);
        pair_lose_up(pair); /* the greeting is not answered by the real one */
        pair_say_down(pair, &message);
        pair_carry(pair);
        assert_false(ship_receiver_stats(pair->receiver).following);
        assert_int_equal(pair->standby_log.tail, 3);
        assert_int_equal(pair->up.last, SHIP_REFUSED);
        end(pair);
    }
}

TEST(ship_receiver, stays_a_prefix_and_loses_nothing_whatever_happens)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct prng prng;
        prng_seed(&prng, seed);
        struct pair *pair = malloc(sizeof *pair);
        enum ship_mode mode = seed % 3 == 0 ? SHIP_MODE_ASYNC : SHIP_MODE_SYNC;
        pair_begin(pair, mode, SHIP_DEGRADE_STOP);
        uint64_t ended = 0; /* records of appends that ended well */
        for (int step = 0; step < 200; step++) {
            switch (prng_below(&prng, 12)) {
            case 0:
                if (!pair->attached)
                    pair_attach(pair);
                break;
            case 1:
                if (pair->attached && prng_below(&prng, 4) == 0)
                    pair_detach(pair);
                break;
            case 2:
                if (prng_below(&prng, 8) == 0)
                    pair_restart_standby(pair);
                break;
            case 3:
                pair->standby_log.hold = !pair->standby_log.hold;
                break;
            case 4:
                pair->down.queued = prng_below(&prng, 2) == 0 ? 0 : SHIP_QUEUE_BYTES_MAX;
                ship_sender_drained(pair->sender);
                break;
            case 5:
                pair_pass(pair, (int64_t)prng_below(&prng, 300000));
                break;
            case 6:
            case 7:
                if (!pair->appending)
                    pair_append(pair, 1 + (uint32_t)prng_below(&prng, 30));
                break;
            default:
                pair->log->ops->poll(pair->log);
                pair->standby_log.port.ops->poll(&pair->standby_log.port);
                (void)pair_carry(pair);
                break;
            }
            if (!pair->appending && pair->appended > 0)
                ended = pair->primary_log.tail;
            pair_check(pair);
            if (mode == SHIP_MODE_SYNC)
                assert_true(ended <= pair->standby_log.tail); /* L2, on both */
            assert_int_equal(pair->refusal, 0);
        }
        pair->standby_log.hold = false;
        pair->down.queued = 0;
        if (!pair->attached)
            pair_attach(pair);
        pair_pass(pair, SHIP_BEAT_US);
        pair_run(pair);
        assert_int_equal(pair->standby_log.tail, pair->primary_log.tail);
        assert_false(pair->appending);
        end(pair);
    }
}
