/* json_fields.h - reads one JSON object by a table of the members that it may have, strictly, and
 * names what is wrong with a body. Thread: any. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/json_read.h"

/* X(code): why a body is malformed. All are 400 and use up no idempotency key. */
#define REQUEST_FAULT_LIST(X)                                                                      \
    X(MALFORMED_JSON) /* not one JSON object, or not UTF-8, or too deep */                         \
    X(UNKNOWN_FIELD)                                                                               \
    X(DUPLICATE_FIELD)                                                                             \
    X(MISSING_FIELD)                                                                               \
    X(INVALID_FIELD) /* of another kind, or not a value that it may have */                        \
    X(AMOUNT_DIGITS) /* more decimals than the currency has, or too large */                       \
    X(AMOUNT_NOT_POSITIVE)                                                                         \
    X(ODDS_INVALID) /* not above 1, above 100000, more than 4 decimals, .. */                      \
    X(CURRENCY_UNKNOWN)                                                                            \
    X(CURRENCY_REQUIRED) /* not stated, and the account has none yet */                            \
    X(TOO_MANY_LEGS)                                                                               \
    X(IDEMPOTENCY_KEY_REQUIRED)                                                                    \
    X(IDEMPOTENCY_KEY_INVALID) /* not 1 to 64 visible ASCII characters */                          \
    X(IDEMPOTENCY_KEYS_DIFFER) /* header and body */

#define REQUEST_FAULT_ENUM(code) FAULT_##code,
enum request_fault { REQUEST_FAULT_NONE = 0, REQUEST_FAULT_LIST(REQUEST_FAULT_ENUM) };
#undef REQUEST_FAULT_ENUM

/* The wire name ("UNKNOWN_FIELD"); never NULL for a fault. */
const char *request_fault_text(enum request_fault fault);

struct request_refusal {
    enum request_fault fault;
    struct slice field; /* the member, as written; may be empty */
};

#define FIELDS_MAX 24

struct field {
    const char *name;
    enum json_kind kind; /* STRING: its text; NUMBER: its digits; ARRAY: its raw text; TRUE: either
                          * boolean, "true" or "false"; INVALID: the text of a string or number */
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

/* Writes the problem that answers the fault: 400, its code, the member's name. */
void refusal_write(const struct request_refusal *refusal, struct buf *out);
