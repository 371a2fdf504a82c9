/* odds_providers.h - whose prices a writer writes (odds_writer.h), and whose leases hold. Thread:
 * the writer's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* The providers of the markets; borrowed. */
struct odds_writer_providers {
    void *owner;
    size_t (*count)(void *owner);
    /* *ret_left_us: how long its lease holds yet; 0 or less: it does not. */
    struct slice (*at)(void *owner, size_t n, int64_t *ret_left_us);
    uint64_t (*book)(void *owner); /* who says so: odds_book_number() (odds_message.h) */
};

/* Which leases hold, as a sum that changes with any of them. */
static inline uint64_t odds_providers_alive(const struct odds_writer_providers *providers)
{
    uint64_t alive = 0;
    size_t count = providers->count(providers->owner);
    for (size_t i = 0; i < count; i++) {
        int64_t left_us = 0;
        (void)providers->at(providers->owner, i, &left_us);
        alive |= (uint64_t)(left_us > 0) << (i & 63);
    }
    return alive;
}
