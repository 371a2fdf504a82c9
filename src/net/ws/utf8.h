/* utf8.h - incremental strict UTF-8 check (RFC 3629: no surrogates, no overlong forms, nothing
 * above U+10FFFF). Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Zero it to begin. */
struct utf8 {
    uint8_t left;      /* continuation bytes still due */
    uint8_t low, high; /* allowed range of the next one, when left > 0 */
};

/* False as soon as a byte cannot continue a valid text; the state is then undefined. */
bool utf8_feed(struct utf8 *utf8, struct slice bytes);
/* Whether the text may end here. */
static inline bool utf8_is_complete(const struct utf8 *utf8)
{
    return utf8->left == 0;
}
/* A whole text. */
bool utf8_is_valid(struct slice text);
