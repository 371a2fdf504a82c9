/* pg_medium.c - contract in pg_medium.h. */
#include "pg_medium.h"

#include <stdio.h>

#include "adapters/postgres/pg_ledger.h"
#include "base/error.h"
#include "postgres_server.h"
#include "test.h"

#define STALL_US 100000

int pg_medium_open(const char *conninfo, uint32_t shard, int64_t close_us_max,
                   struct ledger_log **ret_log)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory - 1);
    struct pg_ledger_options options = {
        .conninfo = conninfo, .shard = shard, .stall_us = STALL_US, .close_us_max = close_us_max};
    int error = pg_ledger_open(&options, ret_log, &why);
    memory[why.bytes] = '\0';
    if (error < 0)
        print_error("%s: %s\n", error_text(error), memory);
    return error;
}

void pg_medium_refuse(const char *state, bool once)
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

void pg_medium_fill(bool full)
{
    if (full)
        pg_medium_refuse("53100", false); /* disk_full */
    else
        postgres_run("DROP TRIGGER refuse ON ledger");
}

long pg_medium_groups(void)
{
    return postgres_number("SELECT count(*) FROM ledger");
}

void pg_medium_clean(void)
{
    postgres_run("DROP TABLE IF EXISTS ledger, ledger_schema;"
                 "DROP FUNCTION IF EXISTS ledger_is_insert_only()");
}
