/* jwt.c - contract in jwt.h. */
#include "crypto/jwt.h"

#include "base/assert.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"

#define TIME_S_MAX INT64_C(253402300799) /* the year 9999 */

static const char *const role_names[] = {
#define ROLE_TEXT(name, text) text,
    JWT_ROLE_LIST(ROLE_TEXT)
#undef ROLE_TEXT
};
#define ROLES_COUNT (sizeof role_names / sizeof role_names[0])

const char *jwt_outcome_text(enum jwt_outcome outcome)
{
    static const char *const texts[] = {
#define OUTCOME_TEXT(name, text) text,
        JWT_OUTCOME_LIST(OUTCOME_TEXT)
#undef OUTCOME_TEXT
    };
    return texts[outcome];
}

const char *jwt_role_text(enum jwt_role role)
{
    return role_names[role];
}

bool jwt_role_parse(struct slice text, enum jwt_role *ret)
{
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        if (slice_is(text, role_names[i])) {
            *ret = (enum jwt_role)i;
            return true;
        }
    }
    return false;
}

bool jwt_sub_is_valid(struct slice sub)
{
    for (size_t i = 0; i < sub.bytes; i++)
        if (sub.at[i] < '!' || sub.at[i] > '~')
            return false;
    return sub.bytes >= 1 && sub.bytes <= JWT_SUB_BYTES_MAX;
}

/* --- reading claims --- */

enum claim {
    CLAIM_SUB = 1 << 0,
    CLAIM_EXP = 1 << 1,
    CLAIM_NBF = 1 << 2,
    CLAIM_IAT = 1 << 3,
    CLAIM_ISS = 1 << 4,
    CLAIM_AUD = 1 << 5,
    CLAIM_ROLE = 1 << 6,
    CLAIM_ROLES = 1 << 7,
};

static const struct {
    const char *name;
    enum claim claim;
} names[] = {
    {"sub", CLAIM_SUB}, {"exp", CLAIM_EXP}, {"nbf", CLAIM_NBF},   {"iat", CLAIM_IAT},
    {"iss", CLAIM_ISS}, {"aud", CLAIM_AUD}, {"role", CLAIM_ROLE}, {"roles", CLAIM_ROLES},
};

struct reading {
    struct json_reader reader;
    const struct jwt_rules *rules;
    struct jwt_claims claims;
    unsigned seen; /* bits of enum claim */
    bool issuer_matches, audience_matches, sub_is_valid;
};

/* A NumericDate: whole seconds, a fraction cut off. */
static void read_time(struct reading *reading, int64_t *ret_s)
{
    struct slice digits;
    struct decimal value;
    if (!json_number(&reading->reader, &digits))
        return;
    int64_t second = 1;
    if (decimal_parse(digits, &value) < 0) {
        json_fail(&reading->reader);
        return;
    }
    for (int i = 0; i < value.scale; i++)
        second *= 10;
    int64_t s = value.mantissa / second;
    if (value.mantissa < 0 || s > TIME_S_MAX)
        json_fail(&reading->reader);
    else
        *ret_s = s;
}

static void read_sub(struct reading *reading)
{
    struct slice sub;
    if (!json_string(&reading->reader, &sub))
        return;
    reading->sub_is_valid = jwt_sub_is_valid(sub);
    if (!reading->sub_is_valid)
        return;
    memcpy(reading->claims.sub, sub.at, sub.bytes);
    reading->claims.sub_bytes = (uint32_t)sub.bytes;
}

static void take_audience(struct reading *reading, struct slice text)
{
    if (slice_equal(text, reading->rules->audience))
        reading->audience_matches = true;
}

static void take_role(struct reading *reading, struct slice text)
{
    enum jwt_role role;
    if (jwt_role_parse(text, &role))
        reading->claims.roles |= JWT_ROLE_BIT(role);
}

/* One string, or an array of strings. */
static void read_texts(struct reading *reading, void (*take)(struct reading *, struct slice))
{
    struct json_reader *reader = &reading->reader;
    struct slice text;
    if (json_peek(reader) == JSON_STRING) {
        if (json_string(reader, &text))
            take(reading, text);
        return;
    }
    (void)json_array_begin(reader);
    while (json_array_next(reader))
        if (json_string(reader, &text))
            take(reading, text);
}

static void read_claim(struct reading *reading, enum claim claim)
{
    struct slice issuer;
    if ((reading->seen & claim) != 0)
        json_fail(&reading->reader);
    reading->seen |= claim;
    switch (claim) {
    case CLAIM_SUB:
        read_sub(reading);
        return;
    case CLAIM_EXP:
        read_time(reading, &reading->claims.exp_s);
        return;
    case CLAIM_NBF:
        read_time(reading, &reading->claims.nbf_s);
        return;
    case CLAIM_IAT:
        read_time(reading, &reading->claims.iat_s);
        return;
    case CLAIM_ISS:
        if (json_string(&reading->reader, &issuer))
            reading->issuer_matches = slice_equal(issuer, reading->rules->issuer);
        return;
    case CLAIM_AUD:
        read_texts(reading, take_audience);
        return;
    case CLAIM_ROLE:
    case CLAIM_ROLES:
        read_texts(reading, take_role);
        return;
    }
}

static bool read_payload(struct reading *reading, struct slice json)
{
    char scratch[JWT_BYTES_MAX];
    struct slice name;
    json_begin(&reading->reader, json, scratch, sizeof scratch);
    (void)json_object_begin(&reading->reader);
    while (json_object_next(&reading->reader, &name)) {
        size_t i = 0;
        while (i < sizeof names / sizeof names[0] && !slice_is(name, names[i].name))
            i++;
        if (i < sizeof names / sizeof names[0])
            read_claim(reading, names[i].claim);
        else
            (void)json_skip(&reading->reader);
    }
    if ((reading->seen & (CLAIM_ROLE | CLAIM_ROLES)) == 0)
        reading->claims.roles = JWT_ROLE_BIT(JWT_BETTOR);
    return json_end(&reading->reader) == 0;
}

static enum jwt_outcome judge(const struct reading *reading, int64_t now_s)
{
    const struct jwt_rules *rules = reading->rules;
    if (!reading->sub_is_valid || (reading->seen & CLAIM_EXP) == 0)
        return JWT_BAD_CLAIMS;
    if (rules->issuer.bytes > 0 && !reading->issuer_matches)
        return JWT_WRONG_ISSUER;
    if (rules->audience.bytes > 0 && !reading->audience_matches)
        return JWT_WRONG_AUDIENCE;
    return jwt_check_time(&reading->claims, now_s, rules->leeway_s);
}

enum jwt_outcome jwt_check_time(const struct jwt_claims *claims, int64_t now_s, int64_t leeway_s)
{
    ASSERT(leeway_s >= 0);
    ASSERT(leeway_s <= JWT_LEEWAY_S_MAX);
    if (now_s - leeway_s >= claims->exp_s) /* RFC 7519, 4.1.4: on or after */
        return JWT_EXPIRED;
    return now_s + leeway_s < claims->nbf_s ? JWT_NOT_YET_VALID : JWT_OK;
}

static enum jwt_outcome outcome_of(enum jws_outcome outcome)
{
    switch (outcome) {
    case JWS_OK:
        return JWT_OK;
    case JWS_MALFORMED:
        return JWT_MALFORMED;
    case JWS_UNKNOWN_KEY:
        return JWT_UNKNOWN_KEY;
    case JWS_BAD_ALGORITHM:
        return JWT_BAD_ALGORITHM;
    case JWS_BAD_SIGNATURE:
        return JWT_BAD_SIGNATURE;
    }
    return JWT_MALFORMED;
}

enum jwt_outcome jwt_verify(const struct jwt_rules *rules, struct slice token, int64_t now_s,
                            struct jwt_claims *ret)
{
    char memory[JWT_BYTES_MAX];
    struct buf payload = buf_over(memory, sizeof memory);
    enum jwt_outcome outcome = outcome_of(jws_verify(rules->keys, token, &payload));
    if (outcome != JWT_OK)
        return outcome;
    struct reading reading = {.rules = rules};
    if (!read_payload(&reading, buf_slice(&payload)))
        return JWT_MALFORMED;
    outcome = judge(&reading, now_s);
    if (outcome == JWT_OK)
        *ret = reading.claims;
    return outcome;
}

/* --- signing --- */

static void write_time(struct json_writer *writer, const char *name, int64_t seconds)
{
    if (seconds == 0)
        return;
    json_write_key(writer, name);
    json_write_i64(writer, seconds);
}

static void write_name(struct json_writer *writer, const char *name, struct slice text)
{
    if (text.bytes == 0)
        return;
    json_write_key(writer, name);
    json_write_text(writer, text);
}

static void write_claims(struct buf *buf, const struct jwt_rules *rules,
                         const struct jwt_claims *claims)
{
    struct json_writer writer = json_write_begin(buf);
    json_write_object_open(&writer);
    write_name(&writer, "sub", jwt_sub(claims));
    write_time(&writer, "exp", claims->exp_s);
    write_time(&writer, "nbf", claims->nbf_s);
    write_time(&writer, "iat", claims->iat_s);
    write_name(&writer, "iss", rules->issuer);
    write_name(&writer, "aud", rules->audience);
    json_write_key(&writer, "roles");
    json_write_array_open(&writer);
    for (unsigned i = 0; i < ROLES_COUNT; i++)
        if (jwt_has_role(claims, (enum jwt_role)i))
            json_write_text(&writer, slice_text(role_names[i]));
    json_write_array_close(&writer);
    json_write_object_close(&writer);
}

int jwt_sign(const struct jwt_rules *rules, struct slice kid, const struct jwt_claims *claims,
             struct buf *ret_token)
{
    char memory[JWT_BYTES_MAX];
    struct buf payload = buf_over(memory, sizeof memory);
    if (!jwt_sub_is_valid(jwt_sub(claims)) || claims->exp_s <= 0)
        return -ERR_FORMAT;
    write_claims(&payload, rules, claims);
    if (payload.overflow)
        return -ERR_LIMIT;
    return jws_sign(rules->keys, kid, buf_slice(&payload), ret_token);
}
