/* id_table.c - contract in id_table.h. Removal moves later entries of the run back (Knuth,
 * volume 3, 6.4, algorithm R), so there are no tombstones that would fill the table. */
#include "feeds/betfair_stream/id_table.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

struct entry {
    uint64_t hash;
    uint32_t number_plus_1; /* 0 = unused */
};

struct id_table {
    struct entry *entries; /* owned */
    uint64_t mask;
    uint32_t used;
};

int id_table_new(uint32_t entries_max, struct id_table **ret)
{
    struct id_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return -ERR_MEMORY;
    uint64_t slots = 2;
    while (slots < 2 * (uint64_t)entries_max)
        slots *= 2;
    table->entries = calloc(slots, sizeof *table->entries);
    if (table->entries == NULL) {
        free(table);
        return -ERR_MEMORY;
    }
    table->mask = slots - 1;
    *ret = table;
    return 0;
}

void id_table_free(struct id_table *table)
{
    if (table == NULL)
        return;
    free(table->entries);
    free(table);
}

uint32_t id_table_next(const struct id_table *table, struct id_probe *probe)
{
    for (;;) {
        const struct entry *entry = &table->entries[(probe->hash + probe->steps) & table->mask];
        if (entry->number_plus_1 == 0)
            return ID_TABLE_NONE;
        probe->steps++;
        if (entry->hash == probe->hash)
            return entry->number_plus_1 - 1;
    }
}

void id_table_add(struct id_table *table, uint64_t hash, uint32_t number)
{
    ASSERT(number != ID_TABLE_NONE);
    ASSERT(table->used <= table->mask / 2);
    uint64_t slot = hash & table->mask;
    while (table->entries[slot].number_plus_1 != 0)
        slot = (slot + 1) & table->mask;
    table->entries[slot] = (struct entry){hash, number + 1};
    table->used++;
}

void id_table_remove(struct id_table *table, uint64_t hash, uint32_t number)
{
    uint64_t hole = hash & table->mask;
    while (table->entries[hole].number_plus_1 != number + 1) {
        ASSERT(table->entries[hole].number_plus_1 != 0);
        hole = (hole + 1) & table->mask;
    }
    for (uint64_t slot = (hole + 1) & table->mask; table->entries[slot].number_plus_1 != 0;
         slot = (slot + 1) & table->mask) {
        uint64_t home = table->entries[slot].hash & table->mask;
        /* It may move into the hole when its home is not between the hole and itself. */
        if (((slot - home) & table->mask) >= ((slot - hole) & table->mask)) {
            table->entries[hole] = table->entries[slot];
            hole = slot;
        }
    }
    table->entries[hole].number_plus_1 = 0;
    table->used--;
}
