/* test_old_keys.c - app/old_keys.c over the real store of old keys, its threads apart: one key has
 * one verdict, however long ago (L3), whatever waits, races, fails or is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/snapshot_file.h"
#include "adapters/embedded/verdict_keeper.h"
#include "adapters/faulty/faulty_disk.h"
#include "app/book_internal.h"
#include "app/refold.h"
#include "app/shadow.h"
#include "base/error.h"
#include "book_fixture.h"
#include "fake_cursor.h"

#define MEMORY      128 /* verdicts */
#define CHUNK       16
#define FILTER_WIDE 65536
#define FILTER_NONE 64 /* every key passes */

/* The store as the book sees it: `suspect` passes the filter whatever it says. */
struct picky {
    struct verdict_store port;
    struct verdict_store *real;
    struct hash128 suspect;
    bool all; /* every key passes */
};

struct scene {
    struct fixture f;
    struct faulty_disk *disk;
    struct fake_cursor cursor;
    struct picky store;
    struct verdict_runs_report report;
    uint64_t filter_bytes;
    uint64_t *seqs; /* of each deposit made by deposits() */
    uint32_t count;
};

static struct verdict_store *real(const struct verdict_store *port)
{
    return ((const struct picky *)port)->real;
}

static uint64_t picky_covered(const struct verdict_store *port)
{
    return real(port)->ops->covered(real(port));
}

static void picky_want(struct verdict_store *port, uint64_t seq)
{
    real(port)->ops->want(real(port), seq);
}

static int picky_cover(struct verdict_store *port, uint64_t seq)
{
    return real(port)->ops->cover(real(port), seq);
}

static bool picky_may_have(const struct verdict_store *port, struct hash128 key)
{
    const struct picky *picky = (const struct picky *)port;
    return picky->all || memcmp(&key, &picky->suspect, sizeof key) == 0 ||
           real(port)->ops->may_have(real(port), key);
}

static void picky_prefetch(const struct verdict_store *port, struct hash128 key)
{
    real(port)->ops->prefetch(real(port), key);
}

static int picky_ask(struct verdict_store *port, struct verdict_ask *ask)
{
    return real(port)->ops->ask(real(port), ask);
}

static void picky_poll(struct verdict_store *port)
{
    real(port)->ops->poll(real(port));
}

static const char *picky_problem(const struct verdict_store *port)
{
    return real(port)->ops->problem(real(port));
}

static const struct verdict_store_ops picky_ops = {
    .covered = picky_covered,
    .want = picky_want,
    .cover = picky_cover,
    .may_have = picky_may_have,
    .prefetch = picky_prefetch,
    .ask = picky_ask,
    .poll = picky_poll,
    .problem = picky_problem,
};

static void open_store(struct scene *s)
{
    const struct verdict_runs_options options = {0, CHUNK, s->filter_bytes};
    fake_cursor_init(&s->cursor, &s->f.log);
    s->store = (struct picky){.port = {.ops = &picky_ops}, .all = s->filter_bytes == FILTER_NONE};
    assert_int_equal(verdict_keeper_open(&options, faulty_disk_of(s->disk), &s->cursor.port,
                                         &s->report, &s->store.real),
                     0);
    s->f.verdicts = &s->store.port;
}

static void close_store(struct scene *s)
{
    s->store.real->ops->free(s->store.real);
}

static void restart(struct scene *s)
{
    close_store(s);
    open_store(s);
    fixture_restart(&s->f);
}

/* A restart without what was on disk: it is made while the log is folded. */
static void lose_runs(struct scene *s)
{
    close_store(s);
    faulty_disk_free(s->disk);
    s->disk = faulty_disk_new();
    open_store(s);
    fixture_restart(&s->f);
}

static void begin(struct scene *s, uint64_t filter_bytes)
{
    memset(s, 0, sizeof *s);
    s->disk = faulty_disk_new();
    s->seqs = calloc(4096, sizeof *s->seqs);
    s->filter_bytes = filter_bytes;
    fixture_begin(&s->f);
    s->f.verdicts_max = MEMORY;
    open_store(s);
    fixture_restart(&s->f);
    fixture_market(&s->f, MARKET_ACTIVE, 210, 300);
    fixture_deposit(&s->f, "ann", "d1", 1000000);
    fixture_turn(&s->f, 1000);
}

static void end(struct scene *s)
{
    fixture_check(&s->f);
    fixture_end(&s->f);
    close_store(s);
    faulty_disk_free(s->disk);
    free(s->seqs);
}

/* Turns, with all that the store's threads would do. */
static void turn(struct scene *s)
{
    for (int i = 0; i < 3; i++) {
        fixture_turn(&s->f, 1000);
        while (verdict_keeper_turn(s->store.real, 16))
            ;
        book_poll(s->f.book);
    }
    fixture_turn(&s->f, 1000);
}

static const char *key_of(uint32_t n)
{
    static char key[16];
    (void)snprintf(key, sizeof key, "k%u", n);
    return key;
}

static void deposits(struct scene *s, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int before = s->f.answers;
        assert_int_equal(fixture_deposit(&s->f, "ann", key_of(s->count), 7 + s->count),
                         REQUEST_TAKEN);
        turn(s);
        assert_int_equal(s->f.answers, before + 1);
        assert_false(s->f.failed || s->f.replayed);
        s->seqs[s->count++] = s->f.seq;
        assert_in_range(shard_state_verdicts_count(book_state(s->f.book)), 0, MEMORY);
    }
}

static uint64_t decided(const struct scene *s)
{
    return shard_state_verdicts_total(book_state(s->f.book));
}

/* The first answer again, and nothing is decided. */
static void is_replayed(struct scene *s, uint32_t n)
{
    uint64_t total = decided(s);
    int before = s->f.answers;
    s->f.seq = 0;
    assert_int_equal(fixture_deposit(&s->f, "ann", key_of(n), 7 + n), REQUEST_TAKEN);
    turn(s);
    assert_int_equal(s->f.answers, before + 1);
    assert_false(s->f.failed);
    assert_true(s->f.replayed);
    assert_int_equal(s->f.seq, s->seqs[n]);
    assert_int_equal(decided(s), total);
}

static void is_a_conflict(struct scene *s, uint32_t n)
{
    uint64_t total = decided(s);
    enum request_outcome outcome = fixture_deposit(&s->f, "ann", key_of(n), 5000000);
    if (outcome == REQUEST_TAKEN) {
        turn(s);
        outcome = s->f.untaken;
    }
    assert_int_equal(outcome, REQUEST_CONFLICT);
    assert_int_equal(decided(s), total);
}

static void all_are_replayed(struct scene *s)
{
    for (uint32_t n = 0; n < s->count; n += 1 + n % 5)
        is_replayed(s, n);
}

TEST(old_keys, a_key_is_answered_alike_however_old)
{
    static const uint64_t filters[] = {FILTER_WIDE, FILTER_NONE};
    for (int i = 0; i < 2; i++) {
        static struct scene s;
        begin(&s, filters[i]);
        deposits(&s, 700);
        assert_true(shard_state_verdicts_floor(book_state(s.f.book)) > 0);
        all_are_replayed(&s);
        for (uint32_t n = 0; n < s.count; n += 23)
            is_a_conflict(&s, n);
        end(&s);
    }
}

/* As before, but for what the store had. */
TEST(old_keys, outlive_a_restart_with_the_runs_and_without)
{
    static struct scene s;
    begin(&s, FILTER_WIDE);
    deposits(&s, 500);
    restart(&s);
    assert_true(s.report.runs > 0);
    all_are_replayed(&s);
    for (int lost = 0; lost < 2; lost++) {
        lose_runs(&s);
        assert_int_equal(s.report.runs, 0);
        assert_true(s.store.port.ops->covered(&s.store.port) > 0); /* made while folding */
        all_are_replayed(&s);
        deposits(&s, 100);
    }
    end(&s);
}

/* They are forgotten by the block, so fewer than a block on disk would be of no use. */
TEST(old_keys, a_fold_brings_to_disk_what_can_be_forgotten_together)
{
    static struct scene s;
    begin(&s, FILTER_WIDE);
    deposits(&s, 120);
    s.f.verdicts_max = 4 * SHARD_VERDICTS_BLOCK - 28; /* a quarter of it is no block */
    lose_runs(&s);
    assert_true(shard_state_verdicts_floor(book_state(s.f.book)) > 0);
    all_are_replayed(&s);
    end(&s);
}

/* A snapshot that has forgotten: its log behind it alone would make every older key look new. */
TEST(old_keys, a_snapshot_that_forgot_waits_for_the_store)
{
    static struct scene s;
    struct snapshot_file_options files = {.keep = 2};
    struct snapshot_store *snapshots, *own;
    struct faulty_disk *disk = faulty_disk_new();
    struct fake_cursor cursor;
    struct shadow *shadow;
    begin(&s, FILTER_WIDE);
    deposits(&s, 400);
    assert_int_equal(snapshot_file_new(&files, faulty_disk_of(disk), &snapshots), 0);
    assert_int_equal(snapshot_file_new(&files, faulty_disk_of(disk), &own), 0);
    fake_cursor_init(&cursor, &s.f.log);
    const struct shadow_options options = {*shard_state_limits(book_state(s.f.book)), 1};
    const struct shadow_ports ports = {
        .cursor = &cursor.port, .snapshots = own, .verdicts = &s.store.port};
    assert_int_equal(shadow_new(&options, &ports, &shadow), 0);
    int more = SHADOW_MORE;
    while (more == SHADOW_MORE)
        more = shadow_step(shadow);
    assert_int_equal(more, SHADOW_IDLE);
    assert_true(shadow_stats(shadow).snapshots > 0);
    shadow_free(shadow);
    close_store(&s);
    faulty_disk_free(s.disk);
    s.disk = faulty_disk_new(); /* all runs are lost */
    open_store(&s);
    s.f.snapshots = snapshots;
    fixture_restart(&s.f);
    assert_true(book_restart(s.f.book)->snapshot_seq > 0);
    uint64_t floor = shard_state_verdicts_floor(book_state(s.f.book));
    assert_true(floor > 0);
    assert_true(s.store.port.ops->covered(&s.store.port) >= floor);
    all_are_replayed(&s);
    end(&s);
    snapshots->ops->free(snapshots);
    own->ops->free(own);
    faulty_disk_free(disk);
}

/* ---- bets ---- */

static void bet(struct scene *s, const char *key, int64_t stake)
{
    fixture_market(&s->f, MARKET_ACTIVE, 210, 300);
    assert_int_equal(fixture_bet(&s->f, key, "a", 210, stake), REQUEST_TAKEN);
    turn(s);
}

TEST(old_keys, of_bets_placed_and_refused_are_answered)
{
    static struct scene s;
    begin(&s, FILTER_NONE);
    bet(&s, "b", 100);
    uint64_t placed = s.f.seq, id = s.f.bet_id;
    bet(&s, "c", 2000000); /* more than may be staked */
    uint64_t refused = s.f.seq;
    assert_int_equal(s.f.outcome, BET_STAKE_LIMIT);
    deposits(&s, 300);
    bet(&s, "b", 100);
    assert_true(s.f.replayed && s.f.seq == placed && s.f.bet_id == id);
    bet(&s, "c", 2000000);
    assert_true(s.f.replayed && s.f.seq == refused && s.f.outcome == BET_STAKE_LIMIT);
    bet(&s, "b", 101);
    assert_int_equal(s.f.untaken, REQUEST_CONFLICT);
    /* The same key of another operation is another one. */
    assert_int_equal(fixture_deposit(&s.f, "ann", "b", 100), REQUEST_TAKEN);
    turn(&s);
    assert_true(!s.f.replayed && !s.f.failed && s.f.type == RECORD_MONEY);
    end(&s);
}

TEST(old_keys, of_a_pending_bet_tell_what_became_of_it)
{
    static struct scene s;
    begin(&s, FILTER_NONE);
    fixture_market_in_play(&s.f, 210, 300, 3600 * US_PER_SECOND);
    assert_int_equal(fixture_bet(&s.f, "b", "a", 210, 100), REQUEST_TAKEN);
    turn(&s);
    uint64_t pending = s.f.seq;
    assert_int_equal(s.f.outcome, BET_PENDING);
    deposits(&s, 300);
    fixture_market_in_play(&s.f, 210, 300, 3600 * US_PER_SECOND);
    assert_int_equal(fixture_bet(&s.f, "b", "a", 210, 100), REQUEST_TAKEN);
    turn(&s);
    assert_true(s.f.replayed && s.f.seq == pending && s.f.outcome == BET_PENDING);
    /* Released, but not yet durable: the answer waits for it. */
    for (int i = 0; i < 900; i++) { /* its provider is never silent for long */
        s.f.now.us += 4 * US_PER_SECOND;
        book_begin_turn(s.f.book, s.f.wall, s.f.now);
        book_sink(s.f.book)->ops->alive(book_sink(s.f.book), SLICE("p"));
    }
    fixture_market_in_play(&s.f, 210, 300, 3600 * US_PER_SECOND);
    assert_int_equal(fixture_bet(&s.f, "b", "a", 210, 100), REQUEST_TAKEN);
    turn(&s);
    assert_true(s.f.replayed && s.f.type == RECORD_RELEASE && s.f.outcome == BET_PLACED);
    uint64_t released = s.f.seq;
    deposits(&s, 200);
    bet(&s, "b", 100);
    assert_true(s.f.replayed && s.f.seq == released);
    end(&s);
}

/* ---- races ---- */

TEST(old_keys, of_a_cash_out_tell_what_became_of_it)
{
    static struct scene s;
    struct cash_out_offer offer;
    begin(&s, FILTER_WIDE);
    fixture_bet(&s.f, "bet", "a", 210, 1000);
    turn(&s);
    uint64_t bet = s.f.bet_id;
    fixture_market_in_play(&s.f, 200, 200, 5 * US_PER_SECOND);
    turn(&s);
    assert_int_equal(fixture_cash_out_offer(&s.f, bet, &offer), BET_PLACED);
    fixture_cash_out(&s.f, "k", &offer, (struct sale){bet, 400, 1});
    turn(&s);
    assert_int_equal(s.f.outcome, BET_PENDING);
    fixture_turn(&s.f, 4 * US_PER_SECOND);
    fixture_market_in_play(&s.f, 200, 200, 5 * US_PER_SECOND);
    fixture_turn(&s.f, 1 * US_PER_SECOND);
    deposits(&s, 3 * MEMORY);
    assert_true(shard_state_verdicts_floor(book_state(s.f.book)) > 0);
    assert_int_equal(fixture_cash_out(&s.f, "k", &offer, (struct sale){bet, 400, 1}),
                     REQUEST_TAKEN);
    turn(&s);
    assert_true(s.f.replayed);
    assert_int_equal(s.f.type, RECORD_CASH_OUT);
    assert_int_equal(s.f.outcome, BET_PLACED);
    assert_int_equal(fixture_cash_out(&s.f, "k", &offer, (struct sale){bet, 400, 2}),
                     REQUEST_TAKEN);
    turn(&s);
    assert_int_equal(s.f.untaken, REQUEST_CONFLICT);
    end(&s);
}

TEST(old_keys, duplicates_that_wait_together_are_decided_once)
{
    static struct scene s;
    begin(&s, FILTER_NONE);
    deposits(&s, 300);
    uint64_t total = decided(&s);
    int before = s.f.answers;
    for (int i = 0; i < 5; i++)
        assert_int_equal(fixture_deposit(&s.f, "ann", "twice", 55), REQUEST_TAKEN);
    assert_int_equal(fixture_deposit(&s.f, "ann", "twice", 56), REQUEST_TAKEN);
    assert_false(book_idle(s.f.book));
    turn(&s);
    assert_int_equal(s.f.answers, before + 6);
    assert_int_equal(decided(&s), total + 1);
    assert_int_equal(book_stats(s.f.book)->bets_conflict, 1);
    assert_true(book_idle(s.f.book));
    end(&s);
}

static void suspect(struct scene *s, const char *key)
{
    const struct shard_state *state = book_state(s->f.book);
    s->store.suspect = shard_verdict_key(shard_state_hash_key(state),
                                         shard_state_find_account(state, SLICE("ann")),
                                         OPERATION_DEPOSIT, slice_text(key));
}

/* Asked, and found to be no old key; before that is told the same key is decided, and leaves the
 * memory: what was found holds no longer. */
TEST(old_keys, an_answer_from_before_more_was_forgotten_is_asked_for_again)
{
    static struct scene s;
    begin(&s, FILTER_WIDE);
    deposits(&s, 300);
    suspect(&s, "x");
    assert_int_equal(fixture_deposit(&s.f, "ann", "x", 55), REQUEST_TAKEN);
    (void)verdict_keeper_turn(s.store.real, 0); /* served, not told */
    s.store.suspect = (struct hash128){0, 0};
    uint64_t total = decided(&s);
    for (uint32_t i = 0; i < 400; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "y%u", i);
        assert_int_equal(fixture_deposit(&s.f, "ann", i == 0 ? "x" : key, 55), REQUEST_TAKEN);
        book_end_turn(s.f.book);
        while (verdict_keeper_turn(s.store.real, 16))
            ;
        s.f.log.port.ops->poll(&s.f.log.port); /* the log's callbacks alone */
        book_begin_turn(s.f.book, s.f.wall, s.f.now);
    }
    assert_int_equal(decided(&s), total + 400);
    suspect(&s, "x");
    const struct shard_state *live = book_state(s.f.book);
    assert_null(shard_state_verdict(live, s.store.suspect)); /* it has left the memory */
    turn(&s);
    assert_true(s.f.replayed && !s.f.failed);
    assert_int_equal(decided(&s), total + 400);
    end(&s);
}

TEST(old_keys, as_many_as_may_wait_and_no_more)
{
    static struct scene s;
    begin(&s, FILTER_NONE);
    deposits(&s, 300);
    int before = s.f.answers;
    uint64_t total = decided(&s);
    for (uint32_t i = 0; i < VERDICT_ASKS_MAX; i++)
        assert_int_equal(fixture_deposit(&s.f, "ann", key_of(i % 150), 7 + i % 150), REQUEST_TAKEN);
    assert_int_equal(fixture_deposit(&s.f, "ann", "one more", 5), REQUEST_BUSY);
    assert_string_equal(book_busy_limit(s.f.book), "verdict_lookups_max");
    assert_int_equal(book_stats(s.f.book)->old_keys_reached, 1);
    for (int i = 0; i < 30; i++)
        turn(&s);
    assert_int_equal(s.f.answers, before + VERDICT_ASKS_MAX);
    assert_int_equal(decided(&s), total);
    assert_int_equal(fixture_deposit(&s.f, "ann", "one more", 5), REQUEST_TAKEN);
    turn(&s);
    assert_int_equal(decided(&s), total + 1);
    end(&s);
}

/* ---- what fails ---- */

static int flip_all(void *owner, const char *name)
{
    struct faulty_disk *disk = owner;
    for (uint64_t at = VERDICT_PAGE_BYTES + 100; at < 64 * VERDICT_PAGE_BYTES;
         at += VERDICT_PAGE_BYTES)
        (void)faulty_disk_flip(disk, name, at, 1);
    return 0;
}

TEST(old_keys, a_look_up_that_fails_decides_nothing)
{
    static struct scene s;
    begin(&s, FILTER_NONE);
    deposits(&s, 300);
    struct disk *disk = faulty_disk_of(s.disk);
    assert_int_equal(disk->ops->list(disk, flip_all, s.disk), 0);
    uint64_t total = decided(&s);
    assert_int_equal(fixture_deposit(&s.f, "ann", "new", 5), REQUEST_TAKEN);
    (void)verdict_keeper_turn(s.store.real, 0);
    fixture_turn(&s.f, 1000);
    fixture_turn(&s.f, 1000);
    assert_true(s.f.failed);
    assert_int_equal(book_stats(s.f.book)->old_keys_failed, 1);
    assert_int_equal(decided(&s), total);
    for (int i = 0; s.f.failed && i < VERDICT_RUNS_MAX; i++) { /* runs are made again one by one */
        assert_int_equal(decided(&s), total);
        assert_int_equal(fixture_deposit(&s.f, "ann", "new", 5), REQUEST_TAKEN);
        turn(&s);
    }
    assert_true(!s.f.failed && !s.f.replayed);
    all_are_replayed(&s);
    assert_int_equal(decided(&s), total + 1);
    end(&s);
}

TEST(old_keys, a_log_that_stops_is_told_to_those_who_wait)
{
    static struct scene s;
    begin(&s, FILTER_NONE);
    deposits(&s, 300);
    assert_int_equal(fixture_deposit(&s.f, "ann", "new", 5), REQUEST_TAKEN);
    assert_int_equal(fixture_deposit(&s.f, "ann", key_of(3), 10), REQUEST_TAKEN);
    book_stop(s.f.book, "for a test");
    int before = s.f.answers;
    turn(&s);
    assert_int_equal(s.f.answers, before + 2);
    assert_int_equal(s.f.untaken, REQUEST_STOPPED);
    assert_int_equal(fixture_deposit(&s.f, "ann", "new", 5), REQUEST_STOPPED);
    end(&s);
}

/* No run can be written: what is in memory stays, and when that is full nothing new is decided. */
TEST(old_keys, a_store_that_cannot_write_stops_new_keys_and_forgets_none)
{
    static struct scene s;
    begin(&s, FILTER_WIDE);
    deposits(&s, 60);
    faulty_disk_limit(s.disk, 1);
    enum request_outcome outcome = REQUEST_TAKEN;
    for (uint32_t i = 0; outcome == REQUEST_TAKEN && i < 2 * MEMORY; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "y%u", i);
        outcome = fixture_deposit(&s.f, "ann", key, 5);
        fixture_turn(&s.f, 1000);
        (void)verdict_keeper_turn(s.store.real, 16);
    }
    assert_int_equal(outcome, REQUEST_BUSY);
    assert_string_equal(book_busy_limit(s.f.book), "verdicts_max");
    assert_int_equal(shard_state_verdicts_floor(book_state(s.f.book)), 0);
    all_are_replayed(&s);
    faulty_disk_limit(s.disk, 0);
    turn(&s);
    deposits(&s, 100);
    all_are_replayed(&s);
    end(&s);
}

/* ---- folding ---- */

TEST(old_keys, a_fold_that_decides_nothing_may_forget_at_once)
{
    static struct scene s;
    struct refold_end why;
    struct shard_state *fold;
    uint8_t live[32], again[32];
    begin(&s, FILTER_WIDE);
    deposits(&s, 400);
    struct refold_source source = {.log = &s.f.log.port, .seq_last = REFOLD_ALL, .forget = true};
    assert_int_equal(shard_state_new(shard_state_limits(book_state(s.f.book)), &fold), 0);
    assert_int_equal(refold(&source, fold, NULL, NULL, &why), 0);
    assert_int_equal(shard_state_hash(fold, again), 0);
    assert_int_equal(shard_state_hash(book_state(s.f.book), live), 0);
    assert_memory_equal(live, again, sizeof live);
    shard_state_free(fold);
    source.forget = false;
    assert_int_equal(shard_state_new(shard_state_limits(book_state(s.f.book)), &fold), 0);
    assert_int_equal(refold(&source, fold, NULL, NULL, &why), -ERR_LIMIT);
    shard_state_free(fold);
    end(&s);
}
