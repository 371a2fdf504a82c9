/* ledger_locate.c - contract in ledger_locate.h: scans the record's segment group by group, as a
 * replay does, and counts where the record's first byte is (docs/LEDGER.md, "Sector"). */
#include "cli/ledger/ledger_locate.h"

#include <string.h>

#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/ledger_scan.h"
#include "base/error.h"
#include "base/reserve.h"
#include "ledger/record.h"

#define SECTOR_HEAD_BYTES (DISK_SECTOR - LEDGER_PAYLOAD_BYTES)

struct search {
    struct ledger_scan scan;
    struct ledger_reader *reader; /* borrowed */
    uint64_t seq;
    uint64_t begin; /* of the group that is gathered */
    char *records;  /* owns */
};

/* The record's first byte in the file; its group was gathered. */
static int byte_of(const struct search *search, uint64_t *ret_byte)
{
    struct record_head head;
    for (size_t at = 0; at + sizeof head <= search->scan.gathered; at += head.bytes) {
        memcpy(&head, search->records + at, sizeof head);
        if (head.seq != search->seq)
            continue;
        size_t payload = sizeof(struct ledger_group_head) + at;
        *ret_byte = search->begin + payload / LEDGER_PAYLOAD_BYTES * DISK_SECTOR +
                    SECTOR_HEAD_BYTES + payload % LEDGER_PAYLOAD_BYTES;
        return 0;
    }
    return -ERR_NOT_FOUND;
}

static int search_segment(struct search *search, uint64_t end, uint64_t *ret_byte)
{
    struct ledger_sector sector;
    search->begin = search->scan.next;
    for (uint64_t offset = search->scan.next; offset < end; offset += DISK_SECTOR) {
        TRY(ledger_reader_fill(search->reader, offset, &sector, sizeof sector));
        switch (ledger_scan_sector(&search->scan, &sector)) {
        case LEDGER_SCAN_MORE:
            continue;
        case LEDGER_SCAN_DAMAGE:
            return -ERR_CORRUPT;
        case LEDGER_SCAN_GROUP:
            break;
        }
        if (search->scan.place.seq >= search->seq)
            return byte_of(search, ret_byte);
        search->begin = offset + DISK_SECTOR;
    }
    return -ERR_NOT_FOUND;
}

static int search_view(const struct ledger_view *view, uint64_t seq, struct ledger_reader *reader,
                       struct buf *ret_text)
{
    char where[LEDGER_WHERE_BYTES];
    struct ledger_place end;
    uint64_t byte = 0;
    if (seq == 0 || seq > view->end.seq)
        return -ERR_NOT_FOUND;
    uint64_t segment = ledger_view_segment(view, seq);
    struct search search = {.reader = reader, .seq = seq};
    TRY(ledger_view_open(view, segment, reader));
    search.records = reserve_new(LEDGER_APPEND_BYTES_MAX, 1);
    ledger_scan_begin(&search.scan, &view->segments[segment].before, DISK_SECTOR);
    ledger_scan_into(&search.scan, search.records, LEDGER_APPEND_BYTES_MAX);
    int error = search.records == NULL
                    ? -ERR_MEMORY
                    : search_segment(&search, ledger_view_end(view, segment, &end), &byte);
    reserve_free(search.records, LEDGER_APPEND_BYTES_MAX, 1);
    ledger_reader_where(reader, byte, where);
    if (error == 0)
        buf_put_text(ret_text, where);
    return error;
}

int ledger_locate(const struct ledger_store_options *options, struct disk *disk, uint64_t seq,
                  struct buf *ret_text)
{
    struct ledger_report report;
    struct ledger_store *store = NULL;
    struct ledger_reader *reader = NULL;
    char text[LEDGER_REPORT_TEXT_BYTES];
    TRY(ledger_store_open(options, disk, &report, &store));
    struct ledger_view view = ledger_store_view(store);
    int error = ledger_reader_new(text, &reader);
    if (error == 0)
        error = search_view(&view, seq, reader, ret_text);
    ledger_reader_free(reader);
    ledger_store_free(store);
    return error;
}
