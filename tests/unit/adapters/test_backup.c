/* test_backup.c - adapters/embedded/backup.h and restore.h on disks that crash and rot: a backup
 * that was ended is there after any crash of a later one, what is damaged is refused with file and
 * byte, and a restore ends at exactly the record that was asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/backup.h"
#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/ledger_store.h"
#include "adapters/embedded/odds_log_file.h"
#include "adapters/embedded/restore.h"
#include "adapters/embedded/tree_heads.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "log_records.h"
#include "sign_pem.h"

#define SEGMENT_BYTES 4096
#define RECORD_BYTES  304
#define CREATION      77

/* One flat disk plays all folders of the source, another those of the backup: names differ. */
struct scene {
    struct faulty_disk *source, *target;
    struct ledger_store *store; /* the server that writes; NULL: none */
    uint64_t generation;
    struct merkle_range range;
    struct sha256 *sha;
    struct sign_key *key;
};

static struct backup_disks all_on(struct faulty_disk *fake)
{
    struct disk *disk = faulty_disk_of(fake);
    return (struct backup_disks){disk, {disk, disk, disk}};
}

static void server_begins(struct scene *s)
{
    struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .creation = CREATION};
    struct ledger_report report;
    uint64_t epoch;
    assert_int_equal(ledger_store_open(&options, faulty_disk_of(s->source), &report, &s->store), 0);
    assert_int_equal(ledger_store_take_epoch(s->store, &epoch), 0);
}

static void server_ends(struct scene *s)
{
    ledger_store_free(s->store);
    s->store = NULL;
}

static void note_leaves(struct scene *s, const char *records, uint32_t count)
{
    struct merkle_hash leaf, made[MERKLE_LEVELS];
    for (uint32_t i = 0; i < count; i++) {
        merkle_leaf(s->sha, slice_of(records + (size_t)i * RECORD_BYTES, RECORD_BYTES), &leaf);
        (void)merkle_append(&s->range, s->sha, &leaf, made);
    }
}

static void append_group(struct scene *s, uint32_t count)
{
    static char records[16 * RECORD_BYTES];
    uint64_t tail = s->store->place.seq;
    struct ledger_append append = {
        .epoch = s->store->epoch_taken, .expected_tail = tail, .records = records, .count = count};
    append.bytes = log_records_make(records, RECORD_BYTES, tail + 1, count, s->generation);
    assert_int_equal(ledger_store_append(s->store, &append), APPEND_OK);
    note_leaves(s, records, count);
}

static void append_groups(struct scene *s, unsigned groups)
{
    for (unsigned i = 0; i < groups; i++)
        append_group(s, 1 + i % 5);
}

static void sign_head(struct scene *s)
{
    struct tree_heads heads;
    struct tree_head head = {.time_us = (int64_t)s->range.size, .root = {.size = s->range.size}};
    assert_int_equal(tree_heads_open(&heads, faulty_disk_of(s->source), 0, true), 0);
    /* The id of the book is what stands behind the head of record 1. */
    char first[RECORD_BYTES];
    log_record_make(first, sizeof first, 1, 0);
    memcpy(head.log_id, first + LOG_RECORD_BYTES_MIN - 8, sizeof head.log_id);
    merkle_range_root(&s->range, s->sha, &head.root.hash);
    unsigned char bytes[TREE_HEAD_BYTES];
    assert_int_equal(tree_head_sign(&head, s->key, bytes), 0);
    assert_int_equal(tree_heads_keep(&heads, &head, bytes), 0);
    tree_heads_close(&heads);
}

static void offer_odds(struct scene *s, unsigned changes)
{
    struct odds_log_file_options options = {.hash_key = {1, 2}};
    struct odds_log *log = NULL;
    uint32_t epoch;
    assert_int_equal(odds_log_file_open(&options, faulty_disk_of(s->source), NULL, &log), 0);
    assert_int_equal(log->ops->take_epoch(log, 0, &epoch), 0);
    for (unsigned i = 0; i < changes; i++) {
        struct odds_log_selection selection = {.id = SLICE("1"), .odds = {21 + i, 10}};
        struct odds_log_change change = {.market_id = SLICE("m"),
                                         .event_id = SLICE("e"),
                                         .provider = SLICE("p"),
                                         .odds_version = i + 1,
                                         .selections = &selection,
                                         .selections_count = 1};
        assert_true(log->ops->append(log, &change) > 0);
    }
    log->ops->free(log);
}

static void begin(struct scene *s)
{
    *s = (struct scene){.source = faulty_disk_new(), .target = faulty_disk_new()};
    assert_int_equal(sha256_new(&s->sha), 0);
    assert_int_equal(sign_key_new(SLICE(SIGN_PEM), &s->key), 0);
    server_begins(s);
}

static void end(struct scene *s)
{
    server_ends(s);
    sign_key_free(s->key);
    sha256_free(s->sha);
    faulty_disk_free(s->source);
    faulty_disk_free(s->target);
}

static int back_up_to(struct scene *s, struct faulty_disk *target, struct backup_report *report)
{
    const struct backup_options options = {
        .from = all_on(s->source), .to = all_on(target), .now_us = 1};
    return backup_run(&options, report);
}

static uint64_t back_up(struct scene *s)
{
    struct backup_report report;
    int error = back_up_to(s, s->target, &report);
    assert_string_equal(report.text, "");
    assert_int_equal(error, 0);
    return report.seq;
}

/* ---- holding a backup and what is made of it against what was appended ---- */

static const struct restore_until everything = {0, INT64_MAX};

/* The last record of the backup on this disk; negative: it is refused. */
static int64_t found_in(struct faulty_disk *target, char text[BACKUP_TEXT_BYTES])
{
    struct backup_disks disks = all_on(target);
    struct restore_report report;
    struct restore *restore = NULL;
    int error = restore_new(&disks, everything, &report, &restore);
    memcpy(text, report.text, BACKUP_TEXT_BYTES);
    restore_free(restore);
    return error < 0 ? error : (int64_t)report.seq;
}

struct counting {
    uint64_t seq, generation;
};

static int count_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct counting *counting = owner;
    uint64_t seq, generation;
    (void)shard;
    bool good = log_record_is(record, bytes, &seq, &generation) &&
                generation == counting->generation && seq == counting->seq + 1;
    counting->seq++;
    return good ? 0 : -ERR_CORRUPT;
}

/* Opens what was restored as a server does, reads every record, and goes on. */
static void is_a_log_up_to(struct faulty_disk *disk, uint64_t seq, uint64_t generation)
{
    struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES};
    struct ledger_report report;
    struct ledger_store *store = NULL;
    struct counting counting = {0, generation};
    char text[LEDGER_REPORT_TEXT_BYTES], record[RECORD_BYTES];
    uint64_t epoch;
    int error = ledger_store_open(&options, faulty_disk_of(disk), &report, &store);
    assert_string_equal(report.text, "");
    assert_int_equal(error, 0);
    struct ledger_view view = ledger_store_view(store);
    assert_int_equal(ledger_replay(&view, 1, count_record, &counting, text), 0);
    assert_int_equal(counting.seq, seq);
    assert_int_equal(ledger_store_take_epoch(store, &epoch), 0);
    struct ledger_append append = {.epoch = epoch,
                                   .expected_tail = seq,
                                   .records = record,
                                   .bytes = sizeof record,
                                   .count = 1};
    log_record_make(record, sizeof record, seq + 1, 9);
    assert_int_equal(ledger_store_append(store, &append), APPEND_OK);
    ledger_store_free(store);
}

static struct restore_report restore_to(struct scene *s, struct restore_until until,
                                        struct faulty_disk *to)
{
    struct backup_disks from = all_on(s->target), disks = all_on(to);
    struct restore_report report;
    struct restore *restore = NULL;
    int error = restore_new(&from, until, &report, &restore);
    assert_string_equal(report.text, "");
    assert_int_equal(error, 0);
    assert_int_equal(restore_write(restore, &disks), 0);
    restore_free(restore);
    return report;
}

/* Its folder is a log by itself at every moment, for `ledger verify`. */
static bool is_a_log(struct faulty_disk *disk, uint64_t seq_min)
{
    struct ledger_store_options options = {
        .segment_bytes = SEGMENT_BYTES, .read_only = true, .unlocked = true};
    struct ledger_report report;
    struct ledger_store *store = NULL;
    int error = ledger_store_open(&options, faulty_disk_of(disk), &report, &store);
    ledger_store_free(store);
    return error == 0 && report.seq_tail >= seq_min && report.cut_sectors == 0;
}

/* ---- what is in a backup ---- */

TEST(backup, beside_a_writer_ends_with_the_last_group_that_is_known_to_be_durable)
{
    struct scene s;
    struct backup_report report;
    begin(&s);
    append_group(&s, 4);
    append_group(&s, 3);
    struct backup_options options = {
        .from = all_on(s.source), .to = all_on(s.target), .seq_wanted = UINT64_MAX};
    assert_int_equal(backup_run(&options, &report), -ERR_STOPPED);
    assert_int_equal(report.seq_seen, 7);
    assert_int_equal(back_up(&s), 4);
    append_group(&s, 1);
    options.seq_wanted = 7;
    assert_int_equal(backup_run(&options, &report), 0);
    assert_int_equal(report.seq, 7);
    sign_head(&s); /* it is signed behind its sync */
    assert_int_equal(back_up(&s), 8);
    append_group(&s, 1);
    server_ends(&s); /* then the last group is what a start finds */
    assert_int_equal(back_up(&s), 9);
    end(&s);
}

TEST(backup, copies_full_segments_once)
{
    struct scene s;
    struct backup_report report;
    begin(&s);
    append_groups(&s, 20);
    assert_int_equal(back_up_to(&s, s.target, &report), 0);
    uint64_t first = report.segments_copied;
    assert_true(first > 5);
    assert_int_equal(report.segments_kept, 0);
    append_groups(&s, 4);
    assert_int_equal(back_up_to(&s, s.target, &report), 0);
    assert_true(report.segments_kept >= first - 1);
    assert_true(report.segments_copied <= 5);
    assert_true(faulty_disk_flip(s.target, "ledger-0000-0000000001.seg", 700, 1));
    struct backup_options options = {
        .from = all_on(s.source), .to = all_on(s.target), .recheck = true};
    assert_int_equal(backup_run(&options, &report), 0); /* found, and copied anew */
    char text[BACKUP_TEXT_BYTES];
    assert_int_equal(found_in(s.target, text), report.seq);
    end(&s);
}

TEST(backup, refuses_another_history_and_leaves_what_is_there)
{
    struct scene s, other;
    struct backup_report report;
    char text[BACKUP_TEXT_BYTES];
    begin(&s);
    append_groups(&s, 9);
    uint64_t seq = back_up(&s);
    begin(&other); /* the same id, other records: a fork */
    other.generation = 5;
    append_groups(&other, 12);
    assert_int_equal(back_up_to(&other, s.target, &report), -ERR_CONFIG);
    assert_non_null(strstr(report.text, "another history"));
    assert_int_equal(found_in(s.target, text), seq);
    end(&other);
    begin(&other); /* fewer records than the backup has */
    append_groups(&other, 3);
    assert_int_equal(back_up_to(&other, s.target, &report), -ERR_CONFIG);
    assert_non_null(strstr(report.text, "has lost records"));
    assert_int_equal(found_in(s.target, text), seq);
    assert_int_equal(back_up_to(&other, other.source, &report), -ERR_CONFIG);
    assert_non_null(strstr(report.text, "that of a server"));
    end(&other);
    end(&s);
}

TEST(backup, a_kept_head_that_is_not_of_these_records_is_told)
{
    struct scene s;
    struct backup_report report;
    begin(&s);
    append_groups(&s, 5);
    s.range.peaks[0].at[3] ^= 1; /* what is signed next is of other records */
    s.range.peaks[1].at[3] ^= 1;
    s.range.peaks[2].at[3] ^= 1;
    s.range.peaks[3].at[3] ^= 1;
    sign_head(&s);
    append_groups(&s, 2);
    assert_int_equal(back_up_to(&s, s.target, &report), -ERR_CORRUPT);
    assert_non_null(strstr(report.text, "L8"));
    end(&s);
}

/* Two directories of a log come together in a backup, and what a failover superseded is left out.
 */
TEST(backup, of_a_log_in_two_directories_is_one_log)
{
    struct scene s;
    struct backup_report report;
    struct faulty_disk *second = faulty_disk_new();
    begin(&s);
    server_ends(&s);
    struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES,
                                           .second = faulty_disk_of(second)};
    struct ledger_report opened;
    uint64_t epoch, seqs[3];
    struct backup_options to_copy = {
        .second = faulty_disk_of(second), .from = all_on(s.source), .to = all_on(s.target)};
    assert_int_equal(ledger_store_open(&options, faulty_disk_of(s.source), &opened, &s.store), 0);
    assert_int_equal(ledger_store_take_epoch(s.store, &epoch), 0);
    for (unsigned i = 0; i < 3; i++) {
        append_groups(&s, 8);
        assert_int_equal(backup_run(&to_copy, &report), 0);
        assert_true(i == 0 || report.segments_kept > 0);
        seqs[i] = report.seq;
        char text[BACKUP_TEXT_BYTES];
        assert_int_equal(found_in(s.target, text), seqs[i]);
        assert_true(is_a_log(s.target, seqs[i]));
        assert_int_equal(ledger_store_fail_over(s.store), 0);
        append_groups(&s, 1);
        ledger_store_free(s.store); /* a directory that was left is taken again at a start */
        assert_int_equal(ledger_store_open(&options, faulty_disk_of(s.source), &opened, &s.store),
                         0);
        assert_int_equal(ledger_store_take_epoch(s.store, &epoch), 0);
    }
    assert_true(seqs[0] < seqs[1] && seqs[1] < seqs[2]);
    for (uint64_t seq = seqs[0] - 2; seq <= seqs[2]; seq++) {
        struct faulty_disk *to = faulty_disk_new();
        (void)restore_to(&s, (struct restore_until){seq, INT64_MAX}, to);
        is_a_log_up_to(to, seq, 0);
        faulty_disk_free(to);
    }
    ledger_store_free(s.store);
    s.store = NULL;
    faulty_disk_free(second);
    end(&s);
}

/* ---- crashes ---- */

/* A first backup that was ended, and a second one that goes on with it: more groups, full segments
 * that were the newest, new heads, new odds. Returns the operations after the first. */
static size_t two_backups(struct scene *s, uint64_t ret_seqs[2])
{
    append_groups(s, 7);
    sign_head(s);
    offer_odds(s, 3);
    ret_seqs[0] = back_up(s);
    size_t ops = faulty_disk_ops_count(s->target);
    append_groups(s, 9);
    sign_head(s);
    offer_odds(s, 2);
    ret_seqs[1] = back_up(s);
    return ops;
}

/* Two backups, after which this was so. */
struct crash_case {
    uint64_t seqs[2];
    size_t first_ops;
};

/* What the disk holds after a crash: NULL when it is good. */
static const char *after_crash_wrong(struct scene *s, struct faulty_disk *after, size_t ops,
                                     const struct crash_case *c)
{
    char text[BACKUP_TEXT_BYTES];
    struct backup_report report;
    const char *wrong = NULL;
    int64_t found = found_in(after, text);
    bool any =
        found == -ERR_NOT_FOUND || found == (int64_t)c->seqs[0] || found == (int64_t)c->seqs[1];
    if (!any || (ops >= c->first_ops && found == -ERR_NOT_FOUND))
        wrong = "a backup that was ended is lost";
    if (wrong == NULL && ops >= c->first_ops && !is_a_log(after, c->seqs[0]))
        wrong = "an interrupted backup is no log";
    if (wrong == NULL && (back_up_to(s, after, &report) != 0 || report.seq != c->seqs[1]))
        wrong = "an interrupted backup cannot be continued";
    if (wrong == NULL && found_in(after, text) != (int64_t)c->seqs[1])
        wrong = "a continued backup is not good";
    return wrong;
}

static const char *search(int ignored, uint64_t seeds)
{
    struct scene s;
    struct crash_case c;
    const char *wrong = NULL;
    begin(&s);
    c.first_ops = two_backups(&s, c.seqs);
    size_t count = faulty_disk_ops_count(s.target);
    for (size_t ops = 0; ops <= count && wrong == NULL; ops++)
        for (uint64_t seed = 0; seed < seeds && wrong == NULL; seed++) {
            struct faulty_disk *after = faulty_disk_crash(s.target, ops, seed, ignored);
            wrong = after_crash_wrong(&s, after, ops, &c);
            faulty_disk_free(after);
        }
    end(&s);
    return wrong;
}

TEST(backup, a_crash_at_any_operation_leaves_the_one_before_and_can_be_continued)
{
    const char *wrong = search(FAULTY_DISK_NO_WHY, 4);
    if (wrong != NULL)
        fail_msg("%s", wrong);
}

TEST(backup, needs_every_one_of_its_syncs)
{
    assert_non_null(search(DISK_WHY_BACKUP, 4));
    assert_non_null(search(DISK_WHY_BACKUP_NAME, 4));
    assert_non_null(search(DISK_WHY_EPOCH, 4)); /* of the manifest */
}

TEST(backup, a_disk_that_fails_leaves_the_one_before_and_the_next_goes_on)
{
    for (unsigned nth = 1; nth < 40; nth++) {
        struct scene s;
        struct backup_report report;
        char text[BACKUP_TEXT_BYTES];
        begin(&s);
        append_groups(&s, 6);
        uint64_t before = back_up(&s);
        append_groups(&s, 14);
        faulty_disk_fail_write(s.target, nth);
        int error = back_up_to(&s, s.target, &report);
        assert_true(error == 0 || error == -ERR_IO);
        if (error < 0)
            assert_int_equal(found_in(s.target, text), before);
        faulty_disk_fail_write(s.target, 0);
        uint64_t after = back_up(&s);
        assert_int_equal(found_in(s.target, text), after);
        end(&s);
    }
}

/* ---- restoring ---- */

TEST(restore, ends_at_the_record_that_was_asked_for)
{
    struct scene s;
    begin(&s);
    append_groups(&s, 16);
    uint64_t signed_at = s.range.size;
    sign_head(&s);
    append_groups(&s, 4);
    offer_odds(&s, 3);
    server_ends(&s);
    uint64_t last = back_up(&s);
    for (uint64_t seq = 1; seq <= last; seq++) {
        struct faulty_disk *to = faulty_disk_new();
        struct restore_report report = restore_to(&s, (struct restore_until){seq, INT64_MAX}, to);
        assert_int_equal(report.seq, seq);
        assert_int_equal(report.heads, seq >= signed_at);
        assert_int_equal(report.heads_aside, seq < signed_at);
        is_a_log_up_to(to, seq, 0);
        uint32_t epoch = 0;
        assert_int_equal(odds_log_file_epoch(faulty_disk_of(to), &epoch), 0);
        assert_int_equal(epoch, 1 + RESTORE_ODDS_EPOCHS);
        faulty_disk_free(to);
    }
    struct backup_disks from = all_on(s.target);
    struct restore_report report;
    struct restore *restore = NULL;
    assert_int_equal(restore_new(&from, (struct restore_until){last + 1, 0}, &report, &restore),
                     -ERR_NOT_FOUND);
    end(&s);
}

TEST(restore, what_was_interrupted_is_no_log)
{
    struct scene s;
    begin(&s);
    append_groups(&s, 12);
    server_ends(&s);
    uint64_t seq = back_up(&s);
    struct faulty_disk *to = faulty_disk_new();
    (void)restore_to(&s, everything, to);
    size_t count = faulty_disk_ops_count(to);
    for (size_t ops = 0; ops <= count; ops++) {
        for (uint64_t seed = 0; seed < 4; seed++) {
            struct faulty_disk *after = faulty_disk_crash(to, ops, seed, FAULTY_DISK_NO_WHY);
            struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES,
                                                   .read_only = true};
            struct ledger_report report;
            struct ledger_store *store = NULL;
            int error = ledger_store_open(&options, faulty_disk_of(after), &report, &store);
            if (error == 0)
                assert_int_equal(report.seq_tail, seq);
            assert_true(error == 0 || error == -ERR_CORRUPT || error == -ERR_NOT_FOUND);
            assert_true(ops < count || error == 0);
            ledger_store_free(store);
            faulty_disk_free(after);
        }
    }
    faulty_disk_free(to);
    end(&s);
}

/* Every file that the manifest names, and the manifest. */
struct flipping {
    struct scene *s;
    unsigned flips;
};

static int flip_each(void *owner, const char *name)
{
    struct flipping *flipping = owner;
    struct faulty_disk *target = flipping->s->target;
    char text[BACKUP_TEXT_BYTES];
    uint64_t bytes = 0;
    (void)faulty_disk_content(target, name, &bytes);
    if (strstr(name, ".lock") != NULL || strncmp(name, "epoch", 5) == 0 ||
        strcmp(name, "odds-epoch") == 0) /* they are made from the manifest */
        return 0;
    if (strncmp(name, "ledger-", 7) == 0)
        bytes = bytes < 1400 ? bytes : 1400; /* zeros behind the newest group do not count */
    for (uint64_t at = 0; at < bytes; at += 97, flipping->flips++) {
        assert_true(faulty_disk_flip(target, name, at, (unsigned)(at % 8)));
        assert_int_equal(found_in(target, text), -ERR_CORRUPT);
        assert_non_null(strstr(text, name));
        if (strcmp(name, BACKUP_MANIFEST_NAME) != 0)
            assert_non_null(strstr(text, " at byte "));
        assert_true(faulty_disk_flip(target, name, at, (unsigned)(at % 8)));
    }
    return 0;
}

TEST(restore, refuses_what_is_damaged_with_file_and_byte)
{
    struct scene s;
    uint64_t seqs[2];
    begin(&s);
    (void)two_backups(&s, seqs);
    struct flipping flipping = {&s, 0};
    struct disk *disk = faulty_disk_of(s.target);
    char text[BACKUP_TEXT_BYTES];
    assert_int_equal(disk->ops->list(disk, flip_each, &flipping), 0);
    assert_true(flipping.flips > 100);
    assert_int_equal(found_in(s.target, text), seqs[1]);
    assert_true(faulty_disk_delete(s.target, "ledger-0000-0000000002.seg"));
    assert_int_equal(found_in(s.target, text), -ERR_CORRUPT);
    assert_string_equal(text, "ledger-0000-0000000002.seg at byte 0: the file is missing");
    end(&s);
}
