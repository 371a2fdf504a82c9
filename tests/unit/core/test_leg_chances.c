/* test_leg_chances.c - core/leg_chances.h. */
#include "test.h"

#include "core/leg_chances.h"

#define PERCENT (CHANCE_WHOLE / 100)

TEST(leg_chances, are_at_most_the_whole)
{
    assert_true(leg_chances_valid((struct leg_chances){.win = 0}));
    assert_true(leg_chances_valid((struct leg_chances){PERCENT, PERCENT, 97 * PERCENT, PERCENT}));
    assert_false(
        leg_chances_valid((struct leg_chances){PERCENT, PERCENT, 97 * PERCENT, PERCENT + 1}));
    assert_false(leg_chances_valid((struct leg_chances){UINT32_MAX, UINT32_MAX, 2, 0}));
}

TEST(leg_chances, of_nothing_at_all_say_nothing)
{
    assert_false(leg_chances_known((struct leg_chances){.win = 0}));
    assert_true(leg_chances_known((struct leg_chances){.win = 1}));
    assert_true(leg_chances_known((struct leg_chances){.half_win = 1}));
    assert_true(leg_chances_known((struct leg_chances){.refund = 1}));
    assert_true(leg_chances_known((struct leg_chances){.half_lose = 1}));
}

TEST(leg_chances, are_equal_number_by_number)
{
    const struct leg_chances all = {1, 2, 3, 4};
    assert_true(leg_chances_equal(all, all));
    assert_false(leg_chances_equal(all, (struct leg_chances){0, 2, 3, 4}));
    assert_false(leg_chances_equal(all, (struct leg_chances){1, 0, 3, 4}));
    assert_false(leg_chances_equal(all, (struct leg_chances){1, 2, 0, 4}));
    assert_false(leg_chances_equal(all, (struct leg_chances){1, 2, 3, 0}));
}

/* A price is agreed with as long as a unit staked at it is worth no more than itself. */
TEST(leg_chances, agree_with_prices_that_leave_the_book_its_margin)
{
    static const struct {
        struct leg_chances chances; /* in percent */
        struct odds odds;
        bool agree;
    } rows[] = {
        {{50, 0, 0, 0}, {2, 1}, true},
        {{51, 0, 0, 0}, {2, 1}, false},
        {{0, 0, 100, 0}, {1000, 1}, true},
        {{1, 0, 99, 0}, {101, 100}, false},
        {{0, 0, 0, 100}, {2, 1}, true},
        {{0, 80, 0, 0}, {3, 2}, true},
        {{0, 81, 0, 0}, {3, 2}, false},
        {{40, 10, 5, 10}, {195, 100}, false},
        {{40, 10, 5, 10}, {188, 100}, true},
        {{40, 10, 5, 10}, {189, 100}, false},
        {{100, 0, 0, 0}, {UINT32_MAX, 1}, false},
        {{0, 0, 0, 0}, {UINT32_MAX, 1}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct leg_chances c = rows[i].chances;
        struct leg_chances chances = {c.win * PERCENT, c.half_win * PERCENT, c.refund * PERCENT,
                                      c.half_lose * PERCENT};
        assert_int_equal(leg_chances_agree(chances, rows[i].odds), rows[i].agree);
    }
    const struct leg_chances half = {.win = CHANCE_WHOLE / 2};
    const struct leg_chances more = {.win = CHANCE_WHOLE / 2 + 1};
    assert_true(leg_chances_agree(half, (struct odds){2, 1}));
    assert_false(leg_chances_agree(more, (struct odds){2, 1})); /* by a billionth */
}
