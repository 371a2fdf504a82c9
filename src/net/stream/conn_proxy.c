/* conn_proxy.c - connections from a proxy of ours: each begins with a PROXY header that says who
 * the client is. Contract in listener.h.
 *
 * Never a byte more is read than the header has, so that what follows (TLS, HTTP) is read by whom
 * it concerns. Until the header is whole it stands in the state of the layer above, which has not
 * begun. */
#include <string.h>

#include "base/assert.h"
#include "net/stream/conn_inside.h"
#include "net/stream/listener.h"
#include "net/stream/proxy_v2.h"

struct proxy_wait {
    struct listener *listener;
    uint32_t have;
    char bytes[PROXY_HEADER_BYTES_MAX];
};

_Static_assert(sizeof(struct proxy_wait) <= CONN_STATE_BYTES, "fits the connection's state");

static size_t on_bytes(struct conn *conn, char *at, size_t bytes)
{
    (void)conn;
    (void)at;
    return bytes; /* nothing is read for us: see conn_proxy_read() */
}

static void on_end(struct conn *conn)
{
    conn_close(conn, CONN_CLOSE_PROXY_HEADER);
}

static void on_deadline(struct conn *conn)
{
    net_stats_hit(&conn->pool->stats, NET_LIMIT_proxy_header_ms_max);
    conn_close(conn, CONN_CLOSE_PROXY_HEADER);
}

static void on_drained(struct conn *conn)
{
    (void)conn;
}

static void on_closed(struct conn *conn, enum conn_close reason)
{
    (void)conn;
    (void)reason;
}

const struct conn_callbacks conn_unbegun_callbacks = {
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

void conn_proxy_begin(struct conn *conn, struct listener *listener)
{
    struct proxy_wait *wait = conn_state(conn);
    wait->listener = listener;
    conn->proxy_awaited = true;
    conn_set_deadline(conn, conn->pool->limits.proxy_header_ms_max);
}

static void header_done(struct conn *conn, const struct proxy_client *client)
{
    struct proxy_wait *wait = conn_state(conn);
    struct listener *listener = wait->listener;
    if (client->known) {
        conn->peer = client->address;
        net_count(&conn->pool->stats.proxied, 1);
    }
    conn->proxy_awaited = false;
    memset(wait, 0, sizeof *wait);
    listener_begin(listener, conn);
}

/* How many bytes are to be read before more can be said; 0: the connection has begun or ended. */
static size_t look(struct conn *conn)
{
    struct proxy_wait *wait = conn_state(conn);
    struct proxy_client client;
    size_t bytes = 0, max = conn->pool->limits.proxy_header_bytes_max;
    if (max > PROXY_HEADER_BYTES_MAX)
        max = PROXY_HEADER_BYTES_MAX;
    switch (proxy_v2_read(slice_of(wait->bytes, wait->have), max, &bytes, &client)) {
    case PROXY_OK:
        header_done(conn, &client);
        return 0;
    case PROXY_MORE:
        ASSERT(bytes > wait->have && bytes <= sizeof wait->bytes);
        return bytes - wait->have;
    case PROXY_TOO_LONG:
        net_stats_hit(&conn->pool->stats, NET_LIMIT_proxy_header_bytes_max);
        break;
    case PROXY_BAD:
        break;
    }
    conn_close(conn, CONN_CLOSE_PROXY_HEADER);
    return 0;
}

void conn_proxy_read(struct conn *conn)
{
    struct proxy_wait *wait = conn_state(conn);
    size_t wanted;
    while (conn->phase == PHASE_OPEN && (wanted = look(conn)) > 0) {
        ssize_t got = conn_receive_raw(conn, wait->bytes + wait->have, wanted);
        if (conn->read_ended)
            conn_close(conn, CONN_CLOSE_PROXY_HEADER);
        if (got == 0)
            return;
        wait->have += (uint32_t)got;
    }
}
