/* test_slip.c - what the naive book takes for a bet, and how it decides and pays. */
#include "naive/slip.h"

#include "test.h"

#define GBP ((struct currency){826})

static bool decode(const char *body, struct slip *ret, struct request_refusal *ret_refusal)
{
    *ret_refusal = (struct request_refusal){REQUEST_FAULT_NONE, SLICE_NONE};
    return slip_decode(slice_text(body), GBP, ret, ret_refusal);
}

TEST(slip, reads_the_single_of_the_book)
{
    struct slip slip;
    struct request_refusal refusal;
    assert_true(decode("{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2.10,"
                       "\"odds_version\":7,\"stake\":12.34,\"currency\":\"GBP\","
                       "\"price_policy\":\"better\",\"idempotency_key\":\"k\"}",
                       &slip, &refusal));
    assert_string_equal(slip.market, "m");
    assert_string_equal(slip.selection, "s");
    assert_int_equal(slip.version, 7);
    assert_int_equal(slip.stake.minor, 1234);
}

TEST(slip, names_what_is_wrong_with_a_body)
{
    static const struct {
        const char *body;
        enum request_fault fault;
    } rows[] = {
        {"[]", FAULT_MALFORMED_JSON},
        {"{\"market_id\":\"m\",\"odds_version\":1,\"stake\":1}", FAULT_MISSING_FIELD},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"stake\":1}", FAULT_MISSING_FIELD},
        {"{\"market_id\":\"\",\"selection_id\":\"s\",\"odds_version\":1,\"stake\":1}",
         FAULT_INVALID_FIELD},
        {"{\"market_id\":\"a\\u0000b\",\"selection_id\":\"s\",\"odds_version\":1,\"stake\":1}",
         FAULT_INVALID_FIELD},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds_version\":2147483648,\"stake\":1}",
         FAULT_INVALID_FIELD},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds_version\":1,\"stake\":0}",
         FAULT_AMOUNT_NOT_POSITIVE},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds_version\":1,\"stake\":1.001}",
         FAULT_AMOUNT_DIGITS},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds_version\":1,\"stake\":10000000001}",
         FAULT_AMOUNT_DIGITS},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds_version\":1,\"stake\":1,"
         "\"currency\":\"EUR\"}",
         FAULT_CURRENCY_UNKNOWN},
        {"{\"market_id\":\"m\",\"legs\":[]}", FAULT_UNKNOWN_FIELD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slip slip;
        struct request_refusal refusal;
        assert_false(decode(rows[i].body, &slip, &refusal));
        assert_int_equal(refusal.fault, rows[i].fault);
    }
}

TEST(slip, decides_by_the_row_that_was_locked)
{
    static const struct {
        struct slip_market market;
        enum slip_verdict verdict;
    } rows[] = {
        {{false, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}}, SLIP_MARKET_SUSPENDED},
        {{true, {"7", 1}, {"suspended", 9}, {"2.1", 3}, {"active", 6}}, SLIP_MARKET_SUSPENDED},
        {{true, {"7", 1}, {"active", 6}, {NULL, 0}, {NULL, 0}}, SLIP_UNKNOWN_SELECTION},
        {{true, {"8", 1}, {"active", 6}, {"2.1", 3}, {"active", 6}}, SLIP_ODDS_CHANGED},
        {{true, {"6", 1}, {"active", 6}, {"2.1", 3}, {"active", 6}}, SLIP_ODDS_CHANGED},
        {{true, {"7", 1}, {"active", 6}, {"2.1", 3}, {"removed", 7}}, SLIP_MARKET_SUSPENDED},
        {{true, {"7", 1}, {"active", 6}, {NULL, 0}, {"active", 6}}, SLIP_MARKET_SUSPENDED},
        {{true, {"7", 1}, {"active", 6}, {"2.1", 3}, {"active", 6}}, SLIP_PLACED},
    };
    const struct slip slip = {.version = 7, .stake = {100, {826}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct odds odds = ODDS_NONE;
        assert_int_equal(slip_decide(&slip, &rows[i].market, &odds), rows[i].verdict);
        assert_true(odds_present(odds) == (rows[i].verdict == SLIP_PLACED));
    }
}

TEST(slip, is_covered_by_at_least_its_stake)
{
    const struct slip slip = {.version = 7, .stake = {1000, {826}}};
    assert_true(slip_is_covered(&slip, SLICE("10.00")));
    assert_true(slip_is_covered(&slip, SLICE("10")));
    assert_false(slip_is_covered(&slip, SLICE("9.99")));
    assert_false(slip_is_covered(&slip, SLICE("-10.00")));
    assert_false(slip_is_covered(&slip, SLICE_NONE));
    assert_false(slip_is_covered(&slip, SLICE("much")));
}

TEST(slip, pays_the_stake_times_the_price_rounded_down)
{
    struct odds odds;
    const struct money stake = {333, GBP}, most = {SLIP_STAKE_MINOR_MAX, GBP};
    assert_int_equal(odds_parse_decimal(SLICE("2.15"), &odds), 0);
    assert_int_equal(slip_payout(stake, odds, SLIP_WON).minor, 715);
    assert_int_equal(slip_payout(stake, odds, SLIP_LOST).minor, 0);
    assert_int_equal(slip_payout(stake, odds, SLIP_VOID).minor, 333);
    assert_int_equal(odds_parse_decimal(SLICE("100000"), &odds), 0);
    assert_int_equal(slip_payout(most, odds, SLIP_WON).minor, SLIP_STAKE_MINOR_MAX * 100000);
}
