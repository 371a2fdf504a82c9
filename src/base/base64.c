/* base64.c - contract in base64.h. */
#include "base/base64.h"

#include <stdint.h>

#include "base/error.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Writes 1 to 3 bytes as 2 to 4 characters. */
static void put_group(struct buf *buf, const unsigned char *at, size_t bytes, const char *letters)
{
    uint32_t bits = (uint32_t)at[0] << 16;
    if (bytes > 1)
        bits |= (uint32_t)at[1] << 8;
    if (bytes > 2)
        bits |= at[2];
    char text[4];
    for (int i = 0; i < 4; i++)
        text[i] = letters[bits >> (18 - 6 * i) & 63];
    buf_put(buf, text, bytes + 1);
}

static void put_all(struct buf *buf, struct slice input, const char *letters)
{
    const unsigned char *at = (const unsigned char *)input.at;
    for (size_t done = 0; done < input.bytes; done += 3) {
        size_t left = input.bytes - done;
        put_group(buf, at + done, left < 3 ? left : 3, letters);
    }
}

void base64_write_url(struct buf *buf, struct slice input)
{
    put_all(buf, input, alphabet_url);
}

void base64_write(struct buf *buf, struct slice input)
{
    put_all(buf, input, alphabet);
    size_t padding = (3 - input.bytes % 3) % 3;
    buf_put(buf, "==", padding);
}

static int value_of(char c, const char *letters)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == letters[62] ? 62 : c == letters[63] ? 63 : -1;
}

/* Reads 2 to 4 characters as 1 to 3 bytes. */
static int take_group(struct slice group, const char *letters, struct buf *ret)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < group.bytes; i++) {
        int value = value_of(group.at[i], letters);
        if (value < 0)
            return -ERR_FORMAT;
        bits |= (uint32_t)value << (18 - 6 * (int)i);
    }
    size_t bytes = group.bytes - 1;
    if ((bits & (0xFFFFFFu >> (8 * bytes))) != 0)
        return -ERR_FORMAT;
    const char out[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
    buf_put(ret, out, bytes);
    return ret->overflow ? -ERR_LIMIT : 0;
}

static int read_all(struct slice text, const char *letters, struct buf *ret)
{
    if (text.bytes % 4 == 1)
        return -ERR_FORMAT;
    while (text.bytes > 0) {
        size_t bytes = text.bytes < 4 ? text.bytes : 4;
        TRY(take_group((struct slice){text.at, bytes}, letters, ret));
        text = slice_skip(text, bytes);
    }
    return 0;
}

int base64_read_url(struct slice text, struct buf *ret)
{
    return read_all(text, alphabet_url, ret);
}

int base64_read_bare(struct slice text, struct buf *ret)
{
    return read_all(text, alphabet, ret);
}
