/* test_odds_log_file.c - the odds log on the fake disk: what comes back, what a crash may take,
 * and what it may never do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/odds_log_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "base/prng.h"
#include "core/ids.h"
#include "test.h"

#define SEGMENT_BYTES ODDS_LOG_SEGMENT_BYTES_MIN
#define CHANGES_MAX   20000

struct book { /* what was appended, to compare with */
    uint64_t positions[CHANGES_MAX];
    uint64_t count;
    uint64_t seen;
    uint64_t last;
};

static struct odds_log *open_log(struct faulty_disk *fake, uint64_t bytes_max,
                                 struct odds_log_report *report)
{
    struct odds_log_file_options options = {.segment_bytes = SEGMENT_BYTES, .bytes_max = bytes_max};
    struct odds_log *log = NULL;
    assert_int_equal(odds_log_file_open(&options, faulty_disk_of(fake), report, &log), 0);
    return log;
}

struct texts {
    char market[64], event[64];
    char selections[3][32];
};

/* The n-th change, the same whenever it is asked for. */
static struct odds_log_change change_of(uint64_t n, struct texts *texts,
                                        struct odds_log_selection selections[3])
{
    uint64_t market = n * 7919 % 300;
    (void)snprintf(texts->market, sizeof texts->market, "synthetic:market:%llu",
                   (unsigned long long)market);
    (void)snprintf(texts->event, sizeof texts->event, "event:%llu",
                   (unsigned long long)(market / 10));
    for (uint32_t i = 0; i < 3; i++) {
        (void)snprintf(texts->selections[i], sizeof texts->selections[i], "s%u", i);
        selections[i].id = slice_text(texts->selections[i]);
        selections[i].status = SELECTION_ACTIVE;
        selections[i].odds = (struct odds){(uint32_t)(100 + n % 900 + i), 100};
        selections[i].chances = (struct leg_chances){.win = 0};
        if (n % 5 == 1) /* some providers say them */
            selections[i].chances = (struct leg_chances){(uint32_t)(n * 99991 % CHANCE_WHOLE), i,
                                                         CHANCE_WHOLE - (uint32_t)n, 0};
    }
    return (struct odds_log_change){.market_id = slice_text(texts->market),
                                    .event_id = slice_text(texts->event),
                                    .provider = SLICE("synthetic"),
                                    .status = MARKET_ACTIVE,
                                    .odds_version = (UINT64_C(3) << 32) + n,
                                    .received = {1700000000000000 + (int64_t)n * 1500},
                                    .feed_time = {1700000000000000 + (int64_t)n * 1500 - 80000},
                                    .selections = selections,
                                    .selections_count = n % 4 == 3 ? 0 : 1 + n % 3};
}

static bool change_equal(const struct odds_log_change *a, const struct odds_log_change *b)
{
    if (!slice_equal(a->market_id, b->market_id) || !slice_equal(a->event_id, b->event_id) ||
        !slice_equal(a->provider, b->provider) || a->selections_count != b->selections_count)
        return false;
    for (size_t i = 0; i < a->selections_count; i++)
        if (!slice_equal(a->selections[i].id, b->selections[i].id) ||
            a->selections[i].status != b->selections[i].status ||
            !odds_equal(a->selections[i].odds, b->selections[i].odds) ||
            !leg_chances_equal(a->selections[i].chances, b->selections[i].chances))
            return false;
    return a->status == b->status && a->odds_version == b->odds_version &&
           a->received.us == b->received.us && a->feed_time.us == b->feed_time.us;
}

static void append_changes(struct odds_log *log, struct book *book, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct texts texts;
        struct odds_log_selection selections[3];
        struct odds_log_change change = change_of(book->count, &texts, selections);
        uint64_t position = log->ops->append(log, &change);
        assert_true(position > book->last); /* positions rise, over restarts too */
        book->last = position;
        book->positions[book->count++] = position;
    }
}

/* Every change that comes back is the one that was appended at that position. */
static int compare(void *owner, uint64_t position, const struct odds_log_change *change)
{
    struct book *book = owner;
    struct texts texts;
    struct odds_log_selection selections[3];
    while (book->seen < book->count && book->positions[book->seen] < position)
        book->seen++; /* lost in a crash, or deleted */
    assert_true(book->seen < book->count);
    assert_int_equal(book->positions[book->seen], position);
    struct odds_log_change expected = change_of(book->seen, &texts, selections);
    assert_true(change_equal(change, &expected));
    book->seen++;
    book->last = position;
    return 0;
}

static uint64_t replayed;

static int count_and_compare(void *owner, uint64_t position, const struct odds_log_change *change)
{
    replayed++;
    return compare(owner, position, change);
}

static uint64_t replay(struct odds_log *log, struct book *book)
{
    uint64_t last = book->last;
    replayed = 0;
    book->seen = 0;
    assert_int_equal(log->ops->replay(log, count_and_compare, book), 0);
    book->last = last;
    return replayed;
}

static struct book *book_new(void)
{
    struct book *book = calloc(1, sizeof *book);
    assert_non_null(book);
    return book;
}

TEST(odds_log_file, gives_back_every_change_over_segments_and_restarts)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct book *book = book_new();
    struct odds_log_report report;
    for (int life = 0; life < 3; life++) {
        struct odds_log *log = open_log(fake, 0, &report);
        assert_int_equal(report.cut_bytes, 0);
        append_changes(log, book, 5000);
        assert_int_equal(replay(log, book), book->count);
        log->ops->free(log);
    }
    struct odds_log *log = open_log(fake, 0, &report);
    assert_true(report.segments > 5);
    assert_int_equal(replay(log, book), 15000);
    log->ops->free(log);
    faulty_disk_free(fake);
    free(book);
}

TEST(odds_log_file, stays_small_by_naming_texts_once)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct book *book = book_new();
    struct odds_log_report report;
    struct odds_log *log = open_log(fake, 0, &report);
    append_changes(log, book, 10000);
    assert_true(book->positions[9999] - book->positions[1000] < 9000 * 40);
    log->ops->free(log);
    faulty_disk_free(fake);
    free(book);
}

TEST(odds_log_file, loses_in_a_crash_no_more_than_what_was_not_synced)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct faulty_disk *fake = faulty_disk_new();
        struct book *book = book_new();
        struct odds_log_report report;
        struct odds_log *log = open_log(fake, 0, &report);
        append_changes(log, book, 3000);
        assert_int_equal(odds_log_file_flush(log), 0);
        uint64_t synced = book->count;
        size_t ops = faulty_disk_ops_count(fake);
        append_changes(log, book, 3000);
        assert_int_equal(odds_log_file_flush(log), 0);
        size_t all = faulty_disk_ops_count(fake);
        struct faulty_disk *after =
            faulty_disk_crash(fake, ops + seed % (all - ops + 1), seed, FAULTY_DISK_NO_WHY);
        log->ops->free(log);
        log = open_log(after, 0, &report);
        assert_true(replay(log, book) >= synced);
        append_changes(log, book, 10); /* positions above all that were ever given */
        assert_true(replay(log, book) >= synced + 10);
        log->ops->free(log);
        faulty_disk_free(after);
        faulty_disk_free(fake);
        free(book);
    }
}

TEST(odds_log_file, needs_its_syncs)
{
    static const enum disk_why whys[] = {DISK_WHY_ODDS, DISK_WHY_ODDS_NAME};
    for (size_t i = 0; i < 2; i++) {
        struct faulty_disk *fake = faulty_disk_new();
        struct book *book = book_new();
        struct odds_log_report report;
        struct odds_log *log = open_log(fake, 0, &report);
        append_changes(log, book, 100);
        log->ops->free(log);
        struct faulty_disk *after =
            faulty_disk_crash(fake, faulty_disk_ops_count(fake), 0, (int)whys[i]);
        log = open_log(after, 0, &report);
        assert_true(replay(log, book) < 100);
        log->ops->free(log);
        faulty_disk_free(after);
        faulty_disk_free(fake);
        free(book);
    }
}

static struct odds_log *open_stepped(struct faulty_disk *fake)
{
    struct odds_log_file_options options = {.segment_bytes = SEGMENT_BYTES, .stepped = true};
    struct odds_log *log = NULL;
    assert_int_equal(odds_log_file_open(&options, faulty_disk_of(fake), NULL, &log), 0);
    return log;
}

static int count_change(void *owner, uint64_t position, const struct odds_log_change *change)
{
    (void)position, (void)change;
    ++*(uint64_t *)owner;
    return 0;
}

TEST(odds_log_file, is_stepped_without_a_thread)
{
    struct book book = {.count = 0};
    struct faulty_disk *fake = faulty_disk_new();
    struct odds_log *log = open_stepped(fake);
    uint64_t found = 0;
    append_changes(log, &book, 10);
    odds_log_file_step(log);
    append_changes(log, &book, 10);
    odds_log_file_abandon(log); /* as a crash: the second ten were never written */
    log = open_stepped(fake);
    assert_int_equal(log->ops->replay(log, count_change, &found), 0);
    assert_int_equal(found, 10);
    append_changes(log, &book, 10);
    log->ops->free(log);
    log = open_stepped(fake);
    found = 0;
    assert_int_equal(log->ops->replay(log, count_change, &found), 0);
    assert_int_equal(found, 20);
    log->ops->free(log);
    faulty_disk_free(fake);
}

/* The process dies between write and sync; the next one finds what the kernel still holds, begins
 * another segment behind it, and then power fails. */
TEST(odds_log_file, makes_durable_what_a_killed_process_left)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct book book = {.count = 0};
        struct faulty_disk *fake = faulty_disk_new(), *after;
        struct odds_log *log = open_stepped(fake);
        uint64_t found = 0, again = 0;
        append_changes(log, &book, 100);
        faulty_disk_stop_after(fake, 1);
        odds_log_file_step(log);
        assert_true(faulty_disk_is_stopped(fake));
        odds_log_file_abandon(log);
        faulty_disk_kill(fake);
        log = open_stepped(fake);
        assert_int_equal(log->ops->replay(log, count_change, &found), 0);
        append_changes(log, &book, 1);
        odds_log_file_step(log);
        odds_log_file_abandon(log);
        after = faulty_disk_crash(fake, faulty_disk_ops_count(fake), seed, FAULTY_DISK_NO_WHY);
        log = open_stepped(after);
        assert_int_equal(log->ops->replay(log, count_change, &again), 0);
        assert_int_equal(again, found + 1);
        log->ops->free(log);
        faulty_disk_free(fake);
        faulty_disk_free(after);
    }
}

TEST(odds_log_file, deletes_the_oldest_beyond_the_limit_and_never_the_newest_two)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct book *book = book_new();
    struct odds_log_report report;
    struct odds_log_file_stats stats;
    struct odds_log *log = open_log(fake, 1, &report);
    append_changes(log, book, 12000);
    assert_int_equal(odds_log_file_flush(log), 0);
    odds_log_file_stats(log, &stats);
    assert_true(stats.segments_deleted > 2);
    uint64_t kept = replay(log, book);
    assert_true(kept < 12000);
    assert_true(kept > 1000); /* the newest two */
    log->ops->free(log);
    faulty_disk_free(fake);
    free(book);
}

/* The sync failed: the kernel shows what it wrote and calls it clean, and the disk may not have it.
 */
TEST(odds_log_file, keeps_what_a_failed_sync_left_in_the_cache)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct book book = {.count = 0};
        struct faulty_disk *fake = faulty_disk_new(), *after;
        struct odds_log *log = open_stepped(fake);
        uint64_t found = 0, again = 0;
        append_changes(log, &book, 200);
        odds_log_file_step(log);
        append_changes(log, &book, 200);
        faulty_disk_fail_sync(fake, 1);
        odds_log_file_step(log);
        log->ops->free(log);
        log = open_stepped(fake);
        assert_int_equal(log->ops->replay(log, count_change, &found), 0);
        odds_log_file_abandon(log);
        after = faulty_disk_crash(fake, faulty_disk_ops_count(fake), seed, FAULTY_DISK_NO_WHY);
        log = open_stepped(after);
        assert_int_equal(log->ops->replay(log, count_change, &again), 0);
        assert_int_equal(again, found);
        log->ops->free(log);
        faulty_disk_free(fake);
        faulty_disk_free(after);
    }
}

/* Several old segments go at one start; a power failure may keep the name of any of them. */
TEST(odds_log_file, opens_after_a_power_failure_among_deletions)
{
    for (uint64_t seed = 2; seed < 150; seed++) {
        struct book *book = book_new();
        struct faulty_disk *fake = faulty_disk_new(), *after;
        struct odds_log_report report;
        struct odds_log *log = NULL;
        for (int start = 0; start < 6; start++) { /* a segment each, of which none is deleted */
            log = open_log(fake, 0, &report);
            append_changes(log, book, 20);
            log->ops->free(log);
        }
        log = open_log(fake, 1000, &report);
        log->ops->free(log);
        after = faulty_disk_crash(fake, faulty_disk_ops_count(fake), seed, FAULTY_DISK_NO_WHY);
        log = open_log(after, 1000, &report);
        (void)replay(log, book);
        log->ops->free(log);
        faulty_disk_free(fake);
        faulty_disk_free(after);
        free(book);
    }
}

TEST(odds_log_file, refuses_when_the_writer_is_a_ring_behind_and_goes_on_after)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct odds_log_report report;
    struct odds_log_file_stats stats;
    struct odds_log_selection selections[SELECTIONS_MAX];
    char ids[SELECTIONS_MAX][SELECTION_ID_BYTES_MAX];
    struct odds_log_file_options options = {.segment_bytes = UINT64_C(1) << 30};
    struct odds_log *log = NULL;
    assert_int_equal(odds_log_file_open(&options, faulty_disk_of(fake), &report, &log), 0);
    for (int i = 0; i < SELECTIONS_MAX; i++) {
        int bytes = snprintf(ids[i], sizeof ids[i], "selection-with-a-long-id-%d", i);
        selections[i] = (struct odds_log_selection){
            .id = slice_of(ids[i], (size_t)bytes),
            .status = SELECTION_ACTIVE,
            .odds = {UINT32_MAX, UINT32_MAX - 1},
        };
    }
    struct odds_log_change change = {.market_id = SLICE("m"),
                                     .status = MARKET_ACTIVE,
                                     .selections = selections,
                                     .selections_count = SELECTIONS_MAX};
    faulty_disk_hold_syncs(fake, true);
    uint64_t position = 1, last = 0, appended = 0;
    while (position != 0 && appended < 100000) {
        position = log->ops->append(log, &change);
        last = position != 0 ? position : last;
        appended += position != 0;
    }
    assert_int_equal(position, 0); /* at once: nothing waits for the disk */
    odds_log_file_stats(log, &stats);
    assert_int_equal(stats.refused, 1);
    assert_true(stats.ring_bytes <= ODDS_LOG_RING_BYTES);
    faulty_disk_hold_syncs(fake, false);
    assert_int_equal(odds_log_file_flush(log), 0);
    assert_true(log->ops->append(log, &change) > last);
    log->ops->free(log);
    faulty_disk_free(fake);
}

TEST(odds_log_file, logs_nothing_more_after_a_failure)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct book *book = book_new();
    struct odds_log_report report;
    struct texts texts;
    struct odds_log_selection selections[3];
    struct odds_log *log = open_log(fake, 0, &report);
    append_changes(log, book, 10);
    faulty_disk_fail_sync(fake, 1);
    assert_int_equal(odds_log_file_flush(log), -ERR_STOPPED);
    struct odds_log_change change = change_of(10, &texts, selections);
    assert_int_equal(log->ops->append(log, &change), 0);
    log->ops->free(log);
    faulty_disk_free(fake);
    free(book);
}

TEST(odds_log_file, goes_on_behind_another_log_when_it_is_told_to)
{
    const uint64_t behind = UINT64_C(1) << 40;
    struct faulty_disk *fake = faulty_disk_new();
    const struct odds_log_file_options options = {
        .segment_bytes = SEGMENT_BYTES, .epoch_min = 1024, .position_min = behind};
    for (uint32_t i = 0; i < 3; i++) {
        struct odds_log *log = NULL;
        struct texts texts;
        struct odds_log_selection selections[3];
        uint32_t epoch = 0;
        assert_int_equal(odds_log_file_open(&options, faulty_disk_of(fake), NULL, &log), 0);
        assert_int_equal(log->ops->take_epoch(log, 0, &epoch), 0);
        assert_int_equal(epoch, 1024 + i);
        struct odds_log_change change = change_of(i, &texts, selections);
        assert_true(log->ops->append(log, &change) >= behind + i * ODDS_LOG_POSITION_GAP);
        log->ops->free(log);
    }
    faulty_disk_free(fake);
}

TEST(odds_log_file, gives_no_epoch_below_the_least)
{
    struct faulty_disk *fake = faulty_disk_new();
    const uint32_t asked[] = {0, 7, 3, 9, ODDS_EPOCH_MAX}, given[] = {1, 7, 8, 9, ODDS_EPOCH_MAX};
    struct odds_log_report report;
    struct odds_log *log = open_log(fake, 0, &report);
    uint32_t epoch = 0;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        assert_int_equal(log->ops->take_epoch(log, asked[i], &epoch), 0);
        assert_int_equal(epoch, given[i]);
    }
    assert_int_equal(log->ops->take_epoch(log, 0, &epoch), -ERR_LIMIT);
    log->ops->free(log);
    faulty_disk_free(fake);
}

TEST(odds_log_file, never_gives_an_epoch_twice)
{
    struct faulty_disk *fake = faulty_disk_new();
    uint32_t last = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct odds_log_report report;
        struct odds_log *log = open_log(fake, 0, &report);
        uint32_t epoch = 0;
        assert_int_equal(log->ops->take_epoch(log, 0, &epoch), 0);
        assert_true(epoch > last);
        last = epoch;
        struct faulty_disk *after =
            faulty_disk_crash(fake, faulty_disk_ops_count(fake), seed, FAULTY_DISK_NO_WHY);
        log->ops->free(log);
        faulty_disk_free(fake);
        fake = after;
    }
    faulty_disk_free(fake);
}

TEST(odds_log_file, tells_damage_in_an_older_segment_from_a_torn_tail)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct book *book = book_new();
    struct odds_log_report report;
    struct odds_log *log = open_log(fake, 0, &report);
    append_changes(log, book, 5000);
    log->ops->free(log);
    assert_true(faulty_disk_flip(fake, "odds-0000000000.log", 30000, 2));
    log = open_log(fake, 0, &report);
    assert_int_equal(log->ops->replay(log, compare, book), -ERR_CORRUPT);
    log->ops->free(log);
    assert_true(faulty_disk_delete(fake, "odds-0000000001.log"));
    struct odds_log_file_options options = {0};
    assert_int_equal(odds_log_file_open(&options, faulty_disk_of(fake), &report, &log),
                     -ERR_CORRUPT);
    assert_non_null(strstr(report.text, "missing"));
    faulty_disk_free(fake);
    free(book);
}

TEST(odds_log_file, refuses_a_change_beyond_the_limits_and_goes_on)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct book *book = book_new();
    struct odds_log_report report;
    static char text[MARKET_ID_BYTES_MAX + 1];
    struct odds_log *log = open_log(fake, 0, &report);
    append_changes(log, book, 100);
    memset(text, 'x', sizeof text);
    struct odds_log_change change = {.market_id = slice_of(text, sizeof text)};
    assert_int_equal(log->ops->append(log, &change), 0);
    change =
        (struct odds_log_change){.market_id = SLICE("m"), .selections_count = SELECTIONS_MAX + 1};
    assert_int_equal(log->ops->append(log, &change), 0);
    append_changes(log, book, 100);
    assert_int_equal(replay(log, book), 200);
    log->ops->free(log);
    faulty_disk_free(fake);
    free(book);
}
