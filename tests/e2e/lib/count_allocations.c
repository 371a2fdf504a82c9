/* count_allocations.c - preloaded into the program under test: how often it asks for memory.
 *
 * The environment's COUNT_ALLOCATIONS names a file of two 64-bit counters that the test reads while
 * the program runs: allocations by the first thread, which hosts the loop, and by all others. Every
 * way that hands out memory is counted, resizing as well; freeing is not. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What glibc offers to those who stand before it. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

static atomic_ulong *counters; /* NULL until the file is mapped */

__attribute__((constructor)) static void map_counters(void)
{
    const char *path = getenv("COUNT_ALLOCATIONS");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, 2 * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        counters = at;
}

static void count(void)
{
    if (counters != NULL)
        atomic_fetch_add(&counters[gettid() == getpid() ? 0 : 1], 1);
}

void *malloc(size_t bytes)
{
    count();
    return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes)
{
    count();
    return __libc_calloc(number, bytes);
}

void *realloc(void *old, size_t bytes)
{
    count();
    return __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    count();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **ret, size_t alignment, size_t bytes)
{
    count();
    void *at = __libc_memalign(alignment, bytes);
    if (at == NULL)
        return ENOMEM;
    *ret = at;
    return 0;
}
