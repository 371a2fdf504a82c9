/* pg_schema.c - contract in pg_schema.h. */
#include "adapters/postgres/pg_schema.h"

#include <inttypes.h>
#include <stdio.h>

#include "adapters/postgres/pg_rows.h"
#include "base/error.h"

/* The same in both forms of a schema, to the letter. */
#define LEDGER_COLUMNS                                                                             \
    " prefix smallint NOT NULL,"                                                                   \
    " shard integer NOT NULL,"                                                                     \
    " batch_no bigint NOT NULL,"                                                                   \
    " epoch bigint NOT NULL,"                                                                      \
    " seq_first bigint NOT NULL,"                                                                  \
    " seq_last bigint NOT NULL,"                                                                   \
    " crc bigint NOT NULL,"                                                                        \
    " records bytea NOT NULL,"                                                                     \
    " written_at timestamptz NOT NULL DEFAULT clock_timestamp(),"                                  \
    " PRIMARY KEY (prefix, shard, batch_no))"
#define INSERT_ONLY                                                                                \
    "ledger_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$"                               \
    " BEGIN RAISE EXCEPTION 'the ledger is insert only' USING ERRCODE = '42501'; END $$"

/* Each ends with the row that tells it; two programs that start at once meet at that key, and the
 * one that loses finds all of it done. */
static const char *const ledger_migrations[] = {
    "BEGIN;"
    "CREATE TABLE ledger_schema ("
    " version bigint PRIMARY KEY,"
    " applied_at timestamptz NOT NULL DEFAULT clock_timestamp());"
    "CREATE TABLE ledger (" LEDGER_COLUMNS ";"
    "INSERT INTO ledger_schema (version) VALUES (1);"
    "COMMIT",
    /* Records do not shrink by pglz, which only costs time. */
    "BEGIN;"
    "ALTER TABLE ledger ALTER COLUMN records SET STORAGE EXTERNAL;"
    "CREATE FUNCTION " INSERT_ONLY ";"
    "CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger"
    " FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_insert_only();"
    "INSERT INTO ledger_schema (version) VALUES (2);"
    "COMMIT",
    "BEGIN;"
    "ALTER TABLE ledger_schema ADD COLUMN program_least bigint NOT NULL DEFAULT 1;"
    "ALTER TABLE ledger_schema ALTER COLUMN program_least DROP DEFAULT;"
    "INSERT INTO ledger_schema (version, program_least) VALUES (3, 1);"
    "COMMIT",
};

/* Nothing uses a column in the transaction that adds it. */
static const char *const ledger_by_row[] = {
    "CREATE TABLE IF NOT EXISTS ledger_schema ("
    " version bigint PRIMARY KEY,"
    " applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
    " program_least bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ledger (" LEDGER_COLUMNS,
    "INSERT INTO ledger_schema (version, program_least) VALUES (1, 1) ON CONFLICT DO NOTHING",
    NULL,
    "DROP TRIGGER IF EXISTS insert_only ON ledger",
    "CREATE OR REPLACE FUNCTION " INSERT_ONLY,
    "CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE ON ledger"
    " FOR EACH ROW EXECUTE FUNCTION ledger_is_insert_only()",
    "INSERT INTO ledger_schema (version, program_least) VALUES (2, 1) ON CONFLICT DO NOTHING",
    NULL,
    "INSERT INTO ledger_schema (version, program_least) VALUES (3, 1) ON CONFLICT DO NOTHING",
    NULL,
};

const struct pg_schema pg_schema_ledger = {"ledger_schema", ledger_migrations,
                                           sizeof ledger_migrations / sizeof *ledger_migrations,
                                           ledger_by_row};

static int ask_number(struct pg_link *link, const char *statement, int64_t *ret)
{
    const struct pg_params none = {.count = 0};
    PGresult *rows = NULL;
    int error = pg_ask(link, statement, &none, &rows);
    if (error == 0 && (PQntuples(rows) != 1 || !pg_take_number(rows, 0, 0, ret)))
        error = -ERR_IO;
    PQclear(rows);
    return error;
}

/* 0 where there is no table yet. */
static int version_of(struct pg_link *link, const struct pg_schema *schema, int64_t *ret_version)
{
    char statement[160];
    int64_t there = 0;
    (void)snprintf(statement, sizeof statement,
                   "SELECT (to_regclass('%s') IS NOT NULL)::int::bigint", schema->versions);
    TRY(ask_number(link, statement, &there));
    *ret_version = 0;
    if (there == 0)
        return 0;
    (void)snprintf(statement, sizeof statement, "SELECT coalesce(max(version), 0) FROM %s",
                   schema->versions);
    return ask_number(link, statement, ret_version);
}

/* A newer program was here. */
static int check_newer(struct pg_link *link, const struct pg_schema *schema, int64_t version,
                       struct buf *why)
{
    char statement[160];
    int64_t least = 0;
    (void)snprintf(statement, sizeof statement, "SELECT coalesce(max(program_least), 0) FROM %s",
                   schema->versions);
    TRY(ask_number(link, statement, &least));
    if (least <= schema->count)
        return 0;
    buf_printf(why,
               "its tables were made by a newer program: %s is at version %" PRId64
               ", which programs from version %" PRId64 " on work with, and this one is %" PRId64,
               schema->versions, version, least, schema->count);
    return -ERR_CONFIG;
}

/* *ret: whether it has triggers of rows only. */
static int ask_by_row(struct pg_link *link, const struct pg_schema *schema, int64_t *ret,
                      struct buf *why)
{
    TRY(ask_number(link, "SELECT (version() LIKE 'CockroachDB%')::int::bigint", ret));
    if (*ret == 0 || schema->by_row != NULL)
        return 0;
    buf_printf(why, "what needs %s does not work on CockroachDB", schema->versions);
    return -ERR_CONFIG;
}

/* By rows: a statement that was done stays done, whatever becomes of the next. */
static enum store_answer migrate(struct pg_link *link, const struct pg_schema *schema,
                                 int64_t version, bool by_row)
{
    const char *const *statement = schema->by_row;
    if (!by_row)
        return pg_link_copy_in(link, schema->migrations[version], NULL, 0);
    for (int64_t passed = 0; passed < version; statement++)
        passed += *statement == NULL;
    enum store_answer answer = STORE_TAKEN;
    for (; answer == STORE_TAKEN && *statement != NULL; statement++)
        answer = pg_link_copy_in(link, *statement, NULL, 0);
    return answer;
}

static int prepare(struct pg_link *link, const struct pg_schema *schema, struct buf *why)
{
    for (int64_t tries = 0; tries <= 2 * schema->count; tries++) {
        int64_t version = 0, now = 0, by_row = 0;
        TRY(version_of(link, schema, &version));
        if (version == schema->count)
            return 0;
        if (version > schema->count)
            return check_newer(link, schema, version, why);
        TRY(ask_by_row(link, schema, &by_row, why));
        enum store_answer answer = migrate(link, schema, version, by_row == 1);
        if (answer == STORE_TAKEN)
            continue;
        if (answer == STORE_REFUSED) /* another program may have done it meanwhile */
            buf_printf(why, "%s", pg_link_problem(link));
        TRY(version_of(link, schema, &now));
        if (now == version && answer == STORE_REFUSED)
            return -ERR_IO;
        why->bytes = 0;
    }
    return -ERR_ABSENT;
}

int pg_schema_prepare(struct pg_link *link, const struct pg_schema *schema, struct buf *why)
{
    char memory[PG_PROBLEM_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    int error = prepare(link, schema, &text);
    if (error < 0)
        buf_put_slice(why, buf_slice(&text));
    return error;
}
