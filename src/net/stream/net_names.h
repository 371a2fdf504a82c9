/* net_names.h - the host names that this process connects to. Each has a number, which stands in a
 * net_address where the address itself would; it is looked up when a connection to it is begun
 * (conn_lookup.h). Names come from options, and from what servers say of others of theirs (a Redis
 * of the nodes of its cluster), so there are NET_NAMES_MAX at most; one that is there stays.
 * Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define NET_NAMES_MAX      256
#define NET_NAME_BYTES_MAX 253 /* RFC 1035 section 2.3.4, in text and without the root's dot */

/* The number of a name, never 0; letters count as small ones (RFC 4343). -ERR_FORMAT: it is no
 * host name (RFC 1123 section 2.1, and "_"; its last label has a letter, or it would be a mistyped
 * address). -ERR_LIMIT: NET_NAMES_MAX are there, counted. */
int net_names_take(struct slice name, uint16_t *ret_number);
/* Of a number that was taken; ends with NUL, and stays. */
struct slice net_names_text(uint16_t number);
/* Of the whole process, now and later: each to be read with a relaxed load. */
struct net_names_stats {
    uint64_t limit_reached;  /* NET_NAMES_MAX */
    uint64_t found, unknown; /* lookups that ended: with an address, and without one */
};
const struct net_names_stats *net_names_stats(void);
/* A lookup has ended. */
void net_names_looked_up(bool found);

/* Which of a name's addresses is due, of those in the order in which they were told: the same one
 * until a connection to it fails. */
unsigned net_names_turn(uint16_t number);
void net_names_next_turn(uint16_t number);

/* The name servers that are asked instead of those of the system: ADDRESS[:PORT],... -ERR_FORMAT,
 * and nothing changes. Thread: that of the start, before anything is looked up. */
int net_names_ask(const char *servers);
/* NULL: those of the system. */
const char *net_names_servers(void);
