/* test_cockroach_ledger.c - the ledger_log contract on a CockroachDB of somebody's
 * (cockroach_server.h), and on a wire before it. It can neither be made to fail nor be ended from
 * here, so LEDGER_LOG_CONTRACT_FAULTS and _CRASH are PostgreSQL's alone. */
#include <stdio.h>
#include <stdlib.h>

#include "cockroach_server.h"
#include "ledger_log_contract.h"
#include "pg_medium.h"

struct cockroach_subject {
    struct log_subject subject;
    struct cockroach_database database;
    char conninfo[1024]; /* as `open` reaches it */
    int64_t close_us_max;
};

static struct cockroach_subject *cockroach_of(struct log_subject *subject)
{
    return (struct cockroach_subject *)subject;
}

static int subject_open(struct log_subject *subject, struct ledger_log **ret_log)
{
    struct cockroach_subject *cockroach = cockroach_of(subject);
    return pg_medium_open(cockroach->conninfo, 0, cockroach->close_us_max, ret_log);
}

static int subject_open_beside(struct log_subject *subject, struct ledger_log **ret_log)
{
    return pg_medium_open(cockroach_of(subject)->database.conninfo, 0, 20000000, ret_log);
}

static void subject_close(struct log_subject *subject)
{
    (void)subject;
}

static long subject_groups(struct log_subject *subject)
{
    return cockroach_number(&cockroach_of(subject)->database, "SELECT count(*) FROM ledger");
}

static void subject_free(struct log_subject *subject)
{
    if (subject->wire != NULL)
        fault_proxy_free(subject->wire);
    cockroach_database_free(&cockroach_of(subject)->database);
    free(subject);
}

static struct log_subject *subject_new(void)
{
    struct cockroach_database database;
    if (!cockroach_database_new(&database))
        skip();
    struct cockroach_subject *cockroach = calloc(1, sizeof *cockroach);
    assert_non_null(cockroach);
    cockroach->database = database;
    cockroach->close_us_max = 20000000;
    (void)snprintf(cockroach->conninfo, sizeof cockroach->conninfo, "%s", database.conninfo);
    cockroach->subject =
        (struct log_subject){.open = subject_open, .close = subject_close, .free = subject_free};
    return &cockroach->subject;
}

static struct log_subject *wired_new(void)
{
    struct log_subject *subject = subject_new();
    struct cockroach_subject *cockroach = cockroach_of(subject);
    subject->wire = cockroach_wire(&cockroach->database, cockroach->conninfo);
    if (subject->wire == NULL) {
        subject_free(subject);
        skip();
    }
    cockroach->close_us_max = 1000000;
    subject->open_beside = subject_open_beside;
    subject->groups = subject_groups;
    return subject;
}

LEDGER_LOG_CONTRACT(cockroach_ledger, subject_new)
LEDGER_LOG_CONTRACT_WIRE(cockroach_ledger_over_a_wire, wired_new)
