/* reserve.c - contract in reserve.h. */
#include "base/reserve.h"

#include <stdint.h>
#include <sys/mman.h>

/* Below it, huge pages would be zeroed whole for the few rows that a small table has. */
#define HUGE_FROM_BYTES (UINT64_C(128) << 20)

static void *map(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes == 0)
        return NULL;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

void *reserve_new(size_t count, size_t size)
{
    return map(count, size);
}

void *reserve_new_huge(size_t count, size_t size)
{
    void *at = map(count, size);
    if (at != NULL && count * size >= HUGE_FROM_BYTES)
        (void)madvise(at, count * size, MADV_HUGEPAGE); /* a wish only */
    return at;
}

void reserve_free(void *at, size_t count, size_t size)
{
    if (at != NULL)
        munmap(at, count * size);
}
