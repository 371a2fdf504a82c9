/* scrub_tree.h - reads the tiles of a shard's tree, in small steps, and hashes them: each complete
 * tile must give the hash that stands above it, and what is left at the right edge the root that
 * the state names, which the log was hashed to (docs/LEDGER.md, "The tree on disk"). Beside the
 * keeper, which only adds behind what the state names. Thread: one. */
#pragma once

#include "adapters/embedded/tree_file.h"

#define SCRUB_TREE_STEP_TILES 32

struct scrub_tree {
    struct disk *disk;  /* borrowed, from begin to the end */
    struct sha256 *sha; /* owns */
    uint32_t shard;
    struct tree_file_state state;
    int files[TREE_FILE_LEVELS]; /* -1: closed */
    unsigned level;
    uint64_t tile;
    const char *problem;             /* behind -ERR_CORRUPT: static, */
    uint64_t problem_at;             /* its byte, */
    char name[TREE_FILE_NAME_BYTES]; /* and the file */
    struct merkle_hash hashes[TREE_FILE_TILE];
};

/* In the caller's memory. 0, -ERR_MEMORY or -ERR_CRYPTO; scrub_tree_done() in any case. */
int scrub_tree_init(struct scrub_tree *scrub);
void scrub_tree_done(struct scrub_tree *scrub);
/* 0; -ERR_NOT_FOUND: there is no tree; -ERR_CORRUPT: its state is damaged; or the disk's error. */
int scrub_tree_begin(struct scrub_tree *scrub, struct disk *disk, uint32_t shard);
/* Reads SCRUB_TREE_STEP_TILES at most, *ret_bytes. 1: there is more; 0: all of it is good;
 * -ERR_CORRUPT or the disk's error. Then nothing is open. */
int scrub_tree_step(struct scrub_tree *scrub, uint64_t *ret_bytes);
