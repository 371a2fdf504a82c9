/* slot_pool.h - which of a fixed number of slots are in use. The slots themselves are the caller's
 * array, mapped at start and touched only where it was used. Thread: any (one user). */
#pragma once

#include <stdint.h>

#define SLOT_NONE UINT32_MAX

struct slot_pool {
    uint32_t *next; /* owned; the free list */
    uint32_t max, count;
    uint32_t free_first;
    uint32_t end; /* slots from here on were never used */
};

/* 0 or -ERR_MEMORY. */
int slot_pool_new(struct slot_pool *pool, uint32_t max);
void slot_pool_done(struct slot_pool *pool);
/* SLOT_NONE when all are in use. */
uint32_t slot_pool_take(struct slot_pool *pool);
void slot_pool_give(struct slot_pool *pool, uint32_t slot);
