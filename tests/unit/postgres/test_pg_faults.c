/* test_pg_faults.c - of the ledger on a PostgreSQL, what only that has: locks, standbys, a clock,
 * rows that a server lacks (adapters/postgres/pg_ledger.h; DESIGN part 3, L1, L2). What is lost on
 * the way to any engine: tests/contract/ledger_log_wire.c. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/postgres/pg_ledger.h"
#include "base/clock.h"
#include "base/error.h"
#include "log_records.h"
#include "postgres_server.h"

#define RECORD_BYTES 328
#define TRIES        30000 /* of a millisecond: generous */
#define STALL_US     100000

struct writer {
    struct ledger_log *log;
    uint64_t epoch;
    int64_t until_us; /* of the next appends; 0: whenever */
    struct ledger_append append;
    char records[64 * RECORD_BYTES];
    unsigned answers;
    enum append_outcome outcome;
};

/* As every test is to find it, also behind one that failed. */
static void clean(void)
{
    postgres_run("ALTER SYSTEM RESET synchronous_standby_names");
    postgres_run("SELECT pg_reload_conf()");
    postgres_run("DROP TABLE IF EXISTS ledger, ledger_schema;"
                 "DROP FUNCTION IF EXISTS ledger_is_insert_only()");
}

static void begin(void)
{
    if (postgres_server() == NULL)
        skip();
    clean();
}

static int try_open(const char *conninfo, struct ledger_log **ret_log, char *ret_why, size_t bytes)
{
    struct buf why = buf_over(ret_why, bytes - 1);
    struct pg_ledger_options options = {
        .conninfo = conninfo, .stall_us = STALL_US, .close_us_max = 1000000};
    int error = pg_ledger_open(&options, ret_log, &why);
    ret_why[why.bytes] = '\0';
    return error;
}

static void writer_open(struct writer *writer, const char *conninfo)
{
    char why[256];
    *writer = (struct writer){.epoch = 0};
    if (try_open(conninfo, &writer->log, why, sizeof why) != 0)
        fail_msg("%s", why);
    assert_int_equal(writer->log->ops->take_epoch(writer->log, 0, &writer->epoch), 0);
}

static void writer_close(struct writer *writer)
{
    writer->log->ops->free(writer->log);
}

static void on_done(struct ledger_append *append, enum append_outcome outcome)
{
    struct writer *writer = append->owner;
    writer->answers++;
    writer->outcome = outcome;
}

static void begin_append(struct writer *writer, uint64_t tail, uint32_t count)
{
    size_t bytes = log_records_make(writer->records, RECORD_BYTES, tail + 1, count, writer->epoch);
    writer->answers = 0;
    writer->append = (struct ledger_append){.epoch = writer->epoch,
                                            .expected_tail = tail,
                                            .records = writer->records,
                                            .bytes = bytes,
                                            .count = count,
                                            .until_us = writer->until_us,
                                            .on_done = on_done,
                                            .owner = writer};
    assert_int_equal(writer->log->ops->append(writer->log, &writer->append), 0);
}

static enum append_outcome end_append(struct writer *writer)
{
    for (int i = 0; i < TRIES && writer->answers == 0; i++) {
        writer->log->ops->poll(writer->log);
        usleep(1000);
    }
    assert_int_equal(writer->answers, 1);
    return writer->outcome;
}

static enum append_outcome append(struct writer *writer, uint64_t tail, uint32_t count)
{
    begin_append(writer, tail, count);
    return end_append(writer);
}

static int count_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    uint64_t seq = 0, generation = 0, *last = owner;
    (void)shard;
    assert_true(log_record_is(record, bytes, &seq, &generation));
    assert_int_equal(seq, *last + 1);
    *last = seq;
    return 0;
}

static uint64_t replayed(struct writer *writer)
{
    uint64_t last = 0;
    assert_int_equal(writer->log->ops->replay(writer->log, 0, 1, count_record, &last), 0);
    return last;
}

static struct batch_ledger_stats stats_of(struct writer *writer)
{
    struct batch_ledger_stats stats;
    batch_ledger_stats(writer->log, &stats);
    return stats;
}

/* ---- one writer ---- */

TEST(pg_faults, a_server_that_is_silent_is_said_and_waited_for)
{
    struct writer writer;
    begin();
    writer_open(&writer, postgres_server());
    struct postgres_session *lock = postgres_session_begin("LOCK TABLE ledger IN SHARE MODE");
    begin_append(&writer, 0, 1);
    for (int i = 0; i < TRIES && writer.log->ops->trouble(writer.log) == LEDGER_WELL; i++)
        usleep(1000);
    assert_int_equal(writer.log->ops->trouble(writer.log), LEDGER_STALLED);
    assert_true(stats_of(&writer).trouble);
    assert_int_equal(stats_of(&writer).lost, 0);
    postgres_session_end(lock);
    assert_int_equal(end_append(&writer), APPEND_OK);
    assert_int_equal(writer.log->ops->trouble(writer.log), LEDGER_WELL);
    writer_close(&writer);
}

#define WAITING_FOR_STANDBY                                                                        \
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type ="        \
    " 'client backend'"

static void await_waiting(const struct writer *writer)
{
    for (int i = 0; i < TRIES && writer->answers == 0; i++) {
        writer->log->ops->poll(writer->log);
        if (postgres_number(WAITING_FOR_STANDBY) == 1)
            break;
        usleep(1000);
    }
    assert_int_equal(writer->answers, 0);
    assert_int_equal(postgres_number(WAITING_FOR_STANDBY), 1);
}

/* L2: the row is there for everybody, and is lost with this one server. */
TEST(pg_faults, a_batch_that_no_standby_has_is_not_acknowledged)
{
    static const char *const ends[] = {"pg_terminate_backend", "pg_cancel_backend"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct writer writer;
        char statement[160];
        begin();
        writer_open(&writer, postgres_server());
        postgres_run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
        postgres_run("SELECT pg_reload_conf()");
        begin_append(&writer, 0, 3);
        await_waiting(&writer);
        (void)snprintf(statement, sizeof statement,
                       "SELECT %s(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
                       ends[i]);
        postgres_run(statement);
        while (postgres_number("SELECT count(*) FROM ledger") < 2)
            usleep(1000);
        await_waiting(&writer);
        postgres_run("ALTER SYSTEM RESET synchronous_standby_names");
        postgres_run("SELECT pg_reload_conf()");
        assert_int_equal(end_append(&writer), APPEND_OK);
        assert_int_equal(replayed(&writer), 3);
        assert_int_equal(postgres_number("SELECT count(*) FROM ledger"), 2);
        writer_close(&writer);
    }
}

TEST(pg_faults, a_connection_that_is_ended_under_a_lock_writes_once)
{
    struct writer writer;
    begin();
    writer_open(&writer, postgres_server());
    struct postgres_session *lock = postgres_session_begin("LOCK TABLE ledger IN SHARE MODE");
    begin_append(&writer, 0, 4);
    while (postgres_number(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 0)
        usleep(1000);
    postgres_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE wait_event_type = 'Lock'");
    postgres_session_end(lock);
    assert_int_equal(end_append(&writer), APPEND_OK);
    assert_int_equal(replayed(&writer), 4);
    assert_int_equal(postgres_number("SELECT count(*) FROM ledger"), 2);
    writer_close(&writer);
}

/* ---- what is written in its time or not at all (L6) ---- */

static int64_t now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* The process may stand still behind its last look at the clock: here the server does, before it
 * looks at its own. */
TEST(pg_faults, a_batch_is_not_written_when_its_time_has_passed_at_the_server)
{
    struct writer writer;
    begin();
    writer_open(&writer, postgres_server());
    writer.until_us = now_us() + 60 * US_PER_SECOND;
    assert_int_equal(append(&writer, 0, 1), APPEND_OK); /* the clocks are compared from now on */
    struct postgres_session *lock = postgres_session_begin("LOCK TABLE ledger IN SHARE MODE");
    writer.until_us = now_us() + 3 * US_PER_SECOND; /* it must be sent by then */
    begin_append(&writer, 1, 4);
    while (postgres_number(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 0)
        usleep(1000);
    while (now_us() <= writer.until_us)
        usleep(1000);
    postgres_session_end(lock);
    assert_int_equal(end_append(&writer), APPEND_LATE);
    assert_int_equal(stats_of(&writer).late, 1);
    assert_int_equal(replayed(&writer), 1);
    writer.until_us = 0; /* the log goes on */
    assert_int_equal(append(&writer, 1, 2), APPEND_OK);
    assert_int_equal(replayed(&writer), 3);
    writer_close(&writer);
}

/* ---- two writers ---- */

TEST(pg_faults, no_epoch_is_taken_behind_the_back_of_a_writer_that_was_not_folded)
{
    struct writer writer, late;
    char why[256];
    uint64_t epoch = 0;
    begin();
    writer_open(&writer, postgres_server());
    assert_int_equal(try_open(postgres_server(), &late.log, why, sizeof why), 0);
    assert_int_equal(append(&writer, 0, 2), APPEND_OK);
    assert_int_equal(late.log->ops->take_epoch(late.log, 0, &epoch), -ERR_STOPPED);
    assert_non_null(strstr(batch_ledger_problem(late.log), "another writer"));
    assert_int_equal(append(&writer, 2, 2), APPEND_OK);
    writer_close(&writer);
    writer_close(&late);
}

static void lose_newest(const char *change)
{
    char text[200];
    (void)snprintf(text, sizeof text,
                   "SET session_replication_role = replica; %s WHERE batch_no ="
                   " (SELECT max(batch_no) FROM ledger)",
                   change);
    postgres_run(text);
    postgres_run("SET session_replication_role = origin");
}

/* A standby that had less than others was made the primary. */
static void lack(const char *change)
{
    struct writer writer;
    begin();
    writer_open(&writer, postgres_server());
    assert_int_equal(append(&writer, 0, 3), APPEND_OK);
    assert_int_equal(append(&writer, 3, 2), APPEND_OK);
    assert_string_equal(batch_ledger_stopped_by(writer.log), "");
    lose_newest(change);
    long rows = postgres_number("SELECT count(*) FROM ledger");
    assert_int_equal(append(&writer, 5, 1), APPEND_UNKNOWN);
    assert_int_equal(postgres_number("SELECT count(*) FROM ledger"), rows);
    assert_non_null(strstr(batch_ledger_problem(writer.log), "batch 3"));
    assert_non_null(strstr(batch_ledger_problem(writer.log), "lacks what an earlier one had"));
    assert_string_equal(batch_ledger_stopped_by(writer.log), batch_ledger_problem(writer.log));
    writer_close(&writer);
}

TEST(pg_faults, nothing_is_written_behind_a_batch_that_the_server_lacks)
{
    lack("DELETE FROM ledger");
    lack("UPDATE ledger SET seq_last = seq_last - 1");
    lack("UPDATE ledger SET epoch = epoch + 1");
}

TEST(pg_faults, no_epoch_is_taken_behind_a_batch_that_the_server_lacks)
{
    struct writer writer;
    uint64_t epoch = 0;
    begin();
    writer_open(&writer, postgres_server());
    assert_int_equal(append(&writer, 0, 3), APPEND_OK);
    lose_newest("DELETE FROM ledger");
    assert_int_equal(writer.log->ops->take_epoch(writer.log, 0, &epoch), -ERR_STOPPED);
    assert_int_equal(postgres_number("SELECT max(batch_no) FROM ledger"), 1);
    assert_non_null(strstr(batch_ledger_problem(writer.log), "batch 2"));
    writer_close(&writer);
}

TEST(pg_faults, two_who_race_for_a_key_are_told_apart)
{
    struct writer writers[2];
    unsigned won = 0;
    begin();
    for (int round = 0; round < 10; round++) {
        uint64_t tail = (uint64_t)round;
        writer_open(&writers[0], postgres_server());
        writer_open(&writers[1], postgres_server());
        begin_append(&writers[0], tail, 1);
        begin_append(&writers[1], tail, 1);
        assert_int_equal(end_append(&writers[0]), APPEND_MOVED);
        assert_int_equal(end_append(&writers[1]), APPEND_OK);
        won++;
        writer_close(&writers[0]);
        writer_close(&writers[1]);
    }
    assert_int_equal(postgres_number("SELECT max(seq_last) FROM ledger"), won);
}

/* ---- what is stored ---- */

TEST(pg_table, rows_are_never_changed)
{
    static const char *const changes[] = {"UPDATE ledger SET crc = 0", "DELETE FROM ledger",
                                          "TRUNCATE ledger"};
    struct writer writer;
    char text[256];
    begin();
    writer_open(&writer, postgres_server());
    assert_int_equal(append(&writer, 0, 2), APPEND_OK);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        (void)snprintf(text, sizeof text,
                       "DO $$ BEGIN %s; EXCEPTION WHEN insufficient_privilege THEN"
                       " CREATE TABLE refused_%zu (); END $$",
                       changes[i], i);
        postgres_run(text);
        (void)snprintf(text, sizeof text, "DROP TABLE refused_%zu", i);
        postgres_run(text); /* it was refused */
    }
    assert_int_equal(replayed(&writer), 2);
    writer_close(&writer);
}

static int ignore(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    (void)owner, (void)shard, (void)record, (void)bytes;
    return 0;
}

TEST(pg_table, a_changed_or_missing_row_is_found)
{
    static const struct {
        const char *change, *problem;
    } rows[] = {
        {"UPDATE ledger SET records = set_byte(records, 100, 255 - get_byte(records, 100))"
         " WHERE batch_no = 3",
         "sum"},
        {"UPDATE ledger SET crc = crc + 1 WHERE batch_no = 3", "sum"},
        {"UPDATE ledger SET epoch = 7 WHERE batch_no = 3", "epoch"},
        {"UPDATE ledger SET seq_first = 2 WHERE batch_no = 3", "missing"},
        {"DELETE FROM ledger WHERE batch_no = 3", "missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct writer writer;
        begin();
        writer_open(&writer, postgres_server());
        for (uint64_t tail = 0; tail < 8; tail += 2)
            assert_int_equal(append(&writer, tail, 2), APPEND_OK);
        postgres_run("ALTER TABLE ledger DISABLE TRIGGER insert_only");
        postgres_run(rows[i].change);
        assert_int_equal(writer.log->ops->replay(writer.log, 0, 1, ignore, NULL), -ERR_CORRUPT);
        if (strstr(batch_ledger_problem(writer.log), rows[i].problem) == NULL)
            fail_msg("%s: %s", rows[i].change, batch_ledger_problem(writer.log));
        writer_close(&writer);
    }
}

TEST(pg_table, is_refused_where_a_newer_program_made_it)
{
    struct writer writer;
    struct ledger_log *log = NULL;
    char why[256];
    begin();
    writer_open(&writer, postgres_server());
    writer_close(&writer);
    postgres_run("INSERT INTO ledger_schema (version, program_least) VALUES (99, 98)");
    assert_int_equal(try_open(postgres_server(), &log, why, sizeof why), -ERR_CONFIG);
    assert_non_null(strstr(why, "newer"));
    assert_non_null(strstr(why, "ledger_schema is at version 99"));
    assert_non_null(strstr(why, "from version 98 on"));
}

TEST(pg_table, is_worked_with_where_a_newer_program_only_added_to_it)
{
    struct writer writer;
    begin();
    writer_open(&writer, postgres_server());
    writer_close(&writer);
    postgres_run("ALTER TABLE ledger ADD COLUMN remark text;"
                 "INSERT INTO ledger_schema (version, program_least) VALUES (99, 3)");
    writer_open(&writer, postgres_server());
    assert_int_equal(append(&writer, 0, 2), APPEND_OK);
    writer_close(&writer);
}

/* As the first programs with such a table made it: an epoch was taken, and a batch written. */
static const char tables_of_version_2[] =
    "CREATE TABLE ledger_schema (version bigint PRIMARY KEY,"
    " applied_at timestamptz NOT NULL DEFAULT clock_timestamp());"
    "CREATE TABLE ledger (prefix smallint NOT NULL, shard integer NOT NULL,"
    " batch_no bigint NOT NULL, epoch bigint NOT NULL, seq_first bigint NOT NULL,"
    " seq_last bigint NOT NULL, crc bigint NOT NULL, records bytea NOT NULL,"
    " written_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
    " PRIMARY KEY (prefix, shard, batch_no));"
    "ALTER TABLE ledger ALTER COLUMN records SET STORAGE EXTERNAL;"
    "CREATE FUNCTION ledger_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN RAISE EXCEPTION 'the ledger is insert only' USING ERRCODE = '42501'; END $$;"
    "CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger"
    " FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_insert_only();"
    "INSERT INTO ledger_schema (version) VALUES (1), (2);"
    "INSERT INTO ledger (prefix, shard, batch_no, epoch, seq_first, seq_last, crc, records)"
    " SELECT prefix, shard, batch_no, epoch, seq_first, seq_last, crc, records FROM kept";

TEST(pg_table, of_an_older_program_goes_on_with_what_is_in_it)
{
    struct writer writer;
    begin();
    writer_open(&writer, postgres_server());
    assert_int_equal(append(&writer, 0, 2), APPEND_OK);
    writer_close(&writer);
    postgres_run("CREATE TABLE kept AS SELECT * FROM ledger");
    clean();
    postgres_run(tables_of_version_2);
    postgres_run("DROP TABLE kept");
    writer_open(&writer, postgres_server());
    assert_int_equal(writer.log->ops->tail(writer.log, 0), 2);
    assert_int_equal(writer.epoch, 2);
    assert_int_equal(append(&writer, 2, 2), APPEND_OK);
    assert_int_equal(writer.log->ops->replay(writer.log, 0, 1, ignore, NULL), 0);
    assert_int_equal(postgres_number("SELECT max(version) FROM ledger_schema"), 3);
    writer_close(&writer);
}

TEST(pg_table, is_refused_where_a_commit_is_not_durable)
{
    struct ledger_log *log = NULL;
    char why[256];
    begin();
    postgres_run("ALTER ROLE postgres SET synchronous_commit = off");
    int error = try_open(postgres_server(), &log, why, sizeof why);
    postgres_run("ALTER ROLE postgres RESET synchronous_commit");
    assert_int_equal(error, -ERR_CONFIG);
    assert_non_null(strstr(why, "synchronous_commit"));
}

TEST(pg_table, says_why_it_cannot_be_opened)
{
    struct ledger_log *log = NULL;
    char why[256];
    if (postgres_server() == NULL)
        skip();
    assert_int_equal(try_open("host=/nowhere user=postgres", &log, why, sizeof why), -ERR_ABSENT);
    assert_true(why[0] != '\0');
    assert_int_equal(try_open("not = a = conninfo", &log, why, sizeof why), -ERR_CONFIG);
}
