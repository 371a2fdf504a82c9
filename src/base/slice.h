/* slice.h - a borrowed piece of bytes that someone else owns. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *at; /* borrowed; may be NULL only when bytes is 0 */
    size_t bytes;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
#define SLICE_NONE     ((struct slice){NULL, 0})
/* For printf("%.*s", SLICE_ARG(s)). */
#define SLICE_ARG(s) (int)(s).bytes, (s).at

static inline struct slice slice_of(const void *at, size_t bytes)
{
    return (struct slice){at, bytes};
}

static inline struct slice slice_text(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

static inline bool slice_is(struct slice s, const char *text)
{
    return slice_equal(s, slice_text(text));
}

static inline bool slice_begins(struct slice s, struct slice prefix)
{
    return s.bytes >= prefix.bytes && memcmp(s.at, prefix.at, prefix.bytes) == 0;
}

/* The rest of s after `bytes` of it; bytes must not exceed s.bytes. */
static inline struct slice slice_skip(struct slice s, size_t bytes)
{
    return (struct slice){s.at + bytes, s.bytes - bytes};
}
