/* buf.h - an output buffer of fixed capacity in the caller's memory.
 *
 * Writing past the end writes nothing, sets `overflow` and keeps it set; the caller checks
 * once at the end. Nothing here allocates. Thread: any (one writer). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

struct buf {
    char *at;     /* borrowed */
    size_t bytes; /* written so far */
    size_t capacity;
    bool overflow; /* something did not fit; the content is then incomplete */
};

static inline struct buf buf_over(void *memory, size_t capacity)
{
    return (struct buf){memory, 0, capacity, false};
}

/* Room for `bytes` more, or NULL (and overflow is set). The caller fills all of it. */
static inline char *buf_reserve(struct buf *buf, size_t bytes)
{
    if (buf->overflow || buf->capacity - buf->bytes < bytes) {
        buf->overflow = true;
        return NULL;
    }
    char *at = buf->at + buf->bytes;
    buf->bytes += bytes;
    return at;
}

static inline void buf_put(struct buf *buf, const void *from, size_t bytes)
{
    char *at = buf_reserve(buf, bytes);
    if (at != NULL && bytes > 0)
        memcpy(at, from, bytes);
}

static inline void buf_put_slice(struct buf *buf, struct slice s)
{
    buf_put(buf, s.at, s.bytes);
}

static inline void buf_put_text(struct buf *buf, const char *text)
{
    buf_put(buf, text, strlen(text));
}

static inline void buf_put_char(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

static inline struct slice buf_slice(const struct buf *buf)
{
    return (struct slice){buf->at, buf->bytes};
}

/* Decimal digits of a signed or unsigned number. */
void buf_put_i64(struct buf *buf, int64_t value);
void buf_put_u64(struct buf *buf, uint64_t value);
/* printf for what is not on a hot path. */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
