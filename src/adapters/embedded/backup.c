/* backup.c - contract in backup.h. The odds log's part is in backup_odds.c. */
#include "adapters/embedded/backup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "adapters/embedded/backup_internal.h"
#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/tree_heads.h"
#include "adapters/embedded/tree_links.h"
#include "base/assert.h"
#include "base/error.h"

#define LOCK_NAME "backup.lock"

int backup_refuse(struct backup *backup, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(backup->report->text, sizeof backup->report->text, format, arguments);
    va_end(arguments);
    return error;
}

/* ---- the place for it ---- */

static int note_ledger_file(void *owner, const char *name)
{
    bool *is_server = owner;
    size_t bytes = strlen(name);
    *is_server |=
        bytes > 12 && memcmp(name, "ledger-", 7) == 0 && strcmp(name + bytes - 5, ".lock") == 0;
    return 0;
}

/* Never onto a server's own folder: it has a lock file, a backup has none. */
static int check_target(struct backup *backup)
{
    struct disk *ledger = backup->options->to.folders[BACKUP_LEDGER];
    bool is_server = false;
    TRY(ledger->ops->list(ledger, note_ledger_file, &is_server));
    return is_server ? backup_refuse(backup, -ERR_CONFIG,
                                     "the folder to copy to is that of a server: a backup needs "
                                     "one of its own")
                     : 0;
}

static int load_before(struct backup *backup)
{
    const char *wrong = "";
    struct disk *root = backup->options->to.root;
    TRY(check_target(backup));
    int error = backup_manifest_load(root, backup->before, &wrong);
    backup->has_before = error == 0;
    if (error == -ERR_CORRUPT)
        return backup_refuse(backup, -ERR_CONFIG,
                             BACKUP_MANIFEST_NAME ": %s; without it the files that are there are "
                                                  "checked again and kept",
                             wrong);
    return error == -ERR_NOT_FOUND ? 0 : error;
}

/* ---- where the log ends ---- */

static int is_open_elsewhere(const struct backup *backup, bool *ret)
{
    struct disk *disk = backup->options->from.folders[BACKUP_LEDGER];
    char name[DISK_NAME_BYTES_MAX + 1];
    int file = -1;
    ledger_lock_name(backup->options->shard, name);
    int error = disk->ops->lock(disk, name, &file);
    *ret = error == -ERR_BUSY;
    if (error == 0 && file >= 0)
        disk->ops->close(disk, file); /* at once: a server may want to begin */
    return error == -ERR_BUSY ? 0 : error;
}

static int open_log(struct backup *backup)
{
    const struct ledger_store_options options = {.shard = backup->options->shard,
                                                 .second = backup->options->second,
                                                 .read_only = true,
                                                 .unlocked = true,
                                                 .newest_only = true};
    struct ledger_report found;
    bool open_before = false, open_after = false;
    TRY(is_open_elsewhere(backup, &open_before));
    int error = ledger_store_open(&options, backup->options->from.folders[BACKUP_LEDGER], &found,
                                  &backup->store);
    if (error < 0)
        return found.text[0] == '\0' ? error : backup_refuse(backup, error, "%s", found.text);
    TRY(is_open_elsewhere(backup, &open_after));
    backup->beside_writer = open_before || open_after;
    backup->view = ledger_store_view(backup->store);
    if (backup->view.end.seq == 0)
        return backup_refuse(backup, -ERR_NOT_FOUND, "the ledger has no record yet");
    return 0;
}

static struct backup_walk walk_of(struct backup *backup, uint64_t segment, uint64_t counted)
{
    return (struct backup_walk){.reader = backup->reader,
                                .memory = backup->memory,
                                .segment = segment,
                                .creation = backup->store->creation,
                                .shard = backup->options->shard,
                                .before = backup->view.segments[segment].before,
                                .counted = counted};
}

/* Leaves out the group that may be under way. */
static int leave_last_group(struct backup *backup)
{
    struct ledger_view *view = &backup->view;
    struct backup_walk walk = walk_of(backup, view->segments_count - 1, view->end_offset);
    TRY(ledger_view_open(view, walk.segment, backup->reader));
    TRY(backup_walk(&walk));
    view->end = walk.last;
    view->end_offset = walk.last_offset;
    return 0;
}

/* A newest segment without a group is left out: it comes with its first one. It was begun when all
 * groups before it were durable. */
static bool leave_empty_segment(struct ledger_view *view)
{
    struct ledger_place end;
    if (view->segments_count < 2 || view->end_offset > DISK_SECTOR)
        return false;
    view->end_offset = ledger_view_end(view, view->segments_count - 2, &end);
    view->segments_count--;
    return true;
}

static int find_end(struct backup *backup)
{
    struct ledger_view *view = &backup->view;
    bool covered = backup->heads.count > 0 && backup->heads.newest.root.size >= view->end.seq;
    backup->report->seq_seen = view->end.seq;
    bool durable = leave_empty_segment(view) || covered || !backup->beside_writer;
    if (!durable) {
        TRY(leave_last_group(backup));
        (void)leave_empty_segment(view);
    }
    if (!durable && view->end.seq < backup->options->seq_wanted)
        return -ERR_STOPPED;
    if (view->end.seq == 0)
        return backup_refuse(backup, -ERR_NOT_FOUND, "the ledger has no durable record yet");
    return 0;
}

/* The log must be the one that was backed up before, and go on from there. */
static int check_before(struct backup *backup)
{
    const struct backup_manifest *before = backup->before;
    if (!backup->has_before)
        return 0;
    if (before->creation != backup->store->creation || before->shard != backup->options->shard)
        return backup_refuse(backup, -ERR_CONFIG, "the folder holds the backup of another ledger");
    if (before->seq > backup->view.end.seq)
        return backup_refuse(backup, -ERR_CONFIG,
                             "the ledger ends at record %" PRIu64 ", its backup at %" PRIu64
                             ": the ledger has lost records; the backup is left as it is",
                             backup->view.end.seq, before->seq);
    backup_records_continue(&backup->records, before);
    return 0;
}

/* ---- the epoch file ---- */

/* The backup is a log by itself at every moment: its epoch file never names a record that it has
 * not, nor an epoch below one that it has. */
static int write_epoch(const struct backup *backup, uint64_t seq_tail)
{
    struct ledger_epoch_head head = {.shard = backup->options->shard,
                                     .creation = backup->store->creation,
                                     .epoch = backup->store->epoch,
                                     .seq_tail = seq_tail};
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_epoch_name(head.shard, name);
    ledger_epoch_head_seal(&head);
    return disk_replace(backup->options->to.folders[BACKUP_LEDGER], name, &head, sizeof head);
}

/* ---- segments ---- */

static int explain_walk(struct backup *backup, int error)
{
    if (error == -ERR_CORRUPT && backup->records.head_wrong != 0)
        return backup_refuse(backup, error,
                             "L8: the kept head of %" PRIu64
                             " records is not of these records: the ledger was rewritten",
                             backup->records.head_wrong);
    if (error == -ERR_CORRUPT)
        return backup_refuse(backup, error, "%s", backup->reader_text);
    return error;
}

/* The bytes that were copied before must be the first of what is there now. */
static int check_prefix(struct backup *backup, const struct backup_walk *walk,
                        const struct backup_file *old)
{
    if (old == NULL || memcmp(old->sha256, walk->prefix_sha256, sizeof old->sha256) == 0)
        return 0;
    return backup_refuse(backup, -ERR_CONFIG,
                         "%s: its first %" PRIu64
                         " bytes are not those that were copied before: this is another history; "
                         "the backup is left as it is",
                         old->name, old->counted);
}

static int add_segment(struct backup *backup, const char *name, const struct backup_walk *walk)
{
    struct backup_file file = {.folder = BACKUP_LEDGER,
                               .bytes = backup->view.segments[walk->segment].bytes,
                               .counted = walk->counted};
    (void)snprintf(file.name, sizeof file.name, "%s", name);
    memcpy(file.sha256, walk->sha256, sizeof file.sha256);
    return backup_manifest_add(backup->made, &file);
}

static int read_segment_head(struct disk *disk, const char *name, uint64_t *ret_bytes,
                             char ret_head[DISK_SECTOR])
{
    int file = -1;
    size_t got = 0;
    TRY(disk->ops->open(disk, name, false, &file));
    int error = disk->ops->size(disk, file, ret_bytes);
    if (error == 0)
        error = disk->ops->read(disk, (struct disk_piece){file, 0, ret_head, DISK_SECTOR}, &got);
    disk->ops->close(disk, file);
    if (error == 0 && got != DISK_SECTOR)
        memset(ret_head, 0, DISK_SECTOR);
    return error;
}

/* A full segment that the manifest has, and whose head, with the chain up to it, is the source's.
 */
static int keep_by_manifest(struct backup *backup, uint64_t segment, const char *name,
                            const struct backup_file *old, bool *ret_kept)
{
    struct disk *to = backup->options->to.folders[BACKUP_LEDGER];
    uint64_t bytes = backup->view.segments[segment].bytes, size = 0;
    char theirs[DISK_SECTOR], ours[DISK_SECTOR];
    struct ledger_place end;
    if (old == NULL || backup->options->recheck ||
        old->counted != ledger_view_end(&backup->view, segment, &end))
        return 0;
    int error = read_segment_head(to, name, &size, ours);
    if (error == -ERR_NOT_FOUND)
        return 0;
    TRY(error);
    TRY(ledger_view_open(&backup->view, segment, backup->reader));
    TRY(explain_walk(backup, ledger_reader_fill(backup->reader, 0, theirs, sizeof theirs)));
    if (size != bytes || memcmp(theirs, ours, sizeof ours) != 0)
        return 0;
    *ret_kept = true;
    return backup_manifest_add(backup->made, old);
}

/* A full segment that an interrupted backup left behind, or that is to be checked again. */
static int keep_by_walk(struct backup *backup, uint64_t segment, const char *name,
                        const struct backup_file *old, bool *ret_kept)
{
    const struct ledger_volumes there = {
        backup->options->shard, {backup->options->to.folders[BACKUP_LEDGER]}, NULL};
    uint64_t bytes = backup->view.segments[segment].bytes;
    struct backup_records records = backup->records;
    struct ledger_place end;
    struct backup_walk walk =
        walk_of(backup, segment, ledger_view_end(&backup->view, segment, &end));
    walk.records = &backup->records;
    walk.prefix = old == NULL ? 0 : old->counted;
    int error = ledger_reader_open(backup->reader, &there, segment, 0);
    if (error == 0 && ledger_reader_bytes(backup->reader) != bytes)
        error = -ERR_CORRUPT;
    if (error == 0)
        error = backup_walk(&walk);
    bool good = error == 0 && walk.end.seq == end.seq && walk.end.previous == end.previous;
    if (!good) { /* it is copied anew */
        backup->records = records;
        return error == -ERR_CORRUPT || error == 0 ? 0 : error;
    }
    TRY(check_prefix(backup, &walk, old));
    *ret_kept = true;
    return add_segment(backup, name, &walk);
}

static int finish_copy(const struct backup *backup, const struct backup_copy *copy)
{
    struct disk *to = copy->disk;
    (void)backup;
    if (copy->counted < copy->bytes)
        TRY(to->ops->truncate(to, copy->file, copy->bytes)); /* zeros, as in the source */
    return to->ops->sync(to, copy->file, DISK_WHY_BACKUP);
}

int backup_copy_begin(struct backup_copy *copy)
{
    int bytes = snprintf(copy->fresh, sizeof copy->fresh, "%s.new", copy->name);
    ASSERT(bytes > 0);
    ASSERT((size_t)bytes < sizeof copy->fresh);
    TRY(copy->disk->ops->open(copy->disk, copy->fresh, true, &copy->file));
    return copy->disk->ops->truncate(copy->disk, copy->file, 0);
}

int backup_copy_end(struct backup *backup, struct backup_copy *copy, int error)
{
    struct disk *to = copy->disk;
    if (copy->file < 0)
        return error;
    if (error == 0)
        error = finish_copy(backup, copy);
    to->ops->close(to, copy->file);
    if (error < 0) {
        (void)to->ops->unlink(to, copy->fresh); /* its space may be what is missing */
        return error;
    }
    TRY(to->ops->rename(to, copy->fresh, copy->name));
    TRY(to->ops->sync_directory(to, DISK_WHY_BACKUP_NAME));
    backup->report->bytes_copied += copy->counted;
    return 0;
}

static int copy_segment(struct backup *backup, uint64_t segment, const char *name,
                        const struct backup_file *old)
{
    struct ledger_place end;
    uint64_t counted = ledger_view_end(&backup->view, segment, &end);
    struct backup_copy copy = {.disk = backup->options->to.folders[BACKUP_LEDGER],
                               .name = name,
                               .file = -1,
                               .bytes = backup->view.segments[segment].bytes,
                               .counted = counted};
    struct backup_walk walk = walk_of(backup, segment, counted);
    walk.records = &backup->records;
    walk.prefix = old == NULL ? 0 : old->counted;
    walk.to = copy.disk;
    TRY(explain_walk(backup, ledger_view_open(&backup->view, segment, backup->reader)));
    int error = backup_copy_begin(&copy);
    walk.file = copy.file;
    if (error == 0)
        error = explain_walk(backup, backup_walk(&walk));
    if (error == 0 && (walk.end.seq != end.seq || walk.end.previous != end.previous))
        error = backup_refuse(backup, -ERR_CORRUPT, "%s: groups are missing at its end", name);
    if (error == 0)
        error = check_prefix(backup, &walk, old);
    TRY(backup_copy_end(backup, &copy, error));
    backup->report->segments_copied++;
    return add_segment(backup, name, &walk);
}

static int take_segment(struct backup *backup, uint64_t segment)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    bool kept = false;
    ledger_segment_name(backup->options->shard, segment, name);
    const struct backup_file *old =
        backup->has_before ? backup_manifest_find(backup->before, BACKUP_LEDGER, name) : NULL;
    if (segment + 1 < backup->view.segments_count) {
        TRY(keep_by_manifest(backup, segment, name, old, &kept));
        if (!kept)
            TRY(keep_by_walk(backup, segment, name, old, &kept));
    }
    backup->report->segments_kept += kept;
    return kept ? 0 : copy_segment(backup, segment, name, old);
}

static int take_segments(struct backup *backup)
{
    TRY(write_epoch(backup, backup->has_before ? backup->before->seq : 0));
    for (uint64_t segment = 0; segment < backup->view.segments_count; segment++)
        TRY(take_segment(backup, segment));
    ASSERT(backup->records.range.size == backup->view.end.seq);
    return write_epoch(backup, backup->view.end.seq);
}

/* ---- heads ---- */

static bool is_newer(const struct tree_head *head, const struct tree_heads *kept)
{
    return kept->count == 0 || head->time_us > kept->newest.time_us;
}

/* The first one that the backup has not; a power failure may have taken some from the source that
 * the backup has, so they are told apart by their times. */
static int first_new_head(struct backup *backup, const struct tree_heads *kept, uint64_t *ret)
{
    struct tree_head head;
    uint64_t at = backup->heads.count;
    for (; at > 0; at--) {
        int error = tree_heads_parse(&backup->heads, at - 1, &head);
        if (error == -ERR_CORRUPT)
            continue; /* a hole that a power failure left */
        TRY(error);
        if (!is_newer(&head, kept))
            break;
    }
    *ret = at;
    return 0;
}

/* Signed heads that stay true for ever: they are added to the file, which the manifest counts. */
static int append_heads(struct backup *backup, struct tree_heads *kept)
{
    struct disk *to = backup->options->to.folders[BACKUP_TREE];
    unsigned char bytes[TREE_HEAD_BYTES];
    struct tree_head head;
    for (uint64_t at = backup->heads_first; at < backup->heads.count; at++) {
        TRY(tree_heads_bytes(&backup->heads, at, bytes));
        if (tree_head_parse(bytes, &head) < 0)
            continue;
        if (head.root.size > backup->view.end.seq)
            break;
        TRY(to->ops->write(to, kept->file, kept->count * TREE_HEAD_BYTES, bytes, sizeof bytes));
        backup->report->bytes_copied += sizeof bytes;
        kept->newest = head;
        memcpy(kept->newest_bytes, bytes, sizeof bytes);
        kept->count++;
    }
    return to->ops->sync(to, kept->file, DISK_WHY_BACKUP);
}

static int add_heads(struct backup *backup, const struct tree_heads *kept)
{
    struct backup_file file = {.folder = BACKUP_TREE,
                               .bytes = kept->count * TREE_HEAD_BYTES,
                               .counted = kept->count * TREE_HEAD_BYTES};
    struct disk *to = backup->options->to.folders[BACKUP_TREE];
    tree_heads_name(backup->options->shard, file.name);
    TRY(to->ops->sync_directory(to, DISK_WHY_BACKUP_NAME));
    const struct backup_hashing hashing = {to, kept->file, file.counted, backup->memory};
    TRY(backup_hash_file(&hashing, file.sha256));
    TRY(backup_manifest_add(backup->made, &file));
    backup->report->heads = kept->count;
    if (kept->count == 0)
        return 0;
    backup->made->has_head = true;
    memcpy(backup->made->head, kept->newest_bytes, sizeof backup->made->head);
    return 0;
}

static int open_kept_heads(struct backup *backup, struct tree_heads *kept)
{
    struct disk *to = backup->options->to.folders[BACKUP_TREE];
    int error = tree_heads_open(kept, to, backup->options->shard, true);
    if (error < 0)
        tree_heads_close(kept);
    return error;
}

static int take_heads(struct backup *backup)
{
    struct tree_heads kept;
    TRY(open_kept_heads(backup, &kept));
    int error = append_heads(backup, &kept);
    if (error == 0)
        error = add_heads(backup, &kept);
    tree_heads_close(&kept);
    return error;
}

/* ---- links of the signing keys: before the heads that the new keys have signed ---- */

static int write_links(struct backup *backup, const struct tree_links *links, uint64_t bytes)
{
    struct backup_copy copy = {.disk = backup->options->to.folders[BACKUP_TREE],
                               .name = links->name,
                               .file = -1,
                               .bytes = bytes,
                               .counted = bytes};
    struct backup_file file = {.folder = BACKUP_TREE, .bytes = bytes, .counted = bytes};
    int error = backup_copy_begin(&copy);
    if (error == 0)
        error = copy.disk->ops->write(copy.disk, copy.file, 0, links->chain.bytes, bytes);
    TRY(backup_copy_end(backup, &copy, error));
    (void)snprintf(file.name, sizeof file.name, "%s", links->name);
    sha256_digest(backup->records.sha, slice_of(links->chain.bytes, bytes), file.sha256);
    return backup_manifest_add(backup->made, &file);
}

static int take_links(struct backup *backup)
{
    struct tree_links links;
    char text[TREE_LINKS_TEXT_BYTES] = "";
    struct disk *from = backup->options->from.folders[BACKUP_TREE];
    if (from == NULL)
        return 0;
    int error = tree_links_open(&links, from, backup->options->shard, backup->records.sha, text);
    uint64_t count = 0;
    while (error == 0 && count < links.chain.count &&
           links.chain.links[count].root.size <= backup->view.end.seq)
        count++;
    if (error == 0 && count > 0)
        error = write_links(backup, &links, count * TREE_LINK_BYTES);
    tree_links_close(&links);
    return text[0] == '\0' ? error : backup_refuse(backup, error, "%s", text);
}

/* What the records are compared with while they pass. */
static int find_heads(struct backup *backup)
{
    struct tree_heads kept;
    if (backup->options->from.folders[BACKUP_TREE] != NULL)
        TRY(tree_heads_open(&backup->heads, backup->options->from.folders[BACKUP_TREE],
                            backup->options->shard, false));
    TRY(open_kept_heads(backup, &kept));
    int error = first_new_head(backup, &kept, &backup->heads_first);
    tree_heads_close(&kept);
    return error;
}

/* Those of records that the manifest has are behind us; equal sizes may be signed twice. */
static int compare_heads_from(struct backup *backup)
{
    struct tree_head head;
    uint64_t at = backup->has_before ? backup->heads_first : 0;
    for (; at < backup->heads.count; at++) {
        int error = tree_heads_parse(&backup->heads, at, &head);
        if (error == 0 && head.root.size > backup->records.range.size)
            break;
        if (error < 0 && error != -ERR_CORRUPT)
            return error;
    }
    backup->records.heads = &backup->heads;
    backup->records.heads_next = at;
    return 0;
}

/* ---- the whole ---- */

static void fill_manifest(struct backup *backup)
{
    struct backup_manifest *made = backup->made;
    made->creation = backup->store->creation;
    memcpy(made->book_id, backup->records.book_id, sizeof made->book_id);
    made->shard = backup->options->shard;
    made->seq = backup->view.end.seq;
    made->time_us = backup->records.time_us;
    made->made_us = backup->options->now_us;
    made->epoch = backup->store->epoch;
    made->accounts = backup->records.accounts;
    made->range = backup->records.range;
}

static int run(struct backup *backup)
{
    TRY(load_before(backup));
    TRY(open_log(backup));
    TRY(find_heads(backup));
    TRY(explain_walk(backup, find_end(backup)));
    TRY(check_before(backup));
    TRY(compare_heads_from(backup));
    TRY(take_segments(backup));
    fill_manifest(backup);
    TRY(take_links(backup));
    TRY(take_heads(backup));
    TRY(backup_take_odds(backup));
    TRY(backup_manifest_store(backup->options->to.root, backup->made));
    return backup_drop_odds(backup); /* what the source does not keep any more */
}

static int open_parts(struct backup *backup)
{
    TRY(backup_manifest_new(&backup->before));
    TRY(backup_manifest_new(&backup->made));
    TRY(backup_memory_new(&backup->memory));
    TRY(backup_records_begin(&backup->records));
    return ledger_reader_new(backup->reader_text, &backup->reader);
}

static void close_parts(struct backup *backup)
{
    ledger_reader_free(backup->reader);
    backup_records_end(&backup->records);
    backup_memory_free(backup->memory);
    backup_manifest_free(backup->made);
    backup_manifest_free(backup->before);
    tree_heads_close(&backup->heads);
    ledger_store_free(backup->store);
}

static void fill_report(const struct backup *backup)
{
    struct backup_report *report = backup->report;
    report->seq = backup->made->seq;
    report->time_us = backup->made->time_us;
    merkle_range_root(&backup->made->range, backup->records.sha, &report->root);
}

int backup_run(const struct backup_options *options, struct backup_report *report)
{
    struct backup backup = {
        .options = options, .report = report, .heads = {.file = -1, .outside_file = -1}};
    struct disk *root = options->to.root;
    int lock = -1;
    *report = (struct backup_report){.seq = 0};
    TRY(root->ops->lock(root, LOCK_NAME, &lock));
    int error = open_parts(&backup);
    if (error == 0)
        error = run(&backup);
    if (error == 0)
        fill_report(&backup);
    close_parts(&backup);
    root->ops->close(root, lock);
    return error;
}
