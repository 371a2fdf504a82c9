/* test_result_decode.c - results by hand: words, factors, limits. */
#include "roles/backoffice/result_decode.h"

#include <stdio.h>

#include "test.h"

static struct result_decoded decoded;
static struct result_policy policy = RESULT_POLICY_DEFAULT;

static enum request_fault decode(const char *body)
{
    struct request_refusal refusal = {0};
    return result_decode(slice_text(body), &policy, &decoded, &refusal) ? REQUEST_FAULT_NONE
                                                                        : refusal.fault;
}

static enum request_fault decode_selection(const char *members)
{
    static char body[512]; /* what is decoded points into it */
    (void)snprintf(body, sizeof body,
                   "{\"result_version\":3,\"markets\":[{\"market_id\":\"m\",\"selections\":"
                   "[{\"selection_id\":\"s\",%s}]}]}",
                   members);
    return decode(body);
}

TEST(result_decode, reads_words_and_factors)
{
    static const struct {
        const char *members;
        struct leg_result result;
    } rows[] = {
        {"\"result\":\"WON\"", {true, 0, 1, 1}},
        {"\"result\":\"LOST\"", {false, 0, 1, 1}},
        {"\"result\":\"VOID\"", {false, 2, 1, 1}},
        {"\"result\":\"HALF_WON\"", {true, 1, 1, 1}},
        {"\"result\":\"HALF_LOST\",\"void_factor\":0.5", {false, 1, 1, 1}},
        {"\"result\":\"WON\",\"void_factor\":0", {true, 0, 1, 1}},
        {"\"result\":\"WON\",\"void_factor\":0.50", {true, 1, 1, 1}},
        {"\"result\":\"WON\",\"void_factor\":1", {true, 2, 1, 1}},
        {"\"result\":\"WON\",\"dead_heat_factor\":0.5", {true, 0, 1, 2}},
        {"\"result\":\"WON\",\"dead_heat_factor\":1", {true, 0, 1, 1}},
        {"\"result\":\"WON\",\"dead_heat_factor\":\"1/3\"", {true, 0, 1, 3}},
        {"\"result\":\"WON\",\"dead_heat_factor\":0.3333", {true, 0, 3333, 10000}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (decode_selection(rows[i].members) != REQUEST_FAULT_NONE)
            fail_msg("%s", rows[i].members);
        assert_int_equal(decoded.markets_count, 1);
        assert_int_equal(decoded.markets[0].result_version, 3);
        assert_true(slice_is(decoded.markets[0].market_id, "m"));
        assert_memory_equal(&decoded.markets[0].selections[0].result, &rows[i].result,
                            sizeof rows[i].result);
    }
}

TEST(result_decode, refuses_what_is_no_result)
{
    static const char *const rows[] = {
        "\"result\":\"DRAWN\"",
        "\"result\":1",
        "\"result\":\"WON\",\"void_factor\":0.25",
        "\"result\":\"WON\",\"void_factor\":2",
        "\"result\":\"VOID\",\"void_factor\":0",
        "\"result\":\"HALF_WON\",\"void_factor\":1",
        "\"result\":\"WON\",\"dead_heat_factor\":0",
        "\"result\":\"WON\",\"dead_heat_factor\":-1",
        "\"result\":\"WON\",\"dead_heat_factor\":\"3/2\"",
        "\"result\":\"WON\",\"dead_heat_factor\":\"1/0\"",
        "\"result\":\"WON\",\"dead_heat_factor\":\"/\"",
        "\"result\":\"WON\",\"dead_heat_factor\":\"x\"",
        "\"result\":\"WON\",\"dead_heat_factor\":0.33333",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (decode_selection(rows[i]) != FAULT_INVALID_FIELD)
            fail_msg("%s", rows[i]);
}

TEST(result_decode, names_what_is_wrong_with_a_body)
{
    static const struct {
        const char *body;
        enum request_fault fault;
    } rows[] = {
        {"", FAULT_MALFORMED_JSON},
        {"[]", FAULT_MALFORMED_JSON},
        {"{}", FAULT_MISSING_FIELD},
        {"{\"result_version\":1}", FAULT_MISSING_FIELD},
        {"{\"result_version\":0,\"markets\":[]}", FAULT_INVALID_FIELD},
        {"{\"result_version\":1,\"markets\":[]}", FAULT_INVALID_FIELD},
        {"{\"result_version\":1,\"markets\":[{\"market_id\":\"m\",\"selections\":[]}]}",
         FAULT_INVALID_FIELD},
        {"{\"result_version\":1,\"markets\":[{\"market_id\":\"m\"}]}", FAULT_MISSING_FIELD},
        {"{\"result_version\":1,\"markets\":[{\"market_id\":\"m\",\"selections\":[{\"result\":"
         "\"WON\"}]}]}",
         FAULT_MISSING_FIELD},
        {"{\"result_version\":1,\"markets\":[],\"x\":1}", FAULT_UNKNOWN_FIELD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (decode(rows[i].body) != rows[i].fault)
            fail_msg("%s", rows[i].body);
}

TEST(result_decode, one_market_twice_is_refused)
{
    const char *market = "{\"market_id\":\"m\",\"selections\":[{\"selection_id\":\"s\","
                         "\"result\":\"WON\"}]}";
    char body[512];
    (void)snprintf(body, sizeof body, "{\"result_version\":1,\"markets\":[%s,%s]}", market, market);
    assert_int_equal(decode(body), FAULT_INVALID_FIELD);
}

TEST(result_decode, markets_keep_their_own_selections)
{
    assert_int_equal(
        decode("{\"reason\":\"\\u0076ar\",\"markets\":["
               "{\"market_id\":\"\\u0061\",\"selections\":[{\"selection_id\":\"\\u0031\","
               "\"result\":\"WON\"},{\"selection_id\":\"2\",\"result\":\"LOST\"}]},"
               "{\"market_id\":\"\\u0062\",\"selections\":[{\"selection_id\":\"\\u0033\","
               "\"result\":\"VOID\"}]}],\"result_version\":9}"),
        REQUEST_FAULT_NONE);
    assert_true(slice_is(decoded.reason, "var"));
    assert_int_equal(decoded.markets_count, 2);
    assert_true(slice_is(decoded.markets[0].market_id, "a"));
    assert_int_equal(decoded.markets[0].selections_count, 2);
    assert_true(slice_is(decoded.markets[0].selections[0].selection_id, "1"));
    assert_true(slice_is(decoded.markets[1].market_id, "b"));
    assert_true(slice_is(decoded.markets[1].selections[0].selection_id, "3"));
    assert_int_equal(decoded.markets[1].result_version, 9);
}

TEST(result_decode, a_hold_needs_its_reason)
{
    static const struct {
        const char *body;
        bool taken;
    } rows[] = {
        {"{\"reason\":\"goal\"}", true},
        {"", false},
        {"{}", false},
        {"{\"reason\":\"\"}", false},
        {"{\"reason\":5}", false},
        {"{\"reason\":\"x\",\"y\":1}", false},
        {"[]", false},
    };
    char scratch[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request_refusal refusal;
        struct slice reason;
        assert_int_equal(
            reason_decode(slice_text(rows[i].body), scratch, sizeof scratch, &reason, &refusal),
            rows[i].taken);
    }
}
