/* id_table.h - finds the number of a thing by the hash of its key: open addressing, at most
 * half full, never rehashed. The owner of the things compares the keys:
 *
 *   struct id_probe probe = id_table_probe(hash);
 *   while ((n = id_table_next(table, &probe)) != ID_TABLE_NONE)
 *       if (things[n] is it) return n;
 *
 * Hashes are keyed (siphash64), so nobody outside can aim at one slot. Thread: one loop. */
#pragma once

#include <stdint.h>

#define ID_TABLE_NONE UINT32_MAX

struct id_table;

struct id_probe {
    uint64_t hash;
    uint64_t steps;
};

/* For at most entries_max entries. 0 or -ERR_MEMORY. */
int id_table_new(uint32_t entries_max, struct id_table **ret);
void id_table_free(struct id_table *table); /* accepts NULL */

static inline struct id_probe id_table_probe(uint64_t hash)
{
    return (struct id_probe){hash, 0};
}

/* The next number that may be it (equal hash), or ID_TABLE_NONE. */
uint32_t id_table_next(const struct id_table *table, struct id_probe *probe);

/* The number is not yet in the table, and there is room: both the caller's duty. */
void id_table_add(struct id_table *table, uint64_t hash, uint32_t number);
/* The number was added with this hash. */
void id_table_remove(struct id_table *table, uint64_t hash, uint32_t number);
