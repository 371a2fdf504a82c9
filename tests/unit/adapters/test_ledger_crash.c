/* test_ledger_crash.c - no crash loses an acknowledged group or brings up anything else. */
#include "crash_story.h"
#include "test.h"

TEST(ledger_crash, loses_nothing_acknowledged_and_brings_up_nothing_else)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        assert_null(crash_first_life(seed, 12, FAULTY_DISK_NO_WHY));
}

TEST(ledger_crash, cuts_a_torn_group_and_survives_a_second_crash)
{
    unsigned cuts = 0;
    for (uint64_t seed = 1; seed <= 8; seed++)
        assert_null(crash_second_life(seed, FAULTY_DISK_NO_WHY, &cuts));
    assert_true(cuts > 10); /* or it tested something else */
}

TEST(ledger_crash, vouches_after_a_failed_sync_only_for_what_is_durable)
{
    for (unsigned nth = 1; nth <= 20; nth++)
        assert_null(crash_failed_sync(nth, nth, FAULTY_DISK_NO_WHY));
}

TEST(ledger_crash, leaves_a_whole_log_at_any_step_of_packing_it)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        assert_null(crash_packing(seed, 12, FAULTY_DISK_NO_WHY));
}

TEST(ledger_crash, packs_a_segment_again_after_a_failed_write_or_sync)
{
    for (uint64_t seed = 2; seed <= 3; seed++) {
        bool failed = true;
        unsigned nth = 0;
        while (failed)
            assert_null(crash_failed_packing(++nth, seed, &failed));
        assert_true(nth > 4);
    }
}
