/* ws_handshake.c - contract in ws_handshake.h.
 *
 * SHA-1 stands here by itself because the handshake is its only use: it proves that the peer
 * speaks WebSocket and protects nothing. */
#include "net/ws/ws_handshake.h"

#include <string.h>

#include "base/assert.h"

#define GUID        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define GUID_BYTES  36
#define SHA1_BYTES  20
#define BLOCK_BYTES 64

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t turn(uint32_t value, int bits)
{
    return value << bits | value >> (32 - bits);
}

/* RFC 3174 section 6.1. */
static void sha1_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20)
            f = (b & c) | (~b & d), k = 0x5a827999;
        else if (i < 40)
            f = b ^ c ^ d, k = 0x6ed9eba1;
        else if (i < 60)
            f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
        else
            f = b ^ c ^ d, k = 0xca62c1d6;
        uint32_t next = turn(a, 5) + f + e + w[i] + k;
        e = d;
        d = c;
        c = turn(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

/* Of the key and the GUID, 60 bytes: with its padding two blocks. */
static void sha1_of_60(const uint8_t text[60], uint8_t ret_digest[SHA1_BYTES])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t blocks[2 * BLOCK_BYTES] = {0};
    memcpy(blocks, text, 60);
    blocks[60] = 0x80;
    blocks[2 * BLOCK_BYTES - 2] = (60 * 8) >> 8;
    blocks[2 * BLOCK_BYTES - 1] = (60 * 8) & 0xff;
    sha1_block(state, blocks);
    sha1_block(state, blocks + BLOCK_BYTES);
    for (int i = 0; i < SHA1_BYTES; i++)
        ret_digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const uint8_t *bytes, size_t count, char *to)
{
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (left > 1)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2)
            group |= bytes[i + 2];
        *to++ = base64_digits[group >> 18];
        *to++ = base64_digits[group >> 12 & 63];
        *to++ = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        *to++ = left > 2 ? base64_digits[group & 63] : '=';
    }
}

/* 22 digits and "==", the unused bits of the last digit zero. */
static bool is_key(struct slice key)
{
    if (key.bytes != WS_KEY_BYTES || key.at[22] != '=' || key.at[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++)
        if (key.at[i] == '\0' || strchr(base64_digits, key.at[i]) == NULL)
            return false;
    return ((size_t)(strchr(base64_digits, key.at[21]) - base64_digits) & 15) == 0;
}

enum ws_handshake_outcome ws_handshake_check(const struct http_head *head, struct slice *ret_key)
{
    if (head->method != HTTP_GET || head->minor != 1 || !head->upgrade ||
        !http_head_has_token(head, SLICE("upgrade"), SLICE("websocket")))
        return WS_HANDSHAKE_BAD;
    struct slice version = http_head_find(head, SLICE("sec-websocket-version"));
    if (version.bytes == 0 || http_head_count(head, SLICE("sec-websocket-version")) != 1)
        return WS_HANDSHAKE_BAD;
    if (!slice_is(version, "13"))
        return WS_HANDSHAKE_BAD_VERSION;
    struct slice key = http_head_find(head, SLICE("sec-websocket-key"));
    if (!is_key(key) || http_head_count(head, SLICE("sec-websocket-key")) != 1)
        return WS_HANDSHAKE_BAD;
    *ret_key = key;
    return WS_HANDSHAKE_OK;
}

void ws_handshake_accept(struct slice key, char ret_accept[WS_ACCEPT_BYTES])
{
    ASSERT(key.bytes == WS_KEY_BYTES);
    uint8_t text[WS_KEY_BYTES + GUID_BYTES];
    uint8_t digest[SHA1_BYTES];
    memcpy(text, key.at, WS_KEY_BYTES);
    memcpy(text + WS_KEY_BYTES, GUID, GUID_BYTES);
    sha1_of_60(text, digest);
    base64(digest, sizeof digest, ret_accept);
}

void ws_handshake_key(const uint8_t bytes[16], char ret_key[WS_KEY_BYTES])
{
    base64(bytes, 16, ret_key);
}

static bool is_one_of(struct slice name, struct slice list)
{
    while (list.bytes > 0) {
        const char *comma = memchr(list.at, ',', list.bytes);
        struct slice one =
            slice_of(list.at, comma != NULL ? (size_t)(comma - list.at) : list.bytes);
        list = slice_skip(list, comma != NULL ? one.bytes + 1 : one.bytes);
        while (one.bytes > 0 && *one.at == ' ')
            one = slice_skip(one, 1);
        if (slice_equal(name, one))
            return true;
    }
    return false;
}

bool ws_handshake_is_accepted(const struct http_head *head, struct slice key, struct slice offered)
{
    char accept[WS_ACCEPT_BYTES];
    ws_handshake_accept(key, accept);
    if (head->status != 101 || !head->upgrade ||
        !http_head_has_token(head, SLICE("upgrade"), SLICE("websocket")))
        return false;
    struct slice got = http_head_find(head, SLICE("sec-websocket-accept"));
    if (!slice_equal(got, slice_of(accept, sizeof accept)))
        return false;
    struct slice protocol = http_head_find(head, SLICE("sec-websocket-protocol"));
    if (protocol.at != NULL && !is_one_of(protocol, offered))
        return false;
    return http_head_find(head, SLICE("sec-websocket-extensions")).at == NULL;
}
