/* node_handover.h - a newer process takes over from the one that runs (docs/OPERATIONS.md,
 * "Upgrades"): the listening sockets, so that nobody who connects is refused, and the numbers of
 * the streams, so that nobody who follows them misses a version. One at a time has the ledger: its
 * lock goes from one to the other. Thread: the main one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/metrics.h"
#include "cli/node/handover_wire.h"
#include "cli/node/node_listen.h"
#include "net/http/http_server.h"
#include "net/loop/loop.h"
#include "net/stream/net_address.h"
#include "net/stream/shared_bytes.h"

#define HANDOVER_GREETING_MS                                                                       \
    10000                         /* from its connecting to its HELLO, and our wait for sockets    \
                                   */
#define HANDOVER_GO_MS     60000  /* from then to its GO: it reads its keys and certificates */
#define HANDOVER_SETTLE_MS 250    /* at least: who connected before has sent a request by then */
#define HANDOVER_ENDING_MS 2000   /* at most: then everyone is sent away all the same */
#define HANDOVER_DRAIN_MS  3000   /* connections that are open after it are cut */
#define HANDOVER_STATE_MS  10000  /* the successor takes the state */
#define HANDOVER_WAIT_MS   120000 /* the successor waits for it */

struct book;
struct backoffice;
struct node_fronts;
struct node_uof;

/* What the old process does of its own. Borrowed, all of them. */
struct node_handover_parts {
    const char *data;
    struct loop *loop;
    struct http_server *admin_server;
    struct node_fronts *fronts;
    unsigned fronts_count;
    struct book *book;
    struct backoffice *backoffice;
    struct node_uof *uof;
    void (*drain)(void *owner, int64_t deadline_ms); /* the servers, unless that has begun */
    void *owner;
};

struct node_handover_stats {
    struct metrics_counter offered; /* sockets were given to a newer process */
    struct metrics_counter
        refused; /* it hung up, was too slow, was another user's, said nonsense */
};

struct node_handover {
    /* the new process */
    int inherited[HANDOVER_LISTENER_KINDS]
                 [HANDOVER_FRONTS_MAX]; /* by enum handover_listener; 0: none */
    struct shared_bytes
        *states[HANDOVER_FRONTS_MAX]; /* owned; of the streams, checked; NULL: none */
    unsigned states_count;
    int taken_fd; /* while the old one still runs; 0: none */
    /* the old process */
    struct node_handover_parts parts;
    enum handover_stage stage;
    struct loop_source listening, peer; /* .fd 0: none */
    struct timer deadline;
    int64_t ending_us; /* when GO came */
    char in[HANDOVER_HEAD_BYTES + HANDOVER_SMALL_BYTES_MAX];
    size_t in_bytes;
    struct shared_bytes *numbers[HANDOVER_FRONTS_MAX]; /* owned; what is handed over */
    struct node_handover_stats stats;
};

/* What the new process was told to listen at. */
struct node_handover_wanted {
    const struct net_address
        *addresses[HANDOVER_LISTENER_KINDS]; /* NULL: it has no such listener */
    unsigned fronts; /* each with a socket of its own at the public addresses */
};

/* The new process: asks the one that runs on this data for its listening sockets, and has it end.
 * 0, also when none runs there (nothing is inherited then); an error with a sentence in `why`:
 * before `GO` the old one goes on as before. */
int node_handover_ask(struct node_handover *handover, const char *data,
                      const struct node_handover_wanted *wanted, struct buf *why);
/* Then, when all that can be known without the ledger is good: GO; waits until the old one has let
 * go of it. No way back from here. */
int node_handover_go(struct node_handover *handover, struct buf *why);

/* The old process, from its being ready on: listens for a successor. -ERR_IO: there is none then.
 */
int node_handover_open(struct node_handover *handover, const struct node_handover_parts *parts);
/* At the end of each turn. */
void node_handover_turn(struct node_handover *handover);
/* The loop has ended, the servers are still there: no successor is listened for any more. */
void node_handover_close(struct node_handover *handover);
/* The fronts have stopped: takes what they have to say to a successor. */
void node_handover_take_numbers(struct node_handover *handover);
/* All files are closed: a successor that waits may open them. Gives back what is owned. */
void node_handover_end(struct node_handover *handover);

/* 0 or -ERR_LIMIT. */
int node_handover_register_metrics(struct node_handover *handover, struct metrics *metrics);
