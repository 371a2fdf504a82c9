/* test_table.c - base/table.h against a plain array. */
#include "test.h"

#include "base/prng.h"
#include "base/table.h"

/* Keys that share few slots, so that runs, wrap-around and moves back happen all the time. */
TEST(table, does_what_an_array_does_under_collisions)
{
    enum { KEYS = 64 };
    struct table *table;
    assert_int_equal(table_new(32, &table), 0); /* 64 slots */
    bool present[KEYS] = {false};
    uint32_t values[KEYS] = {0};
    size_t count = 0;
    struct prng prng;
    prng_seed(&prng, 11);
    for (uint32_t step = 0; step < 200000; step++) {
        size_t k = prng_below(&prng, KEYS);
        struct hash128 key = {58 + k % 8, k}; /* near the end of the slots, and beyond */
        uint32_t value = 0;
        switch (prng_below(&prng, 4)) {
        case 0: {
            enum table_outcome expected = present[k]    ? TABLE_EXISTS
                                          : count == 32 ? TABLE_FULL
                                                        : TABLE_OK;
            assert_int_equal(table_insert(table, key, step), expected);
            if (expected == TABLE_OK) {
                present[k] = true;
                values[k] = step;
                count++;
            }
            break;
        }
        case 1:
            assert_int_equal(table_remove(table, key), present[k]);
            count -= present[k];
            present[k] = false;
            break;
        case 2:
            assert_int_equal(table_replace(table, key, step), present[k]);
            values[k] = step;
            break;
        default:
            assert_int_equal(table_find(table, key, &value), present[k]);
            if (present[k])
                assert_int_equal(value, values[k]);
        }
        assert_int_equal(table_count(table), count);
    }
    table_free(table);
}

static void add(void *context, struct hash128 key, uint32_t value)
{
    assert_true(key.high == value);
    *(uint64_t *)context += value;
}

TEST(table, holds_a_million_numbers)
{
    struct table *table;
    assert_int_equal(table_new(1000000, &table), 0);
    for (uint32_t i = 0; i < 1000000; i++)
        assert_int_equal(table_insert(table, table_key_u64(i), i), TABLE_OK);
    assert_int_equal(table_insert(table, table_key_u64(1000000), 0), TABLE_FULL);
    assert_int_equal(table_insert(table, table_key_u64(999999), 0), TABLE_EXISTS);
    for (uint32_t i = 0; i < 1000000; i += 997) {
        uint32_t value;
        table_prefetch(table, table_key_u64(i));
        assert_true(table_find(table, table_key_u64(i), &value));
        assert_int_equal(value, i);
    }
    uint64_t sum = 0;
    table_each(table, add, &sum);
    assert_true(sum == UINT64_C(499999500000));
    table_free(table);
}

TEST(table, takes_the_zero_key)
{
    struct table *table;
    uint32_t value = 7;
    assert_int_equal(table_new(1, &table), 0);
    assert_false(table_find(table, (struct hash128){0, 0}, &value));
    assert_int_equal(table_insert(table, (struct hash128){0, 0}, UINT32_MAX), TABLE_OK);
    assert_true(table_find(table, (struct hash128){0, 0}, &value));
    assert_int_equal(value, UINT32_MAX);
    assert_true(table_remove(table, (struct hash128){0, 0}));
    assert_int_equal(table_count(table), 0);
    table_free(table);
    table_free(NULL);
}
