/* conn_inside.h - the inside of conn.h, shared by conn*.c and listener.c: one connection, all of
 * them, TLS, and PROXY headers. Nobody else may include it. Thread: the loop's. */
#pragma once

#include <stdalign.h>

#include "net/stream/conn.h"
#include "net/stream/conn_lookup.h"
#include "net/stream/outbox.h"
#include "net/stream/send_wait.h"
#include "net/stream/tls.h"

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
    alignas(64) struct conn_pool *pool; /* what a send touches stands in the first three lines */
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
    bool proxy_awaited; /* no byte is anybody's before the PROXY header */
    bool tls_begun;     /* the first byte came, and it was TLS */
    bool tls_handshaking;
    bool tls_moved; /* the write in progress has sent something */
    bool in_pushed;
    bool patient;            /* all that is queued was pushed */
    struct tls_session *tls; /* owned; NULL: plain */
    struct conn *dirty_next, *pushed_next, *pushed_previous;
    struct outbox outbox;
    struct send_wait waits;
    size_t drained_bytes;
    struct conn *resumed_next, *closed_next; /* closed_next: also the free list */
    struct slice not_tls; /* the answer to plain HTTP where TLS is due; borrowed */
    struct conn *handshake_next, *handshake_previous;
    char *kept; /* owned; NULL when nothing is kept */
    uint32_t kept_begin, kept_end, kept_capacity;
    uint32_t lingered_bytes;
    struct conn_lookup *lookup; /* owned; NULL, but while the peer's name is looked up */
    struct timer deadline_timer;
    struct timer stall_timer; /* write stall; while lingering: its end */
    int64_t deadline_us;      /* 0 = none; the timer may be set earlier than this */
    struct net_address peer;
    alignas(16) char state[CONN_STATE_BYTES];
};

_Static_assert(sizeof(struct conn) <= 2048, "an idle connection costs at most 2 KiB");

/* The lines of a connection, and of the WebSocket that stands in its state, that a send touches. */
static inline void conn_prefetch(const struct conn *conn)
{
    __builtin_prefetch(conn);
    __builtin_prefetch(&conn->dirty_next);
    __builtin_prefetch(&conn->state[64]);
}

struct conn_pool {
    struct loop *loop;
    void (*on_received)(void *owner); /* NULL: nobody wants to know */
    void *on_received_owner;
    struct net_limits limits;
    struct net_stats stats;
    struct outbox_pool outboxes;
    struct conn **slabs; /* of CONN_SLAB; NULL = not taken yet */
    uint32_t slabs_max;
    uint32_t conns_count; /* in slabs that were taken */
    struct conn *spare;
    struct conn *dirty, *resumed, *closed;
    struct conn **dirty_tail;
    struct conn *pushed_first, *pushed_last; /* wait for a slice, the longest waiting first */
    uint64_t flushed_turn, freed_turn;       /* the last turn in which the stage was reached */
    bool freeing;
    char *read_buffer; /* CONN_READ_BYTES */
    char *tls_input;   /* CONN_TLS_INPUT_BYTES, and TLS_RECORD_BYTES_MAX for output; NULL until the
                          first TLS connection */
    struct conn *handshakes_first, *handshakes_last; /* the oldest first */
    uint64_t tls_turn;                               /* in which tls_turn_steps are counted */
    size_t tls_turn_steps;
};

/* What one read of ciphertext may bring: its plain bytes fit the read buffer together with a
 * record of which a part was there before. */
#define CONN_TLS_INPUT_BYTES (CONN_READ_BYTES - TLS_HELD_BYTES_MAX)

/* A connection in phase FREE from the pool, zeroed but for pool and handle. -ERR_LIMIT,
 * -ERR_MEMORY. */
int conn_pool_take(struct conn_pool *pool, struct conn **ret_conn);
/* Its memory may be reused; handles to it are no longer valid. */
void conn_pool_give(struct conn *conn);
/* The pool's hook of LOOP_STAGE_FLUSH. */
void conn_flush_dirty(void *pool);
/* Tells who wants to know that something was read. Answers `got`, or 0: it has ended meanwhile. */
ssize_t conn_tell_received(struct conn *conn, ssize_t got);
/* Frees what was received and not used. */
void conn_free_kept(struct conn *conn);
/* Receives into at[0..bytes) from the kernel; 0: nothing now, the end (read_ended), or closed. */
ssize_t conn_receive_raw(struct conn *conn, char *at, size_t bytes);
/* Asks epoll for what the state needs. */
void conn_ask_events(struct conn *conn);
/* The stall timer of the connection, `ms` from now. */
void conn_arm_stall_timer(struct conn *conn, int64_t ms);
/* Output is to be looked at in this turn or the next. */
void conn_mark_dirty(struct conn *conn);
/* Output is to be looked at when it is this connection's turn. */
void conn_mark_pushed(struct conn *conn);

/* ---- beginning ---- */

/* A connection of that phase that has no socket yet; counted. As conn_pool_take(). */
int conn_begin(struct conn_pool *pool, enum conn_phase phase, const struct net_address *peer,
               const struct conn_callbacks *callbacks, struct conn **ret_conn);
/* Takes a conn_begin() back of which nobody was told. */
void conn_unbegin(struct conn *conn);
/* Its socket, from which these events are asked for. -ERR_IO: the caller still owns fd. */
int conn_attach(struct conn *conn, int fd, uint32_t events);
/* conn_connect.c: epoll says that the connection stands, or failed. */
void conn_connect_ready(struct conn *conn);
/* A connection that never stood is closed: what it still asks for is not wanted any more, and of a
 * name it is the next address' turn. */
void conn_connect_forget(struct conn *conn, enum conn_close reason);

/* ---- conn_tls.c ---- */

/* Plain bytes into the read buffer; as conn_receive_raw(). */
ssize_t conn_tls_receive(struct conn *conn);
/* Whether the handshake may go on in this turn. */
bool conn_tls_may_step(struct conn *conn);
/* A client's first message. */
void conn_tls_connected(struct conn *conn);
/* Goes on with a handshake that waited for room to send. */
void conn_tls_go_on(struct conn *conn);
/* Whether we encrypt what is sent: not for plain ones, nor where the kernel does it. */
bool conn_tls_encrypts(const struct conn *conn);
/* Sends from the outbox; may close. Whether anything was sent. */
bool conn_tls_write(struct conn *conn);
/* The handshake's time is over. */
void conn_tls_too_slow(struct conn *conn);
/* Nothing more is sent: says so. */
void conn_tls_end(struct conn *conn);
/* The connection is closed: what it counted is taken back. */
void conn_tls_forget(struct conn *conn);
/* Frees what the connection has of TLS. */
void conn_tls_free(struct conn *conn);

/* ---- conn_proxy.c ---- */

struct listener;
/* Of a connection on which nobody's layer has begun. */
extern const struct conn_callbacks conn_unbegun_callbacks;
/* The connection waits for its PROXY header. */
void conn_proxy_begin(struct conn *conn, struct listener *listener);
/* Reads at the PROXY header; when it is whole the connection begins for its listener. */
void conn_proxy_read(struct conn *conn);
