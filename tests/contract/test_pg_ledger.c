/* test_pg_ledger.c - the ledger_log contract on a real PostgreSQL; its troubles are made there: a
 * table that is locked, rows that are refused. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/postgres/pg_ledger.h"
#include "base/error.h"
#include "ledger_log_contract.h"
#include "postgres_server.h"

struct pg_subject {
    struct log_subject subject;
    struct postgres_session *lock;
};

static struct pg_subject *pg_of(struct log_subject *subject)
{
    return (struct pg_subject *)subject;
}

static int subject_open(struct log_subject *subject, struct ledger_log **ret_log)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory - 1);
    struct pg_ledger_options options = {.conninfo = postgres_server(), .close_us_max = 20000000};
    (void)subject;
    int error = pg_ledger_open(&options, ret_log, &why);
    memory[why.bytes] = '\0';
    if (error < 0)
        print_error("%s: %s\n", error_text(error), memory);
    return error;
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

/* The server says so of the next insert, or of each from now on. */
static void refuse(const char *state, bool once)
{
    char text[640];
    (void)snprintf(
        text, sizeof text,
        "CREATE SEQUENCE IF NOT EXISTS refusals; SELECT setval('refusals', 1, false);"
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('refusals') > 1 AND %s THEN RETURN NEW; END IF;"
        " RAISE EXCEPTION 'refused' USING ERRCODE = '%s'; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON ledger"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
        once ? "true" : "false", state);
    postgres_run(text);
}

static void subject_fail_next(struct log_subject *subject)
{
    (void)subject;
    refuse("XX001", true); /* data_corrupted */
}

static void subject_fill(struct log_subject *subject, bool full)
{
    (void)subject;
    if (full)
        refuse("53100", false); /* disk_full */
    else
        postgres_run("DROP TRIGGER refuse ON ledger");
}

static void subject_free(struct log_subject *subject)
{
    postgres_run("DROP TABLE IF EXISTS ledger, ledger_schema;"
                 "DROP FUNCTION IF EXISTS ledger_is_insert_only()");
    free(subject);
}

static struct log_subject *subject_new(void)
{
    if (postgres_server() == NULL)
        skip();
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
