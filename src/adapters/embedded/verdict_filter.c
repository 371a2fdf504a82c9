/* verdict_filter.c - contract in verdict_filter.h. */
#include "adapters/embedded/verdict_filter.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"

#define WORDS 8

struct block {
    uint64_t words[WORDS];
};
_Static_assert(sizeof(struct block) == 64, "a cache line");

struct verdict_filter {
    struct block *blocks; /* owns */
    size_t count;
};

int verdict_filter_new(size_t bytes, struct verdict_filter **ret_filter)
{
    struct verdict_filter *filter = calloc(1, sizeof *filter);
    if (filter == NULL)
        return -ERR_MEMORY;
    ASSERT(bytes > 0);
    filter->count = (bytes + sizeof(struct block) - 1) / sizeof(struct block);
    filter->blocks = reserve_new_huge(filter->count, sizeof *filter->blocks);
    if (filter->blocks == NULL) {
        free(filter);
        return -ERR_MEMORY;
    }
    *ret_filter = filter;
    return 0;
}

void verdict_filter_free(struct verdict_filter *filter)
{
    if (filter == NULL)
        return;
    reserve_free(filter->blocks, filter->count, sizeof *filter->blocks);
    free(filter);
}

static struct block *block_of(const struct verdict_filter *filter, struct hash128 key)
{
    return &filter->blocks[(size_t)((unsigned __int128)key.high * filter->count >> 64)];
}

/* Six bits of the low half for each word: independent of the block. */
static uint64_t bit_of(struct hash128 key, unsigned word)
{
    return UINT64_C(1) << (key.low >> 6 * word & 63);
}

void verdict_filter_put(struct verdict_filter *filter, struct hash128 key)
{
    struct block *block = block_of(filter, key);
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t word = __atomic_load_n(&block->words[i], __ATOMIC_RELAXED);
        __atomic_store_n(&block->words[i], word | bit_of(key, i), __ATOMIC_RELAXED);
    }
}

bool verdict_filter_may_have(const struct verdict_filter *filter, struct hash128 key)
{
    const struct block *block = block_of(filter, key);
    uint64_t missing = 0;
    for (unsigned i = 0; i < WORDS; i++)
        missing |= ~__atomic_load_n(&block->words[i], __ATOMIC_RELAXED) & bit_of(key, i);
    return missing == 0;
}

void verdict_filter_prefetch(const struct verdict_filter *filter, struct hash128 key)
{
    __builtin_prefetch(block_of(filter, key));
}
