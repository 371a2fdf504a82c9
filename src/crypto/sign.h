/* sign.h - detached Ed25519 signatures (RFC 8032) over short messages. Thread: one user of a key;
 * sign_check: any. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

#define SIGN_PUBLIC_BYTES    32
#define SIGN_SIGNATURE_BYTES 64

struct sign_key;

/* An unencrypted Ed25519 private key in PEM (PKCS 8, see key_files_ed25519). 0, -ERR_CONFIG for
 * something else, -ERR_MEMORY. The caller owns *ret_key; sign_key_free accepts NULL. */
int sign_key_new(struct slice pem, struct sign_key **ret_key);
void sign_key_free(struct sign_key *key);
void sign_key_public(const struct sign_key *key, unsigned char ret_public[SIGN_PUBLIC_BYTES]);
/* 0 or -ERR_CRYPTO. */
int sign_message(struct sign_key *key, struct slice message,
                 unsigned char ret_signature[SIGN_SIGNATURE_BYTES]);

/* Is this the signature of that key's owner? Everything may be hostile. */
bool sign_check(const unsigned char public_key[SIGN_PUBLIC_BYTES], struct slice message,
                const unsigned char signature[SIGN_SIGNATURE_BYTES]);
