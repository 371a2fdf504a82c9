/* test_ledger_archive.c - adapters/embedded/ledger_archiver.h and ledger_slip.h: what is in the
 * archive is read from there, is not needed by a start, and is asked for by name when it is not
 * there; no crash while it is moved loses anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/ledger_archiver.h"
#include "adapters/embedded/ledger_packer.h"
#include "adapters/embedded/ledger_slip.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "log_records.h"

#define SEGMENT_BYTES 4096u
#define SEGMENTS      6
#define FIRST_MOVED   "ledger-0000-0000000001"
#define EVERYTHING    UINT64_C(1000000)

struct moved_log {
    struct faulty_disk *here, *there;
    struct ledger_store *store;
    struct ledger_packer *packer;
    struct ledger_archiver *archiver;
    uint64_t tail, seq_seen;
    char text[LEDGER_REPORT_TEXT_BYTES];
};

static struct ledger_view view_of(void *owner)
{
    return ledger_store_view(((struct moved_log *)owner)->store);
}

static int open_log(struct moved_log *m, bool with_archive, struct ledger_report *report)
{
    struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .creation = 5};
    if (with_archive)
        options.archive = faulty_disk_of(m->there);
    return ledger_store_open(&options, faulty_disk_of(m->here), report, &m->store);
}

static void append(struct moved_log *m)
{
    char record[408];
    uint64_t tail = m->store->place.seq;
    struct ledger_append append = {
        .epoch = m->store->epoch_taken, .expected_tail = tail, .records = record, .count = 1};
    append.bytes = log_records_make(record, sizeof record, tail + 1, 1, tail + 1);
    assert_int_equal(ledger_store_append(m->store, &append), APPEND_OK);
    m->tail = tail + 1;
}

/* A file whose name says that the state at this record is kept. */
static void put_snapshot(struct moved_log *m, uint64_t seq)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    int file = -1;
    struct disk *disk = faulty_disk_of(m->here);
    (void)snprintf(name, sizeof name, "snapshot-0000-%020llu.snap", (unsigned long long)seq);
    assert_int_equal(disk->ops->open(disk, name, true, &file), 0);
    disk->ops->close(disk, file);
}

static void new_movers(struct moved_log *m, bool packs, uint64_t keep)
{
    const struct ledger_cursor_log log = {view_of, m};
    const struct ledger_packer_options packing = {.keep = 0};
    const struct ledger_archiver_options archiving = {.archive = faulty_disk_of(m->there),
                                                      .snapshots = faulty_disk_of(m->here),
                                                      .keep = keep,
                                                      .packs = packs};
    if (packs)
        assert_int_equal(ledger_packer_new(&log, &packing, &m->packer), 0);
    assert_int_equal(ledger_archiver_new(&log, &archiving, &m->archiver), 0);
}

static void free_movers(struct moved_log *m)
{
    ledger_packer_free(m->packer);
    ledger_archiver_free(m->archiver);
    m->packer = NULL;
    m->archiver = NULL;
}

static void begin(struct moved_log *m, bool packs, uint64_t keep)
{
    struct ledger_report report;
    uint64_t epoch = 0;
    *m = (struct moved_log){.here = faulty_disk_new(), .there = faulty_disk_new()};
    faulty_disk_beside(m->there, m->here);
    assert_int_equal(open_log(m, true, &report), 0);
    assert_int_equal(ledger_store_take_epoch(m->store, &epoch), 0);
    while (m->store->segments_count < SEGMENTS)
        append(m);
    new_movers(m, packs, keep);
}

static void end(struct moved_log *m)
{
    free_movers(m);
    ledger_store_free(m->store);
    faulty_disk_free(m->here);
    faulty_disk_free(m->there);
}

static int move_all(struct moved_log *m)
{
    int result = 1;
    while (result > 0)
        result = m->packer == NULL ? 0 : ledger_packer_step(m->packer);
    assert_int_equal(result, 0);
    do
        result = ledger_archiver_step(m->archiver);
    while (result > 0);
    return result;
}

static bool exists(struct faulty_disk *fake, const char *stem, const char *form)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t bytes = 0;
    (void)snprintf(name, sizeof name, "%s%s", stem, form);
    return faulty_disk_content(fake, name, &bytes) != NULL;
}

static int visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct moved_log *m = owner;
    uint64_t seq = 0, generation = 0;
    (void)shard;
    assert_true(log_record_is(record, bytes, &seq, &generation));
    assert_int_equal(generation, seq);
    assert_int_equal(seq, m->seq_seen + 1);
    m->seq_seen = seq;
    return 0;
}

static int replay(struct moved_log *m, uint64_t seq_first)
{
    struct ledger_view view = ledger_store_view(m->store);
    m->seq_seen = seq_first - 1;
    return ledger_replay(&view, seq_first, visit, m, m->text);
}

static int open_again(struct moved_log *m, bool with_archive, struct ledger_report *report)
{
    free_movers(m);
    ledger_store_free(m->store);
    m->store = NULL;
    return open_log(m, with_archive, report);
}

TEST(ledger_archive, holds_old_segments_which_are_read_from_there)
{
    for (int packs = 0; packs <= 1; packs++) {
        struct moved_log m;
        struct ledger_report report;
        const char *form = packs ? ".segz" : ".seg";
        begin(&m, packs, 2);
        put_snapshot(&m, EVERYTHING);
        assert_int_equal(move_all(&m), 0);
        assert_int_equal(ledger_archiver_stats(m.archiver).segments, 2);
        assert_false(exists(m.here, FIRST_MOVED, form));
        assert_true(exists(m.here, FIRST_MOVED, ".away"));
        assert_true(exists(m.there, FIRST_MOVED, form));
        assert_true(exists(m.here, "ledger-0000-0000000000", form)); /* GENESIS stays */
        assert_true(exists(m.here, "ledger-0000-0000000003", form));
        assert_int_equal(replay(&m, 1), 0);
        assert_int_equal(m.seq_seen, m.tail);
        assert_int_equal(open_again(&m, true, &report), 0);
        assert_int_equal(m.store->archived_end, 3);
        assert_int_equal(report.seq_tail, m.tail);
        assert_int_equal(replay(&m, 1), 0);
        assert_int_equal(m.seq_seen, m.tail);
        end(&m);
    }
}

TEST(ledger_archive, is_not_needed_by_a_start_and_asked_for_by_name)
{
    struct moved_log m;
    struct ledger_report report;
    begin(&m, true, 2);
    put_snapshot(&m, EVERYTHING);
    assert_int_equal(move_all(&m), 0);
    assert_int_equal(open_again(&m, false, &report), 0);
    assert_int_equal(report.seq_tail, m.tail);
    append(&m);
    uint64_t live = m.store->segments[3].before.seq + 1;
    assert_int_equal(replay(&m, live), 0);
    assert_int_equal(m.seq_seen, m.tail);
    assert_int_equal(replay(&m, 1), -ERR_ARCHIVED);
    assert_string_equal(m.text, FIRST_MOVED ".segz is in the archive: bring it back with "
                                            "--archive DIR");
    struct ledger_sizes sizes;
    struct ledger_view view = ledger_store_view(m.store);
    assert_int_equal(ledger_view_sizes(&view, &sizes, m.text), 0);
    assert_int_equal(sizes.archived, 2);
    assert_int_equal(sizes.packed, 3);
    assert_int_equal(sizes.plain, 1);
    end(&m);
}

TEST(ledger_archive, names_the_file_that_is_missing_in_it_and_takes_it_when_it_returns)
{
    struct moved_log m;
    struct ledger_report report;
    uint64_t bytes = 0;
    char content[SEGMENT_BYTES];
    int file = -1;
    begin(&m, true, 2);
    put_snapshot(&m, EVERYTHING);
    assert_int_equal(move_all(&m), 0);
    const char *kept = faulty_disk_content(m.there, "ledger-0000-0000000002.segz", &bytes);
    memcpy(content, kept, bytes);
    assert_true(faulty_disk_delete(m.there, "ledger-0000-0000000002.segz"));
    assert_int_equal(open_again(&m, true, &report), 0);
    assert_int_equal(replay(&m, 1), -ERR_ARCHIVED);
    assert_string_equal(m.text, "ledger-0000-0000000002.segz is not in the archive: bring it back");
    /* Into the log's own directory will do. */
    struct disk *disk = faulty_disk_of(m.here);
    assert_int_equal(disk->ops->open(disk, "ledger-0000-0000000002.segz", true, &file), 0);
    assert_int_equal(disk->ops->write(disk, file, 0, content, bytes), 0);
    disk->ops->close(disk, file);
    assert_int_equal(replay(&m, 1), 0);
    assert_int_equal(m.seq_seen, m.tail);
    end(&m);
}

TEST(ledger_archive, refuses_any_flipped_bit_in_an_archived_file_and_in_a_slip)
{
    struct moved_log m;
    struct ledger_report report;
    uint64_t bytes = 0;
    begin(&m, true, 2);
    put_snapshot(&m, EVERYTHING);
    assert_int_equal(move_all(&m), 0);
    assert_non_null(faulty_disk_content(m.there, FIRST_MOVED ".segz", &bytes));
    for (uint64_t byte = 0; byte < bytes; byte++) {
        assert_true(faulty_disk_flip(m.there, FIRST_MOVED ".segz", byte, byte % 8));
        assert_int_equal(replay(&m, 1), -ERR_CORRUPT);
        assert_non_null(strstr(m.text, FIRST_MOVED ".segz in the archive"));
        assert_true(faulty_disk_flip(m.there, FIRST_MOVED ".segz", byte, byte % 8));
    }
    for (uint64_t byte = 0; byte < sizeof(struct ledger_slip); byte++) {
        assert_true(faulty_disk_flip(m.here, FIRST_MOVED ".away", byte, byte % 8));
        assert_int_equal(open_again(&m, true, &report), -ERR_CORRUPT);
        assert_non_null(strstr(report.text, FIRST_MOVED ".away at byte 0"));
        assert_true(faulty_disk_flip(m.here, FIRST_MOVED ".away", byte, byte % 8));
    }
    assert_int_equal(open_again(&m, true, &report), 0);
    end(&m);
}

TEST(ledger_archive, takes_only_what_every_kept_snapshot_covers)
{
    struct moved_log m;
    begin(&m, false, 2);
    assert_int_equal(move_all(&m), 0); /* none is kept */
    assert_int_equal(ledger_archiver_stats(m.archiver).segments, 0);
    put_snapshot(&m, EVERYTHING);
    put_snapshot(&m, m.store->segments[2].before.seq - 1); /* the older one lacks a record */
    assert_int_equal(move_all(&m), 0);
    assert_int_equal(ledger_archiver_stats(m.archiver).segments, 0);
    char name[DISK_NAME_BYTES_MAX + 1];
    (void)snprintf(name, sizeof name, "snapshot-0000-%020llu.snap",
                   (unsigned long long)m.store->segments[2].before.seq - 1);
    assert_true(faulty_disk_delete(m.here, name));
    put_snapshot(&m, m.store->segments[2].before.seq);
    assert_int_equal(move_all(&m), 0);
    assert_int_equal(ledger_archiver_stats(m.archiver).segments, 1);
    end(&m);
}

TEST(ledger_archive, leaves_a_damaged_segment_here)
{
    struct moved_log m;
    begin(&m, false, 2);
    put_snapshot(&m, EVERYTHING);
    assert_true(faulty_disk_flip(m.here, FIRST_MOVED ".seg", 900, 3));
    assert_int_equal(move_all(&m), -ERR_CORRUPT);
    assert_string_equal(ledger_archiver_problem(m.archiver),
                        FIRST_MOVED ".seg at byte 512: sector: wrong checksum");
    assert_int_equal(ledger_archiver_stats(m.archiver).damaged, 1);
    assert_true(exists(m.here, FIRST_MOVED, ".seg"));
    assert_false(exists(m.there, FIRST_MOVED, ".seg"));
    assert_true(faulty_disk_flip(m.here, FIRST_MOVED ".seg", 900, 3)); /* restored */
    assert_int_equal(move_all(&m), 0);
    assert_int_equal(ledger_archiver_stats(m.archiver).segments, 2);
    assert_int_equal(ledger_archiver_stats(m.archiver).damaged, 0);
    end(&m);
}

TEST(ledger_archive, keeps_a_good_file_here_when_the_archive_holds_another)
{
    struct moved_log m;
    struct ledger_report report;
    uint64_t bytes = 0;
    char content[SEGMENT_BYTES];
    int file = -1;
    begin(&m, true, 2);
    put_snapshot(&m, EVERYTHING);
    assert_int_equal(move_all(&m), 0);
    memcpy(content, faulty_disk_content(m.there, FIRST_MOVED ".segz", &bytes), SEGMENT_BYTES / 4);
    struct disk *disk = faulty_disk_of(m.here);
    assert_int_equal(disk->ops->open(disk, FIRST_MOVED ".segz", true, &file), 0);
    assert_int_equal(disk->ops->write(disk, file, 0,
                                      faulty_disk_content(m.there, FIRST_MOVED ".segz", &bytes),
                                      bytes),
                     0);
    disk->ops->close(disk, file);
    assert_true(faulty_disk_flip(m.there, FIRST_MOVED ".segz", bytes - 1, 0));
    assert_int_equal(open_again(&m, true, &report), 0);
    assert_int_equal(replay(&m, 1), 0); /* what is here is read */
    new_movers(&m, true, 2);
    assert_int_equal(move_all(&m), -ERR_CORRUPT);
    assert_true(exists(m.here, FIRST_MOVED, ".segz"));
    assert_true(faulty_disk_flip(m.there, FIRST_MOVED ".segz", bytes - 1, 0));
    assert_int_equal(move_all(&m), 0); /* now it is seen to be there */
    assert_false(exists(m.here, FIRST_MOVED, ".segz"));
    end(&m);
}

TEST(ledger_archive, does_not_replace_a_file_of_another_log)
{
    struct moved_log m;
    static const char other[DISK_SECTOR] = "somebody else's";
    int file = -1;
    begin(&m, true, 2);
    put_snapshot(&m, EVERYTHING);
    struct disk *disk = faulty_disk_of(m.there);
    assert_int_equal(disk->ops->open(disk, FIRST_MOVED ".segz", true, &file), 0);
    assert_int_equal(disk->ops->write(disk, file, 0, other, sizeof other), 0);
    disk->ops->close(disk, file);
    assert_int_equal(move_all(&m), -ERR_CORRUPT);
    uint64_t bytes = 0;
    assert_memory_equal(faulty_disk_content(m.there, FIRST_MOVED ".segz", &bytes), other,
                        sizeof other);
    assert_true(exists(m.here, FIRST_MOVED, ".segz"));
    end(&m);
}

/* --- Crashes --- */

static const char *after_crash_wrong(const struct moved_log *story, size_t clock, uint64_t seed,
                                     int ignored_why)
{
    struct moved_log m = {.tail = story->tail};
    struct ledger_report report;
    const char *wrong = NULL;
    m.here =
        faulty_disk_crash(story->here, faulty_disk_ops_at(story->here, clock), seed, ignored_why);
    m.there = faulty_disk_crash(story->there, faulty_disk_ops_at(story->there, clock), seed / 2,
                                ignored_why);
    if (open_log(&m, true, &report) < 0)
        wrong = "the log does not open";
    else if (replay(&m, 1) < 0 || m.seq_seen != m.tail)
        wrong = "records are lost";
    if (wrong == NULL) {
        new_movers(&m, true, 2);
        put_snapshot(&m, EVERYTHING);
        if (move_all(&m) < 0)
            wrong = "it does not go on";
        else if (replay(&m, 1) < 0 || m.seq_seen != m.tail)
            wrong = "records are lost later";
        else if (!exists(m.here, "ledger-0000-0000000002", ".away") ||
                 exists(m.here, "ledger-0000-0000000002", ".segz"))
            wrong = "it does not get done";
    }
    end(&m);
    return wrong;
}

/* NULL when the log is whole after every crash from this time on. */
static const char *search_from(const struct moved_log *m, int ignored_why, uint64_t from)
{
    const char *wrong = NULL;
    uint64_t to = faulty_disk_clock(m->here);
    for (uint64_t clock = from; clock <= to && wrong == NULL; clock++)
        for (uint64_t seed = 0; seed < 12 && wrong == NULL; seed++)
            wrong = after_crash_wrong(m, (size_t)clock, seed, ignored_why);
    return wrong;
}

/* The same while its segments go into the archive. */
static const char *search(int ignored_why)
{
    struct moved_log m;
    begin(&m, true, 2);
    put_snapshot(&m, EVERYTHING);
    struct disk *disk = faulty_disk_of(m.here);
    assert_int_equal(disk->ops->sync_directory(disk, DISK_WHY_SNAPSHOT_NAME), 0);
    uint64_t from = faulty_disk_clock(m.here);
    assert_int_equal(move_all(&m), 0);
    assert_int_equal(ledger_archiver_stats(m.archiver).segments, 2);
    const char *wrong = search_from(&m, ignored_why, from);
    end(&m);
    return wrong;
}

TEST(ledger_archive, loses_nothing_at_any_crash_while_segments_are_moved)
{
    const char *wrong = search(FAULTY_DISK_NO_WHY);
    if (wrong != NULL)
        print_error("%s\n", wrong);
    assert_null(wrong);
}

TEST(ledger_archive, needs_every_one_of_its_syncs)
{
    static const enum disk_why whys[] = {DISK_WHY_ARCHIVED, DISK_WHY_ARCHIVED_NAME, DISK_WHY_SLIP,
                                         DISK_WHY_SLIP_NAME};
    for (size_t i = 0; i < sizeof whys / sizeof *whys; i++) {
        if (search((int)whys[i]) == NULL)
            print_error("no crash misses the sync \"%s\"\n", disk_why_text(whys[i]));
        assert_non_null(search((int)whys[i]));
    }
}

TEST(ledger_archive, begins_a_segment_again_after_a_failed_write_or_sync)
{
    bool failed = true;
    for (unsigned nth = 1; failed; nth++) {
        struct moved_log m;
        begin(&m, false, 2);
        put_snapshot(&m, EVERYTHING);
        struct faulty_disk *fake = nth % 2 ? m.there : m.here;
        uint64_t from = faulty_disk_clock(m.here);
        (nth % 4 < 2 ? faulty_disk_fail_write : faulty_disk_fail_sync)(fake, 1 + nth / 4);
        failed = move_all(&m) < 0;
        faulty_disk_fail_write(fake, 0);
        faulty_disk_fail_sync(fake, 0);
        assert_int_equal(move_all(&m), 0);
        assert_int_equal(replay(&m, 1), 0);
        assert_int_equal(m.seq_seen, m.tail);
        assert_false(exists(m.here, "ledger-0000-0000000002", ".seg"));
        assert_null(search_from(&m, FAULTY_DISK_NO_WHY, from));
        end(&m);
    }
}
