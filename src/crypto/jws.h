/* jws.h - signed tokens in compact form (RFC 7515): HS256, EdDSA with Ed25519 (RFC 8037), and
 * ES256, which is verified only.
 *
 * Each configured key has exactly one algorithm and one key id; a token's header may only
 * confirm them. So `none`, an HMAC keyed with a public key, and every other confusion of
 * algorithms is JWS_BAD_ALGORITHM (RFC 8725, 3.1). A header with `crit` is refused, as is one that
 * brings a key (`jwk`, `jku`, `x5u`, `x5c`) or repeats a name.
 * Thread: one user (contexts are kept). */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

#define JWS_KEYS_MAX         16
#define JWS_KID_BYTES_MAX    64
#define JWS_BYTES_MAX        2048 /* of a token */
#define JWS_SECRET_BYTES_MIN 32   /* RFC 7518, 3.2: as many as the hash has */

enum jws_outcome {
    JWS_OK = 0,
    JWS_MALFORMED,     /* also: too long, a header we refuse */
    JWS_UNKNOWN_KEY,   /* no key of that id; a token without `kid` has the id "" */
    JWS_BAD_ALGORITHM, /* not the key's */
    JWS_BAD_SIGNATURE,
};

struct jws_keys;

/* An empty set. 0, or -ERR_MEMORY. The caller owns *ret; jws_keys_free accepts NULL. */
int jws_keys_new(struct jws_keys **ret);
void jws_keys_free(struct jws_keys *keys);
size_t jws_keys_count(const struct jws_keys *keys);

/* Each adds a key: 0; -ERR_LIMIT (JWS_KEYS_MAX, or a kid that is too long); -ERR_CONFIG for an id
 * that is taken, or a key that is too short or none; -ERR_CRYPTO. Secrets are copied. */
int jws_keys_add_hs256(struct jws_keys *keys, struct slice kid, struct slice secret);
int jws_keys_add_ed25519(struct jws_keys *keys, struct slice kid,
                         const unsigned char public_key[32]);
/* An unencrypted Ed25519 private key in PEM (PKCS 8): verifies and signs. */
int jws_keys_add_ed25519_private(struct jws_keys *keys, struct slice kid, struct slice pem);
/* A point on P-256. */
int jws_keys_add_es256(struct jws_keys *keys, struct slice kid, const unsigned char x[32],
                       const unsigned char y[32]);
/* All usable keys of a JWK set (RFC 7517): those with `use` other than "sig" or an algorithm
 * that is not ours are passed over, as is kty "oct" (a secret does not travel). -ERR_FORMAT for
 * a text that is no JWK set; -ERR_CONFIG when no key was usable; keys before a bad one stay. */
int jws_keys_add_set(struct jws_keys *keys, struct slice json);

/* Verifies `token`. On JWS_OK the payload's bytes are appended to ret_payload (which has room for
 * JWS_BYTES_MAX); on another outcome nothing is. */
enum jws_outcome jws_verify(struct jws_keys *keys, struct slice token, struct buf *ret_payload);

/* Appends a token over `payload` with the key `kid` (HS256, or Ed25519 private). 0;
 * -ERR_NOT_FOUND; -ERR_UNSUPPORTED for a key that only verifies; -ERR_LIMIT when the token would be
 * longer than JWS_BYTES_MAX or does not fit. */
int jws_sign(struct jws_keys *keys, struct slice kid, struct slice payload, struct buf *ret_token);
