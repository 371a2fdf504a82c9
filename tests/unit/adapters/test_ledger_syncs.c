/* test_ledger_syncs.c - the search of test_ledger_crash.c with the syncs of one reason ignored must
 * find a loss: a sync that no crash misses is either useless or untested. */
#include "crash_story.h"
#include "test.h"

static bool some_crash_misses(enum disk_why why)
{
    unsigned cuts = 0;
    bool missed = false;
    for (uint64_t seed = 1; seed <= 3 && !missed; seed++)
        missed = crash_first_life(seed, 8, (int)why) != NULL;
    for (uint64_t seed = 1; seed <= 6 && !missed; seed++)
        missed = crash_second_life(seed, (int)why, &cuts) != NULL;
    for (unsigned nth = 1; nth <= 20 && !missed; nth++)
        missed = crash_failed_sync(nth, nth, (int)why) != NULL;
    for (uint64_t seed = 1; seed <= 3 && !missed; seed++)
        missed = crash_packing(seed, 8, (int)why) != NULL;
    return missed;
}

TEST(ledger_syncs, needs_every_one_of_its_syncs)
{
    static const enum disk_why whys[] = {
        DISK_WHY_GROUP,  DISK_WHY_SEGMENT_ZEROS, DISK_WHY_SEGMENT_NAME, DISK_WHY_SEGMENT_HEADER,
        DISK_WHY_CUT,    DISK_WHY_RECOVERED,     DISK_WHY_EPOCH,        DISK_WHY_EPOCH_NAME,
        DISK_WHY_PACKED, DISK_WHY_PACKED_NAME,
    };
    unsigned useless = 0;
    for (size_t i = 0; i < sizeof whys / sizeof whys[0]; i++)
        if (!some_crash_misses(whys[i])) {
            print_error("no crash misses the sync \"%s\"\n", disk_why_text(whys[i]));
            useless++;
        }
    assert_int_equal(useless, 0);
}
