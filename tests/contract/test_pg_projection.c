/* test_pg_projection.c - the projection port on a real PostgreSQL, filled by the real projector
 * from the table `ledger`: one good record of every type, several shards, a wire that loses
 * requests and answers, projectors that die. What is there must be what the log says
 * (app/projection_check.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "adapters/postgres/pg_batch.h"
#include "adapters/postgres/pg_ledger.h"
#include "adapters/postgres/pg_projection.h"
#include "adapters/shared/batch_cursor.h"
#include "app/projection_check.h"
#include "app/projector.h"
#include "base/error.h"
#include "core/user_shard.h"
#include "every_type.h"
#include "fault_proxy.h"
#include "postgres_server.h"

#define TRIES 30000 /* of a millisecond: generous */

/* ---- a ledger ---- */

struct writer {
    struct ledger_log *log;
    uint32_t shard;
    uint64_t epoch;
    unsigned answers;
    enum append_outcome outcome;
};

static void on_done(struct ledger_append *append, enum append_outcome outcome)
{
    struct writer *writer = append->owner;
    writer->answers++;
    writer->outcome = outcome;
}

static struct ledger_log *open_log(uint32_t shard, bool read_only)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory - 1);
    const struct pg_ledger_options options = {.conninfo = postgres_server(),
                                              .shard = shard,
                                              .close_us_max = 1000000,
                                              .read_only = read_only};
    struct ledger_log *log = NULL;
    int error = pg_ledger_open(&options, &log, &why);
    memory[why.bytes] = '\0';
    if (error < 0)
        fail_msg("%s", memory);
    return log;
}

static struct writer writer_open(uint32_t shard)
{
    struct writer writer = {.log = open_log(shard, false), .shard = shard};
    assert_int_equal(writer.log->ops->take_epoch(writer.log, shard, &writer.epoch), 0);
    return writer;
}

/* The record that the maker has made last. */
static void write_record(struct writer *writer, const struct maker *maker)
{
    struct ledger_append append = {.shard = writer->shard,
                                   .epoch = writer->epoch,
                                   .expected_tail = maker->view.head->seq - 1,
                                   .records = maker->memory,
                                   .bytes = maker->view.head->bytes,
                                   .count = 1,
                                   .on_done = on_done,
                                   .owner = writer};
    writer->answers = 0;
    assert_int_equal(writer->log->ops->append(writer->log, &append), 0);
    for (int i = 0; i < TRIES && writer->answers == 0; i++) {
        writer->log->ops->poll(writer->log);
        usleep(1000);
    }
    assert_int_equal(writer->answers, 1);
    assert_int_equal(writer->outcome, APPEND_OK);
}

static struct writer writing;
static void (*between)(void); /* after each record; may be NULL */

static void write_made(struct maker *maker, const struct parts *parts)
{
    (void)parts;
    if (shard_state_seq(maker->state) == 0)
        return;
    write_record(&writing, maker);
    if (between != NULL)
        between();
}

/* A ledger with a record of every type. */
static void write_every_type(void (*after_each)(void))
{
    static struct maker maker;
    between = after_each;
    writing = writer_open(0);
    every_type(&maker, write_made);
    write_made(&maker, NULL); /* the last */
    maker_done(&maker);
    writing.log->ops->free(writing.log);
}

#define SHARDS 700

/* A user of this shard. */
static void find_user(uint32_t shard, char user[16])
{
    for (unsigned n = 0;; n++) {
        (void)snprintf(user, 16, "ada-%u", n);
        if (user_shard(slice_text(user), SHARDS) == shard)
            return;
    }
}

static void write_shard(uint32_t shard, unsigned bets)
{
    static struct maker maker;
    char key[16], user[16];
    struct writer writer = writer_open(shard);
    maker_empty(&maker, &MAKER_LIMITS);
    struct parts parts = parts_genesis(&maker);
    parts.body.genesis.shard = shard;
    parts.body.genesis.shards = SHARDS;
    find_user(shard, user);
    maker_accept(&maker, &parts);
    write_record(&writer, &maker);
    for (unsigned i = 0; i < 4 + bets; i++) {
        (void)snprintf(key, sizeof key, "k%u", i);
        parts = i == 0   ? parts_opened(&maker)
                : i == 1 ? parts_account(&maker, user)
                : i == 2 ? parts_market(&maker, "1.23", 3)
                : i == 3 ? parts_deposit(&maker, 1, 1000000, "d")
                         : parts_bet(&maker, 1, 1, key);
        maker_accept(&maker, &parts);
        write_record(&writer, &maker);
    }
    maker_done(&maker);
    writer.log->ops->free(writer.log);
}

/* ---- following it ---- */

struct follower {
    struct ledger_cursor *cursor;
    struct projection_store *store;
    struct projector *projector;
};

static void follower_open(struct follower *f, const char *conninfo, uint32_t shard)
{
    struct batch_store *batches = NULL;
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    assert_int_equal(pg_batch_new(postgres_server(), &batches), 0);
    assert_int_equal(batch_cursor_new(batches, shard, &f->cursor), 0);
    assert_int_equal(pg_projection_new(conninfo, &f->store), 0);
    int error = -ERR_ABSENT;
    for (int i = 0; i < 100 && error == -ERR_ABSENT; i++)
        error = f->store->ops->prepare(f->store, &why);
    assert_int_equal(error, 0);
    const struct projector_options options = {
        .shard = shard, .limits = MAKER_LIMITS, .cursor = f->cursor, .store = f->store};
    assert_int_equal(projector_new(&options, &f->projector), 0);
}

static void follower_close(struct follower *f)
{
    projector_free(f->projector);
    f->store->ops->free(f->store);
    f->cursor->ops->free(f->cursor);
}

static void step_until_idle(struct follower *f)
{
    int result = PROJECTOR_MORE;
    for (int i = 0; i < TRIES && result != PROJECTOR_IDLE; i++) {
        result = projector_step(f->projector);
        if (result < 0)
            fail_msg("%s", projector_text(f->projector));
        if (result == PROJECTOR_WAITS)
            usleep(1000);
    }
    assert_int_equal(result, PROJECTOR_IDLE);
}

static void check_shard(uint32_t shard)
{
    static struct projection_check_report report;
    struct projection_check_source source = {
        .log = open_log(shard, true), .shard = shard, .limits = MAKER_LIMITS};
    assert_int_equal(pg_projection_new(postgres_server(), &source.store), 0);
    assert_int_equal(projection_check_begin(source.store, shard, &source.place), 0);
    if (projection_check(&source, &report) != 0)
        fail_msg("%s", report.text);
    assert_int_equal(report.seq, report.tail);
    assert_true(report.bets > 0);
    source.store->ops->free(source.store);
    source.log->ops->free(source.log);
}

static void begin(void)
{
    if (postgres_server() == NULL)
        skip();
    postgres_run(
        "SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

/* ---- tests ---- */

TEST(pg_projection, a_record_of_every_type_is_in_the_tables)
{
    struct follower f;
    begin();
    write_every_type(NULL);
    follower_open(&f, postgres_server(), 0);
    step_until_idle(&f);
    assert_int_equal(projector_stats(f.projector).seq, EVERY_TYPE_COUNT);
    assert_int_equal(projector_stats(f.projector).steps, 1);
    check_shard(0);
    assert_int_equal(postgres_number("SELECT count(*) FROM bets_now"), 4);
    assert_int_equal(postgres_number("SELECT count(*) FROM bets_now WHERE status = 'PENDING'"), 1);
    follower_close(&f);
}

static struct follower following;

/* Dies after every step, at another place each time. */
static void follow_and_die(void)
{
    static unsigned times;
    struct follower f;
    follower_open(&f, postgres_server(), 0);
    for (unsigned i = 0; i < 2 + times % 5; i++)
        assert_true(projector_step(f.projector) >= 0);
    times++;
    follower_close(&f);
}

TEST(pg_projection, a_projector_that_dies_leaves_no_gap_and_no_row_twice)
{
    struct follower f;
    begin();
    write_every_type(follow_and_die);
    follower_open(&f, postgres_server(), 0);
    step_until_idle(&f);
    check_shard(0);
    follower_close(&f);
}

static struct fault_proxy *proxy;

static void follow_with_losses(void)
{
    static unsigned times;
    fault_proxy_set(proxy, times++ % 2 == 0 ? FAULT_LOSE_ANSWER : FAULT_LOSE_REQUEST);
    step_until_idle(&following);
    fault_proxy_set(proxy, FAULT_NONE);
}

TEST(pg_projection, what_was_lost_on_the_way_is_there_once)
{
    char folder[] = "/tmp/overround-wire-XXXXXX", from[96], to[160], conninfo[200], server[120];
    begin();
    assert_non_null(mkdtemp(folder));
    assert_int_equal(sscanf(postgres_server(), "host=%119s", server), 1);
    (void)snprintf(to, sizeof to, "%s/.s.PGSQL.5432", server);
    (void)snprintf(from, sizeof from, "%s/.s.PGSQL.5432", folder);
    (void)snprintf(conninfo, sizeof conninfo, "host=%s user=postgres dbname=postgres", folder);
    proxy = fault_proxy_new(from, to);
    follower_open(&following, conninfo, 0);
    write_every_type(follow_with_losses);
    fault_proxy_set(proxy, FAULT_NONE);
    step_until_idle(&following);
    assert_true(fault_proxy_losses(proxy) > 20);
    assert_true(projector_stats(following.projector).retries > 10);
    assert_int_equal(projector_stats(following.projector).restarts, 0);
    check_shard(0);
    follower_close(&following);
    fault_proxy_free(proxy);
    rmdir(folder);
}

static struct follower two[2];

/* The first puts a record, and another; the second has both together, too late; then it is first.
 */
static void follow_by_two(void)
{
    static unsigned times = 2; /* so that both of some pair move the same money */
    switch (times++ % 3) {
    case 0:
        step_until_idle(&two[0]);
        break;
    case 1:
        assert_int_equal(projector_step(two[1].projector), PROJECTOR_MORE);
        step_until_idle(&two[0]);
        step_until_idle(&two[1]);
        break;
    default:
        step_until_idle(&two[1]);
    }
}

TEST(pg_projection, of_two_projectors_each_row_is_one_s)
{
    begin();
    follower_open(&two[0], postgres_server(), 0);
    follower_open(&two[1], postgres_server(), 0);
    write_every_type(follow_by_two);
    step_until_idle(&two[0]);
    step_until_idle(&two[1]);
    assert_true(projector_stats(two[1].projector).retries > 5);
    check_shard(0);
    follower_close(&two[0]);
    follower_close(&two[1]);
}

TEST(pg_projection, shards_are_found_and_stand_beside_each_other)
{
    uint32_t shards[BATCH_SHARDS_MAX];
    size_t count = 0;
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    begin();
    for (uint32_t shard = 0; shard < SHARDS; shard += 233)
        write_shard(shard, 3 + shard / 100);
    assert_int_equal(pg_batch_shards(postgres_server(), shards, &count, &why), 0);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        struct follower f;
        assert_int_equal(shards[i], 233 * i);
        follower_open(&f, postgres_server(), shards[i]);
        step_until_idle(&f);
        follower_close(&f);
    }
    for (size_t i = 0; i < count; i++)
        check_shard(shards[i]);
    assert_int_equal(postgres_number("SELECT count(DISTINCT shard) FROM bets"), 4);
}

/* As after a crash of the server, which has not waited for a disk. */
TEST(pg_projection, steps_that_the_server_forgot_are_made_again)
{
    struct follower f;
    begin();
    write_every_type(NULL);
    follower_open(&f, postgres_server(), 0);
    step_until_idle(&f);
    postgres_run("SET session_replication_role = replica; TRUNCATE bets, balances, projection");
    write_shard(7, 1); /* of no concern */
    follower_close(&f);
    follower_open(&f, postgres_server(), 0);
    step_until_idle(&f);
    check_shard(0);
    follower_close(&f);
}
