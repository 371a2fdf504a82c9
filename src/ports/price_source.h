/* price_source.h - how new the prices are that a book was given by another process (L6: at most
 * price_lag_ms_max before the bet is written). Prices themselves are pushed (app/book_follow.h).
 * Owned by one loop; nothing here blocks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "ports/odds_store.h"

#define PRICE_NEVER_US INT64_MIN

struct price_source {
    void *owner;
    /* As of when (monotonic, as `now` is) the image is known to be the newest of its market;
     * PRICE_NEVER_US: not at all. */
    int64_t (*as_of_us)(void *owner, const struct odds_image *image, struct monotonic now);
    /* All prices that there are were heard of, and what changes is: bets may be sent here. */
    bool (*is_level)(void *owner);
};
