/* table.c - contract in table.h.
 * Linear probing. Removal moves later slots of the same run back into the gap instead of
 * leaving a tombstone, so a table that lives for months stays as fast as on its first day. */
#include "base/table.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"

/* Keys fall all over a table, so on huge pages a few hundred of them make all of it resident. A
 * small table spares its user that; in a large one, of a book that was given the memory, huge
 * pages spare most look-ups a wait for the page table. */
#define HUGE_BYTES_MIN (UINT64_C(256) << 20)

struct slot {
    struct hash128 key;
    uint32_t value;
    uint32_t used; /* 1, or 0 in fresh memory */
};

_Static_assert(sizeof(struct slot) == 24, "24 bytes a slot");

struct table {
    struct slot *slots; /* owned; mask + 1 of them, a power of two */
    size_t mask;
    size_t count, count_max;
};

int table_new(size_t count_max, struct table **ret)
{
    ASSERT(count_max >= 1);
    ASSERT(count_max <= (size_t)1 << 31);
    size_t slots = 2;
    while (slots < 2 * count_max)
        slots *= 2;
    struct table *table = malloc(sizeof *table);
    if (table == NULL)
        return -ERR_MEMORY;
    struct slot *memory = slots * sizeof *memory < HUGE_BYTES_MIN
                              ? reserve_new(slots, sizeof *memory)
                              : reserve_new_huge(slots, sizeof *memory);
    if (memory == NULL) {
        free(table);
        return -ERR_MEMORY;
    }
    *table = (struct table){memory, slots - 1, 0, count_max};
    *ret = table;
    return 0;
}

void table_free(struct table *table)
{
    if (table == NULL)
        return;
    reserve_free(table->slots, table->mask + 1, sizeof *table->slots);
    free(table);
}

size_t table_count(const struct table *table)
{
    return table->count;
}

/* The finaliser of splitmix64: each step can be undone, so it maps no two numbers to one. */
struct hash128 table_key_u64(uint64_t number)
{
    uint64_t z = number;
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (struct hash128){z ^ z >> 31, number};
}

static bool same(struct hash128 a, struct hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

/* The slot of the key, or the unused one where it would go; there is always an unused one. */
static struct slot *slot_of(const struct table *table, struct hash128 key)
{
    size_t i = (size_t)key.low & table->mask;
    while (table->slots[i].used && !same(table->slots[i].key, key))
        i = (i + 1) & table->mask;
    return &table->slots[i];
}

bool table_find(const struct table *table, struct hash128 key, uint32_t *ret_value)
{
    const struct slot *slot = slot_of(table, key);
    if (!slot->used)
        return false;
    *ret_value = slot->value;
    return true;
}

enum table_outcome table_insert(struct table *table, struct hash128 key, uint32_t value)
{
    struct slot *slot = slot_of(table, key);
    if (slot->used)
        return TABLE_EXISTS;
    if (table->count == table->count_max)
        return TABLE_FULL;
    *slot = (struct slot){key, value, 1};
    table->count++;
    return TABLE_OK;
}

bool table_replace(struct table *table, struct hash128 key, uint32_t value)
{
    struct slot *slot = slot_of(table, key);
    if (!slot->used)
        return false;
    slot->value = value;
    return true;
}

bool table_remove(struct table *table, struct hash128 key)
{
    struct slot *slot = slot_of(table, key);
    if (!slot->used)
        return false;
    size_t gap = (size_t)(slot - table->slots);
    for (size_t i = (gap + 1) & table->mask; table->slots[i].used; i = (i + 1) & table->mask) {
        size_t home = (size_t)table->slots[i].key.low & table->mask;
        /* It may move back only if its home is not after the gap, on the way round. */
        if (((i - home) & table->mask) >= ((i - gap) & table->mask)) {
            table->slots[gap] = table->slots[i];
            gap = i;
        }
    }
    table->slots[gap] = (struct slot){{0, 0}, 0, 0};
    ASSERT(table->count > 0);
    table->count--;
    return true;
}

void table_prefetch(const struct table *table, struct hash128 key)
{
    __builtin_prefetch(&table->slots[(size_t)key.low & table->mask]);
}

void table_each(const struct table *table,
                void (*call)(void *context, struct hash128 key, uint32_t value), void *context)
{
    for (size_t i = 0; i <= table->mask; i++)
        if (table->slots[i].used)
            call(context, table->slots[i].key, table->slots[i].value);
}
