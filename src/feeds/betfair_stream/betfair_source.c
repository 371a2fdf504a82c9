/* betfair_source.c - contract in betfair_source.h: the message's way from a line to the sink.
 * A line is decoded whole, then applied to the cache, then every market it touched is shown:
 * so a malformed line does nothing, and a market that one message names twice is shown once,
 * as it is at the end. */
#include "feeds/betfair_stream/betfair_source.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "feeds/betfair_stream/market_cache.h"
#include "feeds/betfair_stream/market_image.h"
#include "feeds/betfair_stream/mcm_message.h"

struct token {
    size_t bytes;
    char at[BETFAIR_CLK_BYTES_MAX];
};

struct betfair_source {
    struct feed_source source;   /* first: the port's pointer is this one's */
    struct market_cache *cache;  /* owned */
    struct mcm_message *message; /* owned */
    struct market_image_writer writer;
    bool has_subscription;
    int64_t subscription;
    bool late; /* as the sink was last told */
    struct instant feed_time;
    struct token initial_clk, clk;
    struct betfair_counts counts;
};

static struct betfair_source *self(struct feed_source *source)
{
    return (struct betfair_source *)source;
}

/* --- subscriptions --- */

static bool is_image(const struct mcm_message *message)
{
    return message->change_type == MCM_SUB_IMAGE || message->change_type == MCM_RESUB_DELTA;
}

static bool begins(const struct mcm_message *message)
{
    return message->segment == MCM_WHOLE || message->segment == MCM_SEG_START;
}

static bool ends(const struct mcm_message *message)
{
    return message->segment == MCM_WHOLE || message->segment == MCM_SEG_END;
}

/* Until its next image, nothing in the market is known to be current. */
static void doubt(struct betfair_source *betfair, bool subscribed_only)
{
    struct market_cache *cache = betfair->cache;
    for (uint32_t i = 0; i < cache->markets_fresh; i++) {
        struct cached_market *market = &cache->markets[i];
        if (!market->used || market->status == MCM_MARKET_CLOSED ||
            (subscribed_only && !market->subscribed))
            continue;
        market->unsure = true;
        market_cache_touch(cache, market);
    }
}

/* Whether the message is of the subscription that holds; a new image is how one begins. */
static bool is_current(struct betfair_source *betfair, const struct mcm_message *message)
{
    if (!message->has_id)
        return true;
    bool known = betfair->has_subscription;
    if (!known || (is_image(message) && begins(message))) {
        betfair->has_subscription = true;
        betfair->subscription = message->id;
        return true;
    }
    if (message->id == betfair->subscription)
        return true;
    if (message->id < betfair->subscription) {
        betfair->counts.old_subscription++;
        return false;
    }
    betfair->counts.missed_images++;
    betfair->subscription = message->id;
    doubt(betfair, true);
    return true;
}

static void begin_image(struct betfair_source *betfair)
{
    struct market_cache *cache = betfair->cache;
    for (uint32_t i = 0; i < cache->markets_fresh; i++) {
        struct cached_market *market = &cache->markets[i];
        if (!market->used || !market->subscribed)
            continue;
        market->awaited = true;
        if (market->status == MCM_MARKET_CLOSED)
            continue; /* it does not reopen while it is awaited */
        market_cache_clear_prices(cache, market);
        market->defined = false;
        market_cache_touch(cache, market);
    }
}

/* What the image did not name is not in the subscription any more. */
static void end_image(struct betfair_source *betfair)
{
    struct market_cache *cache = betfair->cache;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < cache->touched_count; i++)
        if (!cache->markets[cache->touched[i]].awaited)
            cache->touched[kept++] = cache->touched[i];
    cache->touched_count = kept;
    for (uint32_t i = 0; i < cache->markets_fresh; i++) {
        struct cached_market *market = &cache->markets[i];
        if (!market->used || !market->awaited)
            continue;
        market_image_remove(&betfair->writer, market);
        market->touched = false;
        market_cache_remove(cache, i);
    }
}

static void end_resume(struct betfair_source *betfair)
{
    struct market_cache *cache = betfair->cache;
    for (uint32_t i = 0; i < cache->markets_fresh; i++) {
        struct cached_market *market = &cache->markets[i];
        if (!market->used || !market->subscribed || !market->unsure)
            continue;
        market->unsure = false;
        market_cache_touch(cache, market);
    }
}

/* --- a message --- */

/* A recording has no subscription id and often no image: after a reset the definition is the
 * beginning of what is known again. */
static bool is_new_beginning(const struct mcm_message *message, const struct cached_market *market,
                             const struct mcm_market_change *change)
{
    return market->unsure && !message->has_id && change->has_definition;
}

static void apply_market(struct betfair_source *betfair, struct mcm_market_change *change)
{
    const struct mcm_message *message = betfair->message;
    uint32_t index = market_cache_find_or_add(betfair->cache, change->id);
    if (index == MARKET_CACHE_NONE)
        return;
    struct cached_market *market = &betfair->cache->markets[index];
    change->image = change->image || is_new_beginning(message, market, change);
    if (!market_cache_apply(betfair->cache, market, message, change))
        return;
    bool image = change->image || message->change_type == MCM_SUB_IMAGE;
    if (image && change->has_definition)
        market->unsure = false;
    market->awaited = false;
    market->subscribed = message->has_id;
}

static void apply_markets(struct betfair_source *betfair)
{
    struct mcm_message *message = betfair->message;
    betfair->source.counts.market_changes += message->markets_count;
    betfair->source.counts.runner_changes += message->changes_count;
    if (message->change_type == MCM_SUB_IMAGE && begins(message))
        begin_image(betfair);
    for (uint32_t i = 0; i < message->markets_count; i++)
        apply_market(betfair, &message->markets[i]);
    if (message->change_type == MCM_SUB_IMAGE && ends(message))
        end_image(betfair);
    if (message->change_type == MCM_RESUB_DELTA && ends(message))
        end_resume(betfair);
}

static void show_touched(struct betfair_source *betfair)
{
    struct market_cache *cache = betfair->cache;
    for (uint32_t i = 0; i < cache->touched_count; i++) {
        struct cached_market *market = &cache->markets[cache->touched[i]];
        market->touched = false;
        market_cache_count_crossed(cache, market);
        market_image_send(&betfair->writer, market, betfair->feed_time);
    }
    cache->touched_count = 0;
}

static void keep_token(struct token *token, struct slice text)
{
    if (text.bytes == 0)
        return;
    token->bytes = text.bytes <= sizeof token->at ? text.bytes : 0; /* cut, it would be wrong */
    memcpy(token->at, text.at, token->bytes);
}

/* Of a segmented message only the last segment's token counts (FORMATS 1.8). */
static void keep_tokens(struct betfair_source *betfair, const struct mcm_message *message)
{
    if (!ends(message))
        return;
    keep_token(&betfair->initial_clk, message->initial_clk);
    keep_token(&betfair->clk, message->clk);
}

static void tell_late(struct betfair_source *betfair, bool late)
{
    if (betfair->late == late)
        return;
    betfair->late = late;
    betfair->writer.sink->ops->late(betfair->writer.sink, SLICE(BETFAIR_PROVIDER), late);
}

/* Late is told before the prices that are, and its end after the prices that are not. */
static void apply_message(struct betfair_source *betfair)
{
    const struct mcm_message *message = betfair->message;
    if (!is_current(betfair, message))
        return;
    if (message->has_pt)
        betfair->feed_time = (struct instant){message->pt_ms * US_PER_MS};
    betfair->counts.heartbeats += message->change_type == MCM_HEARTBEAT;
    betfair->counts.late_messages += message->late;
    if (message->late)
        tell_late(betfair, true);
    keep_tokens(betfair, message);
    apply_markets(betfair);
    show_touched(betfair);
    if (!message->late)
        tell_late(betfair, false);
}

static void copy_counts(struct betfair_source *betfair)
{
    const struct market_cache *cache = betfair->cache;
    betfair->source.counts.results = betfair->writer.results;
    betfair->source.counts.limits_reached += cache->counts.limits_reached;
    betfair->cache->counts.limits_reached = 0;
}

static int on_message(struct feed_source *source, struct slice line)
{
    struct betfair_source *betfair = self(source);
    source->counts.bytes += line.bytes;
    int result = mcm_decode(betfair->message, line);
    if (result < 0) {
        source->counts.malformed += result == -ERR_FORMAT;
        source->counts.limits_reached += result == -ERR_LIMIT;
        return result;
    }
    source->counts.messages++;
    betfair->cache->messages++;
    struct feed_sink *sink = betfair->writer.sink;
    sink->ops->alive(sink, SLICE(BETFAIR_PROVIDER));
    if (betfair->message->op == MCM_OP_MCM)
        apply_message(betfair);
    else
        betfair->counts.other_ops++;
    copy_counts(betfair);
    return 0;
}

static void on_reset(struct feed_source *source)
{
    struct betfair_source *betfair = self(source);
    betfair->has_subscription = false; /* a client may count its requests from 1 again */
    betfair->cache->messages++;
    doubt(betfair, false);
    show_touched(betfair);
}

static void on_free(struct feed_source *source)
{
    struct betfair_source *betfair = self(source);
    market_cache_free(betfair->cache);
    mcm_message_free(betfair->message);
    free(betfair);
}

static const struct feed_source_ops ops = {
    .message = on_message,
    .reset = on_reset,
    .free = on_free,
};

struct betfair_options betfair_options_default(void)
{
    return (struct betfair_options){
        .margin = {.margin_permyriad = 500, .price_cents_min = 101, .offer_cents_min = 0},
        .ltp_prices = BETFAIR_LTP_WITHOUT_LADDER,
        .markets_max = 4096,
        .runners_max = 131072,
        .ladder_points_max = 4u << 20,
    };
}

static bool in_range(uint32_t value, uint32_t limit)
{
    return value >= 1 && value <= limit;
}

static bool options_valid(const struct betfair_options *options)
{
    return margin_rule_valid(&options->margin) &&
           in_range(options->markets_max, BETFAIR_MARKETS_LIMIT) &&
           in_range(options->runners_max, BETFAIR_RUNNERS_LIMIT) &&
           in_range(options->ladder_points_max, BETFAIR_POINTS_LIMIT);
}

struct feed_source *betfair_source_new(const struct betfair_options *options,
                                       struct feed_sink *sink)
{
    if (!options_valid(options))
        return NULL;
    struct betfair_source *betfair = calloc(1, sizeof *betfair);
    if (betfair == NULL)
        return NULL;
    struct market_cache_limits limits = {options->markets_max, options->runners_max,
                                         options->ladder_points_max};
    betfair->source.ops = &ops;
    if (mcm_message_new(&betfair->message) < 0 ||
        market_cache_new(&limits, options->hash_key, &betfair->cache) < 0) {
        on_free(&betfair->source);
        return NULL;
    }
    betfair->writer.cache = betfair->cache;
    betfair->writer.sink = sink;
    betfair->writer.margin = options->margin;
    betfair->writer.ltp_prices = options->ltp_prices;
    return &betfair->source;
}

void betfair_source_counts(const struct feed_source *source, struct betfair_counts *ret)
{
    const struct betfair_source *betfair = (const struct betfair_source *)source;
    ASSERT(source->ops == &ops);
    *ret = betfair->counts;
    ret->stale_copies = betfair->cache->counts.stale_copies;
    ret->crossed = betfair->cache->counts.crossed;
    ret->markets_evicted = betfair->cache->counts.evicted;
    ret->results_refused = betfair->writer.results_refused;
    ret->unsettled_closed = betfair->writer.unsettled_closed;
    ret->deductions_left_out = betfair->writer.deductions_left_out;
    ret->images_sent = betfair->writer.sent;
    ret->images_skipped = betfair->writer.skipped;
    ret->markets = betfair->cache->markets_count;
    ret->runners = betfair->cache->runners_count;
    ret->ladder_points = market_cache_points(betfair->cache);
}

void betfair_source_resume(const struct feed_source *source, struct slice *ret_initial_clk,
                           struct slice *ret_clk)
{
    const struct betfair_source *betfair = (const struct betfair_source *)source;
    ASSERT(source->ops == &ops);
    *ret_initial_clk = slice_of(betfair->initial_clk.at, betfair->initial_clk.bytes);
    *ret_clk = slice_of(betfair->clk.at, betfair->clk.bytes);
}

void betfair_source_check(const struct feed_source *source)
{
    const struct betfair_source *betfair = (const struct betfair_source *)source;
    ASSERT(source->ops == &ops);
    market_cache_check(betfair->cache);
    ASSERT(betfair->cache->touched_count == 0);
}
