/* reserve.h - large arrays that are reserved once and cost memory only where they are touched.
 * Thread: any. */
#pragma once

#include <stddef.h>

/* count elements of `size` bytes, all zero; NULL when the address space is not to be had. On pages
 * of the usual size: an array that fills from its begin then costs a bet a microsecond now and
 * then, where the zeroing of a huge page would stop the loop for a tenth of a millisecond, and for
 * five to eighty where a hypervisor has to find the memory first. */
void *reserve_new(size_t count, size_t size);
/* The same on huge pages where the array is large: for those that are touched all over from the
 * first element on, and that their user gave the memory. A few hundred elements make all of it
 * resident; after that few look-ups wait for the page table. */
void *reserve_new_huge(size_t count, size_t size);
/* The same count and size; accepts NULL. */
void reserve_free(void *at, size_t count, size_t size);
