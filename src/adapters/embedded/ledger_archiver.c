/* ledger_archiver.c - contract in ledger_archiver.h.
 *
 * Order, each step durable before the next begins: content in the archive | its name | the slip |
 * its name | the file here goes. L2: at every moment some whole file, and what says where it is,
 * hold the segment's acknowledged groups. */
#include "adapters/embedded/ledger_archiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_check.h"
#include "adapters/embedded/ledger_slip.h"
#include "adapters/embedded/snapshot_file.h"
#include "base/error.h"
#include "crypto/sha256.h"

#define COPY_BYTES       (1u << 20)
#define SYNC_BYTES       (UINT64_C(4) << 20) /* written between two syncs */
#define FIRST_TO_ARCHIVE 1

enum archiver_state {
    STATE_SEEK = 0,  /* the oldest segment that is here */
    STATE_CHECK,     /* it is what it should be */
    STATE_COPY,      /* into the archive, with ".new" */
    STATE_READ_BACK, /* the copy */
    STATE_AGAIN,     /* the copy of a segment that was archived before and is here still */
};

struct ledger_archiver {
    struct ledger_cursor_log log;
    struct ledger_archiver_options options;
    struct ledger_archiver_stats stats;
    struct ledger_view view;
    enum archiver_state state;
    uint64_t next; /* segments below it are in the archive, and not here */

    /* The segment under way. */
    struct disk *disk; /* where it is now */
    int from, to;      /* its file, the copy; -1: closed */
    uint64_t offset, synced;
    struct ledger_slip slip;
    unsigned char sha_read[SHA256_BYTES];

    struct ledger_check *check;
    struct sha256 *sha;
    char text[LEDGER_REPORT_TEXT_BYTES];
    char piece[COPY_BYTES];
};

static uint32_t shard_of(const struct ledger_archiver *archiver)
{
    return archiver->view.volumes->shard;
}

static void fresh_name(const struct ledger_archiver *archiver, char *ret_name)
{
    ledger_slip_file_name(&archiver->slip, ret_name);
    size_t bytes = strlen(ret_name);
    (void)snprintf(ret_name + bytes, DISK_NAME_BYTES_MAX + 1 - bytes, ".new");
}

static void close_files(struct ledger_archiver *archiver)
{
    if (archiver->from >= 0)
        archiver->disk->ops->close(archiver->disk, archiver->from);
    if (archiver->to >= 0)
        archiver->options.archive->ops->close(archiver->options.archive, archiver->to);
    archiver->from = archiver->to = -1;
}

static int corrupt(struct ledger_archiver *archiver, const char *problem)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_slip_file_name(&archiver->slip, name);
    (void)snprintf(archiver->text, sizeof archiver->text, "%s in the archive: %s", name, problem);
    return -ERR_CORRUPT;
}

/* --- Finding it --- */

/* The last record that every snapshot which is kept covers; 0: there is none. */
static int covered(struct ledger_archiver *archiver, uint64_t *ret_seq)
{
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    size_t count = 0;
    TRY(snapshot_file_list(archiver->options.snapshots, shard_of(archiver), names, &count));
    *ret_seq = count == 0 ? 0 : names[0].seq;
    return 0;
}

static bool open_form(struct ledger_archiver *archiver, enum ledger_slip_form form, int *ret_result)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    archiver->slip =
        (struct ledger_slip){.shard = shard_of(archiver), .segment = archiver->next, .form = form};
    ledger_slip_file_name(&archiver->slip, name);
    *ret_result = archiver->disk->ops->open(archiver->disk, name, false, &archiver->from);
    return *ret_result != -ERR_NOT_FOUND;
}

/* It was moved before, and is here still, after a crash or because somebody brought it back: it
 * goes when the archive is seen to have it. */
static int begin_again(struct ledger_archiver *archiver)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    close_files(archiver);
    ledger_slip_file_name(&archiver->slip, name);
    struct disk *archive = archiver->options.archive;
    int result = archive->ops->open(archive, name, false, &archiver->to);
    if (result == -ERR_NOT_FOUND)
        return corrupt(archiver, "the file is missing, and stays here therefore");
    TRY(result);
    archive->ops->forget(archive, archiver->to);
    archiver->offset = 0;
    sha256_begin(archiver->sha);
    archiver->state = STATE_AGAIN;
    return 1;
}

static int begin_check(struct ledger_archiver *archiver)
{
    uint64_t seq = 0;
    uint64_t wanted = archiver->view.segments[archiver->next + 1].before.seq;
    close_files(archiver);
    TRY(covered(archiver, &seq));
    if (seq < wanted)
        return 0;
    TRY(ledger_check_begin(archiver->check, &archiver->view, archiver->next));
    archiver->state = STATE_CHECK;
    return 1;
}

/* Written by a hung writer, or failing: what is plain in the directory that was left never gets
 * packed, and is moved as it is. */
static bool waits_for_packer(const struct ledger_archiver *archiver)
{
    const struct ledger_segment *segments = archiver->view.segments;
    return archiver->options.packs &&
           segments[archiver->next].volume == segments[archiver->view.segments_count - 1].volume;
}

static int seek(struct ledger_archiver *archiver)
{
    struct ledger_slip old;
    const char *wrong = NULL;
    int result = 0;
    archiver->view = archiver->log.view(archiver->log.owner);
    uint64_t sealed = archiver->view.segments_count > 0 ? archiver->view.segments_count - 1 : 0;
    if (sealed <= archiver->options.keep || archiver->next >= sealed - archiver->options.keep)
        return 0;
    archiver->disk = archiver->view.volumes->disks[archiver->view.segments[archiver->next].volume];
    bool is_plain = open_form(archiver, LEDGER_SLIP_PLAIN, &result);
    bool is_here = is_plain || open_form(archiver, LEDGER_SLIP_PACKED, &result);
    if (is_here)
        TRY(result);
    int slip = ledger_slip_read(archiver->disk, shard_of(archiver), archiver->next, &old, &wrong);
    if (slip == 0 && !is_here) {
        archiver->next++;
        return 1;
    }
    if (slip == 0) {
        archiver->slip = old;
        return begin_again(archiver);
    }
    if (slip == -ERR_CORRUPT)
        return corrupt(archiver, wrong);
    if (slip != -ERR_NOT_FOUND)
        return slip;
    if (!is_here)
        return corrupt(archiver, "it is nowhere");
    if (is_plain && waits_for_packer(archiver)) {
        close_files(archiver);
        return 0;
    }
    return begin_check(archiver);
}

/* --- Copying it --- */

static int begin_copy(struct ledger_archiver *archiver)
{
    struct disk *archive = archiver->options.archive;
    struct ledger_form form = ledger_check_form(archiver->check);
    char name[DISK_NAME_BYTES_MAX + 1];
    int result = 0;
    (void)open_form(archiver, form.is_packed ? LEDGER_SLIP_PACKED : LEDGER_SLIP_PLAIN, &result);
    TRY(result);
    archiver->slip.file_bytes = form.file_bytes;
    fresh_name(archiver, name);
    TRY(archive->ops->open(archive, name, true, &archiver->to));
    TRY(archive->ops->truncate(archive, archiver->to, 0));
    archiver->offset = 0;
    archiver->synced = 0;
    sha256_begin(archiver->sha);
    archiver->state = STATE_COPY;
    return 1;
}

static int check(struct ledger_archiver *archiver)
{
    uint64_t bytes = 0;
    int result = ledger_check_step(archiver->check, &bytes);
    return result == 0 ? begin_copy(archiver) : result;
}

static int take_head(struct ledger_archiver *archiver)
{
    struct ledger_reader *reader = NULL;
    TRY(ledger_reader_new(archiver->text, &reader));
    int result = ledger_view_open(&archiver->view, archiver->next, reader);
    if (result == 0)
        result = ledger_reader_fill(reader, 0, &archiver->slip.head, sizeof archiver->slip.head);
    ledger_reader_free(reader);
    archiver->slip.creation = archiver->slip.head.creation;
    return result;
}

static int begin_read_back(struct ledger_archiver *archiver)
{
    struct disk *archive = archiver->options.archive;
    TRY(archive->ops->sync(archive, archiver->to, DISK_WHY_ARCHIVED));
    archive->ops->forget(archive, archiver->to);
    sha256_end(archiver->sha, archiver->slip.sha256);
    sha256_begin(archiver->sha);
    archiver->offset = 0;
    archiver->state = STATE_READ_BACK;
    return 1;
}

static int copy(struct ledger_archiver *archiver)
{
    struct disk *archive = archiver->options.archive;
    size_t got = 0;
    struct disk_piece piece = {archiver->from, archiver->offset, archiver->piece,
                               sizeof archiver->piece};
    TRY(archiver->disk->ops->read(archiver->disk, piece, &got));
    if (got > 0)
        TRY(archive->ops->write(archive, archiver->to, archiver->offset, archiver->piece, got));
    sha256_add(archiver->sha, slice_of(archiver->piece, got));
    archiver->offset += got;
    if (got < sizeof archiver->piece) {
        if (archiver->offset != archiver->slip.file_bytes)
            return -ERR_IO; /* the file changed under our hands */
        return begin_read_back(archiver);
    }
    if (archiver->offset - archiver->synced < SYNC_BYTES)
        return 1;
    archiver->synced = archiver->offset;
    TRY(archive->ops->sync(archive, archiver->to, DISK_WHY_ARCHIVED));
    return 1;
}

/* --- The copy is there --- */

/* 1: more; 0: at its end, sha_read is of all of it. */
static int read_copy(struct ledger_archiver *archiver)
{
    struct disk *archive = archiver->options.archive;
    size_t got = 0;
    struct disk_piece piece = {archiver->to, archiver->offset, archiver->piece,
                               sizeof archiver->piece};
    TRY(archive->ops->read(archive, piece, &got));
    sha256_add(archiver->sha, slice_of(archiver->piece, got));
    archiver->offset += got;
    if (got == sizeof archiver->piece)
        return 1;
    sha256_end(archiver->sha, archiver->sha_read);
    return 0;
}

static bool is_same(const struct ledger_archiver *archiver)
{
    return archiver->offset == archiver->slip.file_bytes &&
           memcmp(archiver->sha_read, archiver->slip.sha256, SHA256_BYTES) == 0;
}

static int remove_here(struct ledger_archiver *archiver)
{
    char plain[DISK_NAME_BYTES_MAX + 1], packed[DISK_NAME_BYTES_MAX + 1];
    close_files(archiver);
    ledger_segment_name(shard_of(archiver), archiver->next, plain);
    ledger_packed_name(shard_of(archiver), archiver->next, packed);
    int result = archiver->disk->ops->unlink(archiver->disk, plain);
    if (result < 0 && result != -ERR_NOT_FOUND)
        return result;
    result = archiver->disk->ops->unlink(archiver->disk, packed);
    if (result < 0 && result != -ERR_NOT_FOUND)
        return result;
    archiver->next++;
    archiver->stats.damaged = 0;
    archiver->state = STATE_SEEK;
    return 1;
}

/* Another log's file of this name is not ours to replace. */
static int check_name_free(struct ledger_archiver *archiver, const char *name)
{
    struct disk *archive = archiver->options.archive;
    struct ledger_segment_head head;
    size_t got = 0;
    int file = -1;
    int result = archive->ops->open(archive, name, false, &file);
    if (result == -ERR_NOT_FOUND)
        return 0;
    TRY(result);
    result = archive->ops->read(archive, (struct disk_piece){file, 0, &head, sizeof head}, &got);
    archive->ops->close(archive, file);
    TRY(result);
    uint64_t creation = head.creation; /* a plain head; a packed one has it before */
    if (archiver->slip.form == LEDGER_SLIP_PACKED)
        memcpy(&creation, (const char *)&head + 24, sizeof creation);
    if (got == sizeof head && creation == archiver->slip.creation)
        return 0; /* what a crash left between its name and the slip */
    return corrupt(archiver, "there is a file of another log");
}

/* It has its name there; the slip takes its place here. */
static int change_places(struct ledger_archiver *archiver)
{
    struct disk *archive = archiver->options.archive;
    char slip[DISK_NAME_BYTES_MAX + 1];
    ledger_slip_name(shard_of(archiver), archiver->next, slip);
    TRY(archive->ops->sync_directory(archive, DISK_WHY_ARCHIVED_NAME));
    ledger_slip_seal(&archiver->slip);
    TRY(disk_replace_for(archiver->disk, slip, &archiver->slip, sizeof archiver->slip,
                         (struct disk_reasons){DISK_WHY_SLIP, DISK_WHY_SLIP_NAME}));
    return remove_here(archiver);
}

static int finish(struct ledger_archiver *archiver)
{
    struct disk *archive = archiver->options.archive;
    char fresh[DISK_NAME_BYTES_MAX + 1], name[DISK_NAME_BYTES_MAX + 1];
    TRY(take_head(archiver));
    fresh_name(archiver, fresh);
    ledger_slip_file_name(&archiver->slip, name);
    TRY(check_name_free(archiver, name));
    TRY(archive->ops->rename(archive, fresh, name));
    TRY(change_places(archiver));
    archiver->stats.segments++;
    archiver->stats.bytes += archiver->slip.file_bytes;
    return 1;
}

static int read_back(struct ledger_archiver *archiver)
{
    int result = read_copy(archiver);
    if (result != 0)
        return result;
    return is_same(archiver) ? finish(archiver) : -ERR_IO;
}

static int read_again(struct ledger_archiver *archiver)
{
    int result = read_copy(archiver);
    if (result != 0)
        return result;
    if (is_same(archiver)) {
        /* Whoever wrote this may have died, or its sync may have failed, before it was durable. */
        struct disk *archive = archiver->options.archive;
        TRY(archive->ops->sync(archive, archiver->to, DISK_WHY_ARCHIVED));
        return change_places(archiver);
    }
    return corrupt(archiver, "is not what was archived, and stays here therefore");
}

/* --- The step --- */

static void abandon(struct ledger_archiver *archiver, int error)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    bool begun = archiver->state == STATE_COPY || archiver->state == STATE_READ_BACK;
    close_files(archiver);
    fresh_name(archiver, name);
    if (begun)
        (void)archiver->options.archive->ops->unlink(archiver->options.archive, name);
    archiver->state = STATE_SEEK;
    archiver->stats.errors++;
    archiver->stats.damaged = error == -ERR_CORRUPT;
}

int ledger_archiver_step(struct ledger_archiver *archiver)
{
    int result = 0;
    switch (archiver->state) {
    case STATE_SEEK:
        result = seek(archiver);
        break;
    case STATE_CHECK:
        result = check(archiver);
        break;
    case STATE_COPY:
        result = copy(archiver);
        break;
    case STATE_READ_BACK:
        result = read_back(archiver);
        break;
    case STATE_AGAIN:
        result = read_again(archiver);
        break;
    }
    if (result < 0)
        abandon(archiver, result);
    return result;
}

const char *ledger_archiver_problem(const struct ledger_archiver *archiver)
{
    return archiver->text;
}

struct ledger_archiver_stats ledger_archiver_stats(const struct ledger_archiver *archiver)
{
    return archiver->stats;
}

int ledger_archiver_new(const struct ledger_cursor_log *log,
                        const struct ledger_archiver_options *options,
                        struct ledger_archiver **ret_archiver)
{
    struct ledger_archiver *archiver = calloc(1, sizeof *archiver);
    if (archiver == NULL)
        return -ERR_MEMORY;
    archiver->log = *log;
    archiver->options = *options;
    archiver->from = archiver->to = -1;
    archiver->next = FIRST_TO_ARCHIVE;
    int result = ledger_check_new(archiver->text, &archiver->check);
    if (result == 0)
        result = sha256_new(&archiver->sha);
    if (result < 0) {
        ledger_archiver_free(archiver);
        return result;
    }
    *ret_archiver = archiver;
    return 0;
}

void ledger_archiver_free(struct ledger_archiver *archiver)
{
    if (archiver == NULL)
        return;
    close_files(archiver);
    ledger_check_free(archiver->check);
    sha256_free(archiver->sha);
    free(archiver);
}
