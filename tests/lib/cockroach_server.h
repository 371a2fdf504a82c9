/* cockroach_server.h - databases of a test's own on a CockroachDB that runs already: the one whose
 * URL is in OVERROUND_COCKROACH_URL. It is under its vendor's own terms and in no package source,
 * so nothing installs it. Whatever else speaks PostgreSQL's protocol will do as well. Nothing there
 * is touched but databases named overround_test_*, which end with their tests. Thread: the test's.
 */
#pragma once

#include <stdbool.h>

#include "fault_proxy.h"

struct cockroach_database {
    char name[64];
    char conninfo[1024]; /* libpq's words for it */
};

/* A new one. False: there is no URL; the reason is said (skip_reason). */
bool cockroach_database_new(struct cockroach_database *ret_database);
void cockroach_database_free(struct cockroach_database *database);
/* A wire to it, to be freed, and libpq's words for it; NULL, with the reason said, when the server
 * is not at 127.0.0.1: the wire leads nowhere else. */
struct fault_proxy *cockroach_wire(const struct cockroach_database *database,
                                   char ret_conninfo[1024]);
/* The first value of the first row as a number; fails the test where there is none. */
long cockroach_number(const struct cockroach_database *database, const char *statement);
