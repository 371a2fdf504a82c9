/* test_relay_memory.c - app/relay_memory.h. */
#include "test.h"

#include "app/relay_memory.h"
#include "base/prng.h"

static struct relay_memory *memory;
static _Alignas(8) char records[RELAY_WORD_BYTES_MAX];

static void begin(uint64_t from)
{
    assert_int_equal(relay_memory_new(from, &memory), 0);
}

static void add(uint64_t seq, size_t bytes)
{
    memset(records, (int)(seq % 251), bytes);
    relay_memory_add(memory, &(struct relay_entry){seq, (int64_t)seq, records, bytes});
}

static void check(const struct relay_entry *entry, uint64_t seq, size_t bytes)
{
    assert_non_null(entry);
    assert_int_equal(entry->seq, seq);
    assert_int_equal(entry->said_us, seq);
    assert_int_equal(entry->bytes, bytes);
    assert_int_equal((uintptr_t)entry->records % 8, 0);
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)entry->records[i] != seq % 251)
            fail_msg("byte %zu of word %llu", i, (unsigned long long)seq);
}

TEST(relay_memory, words_are_found_by_the_number_before_them)
{
    begin(10);
    assert_null(relay_memory_after(memory, 10));
    assert_int_equal(relay_memory_last(memory), 10);
    add(12, 64);
    add(20, 8);
    check(relay_memory_after(memory, 10), 12, 64);
    check(relay_memory_after(memory, 11), 12, 64);
    check(relay_memory_after(memory, 12), 20, 8);
    assert_null(relay_memory_after(memory, 20));
    assert_int_equal(relay_memory_from(memory), 10);
    assert_int_equal(relay_memory_last(memory), 20);
    relay_memory_free(memory);
}

TEST(relay_memory, at_its_words_the_oldest_is_forgotten)
{
    begin(0);
    for (uint64_t seq = 1; seq <= RELAY_MEMORY_WORDS + 3; seq++)
        add(seq, 8);
    assert_int_equal(relay_memory_forgotten(memory), 3);
    assert_int_equal(relay_memory_from(memory), 3);
    check(relay_memory_after(memory, 3), 4, 8);
    relay_memory_free(memory);
}

TEST(relay_memory, at_its_bytes_whole_words_are_forgotten_and_the_rest_stays_as_it_was)
{
    struct prng prng;
    prng_seed(&prng, 7);
    static size_t sizes[4000];
    begin(0);
    for (uint64_t seq = 1; seq < 4000; seq++) {
        size_t most = prng_below(&prng, 9) == 0 ? RELAY_WORD_BYTES_MAX : 4096;
        sizes[seq] = 8 * (1 + (size_t)prng_below(&prng, most / 8));
        add(seq, sizes[seq]);
        size_t kept = 0;
        for (uint64_t at = relay_memory_from(memory) + 1; at <= seq; at++)
            kept += sizes[at];
        assert_true(kept <= RELAY_MEMORY_BYTES);
        if (seq % 37 != 0)
            continue;
        for (uint64_t at = relay_memory_from(memory); at < seq; at++)
            check(relay_memory_after(memory, at), at + 1, sizes[at + 1]);
    }
    assert_true(relay_memory_forgotten(memory) > 1000);
    assert_int_equal(relay_memory_from(memory), relay_memory_forgotten(memory));
    relay_memory_free(memory);
}
