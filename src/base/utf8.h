/* utf8.h - well-formed UTF-8 (Unicode 15, table 3-7; RFC 3629): no overlong forms, no
 * surrogates, nothing above U+10FFFF. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Bytes (1 to 4) of the well-formed sequence at `at`, or 0 when there is none; reads nothing
 * at or after `end`. */
size_t utf8_sequence_bytes(const char *at, const char *end);

/* Whether all of `text` is well-formed. */
bool utf8_is_valid(struct slice text);

/* Writes the sequence of `code_point` (not a surrogate, at most 0x10FFFF) at `to`, which has
 * room for 4 bytes. Answers the bytes written. */
size_t utf8_put(char *to, uint32_t code_point);
