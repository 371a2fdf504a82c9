/* webhook_signature.h - how a receiver knows that a notice is ours and not replayed: the headers of
 * the Standard Webhooks specification 1.0 (webhook-id, webhook-timestamp, webhook-signature), an
 * HMAC-SHA-256 over "ID.SECONDS.BODY" in base64, by a secret that both sides know. Thread: one user
 * of a key. */
#pragma once

#include "base/buf.h"
#include "crypto/sha256.h"

#define WEBHOOK_SECRET_BYTES_MIN   24
#define WEBHOOK_SECRET_BYTES_MAX   64
#define WEBHOOK_SECRET_TEXT_MAX    128
#define WEBHOOK_HEADER_BYTES_MAX   160
#define WEBHOOK_HEADERS            3
#define WEBHOOK_SIGNED_BYTES_EXTRA 96 /* of what is signed, beside the body */

/* "whsec_" and the secret in base64, as the specification writes it; white space around it is
 * passed over. 0; -ERR_CONFIG with a sentence in `why`, never with the secret; -ERR_MEMORY;
 * -ERR_CRYPTO. */
int webhook_key_new(struct slice text, struct hmac256 **ret_key, struct buf *why);

struct webhook_message {
    struct slice id, body; /* the body: at most NOTICE_BYTES_MAX */
    int64_t time_s;        /* of this attempt, since 1970 */
};

/* The three headers as lines "Name: value". `key` NULL: the first two only, and *ret[2] is "". */
void webhook_headers(struct hmac256 *key, const struct webhook_message *message,
                     char ret[WEBHOOK_HEADERS][WEBHOOK_HEADER_BYTES_MAX]);
