/* json_fields.c - contract in json_fields.h. */
#include "feeds/json_lines/json_fields.h"

#include "base/assert.h"
#include "base/rfc3339.h"

static bool read_value(struct json_reader *reader, enum json_kind kind, struct slice *ret)
{
    bool truth = false;
    switch (kind) {
    case JSON_STRING:
        return json_string(reader, ret);
    case JSON_NUMBER:
        return json_number(reader, ret);
    case JSON_TRUE:
    case JSON_FALSE:
        if (!json_bool(reader, &truth))
            return false;
        *ret = truth ? SLICE("true") : SLICE("false");
        return true;
    case JSON_OBJECT:
    case JSON_ARRAY:
        if (json_peek(reader) != kind)
            break;
        return json_raw(reader, ret);
    case JSON_INVALID:
    case JSON_NULL:
        break;
    }
    json_fail(reader);
    return false;
}

static size_t find(const struct json_field *table, size_t count, struct slice key)
{
    size_t i = 0;
    while (i < count && !slice_is(key, table[i].name))
        i++;
    return i;
}

bool json_fields_read(struct json_reader *reader, const struct json_field *table, size_t count,
                      struct json_fields *ret)
{
    struct slice key;
    ASSERT(count <= JSON_FIELDS_MAX);
    *ret = (struct json_fields){.seen = 0};
    if (!json_object_begin(reader))
        return false;
    while (json_object_next(reader, &key)) {
        size_t field = find(table, count, key);
        if (field == count || json_peek(reader) == JSON_NULL) {
            json_skip(reader);
            continue;
        }
        if (json_fields_have(ret, field))
            json_fail(reader);
        if (!read_value(reader, table[field].kind, &ret->text[field]))
            return false;
        ret->seen |= UINT32_C(1) << field;
    }
    return !reader->failed;
}

bool json_take_text(const struct json_fields *fields, size_t field, size_t bytes_max,
                    struct slice *ret)
{
    if (!json_fields_have(fields, field))
        return true;
    *ret = fields->text[field];
    return ret->bytes > 0 && ret->bytes <= bytes_max;
}

bool json_take_number(const struct json_fields *fields, size_t field, struct json_range range,
                      int64_t *ret)
{
    struct json_reader reader;
    int64_t value = 0;
    if (!json_fields_have(fields, field))
        return true;
    json_begin(&reader, fields->text[field], NULL, 0);
    if (!json_i64(&reader, &value) || json_end(&reader) < 0 || value < range.least ||
        value > range.most)
        return false;
    *ret = value;
    return true;
}

void json_take_bool(const struct json_fields *fields, size_t field, bool *ret)
{
    if (json_fields_have(fields, field))
        *ret = slice_is(fields->text[field], "true");
}

bool json_take_instant(const struct json_fields *fields, size_t field, struct instant *ret)
{
    return !json_fields_have(fields, field) ||
           (rfc3339_parse(fields->text[field], ret) == 0 && ret->us > 0);
}

bool json_take_pair(const struct json_fields *fields, size_t field, int64_t most, int64_t ret[2])
{
    struct json_reader reader;
    size_t count = 0;
    if (!json_fields_have(fields, field))
        return true;
    json_begin(&reader, fields->text[field], NULL, 0);
    json_array_begin(&reader);
    while (count < 3 && json_array_next(&reader)) {
        int64_t value = 0;
        if (count == 2 || !json_i64(&reader, &value) || value < 0 || value > most)
            return false;
        ret[count++] = value;
    }
    return count == 2 && json_end(&reader) == 0;
}
