/* projection_bench.c - contract in projection_bench.h. */
#include "projection_bench.h"

#include <stdio.h>
#include <unistd.h>

#include "adapters/embedded/ledger_cursor_file.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "core/user_shard.h"
#include "test.h"

#define TRIES         300000 /* of a tenth of a millisecond: generous */
#define TRY_US        100
#define SEGMENT_BYTES (1u << 20)

/* ---- a ledger ---- */

static void on_done(struct ledger_append *append, enum append_outcome outcome)
{
    struct bench_book *book = append->owner;
    assert_int_equal(outcome, APPEND_OK);
    book->answers++;
}

/* The record that the maker has made last. */
static void write_record(struct bench_book *book, const struct maker *maker)
{
    struct ledger_append append = {.shard = book->shard,
                                   .epoch = book->epoch,
                                   .expected_tail = maker->view.head->seq - 1,
                                   .records = maker->memory,
                                   .bytes = maker->view.head->bytes,
                                   .count = 1,
                                   .on_done = on_done,
                                   .owner = book};
    book->answers = 0;
    assert_int_equal(book->log->ops->append(book->log, &append), 0);
    for (int i = 0; i < TRIES && book->answers == 0; i++) {
        book->log->ops->poll(book->log);
        usleep(TRY_US);
    }
    assert_int_equal(book->answers, 1);
}

void bench_book_over(struct bench_book *book, struct ledger_log *log, uint32_t shard)
{
    *book = (struct bench_book){.log = log, .shard = shard};
    assert_int_equal(log->ops->take_epoch(log, shard, &book->epoch), 0);
}

void bench_book_open(struct bench_book *book, uint32_t shard)
{
    const struct ledger_file_options files = {
        .store = {.segment_bytes = SEGMENT_BYTES, .shard = shard}};
    struct faulty_disk *disk = faulty_disk_new();
    struct ledger_log *log = NULL;
    struct ledger_report report;
    assert_int_equal(ledger_file_open(&files, faulty_disk_of(disk), &report, &log), 0);
    bench_book_over(book, log, shard);
    book->disk = disk;
}

void bench_book_close(struct bench_book *book)
{
    book->log->ops->free(book->log);
    if (book->disk != NULL)
        faulty_disk_free(book->disk);
}

static struct bench_book *writing;
static void (*behind_each)(void);

static void write_made(struct maker *maker, const struct parts *parts)
{
    (void)parts;
    if (shard_state_seq(maker->state) == 0)
        return;
    write_record(writing, maker);
    if (behind_each != NULL)
        behind_each();
}

void bench_book_write_every_type(struct bench_book *book, void (*between)(void))
{
    static struct maker maker;
    writing = book;
    behind_each = between;
    every_type(&maker, write_made);
    write_made(&maker, NULL); /* the last */
    maker_done(&maker);
}

/* A user of this shard. */
static void find_user(uint32_t shard, uint32_t shards, char user[16])
{
    for (unsigned n = 0;; n++) {
        (void)snprintf(user, 16, "ada-%u", n);
        if (user_shard(slice_text(user), shards) == shard)
            return;
    }
}

void bench_book_write_bets(struct bench_book *book, uint32_t shards, unsigned bets)
{
    static struct maker maker;
    char key[16], user[16];
    maker_empty(&maker, &MAKER_LIMITS);
    struct parts parts = parts_genesis(&maker);
    parts.body.genesis.shard = book->shard;
    parts.body.genesis.shards = shards;
    find_user(book->shard, shards, user);
    maker_accept(&maker, &parts);
    write_record(book, &maker);
    for (unsigned i = 0; i < 4 + bets; i++) {
        (void)snprintf(key, sizeof key, "k%u", i);
        parts = i == 0   ? parts_opened(&maker)
                : i == 1 ? parts_account(&maker, user)
                : i == 2 ? parts_market(&maker, "1.23", 3)
                : i == 3 ? parts_deposit(&maker, 1, 1000000, "d")
                         : parts_bet(&maker, 1, 1, key);
        maker_accept(&maker, &parts);
        write_record(book, &maker);
    }
    maker_done(&maker);
}

struct ledger_cursor *bench_book_cursor(const struct bench_book *book)
{
    const struct ledger_cursor_log log = ledger_file_cursor_log(book->log);
    struct ledger_cursor *cursor = NULL;
    assert_non_null(book->disk);
    assert_int_equal(ledger_cursor_file_new(&log, &cursor), 0);
    return cursor;
}

/* ---- following it ---- */

void bench_follower_open(struct bench_follower *follower, struct ledger_cursor *cursor,
                         struct projection_store *store, uint32_t shard)
{
    *follower = (struct bench_follower){.cursor = cursor, .store = store};
    const struct projector_options options = {
        .shard = shard, .limits = MAKER_LIMITS, .cursor = cursor, .store = store};
    assert_int_equal(projector_new(&options, &follower->projector), 0);
}

void bench_follower_close(struct bench_follower *follower)
{
    projector_free(follower->projector);
    follower->store->ops->free(follower->store);
    follower->cursor->ops->free(follower->cursor);
}

void bench_step(struct bench_follower *follower)
{
    if (projector_step(follower->projector) < 0)
        fail_msg("%s", projector_text(follower->projector));
}

void bench_step_until_idle(struct bench_follower *follower)
{
    int result = PROJECTOR_MORE;
    for (int i = 0; i < TRIES && result != PROJECTOR_IDLE; i++) {
        result = projector_step(follower->projector);
        if (result < 0)
            fail_msg("%s", projector_text(follower->projector));
        if (result == PROJECTOR_WAITS)
            usleep(TRY_US);
    }
    assert_int_equal(result, PROJECTOR_IDLE);
}

/* ---- comparing it ---- */

void bench_verify(struct ledger_log *log, struct projection_store *store, uint32_t shard,
                  struct projection_check_report *ret_report)
{
    struct projection_check_source source = {
        .log = log, .shard = shard, .limits = MAKER_LIMITS, .store = store};
    if (projection_check_begin(store, shard, &source.place) < 0)
        fail_msg("%s", store->ops->problem(store));
    if (projection_check(&source, ret_report) != 0)
        fail_msg("%s", ret_report->text);
    assert_int_equal(ret_report->seq, ret_report->tail);
    assert_int_equal(ret_report->ahead, 0);
    assert_true(ret_report->bets > 0);
    assert_true(ret_report->balances > 0);
}
