/* test_ledger_packed.c - adapters/embedded/ledger_packer.h and ledger_packed.h: a packed log is the
 * log it was, for whoever reads it; what was damaged is refused with file and byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/ledger_lookup.h"
#include "adapters/embedded/ledger_packed.h"
#include "adapters/embedded/ledger_packer.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "base/prng.h"
#include "log_records.h"

#define SMALL_BYTES  4096u
#define LARGE_BYTES  (LEDGER_CHUNK_BYTES * 2 + 3 * DISK_SECTOR) /* two chunks and a bit */
#define RECORD_BYTES 4096
#define PLAIN_0      "ledger-0000-0000000000.seg"
#define PACKED_0     "ledger-0000-0000000000.segz"
#define FRESH_0      "ledger-0000-0000000000.segz.new"

struct packed_log {
    struct faulty_disk *fake;
    struct ledger_store *store;
    struct ledger_packer *packer;
    uint64_t seq_seen;
};

static struct ledger_view view_of(void *owner)
{
    return ledger_store_view(((struct packed_log *)owner)->store);
}

static int open_log(struct packed_log *p, const struct ledger_store_options *options,
                    struct ledger_report *report)
{
    return ledger_store_open(options, faulty_disk_of(p->fake), report, &p->store);
}

static void append(struct packed_log *p, uint32_t bytes)
{
    static char records[RECORD_BYTES];
    uint64_t tail = p->store->place.seq;
    struct ledger_append append = {
        .epoch = p->store->epoch, .expected_tail = tail, .records = records, .count = 1};
    append.bytes = log_records_make(records, bytes, tail + 1, 1, tail + 1);
    assert_int_equal(ledger_store_append(p->store, &append), APPEND_OK);
}

static void new_packer(struct packed_log *p, uint64_t keep)
{
    const struct ledger_cursor_log log = {view_of, p};
    const struct ledger_packer_options options = {keep};
    assert_int_equal(ledger_packer_new(&log, &options, &p->packer), 0);
}

/* A log of `segments` segments, the newest begun. */
static void begin(struct packed_log *p, uint64_t segment_bytes, uint64_t segments, uint64_t keep)
{
    struct ledger_store_options options = {.segment_bytes = segment_bytes, .creation = 9};
    struct ledger_report report;
    uint64_t epoch = 0;
    *p = (struct packed_log){.fake = faulty_disk_new()};
    assert_int_equal(open_log(p, &options, &report), 0);
    assert_int_equal(ledger_store_take_epoch(p->store, &epoch), 0);
    while (p->store->segments_count < segments)
        append(p, segment_bytes > SMALL_BYTES ? RECORD_BYTES : 208);
    new_packer(p, keep);
}

static void end(struct packed_log *p)
{
    ledger_packer_free(p->packer);
    ledger_store_free(p->store);
    faulty_disk_free(p->fake);
}

static int pack_all(struct packed_log *p)
{
    int result = 1;
    while (result > 0)
        result = ledger_packer_step(p->packer);
    return result;
}

static bool exists(struct packed_log *p, const char *name)
{
    uint64_t bytes = 0;
    return faulty_disk_content(p->fake, name, &bytes) != NULL;
}

static int visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct packed_log *p = owner;
    uint64_t seq = 0, generation = 0;
    assert_int_equal(shard, 0);
    assert_true(log_record_is(record, bytes, &seq, &generation));
    assert_int_equal(generation, seq);
    assert_int_equal(seq, p->seq_seen + 1);
    p->seq_seen = seq;
    return 0;
}

static int replay(struct packed_log *p, char *ret_text)
{
    struct ledger_view view = ledger_store_view(p->store);
    p->seq_seen = 0;
    return ledger_replay(&view, 1, visit, p, ret_text);
}

/* Opens the log anew, as it is found now. */
static int open_again(struct packed_log *p, bool newest_only, struct ledger_report *report)
{
    const struct ledger_store_options options = {.newest_only = newest_only};
    ledger_packer_free(p->packer);
    ledger_store_free(p->store);
    p->packer = NULL;
    p->store = NULL;
    return open_log(p, &options, report);
}

TEST(ledger_packed, is_the_same_log_for_recovery_and_replay)
{
    struct packed_log p;
    struct ledger_report report;
    char text[LEDGER_REPORT_TEXT_BYTES];
    begin(&p, LARGE_BYTES, 4, 0);
    uint64_t tail = p.store->place.seq;
    assert_int_equal(pack_all(&p), 0);
    assert_int_equal(ledger_packer_stats(p.packer).segments, 3);
    assert_int_equal(ledger_packer_stats(p.packer).bytes_before, 3 * LARGE_BYTES);
    assert_false(exists(&p, PLAIN_0));
    assert_true(exists(&p, PACKED_0));
    assert_int_equal(replay(&p, text), 0);
    assert_int_equal(p.seq_seen, tail);
    for (int newest_only = 0; newest_only <= 1; newest_only++) {
        assert_int_equal(open_again(&p, newest_only, &report), 0);
        assert_int_equal(report.seq_tail, tail);
        assert_int_equal(report.segments, 4);
        assert_int_equal(replay(&p, text), 0);
        assert_int_equal(p.seq_seen, tail);
    }
    append(&p, 48); /* and it goes on */
    end(&p);
}

TEST(ledger_packed, gives_single_records_out_of_the_middle)
{
    struct packed_log p;
    struct ledger_lookup *lookup = NULL;
    struct prng prng;
    char record[RECORD_BYTES];
    begin(&p, LARGE_BYTES, 4, 0);
    assert_int_equal(pack_all(&p), 0);
    assert_int_equal(ledger_lookup_new(&lookup), 0);
    struct ledger_view view = ledger_store_view(p.store);
    prng_seed(&prng, 4);
    for (int i = 0; i < 200; i++) {
        struct ledger_read read = {.seq_first = 1 + prng_below(&prng, view.end.seq),
                                   .count = 1,
                                   .memory = record,
                                   .capacity = sizeof record};
        size_t bytes = 0;
        uint64_t seq = 0, generation = 0;
        assert_int_equal(ledger_lookup_read(lookup, &view, &read, &bytes), 0);
        assert_true(log_record_is(record, bytes, &seq, &generation));
        assert_int_equal(seq, read.seq_first);
    }
    ledger_lookup_free(lookup);
    end(&p);
}

TEST(ledger_packed, follows_the_log_as_it_grows_and_keeps_the_newest_plain)
{
    struct packed_log p;
    char name[DISK_NAME_BYTES_MAX + 1];
    begin(&p, SMALL_BYTES, 2, 2);
    for (int i = 0; i < 100; i++) {
        append(&p, 408);
        assert_int_equal(pack_all(&p), 0);
        uint64_t count = p.store->segments_count;
        for (uint64_t segment = 0; segment < count; segment++) {
            ledger_segment_name(0, segment, name);
            assert_int_equal(exists(&p, name), segment + 3 >= count);
            ledger_packed_name(0, segment, name);
            assert_int_equal(exists(&p, name), segment + 3 < count);
        }
    }
    assert_true(p.store->segments_count > 10);
    end(&p);
}

/* The byte of the packed file that the text names. */
static void assert_names(const char *text, uint64_t byte_min, uint64_t byte_max)
{
    unsigned long long byte = UINT64_MAX;
    assert_non_null(strstr(text, PACKED_0 " at byte "));
    assert_int_equal(sscanf(strstr(text, "at byte "), "at byte %llu", &byte), 1);
    assert_in_range(byte, byte_min, byte_max);
}

TEST(ledger_packed, refuses_any_flipped_bit_with_file_and_byte)
{
    struct packed_log p;
    struct ledger_report report;
    uint64_t size = 0;
    begin(&p, SMALL_BYTES, 3, 0);
    assert_int_equal(pack_all(&p), 0);
    const char *content = faulty_disk_content(p.fake, PACKED_0, &size);
    struct ledger_packed_head head;
    memcpy(&head, content, sizeof head);
    assert_int_equal(head.file_bytes, size);
    uint64_t frame = sizeof head + sizeof(struct ledger_packed_chunk);
    for (uint64_t byte = 0; byte < size; byte++) {
        assert_true(faulty_disk_flip(p.fake, PACKED_0, byte, byte % 8));
        assert_int_equal(open_again(&p, false, &report), -ERR_CORRUPT);
        uint64_t at = byte < sizeof head ? 0 : byte < frame ? sizeof head : frame;
        assert_names(report.text, at, at);
        assert_true(faulty_disk_flip(p.fake, PACKED_0, byte, byte % 8));
    }
    assert_int_equal(open_again(&p, false, &report), 0);
    end(&p);
}

TEST(ledger_packed, refuses_a_file_that_is_too_short_or_too_long)
{
    struct packed_log p;
    struct ledger_report report;
    uint64_t size = 0;
    begin(&p, SMALL_BYTES, 3, 0);
    assert_int_equal(pack_all(&p), 0);
    char *whole = malloc(SMALL_BYTES * 2);
    const char *content = faulty_disk_content(p.fake, PACKED_0, &size);
    memcpy(whole, content, size);
    for (uint64_t bytes = 0; bytes <= size + 2; bytes++) {
        assert_true(faulty_disk_set_size(p.fake, PACKED_0, bytes));
        int expected = bytes == size ? 0 : -ERR_CORRUPT;
        assert_int_equal(open_again(&p, true, &report), expected);
        if (bytes != size)
            assert_names(report.text, 0, size);
        assert_true(faulty_disk_put(p.fake, PACKED_0, 0, whole, size));
    }
    free(whole);
    end(&p);
}

TEST(ledger_packed, says_where_a_record_would_be_when_the_damage_was_packed)
{
    struct packed_log p;
    struct ledger_report report;
    begin(&p, SMALL_BYTES, 3, 0);
    assert_int_equal(pack_all(&p), 0);
    uint64_t size = 0;
    const char *content = faulty_disk_content(p.fake, "ledger-0000-0000000001.segz", &size);
    char other[SMALL_BYTES];
    assert_true(size <= sizeof other);
    memcpy(other, content, size);
    assert_true(faulty_disk_set_size(p.fake, PACKED_0, size));
    assert_true(faulty_disk_put(p.fake, PACKED_0, 0, other, size));
    assert_int_equal(open_again(&p, false, &report), -ERR_CORRUPT);
    assert_string_equal(report.text, PACKED_0 " at byte 0: packed head: of another segment");
    end(&p);
}

TEST(ledger_packed, takes_the_plain_file_where_both_are_and_packs_it_again)
{
    struct packed_log p;
    struct ledger_report report;
    char text[LEDGER_REPORT_TEXT_BYTES];
    char plain[SMALL_BYTES];
    int file = -1;
    begin(&p, SMALL_BYTES, 3, 0);
    uint64_t size = 0;
    memcpy(plain, faulty_disk_content(p.fake, PLAIN_0, &size), sizeof plain);
    assert_int_equal(pack_all(&p), 0);
    struct disk *disk = faulty_disk_of(p.fake);
    assert_int_equal(disk->ops->open(disk, PLAIN_0, true, &file), 0);
    disk->ops->close(disk, file);
    assert_true(faulty_disk_put(p.fake, PLAIN_0, 0, plain, sizeof plain));
    assert_true(faulty_disk_flip(p.fake, PACKED_0, 3, 3)); /* nobody looks at it */
    assert_int_equal(open_again(&p, false, &report), 0);
    new_packer(&p, 0);
    assert_int_equal(pack_all(&p), 0);
    assert_int_equal(ledger_packer_stats(p.packer).segments, 1);
    assert_false(exists(&p, PLAIN_0));
    assert_int_equal(replay(&p, text), 0);
    end(&p);
}

TEST(ledger_packed, leaves_a_damaged_segment_as_it_is_and_goes_on)
{
    struct packed_log p;
    begin(&p, SMALL_BYTES, 4, 0);
    assert_true(faulty_disk_flip(p.fake, PLAIN_0, 700, 1));
    assert_int_equal(pack_all(&p), -ERR_CORRUPT);
    assert_string_equal(ledger_packer_problem(p.packer),
                        PLAIN_0 " at byte 512: sector: wrong checksum");
    assert_true(exists(&p, PLAIN_0));
    assert_false(exists(&p, FRESH_0));
    assert_int_equal(pack_all(&p), 0);
    assert_int_equal(ledger_packer_stats(p.packer).damaged, 1);
    assert_int_equal(ledger_packer_stats(p.packer).segments, 2);
    end(&p);
}

TEST(ledger_packed, keeps_the_plain_file_when_the_disk_gives_other_bytes_back)
{
    uint64_t size = 0;
    for (uint64_t byte = 0;; byte += 7) {
        struct packed_log p;
        begin(&p, SMALL_BYTES, 2, 0);
        assert_int_equal(ledger_packer_step(p.packer), 1); /* found */
        assert_int_equal(ledger_packer_step(p.packer), 1); /* written and synced */
        assert_non_null(faulty_disk_content(p.fake, FRESH_0, &size));
        bool flipped = faulty_disk_flip(p.fake, FRESH_0, byte, 2);
        /* What was read into memory before the flip is right, and may be taken. */
        int result = ledger_packer_step(p.packer);
        uint64_t frame = sizeof(struct ledger_packed_head) + sizeof(struct ledger_packed_chunk);
        if (flipped && byte >= frame) {
            assert_int_equal(result, -ERR_IO);
            assert_true(exists(&p, PLAIN_0));
            assert_false(exists(&p, FRESH_0));
        }
        end(&p);
        if (!flipped)
            return;
    }
}

TEST(ledger_packed, gives_the_space_back_when_there_is_too_little)
{
    struct packed_log p;
    begin(&p, SMALL_BYTES, 3, 0);
    faulty_disk_limit(p.fake, 3 * SMALL_BYTES + 1024);
    assert_int_equal(pack_all(&p), -ERR_NO_SPACE);
    assert_false(exists(&p, FRESH_0));
    assert_true(exists(&p, PLAIN_0));
    faulty_disk_limit(p.fake, 0);
    assert_int_equal(pack_all(&p), 0);
    assert_int_equal(ledger_packer_stats(p.packer).errors, 1);
    assert_int_equal(ledger_packer_stats(p.packer).segments, 2);
    end(&p);
}

TEST(ledger_packed, misses_the_segment_after_a_packed_one)
{
    struct packed_log p;
    struct ledger_report report;
    begin(&p, SMALL_BYTES, 3, 0);
    assert_int_equal(pack_all(&p), 0);
    assert_true(faulty_disk_delete(p.fake, "ledger-0000-0000000002.seg"));
    assert_int_equal(open_again(&p, false, &report), -ERR_CORRUPT);
    assert_string_equal(report.text, "ledger-0000-0000000002.seg at byte 0: the file is missing");
    end(&p);
}

TEST(ledger_packed, lets_a_reader_finish_that_has_the_plain_file_open)
{
    struct packed_log p;
    struct ledger_reader *reader = NULL;
    char text[LEDGER_REPORT_TEXT_BYTES], first[DISK_SECTOR], second[DISK_SECTOR];
    begin(&p, SMALL_BYTES, 3, 0);
    struct ledger_view view = ledger_store_view(p.store);
    assert_int_equal(ledger_reader_new(text, &reader), 0);
    assert_int_equal(ledger_view_open(&view, 0, reader), 0);
    assert_false(ledger_reader_form(reader).is_packed);
    assert_int_equal(pack_all(&p), 0);
    assert_int_equal(ledger_reader_fill(reader, 512, first, sizeof first), 0);
    assert_int_equal(ledger_view_open(&view, 0, reader), 0);
    assert_true(ledger_reader_form(reader).is_packed);
    assert_int_equal(ledger_reader_fill(reader, 512, second, sizeof second), 0);
    assert_memory_equal(first, second, sizeof first);
    ledger_reader_free(reader);
    end(&p);
}
