/* rfc3339.h - instants as text: 2026-11-22T10:14:19.123456Z (RFC 3339). No libc time
 * functions, no locale, no time zone of the machine. Thread: any. */
#pragma once

#include "base/buf.h"
#include "base/instant.h"
#include "base/slice.h"

/* What can be written and read: 1970-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z. */
#define RFC3339_US_MAX    INT64_C(253402300799999999)
#define RFC3339_BYTES_MAX 27

/* Writes in UTC, always with 6 (or 3, cut off) places. An instant out of range writes nothing
 * and sets the buffer's overflow. */
void rfc3339_write(struct buf *buf, struct instant instant);
void rfc3339_write_ms(struct buf *buf, struct instant instant);

/* Reads the whole of `text`: upper-case T and Z (or an offset of at most 23:59), 0 to 9
 * fraction digits of which those after the sixth are cut off. 0, or -ERR_FORMAT for anything
 * else, a day that is not in the calendar, second 60 (instants have no leap seconds), or an
 * instant out of range. */
int rfc3339_parse(struct slice text, struct instant *ret);
