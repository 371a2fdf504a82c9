/* restore.c - contract in restore.h. */
#include "adapters/embedded/restore.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/backup_internal.h"
#include "adapters/embedded/odds_log_file.h"
#include "adapters/embedded/odds_segment.h"
#include "adapters/embedded/tree_links.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"

struct restore {
    struct backup_disks from;
    struct restore_report *report;
    struct backup_manifest *manifest; /* own, as all below */
    struct backup_memory *memory;
    struct backup_records records;
    struct ledger_reader *reader;
    char reader_text[LEDGER_REPORT_TEXT_BYTES];
    struct ledger_place *places; /* places[n]: before segment n */
    uint64_t segments;
    struct ledger_sector *sectors; /* of the group that is written anew */
    struct tree_heads heads;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct restore *restore, int error,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(restore->report->text, sizeof restore->report->text, format, arguments);
    va_end(arguments);
    return error;
}

static int load_manifest(struct restore *restore)
{
    const char *wrong = "";
    int error = backup_manifest_load(restore->from.root, restore->manifest, &wrong);
    if (error == -ERR_NOT_FOUND)
        return refuse(restore, error,
                      "there is no " BACKUP_MANIFEST_NAME
                      ": this is no backup, or its first one was not ended");
    if (error == -ERR_CORRUPT)
        return refuse(restore, error, BACKUP_MANIFEST_NAME ": %s", wrong);
    return error;
}

/* ---- checking the ledger ---- */

static int open_segment(struct restore *restore, uint64_t segment)
{
    const struct ledger_volumes there = {
        restore->manifest->shard, {restore->from.folders[BACKUP_LEDGER]}, NULL};
    return ledger_reader_open(restore->reader, &there, segment, 0);
}

static struct backup_walk walk_of(struct restore *restore, uint64_t segment, uint64_t counted)
{
    return (struct backup_walk){.reader = restore->reader,
                                .memory = restore->memory,
                                .segment = segment,
                                .creation = restore->manifest->creation,
                                .shard = restore->manifest->shard,
                                .before = restore->places[segment],
                                .counted = counted};
}

static int explain(struct restore *restore, int error)
{
    if (error == -ERR_CORRUPT && restore->records.head_wrong != 0)
        return refuse(restore, error,
                      "L8: the kept head of %" PRIu64 " records is not of these records",
                      restore->records.head_wrong);
    return error == -ERR_CORRUPT ? refuse(restore, error, "%s", restore->reader_text) : error;
}

/* They stand first in the manifest: file n is segment n. */
static int check_segment(struct restore *restore, size_t index)
{
    const struct backup_file *file = &restore->manifest->files[index];
    uint64_t segment = restore->segments;
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_segment_name(restore->manifest->shard, segment, name);
    if (segment == LEDGER_SEGMENTS_MAX || index != segment || strcmp(name, file->name) != 0)
        return refuse(restore, -ERR_CORRUPT, BACKUP_MANIFEST_NAME ": %s where %s was expected",
                      file->name, name);
    struct backup_walk walk = walk_of(restore, segment, file->counted);
    walk.records = &restore->records;
    int error = open_segment(restore, segment);
    if (error == 0)
        error = backup_walk(&walk);
    TRY(explain(restore, error));
    if (memcmp(walk.sha256, file->sha256, sizeof walk.sha256) != 0)
        return refuse(restore, -ERR_CORRUPT, "%s: its bytes are not those that were copied", name);
    restore->segments++;
    restore->places[restore->segments] = walk.end;
    return 0;
}

/* Compared with the records while they pass. */
static int open_heads(struct restore *restore)
{
    struct backup_manifest *manifest = restore->manifest;
    char name[DISK_NAME_BYTES_MAX + 1];
    tree_heads_name(manifest->shard, name);
    const struct backup_file *file = backup_manifest_find(manifest, BACKUP_TREE, name);
    if (file == NULL)
        return 0;
    TRY(tree_heads_open(&restore->heads, restore->from.folders[BACKUP_TREE], manifest->shard,
                        false));
    uint64_t counted = file->counted / TREE_HEAD_BYTES;
    if (restore->heads.count < counted)
        return refuse(restore, -ERR_CORRUPT, "%s at byte %" PRIu64 ": the file is truncated", name,
                      restore->heads.count * TREE_HEAD_BYTES);
    restore->heads.count = counted; /* those behind it came later */
    restore->records.heads = &restore->heads;
    return 0;
}

static int check_ledger(struct restore *restore)
{
    struct backup_manifest *manifest = restore->manifest;
    restore->places[0] = (struct ledger_place){.log = (uint32_t)manifest->creation};
    for (size_t i = 0; i < manifest->files_count; i++)
        if (manifest->files[i].folder == BACKUP_LEDGER)
            TRY(check_segment(restore, i));
    const struct backup_records *records = &restore->records;
    struct merkle_hash said, found;
    merkle_range_root(&manifest->range, restore->records.sha, &said);
    merkle_range_root(&records->range, restore->records.sha, &found);
    if (records->range.size != manifest->seq || !merkle_equal(&said, &found) ||
        records->accounts != manifest->accounts ||
        memcmp(records->book_id, manifest->book_id, sizeof records->book_id) != 0)
        return refuse(restore, -ERR_CORRUPT,
                      "the records are not those that " BACKUP_MANIFEST_NAME " names");
    return 0;
}

/* ---- checking the other files ---- */

/* The byte of the first bad record, where there is one. */
static int say_odds_damage(struct restore *restore, const struct backup_file *file, int handle)
{
    struct disk *disk = restore->from.folders[BACKUP_ODDS];
    struct odds_segment_head head;
    uint64_t segment = 0, end = 0;
    (void)odds_segment_name_parse(file->name, &segment);
    if (odds_segment_read_head(disk, handle, segment, &head) < 0)
        return refuse(restore, -ERR_CORRUPT, "%s at byte 0: its head is damaged", file->name);
    const struct odds_segment_walk walk = {disk, handle, head.base, NULL, NULL};
    if (odds_segment_read(&walk, &end) == 0 && end < file->counted)
        return refuse(restore, -ERR_CORRUPT, "%s at byte %" PRIu64 ": a record is damaged",
                      file->name, end);
    return refuse(restore, -ERR_CORRUPT, "%s: its bytes are not those that were copied",
                  file->name);
}

/* The byte of the first head that nobody signed. */
static int say_heads_damage(struct restore *restore, const struct backup_file *file)
{
    struct tree_head head;
    struct tree_heads *heads = &restore->heads;
    char name[DISK_NAME_BYTES_MAX + 1];
    tree_heads_name(restore->manifest->shard, name);
    for (uint64_t at = 0; at < heads->count && strcmp(name, file->name) == 0; at++)
        if (tree_heads_read(heads, at, &head) == -ERR_CORRUPT)
            return refuse(restore, -ERR_CORRUPT, "%s at byte %" PRIu64 ": a head is damaged",
                          file->name, at * TREE_HEAD_BYTES);
    return refuse(restore, -ERR_CORRUPT, "%s: its bytes are not those that were copied",
                  file->name);
}

static int check_file(struct restore *restore, const struct backup_file *file)
{
    struct disk *disk = restore->from.folders[file->folder];
    uint8_t sha256[SHA256_BYTES];
    int handle = -1;
    int error = disk->ops->open(disk, file->name, false, &handle);
    if (error == -ERR_NOT_FOUND)
        return refuse(restore, -ERR_CORRUPT, "%s at byte 0: the file is missing", file->name);
    TRY(error);
    const struct backup_hashing hashing = {disk, handle, file->counted, restore->memory};
    error = backup_hash_file(&hashing, sha256);
    bool wrong =
        error == -ERR_CORRUPT || (error == 0 && memcmp(sha256, file->sha256, sizeof sha256) != 0);
    if (wrong && file->folder == BACKUP_ODDS)
        error = say_odds_damage(restore, file, handle);
    else if (wrong)
        error = say_heads_damage(restore, file);
    disk->ops->close(disk, handle);
    return error;
}

static int check_files(struct restore *restore)
{
    for (size_t i = 0; i < restore->manifest->files_count; i++)
        if (restore->manifest->files[i].folder != BACKUP_LEDGER)
            TRY(check_file(restore, &restore->manifest->files[i]));
    return 0;
}

/* ---- where it will end ---- */

/* Reads the part up to there once more, for its root and its time. */
static int measure_cut(struct restore *restore)
{
    struct restore_report *report = restore->report;
    struct backup_records *records = &restore->records;
    struct sha256 *sha = records->sha;
    *records = (struct backup_records){.sha = sha, .until_us = INT64_MAX};
    records->seq_max = report->seq;
    for (uint64_t n = 0; n < restore->segments && restore->places[n].seq < report->seq; n++) {
        struct backup_walk walk = walk_of(restore, n, restore->manifest->files[n].counted);
        walk.records = records;
        int error = open_segment(restore, n);
        if (error == 0)
            error = backup_walk(&walk);
        TRY(explain(restore, error));
    }
    ASSERT(records->range.size == report->seq);
    return 0;
}

static int count_heads(struct restore *restore)
{
    struct tree_head head;
    uint64_t kept = restore->heads.count;
    for (; kept > 0; kept--) {
        TRY(tree_heads_parse(&restore->heads, kept - 1, &head));
        if (head.root.size <= restore->report->seq)
            break;
    }
    restore->report->heads = kept;
    restore->report->heads_aside = restore->heads.count - kept;
    if (restore->report->heads_aside > 0)
        (void)snprintf(restore->report->aside, sizeof restore->report->aside,
                       "heads-%04u-above-%" PRIu64, restore->manifest->shard, restore->report->seq);
    return 0;
}

static int find_cut(struct restore *restore, struct restore_until until)
{
    struct restore_report *report = restore->report;
    report->seq_backup = restore->manifest->seq;
    report->seq = until.seq != 0 ? until.seq : restore->records.seq_until;
    if (report->seq > report->seq_backup)
        return refuse(restore, -ERR_NOT_FOUND,
                      "record %" PRIu64 " is after the last in the backup, %" PRIu64, report->seq,
                      report->seq_backup);
    if (report->seq == 0)
        return refuse(restore, -ERR_NOT_FOUND, "the backup has no record up to that time");
    if (report->seq < report->seq_backup)
        TRY(measure_cut(restore));
    report->time_us = restore->records.time_us;
    report->accounts = restore->records.accounts;
    merkle_range_root(&restore->records.range, restore->records.sha, &report->root);
    return count_heads(restore);
}

/* ---- writing ---- */

static int write_begin(struct backup_copy *copy)
{
    TRY(copy->disk->ops->open(copy->disk, copy->name, true, &copy->file));
    return copy->disk->ops->truncate(copy->disk, copy->file, 0);
}

/* The names become durable together, before the epoch file does. */
static int write_end(struct restore *restore, const struct backup_copy *copy, int error)
{
    if (copy->file < 0)
        return error;
    if (error == 0 && copy->counted < copy->bytes)
        error = copy->disk->ops->truncate(copy->disk, copy->file, copy->bytes);
    if (error == 0)
        error = copy->disk->ops->sync(copy->disk, copy->file, DISK_WHY_BACKUP);
    copy->disk->ops->close(copy->disk, copy->file);
    restore->report->bytes += copy->counted;
    return error;
}

static int copy_file(struct restore *restore, const struct backup_file *file, struct disk *to)
{
    struct backup_copy copy = {
        .disk = to, .name = file->name, .file = -1, .bytes = file->bytes, .counted = file->counted};
    struct disk *from = restore->from.folders[file->folder];
    uint8_t sha256[SHA256_BYTES];
    int handle = -1;
    TRY(from->ops->open(from, file->name, false, &handle));
    const struct backup_hashing hashing = {from, handle, file->counted, restore->memory};
    int error = write_begin(&copy);
    if (error == 0)
        error = backup_hash_copy(&hashing, &copy, sha256);
    from->ops->close(from, handle);
    if (error == 0 && memcmp(sha256, file->sha256, sizeof sha256) != 0)
        error = refuse(restore, -ERR_CORRUPT, "%s: it changed while it was copied", file->name);
    return write_end(restore, &copy, error);
}

/* ---- the segment with the cut ---- */

static int copy_up_to(struct restore *restore, const struct backup_copy *copy, uint64_t end)
{
    char chunk[DISK_SECTOR * 16];
    for (uint64_t offset = 0; offset < end;) {
        size_t bytes = end - offset < sizeof chunk ? (size_t)(end - offset) : sizeof chunk;
        TRY(ledger_reader_fill(restore->reader, offset, chunk, bytes));
        TRY(copy->disk->ops->write(copy->disk, copy->file, offset, chunk, bytes));
        offset += bytes;
    }
    return 0;
}

/* The records of the group that was read last, as far as they stay, as a group of their own. */
static int write_cut_group(struct restore *restore, const struct backup_walk *walk,
                           struct backup_copy *copy)
{
    struct ledger_place place = walk->last;
    struct backup_group group = backup_walk_group(walk);
    struct ledger_append append = {.shard = walk->shard,
                                   .epoch = group.epoch,
                                   .expected_tail = place.seq,
                                   .records = group.records,
                                   .count = (uint32_t)(restore->report->seq - place.seq)};
    for (uint32_t i = 0; i < append.count; i++) {
        uint32_t bytes;
        memcpy(&bytes, group.records + append.bytes, sizeof bytes);
        append.bytes += bytes;
    }
    ledger_group_fill(restore->sectors, &append, &place);
    size_t bytes = ledger_group_sectors(append.bytes) * DISK_SECTOR;
    copy->counted = walk->last_offset + bytes;
    return copy->disk->ops->write(copy->disk, copy->file, walk->last_offset, restore->sectors,
                                  bytes);
}

static int write_cut_segment(struct restore *restore, uint64_t segment,
                             const struct backup_file *file, struct disk *to)
{
    struct backup_copy copy = {.disk = to, .name = file->name, .file = -1, .bytes = file->bytes};
    struct backup_walk walk = walk_of(restore, segment, file->counted);
    walk.stop_seq = restore->report->seq;
    int error = open_segment(restore, segment);
    if (error == 0)
        error = backup_walk(&walk);
    ASSERT(error != 0);
    if (error != -ERR_STOPPED)
        return explain(restore, error);
    error = write_begin(&copy);
    if (error == 0)
        error = explain(restore, copy_up_to(restore, &copy, walk.last_offset));
    if (error == 0)
        error = write_cut_group(restore, &walk, &copy);
    return write_end(restore, &copy, error);
}

static int write_segments(struct restore *restore, struct disk *to)
{
    for (uint64_t n = 0; n < restore->segments && restore->places[n].seq < restore->report->seq;
         n++) {
        const struct backup_file *file = &restore->manifest->files[n];
        if (restore->places[n + 1].seq <= restore->report->seq)
            TRY(copy_file(restore, file, to));
        else
            TRY(write_cut_segment(restore, n, file, to));
    }
    return to->ops->sync_directory(to, DISK_WHY_BACKUP_NAME);
}

/* ---- heads, odds, epochs ---- */

static int write_heads(struct restore *restore, struct disk *to, const char *name, uint64_t first,
                       uint64_t end)
{
    struct backup_copy copy = {.disk = to, .name = name, .file = -1};
    unsigned char bytes[TREE_HEAD_BYTES];
    int error = write_begin(&copy);
    for (uint64_t at = first; at < end && error == 0; at++) {
        error = tree_heads_bytes(&restore->heads, at, bytes);
        if (error == 0)
            error =
                to->ops->write(to, copy.file, (at - first) * TREE_HEAD_BYTES, bytes, sizeof bytes);
    }
    copy.counted = copy.bytes = (end - first) * TREE_HEAD_BYTES;
    return write_end(restore, &copy, error);
}

/* Keys that took over behind the cut have not taken over here. */
static int write_links(struct restore *restore, struct disk *to)
{
    struct tree_links links;
    char text[TREE_LINKS_TEXT_BYTES] = "";
    uint64_t count = 0;
    int error = tree_links_open(&links, restore->from.folders[BACKUP_TREE],
                                restore->manifest->shard, restore->records.sha, text);
    while (error == 0 && count < links.chain.count &&
           links.chain.links[count].root.size <= restore->report->seq)
        count++;
    struct backup_copy copy = {.disk = to, .name = links.name, .file = -1};
    copy.counted = copy.bytes = count * TREE_LINK_BYTES;
    if (error == 0 && count > 0) {
        error = write_begin(&copy);
        if (error == 0)
            error = to->ops->write(to, copy.file, 0, links.chain.bytes, copy.bytes);
        error = write_end(restore, &copy, error);
    }
    tree_links_close(&links);
    return text[0] == '\0' ? error : refuse(restore, error, "%s", text);
}

static int write_tree(struct restore *restore, struct disk *to)
{
    const struct restore_report *report = restore->report;
    char name[DISK_NAME_BYTES_MAX + 1];
    tree_heads_name(restore->manifest->shard, name);
    if (restore->from.folders[BACKUP_TREE] != NULL)
        TRY(write_links(restore, to));
    TRY(write_heads(restore, to, name, 0, report->heads));
    if (report->heads_aside > 0)
        TRY(write_heads(restore, to, report->aside, report->heads, restore->heads.count));
    return to->ops->sync_directory(to, DISK_WHY_BACKUP_NAME);
}

static int write_odds(struct restore *restore, struct disk *to)
{
    uint32_t epoch = restore->manifest->odds_epoch;
    if (epoch > ODDS_EPOCH_MAX - RESTORE_ODDS_EPOCHS)
        return refuse(restore, -ERR_LIMIT, "the odds epochs are used up");
    for (size_t i = 0; i < restore->manifest->files_count; i++)
        if (restore->manifest->files[i].folder == BACKUP_ODDS)
            TRY(copy_file(restore, &restore->manifest->files[i], to));
    TRY(to->ops->sync_directory(to, DISK_WHY_BACKUP_NAME));
    return odds_log_file_put_epoch(to, epoch + RESTORE_ODDS_EPOCHS);
}

static int write_epoch(struct restore *restore, struct disk *to)
{
    struct ledger_epoch_head head = {.shard = restore->manifest->shard,
                                     .creation = restore->manifest->creation,
                                     .epoch = restore->manifest->epoch,
                                     .seq_tail = restore->report->seq};
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_epoch_name(head.shard, name);
    ledger_epoch_head_seal(&head);
    return disk_replace(to, name, &head, sizeof head);
}

int restore_write(struct restore *restore, const struct backup_disks *to)
{
    TRY(write_segments(restore, to->folders[BACKUP_LEDGER]));
    TRY(write_tree(restore, to->folders[BACKUP_TREE]));
    TRY(write_odds(restore, to->folders[BACKUP_ODDS]));
    return write_epoch(restore, to->folders[BACKUP_LEDGER]);
}

/* ---- the whole ---- */

static int restore_parts_new(struct restore *restore)
{
    restore->sectors = malloc(LEDGER_GROUP_SECTORS_MAX * DISK_SECTOR);
    restore->places = reserve_new((size_t)LEDGER_SEGMENTS_MAX + 1, sizeof *restore->places);
    if (restore->sectors == NULL || restore->places == NULL)
        return -ERR_MEMORY;
    TRY(backup_manifest_new(&restore->manifest));
    TRY(backup_memory_new(&restore->memory));
    TRY(backup_records_begin(&restore->records));
    return ledger_reader_new(restore->reader_text, &restore->reader);
}

static int check(struct restore *restore, struct restore_until until)
{
    TRY(restore_parts_new(restore));
    restore->records.until_us = until.time_us;
    TRY(load_manifest(restore));
    TRY(open_heads(restore));
    TRY(check_files(restore)); /* the records are then compared with heads that are good */
    TRY(check_ledger(restore));
    return find_cut(restore, until);
}

int restore_new(const struct backup_disks *from, struct restore_until until,
                struct restore_report *report, struct restore **ret_restore)
{
    struct restore *restore = calloc(1, sizeof *restore);
    *report = (struct restore_report){.seq = 0};
    if (restore == NULL)
        return -ERR_MEMORY;
    restore->from = *from;
    restore->report = report;
    restore->heads = (struct tree_heads){.file = -1, .outside_file = -1};
    int error = check(restore, until);
    if (error < 0) {
        restore_free(restore);
        return error;
    }
    *ret_restore = restore;
    return 0;
}

void restore_free(struct restore *restore)
{
    if (restore == NULL)
        return;
    tree_heads_close(&restore->heads);
    ledger_reader_free(restore->reader);
    backup_records_end(&restore->records);
    backup_memory_free(restore->memory);
    backup_manifest_free(restore->manifest);
    reserve_free(restore->places, (size_t)LEDGER_SEGMENTS_MAX + 1, sizeof *restore->places);
    free(restore->sectors);
    free(restore);
}
