/* pg_projection.c - contract in pg_projection.h. Numbers are written into the statements, as a
 * question of several statements takes no parameters; texts only go by COPY. */
#include "adapters/postgres/pg_projection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/postgres/pg_rows.h"
#include "adapters/postgres/pg_schema.h"
#include "base/error.h"
#include "base/reserve.h"

#define BLOCK_BYTES_MAX ((size_t)PROJECTION_ROWS_MAX * (PROJECTED_ROW_BYTES_MAX + 1))

#define BETS_COLUMNS                                                                               \
    "bet_id, record_no, leg_no, user_id, event_id, market_id, selection_id, odds, odds_exact,"     \
    " stake, currency, status, result, payout, cashed_out, created_at, settled_at, shard, seq,"    \
    " record, recorded_at"
#define BALANCES_COLUMNS                                                                           \
    "shard, account, seq, user_id, currency, available, held, free_bets, bonus, recorded_at"

static const char *const migrations[] = {
    "BEGIN;"
    "CREATE TABLE projection_schema (" PG_VERSION_COLUMNS ";"
    "CREATE TABLE bets ("
    " bet_id bigint NOT NULL,"
    " record_no integer NOT NULL,"
    " leg_no smallint NOT NULL,"
    " user_id text NOT NULL,"
    " event_id text NOT NULL,"
    " market_id text NOT NULL,"
    " selection_id text NOT NULL,"
    " odds numeric,"
    " odds_exact text,"
    " stake numeric NOT NULL,"
    " currency text NOT NULL,"
    " status text NOT NULL,"
    " result text,"
    " payout numeric,"
    " cashed_out numeric NOT NULL,"
    " created_at timestamptz NOT NULL,"
    " settled_at timestamptz,"
    " shard integer NOT NULL,"
    " seq bigint NOT NULL,"
    " record text NOT NULL,"
    " recorded_at timestamptz NOT NULL,"
    " PRIMARY KEY (bet_id, record_no, leg_no));"
    "CREATE INDEX bets_by_user ON bets (user_id, bet_id);"
    "CREATE INDEX bets_by_event ON bets (event_id, bet_id);"
    "CREATE TABLE balances ("
    " shard integer NOT NULL,"
    " account bigint NOT NULL,"
    " seq bigint NOT NULL,"
    " user_id text NOT NULL,"
    " currency text NOT NULL,"
    " available numeric NOT NULL,"
    " held numeric NOT NULL,"
    " free_bets numeric NOT NULL,"
    " bonus numeric NOT NULL,"
    " recorded_at timestamptz NOT NULL,"
    " PRIMARY KEY (user_id, shard, seq));"
    "CREATE TABLE projection ("
    " shard integer PRIMARY KEY,"
    " seq bigint NOT NULL,"
    " crc bigint NOT NULL,"
    " time_us bigint NOT NULL,"
    " bets bigint NOT NULL,"
    " balances bigint NOT NULL);"
    "CREATE FUNCTION projection_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN RAISE EXCEPTION 'the projection is insert only' USING ERRCODE = '42501'; END $$;"
    "CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bets"
    " FOR EACH STATEMENT EXECUTE FUNCTION projection_is_insert_only();"
    "CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON balances"
    " FOR EACH STATEMENT EXECUTE FUNCTION projection_is_insert_only();"
    /* Moves a shard's place, from where the caller thinks that it is. With its owner's rights, so
     * that a projector's user has none to change any row. */
    "CREATE FUNCTION projection_move(of_shard bigint, seq_before bigint, to_seq bigint,"
    " to_crc bigint, to_time_us bigint, more_bets bigint, more_balances bigint) RETURNS void"
    " LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$ BEGIN"
    " UPDATE projection SET seq = to_seq, crc = to_crc, time_us = to_time_us,"
    " bets = bets + more_bets, balances = balances + more_balances WHERE shard = of_shard AND seq "
    "= seq_before;"
    " IF FOUND THEN RETURN; END IF;"
    " IF seq_before = 0 THEN"
    " INSERT INTO projection VALUES (of_shard, to_seq, to_crc, to_time_us, more_bets,"
    " more_balances) ON CONFLICT DO NOTHING;"
    " IF FOUND THEN RETURN; END IF; END IF;"
    " RAISE EXCEPTION 'the projection has moved' USING ERRCODE = '40001'; END $$;"
    "REVOKE EXECUTE ON FUNCTION projection_move FROM PUBLIC;"
    /* What became of each leg, and what each customer has. */
    "CREATE VIEW bets_now AS SELECT DISTINCT ON (bet_id, leg_no) * FROM bets"
    " ORDER BY bet_id, leg_no, record_no DESC;"
    "CREATE VIEW balances_now AS SELECT DISTINCT ON (user_id, shard) * FROM balances"
    " ORDER BY user_id, shard, seq DESC;"
    "INSERT INTO projection_schema (version, program_least) VALUES (1, 1);"
    "COMMIT",
};

/* By no rows: CockroachDB takes no COPY together with other statements, as every step is. */
static const struct pg_schema schema = {"projection_schema", migrations,
                                        sizeof migrations / sizeof *migrations, NULL};

struct pg_projection {
    struct projection_store store; /* first */
    struct pg_link *link;          /* owned, as all below */
    struct pg_link *reading[2];    /* one a table; NULL: not yet */
    char *blocks[2];               /* BLOCK_BYTES_MAX */
    char *conninfo;
    const char *problem; /* of the last error; the link's, or static */
};

static struct pg_projection *pg_of(struct projection_store *store)
{
    return (struct pg_projection *)store;
}

static int failed(struct pg_projection *pg, const struct pg_link *link, int error)
{
    pg->problem = error < 0 ? pg_link_problem(link) : "";
    return error;
}

/* ---- the place ---- */

static bool take_place(const PGresult *rows, struct projection_place *ret)
{
    int64_t numbers[5];
    for (int i = 0; i < 5; i++)
        if (!pg_take_number(rows, 0, i, &numbers[i]))
            return false;
    *ret = (struct projection_place){.seq = (uint64_t)numbers[0],
                                     .crc = (uint32_t)numbers[1],
                                     .time_us = numbers[2],
                                     .bets = (uint64_t)numbers[3],
                                     .balances = (uint64_t)numbers[4]};
    return true;
}

static int pg_place_of(struct projection_store *store, uint32_t shard, struct projection_place *ret)
{
    static const char statement[] =
        "SELECT seq, crc, time_us, bets, balances FROM projection WHERE shard = $1::bigint";
    struct pg_projection *pg = pg_of(store);
    struct pg_params params = {.count = 0};
    struct projection_place place = {.seq = 0};
    PGresult *rows = NULL;
    pg_params_put_number(&params, shard);
    int error = failed(pg, pg->link, pg_ask(pg->link, statement, &params, &rows));
    if (error == 0 && PQntuples(rows) > 0 && !take_place(rows, &place))
        error = -ERR_IO;
    PQclear(rows);
    if (error == 0)
        *ret = place;
    return error;
}

/* ---- putting ---- */

static struct slice bets_block(struct pg_projection *pg, const struct projection_step *step)
{
    struct buf out = buf_over(pg->blocks[PROJECTION_BETS], BLOCK_BYTES_MAX);
    for (size_t i = 0; i < step->bets_count; i++) {
        bet_row_write(&out, &step->bets[i]);
        buf_put_char(&out, '\n');
    }
    return out.overflow ? SLICE_NONE : buf_slice(&out);
}

static struct slice balances_block(struct pg_projection *pg, const struct projection_step *step)
{
    struct buf out = buf_over(pg->blocks[PROJECTION_BALANCES], BLOCK_BYTES_MAX);
    for (size_t i = 0; i < step->balances_count; i++) {
        balance_row_write(&out, &step->balances[i]);
        buf_put_char(&out, '\n');
    }
    return out.overflow ? SLICE_NONE : buf_slice(&out);
}

static void write_step(struct buf *out, const struct projection_step *step)
{
    buf_printf(out,
               "BEGIN ISOLATION LEVEL READ COMMITTED;"
               "SET LOCAL synchronous_commit = off;"
               "SELECT projection_move(%u, %" PRIu64 ", %" PRIu64 ", %u, %" PRId64 ", %zu, %zu);"
               "COPY bets (" BETS_COLUMNS ") FROM STDIN;"
               "COPY balances (" BALANCES_COLUMNS ") FROM STDIN;"
               "COMMIT",
               step->shard, step->before.seq, step->after.seq, step->after.crc, step->after.time_us,
               step->bets_count, step->balances_count);
    buf_put_char(out, '\0');
}

static int pg_put(struct projection_store *store, const struct projection_step *step)
{
    struct pg_projection *pg = pg_of(store);
    const struct slice blocks[] = {bets_block(pg, step), balances_block(pg, step)};
    char memory[1536];
    struct buf statements = buf_over(memory, sizeof memory);
    write_step(&statements, step);
    if ((blocks[0].bytes == 0 && step->bets_count > 0) ||
        (blocks[1].bytes == 0 && step->balances_count > 0)) {
        pg->problem = "a row is longer than any can be";
        return -ERR_IO;
    }
    enum store_answer answer = pg_link_copy_in(pg->link, memory, blocks, 2);
    pg->problem = answer == STORE_TAKEN ? "" : pg_link_problem(pg->link);
    return answer == STORE_AGAIN ? -ERR_BUSY : store_error(answer);
}

/* ---- reading for a comparison ---- */

static void write_read(struct buf *out, const struct projection_range *range)
{
    bool bets = range->table == PROJECTION_BETS;
    buf_printf(out,
               "SET timezone = 'UTC'; SET datestyle = 'ISO, YMD';"
               "COPY (SELECT %s FROM %s WHERE shard = %u AND seq <= %" PRIu64
               " ORDER BY seq, %s) TO STDOUT",
               bets ? BETS_COLUMNS : BALANCES_COLUMNS, bets ? "bets" : "balances", range->shard,
               range->seq_last, bets ? "bet_id, leg_no" : "account");
    buf_put_char(out, '\0');
}

static int pg_read_rows(struct projection_store *store, const struct projection_range *range)
{
    struct pg_projection *pg = pg_of(store);
    struct pg_link **link = &pg->reading[range->table];
    char memory[1024];
    struct buf statements = buf_over(memory, sizeof memory);
    write_read(&statements, range);
    if (*link == NULL)
        TRY(pg_link_new(pg->conninfo, link));
    return failed(pg, *link, store_error(pg_link_copy_out(*link, memory)));
}

static int pg_next_row(struct projection_store *store, enum projection_table table,
                       struct slice *ret_line)
{
    struct pg_projection *pg = pg_of(store);
    bool end = false;
    enum store_answer answer = pg_link_copy_next(pg->reading[table], ret_line, &end);
    TRY(failed(pg, pg->reading[table], store_error(answer)));
    return end ? 0 : 1;
}

static int pg_strays(struct projection_store *store, uint64_t *ret_rows)
{
    static const char statement[] =
        "SELECT (SELECT count(*) FROM bets AS r LEFT JOIN projection AS p ON p.shard = r.shard"
        " WHERE p.seq IS NULL OR r.seq > p.seq) + (SELECT count(*) FROM balances AS r"
        " LEFT JOIN projection AS p ON p.shard = r.shard WHERE p.seq IS NULL OR r.seq > p.seq)";
    struct pg_projection *pg = pg_of(store);
    const struct pg_params none = {.count = 0};
    PGresult *rows = NULL;
    int64_t count = 0;
    int error = failed(pg, pg->link, pg_ask(pg->link, statement, &none, &rows));
    if (error == 0 && (PQntuples(rows) != 1 || !pg_take_number(rows, 0, 0, &count)))
        error = -ERR_IO;
    PQclear(rows);
    *ret_rows = (uint64_t)count;
    return error;
}

/* ---- begin and end ---- */

static const char *pg_problem(const struct projection_store *store)
{
    return ((const struct pg_projection *)store)->problem;
}

static void pg_projection_free(struct projection_store *store)
{
    struct pg_projection *pg = pg_of(store);
    pg_link_free(pg->link);
    pg_link_free(pg->reading[0]);
    pg_link_free(pg->reading[1]);
    reserve_free(pg->blocks[0], BLOCK_BYTES_MAX, 1);
    reserve_free(pg->blocks[1], BLOCK_BYTES_MAX, 1);
    if (pg->conninfo != NULL) /* it may hold a password */
        explicit_bzero(pg->conninfo, strlen(pg->conninfo));
    free(pg->conninfo);
    free(pg);
}

static int check_encoding(struct pg_link *link, struct buf *why)
{
    static const char statement[] =
        "SELECT (current_setting('server_encoding') IN ('UTF8', 'SQL_ASCII'))::int::bigint";
    const struct pg_params none = {.count = 0};
    PGresult *rows = NULL;
    int64_t good = 0;
    int error = pg_ask(link, statement, &none, &rows);
    bool told = error == 0 && PQntuples(rows) == 1 && pg_take_number(rows, 0, 0, &good);
    PQclear(rows);
    if (error < 0 || (told && good != 0))
        return error;
    buf_put_text(why, "the database is not in UTF-8");
    return -ERR_CONFIG;
}

static int pg_prepare(struct projection_store *store, struct buf *why)
{
    struct pg_projection *pg = pg_of(store);
    size_t said = why->bytes;
    int error = check_encoding(pg->link, why);
    if (error == 0)
        error = pg_schema_prepare(pg->link, &schema, why);
    if (error < 0 && why->bytes == said)
        buf_put_text(why, pg_link_problem(pg->link));
    return error;
}

static void pg_leave(struct projection_store *store)
{
    pg_link_leave(pg_of(store)->link);
}

static const struct projection_store_ops pg_projection_ops = {
    .prepare = pg_prepare,
    .place = pg_place_of,
    .put = pg_put,
    .read = pg_read_rows,
    .next = pg_next_row,
    .strays = pg_strays,
    .leave = pg_leave,
    .problem = pg_problem,
    .free = pg_projection_free,
};

static char *text_new(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);
    return copy == NULL ? NULL : memcpy(copy, text, bytes);
}

/* SQL_ASCII takes any bytes. */
static struct pg_projection *projection_new(const char *conninfo)
{
    struct pg_projection *pg = calloc(1, sizeof *pg);
    if (pg == NULL)
        return NULL;
    *pg = (struct pg_projection){
        .store = {&pg_projection_ops}, .problem = "", .conninfo = text_new(conninfo)};
    pg->blocks[0] = reserve_new(BLOCK_BYTES_MAX, 1);
    pg->blocks[1] = reserve_new(BLOCK_BYTES_MAX, 1);
    return pg;
}

int pg_projection_new(const char *conninfo, struct projection_store **ret_store)
{
    struct pg_projection *pg = projection_new(conninfo);
    if (pg == NULL)
        return -ERR_MEMORY;
    int error = pg->blocks[0] == NULL || pg->blocks[1] == NULL || pg->conninfo == NULL
                    ? -ERR_MEMORY
                    : pg_link_new(pg->conninfo, &pg->link);
    if (error < 0) {
        pg_projection_free(&pg->store);
        return error;
    }
    *ret_store = &pg->store;
    return 0;
}
