/* market_change.c - what one element of `mc` does to the cache; contract in market_cache.h. */
#include "base/assert.h"
#include "base/divisor.h"
#include "base/utf8.h"
#include "feeds/betfair_stream/market_runners.h"

/* eventTypeId is the provider's number of a sport (FORMATS 1.5; feedstat). */
static struct slice sport_of(struct slice event_type_id)
{
    static const struct {
        const char *id;
        const char *sport;
    } rows[] = {
        {"1", "football"},       {"2", "tennis"},
        {"3", "golf"},           {"4", "cricket"},
        {"5", "rugby_union"},    {"6", "boxing"},
        {"7", "horse_racing"},   {"1477", "rugby_league"},
        {"4339", "greyhounds"},  {"6423", "american_football"},
        {"7511", "baseball"},    {"7522", "basketball"},
        {"7524", "ice_hockey"},  {"61420", "australian_rules"},
        {"2378961", "politics"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (slice_is(event_type_id, rows[i].id))
            return slice_text(rows[i].sport);
    return SLICE("other");
}

/* The longest beginning of `text` of at most bytes_max bytes that ends between characters. */
static struct slice cut(struct slice text, size_t bytes_max)
{
    const char *at = text.at;
    const char *end = text.at + text.bytes;
    while (at < end) {
        size_t bytes = utf8_sequence_bytes(at, end);
        ASSERT(bytes > 0); /* the JSON reader has checked it */
        if ((size_t)(at - text.at) + bytes > bytes_max)
            break;
        at += bytes;
    }
    return (struct slice){text.at, (size_t)(at - text.at)};
}

/* Answers whether the text changed. */
static bool set_text(struct market_cache *cache, struct short_text *text, struct slice value,
                     size_t bytes_max)
{
    ASSERT(bytes_max <= sizeof text->at);
    struct slice kept = value.bytes > bytes_max ? cut(value, bytes_max) : value;
    if (slice_equal(short_text_slice(text), kept))
        return false;
    if (kept.bytes < value.bytes)
        cache->counts.limits_reached++;
    text->bytes = (uint8_t)kept.bytes;
    if (kept.bytes > 0)
        memcpy(text->at, kept.at, kept.bytes);
    return true;
}

void market_cache_clear_prices(struct market_cache *cache, struct cached_market *market)
{
    for (uint32_t at = market->first_runner; at != MARKET_CACHE_NONE;
         at = cache->runners[at].next) {
        struct cached_runner *runner = &cache->runners[at];
        runner->ltp_milli = 0;
        for (int i = 0; i < LADDERS_COUNT; i++)
            ladder_clear(cache->ladders, &runner->ladders[i]);
    }
}

/* --- definition --- */

/* The message in which a runner is removed comes between the suspension and the opening after it:
 * its time separates the bets from before and after; removalDate does not (FORMATS 1.6). The factor
 * to use is the one that stands there. A removal can be undone (1.7 trap 4). */
static void note_removal(struct cached_runner *runner, const struct mcm_runner_def *def,
                         struct instant definition_time)
{
    if (def->status != MCM_RUNNER_REMOVED) {
        if (def->status == MCM_RUNNER_ACTIVE)
            runner->removed = (struct instant){0};
        return;
    }
    if (runner->removed.us == 0)
        runner->removed = definition_time;
    runner->adjustment_milli = def->adjustment_milli;
}

static void apply_runner_def(struct market_cache *cache, struct cached_market *market,
                             const struct mcm_runner_def *def, struct instant definition_time)
{
    struct cached_runner *runner =
        market_runners_find_or_add(cache, market, def->id, def->hc_milli);
    if (runner == NULL) {
        market->overfull = true;
        return;
    }
    if (runner->mark == 0)
        market->changed = true;
    runner->mark = market->mark;
    note_removal(runner, def, definition_time);
    runner->status = def->status;
    if (runner->sort_priority != def->sort_priority)
        market->changed = true;
    runner->sort_priority = def->sort_priority;
    if (set_text(cache, &runner->name, def->name, NAME_BYTES_MAX))
        market->changed = true;
}

/* A runner that the new definition does not name is gone (whole replacement). */
static void drop_unnamed(struct market_cache *cache, struct cached_market *market)
{
    uint32_t *link = &market->first_runner;
    while (*link != MARKET_CACHE_NONE) {
        if (cache->runners[*link].mark == market->mark) {
            link = &cache->runners[*link].next;
            continue;
        }
        market->changed = market->changed || cache->runners[*link].mark != 0;
        market_runners_drop(cache, market, link);
    }
}

static void apply_runner_defs(struct market_cache *cache, struct cached_market *market,
                              const struct mcm_message *message,
                              const struct mcm_definition *definition)
{
    const struct mcm_runner_def *defs = &message->runner_defs[definition->runners_first];
    uint32_t count = definition->runners_count;
    struct instant time = {message->has_pt ? message->pt_ms * US_PER_MS : 0};
    /* Those that are known come first, so that a full market has the room of the ones that
     * went for the ones that came. */
    market->mark++;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = market_runners_find(cache, market, defs[i].id, defs[i].hc_milli);
        if (at != MARKET_CACHE_NONE)
            apply_runner_def(cache, market, &defs[i], time);
    }
    drop_unnamed(cache, market);
    market->overfull = false;
    for (uint32_t i = 0; i < count; i++)
        apply_runner_def(cache, market, &defs[i], time);
    market_runners_sort(cache, market);
}

static void apply_texts(struct market_cache *cache, struct cached_market *market,
                        const struct mcm_definition *definition)
{
    bool changed = false;
    changed |= set_text(cache, &market->event_id, definition->event_id, EVENT_ID_BYTES_MAX);
    changed |= set_text(cache, &market->event_name, definition->event_name, NAME_BYTES_MAX);
    changed |= set_text(cache, &market->name, definition->name, NAME_BYTES_MAX);
    changed |= set_text(cache, &market->kind, definition->market_type, NAME_BYTES_MAX);
    struct slice sport = sport_of(definition->event_type_id);
    changed |= !slice_equal(sport, market->sport);
    market->sport = sport;
    changed |= market->start_time.us != definition->market_time.us;
    market->start_time = definition->market_time;
    market->changed = market->changed || changed;
}

/* The place part is paid at 1 / divisor of the winnings, for as many as the market has winners. */
static void apply_place_terms(struct cached_market *market, const struct mcm_definition *definition)
{
    struct place_terms terms = {0};
    uint64_t divisor = definition->each_way_milli > 0 ? (uint64_t)definition->each_way_milli : 1;
    uint64_t common = common_divisor(1000, divisor);
    if (definition->each_way_milli >= 1000 && divisor / common <= PLACE_TERM_MAX &&
        1000 / common <= PLACE_TERM_MAX && definition->winners >= 1 &&
        definition->winners <= PLACE_TERM_MAX)
        terms = (struct place_terms){(uint8_t)definition->winners, (uint8_t)(1000 / common),
                                     (uint8_t)(divisor / common)};
    market->changed |= memcmp(&terms, &market->place_terms, sizeof terms) != 0;
    market->place_terms = terms;
}

static void apply_definition(struct market_cache *cache, struct cached_market *market,
                             const struct mcm_message *message,
                             const struct mcm_definition *definition)
{
    apply_texts(cache, market, definition);
    market->status = definition->status;
    market->betting = definition->betting;
    market->each_way = definition->each_way;
    market->racing =
        slice_is(market->sport, "horse_racing") || slice_is(market->sport, "greyhounds");
    market->winners = definition->winners;
    apply_place_terms(market, definition);
    market->in_play = definition->in_play;
    market->bet_delay_s = definition->bet_delay_s;
    market->version = definition->version;
    market->settled_time = definition->settled_time;
    market->defined = true;
    apply_runner_defs(cache, market, message, definition);
}

/* --- runner changes --- */

static enum ladder_set apply_row(struct market_cache *cache, struct cached_runner *runner,
                                 const struct mcm_row *row)
{
    struct ladder *ladder = &runner->ladders[row->ladder];
    struct ladder_point point = {row->price_milli, row->size_cents};
    if (row->ladder >= LADDER_BATB)
        return ladder_set_level(cache->ladders, ladder, row->level, point);
    return ladder_set_price(cache->ladders, ladder,
                            row->ladder == LADDER_ATB ? LADDER_HIGHEST_BEST : LADDER_LOWEST_BEST,
                            point);
}

/* A whole message leaves no book crossed; where one is, a message was lost (1.8.6). Within a
 * message it happens: a bet's match and the rest of it come as two changes of the runner. */
static bool is_crossed(const struct market_cache *cache, const struct cached_runner *runner)
{
    int32_t back;
    int32_t lay;
    return ladder_best_price(cache->ladders, &runner->ladders[LADDER_ATB], 0, &back) &&
           ladder_best_price(cache->ladders, &runner->ladders[LADDER_ATL], 0, &lay) && back >= lay;
}

static void apply_change(struct market_cache *cache, struct cached_market *market,
                         const struct mcm_message *message, const struct mcm_runner_change *change)
{
    struct cached_runner *runner =
        market_runners_find_or_add(cache, market, change->id, change->hc_milli);
    if (runner == NULL)
        return; /* not of the definition, which would have made it: nothing shown is lost */
    if (change->has_ltp)
        runner->ltp_milli = change->ltp_milli;
    for (uint32_t i = 0; i < change->rows_count; i++) {
        const struct mcm_row *row = &message->rows[change->rows_first + i];
        market->ladder_seen = market->ladder_seen || row->size_cents > 0;
        if (apply_row(cache, runner, row) == LADDER_DROPPED)
            cache->counts.limits_reached++;
    }
}

void market_cache_count_crossed(struct market_cache *cache, const struct cached_market *market)
{
    for (uint32_t at = market->first_runner; at != MARKET_CACHE_NONE;
         at = cache->runners[at].next) {
        struct cached_runner *runner = &cache->runners[at];
        bool crossed = is_crossed(cache, runner);
        cache->counts.crossed += crossed && !runner->crossed;
        runner->crossed = crossed;
    }
}

/* --- the whole element --- */

/* "A market may be moved to another event; the image then holds two copies": the one with the
 * greater version wins, whichever comes first (FORMATS 1.3). */
static bool is_stale_copy(const struct cached_market *market,
                          const struct mcm_market_change *change)
{
    return change->has_definition && market->defined &&
           change->definition.version < market->version &&
           !slice_equal(short_text_slice(&market->event_id), change->definition.event_id);
}

bool market_cache_apply(struct market_cache *cache, struct cached_market *market,
                        const struct mcm_message *message, const struct mcm_market_change *change)
{
    if (is_stale_copy(market, change)) {
        cache->counts.stale_copies++;
        return false;
    }
    market_cache_touch(cache, market);
    if (change->image)
        market_cache_clear_prices(cache, market);
    if (change->has_definition)
        apply_definition(cache, market, message, &change->definition);
    for (uint32_t i = 0; i < change->changes_count; i++)
        apply_change(cache, market, message, &message->changes[change->changes_first + i]);
    return true;
}
