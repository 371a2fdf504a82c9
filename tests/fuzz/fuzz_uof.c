/* fuzz_uof.c - any sequence of lines into the decoder of the Unified Odds Feed ("!" is a lost
 * link).
 *
 * Two sources get the lines: one all of them, the other only those that the first one took. The
 * calls they make must be the same, which is what "a malformed line has no effect" means. The sink
 * checks what a book relies on, and the cache's invariants are checked after each line. */
#include <stdint.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "core/ids.h"
#include "feeds/uof/uof_source.h"

#define EVENTS_MAX   2
#define MARKETS_MAX  3
#define OUTCOMES_MAX 6

struct hash_sink {
    struct feed_sink sink;
    uint64_t calls;
    uint32_t hash; /* of everything said */
};

static void add(struct feed_sink *base, struct slice text, int64_t number)
{
    struct hash_sink *sink = (struct hash_sink *)base;
    sink->calls++;
    sink->hash = crc32c(sink->hash, text.at, text.bytes);
    sink->hash = crc32c(sink->hash, &number, sizeof number);
}

static void on_market(struct feed_sink *sink, const struct feed_market *market)
{
    ASSERT(market->selections_count <= OUTCOMES_MAX);
    ASSERT(market->id.bytes > 0);
    ASSERT(market->id.bytes <= MARKET_ID_BYTES_MAX);
    ASSERT(market->event_id.bytes <= EVENT_ID_BYTES_MAX);
    ASSERT(market->name.bytes <= NAME_BYTES_MAX);
    ASSERT(market->bet_delay_us >= 0);
    add(sink, market->id, market->status);
    add(sink, market->name, market->feed_time.us);
    for (size_t i = 0; i < market->selections_count; i++) {
        const struct feed_selection *selection = &market->selections[i];
        ASSERT(selection->id.bytes > 0);
        ASSERT(selection->id.bytes <= SELECTION_ID_BYTES_MAX);
        ASSERT((selection->status == SELECTION_ACTIVE) == odds_present(selection->odds));
        ASSERT(leg_chances_valid(selection->chances));
        add(sink, selection->id, selection->odds.numerator);
    }
}

static void on_result(struct feed_sink *sink, const struct feed_result *result)
{
    bool window = result->kind == RESULT_CANCEL || result->kind == RESULT_UNDO_CANCEL;
    ASSERT(result->result_version > 0);
    ASSERT(result->result_version < UINT64_C(1) << 53);
    ASSERT(result->market_id.bytes > 0);
    ASSERT(!window || result->void_from.us < result->void_until.us);
    ASSERT(result->kind != RESULT_SET || result->selections_count > 0);
    add(sink, result->market_id, (int64_t)result->result_version);
    for (size_t i = 0; i < result->selections_count; i++) {
        const struct feed_selection_result *selection = &result->selections[i];
        ASSERT(selection->open || leg_result_valid(selection->result));
        add(sink, selection->selection_id, selection->open);
    }
}

static void on_removed(struct feed_sink *sink, struct slice provider, struct slice market_id)
{
    add(sink, provider, 0);
    add(sink, market_id, 1);
}

static void on_alive(struct feed_sink *sink, struct slice provider)
{
    add(sink, provider, 2);
}

static void on_producer(struct feed_sink *sink, const struct feed_producer *producer)
{
    ASSERT(producer->silence_us_max > 0);
    add(sink, producer->provider, 3);
}

static void on_late(struct feed_sink *sink, struct slice provider, bool late)
{
    add(sink, provider, 4 + late);
}

static const struct feed_sink_ops ops = {
    .market = on_market,
    .result = on_result,
    .removed = on_removed,
    .alive = on_alive,
    .producer = on_producer,
    .late = on_late,
};

static struct feed_source *source_of(struct hash_sink *sink)
{
    struct uof_options options = uof_options_default();
    options.events_max = EVENTS_MAX;
    options.markets_max = MARKETS_MAX;
    options.outcomes_max = OUTCOMES_MAX;
    *sink = (struct hash_sink){.sink = {&ops}};
    struct feed_source *source = uof_source_new(&options, &sink->sink);
    ASSERT(source != NULL);
    return source;
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
    uof_source_check(all);
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
