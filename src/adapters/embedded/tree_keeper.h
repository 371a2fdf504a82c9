/* tree_keeper.h - the ledger_tree port on tree_file: one thread that hashes what the log has made
 * durable, signs heads, and proves.
 *
 * The log's writer copies each durable group into a ring and goes on; the keeper's thread hashes it
 * while the disk is busy with the next. When the ring is full the writer does not wait: groups are
 * left out, and the thread reads them back from the log (a gap). The same way it catches up after
 * a start, from the size that tree_file kept.
 *
 * A head is signed every `interval_us` when the tree has grown, and at once when a proof needs one,
 * but not more often than `on_demand_per_s`: then the proof is refused. While the key is away
 * (tree_signer.h) there are no heads; it is asked again every TREE_SIGN_RETRY_US. Heads are kept in
 * `heads-SSSS` beside the tiles, 192 bytes each (docs/LEDGER.md, "Signed tree heads"), and appended
 * as a line of base64 to `heads_file`, which may be on another volume. Before the first is signed,
 * the newest that is kept is checked against the tree: a history that was rewritten gets no
 * signature.
 *
 * Order of ends: tree_keeper_detach, the log's free, tree_keeper_free. */
#pragma once

#include "adapters/embedded/disk.h"
#include "adapters/embedded/tree_log.h"
#include "base/buf.h"
#include "ports/ledger_tree.h"

#define TREE_RING_BYTES         (8u << 20)
#define TREE_KEEPER_TEXT_BYTES  192
#define TREE_SIGN_RETRY_US      1000000
#define TREE_CHECKPOINT_RECORDS (1u << 18) /* at most so many are hashed again after a crash */

struct tree_keeper;

struct tree_keeper_options {
    uint32_t shard;
    struct sign_key *key; /* borrowed until free; NULL: no heads, so no proofs */
    int64_t interval_us;
    int64_t on_demand_per_s;     /* heads that proofs may ask for; also at once; 0: none */
    const char *heads_file;      /* borrowed until free; NULL: none */
    uint64_t checkpoint_records; /* 0: TREE_CHECKPOINT_RECORDS */
    size_t ring_bytes; /* a multiple of 4096, RECORD_BYTES_MAX or more; 0: TREE_RING_BYTES */
    /* Microseconds of the wall clock or of monotonic time; NULL: the system's. */
    int64_t (*clock_us)(void *owner, bool wall);
    void *clock_owner;
    /* Opens the key that a rotation asks for; `links`: how many there are. Called on the tree's
     * thread; may block. 0, or an error with a sentence in `why`. NULL: no rotations. */
    int (*next_key)(void *owner, const struct tree_rotate *rotate, uint32_t links,
                    struct sign_key **ret_key, struct buf *why);
    void *next_key_owner;
};

/* 0 or -ERR_MEMORY. */
int tree_keeper_new(const struct tree_keeper_options *options, struct tree_keeper **ret_keeper);
/* For struct ledger_file_options. Thread of the call: the log's writer. */
struct ledger_follower tree_keeper_follower(struct tree_keeper *keeper);
/* `log` is an open ledger_file that has not been appended to; both are borrowed until free (the
 * log: until detach). 0, or an error with a sentence in ret_text: -ERR_CORRUPT when the log is
 * shorter than what was hashed or signed before; -ERR_CONFIG when the key is not the one to sign;
 * else as tree_file_open() and tree_signer_open(). A key that is away is no error. */
int tree_keeper_start(struct tree_keeper *keeper, struct disk *disk, struct ledger_log *log,
                      char ret_text[TREE_KEEPER_TEXT_BYTES]);
/* The same without a thread, for the simulator and tests: the log ends at record `tail`, and the
 * caller steps. A log that is open shows every record that the follower was told of. */
int tree_keeper_open(struct tree_keeper *keeper, struct disk *disk, const struct tree_log *log,
                     uint64_t tail, char ret_text[TREE_KEEPER_TEXT_BYTES]);
/* One piece of what the thread would do: an ask, a batch of the ring, or a whole gap; then a head
 * when one is due. Never waits. */
void tree_keeper_step(struct tree_keeper *keeper);
/* Ends a keeper without a thread as a crash does: nothing more is written. */
void tree_keeper_abandon(struct tree_keeper *keeper);
struct ledger_tree *tree_keeper_tree(struct tree_keeper *keeper);
/* The log is not read any more when this returns. */
void tree_keeper_detach(struct tree_keeper *keeper);
/* Hashes what is in the ring, signs, makes all durable. Asks that wait get no callback. */
void tree_keeper_free(struct tree_keeper *keeper); /* accepts NULL */

/* No head covers a record above `seq` from now on; UINT64_MAX, as at first: any may be signed. A
 * head is a promise to whoever has it, so it waits for all copies that must not lose the record.
 * Thread: any. */
void tree_keeper_confirm(struct tree_keeper *keeper, uint64_t seq);

/* Tiles on disk were found damaged: with this process's end the tree is given up, and the next
 * start makes it of the log again. Until then no proof is given that does not check. Thread: any.
 */
void tree_keeper_distrust(struct tree_keeper *keeper);

/* Counters since start. Thread: any. */
struct tree_keeper_stats {
    uint64_t size;          /* records hashed */
    uint64_t behind;        /* durable and not hashed */
    uint64_t heads;         /* signed */
    uint64_t proofs;        /* entries proved */
    uint64_t groups_left;   /* groups that found the ring full */
    uint64_t gaps;          /* times that the log was read back */
    uint64_t asks_busy;     /* TREE_ASKS_MAX */
    uint64_t anchor_errors; /* heads that did not get into heads_file */
    uint64_t heads_limited; /* asks refused by on_demand_per_s */
    uint64_t links;         /* of signing keys */
    int sign_problem;       /* why there is no newer head now (sign.h); 0: none */
    char sign_text[TREE_KEEPER_TEXT_BYTES];
    int error; /* why there are no more heads and proofs; 0: none */
};
void tree_keeper_stats(struct tree_keeper *keeper, struct tree_keeper_stats *ret_stats);
/* Waits until everything durable is hashed, or the keeper stopped; 0 or its error. For offline
 * tools and tests. */
int tree_keeper_catch_up(struct tree_keeper *keeper);
