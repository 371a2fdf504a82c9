/* utf8.c - contract in utf8.h. */
#include "base/utf8.h"

#include "base/assert.h"

static bool continues(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* The second byte carries every special rule: it excludes overlongs (E0, F0), surrogates (ED)
 * and what lies above U+10FFFF (F4). */
static bool second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return continues(second);
    }
}

static size_t bytes_announced(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    if (first < 0xE0)
        return 2;
    return first < 0xF0 ? 3 : 4;
}

size_t utf8_sequence_bytes(const char *at, const char *end)
{
    if (at >= end)
        return 0;
    unsigned char first = (unsigned char)at[0];
    size_t bytes = bytes_announced(first);
    if (bytes <= 1)
        return bytes;
    if ((size_t)(end - at) < bytes || !second_fits(first, (unsigned char)at[1]))
        return 0;
    for (size_t i = 2; i < bytes; i++)
        if (!continues((unsigned char)at[i]))
            return 0;
    return bytes;
}

bool utf8_is_valid(struct slice text)
{
    if (text.bytes == 0) /* its pointer may be NULL */
        return true;
    const char *at = text.at;
    const char *end = text.at + text.bytes;
    while (at < end) {
        if ((unsigned char)*at < 0x80) { /* nearly all of them */
            at++;
            continue;
        }
        size_t bytes = utf8_sequence_bytes(at, end);
        if (bytes == 0)
            return false;
        at += bytes;
    }
    return true;
}

size_t utf8_put(char *to, uint32_t code_point)
{
    ASSERT(code_point <= 0x10FFFF);
    ASSERT(code_point < 0xD800 || code_point > 0xDFFF);
    if (code_point < 0x80) {
        to[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        to[0] = (char)(0xC0 | code_point >> 6);
        to[1] = (char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        to[0] = (char)(0xE0 | code_point >> 12);
        to[1] = (char)(0x80 | (code_point >> 6 & 0x3F));
        to[2] = (char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | code_point >> 18);
    to[1] = (char)(0x80 | (code_point >> 12 & 0x3F));
    to[2] = (char)(0x80 | (code_point >> 6 & 0x3F));
    to[3] = (char)(0x80 | (code_point & 0x3F));
    return 4;
}
