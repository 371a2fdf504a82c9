/* ledger_tree.h - the port of proofs: the Merkle tree over one shard's durable records, its
 * signed heads, and proofs against them (L8).
 *
 * The tree follows the log and may be behind it; no append waits for it. The caller owns a struct
 * tree_ask until its one callback, which never runs inside the submitting call, only inside
 * poll(). Thread: the owner's, but for what says otherwise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "ledger/tree_head.h"

#define TREE_ASKS_MAX        64 /* under way */
#define TREE_ASK_RECORDS_MAX 64

/* One record to be proved. */
struct tree_entry {
    uint64_t seq;              /* leaf seq - 1 */
    struct slice record;       /* its bytes; borrowed until the callback */
    struct merkle_proof *path; /* written; borrowed until the callback */
};

struct tree_ask {
    const struct tree_entry *entries; /* borrowed until the callback */
    uint32_t count;                   /* at most TREE_ASK_RECORDS_MAX; 0: the head alone */
    bool consistency;                 /* prove that the head begins with the tree of `from` */
    uint64_t from;
    /* error: 0; -ERR_BUSY: the tree does not cover it yet, ask again; -ERR_NOT_FOUND: `from` is
     * above the head's size, or there is no head; -ERR_CORRUPT: a proof does not check;
     * -ERR_STOPPED, -ERR_IO: no proofs any more. What is below is written when error is 0. */
    void (*on_done)(struct tree_ask *ask, int error);
    void *owner;

    unsigned char head[TREE_HEAD_BYTES]; /* the newest, which all paths lead to */
    struct merkle_proof consistency_path;
};

struct ledger_tree;

struct ledger_tree_ops {
    /* 0, or -ERR_BUSY when TREE_ASKS_MAX are under way. */
    int (*ask)(struct ledger_tree *tree, struct tree_ask *ask);
    /* The newest head; false when there is none yet. */
    bool (*newest)(struct ledger_tree *tree, unsigned char ret_head[TREE_HEAD_BYTES]);
    /* Runs the callbacks of what was done. Called after `notify`. */
    void (*poll)(struct ledger_tree *tree);
};

struct ledger_tree {
    const struct ledger_tree_ops *ops;
    /* Set by the owner before the start: called from any thread when poll() has work or there is
     * a new head. */
    void (*notify)(void *notify_owner);
    void *notify_owner;
};
