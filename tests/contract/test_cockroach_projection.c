/* test_cockroach_projection.c - the projection contract on a CockroachDB of somebody's
 * (cockroach_server.h), which cannot be crashed from here. */
#include <stdlib.h>

#include "adapters/postgres/pg_projection.h"
#include "cockroach_server.h"
#include "projection_contract.h"

struct cockroach_subject {
    struct projection_subject subject;
    struct cockroach_database database;
    char conninfo[1024]; /* over the wire */
};

static struct projection_store *subject_store(struct projection_subject *subject)
{
    struct projection_store *store = NULL;
    const char *conninfo = ((struct cockroach_subject *)subject)->conninfo;
    assert_int_equal(pg_projection_new(conninfo, &store), 0);
    return store;
}

static void subject_free(struct projection_subject *subject)
{
    fault_proxy_free(subject->wire);
    cockroach_database_free(&((struct cockroach_subject *)subject)->database);
    free(subject);
}

static struct projection_subject *subject_new(void)
{
    struct cockroach_subject made = {.subject = {.store_new = subject_store, .free = subject_free}};
    if (!cockroach_database_new(&made.database))
        skip();
    made.subject.wire = cockroach_wire(&made.database, made.conninfo);
    if (made.subject.wire == NULL) {
        cockroach_database_free(&made.database);
        skip();
    }
    struct cockroach_subject *cockroach = malloc(sizeof *cockroach);
    assert_non_null(cockroach);
    *cockroach = made;
    return &cockroach->subject;
}

PROJECTION_CONTRACT(cockroach_projection, subject_new)
