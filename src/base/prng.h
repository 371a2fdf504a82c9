/* prng.h - a seeded pseudo-random sequence (xoshiro256**) for simulations and load; never for
 * keys. The same seed gives the same sequence on every machine. Thread: any (one user). */
#pragma once

#include <stdint.h>

struct prng {
    uint64_t state[4];
};

void prng_seed(struct prng *prng, uint64_t seed);
uint64_t prng_next(struct prng *prng);
/* Uniform in 0 .. bound-1 without bias; bound > 0. */
uint64_t prng_below(struct prng *prng, uint64_t bound);
