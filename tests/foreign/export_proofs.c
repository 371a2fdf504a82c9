/* export_proofs.c - proofs by the production tree on disk, as lines for verifiers of others:
 *
 *   I RECORD INDEX SIZE ROOT HASH,HASH..        (inclusion)
 *   C FROM ROOT TO ROOT HASH,HASH..             (consistency)
 *
 * Everything but the numbers is hexadecimal; no hash is "-". Usage: export-proofs DIRECTORY COUNT
 */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/embedded/tree_file.h"
#include "base/error.h"
#include "base/prng.h"

#define LEAVES 70000

static void die(const char *what, int error)
{
    (void)fprintf(stderr, "export-proofs: %s: %s\n", what, error_text(error));
    exit(1);
}

static void put_hex(const void *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        (void)printf("%02x", ((const unsigned char *)at)[i]);
}

static void put_path(const struct merkle_proof *proof)
{
    (void)printf(proof->count == 0 ? " -" : " ");
    for (uint32_t i = 0; i < proof->count; i++) {
        if (i > 0)
            (void)printf(",");
        put_hex(proof->hashes[i].at, sizeof proof->hashes[i].at);
    }
    (void)printf("\n");
}

static size_t record_of(uint64_t index, unsigned char ret_record[64])
{
    struct prng prng;
    prng_seed(&prng, index);
    for (size_t i = 0; i < 64; i++)
        ret_record[i] = (unsigned char)prng_next(&prng);
    return (size_t)(index % 64); /* the empty record too */
}

static void put_root(struct tree_file *tree, uint64_t size)
{
    struct merkle_root root;
    if (tree_file_root(tree, size, &root) < 0)
        die("root", -ERR_IO);
    (void)printf("%llu ", (unsigned long long)size);
    put_hex(root.hash.at, sizeof root.hash.at);
}

static void put_inclusion(struct tree_file *tree, uint64_t index, uint64_t size)
{
    unsigned char record[64];
    struct merkle_proof proof;
    size_t bytes = record_of(index, record);
    if (tree_file_prove_inclusion(tree, index, size, &proof) < 0)
        die("inclusion", -ERR_IO);
    (void)printf("I %s", bytes == 0 ? "-" : "");
    put_hex(record, bytes);
    (void)printf(" %llu ", (unsigned long long)index);
    put_root(tree, size);
    put_path(&proof);
}

static void put_consistency(struct tree_file *tree, uint64_t from, uint64_t to)
{
    struct merkle_proof proof;
    if (tree_file_prove_consistency(tree, from, to, &proof) < 0)
        die("consistency", -ERR_IO);
    (void)printf("C ");
    put_root(tree, from);
    (void)printf(" ");
    put_root(tree, to);
    put_path(&proof);
}

int main(int argc, char **argv)
{
    struct disk *disk = NULL;
    struct tree_file *tree = NULL;
    const struct tree_file_options options = {.creation = 1, .size_max = LEAVES};
    unsigned char record[64];
    struct prng prng;
    if (argc != 3)
        die("usage: export-proofs DIRECTORY COUNT", -ERR_CONFIG);
    int error = disk_open_directory(argv[1], &disk);
    if (error == 0)
        error = tree_file_open(&options, disk, &tree);
    while (error == 0 && tree_file_size(tree) < LEAVES)
        error = tree_file_add(tree, slice_of(record, record_of(tree_file_size(tree), record)));
    if (error < 0)
        die(argv[1], error);
    for (uint64_t size = 1; size <= 17; size++) /* all of the small ones */
        for (uint64_t at = 0; at < size; at++) {
            put_inclusion(tree, at, size);
            put_consistency(tree, at + 1, size);
        }
    for (uint64_t size = 18; size <= 300; size++) { /* every record, every root */
        put_inclusion(tree, size - 1, size);
        put_consistency(tree, size - 1, size);
    }
    prng_seed(&prng, 1);
    for (long i = strtol(argv[2], NULL, 10); i > 0; i--) {
        uint64_t size = 1 + prng_next(&prng) % LEAVES;
        put_inclusion(tree, prng_next(&prng) % size, size);
        put_consistency(tree, 1 + prng_next(&prng) % size, size);
    }
    tree_file_free(tree);
    disk_free(disk);
    return 0;
}
