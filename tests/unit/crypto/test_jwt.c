/* test_jwt.c - crypto/jwt.h and token_cache.h. */
#include "test.h"

#include "base/error.h"
#include "crypto/jwt.h"
#include "crypto/token_cache.h"

#define NOW 1800000000

static struct jws_keys *keys;

static struct jwt_rules rules_new(const char *issuer, const char *audience)
{
    assert_int_equal(jws_keys_new(&keys), 0);
    assert_int_equal(
        jws_keys_add_hs256(keys, SLICE("k1"), SLICE("0123456789abcdef0123456789abcdef")), 0);
    return (struct jwt_rules){keys, slice_text(issuer), slice_text(audience), 0};
}

/* The token whose payload is `json`. */
static struct slice token_of(const char *json)
{
    static char memory[JWT_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    assert_int_equal(jws_sign(keys, SLICE("k1"), slice_text(json), &buf), 0);
    return buf_slice(&buf);
}

static void expect(const struct jwt_rules *rules, const char *json, enum jwt_outcome outcome)
{
    struct jwt_claims claims = {.exp_s = 77};
    enum jwt_outcome got = jwt_verify(rules, token_of(json), NOW, &claims);
    if (got != outcome)
        fail_msg("%s instead of %s: %s", jwt_outcome_text(got), jwt_outcome_text(outcome), json);
    assert_int_equal(claims.exp_s == 77, outcome != JWT_OK);
}

TEST(jwt, reads_back_what_was_signed)
{
    struct jwt_rules rules = rules_new("overround", "bets");
    struct jwt_claims claims = {
        .exp_s = NOW + 60, .nbf_s = NOW - 5, .iat_s = NOW - 5, .sub_bytes = 2};
    char memory[JWT_BYTES_MAX];
    struct buf token = buf_over(memory, sizeof memory);
    memcpy(claims.sub, "u1", 2);
    claims.roles = JWT_ROLE_BIT(JWT_TRADER) | JWT_ROLE_BIT(JWT_FEED);
    assert_int_equal(jwt_sign(&rules, SLICE("k1"), &claims, &token), 0);
    struct jwt_claims back;
    memset(&back, 0, sizeof back);
    assert_int_equal(jwt_verify(&rules, buf_slice(&token), NOW, &back), JWT_OK);
    assert_memory_equal(&back, &claims, sizeof back);
    assert_true(jwt_has_role(&back, JWT_FEED));
    assert_false(jwt_has_role(&back, JWT_BETTOR));

    claims.sub[1] = ' ';
    assert_int_equal(jwt_sign(&rules, SLICE("k1"), &claims, &token), -ERR_FORMAT);
    claims.sub[1] = '1';
    claims.exp_s = 0;
    assert_int_equal(jwt_sign(&rules, SLICE("k1"), &claims, &token), -ERR_FORMAT);
    jws_keys_free(keys);
}

TEST(jwt, judges_the_times_of_a_token)
{
    struct jwt_rules rules = rules_new("", "");
    expect(&rules, "{\"sub\":\"u\",\"exp\":1800000001}", JWT_OK);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1800000000}", JWT_EXPIRED);
    expect(&rules, "{\"sub\":\"u\",\"exp\":0}", JWT_EXPIRED);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1800000000.9}", JWT_EXPIRED);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1.9e9}", JWT_OK);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1800000009,\"nbf\":1800000000,\"iat\":5}", JWT_OK);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1800000009,\"nbf\":1800000001}", JWT_NOT_YET_VALID);
    rules.leeway_s = 10;
    expect(&rules, "{\"sub\":\"u\",\"exp\":1799999991}", JWT_OK);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1799999990}", JWT_EXPIRED);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1800000099,\"nbf\":1800000010}", JWT_OK);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1800000099,\"nbf\":1800000011}", JWT_NOT_YET_VALID);
    jws_keys_free(keys);
}

TEST(jwt, wants_a_subject_that_can_be_an_id)
{
    struct jwt_rules rules = rules_new("", "");
    expect(&rules, "{\"exp\":1900000000}", JWT_BAD_CLAIMS);
    expect(&rules, "{\"sub\":\"\",\"exp\":1900000000}", JWT_BAD_CLAIMS);
    expect(&rules, "{\"sub\":\"a b\",\"exp\":1900000000}", JWT_BAD_CLAIMS);
    expect(&rules, "{\"sub\":\"a\\n\",\"exp\":1900000000}", JWT_BAD_CLAIMS);
    expect(&rules, "{\"sub\":\"\\u0000\",\"exp\":1900000000}", JWT_BAD_CLAIMS);
    expect(&rules, "{\"sub\":\"\xC3\xA9\",\"exp\":1900000000}", JWT_BAD_CLAIMS);
    expect(&rules, "{\"sub\":\"!~\",\"exp\":1900000000}", JWT_OK);
    expect(&rules,
           "{\"sub\":\"1234567890123456789012345678901234567890123456789012345678901234\","
           "\"exp\":1900000000}",
           JWT_OK);
    expect(&rules,
           "{\"sub\":\"12345678901234567890123456789012345678901234567890123456789012345\","
           "\"exp\":1900000000}",
           JWT_BAD_CLAIMS);
    expect(&rules, "{\"sub\":\"u\"}", JWT_BAD_CLAIMS);
    jws_keys_free(keys);
}

TEST(jwt, refuses_payloads_that_are_no_claims)
{
    static const char *const bad[] = {
        "",
        "7",
        "[]",
        "{\"sub\":\"u\",\"exp\":\"1900000000\"}",
        "{\"sub\":7,\"exp\":1900000000}",
        "{\"sub\":\"u\",\"exp\":null}",
        "{\"sub\":\"u\",\"exp\":-1}",
        "{\"sub\":\"u\",\"exp\":1e300}",
        "{\"sub\":\"u\",\"exp\":253402300800}",
        "{\"sub\":\"u\",\"exp\":1900000000,\"nbf\":true}",
        "{\"sub\":\"u\",\"sub\":\"v\",\"exp\":1900000000}",
        "{\"sub\":\"u\",\"exp\":1,\"exp\":1900000000}",
        "{\"sub\":\"u\",\"exp\":1900000000,\"role\":\"admin\",\"role\":\"admin\"}",
        "{\"sub\":\"u\",\"exp\":1900000000,\"roles\":{}}",
        "{\"sub\":\"u\",\"exp\":1900000000,\"roles\":[7]}",
        "{\"sub\":\"u\",\"exp\":1900000000,\"role\":true}",
        "{\"sub\":\"u\",\"exp\":1900000000}x",
        "{\"sub\":\"u\",\"exp\":1900000000",
        "{\"sub\":\"\xFF\",\"exp\":1900000000}",
    };
    struct jwt_rules rules = rules_new("", "");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(&rules, bad[i], JWT_MALFORMED);
    jws_keys_free(keys);
}

TEST(jwt, reads_roles_in_both_forms)
{
    static const struct {
        const char *json;
        uint32_t roles;
    } rows[] = {
        {"", JWT_ROLE_BIT(JWT_BETTOR)},
        {",\"role\":\"trader\"", JWT_ROLE_BIT(JWT_TRADER)},
        {",\"roles\":[\"risk\",\"admin\"]", JWT_ROLE_BIT(JWT_RISK) | JWT_ROLE_BIT(JWT_ADMIN)},
        {",\"role\":[\"support\"],\"roles\":\"auditor\"",
         JWT_ROLE_BIT(JWT_SUPPORT) | JWT_ROLE_BIT(JWT_AUDITOR)},
        {",\"role\":\"root\"", 0},
        {",\"role\":\"Admin\"", 0},
        {",\"roles\":[]", 0},
        {",\"roles\":[\"regulator\",\"x\",\"feed\"]",
         JWT_ROLE_BIT(JWT_REGULATOR) | JWT_ROLE_BIT(JWT_FEED)},
    };
    struct jwt_rules rules = rules_new("", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char memory[200];
        struct buf json = buf_over(memory, sizeof memory);
        struct jwt_claims claims;
        buf_printf(&json, "{\"sub\":\"u\",\"exp\":1900000000%s}", rows[i].json);
        assert_int_equal(jwt_verify(&rules, token_of(memory), NOW, &claims), JWT_OK);
        assert_int_equal(claims.roles, rows[i].roles);
    }
    enum jwt_role role;
    assert_true(jwt_role_parse(SLICE("regulator"), &role));
    assert_string_equal(jwt_role_text(role), "regulator");
    jws_keys_free(keys);
}

TEST(jwt, wants_the_configured_issuer_and_audience)
{
    struct jwt_rules rules = rules_new("joe", "bets");
    const char *ok = "{\"sub\":\"u\",\"exp\":1900000000,\"iss\":\"joe\",\"aud\":\"bets\"}";
    expect(&rules, ok, JWT_OK);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1900000000,\"iss\":\"joe\",\"aud\":[\"x\",\"bets\"]}",
           JWT_OK);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1900000000,\"aud\":\"bets\"}", JWT_WRONG_ISSUER);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1900000000,\"iss\":\"Joe\",\"aud\":\"bets\"}",
           JWT_WRONG_ISSUER);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1900000000,\"iss\":\"joe\"}", JWT_WRONG_AUDIENCE);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1900000000,\"iss\":\"joe\",\"aud\":[]}",
           JWT_WRONG_AUDIENCE);
    expect(&rules, "{\"sub\":\"u\",\"exp\":1900000000,\"iss\":\"joe\",\"aud\":[\"bet\"]}",
           JWT_WRONG_AUDIENCE);
    jws_keys_free(keys);
}

/* The payload of RFC 7515 A.1 has a signature that holds, but names nobody. */
TEST(jwt, passes_the_outcomes_of_the_signature_on)
{
    struct jwt_rules rules = rules_new("", "");
    struct jwt_claims claims;
    struct slice token = token_of("{\"sub\":\"u\",\"exp\":1900000000}");
    char copy[JWT_BYTES_MAX];
    memcpy(copy, token.at, token.bytes);
    copy[token.bytes - 5] ^= 1;
    assert_int_equal(jwt_verify(&rules, slice_of(copy, token.bytes), NOW, &claims),
                     JWT_BAD_SIGNATURE);
    assert_int_equal(jwt_verify(&rules, SLICE("a.b"), NOW, &claims), JWT_MALFORMED);
    assert_int_equal(jwt_verify(&rules, SLICE("eyJhbGciOiJub25lIn0.e30."), NOW, &claims),
                     JWT_UNKNOWN_KEY);
    jws_keys_free(keys);
}

/* --- token_cache --- */

TEST(token_cache, verifies_a_token_once_and_judges_its_time_always)
{
    struct jwt_rules rules = rules_new("", "");
    struct token_cache *cache;
    struct jwt_claims claims;
    assert_int_equal(token_cache_new(100, &cache), 0);
    struct slice token = token_of("{\"sub\":\"u\",\"exp\":1800000010,\"nbf\":1799999990}");
    for (int i = 0; i < 3; i++) {
        memset(&claims, 0, sizeof claims);
        assert_int_equal(token_cache_verify(cache, &rules, token, NOW, &claims), JWT_OK);
        assert_true(slice_is(jwt_sub(&claims), "u"));
    }
    assert_int_equal(token_cache_counts(cache).hits, 2);
    assert_int_equal(token_cache_verify(cache, &rules, token, NOW + 10, &claims), JWT_EXPIRED);
    assert_int_equal(token_cache_verify(cache, &rules, token, NOW - 11, &claims),
                     JWT_NOT_YET_VALID);
    assert_int_equal(token_cache_counts(cache).hits, 4);
    token_cache_free(cache);
    token_cache_free(NULL);
    jws_keys_free(keys);
}

TEST(token_cache, does_not_keep_what_was_refused_or_is_too_long)
{
    struct jwt_rules rules = rules_new("", "");
    struct token_cache *cache;
    struct jwt_claims claims;
    char copy[JWT_BYTES_MAX], json[1200];
    assert_int_equal(token_cache_new(100, &cache), 0);
    struct slice token = token_of("{\"sub\":\"u\",\"exp\":1900000000}");
    memcpy(copy, token.at, token.bytes);
    copy[token.bytes - 5] ^= 1;
    assert_int_equal(token_cache_verify(cache, &rules, token, NOW, &claims), JWT_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            token_cache_verify(cache, &rules, slice_of(copy, token.bytes), NOW, &claims),
            JWT_BAD_SIGNATURE);
    assert_int_equal(token_cache_counts(cache).hits, 0);

    struct buf buf = buf_over(json, sizeof json);
    buf_printf(&buf, "{\"sub\":\"u\",\"exp\":1900000000,\"x\":\"%01000d\"}", 0);
    token = token_of(json);
    for (int i = 0; i < 2; i++)
        assert_int_equal(token_cache_verify(cache, &rules, token, NOW, &claims), JWT_OK);
    assert_int_equal(token_cache_counts(cache).too_long, 2);
    assert_int_equal(token_cache_counts(cache).hits, 0);
    token_cache_free(cache);
    jws_keys_free(keys);
}

static struct slice token_of_user(int user)
{
    char json[100];
    struct buf buf = buf_over(json, sizeof json);
    buf_printf(&buf, "{\"sub\":\"u%d\",\"exp\":1900000000}", user);
    return token_of(json);
}

TEST(token_cache, keeps_the_tokens_in_use_and_stays_within_its_size)
{
    struct jwt_rules rules = rules_new("", "");
    struct token_cache *cache;
    struct jwt_claims claims;
    assert_int_equal(token_cache_new(4, &cache), 0); /* one set */
    for (int user = 0; user < 100; user++) {
        char sub[16];
        struct buf name = buf_over(sub, sizeof sub);
        buf_printf(&name, "u%d", user);
        assert_int_equal(token_cache_verify(cache, &rules, token_of_user(user), NOW, &claims), 0);
        assert_true(slice_equal(jwt_sub(&claims), buf_slice(&name)));
        assert_int_equal(token_cache_verify(cache, &rules, token_of_user(0), NOW, &claims), 0);
        assert_true(slice_is(jwt_sub(&claims), "u0"));
    }
    struct token_cache_counts counts = token_cache_counts(cache);
    assert_int_equal(counts.misses, 100);
    assert_int_equal(counts.hits, 100);
    assert_int_equal(counts.replaced, 96);
    token_cache_free(cache);
    jws_keys_free(keys);
}

TEST(token_cache, forgets_a_user_or_everybody)
{
    struct jwt_rules rules = rules_new("", "");
    struct token_cache *cache;
    struct jwt_claims claims;
    assert_int_equal(token_cache_new(1000, &cache), 0);
    for (int user = 0; user < 20; user++)
        assert_int_equal(token_cache_verify(cache, &rules, token_of_user(user), NOW, &claims), 0);
    token_cache_forget(cache, SLICE("u7"));
    for (int user = 0; user < 20; user++)
        assert_int_equal(token_cache_verify(cache, &rules, token_of_user(user), NOW, &claims), 0);
    assert_int_equal(token_cache_counts(cache).misses, 21);
    token_cache_clear(cache);
    for (int user = 0; user < 20; user++)
        assert_int_equal(token_cache_verify(cache, &rules, token_of_user(user), NOW, &claims), 0);
    assert_int_equal(token_cache_counts(cache).misses, 41);
    token_cache_free(cache);
    jws_keys_free(keys);
}
