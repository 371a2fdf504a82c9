/* bench_tree.c - the Merkle tree alone: hashing, and the proof of any record. JSON on stdout.
 *
 *   bench-tree DIRECTORY [RECORDS]
 *
 * Records of 328 bytes, as a bet's, into the tiles on disk with their checkpoints; then proofs of
 * records drawn by a seeded sequence, against the whole tree: opened again, so that no tile is in
 * memory, and with the kernel's cache dropped for these files where `cold`. A proof includes its
 * check, as the server does it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/embedded/tree_file.h"
#include "adapters/embedded/tree_keeper.h"
#include "base/error.h"
#include "base/histogram.h"
#include "base/prng.h"

#define RECORD_BYTES 328
#define PROOFS       5000

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what, int error)
{
    fprintf(stderr, "bench-tree: %s: %s\n", what, error_text(error));
    exit(1);
}

static struct slice record_of(uint64_t index)
{
    static uint64_t record[RECORD_BYTES / 8];
    record[0] = index;
    record[7] = index * UINT64_C(0x9E3779B97F4A7C15);
    return slice_of(record, sizeof record);
}

static struct tree_file *open_tree(struct disk *disk, uint64_t records)
{
    const struct tree_file_options options = {.creation = 1, .size_max = records};
    struct tree_file *tree = NULL;
    int error = tree_file_open(&options, disk, &tree);
    if (error < 0)
        die("tree", error);
    return tree;
}

static double fill(struct tree_file *tree, uint64_t records)
{
    int64_t begun = now_ns();
    uint64_t added = records - tree_file_size(tree);
    int error = 0;
    while (error == 0 && tree_file_size(tree) < records) {
        error = tree_file_add(tree, record_of(tree_file_size(tree)));
        if (error == 0 && tree_file_size(tree) % TREE_CHECKPOINT_RECORDS == 0)
            error = tree_file_checkpoint(tree);
    }
    if (error == 0)
        error = tree_file_checkpoint(tree);
    if (error < 0)
        die("add", error);
    return (double)added * 1e9 / (double)(now_ns() - begun);
}

static int drop_one(void *owner, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", (const char *)owner, name);
    int fd = open(path, O_RDONLY);
    if (fd >= 0) {
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    return 0;
}

static void prove(struct tree_file *tree, uint64_t index, const struct merkle_root *root)
{
    struct merkle_proof proof;
    struct merkle_hash leaf;
    int error = tree_file_prove_inclusion(tree, index, root->size, &proof);
    if (error < 0)
        die("proof", error);
    merkle_leaf(tree_file_sha(tree), record_of(index), &leaf);
    if (!merkle_check_inclusion(tree_file_sha(tree), &leaf, index, root, &proof))
        die("proof", -ERR_CORRUPT);
}

static void prove_many(struct disk *disk, uint64_t records, bool cold, char *directory)
{
    static struct histogram times;
    struct merkle_root root;
    struct prng prng;
    struct tree_file *tree = open_tree(disk, records);
    prng_seed(&prng, 1);
    histogram_reset(&times);
    int error = tree_file_root(tree, records, &root);
    if (error < 0)
        die("root", error);
    for (int i = 0; i < PROOFS; i++) {
        uint64_t index = prng_next(&prng) % records;
        if (cold)
            (void)disk->ops->list(disk, drop_one, directory);
        int64_t begun = now_ns();
        prove(tree, index, &root);
        histogram_record(&times, (uint64_t)(now_ns() - begun));
        if (cold && i == PROOFS / 10)
            break;
    }
    printf("\"%s_p50_us\":%.1f,\"%s_p99_us\":%.1f,\"%s_max_us\":%.1f%s", cold ? "cold" : "proof",
           (double)histogram_percentile(&times, 5000) / 1e3, cold ? "cold" : "proof",
           (double)histogram_percentile(&times, 9900) / 1e3, cold ? "cold" : "proof",
           (double)times.max / 1e3, cold ? "}\n" : ",");
    tree_file_free(tree);
}

int main(int argc, char **argv)
{
    struct disk *disk = NULL;
    uint64_t records = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
    if (argc < 2 || records == 0) {
        fprintf(stderr, "usage: bench-tree DIRECTORY [RECORDS]\n");
        return 2;
    }
    int error = disk_open_directory(argv[1], &disk);
    if (error < 0)
        die(argv[1], error);
    struct tree_file *tree = open_tree(disk, records);
    double per_second = fill(tree, records);
    tree_file_free(tree);
    printf("{\"bench\":\"tree\",\"records\":%llu,\"hashed_per_s\":%.0f,",
           (unsigned long long)records, per_second);
    prove_many(disk, records, false, argv[1]);
    prove_many(disk, records, true, argv[1]);
    disk_free(disk);
    return 0;
}
