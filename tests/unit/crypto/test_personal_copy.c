/* test_personal_copy.c - crypto/personal_copy.h: a copy opens what the original sealed, and takes
 * nothing that is no slot. */
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "base/error.h"
#include "crypto/key_files.h"
#include "crypto/personal.h"
#include "crypto/personal_copy.h"
#include "temp_folder.h"

#define USERS 300

static const unsigned char master[PERSONAL_MASTER_BYTES] = "any master key of 32 bytes ....";

struct scene {
    char here[TEMP_FOLDER_BYTES], there[TEMP_FOLDER_BYTES];
    int from, to;
    struct personal_keys *keys;
    struct personal_copy source, copy;
};

static struct scene begin(void)
{
    struct scene s;
    temp_folder_make(s.here);
    temp_folder_make(s.there);
    assert_int_equal(key_files_open(s.here, &s.from, NULL), 0);
    assert_int_equal(key_files_open(s.there, &s.to, NULL), 0);
    assert_int_equal(personal_copy_open(s.from, "k", false, &s.source), -ERR_NOT_FOUND);
    assert_int_equal(personal_keys_open(s.from, "k", master, USERS, &s.keys), 0);
    assert_int_equal(personal_copy_open(s.from, "k", false, &s.source), 0); /* beside it */
    assert_int_equal(personal_copy_open(s.to, "k", true, &s.copy), 0);
    return s;
}

static void end(struct scene *s)
{
    personal_keys_free(s->keys);
    personal_copy_close(&s->source);
    personal_copy_close(&s->copy);
    close(s->from);
    close(s->to);
    temp_folder_remove(s->here);
    temp_folder_remove(s->there);
}

static void ship(struct scene *s)
{
    char slots[1024];
    for (uint64_t at = 0; at < personal_copy_size(&s->source);) {
        int got = personal_copy_read(&s->source, at, slots, sizeof slots);
        assert_true(got > 0 && got % PERSONAL_SLOT_BYTES == 0);
        assert_int_equal(personal_copy_write(&s->copy, at, slice_of(slots, (size_t)got)), 0);
        at += (uint64_t)got;
    }
    assert_int_equal(personal_copy_sync(&s->copy), 0);
}

TEST(personal_copy, opens_what_was_sealed_and_not_what_was_erased)
{
    struct scene s = begin();
    unsigned char sealed[2][64], text[64];
    assert_int_equal(personal_keys_write(s.keys, 0, 200), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(personal_seal(s.keys, 7 + (uint32_t)i, SLICE("where"), sealed[i]), 0);
    assert_int_equal(personal_erase(s.keys, 8), 0);
    ship(&s);
    struct personal_keys *copy = NULL;
    assert_int_equal(personal_keys_open(s.to, "k", master, USERS, &copy), -ERR_BUSY); /* follows */
    personal_copy_close(&s.copy);
    assert_int_equal(personal_keys_open(s.to, "k", master, USERS, &copy), 0);
    const struct slice given = slice_of(sealed[0], 5 + PERSONAL_OVERHEAD_BYTES);
    assert_int_equal(personal_open(copy, 7, given, text), PERSONAL_OK);
    assert_memory_equal(text, "where", 5);
    assert_int_equal(personal_open(copy, 8, slice_of(sealed[1], given.bytes), text),
                     PERSONAL_ERASED);
    personal_keys_free(copy);
    end(&s);
}

TEST(personal_copy, takes_nothing_that_is_no_slot_in_its_place)
{
    struct scene s = begin();
    char slots[4 * PERSONAL_SLOT_BYTES];
    assert_int_equal(personal_keys_write(s.keys, 0, 8), 0);
    assert_int_equal(personal_copy_read(&s.source, 0, slots, sizeof slots), sizeof slots);
    const struct slice good = slice_of(slots, sizeof slots);
    assert_int_equal(personal_copy_write(&s.copy, 0, good), 0);
    assert_int_equal(personal_copy_write(&s.copy, 64, good), -ERR_FORMAT); /* another's place */
    assert_int_equal(personal_copy_write(&s.copy, 32, good), -ERR_FORMAT);
    assert_int_equal(personal_copy_write(&s.copy, 0, slice_of(slots, 100)), -ERR_FORMAT);
    assert_int_equal(personal_copy_write(&s.copy, (UINT64_C(1) << 33) * 64, good), -ERR_FORMAT);
    for (size_t byte = 0; byte < sizeof slots; byte++) {
        slots[byte] ^= 4;
        assert_int_equal(personal_copy_write(&s.copy, 0, good), -ERR_FORMAT);
        slots[byte] ^= 4;
    }
    assert_int_equal(personal_copy_size(&s.copy), sizeof slots);
    end(&s);
}
