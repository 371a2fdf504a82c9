/* token_cache.c - contract in token_cache.h.
 * The hashes of a set lie together in one cache line; the tokens and claims, a kilobyte each,
 * are touched only after a hash has matched. */
#include "crypto/token_cache.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "crypto/random.h"

#define WAYS 4

struct set {
    uint64_t hash[WAYS];
    uint32_t used_at[WAYS]; /* the cache's tick at the last use; 0 = empty */
};

struct entry {
    struct jwt_claims claims;
    uint32_t bytes;
    char token[TOKEN_CACHE_TOKEN_BYTES_MAX];
};

_Static_assert(sizeof(struct entry) <= 1024, "a kilobyte each");

struct token_cache {
    uint64_t key[2];
    size_t mask;           /* sets - 1; the sets are a power of two */
    struct set *sets;      /* owned */
    struct entry *entries; /* owned; WAYS for each set */
    uint32_t tick;
    struct token_cache_counts counts;
};

static void *map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    (void)madvise(memory, bytes, MADV_DONTDUMP); /* tokens do not belong in a core file */
    return memory;
}

int token_cache_new(size_t tokens_max, struct token_cache **ret)
{
    ASSERT(tokens_max >= 1);
    ASSERT(tokens_max <= (size_t)1 << 30);
    size_t sets = 1;
    while (sets * WAYS < tokens_max)
        sets *= 2;
    struct token_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return -ERR_MEMORY;
    cache->mask = sets - 1;
    cache->sets = map(sets * sizeof(struct set));
    cache->entries = map(sets * WAYS * sizeof(struct entry));
    random_fill(cache->key, sizeof cache->key);
    if (cache->sets == NULL || cache->entries == NULL) {
        token_cache_free(cache);
        return -ERR_MEMORY;
    }
    *ret = cache;
    return 0;
}

void token_cache_free(struct token_cache *cache)
{
    if (cache == NULL)
        return;
    size_t sets = cache->mask + 1;
    if (cache->sets != NULL)
        (void)munmap(cache->sets, sets * sizeof(struct set));
    if (cache->entries != NULL)
        (void)munmap(cache->entries, sets * WAYS * sizeof(struct entry));
    free(cache);
}

/* 0 means empty, so the tick leaves it out; before it would wrap, all age is forgotten. */
static uint32_t next_tick(struct token_cache *cache)
{
    if (cache->tick == UINT32_MAX) {
        for (size_t s = 0; s <= cache->mask; s++)
            for (int way = 0; way < WAYS; way++)
                if (cache->sets[s].used_at[way] != 0)
                    cache->sets[s].used_at[way] = 1;
        cache->tick = 1;
    }
    return ++cache->tick;
}

static struct entry *entry_of(struct token_cache *cache, const struct set *set, int way)
{
    return &cache->entries[(size_t)(set - cache->sets) * WAYS + (size_t)way];
}

static int way_of(struct token_cache *cache, const struct set *set, uint64_t hash,
                  struct slice token)
{
    for (int way = 0; way < WAYS; way++) {
        if (set->used_at[way] == 0 || set->hash[way] != hash)
            continue;
        const struct entry *entry = entry_of(cache, set, way);
        if (slice_equal((struct slice){entry->token, entry->bytes}, token))
            return way;
    }
    return -1;
}

/* An empty way, or the one that was used longest ago. */
static int way_to_use(const struct set *set)
{
    int oldest = 0;
    for (int way = 1; way < WAYS; way++)
        if (set->used_at[way] < set->used_at[oldest])
            oldest = way;
    return oldest;
}

static void keep(struct token_cache *cache, struct set *set, uint64_t hash, struct slice token,
                 const struct jwt_claims *claims)
{
    int way = way_to_use(set);
    cache->counts.replaced += set->used_at[way] != 0;
    struct entry *entry = entry_of(cache, set, way);
    entry->claims = *claims;
    entry->bytes = (uint32_t)token.bytes;
    memcpy(entry->token, token.at, token.bytes);
    set->hash[way] = hash;
    set->used_at[way] = next_tick(cache);
}

enum jwt_outcome token_cache_verify(struct token_cache *cache, const struct jwt_rules *rules,
                                    struct slice token, int64_t now_s, struct jwt_claims *ret)
{
    if (token.bytes > TOKEN_CACHE_TOKEN_BYTES_MAX) {
        cache->counts.too_long++;
        return jwt_verify(rules, token, now_s, ret);
    }
    uint64_t hash = siphash64(cache->key, token.at, token.bytes);
    struct set *set = &cache->sets[(size_t)hash & cache->mask];
    int way = way_of(cache, set, hash, token);
    if (way >= 0) {
        const struct jwt_claims *claims = &entry_of(cache, set, way)->claims;
        enum jwt_outcome outcome = jwt_check_time(claims, now_s, rules->leeway_s);
        cache->counts.hits++;
        set->used_at[way] = next_tick(cache);
        if (outcome == JWT_OK)
            *ret = *claims;
        return outcome;
    }
    cache->counts.misses++;
    struct jwt_claims claims;
    enum jwt_outcome outcome = jwt_verify(rules, token, now_s, &claims);
    if (outcome != JWT_OK)
        return outcome;
    keep(cache, set, hash, token, &claims);
    *ret = claims;
    return JWT_OK;
}

void token_cache_clear(struct token_cache *cache)
{
    for (size_t s = 0; s <= cache->mask; s++)
        memset(cache->sets[s].used_at, 0, sizeof cache->sets[s].used_at);
}

void token_cache_forget(struct token_cache *cache, struct slice sub)
{
    for (size_t s = 0; s <= cache->mask; s++)
        for (int way = 0; way < WAYS; way++)
            if (cache->sets[s].used_at[way] != 0 &&
                slice_equal(jwt_sub(&entry_of(cache, &cache->sets[s], way)->claims), sub))
                cache->sets[s].used_at[way] = 0;
}

struct token_cache_counts token_cache_counts(const struct token_cache *cache)
{
    return cache->counts;
}
