/* db_schema.c - contract in db_schema.h. */
#include "naive/db_schema.h"

#include <libpq-fe.h>

#include "base/assert.h"
#include "base/error.h"

/* odds and bets are V0's, column by column. `settled_at` is what its settlement writes and its
 * table lacks; accounts is the table of the balances that "all live in PostgreSQL". That two
 * programs make them at once is held apart by the lock. */
static const char migration[] =
    "BEGIN;"
    "SELECT pg_advisory_xact_lock(5040118);"
    "CREATE TABLE IF NOT EXISTS odds ("
    " market_id TEXT PRIMARY KEY,"
    " selections JSONB NOT NULL,"
    " odds_version INTEGER NOT NULL DEFAULT 1,"
    " status TEXT NOT NULL DEFAULT 'active',"
    " updated_at TIMESTAMPTZ DEFAULT now());"
    "CREATE TABLE IF NOT EXISTS bets ("
    " bet_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),"
    " user_id TEXT NOT NULL,"
    " market_id TEXT NOT NULL REFERENCES odds(market_id),"
    " selection_id TEXT NOT NULL,"
    " odds DECIMAL NOT NULL,"
    " odds_version INTEGER NOT NULL,"
    " stake DECIMAL NOT NULL,"
    " status TEXT NOT NULL DEFAULT 'PLACED',"
    " created_at TIMESTAMPTZ DEFAULT now(),"
    " settled_at TIMESTAMPTZ);"
    "CREATE INDEX IF NOT EXISTS idx_bets_event_status ON bets (market_id, status);"
    "CREATE INDEX IF NOT EXISTS idx_bets_user ON bets (user_id, created_at);"
    "CREATE TABLE IF NOT EXISTS accounts ("
    " user_id TEXT PRIMARY KEY,"
    " balance DECIMAL NOT NULL DEFAULT 0,"
    " self_excluded BOOLEAN NOT NULL DEFAULT false);"
    "COMMIT";

const char *db_statement_name(enum db_statement statement)
{
#define NAME(name, text) #name,
    static const char *const names[] = {DB_STATEMENT_LIST(NAME)};
#undef NAME
    ASSERT((size_t)statement < DB_STATEMENTS_COUNT);
    return names[statement];
}

const char *db_statement_text(enum db_statement statement)
{
#define TEXT(name, text) text,
    static const char *const texts[] = {DB_STATEMENT_LIST(TEXT)};
#undef TEXT
    ASSERT((size_t)statement < DB_STATEMENTS_COUNT);
    return texts[statement];
}

int db_schema_migrate(const char *url, struct buf *why)
{
    int error = 0;
    PGconn *pg = PQconnectdb(url);
    PGresult *result = NULL;
    if (PQstatus(pg) != CONNECTION_OK) {
        buf_printf(why, "the database: %s", PQerrorMessage(pg));
        error = -ERR_NETWORK;
    } else {
        result = PQexec(pg, "SET client_min_messages = warning");
        PQclear(result);
        result = PQexec(pg, migration);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            buf_printf(why, "the tables: %s", PQerrorMessage(pg));
            error = -ERR_CONFIG;
        }
    }
    PQclear(result);
    PQfinish(pg);
    return error;
}
