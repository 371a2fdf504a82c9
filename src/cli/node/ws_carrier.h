/* ws_carrier.h - a WebSocket between two of our processes as what carries a link's messages
 * (ports/carrier.h), binary. Thread: the loop's. */
#pragma once

#include "net/ws/ws_conn.h"
#include "ports/carrier.h"

/* Of the socket that *ws is whenever it is used; borrowed while the carrier is attached. */
struct carrier ws_carrier(struct ws_handle *ws);
