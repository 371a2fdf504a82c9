/* test_ledger_damage.c - what was acknowledged and then damaged is refused, with file and byte;
 * nothing of it is ever cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/ledger_store.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "log_records.h"
#include "test.h"

#define SEGMENT_BYTES 4096
#define GROUPS        20
#define NEWEST        "ledger-0000-0000000004.seg"

static const struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .creation = 77};

/* A log of several segments, closed; the next one prepared. */
static struct faulty_disk *make_log(void)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct ledger_store *store = NULL;
    struct ledger_report report;
    uint64_t epoch = 0;
    assert_int_equal(ledger_store_open(&options, faulty_disk_of(fake), &report, &store), 0);
    assert_int_equal(ledger_store_take_epoch(store, &epoch), 0);
    for (int i = 0; i < GROUPS; i++) {
        char records[1024];
        struct ledger_append append = {
            .epoch = epoch, .expected_tail = store->place.seq, .records = records, .count = 2};
        append.bytes = log_records_make(records, i % 2 ? 48 : 408, store->place.seq + 1, 2, 1);
        assert_int_equal(ledger_store_append(store, &append), APPEND_OK);
    }
    while (ledger_store_prepare_step(store))
        ;
    assert_int_equal(store->segments_count, 5);
    ledger_store_free(store);
    return fake;
}

static int open_again(struct faulty_disk *fake, struct ledger_report *report)
{
    struct ledger_store *store = NULL;
    int result = ledger_store_open(&options, faulty_disk_of(fake), report, &store);
    ledger_store_free(store);
    return result;
}

/* The byte that the report names, and its file. */
static uint64_t named_byte(const struct ledger_report *report, const char *name)
{
    unsigned long long byte = UINT64_MAX;
    assert_non_null(strstr(report->text, name));
    const char *at = strstr(report->text, "at byte ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "at byte %llu", &byte), 1);
    return byte;
}

static void flip_every_byte(const char *name)
{
    struct faulty_disk *fake = make_log();
    struct ledger_report report;
    uint64_t size = 0;
    assert_non_null(faulty_disk_content(fake, name, &size));
    for (uint64_t byte = 0; byte < size; byte++) {
        unsigned bit = (unsigned)(byte * 7 % 8);
        assert_true(faulty_disk_flip(fake, name, byte, bit));
        assert_int_equal(open_again(fake, &report), -ERR_CORRUPT);
        assert_int_equal(named_byte(&report, name), byte / DISK_SECTOR * DISK_SECTOR);
        assert_true(faulty_disk_flip(fake, name, byte, bit));
    }
    assert_int_equal(open_again(fake, &report), 0); /* undamaged again, and never changed */
    assert_int_equal(report.seq_tail, 2 * GROUPS);
    assert_int_equal(report.cut_sectors, 0);
    faulty_disk_free(fake);
}

TEST(ledger_damage, any_flipped_bit_is_refused_by_file_and_sector)
{
    flip_every_byte("ledger-0000-0000000000.seg");
    flip_every_byte("ledger-0000-0000000002.seg");
    flip_every_byte(NEWEST);
}

TEST(ledger_damage, any_flipped_bit_of_the_epoch_file_is_refused)
{
    struct faulty_disk *fake = make_log();
    struct ledger_report report;
    for (uint64_t byte = 0; byte < DISK_SECTOR; byte++) {
        assert_true(faulty_disk_flip(fake, "epoch-0000", byte, 3));
        assert_int_equal(open_again(fake, &report), -ERR_CORRUPT);
        assert_int_equal(named_byte(&report, "epoch-0000"), 0);
        assert_true(faulty_disk_flip(fake, "epoch-0000", byte, 3));
    }
    faulty_disk_free(fake);
}

TEST(ledger_damage, a_bit_in_the_prepared_segment_is_refused)
{
    struct faulty_disk *fake = make_log();
    struct ledger_report report;
    assert_true(faulty_disk_flip(fake, "ledger-0000-0000000005.seg", 1234, 1));
    assert_int_equal(open_again(fake, &report), -ERR_CORRUPT);
    assert_int_equal(named_byte(&report, "ledger-0000-0000000005.seg"), 1024);
    faulty_disk_free(fake);
}

TEST(ledger_damage, a_lost_file_is_refused)
{
    static const char *const names[] = {
        "ledger-0000-0000000000.seg",
        "ledger-0000-0000000003.seg",
        NEWEST,
        "epoch-0000",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct faulty_disk *fake = make_log();
        struct ledger_report report;
        assert_true(faulty_disk_delete(fake, names[i]));
        assert_int_equal(open_again(fake, &report), -ERR_CORRUPT);
        assert_int_equal(named_byte(&report, names[i]), 0);
        faulty_disk_free(fake);
    }
}

TEST(ledger_damage, a_truncated_file_is_refused)
{
    for (uint64_t size = DISK_SECTOR; size < SEGMENT_BYTES; size += 700) {
        struct faulty_disk *fake = make_log();
        struct ledger_report report;
        assert_true(faulty_disk_set_size(fake, "ledger-0000-0000000001.seg", size));
        assert_int_equal(open_again(fake, &report), -ERR_CORRUPT);
        assert_int_equal(named_byte(&report, "ledger-0000-0000000001.seg"), size);
        faulty_disk_free(fake);
    }
}

TEST(ledger_damage, a_zeroed_sector_is_refused_wherever_something_follows)
{
    static const char zeros[DISK_SECTOR];
    for (uint64_t sector = 0; sector < 6; sector++) {
        struct faulty_disk *fake = make_log();
        struct ledger_report report;
        assert_true(faulty_disk_put(fake, "ledger-0000-0000000001.seg", sector * DISK_SECTOR, zeros,
                                    sizeof zeros));
        assert_int_equal(open_again(fake, &report), -ERR_CORRUPT);
        (void)named_byte(&report, "ledger-0000-000000000");
        faulty_disk_free(fake);
    }
}

TEST(ledger_damage, a_segment_of_another_place_is_refused)
{
    struct faulty_disk *fake = make_log();
    struct ledger_report report;
    char copy[SEGMENT_BYTES];
    uint64_t size = 0;
    const char *from = faulty_disk_content(fake, "ledger-0000-0000000001.seg", &size);
    assert_int_equal(size, sizeof copy);
    memcpy(copy, from, sizeof copy);
    assert_true(faulty_disk_put(fake, "ledger-0000-0000000002.seg", 0, copy, sizeof copy));
    assert_int_equal(open_again(fake, &report), -ERR_CORRUPT);
    assert_int_equal(named_byte(&report, "ledger-0000-0000000002.seg"), 0);
    faulty_disk_free(fake);
}

/* An older, perfectly whole copy of the newest segment is a truncated log. What it lost since
 * the last start is only known to who holds a newer head (L8); before that, to the epoch file. */
TEST(ledger_damage, a_log_shorter_than_at_its_last_start_is_refused)
{
    struct faulty_disk *fake = make_log();
    struct ledger_report report;
    struct ledger_store *store = NULL;
    uint64_t epoch = 0;
    static const char zeros[SEGMENT_BYTES];
    assert_int_equal(ledger_store_open(&options, faulty_disk_of(fake), &report, &store), 0);
    assert_int_equal(ledger_store_take_epoch(store, &epoch), 0);
    ledger_store_free(store);
    assert_true(faulty_disk_put(fake, NEWEST, DISK_SECTOR, zeros, SEGMENT_BYTES - DISK_SECTOR));
    assert_int_equal(open_again(fake, &report), -ERR_CORRUPT);
    faulty_disk_free(fake);
}

TEST(ledger_damage, a_torn_last_group_is_cut_and_said)
{
    static const char zeros[DISK_SECTOR];
    struct faulty_disk *fake = make_log();
    struct ledger_report report;
    /* the last but one group of the newest segment has two sectors and one follows: damage; the
     * last is then zeroed too: a torn two-sector group remains */
    uint64_t size = 0;
    const char *content = faulty_disk_content(fake, NEWEST, &size);
    uint64_t end = size;
    while (end > 0 && content[end - 1] == 0)
        end--;
    uint64_t last = (end - 1) / DISK_SECTOR;
    assert_true(faulty_disk_put(fake, NEWEST, last * DISK_SECTOR, zeros, sizeof zeros));
    assert_true(faulty_disk_put(fake, NEWEST, (last - 1) * DISK_SECTOR, zeros, sizeof zeros));
    assert_int_equal(open_again(fake, &report), 0);
    assert_int_equal(report.cut_sectors, 1);
    assert_int_equal(report.cut_segment, 4);
    assert_int_equal(report.cut_offset, (last - 2) * DISK_SECTOR);
    assert_int_equal(report.cut_group, GROUPS - 1);
    assert_int_equal(report.seq_tail, 2 * (GROUPS - 2));
    assert_int_equal(open_again(fake, &report), 0);
    assert_int_equal(report.cut_sectors, 0); /* once */
    faulty_disk_free(fake);
}

TEST(ledger_damage, a_second_process_is_kept_out)
{
    struct faulty_disk *fake = make_log();
    struct ledger_report report;
    struct ledger_store *store = NULL;
    assert_int_equal(ledger_store_open(&options, faulty_disk_of(fake), &report, &store), 0);
    assert_int_equal(open_again(fake, &report), -ERR_BUSY);
    assert_non_null(strstr(report.text, "another process"));
    ledger_store_free(store);
    assert_int_equal(open_again(fake, &report), 0);
    faulty_disk_free(fake);
}

static int ignore_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    (void)owner;
    (void)shard;
    (void)record;
    (void)bytes;
    return 0;
}

TEST(ledger_damage, checking_the_newest_only_still_finds_damage_when_it_is_read)
{
    struct faulty_disk *fake = make_log();
    struct ledger_report report;
    struct ledger_store *store = NULL;
    struct ledger_store_options quick = options;
    char text[LEDGER_REPORT_TEXT_BYTES];
    quick.newest_only = true;
    assert_true(faulty_disk_flip(fake, "ledger-0000-0000000001.seg", 600, 1));
    assert_int_equal(ledger_store_open(&quick, faulty_disk_of(fake), &report, &store), 0);
    assert_int_equal(report.seq_tail, 2 * GROUPS);
    struct ledger_view view = ledger_store_view(store);
    assert_int_equal(ledger_replay(&view, 1, ignore_record, NULL, text), -ERR_CORRUPT);
    assert_non_null(strstr(text, "ledger-0000-0000000001.seg at byte 512"));
    ledger_store_free(store);
    faulty_disk_free(fake);
}

TEST(ledger_damage, impossible_options_are_refused)
{
    static const uint64_t sizes[] = {1, 511, 4095, 4097, LEDGER_SEGMENT_BYTES_MAX + 512};
    struct faulty_disk *fake = faulty_disk_new();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct ledger_store_options wrong = {.segment_bytes = sizes[i]};
        struct ledger_report report;
        struct ledger_store *store = NULL;
        assert_int_equal(ledger_store_open(&wrong, faulty_disk_of(fake), &report, &store),
                         -ERR_CONFIG);
    }
    faulty_disk_free(fake);
}
