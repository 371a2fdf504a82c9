/* prng.c - contract in prng.h. xoshiro256** 1.0 (Blackman, Vigna 2018), its state filled by
 * splitmix64 as its authors advise, so that close seeds give unlike sequences. */
#include "base/prng.h"

#include "base/assert.h"

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

void prng_seed(struct prng *prng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t z = seed;
        z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
        prng->state[i] = z ^ z >> 31;
    }
}

uint64_t prng_next(struct prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

/* Lemire 2019: the high word of a 128-bit product, redrawn where its low word falls into the
 * part that would favour some results. */
uint64_t prng_below(struct prng *prng, uint64_t bound)
{
    ASSERT(bound > 0);
    uint64_t redraw_below = (0 - bound) % bound;
    for (;;) {
        unsigned __int128 product = (unsigned __int128)prng_next(prng) * bound;
        if ((uint64_t)product >= redraw_below)
            return (uint64_t)(product >> 64);
    }
}
