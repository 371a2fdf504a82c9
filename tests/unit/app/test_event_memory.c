/* test_event_memory.c - app/event_memory.h. */
#include <stdio.h>

#include "test.h"

#include "app/event_memory.h"

static struct event_memory *memory;

static void begin(void)
{
    static const uint64_t key[2] = {1, 2};
    assert_int_equal(event_memory_new(key, &memory), 0);
}

static bool take(const char *key, const char *seq)
{
    const struct event event = {.key = slice_text(key), .seq = slice_text(seq)};
    return event_memory_take(memory, &event);
}

TEST(event_memory, tells_repeats_of_a_key)
{
    begin();
    assert_true(take("a", "0-5"));
    assert_true(take("b", "0-5"));
    assert_true(take("a", "0-7"));
    assert_false(take("a", "0-7"));
    assert_false(take("a", "0-5"));
    assert_false(take("b", "0-5"));
    assert_true(take("a", "0-8"));
    event_memory_free(memory);
}

TEST(event_memory, counts_each_shard_for_itself)
{
    begin();
    assert_true(take("a", "0-5"));
    assert_true(take("a", "1-3"));
    assert_false(take("a", "1-3"));
    assert_false(take("a", "0-5"));
    event_memory_free(memory);
}

TEST(event_memory, forgets_all_when_told)
{
    begin();
    assert_true(take("a", "0-5"));
    event_memory_forget(memory);
    assert_true(take("a", "0-5"));
    event_memory_free(memory);
}

TEST(event_memory, never_takes_a_new_event_for_a_repeat)
{
    begin();
    for (int seq = 1; seq <= 4; seq++)
        for (int key = 0; key < 3 * EVENT_MEMORY_SLOTS; key++) {
            char keys[16], seqs[16];
            (void)snprintf(keys, sizeof keys, "e%d", key);
            (void)snprintf(seqs, sizeof seqs, "0-%d", seq);
            assert_true(take(keys, seqs));
        }
    event_memory_free(memory);
}

TEST(event_memory, passes_what_has_no_seq)
{
    static const char *const texts[] = {"",    "5",      "-5",   "0-",
                                        "0-x", "1024-1", "0-1 ", "0-18446744073709551616"};
    begin();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_true(take("a", texts[i]));
        assert_true(take("a", texts[i]));
    }
    event_memory_free(memory);
}

TEST(event_memory, reads_a_seq)
{
    uint32_t shard = 0;
    uint64_t number = 0;
    assert_true(event_seq_parse(SLICE("1023-18446744073709551615"), &shard, &number));
    assert_int_equal(shard, 1023);
    assert_true(number == UINT64_MAX);
}
