/* test_ledger_lookup.c - adapters/embedded/ledger_lookup.h: any record, out of groups of every
 * size, in few steps; and never another one, whatever was damaged. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/ledger_lookup.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "base/prng.h"
#include "log_records.h"

#define SEGMENT_BYTES (4u << 20)
#define SEGMENTS      5
#define RECORD_ROOM   (1u << 16)

struct scene {
    struct faulty_disk *fake;
    struct ledger_store *store;
    struct ledger_lookup *lookup;
    struct prng prng;
    uint64_t epoch;
};

static void append(struct scene *s, uint32_t count, uint32_t bytes)
{
    static char records[LEDGER_APPEND_BYTES_MAX];
    uint64_t tail = s->store->place.seq;
    struct ledger_append group = {
        .epoch = s->epoch, .expected_tail = tail, .records = records, .count = count};
    group.bytes = log_records_make(records, bytes, tail + 1, count, 1);
    assert_int_equal(ledger_store_append(s->store, &group), APPEND_OK);
}

/* Groups as a quiet and as a busy book writes them, and some as large as any. */
static void append_some(struct scene *s, bool even)
{
    uint64_t kind = even ? 1 : prng_below(&s->prng, 8);
    if (kind == 0)
        append(s, LEDGER_APPEND_BYTES_MAX / 4096, 4096);
    else if (kind < 4)
        append(s, even ? 200 : 1 + (uint32_t)prng_below(&s->prng, 400), 328);
    else
        append(s, 1, 48 + 8 * (uint32_t)prng_below(&s->prng, 100));
}

static void begin(struct scene *s, bool even)
{
    struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .creation = 9};
    struct ledger_report report;
    *s = (struct scene){.fake = faulty_disk_new()};
    prng_seed(&s->prng, 5);
    assert_int_equal(ledger_store_open(&options, faulty_disk_of(s->fake), &report, &s->store), 0);
    assert_int_equal(ledger_store_take_epoch(s->store, &s->epoch), 0);
    while (s->store->segments_count < SEGMENTS)
        append_some(s, even);
    append_some(s, even);
    assert_int_equal(ledger_lookup_new(&s->lookup), 0);
}

static void end(struct scene *s)
{
    ledger_lookup_free(s->lookup);
    ledger_store_free(s->store);
    faulty_disk_free(s->fake);
}

/* 0 when it was given and is the right one. */
static int look_up(struct scene *s, uint64_t seq)
{
    static _Alignas(8) char record[RECORD_ROOM];
    struct ledger_view view = ledger_store_view(s->store);
    struct ledger_read read = {
        .seq_first = seq, .count = 1, .memory = record, .capacity = sizeof record};
    size_t bytes = 0;
    uint64_t found = 0, generation = 0;
    int error = ledger_lookup_read(s->lookup, &view, &read, &bytes);
    if (error < 0)
        return error;
    assert_true(log_record_is(record, bytes, &found, &generation));
    assert_int_equal(found, seq);
    return 0;
}

TEST(ledger_lookup, finds_every_record_among_groups_of_any_size)
{
    struct scene s;
    begin(&s, false);
    uint64_t tail = s.store->place.seq;
    for (uint64_t seq = 1; seq <= tail; seq += 1 + prng_below(&s.prng, 97))
        assert_int_equal(look_up(&s, seq), 0);
    assert_int_equal(look_up(&s, 1), 0);
    assert_int_equal(look_up(&s, tail), 0);
    assert_int_equal(look_up(&s, 0), -ERR_NOT_FOUND);
    assert_int_equal(look_up(&s, tail + 1), -ERR_NOT_FOUND);
    append(&s, 1, 48);
    assert_int_equal(look_up(&s, tail + 1), 0);
    end(&s);
}

TEST(ledger_lookup, gives_a_range_across_segments)
{
    struct scene s;
    begin(&s, true);
    struct ledger_view view = ledger_store_view(s.store);
    uint64_t border = view.segments[2].before.seq;
    static _Alignas(8) char memory[RECORD_ROOM];
    struct ledger_read read = {
        .seq_first = border - 3, .count = 8, .memory = memory, .capacity = sizeof memory};
    size_t bytes = 0;
    assert_int_equal(ledger_lookup_read(s.lookup, &view, &read, &bytes), 0);
    assert_int_equal(bytes, 8 * 328);
    for (uint64_t i = 0; i < 8; i++) {
        uint64_t seq = 0, generation = 0;
        assert_true(log_record_is(memory + i * 328, 328, &seq, &generation));
        assert_int_equal(seq, border - 3 + i);
    }
    end(&s);
}

TEST(ledger_lookup, looks_at_few_places_where_records_lie_evenly)
{
    struct scene s;
    begin(&s, true);
    uint64_t count = 500;
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(look_up(&s, 1 + prng_below(&s.prng, s.store->place.seq)), 0);
    assert_true(ledger_lookup_probes(s.lookup) < 4 * count);
    end(&s);
}

/* A flipped bit anywhere: the record is given as it is, or the damage is told; nothing else. */
TEST(ledger_lookup, gives_the_right_record_or_none_whatever_is_damaged)
{
    struct scene s;
    unsigned found = 0, told = 0;
    begin(&s, false);
    uint64_t tail = s.store->place.seq;
    for (int i = 0; i < 400; i++) {
        uint64_t offset = DISK_SECTOR + prng_below(&s.prng, SEGMENT_BYTES - DISK_SECTOR);
        unsigned bit = (unsigned)prng_below(&s.prng, 8);
        assert_true(faulty_disk_flip(s.fake, "ledger-0000-0000000001.seg", offset, bit));
        int error = look_up(&s, 1 + prng_below(&s.prng, tail));
        assert_true(error == 0 || error == -ERR_CORRUPT);
        found += error == 0;
        told += error != 0;
        assert_true(faulty_disk_flip(s.fake, "ledger-0000-0000000001.seg", offset, bit));
    }
    assert_true(found > told);
    end(&s);
}

TEST(ledger_lookup, tells_the_damage_of_the_group_that_it_needs)
{
    struct scene s;
    begin(&s, true);
    struct ledger_view view = ledger_store_view(s.store);
    uint64_t seq = view.segments[1].before.seq + 1; /* its group begins behind the head */
    for (uint64_t at = DISK_SECTOR; at < 3 * DISK_SECTOR; at += 37) {
        assert_true(faulty_disk_flip(s.fake, "ledger-0000-0000000001.seg", at, at % 8));
        assert_int_equal(look_up(&s, seq), -ERR_CORRUPT);
        assert_non_null(strstr(ledger_lookup_problem(s.lookup), "ledger-0000-0000000001.seg"));
        assert_true(faulty_disk_flip(s.fake, "ledger-0000-0000000001.seg", at, at % 8));
    }
    assert_int_equal(look_up(&s, seq), 0);
    end(&s);
}
