/* pg_batch.c - contract in pg_batch.h. */
#include "adapters/postgres/pg_batch.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/postgres/pg_link.h"
#include "adapters/postgres/pg_rows.h"
#include "adapters/postgres/pg_schema.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/instant.h"

struct pg_batch {
    struct batch_store store; /* first */
    struct pg_link *link;     /* owned */
    int64_t ahead_us;         /* the server's clock before ours, at the least; as it was then: */
    int64_t ahead_at_us;      /* 0: it is not known */
    bool lost;                /* by the newest insert: `why` says what the server lacks */
    char why[PG_PROBLEM_BYTES_MAX];
};

static struct pg_link *link_of(const struct batch_store *store)
{
    return ((const struct pg_batch *)store)->link;
}

/* ---- preparing ---- */

static const struct {
    const char *statement;
    const char *why; /* when its only value is true */
} settings[] = {
    {"SELECT (current_setting('fsync') <> 'on')::int::bigint",
     "the server has fsync off: it would lose what it acknowledged"},
    {"SELECT (current_setting('full_page_writes') <> 'on')::int::bigint",
     "the server has full_page_writes off: a crash could tear a page"},
    {"SELECT (current_setting('transaction_isolation') <> 'serializable')::int::bigint",
     "transactions are not serializable: a pooler has dropped the connection's options"},
    {"SELECT (current_setting('synchronous_commit') IN ('off', 'local'))::int::bigint",
     "synchronous_commit is off or local: an acknowledged batch could be lost with the server"},
};

/* A server that does not know a setting has no such risk of it that it could tell. */
static int check_settings(struct pg_link *link, struct buf *why)
{
    const struct pg_params none = {.count = 0};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        PGresult *rows = NULL;
        int64_t bad = 0;
        enum store_answer answer = pg_link_run(link, settings[i].statement, &none, &rows);
        bool told =
            answer == STORE_TAKEN && PQntuples(rows) == 1 && pg_take_number(rows, 0, 0, &bad);
        PQclear(rows);
        if (answer != STORE_REFUSED && answer != STORE_TAKEN)
            return store_error(answer);
        if (told && bad != 0) {
            buf_put_text(why, settings[i].why);
            return -ERR_CONFIG;
        }
    }
    return 0;
}

static int batch_prepare(struct batch_store *store, const char **ret_why)
{
    struct pg_batch *batch = (struct pg_batch *)store;
    struct buf why = buf_over(batch->why, sizeof batch->why - 1);
    int error = check_settings(batch->link, &why);
    if (error == 0)
        error = pg_schema_prepare(batch->link, &pg_schema_ledger, &why);
    batch->why[why.bytes] = '\0';
    *ret_why = batch->why;
    return error;
}

/* ---- the newest ---- */

static int batch_newest(struct batch_store *store, uint32_t shard, struct batch_place *ret_place)
{
    static const char statement[] =
        "SELECT batch_no, epoch, seq_last FROM ledger WHERE prefix = $1::bigint"
        " AND shard = $2::bigint ORDER BY batch_no DESC LIMIT 1";
    struct pg_params key = pg_key_of(shard);
    struct batch_place place = {0};
    int64_t seq = 0;
    PGresult *rows = NULL;
    int error = pg_ask(link_of(store), statement, &key, &rows);
    if (error == 0 && PQntuples(rows) == 1 &&
        (!pg_take_number(rows, 0, 0, &place.batch_no) ||
         !pg_take_number(rows, 0, 1, &place.epoch) || !pg_take_number(rows, 0, 2, &seq)))
        error = -ERR_CORRUPT;
    PQclear(rows);
    place.seq_last = (uint64_t)seq;
    if (error == 0)
        *ret_place = place;
    return error;
}

/* ---- inserting ---- */

#define SERVER_US "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

/* By so much drifts no clock while what is known of the other is younger than that. */
#define AHEAD_AGE_US_MAX (10 * US_PER_SECOND)

/* What the server's clock said between two moments of ours. Until when something may be written is
 * said in its time: rather too early than too late, by the way there and back. */
static void note_clock(struct pg_batch *batch, int64_t server_us)
{
    batch->ahead_at_us = clock_us(CLOCK_MONOTONIC);
    batch->ahead_us = server_us - batch->ahead_at_us;
}

static enum store_answer ask_clock(struct pg_batch *batch)
{
    const struct pg_params none = {.count = 0};
    PGresult *rows = NULL;
    int64_t server_us = 0;
    if (batch->ahead_at_us != 0 &&
        clock_us(CLOCK_MONOTONIC) - batch->ahead_at_us < AHEAD_AGE_US_MAX)
        return STORE_TAKEN;
    enum store_answer answer = pg_link_run(batch->link, "SELECT " SERVER_US, &none, &rows);
    bool told =
        answer == STORE_TAKEN && PQntuples(rows) == 1 && pg_take_number(rows, 0, 0, &server_us);
    PQclear(rows);
    if (told)
        note_clock(batch, server_us);
    if (answer == STORE_LOST) /* nothing was asked to be written */
        return STORE_AWAY;
    return answer == STORE_TAKEN && !told ? STORE_REFUSED : answer;
}

/* The server is not the one that had what this writer was told of. */
static enum store_answer say_lost(struct pg_batch *batch, int64_t batch_no)
{
    struct buf why = buf_over(batch->why, sizeof batch->why - 1);
    buf_printf(&why,
               "batch %lld, which stood, is not there, or is another: this server lacks what an "
               "earlier one had",
               (long long)batch_no);
    batch->why[why.bytes] = '\0';
    batch->lost = true;
    return STORE_REFUSED;
}

static enum store_answer take_inserted(struct pg_batch *batch, const PGresult *rows,
                                       int64_t batch_no, bool *ret_won)
{
    int64_t server_us = 0, in_time = 0, won = 0, follows = 0;
    if (PQntuples(rows) != 1 || !pg_take_number(rows, 0, 0, &server_us) ||
        !pg_take_number(rows, 0, 1, &in_time) || !pg_take_number(rows, 0, 2, &won) ||
        !pg_take_number(rows, 0, 3, &follows))
        return STORE_LOST; /* it is looked for */
    note_clock(batch, server_us);
    if (follows == 0)
        return say_lost(batch, batch_no - 1);
    *ret_won = won == 1;
    return in_time == 1 ? STORE_TAKEN : STORE_LATE;
}

/* L6: what is bound to prices is written while they hold by the server's clock, whatever became of
 * this process since it has decided. L1: and behind the batch before it, which a server that was
 * made the primary though others had more may not have. */
static enum store_answer batch_insert(struct batch_store *store, uint32_t shard,
                                      const struct batch *batch, bool *ret_won)
{
    static const char statement[] =
        "WITH c AS MATERIALIZED (SELECT " SERVER_US " AS now_us),"
        " w AS MATERIALIZED (SELECT now_us, ($9::bigint = 0 OR now_us <= $9::bigint) AS in_time,"
        " ($3::bigint = 1 OR EXISTS (SELECT 1 FROM ledger WHERE prefix = $1::bigint"
        " AND shard = $2::bigint AND batch_no = $3::bigint - 1 AND seq_last = $5::bigint - 1"
        " AND epoch <= $4::bigint)) AS follows FROM c), i AS (INSERT INTO ledger"
        " (prefix, shard, batch_no, epoch, seq_first, seq_last, crc, records)"
        " SELECT $1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint,"
        " $7::bigint, $8::bytea FROM w WHERE in_time AND follows"
        " ON CONFLICT DO NOTHING RETURNING 1) SELECT now_us, in_time::int::bigint,"
        " (SELECT count(*) FROM i), follows::int::bigint FROM w";
    struct pg_batch *own = (struct pg_batch *)store;
    struct pg_params params = pg_key_of(shard);
    *ret_won = own->lost = false;
    if (batch->until_us != 0) {
        enum store_answer known = ask_clock(own);
        if (known != STORE_TAKEN)
            return known;
    }
    pg_params_put_number(&params, batch->place.batch_no);
    pg_params_put_number(&params, batch->place.epoch);
    pg_params_put_number(&params, (int64_t)batch->seq_first);
    pg_params_put_number(&params, (int64_t)batch->place.seq_last);
    pg_params_put_number(&params, batch->crc);
    pg_params_put_bytes(&params, batch->records, batch->bytes);
    pg_params_put_number(&params, batch->until_us == 0 ? 0 : batch->until_us + own->ahead_us);
    PGresult *rows = NULL;
    enum store_answer answer = pg_link_run(own->link, statement, &params, &rows);
    if (answer == STORE_TAKEN)
        answer = take_inserted(own, rows, batch->place.batch_no, ret_won);
    else
        own->ahead_at_us = 0; /* it may be another server next time */
    PQclear(rows);
    return answer;
}

static enum store_answer batch_look(struct batch_store *store, uint32_t shard,
                                    const struct batch *batch, enum batch_found *ret_found)
{
    static const char statement[] =
        "SELECT (epoch = $4::bigint AND seq_last = $5::bigint AND crc = $6::bigint)::int::bigint"
        " FROM ledger WHERE prefix = $1::bigint AND shard = $2::bigint AND batch_no = $3::bigint";
    struct pg_params params = pg_key_of(shard);
    pg_params_put_number(&params, batch->place.batch_no);
    pg_params_put_number(&params, batch->place.epoch);
    pg_params_put_number(&params, (int64_t)batch->place.seq_last);
    pg_params_put_number(&params, batch->crc);
    PGresult *rows = NULL;
    int64_t ours = 0;
    enum store_answer answer = pg_link_run(link_of(store), statement, &params, &rows);
    *ret_found = BATCH_NONE;
    if (answer == STORE_TAKEN && PQntuples(rows) > 0)
        *ret_found = pg_take_number(rows, 0, 0, &ours) && ours == 1 ? BATCH_OURS : BATCH_OTHER;
    PQclear(rows);
    return *ret_found == BATCH_OURS ? pg_wait_replicated(link_of(store)) : answer;
}

/* ---- reading ---- */

static int batch_seq_last(struct batch_store *store, uint32_t shard, int64_t batch_no,
                          uint64_t *ret_seq)
{
    static const char statement[] = "SELECT seq_last FROM ledger WHERE prefix = $1::bigint"
                                    " AND shard = $2::bigint AND batch_no = $3::bigint";
    struct pg_params params = pg_key_of(shard);
    PGresult *rows = NULL;
    int64_t last = 0;
    pg_params_put_number(&params, batch_no);
    int error = pg_ask(link_of(store), statement, &params, &rows);
    if (error == 0 && (PQntuples(rows) != 1 || !pg_take_number(rows, 0, 0, &last)))
        error = -ERR_NOT_FOUND;
    PQclear(rows);
    if (error == 0)
        *ret_seq = (uint64_t)last;
    return error;
}

static int take_batch(const PGresult *rows, int row, struct batch *ret_batch, const char **ret_why)
{
    int64_t first = 0, last = 0, crc = 0;
    struct batch batch = {.records = PQgetvalue(rows, row, 5),
                          .bytes = (size_t)PQgetlength(rows, row, 5)};
    if (!pg_take_number(rows, row, 0, &batch.place.batch_no) ||
        !pg_take_number(rows, row, 1, &batch.place.epoch) ||
        !pg_take_number(rows, row, 2, &first) || !pg_take_number(rows, row, 3, &last) ||
        !pg_take_number(rows, row, 4, &crc) || first < 0 || last < 0 || crc < 0 ||
        crc > UINT32_MAX) {
        *ret_why = "a row lacks a number, or has an impossible one";
        return -ERR_CORRUPT;
    }
    batch.seq_first = (uint64_t)first;
    batch.place.seq_last = (uint64_t)last;
    batch.crc = (uint32_t)crc;
    *ret_batch = batch;
    return 0;
}

static int visit_rows(const PGresult *rows, batch_visit visit, void *owner, const char **ret_why)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        struct batch batch;
        TRY(take_batch(rows, row, &batch, ret_why));
        TRY(visit(owner, &batch));
    }
    return 0;
}

static int batch_page(struct batch_store *store, const struct batch_page *page, batch_visit visit,
                      void *owner, const char **ret_why)
{
    static const char statement[] =
        "SELECT batch_no, epoch, seq_first, seq_last, crc, records FROM ledger"
        " WHERE prefix = $1::bigint AND shard = $2::bigint AND batch_no >= $3::bigint"
        " AND batch_no < $4::bigint ORDER BY batch_no";
    struct pg_params params = pg_key_of(page->shard);
    PGresult *rows = NULL;
    pg_params_put_number(&params, page->batch_no);
    pg_params_put_number(&params, page->behind);
    int error = pg_ask(link_of(store), statement, &params, &rows);
    if (error == 0)
        error = visit_rows(rows, visit, owner, ret_why);
    PQclear(rows);
    return error;
}

/* ---- the rest ---- */

static bool batch_pause(struct batch_store *store, int64_t us)
{
    return pg_link_pause(link_of(store), us);
}

static void batch_leave(struct batch_store *store)
{
    pg_link_leave(link_of(store));
}

static const char *batch_problem(const struct batch_store *store)
{
    const struct pg_batch *batch = (const struct pg_batch *)store;
    return batch->lost ? batch->why : pg_link_problem(batch->link);
}

static void batch_free(struct batch_store *store)
{
    pg_link_free(link_of(store));
    free(store);
}

static const struct batch_store_ops batch_ops = {
    .prepare = batch_prepare,
    .newest = batch_newest,
    .seq_last = batch_seq_last,
    .insert = batch_insert,
    .look = batch_look,
    .page = batch_page,
    .pause = batch_pause,
    .leave = batch_leave,
    .problem = batch_problem,
    .free = batch_free,
};

bool pg_url_is(const char *url)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

static struct pg_batch *batch_new(void)
{
    return calloc(1, sizeof(struct pg_batch));
}

int pg_batch_new(const char *conninfo, struct batch_store **ret_store)
{
    struct pg_batch *batch = batch_new();
    if (batch == NULL)
        return -ERR_MEMORY;
    int error = pg_link_new(conninfo, &batch->link);
    if (error < 0) {
        free(batch);
        return error;
    }
    batch->store.ops = &batch_ops;
    *ret_store = &batch->store;
    return 0;
}

/* ---- shards ---- */

static int read_shards(struct pg_link *link, uint32_t ret_shards[BATCH_SHARDS_MAX],
                       size_t *ret_count)
{
    /* From one to the next in the key: so it costs as much as there are shards, not rows. */
    static const char statement[] =
        "WITH RECURSIVE s AS ((SELECT prefix, shard FROM ledger ORDER BY prefix, shard LIMIT 1)"
        " UNION ALL SELECT n.prefix, n.shard FROM s, LATERAL (SELECT prefix, shard FROM ledger"
        " WHERE (prefix, shard) > (s.prefix, s.shard) ORDER BY prefix, shard LIMIT 1) AS n)"
        " SELECT shard::bigint FROM s ORDER BY 1 LIMIT 1024";
    const struct pg_params none = {.count = 0};
    PGresult *rows = NULL;
    int error = pg_ask(link, statement, &none, &rows);
    size_t count = error == 0 ? (size_t)PQntuples(rows) : 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        int64_t shard = 0;
        if (!pg_take_number(rows, (int)i, 0, &shard) || shard < 0)
            error = -ERR_IO;
        ret_shards[i] = (uint32_t)shard;
    }
    PQclear(rows);
    *ret_count = count;
    return error;
}

int pg_batch_shards(const char *conninfo, uint32_t ret_shards[BATCH_SHARDS_MAX], size_t *ret_count,
                    struct buf *why)
{
    struct pg_link *link = NULL;
    TRY(pg_link_new(conninfo, &link));
    int error = read_shards(link, ret_shards, ret_count);
    if (error < 0)
        buf_put_text(why, pg_link_problem(link));
    pg_link_free(link);
    return error;
}
