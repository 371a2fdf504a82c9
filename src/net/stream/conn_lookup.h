/* conn_lookup.h - one host name that is looked up for one connection, by the name servers and the
 * hosts file of the system (c-ares), without waiting: a channel of its own, so that what the system
 * says of name servers is read anew each time. Nothing is kept: who connects again asks again.
 *
 * CONN_LOOKUP_MS_MAX for each of CONN_LOOKUP_TRIES questions to a server; and all within the
 * connection's time to connect. Thread: the loop's. */
#pragma once

#include "net/loop/loop.h"
#include "net/stream/net_address.h"

#define CONN_LOOKUP_MS_MAX 2000
#define CONN_LOOKUP_TRIES  2

struct conn_lookup;

/* Once, from the loop: NULL where the name has no address, or nobody who knows was reached. The
 * lookup has ended. */
typedef void (*conn_lookup_answer)(void *owner, const struct net_address *address);

/* Of a name that has several addresses: the one whose turn it is (net_names_turn()). -ERR_MEMORY,
 * -ERR_NETWORK (no name server can be asked). */
int conn_lookup_begin(struct loop *loop, const struct net_address *name, conn_lookup_answer answer,
                      void *owner, struct conn_lookup **ret_lookup);
/* Before its answer: there will be none. */
void conn_lookup_end(struct conn_lookup *lookup);
