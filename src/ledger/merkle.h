/* merkle.h - the Merkle tree over a shard's records (L8): hashes, roots and proofs of RFC 6962
 * section 2.1, which RFC 9162 section 2.1 repeats.
 *
 * A leaf is SHA-256(0x00 || record), a node SHA-256(0x01 || left || right), the root of the empty
 * tree SHA-256 of nothing. Leaf i is record i + 1. Nodes are named by level and index: node
 * (l, i) is the root of the 2^l leaves from i * 2^l on, all of them there. Such a node never
 * changes, so whoever keeps them (adapters/embedded/tree_file.h) gives them through a
 * merkle_source, and the ragged right edge is computed here.
 * Pure, but for the hash context, which is the caller's. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "crypto/sha256.h"

#define MERKLE_SIZE_MAX  (UINT64_C(1) << 62) /* leaves */
#define MERKLE_LEVELS    63
#define MERKLE_PROOF_MAX 64 /* hashes of one proof of a tree below MERKLE_SIZE_MAX */

struct merkle_hash {
    unsigned char at[SHA256_BYTES];
};

/* Nothing here is secret: the time may tell where they differ. */
bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b);
/* SHA-256(0x00 || record). */
void merkle_leaf(struct sha256 *sha, struct slice record, struct merkle_hash *ret);
/* SHA-256(0x01 || left || right); ret may be one of the two. */
void merkle_node(struct sha256 *sha, const struct merkle_hash *left,
                 const struct merkle_hash *right, struct merkle_hash *ret);

/* A tree that only grows: the roots of its complete subtrees, one per bit of the size. */
struct merkle_range {
    uint64_t size;
    struct merkle_hash peaks[MERKLE_LEVELS]; /* [l] is set when bit l of size is */
};

/* Adds a leaf. The nodes that it completes, of levels 0 (the leaf itself) to the answer - 1, are
 * written to ret_made: each has the index (size before >> level). */
unsigned merkle_append(struct merkle_range *range, struct sha256 *sha,
                       const struct merkle_hash *leaf, struct merkle_hash ret_made[MERKLE_LEVELS]);
void merkle_range_root(const struct merkle_range *range, struct sha256 *sha,
                       struct merkle_hash *ret);

/* Where complete nodes come from. A negative answer ends what was asked for with it. */
struct merkle_source {
    int (*node)(void *owner, unsigned level, uint64_t index, struct merkle_hash *ret);
    void *owner;
    struct sha256 *sha;
};

struct merkle_proof {
    uint32_t count;
    struct merkle_hash hashes[MERKLE_PROOF_MAX]; /* as RFC 6962 orders them */
};

/* What a signed head says of a tree. */
struct merkle_root {
    uint64_t size;
    struct merkle_hash hash;
};

/* The range of the first `size` leaves: what an append continues with. 0, or the source's error,
 * as the functions below. */
int merkle_range_of(const struct merkle_source *source, uint64_t size, struct merkle_range *ret);
/* index < size <= MERKLE_SIZE_MAX, else a programmer error. */
int merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                           struct merkle_proof *ret);
/* from <= to; an empty proof when from is 0 or equal. */
int merkle_prove_consistency(const struct merkle_source *source, uint64_t from, uint64_t to,
                             struct merkle_proof *ret);

/* Is this the leaf `index` of the tree (RFC 9162 section 2.1.3.2)? Everything may be hostile. */
bool merkle_check_inclusion(struct sha256 *sha, const struct merkle_hash *leaf, uint64_t index,
                            const struct merkle_root *root, const struct merkle_proof *proof);
/* Does `to` begin with all of `from` (RFC 9162 section 2.1.4.2)? Everything may be hostile. */
bool merkle_check_consistency(struct sha256 *sha, const struct merkle_root *from,
                              const struct merkle_root *to, const struct merkle_proof *proof);
