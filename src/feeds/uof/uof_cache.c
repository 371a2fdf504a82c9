/* uof_cache.c - contract in uof_cache.h. */
#include "feeds/uof/uof_cache.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "core/market.h"

int uof_cache_new(const struct uof_cache_limits *limits, const uint64_t hash_key[2],
                  struct uof_cache **ret)
{
    struct uof_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return -ERR_MEMORY;
    cache->limits = *limits;
    cache->hash_key[0] = hash_key[0];
    cache->hash_key[1] = hash_key[1];
    cache->events_free = cache->markets_free = cache->outcomes_free = UOF_NONE;
    cache->oldest = cache->newest = UOF_NONE;
    cache->events = reserve_new(limits->events_max, sizeof *cache->events);
    cache->markets = reserve_new(limits->markets_max, sizeof *cache->markets);
    cache->outcomes = reserve_new(limits->outcomes_max, sizeof *cache->outcomes);
    if (cache->events == NULL || cache->markets == NULL || cache->outcomes == NULL ||
        table_new(limits->events_max, &cache->event_table) < 0 ||
        table_new(limits->markets_max, &cache->market_table) < 0) {
        uof_cache_free(cache);
        return -ERR_MEMORY;
    }
    *ret = cache;
    return 0;
}

void uof_cache_free(struct uof_cache *cache)
{
    if (cache == NULL)
        return;
    reserve_free(cache->events, cache->limits.events_max, sizeof *cache->events);
    reserve_free(cache->markets, cache->limits.markets_max, sizeof *cache->markets);
    reserve_free(cache->outcomes, cache->limits.outcomes_max, sizeof *cache->outcomes);
    table_free(cache->event_table);
    table_free(cache->market_table);
    free(cache);
}

static struct hash128 hash(const struct uof_cache *cache, struct slice text)
{
    return siphash128(cache->hash_key, text.at, text.bytes);
}

struct cached_event *uof_cache_event(struct uof_cache *cache, struct slice id)
{
    uint32_t at;
    return table_find(cache->event_table, hash(cache, id), &at) ? &cache->events[at] : NULL;
}

struct cached_market *uof_cache_market(struct uof_cache *cache, struct slice key)
{
    uint32_t at;
    return table_find(cache->market_table, hash(cache, key), &at) ? &cache->markets[at] : NULL;
}

/* ---- outcomes ---- */

static void drop_outcomes(struct uof_cache *cache, struct cached_market *market)
{
    while (market->outcomes_first != UOF_NONE) {
        uint32_t at = market->outcomes_first;
        market->outcomes_first = cache->outcomes[at].next;
        cache->outcomes[at].next = cache->outcomes_free;
        cache->outcomes_free = at;
        cache->outcomes_count--;
    }
    market->outcomes_count = 0;
}

static uint32_t take_outcome(struct uof_cache *cache)
{
    uint32_t at = cache->outcomes_free;
    if (at != UOF_NONE)
        cache->outcomes_free = cache->outcomes[at].next;
    else if (cache->outcomes_fresh < cache->limits.outcomes_max)
        at = cache->outcomes_fresh++;
    else
        return UOF_NONE;
    cache->outcomes_count++;
    return at;
}

static bool add_outcome(struct uof_cache *cache, struct cached_market *market, uint32_t **link,
                        const struct uof_outcome *named)
{
    uint32_t at = market->outcomes_count < SELECTIONS_MAX ? take_outcome(cache) : UOF_NONE;
    if (at == UOF_NONE)
        return false;
    struct cached_outcome *outcome = &cache->outcomes[at];
    *outcome = (struct cached_outcome){.odds = named->odds,
                                       .chances = named->chances,
                                       .active = named->active,
                                       .id_bytes = (uint8_t)named->id.bytes,
                                       .next = UOF_NONE};
    memcpy(outcome->id, named->id.at, named->id.bytes);
    **link = at;
    *link = &outcome->next;
    market->outcomes_count++;
    return true;
}

void uof_cache_replace(struct uof_cache *cache, struct cached_market *market,
                       const struct uof_message *message, const struct uof_market *named)
{
    uint32_t *link = &market->outcomes_first;
    drop_outcomes(cache, market);
    market->overfull = named->overfull;
    for (uint32_t i = 0; i < named->outcomes_count; i++) {
        if (add_outcome(cache, market, &link, &message->outcomes[named->outcomes_first + i]))
            continue;
        market->overfull = true;
        cache->limits_reached++;
        return;
    }
}

/* ---- markets and events ---- */

static void drop_market(struct uof_cache *cache, uint32_t at)
{
    struct cached_market *market = &cache->markets[at];
    drop_outcomes(cache, market);
    bool known = table_remove(cache->market_table, hash(cache, cached_key(market)));
    ASSERT(known);
    market->event = UOF_NONE;
    market->next = cache->markets_free;
    cache->markets_free = at;
    cache->markets_count--;
}

static uint32_t index_of(const struct uof_cache *cache, const struct cached_event *event)
{
    return (uint32_t)(event - cache->events);
}

static void unlink_event(struct uof_cache *cache, const struct cached_event *event)
{
    if (event->older == UOF_NONE)
        cache->oldest = event->newer;
    else
        cache->events[event->older].newer = event->newer;
    if (event->newer == UOF_NONE)
        cache->newest = event->older;
    else
        cache->events[event->newer].older = event->older;
}

static void link_newest(struct uof_cache *cache, struct cached_event *event)
{
    uint32_t at = index_of(cache, event);
    event->older = cache->newest;
    event->newer = UOF_NONE;
    if (cache->newest == UOF_NONE)
        cache->oldest = at;
    else
        cache->events[cache->newest].newer = at;
    cache->newest = at;
}

static void drop_event(struct uof_cache *cache, struct cached_event *event, uof_evicted_fn evicted,
                       void *owner)
{
    while (event->markets_first != UOF_NONE) {
        uint32_t at = event->markets_first;
        event->markets_first = cache->markets[at].next;
        evicted(owner, &cache->markets[at]);
        drop_market(cache, at);
        cache->evicted++;
    }
    bool known =
        table_remove(cache->event_table, hash(cache, slice_of(event->id, event->id_bytes)));
    ASSERT(known);
    unlink_event(cache, event);
    event->used = false;
    event->older = cache->events_free;
    cache->events_free = index_of(cache, event);
    cache->events_count--;
}

static bool may_go(const struct uof_cache *cache, const struct cached_event *event)
{
    for (uint32_t at = event->markets_first; at != UOF_NONE; at = cache->markets[at].next)
        if (cache->markets[at].status == UOF_MARKET_ACTIVE)
            return false;
    return true;
}

/* An event beside the one at `kept` gives way. False: none of the oldest may, which is counted. */
static bool make_room(struct uof_cache *cache, uint32_t kept, uof_evicted_fn evicted, void *owner)
{
    uint32_t at = cache->oldest;
    for (int looks = 0; at != UOF_NONE && looks < UOF_EVICT_LOOKS_MAX; looks++) {
        uint32_t looked_at = at;
        struct cached_event *event = &cache->events[at];
        at = event->newer;
        if (looked_at == kept || !may_go(cache, event))
            continue;
        drop_event(cache, event, evicted, owner);
        return true;
    }
    cache->limits_reached++;
    return false;
}

static struct cached_event *take_event(struct uof_cache *cache)
{
    uint32_t at = cache->events_free;
    if (at != UOF_NONE)
        cache->events_free = cache->events[at].older;
    else
        at = cache->events_fresh++;
    ASSERT(at < cache->limits.events_max);
    cache->events_count++;
    return &cache->events[at];
}

struct cached_event *uof_cache_hear(struct uof_cache *cache, struct slice id,
                                    uof_evicted_fn evicted, void *owner)
{
    ASSERT(id.bytes <= EVENT_ID_BYTES_MAX);
    struct cached_event *event = uof_cache_event(cache, id);
    if (event != NULL) {
        unlink_event(cache, event);
        link_newest(cache, event);
        return event;
    }
    if (cache->events_count == cache->limits.events_max &&
        !make_room(cache, UOF_NONE, evicted, owner))
        return NULL;
    event = take_event(cache);
    *event = (struct cached_event){
        .used = true, .markets_first = UOF_NONE, .id_bytes = (uint8_t)id.bytes, .start_ms = -1};
    memcpy(event->id, id.at, id.bytes);
    enum table_outcome added =
        table_insert(cache->event_table, hash(cache, id), index_of(cache, event));
    ASSERT(added == TABLE_OK);
    link_newest(cache, event);
    return event;
}

static uint32_t take_market(struct uof_cache *cache)
{
    uint32_t at = cache->markets_free;
    if (at != UOF_NONE)
        cache->markets_free = cache->markets[at].next;
    else
        at = cache->markets_fresh++;
    ASSERT(at < cache->limits.markets_max);
    cache->markets_count++;
    return at;
}

struct cached_market *uof_cache_add(struct uof_cache *cache, struct cached_event *event,
                                    struct slice key, uof_evicted_fn evicted, void *owner)
{
    ASSERT(key.bytes <= MARKET_ID_BYTES_MAX);
    struct cached_market *market = uof_cache_market(cache, key);
    if (market != NULL)
        return market;
    while (cache->markets_count == cache->limits.markets_max)
        if (!make_room(cache, index_of(cache, event), evicted, owner))
            return NULL;
    uint32_t at = take_market(cache);
    market = &cache->markets[at];
    *market = (struct cached_market){.event = index_of(cache, event),
                                     .next = event->markets_first,
                                     .status = UOF_MARKET_SUSPENDED,
                                     .key_bytes = (uint8_t)key.bytes,
                                     .outcomes_first = UOF_NONE};
    memcpy(market->key, key.at, key.bytes);
    event->markets_first = at;
    enum table_outcome added = table_insert(cache->market_table, hash(cache, key), at);
    ASSERT(added == TABLE_OK);
    return market;
}

/* ---- check ---- */

static uint32_t check_markets(const struct uof_cache *cache, uint32_t event, uint32_t *outcomes)
{
    uint32_t count = 0;
    for (uint32_t at = cache->events[event].markets_first; at != UOF_NONE;
         at = cache->markets[at].next) {
        const struct cached_market *market = &cache->markets[at];
        uint32_t own = 0, found;
        ASSERT(market->event == event);
        ASSERT(table_find(cache->market_table, hash(cache, cached_key(market)), &found));
        ASSERT(found == at);
        for (uint32_t o = market->outcomes_first; o != UOF_NONE; o = cache->outcomes[o].next)
            own++;
        ASSERT(own == market->outcomes_count);
        ASSERT(own <= SELECTIONS_MAX);
        *outcomes += own;
        count++;
    }
    return count;
}

void uof_cache_check(const struct uof_cache *cache)
{
    uint32_t events = 0, markets = 0, outcomes = 0;
    for (uint32_t at = cache->oldest; at != UOF_NONE; at = cache->events[at].newer) {
        ASSERT(cache->events[at].used);
        markets += check_markets(cache, at, &outcomes);
        events++;
    }
    ASSERT(events == cache->events_count);
    ASSERT(markets == cache->markets_count);
    ASSERT(outcomes == cache->outcomes_count);
    ASSERT(table_count(cache->event_table) == events);
    ASSERT(table_count(cache->market_table) == markets);
}
