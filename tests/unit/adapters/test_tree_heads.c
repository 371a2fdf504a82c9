/* test_tree_heads.c - the kept heads after a power failure: some are lost, the others are whole, in
 * order, and the audit takes them. */
#include "adapters/embedded/tree_heads.h"

#include "adapters/faulty/faulty_disk.h"
#include "sign_pem.h"
#include "test.h"

#define CRASHES 120

static struct sign_key *key_of_rfc(void)
{
    struct sign_key *key = NULL;
    assert_int_equal(sign_key_new(SLICE(SIGN_PEM), &key), 0);
    return key;
}

static void sign(struct tree_heads *heads, struct sign_key *key, uint64_t size)
{
    struct tree_head head = {.time_us = (int64_t)size, .root = {.size = size}};
    unsigned char bytes[TREE_HEAD_BYTES];
    assert_int_equal(tree_head_sign(&head, key, bytes), 0);
    assert_int_equal(tree_heads_keep(heads, &head, bytes), 0);
}

/* Every head there is can be read, and sizes rise. */
static uint64_t whole_and_rising(struct tree_heads *heads)
{
    uint64_t last = 0;
    for (uint64_t i = 0; i < heads->count; i++) {
        struct tree_head head;
        assert_int_equal(tree_heads_read(heads, i, &head), 0);
        assert_true(head.root.size >= last); /* a hole is filled by the head behind it */
        last = head.root.size;
    }
    return last;
}

static unsigned repeated(struct tree_heads *heads)
{
    struct tree_head one, next;
    unsigned count = 0;
    for (uint64_t i = 0; i + 1 < heads->count; i++) {
        assert_int_equal(tree_heads_read(heads, i, &one), 0);
        assert_int_equal(tree_heads_read(heads, i + 1, &next), 0);
        count += one.root.size == next.root.size;
    }
    return count;
}

TEST(tree_heads, have_no_hole_after_a_power_failure)
{
    struct sign_key *key = key_of_rfc();
    unsigned holes = 0;
    for (uint64_t seed = 2; seed < CRASHES; seed++) {
        struct faulty_disk *disk = faulty_disk_new(), *after;
        struct tree_heads heads;
        assert_int_equal(tree_heads_open(&heads, faulty_disk_of(disk), 0, true), 0);
        assert_int_equal(
            faulty_disk_of(disk)->ops->sync_directory(faulty_disk_of(disk), DISK_WHY_TREE), 0);
        for (uint64_t size = 1; size <= 12; size++)
            sign(&heads, key, size);
        tree_heads_close(&heads);
        after = faulty_disk_crash(disk, faulty_disk_ops_count(disk), seed, FAULTY_DISK_NO_WHY);
        assert_int_equal(tree_heads_open(&heads, faulty_disk_of(after), 0, true), 0);
        (void)whole_and_rising(&heads);
        holes += repeated(&heads);
        sign(&heads, key, 20);
        assert_int_equal(whole_and_rising(&heads), 20);
        tree_heads_close(&heads);
        faulty_disk_free(disk);
        faulty_disk_free(after);
    }
    assert_true(holes > 10); /* or nothing was tested */
    sign_key_free(key);
}

TEST(tree_heads, lose_none_to_a_second_failure_while_a_hole_is_filled)
{
    struct sign_key *key = key_of_rfc();
    for (uint64_t seed = 2; seed < CRASHES; seed++) {
        struct faulty_disk *disk = faulty_disk_new(), *after;
        unsigned char zeros[TREE_HEAD_BYTES] = {0};
        struct tree_heads heads;
        assert_int_equal(tree_heads_open(&heads, faulty_disk_of(disk), 0, true), 0);
        for (uint64_t size = 1; size <= 12; size++)
            sign(&heads, key, size);
        struct disk *port = faulty_disk_of(disk);
        assert_int_equal(
            port->ops->write(port, heads.file, 2 * TREE_HEAD_BYTES, zeros, sizeof zeros), 0);
        assert_int_equal(tree_heads_sync(&heads), 0);
        assert_int_equal(port->ops->sync_directory(port, DISK_WHY_TREE), 0);
        tree_heads_close(&heads);
        size_t before = faulty_disk_ops_count(disk);
        assert_int_equal(tree_heads_open(&heads, port, 0, true), 0);
        assert_int_equal(heads.count, 12);
        tree_heads_close(&heads);
        size_t ops = before + seed % (faulty_disk_ops_count(disk) - before + 1);
        after = faulty_disk_crash(disk, ops, seed, FAULTY_DISK_NO_WHY);
        assert_int_equal(tree_heads_open(&heads, faulty_disk_of(after), 0, true), 0);
        assert_int_equal(whole_and_rising(&heads), 12);
        assert_int_equal(heads.count, 12);
        assert_int_equal(repeated(&heads), 1);
        tree_heads_close(&heads);
        faulty_disk_free(disk);
        faulty_disk_free(after);
    }
    sign_key_free(key);
}

TEST(tree_heads, outlive_a_failed_sync_that_a_start_found_whole)
{
    struct sign_key *key = key_of_rfc();
    struct faulty_disk *disk = faulty_disk_new(), *after;
    struct disk *port = faulty_disk_of(disk);
    struct tree_heads heads;
    assert_int_equal(tree_heads_open(&heads, port, 0, true), 0);
    assert_int_equal(port->ops->sync_directory(port, DISK_WHY_TREE), 0);
    for (uint64_t size = 1; size <= 12; size++)
        sign(&heads, key, size);
    faulty_disk_fail_sync(disk, 1);
    assert_true(tree_heads_sync(&heads) < 0); /* the kernel calls them clean now */
    tree_heads_close(&heads);
    assert_int_equal(tree_heads_open(&heads, port, 0, true), 0);
    assert_int_equal(heads.count, 12);
    tree_heads_close(&heads);
    for (uint64_t seed = 0; seed < 20; seed++) {
        after = faulty_disk_crash(disk, faulty_disk_ops_count(disk), seed, FAULTY_DISK_NO_WHY);
        assert_int_equal(tree_heads_open(&heads, faulty_disk_of(after), 0, true), 0);
        assert_int_equal(heads.count, 12);
        assert_int_equal(whole_and_rising(&heads), 12);
        tree_heads_close(&heads);
        faulty_disk_free(after);
    }
    faulty_disk_free(disk);
    sign_key_free(key);
}

TEST(tree_heads, are_synced_before_more_than_a_window_of_them_can_be_lost)
{
    struct sign_key *key = key_of_rfc();
    struct faulty_disk *disk = faulty_disk_new(), *after;
    struct tree_heads heads;
    assert_int_equal(tree_heads_open(&heads, faulty_disk_of(disk), 0, true), 0);
    assert_int_equal(faulty_disk_of(disk)->ops->sync_directory(faulty_disk_of(disk), DISK_WHY_TREE),
                     0);
    for (uint64_t size = 1; size <= TREE_HEADS_UNSYNCED_MAX + 10; size++)
        sign(&heads, key, size);
    tree_heads_close(&heads);
    after = faulty_disk_crash(disk, faulty_disk_ops_count(disk), 0, FAULTY_DISK_NO_WHY);
    assert_int_equal(tree_heads_open(&heads, faulty_disk_of(after), 0, true), 0);
    assert_int_equal(heads.count, TREE_HEADS_UNSYNCED_MAX);
    tree_heads_close(&heads);
    faulty_disk_free(disk);
    faulty_disk_free(after);
    sign_key_free(key);
}
