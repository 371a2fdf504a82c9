/* reserve.h - large arrays that are reserved once and cost memory only where they are touched.
 * Thread: any. */
#pragma once

#include <stddef.h>

/* count elements of `size` bytes, all zero; NULL when the address space is not to be had. For
 * large ones huge pages are asked for: fewer faults where the array is filled from its beginning. */
void *reserve_new(size_t count, size_t size);
/* The same count and size; accepts NULL. */
void reserve_free(void *at, size_t count, size_t size);
