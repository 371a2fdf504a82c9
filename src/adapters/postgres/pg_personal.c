/* pg_personal.c - contract in pg_personal.h. */
#include "adapters/postgres/pg_personal.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/postgres/pg_link.h"
#include "adapters/postgres/pg_rows.h"
#include "adapters/postgres/pg_schema.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"

#define SLOT_BYTES 64

struct pg_personal {
    struct personal_store store; /* first */
    struct pg_link *link;        /* owned */
    uint32_t shard;
    bool prepared;
    char why[PG_PROBLEM_BYTES_MAX];
};

/* As crypto/personal.h writes them: 60 zeros, then a word. */
#define ZEROS_60                                                                                   \
    "000000000000000000000000000000000000000000000000000000000000"                                 \
    "000000000000000000000000000000000000000000000000000000000000"
#define NONE   "'\\x" ZEROS_60 "00000000'::bytea"
#define ERASED "'\\x" ZEROS_60 "123ea55d'::bytea"

#define KEYS_COLUMNS                                                                               \
    " prefix smallint NOT NULL,"                                                                   \
    " shard integer NOT NULL,"                                                                     \
    " place bigint NOT NULL,"                                                                      \
    " slot bytea NOT NULL CHECK (octet_length(slot) = 64),"                                        \
    " PRIMARY KEY (prefix, shard, place))"

/* A row that was replaced is to be gone soon: its page is vacuumed at the next opportunity. */
static const char *const migrations[] = {
    "BEGIN;"
    "CREATE TABLE personal_schema (" PG_VERSION_COLUMNS ";"
    "CREATE TABLE ledger_keys (" KEYS_COLUMNS
    " WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);"
    "CREATE INDEX ledger_keys_erased ON ledger_keys (prefix, shard, place) WHERE slot = " ERASED ";"
    "CREATE FUNCTION ledger_keys_only_rise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF TG_OP = 'UPDATE' THEN"
    "  IF NEW.slot = " ERASED " AND NEW.prefix = OLD.prefix AND NEW.shard = OLD.shard"
    "  AND NEW.place = OLD.place THEN RETURN NEW; END IF;"
    " END IF;"
    " RAISE EXCEPTION 'a key is made once, and then only erased' USING ERRCODE = '42501'; END $$;"
    "CREATE TRIGGER only_rise BEFORE UPDATE OR DELETE ON ledger_keys"
    " FOR EACH ROW EXECUTE FUNCTION ledger_keys_only_rise();"
    "CREATE TRIGGER only_rise_all BEFORE TRUNCATE ON ledger_keys"
    " FOR EACH STATEMENT EXECUTE FUNCTION ledger_keys_only_rise();"
    "INSERT INTO personal_schema (version, program_least) VALUES (1, 1);"
    "COMMIT",
};

static const char *const by_row[] = {
    "CREATE TABLE IF NOT EXISTS personal_schema (" PG_VERSION_COLUMNS,
    "CREATE TABLE IF NOT EXISTS ledger_keys (" KEYS_COLUMNS,
    "CREATE INDEX IF NOT EXISTS ledger_keys_erased ON ledger_keys (prefix, shard, place)"
    " WHERE slot = " ERASED,
    "DROP TRIGGER IF EXISTS only_rise ON ledger_keys",
    "CREATE OR REPLACE FUNCTION ledger_keys_only_rise() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN IF TG_OP = 'UPDATE' THEN"
    "  IF (NEW).slot = " ERASED " AND (NEW).prefix = (OLD).prefix AND (NEW).shard = (OLD).shard"
    "  AND (NEW).place = (OLD).place THEN RETURN NEW; END IF;"
    " END IF;"
    " RAISE EXCEPTION 'a key is made once, and then only erased' USING ERRCODE = '42501'; END $$",
    "CREATE TRIGGER only_rise BEFORE UPDATE OR DELETE ON ledger_keys"
    " FOR EACH ROW EXECUTE FUNCTION ledger_keys_only_rise()",
    "INSERT INTO personal_schema (version, program_least) VALUES (1, 1) ON CONFLICT DO NOTHING",
    NULL,
};

static const struct pg_schema schema = {"personal_schema", migrations, 1, by_row};

static struct pg_personal *personal_of(struct personal_store *store)
{
    return (struct pg_personal *)store;
}

/* ---- answers ---- */

static int say(struct pg_personal *personal, const char *text, int error)
{
    struct buf why = buf_over(personal->why, sizeof personal->why - 1);
    buf_put_text(&why, text);
    personal->why[why.bytes] = '\0';
    return error;
}

static int say_error(struct pg_personal *personal, int error)
{
    return say(personal, pg_link_problem(personal->link), error);
}

static int prepare(struct pg_personal *personal)
{
    char memory[PG_PROBLEM_BYTES_MAX];
    struct buf why = buf_over(memory, sizeof memory - 1);
    if (personal->prepared)
        return 0;
    int error = pg_schema_prepare(personal->link, &schema, &why);
    memory[why.bytes] = '\0';
    if (error < 0)
        return say(personal, why.bytes > 0 ? memory : pg_link_problem(personal->link), error);
    personal->prepared = true;
    return 0;
}

/* Rows (place, slot) into their places. */
static int take_slots(const PGresult *rows, uint64_t first, uint32_t count, char *ret_slots)
{
    memset(ret_slots, 0, (size_t)count * SLOT_BYTES);
    for (int row = 0; row < PQntuples(rows); row++) {
        int64_t place = 0;
        if (!pg_take_number(rows, row, 0, &place) || PQgetlength(rows, row, 1) != SLOT_BYTES ||
            (uint64_t)place < first || (uint64_t)place - first >= count)
            return -ERR_CORRUPT;
        memcpy(ret_slots + ((uint64_t)place - first) * SLOT_BYTES, PQgetvalue(rows, row, 1),
               SLOT_BYTES);
    }
    return 0;
}

/* ---- the port ---- */

static int read_slots(struct pg_personal *personal, uint64_t first, uint32_t count, void *ret_slots)
{
    static const char statement[] =
        "SELECT place, slot FROM ledger_keys WHERE prefix = $1::bigint AND shard = $2::bigint"
        " AND place >= $3::bigint AND place < $3::bigint + $4::bigint";
    struct pg_params params = pg_key_of(personal->shard);
    PGresult *rows = NULL;
    ASSERT(count <= PERSONAL_STORE_PLACES_MAX);
    pg_params_put_number(&params, (int64_t)first);
    pg_params_put_number(&params, count);
    int error = pg_ask(personal->link, statement, &params, &rows);
    if (error < 0)
        return say_error(personal, error);
    error = take_slots(rows, first, count, ret_slots);
    PQclear(rows);
    return error < 0 ? say(personal, "ledger_keys has a row that is no slot", error) : 0;
}

static int personal_read(struct personal_store *store, uint64_t first, uint32_t count,
                         void *ret_slots)
{
    TRY(prepare(personal_of(store)));
    return read_slots(personal_of(store), first, count, ret_slots);
}

/* Rows are locked in the order of their places, so those who bring the same wait for one another
 * and no more. What the insert found there may be on this server alone. */
static int personal_join(struct personal_store *store, uint64_t first, uint32_t count, void *slots)
{
    static const char statement[] =
        "INSERT INTO ledger_keys AS k (prefix, shard, place, slot)"
        " SELECT $1::bigint, $2::bigint, $3::bigint + n, slot"
        " FROM (SELECT n, substr($5::bytea, (n * 64 + 1)::int, 64) AS slot"
        " FROM generate_series(0, $4::bigint - 1) AS n) AS brought WHERE slot <> " NONE
        " ORDER BY n ON CONFLICT (prefix, shard, place) DO UPDATE SET slot = EXCLUDED.slot"
        " WHERE EXCLUDED.slot = " ERASED " AND k.slot <> " ERASED;
    struct pg_personal *personal = personal_of(store);
    struct pg_params params = pg_key_of(personal->shard);
    TRY(prepare(personal));
    pg_params_put_number(&params, (int64_t)first);
    pg_params_put_number(&params, count);
    pg_params_put_bytes(&params, slots, (size_t)count * SLOT_BYTES);
    int error = pg_ask(personal->link, statement, &params, NULL);
    if (error < 0)
        return say_error(personal, error);
    TRY(read_slots(personal, first, count, slots));
    error = store_error(pg_wait_replicated(personal->link));
    return error < 0 ? say_error(personal, error) : 0;
}

static int personal_count(struct personal_store *store, struct personal_store_count *ret)
{
    static const char statement[] =
        "SELECT coalesce(max(place) + 1, 0)::bigint, (SELECT count(*) FROM ledger_keys"
        " WHERE prefix = $1::bigint AND shard = $2::bigint AND slot = " ERASED ")"
        " FROM ledger_keys WHERE prefix = $1::bigint AND shard = $2::bigint";
    struct pg_personal *personal = personal_of(store);
    const struct pg_params key = pg_key_of(personal->shard);
    int64_t places = 0, erased = 0;
    PGresult *rows = NULL;
    TRY(prepare(personal));
    int error = pg_ask(personal->link, statement, &key, &rows);
    if (error < 0)
        return say_error(personal, error);
    bool told = PQntuples(rows) == 1 && pg_take_number(rows, 0, 0, &places) &&
                pg_take_number(rows, 0, 1, &erased) && places >= 0;
    PQclear(rows);
    if (!told)
        return say(personal, "ledger_keys cannot be counted", -ERR_CORRUPT);
    *ret = (struct personal_store_count){(uint64_t)places, (uint64_t)erased};
    return 0;
}

static int personal_erased(struct personal_store *store, uint64_t first, uint64_t *ret_places,
                           uint32_t room, uint32_t *ret_count)
{
    static const char statement[] =
        "SELECT place FROM ledger_keys WHERE prefix = $1::bigint AND shard = $2::bigint"
        " AND place >= $3::bigint AND slot = " ERASED " ORDER BY place LIMIT $4::bigint";
    struct pg_personal *personal = personal_of(store);
    struct pg_params params = pg_key_of(personal->shard);
    PGresult *rows = NULL;
    uint32_t count = 0;
    TRY(prepare(personal));
    pg_params_put_number(&params, (int64_t)first);
    pg_params_put_number(&params, room);
    int error = pg_ask(personal->link, statement, &params, &rows);
    if (error < 0)
        return say_error(personal, error);
    for (int row = 0; row < PQntuples(rows) && count < room; row++) {
        int64_t place = 0;
        if (pg_take_number(rows, row, 0, &place))
            ret_places[count++] = (uint64_t)place;
    }
    PQclear(rows);
    *ret_count = count;
    return 0;
}

static const char *personal_problem(const struct personal_store *store)
{
    return ((const struct pg_personal *)store)->why;
}

static void personal_leave(struct personal_store *store)
{
    pg_link_leave(personal_of(store)->link);
}

static void personal_free(struct personal_store *store)
{
    struct pg_personal *personal = personal_of(store);
    pg_link_free(personal->link);
    free(personal);
}

static const struct personal_store_ops personal_ops = {
    .read = personal_read,
    .join = personal_join,
    .count = personal_count,
    .erased = personal_erased,
    .problem = personal_problem,
    .leave = personal_leave,
    .free = personal_free,
};

int pg_personal_new(const char *conninfo, uint32_t shard, struct personal_store **ret_store)
{
    struct pg_personal *personal = calloc(1, sizeof *personal);
    if (personal == NULL)
        return -ERR_MEMORY;
    int error = pg_link_new(conninfo, &personal->link);
    if (error < 0) {
        free(personal);
        return error;
    }
    personal->store.ops = &personal_ops;
    personal->shard = shard;
    *ret_store = &personal->store;
    return 0;
}
