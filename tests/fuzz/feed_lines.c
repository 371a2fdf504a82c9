/* feed_lines.c - contract in feed_lines.h. */
#include "feed_lines.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "core/ids.h"

struct hash_sink {
    struct feed_sink sink;
    const struct lines_feed *feed;
    uint64_t calls;
    uint32_t hash; /* of everything said */
    bool late;
};

static struct hash_sink *sink_of(struct feed_sink *base)
{
    struct hash_sink *sink = (struct hash_sink *)base;
    sink->calls++;
    return sink;
}

static void add_number(struct hash_sink *sink, int64_t number)
{
    sink->hash = crc32c(sink->hash, &number, sizeof number);
}

static void add_slice(struct hash_sink *sink, struct slice text)
{
    add_number(sink, (int64_t)text.bytes);
    sink->hash = crc32c(sink->hash, text.at, text.bytes);
}

static void add_selection(struct hash_sink *sink, const struct feed_selection *selection)
{
    ASSERT(selection->id.bytes > 0);
    ASSERT(selection->id.bytes <= SELECTION_ID_BYTES_MAX);
    ASSERT(selection->name.bytes <= NAME_BYTES_MAX);
    ASSERT((selection->status == SELECTION_ACTIVE) == odds_present(selection->odds));
    ASSERT(!odds_present(selection->odds) ||
           selection->odds.numerator > selection->odds.denominator);
    ASSERT(leg_chances_valid(selection->chances));
    add_slice(sink, selection->id);
    add_slice(sink, selection->name);
    add_number(sink, selection->status);
    add_number(sink, selection->odds.numerator);
    add_number(sink, selection->odds.denominator);
}

static void on_market(struct feed_sink *base, const struct feed_market *market)
{
    struct hash_sink *sink = sink_of(base);
    ASSERT(market->selections_count <= sink->feed->selections_max);
    ASSERT(market->id.bytes > 0);
    ASSERT(market->id.bytes <= MARKET_ID_BYTES_MAX);
    ASSERT(market->event_id.bytes <= EVENT_ID_BYTES_MAX);
    ASSERT(market->name.bytes <= NAME_BYTES_MAX);
    ASSERT(market->bet_delay_us >= 0);
    ASSERT(!market->each_way_only || place_terms_valid(market->place_terms));
    add_slice(sink, market->id);
    add_slice(sink, market->event_id);
    add_slice(sink, market->name);
    add_number(sink, market->status);
    add_number(sink, market->bet_delay_us);
    add_number(sink, market->feed_time.us);
    for (size_t i = 0; i < market->selections_count; i++)
        add_selection(sink, &market->selections[i]);
}

static void on_result(struct feed_sink *base, const struct feed_result *result)
{
    struct hash_sink *sink = sink_of(base);
    bool window = result->kind == RESULT_CANCEL || result->kind == RESULT_UNDO_CANCEL;
    ASSERT(result->result_version > 0);
    ASSERT(result->result_version < UINT64_C(1) << 53);
    ASSERT(result->market_id.bytes > 0);
    ASSERT(result->selections_count <= sink->feed->selections_max);
    ASSERT(!window || result->void_from.us < result->void_until.us);
    ASSERT(result->kind != RESULT_SET || result->selections_count > 0);
    add_slice(sink, result->market_id);
    add_number(sink, (int64_t)result->result_version);
    for (size_t i = 0; i < result->selections_count; i++) {
        const struct feed_selection_result *selection = &result->selections[i];
        ASSERT(selection->open || leg_result_valid(selection->result));
        add_slice(sink, selection->selection_id);
        add_number(sink, selection->open ? -1 : (int64_t)leg_result_outcome(selection->result));
    }
}

static void on_removed(struct feed_sink *base, struct slice provider, struct slice market_id)
{
    struct hash_sink *sink = sink_of(base);
    add_slice(sink, provider);
    add_slice(sink, market_id);
}

static void on_alive(struct feed_sink *base, struct slice provider)
{
    add_slice(sink_of(base), provider);
}

static void on_producer(struct feed_sink *base, const struct feed_producer *producer)
{
    ASSERT(producer->silence_us_max > 0);
    add_slice(sink_of(base), producer->provider);
}

static void on_late(struct feed_sink *base, struct slice provider, bool late)
{
    struct hash_sink *sink = sink_of(base);
    ASSERT(!sink->feed->late_alternates || sink->late != late);
    sink->late = late;
    add_slice(sink, provider);
    add_number(sink, late);
}

static const struct feed_sink_ops ops = {
    .market = on_market,
    .result = on_result,
    .removed = on_removed,
    .alive = on_alive,
    .producer = on_producer,
    .late = on_late,
};

/* One that gets all lines, and one that gets those that the first took. */
struct pair {
    const struct lines_feed *feed;
    struct hash_sink sinks[2];
    struct feed_source *all, *taken;
};

static struct feed_source *source_of(struct pair *pair, size_t index)
{
    pair->sinks[index] = (struct hash_sink){.sink = {&ops}, .feed = pair->feed};
    struct feed_source *source = pair->feed->make(&pair->sinks[index].sink);
    ASSERT(source != NULL);
    return source;
}

static void feed_line(struct pair *pair, struct slice line)
{
    uint64_t calls = pair->sinks[0].calls;
    if (slice_is(line, "!")) {
        pair->all->ops->reset(pair->all);
        pair->taken->ops->reset(pair->taken);
        return;
    }
    int result = pair->all->ops->message(pair->all, line);
    if (result == 0) {
        ASSERT(pair->taken->ops->message(pair->taken, line) == 0);
        ASSERT(pair->sinks[0].calls > calls); /* at least `alive` */
    } else {
        ASSERT(result == -ERR_FORMAT || result == -ERR_LIMIT);
        ASSERT(pair->sinks[0].calls == calls);
    }
    pair->feed->check(pair->all);
}

void feed_lines_run(const struct lines_feed *feed, struct slice input)
{
    struct pair pair = {.feed = feed};
    pair.all = source_of(&pair, 0);
    pair.taken = source_of(&pair, 1);
    while (input.bytes > 0) {
        const char *end = memchr(input.at, '\n', input.bytes);
        size_t line = end != NULL ? (size_t)(end - input.at) : input.bytes;
        feed_line(&pair, slice_of(input.at, line));
        input = slice_skip(input, end != NULL ? line + 1 : line);
    }
    ASSERT(pair.sinks[0].calls == pair.sinks[1].calls);
    ASSERT(pair.sinks[0].hash == pair.sinks[1].hash);
    pair.all->ops->free(pair.all);
    pair.taken->ops->free(pair.taken);
}
