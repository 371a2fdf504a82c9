/* test_merkle.c - ledger/merkle.h against the published vectors of RFC 6962 and of the
 * Certificate Transparency reference tests, and against the recursive definition. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/prng.h"
#include "ledger/merkle.h"

#define LEAVES_MAX 512

/* A tree with all of its complete nodes. */
struct grown {
    struct sha256 *sha;
    struct merkle_range range;
    struct merkle_hash nodes[10][LEAVES_MAX];
};

static void grown_begin(struct grown *g)
{
    *g = (struct grown){.range = {.size = 0}};
    assert_int_equal(sha256_new(&g->sha), 0);
}

static void grown_add(struct grown *g, struct slice record)
{
    struct merkle_hash leaf, made[MERKLE_LEVELS];
    uint64_t index = g->range.size;
    merkle_leaf(g->sha, record, &leaf);
    unsigned count = merkle_append(&g->range, g->sha, &leaf, made);
    for (unsigned level = 0; level < count; level++)
        g->nodes[level][index >> level] = made[level];
}

static int grown_node(void *owner, unsigned level, uint64_t index, struct merkle_hash *ret)
{
    struct grown *g = owner;
    assert_true((index + 1) << level <= g->range.size); /* complete nodes only are asked for */
    *ret = g->nodes[level][index];
    return 0;
}

static struct merkle_source source_of(struct grown *g)
{
    return (struct merkle_source){grown_node, g, g->sha};
}

/* ---- the recursive definition, word for word (RFC 6962 section 2.1) ---- */

static uint64_t largest_power_below(uint64_t n)
{
    uint64_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

static struct merkle_hash naive_root(struct grown *g, uint64_t begin, uint64_t n)
{
    struct merkle_hash hash;
    if (n == 0) {
        sha256_digest(g->sha, SLICE_NONE, hash.at);
        return hash;
    }
    if (n == 1)
        return g->nodes[0][begin];
    uint64_t k = largest_power_below(n);
    struct merkle_hash left = naive_root(g, begin, k), right = naive_root(g, begin + k, n - k);
    merkle_node(g->sha, &left, &right, &hash);
    return hash;
}

static void naive_path(struct grown *g, uint64_t m, uint64_t begin, uint64_t n,
                       struct merkle_proof *proof)
{
    if (n <= 1)
        return;
    uint64_t k = largest_power_below(n);
    naive_path(g, m < k ? m : m - k, m < k ? begin : begin + k, m < k ? k : n - k, proof);
    proof->hashes[proof->count++] =
        m < k ? naive_root(g, begin + k, n - k) : naive_root(g, begin, k);
}

struct naive_span {
    uint64_t begin, n;
    bool whole;
};

static void naive_subproof(struct grown *g, uint64_t m, struct naive_span d,
                           struct merkle_proof *proof)
{
    if (m == d.n) {
        if (!d.whole)
            proof->hashes[proof->count++] = naive_root(g, d.begin, d.n);
        return;
    }
    uint64_t k = largest_power_below(d.n);
    if (m <= k) {
        naive_subproof(g, m, (struct naive_span){d.begin, k, d.whole}, proof);
        proof->hashes[proof->count++] = naive_root(g, d.begin + k, d.n - k);
    } else {
        naive_subproof(g, m - k, (struct naive_span){d.begin + k, d.n - k, false}, proof);
        proof->hashes[proof->count++] = naive_root(g, d.begin, k);
    }
}

static void expect_equal(const struct merkle_proof *a, const struct merkle_proof *b)
{
    assert_int_equal(a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++)
        assert_true(merkle_equal(&a->hashes[i], &b->hashes[i]));
}

/* ---- published vectors ---- */

static const struct slice reference_leaves[8] = {
    SLICE(""),
    SLICE("\x00"),
    SLICE("\x10"),
    SLICE("\x20\x21"),
    SLICE("\x30\x31"),
    SLICE("\x40\x41\x42\x43"),
    SLICE("\x50\x51\x52\x53\x54\x55\x56\x57"),
    SLICE("\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"),
};

static const char *const reference_roots[9] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

#define H96 "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define H5F "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define H6B "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#define HBC "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define HCA "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define HD3 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define H0E "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
#define HFA "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
#define H6E "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"

static const struct {
    uint64_t index, size;
    const char *path[4];
} reference_paths[] = {
    {0, 1, {NULL}}, {0, 8, {H96, H5F, H6B}}, {5, 8, {HBC, HCA, HD3}},
    {2, 3, {HFA}},  {1, 5, {H6E, H5F, HBC}},
};

static const struct {
    uint64_t from, to;
    const char *path[4];
} reference_consistency[] = {
    {1, 1, {NULL}},
    {1, 8, {H96, H5F, H6B}},
    {6, 8, {H0E, HCA, HD3}},
    {2, 5, {H5F, HBC}},
};

static void expect_hash(const struct merkle_hash *hash, const char *hex)
{
    char text[2 * SHA256_BYTES + 1];
    struct buf buf = buf_over(text, sizeof text);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        buf_printf(&buf, "%02x", hash->at[i]);
    assert_memory_equal(text, hex, 64);
}

static void expect_path(const struct merkle_proof *proof, const char *const path[4])
{
    uint32_t count = 0;
    for (; count < 4 && path[count] != NULL; count++)
        expect_hash(&proof->hashes[count], path[count]);
    assert_int_equal(proof->count, count);
}

TEST(merkle, gives_the_published_roots_of_every_size)
{
    struct grown g;
    struct merkle_hash root;
    grown_begin(&g);
    for (unsigned size = 0; size <= 8; size++) {
        merkle_range_root(&g.range, g.sha, &root);
        expect_hash(&root, reference_roots[size]);
        if (size < 8)
            grown_add(&g, reference_leaves[size]);
    }
    sha256_free(g.sha);
}

TEST(merkle, gives_the_published_inclusion_and_consistency_proofs)
{
    struct grown g;
    struct merkle_proof proof;
    grown_begin(&g);
    for (unsigned i = 0; i < 8; i++)
        grown_add(&g, reference_leaves[i]);
    struct merkle_source source = source_of(&g);
    for (size_t i = 0; i < sizeof reference_paths / sizeof *reference_paths; i++) {
        assert_int_equal(merkle_prove_inclusion(&source, reference_paths[i].index,
                                                reference_paths[i].size, &proof),
                         0);
        expect_path(&proof, reference_paths[i].path);
    }
    for (size_t i = 0; i < sizeof reference_consistency / sizeof *reference_consistency; i++) {
        assert_int_equal(merkle_prove_consistency(&source, reference_consistency[i].from,
                                                  reference_consistency[i].to, &proof),
                         0);
        expect_path(&proof, reference_consistency[i].path);
    }
    sha256_free(g.sha);
}

/* RFC 6962 section 2.1.3: the seven-leaf tree, whose nodes have letters: a to j are the leaves and
 * g, h, i, k, l the nodes above; (level, index) of each. */
TEST(merkle, gives_the_proofs_that_rfc_6962_names_for_seven_leaves)
{
    static const struct {
        char name;
        unsigned level, index;
    } nodes[] = {
        {'a', 0, 0}, {'b', 0, 1}, {'c', 0, 2}, {'d', 0, 3}, {'e', 0, 4}, {'f', 0, 5},
        {'j', 0, 6}, {'g', 1, 0}, {'h', 1, 1}, {'i', 1, 2}, {'k', 2, 0},
    };
    static const struct {
        bool consistency;
        unsigned m;
        const char *path;
    } rows[] = {
        {false, 0, "bhl"}, {false, 3, "cgl"}, {false, 4, "fjk"}, {false, 6, "ik"},
        {true, 3, "cdgl"}, {true, 4, "l"},    {true, 6, "ijk"},
    };
    struct grown g;
    struct merkle_proof proof;
    struct merkle_hash letters[128];
    grown_begin(&g);
    for (unsigned i = 0; i < 7; i++)
        grown_add(&g, reference_leaves[i]);
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        letters[(unsigned char)nodes[i].name] = g.nodes[nodes[i].level][nodes[i].index];
    merkle_node(g.sha, &letters['i'], &letters['j'], &letters['l']);
    struct merkle_source source = source_of(&g);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int error = rows[i].consistency ? merkle_prove_consistency(&source, rows[i].m, 7, &proof)
                                        : merkle_prove_inclusion(&source, rows[i].m, 7, &proof);
        assert_int_equal(error, 0);
        assert_int_equal(proof.count, strlen(rows[i].path));
        for (uint32_t at = 0; at < proof.count; at++)
            assert_true(merkle_equal(&proof.hashes[at], &letters[(unsigned char)rows[i].path[at]]));
    }
    sha256_free(g.sha);
}

/* ---- every size ---- */

static struct merkle_root root_of(struct grown *g, uint64_t size)
{
    return (struct merkle_root){size, naive_root(g, 0, size)};
}

static void grow_to(struct grown *g, unsigned size)
{
    char record[24];
    struct prng prng;
    prng_seed(&prng, size);
    grown_begin(g);
    while (g->range.size < size) {
        uint64_t words[3] = {prng_next(&prng), prng_next(&prng), prng_next(&prng)};
        memcpy(record, words, sizeof record);
        grown_add(g, slice_of(record, words[0] % sizeof record));
    }
}

static void check_inclusion(struct grown *g, uint64_t index, const struct merkle_root *root)
{
    struct merkle_proof proof, naive = {.count = 0};
    struct merkle_source source = source_of(g);
    assert_int_equal(merkle_prove_inclusion(&source, index, root->size, &proof), 0);
    naive_path(g, index, 0, root->size, &naive);
    expect_equal(&proof, &naive);
    const struct merkle_hash *leaf = &g->nodes[0][index];
    assert_true(merkle_check_inclusion(g->sha, leaf, index, root, &proof));
    assert_false(merkle_check_inclusion(g->sha, leaf, index + 1, root, &proof));
    assert_false(merkle_check_inclusion(g->sha, leaf, index ^ 1, root, &proof));
    proof.hashes[proof.count++] = *leaf;
    assert_false(merkle_check_inclusion(g->sha, leaf, index, root, &proof));
}

static void check_consistency(struct grown *g, uint64_t from, const struct merkle_root *to)
{
    struct merkle_proof proof, naive = {.count = 0};
    struct merkle_source source = source_of(g);
    struct merkle_root old = root_of(g, from);
    assert_int_equal(merkle_prove_consistency(&source, from, to->size, &proof), 0);
    if (from > 0)
        naive_subproof(g, from, (struct naive_span){0, to->size, true}, &naive);
    expect_equal(&proof, &naive);
    assert_true(merkle_check_consistency(g->sha, &old, to, &proof));
    if (from == 0)
        return; /* the empty tree agrees with all */
    struct merkle_root other = old;
    other.hash.at[7] ^= 1;
    assert_false(merkle_check_consistency(g->sha, &other, to, &proof));
    other = *to;
    other.hash.at[31] ^= 0x80;
    assert_false(merkle_check_consistency(g->sha, &old, &other, &proof));
}

TEST(merkle, agrees_with_the_recursive_definition_at_every_size_to_300)
{
    struct grown *g = malloc(sizeof *g);
    struct merkle_range again;
    struct merkle_hash hash;
    assert_non_null(g);
    grow_to(g, 300);
    struct merkle_source source = source_of(g);
    for (uint64_t size = 1; size <= 300; size++) {
        struct merkle_root root = root_of(g, size);
        assert_int_equal(merkle_range_of(&source, size, &again), 0);
        merkle_range_root(&again, g->sha, &hash);
        assert_true(merkle_equal(&hash, &root.hash));
        uint64_t step = size <= 40 ? 1 : 1 + size / 11; /* all pairs of small trees */
        for (uint64_t at = 0; at < size; at += step) {
            check_inclusion(g, at, &root);
            check_consistency(g, at, &root);
        }
        check_inclusion(g, size - 1, &root);
        check_consistency(g, size, &root);
    }
    sha256_free(g->sha);
    free(g);
}

TEST(merkle, refuses_every_flipped_bit_and_every_missing_hash)
{
    struct grown g;
    struct merkle_proof proof;
    grow_to(&g, 23);
    struct merkle_source source = source_of(&g);
    struct merkle_root from = root_of(&g, 13), to = root_of(&g, 23);
    assert_int_equal(merkle_prove_inclusion(&source, 12, 23, &proof), 0);
    for (uint32_t i = 0; i < proof.count; i++)
        for (unsigned bit = 0; bit < 8 * SHA256_BYTES; bit++) {
            proof.hashes[i].at[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_false(merkle_check_inclusion(g.sha, &g.nodes[0][12], 12, &to, &proof));
            proof.hashes[i].at[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    proof.count--;
    assert_false(merkle_check_inclusion(g.sha, &g.nodes[0][12], 12, &to, &proof));
    assert_int_equal(merkle_prove_consistency(&source, 13, 23, &proof), 0);
    for (uint32_t i = 0; i < proof.count; i++)
        for (unsigned bit = 0; bit < 8 * SHA256_BYTES; bit++) {
            proof.hashes[i].at[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_false(merkle_check_consistency(g.sha, &from, &to, &proof));
            proof.hashes[i].at[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    proof.count--;
    assert_false(merkle_check_consistency(g.sha, &from, &to, &proof));
    proof.count = 0;
    assert_false(merkle_check_consistency(g.sha, &from, &to, &proof));
    assert_false(merkle_check_consistency(g.sha, &to, &from, &proof));
    sha256_free(g.sha);
}

TEST(merkle, knows_no_leaf_of_the_empty_tree_and_no_endless_proof)
{
    struct grown g;
    static struct merkle_proof proof;
    grow_to(&g, 1);
    struct merkle_root empty = root_of(&g, 0), one = root_of(&g, 1);
    assert_false(merkle_check_inclusion(g.sha, &g.nodes[0][0], 0, &empty, &proof));
    assert_true(merkle_check_inclusion(g.sha, &g.nodes[0][0], 0, &one, &proof));
    assert_true(merkle_check_consistency(g.sha, &empty, &one, &proof));
    proof.count = UINT32_MAX;
    assert_false(merkle_check_inclusion(g.sha, &g.nodes[0][0], 0, &one, &proof));
    assert_false(merkle_check_consistency(g.sha, &empty, &one, &proof));
    sha256_free(g.sha);
}
