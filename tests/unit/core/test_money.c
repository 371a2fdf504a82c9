/* test_money.c - amounts and currencies (core/money.h). */
#include "test.h"

#include "base/error.h"
#include "core/money.h"

#define GBP ((struct currency){826})
#define EUR ((struct currency){978})

TEST(money, knows_the_currencies_and_their_places)
{
    static const struct {
        const char *code;
        uint16_t iso;
        int scale;
    } rows[] = {
        {"AED", 784, 2}, {"ARS", 32, 2},  {"AUD", 36, 2},  {"BGN", 975, 2}, {"BHD", 48, 3},
        {"BRL", 986, 2}, {"CAD", 124, 2}, {"CHF", 756, 2}, {"CLP", 152, 0}, {"CNY", 156, 2},
        {"COP", 170, 2}, {"CZK", 203, 2}, {"DKK", 208, 2}, {"EUR", 978, 2}, {"GBP", 826, 2},
        {"GEL", 981, 2}, {"GHS", 936, 2}, {"HKD", 344, 2}, {"HUF", 348, 2}, {"IDR", 360, 2},
        {"ILS", 376, 2}, {"INR", 356, 2}, {"ISK", 352, 0}, {"JOD", 400, 3}, {"JPY", 392, 0},
        {"KES", 404, 2}, {"KRW", 410, 0}, {"KWD", 414, 3}, {"KZT", 398, 2}, {"MAD", 504, 2},
        {"MXN", 484, 2}, {"MYR", 458, 2}, {"NGN", 566, 2}, {"NOK", 578, 2}, {"NZD", 554, 2},
        {"OMR", 512, 3}, {"PEN", 604, 2}, {"PHP", 608, 2}, {"PLN", 985, 2}, {"PYG", 600, 0},
        {"RON", 946, 2}, {"RSD", 941, 2}, {"SEK", 752, 2}, {"SGD", 702, 2}, {"THB", 764, 2},
        {"TND", 788, 3}, {"TRY", 949, 2}, {"TZS", 834, 2}, {"UAH", 980, 2}, {"UGX", 800, 0},
        {"USD", 840, 2}, {"UYU", 858, 2}, {"VND", 704, 0}, {"XAF", 950, 0}, {"XOF", 952, 0},
        {"ZAR", 710, 2}, {"ZMW", 967, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct currency currency = CURRENCY_NONE;
        if (!currency_parse(slice_text(rows[i].code), &currency))
            fail_msg("%s is not known", rows[i].code);
        assert_int_equal(currency.iso, rows[i].iso);
        assert_true(currency_known(currency));
        assert_string_equal(currency_code(currency), rows[i].code);
        assert_int_equal(currency_scale(currency), rows[i].scale);
    }
}

TEST(money, every_listed_number_has_a_code_that_parses_back_to_it)
{
    int listed = 0;
    for (unsigned iso = 0; iso <= UINT16_MAX; iso++) {
        struct currency currency = {(uint16_t)iso};
        if (!currency_known(currency))
            continue;
        struct currency again = CURRENCY_NONE;
        assert_true(currency_parse(slice_text(currency_code(currency)), &again));
        assert_true(currency_equal(again, currency));
        listed++;
    }
    assert_int_equal(listed, 57);
}

TEST(money, refuses_codes_that_are_none)
{
    static const char *const codes[] = {"", "G", "GB", "GBPX", "gbp", "XXX", "AAA", "ZZZ", "GB "};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct currency currency = {7};
        assert_false(currency_parse(slice_text(codes[i]), &currency));
        assert_int_equal(currency.iso, 7); /* never written on refusal */
    }
    assert_false(currency_parse(slice_of("GBP\0", 4), &(struct currency){0}));
}

TEST(money, no_currency_has_a_name_and_two_places)
{
    assert_false(currency_known(CURRENCY_NONE));
    assert_string_equal(currency_code(CURRENCY_NONE), "XXX");
    assert_int_equal(currency_scale(CURRENCY_NONE), 2);
    assert_string_equal(currency_code((struct currency){999}), "XXX");
    expect_assert_failure(currency_scale((struct currency){999}));
}

TEST(money, adds_and_subtracts_up_to_the_limit)
{
    assert_int_equal(money_add(money_of(500, GBP), money_of(-700, GBP)).minor, -200);
    assert_int_equal(money_subtract(money_of(500, GBP), money_of(700, GBP)).minor, -200);
    assert_int_equal(money_add(money_of(1, EUR), money_of(2, EUR)).currency.iso, EUR.iso);
    assert_int_equal(money_add(money_of(MONEY_MINOR_MAX - 1, GBP), money_of(1, GBP)).minor,
                     MONEY_MINOR_MAX);
    assert_int_equal(money_subtract(money_of(1 - MONEY_MINOR_MAX, GBP), money_of(1, GBP)).minor,
                     -MONEY_MINOR_MAX);
}

TEST(money, a_sum_that_cannot_be_stops)
{
    struct money most = money_of(MONEY_MINOR_MAX, GBP);
    struct money least = money_of(-MONEY_MINOR_MAX, GBP);
    struct money one = money_of(1, GBP);
    expect_assert_failure(money_add(one, money_of(1, EUR)));
    expect_assert_failure(money_subtract(one, money_of(1, EUR)));
    expect_assert_failure(money_add(most, one));
    expect_assert_failure(money_subtract(least, one));
    expect_assert_failure(money_add(money_of(MONEY_MINOR_MAX + 1, GBP), least));
    expect_assert_failure(money_add(least, money_of(INT64_MAX, GBP)));
    expect_assert_failure(money_add(money_of(INT64_MIN, GBP), one));
    expect_assert_failure(money_subtract(one, money_of(INT64_MIN, GBP)));
}

TEST(money, reads_an_amount_with_the_places_of_its_currency)
{
    static const struct {
        const char *text;
        const char *code;
        int result;
        int64_t minor;
    } rows[] = {
        {"50.00", "GBP", 0, 5000},
        {"50", "GBP", 0, 5000},
        {"0.01", "GBP", 0, 1},
        {"50.10000", "GBP", 0, 5010}, /* zeros lose nothing */
        {"5e1", "GBP", 0, 5000},
        {"-3.50", "GBP", 0, -350}, /* the sign is kept, the caller refuses */
        {"0", "GBP", 0, 0},
        {"50.001", "GBP", -ERR_LIMIT, 0},
        {"500", "JPY", 0, 500},
        {"500.0", "JPY", 0, 500},
        {"500.5", "JPY", -ERR_LIMIT, 0},
        {"1.234", "KWD", 0, 1234},
        {"1.2345", "KWD", -ERR_LIMIT, 0},
        {"10000000000000.00", "GBP", 0, MONEY_MINOR_MAX},
        {"-10000000000000.00", "GBP", 0, -MONEY_MINOR_MAX},
        {"10000000000000.01", "GBP", -ERR_LIMIT, 0},
        {"-10000000000000.01", "GBP", -ERR_LIMIT, 0},
        {"1e30", "GBP", -ERR_LIMIT, 0},
        {"92233720368547758.08", "GBP", -ERR_LIMIT, 0},
        {"922337203685477580", "KWD", -ERR_LIMIT, 0},
        {"", "GBP", -ERR_FORMAT, 0},
        {"fifty", "GBP", -ERR_FORMAT, 0},
        {"5 0", "GBP", -ERR_FORMAT, 0},
        {"+5", "GBP", -ERR_FORMAT, 0},
        {"NaN", "GBP", -ERR_FORMAT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct currency currency = CURRENCY_NONE;
        assert_true(currency_parse(slice_text(rows[i].code), &currency));
        struct money money = money_of(77, CURRENCY_NONE);
        int result = money_parse(slice_text(rows[i].text), currency, &money);
        int64_t expected = result < 0 ? 77 : rows[i].minor; /* not written on failure */
        if (result != rows[i].result || money.minor != expected)
            fail_msg("%s: %d, %jd", rows[i].text, result, (intmax_t)money.minor);
        assert_int_equal(money.currency.iso, result < 0 ? 0 : currency.iso);
    }
}

TEST(money, writes_an_amount_with_the_places_of_its_currency)
{
    static const struct {
        int64_t minor;
        uint16_t iso;
        const char *text;
    } rows[] = {
        {5000, 826, "50.00"}, {1, 826, "0.01"},     {-350, 826, "-3.50"},
        {500, 392, "500"},    {1234, 414, "1.234"}, {0, 0, "0.00"},
        {0, 392, "0"},        {-5, 414, "-0.005"},  {MONEY_MINOR_MAX, 826, "10000000000000.00"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char memory[64];
        struct buf buf = buf_over(memory, sizeof memory - 1);
        money_write(&buf, money_of(rows[i].minor, (struct currency){rows[i].iso}));
        memory[buf.bytes] = '\0';
        assert_string_equal(memory, rows[i].text);
    }
}
