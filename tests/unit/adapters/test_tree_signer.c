/* test_tree_signer.c - who signs heads, across rotations of the key, crashes and a failing disk. */
#include "adapters/embedded/tree_signer.h"

#include <stdio.h>
#include <string.h>

#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "sign_pem.h"
#include "test.h"

#define KEYS       3
#define SIZE_FINAL 60

struct scene {
    struct faulty_disk *disk;
    struct sign_key *keys[KEYS];
    uint8_t public_keys[KEYS][SIGN_PUBLIC_BYTES];
    struct tree_file *tree;
    struct tree_signer signer;
    int64_t now_us;
    size_t rotated_ops[KEYS]; /* operations of the disk when rotation N was answered */
};

static void make_keys(struct scene *s)
{
    static const char *const pems[KEYS] = {SIGN_PEM, SIGN_PEM_2, SIGN_PEM_3};
    for (int i = 0; i < KEYS; i++) {
        assert_int_equal(sign_key_new(slice_text(pems[i]), &s->keys[i]), 0);
        assert_int_equal(sign_key_public(s->keys[i], s->public_keys[i]), 0);
    }
}

static void grow(struct scene *s, uint64_t size)
{
    char record[64];
    while (tree_file_size(s->tree) < size) {
        memset(record, 0, sizeof record);
        (void)snprintf(record, sizeof record, "record %llu",
                       (unsigned long long)tree_file_size(s->tree));
        assert_int_equal(tree_file_add(s->tree, slice_of(record, sizeof record)), 0);
    }
}

/* On a disk whose log has SIZE_FINAL records: they are hashed again as far as needed. */
static int open_with(struct scene *s, struct sign_key *key)
{
    const struct tree_file_options options = {.creation = 1, .size_max = SIZE_FINAL};
    assert_int_equal(tree_file_open(&options, faulty_disk_of(s->disk), &s->tree), 0);
    return tree_signer_open(&s->signer, faulty_disk_of(s->disk), 0, key, true);
}

static void shut(struct scene *s)
{
    tree_signer_close(&s->signer);
    tree_file_free(s->tree);
}

static void begin(struct scene *s)
{
    memset(s, 0, sizeof *s);
    s->disk = faulty_disk_new();
    s->now_us = 1000;
    make_keys(s);
    assert_int_equal(open_with(s, s->keys[0]), 0);
}

static void end(struct scene *s)
{
    shut(s);
    for (int i = 0; i < KEYS; i++)
        sign_key_free(s->keys[i]);
    faulty_disk_free(s->disk);
}

static int sign_at(struct scene *s, uint64_t size)
{
    grow(s, size);
    return tree_signer_sign(&s->signer, s->tree, ++s->now_us);
}

static int rotate(struct scene *s, int to, enum tree_link_kind kind)
{
    struct tree_handover handover = {.kind = kind, .now_us = ++s->now_us};
    struct sign_key *next = s->keys[to];
    int error = tree_signer_rotate(&s->signer, s->tree, &next, &handover);
    if (error == 0)
        s->keys[to] = NULL; /* taken */
    assert_ptr_equal(next, s->keys[to]);
    return error;
}

static void expect_newest_of(const struct scene *s, int key)
{
    assert_memory_equal(s->signer.heads.newest.key, s->public_keys[key], SIGN_PUBLIC_BYTES);
}

TEST(tree_signer, hands_over_with_a_head_of_each_key_at_the_same_size)
{
    struct scene s;
    struct tree_head head;
    begin(&s);
    assert_int_equal(sign_at(&s, 10), 0);
    expect_newest_of(&s, 0);
    grow(&s, 20);
    assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), 0);
    expect_newest_of(&s, 1);
    assert_int_equal(s.signer.heads.count, 3);
    assert_int_equal(tree_heads_read(&s.signer.heads, 1, &head), 0);
    assert_memory_equal(head.key, s.public_keys[0], SIGN_PUBLIC_BYTES);
    assert_int_equal(head.root.size, 20);
    assert_int_equal(s.signer.heads.newest.root.size, 20);
    assert_int_equal(sign_at(&s, 30), 0);
    expect_newest_of(&s, 1);
    end(&s);
}

TEST(tree_signer, takes_no_key_but_the_one_that_the_links_name)
{
    struct scene s;
    begin(&s);
    assert_int_equal(sign_at(&s, 10), 0);
    shut(&s);
    assert_int_equal(open_with(&s, s.keys[1]), -ERR_CONFIG); /* no link leads to it */
    shut(&s);
    assert_int_equal(open_with(&s, s.keys[0]), 0);
    grow(&s, 10);
    assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), 0);
    shut(&s);
    assert_int_equal(open_with(&s, s.keys[0]), -ERR_CONFIG); /* retired */
    shut(&s);
    assert_int_equal(sign_key_new(SLICE(SIGN_PEM_2), &s.keys[1]), 0);
    assert_int_equal(open_with(&s, s.keys[1]), 0);
    assert_int_equal(sign_at(&s, 20), 0);
    end(&s);
}

TEST(tree_signer, refuses_a_key_that_comes_back_and_goes_on_with_the_one_it_has)
{
    struct scene s;
    begin(&s);
    assert_int_equal(sign_at(&s, 10), 0);
    assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), 0);
    assert_int_equal(rotate(&s, 0, TREE_LINK_ROTATION), -ERR_CONFIG);
    assert_non_null(strstr(s.signer.text, "used before"));
    assert_int_equal(sign_at(&s, 20), 0);
    expect_newest_of(&s, 1);
    end(&s);
}

TEST(tree_signer, breaks_when_the_key_is_lost)
{
    struct scene s;
    begin(&s);
    assert_int_equal(sign_at(&s, 10), 0);
    shut(&s);
    assert_int_equal(open_with(&s, NULL), 0);
    grow(&s, 20);
    assert_int_equal(rotate(&s, 1, TREE_LINK_BREAK), 0);
    expect_newest_of(&s, 1);
    assert_int_equal(s.signer.links.chain.links[0].kind, TREE_LINK_BREAK);
    assert_memory_equal(s.signer.links.chain.links[0].old_key, s.public_keys[0], SIGN_PUBLIC_BYTES);
    end(&s);
}

TEST(tree_signer, hands_nothing_over_before_anything_was_signed)
{
    struct scene s;
    begin(&s);
    shut(&s);
    assert_int_equal(open_with(&s, NULL), 0);
    assert_int_equal(rotate(&s, 1, TREE_LINK_BREAK), -ERR_CONFIG);
    end(&s);
}

/* The sync of a link fails, the process ends, the next one finds the link in the cache and signs
 * with its key, and power fails. */
TEST(tree_signer, trusts_no_link_that_a_failed_sync_left_in_the_cache)
{
    struct scene s;
    begin(&s);
    assert_int_equal(sign_at(&s, 10), 0);
    faulty_disk_fail_sync(s.disk, 1);
    assert_true(rotate(&s, 1, TREE_LINK_ROTATION) < 0);
    shut(&s);
    assert_int_equal(open_with(&s, s.keys[1]), 0);
    assert_int_equal(s.signer.links.chain.count, 1);
    shut(&s);
    for (uint64_t seed = 2; seed < 20; seed++) {
        struct faulty_disk *before = s.disk;
        s.disk = faulty_disk_crash(before, faulty_disk_ops_count(before), seed, FAULTY_DISK_NO_WHY);
        assert_int_equal(open_with(&s, NULL), 0);
        assert_int_equal(s.signer.links.chain.count, 1);
        shut(&s);
        faulty_disk_free(s.disk);
        s.disk = before;
    }
    assert_int_equal(open_with(&s, s.keys[1]), 0);
    end(&s);
}

/* Before record 1 is hashed nobody knows which log it is: a head would say that it is another. */
TEST(tree_signer, hands_over_no_tree_without_records)
{
    struct scene s;
    begin(&s);
    memset(s.signer.log_id, 0, sizeof s.signer.log_id);
    assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), -ERR_CONFIG);
    assert_int_equal(s.signer.heads.count, 0);
    memset(s.signer.log_id, 3, sizeof s.signer.log_id);
    assert_int_equal(sign_at(&s, 10), 0);
    assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), 0);
    end(&s);
}

/* Somebody holds the newest head, which went with the power; then the clock is set back. Nobody
 * waits until it has caught up: the head stays good, whoever judges it. */
TEST(tree_signer, changes_the_key_at_once_when_the_clock_was_set_back)
{
    struct scene s;
    struct tree_head held, newest;
    begin(&s);
    assert_int_equal(sign_at(&s, 10), 0);
    assert_int_equal(tree_heads_sync(&s.signer.heads), 0);
    s.now_us = 1000000;
    assert_int_equal(sign_at(&s, 20), 0);
    held = s.signer.heads.newest;
    uint64_t kept = s.signer.heads.count - 1;
    shut(&s);
    assert_true(faulty_disk_set_size(s.disk, "heads-0000", kept * TREE_HEAD_BYTES));
    s.now_us = 5000;
    assert_int_equal(open_with(&s, s.keys[0]), 0);
    grow(&s, 20);
    assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), 0);
    assert_true(s.signer.links.chain.links[0].time_us < held.time_us);
    assert_int_equal(tree_chain_judge(&s.signer.links.chain, &held), CHAIN_OK);
    assert_int_equal(sign_at(&s, 30), 0);
    newest = s.signer.heads.newest;
    assert_int_equal(tree_chain_judge(&s.signer.links.chain, &newest), CHAIN_OK);
    end(&s);
}

/* The log that the links were made over must still be there. */
TEST(tree_signer, signs_nothing_for_a_history_that_is_not_the_one_of_the_links)
{
    struct scene s;
    char record[64] = "another";
    begin(&s);
    assert_int_equal(sign_at(&s, 10), 0);
    assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), 0);
    shut(&s);
    assert_true(faulty_disk_delete(s.disk, "heads-0000"));
    assert_int_equal(sign_key_new(SLICE(SIGN_PEM_2), &s.keys[1]), 0);
    assert_int_equal(open_with(&s, s.keys[1]), 0);
    assert_int_equal(tree_signer_size(&s.signer), 10);
    assert_int_equal(sign_at(&s, 9), -ERR_BUSY);
    assert_int_equal(tree_file_add(s.tree, slice_of(record, sizeof record)), 0);
    assert_int_equal(sign_at(&s, 10), -ERR_CORRUPT);
    end(&s);
}

TEST(tree_signer, opens_no_links_that_were_changed)
{
    struct scene s;
    begin(&s);
    assert_int_equal(sign_at(&s, 10), 0);
    assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), 0);
    assert_int_equal(rotate(&s, 2, TREE_LINK_ROTATION), 0);
    shut(&s);
    for (unsigned at = 0; at < 2 * TREE_LINK_BYTES; at += 7) {
        assert_true(faulty_disk_flip(s.disk, "keys-0000", at, at % 8));
        assert_int_equal(open_with(&s, NULL), -ERR_CORRUPT);
        assert_non_null(strstr(s.signer.text, at < TREE_LINK_BYTES ? "link 1" : "link 2"));
        shut(&s);
        assert_true(faulty_disk_flip(s.disk, "keys-0000", at, at % 8));
    }
    /* Cut: the heads of the last key have no link any more. */
    assert_true(faulty_disk_set_size(s.disk, "keys-0000", TREE_LINK_BYTES));
    assert_int_equal(open_with(&s, NULL), -ERR_CORRUPT);
    assert_non_null(strstr(s.signer.text, "no link leads to the key"));
    end(&s);
}

TEST(tree_signer, stops_when_it_cannot_know_whether_a_link_is_there)
{
    for (int fault = 0; fault < 2; fault++) {
        struct scene s;
        begin(&s);
        assert_int_equal(sign_at(&s, 10), 0);
        if (fault == 0)
            faulty_disk_fail_sync(s.disk, 1);
        else
            faulty_disk_fail_write(s.disk, 2); /* the first is the old key's last head */
        assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), -ERR_IO);
        assert_int_equal(sign_at(&s, 20), -ERR_STOPPED);
        assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), -ERR_STOPPED);
        shut(&s);
        faulty_disk_kill(s.disk);
        assert_int_equal(open_with(&s, NULL), 0);
        uint32_t count = s.signer.links.chain.count;
        shut(&s);
        assert_int_equal(open_with(&s, s.keys[count]), 0); /* the one that the disk says */
        assert_int_equal(sign_at(&s, 20), 0);
        end(&s);
    }
}

/* ---- the published tree (RFC 6962, reference vectors), signed by two keys ---- */

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

static void expect_root(const struct tree_head *head)
{
    char text[2 * SHA256_BYTES + 1];
    for (size_t i = 0; i < SHA256_BYTES; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", head->root.hash.at[i]);
    assert_string_equal(text, reference_roots[head->root.size]);
}

/* The proofs between two heads, whichever key signed each. */
static void expect_proved(struct scene *s, const struct tree_head *old, const struct tree_head *new)
{
    struct merkle_proof path;
    struct merkle_hash leaf;
    assert_int_equal(tree_file_prove_consistency(s->tree, old->root.size, new->root.size, &path),
                     0);
    assert_true(merkle_check_consistency(tree_file_sha(s->tree), &old->root, &new->root, &path));
    for (uint64_t i = 0; i < new->root.size; i++) {
        merkle_leaf(tree_file_sha(s->tree), reference_leaves[i], &leaf);
        assert_int_equal(tree_file_prove_inclusion(s->tree, i, new->root.size, &path), 0);
        assert_true(merkle_check_inclusion(tree_file_sha(s->tree), &leaf, i, &new->root, &path));
    }
}

TEST(tree_signer, signs_the_published_tree_with_two_keys_and_proves_across_both)
{
    for (uint64_t at = 1; at <= 8; at++) {
        struct scene s;
        struct tree_head heads[16];
        size_t count = 0;
        begin(&s);
        for (uint64_t size = 1; size <= 8; size++) {
            assert_int_equal(tree_file_add(s.tree, reference_leaves[size - 1]), 0);
            assert_int_equal(tree_signer_sign(&s.signer, s.tree, ++s.now_us), 0);
            heads[count++] = s.signer.heads.newest;
            if (size == at) {
                assert_int_equal(rotate(&s, 1, TREE_LINK_ROTATION), 0);
                heads[count++] = s.signer.heads.newest;
            }
        }
        for (size_t i = 0; i < count; i++) {
            expect_root(&heads[i]);
            assert_int_equal(tree_chain_judge(&s.signer.links.chain, &heads[i]), CHAIN_OK);
            for (size_t j = i; j < count; j++)
                expect_proved(&s, &heads[i], &heads[j]);
        }
        end(&s);
    }
}

/* ---- a crash at any step ---- */

static void tell(struct scene *s)
{
    begin(s);
    assert_int_equal(sign_at(s, 10), 0);
    for (int i = 1; i < KEYS; i++) {
        assert_int_equal(sign_at(s, (uint64_t)i * 20), 0);
        assert_int_equal(rotate(s, i, TREE_LINK_ROTATION), 0);
        s->rotated_ops[i] = faulty_disk_ops_count(s->disk);
        assert_int_equal(sign_at(s, (uint64_t)i * 20 + 10), 0);
    }
    assert_int_equal(sign_at(s, SIZE_FINAL), 0);
}

static const char *const pems[KEYS] = {SIGN_PEM, SIGN_PEM_2, SIGN_PEM_3};

/* Every head that is whole must be one of a key whose link is there. */
static const char *heads_wrong(struct tree_signer *signer)
{
    for (uint64_t i = 0; i < signer->heads.count; i++) {
        struct tree_head head;
        if (tree_heads_read(&signer->heads, i, &head) == 0 &&
            tree_chain_judge(&signer->links.chain, &head) != CHAIN_OK)
            return "a head is signed by a key that no link names";
    }
    return NULL;
}

/* NULL, or what is wrong with what a crash left. */
static const char *found_wrong(struct faulty_disk *disk, uint32_t rotations_min)
{
    struct scene s = {.disk = disk, .now_us = 1000000};
    const char *wrong = NULL;
    if (open_with(&s, NULL) < 0)
        wrong = "it does not open";
    uint32_t count = s.signer.links.chain.count;
    if (wrong == NULL && count < rotations_min)
        wrong = "a rotation that was answered is lost";
    if (wrong == NULL)
        wrong = heads_wrong(&s.signer);
    shut(&s);
    if (wrong != NULL)
        return wrong;
    struct sign_key *key = NULL;
    assert_int_equal(sign_key_new(slice_text(pems[count]), &key), 0);
    if (open_with(&s, key) < 0 || sign_at(&s, SIZE_FINAL) < 0)
        wrong = "the key that the links name cannot go on";
    shut(&s);
    sign_key_free(key);
    return wrong;
}

static const char *search(const struct scene *s, int ignored_why)
{
    size_t count = faulty_disk_ops_count(s->disk);
    for (size_t ops = 0; ops <= count; ops++)
        for (uint64_t seed = 0; seed < 8; seed++) {
            uint32_t rotations = 0;
            for (uint32_t i = 1; i < KEYS; i++)
                if (s->rotated_ops[i] <= ops)
                    rotations = i;
            struct faulty_disk *after = faulty_disk_crash(s->disk, ops, seed, ignored_why);
            const char *wrong = found_wrong(after, rotations);
            faulty_disk_free(after);
            if (wrong != NULL)
                return wrong;
        }
    return NULL;
}

TEST(tree_signer, any_crash_leaves_the_key_that_must_sign)
{
    static struct scene s;
    tell(&s);
    const char *wrong = search(&s, FAULTY_DISK_NO_WHY);
    if (wrong != NULL)
        fail_msg("%s", wrong);
    end(&s);
}

TEST(tree_signer, needs_both_of_its_syncs)
{
    static struct scene s;
    tell(&s);
    assert_non_null(search(&s, DISK_WHY_LINK));
    assert_non_null(search(&s, DISK_WHY_LINK_NAME));
    end(&s);
}
