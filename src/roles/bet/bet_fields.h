/* bet_fields.h - reads one JSON object by a table of the members that it may have. For the
 * decoders of this folder. Thread: any. */
#pragma once

#include "base/json_read.h"
#include "roles/bet/bet_decode.h"

#define FIELDS_MAX 16

struct field {
    const char *name;
    enum json_kind kind; /* STRING: its text; NUMBER: its digits; ARRAY: its raw text;
                          * TRUE: either boolean, "true" or "false" */
};

/* What was there, by the index of the table. */
struct field_values {
    struct slice text[FIELDS_MAX];
    uint32_t seen; /* bit i: member i was there */
};

static inline bool field_seen(const struct field_values *values, size_t index)
{
    return (values->seen >> index & 1) != 0;
}

/* Reads the object that is next. False with the fault; the reader is then of no more use. */
bool fields_read(struct json_reader *reader, const struct field *fields, size_t count,
                 struct field_values *ret, struct request_refusal *ret_refusal);

/* Keeps the fault and answers false. */
bool refuse(struct request_refusal *ret_refusal, enum request_fault fault, struct slice field);

/* A JSON integer in 1 .. max. */
bool field_positive(struct slice digits, uint64_t max, uint64_t *ret);
