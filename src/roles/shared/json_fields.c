/* json_fields.c - contract in json_fields.h. */
#include "roles/shared/json_fields.h"

#include "base/assert.h"
#include "base/decimal.h"
#include "roles/shared/problem.h"

bool refuse(struct request_refusal *ret_refusal, enum request_fault fault, struct slice field)
{
    *ret_refusal = (struct request_refusal){fault, field};
    return false;
}

static bool read_value(struct json_reader *reader, enum json_kind kind, struct slice *ret)
{
    bool truth = false;
    if (kind == JSON_TRUE) {
        if (!json_bool(reader, &truth))
            return false;
        *ret = truth ? SLICE("true") : SLICE("false");
        return true;
    }
    if (kind == JSON_STRING)
        return json_string(reader, ret);
    if (kind == JSON_NUMBER)
        return json_number(reader, ret);
    ASSERT(kind == JSON_ARRAY);
    return json_raw(reader, ret);
}

static size_t find_field(const struct field *fields, size_t count, struct slice key)
{
    size_t i = 0;
    while (i < count && !slice_is(key, fields[i].name))
        i++;
    return i;
}

static bool kind_fits(enum json_kind kind, enum json_kind wanted)
{
    return kind == wanted ||
           (wanted == JSON_INVALID && (kind == JSON_STRING || kind == JSON_NUMBER));
}

bool fields_read(struct json_reader *reader, const struct field *fields, size_t count,
                 struct field_values *ret, struct request_refusal *ret_refusal)
{
    ASSERT(count <= FIELDS_MAX);
    struct slice key;
    *ret = (struct field_values){0};
    if (!json_object_begin(reader))
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    while (json_object_next(reader, &key)) {
        size_t i = find_field(fields, count, key);
        enum json_kind kind = json_peek(reader);
        if (kind == JSON_INVALID) {
            json_fail(reader); /* not JSON at all: said below */
            break;
        }
        if (kind == JSON_FALSE)
            kind = JSON_TRUE;
        if (i == count)
            return refuse(ret_refusal, FAULT_UNKNOWN_FIELD, key);
        if (field_seen(ret, i))
            return refuse(ret_refusal, FAULT_DUPLICATE_FIELD, key);
        if (!kind_fits(kind, fields[i].kind))
            return refuse(ret_refusal, FAULT_INVALID_FIELD, key);
        if (!read_value(reader, kind, &ret->text[i]))
            break;
        ret->seen |= 1u << i;
    }
    if (reader->failed)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    return true;
}

bool field_positive(struct slice digits, uint64_t max, uint64_t *ret)
{
    struct decimal value;
    int64_t whole;
    if (decimal_parse(digits, &value) < 0 || decimal_rescale(value, 0, &whole) < 0)
        return false;
    if (whole < 1 || (uint64_t)whole > max)
        return false;
    *ret = (uint64_t)whole;
    return true;
}

const char *request_fault_text(enum request_fault fault)
{
    static const char *const texts[] = {
#define TEXT(code) [FAULT_##code] = #code,
        REQUEST_FAULT_LIST(TEXT)
#undef TEXT
    };
    ASSERT(fault > REQUEST_FAULT_NONE && (size_t)fault < sizeof texts / sizeof *texts);
    return texts[fault];
}

static const char *fault_detail(enum request_fault fault)
{
    switch (fault) {
    case REQUEST_FAULT_NONE:
        break;
    case FAULT_MALFORMED_JSON:
        return "The body is not one JSON object.";
    case FAULT_UNKNOWN_FIELD:
        return "This request has no such member.";
    case FAULT_DUPLICATE_FIELD:
        return "The member stands there twice.";
    case FAULT_MISSING_FIELD:
        return "The member is missing.";
    case FAULT_INVALID_FIELD:
        return "The member has a value that it may not have.";
    case FAULT_AMOUNT_DIGITS:
        return "The amount has more digits than the currency, or is too large.";
    case FAULT_AMOUNT_NOT_POSITIVE:
        return "The amount must be above zero.";
    case FAULT_ODDS_INVALID:
        return "Decimal odds are above 1, at most 100000, with at most 4 decimals.";
    case FAULT_CURRENCY_UNKNOWN:
        return "The currency is not an ISO 4217 code that we take.";
    case FAULT_CURRENCY_REQUIRED:
        return "The account has no currency yet: say it.";
    case FAULT_TOO_MANY_LEGS:
        return "At most 100 legs.";
    case FAULT_IDEMPOTENCY_KEY_REQUIRED:
        return "Send an Idempotency-Key header or the member idempotency_key.";
    case FAULT_IDEMPOTENCY_KEY_INVALID:
        return "A key is 1 to 64 visible ASCII characters.";
    case FAULT_IDEMPOTENCY_KEYS_DIFFER:
        return "Header and body name different keys.";
    }
    return "";
}

void refusal_write(const struct request_refusal *refusal, struct buf *out)
{
    struct json_writer writer = problem_open(out, 400, request_fault_text(refusal->fault),
                                             slice_text(fault_detail(refusal->fault)));
    if (refusal->field.bytes > 0) {
        json_write_key(&writer, "field");
        json_write_text(&writer, refusal->field);
    }
    json_write_object_close(&writer);
}
