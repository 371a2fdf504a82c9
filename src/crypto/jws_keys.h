/* jws_keys.h - what jws.c needs of the keys that jws.h's functions add; for jws.c alone. */
#pragma once

#include <stdbool.h>

#include "crypto/jws.h"

#define JWS_SIGNATURE_BYTES 64 /* the longest we make */

struct jws_key;

/* NULL when there is none of that id. */
struct jws_key *jws_keys_find(struct jws_keys *keys, struct slice kid);
/* The `alg` of the key. */
const char *jws_key_algorithm(const struct jws_key *key);
bool jws_key_verify(struct jws_keys *keys, struct jws_key *key, struct slice message,
                    struct slice signature);
/* 0, -ERR_UNSUPPORTED for a key that only verifies, -ERR_CRYPTO. */
int jws_key_sign(struct jws_keys *keys, struct jws_key *key, struct slice message,
                 unsigned char ret_signature[JWS_SIGNATURE_BYTES], size_t *ret_bytes);
