/* market_runners.c - contract in market_runners.h. */
#include "feeds/betfair_stream/market_runners.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/decimal.h"
#include "base/hash.h"

struct runner_key {
    int64_t id;
    int32_t hc_milli;
    uint32_t market;
};
_Static_assert(sizeof(struct runner_key) == 16, "hashed as bytes, so without padding");

static uint64_t key_hash(const struct market_cache *cache, struct runner_key key)
{
    return siphash64(cache->hash_key, &key, sizeof key);
}

static struct runner_key key_of(const struct cached_runner *runner)
{
    return (struct runner_key){runner->id, runner->hc_milli, runner->market};
}

uint32_t market_runners_find(const struct market_cache *cache, const struct cached_market *market,
                             int64_t id, int32_t hc_milli)
{
    struct runner_key key = {id, hc_milli, (uint32_t)(market - cache->markets)};
    struct id_probe probe = id_table_probe(key_hash(cache, key));
    uint32_t index;
    while ((index = id_table_next(cache->runner_table, &probe)) != ID_TABLE_NONE) {
        const struct cached_runner *runner = &cache->runners[index];
        if (runner->id == id && runner->hc_milli == hc_milli && runner->market == key.market)
            break;
    }
    return index;
}

/* "ID", or "ID@HC" with as many places as the handicap needs. */
static void write_key(struct cached_runner *runner)
{
    struct buf buf = buf_over(runner->key.at, sizeof runner->key.at);
    buf_put_i64(&buf, runner->id);
    if (runner->hc_milli != 0) {
        int64_t mantissa = runner->hc_milli;
        int scale = 3;
        while (scale > 0 && mantissa % 10 == 0) {
            mantissa /= 10;
            scale--;
        }
        buf_put_char(&buf, '@');
        decimal_write(&buf, mantissa, scale);
    }
    ASSERT(!buf.overflow);
    ASSERT(buf.bytes <= SELECTION_ID_BYTES_MAX);
    runner->key.bytes = (uint8_t)buf.bytes;
}

static uint32_t take_slot(struct market_cache *cache, const struct cached_market *market)
{
    if (market->runners_count == SELECTIONS_MAX)
        return MARKET_CACHE_NONE;
    uint32_t index = cache->runners_free;
    if (index != MARKET_CACHE_NONE) {
        cache->runners_free = cache->runners[index].next;
        return index;
    }
    if (cache->runners_fresh == cache->limits.runners_max)
        return MARKET_CACHE_NONE;
    return cache->runners_fresh++;
}

struct cached_runner *market_runners_find_or_add(struct market_cache *cache,
                                                 struct cached_market *market, int64_t id,
                                                 int32_t hc_milli)
{
    uint32_t index = market_runners_find(cache, market, id, hc_milli);
    if (index != MARKET_CACHE_NONE)
        return &cache->runners[index];
    index = take_slot(cache, market);
    if (index == MARKET_CACHE_NONE) {
        cache->counts.limits_reached++;
        return NULL;
    }
    struct cached_runner *runner = &cache->runners[index];
    *runner = (struct cached_runner){
        .id = id,
        .hc_milli = hc_milli,
        .market = (uint32_t)(market - cache->markets),
        .next = market->first_runner,
        .inserted = market->runners_inserted++,
    };
    write_key(runner);
    id_table_add(cache->runner_table, key_hash(cache, key_of(runner)), index);
    market->first_runner = index;
    market->runners_count++;
    cache->runners_count++;
    return runner;
}

void market_runners_drop(struct market_cache *cache, struct cached_market *market, uint32_t *link)
{
    uint32_t index = *link;
    struct cached_runner *runner = &cache->runners[index];
    for (int i = 0; i < LADDERS_COUNT; i++)
        ladder_clear(cache->ladders, &runner->ladders[i]);
    id_table_remove(cache->runner_table, key_hash(cache, key_of(runner)), index);
    *link = runner->next;
    runner->next = cache->runners_free;
    cache->runners_free = index;
    market->runners_count--;
    cache->runners_count--;
}

static int by_order(const void *a, const void *b)
{
    const struct cached_runner *left = *(const struct cached_runner *const *)a;
    const struct cached_runner *right = *(const struct cached_runner *const *)b;
    if (left->sort_priority != right->sort_priority)
        return left->sort_priority < right->sort_priority ? -1 : 1;
    return left->inserted < right->inserted ? -1 : 1;
}

void market_runners_sort(struct market_cache *cache, struct cached_market *market)
{
    struct cached_runner *order[SELECTIONS_MAX];
    size_t count = 0;
    for (uint32_t at = market->first_runner; at != MARKET_CACHE_NONE; at = cache->runners[at].next)
        order[count++] = &cache->runners[at];
    ASSERT(count == market->runners_count);
    qsort(order, count, sizeof order[0], by_order);
    uint32_t next = MARKET_CACHE_NONE;
    for (size_t i = count; i > 0; i--) {
        order[i - 1]->next = next;
        next = (uint32_t)(order[i - 1] - cache->runners);
    }
    market->first_runner = next;
}
