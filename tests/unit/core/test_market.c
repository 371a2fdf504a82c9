/* test_market.c - the wire names of states (core/market.h; CONTRACT, "Market status"). */
#include "test.h"

#include "core/market.h"

TEST(market, statuses_have_the_names_of_the_contract)
{
    static const struct {
        enum market_status status;
        const char *text;
    } rows[] = {
        {MARKET_ACTIVE, "active"},        {MARKET_SUSPENDED_STATUS, "suspended"},
        {MARKET_CLOSED_STATUS, "closed"}, {MARKET_SETTLED, "settled"},
        {MARKET_CANCELLED, "cancelled"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum market_status status = 0;
        assert_string_equal(market_status_text(rows[i].status), rows[i].text);
        assert_true(market_status_parse(slice_text(rows[i].text), &status));
        assert_int_equal(status, rows[i].status);
    }
    assert_null(market_status_text(0));
    assert_null(market_status_text(MARKET_CANCELLED + 1));
    assert_null(market_status_text((enum market_status) - 1));
}

TEST(market, words_that_are_no_status_are_refused)
{
    static const char *const words[] = {"", "ACTIVE", "activ", "actives", "open"};
    enum market_status status = MARKET_SETTLED;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_false(market_status_parse(slice_text(words[i]), &status));
    assert_int_equal(status, MARKET_SETTLED);
}

TEST(market, selection_statuses_have_their_names)
{
    assert_string_equal(selection_status_text(SELECTION_ACTIVE), "active");
    assert_string_equal(selection_status_text(SELECTION_SUSPENDED), "suspended");
    assert_string_equal(selection_status_text(SELECTION_REMOVED), "removed");
    assert_string_equal(selection_status_text(SELECTION_WON), "won");
    assert_string_equal(selection_status_text(SELECTION_LOST), "lost");
    assert_string_equal(selection_status_text(SELECTION_VOID), "void");
    assert_null(selection_status_text(0));
    assert_null(selection_status_text(SELECTION_VOID + 1));
}

TEST(market, versions_of_a_later_epoch_are_higher_and_fit_a_json_number)
{
    assert_true(odds_version_make(2, 0) > odds_version_make(1, UINT32_MAX));
    assert_true(odds_version_make(ODDS_EPOCH_MAX, UINT32_MAX) < UINT64_C(1) << 53);
}
