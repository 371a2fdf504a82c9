/* postgres_wire.h - the PostgreSQL of a test program's own (postgres_server.h), reached over a wire
 * that breaks (fault_proxy.h). Thread: the test's. */
#pragma once

#include <stdbool.h>

#include "fault_proxy.h"

struct postgres_wire {
    struct fault_proxy *proxy;
    char folder[64];
    char conninfo[200]; /* libpq's words for the server, over the wire */
};

/* False: PostgreSQL is not installed. */
bool postgres_wire_open(struct postgres_wire *ret_wire);
void postgres_wire_close(struct postgres_wire *wire);
