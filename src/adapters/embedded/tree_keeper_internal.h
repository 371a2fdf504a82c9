/* tree_keeper_internal.h - the parts of a keeper, shared by the files tree_keeper*.c only. */
#pragma once

#include <pthread.h>

#include "adapters/embedded/tree_file.h"
#include "adapters/embedded/tree_keeper.h"
#include "adapters/embedded/tree_signer.h"
#include "base/rate.h"

struct tree_keeper {
    struct ledger_tree tree;
    struct tree_keeper_options options;
    struct tree_log log; /* not after detached */
    pthread_t thread;
    bool opened, started;

    /* The thread's own. */
    struct tree_file *file; /* owned */
    struct tree_signer signer;
    struct rate on_demand;
    int64_t retry_us; /* the key was away: not before */
    char *record;     /* one that goes round the ring's end */
    size_t ring_bytes;
    uint64_t checkpoint_size;
    int64_t signed_us;
    uint64_t gap_end, visited;
    uint64_t tail_found; /* the log's, when it was opened */

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake, calm;
    char *ring; /* owned; ring_bytes */
    uint64_t in, out;
    bool putting;       /* the writer copies to `in` */
    uint64_t ring_next; /* the number that the ring takes next */
    uint64_t durable;
    bool distrusted;    /* atomic */
    uint64_t confirmed; /* the thread looks at it without the lock, too */
    bool detached, reading, closing;
    bool torn; /* detached in a gap: what is in the ring does not follow any more */
    struct tree_ask *waiting[TREE_ASKS_MAX];
    struct {
        struct tree_ask *ask;
        int error;
    } done[TREE_ASKS_MAX];
    uint64_t waiting_in, waiting_out, done_in, done_out;
    unsigned asks_under_way;
    struct tree_rotate *rotate; /* waits, or is under way */
    struct tree_rotate *rotated;
    int rotated_error;
    bool head_any;
    unsigned char head[TREE_HEAD_BYTES];
    uint32_t links_count;
    unsigned char links[TREE_LINKS_MAX][TREE_LINK_BYTES];
    struct tree_keeper_stats stats;
};

extern const struct ledger_tree_ops tree_keeper_ops;
