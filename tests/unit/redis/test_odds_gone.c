/* test_odds_gone.c - what a writer and a follower remember of markets that were taken out. */
#include <stdio.h>

#include "adapters/redis/odds_entries.h"
#include "adapters/redis/odds_gone.h"
#include "test.h"

static struct hash128 key(uint64_t number)
{
    return table_key_u64(number);
}

TEST(odds_gone, a_version_is_remembered_for_its_time)
{
    struct odds_gone gone;
    assert_int_equal(odds_gone_init(&gone, 4), 0);
    assert_int_equal(odds_gone_version(&gone, key(1)), 0);
    odds_gone_note(&gone, key(1), 7, 1000);
    odds_gone_note(&gone, key(2), 5, 2000);
    odds_gone_note(&gone, key(1), 6, 3000); /* older: as a round reads it late */
    odds_gone_note(&gone, key(1), 7, 3000); /* again: it goes on to be as old */
    assert_int_equal(odds_gone_version(&gone, key(1)), 7);
    odds_gone_tend(&gone, 1000 + ODDS_TOMBSTONE_US - 1);
    assert_int_equal(odds_gone_version(&gone, key(1)), 7);
    odds_gone_tend(&gone, 1000 + ODDS_TOMBSTONE_US);
    assert_int_equal(odds_gone_version(&gone, key(1)), 0);
    assert_int_equal(odds_gone_version(&gone, key(2)), 5);
    assert_int_equal(gone.count.value, 1);
    odds_gone_done(&gone);
}

TEST(odds_gone, one_that_is_back_is_forgotten_and_the_rest_stays_in_order)
{
    struct odds_gone gone;
    assert_int_equal(odds_gone_init(&gone, 4), 0);
    for (uint64_t i = 1; i <= 4; i++)
        odds_gone_note(&gone, key(i), i, (int64_t)i);
    odds_gone_forget(&gone, key(2));
    odds_gone_forget(&gone, key(4));
    odds_gone_forget(&gone, key(9));
    odds_gone_note(&gone, key(5), 5, 5);
    odds_gone_note(&gone, key(3), 8, 6); /* newer: behind all */
    odds_gone_tend(&gone, 5 + ODDS_TOMBSTONE_US);
    for (uint64_t i = 1; i <= 5; i++)
        assert_int_equal(odds_gone_version(&gone, key(i)), i == 3 ? 8 : 0);
    assert_int_equal(gone.early.value, 0);
    odds_gone_done(&gone);
}

TEST(odds_gone, beyond_its_room_the_oldest_goes_early_and_that_is_said)
{
    struct odds_gone gone;
    assert_int_equal(odds_gone_init(&gone, 3), 0);
    for (uint64_t i = 1; i <= 5; i++)
        odds_gone_note(&gone, key(i), i, (int64_t)(100 * i));
    assert_int_equal(odds_gone_version(&gone, key(1)), 0);
    assert_int_equal(odds_gone_version(&gone, key(2)), 0);
    assert_int_equal(odds_gone_version(&gone, key(3)), 3);
    assert_int_equal(gone.early.value, 2);
    assert_int_equal(gone.early_us, 500);
    assert_int_equal(gone.count.value, 3);
    odds_gone_done(&gone);
}

/* ---- the writer's ---- */

static uint32_t add(struct odds_entries *entries, unsigned number)
{
    struct odds_image image = {.odds_version = number};
    image.market_id_bytes =
        (uint8_t)snprintf(image.market_id, sizeof image.market_id, "1.%u", number);
    return odds_entries_add(entries, &image);
}

static void bury(struct odds_entries *entries, unsigned number, int64_t taken_us)
{
    uint32_t at = add(entries, number);
    odds_entries_bury(entries, at, number);
    odds_entries_rest(entries, at, taken_us);
}

static bool is_known(struct odds_entries *entries, unsigned number)
{
    char memory[32];
    int bytes = snprintf(memory, sizeof memory, "1.%u", number);
    return odds_entries_find(entries, slice_of(memory, (size_t)bytes)) != ODDS_NO_ENTRY;
}

static void open_entries(struct odds_entries *entries, uint32_t markets)
{
    static const uint64_t hash_key[2] = {3, 4};
    assert_int_equal(odds_entries_init(entries, markets, hash_key), 0);
}

TEST(odds_entries, a_tombstone_is_kept_from_when_it_was_first_taken)
{
    struct odds_entries entries;
    open_entries(&entries, 4);
    uint32_t at = add(&entries, 1);
    assert_int_equal(entries.live, 1);
    odds_entries_bury(&entries, at, 7);
    assert_int_equal(entries.live, 0);
    odds_entries_tend(&entries, 5 * ODDS_TOMBSTONE_US); /* nobody has taken it yet */
    assert_true(is_known(&entries, 1));
    odds_entries_rest(&entries, at, 1000);
    odds_entries_rest(&entries, at, 2000); /* by another server */
    assert_int_equal(entries.tombstones.value, 1);
    odds_entries_tend(&entries, 1000 + ODDS_TOMBSTONE_US - 1);
    assert_true(is_known(&entries, 1));
    odds_entries_tend(&entries, 1000 + ODDS_TOMBSTONE_US);
    assert_false(is_known(&entries, 1));
    assert_int_equal(entries.tombstones.value, 0);
    odds_entries_done(&entries);
}

TEST(odds_entries, one_that_is_being_said_when_its_time_is_over_goes_when_it_is_taken)
{
    struct odds_entries entries;
    open_entries(&entries, 4);
    uint32_t at = add(&entries, 1);
    odds_entries_bury(&entries, at, 7);
    odds_entries_rest(&entries, at, 1000);
    odds_entries_list(&entries, ODDS_LIST_UNSAID, at);
    odds_entries_tend(&entries, 1000 + ODDS_TOMBSTONE_US);
    assert_true(is_known(&entries, 1));
    odds_entries_unlist(&entries, ODDS_LIST_UNSAID, at);
    odds_entries_rest(&entries, at, 1000 + ODDS_TOMBSTONE_US + 5);
    assert_false(is_known(&entries, 1));
    odds_entries_done(&entries);
}

TEST(odds_entries, a_market_that_comes_back_is_no_tombstone)
{
    struct odds_entries entries;
    open_entries(&entries, 4);
    bury(&entries, 1, 1000);
    uint32_t at = add(&entries, 1);
    odds_entries_revive(&entries, at);
    assert_int_equal(entries.live, 1);
    odds_entries_tend(&entries, 1000 + ODDS_TOMBSTONE_US);
    assert_true(is_known(&entries, 1));
    assert_false(entries.rows[at].gone);
    odds_entries_done(&entries);
}

TEST(odds_entries, beyond_its_room_the_oldest_tombstone_that_rests_goes_early_and_that_is_said)
{
    struct odds_entries entries;
    open_entries(&entries, 2); /* four places */
    bury(&entries, 1, 1000);
    bury(&entries, 2, 2000);
    bury(&entries, 3, 3000);
    uint32_t first;
    assert_int_equal(entries.early_until_us, 0);
    first = add(&entries, 1);
    odds_entries_list(&entries, ODDS_LIST_UNSAID, first); /* it is being said */
    assert_int_not_equal(add(&entries, 4), ODDS_NO_ENTRY);
    assert_int_not_equal(add(&entries, 5), ODDS_NO_ENTRY);
    assert_true(is_known(&entries, 1));
    assert_false(is_known(&entries, 2));
    assert_int_equal(entries.early.value, 1);
    assert_int_equal(entries.early_until_us, 2000 + ODDS_TOMBSTONE_US);
    assert_int_not_equal(add(&entries, 6), ODDS_NO_ENTRY);
    assert_int_equal(add(&entries, 7), ODDS_NO_ENTRY); /* one is being said, three are there */
    assert_int_equal(entries.full.value, 1);
    assert_int_equal(entries.early.value, 2);
    odds_entries_done(&entries);
}

TEST(odds_entries, each_master_has_a_queue_of_its_own)
{
    struct odds_entries entries;
    open_entries(&entries, 8);
    uint32_t at[4];
    for (unsigned i = 0; i < 4; i++) {
        at[i] = add(&entries, i);
        odds_entries_enqueue(&entries, i % 2, at[i]);
    }
    odds_entries_enqueue(&entries, 1, at[0]); /* it stands in one already */
    assert_int_equal(entries.queued.value, 4);
    assert_int_equal(odds_entries_dequeue(&entries, 1), at[1]);
    assert_int_equal(odds_entries_dequeue(&entries, 1), at[3]);
    assert_int_equal(entries.queues[1].first, ODDS_NO_ENTRY);
    assert_int_equal(odds_entries_dequeue(&entries, 0), at[0]);
    odds_entries_enqueue(&entries, 0, at[0]); /* behind the other one */
    assert_int_equal(odds_entries_dequeue(&entries, 0), at[2]);
    assert_int_equal(odds_entries_dequeue(&entries, 0), at[0]);
    assert_int_equal(entries.queued.value, 0);
    odds_entries_done(&entries);
}
