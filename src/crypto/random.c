/* random.c - contract in random.h. */
#include "crypto/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/assert.h"

void random_fill(void *to, size_t bytes)
{
    char *at = to;
    while (bytes > 0) {
        ssize_t got = getrandom(at, bytes, 0);
        ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            bytes -= (size_t)got;
        }
    }
}
