/* sign.h - detached Ed25519 signatures (RFC 8032) over short messages, by a key that lies in a file
 * or in a token (sign_pkcs11.h): who signs does not know which.
 *
 * Thread: one user of a key at a time; sign_check: any. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

#define SIGN_PUBLIC_BYTES    32
#define SIGN_SIGNATURE_BYTES 64
#define SIGN_PROBLEM_BYTES   160 /* of a sentence, with its end */
#define SIGN_POSSESSION_MESSAGE                                                                    \
    "Overround: the key is here" /* what a proof of possession signs                               \
                                  */

struct sign_key;

/* One implementation; for sign*.c only. */
struct sign_key_ops {
    int (*public)(struct sign_key *key, unsigned char ret_public[SIGN_PUBLIC_BYTES]);
    int (*sign)(struct sign_key *key, struct slice message,
                unsigned char ret_signature[SIGN_SIGNATURE_BYTES]);
    void (*free)(struct sign_key *key);
};

struct sign_key {
    const struct sign_key_ops *ops;
    char problem[SIGN_PROBLEM_BYTES]; /* why the last call failed; "" when it did not */
};

/* An unencrypted Ed25519 private key in PEM (PKCS 8, see key_files_ed25519). 0, -ERR_CONFIG for
 * something else, -ERR_MEMORY. The caller owns *ret_key; sign_key_free accepts NULL. */
int sign_key_new(struct slice pem, struct sign_key **ret_key);
void sign_key_free(struct sign_key *key);

/* The public half. 0 always for a file; for a token it may mean to go and look. -ERR_ABSENT: it is
 * away and may be back; -ERR_NOT_FOUND: it is there without the key; -ERR_CONFIG: it refused the
 * PIN, and is not asked again, because it would lock itself. `problem` then says more. May block
 * as long as the token does. */
int sign_key_public(struct sign_key *key, unsigned char ret_public[SIGN_PUBLIC_BYTES]);
/* 0, -ERR_CRYPTO, or as sign_key_public. A signature is checked before it is given away. */
int sign_message(struct sign_key *key, struct slice message,
                 unsigned char ret_signature[SIGN_SIGNATURE_BYTES]);
/* The key is one that can sign now: its public half, after a signature made for this. As
 * sign_message. */
int sign_key_prove(struct sign_key *key, unsigned char ret_public[SIGN_PUBLIC_BYTES]);
/* A sentence about the last call that failed. Valid until the next call. */
const char *sign_key_problem(const struct sign_key *key);

/* Is this the signature of that key's owner? Everything may be hostile. A key of small order is
 * nobody's. */
bool sign_check(const unsigned char public_key[SIGN_PUBLIC_BYTES], struct slice message,
                const unsigned char signature[SIGN_SIGNATURE_BYTES]);
