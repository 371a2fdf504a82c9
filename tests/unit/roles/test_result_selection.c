/* test_result_selection.c - positions, withdrawals, kinds and scores of results by hand. */
#include <stdio.h>

#include "base/rfc3339.h"
#include "roles/backoffice/result_decode.h"
#include "test.h"

static struct result_decoded decoded;
static struct result_policy policy;
static struct request_refusal refusal;

static bool decode_market(const char *members)
{
    static char body[1024]; /* what is decoded points into it */
    (void)snprintf(body, sizeof body,
                   "{\"result_version\":3,\"markets\":[{\"market_id\":\"m\"%s}]}", members);
    refusal = (struct request_refusal){0};
    return result_decode(slice_text(body), &policy, &decoded, &refusal);
}

static bool decode_selection(const char *market, const char *members)
{
    char text[512];
    (void)snprintf(text, sizeof text, "%s,\"selections\":[{\"selection_id\":\"s\"%s}]", market,
                   members);
    return decode_market(text);
}

static const struct feed_result *first(void)
{
    return &decoded.markets[0];
}

TEST(result_selection, a_shared_place_is_worked_out)
{
    static const struct {
        const char *market, *members;
        struct leg_result result;
        uint32_t position, tied;
    } rows[] = {
        {"", ",\"position\":1", {true, 0, 1, 1}, 1, 1},
        {"", ",\"position\":2", {false, 0, 1, 1}, 2, 1},
        {"", ",\"position\":1,\"tied\":3", {true, 0, 1, 3}, 1, 3},
        {",\"places\":3", ",\"position\":2,\"tied\":3", {true, 0, 2, 3}, 2, 3},
        {",\"places\":3", ",\"position\":3", {true, 0, 1, 1}, 3, 1},
        {",\"places\":2", ",\"position\":1,\"tied\":2", {true, 0, 1, 1}, 1, 2},
        {"", ",\"result\":\"WON\",\"position\":1,\"tied\":2", {true, 0, 1, 2}, 1, 2},
        {"", ",\"result\":\"LOST\",\"position\":2", {false, 0, 1, 1}, 2, 1},
        {"", ",\"result\":\"VOID\",\"position\":1", {false, 2, 1, 1}, 1, 1},
        {"",
         ",\"result\":\"WON\",\"dead_heat_factor\":\"1/4\",\"position\":1,\"tied\":2",
         {true, 0, 1, 4},
         1,
         2},
    };
    policy = RESULT_POLICY_DEFAULT;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!decode_selection(rows[i].market, rows[i].members))
            fail_msg("%s", rows[i].members);
        const struct feed_selection_result *selection = first()->selections;
        assert_memory_equal(&selection->result, &rows[i].result, sizeof selection->result);
        assert_int_equal(selection->position, rows[i].position);
        assert_int_equal(selection->tied, rows[i].tied);
    }
}

#define AT ",\"withdrawn_at\":\"2026-11-28T12:00:00Z\""

TEST(result_selection, a_withdrawal_is_void_and_takes_off_by_its_price)
{
    static const struct {
        enum rule4_table table;
        const char *market, *members;
        uint32_t deduction;
        enum deduction_model model;
    } rows[] = {
        {RULE4_FRACTIONAL, "", AT, 0, 0},
        {RULE4_FRACTIONAL, "", AT ",\"withdrawn_odds\":4.0", 2500, DEDUCT_RULE4},
        {RULE4_FRACTIONAL, "", AT ",\"withdrawn_odds\":\"9/1\"", 1000, DEDUCT_RULE4},
        {RULE4_FRACTIONAL, "", AT ",\"withdrawn_odds\":20", 0, 0}, /* over 14/1 */
        {RULE4_FRACTIONAL, "", AT ",\"withdrawn_odds\":1.12", 8500, DEDUCT_RULE4},
        {RULE4_DECIMAL, "", AT ",\"withdrawn_odds\":1.12", 9000, DEDUCT_RULE4},
        {RULE4_FRACTIONAL, "", AT ",\"reduction_factor\":25", 2500, DEDUCT_RULE4},
        {RULE4_FRACTIONAL, ",\"deduction_model\":\"price\"", AT ",\"reduction_factor\":16.2", 1620,
         DEDUCT_PRICE},
        {RULE4_FRACTIONAL, ",\"deduction_model\":\"winnings\"", AT ",\"reduction_factor\":0.05", 5,
         DEDUCT_WINNINGS},
    };
    policy = RESULT_POLICY_DEFAULT;
    policy.rule4.waive_pence = 5;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        policy.rule4.table = rows[i].table;
        if (!decode_selection(rows[i].market, rows[i].members))
            fail_msg("%s", rows[i].members);
        const struct feed_selection_result *selection = first()->selections;
        assert_int_equal(selection->result.void_halves, 2);
        assert_int_equal(selection->withdrawn_at.us, INT64_C(1795867200000000));
        assert_int_equal(selection->deduction, rows[i].deduction);
        assert_int_equal(first()->deduction_model, rows[i].model);
        assert_int_equal(first()->cap_pence, rows[i].model == DEDUCT_RULE4 ? 90 : 0);
        assert_int_equal(first()->waive_pence, rows[i].model == DEDUCT_RULE4 ? 5 : 0);
    }
}

TEST(result_selection, members_that_contradict_are_refused_by_name)
{
    static const struct {
        const char *market, *members, *field;
    } rows[] = {
        {"", "", "result"},
        {"", ",\"void_factor\":0.5", "result"},
        {"", ",\"tied\":2", "position"},
        {"", ",\"withdrawn_odds\":4", "withdrawn_at"},
        {"", ",\"result\":\"VOID\",\"reduction_factor\":4", "withdrawn_at"},
        {"", ",\"position\":0", "position"},
        {"", ",\"position\":1,\"tied\":10001", "tied"},
        {"", ",\"result\":\"WON\",\"position\":2", "result"},
        {"", ",\"result\":\"LOST\",\"position\":1", "result"},
        {"", AT ",\"result\":\"WON\"", "result"},
        {"", AT ",\"position\":1", "position"},
        {"", ",\"withdrawn_at\":\"yesterday\"", "withdrawn_at"},
        {"", ",\"withdrawn_at\":\"1970-01-01T00:00:00Z\"", "withdrawn_at"},
        {"", AT ",\"withdrawn_odds\":1", "withdrawn_odds"},
        {"", AT ",\"withdrawn_odds\":4,\"reduction_factor\":2", "withdrawn_odds"},
        {",\"deduction_model\":\"price\"", AT ",\"withdrawn_odds\":4", "withdrawn_odds"},
        {"", AT ",\"reduction_factor\":16.2", "reduction_factor"}, /* Rule 4 has whole pence */
        {"", AT ",\"reduction_factor\":100", "reduction_factor"},
        {"", AT ",\"reduction_factor\":-1", "reduction_factor"},
        {",\"deduction_model\":\"half\"", ",\"result\":\"WON\"", "deduction_model"},
        {",\"places\":0", ",\"position\":1", "places"},
        {",\"kind\":\"rollback\"", ",\"result\":\"WON\"", "result"},
        {",\"kind\":\"rollback\",\"places\":2", "", "places"},
        {",\"kind\":\"cancel\"", ",\"result\":\"VOID\"", "selections"},
        {",\"kind\":\"undo\"", "", "kind"},
        {",\"score\":[1]", ",\"result\":\"WON\"", "score"},
        {",\"score\":[1,2,3]", ",\"result\":\"WON\"", "score"},
        {",\"score\":[1,-2]", ",\"result\":\"WON\"", "score"},
        {",\"score\":[1,1.5]", ",\"result\":\"WON\"", "score"},
        {",\"score\":[1,50001]", ",\"result\":\"WON\"", "score"},
        {",\"void_from\":\"2026-11-28T12:00:00Z\"", ",\"result\":\"WON\"", "void_from"},
    };
    policy = RESULT_POLICY_DEFAULT;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (decode_selection(rows[i].market, rows[i].members))
            fail_msg("%s%s", rows[i].market, rows[i].members);
        if (!slice_is(refusal.field, rows[i].field))
            fail_msg("%s%s: %.*s", rows[i].market, rows[i].members, SLICE_ARG(refusal.field));
    }
}

TEST(result_selection, a_rollback_opens_what_it_names_or_all)
{
    policy = RESULT_POLICY_DEFAULT;
    assert_true(decode_selection(",\"kind\":\"rollback\"", ",\"reason\":\"VAR\""));
    assert_int_equal(first()->kind, RESULT_ROLLBACK);
    assert_int_equal(first()->selections_count, 1);
    assert_true(first()->selections[0].open);
    assert_true(slice_is(first()->selections[0].reason, "VAR"));
    assert_true(decode_market(",\"kind\":\"rollback\""));
    assert_int_equal(first()->selections_count, 0);
    assert_false(decode_market(",\"kind\":\"rollback\",\"selections\":[]"));
}

TEST(result_selection, a_window_is_open_where_no_time_is_said)
{
    policy = RESULT_POLICY_DEFAULT;
    assert_true(decode_market(",\"kind\":\"cancel\""));
    assert_int_equal(first()->kind, RESULT_CANCEL);
    assert_int_equal(first()->void_from.us, 0);
    assert_int_equal(first()->void_until.us, RFC3339_US_MAX);
    assert_true(decode_market(",\"kind\":\"undo_cancel\",\"void_from\":\"1970-01-01T00:00:01Z\","
                              "\"void_until\":\"1970-01-01T00:00:02+00:00\""));
    assert_int_equal(first()->kind, RESULT_UNDO_CANCEL);
    assert_int_equal(first()->void_from.us, US_PER_SECOND);
    assert_int_equal(first()->void_until.us, 2 * US_PER_SECOND);
    assert_false(decode_market(",\"kind\":\"cancel\",\"void_from\":\"1970-01-01T00:00:01Z\","
                               "\"void_until\":\"1970-01-01T00:00:01Z\""));
    assert_false(decode_market(",\"kind\":\"cancel\",\"void_until\":\"12:00\""));
}

TEST(result_selection, a_score_needs_no_selections)
{
    policy = RESULT_POLICY_DEFAULT;
    assert_true(decode_market(",\"score\":[2,0]"));
    assert_true(first()->score_known);
    assert_int_equal(first()->score[0], 2);
    assert_int_equal(first()->score[1], 0);
    assert_int_equal(first()->selections_count, 0);
    assert_false(decode_market(""));
    assert_int_equal(refusal.fault, FAULT_MISSING_FIELD);
}
