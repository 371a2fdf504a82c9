/* table.h - an index: 128-bit key -> 32-bit value, of fixed capacity.
 *
 * Open addressing, at most half full, never rehashed (a rehash in the middle of a goal would
 * be a visible stall). The low word of the key chooses the slot, so the caller hashes: keys
 * that strangers choose by siphash128 under a secret key, dense numbers of ours by
 * table_key_u64. Memory is mapped at once but costs only where it was touched.
 * Thread: one user. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct table;

enum table_outcome {
    TABLE_OK = 0,
    TABLE_EXISTS, /* the key is there; nothing was changed */
    TABLE_FULL,   /* count_max is reached */
};

/* An empty table for up to count_max keys (1 .. 2^31); it takes 48 to 96 bytes a key. 0, or
 * -ERR_MEMORY. The caller owns *ret and ends it with table_free (accepts NULL). */
int table_new(size_t count_max, struct table **ret);
void table_free(struct table *table);

/* Keys in the table. */
size_t table_count(const struct table *table);

/* A key for a number of ours; a bijection, so different numbers never collide. */
struct hash128 table_key_u64(uint64_t number);

bool table_find(const struct table *table, struct hash128 key, uint32_t *ret_value);
enum table_outcome table_insert(struct table *table, struct hash128 key, uint32_t value);
/* Sets the value of a key that is there; false when it is not. */
bool table_replace(struct table *table, struct hash128 key, uint32_t value);
/* false when the key is not there. Keys that moved up to the gap keep their values. */
bool table_remove(struct table *table, struct hash128 key);

/* Begins to load the slot of `key` into the cache; for batches of finds (replay). */
void table_prefetch(const struct table *table, struct hash128 key);

/* Calls for every key in no order that means anything; `call` must not change the table. */
void table_each(const struct table *table,
                void (*call)(void *context, struct hash128 key, uint32_t value), void *context);
