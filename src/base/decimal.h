/* decimal.h - exact decimal numbers as they stand in JSON texts; no binary floating point.
 * value = mantissa / 10^scale. Thread: any. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define DECIMAL_SCALE_MAX 9

struct decimal {
    int64_t mantissa;
    int scale; /* 0 .. DECIMAL_SCALE_MAX, as many places as were written */
};

/* Reads a JSON number ("-12.50", "1e3"). 0; -ERR_FORMAT when it is no JSON number;
 * -ERR_LIMIT when it has more places than DECIMAL_SCALE_MAX (trailing zeros count not) or
 * does not fit 63 bits. */
int decimal_parse(struct slice digits, struct decimal *ret);

/* Brings the value to exactly `scale` places. 0, or -ERR_LIMIT when that would lose a digit or
 * overflow. */
int decimal_rescale(struct decimal value, int scale, int64_t *ret_mantissa);

/* Writes mantissa / 10^scale with exactly `scale` places: (5000, 2) is "50.00". */
void decimal_write(struct buf *buf, int64_t mantissa, int scale);
