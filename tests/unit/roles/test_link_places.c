/* test_link_places.c - roles/shared/link_places.h: places in the order of asking, whatever is given
 * back when, and tags that stand for one question each. */
#include "roles/shared/link_places.h"

#include "base/prng.h"
#include "test.h"

#define PLACES 5

TEST(link_places, a_tag_stands_for_one_question)
{
    struct link_places places;
    assert_int_equal(link_places_new(&places, 1), 0);
    uint32_t at = link_places_take(&places, 0);
    uint64_t first = link_places_tag(&places, at);
    assert_int_equal(link_places_find(&places, first), at);
    assert_int_equal(link_places_take(&places, 0), LINK_PLACE_NONE);
    link_places_give(&places, at);
    assert_int_equal(link_places_find(&places, first), LINK_PLACE_NONE);
    at = link_places_take(&places, 0);
    assert_int_equal(link_places_find(&places, first), LINK_PLACE_NONE);
    assert_int_equal(link_places_find(&places, link_places_tag(&places, at)), at);
    assert_int_equal(link_places_find(&places, link_places_tag(&places, at) + 1), LINK_PLACE_NONE);
    assert_int_equal(link_places_find(&places, UINT64_MAX), LINK_PLACE_NONE);
    link_places_free(&places);
}

/* Beside a plain array of when each was asked. */
TEST(link_places, the_oldest_is_due_first_in_any_order_of_answers)
{
    struct link_places places;
    struct prng prng;
    int64_t asked[PLACES] = {0}; /* 0: free */
    prng_seed(&prng, 4);
    assert_int_equal(link_places_new(&places, PLACES), 0);
    assert_int_equal(link_places_due_us(&places, 100, 0), -1);
    for (int64_t now = 1; now < 10000; now++) {
        uint32_t at = (uint32_t)prng_below(&prng, PLACES);
        if (asked[at] != 0) {
            link_places_give(&places, at);
            asked[at] = 0;
        } else {
            at = link_places_take(&places, now);
            assert_int_equal(asked[at], 0);
            asked[at] = now;
        }
        int64_t oldest = 0;
        for (int i = 0; i < PLACES; i++)
            if (asked[i] != 0 && (oldest == 0 || asked[i] < oldest))
                oldest = asked[i];
        int64_t left = oldest + 100 - now;
        assert_int_equal(link_places_due_us(&places, 100, now), oldest == 0 ? -1
                                                                : left < 0  ? 0
                                                                            : left);
    }
    link_places_free(&places);
}
