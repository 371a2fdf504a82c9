/* pg_batch.c - contract in pg_batch.h. */
#include "adapters/postgres/pg_batch.h"

#include <endian.h>
#include <string.h>

#include "adapters/postgres/pg_schema.h"
#include "base/error.h"
#include "base/hash.h"

#define ASK_TRIES 3

/* ---- values ---- */

/* Of a shard: its place among 2^15 in the key space. */
static int64_t prefix_of(uint32_t shard)
{
    uint32_t little = htole32(shard);
    return crc32c(0, (const char *)&little, sizeof little) & 0x7FFF;
}

static struct pg_params key_of(uint32_t shard)
{
    struct pg_params params = {.count = 0};
    pg_params_put_number(&params, prefix_of(shard));
    pg_params_put_number(&params, shard);
    return params;
}

static bool take_number(const PGresult *rows, int row, int column, int64_t *ret)
{
    uint64_t big;
    if (PQgetisnull(rows, row, column) || PQgetlength(rows, row, column) != sizeof big)
        return false;
    memcpy(&big, PQgetvalue(rows, row, column), sizeof big);
    *ret = (int64_t)be64toh(big);
    return true;
}

static int error_of(enum pg_answer answer)
{
    switch (answer) {
    case PG_TAKEN:
        return 0;
    case PG_AWAY:
    case PG_LOST:
    case PG_AGAIN:
    case PG_FULL:
        return -ERR_ABSENT;
    case PG_REFUSED:
        break;
    }
    return -ERR_IO;
}

/* A question that changes nothing is asked again where its answer was lost: a connection that has
 * ended meanwhile is not known to have. */
static int ask(struct pg_link *link, const char *statement, const struct pg_params *params,
               PGresult **ret_rows)
{
    enum pg_answer answer = PG_LOST;
    for (int i = 0; i < ASK_TRIES && (answer == PG_LOST || answer == PG_AGAIN); i++)
        answer = pg_link_run(link, statement, params, ret_rows);
    return error_of(answer);
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
    {"SELECT (current_setting('synchronous_commit') IN ('off', 'local'))::int::bigint",
     "synchronous_commit is off or local: an acknowledged batch could be lost with the server"},
};

/* A server that does not know a setting has no such risk of it that it could tell. */
static int check_settings(struct pg_link *link, const char **ret_why)
{
    const struct pg_params none = {.count = 0};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        PGresult *rows = NULL;
        int64_t bad = 0;
        enum pg_answer answer = pg_link_run(link, settings[i].statement, &none, &rows);
        bool told = answer == PG_TAKEN && PQntuples(rows) == 1 && take_number(rows, 0, 0, &bad);
        PQclear(rows);
        if (answer != PG_REFUSED && answer != PG_TAKEN)
            return error_of(answer);
        if (told && bad != 0) {
            *ret_why = settings[i].why;
            return -ERR_CONFIG;
        }
    }
    return 0;
}

int pg_batch_prepare(struct pg_link *link, const char **ret_why)
{
    *ret_why = "";
    TRY(check_settings(link, ret_why));
    return pg_schema_prepare(link, ret_why);
}

/* ---- the newest ---- */

int pg_batch_newest(struct pg_link *link, uint32_t shard, struct pg_place *ret_place)
{
    static const char statement[] =
        "SELECT batch_no, epoch, seq_last FROM ledger WHERE prefix = $1::bigint"
        " AND shard = $2::bigint ORDER BY batch_no DESC LIMIT 1";
    struct pg_params key = key_of(shard);
    struct pg_place place = {0};
    int64_t seq = 0;
    PGresult *rows = NULL;
    int error = ask(link, statement, &key, &rows);
    if (error == 0 && PQntuples(rows) == 1 &&
        (!take_number(rows, 0, 0, &place.batch_no) || !take_number(rows, 0, 1, &place.epoch) ||
         !take_number(rows, 0, 2, &seq)))
        error = -ERR_CORRUPT;
    PQclear(rows);
    place.seq_last = (uint64_t)seq;
    if (error == 0)
        *ret_place = place;
    return error;
}

/* ---- inserting ---- */

static enum pg_answer insert_once(struct pg_link *link, uint32_t shard,
                                  const struct pg_batch *batch, int *ret_rows)
{
    static const char statement[] =
        "INSERT INTO ledger (prefix, shard, batch_no, epoch, seq_first, seq_last, crc, records)"
        " VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint,"
        " $7::bigint, $8::bytea) ON CONFLICT DO NOTHING RETURNING batch_no";
    struct pg_params params = key_of(shard);
    pg_params_put_number(&params, batch->place.batch_no);
    pg_params_put_number(&params, batch->place.epoch);
    pg_params_put_number(&params, (int64_t)batch->seq_first);
    pg_params_put_number(&params, (int64_t)batch->place.seq_last);
    pg_params_put_number(&params, crc32c(0, batch->records, batch->bytes));
    pg_params_put_bytes(&params, batch->records, batch->bytes);
    PGresult *rows = NULL;
    enum pg_answer answer = pg_link_run(link, statement, &params, &rows);
    *ret_rows = answer == PG_TAKEN ? PQntuples(rows) : 0;
    PQclear(rows);
    return answer;
}

/* Epochs are never given twice, so a row of ours is of this epoch, and one writer has one batch
 * under way: that and its range say whose it is, and the sum that it is the same. */
static enum pg_answer look(struct pg_link *link, uint32_t shard, const struct pg_batch *batch,
                           enum pg_found *ret_found)
{
    static const char statement[] =
        "SELECT (epoch = $4::bigint AND seq_last = $5::bigint AND crc = $6::bigint)::int::bigint"
        " FROM ledger WHERE prefix = $1::bigint AND shard = $2::bigint AND batch_no = $3::bigint";
    struct pg_params params = key_of(shard);
    pg_params_put_number(&params, batch->place.batch_no);
    pg_params_put_number(&params, batch->place.epoch);
    pg_params_put_number(&params, (int64_t)batch->place.seq_last);
    pg_params_put_number(&params, crc32c(0, batch->records, batch->bytes));
    PGresult *rows = NULL;
    int64_t ours = 0;
    enum pg_answer answer = pg_link_run(link, statement, &params, &rows);
    *ret_found = PG_FOUND_NONE;
    if (answer == PG_TAKEN && PQntuples(rows) > 0)
        *ret_found = take_number(rows, 0, 0, &ours) && ours == 1 ? PG_FOUND_OURS : PG_FOUND_OTHER;
    PQclear(rows);
    return answer;
}

enum append_outcome pg_batch_insert(const struct pg_insert *insert, const struct pg_batch *batch)
{
    struct pg_attempt attempt = pg_attempt_begin();
    bool trouble = false;
    while (attempt.step != PG_STEP_END) {
        enum pg_found found = PG_FOUND_NONE;
        enum pg_answer answer;
        int rows = 0;
        if (attempt.pause_us > 0 && !trouble && insert->on_trouble != NULL) {
            trouble = true;
            insert->on_trouble(insert->owner, true);
        }
        if (!pg_link_pause(insert->link, attempt.pause_us))
            return APPEND_UNKNOWN;
        if (attempt.step == PG_STEP_INSERT) {
            answer = insert_once(insert->link, insert->shard, batch, &rows);
            pg_attempt_inserted(&attempt, answer, rows);
        } else {
            answer = look(insert->link, insert->shard, batch, &found);
            pg_attempt_looked(&attempt, answer, found);
        }
        insert->counters->away += answer == PG_AWAY;
    }
    insert->counters->lost += attempt.lost;
    insert->counters->again += attempt.again;
    if (trouble)
        insert->on_trouble(insert->owner, false);
    return attempt.outcome;
}

/* ---- reading ---- */

/* The batch that holds seq, or the one behind which it would be: by halving, as batches say their
 * last record and are dense. */
static int find(struct pg_link *link, const struct pg_range *range, int64_t *ret_batch_no,
                const char **ret_why)
{
    static const char statement[] = "SELECT seq_last FROM ledger WHERE prefix = $1::bigint"
                                    " AND shard = $2::bigint AND batch_no = $3::bigint";
    int64_t low = 1, high = range->end.batch_no; /* the first whose seq_last >= seq_first */
    while (low < high) {
        int64_t middle = low + (high - low) / 2, last = 0;
        struct pg_params params = key_of(range->shard);
        PGresult *rows = NULL;
        pg_params_put_number(&params, middle);
        int error = ask(link, statement, &params, &rows);
        if (error == 0 && (PQntuples(rows) != 1 || !take_number(rows, 0, 0, &last))) {
            *ret_why = "a batch is missing";
            error = -ERR_CORRUPT;
        }
        PQclear(rows);
        if (error < 0)
            return error;
        if ((uint64_t)last >= range->seq_first)
            high = middle;
        else
            low = middle + 1;
    }
    *ret_batch_no = low;
    return 0;
}

struct walk {
    struct pg_place before; /* of the next batch; batch_no 0: any */
    const char **why;
};

static int corrupt(struct walk *walk, const char *why)
{
    *walk->why = why;
    return -ERR_CORRUPT;
}

static int take_batch(const PGresult *rows, int row, struct walk *walk, struct pg_batch *ret)
{
    int64_t first = 0, last = 0, crc = 0;
    struct pg_batch batch = {.records = PQgetvalue(rows, row, 5),
                             .bytes = (size_t)PQgetlength(rows, row, 5)};
    if (!take_number(rows, row, 0, &batch.place.batch_no) ||
        !take_number(rows, row, 1, &batch.place.epoch) || !take_number(rows, row, 2, &first) ||
        !take_number(rows, row, 3, &last) || !take_number(rows, row, 4, &crc))
        return corrupt(walk, "a row lacks a number");
    batch.seq_first = (uint64_t)first;
    batch.place.seq_last = (uint64_t)last;
    if (crc != crc32c(0, batch.records, batch.bytes))
        return corrupt(walk, "the records of a batch do not match their sum");
    if (first < 1 || last < first - 1 || (last < first) != (batch.bytes == 0))
        return corrupt(walk, "a batch has impossible numbers");
    if (walk->before.batch_no != 0 && (batch.place.batch_no != walk->before.batch_no + 1 ||
                                       batch.seq_first != walk->before.seq_last + 1))
        return corrupt(walk, "a batch is missing");
    if (batch.place.epoch < walk->before.epoch)
        return corrupt(walk, "an epoch falls");
    walk->before = batch.place;
    *ret = batch;
    return 0;
}

static int visit_page(const PGresult *rows, struct walk *walk, pg_batch_visit visit, void *owner)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        struct pg_batch batch;
        TRY(take_batch(rows, row, walk, &batch));
        TRY(visit(owner, &batch));
    }
    return 0;
}

int pg_batch_walk(struct pg_link *link, const struct pg_range *range, pg_batch_visit visit,
                  void *owner, const char **ret_why)
{
    static const char statement[] =
        "SELECT batch_no, epoch, seq_first, seq_last, crc, records FROM ledger"
        " WHERE prefix = $1::bigint AND shard = $2::bigint AND batch_no >= $3::bigint"
        " AND batch_no < $4::bigint ORDER BY batch_no";
    struct walk walk = {.why = ret_why};
    int64_t next = 0;
    *ret_why = "";
    if (range->seq_first == 0 || range->seq_first > range->end.seq_last)
        return -ERR_NOT_FOUND;
    TRY(find(link, range, &next, ret_why));
    while (next <= range->end.batch_no) {
        int64_t behind = next + PG_PAGE_BATCHES;
        struct pg_params params = key_of(range->shard);
        PGresult *rows = NULL;
        if (behind > range->end.batch_no)
            behind = range->end.batch_no + 1;
        pg_params_put_number(&params, next);
        pg_params_put_number(&params, behind);
        int error = ask(link, statement, &params, &rows);
        if (error == 0 && PQntuples(rows) != (int)(behind - next))
            error = corrupt(&walk, "a batch is missing");
        if (error == 0)
            error = visit_page(rows, &walk, visit, owner);
        PQclear(rows);
        if (error < 0)
            return error;
        next = behind;
    }
    return 0;
}
