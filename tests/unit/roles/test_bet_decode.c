/* test_bet_decode.c - bodies of bets and money: what is read, what is refused and by which name,
 * and when two bodies are the same request. */
#include "roles/bet/bet_decode.h"

#include <stdio.h>

#include "test.h"

static struct bet_scratch scratch;

static struct decode_context context_of(const char *key, const char *currency)
{
    struct decode_context context = {
        .header_key = key == NULL ? SLICE_NONE : slice_text(key),
        .account_currency = CURRENCY_NONE,
        .scratch = &scratch,
    };
    if (currency != NULL)
        assert_true(currency_parse(slice_text(currency), &context.account_currency));
    return context;
}

static struct bet_decoded good(const char *body)
{
    struct bet_decoded bet;
    struct request_refusal refusal = {0};
    struct decode_context context = context_of("key", "GBP");
    if (!bet_decode(slice_text(body), &context, &bet, &refusal))
        fail_msg("%s: %s %.*s", body, request_fault_text(refusal.fault), SLICE_ARG(refusal.field));
    return bet;
}

TEST(bet_decode, reads_a_single)
{
    struct bet_decoded bet = good("{\"market_id\":\"1.23\",\"selection_id\":\"42\",\"odds\":2.10,"
                                  "\"odds_version\":17,\"stake\":50.00,\"currency\":\"GBP\","
                                  "\"price_policy\":\"exact\"}");
    assert_int_equal(bet.ticket.legs_count, 1);
    assert_int_equal(bet.ticket.sizes.mask, 0);
    assert_int_equal(bet.ticket.stake_kind, STAKE_CASH);
    assert_false(bet.ticket.each_way);
    assert_true(slice_is(bet.key, "key"));
    assert_true(slice_is(bet.names[0].market_id, "1.23"));
    assert_true(slice_is(bet.names[0].selection_id, "42"));
    assert_int_equal(bet.ticket.stake.minor, 5000);
    assert_int_equal(bet.ticket.legs[0].odds.numerator, 21);
    assert_int_equal(bet.ticket.legs[0].odds.denominator, 10);
    assert_int_equal(bet.ticket.legs[0].odds_version, 17);
    assert_int_equal(bet.ticket.policy, PRICE_EXACT);
}

TEST(bet_decode, what_is_not_said_has_its_default)
{
    struct bet_decoded bet =
        good("{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2,\"stake\":1}");
    assert_int_equal(bet.ticket.policy, PRICE_BETTER);
    assert_int_equal(bet.ticket.legs[0].odds_version, 0);
    assert_string_equal(currency_code(bet.ticket.stake.currency), "GBP"); /* the account's */
}

TEST(bet_decode, odds_exact_binds)
{
    struct bet_decoded bet = good("{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":1.6154,"
                                  "\"odds_exact\":\"21/13\",\"stake\":1}");
    assert_int_equal(bet.ticket.legs[0].odds.numerator, 21);
    assert_int_equal(bet.ticket.legs[0].odds.denominator, 13);
}

TEST(bet_decode, any_needs_no_price)
{
    struct bet_decoded bet = good("{\"market_id\":\"m\",\"selection_id\":\"s\","
                                  "\"price_policy\":\"any\",\"stake\":1}");
    assert_false(odds_present(bet.ticket.legs[0].odds));
}

TEST(bet_decode, reads_a_multiple)
{
    struct bet_decoded bet = good(
        "{\"type\":\"multiple\",\"each_way\":true,\"stake_kind\":\"free\",\"stake\":10,\"legs\":["
        "{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2},"
        "{\"market_id\":\"n\\u0031\",\"selection_id\":\"t\",\"odds\":3.5,\"odds_version\":9}]}");
    assert_int_equal(bet.ticket.legs_count, 2);
    assert_int_equal(bet.ticket.sizes.mask, 0);
    assert_true(bet.ticket.each_way);
    assert_int_equal(bet.ticket.stake_kind, STAKE_FREE);
    assert_int_equal(bet.ticket.stake.minor, 1000);
    assert_true(slice_is(bet.names[0].market_id, "m"));
    assert_true(slice_is(bet.names[1].market_id, "n1"));
    assert_true(slice_is(bet.names[1].selection_id, "t"));
    assert_int_equal(bet.ticket.legs[1].odds.numerator, 7);
    assert_int_equal(bet.ticket.legs[1].odds_version, 9);
}

#define TWO_LEGS                                                                                   \
    "\"legs\":[{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2},"                           \
    "{\"market_id\":\"n\",\"selection_id\":\"s\",\"odds\":2}]"
#define LEG_OF(market, banker)                                                                     \
    "{\"market_id\":\"" market "\",\"selection_id\":\"s\",\"odds\":2,\"banker\":" banker "}"

TEST(bet_decode, a_system_is_staked_by_the_line)
{
    struct bet_decoded bet =
        good("{\"type\":\"system\",\"system\":[1,2],\"unit_stake\":3," TWO_LEGS "}");
    assert_int_equal(bet.ticket.sizes.mask, 3);
    assert_int_equal(bet.ticket.stake.minor, 900);
    bet = good(
        "{\"type\":\"system\",\"system\":[2],\"unit_stake\":1,\"each_way\":true,\"legs\":[" LEG_OF(
            "a", "true") "," LEG_OF("b", "false") "," LEG_OF("c",
                                                             "false") "," LEG_OF("d",
                                                                                 "false") "]}");
    assert_int_equal(bet.ticket.stake.minor, 600); /* three pairs, both ways */
    assert_true(bet.ticket.legs[0].banker);
    assert_false(bet.ticket.legs[1].banker);
    bet = good(
        "{\"type\":\"system\",\"system_name\":\"TRIXIE\",\"unit_stake\":0.50,\"legs\":[" LEG_OF(
            "a", "false") "," LEG_OF("b", "false") "," LEG_OF("c", "false") "]}");
    assert_int_equal(bet.ticket.sizes.mask, 6);
    assert_int_equal(bet.ticket.stake.minor, 200);
}

/* Its refusal is a verdict and is stored, so it has to be read first. */
TEST(bet_decode, sizes_that_do_not_fit_are_for_the_decision)
{
    struct bet_decoded bet =
        good("{\"type\":\"system\",\"system\":[3],\"unit_stake\":3," TWO_LEGS "}");
    assert_int_equal(bet.ticket.sizes.mask, 4);
    assert_int_equal(bet.ticket.stake.minor, 300);
}

#define SINGLE "\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2,\"stake\":1"
#define LEG    "{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2}"

TEST(bet_decode, what_is_wrong_has_a_name)
{
    static const struct {
        const char *body, *field;
        enum request_fault fault;
    } rows[] = {
        {"", "", FAULT_MALFORMED_JSON},
        {"[]", "", FAULT_MALFORMED_JSON},
        {"null", "", FAULT_MALFORMED_JSON},
        {"{" SINGLE, "", FAULT_MALFORMED_JSON},
        {"{" SINGLE "}}", "", FAULT_MALFORMED_JSON},
        {"{" SINGLE ",\"currency\":@}", "", FAULT_MALFORMED_JSON},
        {"{" SINGLE ",\"currency\":\"\xff\"}", "", FAULT_MALFORMED_JSON},
        {"{" SINGLE ",\"free_bet\":true}", "free_bet", FAULT_UNKNOWN_FIELD},
        {"{" SINGLE ",\"legs\":[" LEG "]}", "legs", FAULT_UNKNOWN_FIELD},
        {"{" SINGLE ",\"unit_stake\":1}", "unit_stake", FAULT_UNKNOWN_FIELD},
        {"{" SINGLE ",\"stake\":2}", "stake", FAULT_DUPLICATE_FIELD},
        {"{" SINGLE ",\"st\\u0061ke\":2}", "stake", FAULT_DUPLICATE_FIELD},
        {"{\"market_id\":\"m\",\"odds\":2,\"stake\":1}", "selection_id", FAULT_MISSING_FIELD},
        {"{\"selection_id\":\"s\",\"odds\":2,\"stake\":1}", "market_id", FAULT_MISSING_FIELD},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"stake\":1}", "odds", FAULT_MISSING_FIELD},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2}", "stake", FAULT_MISSING_FIELD},
        {"{\"market_id\":1,\"selection_id\":\"s\",\"odds\":2,\"stake\":1}", "market_id",
         FAULT_INVALID_FIELD},
        {"{\"market_id\":\"\",\"selection_id\":\"s\",\"odds\":2,\"stake\":1}", "market_id",
         FAULT_INVALID_FIELD},
        {"{\"market_id\":\"a\\nb\",\"selection_id\":\"s\",\"odds\":2,\"stake\":1}", "market_id",
         FAULT_INVALID_FIELD},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":\"2\",\"stake\":1}", "odds",
         FAULT_INVALID_FIELD},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":1,\"stake\":1}", "odds",
         FAULT_ODDS_INVALID},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2.12345,\"stake\":1}", "odds",
         FAULT_ODDS_INVALID},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds_exact\":\"13/21\",\"stake\":1}",
         "odds_exact", FAULT_ODDS_INVALID},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2,\"stake\":0}", "stake",
         FAULT_AMOUNT_NOT_POSITIVE},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2,\"stake\":-5}", "stake",
         FAULT_AMOUNT_NOT_POSITIVE},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2,\"stake\":1.001}", "stake",
         FAULT_AMOUNT_DIGITS},
        {"{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2,\"stake\":1e30}", "stake",
         FAULT_AMOUNT_DIGITS},
        {"{" SINGLE ",\"currency\":\"ABC\"}", "currency", FAULT_CURRENCY_UNKNOWN},
        {"{" SINGLE ",\"odds_version\":0}", "odds_version", FAULT_INVALID_FIELD},
        {"{" SINGLE ",\"odds_version\":1.5}", "odds_version", FAULT_INVALID_FIELD},
        {"{" SINGLE ",\"odds_version\":9007199254740992}", "odds_version", FAULT_INVALID_FIELD},
        {"{" SINGLE ",\"price_policy\":\"worse\"}", "price_policy", FAULT_INVALID_FIELD},
        {"{" SINGLE ",\"type\":\"tote\"}", "type", FAULT_INVALID_FIELD},
        {"{" SINGLE ",\"idempotency_key\":\"other\"}", "idempotency_key",
         FAULT_IDEMPOTENCY_KEYS_DIFFER},
        {"{\"type\":\"multiple\",\"stake\":1}", "legs", FAULT_MISSING_FIELD},
        {"{\"type\":\"multiple\",\"legs\":[],\"stake\":1}", "legs", FAULT_INVALID_FIELD},
        {"{\"type\":\"multiple\",\"legs\":[{\"market_id\":\"m\"}],\"stake\":1}", "selection_id",
         FAULT_MISSING_FIELD},
        {"{\"type\":\"system\",\"legs\":[" LEG "],\"unit_stake\":1}", "system",
         FAULT_MISSING_FIELD},
        {"{\"type\":\"system\",\"system\":[0],\"legs\":[" LEG "],\"unit_stake\":1}", "system",
         FAULT_INVALID_FIELD},
        {"{\"type\":\"system\",\"system\":[2],\"legs\":[" LEG "],\"stake\":1}", "stake",
         FAULT_UNKNOWN_FIELD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bet_decoded bet;
        struct request_refusal refusal = {0};
        struct decode_context context = context_of("key", "GBP");
        if (bet_decode(slice_text(rows[i].body), &context, &bet, &refusal))
            fail_msg("taken: %s", rows[i].body);
        if (refusal.fault != rows[i].fault || !slice_is(refusal.field, rows[i].field))
            fail_msg("%s: %s '%.*s'", rows[i].body, request_fault_text(refusal.fault),
                     SLICE_ARG(refusal.field));
    }
}

TEST(bet_decode, a_key_comes_by_header_or_body_and_is_checked)
{
    static const struct {
        const char *header, *body, *key;
        enum request_fault fault;
    } rows[] = {
        {"k", "{" SINGLE "}", "k", REQUEST_FAULT_NONE},
        {NULL, "{" SINGLE ",\"idempotency_key\":\"k\"}", "k", REQUEST_FAULT_NONE},
        {"k", "{" SINGLE ",\"idempotency_key\":\"\\u006b\"}", "k", REQUEST_FAULT_NONE},
        {NULL, "{" SINGLE "}", NULL, FAULT_IDEMPOTENCY_KEY_REQUIRED},
        {NULL, "{" SINGLE ",\"idempotency_key\":\"\"}", NULL, FAULT_IDEMPOTENCY_KEY_INVALID},
        {"a b", "{" SINGLE "}", NULL, FAULT_IDEMPOTENCY_KEY_INVALID},
        {"12345678901234567890123456789012345678901234567890123456789012345", "{" SINGLE "}", NULL,
         FAULT_IDEMPOTENCY_KEY_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bet_decoded bet;
        struct request_refusal refusal = {0};
        struct decode_context context = context_of(rows[i].header, "GBP");
        bool taken = bet_decode(slice_text(rows[i].body), &context, &bet, &refusal);
        assert_int_equal(taken, rows[i].key != NULL);
        if (taken)
            assert_true(slice_is(bet.key, rows[i].key));
        else
            assert_int_equal(refusal.fault, rows[i].fault);
    }
}

TEST(bet_decode, an_escaped_key_of_a_multiple_survives_its_legs)
{
    struct bet_decoded bet;
    struct request_refusal refusal;
    struct decode_context context = context_of(NULL, "GBP");
    const char *body = "{\"idempotency_key\":\"k\\u0065y\",\"type\":\"multiple\",\"stake\":1,"
                       "\"legs\":[{\"market_id\":\"\\u006d\\u006d\\u006d\",\"selection_id\":\"s\","
                       "\"odds\":2}]}";
    assert_true(bet_decode(slice_text(body), &context, &bet, &refusal));
    assert_true(slice_is(bet.key, "key"));
}

TEST(bet_decode, a_currency_must_be_said_while_the_account_has_none)
{
    struct bet_decoded bet;
    struct request_refusal refusal;
    struct decode_context context = context_of("key", NULL);
    assert_false(bet_decode(SLICE("{" SINGLE "}"), &context, &bet, &refusal));
    assert_int_equal(refusal.fault, FAULT_CURRENCY_REQUIRED);
    assert_true(bet_decode(SLICE("{" SINGLE ",\"currency\":\"JPY\"}"), &context, &bet, &refusal));
    assert_int_equal(bet.ticket.stake.minor, 1);
}

static bool same(const char *a, const char *b)
{
    struct bet_decoded x = good(a);
    struct bet_decoded y = good(b);
    return x.request_hash[0] == y.request_hash[0] && x.request_hash[1] == y.request_hash[1];
}

TEST(bet_decode, the_same_request_is_the_same_in_other_bytes)
{
    assert_true(same("{" SINGLE "}",
                     "{ \"stake\":1.00, \"odds\":2.0000, \"selection_id\":\"\\u0073\","
                     " \"market_id\":\"m\", \"currency\":\"GBP\", \"price_policy\":\"better\","
                     " \"type\":\"single\", \"idempotency_key\":\"key\" }"));
    assert_true(
        same("{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds_exact\":\"4/2\",\"stake\":1}",
             "{" SINGLE "}"));
}

TEST(bet_decode, another_request_is_another)
{
    static const char *const others[] = {
        "{\"market_id\":\"n\",\"selection_id\":\"s\",\"odds\":2,\"stake\":1}",
        "{\"market_id\":\"m\",\"selection_id\":\"t\",\"odds\":2,\"stake\":1}",
        "{\"market_id\":\"ms\",\"selection_id\":\"\\u0020\",\"odds\":2,\"stake\":1}",
        "{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2.01,\"stake\":1}",
        "{\"market_id\":\"m\",\"selection_id\":\"s\",\"odds\":2,\"stake\":1.01}",
        "{" SINGLE ",\"currency\":\"EUR\"}",
        "{" SINGLE ",\"odds_version\":1}",
        "{" SINGLE ",\"price_policy\":\"exact\"}",
        "{\"type\":\"multiple\",\"legs\":[" LEG "],\"stake\":1}",
        "{\"type\":\"multiple\",\"legs\":[" LEG "," LEG "],\"stake\":1}",
        "{\"type\":\"system\",\"system\":[1],\"legs\":[" LEG "],\"unit_stake\":1}",
        "{\"type\":\"system\",\"system\":[2],\"legs\":[" LEG "],\"unit_stake\":1}",
    };
    size_t count = sizeof others / sizeof *others;
    for (size_t i = 0; i < count; i++) {
        assert_false(same("{" SINGLE "}", others[i]));
        for (size_t j = 0; j < i; j++)
            assert_false(same(others[j], others[i]));
    }
}

TEST(bet_decode, more_legs_than_the_limit_are_refused)
{
    static char body[64 * 1024];
    struct buf buf = buf_over(body, sizeof body - 1);
    buf_put_text(&buf, "{\"type\":\"multiple\",\"stake\":1,\"legs\":[");
    for (int i = 0; i <= (int)BET_LEGS_MAX; i++)
        buf_put_text(&buf, i == 0 ? LEG : "," LEG);
    buf_put_text(&buf, "]}");
    struct bet_decoded bet;
    struct request_refusal refusal;
    struct decode_context context = context_of("key", "GBP");
    assert_false(bet_decode(buf_slice(&buf), &context, &bet, &refusal));
    assert_int_equal(refusal.fault, FAULT_TOO_MANY_LEGS);
}

TEST(money_decode, reads_an_amount_and_names_what_is_wrong)
{
    static const struct {
        const char *body;
        int64_t minor;
        enum request_fault fault;
    } rows[] = {
        {"{\"amount\":100.00,\"currency\":\"GBP\"}", 10000, REQUEST_FAULT_NONE},
        {"{\"amount\":7,\"currency\":\"JPY\"}", 7, REQUEST_FAULT_NONE},
        {"{\"amount\":7.5,\"currency\":\"JPY\"}", 0, FAULT_AMOUNT_DIGITS},
        {"{\"amount\":0.00,\"currency\":\"GBP\"}", 0, FAULT_AMOUNT_NOT_POSITIVE},
        {"{\"amount\":1}", 0, FAULT_MISSING_FIELD},
        {"{\"currency\":\"GBP\"}", 0, FAULT_MISSING_FIELD},
        {"{\"amount\":1,\"currency\":\"GBP\",\"bonus\":1}", 0, FAULT_UNKNOWN_FIELD},
        {"{\"amount\":\"1\",\"currency\":\"GBP\"}", 0, FAULT_INVALID_FIELD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct money_decoded money;
        struct request_refusal refusal = {0};
        struct decode_context context = context_of("key", "GBP");
        bool taken = money_decode(slice_text(rows[i].body), &context, &money, &refusal);
        assert_int_equal(taken, rows[i].fault == REQUEST_FAULT_NONE);
        assert_int_equal(refusal.fault, rows[i].fault);
        if (taken)
            assert_int_equal(money.amount.minor, rows[i].minor);
    }
}

/* ---- cash-outs ---- */

static bool sale_of(const char *body, struct cash_out_decoded *ret, struct request_refusal *refusal)
{
    struct decode_context context = context_of("key", "GBP");
    return cash_out_decode(slice_text(body), &context, (struct bet_id){7}, ret, refusal);
}

TEST(bet_decode, reads_a_cash_out_whole_by_stake_and_by_share)
{
    static const struct {
        const char *body;
        int64_t amount, stake;
        uint32_t fraction, tolerance;
    } rows[] = {
        {"{\"offer_id\":\"o\",\"amount\":12.5}", 1250, 0, 10000, 0},
        {"{\"offer_id\":\"o\",\"amount\":1,\"stake\":0.01}", 100, 1, 10000, 0},
        {"{\"offer_id\":\"o\",\"amount\":1,\"fraction\":0.3333,\"tolerance\":0.02}", 100, 0, 3333,
         200},
        {"{\"offer_id\":\"o\",\"amount\":1,\"fraction\":1,\"tolerance\":1}", 100, 0, 10000, 10000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cash_out_decoded sale;
        struct request_refusal refusal = {0};
        if (!sale_of(rows[i].body, &sale, &refusal))
            fail_msg("%s: %s", rows[i].body, request_fault_text(refusal.fault));
        assert_int_equal(sale.amount, rows[i].amount);
        assert_int_equal(sale.stake, rows[i].stake);
        assert_int_equal(sale.fraction, rows[i].fraction);
        assert_int_equal(sale.tolerance, rows[i].tolerance);
        assert_true(slice_is(sale.offer, "o") && slice_is(sale.key, "key"));
    }
}

TEST(bet_decode, refuses_what_would_change_what_a_cash_out_means)
{
    static const struct {
        const char *body;
        enum request_fault fault;
    } rows[] = {
        {"{\"amount\":1}", FAULT_MISSING_FIELD},
        {"{\"offer_id\":\"o\"}", FAULT_MISSING_FIELD},
        {"{\"offer_id\":\"\",\"amount\":1}", FAULT_INVALID_FIELD},
        {"{\"offer_id\":\"o\",\"amount\":1.001}", FAULT_AMOUNT_DIGITS},
        {"{\"offer_id\":\"o\",\"amount\":0}", FAULT_AMOUNT_NOT_POSITIVE},
        {"{\"offer_id\":\"o\",\"amount\":1,\"stake\":1,\"fraction\":1}", FAULT_INVALID_FIELD},
        {"{\"offer_id\":\"o\",\"amount\":1,\"fraction\":0}", FAULT_INVALID_FIELD},
        {"{\"offer_id\":\"o\",\"amount\":1,\"fraction\":0.00001}", FAULT_INVALID_FIELD},
        {"{\"offer_id\":\"o\",\"amount\":1,\"fraction\":1.0001}", FAULT_INVALID_FIELD},
        {"{\"offer_id\":\"o\",\"amount\":1,\"tolerance\":-0.1}", FAULT_INVALID_FIELD},
        {"{\"offer_id\":\"o\",\"amount\":1,\"price_policy\":\"any\"}", FAULT_UNKNOWN_FIELD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cash_out_decoded sale;
        struct request_refusal refusal = {0};
        assert_false(sale_of(rows[i].body, &sale, &refusal));
        if (refusal.fault != rows[i].fault)
            fail_msg("%s: %s", rows[i].body, request_fault_text(refusal.fault));
    }
}

TEST(bet_decode, another_bet_part_or_tolerance_is_another_cash_out)
{
    struct cash_out_decoded one, other;
    struct request_refusal refusal = {0};
    struct decode_context context = context_of("key", "GBP");
    static const char *const bodies[] = {
        "{\"offer_id\":\"p\",\"amount\":1}",
        "{\"offer_id\":\"o\",\"amount\":2}",
        "{\"offer_id\":\"o\",\"amount\":1,\"stake\":1}",
        "{\"offer_id\":\"o\",\"amount\":1,\"fraction\":0.5}",
        "{\"offer_id\":\"o\",\"amount\":1,\"tolerance\":0.01}",
    };
    const char *body = "{\"offer_id\":\"o\",\"amount\":1}";
    assert_true(sale_of(body, &one, &refusal));
    assert_true(sale_of("{\"amount\":1.00,\"offer_id\":\"o\",\"fraction\":1.0}", &other, &refusal));
    assert_memory_equal(one.request_hash, other.request_hash, sizeof one.request_hash);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_true(sale_of(bodies[i], &other, &refusal));
        assert_memory_not_equal(one.request_hash, other.request_hash, sizeof one.request_hash);
    }
    assert_true(cash_out_decode(slice_text(body), &context, (struct bet_id){8}, &other, &refusal));
    assert_memory_not_equal(one.request_hash, other.request_hash, sizeof one.request_hash);
}
