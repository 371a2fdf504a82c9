/* fuzz_json_lines.c - any sequence of lines into the decoder of the JSON feed (feed_lines.h). */
#include <stdint.h>

#include "core/market.h"
#include "feed_lines.h"
#include "feeds/json_lines/json_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    const struct lines_feed feed = {
        .make = json_source_new, .check = json_source_check, .selections_max = SELECTIONS_MAX};
    feed_lines_run(&feed, slice_of(at, bytes));
    return 0;
}
