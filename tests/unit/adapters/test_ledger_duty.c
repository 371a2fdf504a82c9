/* test_ledger_duty.c - adapters/embedded/ledger_duty.h, and the epochs that go with it: what a
 * folder is for survives every crash, and damage is no permission to write. */
#include <string.h>

#include "test.h"

#include "adapters/embedded/ledger_duty.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"

#define TERM (UINT64_C(1) << 32)

static const struct ledger_duty_mark standby = {LEDGER_DUTY_STANDBY, 77, 3, 0, 1000, 5};
static const struct ledger_duty_mark promoted = {LEDGER_DUTY_PROMOTED, 77, TERM, 40, 1000, 5};

static void expect(struct faulty_disk *fake, const struct ledger_duty_mark *mark)
{
    struct ledger_duty_mark read;
    assert_int_equal(ledger_duty_read(faulty_disk_of(fake), 0, &read), 0);
    assert_int_equal(read.duty, mark->duty);
    assert_int_equal(read.creation, mark->creation);
    assert_int_equal(read.epoch, mark->epoch);
    assert_int_equal(read.seq, mark->seq);
    assert_int_equal(read.odds_position, mark->odds_position);
    assert_int_equal(read.odds_epoch, mark->odds_epoch);
}

TEST(ledger_duty, is_none_before_it_was_written_and_then_what_was_written)
{
    struct faulty_disk *fake = faulty_disk_new();
    const struct ledger_duty_mark none = {.duty = LEDGER_DUTY_NONE};
    expect(fake, &none);
    assert_int_equal(ledger_duty_write(faulty_disk_of(fake), 0, &standby), 0);
    expect(fake, &standby);
    assert_int_equal(ledger_duty_write(faulty_disk_of(fake), 0, &promoted), 0);
    expect(fake, &promoted);
    faulty_disk_free(fake);
}

TEST(ledger_duty, is_durable_when_it_was_answered_and_old_or_new_before)
{
    struct faulty_disk *fake = faulty_disk_new();
    assert_int_equal(ledger_duty_write(faulty_disk_of(fake), 0, &standby), 0);
    size_t first = faulty_disk_ops_count(fake);
    assert_int_equal(ledger_duty_write(faulty_disk_of(fake), 0, &promoted), 0);
    for (size_t ops = first; ops <= faulty_disk_ops_count(fake); ops++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            struct faulty_disk *after = faulty_disk_crash(fake, ops, seed, FAULTY_DISK_NO_WHY);
            struct ledger_duty_mark mark;
            assert_int_equal(ledger_duty_read(faulty_disk_of(after), 0, &mark), 0);
            assert_true(mark.duty == LEDGER_DUTY_PROMOTED ||
                        (mark.duty == LEDGER_DUTY_STANDBY && ops < faulty_disk_ops_count(fake)));
            faulty_disk_free(after);
        }
    faulty_disk_free(fake);
}

/* A failed write leaves the old duty; where it may be the new one, it is taken back. */
TEST(ledger_duty, changes_or_is_as_before)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct disk *disk = faulty_disk_of(fake);
    assert_int_equal(ledger_duty_write(disk, 0, &standby), 0);
    faulty_disk_fail_write(fake, 1);
    assert_int_equal(ledger_duty_change(disk, 0, &standby, &promoted), -ERR_IO);
    expect(fake, &standby);
    for (unsigned sync = 1; sync <= 2; sync++) { /* of the content, of the name */
        faulty_disk_fail_sync(fake, sync);
        assert_int_equal(ledger_duty_change(disk, 0, &standby, &promoted), -ERR_IO);
        expect(fake, &standby);
        for (uint64_t seed = 0; seed < 20; seed++) {
            struct faulty_disk *after =
                faulty_disk_crash(fake, faulty_disk_ops_count(fake), seed, FAULTY_DISK_NO_WHY);
            expect(after, &standby);
            faulty_disk_free(after);
        }
    }
    assert_int_equal(ledger_duty_change(disk, 0, &standby, &promoted), 0);
    expect(fake, &promoted);
    faulty_disk_free(fake);
}

TEST(ledger_duty, says_when_nobody_can_know)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct disk *disk = faulty_disk_of(fake);
    assert_int_equal(ledger_duty_write(disk, 0, &standby), 0);
    faulty_disk_fail_sync(fake, 2); /* renamed, and then nothing works any more */
    faulty_disk_fail_write(fake, 2);
    assert_int_equal(ledger_duty_change(disk, 0, &standby, &promoted), -ERR_STOPPED);
    faulty_disk_free(fake);
}

/* Each of its two syncs is needed. */
TEST(ledger_duty, could_be_lost_without_its_syncs)
{
    const enum disk_why whys[] = {DISK_WHY_EPOCH, DISK_WHY_EPOCH_NAME};
    struct faulty_disk *fake = faulty_disk_new();
    assert_int_equal(ledger_duty_write(faulty_disk_of(fake), 0, &promoted), 0);
    for (size_t i = 0; i < sizeof whys / sizeof *whys; i++) {
        int lost = 0;
        for (uint64_t seed = 0; seed < 50; seed++) {
            struct faulty_disk *after =
                faulty_disk_crash(fake, faulty_disk_ops_count(fake), seed, (int)whys[i]);
            struct ledger_duty_mark mark;
            int error = ledger_duty_read(faulty_disk_of(after), 0, &mark);
            lost += error < 0 || mark.duty != LEDGER_DUTY_PROMOTED;
            faulty_disk_free(after);
        }
        assert_true(lost > 0);
    }
    faulty_disk_free(fake);
}

TEST(ledger_duty, is_damage_with_any_bit_flipped_or_byte_missing)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct ledger_duty_mark mark;
    assert_int_equal(ledger_duty_write(faulty_disk_of(fake), 0, &standby), 0);
    for (uint64_t byte = 0; byte < DISK_SECTOR; byte++) {
        assert_true(faulty_disk_flip(fake, "duty-0000", byte, byte % 8));
        assert_int_equal(ledger_duty_read(faulty_disk_of(fake), 0, &mark), -ERR_CORRUPT);
        assert_true(faulty_disk_flip(fake, "duty-0000", byte, byte % 8));
    }
    expect(fake, &standby);
    assert_true(faulty_disk_set_size(fake, "duty-0000", 511));
    assert_int_equal(ledger_duty_read(faulty_disk_of(fake), 0, &mark), -ERR_CORRUPT);
    assert_true(faulty_disk_set_size(fake, "duty-0000", 513));
    assert_int_equal(ledger_duty_read(faulty_disk_of(fake), 0, &mark), -ERR_CORRUPT);
    faulty_disk_free(fake);
}

/* ---- epochs ---- */

static struct ledger_log *open_log(struct faulty_disk *fake)
{
    const struct ledger_file_options options = {
        .store = {.segment_bytes = LEDGER_SEGMENT_BYTES_MIN, .creation = 77}};
    struct ledger_log *log = NULL;
    assert_int_equal(ledger_file_open(&options, faulty_disk_of(fake), NULL, &log), 0);
    return log;
}

TEST(ledger_duty, an_epoch_that_was_raised_stays_raised_and_the_next_is_above_it)
{
    struct faulty_disk *fake = faulty_disk_new();
    uint64_t epoch = 0;
    struct ledger_log *log = open_log(fake);
    assert_int_equal(ledger_file_raise_epoch(log, 7), 0); /* of the primary that it follows */
    assert_int_equal(ledger_file_raise_epoch(log, TERM), 0);
    assert_int_equal(ledger_file_epoch(log), TERM);
    log->ops->free(log);
    struct faulty_disk *after =
        faulty_disk_crash(fake, faulty_disk_ops_count(fake), 0, FAULTY_DISK_NO_WHY);
    log = open_log(after);
    assert_int_equal(log->ops->take_epoch(log, 0, &epoch), 0);
    assert_int_equal(epoch, TERM + 1);
    log->ops->free(log);
    faulty_disk_free(after);
    faulty_disk_free(fake);
}

TEST(ledger_duty, an_epoch_that_could_not_be_raised_stops_the_log)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct ledger_log *log = open_log(fake);
    faulty_disk_fail_sync(fake, 1);
    assert_int_equal(ledger_file_raise_epoch(log, 7), -ERR_IO);
    assert_int_equal(ledger_file_raise_epoch(log, 7), -ERR_STOPPED);
    log->ops->free(log);
    faulty_disk_free(fake);
}
