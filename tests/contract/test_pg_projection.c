/* test_pg_projection.c - the projection contract on a real PostgreSQL; and what only that has: the
 * log as a table of the same database, and steps that a server forgets. */
#include <stdlib.h>

#include "adapters/postgres/pg_batch.h"
#include "adapters/postgres/pg_projection.h"
#include "adapters/shared/batch_cursor.h"
#include "base/error.h"
#include "pg_medium.h"
#include "postgres_server.h"
#include "postgres_wire.h"
#include "projection_bench.h"
#include "projection_contract.h"

struct pg_subject {
    struct projection_subject subject;
    struct postgres_wire wire;
};

static struct projection_store *store_at(const char *conninfo)
{
    struct projection_store *store = NULL;
    assert_int_equal(pg_projection_new(conninfo, &store), 0);
    return store;
}

static struct projection_store *subject_store(struct projection_subject *subject)
{
    return store_at(((struct pg_subject *)subject)->wire.conninfo);
}

static void subject_crash(struct projection_subject *subject)
{
    (void)subject;
    postgres_server_restart(true);
}

static void subject_free(struct projection_subject *subject)
{
    postgres_wire_close(&((struct pg_subject *)subject)->wire);
    free(subject);
}

static void begin(void)
{
    if (postgres_server() == NULL)
        skip();
    postgres_run(
        "SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

static struct projection_subject *subject_new(void)
{
    begin();
    struct pg_subject *pg = calloc(1, sizeof *pg);
    assert_non_null(pg);
    assert_true(postgres_wire_open(&pg->wire));
    pg->subject = (struct projection_subject){.wire = pg->wire.proxy,
                                              .store_new = subject_store,
                                              .crash = subject_crash,
                                              .free = subject_free};
    return &pg->subject;
}

PROJECTION_CONTRACT(pg_projection, subject_new)
PROJECTION_CONTRACT_CRASH(pg_projection, subject_new)

/* ---- from the table `ledger` ---- */

static void open_book(struct bench_book *book, uint32_t shard)
{
    struct ledger_log *log = NULL;
    assert_int_equal(pg_medium_open(postgres_server(), shard, 1000000, &log), 0);
    bench_book_over(book, log, shard);
}

static void follow(struct bench_follower *follower, uint32_t shard)
{
    struct batch_store *batches = NULL;
    struct ledger_cursor *cursor = NULL;
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct projection_store *store = store_at(postgres_server());
    assert_int_equal(pg_batch_new(postgres_server(), &batches), 0);
    assert_int_equal(batch_cursor_new(batches, shard, &cursor), 0);
    assert_int_equal(store->ops->prepare(store, &why), 0);
    bench_follower_open(follower, cursor, store, shard);
    bench_step_until_idle(follower);
}

static void verify(const struct bench_book *book)
{
    static struct projection_check_report report;
    struct projection_store *store = store_at(postgres_server());
    bench_verify(book->log, store, book->shard, &report);
    store->ops->free(store);
}

TEST(pg_projection, of_the_table_ledger_says_what_is_now)
{
    struct bench_book book;
    struct bench_follower follower;
    begin();
    open_book(&book, 0);
    bench_book_write_every_type(&book, NULL);
    follow(&follower, 0);
    verify(&book);
    assert_int_equal(postgres_number("SELECT count(*) FROM bets_now"), 4);
    assert_int_equal(postgres_number("SELECT count(*) FROM bets_now WHERE status = 'PENDING'"), 1);
    bench_follower_close(&follower);
    bench_book_close(&book);
}

#define SHARDS 700

TEST(pg_projection, shards_are_found_and_stand_beside_each_other)
{
    uint32_t shards[BATCH_SHARDS_MAX];
    struct bench_book books[4];
    size_t count = 0;
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    begin();
    for (uint32_t i = 0; i < 4; i++) {
        open_book(&books[i], 233 * i);
        bench_book_write_bets(&books[i], SHARDS, 3 + 2 * i);
    }
    assert_int_equal(pg_batch_shards(postgres_server(), shards, &count, &why), 0);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        struct bench_follower follower;
        assert_int_equal(shards[i], 233 * i);
        follow(&follower, shards[i]);
        bench_follower_close(&follower);
    }
    for (size_t i = 0; i < count; i++) {
        verify(&books[i]);
        bench_book_close(&books[i]);
    }
    assert_int_equal(postgres_number("SELECT count(DISTINCT shard) FROM bets"), 4);
}

/* As after a crash of the server, which has not waited for a disk. */
TEST(pg_projection, steps_that_the_server_forgot_are_made_again)
{
    struct bench_book book, other;
    struct bench_follower follower;
    begin();
    open_book(&book, 0);
    bench_book_write_every_type(&book, NULL);
    follow(&follower, 0);
    postgres_run("SET session_replication_role = replica; TRUNCATE bets, balances, projection");
    open_book(&other, 7);
    bench_book_write_bets(&other, SHARDS, 1); /* of no concern */
    bench_book_close(&other);
    bench_follower_close(&follower);
    follow(&follower, 0);
    verify(&book);
    bench_follower_close(&follower);
    bench_book_close(&book);
}
