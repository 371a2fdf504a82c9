/* jws_keys.c - contract in jws.h (jws_keys_*) and jws_keys.h. */
#include "crypto/jws_keys.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/json_read.h"
#include "crypto/sha256.h"

enum kind { KIND_HS256 = 0, KIND_ED25519, KIND_ES256 };

struct jws_key {
    enum kind kind;
    bool signs;
    char kid[JWS_KID_BYTES_MAX];
    size_t kid_bytes;
    struct hmac256 *hmac; /* owned; KIND_HS256 only */
    EVP_PKEY *pkey;       /* owned; the other kinds */
};

struct jws_keys {
    struct jws_key keys[JWS_KEYS_MAX];
    size_t count;
    EVP_MD_CTX *work; /* owned */
};

int jws_keys_new(struct jws_keys **ret)
{
    struct jws_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL)
        return -ERR_MEMORY;
    keys->work = EVP_MD_CTX_new();
    if (keys->work == NULL) {
        free(keys);
        return -ERR_MEMORY;
    }
    *ret = keys;
    return 0;
}

void jws_keys_free(struct jws_keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < keys->count; i++) {
        hmac256_free(keys->keys[i].hmac);
        EVP_PKEY_free(keys->keys[i].pkey);
    }
    EVP_MD_CTX_free(keys->work);
    free(keys);
}

size_t jws_keys_count(const struct jws_keys *keys)
{
    return keys->count;
}

struct jws_key *jws_keys_find(struct jws_keys *keys, struct slice kid)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct jws_key *key = &keys->keys[i];
        if (slice_equal((struct slice){key->kid, key->kid_bytes}, kid))
            return key;
    }
    return NULL;
}

const char *jws_key_algorithm(const struct jws_key *key)
{
    switch (key->kind) {
    case KIND_HS256:
        return "HS256";
    case KIND_ED25519:
        return "EdDSA";
    case KIND_ES256:
        return "ES256";
    }
    return "";
}

/* --- adding --- */

/* The next place, with its id set; it counts only once `count` is raised. */
static int prepare(struct jws_keys *keys, struct slice kid, enum kind kind, struct jws_key **ret)
{
    if (keys->count == JWS_KEYS_MAX || kid.bytes > JWS_KID_BYTES_MAX)
        return -ERR_LIMIT;
    if (jws_keys_find(keys, kid) != NULL)
        return -ERR_CONFIG;
    struct jws_key *key = &keys->keys[keys->count];
    *key = (struct jws_key){.kind = kind, .kid_bytes = kid.bytes};
    if (kid.bytes > 0)
        memcpy(key->kid, kid.at, kid.bytes);
    *ret = key;
    return 0;
}

int jws_keys_add_hs256(struct jws_keys *keys, struct slice kid, struct slice secret)
{
    struct jws_key *key;
    TRY(prepare(keys, kid, KIND_HS256, &key));
    if (secret.bytes < JWS_SECRET_BYTES_MIN)
        return -ERR_CONFIG;
    TRY(hmac256_new(secret, &key->hmac));
    key->signs = true;
    keys->count++;
    return 0;
}

/* Takes `pkey`, which may be NULL: what the library could not make a key of. */
static int add_pkey(struct jws_keys *keys, struct jws_key *key, EVP_PKEY *pkey)
{
    if (pkey == NULL)
        return -ERR_CONFIG;
    key->pkey = pkey;
    keys->count++;
    return 0;
}

int jws_keys_add_ed25519(struct jws_keys *keys, struct slice kid,
                         const unsigned char public_key[32])
{
    struct jws_key *key;
    TRY(prepare(keys, kid, KIND_ED25519, &key));
    return add_pkey(keys, key, EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32));
}

int jws_keys_add_ed25519_private(struct jws_keys *keys, struct slice kid, struct slice pem)
{
    struct jws_key *key;
    TRY(prepare(keys, kid, KIND_ED25519, &key));
    if (pem.bytes == 0 || pem.bytes > INT_MAX)
        return -ERR_CONFIG;
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.bytes);
    if (bio == NULL)
        return -ERR_MEMORY;
    char no_password[] = ""; /* or the library would ask on the terminal */
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, no_password);
    BIO_free(bio);
    if (pkey != NULL && EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(pkey);
        return -ERR_CONFIG;
    }
    key->signs = true;
    return add_pkey(keys, key, pkey);
}

static EVP_PKEY *p256_point(const unsigned char x[32], const unsigned char y[32])
{
    char group[] = "prime256v1";
    unsigned char point[65] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(point + 1, x, 32);
    memcpy(point + 33, y, 32);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (make == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
        EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL; /* not on the curve */
    EVP_PKEY_CTX_free(make);
    return pkey;
}

int jws_keys_add_es256(struct jws_keys *keys, struct slice kid, const unsigned char x[32],
                       const unsigned char y[32])
{
    struct jws_key *key;
    TRY(prepare(keys, kid, KIND_ES256, &key));
    return add_pkey(keys, key, p256_point(x, y));
}

/* --- using --- */

static bool hs256_verify(struct jws_key *key, struct slice message, struct slice signature)
{
    unsigned char expected[SHA256_BYTES];
    hmac256_digest(key->hmac, message, expected);
    return signature.bytes == sizeof expected &&
           sha256_equal(signature.at, expected, sizeof expected);
}

static bool pkey_verify(EVP_MD_CTX *work, struct jws_key *key, struct slice message,
                        struct slice signature)
{
    const char *digest = key->kind == KIND_ES256 ? "SHA256" : NULL;
    bool ok = EVP_MD_CTX_reset(work) == 1 &&
              EVP_DigestVerifyInit_ex(work, NULL, digest, NULL, NULL, key->pkey, NULL) == 1 &&
              EVP_DigestVerify(work, (const unsigned char *)signature.at, signature.bytes,
                               (const unsigned char *)message.at, message.bytes) == 1;
    return ok;
}

/* JWS carries r and s as they are (RFC 7518, 3.4), the library wants them in DER. */
static bool es256_verify(EVP_MD_CTX *work, struct jws_key *key, struct slice message,
                         struct slice signature)
{
    if (signature.bytes != 64)
        return false;
    const unsigned char *at = (const unsigned char *)signature.at;
    BIGNUM *r = BN_bin2bn(at, 32, NULL);
    BIGNUM *s = BN_bin2bn(at + 32, 32, NULL);
    ECDSA_SIG *both = ECDSA_SIG_new();
    if (r == NULL || s == NULL || both == NULL || ECDSA_SIG_set0(both, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(both);
        return false;
    }
    unsigned char *der = NULL;
    int bytes = i2d_ECDSA_SIG(both, &der);
    bool ok = bytes > 0 && pkey_verify(work, key, message, slice_of(der, (size_t)bytes));
    OPENSSL_free(der);
    ECDSA_SIG_free(both);
    return ok;
}

bool jws_key_verify(struct jws_keys *keys, struct jws_key *key, struct slice message,
                    struct slice signature)
{
    switch (key->kind) {
    case KIND_HS256:
        return hs256_verify(key, message, signature);
    case KIND_ED25519:
        return signature.bytes == 64 && pkey_verify(keys->work, key, message, signature);
    case KIND_ES256:
        return es256_verify(keys->work, key, message, signature);
    }
    return false;
}

int jws_key_sign(struct jws_keys *keys, struct jws_key *key, struct slice message,
                 unsigned char ret_signature[JWS_SIGNATURE_BYTES], size_t *ret_bytes)
{
    if (!key->signs)
        return -ERR_UNSUPPORTED;
    if (key->kind == KIND_HS256) {
        hmac256_digest(key->hmac, message, ret_signature);
        *ret_bytes = SHA256_BYTES;
        return 0;
    }
    size_t bytes = JWS_SIGNATURE_BYTES;
    if (EVP_MD_CTX_reset(keys->work) != 1 ||
        EVP_DigestSignInit_ex(keys->work, NULL, NULL, NULL, NULL, key->pkey, NULL) != 1 ||
        EVP_DigestSign(keys->work, ret_signature, &bytes, (const unsigned char *)message.at,
                       message.bytes) != 1)
        return -ERR_CRYPTO;
    *ret_bytes = bytes;
    return 0;
}

/* --- JWK sets --- */

struct jwk {
    struct slice kty, crv, alg, use, kid, x, y;
};

static void read_jwk(struct json_reader *reader, struct jwk *ret)
{
    const struct {
        const char *name;
        struct slice *text;
    } members[] = {
        {"kty", &ret->kty}, {"crv", &ret->crv}, {"alg", &ret->alg}, {"use", &ret->use},
        {"kid", &ret->kid}, {"x", &ret->x},     {"y", &ret->y},
    };
    struct slice name;
    (void)json_object_begin(reader);
    while (json_object_next(reader, &name)) {
        size_t i = 0;
        while (i < sizeof members / sizeof members[0] && !slice_is(name, members[i].name))
            i++;
        if (i < sizeof members / sizeof members[0])
            (void)json_string(reader, members[i].text);
        else
            (void)json_skip(reader);
    }
}

/* Exactly 32 bytes of base64url. */
static bool read_32(struct slice text, unsigned char ret[32])
{
    struct buf buf = buf_over(ret, 32);
    return base64_read_url(text, &buf) == 0 && buf.bytes == 32;
}

static bool is_or_none(struct slice text, const char *value)
{
    return text.bytes == 0 || slice_is(text, value);
}

/* 1 when it was added, 0 when it is of no use to us. */
static int add_jwk(struct jws_keys *keys, const struct jwk *jwk)
{
    unsigned char x[32], y[32];
    if (!is_or_none(jwk->use, "sig"))
        return 0;
    if (slice_is(jwk->kty, "OKP") && slice_is(jwk->crv, "Ed25519") &&
        is_or_none(jwk->alg, "EdDSA")) {
        if (!read_32(jwk->x, x))
            return -ERR_CONFIG;
        TRY(jws_keys_add_ed25519(keys, jwk->kid, x));
        return 1;
    }
    if (slice_is(jwk->kty, "EC") && slice_is(jwk->crv, "P-256") && is_or_none(jwk->alg, "ES256")) {
        if (!read_32(jwk->x, x) || !read_32(jwk->y, y))
            return -ERR_CONFIG;
        TRY(jws_keys_add_es256(keys, jwk->kid, x, y));
        return 1;
    }
    return 0;
}

int jws_keys_add_set(struct jws_keys *keys, struct slice json)
{
    char scratch[4096];
    struct json_reader reader;
    struct slice name;
    int added = 0;
    json_begin(&reader, json, scratch, sizeof scratch);
    (void)json_object_begin(&reader);
    while (json_object_next(&reader, &name)) {
        if (!slice_is(name, "keys")) {
            (void)json_skip(&reader);
            continue;
        }
        (void)json_array_begin(&reader);
        while (json_array_next(&reader)) {
            struct jwk jwk = {SLICE_NONE, SLICE_NONE, SLICE_NONE, SLICE_NONE,
                              SLICE_NONE, SLICE_NONE, SLICE_NONE};
            read_jwk(&reader, &jwk);
            int result = reader.failed ? -ERR_FORMAT : add_jwk(keys, &jwk);
            TRY(result);
            added += result;
        }
    }
    TRY(json_end(&reader));
    return added > 0 ? 0 : -ERR_CONFIG;
}
