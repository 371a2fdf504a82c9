/* fuzz_mcm.c - any sequence of lines into the Betfair decoder (feed_lines.h). */
#include <stdint.h>

#include "base/assert.h"
#include "feed_lines.h"
#include "feeds/betfair_stream/betfair_source.h"

#define MARKETS_MAX 3
#define RUNNERS_MAX 6
#define POINTS_MAX  64

static struct feed_source *make(struct feed_sink *sink)
{
    struct betfair_options options = betfair_options_default();
    options.markets_max = MARKETS_MAX;
    options.runners_max = RUNNERS_MAX;
    options.ladder_points_max = POINTS_MAX;
    return betfair_source_new(&options, sink);
}

static void check(const struct feed_source *source)
{
    struct betfair_counts counts;
    betfair_source_check(source);
    betfair_source_counts(source, &counts);
    ASSERT(counts.markets <= MARKETS_MAX);
    ASSERT(counts.runners <= RUNNERS_MAX);
    ASSERT(counts.ladder_points <= POINTS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    const struct lines_feed feed = {
        .make = make, .check = check, .selections_max = RUNNERS_MAX, .late_alternates = true};
    feed_lines_run(&feed, slice_of(at, bytes));
    return 0;
}
