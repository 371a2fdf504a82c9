/* fuzz_uof.c - any sequence of lines into the decoder of the Unified Odds Feed (feed_lines.h). */
#include <stdint.h>

#include "feed_lines.h"
#include "feeds/uof/uof_source.h"

#define EVENTS_MAX   2
#define MARKETS_MAX  3
#define OUTCOMES_MAX 6

static struct feed_source *make(struct feed_sink *sink)
{
    struct uof_options options = uof_options_default();
    options.events_max = EVENTS_MAX;
    options.markets_max = MARKETS_MAX;
    options.outcomes_max = OUTCOMES_MAX;
    return uof_source_new(&options, sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    const struct lines_feed feed = {
        .make = make, .check = uof_source_check, .selections_max = OUTCOMES_MAX};
    feed_lines_run(&feed, slice_of(at, bytes));
    return 0;
}
