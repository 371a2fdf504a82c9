/* fuzz_ledger_file.c - edits to the files of a small log, then open: it opens or refuses with a
 * named place, and what opens replays densely and opens again the same.
 *
 * The input is edits of 6 bytes: file, sector, byte of it (2; the high bits make
 * the sector's checksum good again), value, kind. The log below is always the same. */
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/ledger_store.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "log_records.h"

#define SEGMENT_BYTES 4096
#define GROUPS        12

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes);

static const struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .creation = 77};
static struct faulty_disk *model;

static void make_model(void)
{
    struct ledger_store *store = NULL;
    struct ledger_report report;
    uint64_t epoch = 0;
    model = faulty_disk_new();
    ASSERT(ledger_store_open(&options, faulty_disk_of(model), &report, &store) == 0);
    ASSERT(ledger_store_take_epoch(store, &epoch) == 0);
    for (int i = 0; i < GROUPS; i++) {
        char records[1024];
        struct ledger_append append = {
            .epoch = epoch, .expected_tail = store->place.seq, .records = records, .count = 2};
        append.bytes = log_records_make(records, i % 2 ? 48 : 408, store->place.seq + 1, 2, 1);
        ASSERT(ledger_store_append(store, &append) == APPEND_OK);
    }
    ledger_store_free(store);
}

static void edit(struct faulty_disk *fake, const uint8_t at[6])
{
    char name[DISK_NAME_BYTES_MAX + 1] = "epoch-0000";
    char sector[DISK_SECTOR];
    uint64_t size = 0;
    if (at[0] % 4 < 3)
        ledger_segment_name(0, at[0] % 4, name);
    const char *content = faulty_disk_content(fake, name, &size);
    uint64_t offset = (uint64_t)at[1] * DISK_SECTOR;
    if (content == NULL || offset + DISK_SECTOR > size)
        return;
    memcpy(sector, content + offset, sizeof sector);
    size_t byte = (at[2] | (size_t)(at[3] & 1) << 8);
    switch (at[5] % 4) {
    case 0:
        sector[byte] = (char)at[4];
        break;
    case 1:
        memset(sector, 0, sizeof sector);
        break;
    case 2:
        if (at[4] * (size_t)DISK_SECTOR + DISK_SECTOR <= size) /* a sector of another place */
            memcpy(sector, content + at[4] * (size_t)DISK_SECTOR, sizeof sector);
        break;
    default:
        sector[byte] = (char)(sector[byte] + 1);
        break;
    }
    if (at[3] & 0x80) {
        uint32_t crc = crc32c(0, sector + 4, DISK_SECTOR - 4);
        memcpy(sector, &crc, sizeof crc);
    }
    if (at[3] & 0x40) { /* heads have theirs at the end */
        uint32_t crc = crc32c(0, sector, DISK_SECTOR - 4);
        memcpy(sector + DISK_SECTOR - 4, &crc, sizeof crc);
    }
    ASSERT(faulty_disk_put(fake, name, offset, sector, sizeof sector));
}

static int count(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    uint64_t *seq = owner;
    uint64_t got = 0;
    (void)shard;
    ASSERT(bytes >= 16);
    memcpy(&got, record + 8, sizeof got);
    ASSERT(got == *seq + 1); /* L1: dense, whatever was on the disk */
    *seq = got;
    return 0;
}

static void check_opened(struct ledger_store *store, const struct ledger_report *report)
{
    char text[LEDGER_REPORT_TEXT_BYTES];
    struct ledger_view view = ledger_store_view(store);
    uint64_t seq = 0;
    ASSERT(ledger_replay(&view, 1, count, &seq, text) == 0);
    ASSERT(seq == report->seq_tail);
    ASSERT(store->offset <= SEGMENT_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes)
{
    struct ledger_store *store = NULL;
    struct ledger_report first, second;
    if (model == NULL)
        make_model();
    struct faulty_disk *fake =
        faulty_disk_crash(model, faulty_disk_ops_count(model), 1, FAULTY_DISK_NO_WHY);
    for (; bytes >= 6; input += 6, bytes -= 6)
        edit(fake, input);
    int result = ledger_store_open(&options, faulty_disk_of(fake), &first, &store);
    ASSERT(result == 0 || result == -ERR_CORRUPT);
    if (result == 0) {
        check_opened(store, &first);
        ledger_store_free(store);
        ASSERT(ledger_store_open(&options, faulty_disk_of(fake), &second, &store) == 0);
        ASSERT(second.seq_tail == first.seq_tail);
        ASSERT(second.cut_sectors == 0);
        ledger_store_free(store);
    } else {
        ASSERT(strstr(first.text, "at byte ") != NULL);
    }
    faulty_disk_free(fake);
    return 0;
}
