/* test_market_line.c - sides and lines as providers name them, and what a score makes of them. */
#include "test.h"

#include "core/asian.h"
#include "core/market_line.h"

/* market id, kind, event name, selection id and name */
static bool line_of(const char *const texts[5], struct market_line *ret)
{
    const struct line_names names = {slice_text(texts[0]), slice_text(texts[1]),
                                     slice_text(texts[2]), slice_text(texts[3]),
                                     slice_text(texts[4])};
    return market_line_of(&names, ret);
}

TEST(market_line, is_read_from_how_each_provider_names_its_markets)
{
    static const struct {
        const char *texts[5];
        struct market_line line;
    } rows[] = {
        {{"sim:x-1/total:2.75", "total", "", "over", ""}, {LINE_OVER, 11}},
        {{"sim:x-1/total:2.75", "total", "", "under", ""}, {LINE_UNDER, 11}},
        {{"sim:x-1/ah:-0.25", "asian_handicap", "", "home", ""}, {LINE_HOME, -1}},
        {{"sim:x-1/ah:-0.25", "asian_handicap", "", "away", ""}, {LINE_AWAY, 1}},
        {{"sim:x-1/ah:0", "asian_handicap", "", "away", ""}, {LINE_AWAY, 0}},
        {{"sr:match:1/18/total=2.75", "uof:18", "", "12", ""}, {LINE_OVER, 11}},
        {{"sr:match:1/18/total=3", "uof:18", "", "13", ""}, {LINE_UNDER, 12}},
        {{"sr:match:1/16/hcp=-0.25", "uof:16", "", "1714", ""}, {LINE_HOME, -1}},
        {{"sr:match:1/16/hcp=-0.25", "uof:16", "", "1715", ""}, {LINE_AWAY, 1}},
        {{"1.1", "OVER_UNDER_25", "", "47972", "Under 2.5 Goals"}, {LINE_UNDER, 10}},
        {{"1.1", "OVER_UNDER_05", "", "5851483", "Over 0.5 Goals"}, {LINE_OVER, 2}},
        {{"1.1", "TOTAL_GOALS", "", "1@-2.25", "Over"}, {LINE_OVER, 9}},
        {{"1.1", "ALT_TOTAL_GOALS", "", "2@2.25", "Under"}, {LINE_UNDER, 9}},
        {{"1.1", "ASIAN_HANDICAP", "Ash v Birch", "7@-1.5", "Ash"}, {LINE_HOME, -6}},
        {{"1.1", "ASIAN_HANDICAP", "Ash v Birch", "8@+0.25", "Birch"}, {LINE_AWAY, 1}},
        {{"1.1", "ASIAN_HANDICAP", "Ash v Birch", "8", "Birch"}, {LINE_AWAY, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct market_line line = {0};
        if (!line_of(rows[i].texts, &line))
            fail_msg("%s %s", rows[i].texts[0], rows[i].texts[3]);
        assert_int_equal(line.side, rows[i].line.side);
        assert_int_equal(line.quarters, rows[i].line.quarters);
    }
}

TEST(market_line, is_never_guessed)
{
    static const char *const rows[][5] = {
        {"sim:x-1/1x2", "1x2", "", "home", ""},
        {"sim:x-1/total:2.6", "total", "", "over", ""},
        {"sr:match:1/18/total=2.5", "uof:68", "", "12", ""}, /* of a half */
        {"sr:match:1/18/total=2.5", "uof:18", "", "74", ""},
        {"sr:match:1/18", "uof:18", "", "12", ""},
        {"sr:match:1/16/hcp=0:1", "uof:16", "", "1714", ""},
        {"sr:match:1/16/hcp=0.5", "uof:16", "", "1716", ""},
        {"sim:x-1/total:-1", "total", "", "over", ""},
        {"sim:x-1/total:", "total", "", "over", ""},
        {"sim:x-1/total:1001", "total", "", "over", ""},
        {"sim:x-1/total:2.5", "total", "", "draw", ""},
        {"sim:x-1/2.5", "total", "", "over", ""},
        {"1.1", "MATCH_ODDS", "Ash v Birch", "8", "Birch"},
        {"1.1", "OVER_UNDER_25", "", "1", "Exactly"},
        {"1.1", "OVER_UNDER_", "", "1", "Over"},
        {"1.1", "OVER_UNDER_25_CORNR", "", "1", "Over"},
        {"1.1", "OVER_UNDER_99999999999999999999", "", "1", "Over"},
        {"1.1", "OVER_UNDER_27", "", "1", "Over"}, /* 2.7 is no line */
        {"1.1", "TOTAL_GOALS", "", "1@x", "Over"},
        {"1.1", "ASIAN_HANDICAP", "Ash v Birch", "8@1", "Cedar"},
        {"1.1", "ASIAN_HANDICAP", "Ash v Ash", "8@1", "Ash"},
        {"1.1", "ASIAN_HANDICAP", "", "8@1", "8@1"},
        {"1.1", "ASIAN_HANDICAP", "Ash v Birch", "8@1", ""},
        {"1.1", "ASIAN_HANDICAP", "Ash v Birch", "8@", "Birch"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct market_line line;
        if (line_of(rows[i], &line))
            fail_msg("%s %s", rows[i][0], rows[i][3]);
    }
}

TEST(market_line, comes_to_what_the_score_says)
{
    static const struct {
        struct market_line line;
        uint16_t score[2];
        struct leg_result result;
    } rows[] = {
        {{LINE_OVER, 11}, {2, 1}, {true, 1, 1, 1}},   /* 2.75 with 3: half won */
        {{LINE_UNDER, 11}, {2, 1}, {false, 1, 1, 1}}, /* half lost */
        {{LINE_HOME, -1}, {1, 1}, {false, 1, 1, 1}},  /* -0.25, a draw */
        {{LINE_AWAY, 1}, {1, 1}, {true, 1, 1, 1}},
        {{LINE_AWAY, 0}, {1, 1}, {false, 2, 1, 1}},
        {{LINE_AWAY, -6}, {0, 2}, {true, 0, 1, 1}},
        {{LINE_HOME, 6}, {0, 2}, {false, 0, 1, 1}},
        {{LINE_OVER, 4000}, {LINE_SCORE_MAX, LINE_SCORE_MAX}, {true, 0, 1, 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct leg_result found = market_line_result(rows[i].line, rows[i].score);
        assert_memory_equal(&found, &rows[i].result, sizeof found);
    }
}
