/* sha256.h - SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) with contexts that are kept:
 * making one costs about a microsecond in OpenSSL 3, using one again a tenth of that, and using one
 * asks for no memory.
 * Thread: one user of each context. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

#define SHA256_BYTES 32

struct sha256;

/* 0 or -ERR_MEMORY. The caller owns *ret and ends it with sha256_free (accepts
 * NULL). */
int sha256_new(struct sha256 **ret);
void sha256_free(struct sha256 *sha);

/* One message in pieces: begin, any number of adds, end. begin may be called at any time and
 * forgets what was added. They cannot fail with a context from sha256_new. */
void sha256_begin(struct sha256 *sha);
void sha256_add(struct sha256 *sha, struct slice piece);
void sha256_end(struct sha256 *sha, unsigned char ret_digest[SHA256_BYTES]);

/* One message at once. */
void sha256_digest(struct sha256 *sha, struct slice message,
                   unsigned char ret_digest[SHA256_BYTES]);

struct hmac256;

/* A context for one key, which is copied. 0, -ERR_MEMORY or -ERR_CRYPTO. */
int hmac256_new(struct slice key, struct hmac256 **ret);
void hmac256_free(struct hmac256 *hmac); /* accepts NULL */
void hmac256_digest(struct hmac256 *hmac, struct slice message,
                    unsigned char ret_digest[SHA256_BYTES]);

/* Compares in a time that depends on `bytes` only. */
bool sha256_equal(const void *a, const void *b, size_t bytes);
