/* test_cash_out_offer.c - offers that only their process can make (app/cash_out_offer.h). */
#include <string.h>

#include "test.h"

#include "app/cash_out_offer.h"

static const uint64_t key[2] = {7, 8};
static const struct cash_out_terms terms = {{1234}, 99, INT64_C(1790000000000000), 5000, 7125};

static struct slice write_offer(char memory[CASH_OUT_OFFER_BYTES])
{
    struct buf out = buf_over(memory, CASH_OUT_OFFER_BYTES);
    cash_out_offer_write(&out, key, &terms);
    assert_false(out.overflow);
    return buf_slice(&out);
}

TEST(cash_out_offer, is_read_back_by_who_made_it)
{
    char memory[CASH_OUT_OFFER_BYTES];
    struct cash_out_terms got = {.amount = 0};
    static const uint64_t other[2] = {7, 9};
    struct slice text = write_offer(memory);
    assert_int_equal(text.bytes, CASH_OUT_OFFER_BYTES);
    assert_true(cash_out_offer_read(text, key, &got));
    assert_memory_equal(&got, &terms, sizeof got);
    assert_false(cash_out_offer_read(text, other, &got)); /* of a process before */
}

TEST(cash_out_offer, is_nothing_when_one_character_is_another)
{
    char memory[CASH_OUT_OFFER_BYTES];
    struct cash_out_terms got;
    struct slice text = write_offer(memory);
    for (size_t i = 0; i < text.bytes; i++) {
        char before = memory[i];
        memory[i] = before == 'A' ? 'B' : 'A';
        assert_false(cash_out_offer_read(text, key, &got));
        memory[i] = '%';
        assert_false(cash_out_offer_read(text, key, &got));
        memory[i] = before;
    }
    assert_false(cash_out_offer_read(slice_of(memory, text.bytes - 1), key, &got));
    assert_false(cash_out_offer_read(SLICE_NONE, key, &got));
}
