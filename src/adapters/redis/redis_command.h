/* redis_command.h - commands as they are on the wire: arrays of byte strings (RESP). Pure. */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* The beginning of a command of so many parts, the name included; then each part. */
static inline void redis_put_command(struct buf *out, unsigned parts)
{
    buf_put_char(out, '*');
    buf_put_u64(out, parts);
    buf_put_slice(out, SLICE("\r\n"));
}

static inline void redis_put(struct buf *out, struct slice part)
{
    buf_put_char(out, '$');
    buf_put_u64(out, part.bytes);
    buf_put_slice(out, SLICE("\r\n"));
    buf_put_slice(out, part);
    buf_put_slice(out, SLICE("\r\n"));
}

static inline void redis_put_number(struct buf *out, uint64_t number)
{
    char memory[24];
    struct buf text = buf_over(memory, sizeof memory);
    buf_put_u64(&text, number);
    redis_put(out, buf_slice(&text));
}
