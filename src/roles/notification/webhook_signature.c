/* webhook_signature.c - contract in webhook_signature.h. */
#include "roles/notification/webhook_signature.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/error.h"
#include "roles/notification/notice.h"

#define SECRET_BEGIN SLICE("whsec_")

static struct slice trim(struct slice text)
{
    while (text.bytes > 0 && strchr(" \t\r\n", text.at[0]) != NULL)
        text = slice_skip(text, 1);
    while (text.bytes > 0 && strchr(" \t\r\n=", text.at[text.bytes - 1]) != NULL)
        text.bytes--; /* padding too: base64_read_bare takes none */
    return text;
}

int webhook_key_new(struct slice text, struct hmac256 **ret_key, struct buf *why)
{
    char memory[WEBHOOK_SECRET_BYTES_MAX];
    struct buf secret = buf_over(memory, sizeof memory);
    text = trim(text);
    int error = slice_begins(text, SECRET_BEGIN)
                    ? base64_read_bare(slice_skip(text, SECRET_BEGIN.bytes), &secret)
                    : -ERR_FORMAT;
    if (error == 0 && secret.bytes < WEBHOOK_SECRET_BYTES_MIN)
        error = -ERR_FORMAT;
    if (error == 0)
        error = hmac256_new(buf_slice(&secret), ret_key);
    explicit_bzero(memory, sizeof memory);
    if (error != -ERR_FORMAT && error != -ERR_LIMIT)
        return error;
    buf_printf(why, "the webhook's secret is whsec_ and base64 of %d to %d bytes",
               WEBHOOK_SECRET_BYTES_MIN, WEBHOOK_SECRET_BYTES_MAX);
    return -ERR_CONFIG;
}

static void sign(struct hmac256 *key, const struct webhook_message *message,
                 unsigned char ret_digest[SHA256_BYTES])
{
    char memory[NOTICE_BYTES_MAX + WEBHOOK_SIGNED_BYTES_EXTRA];
    struct buf text = buf_over(memory, sizeof memory);
    buf_printf(&text, "%.*s.%lld.", SLICE_ARG(message->id), (long long)message->time_s);
    buf_put(&text, message->body.at, message->body.bytes);
    ASSERT(!text.overflow);
    hmac256_digest(key, buf_slice(&text), ret_digest);
}

void webhook_headers(struct hmac256 *key, const struct webhook_message *message,
                     char ret[WEBHOOK_HEADERS][WEBHOOK_HEADER_BYTES_MAX])
{
    unsigned char digest[SHA256_BYTES];
    char memory[64];
    struct buf base64 = buf_over(memory, sizeof memory);
    (void)snprintf(ret[0], WEBHOOK_HEADER_BYTES_MAX, "webhook-id: %.*s", SLICE_ARG(message->id));
    (void)snprintf(ret[1], WEBHOOK_HEADER_BYTES_MAX, "webhook-timestamp: %lld",
                   (long long)message->time_s);
    ret[2][0] = '\0';
    if (key == NULL)
        return;
    sign(key, message, digest);
    base64_write(&base64, slice_of((const char *)digest, sizeof digest));
    (void)snprintf(ret[2], WEBHOOK_HEADER_BYTES_MAX, "webhook-signature: v1,%.*s",
                   SLICE_ARG(buf_slice(&base64)));
}
