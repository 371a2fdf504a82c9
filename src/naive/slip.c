/* slip.c - contract in slip.h. */
#include "naive/slip.h"

#include "base/assert.h"
#include "base/decimal.h"
#include "base/error.h"

#define SCRATCH_BYTES 4096

enum member {
    MEMBER_MARKET,
    MEMBER_SELECTION,
    MEMBER_ODDS,
    MEMBER_VERSION,
    MEMBER_STAKE,
    MEMBER_CURRENCY,
    MEMBER_POLICY,
    MEMBER_KEY,
    MEMBER_EXACT,
    MEMBERS_COUNT
};

static const struct field members[MEMBERS_COUNT] = {
    [MEMBER_MARKET] = {"market_id", JSON_STRING},
    [MEMBER_SELECTION] = {"selection_id", JSON_STRING},
    [MEMBER_ODDS] = {"odds", JSON_NUMBER},
    [MEMBER_VERSION] = {"odds_version", JSON_NUMBER},
    [MEMBER_STAKE] = {"stake", JSON_NUMBER},
    [MEMBER_CURRENCY] = {"currency", JSON_STRING},
    [MEMBER_POLICY] = {"price_policy", JSON_STRING},
    [MEMBER_KEY] = {"idempotency_key", JSON_STRING},
    [MEMBER_EXACT] = {"odds_exact", JSON_STRING},
};

static const enum member needed[] = {MEMBER_MARKET, MEMBER_SELECTION, MEMBER_VERSION, MEMBER_STAKE};

static struct slice name_of(enum member member)
{
    return slice_text(members[member].name);
}

/* A text that may go to the database: not empty, and no zero in it. */
static bool take_id(struct slice text, char *ret, size_t bytes_max)
{
    if (text.bytes == 0 || text.bytes > bytes_max || memchr(text.at, '\0', text.bytes) != NULL)
        return false;
    memcpy(ret, text.at, text.bytes);
    ret[text.bytes] = '\0';
    return true;
}

static bool take_stake(const struct field_values *values, struct currency currency,
                       struct money *ret, struct request_refusal *ret_refusal)
{
    struct currency said = currency;
    if (field_seen(values, MEMBER_CURRENCY) &&
        (!currency_parse(values->text[MEMBER_CURRENCY], &said) || !currency_equal(said, currency)))
        return refuse(ret_refusal, FAULT_CURRENCY_UNKNOWN, name_of(MEMBER_CURRENCY));
    if (money_parse(values->text[MEMBER_STAKE], currency, ret) < 0 ||
        ret->minor > SLIP_STAKE_MINOR_MAX)
        return refuse(ret_refusal, FAULT_AMOUNT_DIGITS, name_of(MEMBER_STAKE));
    if (ret->minor <= 0)
        return refuse(ret_refusal, FAULT_AMOUNT_NOT_POSITIVE, name_of(MEMBER_STAKE));
    return true;
}

static bool take_values(const struct field_values *values, struct currency currency,
                        struct slip *slip, struct request_refusal *ret_refusal)
{
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!field_seen(values, needed[i]))
            return refuse(ret_refusal, FAULT_MISSING_FIELD, name_of(needed[i]));
    if (!take_id(values->text[MEMBER_MARKET], slip->market, MARKET_ID_BYTES_MAX))
        return refuse(ret_refusal, FAULT_INVALID_FIELD, name_of(MEMBER_MARKET));
    if (!take_id(values->text[MEMBER_SELECTION], slip->selection, SELECTION_ID_BYTES_MAX))
        return refuse(ret_refusal, FAULT_INVALID_FIELD, name_of(MEMBER_SELECTION));
    if (!field_positive(values->text[MEMBER_VERSION], SLIP_VERSION_MAX, &slip->version))
        return refuse(ret_refusal, FAULT_INVALID_FIELD, name_of(MEMBER_VERSION));
    return take_stake(values, currency, &slip->stake, ret_refusal);
}

bool slip_decode(struct slice body, struct currency currency, struct slip *ret,
                 struct request_refusal *ret_refusal)
{
    char scratch[SCRATCH_BYTES];
    struct json_reader reader;
    struct field_values values;
    struct slip slip = {.version = 0};
    json_begin(&reader, body, scratch, sizeof scratch);
    if (!fields_read(&reader, members, MEMBERS_COUNT, &values, ret_refusal))
        return false;
    if (json_end(&reader) < 0)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!take_values(&values, currency, &slip, ret_refusal))
        return false;
    *ret = slip;
    return true;
}

const char *slip_verdict_text(enum slip_verdict verdict)
{
#define TEXT(name) #name,
    static const char *const texts[] = {SLIP_VERDICT_LIST(TEXT)};
#undef TEXT
    ASSERT((size_t)verdict < SLIP_VERDICTS_COUNT);
    return texts[verdict];
}

int slip_verdict_status(enum slip_verdict verdict)
{
    switch (verdict) {
    case SLIP_PLACED:
        return 201;
    case SLIP_INSUFFICIENT_BALANCE:
        return 400;
    case SLIP_UNKNOWN_SELECTION:
        return 422;
    case SLIP_MARKET_SUSPENDED:
    case SLIP_ODDS_CHANGED:
        return 409;
    }
    ASSERT(false);
    return 500;
}

bool slip_is_covered(const struct slip *slip, struct slice balance)
{
    struct money money;
    return money_parse(balance, slip->stake.currency, &money) == 0 &&
           money.minor >= slip->stake.minor;
}

static bool is_version(struct slice digits, uint64_t version)
{
    uint64_t current;
    return field_positive(digits, SLIP_VERSION_MAX, &current) && current == version;
}

enum slip_verdict slip_decide(const struct slip *slip, const struct slip_market *market,
                              struct odds *ret_odds)
{
    if (!market->exists || !slice_is(market->status, "active"))
        return SLIP_MARKET_SUSPENDED;
    if (market->odds.bytes == 0 && market->selection_status.bytes == 0)
        return SLIP_UNKNOWN_SELECTION;
    if (!is_version(market->version, slip->version))
        return SLIP_ODDS_CHANGED;
    if (!slice_is(market->selection_status, "active") ||
        odds_parse_decimal(market->odds, ret_odds) < 0)
        return SLIP_MARKET_SUSPENDED;
    return SLIP_PLACED;
}

static const char *const results[] = {
    [SLIP_WON] = "WON", [SLIP_LOST] = "LOST", [SLIP_VOID] = "VOID"};

bool slip_result_parse(struct slice word, enum slip_result *ret)
{
    for (size_t i = SLIP_WON; i < sizeof results / sizeof *results; i++)
        if (slice_is(word, results[i])) {
            *ret = (enum slip_result)i;
            return true;
        }
    return false;
}

const char *slip_result_text(enum slip_result result)
{
    ASSERT(result >= SLIP_WON);
    ASSERT(result <= SLIP_VOID);
    return results[result];
}

struct money slip_payout(struct money stake, struct odds odds, enum slip_result result)
{
    unsigned __int128 product = (unsigned __int128)stake.minor * odds.numerator;
    switch (result) {
    case SLIP_WON:
        ASSERT(odds_present(odds));
        return money_of(round_fraction(product, odds.denominator, ROUND_DOWN), stake.currency);
    case SLIP_VOID:
        return stake;
    case SLIP_LOST:
        break;
    }
    return money_of(0, stake.currency);
}
