/* tree_file.h - the Merkle tree of one shard as tiles on disk, without threads.
 *
 * One file per tile level: `tree-SSSS-L` holds the hashes of the complete subtrees of 256^L
 * records, 32 bytes each, in order; 256 of them are a tile (8 KiB), and only complete tiles are
 * final. The levels between are computed from a tile when they are asked for. `tree-SSSS` names the
 * size that the files are good for; it is replaced after they were synced (docs/LEDGER.md, "The
 * tree on disk").
 *
 * Everything here is derived from the log: what is missing or wrong is made again. Thread: one at
 * a time. Memory: 4 MiB, fixed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "ledger/merkle.h"

#define TREE_FILE_LEVELS     8
#define TREE_FILE_TILE       256 /* hashes */
#define TREE_FILE_NAME_BYTES 32

struct tree_file;

/* What `tree-SSSS` says. */
struct tree_file_state {
    uint64_t creation, size;
    struct merkle_hash root;
};
/* 0; -ERR_NOT_FOUND; -ERR_CORRUPT; or the disk's error. */
int tree_file_state_read(struct disk *disk, uint32_t shard, struct tree_file_state *ret);
/* Each into TREE_FILE_NAME_BYTES. */
void tree_file_state_name(uint32_t shard, char *ret_name);
void tree_file_level_name(uint32_t shard, unsigned level, char *ret_name);

struct tree_file_options {
    uint32_t shard;
    uint64_t creation; /* of the log; a tree of another log is made anew */
    uint64_t size_max; /* records of the log: a tree of more is not of this log's past */
    bool read_only;    /* nothing is made: what is not there is an empty tree */
};

/* Opens or begins. What does not fit together is begun again from nothing, which
 * tree_file_size() shows. 0; -ERR_CORRUPT: the tree covers more records than the log has, so the
 * log has lost some (nothing is changed); -ERR_BUSY: another process has it; or the disk's error.
 * The disk is borrowed until free. */
int tree_file_open(const struct tree_file_options *options, struct disk *disk,
                   struct tree_file **ret_tree);
void tree_file_free(struct tree_file *tree); /* accepts NULL; does not sync */

/* Leaves so far: the next record is number size + 1. */
uint64_t tree_file_size(const struct tree_file *tree);
/* What tree_file_open() found on disk: later records were added since. */
uint64_t tree_file_size_found(const struct tree_file *tree);
/* Appends a leaf. 0, or the disk's error; after one the tree is of no use until opened again. */
int tree_file_add(struct tree_file *tree, struct slice record);
/* Makes the tree as it is now durable. Errors as add. */
int tree_file_checkpoint(struct tree_file *tree);
/* Forgets what is on disk, so that the next open begins again: proofs did not check. No checkpoint
 * is made any more. */
void tree_file_distrust(struct tree_file *tree);

/* Root of the first `size` leaves. 0 or the disk's error, as the two below; -ERR_CORRUPT: a hash
 * that it is made of is damaged. */
int tree_file_root(struct tree_file *tree, uint64_t size, struct merkle_root *ret);
int tree_file_prove_inclusion(struct tree_file *tree, uint64_t index, uint64_t size,
                              struct merkle_proof *ret);
int tree_file_prove_consistency(struct tree_file *tree, uint64_t from, uint64_t to,
                                struct merkle_proof *ret);
/* For audits: a node that is kept or computed from kept ones. */
int tree_file_node(struct tree_file *tree, unsigned height, uint64_t index,
                   struct merkle_hash *ret);
struct sha256 *tree_file_sha(struct tree_file *tree);
