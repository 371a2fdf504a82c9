/* feed_lines.h - what the fuzz targets of feeds share: lines of any kind into two sources of one
 * format ("!" is a lost connection), one of which gets all of them and the other only those that
 * the first one took. The calls they make must be the same, which is what "a malformed line has no
 * effect" means. Their sink checks what a book relies on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "ports/feed_sink.h"
#include "ports/feed_source.h"

struct lines_feed {
    struct feed_source *(*make)(struct feed_sink *sink); /* never NULL */
    void (*check)(const struct feed_source *source);     /* its invariants, after each line */
    size_t selections_max;                               /* of a market, and of a result */
    bool late_alternates; /* `late` says only what was not so before */
};

void feed_lines_run(const struct lines_feed *feed, struct slice input);
