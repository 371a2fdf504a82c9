/* ledger_check.c - contract in ledger_check.h. */
#include "adapters/embedded/ledger_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_scan.h"
#include "adapters/embedded/ledger_slip.h"
#include "base/assert.h"
#include "base/error.h"
#include "crypto/sha256.h"

struct ledger_check {
    struct ledger_view view;
    uint64_t segment;
    struct ledger_reader *reader;
    struct ledger_form form;
    struct ledger_scan scan;
    struct ledger_place end; /* of the log in it, */
    uint64_t end_offset;     /* and where that is */
    char chunk[LEDGER_CHECK_STEP_BYTES];
    char records[LEDGER_APPEND_BYTES_MAX];
};

int ledger_check_new(char *text, struct ledger_check **ret_check)
{
    struct ledger_check *check = calloc(1, sizeof *check);
    if (check == NULL)
        return -ERR_MEMORY;
    int result = ledger_reader_new(text, &check->reader);
    if (result < 0) {
        ledger_check_free(check);
        return result;
    }
    *ret_check = check;
    return 0;
}

void ledger_check_free(struct ledger_check *check)
{
    if (check == NULL)
        return;
    ledger_reader_free(check->reader);
    free(check);
}

struct ledger_form ledger_check_form(const struct ledger_check *check)
{
    return check->form;
}

static int check_head(struct ledger_check *check)
{
    struct ledger_segment_head head;
    TRY(ledger_reader_fill(check->reader, 0, &head, sizeof head));
    const struct ledger_place *before = &check->view.segments[check->segment].before;
    const char *wrong = ledger_segment_head_wrong(&head);
    if (wrong == NULL && (head.segment != check->segment || head.group_first != before->group + 1 ||
                          head.seq_first != before->seq + 1 || head.previous != before->previous))
        wrong = "segment head: is not what the log says it is";
    return wrong == NULL ? 0 : ledger_reader_corrupt(check->reader, 0, wrong);
}

int ledger_check_begin(struct ledger_check *check, const struct ledger_view *view, uint64_t segment)
{
    check->view = *view;
    check->segment = segment;
    TRY(ledger_view_open(&check->view, segment, check->reader));
    check->form = ledger_reader_form(check->reader);
    check->end_offset = ledger_view_end(&check->view, segment, &check->end);
    ledger_reader_forget(check->reader);
    ledger_scan_begin(&check->scan, &view->segments[segment].before, DISK_SECTOR);
    ledger_scan_into(&check->scan, check->records, sizeof check->records);
    int result = check_head(check);
    if (result < 0)
        ledger_reader_close(check->reader);
    return result;
}

static int check_end(struct ledger_check *check)
{
    const struct ledger_scan *scan = &check->scan;
    if (ledger_scan_end(&check->scan) == LEDGER_SCAN_DAMAGE)
        return ledger_reader_corrupt(check->reader, scan->offset, scan->problem);
    if (scan->extent > 0)
        return ledger_reader_corrupt(check->reader, scan->group_offset,
                                     "group: sectors are missing");
    if (scan->place.group != check->end.group || scan->place.seq != check->end.seq ||
        scan->place.previous != check->end.previous)
        return ledger_reader_corrupt(check->reader, scan->group_offset, "groups are missing");
    return 0;
}

static int check_chunk(struct ledger_check *check, size_t bytes)
{
    TRY(ledger_reader_fill(check->reader, check->scan.next, check->chunk, bytes));
    for (size_t at = 0; at < bytes; at += DISK_SECTOR) {
        const void *sector = check->chunk + at;
        if (ledger_scan_sector(&check->scan, sector) == LEDGER_SCAN_DAMAGE)
            return ledger_reader_corrupt(check->reader, check->scan.offset, check->scan.problem);
    }
    return 0;
}

int ledger_check_step(struct ledger_check *check, uint64_t *ret_bytes)
{
    ASSERT(ledger_reader_is_open(check->reader));
    uint64_t left = check->end_offset - check->scan.next;
    size_t bytes = left < sizeof check->chunk ? (size_t)left : sizeof check->chunk;
    *ret_bytes = bytes;
    int result = bytes > 0 ? check_chunk(check, bytes) : 0;
    if (result == 0 && check->scan.next < check->end_offset)
        return 1;
    if (result == 0)
        result = check_end(check);
    ledger_reader_forget(check->reader); /* the cache is for those who are waiting */
    ledger_reader_close(check->reader);
    return result;
}

/* --- The archive --- */

struct hashing {
    struct disk *disk; /* the archive */
    struct sha256 *sha;
    char *chunk; /* LEDGER_CHECK_STEP_BYTES */
    char *text;  /* borrowed */
};

static int hash_file(struct hashing *hashing, int file, unsigned char ret_sha[SHA256_BYTES])
{
    uint64_t offset = 0;
    size_t got = LEDGER_CHECK_STEP_BYTES;
    sha256_begin(hashing->sha);
    while (got == LEDGER_CHECK_STEP_BYTES) {
        struct disk_piece piece = {file, offset, hashing->chunk, LEDGER_CHECK_STEP_BYTES};
        TRY(hashing->disk->ops->read(hashing->disk, piece, &got));
        sha256_add(hashing->sha, slice_of(hashing->chunk, got));
        offset += got;
    }
    sha256_end(hashing->sha, ret_sha);
    return 0;
}

static int compare_file(struct hashing *hashing, const struct ledger_slip *slip)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    unsigned char sha[SHA256_BYTES];
    int file = -1;
    ledger_slip_file_name(slip, name);
    int result = hashing->disk == NULL
                     ? -ERR_NOT_FOUND
                     : hashing->disk->ops->open(hashing->disk, name, false, &file);
    if (result == -ERR_NOT_FOUND) {
        (void)snprintf(hashing->text, LEDGER_REPORT_TEXT_BYTES,
                       "%s is not in the archive: bring it back", name);
        return -ERR_ARCHIVED;
    }
    TRY(result);
    result = hash_file(hashing, file, sha);
    hashing->disk->ops->close(hashing->disk, file);
    TRY(result);
    if (memcmp(sha, slip->sha256, SHA256_BYTES) == 0)
        return 0;
    (void)snprintf(hashing->text, LEDGER_REPORT_TEXT_BYTES,
                   "%s in the archive: is not the file that was archived", name);
    return -ERR_CORRUPT;
}

/* 1: compared and alike; 0: it is not in the archive. */
static int compare_segment(struct hashing *hashing, const struct ledger_view *view,
                           uint64_t segment)
{
    struct ledger_slip slip;
    const char *wrong = NULL;
    uint64_t volume = view->segments[segment].volume;
    if (ledger_reader_is_here(view->volumes, segment, volume))
        return 0;
    int result = ledger_slip_read(view->volumes->disks[volume], view->volumes->shard, segment,
                                  &slip, &wrong);
    if (result == 0)
        result = compare_file(hashing, &slip);
    else if (result == -ERR_CORRUPT)
        (void)snprintf(hashing->text, LEDGER_REPORT_TEXT_BYTES, "%s", wrong);
    return result == 0 ? 1 : result;
}

static int hashing_new(struct hashing *hashing)
{
    hashing->chunk = malloc(LEDGER_CHECK_STEP_BYTES);
    return hashing->chunk == NULL ? -ERR_MEMORY : sha256_new(&hashing->sha);
}

int ledger_check_archive(const struct ledger_view *view, uint64_t *ret_files, char *ret_text)
{
    struct hashing hashing = {.disk = view->volumes->archive, .text = ret_text};
    uint64_t files = 0;
    ret_text[0] = '\0';
    int result = hashing_new(&hashing);
    for (uint64_t segment = 0; result >= 0 && segment < view->segments_count; segment++) {
        result = compare_segment(&hashing, view, segment);
        files += result == 1;
    }
    sha256_free(hashing.sha);
    free(hashing.chunk);
    *ret_files = files;
    return result < 0 ? result : 0;
}
