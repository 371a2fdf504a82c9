/* test_verdict_filter.c - adapters/embedded/verdict_filter.h: nothing that was put is missed, and
 * what was not passes as rarely as the header says. */
#include "test.h"

#include "adapters/embedded/verdict_filter.h"
#include "base/prng.h"

#define KEYS 100000

static struct hash128 draw(struct prng *prng)
{
    struct hash128 key = {prng_next(prng), 0};
    key.high = prng_next(prng);
    return key;
}

/* Parts in 10,000 of foreign keys that pass, at so many bits for each key. */
static unsigned passes(unsigned bits_per_key)
{
    struct verdict_filter *filter;
    struct prng prng;
    unsigned passed = 0;
    assert_int_equal(verdict_filter_new(KEYS * bits_per_key / 8, &filter), 0);
    prng_seed(&prng, 7);
    for (unsigned i = 0; i < KEYS; i++)
        verdict_filter_put(filter, draw(&prng));
    for (unsigned i = 0; i < KEYS; i++)
        passed += verdict_filter_may_have(filter, draw(&prng));
    prng_seed(&prng, 7);
    for (unsigned i = 0; i < KEYS; i++)
        assert_true(verdict_filter_may_have(filter, draw(&prng)));
    verdict_filter_free(filter);
    return passed / (KEYS / 10000);
}

TEST(verdict_filter, misses_nothing_and_passes_little)
{
    assert_in_range(passes(16), 1, 20);
    assert_in_range(passes(10), 70, 140);
    assert_in_range(passes(8), 200, 400);
    assert_in_range(passes(5), 1000, 1800);
}

TEST(verdict_filter, may_be_as_small_as_one_block)
{
    struct verdict_filter *filter;
    struct prng prng;
    assert_int_equal(verdict_filter_new(1, &filter), 0);
    prng_seed(&prng, 1);
    struct hash128 key = draw(&prng);
    assert_false(verdict_filter_may_have(filter, key));
    verdict_filter_prefetch(filter, key);
    verdict_filter_put(filter, key);
    assert_true(verdict_filter_may_have(filter, key));
    assert_false(verdict_filter_may_have(filter, draw(&prng)));
    verdict_filter_free(filter);
    verdict_filter_free(NULL);
}
