/* sign.c - contract in sign.h. */
#include "crypto/sign.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct sign_key {
    EVP_PKEY *pkey; /* owned */
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

int sign_key_new(struct slice pem, struct sign_key **ret_key)
{
    struct sign_key *key = calloc(1, sizeof *key);
    size_t bytes = sizeof key->public_key;
    if (key == NULL)
        return -ERR_MEMORY;
    key->pkey = read_pem(pem);
    if (key->pkey == NULL || EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_ED25519 ||
        EVP_PKEY_get_raw_public_key(key->pkey, key->public_key, &bytes) != 1 ||
        bytes != sizeof key->public_key) {
        sign_key_free(key);
        return -ERR_CONFIG;
    }
    *ret_key = key;
    return 0;
}

void sign_key_free(struct sign_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

void sign_key_public(const struct sign_key *key, unsigned char ret_public[SIGN_PUBLIC_BYTES])
{
    memcpy(ret_public, key->public_key, SIGN_PUBLIC_BYTES);
}

int sign_message(struct sign_key *key, struct slice message,
                 unsigned char ret_signature[SIGN_SIGNATURE_BYTES])
{
    EVP_MD_CTX *work = EVP_MD_CTX_new();
    size_t bytes = SIGN_SIGNATURE_BYTES;
    bool ok = work != NULL && EVP_DigestSignInit(work, NULL, NULL, NULL, key->pkey) == 1 &&
              EVP_DigestSign(work, ret_signature, &bytes, (const unsigned char *)message.at,
                             message.bytes) == 1 &&
              bytes == SIGN_SIGNATURE_BYTES;
    EVP_MD_CTX_free(work);
    return ok ? 0 : -ERR_CRYPTO;
}

bool sign_check(const unsigned char public_key[SIGN_PUBLIC_BYTES], struct slice message,
                const unsigned char signature[SIGN_SIGNATURE_BYTES])
{
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
