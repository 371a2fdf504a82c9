/* sign.c - contract in sign.h: keys of files, and what all keys have in common. */
#include "crypto/sign.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The key of a file. */
struct file_key {
    struct sign_key key; /* first */
    EVP_PKEY *pkey;      /* owned */
    unsigned char public_key[SIGN_PUBLIC_BYTES];
};

static int no_password(char *text, int size, int writing, void *owner)
{
    (void)text, (void)size, (void)writing, (void)owner;
    return -1; /* or OpenSSL would ask at the terminal */
}

static EVP_PKEY *read_pem(struct slice pem)
{
    BIO *bio = pem.bytes > INT_MAX ? NULL : BIO_new_mem_buf(pem.at, (int)pem.bytes);
    EVP_PKEY *pkey = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    return pkey;
}

static void file_free(struct sign_key *key)
{
    EVP_PKEY_free(((struct file_key *)key)->pkey);
    free(key);
}

static int file_public(struct sign_key *key, unsigned char ret_public[SIGN_PUBLIC_BYTES])
{
    memcpy(ret_public, ((struct file_key *)key)->public_key, SIGN_PUBLIC_BYTES);
    return 0;
}

static int file_sign(struct sign_key *key, struct slice message,
                     unsigned char ret_signature[SIGN_SIGNATURE_BYTES])
{
    EVP_MD_CTX *work = EVP_MD_CTX_new();
    size_t bytes = SIGN_SIGNATURE_BYTES;
    EVP_PKEY *pkey = ((struct file_key *)key)->pkey;
    bool ok = work != NULL && EVP_DigestSignInit(work, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestSign(work, ret_signature, &bytes, (const unsigned char *)message.at,
                             message.bytes) == 1 &&
              bytes == SIGN_SIGNATURE_BYTES;
    EVP_MD_CTX_free(work);
    return ok ? 0 : -ERR_CRYPTO;
}

static const struct sign_key_ops file_ops = {
    .public = file_public, .sign = file_sign, .free = file_free};

int sign_key_new(struct slice pem, struct sign_key **ret_key)
{
    struct file_key *key = calloc(1, sizeof *key);
    size_t bytes = sizeof key->public_key;
    if (key == NULL)
        return -ERR_MEMORY;
    key->key.ops = &file_ops;
    key->pkey = read_pem(pem);
    if (key->pkey == NULL || EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_ED25519 ||
        EVP_PKEY_get_raw_public_key(key->pkey, key->public_key, &bytes) != 1 ||
        bytes != sizeof key->public_key) {
        file_free(&key->key);
        return -ERR_CONFIG;
    }
    *ret_key = &key->key;
    return 0;
}

void sign_key_free(struct sign_key *key)
{
    if (key != NULL)
        key->ops->free(key);
}

int sign_key_public(struct sign_key *key, unsigned char ret_public[SIGN_PUBLIC_BYTES])
{
    key->problem[0] = '\0';
    return key->ops->public(key, ret_public);
}

int sign_message(struct sign_key *key, struct slice message,
                 unsigned char ret_signature[SIGN_SIGNATURE_BYTES])
{
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    TRY(sign_key_public(key, public_key));
    TRY(key->ops->sign(key, message, ret_signature));
    if (sign_check(public_key, message, ret_signature))
        return 0;
    (void)snprintf(key->problem, sizeof key->problem, "it made a signature that is not good");
    return -ERR_CRYPTO;
}

int sign_key_prove(struct sign_key *key, unsigned char ret_public[SIGN_PUBLIC_BYTES])
{
    unsigned char signature[SIGN_SIGNATURE_BYTES];
    TRY(sign_message(key, SLICE(SIGN_POSSESSION_MESSAGE), signature));
    return sign_key_public(key, ret_public);
}

const char *sign_key_problem(const struct sign_key *key)
{
    return key->problem;
}

/* The points of order 1, 2, 4 and 8, by their y, which is all of an encoding but its highest bit; 0
 * and 1 have a second one each, above the prime. With such a key a signature proves nothing: for
 * some messages anybody can write one down. libcrypto takes them. */
static bool is_of_small_order(const unsigned char public_key[SIGN_PUBLIC_BYTES])
{
    static const unsigned char points[][SIGN_PUBLIC_BYTES] = {
        {0},
        {1},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
         0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
         0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    };
    unsigned char y[SIGN_PUBLIC_BYTES];
    memcpy(y, public_key, sizeof y);
    y[31] &= 0x7f;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        if (memcmp(y, points[i], sizeof y) == 0)
            return true;
    /* -1, and 0 and 1 above the prime: 2^255 - 20, - 19 and - 18 */
    for (size_t i = 1; i < sizeof y - 1; i++)
        if (y[i] != 0xff)
            return false;
    return y[31] == 0x7f && y[0] >= 0xec;
}

bool sign_check(const unsigned char public_key[SIGN_PUBLIC_BYTES], struct slice message,
                const unsigned char signature[SIGN_SIGNATURE_BYTES])
{
    if (is_of_small_order(public_key))
        return false;
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, SIGN_PUBLIC_BYTES);
    EVP_MD_CTX *work = EVP_MD_CTX_new();
    bool ok = pkey != NULL && work != NULL &&
              EVP_DigestVerifyInit(work, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(work, signature, SIGN_SIGNATURE_BYTES,
                               (const unsigned char *)message.at, message.bytes) == 1;
    EVP_MD_CTX_free(work);
    EVP_PKEY_free(pkey);
    return ok;
}
