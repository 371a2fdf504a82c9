/* reserve.h - large arrays that are reserved once and cost memory only where they are touched.
 * Thread: any. */
#pragma once

#include <stddef.h>

/* count elements of `size` bytes, all zero; NULL when the address space is not to be had. Huge
 * pages are asked for where the array is large: fewer faults when it is filled from its begin. */
void *reserve_new(size_t count, size_t size);
/* The same on pages of the usual size: for arrays that are touched all over from the first element
 * on, of which a huge page would make all of it resident. */
void *reserve_new_scattered(size_t count, size_t size);
/* The same count and size; accepts NULL. */
void reserve_free(void *at, size_t count, size_t size);
