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
#include "ledger/tree_link.h"

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
     * -ERR_ABSENT: it needs a newer head, and the signing key is away; -ERR_LIMIT: the same, and so
     * many heads were asked for that the next comes at its time; -ERR_STOPPED, -ERR_IO: no proofs
     * any more. What is below is written when error is 0. */
    void (*on_done)(struct tree_ask *ask, int error);
    void *owner;

    unsigned char head[TREE_HEAD_BYTES]; /* the newest, which all paths lead to */
    struct merkle_proof consistency_path;
};

/* Where a signing key lies. */
enum tree_key_place { TREE_KEY_FILE = 1, TREE_KEY_TOKEN };

#define TREE_ROTATE_LABEL_BYTES 65 /* with its end */
#define TREE_ROTATE_TEXT_BYTES  192

/* A change of the signing key (ledger/tree_link.h). The caller's until its one callback. */
struct tree_rotate {
    enum tree_key_place to;              /* a new key file, or a key that is in the token */
    char label[TREE_ROTATE_LABEL_BYTES]; /* of the token's key; "": the configured one */
    bool lost;                           /* the old key signs no more: a break */
    /* error: 0: the link is durable and the new key signs. -ERR_ABSENT: a key is away;
     * -ERR_CONFIG, -ERR_LIMIT: it cannot be done; each with `text`, and nothing changed. -ERR_BUSY:
     * the tree is behind. Else no heads any more until a restart. */
    void (*on_done)(struct tree_rotate *rotate, int error);
    void *owner;

    unsigned char link[TREE_LINK_BYTES]; /* written when error is 0 */
    char text[TREE_ROTATE_TEXT_BYTES];
};

struct ledger_tree;

struct ledger_tree_ops {
    /* 0, or -ERR_BUSY when TREE_ASKS_MAX are under way. */
    int (*ask)(struct ledger_tree *tree, struct tree_ask *ask);
    /* The newest head; false when there is none yet. */
    bool (*newest)(struct ledger_tree *tree, unsigned char ret_head[TREE_HEAD_BYTES]);
    /* The links of the signing keys from number `from` on are copied to ret_links, which has room
     * for TREE_LINKS_MAX. Answers how many there are; they never change. A link is there before a
     * head of its new key. */
    uint32_t (*links)(struct ledger_tree *tree, uint32_t from,
                      unsigned char (*ret_links)[TREE_LINK_BYTES]);
    /* 0, or -ERR_BUSY: another one is under way. */
    int (*rotate)(struct ledger_tree *tree, struct tree_rotate *rotate);
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
