/* test_system.c - names, sizes and lines of systems (core/system.h; BETTING-RULES 4.5), and place
 * terms (core/each_way.h; 4.4). */
#include "test.h"

#include "core/each_way.h"
#include "core/system.h"

TEST(system, has_the_lines_that_its_name_says)
{
    static const struct {
        const char *name;
        uint32_t legs, lines;
    } rows[] = {
        {"TRIXIE", 3, 4},        {"PATENT", 3, 7},    {"YANKEE", 4, 11}, {"LUCKY_15", 4, 15},
        {"CANADIAN", 5, 26},     {"LUCKY_31", 5, 31}, {"HEINZ", 6, 57},  {"LUCKY_63", 6, 63},
        {"SUPER_HEINZ", 7, 120}, {"GOLIATH", 8, 247},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct named_system *system = system_by_name(slice_text(rows[i].name));
        assert_non_null(system);
        assert_int_equal(system->legs, rows[i].legs);
        assert_true(system_valid(system->legs, system->sizes));
        assert_int_equal(system_lines(system->legs, system->sizes), rows[i].lines);
        assert_ptr_equal(system_by_sizes(system->legs, system->sizes), system);
    }
    assert_null(system_by_name(slice_text("LUCKY_7")));
    assert_null(system_by_sizes(5, system_of_size(3)));
}

TEST(system, of_one_size_has_a_binomial_of_lines)
{
    assert_int_equal(system_lines(15, system_of_size(7)), 6435); /* 4.5 */
    assert_int_equal(system_lines(16, system_of_size(8)), 12870);
    assert_int_equal(system_lines(4, system_of_size(2)), 6); /* a round robin of 4 by twos */
    struct system_sizes twos_and_threes = system_join(system_of_size(2), system_of_size(3));
    assert_int_equal(system_lines(4, twos_and_threes), 10);
    assert_int_equal(system_lines(0, SYSTEM_NO_SIZES), 1); /* the bankers alone */
    assert_int_equal(system_lines(32, (struct system_sizes){UINT32_MAX}), UINT32_MAX);
    assert_int_equal(system_lines(32, system_of_size(16)), 601080390);
}

TEST(system, refuses_sizes_that_cannot_be_chosen)
{
    assert_false(system_valid(0, system_of_size(1)));
    assert_false(system_valid(3, SYSTEM_NO_SIZES));
    assert_false(system_valid(3, system_of_size(4)));
    assert_true(system_valid(3, system_of_size(3)));
    assert_true(system_valid(32, system_of_size(32)));
    assert_false(system_valid(SYSTEM_LEGS_MAX + 1, system_of_size(2)));
    assert_false(system_has_size(system_of_size(3), 0));
    assert_false(system_has_size((struct system_sizes){UINT32_MAX}, SYSTEM_LEGS_MAX + 1));
    assert_int_equal(system_largest(SYSTEM_NO_SIZES), 0);
    assert_int_equal(system_largest((struct system_sizes){0x5}), 3);
    assert_int_equal(system_largest(system_of_size(SYSTEM_LEGS_MAX)), SYSTEM_LEGS_MAX);
}

TEST(system, splits_a_total_evenly_and_leaves_the_rest_unstaked)
{
    int64_t unit = 7;
    int64_t unstaked = 7;
    assert_true(system_split(1100, 11, &unit, &unstaked));
    assert_int_equal(unit, 100);
    assert_int_equal(unstaked, 0);
    assert_true(system_split(1000, 15, &unit, &unstaked));
    assert_int_equal(unit, 66);
    assert_int_equal(unstaked, 10);
    assert_true(system_split(15, 15, &unit, &unstaked));
    assert_int_equal(unit, 1);
    assert_false(system_split(14, 15, &unit, &unstaked));
    assert_int_equal(unit, 1);
}

/* 4.4: Betfair's each-way markets. */
TEST(each_way, has_the_terms_of_its_field)
{
    static const struct {
        bool handicap;
        uint32_t least, most;
        struct place_terms terms;
    } rows[] = {
        {true, 16, 40, {4, 1, 4}}, {true, 12, 15, {3, 1, 4}}, {true, 8, 11, {3, 1, 5}},
        {true, 5, 7, {2, 1, 4}},   {false, 8, 40, {3, 1, 5}}, {false, 5, 7, {2, 1, 4}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (uint32_t runners = rows[i].least; runners <= rows[i].most; runners++) {
            struct place_terms terms;
            assert_true(place_terms_standard(rows[i].handicap, runners, &terms));
            assert_true(place_terms_valid(terms));
            assert_memory_equal(&terms, &rows[i].terms, sizeof terms);
        }
    struct place_terms terms;
    assert_false(place_terms_standard(true, 4, &terms));
    assert_false(place_terms_standard(false, 4, &terms));
}

TEST(each_way, has_a_place_price)
{
    static const struct {
        const char *name;
        struct odds odds;
        struct place_terms terms;
        struct odds place;
    } rows[] = {
        {"4.4: 11/4, 1/5 is 1.55", {15, 4}, {3, 1, 5}, {31, 20}},
        {"4.4: 7/4, 1/5 is 1.35", {11, 4}, {3, 1, 5}, {27, 20}},
        {"4.4: 7/4, 1/4 is 1.4375", {11, 4}, {2, 1, 4}, {23, 16}},
        {"4.2: 16/1, 1/4 is 5.0", {17, 1}, {3, 1, 4}, {5, 1}},
        {"no place terms: the win price", {11, 4}, {1, 1, 1}, {11, 4}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct odds place;
        if (!place_price(rows[i].odds, rows[i].terms, &place) || !odds_equal(place, rows[i].place))
            fail_msg("%s", rows[i].name);
    }
    struct odds place = {1, 2};
    assert_false(
        place_price((struct odds){1000000000, 999999999}, (struct place_terms){1, 1, 5}, &place));
    assert_int_equal(place.numerator, 1);
    assert_false(place_terms_valid((struct place_terms){0, 1, 4}));
    assert_false(place_terms_valid((struct place_terms){1, 0, 4}));
    assert_false(place_terms_valid((struct place_terms){1, 5, 4}));
    assert_false(place_terms_valid((struct place_terms){1, 1, 0}));
}
