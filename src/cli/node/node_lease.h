/* node_lease.h - the lease of the shard that a process works on (--lease, --shard any): it is
 * waited for before anything else is opened, renewed by a thread, and given back at the end.
 *
 * While it does not hold, customers' questions are answered 503 and no more; where it is another's
 * the process ends (NODE_MOVED). Thread: the main one, but as said. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/lease_keeper.h"
#include "base/buf.h"
#include "base/metrics.h"

struct loop_wakeup;

struct node_lease_options {
    const char *url; /* of PostgreSQL; borrowed */
    struct shard_lease_asked asked;
};

/* All zero at first. */
struct node_lease {
    struct shard_lease_store *store; /* owned */
    struct lease_keeper keeper;      /* under the lock, as those down to `wakeup` */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    struct loop_wakeup *wakeup; /* told when it is lost; NULL: nobody */
    pthread_t thread;
    bool running;
    struct metrics_gauge held, term;
    struct metrics_counter renewals, failures;
};

/* Waits until a shard was taken: *ret_shard. 0; -ERR_STOPPED: SIGTERM or SIGINT came; or an error
 * with a sentence in `why`. node_lease_end() is due in any case. */
int node_lease_wait(struct node_lease *lease, const struct node_lease_options *options,
                    uint32_t *ret_shard, struct buf *why);
/* Signals `wakeup` when it is lost, until NULL is said. */
void node_lease_tell(struct node_lease *lease, struct loop_wakeup *wakeup);
/* Thread: any. */
bool node_lease_holds(struct node_lease *lease, struct monotonic now);
bool node_lease_is_lost(struct node_lease *lease);
/* Gives it back, after everything of the shard has ended. */
void node_lease_end(struct node_lease *lease);
/* -ERR_LIMIT. */
int node_lease_register_metrics(struct node_lease *lease, struct metrics *metrics);
