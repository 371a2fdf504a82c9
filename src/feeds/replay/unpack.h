/* unpack.h - streaming decompression by one of three libraries. Private to feeds/replay. */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct unpack;

enum unpack_kind { UNPACK_PLAIN = 1, UNPACK_GZ, UNPACK_BZ2, UNPACK_XZ };

/* 0 or -ERR_MEMORY. The caller owns *ret. */
int unpack_new(enum unpack_kind kind, struct unpack **ret);
void unpack_free(struct unpack *unpack); /* accepts NULL */

/* Moves bytes from *in (advanced) to `out`. `in` may be empty only when the input has ended,
 * and `last` says that it has, with what is in *in. Answers the bytes written, or a negative
 * error: -ERR_CORRUPT (damaged, or it ended inside a packed member) or -ERR_MEMORY. No bytes
 * and an empty *in: more input is needed, or with `last`, that was all. */
int unpack_step(struct unpack *unpack, struct slice *in, bool last, char *out, size_t out_bytes);
