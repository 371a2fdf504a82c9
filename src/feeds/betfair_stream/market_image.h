/* market_image.h - a cached market as the book sees it: house prices, states, results.
 * Private to feeds/betfair_stream; the rules are in betfair_source.h. Thread: one loop. */
#pragma once

#include "core/market.h"
#include "feeds/betfair_stream/betfair_source.h"
#include "feeds/betfair_stream/market_cache.h"
#include "ports/feed_sink.h"

struct market_image_writer {
    struct market_cache *cache; /* borrowed, as the sink */
    struct feed_sink *sink;
    struct margin_rule margin;
    enum betfair_ltp ltp_prices;
    uint64_t sent, skipped, results, results_refused, unsettled_closed, deductions_left_out;
    struct feed_selection selections[SELECTIONS_MAX];
    struct feed_selection_result selection_results[SELECTIONS_MAX];
};

/* Tells the sink of the market if anything shown has changed, and of its result if there is a
 * new one. */
void market_image_send(struct market_image_writer *writer, struct cached_market *market,
                       struct instant feed_time);

/* Tells the sink that the market is gone, if it was told of it and has no result. */
void market_image_remove(struct market_image_writer *writer, struct cached_market *market);
