/* result_selection.c - contract in result_selection.h. What a selection comes to is said in one of
 * three ways: by a result word with its factors, by where it finished, or by when it was withdrawn;
 * two of them have to agree. */
#include "roles/backoffice/result_selection.h"

#include "base/decimal.h"
#include "base/divisor.h"
#include "base/error.h"
#include "base/rfc3339.h"
#include "core/dead_heat.h"
#include "core/ids.h"

#define PERMYRIAD_PER_PENCE 100

enum selection_field {
    SEL_ID,
    SEL_RESULT,
    SEL_VOID,
    SEL_DEAD_HEAT,
    SEL_REASON,
    SEL_POSITION,
    SEL_TIED,
    SEL_WITHDRAWN_AT,
    SEL_WITHDRAWN_ODDS,
    SEL_REDUCTION,
    SEL_FIELDS_COUNT
};
static const struct field selection_fields[SEL_FIELDS_COUNT] = {
    [SEL_ID] = {"selection_id", JSON_STRING},
    [SEL_RESULT] = {"result", JSON_STRING},
    [SEL_VOID] = {"void_factor", JSON_NUMBER},
    [SEL_DEAD_HEAT] = {"dead_heat_factor", JSON_INVALID},
    [SEL_REASON] = {"reason", JSON_STRING},
    [SEL_POSITION] = {"position", JSON_NUMBER},
    [SEL_TIED] = {"tied", JSON_NUMBER},
    [SEL_WITHDRAWN_AT] = {"withdrawn_at", JSON_STRING},
    [SEL_WITHDRAWN_ODDS] = {"withdrawn_odds", JSON_INVALID},
    [SEL_REDUCTION] = {"reduction_factor", JSON_NUMBER},
};

static bool wrong(struct request_refusal *refusal, enum selection_field field)
{
    return refuse(refusal, FAULT_INVALID_FIELD, slice_text(selection_fields[field].name));
}

static bool missing(struct request_refusal *refusal, enum selection_field field)
{
    return refuse(refusal, FAULT_MISSING_FIELD, slice_text(selection_fields[field].name));
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
static bool take_word(const struct field_values *values, struct leg_result *ret,
                      struct request_refusal *refusal)
{
    uint8_t halves;
    if (!leg_result_parse(values->text[SEL_RESULT], ret))
        return wrong(refusal, SEL_RESULT);
    if (field_seen(values, SEL_VOID)) {
        if (!take_void(values->text[SEL_VOID], &halves) ||
            (ret->void_halves != 0 && halves != ret->void_halves))
            return wrong(refusal, SEL_VOID);
        ret->void_halves = halves;
    }
    if (field_seen(values, SEL_DEAD_HEAT) && !take_dead_heat(values->text[SEL_DEAD_HEAT], ret))
        return wrong(refusal, SEL_DEAD_HEAT);
    return leg_result_valid(*ret) || wrong(refusal, SEL_DEAD_HEAT);
}

/* By position, how many share it, and the market's places (BETTING-RULES 4.2). A word beside it
 * that is no void has to say the same of won or lost; a stated dead heat factor stands. */
static bool take_position(const struct field_values *values, const struct result_rules *rules,
                          struct feed_selection_result *ret, struct request_refusal *refusal)
{
    uint64_t position, tied = 1;
    struct leg_result placed;
    if (!field_positive(values->text[SEL_POSITION], UINT16_MAX, &position))
        return wrong(refusal, SEL_POSITION);
    if (field_seen(values, SEL_TIED) &&
        !field_positive(values->text[SEL_TIED], DEAD_HEAT_TERM_MAX, &tied))
        return wrong(refusal, SEL_TIED);
    ret->position = (uint32_t)position;
    ret->tied = (uint32_t)tied;
    if (!dead_heat_result(ret->position, ret->tied, rules->places, &placed))
        return wrong(refusal, SEL_TIED);
    if (!field_seen(values, SEL_RESULT)) {
        ret->result = placed;
        return true;
    }
    if (ret->result.void_halves == 2)
        return true;
    if (ret->result.won != placed.won)
        return wrong(refusal, SEL_RESULT);
    if (!field_seen(values, SEL_DEAD_HEAT)) {
        ret->result.dead_heat_numerator = placed.dead_heat_numerator;
        ret->result.dead_heat_denominator = placed.dead_heat_denominator;
    }
    return true;
}

/* The price at which it was withdrawn, or what it takes off. Rule 4 counts whole pence. */
static bool take_deduction(const struct field_values *values, const struct result_rules *rules,
                           uint32_t *ret, struct request_refusal *refusal)
{
    struct slice text = values->text[SEL_WITHDRAWN_ODDS];
    struct decimal percent;
    struct odds odds;
    int64_t permyriad = 0;
    if (field_seen(values, SEL_WITHDRAWN_ODDS)) {
        bool exact = memchr(text.at, '/', text.bytes) != NULL;
        if (rules->model != DEDUCT_RULE4 || field_seen(values, SEL_REDUCTION) ||
            (exact ? odds_parse_exact(text, &odds) : odds_parse_decimal(text, &odds)) < 0)
            return wrong(refusal, SEL_WITHDRAWN_ODDS);
        *ret = rule4_pence(rules->table, odds) * PERMYRIAD_PER_PENCE;
        return true;
    }
    if (decimal_parse(values->text[SEL_REDUCTION], &percent) < 0 ||
        decimal_rescale(percent, 2, &permyriad) < 0 || permyriad < 0 ||
        permyriad >= DEDUCTION_WHOLE ||
        (rules->model == DEDUCT_RULE4 && permyriad % PERMYRIAD_PER_PENCE != 0))
        return wrong(refusal, SEL_REDUCTION);
    *ret = (uint32_t)permyriad;
    return true;
}

/* It did not run: its bets are void (lost where they are ante-post), and it takes something off. */
static bool take_withdrawal(const struct field_values *values, const struct result_rules *rules,
                            struct feed_selection_result *ret, struct request_refusal *refusal)
{
    if (rfc3339_parse(values->text[SEL_WITHDRAWN_AT], &ret->withdrawn_at) < 0 ||
        ret->withdrawn_at.us < 1)
        return wrong(refusal, SEL_WITHDRAWN_AT);
    if (field_seen(values, SEL_POSITION))
        return wrong(refusal, SEL_POSITION);
    if (field_seen(values, SEL_RESULT) && ret->result.void_halves != 2)
        return wrong(refusal, SEL_RESULT);
    ret->result = LEG_VOID;
    bool deducts = field_seen(values, SEL_WITHDRAWN_ODDS) || field_seen(values, SEL_REDUCTION);
    return !deducts || take_deduction(values, rules, &ret->deduction, refusal);
}

/* What belongs to another member that is not there. */
static bool nothing_alone(const struct field_values *values, struct request_refusal *refusal)
{
    bool withdrawn = field_seen(values, SEL_WITHDRAWN_AT);
    if (!field_seen(values, SEL_RESULT) &&
        (field_seen(values, SEL_VOID) || field_seen(values, SEL_DEAD_HEAT)))
        return missing(refusal, SEL_RESULT);
    if (field_seen(values, SEL_TIED) && !field_seen(values, SEL_POSITION))
        return missing(refusal, SEL_POSITION);
    if (!withdrawn && (field_seen(values, SEL_WITHDRAWN_ODDS) || field_seen(values, SEL_REDUCTION)))
        return missing(refusal, SEL_WITHDRAWN_AT);
    return withdrawn || field_seen(values, SEL_RESULT) || field_seen(values, SEL_POSITION) ||
           missing(refusal, SEL_RESULT);
}

/* A rollback names what is open again, and why. */
static bool take_open(const struct field_values *values, struct feed_selection_result *ret,
                      struct request_refusal *refusal)
{
    for (int i = SEL_RESULT; i < SEL_FIELDS_COUNT; i++)
        if (i != SEL_REASON && field_seen(values, (size_t)i))
            return wrong(refusal, (enum selection_field)i);
    ret->open = true;
    ret->result = LEG_LOST; /* does not count */
    return true;
}

bool result_selection_read(struct json_reader *reader, const struct result_rules *rules,
                           struct feed_selection_result *ret, struct request_refusal *refusal)
{
    struct field_values values;
    if (!fields_read(reader, selection_fields, SEL_FIELDS_COUNT, &values, refusal))
        return false;
    if (!field_seen(&values, SEL_ID))
        return missing(refusal, SEL_ID);
    *ret = (struct feed_selection_result){.selection_id = values.text[SEL_ID],
                                          .reason = values.text[SEL_REASON]};
    if (ret->selection_id.bytes == 0 || ret->selection_id.bytes > SELECTION_ID_BYTES_MAX)
        return wrong(refusal, SEL_ID);
    if (ret->reason.bytes > REASON_BYTES_MAX)
        return wrong(refusal, SEL_REASON);
    if (rules->kind == RESULT_ROLLBACK)
        return take_open(&values, ret, refusal);
    if (!nothing_alone(&values, refusal) ||
        (field_seen(&values, SEL_RESULT) && !take_word(&values, &ret->result, refusal)))
        return false;
    if (field_seen(&values, SEL_WITHDRAWN_AT))
        return take_withdrawal(&values, rules, ret, refusal);
    return !field_seen(&values, SEL_POSITION) || take_position(&values, rules, ret, refusal);
}
