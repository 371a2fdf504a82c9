/* jwt.h - who somebody is: the claims of a signed token (RFC 7519), verified.
 *
 * Claims that are read: sub (required), exp (required), nbf, iat, iss and aud (must match when
 * configured), role or roles. Time is an argument; numbers may have a fraction, which is cut
 * off. A claim that comes twice, or is of the wrong type, makes the token malformed. The
 * token proves identity and roles only: limits, exclusion and location are looked up at each
 * bet (DESIGN part 8). Thread: one user of each struct jwt. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "crypto/jws.h"

#define JWT_BYTES_MAX     JWS_BYTES_MAX
#define JWT_SUB_BYTES_MAX 64
#define JWT_LEEWAY_S_MAX  300

/* X(name, text): a role and how tokens spell it. */
#define JWT_ROLE_LIST(X)                                                                           \
    X(JWT_BETTOR, "bettor")                                                                        \
    X(JWT_TRADER, "trader")                                                                        \
    X(JWT_RISK, "risk")                                                                            \
    X(JWT_SUPPORT, "support")                                                                      \
    X(JWT_AUDITOR, "auditor")                                                                      \
    X(JWT_REGULATOR, "regulator")                                                                  \
    X(JWT_ADMIN, "admin")                                                                          \
    X(JWT_FEED, "feed")                                                                            \
    X(JWT_STANDBY, "standby")                                                                      \
    X(JWT_GATEWAY, "gateway")                                                                      \
    X(JWT_SHARD, "shard")                                                                          \
    X(JWT_BACK_OFFICE, "back-office")

#define JWT_ROLE_ENUM(name, text) name,
enum jwt_role { JWT_ROLE_LIST(JWT_ROLE_ENUM) };
#undef JWT_ROLE_ENUM

#define JWT_ROLE_BIT(role) (UINT32_C(1) << (role))

/* X(name, text) */
#define JWT_OUTCOME_LIST(X)                                                                        \
    X(JWT_OK, "ok")                                                                                \
    X(JWT_MALFORMED, "malformed token")                                                            \
    X(JWT_UNKNOWN_KEY, "unknown key")                                                              \
    X(JWT_BAD_ALGORITHM, "bad algorithm")                                                          \
    X(JWT_BAD_SIGNATURE, "bad signature")                                                          \
    X(JWT_EXPIRED, "expired")                                                                      \
    X(JWT_NOT_YET_VALID, "not yet valid")                                                          \
    X(JWT_WRONG_ISSUER, "wrong issuer")                                                            \
    X(JWT_WRONG_AUDIENCE, "wrong audience")                                                        \
    X(JWT_BAD_CLAIMS, "missing or bad claims")

#define JWT_OUTCOME_ENUM(name, text) name,
enum jwt_outcome { JWT_OUTCOME_LIST(JWT_OUTCOME_ENUM) };
#undef JWT_OUTCOME_ENUM

/* For logs and the answer's text; never NULL. */
const char *jwt_outcome_text(enum jwt_outcome outcome);

/* Times are seconds since 1970; 0 in nbf_s and iat_s: not in the token. */
struct jwt_claims {
    int64_t exp_s, nbf_s, iat_s;
    /* Bits JWT_ROLE_BIT(...). A token without role and roles is a bettor's; names we do not
     * know add nothing. */
    uint32_t roles;
    uint32_t sub_bytes;
    char sub[JWT_SUB_BYTES_MAX]; /* printable ASCII without space; not ended by a zero */
};

static inline struct slice jwt_sub(const struct jwt_claims *claims)
{
    return (struct slice){claims->sub, claims->sub_bytes};
}

static inline bool jwt_has_role(const struct jwt_claims *claims, enum jwt_role role)
{
    return (claims->roles & JWT_ROLE_BIT(role)) != 0;
}

/* false for another text. */
bool jwt_role_parse(struct slice text, enum jwt_role *ret);
const char *jwt_role_text(enum jwt_role role);
/* Whether `sub` may be a user's id: 1 to JWT_SUB_BYTES_MAX of '!' to '~'. */
bool jwt_sub_is_valid(struct slice sub);

/* What is accepted. The texts are borrowed for the life of the struct. */
struct jwt_rules {
    struct jws_keys *keys; /* borrowed */
    struct slice issuer;   /* SLICE_NONE: any or none */
    struct slice audience; /* SLICE_NONE: any or none */
    int64_t leeway_s;      /* for clocks that differ; 0 .. JWT_LEEWAY_S_MAX */
};

/* Verifies the signature, then the claims, as of `now_s`. *ret is written on JWT_OK only. */
enum jwt_outcome jwt_verify(const struct jwt_rules *rules, struct slice token, int64_t now_s,
                            struct jwt_claims *ret);

/* Whether claims that were verified before still hold: JWT_OK, JWT_EXPIRED, JWT_NOT_YET_VALID. */
enum jwt_outcome jwt_check_time(const struct jwt_claims *claims, int64_t now_s, int64_t leeway_s);

/* Appends a token for these claims, with iss and aud of the rules, signed with the key `kid`. 0, or
 * an error of jws_sign; -ERR_FORMAT for a sub that is not valid or no expiry. */
int jwt_sign(const struct jwt_rules *rules, struct slice kid, const struct jwt_claims *claims,
             struct buf *ret_token);
