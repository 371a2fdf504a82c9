/* ws_utf8.h - UTF-8 checked piece by piece, for texts that come in fragments (RFC 6455
 * section 8.1); the same rules as base/utf8.h. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Zero it to begin. */
struct ws_utf8 {
    uint8_t left;      /* continuation bytes still due */
    uint8_t low, high; /* allowed range of the next one, when left > 0 */
};

/* False as soon as a byte cannot continue a valid text; the state is then undefined. */
bool ws_utf8_feed(struct ws_utf8 *utf8, struct slice bytes);

/* Whether these bytes are a whole text. */
bool ws_utf8_is_text(struct slice bytes);

/* Whether the text may end here. */
static inline bool ws_utf8_is_complete(const struct ws_utf8 *utf8)
{
    return utf8->left == 0;
}
