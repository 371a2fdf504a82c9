/* test_post_office.c - roles/notification/post_office.h: which notice is due, and what becomes of
 * it. */
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#include "base/prng.h"
#include "roles/notification/post_office.h"

#define TRIES_MAX 4

#define AWAY      3
#define AWAY_REST 1000

static const struct post_rules rules = {.tries_max = TRIES_MAX,
                                        .rest_us_min = 100,
                                        .rest_us_max = 450,
                                        .away_notices = AWAY,
                                        .away_us_max = AWAY_REST,
                                        .seed = 5};
static struct post_office *office;

static void begin(void)
{
    assert_int_equal(post_office_new(&rules, &office), 0);
}

static void take(const char *id, uint64_t customer)
{
    post_office_take(office, slice_text(id), customer, SLICE("{}"));
}

static bool is(const struct post *post, const char *id)
{
    return post != NULL && slice_is(slice_of(post->id, post->id_bytes), id);
}

TEST(post_office, hands_out_in_order_and_one_of_a_customer_at_a_time)
{
    begin();
    take("0-1", 7);
    take("0-2", 7);
    take("0-3", 8);
    struct post *first = post_office_next(office, 0), *other = post_office_next(office, 0);
    assert_true(is(first, "0-1"));
    assert_true(is(other, "0-3"));
    assert_null(post_office_next(office, 0));
    assert_int_equal(post_office_answered(office, first, 204, 5), POST_TOLD);
    struct post *second = post_office_next(office, 5);
    assert_true(is(second, "0-2"));
    assert_int_equal(post_office_answered(office, second, 200, 6), POST_TOLD);
    assert_false(post_office_is_empty(office));
    assert_int_equal(post_office_answered(office, other, 299, 7), POST_TOLD);
    assert_true(post_office_is_empty(office));
    post_office_free(office);
}

TEST(post_office, tries_again_after_growing_rests_and_then_gives_up)
{
    static const int64_t rests[] = {100, 200, 400};
    static const int statuses[] = {0, 503, 429, 408};
    int64_t now = 1000;
    begin();
    take("0-1", 7);
    for (int i = 0; i < TRIES_MAX - 1; i++) {
        struct post *post = post_office_next(office, now);
        assert_true(is(post, "0-1"));
        assert_int_equal(post_office_answered(office, post, statuses[i], now), POST_AGAIN);
        assert_int_equal(post_office_due_us(office), now + rests[i]);
        assert_null(post_office_next(office, now + rests[i] - 1));
        now += rests[i];
    }
    struct post *post = post_office_next(office, now);
    assert_int_equal(post_office_answered(office, post, statuses[3], now), POST_DEAD);
    assert_int_equal(post->tries, TRIES_MAX);
    assert_int_equal(post_office_due_us(office), INT64_MAX);
    assert_false(post_office_is_empty(office)); /* until it is kept elsewhere */
    post_office_bury(office, post);
    assert_true(post_office_is_empty(office));
    post_office_free(office);
}

/* Whoever waits for the next one sleeps so long. */
TEST(post_office, what_is_behind_another_of_its_customer_is_not_due)
{
    begin();
    take("0-1", 7);
    take("0-2", 7);
    struct post *first = post_office_next(office, 1000);
    assert_int_equal(post_office_due_us(office), INT64_MAX);
    assert_int_equal(post_office_answered(office, first, 503, 1000), POST_AGAIN);
    assert_int_equal(post_office_due_us(office), 1100);
    post_office_free(office);
}

TEST(post_office, gives_up_at_once_what_will_never_be_taken)
{
    static const int statuses[] = {301, 400, 401, 404, 410, 422};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        begin();
        take("0-1", 7);
        struct post *post = post_office_next(office, 0);
        assert_int_equal(post_office_answered(office, post, statuses[i], 0), POST_DEAD);
        assert_int_equal(post->status, statuses[i]);
        post_office_free(office);
    }
}

TEST(post_office, a_dead_letter_that_cannot_be_kept_is_tried_on)
{
    begin();
    take("0-1", 7);
    take("0-2", 7);
    struct post *post = post_office_next(office, 0);
    assert_int_equal(post_office_answered(office, post, 404, 0), POST_DEAD);
    post_office_put_off(office, post, 0);
    assert_null(post_office_next(office, 449));
    assert_true(is(post_office_next(office, 450), "0-1"));
    post_office_free(office);
}

/* One of each of so many customers, all of which fail. */
static int64_t lose_receiver(void)
{
    char id[16];
    struct post *posts[AWAY];
    for (unsigned i = 0; i < AWAY; i++) {
        (void)snprintf(id, sizeof id, "1-%u", i);
        take(id, 100 + i);
        posts[i] = post_office_next(office, 0);
        assert_true(is(posts[i], id));
    }
    for (unsigned i = 0; i < AWAY; i++) {
        assert_false(post_office_is_away(office));
        assert_int_equal(post_office_answered(office, posts[i], i == 0 ? 0 : 503, 0), POST_AGAIN);
    }
    assert_true(post_office_is_away(office));
    return post_office_due_us(office);
}

TEST(post_office, asks_a_receiver_that_is_away_with_one_notice_at_a_time)
{
    begin();
    int64_t rest = 0;
    (void)lose_receiver();
    for (unsigned i = 0; i < 40; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "2-%u", i);
        take(id, 200 + i); /* all due at once */
    }
    int64_t now = post_office_due_us(office);
    for (unsigned asked = 0; asked < 20; asked++) {
        assert_null(post_office_next(office, now - 1));
        struct post *post = post_office_next(office, now);
        assert_non_null(post);
        assert_int_equal(post->tries, 1); /* those that were not tried yet */
        assert_null(post_office_next(office, now + AWAY_REST));
        assert_int_equal(post_office_due_us(office), INT64_MAX);
        assert_int_equal(post_office_answered(office, post, 500, now), POST_AGAIN);
        rest = post_office_due_us(office) - now;
        assert_true(rest >= 50 && rest <= AWAY_REST);
        now += rest;
    }
    assert_true(rest >= AWAY_REST / 2);
    assert_true(post_office_is_away(office));
    post_office_free(office);
}

TEST(post_office, the_first_answer_of_a_receiver_makes_all_that_wait_due)
{
    static const int statuses[] = {204, 410};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        begin();
        int64_t now = lose_receiver();
        struct post *post = post_office_next(office, now);
        assert_int_equal(post_office_answered(office, post, statuses[i], now),
                         i == 0 ? POST_TOLD : POST_DEAD);
        assert_false(post_office_is_away(office));
        for (unsigned left = 1; left < AWAY; left++)
            assert_non_null(post_office_next(office, now));
        assert_null(post_office_next(office, INT64_MAX));
        post_office_free(office);
    }
}

TEST(post_office, one_notice_that_is_never_taken_takes_no_receiver_away)
{
    int64_t now = 0;
    begin();
    take("0-1", 7);
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        now = post_office_due_us(office);
        struct post *post = post_office_next(office, now);
        assert_true(is(post, "0-1"));
        enum post_fate fate = post_office_answered(office, post, 500, now);
        assert_int_equal(fate, i + 1 < TRIES_MAX ? POST_AGAIN : POST_DEAD);
        assert_false(post_office_is_away(office));
    }
    post_office_free(office);
}

TEST(post_office, what_is_taken_between_begins_the_count_anew)
{
    char id[16];
    begin();
    for (unsigned i = 0; i < 5 * AWAY; i++) {
        (void)snprintf(id, sizeof id, "0-%u", i);
        take(id, i);
        struct post *post = post_office_next(office, 0);
        (void)post_office_answered(office, post, i % AWAY == 0 ? 204 : 503, 0);
        assert_false(post_office_is_away(office));
    }
    post_office_free(office);
}

TEST(post_office, is_full_until_the_oldest_is_gone)
{
    char id[16];
    struct post *posts[POST_NOTICES_MAX];
    begin();
    for (unsigned i = 0; i < POST_NOTICES_MAX; i++) {
        assert_false(post_office_is_full(office));
        (void)snprintf(id, sizeof id, "0-%u", i);
        take(id, i);
        posts[i] = post_office_next(office, 0);
        assert_true(is(posts[i], id));
    }
    for (unsigned i = POST_NOTICES_MAX; i-- > 0;) {
        assert_true(post_office_is_full(office));
        assert_int_equal(post_office_answered(office, posts[i], 200, 0), POST_TOLD);
    }
    assert_false(post_office_is_full(office));
    assert_true(post_office_is_empty(office));
    post_office_free(office);
}

/* Whatever is answered when, each is told or dies once, and those of a customer in their order. */
TEST(post_office, by_chance_each_is_told_once_and_a_customers_in_order)
{
    enum { COUNT = 5000, CUSTOMERS = 20, FLIGHTS = 16 };
    struct post *under_way[FLIGHTS] = {0};
    unsigned last[CUSTOMERS] = {0}, done = 0, taken = 0;
    struct prng prng;
    char id[16];
    int64_t now = 0;
    prng_seed(&prng, 3);
    begin();
    while (done < COUNT) {
        size_t n = (size_t)prng_below(&prng, FLIGHTS);
        now += (int64_t)prng_below(&prng, 50);
        if (taken < COUNT && !post_office_is_full(office)) {
            (void)snprintf(id, sizeof id, "%u", ++taken);
            take(id, prng_below(&prng, CUSTOMERS));
        }
        if (under_way[n] == NULL) {
            under_way[n] = post_office_next(office, now);
            continue;
        }
        struct post *post = under_way[n];
        unsigned number = (unsigned)strtoul(post->id, NULL, 10);
        under_way[n] = NULL;
        assert_true(number > last[post->customer]);
        enum post_fate fate =
            post_office_answered(office, post, prng_below(&prng, 3) == 0 ? 500 : 200, now);
        if (fate == POST_AGAIN)
            continue;
        last[post->customer] = number;
        if (fate == POST_DEAD)
            post_office_bury(office, post);
        done++;
    }
    assert_true(post_office_is_empty(office));
    post_office_free(office);
}
