/* test_shadow.c - app/shadow.h, app/reconcile.h and the start from a snapshot (app/book.h): what
 * was folded a second time is what a start gets, nothing is applied twice, and a live state that
 * is not the fold of its log takes no bet more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/snapshot_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "app/shadow.h"
#include "base/error.h"
#include "book_fixture.h"
#include "fake_cursor.h"
#include "ledger/shard_state_internal.h"

/* ---- a book with its shadow ---- */

struct pair {
    struct fixture f;
    struct faulty_disk *disk;
    struct snapshot_store *store; /* of the book */
    struct snapshot_store *own;   /* of the shadow */
    struct reconcile *reconcile;
    struct fake_cursor cursor;
    struct shadow *shadow;
    int bets;
};

static const struct shard_limits limits = {.accounts_max = 1000,
                                           .markets_max = 100,
                                           .selections_max = 4000,
                                           .bets_max = 20000,
                                           .verdicts_max = 20000};

static void shadow_begin(struct pair *p)
{
    struct shadow_options options = {limits, 10};
    fake_cursor_init(&p->cursor, &p->f.log);
    assert_int_equal(reconcile_new(&p->reconcile), 0);
    struct shadow_ports ports = {
        .cursor = &p->cursor.port, .snapshots = p->own, .reconcile = p->reconcile};
    assert_int_equal(shadow_new(&options, &ports, &p->shadow), 0);
}

static void shadow_end(struct pair *p)
{
    shadow_free(p->shadow);
    reconcile_free(p->reconcile);
}

static void restart(struct pair *p)
{
    shadow_end(p);
    shadow_begin(p);
    p->f.reconcile = p->reconcile;
    fixture_restart(&p->f);
}

static void begin(struct pair *p)
{
    struct snapshot_file_options options = {.keep = 2};
    memset(p, 0, sizeof *p);
    p->disk = faulty_disk_new();
    assert_int_equal(snapshot_file_new(&options, faulty_disk_of(p->disk), &p->store), 0);
    assert_int_equal(snapshot_file_new(&options, faulty_disk_of(p->disk), &p->own), 0);
    fixture_begin(&p->f);
    p->f.snapshots = p->store;
    shadow_begin(p);
    restart(p);
    fixture_market(&p->f, MARKET_ACTIVE, 210, 300);
    fixture_deposit(&p->f, "ann", "d1", 1000000);
    fixture_turn(&p->f, 1000);
}

static void end(struct pair *p)
{
    shadow_end(p);
    fixture_end(&p->f);
    p->store->ops->free(p->store);
    p->own->ops->free(p->own);
    faulty_disk_free(p->disk);
}

static void bets(struct pair *p, int count)
{
    for (int i = 0; i < count; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", p->bets++);
        fixture_market(&p->f, MARKET_ACTIVE, 210, 300);
        assert_int_equal(fixture_bet(&p->f, key, "a", 210, 100 + i), REQUEST_TAKEN);
        fixture_turn(&p->f, 1000);
    }
}

/* Turns and steps until both have nothing to do; the shadow's last answer. */
static int run(struct pair *p)
{
    int result = 0;
    for (int i = 0; i < 400 && result >= 0; i++) {
        result = shadow_step(p->shadow);
        if (result != SHADOW_MORE)
            fixture_turn(&p->f, 1000);
    }
    return result;
}

static void is_a_fold_of_its_log(struct pair *p)
{
    fixture_check(&p->f);
}

TEST(shadow, folds_the_log_again_and_keeps_snapshots)
{
    static struct pair p;
    begin(&p);
    bets(&p, 35);
    assert_int_equal(run(&p), SHADOW_IDLE);
    struct shadow_stats stats = shadow_stats(p.shadow);
    assert_int_equal(stats.seq, p.f.log.tail);
    assert_int_equal(stats.lag, 0);
    assert_true(stats.snapshots >= 3);
    assert_true(stats.snapshot_seq + 10 > stats.seq);
    assert_int_equal(stats.snapshot_errors, 0);
    end(&p);
}

TEST(shadow, a_start_is_the_newest_snapshot_and_the_log_behind_it)
{
    static struct pair p;
    begin(&p);
    bets(&p, 35);
    assert_int_equal(run(&p), SHADOW_IDLE);
    bets(&p, 4);
    uint64_t snapshot_seq = shadow_stats(p.shadow).snapshot_seq;
    int64_t available = fixture_available(&p.f, "ann");
    restart(&p);
    assert_int_equal(book_restart(p.f.book)->snapshot_seq, snapshot_seq);
    assert_int_equal(fixture_available(&p.f, "ann"), available);
    is_a_fold_of_its_log(&p);
    /* What was answered before the snapshot is answered the same again (L3). */
    fixture_market(&p.f, MARKET_ACTIVE, 210, 300);
    assert_int_equal(fixture_bet(&p.f, "k0", "a", 210, 100), REQUEST_TAKEN);
    fixture_turn(&p.f, 1000);
    assert_true(p.f.replayed);
    assert_int_equal(fixture_available(&p.f, "ann"), available);
    bets(&p, 3);
    assert_int_equal(run(&p), SHADOW_IDLE);
    is_a_fold_of_its_log(&p);
    end(&p);
}

/* The machine stops at every operation of the disk that the snapshots made, while the log, of which
 * every record was durable before it was folded, goes on: nothing is applied twice, nothing is
 * left out. */
TEST(shadow, a_crash_anywhere_in_a_snapshot_applies_nothing_twice)
{
    static struct pair p;
    uint64_t used[2] = {0, 0};
    begin(&p);
    bets(&p, 25);
    assert_int_equal(run(&p), SHADOW_IDLE);
    bets(&p, 3);
    struct faulty_disk *whole = p.disk;
    int64_t available = fixture_available(&p.f, "ann");
    size_t count = faulty_disk_ops_count(whole);
    for (size_t ops = 0; ops <= count; ops++)
        for (uint64_t seed = 0; seed < 4; seed++) {
            struct snapshot_file_options options = {.keep = 2};
            struct snapshot_store *store = NULL;
            struct faulty_disk *after = faulty_disk_crash(whole, ops, seed, FAULTY_DISK_NO_WHY);
            assert_int_equal(snapshot_file_new(&options, faulty_disk_of(after), &store), 0);
            p.f.snapshots = store;
            restart(&p);
            used[book_restart(p.f.book)->snapshot_seq > 0]++;
            assert_int_equal(fixture_available(&p.f, "ann"), available);
            is_a_fold_of_its_log(&p);
            p.f.snapshots = p.store;
            store->ops->free(store);
            faulty_disk_free(after);
        }
    assert_true(used[0] > 0 && used[1] > 10); /* or it tested something else */
    restart(&p);
    end(&p);
}

static void newest_name(struct pair *p, char name[64])
{
    (void)snprintf(name, 64, "snapshot-0000-%020llu.snap",
                   (unsigned long long)shadow_stats(p->shadow).snapshot_seq);
}

TEST(shadow, a_damaged_snapshot_is_passed_over_at_the_start)
{
    static struct pair p;
    char name[64];
    begin(&p);
    bets(&p, 35);
    assert_int_equal(run(&p), SHADOW_IDLE);
    newest_name(&p, name);
    uint64_t seq = shadow_stats(p.shadow).snapshot_seq;
    assert_true(faulty_disk_flip(p.disk, name, 900, 1));
    restart(&p);
    assert_true(book_restart(p.f.book)->snapshot_seq < seq);
    assert_true(book_restart(p.f.book)->snapshot_seq > 0);
    assert_int_equal(book_restart(p.f.book)->snapshots_passed, 1);
    assert_memory_equal(book_restart(p.f.book)->text, name, strlen(name));
    is_a_fold_of_its_log(&p);
    assert_int_equal(run(&p), SHADOW_IDLE);
    assert_int_equal(shadow_stats(p.shadow).snapshot_damaged, 1);
    end(&p);
}

/* Sound in itself, but of a log that went another way after its first records. */
TEST(shadow, a_snapshot_of_another_log_is_given_up)
{
    static struct pair p, other;
    begin(&p);
    begin(&other);
    bets(&p, 35);
    bets(&other, 33);
    assert_int_equal(run(&other), SHADOW_IDLE);
    p.f.snapshots = other.store;
    struct snapshot_store *own = p.own;
    p.own = other.own;
    restart(&p);
    assert_int_equal(book_restart(p.f.book)->snapshot_seq, 0);
    assert_int_equal(book_restart(p.f.book)->snapshots_passed, 2);
    is_a_fold_of_its_log(&p);
    assert_int_equal(run(&p), SHADOW_IDLE);
    assert_int_equal(shadow_stats(p.shadow).seq, p.f.log.tail);
    p.f.snapshots = p.store;
    p.own = own;
    restart(&p);
    end(&p);
    end(&other);
}

TEST(shadow, a_log_that_lost_what_a_snapshot_has_does_not_start)
{
    static struct pair p;
    const char *reason = NULL;
    struct book *book = NULL;
    begin(&p);
    bets(&p, 35);
    assert_int_equal(run(&p), SHADOW_IDLE);
    struct fake_log whole = p.f.log;
    const struct record_head *last = (const void *)p.f.log.bytes;
    while (last->seq < shadow_stats(p.shadow).snapshot_seq - 1)
        last = (const void *)((const char *)last + last->bytes);
    p.f.log.size = (size_t)((const char *)last - p.f.log.bytes) + last->bytes;
    p.f.log.tail = last->seq;
    struct book_options options = BOOK_OPTIONS_DEFAULT;
    struct book_ports ports = {.log = &p.f.log.port,
                               .odds_log = &p.f.odds_log.port,
                               .store = p.f.store,
                               .snapshots = p.store};
    assert_int_equal(book_new(&options, &ports, NULL, &book), 0);
    assert_int_equal(book_start(book, p.f.wall, p.f.now, &reason), -ERR_CORRUPT);
    assert_string_equal(reason, "L1: the log ends before a snapshot of it: it has lost records");
    book_free(book);
    p.f.log = whole;
    end(&p);
}

static int find_damage(void *owner, const char **ret_reason)
{
    *ret_reason = owner;
    return -ERR_CORRUPT;
}

TEST(shadow, a_start_waits_for_who_checks_the_rest_before_it_writes)
{
    static struct pair p;
    static char damage[] = "segment 0 at byte 512: damaged";
    const char *reason = NULL;
    struct book *book = NULL;
    begin(&p);
    bets(&p, 35);
    assert_int_equal(run(&p), SHADOW_IDLE);
    uint64_t tail = p.f.log.tail, epoch = p.f.log.epoch;
    struct book_options options = BOOK_OPTIONS_DEFAULT;
    struct book_ports ports = {.log = &p.f.log.port,
                               .odds_log = &p.f.odds_log.port,
                               .store = p.f.store,
                               .snapshots = p.store,
                               .wait_checked = find_damage,
                               .checked_owner = damage};
    assert_int_equal(book_new(&options, &ports, NULL, &book), 0);
    assert_int_equal(book_start(book, p.f.wall, p.f.now, &reason), -ERR_CORRUPT);
    assert_string_equal(reason, damage);
    assert_int_equal(p.f.log.tail, tail);
    assert_int_equal(p.f.log.epoch, epoch);
    book_free(book);
    end(&p);
}

TEST(shadow, a_disk_that_is_full_costs_snapshots_and_nothing_else)
{
    static struct pair p;
    begin(&p);
    faulty_disk_limit(p.disk, 600);
    bets(&p, 35);
    assert_int_equal(run(&p), SHADOW_IDLE);
    assert_int_equal(shadow_stats(p.shadow).snapshots, 0);
    assert_true(shadow_stats(p.shadow).snapshot_errors >= 3);
    faulty_disk_limit(p.disk, 0);
    bets(&p, 12);
    assert_int_equal(run(&p), SHADOW_IDLE);
    assert_true(shadow_stats(p.shadow).snapshots >= 1);
    end(&p);
}

/* ---- reconciliation ---- */

TEST(reconcile, a_live_state_that_is_the_fold_of_its_log_is_found_so)
{
    static struct pair p;
    begin(&p);
    for (int i = 0; i < 6; i++) {
        bets(&p, 5);
        assert_int_equal(run(&p), SHADOW_IDLE);
    }
    fixture_market_in_play(&p.f, 230, 300, US_PER_SECOND);
    assert_int_equal(fixture_bet(&p.f, "pending", "a", 230, 500), REQUEST_TAKEN);
    assert_int_equal(run(&p), SHADOW_IDLE);
    fixture_turn(&p.f, 2 * US_PER_SECOND);
    fixture_result(&p.f, 1, LEG_WON, LEG_LOST);
    assert_int_equal(run(&p), SHADOW_IDLE);
    struct reconcile_stats stats = reconcile_stats(p.reconcile);
    assert_true(stats.samples > 100);
    assert_true(stats.rounds > 50);
    assert_int_equal(stats.drift, 0);
    assert_false(book_stopped(p.f.book));
    end(&p);
}

/* The live state is changed behind the book's back, as by a flipped bit. */
static struct shard_state *live(struct pair *p)
{
    return (struct shard_state *)(uintptr_t)book_state(p->f.book);
}

static const struct reconcile_drift *drift_of(struct pair *p)
{
    assert_int_equal(run(p), -ERR_CORRUPT);
    assert_int_equal(shadow_step(p->shadow), -ERR_CORRUPT); /* for good */
    const struct reconcile_drift *drift = live_reconcile_explained(p->reconcile);
    assert_non_null(drift);
    assert_int_equal(reconcile_stats(p->reconcile).drift, 1);
    fixture_turn(&p->f, 1000);
    assert_true(book_stopped(p->f.book));
    assert_int_equal(p->f.stopped, 1);
    assert_non_null(strstr(book_stop_reason(p->f.book), "drifted"));
    return drift;
}

TEST(reconcile, a_changed_balance_stops_betting_and_names_account_and_record)
{
    static struct pair p;
    begin(&p);
    bets(&p, 25);
    fixture_deposit(&p.f, "bob", "d2", 5000);
    fixture_turn(&p.f, 1000);
    uint64_t bob_last = p.f.seq;
    bets(&p, 3);
    assert_int_equal(run(&p), SHADOW_IDLE);
    live(&p)->accounts[2].available += 64;
    const struct reconcile_drift *drift = drift_of(&p);
    assert_int_equal(drift->kind, RECONCILE_ACCOUNT);
    assert_int_equal(drift->ref, 2);
    assert_string_equal(drift->field, "available");
    assert_int_equal(drift->live, 5064);
    assert_int_equal(drift->refolded, 5000);
    assert_int_equal(drift->record, bob_last);
    char expected[128];
    (void)snprintf(expected, sizeof expected,
                   "account 2 (bob) available: live 5064, refolded 5000, after record 0-%llu; "
                   "they part at record 0-%llu",
                   (unsigned long long)drift->seq, (unsigned long long)bob_last);
    assert_string_equal(drift->text, expected);
    /* No bet, and prices go on; a restart folds the log and is sound again. */
    fixture_market(&p.f, MARKET_ACTIVE, 210, 300);
    assert_int_not_equal(fixture_bet(&p.f, "late", "a", 210, 100), REQUEST_TAKEN);
    restart(&p);
    assert_int_equal(fixture_available(&p.f, "bob"), 5000);
    bets(&p, 3);
    assert_int_equal(run(&p), SHADOW_IDLE);
    end(&p);
}

/* The live state forgets the newest record of an account, as if it had never been applied. */
TEST(reconcile, a_record_that_was_left_out_is_named)
{
    static struct pair p;
    begin(&p);
    bets(&p, 25);
    struct shard_account before;
    fixture_deposit(&p.f, "bob", "d2", 5000);
    fixture_turn(&p.f, 1000);
    bets(&p, 5);
    assert_int_equal(run(&p), SHADOW_IDLE);
    before = live(&p)->accounts[2];
    fixture_deposit(&p.f, "bob", "d3", 700);
    fixture_turn(&p.f, 1000);
    uint64_t left_out = p.f.seq;
    bets(&p, 2);
    live(&p)->accounts[2] = before;
    const struct reconcile_drift *drift = drift_of(&p);
    assert_int_equal(drift->ref, 2);
    assert_int_equal(drift->live, 5000);
    assert_int_equal(drift->refolded, 5700);
    assert_int_equal(drift->record, left_out);
    restart(&p);
    end(&p);
}

/* The account moves before its row's turn comes: then the record itself shows it. */
TEST(reconcile, a_record_made_from_a_drifted_balance_is_named)
{
    static struct pair p;
    begin(&p);
    bets(&p, 25);
    assert_int_equal(run(&p), SHADOW_IDLE);
    live(&p)->accounts[1].available -= 1;
    bets(&p, 1);
    uint64_t seq = p.f.seq;
    const struct reconcile_drift *drift = drift_of(&p);
    assert_int_equal(drift->record, seq);
    assert_int_equal(drift->ref, 1);
    assert_non_null(strstr(drift->text, "L4: the balance is the fold"));
    shadow_end(&p); /* the log itself is wrong now: no start from it */
    shadow_begin(&p);
    end(&p);
}

#define FINDS(change, kind_expected, field_expected)                                               \
    do {                                                                                           \
        static struct pair p;                                                                      \
        begin(&p);                                                                                 \
        bets(&p, 25);                                                                              \
        assert_int_equal(run(&p), SHADOW_IDLE);                                                    \
        struct shard_state *l = live(&p);                                                          \
        change;                                                                                    \
        const struct reconcile_drift *drift = drift_of(&p);                                        \
        assert_int_equal(drift->kind, kind_expected);                                              \
        assert_string_equal(drift->field, field_expected);                                         \
        end(&p);                                                                                   \
    } while (0)

TEST(reconcile, every_kind_of_row_is_compared)
{
    FINDS(l->houses[0].result++, RECONCILE_HOUSE, "result");
    FINDS(l->houses[0].stakes--, RECONCILE_HOUSE, "stakes");
    FINDS(l->markets[1].stakes_open++, RECONCILE_MARKET, "stakes_open");
    FINDS(l->markets[1].returns_open++, RECONCILE_MARKET, "returns_open");
    FINDS(l->houses[0].returns_open--, RECONCILE_HOUSE, "returns_open");
    FINDS(l->markets[1].holds ^= 2, RECONCILE_MARKET, "holds");
    FINDS(l->bets[7].stake ^= 1024, RECONCILE_BET, "stake");
    FINDS(l->bets[24].state = BET_STATE_SETTLED, RECONCILE_BET, "state");
    FINDS(l->accounts[1].held += 1, RECONCILE_ACCOUNT, "held");
    FINDS(l->counts.fences++, RECONCILE_COUNT, "fences");
    FINDS(l->legs[3].asked_version++, RECONCILE_LEG, "contents");
    FINDS(l->legs[7].odds.numerator++, RECONCILE_LEG, "odds");
    FINDS(l->selections[1].costs_open++, RECONCILE_SELECTION, "costs_open");
    FINDS(l->bets[3].policy ^= 3, RECONCILE_BET, "contents");
    FINDS(l->bets[3].seq_verdict++, RECONCILE_BET, "seq_verdict");
    FINDS(l->verdicts.link.hash[9] ^= 1, RECONCILE_COUNT, "verdicts_chain");
    FINDS(l->verdicts.total += SHARD_VERDICTS_BLOCK, RECONCILE_COUNT, "verdicts");
}
