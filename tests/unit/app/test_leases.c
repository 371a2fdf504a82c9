/* test_leases.c - app/leases.h: whose prices may be bet on, and producers behind a link. */
#include "app/leases.h"

#include "test.h"

#define SILENCE_US 5000
#define OWN_US     20000

static const struct slice the_link = {"uof", 3};
static const struct feed_producer live = {{"uof:1", 5}, {"uof", 3}, OWN_US};

static struct leases begin(int64_t us)
{
    struct leases leases = {.silence_us_max = SILENCE_US};
    assert_non_null(leases_touch(&leases, the_link, (struct monotonic){us}));
    assert_non_null(leases_produce(&leases, &live, (struct monotonic){us}));
    return leases;
}

static bool alive(const struct leases *leases, int64_t us)
{
    return leases_alive(leases, live.provider, (struct monotonic){us});
}

TEST(leases, a_producer_has_a_silence_of_its_own)
{
    struct leases leases = begin(100);
    for (int64_t us = 100; us <= 100 + OWN_US; us += SILENCE_US)
        assert_non_null(leases_touch(&leases, the_link, (struct monotonic){us}));
    assert_true(alive(&leases, 100 + OWN_US));
    assert_int_equal(leases_left_us(&leases, live.provider, (struct monotonic){100 + OWN_US}), 0);
    assert_false(alive(&leases, 101 + OWN_US));
    assert_true(leases_alive(&leases, the_link, (struct monotonic){101 + OWN_US}));
}

TEST(leases, one_that_is_followed_holds_as_long_as_was_said)
{
    struct leases leases = {.silence_us_max = SILENCE_US};
    const struct slice provider = {"p", 1};
    assert_non_null(leases_follow(&leases, provider, (struct monotonic){100}, 700));
    assert_true(leases_alive(&leases, provider, (struct monotonic){800}));
    assert_false(leases_alive(&leases, provider, (struct monotonic){801}));
    uint64_t breaks = leases.breaks;
    assert_non_null(leases_follow(&leases, provider, (struct monotonic){900}, 50));
    assert_true(leases_alive(&leases, provider, (struct monotonic){950}));
    assert_true(leases_broke_since(&leases, provider, breaks));
    assert_non_null(leases_follow(&leases, provider, (struct monotonic){910}, 0));
    assert_false(leases_alive(&leases, provider, (struct monotonic){910}));
}

TEST(leases, what_a_producer_says_of_its_markets_does_not_renew_its_lease)
{
    struct leases leases = begin(100);
    for (int64_t us = 100; us <= 200 + OWN_US; us += SILENCE_US) {
        assert_non_null(leases_heard(&leases, the_link, (struct monotonic){us}));
        assert_non_null(leases_heard(&leases, live.provider, (struct monotonic){us}));
    }
    assert_true(leases_alive(&leases, the_link, (struct monotonic){101 + OWN_US}));
    assert_false(alive(&leases, 101 + OWN_US));
    assert_non_null(leases_produce(&leases, &live, (struct monotonic){102 + OWN_US}));
    assert_true(alive(&leases, 102 + OWN_US));
}

TEST(leases, a_producer_is_lost_with_its_link_and_comes_back_with_it)
{
    struct leases leases = begin(100);
    assert_int_equal(leases_left_us(&leases, live.provider, (struct monotonic){100}), SILENCE_US);
    assert_true(alive(&leases, 100 + SILENCE_US));
    assert_false(alive(&leases, 101 + SILENCE_US));
    assert_int_equal(leases_left_us(&leases, live.provider, (struct monotonic){101 + SILENCE_US}),
                     -1);
    uint64_t breaks = leases.breaks;
    assert_non_null(leases_touch(&leases, the_link, (struct monotonic){200 + SILENCE_US}));
    assert_true(alive(&leases, 200 + SILENCE_US));
    assert_true(leases_broke_since(&leases, live.provider, breaks));
    assert_false(leases_broke_since(&leases, live.provider, leases.breaks));
}

TEST(leases, a_producer_that_says_it_is_late_leaves_the_others_alone)
{
    const struct feed_producer other = {{"uof:3", 5}, {"uof", 3}, OWN_US};
    struct leases leases = begin(100);
    assert_non_null(leases_produce(&leases, &other, (struct monotonic){100}));
    assert_non_null(leases_late(&leases, live.provider, (struct monotonic){100}, true));
    assert_false(alive(&leases, 100));
    assert_true(leases_alive(&leases, other.provider, (struct monotonic){100}));
    assert_non_null(leases_produce(&leases, &live, (struct monotonic){101})); /* not by a byte */
    assert_false(alive(&leases, 101));
    assert_non_null(leases_late(&leases, live.provider, (struct monotonic){102}, false));
    assert_true(alive(&leases, 102));
}

TEST(leases, the_end_that_is_due_first_is_the_links)
{
    struct leases leases = begin(100);
    assert_int_equal(leases_due_us(&leases, (struct monotonic){100}), SILENCE_US + 1);
}

TEST(leases, links_are_not_chained_and_their_number_is_bounded)
{
    struct leases leases = begin(100);
    const struct feed_producer chained = {{"x", 1}, {"uof:1", 5}, OWN_US};
    const struct feed_producer itself = {{"uof", 3}, {"uof", 3}, OWN_US};
    assert_null(leases_produce(&leases, &chained, (struct monotonic){100}));
    assert_null(leases_produce(&leases, &itself, (struct monotonic){100}));
    char name[2] = "!";
    while (leases.count < PROVIDERS_MAX) {
        assert_non_null(leases_touch(&leases, slice_text(name), (struct monotonic){100}));
        name[0]++;
    }
    const struct feed_producer beyond = {{"uof:99", 6}, {"uof", 3}, OWN_US};
    assert_null(leases_produce(&leases, &beyond, (struct monotonic){100}));
}
