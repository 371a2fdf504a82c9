/* result_decode.c - contract in result_decode.h. */
#include "roles/backoffice/result_decode.h"

#include "base/error.h"
#include "base/rfc3339.h"
#include "core/ids.h"
#include "core/market_line.h"

#define VERSION_MAX ((UINT64_C(1) << 53) - 1)

enum body_field { BODY_VERSION, BODY_MARKETS, BODY_REASON, BODY_FIELDS_COUNT };
static const struct field body_fields[BODY_FIELDS_COUNT] = {
    [BODY_VERSION] = {"result_version", JSON_NUMBER},
    [BODY_MARKETS] = {"markets", JSON_ARRAY},
    [BODY_REASON] = {"reason", JSON_STRING},
};

enum market_field {
    MARKET_ID,
    MARKET_SELECTIONS,
    MARKET_KIND,
    MARKET_PLACES,
    MARKET_SCORE,
    MARKET_VOID_FROM,
    MARKET_VOID_UNTIL,
    MARKET_MODEL,
    MARKET_FIELDS_COUNT
};
static const struct field market_fields[MARKET_FIELDS_COUNT] = {
    [MARKET_ID] = {"market_id", JSON_STRING},
    [MARKET_SELECTIONS] = {"selections", JSON_ARRAY},
    [MARKET_KIND] = {"kind", JSON_STRING},
    [MARKET_PLACES] = {"places", JSON_NUMBER},
    [MARKET_SCORE] = {"score", JSON_ARRAY},
    [MARKET_VOID_FROM] = {"void_from", JSON_STRING},
    [MARKET_VOID_UNTIL] = {"void_until", JSON_STRING},
    [MARKET_MODEL] = {"deduction_model", JSON_STRING},
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

/* One of the words, from 1; NULL ends them. */
static unsigned listed(const char *const *words, struct slice text)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        if (slice_is(text, words[i]))
            return i + 1;
    return 0;
}

static bool take_kind(const struct field_values *values, enum result_kind *ret,
                      struct request_refusal *refusal)
{
    static const char *const kinds[] = {"result", "rollback", "cancel", "undo_cancel", NULL};
    *ret = RESULT_SET;
    if (field_seen(values, MARKET_KIND))
        *ret = (enum result_kind)listed(kinds, values->text[MARKET_KIND]);
    return *ret != 0 || wrong(refusal, &market_fields[MARKET_KIND]);
}

/* What this kind does not have must not stand there: somebody meant something else by it. */
static bool fits_kind(const struct field_values *values, enum result_kind kind,
                      struct request_refusal *refusal)
{
    static const struct {
        enum market_field field;
        unsigned kinds; /* bit n: allowed for kind n */
    } rows[] = {
        {MARKET_SELECTIONS, 1u << RESULT_SET | 1u << RESULT_ROLLBACK},
        {MARKET_PLACES, 1u << RESULT_SET},
        {MARKET_SCORE, 1u << RESULT_SET},
        {MARKET_MODEL, 1u << RESULT_SET},
        {MARKET_VOID_FROM, 1u << RESULT_CANCEL | 1u << RESULT_UNDO_CANCEL},
        {MARKET_VOID_UNTIL, 1u << RESULT_CANCEL | 1u << RESULT_UNDO_CANCEL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (field_seen(values, rows[i].field) && (rows[i].kinds >> kind & 1) == 0)
            return wrong(refusal, &market_fields[rows[i].field]);
    return true;
}

/* [home, away] */
static bool take_score(struct slice json, struct feed_result *ret)
{
    struct json_reader reader;
    char scratch[16];
    size_t count = 0;
    json_begin(&reader, json, scratch, sizeof scratch);
    if (!json_array_begin(&reader))
        return false;
    while (json_array_next(&reader)) {
        struct slice digits;
        uint64_t points = 0;
        if (count == 2 || !json_number(&reader, &digits) ||
            (!slice_is(digits, "0") && !field_positive(digits, LINE_SCORE_MAX, &points)))
            return false;
        ret->score[count++] = (uint16_t)points;
    }
    ret->score_known = true;
    return json_end(&reader) == 0 && count == 2;
}

/* Without an end on one side it is open there; without both it is all bets. */
static bool take_window(const struct field_values *values, struct feed_result *ret,
                        struct request_refusal *refusal)
{
    ret->void_from = (struct instant){0};
    ret->void_until = (struct instant){RFC3339_US_MAX};
    if (field_seen(values, MARKET_VOID_FROM) &&
        rfc3339_parse(values->text[MARKET_VOID_FROM], &ret->void_from) < 0)
        return wrong(refusal, &market_fields[MARKET_VOID_FROM]);
    if (field_seen(values, MARKET_VOID_UNTIL) &&
        rfc3339_parse(values->text[MARKET_VOID_UNTIL], &ret->void_until) < 0)
        return wrong(refusal, &market_fields[MARKET_VOID_UNTIL]);
    return ret->void_from.us < ret->void_until.us ||
           wrong(refusal, &market_fields[MARKET_VOID_UNTIL]);
}

static bool take_rules(const struct field_values *values, const struct result_policy *policy,
                       struct result_rules *ret, struct request_refusal *refusal)
{
    static const char *const models[] = {"rule4", "winnings", "price", NULL};
    uint64_t places = 1;
    ret->model = policy->model;
    ret->table = policy->rule4.table;
    if (field_seen(values, MARKET_MODEL))
        ret->model = (enum deduction_model)listed(models, values->text[MARKET_MODEL]);
    if (ret->model == 0)
        return wrong(refusal, &market_fields[MARKET_MODEL]);
    if (field_seen(values, MARKET_PLACES) &&
        !field_positive(values->text[MARKET_PLACES], PLACE_TERM_MAX, &places))
        return wrong(refusal, &market_fields[MARKET_PLACES]);
    ret->places = (uint32_t)places;
    return true;
}

/* Where the request is being read: the selections' texts go behind what the inner scratch holds. */
struct reading {
    const struct result_policy *policy;
    struct result_decoded *decoded;
    size_t inner_used;
    struct request_refusal *refusal;
};

static bool take_selections(struct reading *reading, struct slice json,
                            const struct result_rules *rules, struct feed_result *market)
{
    struct result_decoded *ret = reading->decoded;
    struct json_reader reader;
    size_t first = ret->selections_count;
    json_begin(&reader, json, ret->inner_scratch + reading->inner_used,
               sizeof ret->inner_scratch - reading->inner_used);
    if (!json_array_begin(&reader))
        return refuse(reading->refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    while (json_array_next(&reader)) {
        struct feed_selection_result selection;
        if (!result_selection_read(&reader, rules, &selection, reading->refusal))
            return false;
        if (ret->selections_count == RESULT_SELECTIONS_MAX)
            return wrong(reading->refusal, &market_fields[MARKET_SELECTIONS]);
        ret->selections[ret->selections_count++] = selection;
        market->deduction_model = selection.deduction != 0 ? rules->model : market->deduction_model;
    }
    reading->inner_used += reader.scratch_used;
    if (json_end(&reader) < 0)
        return refuse(reading->refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    market->selections = &ret->selections[first];
    market->selections_count = ret->selections_count - first;
    return market->selections_count > 0 ||
           wrong(reading->refusal, &market_fields[MARKET_SELECTIONS]);
}

/* Results, or their rollback. */
static bool take_results(struct reading *reading, const struct field_values *values,
                         struct feed_result *market)
{
    struct result_rules rules = {.kind = market->kind};
    const struct rule4_policy *rule4 = &reading->policy->rule4;
    if (field_seen(values, MARKET_SCORE) && !take_score(values->text[MARKET_SCORE], market))
        return wrong(reading->refusal, &market_fields[MARKET_SCORE]);
    if (!take_rules(values, reading->policy, &rules, reading->refusal))
        return false;
    bool optional = market->kind == RESULT_ROLLBACK || market->score_known;
    if (!field_seen(values, MARKET_SELECTIONS))
        return optional || need(values, market_fields, MARKET_SELECTIONS, reading->refusal);
    if (!take_selections(reading, values->text[MARKET_SELECTIONS], &rules, market))
        return false;
    if (market->deduction_model == DEDUCT_RULE4) {
        market->cap_pence = rule4->cap_pence;
        market->waive_pence = rule4->waive_pence;
    }
    return true;
}

static bool take_market(struct reading *reading, struct json_reader *reader)
{
    struct result_decoded *ret = reading->decoded;
    struct request_refusal *refusal = reading->refusal;
    struct field_values values;
    if (!fields_read(reader, market_fields, MARKET_FIELDS_COUNT, &values, refusal) ||
        !need(&values, market_fields, MARKET_ID, refusal))
        return false;
    struct feed_result market = {.market_id = values.text[MARKET_ID]};
    if (market.market_id.bytes == 0 || market.market_id.bytes > MARKET_ID_BYTES_MAX)
        return wrong(refusal, &market_fields[MARKET_ID]);
    if (ret->markets_count == RESULT_MARKETS_MAX)
        return wrong(refusal, &body_fields[BODY_MARKETS]);
    for (size_t i = 0; i < ret->markets_count; i++)
        if (slice_equal(ret->markets[i].market_id, market.market_id))
            return wrong(refusal, &market_fields[MARKET_ID]); /* twice: which one is meant? */
    if (!take_kind(&values, &market.kind, refusal) || !fits_kind(&values, market.kind, refusal))
        return false;
    bool window = market.kind == RESULT_CANCEL || market.kind == RESULT_UNDO_CANCEL;
    if (!(window ? take_window(&values, &market, refusal)
                 : take_results(reading, &values, &market)))
        return false;
    ret->markets[ret->markets_count++] = market;
    return true;
}

static bool take_markets(struct reading *reading, struct slice json, size_t body_used)
{
    struct result_decoded *ret = reading->decoded;
    struct json_reader reader;
    json_begin(&reader, json, ret->scratch + body_used, sizeof ret->scratch - body_used);
    if (!json_array_begin(&reader))
        return refuse(reading->refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    while (json_array_next(&reader))
        if (!take_market(reading, &reader))
            return false;
    if (json_end(&reader) < 0)
        return refuse(reading->refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    return ret->markets_count > 0 || wrong(reading->refusal, &body_fields[BODY_MARKETS]);
}

bool result_decode(struct slice body, const struct result_policy *policy,
                   struct result_decoded *ret, struct request_refusal *ret_refusal)
{
    struct json_reader reader;
    struct field_values values;
    uint64_t version;
    struct reading reading = {.policy = policy, .decoded = ret, .refusal = ret_refusal};
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
    if (!take_markets(&reading, values.text[BODY_MARKETS], reader.scratch_used))
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
