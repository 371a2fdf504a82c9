/* buf.c - contract in buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_put_u64(struct buf *buf, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[20];
    size_t first = sizeof digits;
    for (; value >= 100; value /= 100) { /* half the divisions of one digit at a time */
        first -= 2;
        memcpy(digits + first, pairs + 2 * (value % 100), 2);
    }
    first -= 2;
    memcpy(digits + first, pairs + 2 * value, 2);
    first += value < 10; /* without its zero */
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
