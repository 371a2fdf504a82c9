/* test_pg_by_row.c - tables as a CockroachDB gets them (adapters/postgres/pg_schema.h), made by a
 * PostgreSQL whose version() says that it is one: the statements are run, and their triggers hold.
 * Whether a CockroachDB takes them is not known from here. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "adapters/postgres/pg_lease.h"
#include "adapters/postgres/pg_ledger.h"
#include "adapters/postgres/pg_personal.h"
#include "adapters/postgres/pg_projection.h"
#include "base/error.h"
#include "crypto/personal.h"
#include "postgres_server.h"

/* libpq's words for it, in a schema of its own that is empty but for version(); skips the test
 * without a PostgreSQL. */
static const char *begin(void)
{
    static char conninfo[300];
    const char *server = postgres_server();
    if (server == NULL)
        skip();
    postgres_run("DROP SCHEMA IF EXISTS by_row CASCADE");
    postgres_run("CREATE SCHEMA by_row;"
                 "CREATE FUNCTION by_row.version() RETURNS text LANGUAGE sql AS"
                 " $$ SELECT 'CockroachDB CCL v24.3.0' $$");
    (void)snprintf(conninfo, sizeof conninfo, "%s options='-c search_path=by_row,pg_catalog'",
                   server);
    return conninfo;
}

static void open_ledger(const char *conninfo)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory - 1);
    struct pg_ledger_options options = {
        .conninfo = conninfo, .stall_us = 1000000, .close_us_max = 1000000};
    struct ledger_log *log = NULL;
    int error = pg_ledger_open(&options, &log, &why);
    memory[why.bytes] = '\0';
    if (error != 0)
        fail_msg("%s", memory);
    log->ops->free(log);
}

/* Fails the test when it is done, or fails for another reason. */
static void expect_refused(const char *statement)
{
    char text[400];
    (void)snprintf(text, sizeof text,
                   "DO $$ BEGIN %s; RAISE EXCEPTION 'done' USING ERRCODE = 'P0999';"
                   " EXCEPTION WHEN insufficient_privilege THEN NULL; END $$",
                   statement);
    postgres_run(text);
}

/* All of them, and those that are of rows. */
static void expect_triggers(const char *table, long of_rows)
{
    char text[300];
    (void)snprintf(text, sizeof text,
                   "SELECT count(*) * 10 + sum(tgtype & 1) FROM pg_trigger"
                   " WHERE tgrelid = 'by_row.%s'::regclass AND NOT tgisinternal",
                   table);
    assert_int_equal(postgres_number(text), of_rows * 11);
}

TEST(pg_by_row, rows_of_the_ledger_are_never_changed)
{
    const char *conninfo = begin();
    open_ledger(conninfo);
    expect_triggers("ledger", 1);
    assert_int_equal(postgres_number("SELECT count(*) FROM by_row.ledger_schema"), 3);
    postgres_run("INSERT INTO by_row.ledger"
                 " (prefix, shard, batch_no, epoch, seq_first, seq_last, crc, records)"
                 " VALUES (9, 0, 1, 1, 1, 2, 7, 'x')");
    expect_refused("UPDATE by_row.ledger SET crc = 0");
    expect_refused("UPDATE by_row.ledger SET batch_no = 2 WHERE prefix = 9");
    expect_refused("DELETE FROM by_row.ledger");
    assert_int_equal(postgres_number("SELECT crc FROM by_row.ledger WHERE prefix = 9"), 7);
    open_ledger(conninfo); /* nothing is to be done */
}

TEST(pg_by_row, what_ended_half_way_is_done_again)
{
    const char *conninfo = begin();
    open_ledger(conninfo);
    for (int version = 3; version > 0; version--) {
        char text[120];
        (void)snprintf(text, sizeof text, "DELETE FROM by_row.ledger_schema WHERE version >= %d",
                       version);
        postgres_run(text);
        open_ledger(conninfo);
        assert_int_equal(postgres_number("SELECT max(version) FROM by_row.ledger_schema"), 3);
        expect_triggers("ledger", 1);
    }
    postgres_run("DELETE FROM by_row.ledger_schema WHERE version >= 2;"
                 "DROP TRIGGER insert_only ON by_row.ledger");
    open_ledger(conninfo);
    expect_triggers("ledger", 1);
}

TEST(pg_by_row, keys_are_erased_and_nothing_else)
{
    const char *conninfo = begin();
    static char slots[2][PERSONAL_SLOT_BYTES], erased[PERSONAL_SLOT_BYTES];
    struct personal_store *store = NULL;
    assert_int_equal(pg_personal_new(conninfo, 0, &store), 0);
    memset(slots, 1, sizeof slots);
    assert_int_equal(store->ops->join(store, 5, 2, slots), 0);
    expect_triggers("ledger_keys", 1);
    expect_refused("UPDATE by_row.ledger_keys SET slot = decode(repeat('02', 64), 'hex')");
    expect_refused("UPDATE by_row.ledger_keys SET place = 7 WHERE place = 5");
    expect_refused("DELETE FROM by_row.ledger_keys");
    personal_slot_erase(erased);
    memcpy(slots[0], erased, sizeof erased);
    assert_int_equal(store->ops->join(store, 5, 2, slots), 0);
    assert_int_equal(store->ops->read(store, 5, 1, slots[1]), 0);
    assert_memory_equal(slots[1], erased, sizeof erased);
    expect_refused("UPDATE by_row.ledger_keys SET slot = decode(repeat('01', 64), 'hex')"
                   " WHERE place = 5");
    expect_refused("UPDATE by_row.ledger_keys SET place = 7 WHERE place = 5");
    store->ops->free(store);
}

TEST(pg_by_row, a_lease_is_taken)
{
    const char *conninfo = begin();
    const struct shard_lease_asked asked = {SHARD_LEASE_ANY, 2, 60000000};
    struct shard_lease_store *store = NULL;
    struct shard_lease lease;
    assert_int_equal(pg_lease_new(conninfo, slice_of("a", 1), &store), 0);
    assert_int_equal(store->ops->take(store, &asked, &lease), 0);
    assert_int_equal(postgres_number("SELECT count(*) FROM by_row.ledger_leases"), 2);
    store->ops->free(store);
}

TEST(pg_by_row, there_is_no_projection)
{
    const char *conninfo = begin();
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory - 1);
    struct projection_store *store = NULL;
    assert_int_equal(pg_projection_new(conninfo, &store), 0);
    assert_int_equal(store->ops->prepare(store, &why), -ERR_CONFIG);
    memory[why.bytes] = '\0';
    assert_string_equal(memory, "what needs projection_schema does not work on CockroachDB");
    assert_int_equal(postgres_number("SELECT count(*) FROM pg_tables WHERE schemaname = 'by_row'"),
                     0);
    store->ops->free(store);
}
