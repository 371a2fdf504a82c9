/* bet_fields.c - contract in bet_fields.h. */
#include "roles/bet/bet_fields.h"

#include "base/assert.h"
#include "base/decimal.h"

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
        if (kind != fields[i].kind)
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
