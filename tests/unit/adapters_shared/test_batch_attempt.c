/* test_batch_attempt.c - adapters/shared/batch_attempt.h: what follows from each answer, and that
 * no story of answers says APPEND_OK for a batch that is not there, or MOVED for one that is. */
#include "test.h"

#include "adapters/shared/batch_attempt.h"
#include "base/prng.h"

static struct batch_attempt after_insert(enum store_answer answer, bool won)
{
    struct batch_attempt attempt = batch_attempt_begin();
    batch_attempt_inserted(&attempt, answer, won);
    return attempt;
}

TEST(batch_attempt, begins_with_an_insert)
{
    struct batch_attempt attempt = batch_attempt_begin();
    assert_int_equal(attempt.step, BATCH_STEP_INSERT);
    assert_int_equal(attempt.pause_us, 0);
}

TEST(batch_attempt, follows_each_answer)
{
    static const struct {
        enum store_answer answer;
        bool won;
        enum batch_step step;
        enum append_outcome outcome;
    } rows[] = {
        {STORE_TAKEN, true, BATCH_STEP_END, APPEND_OK},
        {STORE_TAKEN, false, BATCH_STEP_END, APPEND_MOVED},
        {STORE_AWAY, false, BATCH_STEP_INSERT, 0},
        {STORE_LOST, false, BATCH_STEP_LOOK, 0},
        {STORE_AGAIN, false, BATCH_STEP_INSERT, 0},
        {STORE_FULL, false, BATCH_STEP_END, APPEND_REFUSED},
        {STORE_LATE, false, BATCH_STEP_END, APPEND_LATE},
        {STORE_REFUSED, false, BATCH_STEP_END, APPEND_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct batch_attempt attempt = after_insert(rows[i].answer, rows[i].won);
        assert_int_equal(attempt.step, rows[i].step);
        if (rows[i].step == BATCH_STEP_END)
            assert_int_equal(attempt.outcome, rows[i].outcome);
    }
}

TEST(batch_attempt, a_late_one_of_which_a_copy_was_lost_is_looked_for)
{
    struct batch_attempt attempt = after_insert(STORE_LOST, false);
    batch_attempt_looked(&attempt, STORE_TAKEN, BATCH_NONE);
    batch_attempt_inserted(&attempt, STORE_LATE, false);
    assert_int_equal(attempt.step, BATCH_STEP_LOOK);
    batch_attempt_looked(&attempt, STORE_TAKEN, BATCH_OURS);
    assert_int_equal(attempt.outcome, APPEND_OK); /* it was there in time */

    attempt = after_insert(STORE_LOST, false);
    batch_attempt_looked(&attempt, STORE_TAKEN, BATCH_NONE);
    batch_attempt_inserted(&attempt, STORE_LATE, false);
    batch_attempt_looked(&attempt, STORE_TAKEN, BATCH_NONE);
    assert_int_equal(attempt.step, BATCH_STEP_END);
    assert_int_equal(attempt.outcome, APPEND_LATE);
}

TEST(batch_attempt, looks_for_a_lost_one_before_it_says_anything)
{
    struct batch_attempt attempt = after_insert(STORE_LOST, false);
    batch_attempt_looked(&attempt, STORE_TAKEN, BATCH_OURS);
    assert_int_equal(attempt.step, BATCH_STEP_END);
    assert_int_equal(attempt.outcome, APPEND_OK);

    attempt = after_insert(STORE_LOST, false);
    batch_attempt_looked(&attempt, STORE_TAKEN, BATCH_OTHER);
    assert_int_equal(attempt.outcome, APPEND_MOVED);

    attempt = after_insert(STORE_LOST, false);
    batch_attempt_looked(&attempt, STORE_TAKEN, BATCH_NONE);
    assert_int_equal(attempt.step, BATCH_STEP_INSERT);
    batch_attempt_inserted(&attempt, STORE_TAKEN, false); /* the lost one came meanwhile */
    assert_int_equal(attempt.step, BATCH_STEP_LOOK);
    batch_attempt_looked(&attempt, STORE_TAKEN, BATCH_OURS);
    assert_int_equal(attempt.outcome, APPEND_OK);
}

TEST(batch_attempt, does_not_say_refused_while_a_lost_one_may_stand)
{
    struct batch_attempt attempt = after_insert(STORE_LOST, false);
    batch_attempt_looked(&attempt, STORE_TAKEN, BATCH_NONE);
    batch_attempt_inserted(&attempt, STORE_FULL, false);
    assert_int_equal(attempt.step, BATCH_STEP_LOOK);
}

TEST(batch_attempt, pauses_longer_each_time_up_to_a_limit)
{
    struct batch_attempt attempt = batch_attempt_begin();
    int64_t before = 0;
    for (int i = 0; i < 20; i++) {
        batch_attempt_inserted(&attempt, STORE_AWAY, false);
        assert_true(attempt.pause_us > before || attempt.pause_us == BATCH_PAUSE_US_MAX);
        before = attempt.pause_us;
    }
    assert_int_equal(before, BATCH_PAUSE_US_MAX);
}

TEST(batch_attempt, calls_haste_a_trouble_only_when_it_lasts)
{
    struct batch_attempt attempt = batch_attempt_begin();
    unsigned answers = 0;
    while (!attempt.trouble) {
        batch_attempt_inserted(&attempt, STORE_AGAIN, false);
        answers++;
        assert_true(attempt.trouble == (attempt.paused_us > BATCH_AGAIN_US_MAX));
    }
    assert_in_range(answers, 2, 10);
    attempt = batch_attempt_begin();
    batch_attempt_inserted(&attempt, STORE_AWAY, false);
    assert_true(attempt.trouble); /* at once */
}

/* A server that loses requests and answers, lets a lost insert arrive late, and may give the key to
 * another: whatever it does, what is said at the end is what stands. */
struct story {
    struct prng prng;
    enum batch_found stands;
    int late; /* lost inserts that may yet arrive */
};

static void arrive(struct story *story)
{
    if (story->late > 0 && prng_below(&story->prng, 3) == 0) {
        story->late--;
        if (story->stands == BATCH_NONE)
            story->stands = BATCH_OURS;
    }
    if (prng_below(&story->prng, 40) == 0 && story->stands == BATCH_NONE)
        story->stands = BATCH_OTHER;
}

static void insert(struct story *story, struct batch_attempt *attempt)
{
    static const enum store_answer without[] = {STORE_AWAY, STORE_AGAIN, STORE_FULL, STORE_LATE};
    uint64_t fate = prng_below(&story->prng, 7);
    if (fate < 4) {
        batch_attempt_inserted(attempt, without[fate], false);
        return;
    }
    if (fate == 4) { /* lost on the way there: now, later, or never */
        story->late++;
        batch_attempt_inserted(attempt, STORE_LOST, false);
        return;
    }
    bool wins = story->stands == BATCH_NONE;
    if (wins)
        story->stands = BATCH_OURS;
    batch_attempt_inserted(attempt, fate == 5 ? STORE_LOST : STORE_TAKEN, wins);
}

TEST(batch_attempt, tells_what_stands_whatever_is_lost)
{
    unsigned ends[APPEND_REFUSED + 1] = {0};
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        struct story story = {.stands = BATCH_NONE};
        struct batch_attempt attempt = batch_attempt_begin();
        prng_seed(&story.prng, seed);
        while (attempt.step != BATCH_STEP_END) {
            arrive(&story);
            if (attempt.step == BATCH_STEP_INSERT)
                insert(&story, &attempt);
            else
                batch_attempt_looked(&attempt,
                                     prng_below(&story.prng, 3) == 0 ? STORE_LOST : STORE_TAKEN,
                                     story.stands);
        }
        ends[attempt.outcome]++;
        if (attempt.outcome == APPEND_OK)
            assert_int_equal(story.stands, BATCH_OURS);
        else if (attempt.outcome == APPEND_MOVED)
            assert_int_equal(story.stands, BATCH_OTHER);
        else if (attempt.outcome == APPEND_LATE) /* a lost one may come yet: MOVED next time */
            assert_true(story.stands != BATCH_OURS);
        else if (attempt.outcome == APPEND_REFUSED) /* and nothing of it can come any more */
            assert_true(story.stands != BATCH_OURS && story.late == 0);
    }
    assert_true(ends[APPEND_OK] > 100 && ends[APPEND_MOVED] > 100 && ends[APPEND_REFUSED] > 100);
    assert_true(ends[APPEND_LATE] > 100);
    assert_int_equal(ends[APPEND_UNKNOWN], 0);
}
