/* redis_servers.h - Redis servers of a test program's own (tests/lib/run-redis-set), started when
 * they are first asked for and ended with the program. Thread: the test's. */
#pragma once

#include <stddef.h>

/* Where the servers of that kind are: "single", "sentinel", "cluster". NULL: Redis is not
 * installed, and the test is to be skipped. */
const char *redis_servers(const char *kind);
/* The port of a master of that kind; 0: there are no more. */
int redis_servers_port(const char *kind, size_t n);
/* Takes out all that they hold. */
void redis_servers_empty(const char *kind);
