/* test_pg_ledger.c - the ledger_log contract on a real PostgreSQL; its troubles are made there (a
 * table that is locked, rows that are refused, a crash) and on a wire before it. */
#include <stdlib.h>

#include "ledger_log_contract.h"
#include "pg_medium.h"
#include "postgres_server.h"
#include "postgres_wire.h"

struct pg_subject {
    struct log_subject subject;
    struct postgres_session *lock;
    struct postgres_wire wire;
};

static struct pg_subject *pg_of(struct log_subject *subject)
{
    return (struct pg_subject *)subject;
}

static int subject_open(struct log_subject *subject, struct ledger_log **ret_log)
{
    (void)subject;
    return pg_medium_open(postgres_server(), 0, 20000000, ret_log);
}

static void subject_close(struct log_subject *subject)
{
    (void)subject;
}

static void subject_hold(struct log_subject *subject, bool hold)
{
    struct pg_subject *pg = pg_of(subject);
    if (hold)
        pg->lock = postgres_session_begin("LOCK TABLE ledger IN SHARE MODE");
    else
        postgres_session_end(pg->lock);
}

static void subject_fail_next(struct log_subject *subject)
{
    (void)subject;
    pg_medium_refuse("XX001", true); /* data_corrupted */
}

static void subject_fill(struct log_subject *subject, bool full)
{
    (void)subject;
    pg_medium_fill(full);
}

static void subject_free(struct log_subject *subject)
{
    pg_medium_clean();
    free(subject);
}

static struct log_subject *subject_new(void)
{
    if (postgres_server() == NULL)
        skip();
    pg_medium_clean(); /* behind one that failed */
    struct pg_subject *pg = calloc(1, sizeof *pg);
    assert_non_null(pg);
    pg->subject = (struct log_subject){.open = subject_open,
                                       .close = subject_close,
                                       .hold = subject_hold,
                                       .fail_next = subject_fail_next,
                                       .fill = subject_fill,
                                       .free = subject_free};
    return &pg->subject;
}

LEDGER_LOG_CONTRACT(pg_ledger, subject_new)
LEDGER_LOG_CONTRACT_FAULTS(pg_ledger, subject_new)

/* ---- over a wire ---- */

static int wired_open(struct log_subject *subject, struct ledger_log **ret_log)
{
    return pg_medium_open(pg_of(subject)->wire.conninfo, 0, 1000000, ret_log);
}

static long wired_groups(struct log_subject *subject)
{
    (void)subject;
    return pg_medium_groups();
}

static void wired_crash(struct log_subject *subject)
{
    (void)subject;
    postgres_server_restart(true);
}

static void wired_free(struct log_subject *subject)
{
    postgres_wire_close(&pg_of(subject)->wire);
    subject_free(subject);
}

static struct log_subject *wired_new(void)
{
    struct log_subject *subject = subject_new();
    struct pg_subject *pg = pg_of(subject);
    assert_true(postgres_wire_open(&pg->wire));
    subject->wire = pg->wire.proxy;
    subject->open_beside = subject_open;
    subject->open = wired_open;
    subject->groups = wired_groups;
    subject->crash = wired_crash;
    subject->free = wired_free;
    return subject;
}

LEDGER_LOG_CONTRACT_WIRE(pg_ledger_over_a_wire, wired_new)
LEDGER_LOG_CONTRACT_CRASH(pg_ledger_over_a_wire, wired_new)
