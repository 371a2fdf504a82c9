/* ws_handshake.c - contract in ws_handshake.h. */
#include "net/ws/ws_handshake.h"

#include <string.h>

#include "base/assert.h"
#include "base/base64.h"
#include "crypto/sha1.h"

#define GUID       "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define GUID_BYTES 36
/* 16 bytes in standard base64, in their one encoding. */
static bool is_key(struct slice key)
{
    char url[WS_KEY_BYTES], bytes[16];
    struct buf out = buf_over(bytes, sizeof bytes);
    if (key.bytes != WS_KEY_BYTES || key.at[22] != '=' || key.at[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        if (key.at[i] == '-' || key.at[i] == '_')
            return false;
        url[i] = key.at[i] == '+' ? '-' : key.at[i] == '/' ? '_' : key.at[i];
    }
    return base64_read_url(slice_of(url, 22), &out) == 0 && out.bytes == sizeof bytes;
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

static void put_base64(struct slice bytes, char *to, size_t capacity)
{
    struct buf out = buf_over(to, capacity);
    base64_write(&out, bytes);
    ASSERT(!out.overflow && out.bytes == capacity);
}

void ws_handshake_accept(struct slice key, char ret_accept[WS_ACCEPT_BYTES])
{
    ASSERT(key.bytes == WS_KEY_BYTES);
    uint8_t text[WS_KEY_BYTES + GUID_BYTES];
    uint8_t digest[SHA1_BYTES];
    memcpy(text, key.at, WS_KEY_BYTES);
    memcpy(text + WS_KEY_BYTES, GUID, GUID_BYTES);
    int error = sha1_digest(slice_of(text, sizeof text), digest);
    ASSERT(error == 0); /* a library without SHA-1 cannot serve WebSockets at all */
    put_base64(slice_of(digest, sizeof digest), ret_accept, WS_ACCEPT_BYTES);
}

void ws_handshake_key(const uint8_t bytes[16], char ret_key[WS_KEY_BYTES])
{
    put_base64(slice_of(bytes, 16), ret_key, WS_KEY_BYTES);
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
