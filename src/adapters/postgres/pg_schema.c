/* pg_schema.c - contract in pg_schema.h. */
#include "adapters/postgres/pg_schema.h"

#include <endian.h>
#include <string.h>

#include "base/error.h"

/* Each ends with the row that tells it; two programs that start at once meet at that key, and the
 * one that loses finds all of it done. */
static const char *const migrations[] = {
    "BEGIN;"
    "CREATE TABLE ledger_schema ("
    " version bigint PRIMARY KEY,"
    " applied_at timestamptz NOT NULL DEFAULT clock_timestamp());"
    "CREATE TABLE ledger ("
    " prefix smallint NOT NULL,"
    " shard integer NOT NULL,"
    " batch_no bigint NOT NULL,"
    " epoch bigint NOT NULL,"
    " seq_first bigint NOT NULL,"
    " seq_last bigint NOT NULL,"
    " crc bigint NOT NULL,"
    " records bytea NOT NULL,"
    " written_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
    " PRIMARY KEY (prefix, shard, batch_no));"
    "INSERT INTO ledger_schema (version) VALUES (1);"
    "COMMIT",
    /* Records do not shrink by pglz, which only costs time. */
    "BEGIN;"
    "ALTER TABLE ledger ALTER COLUMN records SET STORAGE EXTERNAL;"
    "CREATE FUNCTION ledger_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN RAISE EXCEPTION 'the ledger is insert only' USING ERRCODE = '42501'; END $$;"
    "CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger"
    " FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_insert_only();"
    "INSERT INTO ledger_schema (version) VALUES (2);"
    "COMMIT",
};

#define VERSION ((int64_t)(sizeof migrations / sizeof *migrations))

/* 0 where there is no table yet. */
static int version_of(struct pg_link *link, int64_t *ret_version)
{
    static const char there[] = "SELECT (to_regclass('ledger_schema') IS NOT NULL)::int::bigint";
    static const char newest[] = "SELECT coalesce(max(version), 0) FROM ledger_schema";
    const struct pg_params none = {.count = 0};
    uint64_t big = 0;
    for (int i = 0; i < 2; i++) {
        PGresult *rows = NULL;
        enum store_answer answer = pg_link_run(link, i == 0 ? there : newest, &none, &rows);
        if (answer == STORE_TAKEN && PQntuples(rows) == 1 && PQgetlength(rows, 0, 0) == sizeof big)
            memcpy(&big, PQgetvalue(rows, 0, 0), sizeof big);
        PQclear(rows);
        if (answer != STORE_TAKEN)
            return answer == STORE_REFUSED ? -ERR_IO : -ERR_ABSENT;
        if (big == 0)
            break;
    }
    *ret_version = (int64_t)be64toh(big);
    return 0;
}

int pg_schema_prepare(struct pg_link *link, const char **ret_why)
{
    for (int tries = 0; tries <= 2 * VERSION; tries++) {
        int64_t version = 0;
        TRY(version_of(link, &version));
        if (version == VERSION)
            return 0;
        if (version > VERSION) {
            *ret_why = "its tables were made by a newer program";
            return -ERR_CONFIG;
        }
        enum store_answer answer = pg_link_script(link, migrations[version]);
        if (answer != STORE_TAKEN) { /* another program may have done it meanwhile */
            (void)pg_link_script(link, "ROLLBACK");
            int64_t now = 0;
            TRY(version_of(link, &now));
            if (now == version && answer == STORE_REFUSED)
                return -ERR_IO;
        }
    }
    return -ERR_ABSENT;
}
