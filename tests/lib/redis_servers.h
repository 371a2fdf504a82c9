/* redis_servers.h - Redis servers of a test program's own (tests/lib/run-redis-set), started when
 * they are first asked for and ended with the program. Thread: the test's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the servers of that kind are: "single", "sentinel", "cluster". NULL: Redis is not
 * installed, and the test is to be skipped. */
const char *redis_servers(const char *kind);
/* The port of a master of that kind; 0: there are no more. */
int redis_servers_port(const char *kind, size_t n);
/* Takes out all that they hold. */
void redis_servers_empty(const char *kind);
/* The version that the value of this market says it has, in whichever master; 0: there is none.
 * *ret_removed, unless it is NULL: it is a tombstone. */
uint64_t redis_servers_version(const char *kind, const char *market, bool *ret_removed);
/* What they hold of markets; and they hold just that again, as servers that begin with an older
 * dump, and whoever is connected is cut off: all, or who subscribes only. */
void redis_servers_remember(const char *kind);
void redis_servers_fall_back(const char *kind, bool all);
/* Of a cluster: the slot of that market begins to go to another master, and its master has lost the
 * value, so it sends whoever asks for it there; and it is that master's. */
void redis_servers_begin_move(const char *kind, const char *market);
void redis_servers_end_move(const char *kind, const char *market);
