/* personal_store.h - where the keys of a shard's personal fields stand when its ledger stands in a
 * database: beside it, so that they move with the shard. They are slots as crypto/personal.h wraps
 * them, in places: 0 is the head, n + 1 is user n. The master key is not there.
 *
 * What stands only ever rises: an erased slot is above a key, which is above none, and of two keys
 * the one that came first stands. So a question whose answer was lost is asked again, processes
 * that know different things may ask in any order, and what was erased stays erased, whatever an
 * old copy holds. Calls block: for a thread that may wait. Thread: one at a time, but for leave().
 *
 * Errors: -ERR_ABSENT (the store is away, or does not answer now: ask again); -ERR_IO (it refuses);
 * -ERR_CORRUPT (no slots of ours). */
#pragma once

#include <stdint.h>

#define PERSONAL_STORE_PLACES_MAX 1024 /* of one call */

struct personal_store_count {
    uint64_t places; /* one behind the last that has something */
    uint64_t erased;
};

struct personal_store;

struct personal_store_ops {
    /* The slots of `count` places from `first` on; zeros where nothing stands. */
    int (*read)(struct personal_store *store, uint64_t first, uint32_t count, void *ret_slots);
    /* Brings these slots, and says what stands now, for good: a loss of the store's machine does
     * not take it back, as far as the ledger beside it is safe from that. */
    int (*join)(struct personal_store *store, uint64_t first, uint32_t count, void *slots);
    int (*count)(struct personal_store *store, struct personal_store_count *ret);
    /* Places from `first` on that are erased, in their order; at most `room`. */
    int (*erased)(struct personal_store *store, uint64_t first, uint64_t *ret_places, uint32_t room,
                  uint32_t *ret_count);
    /* Of the newest answer that was no success; "" before. Borrowed until the next call. */
    const char *(*problem)(const struct personal_store *store);
    /* From any thread: what waits ends soon, and nothing is begun any more. */
    void (*leave)(struct personal_store *store);
    void (*free)(struct personal_store *store);
};

struct personal_store {
    const struct personal_store_ops *ops;
};
