/* random.h - unpredictable bytes from the kernel (getrandom(2)). Thread: any. */
#pragma once

#include <stddef.h>

/* Fills all of it. Blocks only before the kernel's generator is first seeded; a kernel without
 * getrandom is a machine we cannot run on, so failure aborts instead of yielding weak keys. */
void random_fill(void *to, size_t bytes);
