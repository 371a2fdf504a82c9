/* verdict_filter.h - says of a key that it was never put, or that it may have been: a blocked Bloom
 * filter (Putze, Sanders, Singler 2007) of fixed size.
 *
 * A key is eight bits in one block of 64 bytes, one in each word: a test costs one cache miss. The
 * block is chosen by the high bits of the key, so that a sorted run is put in the order of memory.
 * Of keys that were never put this share passes: 0.1 % at 16 bits of filter for each key that was,
 * 1 % at 10, 3 % at 8, 14 % at 5 (tests/unit/adapters/test_verdict_filter.c); nothing but a
 * look-up on disk follows from it. Keys are never taken out.
 * Thread: one puts, any test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct verdict_filter;

/* bytes: rounded up to 64. Memory is used where it is touched. 0 or -ERR_MEMORY. */
int verdict_filter_new(size_t bytes, struct verdict_filter **ret_filter);
void verdict_filter_free(struct verdict_filter *filter); /* accepts NULL */
void verdict_filter_put(struct verdict_filter *filter, struct hash128 key);
bool verdict_filter_may_have(const struct verdict_filter *filter, struct hash128 key);
/* Begins to load the key's block. */
void verdict_filter_prefetch(const struct verdict_filter *filter, struct hash128 key);
