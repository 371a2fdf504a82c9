/* test_sign_pkcs11.c - keys in a token, with the real softhsm2. */
#include "crypto/sign_pkcs11.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "soft_token.h"
#include "test.h"

static struct sign_key *key_of(const struct soft_token *token, const char *label)
{
    char memory[200];
    struct buf why = buf_over(memory, sizeof memory);
    struct sign_pkcs11_options options = soft_token_options(token, label);
    struct sign_key *key = NULL;
    assert_int_equal(sign_pkcs11_new(&options, &key, &why), 0);
    return key;
}

TEST(sign_pkcs11, signs_what_anybody_can_check)
{
    struct soft_token token;
    unsigned char public_key[SIGN_PUBLIC_BYTES], other[SIGN_PUBLIC_BYTES];
    unsigned char signature[SIGN_SIGNATURE_BYTES];
    soft_token_begin(&token);
    soft_token_add_key(&token, "one");
    soft_token_add_key(&token, "two");
    struct sign_key *one = key_of(&token, "one"), *two = key_of(&token, "two");
    assert_int_equal(sign_key_prove(one, public_key), 0);
    assert_int_equal(sign_key_public(two, other), 0);
    assert_memory_not_equal(public_key, other, sizeof other);
    assert_int_equal(sign_message(one, SLICE("a head"), signature), 0);
    assert_true(sign_check(public_key, SLICE("a head"), signature));
    assert_false(sign_check(other, SLICE("a head"), signature));
    sign_key_free(one); /* the other goes on: they share the library */
    assert_int_equal(sign_message(two, SLICE("a head"), signature), 0);
    assert_true(sign_check(other, SLICE("a head"), signature));
    sign_key_free(two);
    soft_token_end(&token);
}

TEST(sign_pkcs11, says_that_the_token_is_away_and_signs_again_when_it_is_back)
{
    struct soft_token token;
    unsigned char before[SIGN_PUBLIC_BYTES], after[SIGN_PUBLIC_BYTES];
    unsigned char signature[SIGN_SIGNATURE_BYTES];
    soft_token_begin(&token);
    soft_token_add_key(&token, "one");
    struct sign_key *key = key_of(&token, "one");
    assert_int_equal(sign_key_public(key, before), 0);
    for (int i = 0; i < 3; i++) {
        soft_token_take_away(&token);
        assert_int_equal(sign_message(key, SLICE("a head"), signature), -ERR_ABSENT);
        assert_int_equal(sign_message(key, SLICE("a head"), signature), -ERR_ABSENT);
        assert_non_null(strstr(sign_key_problem(key), "no token with that label is there"));
        soft_token_put_back(&token);
        assert_int_equal(sign_message(key, SLICE("a head"), signature), 0);
        assert_int_equal(sign_key_public(key, after), 0);
        assert_memory_equal(before, after, sizeof after);
        assert_string_equal(sign_key_problem(key), "");
    }
    sign_key_free(key);
    soft_token_end(&token);
}

TEST(sign_pkcs11, is_there_as_soon_as_a_token_is_that_was_away_at_the_begin)
{
    struct soft_token token;
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    soft_token_begin(&token);
    soft_token_add_key(&token, "one");
    soft_token_take_away(&token);
    struct sign_key *key = key_of(&token, "one");
    assert_int_equal(sign_key_public(key, public_key), -ERR_ABSENT);
    soft_token_put_back(&token);
    assert_int_equal(sign_key_public(key, public_key), 0);
    sign_key_free(key);
    soft_token_end(&token);
}

TEST(sign_pkcs11, sends_a_refused_pin_once)
{
    struct soft_token token;
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    soft_token_begin(&token);
    soft_token_add_key(&token, "one");
    soft_token_set_pin(&token, "wrong");
    struct sign_key *key = key_of(&token, "one");
    assert_int_equal(sign_key_public(key, public_key), -ERR_CONFIG);
    assert_non_null(strstr(sign_key_problem(key), "refused the PIN"));
    soft_token_set_pin(&token, SOFT_TOKEN_PIN); /* would be taken, were it sent */
    assert_int_equal(sign_key_public(key, public_key), -ERR_CONFIG);
    sign_key_free(key);
    soft_token_end(&token);
}

TEST(sign_pkcs11, refuses_a_pin_that_others_can_read)
{
    struct soft_token token;
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    soft_token_begin(&token);
    soft_token_add_key(&token, "one");
    assert_int_equal(chmod(token.pin_file, 0644), 0);
    struct sign_key *key = key_of(&token, "one");
    assert_int_equal(sign_key_public(key, public_key), -ERR_ABSENT);
    assert_non_null(strstr(sign_key_problem(key), "can be reached by group or others"));
    assert_int_equal(chmod(token.pin_file, 0600), 0);
    assert_int_equal(sign_key_public(key, public_key), 0);
    sign_key_free(key);
    soft_token_end(&token);
}

TEST(sign_pkcs11, tells_a_key_that_is_not_there_and_one_that_is_there_twice)
{
    struct soft_token token;
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    soft_token_begin(&token);
    struct sign_key *key = key_of(&token, "one");
    assert_int_equal(sign_key_public(key, public_key), -ERR_NOT_FOUND);
    soft_token_add_key(&token, "one");
    assert_int_equal(sign_key_public(key, public_key), 0);
    sign_key_free(key);
    soft_token_add_key(&token, "one");
    key = key_of(&token, "one");
    assert_int_equal(sign_key_public(key, public_key), -ERR_NOT_FOUND);
    assert_non_null(strstr(sign_key_problem(key), "more than one"));
    sign_key_free(key);
    soft_token_end(&token);
}

TEST(sign_pkcs11, refuses_options_that_cannot_be_meant)
{
    static const struct sign_pkcs11_options rows[] = {
        {"/nowhere.so", "t", "k", "/pin"},
        {"relative.so", "t", "k", "/pin"},
        {"/lib/x86_64-linux-gnu/libz.so.1", "t", "k", "/pin"},
        {SOFT_TOKEN_MODULE, "", "k", "/pin"},
        {SOFT_TOKEN_MODULE, "t", NULL, "/pin"},
        {SOFT_TOKEN_MODULE, "t", "k", NULL},
        {SOFT_TOKEN_MODULE, "a label that no token can have: 33 ", "k", "/pin"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char memory[400];
        struct buf why = buf_over(memory, sizeof memory);
        struct sign_key *key = NULL;
        assert_int_equal(sign_pkcs11_new(&rows[i], &key, &why), -ERR_CONFIG);
        assert_true(why.bytes > 0);
        assert_null(key);
    }
}
