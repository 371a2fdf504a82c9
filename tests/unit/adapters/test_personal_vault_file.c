/* test_personal_vault_file.c - the personal_vault port over the key file. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/embedded/personal_vault_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "test.h"

static const unsigned char master[PERSONAL_MASTER_BYTES] = {1, 2, 3};
static char path[64];
static int folder;

static struct personal_vault *open_vault(void)
{
    struct personal_vault *vault = NULL;
    struct personal_vault_file_options options = {
        .folder = folder, .name = "personal.keys", .master = master, .accounts_max = 1000};
    assert_int_equal(personal_vault_file_open(&options, &vault), 0);
    return vault;
}

static void begin(void)
{
    (void)snprintf(path, sizeof path, "/tmp/vault-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    folder = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(folder >= 0);
}

static void end(void)
{
    assert_int_equal(unlinkat(folder, "personal.keys", 0), 0);
    close(folder);
    assert_int_equal(rmdir(path), 0);
}

TEST(personal_vault_file, opens_what_it_sealed_also_after_a_restart)
{
    const struct account_ref account = {7};
    char sealed[PERSONAL_SEALED_BYTES_MAX], plain[PERSONAL_PLAIN_BYTES_MAX];
    size_t bytes = 0, plain_bytes = 0;
    begin();
    struct personal_vault *vault = open_vault();
    assert_int_equal(vault->ops->seal(vault, account, SLICE("10.0.0.1"), sealed, &bytes),
                     -ERR_NOT_FOUND);
    assert_int_equal(vault->ops->make_key(vault, account), 0);
    assert_int_equal(vault->ops->make_key(vault, account), 0);
    assert_int_equal(vault->ops->seal(vault, account, SLICE("10.0.0.1"), sealed, &bytes), 0);
    vault->ops->free(vault);
    vault = open_vault();
    assert_int_equal(vault->ops->open(vault, account, slice_of(sealed, bytes), plain, &plain_bytes),
                     0);
    assert_true(slice_is(slice_of(plain, plain_bytes), "10.0.0.1"));
    sealed[bytes - 1] ^= 1;
    assert_int_equal(vault->ops->open(vault, account, slice_of(sealed, bytes), plain, &plain_bytes),
                     -ERR_CRYPTO);
    assert_int_equal(vault->ops->open(vault, account, slice_of(sealed, 27), plain, &plain_bytes),
                     -ERR_CRYPTO);
    vault->ops->free(vault);
    end();
}

TEST(personal_vault_file, opens_nothing_of_an_erased_user_ever_again)
{
    const struct account_ref account = {7}, other = {8};
    char sealed[PERSONAL_SEALED_BYTES_MAX], plain[PERSONAL_PLAIN_BYTES_MAX];
    size_t bytes = 0, plain_bytes = 0;
    begin();
    struct personal_vault *vault = open_vault();
    assert_int_equal(vault->ops->make_key(vault, account), 0);
    assert_int_equal(vault->ops->make_key(vault, other), 0);
    assert_int_equal(vault->ops->seal(vault, account, SLICE("device"), sealed, &bytes), 0);
    assert_int_equal(vault->ops->erase(vault, account), 0);
    for (int life = 0; life < 2; life++) {
        struct slice kept = slice_of(sealed, bytes);
        assert_int_equal(vault->ops->open(vault, account, kept, plain, &plain_bytes),
                         -ERR_NOT_FOUND);
        assert_int_equal(vault->ops->make_key(vault, account), -ERR_NOT_FOUND);
        assert_int_equal(vault->ops->open(vault, other, kept, plain, &plain_bytes), -ERR_CRYPTO);
        vault->ops->free(vault);
        vault = open_vault();
    }
    vault->ops->free(vault);
    end();
}

TEST(personal_vault_file, refuses_what_is_too_long)
{
    static char text[PERSONAL_SEALED_BYTES_MAX + 1];
    char sealed[PERSONAL_SEALED_BYTES_MAX], plain[PERSONAL_PLAIN_BYTES_MAX];
    size_t bytes = 0;
    const struct account_ref account = {1};
    begin();
    struct personal_vault *vault = open_vault();
    assert_int_equal(vault->ops->make_key(vault, account), 0);
    struct slice longest = slice_of(text, PERSONAL_PLAIN_BYTES_MAX);
    assert_int_equal(vault->ops->seal(vault, account, longest, sealed, &bytes), 0);
    assert_int_equal(bytes, PERSONAL_SEALED_BYTES_MAX);
    struct slice longer = slice_of(text, PERSONAL_PLAIN_BYTES_MAX + 1);
    assert_int_equal(vault->ops->seal(vault, account, longer, sealed, &bytes), -ERR_LIMIT);
    longer = slice_of(text, sizeof text);
    assert_int_equal(vault->ops->open(vault, account, longer, plain, &bytes), -ERR_LIMIT);
    vault->ops->free(vault);
    end();
}

TEST(personal_vault_file, keys_are_ready_ahead_of_the_accounts_up_to_the_last)
{
    char sealed[PERSONAL_SEALED_BYTES_MAX];
    size_t bytes = 0;
    begin();
    struct personal_vault *vault = open_vault();
    for (uint32_t n = 1; n < 1000; n++) { /* more than one block */
        const struct account_ref account = {n};
        assert_int_equal(vault->ops->make_key(vault, account), 0);
        assert_int_equal(vault->ops->seal(vault, account, SLICE("x"), sealed, &bytes), 0);
        if (n == 300) {
            vault->ops->free(vault);
            vault = open_vault();
        }
    }
    const struct account_ref beyond = {1000};
    assert_int_equal(vault->ops->make_key(vault, beyond), -ERR_LIMIT);
    vault->ops->free(vault);
    end();
}

TEST(personal_vault_file, a_key_ahead_of_its_account_is_erased_like_any_other)
{
    const struct account_ref account = {9}, next = {10};
    char sealed[PERSONAL_SEALED_BYTES_MAX];
    size_t bytes = 0;
    begin();
    struct personal_vault *vault = open_vault();
    assert_int_equal(vault->ops->make_key(vault, account), 0);
    assert_int_equal(vault->ops->erase(vault, next), 0);
    assert_int_equal(vault->ops->make_key(vault, next), -ERR_NOT_FOUND);
    assert_int_equal(vault->ops->seal(vault, next, SLICE("x"), sealed, &bytes), -ERR_NOT_FOUND);
    vault->ops->free(vault);
    end();
}

/* ---- the same on a disk that fails ---- */

struct medium {
    struct disk *disk;
    int file;
};

static int medium_read(void *owner, uint64_t offset, void *to, size_t bytes, size_t *ret_bytes)
{
    struct medium *m = owner;
    return m->disk->ops->read(m->disk, (struct disk_piece){m->file, offset, to, bytes}, ret_bytes);
}

static int medium_write(void *owner, uint64_t offset, const void *from, size_t bytes)
{
    struct medium *m = owner;
    return m->disk->ops->write(m->disk, m->file, offset, from, bytes);
}

static int medium_sync(void *owner)
{
    struct medium *m = owner;
    return m->disk->ops->sync(m->disk, m->file, DISK_WHY_KEY);
}

static int medium_size(void *owner, uint64_t *ret_bytes)
{
    struct medium *m = owner;
    return m->disk->ops->size(m->disk, m->file, ret_bytes);
}

static void medium_close(void *owner)
{
    struct medium *m = owner;
    m->disk->ops->close(m->disk, m->file);
}

static void medium_random(void *owner, void *to, size_t bytes)
{
    static unsigned char next;
    (void)owner;
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)to)[i] = next++;
}

static struct personal_vault *open_stepped(struct faulty_disk *fake, struct medium *m)
{
    struct personal_vault *vault = NULL;
    const struct personal_medium medium = {
        medium_read, medium_write, medium_sync, medium_size, medium_close, medium_random, m};
    const struct personal_vault_file_options options = {
        .medium = &medium, .master = master, .accounts_max = 1000, .block = 8, .stepped = true};
    m->disk = faulty_disk_of(fake);
    assert_int_equal(m->disk->ops->open(m->disk, "personal.keys", true, &m->file), 0);
    assert_int_equal(m->disk->ops->sync_directory(m->disk, DISK_WHY_KEY_NAME), 0);
    assert_int_equal(personal_vault_file_open(&options, &vault), 0);
    return vault;
}

/* What the next process seals for the account can be opened after each power failure. */
static void expect_key_to_last(struct faulty_disk *fake, struct account_ref account)
{
    char sealed[PERSONAL_SEALED_BYTES_MAX], plain[PERSONAL_PLAIN_BYTES_MAX];
    size_t bytes = 0, plain_bytes = 0;
    struct medium m;
    struct personal_vault *vault = open_stepped(fake, &m);
    assert_int_equal(vault->ops->make_key(vault, account), 0);
    assert_int_equal(vault->ops->seal(vault, account, SLICE("10.0.0.1"), sealed, &bytes), 0);
    personal_vault_file_abandon(vault);
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct faulty_disk *after =
            faulty_disk_crash(fake, faulty_disk_ops_count(fake), seed, FAULTY_DISK_NO_WHY);
        vault = open_stepped(after, &m);
        assert_int_equal(
            vault->ops->open(vault, account, slice_of(sealed, bytes), plain, &plain_bytes), 0);
        personal_vault_file_abandon(vault);
        faulty_disk_free(after);
    }
}

/* The sync of a block fails, the process dies, the next one finds the keys in the cache, uses them,
 * and power fails. */
TEST(personal_vault_file, trusts_no_key_that_a_failed_sync_left_in_the_cache)
{
    const struct account_ref account = {3};
    struct faulty_disk *fake = faulty_disk_new();
    struct medium m;
    struct personal_vault *vault = open_stepped(fake, &m);
    faulty_disk_fail_sync(fake, 1);
    assert_true(vault->ops->make_key(vault, account) < 0);
    personal_vault_file_abandon(vault);
    expect_key_to_last(fake, account);
    faulty_disk_free(fake);
}

/* The book goes on without keys, and more accounts are opened than a start would write again. */
TEST(personal_vault_file, writes_no_keys_behind_a_failed_sync)
{
    const struct account_ref account = {3};
    struct faulty_disk *fake = faulty_disk_new();
    struct medium m;
    struct personal_vault *vault = open_stepped(fake, &m);
    faulty_disk_fail_sync(fake, 1);
    for (struct account_ref one = account; one.n < 200; one.n++)
        assert_true(vault->ops->make_key(vault, one) < 0);
    personal_vault_file_abandon(vault);
    expect_key_to_last(fake, account);
    faulty_disk_free(fake);
}
