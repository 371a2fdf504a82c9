/* conn_lag.c - whether a peer keeps up with what it is sent (P3): by the bytes that wait for it,
 * and by how long they have waited. Contract in conn.h. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/instant.h"
#include "net/stream/conn_inside.h"

void conn_keep_short(struct conn *conn)
{
    int low = (int)conn->pool->limits.unsent_bytes_max;
    (void)setsockopt(conn->source.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof low);
}

/* What the peer has room for and only waits for its turn to be pushed to is our own delay. */
static bool is_late(const struct conn *conn)
{
    return conn->blocked && !conn->in_pushed && conn->waits.since_us != 0 &&
           send_wait_us(&conn->waits, loop_now(conn->pool->loop).us) >=
               conn->pool->limits.outbox_ms_max * US_PER_MS;
}

enum send_outcome conn_lag(struct conn *conn, bool late, bool *lagging)
{
    const struct net_limits *limits = &conn->pool->limits;
    bool waits_long = is_late(conn), is_long = conn->outbox.bytes > limits->outbox_high_bytes;
    if (!late && !waits_long && !is_long)
        return SEND_OK;
    late |= waits_long;
    if (*lagging)
        return late ? SEND_LATE : SEND_LAGGING;
    *lagging = true;
    if (waits_long)
        net_stats_hit(&conn->pool->stats, NET_LIMIT_outbox_ms_max);
    else if (is_long)
        net_stats_hit(&conn->pool->stats, NET_LIMIT_outbox_high_bytes);
    conn_notify_drained(conn, late ? 0 : limits->outbox_high_bytes / 2);
    return late ? SEND_LATE : SEND_LAGGING;
}
