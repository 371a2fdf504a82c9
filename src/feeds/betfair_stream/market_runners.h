/* market_runners.h - the runners of a cached market. Private to feeds/betfair_stream.
 * Key: (id, hc), as an Asian handicap market has one id with many lines (FORMATS 1.4). */
#pragma once

#include "feeds/betfair_stream/market_cache.h"

/* The index of the market's runner, or MARKET_CACHE_NONE. */
uint32_t market_runners_find(const struct market_cache *cache, const struct cached_market *market,
                             int64_t id, int32_t hc_milli);
/* Also makes it, at the front of the list; NULL when there is no room, which is counted. */
struct cached_runner *market_runners_find_or_add(struct market_cache *cache,
                                                 struct cached_market *market, int64_t id,
                                                 int32_t hc_milli);
/* Forgets the runner to which *link (the market's first_runner or a runner's next) points. */
void market_runners_drop(struct market_cache *cache, struct cached_market *market, uint32_t *link);

/* Puts the list into the order of the selections: sortPriority, then first come. */
void market_runners_sort(struct market_cache *cache, struct cached_market *market);
