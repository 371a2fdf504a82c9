/* conn_inside.h - the inside of conn.h, shared by conn.c (one connection) and conn_pool.c (all of
 * them). Nobody else may include it. Thread: the loop's. */
#pragma once

#include <stdalign.h>

#include "net/stream/conn.h"
#include "net/stream/outbox.h"

#define CONN_SLAB 64 /* connections taken from the system at once */

enum conn_phase {
    PHASE_FREE = 0,
    PHASE_CONNECTING,
    PHASE_OPEN,
    PHASE_FINISHING,
    PHASE_LINGERING,
    PHASE_CLOSED,
};

struct conn {
    struct conn_pool *pool;
    const struct conn_callbacks *callbacks;
    struct conn_handle handle;
    struct loop_source source;
    uint8_t phase;
    uint8_t reason; /* enum conn_close, from FINISHING on */
    bool paused;
    bool read_ended; /* the peer's FIN was read */
    bool hangup_told;
    bool in_dirty, in_resumed;
    bool blocked; /* the kernel took not all: EPOLLOUT is awaited */
    bool drained_wanted;
    struct conn *dirty_next, *resumed_next, *closed_next; /* closed_next: also the free list */
    struct outbox outbox;
    size_t drained_bytes;
    char *kept; /* owned; NULL when nothing is kept */
    uint32_t kept_begin, kept_end, kept_capacity;
    uint32_t lingered_bytes;
    struct timer deadline_timer;
    struct timer stall_timer; /* write stall; while lingering: its end */
    int64_t deadline_us;      /* 0 = none; the timer may be set earlier than this */
    struct net_address peer;
    alignas(16) char state[CONN_STATE_BYTES];
};

_Static_assert(sizeof(struct conn) <= 2048, "an idle connection costs at most 2 KiB");

struct conn_pool {
    struct loop *loop;
    struct net_limits limits;
    struct net_stats stats;
    struct outbox_pool outboxes;
    struct conn **slabs; /* of CONN_SLAB; NULL = not taken yet */
    uint32_t slabs_max;
    uint32_t conns_count; /* in slabs that were taken */
    struct conn *spare;
    struct conn *dirty, *resumed, *closed;
    struct conn **dirty_tail;
    uint64_t flushed_turn, freed_turn; /* the last turn in which the stage was reached */
    bool freeing;
    char *read_buffer; /* CONN_READ_BYTES */
};

/* A connection in phase FREE from the pool, zeroed but for pool and handle. -ERR_LIMIT,
 * -ERR_MEMORY. */
int conn_pool_take(struct conn_pool *pool, struct conn **ret_conn);
/* Its memory may be reused; handles to it are no longer valid. */
void conn_pool_give(struct conn *conn);
/* The pool's hook of LOOP_STAGE_FLUSH. */
void conn_flush_dirty(void *pool);
/* Frees what was received and not used. */
void conn_free_kept(struct conn *conn);
