/* rate_limit.c - contract in rate_limit.h. */
#include "roles/shared/rate_limit.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"

struct slot {
    uint64_t key;    /* 64 bits of the key's hash */
    int64_t full_us; /* when the bucket is full again; in the past: the slot is free */
};

struct rate_limit {
    struct rate_limit_options options;
    struct slot *slots; /* owned */
    uint64_t sets_mask;
    uint64_t refused, forgotten;
};

int rate_limit_new(const struct rate_limit_options *options, struct rate_limit **ret_limit)
{
    ASSERT(options->burst >= 1);
    ASSERT(options->interval_us > 0);
    size_t sets = 1;
    while (sets * RATE_LIMIT_WAYS < options->keys_max)
        sets *= 2;
    struct rate_limit *limit = calloc(1, sizeof *limit);
    if (limit == NULL)
        return -ERR_MEMORY;
    limit->slots = calloc(sets * RATE_LIMIT_WAYS, sizeof *limit->slots);
    if (limit->slots == NULL) {
        free(limit);
        return -ERR_MEMORY;
    }
    limit->options = *options;
    limit->sets_mask = sets - 1;
    *ret_limit = limit;
    return 0;
}

void rate_limit_free(struct rate_limit *limit)
{
    if (limit == NULL)
        return;
    free(limit->slots);
    free(limit);
}

/* The key's slot, or the one to be used for it: the bucket that is full or nearest to it. */
static struct slot *find_slot(struct rate_limit *limit, uint64_t key, uint64_t set)
{
    struct slot *slots = &limit->slots[set * RATE_LIMIT_WAYS];
    struct slot *best = &slots[0];
    for (size_t i = 0; i < RATE_LIMIT_WAYS; i++) {
        if (slots[i].key == key)
            return &slots[i];
        if (slots[i].full_us < best->full_us)
            best = &slots[i];
    }
    return best;
}

int64_t rate_limit_take(struct rate_limit *limit, struct slice key, struct monotonic now)
{
    struct hash128 hash = siphash128(limit->options.hash_key, key.at, key.bytes);
    struct slot *slot = find_slot(limit, hash.high, hash.low & limit->sets_mask);
    if (slot->key != hash.high) {
        limit->forgotten += slot->full_us > now.us;
        *slot = (struct slot){hash.high, now.us};
    }
    int64_t full = slot->full_us > now.us ? slot->full_us : now.us;
    int64_t over = full + limit->options.interval_us - now.us -
                   (int64_t)limit->options.burst * limit->options.interval_us;
    if (over > 0) {
        limit->refused++;
        return over;
    }
    slot->full_us = full + limit->options.interval_us;
    return 0;
}

uint64_t rate_limit_refused(const struct rate_limit *limit)
{
    return limit->refused;
}

const uint64_t *rate_limit_forgotten(const struct rate_limit *limit)
{
    return &limit->forgotten;
}
