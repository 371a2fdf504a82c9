/* test_tree_file.c - the tiles against the tree in memory, at rest and after crashes. */
#include "adapters/embedded/tree_file.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "base/prng.h"
#include "test.h"

#define MANY 70000 /* crosses into the third tile level */

static const struct tree_file_options options = {.creation = 7, .size_max = MANY};

static struct tree_file *open_tree(struct faulty_disk *fake)
{
    struct tree_file *tree = NULL;
    assert_int_equal(tree_file_open(&options, faulty_disk_of(fake), &tree), 0);
    return tree;
}

static struct slice record_of(uint64_t index, uint64_t *memory)
{
    *memory = index * 77 + 5;
    return slice_of(memory, sizeof *memory);
}

static void add_to(struct tree_file *tree, uint64_t size)
{
    uint64_t memory;
    while (tree_file_size(tree) < size)
        assert_int_equal(tree_file_add(tree, record_of(tree_file_size(tree), &memory)), 0);
}

/* Roots of every size, by the pure code. */
static struct merkle_hash *roots_to(uint64_t size)
{
    struct merkle_hash *roots = calloc(size + 1, sizeof *roots);
    struct merkle_hash leaf, made[MERKLE_LEVELS];
    struct merkle_range range = {.size = 0};
    struct sha256 *sha = NULL;
    uint64_t memory;
    assert_non_null(roots);
    assert_int_equal(sha256_new(&sha), 0);
    merkle_range_root(&range, sha, &roots[0]);
    for (uint64_t i = 0; i < size; i++) {
        merkle_leaf(sha, record_of(i, &memory), &leaf);
        merkle_append(&range, sha, &leaf, made);
        merkle_range_root(&range, sha, &roots[i + 1]);
    }
    sha256_free(sha);
    return roots;
}

static void expect_root(struct tree_file *tree, uint64_t size, const struct merkle_hash *roots)
{
    struct merkle_root root;
    assert_int_equal(tree_file_root(tree, size, &root), 0);
    assert_true(merkle_equal(&root.hash, &roots[size]));
}

static void expect_proofs(struct tree_file *tree, uint64_t index, uint64_t size,
                          const struct merkle_hash *roots)
{
    struct merkle_proof proof;
    struct merkle_hash leaf;
    uint64_t memory;
    const struct merkle_root from = {index, roots[index]}, root = {size, roots[size]};
    struct sha256 *sha = tree_file_sha(tree);
    merkle_leaf(sha, record_of(index, &memory), &leaf);
    assert_int_equal(tree_file_prove_inclusion(tree, index, size, &proof), 0);
    assert_true(merkle_check_inclusion(sha, &leaf, index, &root, &proof));
    assert_int_equal(tree_file_prove_consistency(tree, index, size, &proof), 0);
    assert_true(merkle_check_consistency(sha, &from, &root, &proof));
}

TEST(tree_file, proves_any_record_in_a_tree_of_three_tile_levels)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct tree_file *tree = open_tree(fake);
    struct merkle_hash *roots = roots_to(MANY);
    struct prng prng;
    prng_seed(&prng, 1);
    add_to(tree, MANY);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 400; i++) {
            uint64_t size = 1 + prng_next(&prng) % MANY;
            expect_root(tree, size, roots);
            expect_proofs(tree, prng_next(&prng) % size, size, roots);
        }
        for (uint64_t size = 65530; size < 65550; size++)
            expect_proofs(tree, size - 1, size, roots);
        assert_int_equal(tree_file_checkpoint(tree), 0);
        tree_file_free(tree);
        tree = open_tree(fake); /* once more, from the disk alone */
        assert_int_equal(tree_file_size_found(tree), MANY);
    }
    tree_file_free(tree);
    faulty_disk_free(fake);
    free(roots);
}

TEST(tree_file, proves_while_it_grows)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct tree_file *tree = open_tree(fake);
    struct merkle_hash *roots = roots_to(1500);
    for (uint64_t size = 1; size <= 1500; size++) { /* the last tile is asked at every count */
        add_to(tree, size);
        expect_root(tree, size, roots);
        expect_proofs(tree, size - 1, size, roots);
        expect_proofs(tree, size / 3, size, roots);
    }
    tree_file_free(tree);
    faulty_disk_free(fake);
    free(roots);
}

static void grow_in_steps(struct faulty_disk *fake)
{
    for (uint64_t size = 100; size <= 1000; size += 300) {
        struct tree_file *tree = open_tree(fake);
        add_to(tree, size);
        assert_int_equal(tree_file_checkpoint(tree), 0);
        tree_file_free(tree);
    }
}

TEST(tree_file, after_any_crash_is_the_tree_of_some_checkpoint)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct merkle_hash *roots = roots_to(1200);
    grow_in_steps(fake);
    size_t ops = faulty_disk_ops_count(fake);
    uint64_t seen = 0;
    for (size_t at = 0; at <= ops; at++)
        for (uint64_t seed = 0; seed < 6; seed++) {
            struct faulty_disk *crashed = faulty_disk_crash(fake, at, seed, FAULTY_DISK_NO_WHY);
            struct tree_file *tree = open_tree(crashed);
            uint64_t size = tree_file_size(tree);
            assert_true(size == 0 || size == 100 || size == 400 || size == 700 || size == 1000);
            assert_true(seed != 1 || size >= seen); /* nothing lost: only forward */
            seen = seed == 1 ? size : seen;
            add_to(tree, 1200); /* the log's tail */
            expect_root(tree, 1200, roots);
            expect_proofs(tree, size / 2, 1200, roots);
            tree_file_free(tree);
            faulty_disk_free(crashed);
        }
    assert_int_equal(seen, 1000);
    faulty_disk_free(fake);
    free(roots);
}

TEST(tree_file, without_the_sync_of_its_hashes_would_trust_what_is_not_there)
{
    struct faulty_disk *fake = faulty_disk_new();
    int begun_again = 0;
    grow_in_steps(fake);
    size_t ops = faulty_disk_ops_count(fake);
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct faulty_disk *crashed = faulty_disk_crash(fake, ops, seed, DISK_WHY_TREE);
        struct tree_file *tree = open_tree(crashed);
        begun_again += tree_file_size(tree) == 0;
        tree_file_free(tree);
        faulty_disk_free(crashed);
    }
    assert_true(begun_again > 0);
    faulty_disk_free(fake);
}

TEST(tree_file, begins_again_when_its_right_edge_or_state_is_damaged)
{
    static const struct {
        const char *name;
        uint64_t byte;
    } rows[] = {
        {"tree-0000", 3},          {"tree-0000", 33},           {"tree-0000", 127},
        {"tree-0000-0", 999 * 32}, {"tree-0000-1", 2 * 32 + 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct faulty_disk *fake = faulty_disk_new();
        grow_in_steps(fake);
        assert_true(faulty_disk_flip(fake, rows[i].name, rows[i].byte, 3));
        struct tree_file *tree = open_tree(fake);
        assert_int_equal(tree_file_size(tree), 0);
        tree_file_free(tree);
        faulty_disk_free(fake);
    }
}

/* What is signed must be the root of the log, whatever has become of a tile (L8). */
TEST(tree_file, answers_no_older_root_that_a_damaged_hash_is_in)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct merkle_hash *roots = roots_to(1100);
    struct merkle_root root;
    grow_in_steps(fake);
    assert_true(faulty_disk_flip(fake, "tree-0000-0", 300 * 32, 3)); /* far from the edge */
    struct tree_file *tree = open_tree(fake);
    uint64_t size = tree_file_size(tree);
    assert_true(size > 600 && size < 1100);
    expect_root(tree, size, roots);
    expect_root(tree, 200, roots);
    assert_int_equal(tree_file_root(tree, 301, &root), -ERR_CORRUPT);
    assert_int_equal(tree_file_root(tree, 400, &root), -ERR_CORRUPT);
    add_to(tree, 1100);
    expect_root(tree, 1100, roots);
    tree_file_free(tree);
    faulty_disk_free(fake);
    free(roots);
}

TEST(tree_file, does_not_serve_a_shorter_log_nor_another_one)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct tree_file *tree = NULL;
    struct tree_file_options shorter = options, other = options;
    grow_in_steps(fake);
    shorter.size_max = 999;
    assert_int_equal(tree_file_open(&shorter, faulty_disk_of(fake), &tree), -ERR_CORRUPT);
    other.creation = 8;
    assert_int_equal(tree_file_open(&other, faulty_disk_of(fake), &tree), 0);
    assert_int_equal(tree_file_size(tree), 0);
    struct tree_file *second = NULL;
    assert_int_equal(tree_file_open(&other, faulty_disk_of(fake), &second), -ERR_BUSY);
    tree_file_free(tree);
    faulty_disk_free(fake);
}
