/* divisor.h - fractions in lowest terms. Pure. Thread: any. */
#pragma once

#include <stdint.h>

/* The greatest common divisor; with one of them 0 it is the other. */
static inline uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}
