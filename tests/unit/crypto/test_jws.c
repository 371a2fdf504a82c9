/* test_jws.c - crypto/jws.h against the examples of RFC 7515 and RFC 8037, and forgeries. */
#include "test.h"

#include "base/base64.h"
#include "base/error.h"
#include "crypto/jws.h"

#define A1_SECRET                                                                                  \
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define A1_HEADER "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
#define A1_PAYLOAD                                                                                 \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"     \
    "cnVlfQ"
#define A1_SIGNATURE "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define A1_JSON                                                                                    \
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "                                               \
    "\"http://example.com/is_root\":true}"

#define A3_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define A3_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define A3_TOKEN                                                                                   \
    "eyJhbGciOiJFUzI1NiJ9." A1_PAYLOAD                                                             \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

#define ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define ED_PEM                                                                                     \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                           \
    "-----END PRIVATE KEY-----\n"
#define ED_TOKEN                                                                                   \
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."                                    \
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

static struct jws_keys *new_keys(void)
{
    struct jws_keys *keys;
    assert_int_equal(jws_keys_new(&keys), 0);
    return keys;
}

static void decode(const char *text, unsigned char *to, size_t bytes)
{
    struct buf buf = buf_over(to, bytes);
    assert_int_equal(base64_read_url(slice_text(text), &buf), 0);
    assert_int_equal(buf.bytes, bytes);
}

static void add_a1(struct jws_keys *keys, const char *kid)
{
    unsigned char secret[64];
    decode(A1_SECRET, secret, sizeof secret);
    assert_int_equal(jws_keys_add_hs256(keys, slice_text(kid), slice_of(secret, sizeof secret)), 0);
}

static void add_ed(struct jws_keys *keys, const char *kid)
{
    unsigned char x[32];
    decode(ED_X, x, sizeof x);
    assert_int_equal(jws_keys_add_ed25519(keys, slice_text(kid), x), 0);
}

static void add_a3(struct jws_keys *keys, const char *kid)
{
    unsigned char x[32], y[32];
    decode(A3_X, x, sizeof x);
    decode(A3_Y, y, sizeof y);
    assert_int_equal(jws_keys_add_es256(keys, slice_text(kid), x, y), 0);
}

static void expect(struct jws_keys *keys, const char *token, enum jws_outcome outcome,
                   const char *payload)
{
    char memory[JWS_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    enum jws_outcome got = jws_verify(keys, slice_text(token), &buf);
    if (got != outcome)
        fail_msg("%d instead of %d: %s", got, outcome, token);
    assert_true(slice_is(buf_slice(&buf), outcome == JWS_OK ? payload : ""));
}

/* A token of this header (as JSON), signed rightly or not with the A.1 key. */
static void expect_header(struct jws_keys *keys, const char *header, enum jws_outcome outcome)
{
    char memory[JWS_BYTES_MAX];
    struct buf token = buf_over(memory, sizeof memory);
    base64_write_url(&token, slice_text(header));
    buf_put_text(&token, "." A1_PAYLOAD "." A1_SIGNATURE);
    buf_put_char(&token, 0);
    expect(keys, memory, outcome, NULL);
}

TEST(jws, verifies_the_examples_of_the_standards)
{
    struct jws_keys *keys = new_keys();
    add_a1(keys, "");
    expect(keys, A1_HEADER "." A1_PAYLOAD "." A1_SIGNATURE, JWS_OK, A1_JSON);
    jws_keys_free(keys);
    keys = new_keys();
    add_a3(keys, "");
    expect(keys, A3_TOKEN, JWS_OK, A1_JSON);
    jws_keys_free(keys);
    keys = new_keys();
    add_ed(keys, "");
    expect(keys, ED_TOKEN, JWS_OK, "Example of Ed25519 signing");
    jws_keys_free(keys);
    jws_keys_free(NULL);
}

TEST(jws, signs_with_a_private_key_what_its_public_half_verifies)
{
    struct jws_keys *keys = new_keys();
    char memory[JWS_BYTES_MAX];
    struct buf token = buf_over(memory, sizeof memory);
    assert_int_equal(jws_keys_add_ed25519_private(keys, SLICE("ed"), SLICE(ED_PEM)), 0);
    assert_int_equal(jws_sign(keys, SLICE("ed"), SLICE("hello"), &token), 0);
    struct jws_keys *others = new_keys();
    add_ed(others, "ed"); /* the public half, as the standard gives it */
    buf_put_char(&token, 0);
    expect(others, memory, JWS_OK, "hello");
    token.bytes = 0;
    assert_int_equal(jws_sign(others, SLICE("ed"), SLICE("hello"), &token), -ERR_UNSUPPORTED);
    assert_int_equal(jws_sign(others, SLICE("no"), SLICE("hello"), &token), -ERR_NOT_FOUND);
    jws_keys_free(keys);
    jws_keys_free(others);
}

TEST(jws, refuses_every_changed_character)
{
    static const char *const tokens[] = {A1_HEADER "." A1_PAYLOAD "." A1_SIGNATURE, A3_TOKEN,
                                         ED_TOKEN};
    static void (*const add[])(struct jws_keys *, const char *) = {add_a1, add_a3, add_ed};
    for (int t = 0; t < 3; t++) {
        struct jws_keys *keys = new_keys();
        add[t](keys, "");
        char token[512], memory[JWS_BYTES_MAX];
        size_t bytes = strlen(tokens[t]);
        assert_true(bytes < sizeof token);
        for (size_t i = 0; i < bytes; i++) {
            memcpy(token, tokens[t], bytes);
            token[i] = token[i] == 'A' ? 'B' : 'A';
            struct buf buf = buf_over(memory, sizeof memory);
            assert_int_not_equal(jws_verify(keys, (struct slice){token, bytes}, &buf), JWS_OK);
            assert_int_equal(buf.bytes, 0);
            assert_int_not_equal(jws_verify(keys, (struct slice){tokens[t], i}, &buf), JWS_OK);
        }
        jws_keys_free(keys);
    }
}

TEST(jws, refuses_confusion_of_algorithms)
{
    struct jws_keys *keys = new_keys();
    add_a1(keys, "");
    expect_header(keys, "{\"alg\":\"none\"}", JWS_BAD_ALGORITHM);
    expect_header(keys, "{\"alg\":\"None\"}", JWS_BAD_ALGORITHM);
    expect_header(keys, "{\"alg\":\"\"}", JWS_BAD_ALGORITHM);
    expect_header(keys, "{\"alg\":\"hs256\"}", JWS_BAD_ALGORITHM);
    expect_header(keys, "{\"alg\":\"HS512\"}", JWS_BAD_ALGORITHM);
    expect_header(keys, "{\"alg\":\"EdDSA\"}", JWS_BAD_ALGORITHM);
    expect_header(keys, "{\"alg\":\"HS256\"}",
                  JWS_BAD_SIGNATURE); /* not the text that was signed */
    /* No signature at all, the classic. */
    expect(keys, "eyJhbGciOiJub25lIn0." A1_PAYLOAD ".", JWS_BAD_ALGORITHM, NULL);
    expect(keys, A1_HEADER "." A1_PAYLOAD ".", JWS_BAD_SIGNATURE, NULL);
    jws_keys_free(keys);

    /* An HMAC keyed with the bytes of the public key, for the id of the Ed25519 key. */
    unsigned char x[32];
    char memory[JWS_BYTES_MAX];
    struct buf token = buf_over(memory, sizeof memory);
    decode(ED_X, x, sizeof x);
    struct jws_keys *forger = new_keys();
    assert_int_equal(jws_keys_add_hs256(forger, SLICE("ed"), slice_of(x, 32)), 0);
    assert_int_equal(jws_sign(forger, SLICE("ed"), SLICE("{}"), &token), 0);
    buf_put_char(&token, 0);
    keys = new_keys();
    add_ed(keys, "ed");
    expect(keys, memory, JWS_BAD_ALGORITHM, NULL);
    jws_keys_free(keys);
    jws_keys_free(forger);
}

TEST(jws, refuses_headers_that_bring_keys_or_conditions)
{
    static const char *const malformed[] = {
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"b64\":false}",
        "{\"alg\":\"HS256\",\"jwk\":{}}",
        "{\"alg\":\"HS256\",\"jku\":\"https://x\"}",
        "{\"alg\":\"HS256\",\"x5u\":\"https://x\"}",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"none\",\"\\u0061lg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"kid\":\"\",\"kid\":\"\"}",
        "{\"alg\":[\"HS256\"]}",
        "{\"alg\":null}",
        "{\"kid\":\"\"}",
        "{}",
        "[]",
        "\"HS256\"",
        "",
        "{\"alg\":\"HS256\"",
        "{\"alg\":\"HS256\"}x",
        "{\"alg\":\"HS256\",\"kid\":7}",
    };
    struct jws_keys *keys = new_keys();
    add_a1(keys, "");
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        expect_header(keys, malformed[i], JWS_MALFORMED);
    expect_header(keys, "{\"alg\":\"HS256\",\"kid\":\"other\"}", JWS_UNKNOWN_KEY);
    jws_keys_free(keys);
}

TEST(jws, refuses_what_is_no_compact_form)
{
    static const char *const malformed[] = {
        "",
        ".",
        "..",
        "...",
        A1_HEADER,
        A1_HEADER "." A1_PAYLOAD,
        A1_HEADER "." A1_PAYLOAD "." A1_SIGNATURE ".",
        A1_HEADER "." A1_PAYLOAD "." A1_SIGNATURE "=",
        A1_HEADER "." A1_PAYLOAD "." A1_SIGNATURE "\n",
        " " A1_HEADER "." A1_PAYLOAD "." A1_SIGNATURE,
        /* another last character that says the same bytes */
        A1_HEADER "." A1_PAYLOAD ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl",
    };
    struct jws_keys *keys = new_keys();
    add_a1(keys, "");
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        expect(keys, malformed[i], JWS_MALFORMED, NULL);
    char token[JWS_BYTES_MAX + 2];
    memset(token, 'A', sizeof token);
    token[sizeof token - 1] = 0;
    token[10] = token[20] = '.';
    expect(keys, token, JWS_MALFORMED, NULL);
    jws_keys_free(keys);
}

TEST(jws, finds_the_key_by_its_id)
{
    struct jws_keys *keys = new_keys();
    char memory[JWS_BYTES_MAX], secret[32] = "0123456789abcdef0123456789abcdef";
    memcpy(secret, "0123456789abcdef0123456789abcdef", 32);
    for (char c = 'a'; c < 'a' + JWS_KEYS_MAX; c++) {
        secret[0] = c;
        assert_int_equal(jws_keys_add_hs256(keys, slice_of(&c, 1), slice_of(secret, 32)), 0);
    }
    assert_int_equal(jws_keys_count(keys), JWS_KEYS_MAX);
    assert_int_equal(jws_keys_add_hs256(keys, SLICE("zz"), slice_of(secret, 32)), -ERR_LIMIT);
    for (char c = 'a'; c < 'a' + JWS_KEYS_MAX; c++) {
        struct buf token = buf_over(memory, sizeof memory);
        assert_int_equal(jws_sign(keys, slice_of(&c, 1), SLICE("p"), &token), 0);
        buf_put_char(&token, 0);
        expect(keys, memory, JWS_OK, "p");
    }
    jws_keys_free(keys);
}

TEST(jws, refuses_keys_that_are_none)
{
    struct jws_keys *keys = new_keys();
    unsigned char x[32] = {1}, y[32] = {2};
    char long_kid[JWS_KID_BYTES_MAX + 1];
    memset(long_kid, 'k', sizeof long_kid);
    assert_int_equal(jws_keys_add_hs256(keys, SLICE("a"), SLICE("too short")), -ERR_CONFIG);
    assert_int_equal(jws_keys_add_es256(keys, SLICE("a"), x, y), -ERR_CONFIG); /* off the curve */
    assert_int_equal(jws_keys_add_ed25519_private(keys, SLICE("a"), SLICE("x")), -ERR_CONFIG);
    assert_int_equal(jws_keys_add_ed25519_private(keys, SLICE("a"), SLICE_NONE), -ERR_CONFIG);
    assert_int_equal(jws_keys_add_ed25519(keys, slice_of(long_kid, sizeof long_kid), x),
                     -ERR_LIMIT);
    assert_int_equal(jws_keys_count(keys), 0);
    add_ed(keys, "a");
    assert_int_equal(jws_keys_add_ed25519(keys, SLICE("a"), x), -ERR_CONFIG); /* id is taken */
    jws_keys_free(keys);
}

TEST(jws, refuses_a_payload_longer_than_a_token_may_be)
{
    struct jws_keys *keys = new_keys();
    static char payload[JWS_BYTES_MAX], memory[2 * JWS_BYTES_MAX];
    add_a1(keys, "k");
    memset(payload, 'p', sizeof payload);
    struct buf token = buf_over(memory, sizeof memory);
    assert_int_equal(jws_sign(keys, SLICE("k"), slice_of(payload, 1500), &token), -ERR_LIMIT);
    assert_int_equal(token.bytes, 0);
    assert_int_equal(jws_sign(keys, SLICE("k"), slice_of(payload, 1400), &token), 0);
    assert_true(token.bytes <= JWS_BYTES_MAX);
    jws_keys_free(keys);
}

TEST(jws, takes_the_usable_keys_of_a_set)
{
    struct jws_keys *keys = new_keys();
    assert_int_equal(
        jws_keys_add_set(
            keys, SLICE("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"AQ\",\"e\":\"AQAB\"},"
                        "{\"kty\":\"oct\",\"kid\":\"o\",\"k\":\"" A1_SECRET "\"},"
                        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"x\":\"" ED_X "\"},"
                        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\",\"alg\":\"EdDSA\","
                        "\"kid\":\"e\",\"x\":\"" ED_X "\",\"key_ops\":[\"verify\"]},"
                        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X "\",\"y\":\"" A3_Y
                        "\"}],\"more\":1}")),
        0);
    assert_int_equal(jws_keys_count(keys), 2);
    expect(keys, A3_TOKEN, JWS_OK, A1_JSON); /* the one without an id */
    jws_keys_free(keys);

    static const struct {
        const char *json;
        int result;
    } bad[] = {
        {"", -ERR_FORMAT},
        {"[]", -ERR_FORMAT},
        {"{\"keys\":{}}", -ERR_FORMAT},
        {"{\"keys\":[7]}", -ERR_FORMAT},
        {"{\"keys\":[{\"kty\":7}]}", -ERR_FORMAT},
        {"{\"keys\":[]}", -ERR_CONFIG},
        {"{}", -ERR_CONFIG},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}", -ERR_CONFIG},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X "\",\"y\":\"" A3_X "\"}]}",
         -ERR_CONFIG},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        keys = new_keys();
        int result = jws_keys_add_set(keys, slice_text(bad[i].json));
        if (result != bad[i].result)
            fail_msg("%d: %s", result, bad[i].json);
        jws_keys_free(keys);
    }
}
