/* token_cache.h - tokens that were verified before, so that a signature is checked once and
 * not at every bet.
 *
 * Bounded and set-associative: a new token replaces the one of its set that was used longest
 * ago. A hit needs the whole token byte by byte. Expiry is judged at each use; revocation is
 * token_cache_clear, or token_cache_forget for one user. Tokens longer than
 * TOKEN_CACHE_TOKEN_BYTES_MAX are not kept and are simply verified each time. Hashes are
 * keyed per process, so nobody can aim tokens at one set. Thread: one user. */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "crypto/jwt.h"

#define TOKEN_CACHE_TOKEN_BYTES_MAX 880

struct token_cache;

/* All zero at first; for metrics. */
struct token_cache_counts {
    uint64_t hits, misses, replaced, too_long;
};

/* Room for about tokens_max tokens (1 KB each, used memory only). 0, or -ERR_MEMORY. The
 * caller owns *ret and ends it with token_cache_free (accepts NULL). */
int token_cache_new(size_t tokens_max, struct token_cache **ret);
void token_cache_free(struct token_cache *cache);

/* As jwt_verify, from the cache where possible. Only JWT_OK is kept. */
enum jwt_outcome token_cache_verify(struct token_cache *cache, const struct jwt_rules *rules,
                                    struct slice token, int64_t now_s, struct jwt_claims *ret);

/* Forgets everything (keys or rules have changed), or all tokens of one user. */
void token_cache_clear(struct token_cache *cache);
void token_cache_forget(struct token_cache *cache, struct slice sub);

/* What it has done since it was made. */
struct token_cache_counts token_cache_counts(const struct token_cache *cache);
