/* test_pg_attempt.c - adapters/postgres/pg_attempt.h: what follows from each answer, and that no
 * story of answers says APPEND_OK for a batch that is not there, or MOVED for one that is. */
#include "test.h"

#include "adapters/postgres/pg_attempt.h"
#include "base/prng.h"

static struct pg_attempt after_insert(enum pg_answer answer, int rows)
{
    struct pg_attempt attempt = pg_attempt_begin();
    pg_attempt_inserted(&attempt, answer, rows);
    return attempt;
}

TEST(pg_attempt, begins_with_an_insert)
{
    struct pg_attempt attempt = pg_attempt_begin();
    assert_int_equal(attempt.step, PG_STEP_INSERT);
    assert_int_equal(attempt.pause_us, 0);
}

TEST(pg_attempt, follows_each_answer)
{
    static const struct {
        enum pg_answer answer;
        int rows;
        enum pg_step step;
        enum append_outcome outcome;
    } rows[] = {
        {PG_TAKEN, 1, PG_STEP_END, APPEND_OK},
        {PG_TAKEN, 0, PG_STEP_END, APPEND_MOVED},
        {PG_AWAY, 0, PG_STEP_INSERT, 0},
        {PG_LOST, 0, PG_STEP_LOOK, 0},
        {PG_AGAIN, 0, PG_STEP_INSERT, 0},
        {PG_FULL, 0, PG_STEP_END, APPEND_REFUSED},
        {PG_REFUSED, 0, PG_STEP_END, APPEND_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pg_attempt attempt = after_insert(rows[i].answer, rows[i].rows);
        assert_int_equal(attempt.step, rows[i].step);
        if (rows[i].step == PG_STEP_END)
            assert_int_equal(attempt.outcome, rows[i].outcome);
    }
}

TEST(pg_attempt, looks_for_a_lost_one_before_it_says_anything)
{
    struct pg_attempt attempt = after_insert(PG_LOST, 0);
    pg_attempt_looked(&attempt, PG_TAKEN, PG_FOUND_OURS);
    assert_int_equal(attempt.step, PG_STEP_END);
    assert_int_equal(attempt.outcome, APPEND_OK);

    attempt = after_insert(PG_LOST, 0);
    pg_attempt_looked(&attempt, PG_TAKEN, PG_FOUND_OTHER);
    assert_int_equal(attempt.outcome, APPEND_MOVED);

    attempt = after_insert(PG_LOST, 0);
    pg_attempt_looked(&attempt, PG_TAKEN, PG_FOUND_NONE);
    assert_int_equal(attempt.step, PG_STEP_INSERT);
    pg_attempt_inserted(&attempt, PG_TAKEN, 0); /* the lost one came meanwhile */
    assert_int_equal(attempt.step, PG_STEP_LOOK);
    pg_attempt_looked(&attempt, PG_TAKEN, PG_FOUND_OURS);
    assert_int_equal(attempt.outcome, APPEND_OK);
}

TEST(pg_attempt, does_not_say_refused_while_a_lost_one_may_stand)
{
    struct pg_attempt attempt = after_insert(PG_LOST, 0);
    pg_attempt_looked(&attempt, PG_TAKEN, PG_FOUND_NONE);
    pg_attempt_inserted(&attempt, PG_FULL, 0);
    assert_int_equal(attempt.step, PG_STEP_LOOK);
}

TEST(pg_attempt, pauses_longer_each_time_up_to_a_limit)
{
    struct pg_attempt attempt = pg_attempt_begin();
    int64_t before = 0;
    for (int i = 0; i < 20; i++) {
        pg_attempt_inserted(&attempt, PG_AWAY, 0);
        assert_true(attempt.pause_us > before || attempt.pause_us == PG_PAUSE_US_MAX);
        before = attempt.pause_us;
    }
    assert_int_equal(before, PG_PAUSE_US_MAX);
}

/* A server that loses requests and answers, lets a lost insert arrive late, and may give the key to
 * another: whatever it does, what is said at the end is what stands. */
struct story {
    struct prng prng;
    enum pg_found stands;
    int late; /* lost inserts that may yet arrive */
};

static void arrive(struct story *story)
{
    if (story->late > 0 && prng_below(&story->prng, 3) == 0) {
        story->late--;
        if (story->stands == PG_FOUND_NONE)
            story->stands = PG_FOUND_OURS;
    }
    if (prng_below(&story->prng, 40) == 0 && story->stands == PG_FOUND_NONE)
        story->stands = PG_FOUND_OTHER;
}

static void insert(struct story *story, struct pg_attempt *attempt)
{
    static const enum pg_answer without[] = {PG_AWAY, PG_AGAIN, PG_FULL};
    uint64_t fate = prng_below(&story->prng, 6);
    if (fate < 3) {
        pg_attempt_inserted(attempt, without[fate], 0);
        return;
    }
    if (fate == 3) { /* lost on the way there: now, later, or never */
        story->late++;
        pg_attempt_inserted(attempt, PG_LOST, 0);
        return;
    }
    bool wins = story->stands == PG_FOUND_NONE;
    if (wins)
        story->stands = PG_FOUND_OURS;
    pg_attempt_inserted(attempt, fate == 4 ? PG_LOST : PG_TAKEN, wins ? 1 : 0);
}

TEST(pg_attempt, tells_what_stands_whatever_is_lost)
{
    unsigned ends[4] = {0};
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        struct story story = {.stands = PG_FOUND_NONE};
        struct pg_attempt attempt = pg_attempt_begin();
        prng_seed(&story.prng, seed);
        while (attempt.step != PG_STEP_END) {
            arrive(&story);
            if (attempt.step == PG_STEP_INSERT)
                insert(&story, &attempt);
            else
                pg_attempt_looked(&attempt, prng_below(&story.prng, 3) == 0 ? PG_LOST : PG_TAKEN,
                                  story.stands);
        }
        ends[attempt.outcome]++;
        if (attempt.outcome == APPEND_OK)
            assert_int_equal(story.stands, PG_FOUND_OURS);
        else if (attempt.outcome == APPEND_MOVED)
            assert_int_equal(story.stands, PG_FOUND_OTHER);
        else if (attempt.outcome == APPEND_REFUSED) /* and nothing of it can come any more */
            assert_true(story.stands != PG_FOUND_OURS && story.late == 0);
    }
    assert_true(ends[APPEND_OK] > 100 && ends[APPEND_MOVED] > 100 && ends[APPEND_REFUSED] > 100);
    assert_int_equal(ends[APPEND_UNKNOWN], 0);
}
