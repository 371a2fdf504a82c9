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

/* What stands before the first `mark`; that, and the mark, are taken off. False: there is none, and
 * nothing changes. */
static inline bool slice_cut(struct slice *text, char mark, struct slice *ret_head)
{
    const char *at = text->bytes == 0 ? NULL : memchr(text->at, mark, text->bytes);
    if (at == NULL)
        return false;
    *ret_head = slice_of(text->at, (size_t)(at - text->at));
    *text = slice_skip(*text, ret_head->bytes + 1);
    return true;
}

/* The same, or all of it where there is no mark: the next of a list, and nothing is left behind the
 * last. */
static inline struct slice slice_next(struct slice *list, char mark)
{
    struct slice head;
    if (slice_cut(list, mark, &head))
        return head;
    head = *list;
    *list = slice_skip(*list, list->bytes);
    return head;
}

/* The first `bytes` are taken off; at most as many as there are. */
static inline struct slice slice_take(struct slice *rest, size_t bytes)
{
    struct slice head = slice_of(rest->at, bytes);
    *rest = slice_skip(*rest, bytes);
    return head;
}
