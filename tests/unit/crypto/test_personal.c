/* test_personal.c - crypto/personal.h. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/personal.h"
#include "temp_folder.h"

#define TEXT "198.51.100.7 Example Street 1"

struct fixture {
    char dir[TEMP_FOLDER_BYTES];
    int folder;
    struct personal_keys *keys;
};

static const unsigned char master[PERSONAL_MASTER_BYTES] = "0123456789abcdef0123456789abcde";

static void begin(struct fixture *f)
{
    temp_folder_make(f->dir);
    f->folder = open(f->dir, O_RDONLY | O_DIRECTORY);
    assert_int_equal(personal_keys_open(f->folder, "users", master, 1000, &f->keys), 0);
}

static void reopen(struct fixture *f)
{
    personal_keys_free(f->keys);
    f->keys = NULL;
    assert_int_equal(personal_keys_open(f->folder, "users", master, 1000, &f->keys), 0);
}

static void end(struct fixture *f)
{
    personal_keys_free(f->keys);
    close(f->folder);
    temp_folder_remove(f->dir);
}

static int file_of(struct fixture *f)
{
    int fd = openat(f->folder, "users", O_RDWR);
    assert_true(fd >= 0);
    return fd;
}

#define SEALED_BYTES (sizeof TEXT - 1 + PERSONAL_OVERHEAD_BYTES)

static void expect_open(struct fixture *f, uint32_t user, const unsigned char *sealed, int result)
{
    unsigned char text[sizeof TEXT] = {0};
    assert_int_equal(personal_open(f->keys, user, slice_of(sealed, SEALED_BYTES), text), result);
    if (result == PERSONAL_OK)
        assert_string_equal((char *)text, TEXT);
}

TEST(personal, opens_what_it_sealed_also_after_a_restart)
{
    struct fixture f;
    unsigned char sealed[SEALED_BYTES], again[SEALED_BYTES];
    begin(&f);
    assert_int_equal(personal_key_make(f.keys, 7), PERSONAL_OK);
    assert_int_equal(personal_key_make(f.keys, 999), PERSONAL_OK);
    assert_int_equal(personal_seal(f.keys, 7, SLICE(TEXT), sealed), PERSONAL_OK);
    assert_int_equal(personal_seal(f.keys, 7, SLICE(TEXT), again), PERSONAL_OK);
    assert_memory_not_equal(sealed, again, 12); /* a nonce comes once */
    assert_memory_not_equal(sealed + 12, again + 12, sizeof TEXT - 1);
    expect_open(&f, 7, sealed, PERSONAL_OK);
    reopen(&f);
    expect_open(&f, 7, sealed, PERSONAL_OK);
    expect_open(&f, 7, again, PERSONAL_OK);
    assert_int_equal(personal_key_make(f.keys, 7), PERSONAL_OK); /* keeps the key it has */
    expect_open(&f, 7, sealed, PERSONAL_OK);
    end(&f);
}

TEST(personal, takes_the_empty_text_and_no_more_than_its_limit)
{
    struct fixture f;
    static unsigned char text[PERSONAL_TEXT_BYTES_MAX + 1], back[sizeof text];
    static unsigned char sealed[sizeof text + PERSONAL_OVERHEAD_BYTES];
    begin(&f);
    assert_int_equal(personal_key_make(f.keys, 0), 0);
    assert_int_equal(personal_seal(f.keys, 0, SLICE_NONE, sealed), 0);
    assert_int_equal(personal_open(f.keys, 0, slice_of(sealed, PERSONAL_OVERHEAD_BYTES), back), 0);
    sealed[PERSONAL_OVERHEAD_BYTES - 1] ^= 1;
    assert_int_equal(personal_open(f.keys, 0, slice_of(sealed, PERSONAL_OVERHEAD_BYTES), back),
                     PERSONAL_FORGED);
    memset(text, 'x', sizeof text);
    size_t most = PERSONAL_TEXT_BYTES_MAX;
    assert_int_equal(personal_seal(f.keys, 0, slice_of(text, most + 1), sealed), -ERR_LIMIT);
    assert_int_equal(personal_seal(f.keys, 0, slice_of(text, most), sealed), 0);
    assert_int_equal(
        personal_open(f.keys, 0, slice_of(sealed, most + PERSONAL_OVERHEAD_BYTES), back), 0);
    assert_memory_equal(back, text, most);
    end(&f);
}

TEST(personal, refuses_users_without_a_key)
{
    struct fixture f;
    unsigned char sealed[SEALED_BYTES] = {0};
    begin(&f);
    assert_int_equal(personal_seal(f.keys, 3, SLICE(TEXT), sealed), PERSONAL_NO_KEY);
    expect_open(&f, 3, sealed, PERSONAL_NO_KEY);
    assert_int_equal(personal_key_make(f.keys, 5), 0); /* 3 now lies in a hole of the file */
    reopen(&f);
    assert_int_equal(personal_seal(f.keys, 3, SLICE(TEXT), sealed), PERSONAL_NO_KEY);
    assert_int_equal(personal_key_make(f.keys, 1000), -ERR_LIMIT);
    assert_int_equal(personal_seal(f.keys, 1000, SLICE(TEXT), sealed), -ERR_LIMIT);
    assert_int_equal(personal_erase(f.keys, UINT32_MAX), -ERR_LIMIT);
    end(&f);
}

TEST(personal, detects_every_changed_bit_and_another_user)
{
    struct fixture f;
    unsigned char sealed[SEALED_BYTES], text[SEALED_BYTES];
    begin(&f);
    assert_int_equal(personal_key_make(f.keys, 1), 0);
    assert_int_equal(personal_key_make(f.keys, 2), 0);
    assert_int_equal(personal_seal(f.keys, 1, SLICE(TEXT), sealed), 0);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
        expect_open(&f, 1, sealed, PERSONAL_FORGED);
        sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (size_t bytes = 0; bytes < sizeof sealed; bytes++)
        assert_int_equal(personal_open(f.keys, 1, slice_of(sealed, bytes), text), PERSONAL_FORGED);
    expect_open(&f, 2, sealed, PERSONAL_FORGED);
    expect_open(&f, 1, sealed, PERSONAL_OK);

    /* Nor does the key open it in another user's slot. */
    unsigned char slot[64];
    int fd = file_of(&f);
    assert_int_equal(pread(fd, slot, 64, 2 * 64), 64);
    assert_int_equal(pwrite(fd, slot, 64, 3 * 64), 64);
    close(fd);
    reopen(&f);
    expect_open(&f, 2, sealed, -ERR_CORRUPT);
    end(&f);
}

TEST(personal, erases_for_ever)
{
    struct fixture f;
    unsigned char sealed[SEALED_BYTES], slot[64], before[64], zeros[60] = {0};
    begin(&f);
    assert_int_equal(personal_key_make(f.keys, 9), 0);
    assert_int_equal(personal_key_make(f.keys, 10), 0);
    assert_int_equal(personal_seal(f.keys, 9, SLICE(TEXT), sealed), 0);
    int fd = file_of(&f);
    assert_int_equal(pread(fd, before, 64, 10 * 64), 64);
    assert_int_equal(personal_erase(f.keys, 9), 0);
    for (int round = 0; round < 2; round++) {
        expect_open(&f, 9, sealed, PERSONAL_ERASED);
        assert_int_equal(personal_seal(f.keys, 9, SLICE(TEXT), sealed + 0), PERSONAL_ERASED);
        assert_int_equal(personal_key_make(f.keys, 9), PERSONAL_ERASED);
        assert_int_equal(personal_erase(f.keys, 9), 0);
        reopen(&f);
    }
    assert_int_equal(pread(fd, slot, 64, 10 * 64), 64);
    assert_memory_equal(slot, zeros, 60);
    assert_memory_not_equal(before, zeros, 60);
    close(fd);
    assert_int_equal(personal_key_make(f.keys, 10), PERSONAL_OK); /* the neighbour lives */
    assert_int_equal(personal_erase(f.keys, 11), 0);              /* one who never had a key */
    assert_int_equal(personal_key_make(f.keys, 11), PERSONAL_ERASED);
    end(&f);
}

TEST(personal, reports_damaged_slots_and_can_still_erase_them)
{
    struct fixture f;
    unsigned char sealed[SEALED_BYTES], slot[64];
    begin(&f);
    assert_int_equal(personal_key_make(f.keys, 0), 0);
    assert_int_equal(personal_seal(f.keys, 0, SLICE(TEXT), sealed), 0);
    int fd = file_of(&f);
    assert_int_equal(pread(fd, slot, 64, 64), 64);
    for (size_t i = 0; i < sizeof slot; i += 7) {
        slot[i] ^= 0x10;
        assert_int_equal(pwrite(fd, slot, 64, 64), 64);
        reopen(&f);
        expect_open(&f, 0, sealed, -ERR_CORRUPT);
        assert_int_equal(personal_key_make(f.keys, 0), -ERR_CORRUPT);
        slot[i] ^= 0x10;
    }
    assert_int_equal(personal_erase(f.keys, 0), 0);
    expect_open(&f, 0, sealed, PERSONAL_ERASED);
    close(fd);
    end(&f);
}

TEST(personal, keeps_nothing_readable_in_its_file)
{
    struct fixture f;
    unsigned char sealed[SEALED_BYTES];
    static const unsigned char other[PERSONAL_MASTER_BYTES] = "another";
    begin(&f);
    assert_int_equal(personal_key_make(f.keys, 0), 0);
    assert_int_equal(personal_seal(f.keys, 0, SLICE(TEXT), sealed), 0);
    personal_keys_free(f.keys);
    assert_int_equal(personal_keys_open(f.folder, "users", other, 1000, &f.keys), -ERR_CONFIG);
    int fd = file_of(&f);
    unsigned char byte;
    assert_int_equal(pread(fd, &byte, 1, 20), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 20), 1);
    assert_int_equal(personal_keys_open(f.folder, "users", master, 1000, &f.keys), -ERR_CORRUPT);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 20), 1);
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_int_equal(personal_keys_open(f.folder, "users", master, 1000, &f.keys), -ERR_CONFIG);
    assert_int_equal(fchmod(fd, 0600), 0);
    close(fd);
    assert_int_equal(personal_keys_open(f.folder, "users", master, 1000, &f.keys), 0);
    expect_open(&f, 0, sealed, PERSONAL_OK);
    end(&f);
}

TEST(personal, is_open_in_one_place_only)
{
    struct fixture f;
    struct personal_keys *second;
    begin(&f);
    assert_int_equal(personal_keys_open(f.folder, "users", master, 1000, &second), -ERR_BUSY);
    assert_int_equal(symlinkat("users", f.folder, "link"), 0);
    assert_int_equal(personal_keys_open(f.folder, "link", master, 1000, &second), -ERR_CONFIG);
    end(&f);
    personal_keys_free(NULL);
}

/* The first write of a file can be torn like any other. */
TEST(personal, begins_again_where_its_head_was_cut)
{
    struct fixture f;
    begin(&f);
    personal_keys_free(f.keys);
    for (off_t bytes = 0; bytes < 64; bytes += 21) {
        int fd = file_of(&f);
        assert_int_equal(ftruncate(fd, bytes), 0);
        close(fd);
        assert_int_equal(personal_keys_open(f.folder, "users", master, 1000, &f.keys), 0);
        assert_int_equal(personal_key_make(f.keys, 0), 0);
        personal_keys_free(f.keys);
    }
    assert_int_equal(personal_keys_open(f.folder, "users", master, 1000, &f.keys), 0);
    end(&f);
}

/* A key that could not be made durable is not used, and making it can be tried again. */
TEST(personal, does_not_use_a_key_that_was_not_written)
{
    struct fixture f;
    unsigned char sealed[SEALED_BYTES];
    struct rlimit before, small;
    begin(&f);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){64 * 5 + 17, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (uint32_t user = 4; user <= 5; user++) { /* one is written in part, one not at all */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        int made = personal_key_make(f.keys, user);
        int sealing = personal_seal(f.keys, user, SLICE(TEXT), sealed);
        int erased = personal_erase(f.keys, 6);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(made, -ERR_IO);
        assert_int_equal(sealing, PERSONAL_NO_KEY);
        assert_int_equal(erased, -ERR_IO);
    }
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(personal_key_make(f.keys, 6), PERSONAL_ERASED); /* stays refused */
    assert_int_equal(personal_erase(f.keys, 6), 0);
    reopen(&f);
    assert_int_equal(personal_seal(f.keys, 4, SLICE(TEXT), sealed), PERSONAL_NO_KEY);
    assert_int_equal(personal_key_make(f.keys, 4), PERSONAL_OK);
    assert_int_equal(personal_seal(f.keys, 4, SLICE(TEXT), sealed), PERSONAL_OK);
    expect_open(&f, 4, sealed, PERSONAL_OK);
    assert_int_equal(personal_key_make(f.keys, 6), PERSONAL_ERASED);
    end(&f);
}

TEST(personal, keys_made_ahead_leave_those_alone_that_are_there)
{
    struct fixture f;
    unsigned char sealed[SEALED_BYTES], after[SEALED_BYTES];
    begin(&f);
    assert_int_equal(personal_key_make(f.keys, 3), PERSONAL_OK);
    assert_int_equal(personal_seal(f.keys, 3, SLICE(TEXT), sealed), PERSONAL_OK);
    assert_int_equal(personal_erase(f.keys, 5), 0);
    assert_int_equal(personal_keys_write(f.keys, 0, 600), 0);
    assert_int_equal(personal_keys_sync(f.keys), 0);
    assert_int_equal(personal_keys_slots(f.keys), 600);
    reopen(&f);
    expect_open(&f, 3, sealed, PERSONAL_OK);
    assert_int_equal(personal_seal(f.keys, 5, SLICE(TEXT), after), PERSONAL_ERASED);
    for (uint32_t user = 0; user < 600; user++)
        if (user != 5)
            assert_int_equal(personal_seal(f.keys, user, SLICE(TEXT), after), PERSONAL_OK);
    assert_int_equal(personal_seal(f.keys, 600, SLICE(TEXT), after), PERSONAL_NO_KEY);
    end(&f);
}

TEST(personal, keys_taken_back_are_gone_but_erased_users_stay_erased)
{
    struct fixture f;
    unsigned char sealed[SEALED_BYTES];
    begin(&f);
    assert_int_equal(personal_keys_write(f.keys, 10, 10), 0);
    assert_int_equal(personal_erase(f.keys, 12), 0);
    personal_keys_take_back(f.keys, 10, 10);
    for (int life = 0; life < 2; life++) {
        assert_int_equal(personal_seal(f.keys, 11, SLICE(TEXT), sealed), PERSONAL_NO_KEY);
        assert_int_equal(personal_seal(f.keys, 12, SLICE(TEXT), sealed), PERSONAL_ERASED);
        reopen(&f);
    }
    end(&f);
}

TEST(personal, keys_are_made_ahead_within_the_limits_only)
{
    struct fixture f;
    begin(&f);
    assert_int_equal(personal_keys_write(f.keys, 0, PERSONAL_AHEAD_MAX + 1), -ERR_LIMIT);
    assert_int_equal(personal_keys_write(f.keys, 990, 11), -ERR_LIMIT);
    assert_int_equal(personal_keys_write(f.keys, 1000, 0), -ERR_LIMIT);
    assert_int_equal(personal_keys_write(f.keys, 990, 10), 0);
    end(&f);
}
