/* net_limits.h - every limit of the net layer by name, and how often each was reached.
 *
 * A limit that is reached refuses, pauses or closes, as said beside it; nothing grows past it
 * (DESIGN S2). net_stats is read by /metrics as overround_limit_reached_total{limit=NAME}.
 * Thread: the loop's; a reader on another thread may see a torn set of counters, never a torn
 * counter. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* X(type, name, default): what happens at the limit.                                             */
#define NET_LIMIT_LIST(X)                                                                          \
    /* connections open at once: the refusal is sent and the new one is closed */                  \
    X(size_t, connections_max, 20000)                                                              \
    /* accepted in one turn: the rest waits in the kernel for the next turn */                     \
    X(size_t, accepts_per_turn_max, 64)                                                            \
    /* bytes received but not yet consumable, one connection: closed */                            \
    X(size_t, receive_bytes_max, 1280 * 1024)                                                      \
    /* the same, all connections together: the one that wants more is closed */                    \
    X(size_t, receive_total_bytes_max, 128 * 1024 * 1024)                                          \
    /* bytes queued to a WebSocket or stream: refused, and closed with 1013 */                     \
    X(size_t, outbox_bytes_max, 1024 * 1024)                                                       \
    /* bytes queued, from which on the sender is asked to conflate until on_drained */             \
    X(size_t, outbox_high_bytes, 64 * 1024)                                                        \
    /* milliseconds that bytes queued to a WebSocket or stream have waited for a peer that does    \
     * not take them: the same, and the sender knows that it is slow */                            \
    X(int64_t, outbox_ms_max, 50)                                                                  \
    /* bytes that the kernel may hold for one of these without having sent them: what comes later  \
     * waits here, where it can still be replaced */                                               \
    X(size_t, unsent_bytes_max, 64 * 1024)                                                         \
    /* bytes queued, all connections together: the one that wants more is closed */                \
    X(size_t, outbox_total_bytes_max, 512 * 1024 * 1024)                                           \
    /* microseconds of one turn for sending what was pushed, or half of the turn's other work      \
     * where that is more: the rest goes out in the next turns, behind what came meanwhile */      \
    X(int64_t, push_slice_us_max, 500)                                                             \
    /* one answer's body: 500 REPLY_TOO_LARGE instead */                                           \
    X(size_t, reply_bytes_max, 32 * 1024 * 1024)                                                   \
    /* requests of one connection not yet answered (at most HTTP_PIPELINE_SLOTS): reading pauses   \
     */                                                                                            \
    X(size_t, http_pipeline_max, 64)                                                               \
    /* head of a request (at most HTTP_HEAD_BYTES_MAX): 431 */                                     \
    X(size_t, http_head_bytes_max, 16 * 1024)                                                      \
    /* header lines (at most HTTP_HEADERS_MAX): 431 */                                             \
    X(size_t, http_headers_max, 64)                                                                \
    /* request target (at most HTTP_TARGET_BYTES_MAX): 414 */                                      \
    X(size_t, http_target_bytes_max, 2048)                                                         \
    /* a body taken as a whole; a route may allow less, or more up to receive_bytes_max: 413 */    \
    X(size_t, http_body_bytes_max, 64 * 1024)                                                      \
    /* from a request's first byte to the end of its head: 408 */                                  \
    X(int64_t, http_header_ms_max, 10000)                                                          \
    /* between requests, and from accept to the first byte: closed */                              \
    X(int64_t, http_idle_ms_max, 75000)                                                            \
    /* a whole body must bring http_body_rate_min bytes a second, after this grace: 408 */         \
    X(int64_t, http_body_grace_ms_max, 5000)                                                       \
    X(size_t, http_body_rate_min, 1024)                                                            \
    /* a streamed body silent for so long while it is not paused: 408 */                           \
    X(int64_t, http_body_idle_ms_max, 60000)                                                       \
    /* output waits and the peer takes nothing: closed */                                          \
    X(int64_t, write_stall_ms_max, 30000)                                                          \
    /* after our last byte, how long and how much we still read so that the peer gets it: closed   \
     */                                                                                            \
    X(int64_t, linger_ms_max, 2000)                                                                \
    X(size_t, linger_bytes_max, 1024 * 1024)                                                       \
    /* one message, fragments together: closed with 1009 */                                        \
    X(size_t, ws_message_bytes_max, 64 * 1024)                                                     \
    /* silence after which a ping is sent, and then the wait for any byte: closed */               \
    X(int64_t, ws_ping_ms, 20000)                                                                  \
    X(int64_t, ws_pong_ms_max, 10000)                                                              \
    /* so many bytes pushed to a WebSocket are followed by a ping */                               \
    X(size_t, ws_probe_bytes, 64 * 1024)                                                           \
    /* milliseconds that its pong may take more than the quickest one took: as outbox_ms_max */    \
    X(int64_t, ws_probe_ms_max, 100)                                                               \
    /* our close frame is sent, the peer's does not come: closed */                                \
    X(int64_t, ws_close_ms_max, 3000)                                                              \
    /* from accept (or, behind a proxy, from its header) to the end of the handshake: closed */    \
    X(int64_t, tls_handshake_ms_max, 10000)                                                        \
    /* handshakes under way: the oldest of them is closed */                                       \
    X(size_t, tls_handshakes_max, 1024)                                                            \
    /* handshake messages taken in one turn: the rest waits in the kernel for the next turn */     \
    X(size_t, tls_handshakes_per_turn_max, 16)                                                     \
    /* host names that are looked up at once: whoever would connect to one more is refused */      \
    X(size_t, lookups_max, 64)                                                                     \
    /* from accept to a whole PROXY header: closed */                                              \
    X(int64_t, proxy_header_ms_max, 5000)                                                          \
    /* a PROXY header (at most PROXY_HEADER_BYTES_MAX): closed */                                  \
    X(size_t, proxy_header_bytes_max, 900)

#define NET_LIMIT_FIELD(type, name, value) type name;
struct net_limits {
    NET_LIMIT_LIST(NET_LIMIT_FIELD)
};
#undef NET_LIMIT_FIELD

#define NET_LIMIT_ENUM(type, name, value) NET_LIMIT_##name,
enum net_limit { NET_LIMIT_LIST(NET_LIMIT_ENUM) };
#undef NET_LIMIT_ENUM
#define NET_LIMIT_ONE(type, name, value) +1
#define NET_LIMITS_COUNT                 (0 NET_LIMIT_LIST(NET_LIMIT_ONE))

/* X(name, text): why a connection ended. */
#define CONN_CLOSE_LIST(X)                                                                         \
    X(CONN_CLOSE_DONE, "done")                       /* we had said everything */                  \
    X(CONN_CLOSE_PEER, "peer")                       /* the peer closed in an orderly way */       \
    X(CONN_CLOSE_RESET, "reset")                     /* the connection broke */                    \
    X(CONN_CLOSE_PROTOCOL, "protocol")               /* the peer broke HTTP or RFC 6455 */         \
    X(CONN_CLOSE_IDLE, "idle")                       /* http_idle_ms_max */                        \
    X(CONN_CLOSE_SLOW_REQUEST, "slow_request")       /* header, body or linger time is over */     \
    X(CONN_CLOSE_WRITE_STALL, "write_stall")         /* write_stall_ms_max */                      \
    X(CONN_CLOSE_OUTBOX_FULL, "outbox_full")         /* outbox_bytes_max / _total_bytes_max */     \
    X(CONN_CLOSE_RECEIVE_FULL, "receive_full")       /* receive_bytes_max / _total_bytes_max */    \
    X(CONN_CLOSE_NO_PONG, "no_pong")                 /* ws_pong_ms_max */                          \
    X(CONN_CLOSE_NO_CLOSE_FRAME, "no_close_frame")   /* ws_close_ms_max */                         \
    X(CONN_CLOSE_DRAIN, "drain")                     /* we are shutting down */                    \
    X(CONN_CLOSE_TLS_HANDSHAKE, "tls_handshake")     /* it failed, or took too long */             \
    X(CONN_CLOSE_TLS_RECORD, "tls_record")           /* after it: a record that is none */         \
    X(CONN_CLOSE_NOT_TLS, "not_tls")                 /* plain HTTP where TLS was due */            \
    X(CONN_CLOSE_PROXY_HEADER, "proxy_header")       /* absent, malformed or too slow */           \
    X(CONN_CLOSE_PROXY_UNTRUSTED, "proxy_untrusted") /* the peer is none of our proxies */         \
    X(CONN_CLOSE_CONNECT_FAILED, "connect_failed")   /* client side only */                        \
    X(CONN_CLOSE_NO_ADDRESS, "no_address")           /* the same: no name server told one */

#define CONN_CLOSE_ENUM(name, text) name,
enum conn_close { CONN_CLOSE_LIST(CONN_CLOSE_ENUM) };
#undef CONN_CLOSE_ENUM
#define CONN_CLOSE_ONE(name, text) +1
#define CONN_CLOSE_COUNT           (0 CONN_CLOSE_LIST(CONN_CLOSE_ONE))

struct net_stats {
    uint64_t limit_reached[NET_LIMITS_COUNT]; /* by enum net_limit */
    uint64_t closed[CONN_CLOSE_COUNT];        /* by enum conn_close */
    uint64_t accepted;
    uint64_t connections; /* open now */
    uint64_t requests;    /* complete heads accepted */
    uint64_t replies;
    uint64_t replies_late; /* answers given to a connection that was gone */
    uint64_t bad_requests; /* refused by the HTTP layer itself */
    uint64_t upgrades;     /* to WebSocket */
    uint64_t ws_open;      /* now */
    uint64_t ws_messages_in, ws_messages_out;
    uint64_t bytes_in, bytes_out;
    uint64_t reads, writes; /* system calls */
    uint64_t pushes_joined; /* connections that began to wait for their turn to be pushed to */
    uint64_t pushes_left;   /* of these: they do not wait any more */
    uint64_t pushing_us;    /* spent on sending pushes */
    uint64_t tls_full, tls_resumed; /* handshakes done */
    uint64_t tls_handshaking;       /* now */
    uint64_t tls_truncated;         /* peers that ended without saying so (no close_notify) */
    uint64_t proxied;               /* connections whose address came in a PROXY header */
    uint64_t lookups;               /* of host names, under way now */
    uint64_t receive_bytes;         /* kept in receive buffers now */
    uint64_t outbox_bytes;          /* queued now, copied and shared */
};

/* The defaults of the list above. */
struct net_limits net_limits_default(void);
const char *conn_close_text(enum conn_close reason);

/* One thread counts, and any may read with a relaxed load meanwhile: no locked instruction. */
static inline void net_count(uint64_t *number, uint64_t more)
{
    __atomic_store_n(number, __atomic_load_n(number, __ATOMIC_RELAXED) + more, __ATOMIC_RELAXED);
}

static inline void net_count_off(uint64_t *number, uint64_t less)
{
    __atomic_store_n(number, __atomic_load_n(number, __ATOMIC_RELAXED) - less, __ATOMIC_RELAXED);
}

static inline void net_stats_hit(struct net_stats *stats, enum net_limit limit)
{
    net_count(&stats->limit_reached[limit], 1);
}
