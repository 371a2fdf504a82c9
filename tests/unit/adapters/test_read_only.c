/* test_read_only.c - the logs opened to be looked at: they say what a writer would find, and change
 * nothing at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/odds_log_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "log_records.h"
#include "test.h"

#define SEGMENT_BYTES 4096
#define GROUPS        20
#define NEWEST        "ledger-0000-0000000004.seg"
#define PREPARED      "ledger-0000-0000000005.seg"

static const struct ledger_file_options to_read = {
    .store = {.segment_bytes = SEGMENT_BYTES, .read_only = true}};

/* --- The ledger on the fake disk --- */

/* Several segments, the next one prepared; every other group takes two sectors. */
static void write_ledger(struct disk *disk)
{
    const struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .creation = 77};
    struct ledger_store *store = NULL;
    struct ledger_report report;
    uint64_t epoch = 0;
    assert_int_equal(ledger_store_open(&options, disk, &report, &store), 0);
    assert_int_equal(ledger_store_take_epoch(store, &epoch), 0);
    for (int i = 0; i < GROUPS; i++) {
        char records[1024];
        struct ledger_append append = {
            .epoch = epoch, .expected_tail = store->place.seq, .records = records, .count = 2};
        append.bytes = log_records_make(records, i % 2 ? 408 : 48, store->place.seq + 1, 2, 1);
        assert_int_equal(ledger_store_append(store, &append), APPEND_OK);
    }
    while (ledger_store_prepare_step(store))
        ;
    assert_int_equal(store->segments_count, 5);
    ledger_store_free(store);
}

/* The last sector of the last group never came to the disk. Returns where the group begins. */
static uint64_t tear(struct faulty_disk *fake)
{
    static const char zeros[DISK_SECTOR];
    uint64_t size = 0;
    const char *content = faulty_disk_content(fake, NEWEST, &size);
    while (content[size - 1] == 0)
        size--;
    uint64_t last = (size - 1) / DISK_SECTOR * DISK_SECTOR;
    assert_true(faulty_disk_put(fake, NEWEST, last, zeros, sizeof zeros));
    return last - DISK_SECTOR;
}

static int count_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    uint64_t *count = owner, seq = 0, generation = 0;
    assert_int_equal(shard, 0);
    assert_true(log_record_is(record, bytes, &seq, &generation));
    assert_int_equal(seq, ++*count);
    return 0;
}

static uint64_t replay(struct ledger_log *log)
{
    uint64_t count = 0;
    assert_int_equal(log->ops->replay(log, 0, 1, count_record, &count), 0);
    return count;
}

static void keep_error(struct ledger_read *read, int error, size_t bytes)
{
    int *result = read->owner;
    assert_true(error == 0 ? bytes > 0 : bytes == 0);
    *result = error;
}

static int read_record(struct ledger_log *log, uint64_t seq)
{
    static char memory[4096];
    int result = 1;
    struct ledger_read read = {.seq_first = seq,
                               .count = 1,
                               .memory = memory,
                               .capacity = sizeof memory,
                               .on_done = keep_error,
                               .owner = &result};
    assert_int_equal(log->ops->read(log, &read), 0);
    while (result == 1)
        log->ops->poll(log);
    return result;
}

static void never_done(struct ledger_append *append, enum append_outcome outcome)
{
    (void)append;
    (void)outcome;
    fail_msg("nothing was taken");
}

static void try_to_write(struct ledger_log *log)
{
    char record[LOG_RECORD_BYTES_MIN];
    uint64_t epoch = 0, tail = log->ops->tail(log, 0);
    struct ledger_append append = {.epoch = 1,
                                   .expected_tail = tail,
                                   .records = record,
                                   .bytes = sizeof record,
                                   .count = 1,
                                   .on_done = never_done};
    log_record_make(record, sizeof record, tail + 1, 1);
    assert_int_equal(log->ops->append(log, &append), -ERR_UNSUPPORTED);
    assert_int_equal(log->ops->take_epoch(log, 0, &epoch), -ERR_UNSUPPORTED);
    assert_int_equal(log->ops->tail(log, 0), tail);
}

TEST(read_only, a_torn_ledger_is_read_to_its_last_whole_group_and_left_as_it_is)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct disk *disk = faulty_disk_of(fake);
    struct ledger_report report;
    struct ledger_log *log = NULL;
    write_ledger(disk);
    uint64_t torn = tear(fake);
    uint64_t prepared = 0;
    assert_non_null(faulty_disk_content(fake, PREPARED, &prepared));
    size_t ops = faulty_disk_ops_count(fake);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ledger_file_open(&to_read, disk, &report, &log), 0);
        assert_int_equal(report.cut_sectors, 1);
        assert_int_equal(report.cut_segment, 4);
        assert_int_equal(report.cut_offset, torn);
        assert_int_equal(report.cut_group, GROUPS);
        assert_false(report.created);
        assert_int_equal(replay(log), 2 * (GROUPS - 1));
        assert_int_equal(read_record(log, 2 * (GROUPS - 1)), 0);
        assert_int_equal(read_record(log, 2 * (GROUPS - 1) + 1), -ERR_NOT_FOUND);
        try_to_write(log);
        log->ops->free(log);
    }
    assert_int_equal(faulty_disk_ops_count(fake), ops);
    struct ledger_file_options options = {.store = {.segment_bytes = SEGMENT_BYTES}};
    assert_int_equal(ledger_file_open(&options, disk, &report, &log), 0); /* the writer cuts */
    assert_int_equal(report.cut_offset, torn);
    assert_int_equal(replay(log), 2 * (GROUPS - 1));
    log->ops->free(log);
    assert_true(faulty_disk_ops_count(fake) > ops);
    faulty_disk_free(fake);
}

TEST(read_only, damage_is_refused_as_it_is_for_a_writer)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct ledger_report report;
    struct ledger_log *log = NULL;
    write_ledger(faulty_disk_of(fake));
    assert_true(faulty_disk_flip(fake, NEWEST, 700, 2));
    size_t ops = faulty_disk_ops_count(fake);
    assert_int_equal(ledger_file_open(&to_read, faulty_disk_of(fake), &report, &log), -ERR_CORRUPT);
    assert_non_null(strstr(report.text, NEWEST " at byte 512"));
    assert_int_equal(faulty_disk_ops_count(fake), ops);
    faulty_disk_free(fake);
}

/* The fake disk is always open to be written, and makes the file that it locks. */
static void add_lock_file(struct disk *disk)
{
    int file = -1;
    assert_int_equal(disk->ops->open(disk, "ledger-0000.lock", true, &file), 0);
    disk->ops->close(disk, file);
}

/* Its creator died before the first segment had a head. */
TEST(read_only, a_ledger_that_was_only_begun_is_empty)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct ledger_report report;
    struct ledger_log *log = NULL;
    write_ledger(faulty_disk_of(fake));
    bool was_empty = false;
    for (size_t n = 0; n <= 20; n++) {
        struct faulty_disk *after = faulty_disk_crash(fake, n, 1, FAULTY_DISK_NO_WHY);
        add_lock_file(faulty_disk_of(after));
        size_t ops = faulty_disk_ops_count(after);
        uint64_t bytes = 0;
        bool begun = faulty_disk_content(after, "epoch-0000", &bytes) != NULL;
        int result = ledger_file_open(&to_read, faulty_disk_of(after), &report, &log);
        assert_int_equal(result, begun ? 0 : -ERR_NOT_FOUND);
        if (begun) {
            was_empty |= report.segments == 0;
            assert_int_equal(replay(log), report.seq_tail);
            assert_int_equal(read_record(log, report.seq_tail + 1), -ERR_NOT_FOUND);
            log->ops->free(log);
        } else {
            assert_non_null(strstr(report.text, "there is no log"));
        }
        assert_int_equal(faulty_disk_ops_count(after), ops);
        faulty_disk_free(after);
    }
    assert_true(was_empty);
    faulty_disk_free(fake);
}

/* --- The odds log on the fake disk --- */

static const struct odds_log_file_options odds_options = {.segment_bytes =
                                                              ODDS_LOG_SEGMENT_BYTES_MIN};
static const struct odds_log_file_options odds_to_read = {.read_only = true};

static struct odds_log_change change_of(uint64_t n)
{
    return (struct odds_log_change){.market_id = SLICE("a market with a long name"),
                                    .event_id = SLICE("e"),
                                    .provider = SLICE("p"),
                                    .status = MARKET_ACTIVE,
                                    .odds_version = n,
                                    .received = {(int64_t)n * 1000000}};
}

static void write_odds(struct disk *disk, uint64_t bytes_max, uint64_t count)
{
    struct odds_log_file_options options = odds_options;
    struct odds_log *log = NULL;
    options.bytes_max = bytes_max;
    assert_int_equal(odds_log_file_open(&options, disk, NULL, &log), 0);
    for (uint64_t n = 1; n <= count; n++) {
        struct odds_log_change change = change_of(n);
        assert_true(log->ops->append(log, &change) > 0);
        if (n % 1000 == 0)
            assert_int_equal(odds_log_file_flush(log), 0);
    }
    log->ops->free(log);
}

static int count_change(void *owner, uint64_t position, const struct odds_log_change *change)
{
    uint64_t *first_and_count = owner;
    (void)change;
    if (first_and_count[1]++ == 0)
        first_and_count[0] = position;
    return 0;
}

struct found {
    struct odds_log_report report;
    uint64_t first, count, kept_from;
};

static struct found find_odds(struct disk *disk, const struct odds_log_file_options *options)
{
    struct odds_log *log = NULL;
    struct found found = {.first = 0};
    uint64_t first_and_count[2] = {0, 0};
    assert_int_equal(odds_log_file_open(options, disk, &found.report, &log), 0);
    assert_int_equal(log->ops->replay(log, count_change, first_and_count), 0);
    assert_int_equal(log->ops->kept_from(log, &found.kept_from), 0);
    if (options->read_only) {
        struct odds_log_change change = change_of(1);
        uint32_t epoch = 0;
        assert_int_equal(log->ops->append(log, &change), 0);
        assert_int_equal(log->ops->take_epoch(log, 0, &epoch), -ERR_UNSUPPORTED);
    }
    log->ops->free(log);
    found.first = first_and_count[0];
    found.count = first_and_count[1];
    return found;
}

/* After every crash in turn the reader finds what the writer then finds. */
TEST(read_only, an_odds_log_is_read_as_its_recovery_would_leave_it)
{
    struct faulty_disk *fake = faulty_disk_new();
    unsigned torn = 0;
    write_odds(faulty_disk_of(fake), 0, 3000);
    write_odds(faulty_disk_of(fake), 0, 3000);
    size_t all = faulty_disk_ops_count(fake);
    for (size_t n = 12; n <= all; n++)
        for (uint64_t seed = 0; seed < 6; seed++) {
            struct faulty_disk *after = faulty_disk_crash(fake, n, seed, FAULTY_DISK_NO_WHY);
            size_t ops = faulty_disk_ops_count(after);
            struct found read = find_odds(faulty_disk_of(after), &odds_to_read);
            assert_int_equal(faulty_disk_ops_count(after), ops);
            struct found written = find_odds(faulty_disk_of(after), &odds_options);
            assert_int_equal(read.count, written.count);
            assert_int_equal(read.first, written.first);
            assert_int_equal(read.report.segments, written.report.segments);
            assert_int_equal(read.report.cut_segment, written.report.cut_segment);
            assert_int_equal(read.report.cut_offset, written.report.cut_offset);
            assert_int_equal(read.report.cut_bytes, written.report.cut_bytes);
            torn += read.report.cut_bytes > 0;
            faulty_disk_free(after);
        }
    assert_true(torn > 10); /* or it tested something else */
    faulty_disk_free(fake);
}

TEST(read_only, a_bounded_odds_log_says_from_where_it_was_kept)
{
    struct faulty_disk *fake = faulty_disk_new();
    write_odds(faulty_disk_of(fake), 0, 3000);
    struct found all = find_odds(faulty_disk_of(fake), &odds_to_read);
    assert_int_equal(all.kept_from, 0);
    assert_int_equal(all.count, 3000);
    write_odds(faulty_disk_of(fake), 1, 9000);
    struct found bounded = find_odds(faulty_disk_of(fake), &odds_to_read);
    assert_true(bounded.count < 9000);
    assert_true(bounded.kept_from > all.first);
    assert_int_equal(bounded.kept_from, bounded.first);
    assert_int_equal(find_odds(faulty_disk_of(fake), &odds_options).kept_from, bounded.kept_from);
    faulty_disk_free(fake);
}

TEST(read_only, an_odds_log_that_is_not_there_is_not_made)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct odds_log_report report;
    struct odds_log *log = NULL;
    assert_int_equal(odds_log_file_open(&odds_to_read, faulty_disk_of(fake), &report, &log),
                     -ERR_NOT_FOUND);
    assert_non_null(strstr(report.text, "there is no log"));
    uint64_t bytes = 0;
    assert_null(faulty_disk_content(fake, "odds-epoch", &bytes));
    faulty_disk_free(fake);
}

/* --- A real directory --- */

struct place {
    char path[64];
    struct disk *writing, *reading;
};

static void place_begin(struct place *place)
{
    (void)snprintf(place->path, sizeof place->path, "/tmp/read-only-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    assert_int_equal(disk_open_directory(place->path, &place->writing), 0);
    assert_int_equal(disk_open_to_read(place->path, &place->reading), 0);
}

static int remove_file(void *owner, const char *name)
{
    struct disk *disk = owner;
    return disk->ops->unlink(disk, name);
}

static void place_end(struct place *place)
{
    assert_int_equal(place->writing->ops->list(place->writing, remove_file, place->writing), 0);
    disk_free(place->reading);
    disk_free(place->writing);
    assert_int_equal(rmdir(place->path), 0);
}

static int open_ledger(struct disk *disk, bool read_only, struct ledger_log **ret_log)
{
    struct ledger_file_options options = to_read;
    struct ledger_report report;
    options.store.read_only = read_only;
    int result = ledger_file_open(&options, disk, &report, ret_log);
    if (result == -ERR_BUSY)
        assert_non_null(strstr(report.text, "another process"));
    return result;
}

TEST(read_only, several_may_read_and_none_beside_a_writer)
{
    struct place place;
    struct ledger_log *first = NULL, *second = NULL, *writer = NULL;
    place_begin(&place);
    write_ledger(place.writing);
    assert_int_equal(open_ledger(place.reading, true, &first), 0);
    assert_int_equal(open_ledger(place.reading, true, &second), 0);
    assert_int_equal(open_ledger(place.writing, false, &writer), -ERR_BUSY);
    assert_int_equal(replay(first), 2 * GROUPS);
    assert_int_equal(replay(second), 2 * GROUPS);
    first->ops->free(first);
    assert_int_equal(open_ledger(place.writing, false, &writer), -ERR_BUSY);
    second->ops->free(second);
    assert_int_equal(open_ledger(place.writing, false, &writer), 0);
    assert_int_equal(open_ledger(place.reading, true, &first), -ERR_BUSY);
    writer->ops->free(writer);
    assert_int_equal(open_ledger(place.reading, true, &first), 0);
    first->ops->free(first);
    place_end(&place);
}

TEST(read_only, several_may_read_the_odds_log_and_none_beside_a_writer)
{
    struct place place;
    struct odds_log_report report;
    struct odds_log *first = NULL, *second = NULL, *writer = NULL;
    place_begin(&place);
    write_odds(place.writing, 0, 10);
    assert_int_equal(odds_log_file_open(&odds_to_read, place.reading, NULL, &first), 0);
    assert_int_equal(odds_log_file_open(&odds_to_read, place.reading, NULL, &second), 0);
    assert_int_equal(odds_log_file_open(&odds_options, place.writing, &report, &writer), -ERR_BUSY);
    assert_non_null(strstr(report.text, "another process"));
    first->ops->free(first);
    second->ops->free(second);
    assert_int_equal(odds_log_file_open(&odds_options, place.writing, NULL, &writer), 0);
    assert_int_equal(odds_log_file_open(&odds_to_read, place.reading, &report, &first), -ERR_BUSY);
    writer->ops->free(writer);
    place_end(&place);
}

TEST(read_only, a_copy_without_its_lock_file_is_read_and_gets_none)
{
    struct place place;
    struct ledger_log *log = NULL;
    int file = -1;
    place_begin(&place);
    write_ledger(place.writing);
    assert_int_equal(place.writing->ops->unlink(place.writing, "ledger-0000.lock"), 0);
    assert_int_equal(open_ledger(place.reading, true, &log), 0);
    assert_int_equal(replay(log), 2 * GROUPS);
    log->ops->free(log);
    assert_int_equal(place.writing->ops->open(place.writing, "ledger-0000.lock", false, &file),
                     -ERR_NOT_FOUND);
    place_end(&place);
}

TEST(read_only, a_disk_to_read_can_change_nothing)
{
    struct place place;
    struct disk *disk = NULL;
    int file = -1;
    size_t got = 0;
    char byte = 0;
    place_begin(&place);
    assert_int_equal(place.writing->ops->open(place.writing, "a", true, &file), 0);
    assert_int_equal(place.writing->ops->write(place.writing, file, 0, "x", 1), 0);
    place.writing->ops->close(place.writing, file);
    disk = place.reading;
    assert_int_equal(disk->ops->open(disk, "b", true, &file), -ERR_UNSUPPORTED);
    assert_int_equal(disk->ops->open_direct(disk, "a", &file), -ERR_UNSUPPORTED);
    assert_int_equal(disk->ops->open(disk, "a", false, &file), 0);
    assert_int_equal(disk->ops->write(disk, file, 0, "y", 1), -ERR_UNSUPPORTED);
    assert_int_equal(disk->ops->write_durable(disk, file, 0, "y", 1), -ERR_UNSUPPORTED);
    assert_int_equal(disk->ops->truncate(disk, file, 0), -ERR_UNSUPPORTED);
    assert_int_equal(disk->ops->sync(disk, file, DISK_WHY_GROUP), -ERR_UNSUPPORTED);
    assert_int_equal(disk->ops->sync_directory(disk, DISK_WHY_EPOCH_NAME), -ERR_UNSUPPORTED);
    assert_int_equal(disk->ops->rename(disk, "a", "b"), -ERR_UNSUPPORTED);
    assert_int_equal(disk->ops->unlink(disk, "a"), -ERR_UNSUPPORTED);
    assert_int_equal(disk->ops->read(disk, (struct disk_piece){file, 0, &byte, 1}, &got), 0);
    assert_int_equal(byte, 'x');
    disk->ops->close(disk, file);
    assert_int_equal(disk_open_to_read("/tmp/read-only-is-not-there", &disk), -ERR_NOT_FOUND);
    place_end(&place);
}
