/* json_fields.h - the members of one JSON object, found by a table of their names, and their values
 * taken one by one. Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/json_read.h"
#include "base/slice.h"
#include "core/odds.h"

#define JSON_FIELDS_MAX 32

/* `kind` is what its value must be. JSON_TRUE stands for either truth value; of objects and arrays
 * the text is kept as it stands, to be read later. */
struct json_field {
    const char *name;
    enum json_kind kind;
};

/* Texts are unescaped, numbers and truth values are as they stand. Not seen: empty. */
struct json_fields {
    uint32_t seen; /* bit i: field i */
    struct slice text[JSON_FIELDS_MAX];
};

static inline bool json_fields_have(const struct json_fields *fields, size_t field)
{
    return (fields->seen & UINT32_C(1) << field) != 0;
}

/* Reads the object that the reader stands before, borrowing its text and scratch. A member that is
 * null was not said. False, and the reader fails: one has another kind, or comes twice. */
bool json_fields_read(struct json_reader *reader, const struct json_field *table, size_t count,
                      struct json_fields *ret);

/* Each takes the value of a field into *ret, or leaves *ret as it is where the field was not seen;
 * false when the value is none. */
bool json_take_text(const struct json_fields *fields, size_t field, size_t bytes_max,
                    struct slice *ret);
struct json_range {
    int64_t least, most;
};
bool json_take_number(const struct json_fields *fields, size_t field, struct json_range range,
                      int64_t *ret);
void json_take_bool(const struct json_fields *fields, size_t field, bool *ret);
bool json_take_instant(const struct json_fields *fields, size_t field, struct instant *ret);
/* [home, away], each up to `most`. */
bool json_take_pair(const struct json_fields *fields, size_t field, int64_t most, int64_t ret[2]);
