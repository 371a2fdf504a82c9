/* referral_decode.c - contract in referral_decode.h. */
#include "roles/backoffice/referral_decode.h"

#include "ledger/record.h"

/* A word has the first of these: a rejection one, an acceptance three, an offer all. */
enum referral_field { REASON, LIFT_STAKE_TOO, LIFT_LIABILITY_TOO, STAKE, ODDS, VALID, FIELDS };

static const struct field fields[FIELDS] = {
    [REASON] = {"reason", JSON_STRING},
    [LIFT_STAKE_TOO] = {"lift_stake", JSON_TRUE},
    [LIFT_LIABILITY_TOO] = {"lift_liability", JSON_TRUE},
    [STAKE] = {"stake", JSON_NUMBER},
    [ODDS] = {"odds", JSON_ARRAY},
    [VALID] = {"valid_ms", JSON_NUMBER},
};

static size_t fields_of(enum referral_word word)
{
    return word == REFERRAL_OFFERED ? FIELDS : word == REFERRAL_ACCEPTED ? STAKE : LIFT_STAKE_TOO;
}

static bool wrong(struct request_refusal *refusal, enum request_fault fault, size_t field)
{
    return refuse(refusal, fault, slice_text(fields[field].name));
}

static void take_lifts(const struct field_values *values, struct referral_request *ret)
{
    ret->lifts = field_seen(values, LIFT_STAKE_TOO) || field_seen(values, LIFT_LIABILITY_TOO);
    if (slice_is(values->text[LIFT_STAKE_TOO], "true"))
        ret->lifted |= LIFT_STAKE;
    if (slice_is(values->text[LIFT_LIABILITY_TOO], "true"))
        ret->lifted |= LIFT_LIABILITY;
}

static bool take_stake(const struct field_values *values, struct currency currency,
                       struct referral_request *ret, struct request_refusal *refusal)
{
    struct money stake = {0};
    if (!field_seen(values, STAKE))
        return true;
    if (money_parse(values->text[STAKE], currency, &stake) < 0)
        return wrong(refusal, FAULT_AMOUNT_DIGITS, STAKE);
    ret->stake = stake.minor;
    return stake.minor > 0 || wrong(refusal, FAULT_AMOUNT_NOT_POSITIVE, STAKE);
}

/* The next price; null: the leg keeps its own. */
static bool take_price(struct json_reader *reader, struct odds *ret)
{
    struct slice digits;
    *ret = ODDS_NONE;
    if (json_peek(reader) == JSON_NULL)
        return json_null(reader);
    return json_number(reader, &digits) && odds_parse_decimal(digits, ret) == 0;
}

static bool take_prices(const struct field_values *values, struct referral_request *ret,
                        struct odds *prices, struct request_refusal *refusal)
{
    struct json_reader reader;
    if (!field_seen(values, ODDS))
        return true;
    json_begin(&reader, values->text[ODDS], NULL, 0);
    json_array_begin(&reader);
    while (json_array_next(&reader)) {
        if (ret->prices_count == BET_LEGS_MAX)
            return wrong(refusal, FAULT_TOO_MANY_LEGS, ODDS);
        if (!take_price(&reader, &prices[ret->prices_count++]))
            return wrong(refusal, FAULT_ODDS_INVALID, ODDS);
    }
    ret->prices = prices;
    return json_end(&reader) == 0 || wrong(refusal, FAULT_INVALID_FIELD, ODDS);
}

static bool take_validity(const struct field_values *values, struct referral_request *ret,
                          struct request_refusal *refusal)
{
    uint64_t ms = 0;
    if (field_seen(values, VALID) &&
        !field_positive(values->text[VALID], REFERRAL_US_MAX / US_PER_MS, &ms))
        return wrong(refusal, FAULT_INVALID_FIELD, VALID);
    ret->valid_us = (int64_t)ms * US_PER_MS;
    return true;
}

bool referral_decode(struct slice body, enum referral_word word, struct currency currency,
                     struct referral_decoded *ret, struct request_refusal *ret_refusal)
{
    struct json_reader reader;
    struct field_values values;
    ret->request = (struct referral_request){.word = word};
    if (body.bytes > REFERRAL_BODY_BYTES_MAX)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    json_begin(&reader, body, ret->scratch, sizeof ret->scratch);
    if (json_peek(&reader) != JSON_OBJECT)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!fields_read(&reader, fields, fields_of(word), &values, ret_refusal))
        return false;
    if (json_end(&reader) < 0)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!field_seen(&values, REASON))
        return wrong(ret_refusal, FAULT_MISSING_FIELD, REASON);
    ret->reason = values.text[REASON];
    if (ret->reason.bytes == 0 || ret->reason.bytes > REASON_BYTES_MAX)
        return wrong(ret_refusal, FAULT_INVALID_FIELD, REASON);
    take_lifts(&values, &ret->request);
    return take_stake(&values, currency, &ret->request, ret_refusal) &&
           take_prices(&values, &ret->request, ret->prices, ret_refusal) &&
           take_validity(&values, &ret->request, ret_refusal);
}
