/* result_decode.c - contract in result_decode.h. */
#include "roles/backoffice/result_decode.h"

#include "base/decimal.h"
#include "base/divisor.h"
#include "base/error.h"
#include "core/ids.h"

#define VERSION_MAX ((UINT64_C(1) << 53) - 1)

enum body_field { BODY_VERSION, BODY_MARKETS, BODY_REASON, BODY_FIELDS_COUNT };
static const struct field body_fields[BODY_FIELDS_COUNT] = {
    [BODY_VERSION] = {"result_version", JSON_NUMBER},
    [BODY_MARKETS] = {"markets", JSON_ARRAY},
    [BODY_REASON] = {"reason", JSON_STRING},
};

enum market_field { MARKET_ID, MARKET_SELECTIONS, MARKET_FIELDS_COUNT };
static const struct field market_fields[MARKET_FIELDS_COUNT] = {
    [MARKET_ID] = {"market_id", JSON_STRING},
    [MARKET_SELECTIONS] = {"selections", JSON_ARRAY},
};

enum selection_field { SEL_ID, SEL_RESULT, SEL_VOID, SEL_DEAD_HEAT, SEL_REASON, SEL_FIELDS_COUNT };
static const struct field selection_fields[SEL_FIELDS_COUNT] = {
    [SEL_ID] = {"selection_id", JSON_STRING},  [SEL_RESULT] = {"result", JSON_STRING},
    [SEL_VOID] = {"void_factor", JSON_NUMBER}, [SEL_DEAD_HEAT] = {"dead_heat_factor", JSON_INVALID},
    [SEL_REASON] = {"reason", JSON_STRING},
};

static bool wrong(struct request_refusal *refusal, const struct field *field)
{
    return refuse(refusal, FAULT_INVALID_FIELD, slice_text(field->name));
}

static bool need(const struct field_values *values, const struct field *fields, size_t index,
                 struct request_refusal *refusal)
{
    return field_seen(values, index) ||
           refuse(refusal, FAULT_MISSING_FIELD, slice_text(fields[index].name));
}

/* 0, 0.5 or 1 in halves. */
static bool take_void(struct slice digits, uint8_t *ret_halves)
{
    struct decimal value;
    int64_t tenths;
    if (decimal_parse(digits, &value) < 0 || decimal_rescale(value, 1, &tenths) < 0 ||
        (tenths != 0 && tenths != 5 && tenths != 10))
        return false;
    *ret_halves = (uint8_t)(tenths / 5);
    return true;
}

static bool take_term(struct slice digits, uint16_t *ret)
{
    uint64_t term;
    if (!field_positive(digits, DEAD_HEAT_TERM_MAX, &term))
        return false;
    *ret = (uint16_t)term;
    return true;
}

/* "1/3" as text, or an exact decimal: 0.5 is 1/2. */
static bool take_dead_heat(struct slice text, struct leg_result *ret)
{
    const char *slash = memchr(text.at, '/', text.bytes);
    if (slash != NULL) {
        size_t first = (size_t)(slash - text.at);
        return take_term(slice_of(text.at, first), &ret->dead_heat_numerator) &&
               take_term(slice_skip(text, first + 1), &ret->dead_heat_denominator);
    }
    struct decimal value;
    if (decimal_parse(text, &value) < 0 || value.mantissa <= 0)
        return false;
    uint64_t denominator = 1;
    for (int i = 0; i < value.scale; i++)
        denominator *= 10;
    uint64_t divisor = common_divisor((uint64_t)value.mantissa, denominator);
    uint64_t numerator = (uint64_t)value.mantissa / divisor;
    denominator /= divisor;
    if (numerator > DEAD_HEAT_TERM_MAX || denominator > DEAD_HEAT_TERM_MAX)
        return false;
    ret->dead_heat_numerator = (uint16_t)numerator;
    ret->dead_heat_denominator = (uint16_t)denominator;
    return true;
}

/* The word sets the factors; a factor that is stated must fit it: half of a WON may be void. */
static bool take_result(const struct field_values *values, struct leg_result *ret,
                        struct request_refusal *refusal)
{
    uint8_t halves;
    if (!need(values, selection_fields, SEL_RESULT, refusal))
        return false;
    if (!leg_result_parse(values->text[SEL_RESULT], ret))
        return wrong(refusal, &selection_fields[SEL_RESULT]);
    if (field_seen(values, SEL_VOID)) {
        if (!take_void(values->text[SEL_VOID], &halves) ||
            (ret->void_halves != 0 && halves != ret->void_halves))
            return wrong(refusal, &selection_fields[SEL_VOID]);
        ret->void_halves = halves;
    }
    if (field_seen(values, SEL_DEAD_HEAT) && !take_dead_heat(values->text[SEL_DEAD_HEAT], ret))
        return wrong(refusal, &selection_fields[SEL_DEAD_HEAT]);
    return leg_result_valid(*ret) || wrong(refusal, &selection_fields[SEL_DEAD_HEAT]);
}

static bool take_selection(struct json_reader *reader, struct result_decoded *ret,
                           struct request_refusal *refusal)
{
    struct field_values values;
    if (!fields_read(reader, selection_fields, SEL_FIELDS_COUNT, &values, refusal) ||
        !need(&values, selection_fields, SEL_ID, refusal))
        return false;
    if (ret->selections_count == RESULT_SELECTIONS_MAX)
        return wrong(refusal, &market_fields[MARKET_SELECTIONS]);
    struct feed_selection_result *selection = &ret->selections[ret->selections_count++];
    selection->selection_id = values.text[SEL_ID];
    selection->reason = values.text[SEL_REASON];
    if (selection->selection_id.bytes == 0 ||
        selection->selection_id.bytes > SELECTION_ID_BYTES_MAX)
        return wrong(refusal, &selection_fields[SEL_ID]);
    return take_result(&values, &selection->result, refusal);
}

/* The selections' texts go behind what the inner scratch already holds: they stay. */
static bool take_selections(struct slice json, size_t *scratch_used, struct result_decoded *ret,
                            struct request_refusal *refusal)
{
    struct json_reader reader;
    json_begin(&reader, json, ret->inner_scratch + *scratch_used,
               sizeof ret->inner_scratch - *scratch_used);
    if (!json_array_begin(&reader))
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    while (json_array_next(&reader))
        if (!take_selection(&reader, ret, refusal))
            return false;
    *scratch_used += reader.scratch_used;
    return json_end(&reader) == 0 || refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
}

static bool take_market(struct json_reader *reader, size_t *scratch_used,
                        struct result_decoded *ret, struct request_refusal *refusal)
{
    struct field_values values;
    if (!fields_read(reader, market_fields, MARKET_FIELDS_COUNT, &values, refusal) ||
        !need(&values, market_fields, MARKET_ID, refusal) ||
        !need(&values, market_fields, MARKET_SELECTIONS, refusal))
        return false;
    struct slice id = values.text[MARKET_ID];
    if (id.bytes == 0 || id.bytes > MARKET_ID_BYTES_MAX)
        return wrong(refusal, &market_fields[MARKET_ID]);
    if (ret->markets_count == RESULT_MARKETS_MAX)
        return wrong(refusal, &body_fields[BODY_MARKETS]);
    for (size_t i = 0; i < ret->markets_count; i++)
        if (slice_equal(ret->markets[i].market_id, id))
            return wrong(refusal, &market_fields[MARKET_ID]); /* twice: which one is meant? */
    size_t first = ret->selections_count;
    if (!take_selections(values.text[MARKET_SELECTIONS], scratch_used, ret, refusal))
        return false;
    ret->markets[ret->markets_count++] = (struct feed_result){
        .kind = RESULT_SET,
        .market_id = id,
        .selections = &ret->selections[first],
        .selections_count = ret->selections_count - first,
    };
    return ret->selections_count > first || wrong(refusal, &market_fields[MARKET_SELECTIONS]);
}

static bool take_markets(struct slice json, size_t body_used, struct result_decoded *ret,
                         struct request_refusal *refusal)
{
    struct json_reader reader;
    size_t inner_used = 0;
    json_begin(&reader, json, ret->scratch + body_used, sizeof ret->scratch - body_used);
    if (!json_array_begin(&reader))
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    while (json_array_next(&reader))
        if (!take_market(&reader, &inner_used, ret, refusal))
            return false;
    if (json_end(&reader) < 0)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    return ret->markets_count > 0 || wrong(refusal, &body_fields[BODY_MARKETS]);
}

bool result_decode(struct slice body, struct result_decoded *ret,
                   struct request_refusal *ret_refusal)
{
    struct json_reader reader;
    struct field_values values;
    uint64_t version;
    ret->markets_count = ret->selections_count = 0;
    json_begin(&reader, body, ret->scratch, sizeof ret->scratch);
    if (body.bytes > RESULT_BODY_BYTES_MAX || json_peek(&reader) != JSON_OBJECT)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!fields_read(&reader, body_fields, BODY_FIELDS_COUNT, &values, ret_refusal))
        return false;
    if (json_end(&reader) < 0)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!need(&values, body_fields, BODY_VERSION, ret_refusal) ||
        !need(&values, body_fields, BODY_MARKETS, ret_refusal))
        return false;
    if (!field_positive(values.text[BODY_VERSION], VERSION_MAX, &version))
        return wrong(ret_refusal, &body_fields[BODY_VERSION]);
    ret->reason = values.text[BODY_REASON];
    if (ret->reason.bytes > REASON_BYTES_MAX)
        return wrong(ret_refusal, &body_fields[BODY_REASON]);
    if (!take_markets(values.text[BODY_MARKETS], reader.scratch_used, ret, ret_refusal))
        return false;
    for (size_t i = 0; i < ret->markets_count; i++)
        ret->markets[i].result_version = version;
    return true;
}

bool reason_decode(struct slice body, char *scratch, size_t scratch_bytes, struct slice *ret_reason,
                   struct request_refusal *ret_refusal)
{
    static const struct field fields[] = {{"reason", JSON_STRING}};
    struct json_reader reader;
    struct field_values values;
    json_begin(&reader, body, scratch, scratch_bytes);
    if (json_peek(&reader) != JSON_OBJECT)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!fields_read(&reader, fields, 1, &values, ret_refusal))
        return false;
    if (json_end(&reader) < 0)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!need(&values, fields, 0, ret_refusal))
        return false;
    *ret_reason = values.text[0];
    return (ret_reason->bytes > 0 && ret_reason->bytes <= REASON_BYTES_MAX) ||
           wrong(ret_refusal, &fields[0]);
}
