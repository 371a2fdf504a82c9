/* market_cache.c - contract in market_cache.h: who is in the tables. What a change does to them
 * stands in market_change.c. */
#include "feeds/betfair_stream/market_cache.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "feeds/betfair_stream/market_runners.h"

static struct market_cache *allocate(const struct market_cache_limits *limits)
{
    struct market_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return NULL;
    cache->markets = calloc(limits->markets_max, sizeof *cache->markets);
    cache->runners = calloc(limits->runners_max, sizeof *cache->runners);
    cache->touched = calloc(limits->markets_max, sizeof *cache->touched);
    if (cache->markets == NULL || cache->runners == NULL || cache->touched == NULL ||
        ladder_pool_new(limits->ladder_points_max, &cache->ladders) < 0 ||
        id_table_new(limits->markets_max, &cache->market_table) < 0 ||
        id_table_new(limits->runners_max, &cache->runner_table) < 0) {
        market_cache_free(cache);
        return NULL;
    }
    return cache;
}

int market_cache_new(const struct market_cache_limits *limits, const uint64_t hash_key[2],
                     struct market_cache **ret)
{
    struct market_cache *cache = allocate(limits);
    if (cache == NULL)
        return -ERR_MEMORY;
    cache->limits = *limits;
    cache->hash_key[0] = hash_key[0];
    cache->hash_key[1] = hash_key[1];
    cache->markets_free = cache->runners_free = MARKET_CACHE_NONE;
    *ret = cache;
    return 0;
}

void market_cache_free(struct market_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->markets);
    free(cache->runners);
    free(cache->touched);
    ladder_pool_free(cache->ladders);
    id_table_free(cache->market_table);
    id_table_free(cache->runner_table);
    free(cache);
}

void market_cache_touch(struct market_cache *cache, struct cached_market *market)
{
    if (market->touched)
        return;
    ASSERT(cache->touched_count < cache->limits.markets_max);
    market->touched = true;
    market->used_at = cache->messages;
    cache->touched[cache->touched_count++] = (uint32_t)(market - cache->markets);
}

static uint64_t id_hash(const struct market_cache *cache, struct slice id)
{
    return siphash64(cache->hash_key, id.at, id.bytes);
}

static uint32_t find(const struct market_cache *cache, struct slice id)
{
    struct id_probe probe = id_table_probe(id_hash(cache, id));
    uint32_t index;
    while ((index = id_table_next(cache->market_table, &probe)) != ID_TABLE_NONE)
        if (slice_equal(short_text_slice(&cache->markets[index].id), id))
            break;
    return index;
}

/* The closed market that has been quiet for longest; one that this message touched stays. */
static uint32_t oldest_closed(const struct market_cache *cache)
{
    uint32_t oldest = MARKET_CACHE_NONE;
    for (uint32_t i = 0; i < cache->markets_fresh; i++) {
        const struct cached_market *market = &cache->markets[i];
        if (!market->used || market->touched || market->status != MCM_MARKET_CLOSED)
            continue;
        if (oldest == MARKET_CACHE_NONE || market->used_at < cache->markets[oldest].used_at)
            oldest = i;
    }
    return oldest;
}

static uint32_t take_slot(struct market_cache *cache)
{
    if (cache->markets_free == MARKET_CACHE_NONE &&
        cache->markets_fresh == cache->limits.markets_max) {
        uint32_t oldest = oldest_closed(cache);
        if (oldest == MARKET_CACHE_NONE)
            return MARKET_CACHE_NONE;
        cache->counts.evicted++;
        market_cache_remove(cache, oldest);
    }
    uint32_t index = cache->markets_free;
    if (index == MARKET_CACHE_NONE)
        return cache->markets_fresh++;
    cache->markets_free = cache->markets[index].first_runner;
    return index;
}

uint32_t market_cache_find_or_add(struct market_cache *cache, struct slice id)
{
    ASSERT(id.bytes <= MCM_MARKET_ID_BYTES_MAX);
    uint32_t index = find(cache, id);
    if (index != MARKET_CACHE_NONE)
        return index;
    index = take_slot(cache);
    if (index == MARKET_CACHE_NONE) {
        cache->counts.limits_reached++;
        return index;
    }
    struct cached_market *market = &cache->markets[index];
    *market = (struct cached_market){.used = true, .first_runner = MARKET_CACHE_NONE};
    market->id.bytes = (uint8_t)id.bytes;
    memcpy(market->id.at, id.at, id.bytes);
    id_table_add(cache->market_table, id_hash(cache, id), index);
    cache->markets_count++;
    return index;
}

void market_cache_remove(struct market_cache *cache, uint32_t index)
{
    struct cached_market *market = &cache->markets[index];
    ASSERT(market->used);
    ASSERT(!market->touched);
    while (market->first_runner != MARKET_CACHE_NONE)
        market_runners_drop(cache, market, &market->first_runner);
    id_table_remove(cache->market_table, id_hash(cache, short_text_slice(&market->id)), index);
    market->used = false;
    market->first_runner = cache->markets_free;
    cache->markets_free = index;
    cache->markets_count--;
}

uint64_t market_cache_points(const struct market_cache *cache)
{
    uint64_t points = 0;
    for (uint32_t i = 0; i < cache->markets_fresh; i++) {
        if (!cache->markets[i].used)
            continue;
        uint32_t at = cache->markets[i].first_runner;
        for (; at != MARKET_CACHE_NONE; at = cache->runners[at].next)
            for (int ladder = 0; ladder < LADDERS_COUNT; ladder++)
                points += cache->runners[at].ladders[ladder].count;
    }
    return points;
}

static void check_market(const struct market_cache *cache, uint32_t index)
{
    const struct cached_market *market = &cache->markets[index];
    uint32_t count = 0;
    ASSERT(find(cache, short_text_slice(&market->id)) == index);
    for (uint32_t at = market->first_runner; at != MARKET_CACHE_NONE;
         at = cache->runners[at].next) {
        const struct cached_runner *runner = &cache->runners[at];
        ASSERT(runner->market == index);
        ASSERT(market_runners_find(cache, market, runner->id, runner->hc_milli) == at);
        ladder_check(cache->ladders, &runner->ladders[LADDER_ATB], LADDER_HIGHEST_BEST);
        ladder_check(cache->ladders, &runner->ladders[LADDER_ATL], LADDER_LOWEST_BEST);
        count++;
    }
    ASSERT(count == market->runners_count);
    ASSERT(count <= SELECTIONS_MAX);
}

void market_cache_check(const struct market_cache *cache)
{
    uint32_t markets = 0;
    uint32_t runners = 0;
    for (uint32_t i = 0; i < cache->markets_fresh; i++) {
        if (!cache->markets[i].used)
            continue;
        check_market(cache, i);
        markets++;
        runners += cache->markets[i].runners_count;
    }
    ASSERT(markets == cache->markets_count);
    ASSERT(markets <= cache->limits.markets_max);
    ASSERT(runners == cache->runners_count);
    ASSERT(runners <= cache->limits.runners_max);
}
