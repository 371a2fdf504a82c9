/* test_prng.c - base/prng.h. */
#include "test.h"

#include "base/prng.h"

TEST(prng, gives_the_published_sequence_of_xoshiro256starstar)
{
    struct prng prng = {{1, 2, 3, 4}};
    static const uint64_t expected[] = {
        11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600,
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_true(prng_next(&prng) == expected[i]);
}

TEST(prng, is_seeded_by_splitmix64)
{
    struct prng prng;
    prng_seed(&prng, 0);
    assert_true(prng.state[0] == UINT64_C(0xE220A8397B1DCDAF));
    assert_true(prng.state[1] == UINT64_C(0x6E789E6AA1B965F4));
    prng_seed(&prng, 1234567);
    assert_true(prng.state[0] == UINT64_C(6457827717110365317));
    assert_true(prng.state[1] == UINT64_C(3203168211198807973));
}

TEST(prng, stays_below_its_bound_and_reaches_every_value)
{
    struct prng prng;
    prng_seed(&prng, 42);
    int seen[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint64_t value = prng_below(&prng, 7);
        assert_true(value < 7);
        seen[value]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 850, 1150);
    assert_true(prng_below(&prng, 1) == 0);
}

/* Two thirds of 2^64: without the redraw, the lower half would come up twice as often. */
TEST(prng, has_no_bias_for_a_large_bound)
{
    struct prng prng;
    prng_seed(&prng, 7);
    uint64_t bound = UINT64_MAX / 3 * 2;
    int low = 0;
    for (int i = 0; i < 10000; i++)
        low += prng_below(&prng, bound) < bound / 2;
    assert_in_range(low, 4800, 5200);
}
