/* test_late_releases.c - app/late_releases.h: a ring that is found in, forgets what is durable, and
 * has its limit. */
#include "app/late_releases.h"

#include "test.h"

TEST(late_releases, each_is_found_until_it_is_durable)
{
    struct late_releases releases;
    uint64_t added = 0, forgotten = 0;
    assert_int_equal(late_releases_new(&releases), 0);
    for (unsigned round = 0; round < 5; round++) {
        while (!late_releases_full(&releases)) { /* of every third record */
            struct late_release *row = late_releases_add(&releases, added += 3);
            row->breaks = added * 7;
        }
        assert_int_equal(added - forgotten, 3 * LATE_RELEASES_MAX);
        for (uint64_t seq = forgotten; seq <= added + 3; seq++) {
            const struct late_release *row = late_releases_find(&releases, seq);
            assert_int_equal(row != NULL, seq > forgotten && seq <= added && seq % 3 == 0);
            assert_true(row == NULL || (row->seq == seq && row->breaks == seq * 7));
        }
        forgotten += UINT64_C(3) * (LATE_RELEASES_MAX / 2 + round);
        late_releases_forget(&releases, forgotten + 2);
        assert_false(late_releases_full(&releases));
    }
    late_releases_forget(&releases, added);
    assert_int_equal(releases.count, 0);
    assert_null(late_releases_find(&releases, added));
    late_releases_free(&releases);
}
