/* test_symbols.c - base/symbols.h. */
#include "test.h"

#include <stdio.h>

#include "base/error.h"
#include "base/symbols.h"

static const uint64_t key[2] = {1, 2};

TEST(symbols, numbers_texts_in_order_of_appearance)
{
    struct symbols *symbols;
    assert_int_equal(symbols_new(1000, 10000, key, &symbols), 0);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1000; i++) {
            char text[16];
            uint32_t ref = UINT32_MAX;
            int bytes = snprintf(text, sizeof text, "m%u", i);
            struct slice slice = {text, (size_t)bytes};
            assert_int_equal(symbols_find(symbols, slice, &ref), round == 1);
            assert_int_equal(symbols_intern(symbols, slice, &ref), 0);
            assert_int_equal(ref, i);
            assert_true(slice_equal(symbols_text(symbols, i), slice));
        }
    }
    assert_int_equal(symbols_count(symbols), 1000);
    symbols_free(symbols);
}

TEST(symbols, refuses_beyond_its_limits_and_keeps_what_it_has)
{
    struct symbols *symbols;
    uint32_t ref = 77;
    assert_int_equal(symbols_new(2, 5, key, &symbols), 0);
    assert_int_equal(symbols_intern(symbols, SLICE("abcdef"), &ref), -ERR_LIMIT);
    assert_int_equal(ref, 77);
    assert_int_equal(symbols_intern(symbols, SLICE("abcde"), &ref), 0);
    assert_int_equal(symbols_intern(symbols, SLICE("f"), &ref), -ERR_LIMIT);
    assert_int_equal(symbols_intern(symbols, SLICE(""), &ref), 0);
    assert_int_equal(ref, 1);
    assert_int_equal(symbols_text(symbols, 1).bytes, 0);
    assert_int_equal(symbols_intern(symbols, SLICE("abcde"), &ref), 0);
    assert_int_equal(ref, 0);
    assert_int_equal(symbols_count(symbols), 2);
    symbols_free(symbols);
    symbols_free(NULL);
}
