/* buf.c - contract in buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_put_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    buf_put(buf, digits + first, sizeof digits - first);
}

void buf_put_i64(struct buf *buf, int64_t value)
{
    if (value < 0) {
        buf_put_char(buf, '-');
        buf_put_u64(buf, (uint64_t)0 - (uint64_t)value); /* also right for INT64_MIN */
        return;
    }
    buf_put_u64(buf, (uint64_t)value);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    size_t room = buf->capacity - buf->bytes;
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(buf->at + buf->bytes, room, format, arguments);
    va_end(arguments);
    if (buf->overflow || bytes < 0 || (size_t)bytes >= room) {
        buf->overflow = true;
        return;
    }
    buf->bytes += (size_t)bytes;
}
