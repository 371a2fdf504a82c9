/* db_schema.h - the naive book's tables, and every statement that it sends. Source: V0, "Database
 * Schema"; docs/decisions/0018 says where its pages disagree. Thread: any. */
#pragma once

#include "base/buf.h"

#define DB_PARAMS_MAX 8

/* X(name, what is sent). Values are texts, $1 .. $n. */
#define DB_STATEMENT_LIST(X)                                                                       \
    X(DB_BEGIN, "BEGIN")                                                                           \
    X(DB_COMMIT, "COMMIT")                                                                         \
    X(DB_ROLLBACK, "ROLLBACK")                                                                     \
    X(DB_PING, "SELECT 1")                                                                         \
    X(DB_ODDS_READ, "SELECT selections, odds_version, status, " DB_TIME(                           \
                        "updated_at") " FROM odds WHERE market_id = $1")                           \
    /* V0-39: whoever else bets on this market, or changes it, waits for the end of this one. */   \
    X(DB_ODDS_LOCK, "SELECT o.odds_version, o.status, s.e->>'odds', s.e->>'status' FROM odds o "   \
                    "LEFT JOIN LATERAL (SELECT e FROM jsonb_array_elements(o.selections) e "       \
                    "WHERE e->>'id' = $2) s ON true WHERE o.market_id = $1 FOR UPDATE OF o")       \
    /* V0-37: the version rises by one where something changed, and only there; what is settled    \
     * does not come back. */                                                                      \
    X(DB_ODDS_PUT, "INSERT INTO odds (market_id, selections, status) VALUES ($1, $2, $3) "         \
                   "ON CONFLICT (market_id) DO UPDATE SET selections = EXCLUDED.selections, "      \
                   "status = EXCLUDED.status, odds_version = odds.odds_version + 1, "              \
                   "updated_at = now() WHERE (odds.selections, odds.status) "                      \
                   "IS DISTINCT FROM (EXCLUDED.selections, EXCLUDED.status) "                      \
                   "AND odds.status <> 'settled'")                                                 \
    X(DB_ODDS_STATUS, "UPDATE odds SET status = $2, odds_version = odds_version + 1, "             \
                      "updated_at = now() WHERE market_id = $1 AND status <> $2")                  \
    X(DB_BET_INSERT, "INSERT INTO bets (bet_id, user_id, market_id, selection_id, odds, "          \
                     "odds_version, stake, status) VALUES (gen_random_uuid(), $1, $2, $3, $4, "    \
                     "$5, $6, 'PLACED') RETURNING bet_id, " DB_TIME("created_at"))                 \
    X(DB_BET_READ, "SELECT " DB_BET_COLUMNS " FROM bets WHERE bet_id = $1 AND user_id = $2")       \
    /* V0-12: what an auditor asks for goes through the index (user_id, created_at). */            \
    X(DB_BETS_READ, "SELECT " DB_BET_COLUMNS " FROM bets WHERE user_id = $1 AND created_at >= "    \
                    "now() - make_interval(days => $2::int) ORDER BY created_at LIMIT $3::int")    \
    X(DB_BET_LOCK, "SELECT user_id, odds, stake, status FROM bets WHERE bet_id = $1 FOR UPDATE")   \
    X(DB_BET_VOID, "UPDATE bets SET status = 'VOID', settled_at = now() WHERE bet_id = $1")        \
    X(DB_ACCOUNT_READ, "SELECT balance, self_excluded FROM accounts WHERE user_id = $1")           \
    X(DB_ACCOUNT_DEBIT, "UPDATE accounts SET balance = balance - $2 WHERE user_id = $1 "           \
                        "RETURNING balance")                                                       \
    X(DB_ACCOUNT_CREDIT, "UPDATE accounts SET balance = balance + $2 WHERE user_id = $1 "          \
                         "RETURNING balance")                                                      \
    X(DB_ACCOUNT_DEPOSIT, "INSERT INTO accounts (user_id, balance) VALUES ($1, $2) "               \
                          "ON CONFLICT (user_id) DO UPDATE SET "                                   \
                          "balance = accounts.balance + EXCLUDED.balance RETURNING balance")       \
    X(DB_ACCOUNT_EXCLUDE, "INSERT INTO accounts (user_id, self_excluded) VALUES ($1, true) "       \
                          "ON CONFLICT (user_id) DO UPDATE SET self_excluded = true")              \
    X(DB_OPEN_BETS, "SELECT bet_id, user_id, selection_id, odds, stake FROM bets "                 \
                    "WHERE market_id = $1 AND status = 'PLACED' ORDER BY created_at")              \
    X(DB_BET_OUTCOME, "UPDATE bets SET status = $2, settled_at = now() WHERE bet_id = $1 "         \
                      "AND status = 'PLACED'")                                                     \
    X(DB_BET_PAID, "UPDATE bets SET status = 'SETTLED' WHERE bet_id = $1")

#define DB_TIME(column)                                                                            \
    "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
#define DB_BET_COLUMNS                                                                             \
    "bet_id, market_id, selection_id, odds, odds_version, stake, status, " DB_TIME("created_at")

#define DB_STATEMENT_ENUM(name, text) name,
enum db_statement { DB_STATEMENT_LIST(DB_STATEMENT_ENUM) };
#undef DB_STATEMENT_ENUM
#define DB_STATEMENT_ONE(name, text) +1
#define DB_STATEMENTS_COUNT          (0 DB_STATEMENT_LIST(DB_STATEMENT_ONE))

/* "DB_BEGIN": it is prepared under this name. */
const char *db_statement_name(enum db_statement statement);
/* What it is in SQL. */
const char *db_statement_text(enum db_statement statement);

/* Makes what is missing of the tables; blocks, for the start only. One of several programs that
 * start at once does it, the others wait. 0; -ERR_NETWORK, -ERR_CONFIG with a sentence in `why`. */
int db_schema_migrate(const char *url, struct buf *why);
