/* backup_odds.c - the odds log's part of a backup: contract in backup.h.
 *
 * Segments but the newest never change; of the newest stand as many whole records as can be read
 * now, and what the server still holds in memory comes with the next backup. The offers of the
 * last second may therefore be missing, as after a crash. The oldest segments go from the source
 * when it has too many; they go from the backup behind the manifest that does not name them. */
#include <stdio.h>
#include <string.h>

#include "adapters/embedded/backup_internal.h"
#include "adapters/embedded/odds_log_file.h"
#include "adapters/embedded/odds_segment.h"
#include "base/error.h"

struct range {
    uint64_t lowest, highest, count;
};

static int note_segment(void *owner, const char *name)
{
    struct range *range = owner;
    uint64_t segment = 0;
    if (!odds_segment_name_parse(name, &segment))
        return 0;
    if (range->count == 0 || segment < range->lowest)
        range->lowest = segment;
    if (range->count == 0 || segment > range->highest)
        range->highest = segment;
    range->count++;
    return 0;
}

static bool keep_by_manifest(const struct backup *backup, const char *name,
                             const struct backup_file **ret_old)
{
    struct disk *to = backup->options->to.folders[BACKUP_ODDS];
    uint64_t bytes = 0;
    int file = -1;
    const struct backup_file *old = *ret_old =
        backup->has_before ? backup_manifest_find(backup->before, BACKUP_ODDS, name) : NULL;
    if (old == NULL || backup->options->recheck || to->ops->open(to, name, false, &file) < 0)
        return false;
    int error = to->ops->size(to, file, &bytes);
    to->ops->close(to, file);
    return error == 0 && bytes == old->bytes;
}

/* Whole records from the begin on: *ret_end; all of a segment that is not the newest. */
static int find_end(struct backup *backup, int file, uint64_t segment, bool newest,
                    uint64_t *ret_end)
{
    struct disk *from = backup->options->from.folders[BACKUP_ODDS];
    struct odds_segment_head head;
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t bytes = 0;
    odds_segment_name(segment, name);
    TRY(from->ops->size(from, file, &bytes));
    int error = odds_segment_read_head(from, file, segment, &head);
    if (error == -ERR_NOT_FOUND && newest)
        return error; /* it is just being begun */
    if (error == 0) {
        const struct odds_segment_walk walk = {from, file, head.base, NULL, NULL};
        error = odds_segment_read(&walk, ret_end);
    }
    if (error == -ERR_CORRUPT || error == -ERR_NOT_FOUND)
        return backup_refuse(backup, -ERR_CORRUPT, "%s: a head or record is damaged", name);
    if (error == 0 && !newest && *ret_end != bytes)
        return backup_refuse(backup, -ERR_CORRUPT, "%s at byte %llu: a record is damaged", name,
                             (unsigned long long)*ret_end);
    return error;
}

static int add_segment(struct backup *backup, const char *name, uint64_t bytes,
                       const uint8_t sha256[SHA256_BYTES])
{
    struct backup_file made = {.folder = BACKUP_ODDS, .bytes = bytes, .counted = bytes};
    (void)snprintf(made.name, sizeof made.name, "%s", name);
    memcpy(made.sha256, sha256, sizeof made.sha256);
    return backup_manifest_add(backup->made, &made);
}

static int copy_open(struct backup *backup, int file, const char *name, uint64_t end)
{
    struct backup_copy copy = {.disk = backup->options->to.folders[BACKUP_ODDS],
                               .name = name,
                               .file = -1,
                               .bytes = end,
                               .counted = end};
    const struct backup_hashing hashing = {backup->options->from.folders[BACKUP_ODDS], file, end,
                                           backup->memory};
    uint8_t sha256[SHA256_BYTES];
    int error = backup_copy_begin(&copy);
    if (error == 0)
        error = backup_hash_copy(&hashing, &copy, sha256);
    TRY(backup_copy_end(backup, &copy, error));
    backup->report->odds_copied++;
    return add_segment(backup, name, end, sha256);
}

static int copy_segment(struct backup *backup, uint64_t segment, const char *name, bool newest)
{
    struct disk *from = backup->options->from.folders[BACKUP_ODDS];
    uint64_t end = 0;
    int file = -1;
    TRY(from->ops->open(from, name, false, &file));
    int error = find_end(backup, file, segment, newest, &end);
    if (error == 0)
        error = copy_open(backup, file, name, end);
    from->ops->close(from, file);
    return error;
}

/* -ERR_NOT_FOUND: it is gone, or not there yet. */
static int take_segment(struct backup *backup, uint64_t segment, bool newest)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    const struct backup_file *old = NULL;
    odds_segment_name(segment, name);
    if (!newest && keep_by_manifest(backup, name, &old)) {
        struct disk *from = backup->options->from.folders[BACKUP_ODDS];
        uint64_t bytes = 0;
        int file = -1;
        TRY(from->ops->open(from, name, false, &file));
        int error = from->ops->size(from, file, &bytes);
        from->ops->close(from, file);
        TRY(error);
        if (bytes == old->bytes) { /* it was whole when it was copied */
            backup->report->odds_kept++;
            return backup_manifest_add(backup->made, old);
        }
    }
    return copy_segment(backup, segment, name, newest);
}

/* A server takes its epoch before it gives out a version of it: read behind the segments, it is not
 * below any that they name. */
static int take_epoch(struct backup *backup)
{
    uint32_t epoch = 0;
    TRY(odds_log_file_epoch(backup->options->from.folders[BACKUP_ODDS], &epoch));
    backup->made->odds_epoch = epoch;
    return odds_log_file_put_epoch(backup->options->to.folders[BACKUP_ODDS], epoch);
}

int backup_take_odds(struct backup *backup)
{
    struct disk *from = backup->options->from.folders[BACKUP_ODDS];
    struct range range = {.count = 0};
    if (from == NULL)
        return 0;
    TRY(from->ops->list(from, note_segment, &range));
    for (uint64_t s = range.lowest; range.count > 0 && s <= range.highest; s++) {
        int error = take_segment(backup, s, s == range.highest);
        bool oldest = backup->report->odds_copied + backup->report->odds_kept == 0;
        if (error == -ERR_NOT_FOUND && (oldest || s == range.highest))
            continue;
        if (error == -ERR_NOT_FOUND)
            return backup_refuse(backup, -ERR_CORRUPT, "odds-%010llu.log: the file is missing",
                                 (unsigned long long)s);
        TRY(error);
    }
    return take_epoch(backup);
}

/* ---- what is not named any more ---- */

struct dropping {
    const struct backup *backup;
    struct disk *disk;
};

static int drop_unnamed(void *owner, const char *name)
{
    struct dropping *dropping = owner;
    uint64_t segment = 0;
    if (odds_segment_name_parse(name, &segment) &&
        backup_manifest_find(dropping->backup->made, BACKUP_ODDS, name) == NULL)
        return dropping->disk->ops->unlink(dropping->disk, name);
    return 0;
}

int backup_drop_odds(struct backup *backup)
{
    struct dropping dropping = {backup, backup->options->to.folders[BACKUP_ODDS]};
    return dropping.disk->ops->list(dropping.disk, drop_unnamed, &dropping);
}
