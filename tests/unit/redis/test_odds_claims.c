/* test_odds_claims.c - as of when a price is known: what a writer has not said, what it claims, and
 * what a follower makes of that (L6). */
#include "adapters/redis/odds_claims.h"
#include "adapters/redis/odds_unsaid.h"
#include "test.h"

#define SESSION 7

static struct odds_claims claims;

/* Of slots 100 to 200, in epoch 3, sent at that moment of the writer's clock. */
static void claim_of(uint64_t session, int64_t sent_us, int64_t behind_us, int64_t now_us)
{
    const struct odds_claim claim = {.epoch = 3,
                                     .sent_us = sent_us,
                                     .behind_us = behind_us,
                                     .ranges_count = 1,
                                     .ranges = {{100, 200}}};
    odds_claims_hear(&claims, session, &claim, now_us);
}

static int64_t as_of(unsigned lease, uint16_t slot, uint64_t epoch)
{
    const struct odds_asked asked = {
        .lease = lease, .slot = slot, .epoch = epoch, .heard_us = INT64_MAX};
    return odds_claims_as_of_us(&claims, &asked);
}

static bool all_read(void *owner, uint16_t slot)
{
    (void)owner, (void)slot;
    return true;
}

static bool not_150(void *owner, uint16_t slot)
{
    (void)owner;
    return slot != 150;
}

static bool only_claimed(void *owner, uint16_t slot)
{
    (void)owner;
    return slot >= 100 && slot <= 200;
}

/* A writer whose clock is 1000 s behind ours, that tells lease 0; all was read at 2000. */
static void begin(void)
{
    odds_claims_begin(&claims);
    odds_claims_lease(&claims, SESSION, 0, true);
    claim_of(SESSION, 1000, 0, 1000001000);
    odds_claims_read(&claims, 1000002000, only_claimed, NULL);
}

TEST(odds_claims, a_price_is_as_young_as_the_claim_of_its_slot)
{
    begin();
    assert_int_equal(as_of(0, 100, 3), 1000001000);
    assert_int_equal(as_of(0, 200, 3), 1000001000);
    claim_of(SESSION, 51000, 400, 1000051000);
    assert_int_equal(as_of(0, 150, 3), 1000050600);
}

TEST(odds_claims, nothing_is_known_of_what_nobody_claims)
{
    begin();
    assert_int_equal(as_of(0, 99, 3), ODDS_NEVER_US);
    assert_int_equal(as_of(0, 201, 3), ODDS_NEVER_US);
    assert_int_equal(as_of(1, 150, 3), ODDS_NEVER_US); /* another writer's provider */
    assert_int_equal(as_of(0, 150, 2), ODDS_NEVER_US); /* of a run of the writer that is over */
    odds_claims_lease(&claims, SESSION, 0, false);
    assert_int_equal(as_of(0, 150, 3), ODDS_NEVER_US);
}

TEST(odds_claims, a_claim_that_was_long_on_its_way_is_as_old_as_it_was_sent)
{
    begin();
    claim_of(SESSION, 51000, 0, 1003051000); /* three seconds later than it should have come */
    assert_int_equal(as_of(0, 150, 3), 1000051000 + 3050); /* clocks may drift by 1 ms a second */
    claim_of(SESSION, 3051000, 0, 1003051100);
    assert_true(as_of(0, 150, 3) >= 1003051000);
    assert_true(as_of(0, 150, 3) <= 1003051100);
}

TEST(odds_claims, clocks_that_drift_apart_do_not_age_a_price)
{
    begin();
    for (int64_t second = 1; second <= 3600; second++) /* our clock is quicker by 0.5 ms a second */
        claim_of(SESSION, 1000 + second * 1000000, 0, 1000001000 + second * 1000500);
    assert_int_equal(as_of(0, 150, 3), 1000001000 + 3600 * INT64_C(1000500));
}

TEST(odds_claims, what_was_before_a_session_or_is_missing_has_to_be_read_behind_a_claim)
{
    odds_claims_begin(&claims);
    odds_claims_lease(&claims, SESSION, 0, true);
    assert_false(odds_claims_want_round(&claims));
    claim_of(SESSION, 1000, 0, 5000);
    assert_true(odds_claims_want_round(&claims));
    assert_int_equal(as_of(0, 150, 3), ODDS_NEVER_US);
    odds_claims_read(&claims, 4999, all_read, NULL); /* that began before it */
    assert_int_equal(as_of(0, 150, 3), ODDS_NEVER_US);
    odds_claims_read(&claims, 5000, not_150, NULL); /* of another master */
    assert_int_equal(as_of(0, 110, 3), ODDS_NEVER_US);
    odds_claims_read(&claims, 5000, only_claimed, NULL);
    assert_int_equal(as_of(0, 150, 3), 5000);
    assert_false(odds_claims_want_round(&claims));
    odds_claims_miss(&claims, SESSION);
    assert_int_equal(as_of(0, 150, 3), ODDS_NEVER_US);
    odds_claims_read(&claims, 9000, all_read, NULL); /* nothing was claimed since */
    assert_int_equal(as_of(0, 150, 3), ODDS_NEVER_US);
    claim_of(SESSION, 6000, 0, 10000);
    odds_claims_read(&claims, 10000, all_read, NULL);
    assert_int_equal(as_of(0, 150, 3), 10000);
}

TEST(odds_claims, the_loss_of_one_master_leaves_the_claims_of_others)
{
    begin();
    odds_claims_lease(&claims, 8, 0, true);
    odds_claims_hear(&claims, 8,
                     &(struct odds_claim){
                         .epoch = 3, .sent_us = 2000, .ranges_count = 1, .ranges = {{201, 300}}},
                     1000002000);
    odds_claims_read(&claims, 1000002000, all_read, NULL);
    odds_claims_miss(&claims, SESSION);
    assert_int_equal(as_of(0, 150, 3), ODDS_NEVER_US);
    assert_int_equal(as_of(0, 250, 3), 1000002000);
    odds_claims_forget(&claims, 3000000, 1003001500);
    assert_int_equal(claims.count, 1);
}

TEST(odds_claims, more_sessions_than_there_are_rows_forget_the_oldest)
{
    begin();
    for (uint64_t i = 0; i < ODDS_CLAIMERS_MAX; i++)
        claim_of(100 + i, 1, 0, 1000003000 + (int64_t)i);
    assert_int_equal(claims.count, ODDS_CLAIMERS_MAX);
    assert_int_equal(as_of(0, 150, 3), ODDS_NEVER_US); /* session 7 went first */
}

TEST(odds_unsaid, what_was_not_taken_counts_from_when_it_came)
{
    struct odds_unsaid unsaid = {.waits = false};
    assert_true(odds_unsaid_since_us(&unsaid) == ODDS_SAID);
    odds_unsaid_wait(&unsaid, 10);
    odds_unsaid_wait(&unsaid, 20); /* a newer one takes its place in the queue */
    assert_int_equal(odds_unsaid_since_us(&unsaid), 10);
    odds_unsaid_send(&unsaid, 30);
    assert_int_equal(odds_unsaid_since_us(&unsaid), 10);
    odds_unsaid_end(&unsaid);
    assert_true(odds_unsaid_since_us(&unsaid) == ODDS_SAID);
}

TEST(odds_unsaid, what_is_said_again_and_again_is_behind_by_two_round_trips)
{
    struct odds_unsaid unsaid = {.waits = false};
    int64_t now_us = 1000;
    for (int i = 0; i < 5; i++, now_us++)
        odds_unsaid_send(&unsaid, now_us);
    for (int i = 0; i < 1000; i++, now_us++) { /* five are always under way */
        odds_unsaid_end(&unsaid);
        odds_unsaid_send(&unsaid, now_us);
        assert_int_equal(odds_unsaid_under_way(&unsaid), 5);
        assert_true(now_us - odds_unsaid_since_us(&unsaid) <= 10);
    }
}

TEST(odds_unsaid, what_may_be_lost_is_unsaid_until_it_is_taken_again)
{
    struct odds_unsaid unsaid = {.waits = false};
    odds_unsaid_send(&unsaid, 5);
    odds_unsaid_send(&unsaid, 6);
    odds_unsaid_end(&unsaid);
    odds_unsaid_wait(&unsaid, ODDS_UNSAID_FOREVER);
    odds_unsaid_end(&unsaid);
    odds_unsaid_send(&unsaid, 7);
    assert_true(odds_unsaid_since_us(&unsaid) == ODDS_UNSAID_FOREVER);
    odds_unsaid_end(&unsaid);
    assert_true(odds_unsaid_since_us(&unsaid) == ODDS_SAID);
}

/* ---- a server that is another's ---- */

static int64_t as_of_heard(int64_t heard_us)
{
    const struct odds_asked asked = {.slot = 150, .epoch = 3, .heard_us = heard_us};
    return odds_claims_as_of_us(&claims, &asked);
}

TEST(odds_claims, a_market_that_was_not_among_what_was_read_behind_the_claim_is_not_known)
{
    begin();
    assert_int_equal(as_of_heard(1000001000), 1000001000);
    assert_int_equal(as_of_heard(1000000999), ODDS_NEVER_US); /* heard of before, and not since */
    claim_of(SESSION, 51000, 0, 1000051000);
    assert_int_equal(as_of_heard(1000001000), 1000051000);
    assert_int_equal(as_of_heard(1000000999), ODDS_NEVER_US);
}

static int64_t as_of_book(uint64_t claimed, uint64_t asked_of)
{
    const struct odds_claim claim = {
        .book = claimed, .epoch = 3, .sent_us = 1000, .ranges_count = 1, .ranges = {{100, 200}}};
    const struct odds_asked asked = {
        .slot = 150, .epoch = 3, .book = asked_of, .heard_us = INT64_MAX};
    begin();
    odds_claims_hear(&claims, SESSION, &claim, 1000001000);
    return odds_claims_as_of_us(&claims, &asked);
}

TEST(odds_claims, a_writer_of_another_book_says_nothing_of_this_one)
{
    const uint8_t id[16] = {0x81, 2, 3, 4, 5, 6, 7, 8, 9}, none[16] = {0};
    assert_int_equal(as_of_book(7, 7), 1000001000);
    assert_int_equal(as_of_book(8, 7), ODDS_NEVER_US);
    assert_int_equal(as_of_book(0, 7), 1000001000); /* one from before it was said */
    assert_int_equal(as_of_book(8, 0), 1000001000); /* nobody has said whose is meant */
    assert_int_equal(odds_book_number(id), 0x0102030405060708);
    assert_int_equal(odds_book_number(none), 1);
}
