/* carrier.h - what carries the messages of a link between two of our processes: a WebSocket, or a
 * test's memory. The ends of a link (app/relay_*.h, roles/bet/bet_link_*.h) know no sockets.
 * Thread: that of the link's loop. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* Borrowed while it is attached. */
struct carrier {
    void *owner;
    /* Queues a message; copied. False: it does not go, and the link ends: its owner says so by
     * .._detached(), not inside this call. */
    bool (*send)(void *owner, struct slice message);
    /* The peer does not keep to what was agreed: close it. The same. */
    void (*close)(void *owner);
    /* Bytes that were sent and that the peer's machine has not taken yet. NULL: not known. */
    size_t (*queued)(void *owner);
};
