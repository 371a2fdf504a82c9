/* bet_decode.c - contract in bet_decode.h.
 * A body is read in two passes: first which members there are (a table each), then what they
 * mean, because the currency that an amount is read in may stand behind it. */
#include "roles/bet/bet_decode.h"

#include "base/assert.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/hash.h"
#include "core/cash_out.h"

/* Fixed for ever: the hash is in the records. Not a secret: who can make two of his own requests
 * collide has only made his own retry get an answer of his. */
static const uint64_t hash_key[2] = {UINT64_C(0x6f766572726f756e), UINT64_C(0x642d72657175657e)};

#define AMOUNT_BYTES_MAX 40 /* longer ones are zeros for whoever wants to see what happens */
#define VERSION_MAX      ((UINT64_C(1) << 53) - 1)

enum bet_field {
    BET_TYPE,
    BET_MARKET_ID,
    BET_SELECTION_ID,
    BET_ODDS,
    BET_ODDS_EXACT,
    BET_ODDS_VERSION,
    BET_STAKE,
    BET_UNIT_STAKE,
    BET_CURRENCY,
    BET_PRICE_POLICY,
    BET_KEY,
    BET_LEGS,
    BET_SYSTEM,
    BET_SYSTEM_NAME,
    BET_EACH_WAY_FIELD,
    BET_STAKE_KIND,
    BET_ALTERNATIVE,
    BET_FIELDS_COUNT,
};

static const struct field bet_fields[BET_FIELDS_COUNT] = {
    [BET_TYPE] = {"type", JSON_STRING},
    [BET_MARKET_ID] = {"market_id", JSON_STRING},
    [BET_SELECTION_ID] = {"selection_id", JSON_STRING},
    [BET_ODDS] = {"odds", JSON_NUMBER},
    [BET_ODDS_EXACT] = {"odds_exact", JSON_STRING},
    [BET_ODDS_VERSION] = {"odds_version", JSON_NUMBER},
    [BET_STAKE] = {"stake", JSON_NUMBER},
    [BET_UNIT_STAKE] = {"unit_stake", JSON_NUMBER},
    [BET_CURRENCY] = {"currency", JSON_STRING},
    [BET_PRICE_POLICY] = {"price_policy", JSON_STRING},
    [BET_KEY] = {"idempotency_key", JSON_STRING},
    [BET_LEGS] = {"legs", JSON_ARRAY},
    [BET_SYSTEM] = {"system", JSON_ARRAY},
    [BET_SYSTEM_NAME] = {"system_name", JSON_STRING},
    [BET_EACH_WAY_FIELD] = {"each_way", JSON_TRUE},
    [BET_STAKE_KIND] = {"stake_kind", JSON_STRING},
    [BET_ALTERNATIVE] = {"accept_alternative", JSON_TRUE},
};

/* The first members of bet_fields and the members of a leg have the same indexes. */
enum leg_field { BANKER, LEG_FIELDS_COUNT = BET_ODDS_VERSION + 1 };

static const struct field leg_fields[LEG_FIELDS_COUNT] = {
    [BANKER] = {"banker", JSON_TRUE},
    [BET_MARKET_ID] = {"market_id", JSON_STRING},
    [BET_SELECTION_ID] = {"selection_id", JSON_STRING},
    [BET_ODDS] = {"odds", JSON_NUMBER},
    [BET_ODDS_EXACT] = {"odds_exact", JSON_STRING},
    [BET_ODDS_VERSION] = {"odds_version", JSON_NUMBER},
};

enum money_field { MONEY_AMOUNT, MONEY_CURRENCY, MONEY_KEY, MONEY_FIELDS_COUNT };

static const struct field money_fields[MONEY_FIELDS_COUNT] = {
    [MONEY_AMOUNT] = {"amount", JSON_NUMBER},
    [MONEY_CURRENCY] = {"currency", JSON_STRING},
    [MONEY_KEY] = {"idempotency_key", JSON_STRING},
};

enum cash_out_field {
    CASH_OUT_OFFER_ID,
    CASH_OUT_AMOUNT,
    CASH_OUT_STAKE,
    CASH_OUT_FRACTION,
    CASH_OUT_TOLERANCE,
    CASH_OUT_KEY,
    CASH_OUT_FIELDS_COUNT
};

static const struct field cash_out_fields[CASH_OUT_FIELDS_COUNT] = {
    [CASH_OUT_OFFER_ID] = {"offer_id", JSON_STRING},
    [CASH_OUT_AMOUNT] = {"amount", JSON_NUMBER},
    [CASH_OUT_STAKE] = {"stake", JSON_NUMBER},
    [CASH_OUT_FRACTION] = {"fraction", JSON_NUMBER},
    [CASH_OUT_TOLERANCE] = {"tolerance", JSON_NUMBER},
    [CASH_OUT_KEY] = {"idempotency_key", JSON_STRING},
};

enum bet_type { TYPE_SINGLE = 1, TYPE_MULTIPLE, TYPE_SYSTEM };

static bool refuse_field(struct request_refusal *refusal, enum request_fault fault,
                         const struct field *field)
{
    return refuse(refusal, fault, slice_text(field->name));
}

/* ---- what bets and money have in common ---- */

/* The members that an object may have. */
struct members {
    const struct field *fields;
    size_t count;
};

static bool read_object(struct slice body, const struct decode_context *context,
                        struct members members, struct field_values *values,
                        struct request_refusal *refusal)
{
    struct json_reader reader;
    if (body.bytes > BET_BODY_BYTES_MAX)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    json_begin(&reader, body, context->scratch->strings, sizeof context->scratch->strings);
    if (json_peek(&reader) != JSON_OBJECT)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!fields_read(&reader, members.fields, members.count, values, refusal))
        return false;
    return json_end(&reader) == 0 || refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
}

static bool key_valid(struct slice key)
{
    if (key.bytes == 0 || key.bytes > IDEMPOTENCY_KEY_BYTES_MAX)
        return false;
    for (size_t i = 0; i < key.bytes; i++)
        if (key.at[i] < '!' || key.at[i] > '~')
            return false;
    return true;
}

static bool take_key(const struct decode_context *context, const struct field_values *values,
                     size_t index, struct slice *ret, struct request_refusal *refusal)
{
    struct slice name = SLICE("idempotency_key");
    bool in_body = field_seen(values, index);
    bool in_header = context->header_key.bytes > 0;
    if (in_body && in_header && !slice_equal(values->text[index], context->header_key))
        return refuse(refusal, FAULT_IDEMPOTENCY_KEYS_DIFFER, name);
    if (!in_body && !in_header)
        return refuse(refusal, FAULT_IDEMPOTENCY_KEY_REQUIRED, name);
    *ret = in_body ? values->text[index] : context->header_key;
    return key_valid(*ret) || refuse(refusal, FAULT_IDEMPOTENCY_KEY_INVALID, name);
}

static bool take_currency(const struct decode_context *context, const struct field_values *values,
                          size_t index, struct currency *ret, struct request_refusal *refusal)
{
    struct slice name = SLICE("currency");
    if (!field_seen(values, index)) {
        *ret = context->account_currency;
        return !currency_equal(*ret, CURRENCY_NONE) ||
               refuse(refusal, FAULT_CURRENCY_REQUIRED, name);
    }
    return currency_parse(values->text[index], ret) ||
           refuse(refusal, FAULT_CURRENCY_UNKNOWN, name);
}

static bool take_amount(const struct field *field, struct slice digits, struct currency currency,
                        struct money *ret, struct request_refusal *refusal)
{
    if (digits.at == NULL)
        return refuse_field(refusal, FAULT_MISSING_FIELD, field);
    if (digits.bytes > AMOUNT_BYTES_MAX || money_parse(digits, currency, ret) < 0)
        return refuse_field(refusal, FAULT_AMOUNT_DIGITS, field);
    return ret->minor > 0 || refuse_field(refusal, FAULT_AMOUNT_NOT_POSITIVE, field);
}

/* ---- the hash ---- */

static void put_u64(struct buf *buf, uint64_t number)
{
    char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(number >> (8 * i));
    buf_put(buf, bytes, sizeof bytes);
}

static void put_text(struct buf *buf, struct slice text)
{
    put_u64(buf, text.bytes);
    buf_put_slice(buf, text);
}

static void put_money(struct buf *buf, struct money money)
{
    put_u64(buf, money.currency.iso);
    put_u64(buf, (uint64_t)money.minor);
}

static void put_hash(const struct buf *canonical, uint64_t ret_hash[2])
{
    struct hash128 hash = siphash128(hash_key, canonical->at, canonical->bytes);
    ret_hash[0] = hash.low;
    ret_hash[1] = hash.high;
}

/* ---- bets ---- */

static bool id_valid(struct slice id, size_t bytes_max)
{
    if (id.bytes == 0 || id.bytes > bytes_max)
        return false;
    for (size_t i = 0; i < id.bytes; i++)
        if ((unsigned char)id.at[i] < 0x20 || id.at[i] == 0x7f)
            return false; /* a refused bet is kept as "market\nselection" */
    return true;
}

static bool take_id(const struct field_values *values, size_t index, size_t bytes_max,
                    struct slice *ret, struct request_refusal *refusal)
{
    if (!field_seen(values, index))
        return refuse_field(refusal, FAULT_MISSING_FIELD, &bet_fields[index]);
    *ret = values->text[index];
    return id_valid(*ret, bytes_max) ||
           refuse_field(refusal, FAULT_INVALID_FIELD, &bet_fields[index]);
}

/* odds_exact binds where both are there (CONTRACT); odds must still be a price. */
static bool take_odds(const struct field_values *values, bool needed, struct odds *ret,
                      struct request_refusal *refusal)
{
    *ret = ODDS_NONE;
    if (field_seen(values, BET_ODDS) && odds_parse_decimal(values->text[BET_ODDS], ret) < 0)
        return refuse_field(refusal, FAULT_ODDS_INVALID, &bet_fields[BET_ODDS]);
    if (field_seen(values, BET_ODDS_EXACT) &&
        odds_parse_exact(values->text[BET_ODDS_EXACT], ret) < 0)
        return refuse_field(refusal, FAULT_ODDS_INVALID, &bet_fields[BET_ODDS_EXACT]);
    return !needed || odds_present(*ret) ||
           refuse_field(refusal, FAULT_MISSING_FIELD, &bet_fields[BET_ODDS]);
}

/* One choice, of a single or a leg, becomes the ticket's next leg. The values are a leg's, or the
 * bet's own, whose first members are the same. */
static bool take_choice(const struct field_values *values, enum price_policy policy,
                        struct bet_scratch *scratch, uint32_t at, struct request_refusal *refusal)
{
    struct ticket_leg *leg = &scratch->legs[at];
    struct leg_names *names = &scratch->names[at];
    *leg = (struct ticket_leg){ODDS_NONE, 0, true};
    if (!take_id(values, BET_MARKET_ID, MARKET_ID_BYTES_MAX, &names->market_id, refusal) ||
        !take_id(values, BET_SELECTION_ID, SELECTION_ID_BYTES_MAX, &names->selection_id, refusal) ||
        !take_odds(values, policy != PRICE_ANY, &leg->odds, refusal))
        return false;
    if (field_seen(values, BET_ODDS_VERSION) &&
        !field_positive(values->text[BET_ODDS_VERSION], VERSION_MAX, &leg->odds_version))
        return refuse_field(refusal, FAULT_INVALID_FIELD, &bet_fields[BET_ODDS_VERSION]);
    return true;
}

static void put_choice(struct buf *canonical, const struct bet_scratch *scratch, uint32_t at)
{
    const struct ticket_leg *leg = &scratch->legs[at];
    put_text(canonical, scratch->names[at].market_id);
    put_text(canonical, scratch->names[at].selection_id);
    put_u64(canonical, (uint64_t)leg->odds.numerator << 32 | leg->odds.denominator);
    put_u64(canonical, leg->odds_version);
}

static bool take_type(const struct field_values *values, enum bet_type *ret,
                      struct request_refusal *refusal)
{
    struct slice text = values->text[BET_TYPE];
    *ret = TYPE_SINGLE;
    if (!field_seen(values, BET_TYPE) || slice_is(text, "single"))
        return true;
    *ret = slice_is(text, "multiple") ? TYPE_MULTIPLE : TYPE_SYSTEM;
    return *ret == TYPE_MULTIPLE || slice_is(text, "system") ||
           refuse_field(refusal, FAULT_INVALID_FIELD, &bet_fields[BET_TYPE]);
}

/* Members that this type does not have would change what is meant. */
static bool check_members(const struct field_values *values, enum bet_type type,
                          struct request_refusal *refusal)
{
    static const uint32_t of_choice = 1u << BET_MARKET_ID | 1u << BET_SELECTION_ID |
                                      1u << BET_ODDS | 1u << BET_ODDS_EXACT |
                                      1u << BET_ODDS_VERSION;
    static const uint32_t of_system =
        1u << BET_SYSTEM | 1u << BET_SYSTEM_NAME | 1u << BET_UNIT_STAKE;
    static const uint32_t foreign[] = {
        [TYPE_SINGLE] = 1u << BET_LEGS | of_system,
        [TYPE_MULTIPLE] = of_choice | of_system,
        [TYPE_SYSTEM] = of_choice | 1u << BET_STAKE,
    };
    uint32_t wrong = values->seen & foreign[type];
    return wrong == 0 ||
           refuse_field(refusal, FAULT_UNKNOWN_FIELD, &bet_fields[__builtin_ctz(wrong)]);
}

static bool take_policy(const struct field_values *values, enum price_policy *ret,
                        struct request_refusal *refusal)
{
    *ret = PRICE_BETTER;
    return !field_seen(values, BET_PRICE_POLICY) ||
           price_policy_parse(values->text[BET_PRICE_POLICY], ret) ||
           refuse_field(refusal, FAULT_INVALID_FIELD, &bet_fields[BET_PRICE_POLICY]);
}

/* Legs are checked like singles: what is stored must be what was meant. */
static bool take_legs(const struct field_values *values, struct bet_scratch *scratch,
                      struct ticket *ticket, struct buf *canonical, struct request_refusal *refusal)
{
    bool all = ticket->sizes.mask == 0; /* of a multiple every leg is in the one line */
    struct json_reader reader;
    uint32_t count = 0;
    if (!field_seen(values, BET_LEGS))
        return refuse_field(refusal, FAULT_MISSING_FIELD, &bet_fields[BET_LEGS]);
    json_begin(&reader, values->text[BET_LEGS], scratch->leg_strings, sizeof scratch->leg_strings);
    if (!json_array_begin(&reader))
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    while (json_array_next(&reader)) {
        struct field_values leg;
        if (count == BET_LEGS_MAX)
            return refuse_field(refusal, FAULT_TOO_MANY_LEGS, &bet_fields[BET_LEGS]);
        if (!fields_read(&reader, leg_fields, LEG_FIELDS_COUNT, &leg, refusal) ||
            !take_choice(&leg, ticket->policy, scratch, count, refusal))
            return false;
        scratch->legs[count].banker = all || slice_is(leg.text[BANKER], "true");
        put_choice(canonical, scratch, count);
        put_u64(canonical, scratch->legs[count].banker);
        count++;
    }
    if (json_end(&reader) < 0)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    ticket->legs_count = count;
    return count > 0 || refuse_field(refusal, FAULT_INVALID_FIELD, &bet_fields[BET_LEGS]);
}

static bool take_sizes(const struct field_values *values, struct system_sizes *ret,
                       struct request_refusal *refusal)
{
    const struct field *field = &bet_fields[BET_SYSTEM];
    struct json_reader reader;
    json_begin(&reader, values->text[BET_SYSTEM], NULL, 0);
    if (!json_array_begin(&reader))
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    while (json_array_next(&reader)) {
        struct slice digits;
        uint64_t size;
        if (json_peek(&reader) != JSON_NUMBER || !json_number(&reader, &digits) ||
            !field_positive(digits, SYSTEM_LEGS_MAX, &size) ||
            system_has_size(*ret, (uint32_t)size))
            return refuse_field(refusal, FAULT_INVALID_FIELD, field);
        *ret = system_join(*ret, system_of_size((uint32_t)size));
    }
    return (json_end(&reader) == 0 && ret->mask != 0) ||
           refuse_field(refusal, FAULT_INVALID_FIELD, field);
}

/* By its sizes or by its name, one of the two. */
static bool take_system(const struct field_values *values, struct system_sizes *ret,
                        struct request_refusal *refusal)
{
    bool named = field_seen(values, BET_SYSTEM_NAME);
    *ret = SYSTEM_NO_SIZES;
    if (field_seen(values, BET_SYSTEM) == named)
        return refuse_field(refusal, named ? FAULT_INVALID_FIELD : FAULT_MISSING_FIELD,
                            &bet_fields[BET_SYSTEM]);
    if (!named)
        return take_sizes(values, ret, refusal);
    const struct named_system *system = system_by_name(values->text[BET_SYSTEM_NAME]);
    if (system == NULL)
        return refuse_field(refusal, FAULT_INVALID_FIELD, &bet_fields[BET_SYSTEM_NAME]);
    *ret = system->sizes;
    return true;
}

static uint32_t chosen_count(const struct ticket *ticket)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ticket->legs_count; i++)
        count += !ticket->legs[i].banker;
    return count;
}

/* A system's stake is a unit on each of its lines. Legs and sizes that do not go together are for
 * the decision to refuse; so is a name whose number of legs is another. */
static bool take_units(const struct field_values *values, struct ticket *ticket,
                       struct request_refusal *refusal)
{
    uint32_t chosen = chosen_count(ticket);
    const struct named_system *system =
        field_seen(values, BET_SYSTEM_NAME) ? system_by_name(values->text[BET_SYSTEM_NAME]) : NULL;
    if (system != NULL && system->legs != chosen)
        return refuse_field(refusal, FAULT_INVALID_FIELD, &bet_fields[BET_SYSTEM_NAME]);
    if (!system_valid(chosen, ticket->sizes))
        return true;
    uint64_t lines = system_lines(chosen, ticket->sizes) * (ticket->each_way ? 2 : 1);
    if (ticket->stake.minor > (int64_t)((uint64_t)MONEY_MINOR_MAX / lines))
        return refuse_field(refusal, FAULT_AMOUNT_DIGITS, &bet_fields[BET_UNIT_STAKE]);
    ticket->stake.minor *= (int64_t)lines;
    return true;
}

static bool take_stake_kind(const struct field_values *values, enum stake_kind *ret,
                            struct request_refusal *refusal)
{
    struct slice text = values->text[BET_STAKE_KIND];
    *ret = STAKE_CASH;
    if (!field_seen(values, BET_STAKE_KIND) || slice_is(text, "cash"))
        return true;
    *ret = slice_is(text, "free") ? STAKE_FREE : STAKE_BONUS;
    return *ret == STAKE_FREE || slice_is(text, "bonus") ||
           refuse_field(refusal, FAULT_INVALID_FIELD, &bet_fields[BET_STAKE_KIND]);
}

static bool take_terms(const struct field_values *values, const struct decode_context *context,
                       enum bet_type *ret_type, struct ticket *ticket,
                       struct request_refusal *refusal)
{
    struct currency currency = CURRENCY_NONE;
    if (!take_type(values, ret_type, refusal) || !check_members(values, *ret_type, refusal) ||
        !take_policy(values, &ticket->policy, refusal) ||
        !take_stake_kind(values, &ticket->stake_kind, refusal) ||
        !take_currency(context, values, BET_CURRENCY, &currency, refusal))
        return false;
    size_t stake = *ret_type == TYPE_SYSTEM ? BET_UNIT_STAKE : BET_STAKE;
    ticket->each_way = slice_is(values->text[BET_EACH_WAY_FIELD], "true");
    return take_amount(&bet_fields[stake], values->text[stake], currency, &ticket->stake, refusal);
}

static void put_terms(struct buf *canonical, enum bet_type type, const struct ticket *ticket)
{
    put_text(canonical, SLICE("bet"));
    put_u64(canonical, type);
    put_u64(canonical, ticket->policy);
    put_u64(canonical, (uint64_t)ticket->stake_kind << 1 | ticket->each_way);
    put_money(canonical, ticket->stake); /* of a system: its unit */
}

bool bet_decode(struct slice body, const struct decode_context *context, struct bet_decoded *ret,
                struct request_refusal *ret_refusal)
{
    struct field_values values;
    enum bet_type type = TYPE_SINGLE;
    struct bet_scratch *scratch = context->scratch;
    struct ticket *ticket = &ret->ticket;
    *ret = (struct bet_decoded){.names = scratch->names};
    if (!read_object(body, context, (struct members){bet_fields, BET_FIELDS_COUNT}, &values,
                     ret_refusal) ||
        !take_key(context, &values, BET_KEY, &ret->key, ret_refusal) ||
        !take_terms(&values, context, &type, ticket, ret_refusal))
        return false;
    struct buf canonical = buf_over(scratch->canonical, BET_BODY_BYTES_MAX);
    ticket->legs = scratch->legs;
    ticket->legs_count = 1;
    put_terms(&canonical, type, ticket);
    if (type == TYPE_SYSTEM && !take_system(&values, &ticket->sizes, ret_refusal))
        return false;
    put_u64(&canonical, ticket->sizes.mask);
    ret->accept_alternative = slice_is(values.text[BET_ALTERNATIVE], "true");
    put_u64(&canonical, ret->accept_alternative);
    if (type == TYPE_SINGLE) {
        if (!take_choice(&values, ticket->policy, scratch, 0, ret_refusal))
            return false;
        put_choice(&canonical, scratch, 0);
    } else if (!take_legs(&values, scratch, ticket, &canonical, ret_refusal)) {
        return false;
    }
    if (type == TYPE_SYSTEM && !take_units(&values, ticket, ret_refusal))
        return false;
    ASSERT(!canonical.overflow); /* BET_LEGS_MAX choices of at most 208 bytes and some numbers */
    put_hash(&canonical, ret->request_hash);
    return true;
}

/* ---- money ---- */

bool money_decode(struct slice body, const struct decode_context *context,
                  struct money_decoded *ret, struct request_refusal *ret_refusal)
{
    struct field_values values;
    struct currency currency = CURRENCY_NONE;
    *ret = (struct money_decoded){0};
    if (!read_object(body, context, (struct members){money_fields, MONEY_FIELDS_COUNT}, &values,
                     ret_refusal) ||
        !take_key(context, &values, MONEY_KEY, &ret->key, ret_refusal))
        return false;
    if (!field_seen(&values, MONEY_CURRENCY)) /* a first deposit fixes it: it is always said */
        return refuse_field(ret_refusal, FAULT_MISSING_FIELD, &money_fields[MONEY_CURRENCY]);
    if (!take_currency(context, &values, MONEY_CURRENCY, &currency, ret_refusal) ||
        !take_amount(&money_fields[MONEY_AMOUNT], values.text[MONEY_AMOUNT], currency, &ret->amount,
                     ret_refusal))
        return false;
    struct buf canonical = buf_over(context->scratch->canonical, BET_BODY_BYTES_MAX);
    put_text(&canonical, SLICE("money"));
    put_money(&canonical, ret->amount);
    put_hash(&canonical, ret->request_hash);
    return true;
}

/* ---- cash-outs ---- */

#define PERMYRIAD_PLACES 4

/* A share of 1 in at most four places; `missing` where it is not there. */
static bool take_share(const struct field_values *values, size_t index, uint32_t missing,
                       uint32_t *ret, struct request_refusal *refusal)
{
    struct decimal decimal;
    int64_t share = 0;
    *ret = missing;
    if (!field_seen(values, index))
        return true;
    if (values->text[index].bytes > AMOUNT_BYTES_MAX ||
        decimal_parse(values->text[index], &decimal) < 0 ||
        decimal_rescale(decimal, PERMYRIAD_PLACES, &share) < 0 || share < 0 ||
        share > CASH_OUT_WHOLE)
        return refuse_field(refusal, FAULT_INVALID_FIELD, &cash_out_fields[index]);
    *ret = (uint32_t)share;
    return true;
}

/* The part by its stake or by its share of what is left, one of the two; neither: all of it. */
static bool take_part(const struct field_values *values, struct currency currency,
                      struct cash_out_decoded *ret, struct request_refusal *refusal)
{
    struct money stake = {0};
    const struct field *field = &cash_out_fields[CASH_OUT_FRACTION];
    bool by_stake = field_seen(values, CASH_OUT_STAKE);
    if (by_stake && field_seen(values, CASH_OUT_FRACTION))
        return refuse_field(refusal, FAULT_INVALID_FIELD, field);
    if (by_stake && !take_amount(&cash_out_fields[CASH_OUT_STAKE], values->text[CASH_OUT_STAKE],
                                 currency, &stake, refusal))
        return false;
    ret->stake = stake.minor;
    if (!take_share(values, CASH_OUT_FRACTION, CASH_OUT_WHOLE, &ret->fraction, refusal))
        return false;
    return ret->fraction > 0 || refuse_field(refusal, FAULT_INVALID_FIELD, field);
}

static void hash_cash_out(struct bet_scratch *scratch, struct bet_id bet,
                          struct cash_out_decoded *cash_out)
{
    struct buf canonical = buf_over(scratch->canonical, BET_BODY_BYTES_MAX);
    put_text(&canonical, SLICE("cash_out"));
    put_u64(&canonical, bet.n);
    put_text(&canonical, cash_out->offer);
    put_u64(&canonical, (uint64_t)cash_out->amount);
    put_u64(&canonical, (uint64_t)cash_out->stake);
    put_u64(&canonical, (uint64_t)cash_out->fraction << 32 | cash_out->tolerance);
    put_hash(&canonical, cash_out->request_hash);
}

bool cash_out_decode(struct slice body, const struct decode_context *context, struct bet_id bet,
                     struct cash_out_decoded *ret, struct request_refusal *ret_refusal)
{
    struct field_values values;
    struct money amount = {0};
    *ret = (struct cash_out_decoded){0};
    if (!read_object(body, context, (struct members){cash_out_fields, CASH_OUT_FIELDS_COUNT},
                     &values, ret_refusal) ||
        !take_key(context, &values, CASH_OUT_KEY, &ret->key, ret_refusal))
        return false;
    if (!field_seen(&values, CASH_OUT_OFFER_ID))
        return refuse_field(ret_refusal, FAULT_MISSING_FIELD, &cash_out_fields[CASH_OUT_OFFER_ID]);
    ret->offer = values.text[CASH_OUT_OFFER_ID];
    if (ret->offer.bytes == 0 || ret->offer.bytes > CASH_OUT_OFFER_BYTES)
        return refuse_field(ret_refusal, FAULT_INVALID_FIELD, &cash_out_fields[CASH_OUT_OFFER_ID]);
    if (!take_amount(&cash_out_fields[CASH_OUT_AMOUNT], values.text[CASH_OUT_AMOUNT],
                     context->account_currency, &amount, ret_refusal) ||
        !take_part(&values, context->account_currency, ret, ret_refusal) ||
        !take_share(&values, CASH_OUT_TOLERANCE, 0, &ret->tolerance, ret_refusal))
        return false;
    ret->amount = amount.minor;
    hash_cash_out(context->scratch, bet, ret);
    return true;
}
