/* bearer.h - who asks: the bearer token of a request, verified through the token cache (RFC 6750).
 *
 * A token proves identity and roles only; what a user may do is looked up at each bet. Thread:
 * the loop's (the cache has one user). */
#pragma once

#include "crypto/token_cache.h"
#include "net/http/http_request.h"

struct bearer {
    struct token_cache *cache; /* borrowed */
    struct jwt_rules rules;
};

enum bearer_outcome {
    BEARER_OK = 0,
    BEARER_NONE,    /* no token came with the request */
    BEARER_BAD,     /* not verified: malformed, forged, foreign, .. */
    BEARER_EXPIRED, /* once good */
};

/* Looks at `Authorization: Bearer TOKEN` (one such header only) and, for a WebSocket, at the
 * subprotocol `bearer.TOKEN`. *ret_claims is written on BEARER_OK only. */
enum bearer_outcome bearer_check(const struct bearer *bearer, const struct http_request *request,
                                 int64_t now_s, struct jwt_claims *ret_claims);

/* Answers 401 TOKEN_REQUIRED, TOKEN_INVALID or TOKEN_EXPIRED with WWW-Authenticate; `headers` are
 * further complete lines. */
void bearer_refuse(struct http_reply_to to, enum bearer_outcome outcome, struct slice headers);
