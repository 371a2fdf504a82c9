/* test_ledger_failover_crash.c - no crash around failovers, in either direction, loses an
 * acknowledged group, brings up a superseded one, or leaves a log that does not open; and every
 * sync of a failover is needed for that. */
#include "crash_story.h"
#include "test.h"

TEST(ledger_failover_crash, loses_nothing_acknowledged_and_brings_up_nothing_superseded)
{
    unsigned failovers = 0;
    for (uint64_t seed = 1; seed <= 12; seed++)
        assert_null(crash_failover_life(seed, 8, FAULTY_DISK_NO_WHY, &failovers));
    assert_int_equal(failovers, 60);
}

static bool some_crash_misses(enum disk_why why)
{
    unsigned failovers = 0;
    for (uint64_t seed = 1; seed <= 12; seed++)
        if (crash_failover_life(seed, 8, (int)why, &failovers) != NULL)
            return true;
    return false;
}

TEST(ledger_failover_crash, needs_every_one_of_its_syncs)
{
    static const enum disk_why whys[] = {
        DISK_WHY_GROUP, DISK_WHY_SEGMENT_ZEROS, DISK_WHY_SEGMENT_NAME, DISK_WHY_SEGMENT_HEADER,
        DISK_WHY_EPOCH, DISK_WHY_EPOCH_NAME,    DISK_WHY_VOLUME,       DISK_WHY_VOLUME_NAME,
    };
    unsigned useless = 0;
    for (size_t i = 0; i < sizeof whys / sizeof whys[0]; i++)
        if (!some_crash_misses(whys[i])) {
            print_error("no crash misses the sync \"%s\"\n", disk_why_text(whys[i]));
            useless++;
        }
    assert_int_equal(useless, 0);
}
