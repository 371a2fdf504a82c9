/* slot_pool.c - contract in slot_pool.h. */
#include "roles/odds/slot_pool.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

int slot_pool_new(struct slot_pool *pool, uint32_t max)
{
    *pool = (struct slot_pool){.max = max, .free_first = SLOT_NONE};
    pool->next = calloc(max, sizeof *pool->next);
    return pool->next == NULL ? -ERR_MEMORY : 0;
}

void slot_pool_done(struct slot_pool *pool)
{
    free(pool->next);
    pool->next = NULL;
}

uint32_t slot_pool_take(struct slot_pool *pool)
{
    uint32_t slot = pool->free_first;
    if (slot != SLOT_NONE)
        pool->free_first = pool->next[slot];
    else if (pool->end < pool->max)
        slot = pool->end++;
    else
        return SLOT_NONE;
    pool->count++;
    return slot;
}

void slot_pool_give(struct slot_pool *pool, uint32_t slot)
{
    ASSERT(slot < pool->end);
    ASSERT(pool->count > 0);
    pool->next[slot] = pool->free_first;
    pool->free_first = slot;
    pool->count--;
}
