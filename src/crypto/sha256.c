/* sha256.c - contract in sha256.h. */
#include "crypto/sha256.h"

/* The calls of <openssl/sha.h>: an EVP context of OpenSSL 3.0 frees its state and asks for a new
 * one with every digest, which costs as much as hashing 100 bytes does, in the middle of a bet. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

_Static_assert(SHA256_BYTES == SHA256_DIGEST_LENGTH, "both say how long a digest is");

struct sha256 {
    SHA256_CTX work;
};

int sha256_new(struct sha256 **ret)
{
    struct sha256 *sha = calloc(1, sizeof *sha);
    if (sha == NULL)
        return -ERR_MEMORY;
    sha256_begin(sha);
    *ret = sha;
    return 0;
}

void sha256_free(struct sha256 *sha)
{
    free(sha);
}

void sha256_begin(struct sha256 *sha)
{
    int ok = SHA256_Init(&sha->work);
    ASSERT(ok == 1);
}

void sha256_add(struct sha256 *sha, struct slice piece)
{
    int ok = SHA256_Update(&sha->work, piece.at, piece.bytes);
    ASSERT(ok == 1);
}

void sha256_end(struct sha256 *sha, unsigned char ret_digest[SHA256_BYTES])
{
    int ok = SHA256_Final(ret_digest, &sha->work);
    ASSERT(ok == 1);
}

void sha256_digest(struct sha256 *sha, struct slice message, unsigned char ret_digest[SHA256_BYTES])
{
    sha256_begin(sha);
    sha256_add(sha, message);
    sha256_end(sha, ret_digest);
}

/* OpenSSL's own HMAC keeps the padded key's two states and copies them for each message. */
struct hmac256 {
    EVP_MAC *kind;     /* owned */
    EVP_MAC_CTX *work; /* owned */
};

int hmac256_new(struct slice key, struct hmac256 **ret)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                 OSSL_PARAM_construct_end()};
    struct hmac256 *hmac = calloc(1, sizeof *hmac);
    if (hmac == NULL)
        return -ERR_MEMORY;
    hmac->kind = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (hmac->kind != NULL)
        hmac->work = EVP_MAC_CTX_new(hmac->kind);
    /* A NULL key would mean "keep the last one", so an empty key needs an address too. */
    const char *at = key.bytes > 0 ? key.at : "";
    if (hmac->work == NULL ||
        EVP_MAC_init(hmac->work, (const unsigned char *)at, key.bytes, params) != 1) {
        hmac256_free(hmac);
        return -ERR_CRYPTO;
    }
    *ret = hmac;
    return 0;
}

void hmac256_free(struct hmac256 *hmac)
{
    if (hmac == NULL)
        return;
    EVP_MAC_CTX_free(hmac->work);
    EVP_MAC_free(hmac->kind);
    free(hmac);
}

void hmac256_digest(struct hmac256 *hmac, struct slice message,
                    unsigned char ret_digest[SHA256_BYTES])
{
    size_t bytes = 0;
    int ok = EVP_MAC_init(hmac->work, NULL, 0, NULL) == 1 &&
             EVP_MAC_update(hmac->work, (const unsigned char *)message.at, message.bytes) == 1 &&
             EVP_MAC_final(hmac->work, ret_digest, &bytes, SHA256_BYTES) == 1;
    ASSERT(ok);
    ASSERT(bytes == SHA256_BYTES);
}

bool sha256_equal(const void *a, const void *b, size_t bytes)
{
    return CRYPTO_memcmp(a, b, bytes) == 0;
}
