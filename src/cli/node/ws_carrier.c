/* ws_carrier.c - contract in ws_carrier.h. */
#include "cli/node/ws_carrier.h"

static bool carrier_send(void *owner, struct slice message)
{
    const struct ws_handle *ws = owner;
    return send_is_queued(ws_conn_send_binary(*ws, message));
}

static void carrier_close(void *owner)
{
    const struct ws_handle *ws = owner;
    ws_conn_close(*ws, WS_CLOSE_NORMAL, SLICE_NONE);
}

static size_t carrier_queued(void *owner)
{
    const struct ws_handle *ws = owner;
    return ws_conn_queued_bytes(*ws);
}

struct carrier ws_carrier(struct ws_handle *ws)
{
    return (struct carrier){ws, carrier_send, carrier_close, carrier_queued};
}
