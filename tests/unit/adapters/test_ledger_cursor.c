/* test_ledger_cursor.c - adapters/embedded/ledger_cursor_file.h: every durable record comes once
 * and in order, whatever the steps, the looks and the place where it begins; damage is named. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/ledger_cursor_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "base/prng.h"
#include "log_records.h"

#define SEGMENT_BYTES 8192
#define GROUP_BYTES   4096

struct followed {
    struct faulty_disk *disk;
    struct ledger_store *store;
    struct ledger_cursor *cursor;
    uint64_t next; /* expected */
    uint64_t stop; /* at this one the visitor refuses; 0: never */
};

static struct ledger_view view_of(void *owner)
{
    return ledger_store_view(((struct followed *)owner)->store);
}

static void begin(struct followed *f)
{
    struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .creation = 5};
    struct ledger_report report;
    struct ledger_cursor_log log = {view_of, f};
    uint64_t epoch = 0;
    *f = (struct followed){.disk = faulty_disk_new(), .next = 1};
    assert_int_equal(ledger_store_open(&options, faulty_disk_of(f->disk), &report, &f->store), 0);
    assert_int_equal(ledger_store_take_epoch(f->store, &epoch), 0);
    assert_int_equal(ledger_cursor_file_new(&log, &f->cursor), 0);
}

static void end(struct followed *f)
{
    f->cursor->ops->free(f->cursor);
    ledger_store_free(f->store);
    faulty_disk_free(f->disk);
}

static void append(struct followed *f, uint32_t bytes, uint32_t count)
{
    static char records[GROUP_BYTES];
    uint64_t tail = f->store->place.seq;
    struct ledger_append append = {
        .epoch = f->store->epoch, .expected_tail = tail, .records = records, .count = count};
    append.bytes = log_records_make(records, bytes, tail + 1, count, 3);
    assert_true(append.bytes <= sizeof records);
    assert_int_equal(ledger_store_append(f->store, &append), APPEND_OK);
}

static int visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct followed *f = owner;
    uint64_t seq = 0, generation = 0;
    assert_int_equal(shard, 0);
    assert_true(log_record_is(record, bytes, &seq, &generation));
    assert_int_equal(seq, f->next);
    if (seq == f->stop)
        return -ERR_STOPPED;
    f->next++;
    return 0;
}

static int step(struct followed *f, size_t bytes)
{
    return f->cursor->ops->step(f->cursor, bytes, visit, f);
}

static void catch_up(struct followed *f)
{
    int more = 1;
    uint64_t tail = f->cursor->ops->look(f->cursor);
    while (more == 1)
        more = step(f, 1);
    assert_int_equal(more, 0);
    assert_int_equal(f->next, tail + 1);
}

TEST(ledger_cursor, follows_a_growing_log_over_many_segments)
{
    struct followed f;
    struct prng prng;
    begin(&f);
    prng_seed(&prng, 9);
    assert_int_equal(f.cursor->ops->look(f.cursor), 0);
    assert_int_equal(step(&f, 1000), 0);
    for (int i = 0; i < 300; i++) {
        append(&f, LOG_RECORD_BYTES_MIN + 8 * (uint32_t)prng_below(&prng, 40),
               1 + (uint32_t)prng_below(&prng, 10));
        uint64_t next = f.next;
        if (prng_below(&prng, 4) == 0)
            catch_up(&f);
        else
            assert_int_equal(step(&f, 100000), 0); /* up to the last look, and not further */
        assert_true(f.next == next || f.next <= f.store->place.seq + 1);
    }
    catch_up(&f);
    assert_true(f.store->segments_count > 10);
    end(&f);
}

TEST(ledger_cursor, begins_at_any_record)
{
    struct followed f;
    begin(&f);
    for (int i = 0; i < 40; i++)
        append(&f, 200, 7);
    for (uint64_t seq = 1; seq <= 281; seq += 9) {
        f.cursor->ops->seek(f.cursor, seq);
        f.next = seq;
        catch_up(&f);
    }
    f.next = 281; /* not there yet */
    f.cursor->ops->seek(f.cursor, 281);
    catch_up(&f);
    append(&f, 200, 2);
    catch_up(&f);
    assert_int_equal(f.next, 283);
    end(&f);
}

TEST(ledger_cursor, ends_with_the_visitor_and_begins_again_where_it_is_told)
{
    struct followed f;
    begin(&f);
    for (int i = 0; i < 40; i++)
        append(&f, 200, 7);
    f.stop = 100;
    (void)f.cursor->ops->look(f.cursor);
    assert_int_equal(step(&f, SIZE_MAX), -ERR_STOPPED);
    f.stop = 0;
    f.cursor->ops->seek(f.cursor, 100);
    catch_up(&f);
    end(&f);
}

TEST(ledger_cursor, names_file_and_byte_of_damage)
{
    struct followed f;
    begin(&f);
    for (int i = 0; i < 40; i++)
        append(&f, 200, 7);
    assert_true(faulty_disk_flip(f.disk, "ledger-0000-0000000002.seg", 1100, 2));
    (void)f.cursor->ops->look(f.cursor);
    assert_int_equal(step(&f, SIZE_MAX), -ERR_CORRUPT);
    assert_string_equal(ledger_cursor_file_problem(f.cursor),
                        "ledger-0000-0000000002.seg at byte 1024: sector: wrong checksum");
    assert_true(faulty_disk_flip(f.disk, "ledger-0000-0000000002.seg", 1100, 2));
    f.cursor->ops->seek(f.cursor, f.next);
    catch_up(&f);
    end(&f);
}
