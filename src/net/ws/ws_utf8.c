/* ws_utf8.c - contract in ws_utf8.h. The ranges are table 3-7 of the Unicode standard. */
#include "net/ws/ws_utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Skips plain ASCII 8 bytes at a time: nearly all that clients send. */
static const unsigned char *skip_ascii(const unsigned char *at, const unsigned char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        if ((word & HIGH_BITS) != 0)
            break;
        at += 8;
    }
    return at;
}

static bool begin_sequence(struct ws_utf8 *utf8, unsigned char first)
{
    utf8->low = 0x80;
    utf8->high = 0xbf;
    if (first < 0xc2 || first > 0xf4)
        return false;
    utf8->left = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (first == 0xe0 || first == 0xf0) /* overlong forms */
        utf8->low = first == 0xe0 ? 0xa0 : 0x90;
    if (first == 0xed || first == 0xf4) /* surrogates; above U+10FFFF */
        utf8->high = first == 0xed ? 0x9f : 0x8f;
    return true;
}

bool ws_utf8_feed(struct ws_utf8 *utf8, struct slice bytes)
{
    if (bytes.bytes == 0) /* its pointer may be NULL */
        return true;
    const unsigned char *at = (const unsigned char *)bytes.at;
    const unsigned char *end = at + bytes.bytes;
    while (at < end) {
        if (utf8->left == 0) {
            at = skip_ascii(at, end);
            if (at == end)
                break;
            if (*at >= 0x80 && !begin_sequence(utf8, *at))
                return false;
            at++;
            continue;
        }
        if (*at < utf8->low || *at > utf8->high)
            return false;
        utf8->low = 0x80;
        utf8->high = 0xbf;
        utf8->left--;
        at++;
    }
    return true;
}

bool ws_utf8_is_text(struct slice bytes)
{
    struct ws_utf8 utf8 = {0};
    return ws_utf8_feed(&utf8, bytes) && ws_utf8_is_complete(&utf8);
}
