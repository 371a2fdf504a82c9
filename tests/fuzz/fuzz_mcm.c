/* fuzz_mcm.c - any sequence of lines into the Betfair decoder ("!" is a lost connection).
 *
 * Two sources get the lines: one all of them, the other only those that the first one took. The
 * calls they make must be the same, which is what "a malformed line has no effect" means. The
 * sink checks what a book relies on, and the cache's invariants are checked after each line. */
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "core/ids.h"
#include "feeds/betfair_stream/betfair_source.h"

#define MARKETS_MAX 3
#define RUNNERS_MAX 6
#define POINTS_MAX  64

struct hash_sink {
    struct feed_sink sink;
    uint64_t calls;
    uint32_t hash; /* of everything said */
    bool late;
};

static void add(struct hash_sink *sink, const void *at, size_t bytes)
{
    sink->hash = crc32c(sink->hash, at, bytes);
}

static void add_number(struct hash_sink *sink, int64_t number)
{
    add(sink, &number, sizeof number);
}

static void add_slice(struct hash_sink *sink, struct slice text)
{
    add_number(sink, (int64_t)text.bytes);
    add(sink, text.at, text.bytes);
}

static void add_selection(struct hash_sink *sink, const struct feed_selection *selection)
{
    ASSERT(selection->id.bytes > 0);
    ASSERT(selection->id.bytes <= SELECTION_ID_BYTES_MAX);
    ASSERT(selection->name.bytes <= NAME_BYTES_MAX);
    ASSERT((selection->status == SELECTION_ACTIVE) == odds_present(selection->odds));
    if (odds_present(selection->odds))
        ASSERT(selection->odds.numerator > selection->odds.denominator);
    add_slice(sink, selection->id);
    add_slice(sink, selection->name);
    add_number(sink, selection->status);
    add_number(sink, selection->odds.numerator);
    add_number(sink, selection->odds.denominator);
}

static void on_market(struct feed_sink *base, const struct feed_market *market)
{
    struct hash_sink *sink = (struct hash_sink *)base;
    sink->calls++;
    ASSERT(market->selections_count <= RUNNERS_MAX);
    ASSERT(market->id.bytes > 0);
    ASSERT(market->id.bytes <= MARKET_ID_BYTES_MAX);
    ASSERT(market->event_id.bytes <= EVENT_ID_BYTES_MAX);
    ASSERT(market->name.bytes <= NAME_BYTES_MAX);
    ASSERT(market->bet_delay_us >= 0);
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
    struct hash_sink *sink = (struct hash_sink *)base;
    sink->calls++;
    ASSERT(result->selections_count > 0);
    ASSERT(result->selections_count <= RUNNERS_MAX);
    ASSERT(result->result_version > 0);
    add_slice(sink, result->market_id);
    add_number(sink, (int64_t)result->result_version);
    for (size_t i = 0; i < result->selections_count; i++) {
        ASSERT(leg_result_valid(result->selections[i].result));
        add_slice(sink, result->selections[i].selection_id);
        add_number(sink, leg_result_outcome(result->selections[i].result));
    }
}

static void on_removed(struct feed_sink *base, struct slice provider, struct slice market_id)
{
    struct hash_sink *sink = (struct hash_sink *)base;
    sink->calls++;
    add_slice(sink, provider);
    add_slice(sink, market_id);
}

static void on_alive(struct feed_sink *base, struct slice provider)
{
    struct hash_sink *sink = (struct hash_sink *)base;
    sink->calls++;
    add_slice(sink, provider);
}

static void on_late(struct feed_sink *base, struct slice provider, bool late)
{
    struct hash_sink *sink = (struct hash_sink *)base;
    sink->calls++;
    ASSERT(sink->late != late);
    sink->late = late;
    add_slice(sink, provider);
    add_number(sink, late);
}

static const struct feed_sink_ops ops = {
    .market = on_market,
    .result = on_result,
    .removed = on_removed,
    .alive = on_alive,
    .late = on_late,
};

static struct feed_source *source_of(struct hash_sink *sink)
{
    struct betfair_options options = betfair_options_default();
    options.markets_max = MARKETS_MAX;
    options.runners_max = RUNNERS_MAX;
    options.ladder_points_max = POINTS_MAX;
    *sink = (struct hash_sink){.sink = {&ops}};
    struct feed_source *source = betfair_source_new(&options, &sink->sink);
    ASSERT(source != NULL);
    return source;
}

static void check_limits(const struct feed_source *source)
{
    struct betfair_counts counts;
    betfair_source_check(source);
    betfair_source_counts(source, &counts);
    ASSERT(counts.markets <= MARKETS_MAX);
    ASSERT(counts.runners <= RUNNERS_MAX);
    ASSERT(counts.ladder_points <= POINTS_MAX);
}

static void feed_line(struct feed_source *all, struct feed_source *taken,
                      const struct hash_sink *sink, struct slice line)
{
    if (slice_is(line, "!")) {
        all->ops->reset(all);
        taken->ops->reset(taken);
        return;
    }
    uint64_t calls = sink->calls;
    int result = all->ops->message(all, line);
    if (result == 0) {
        ASSERT(taken->ops->message(taken, line) == 0);
        ASSERT(sink->calls > calls); /* at least `alive` */
    } else {
        ASSERT(result == -ERR_FORMAT || result == -ERR_LIMIT);
        ASSERT(sink->calls == calls);
    }
    check_limits(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    struct hash_sink first;
    struct hash_sink second;
    struct feed_source *all = source_of(&first);
    struct feed_source *taken = source_of(&second);
    struct slice rest = slice_of(at, bytes);
    while (rest.bytes > 0) {
        const char *end = memchr(rest.at, '\n', rest.bytes);
        size_t line = end != NULL ? (size_t)(end - rest.at) : rest.bytes;
        feed_line(all, taken, &first, slice_of(rest.at, line));
        rest = slice_skip(rest, end != NULL ? line + 1 : line);
    }
    ASSERT(first.calls == second.calls);
    ASSERT(first.hash == second.hash);
    all->ops->free(all);
    taken->ops->free(taken);
    return 0;
}
