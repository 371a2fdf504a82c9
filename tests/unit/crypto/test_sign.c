/* test_sign.c - crypto/sign.h against RFC 8032 section 7.1. */
#include "test.h"

#include <string.h>

#include "base/error.h"
#include "crypto/sign.h"
#include "sign_pem.h"

static void unhex(const char *hex, unsigned char *ret)
{
    for (size_t i = 0; hex[2 * i] != '\0'; i++) {
        unsigned value = 0;
        for (size_t at = 2 * i; at < 2 * i + 2; at++)
            value = value * 16 + (unsigned)(hex[at] <= '9' ? hex[at] - '0' : hex[at] - 'a' + 10);
        ret[i] = (unsigned char)value;
    }
}

static const struct {
    const char *public_key;
    struct slice message;
    const char *signature;
} rows[] = {
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", SLICE(""),
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", SLICE("\x72"),
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
};

TEST(sign, accepts_the_signatures_of_rfc_8032_and_no_flipped_bit)
{
    unsigned char key[SIGN_PUBLIC_BYTES], signature[SIGN_SIGNATURE_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unhex(rows[i].public_key, key);
        unhex(rows[i].signature, signature);
        assert_true(sign_check(key, rows[i].message, signature));
        assert_false(sign_check(key, SLICE("another"), signature));
        for (unsigned bit = 0; bit < 8 * SIGN_SIGNATURE_BYTES; bit += 5) {
            signature[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_false(sign_check(key, rows[i].message, signature));
            signature[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    }
}

TEST(sign, makes_the_signature_of_rfc_8032)
{
    unsigned char key[SIGN_PUBLIC_BYTES], signature[SIGN_SIGNATURE_BYTES];
    unsigned char wanted_key[SIGN_PUBLIC_BYTES], wanted[SIGN_SIGNATURE_BYTES];
    struct sign_key *made = NULL;
    assert_int_equal(sign_key_new(SLICE(SIGN_PEM), &made), 0);
    sign_key_public(made, key);
    unhex(rows[0].public_key, wanted_key);
    unhex(rows[0].signature, wanted);
    assert_memory_equal(key, wanted_key, sizeof key);
    assert_int_equal(sign_message(made, SLICE(""), signature), 0);
    assert_memory_equal(signature, wanted, sizeof signature);
    sign_key_free(made);
    sign_key_free(NULL);
}

TEST(sign, refuses_what_is_no_key)
{
    struct sign_key *made = NULL;
    assert_int_equal(sign_key_new(SLICE(""), &made), -ERR_CONFIG);
    assert_int_equal(sign_key_new(SLICE("-----BEGIN PRIVATE KEY-----\nMC4=\n"), &made),
                     -ERR_CONFIG);
    assert_null(made);
}

/* Such a key "signs" every few messages with bytes that anybody can write down: 64 zeros, or the
 * key itself before 32 zeros. A sector that was never written is all of that. */
TEST(sign, refuses_keys_of_small_order)
{
    static const char *const keys[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    unsigned char key[SIGN_PUBLIC_BYTES], signature[SIGN_SIGNATURE_BYTES] = {0};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        unhex(keys[k], key);
        for (unsigned i = 0; i < 64; i++) {
            const unsigned char message[] = {(unsigned char)i};
            memset(signature, 0, sizeof signature);
            assert_false(sign_check(key, slice_of(message, 1), signature));
            memcpy(signature, key, sizeof key);
            assert_false(sign_check(key, slice_of(message, 1), signature));
        }
    }
}
