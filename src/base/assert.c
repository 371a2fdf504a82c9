/* assert.c - contract in assert.h. Writes with one call and no allocation, because the
 * heap may be what is broken. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void assert_failed(const char *file, int line, const char *condition)
{
    char text[512];
    int bytes = snprintf(text, sizeof text, "%s:%d: assertion failed: %s\n", file, line, condition);
    if (bytes > 0) {
        size_t size = (size_t)bytes < sizeof text ? (size_t)bytes : sizeof text - 1;
        ssize_t written = write(STDERR_FILENO, text, size);
        (void)written; /* nothing is left to do when stderr is gone */
    }
    abort();
}
