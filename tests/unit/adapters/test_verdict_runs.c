/* test_verdict_runs.c - adapters/embedded/verdict_runs.h: every key of the log is found with its
 * record, whatever was merged, lost, damaged or stale; an old key never looks new (L3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "base/error.h"
#include "ledger/shard_verdicts.h"
#include "verdict_fixture.h"

#define FILTER 4096

static void is_right(struct verdict_fixture *f)
{
    const char *wrong = verdict_fixture_wrong(f);
    if (wrong != NULL)
        fail_msg("%s", wrong);
}

static void reopen(struct verdict_fixture *f, uint32_t chunk_keys)
{
    verdict_fixture_close(f);
    verdict_fixture_open(f, chunk_keys, FILTER);
}

/* ---- covering and merging ---- */

TEST(verdict_runs, an_empty_log_has_no_runs)
{
    static struct verdict_fixture f;
    struct hash128 key = {1, 2};
    uint64_t seq, covered;
    verdict_fixture_begin(&f);
    verdict_fixture_open(&f, 32, 64);
    assert_int_equal(verdict_runs_covered(f.runs), 0);
    assert_int_equal(verdict_fixture_run(&f), VERDICT_IDLE);
    assert_false(verdict_runs_may_have(f.runs, key));
    assert_int_equal(verdict_runs_find(f.runs, key, &seq, &covered), -ERR_NOT_FOUND);
    assert_int_equal(covered, 0);
    verdict_fixture_end(&f);
}

TEST(verdict_runs, every_key_is_found_with_its_record)
{
    static struct verdict_fixture f;
    verdict_fixture_begin(&f);
    verdict_fixture_open(&f, 32, FILTER);
    for (unsigned i = 0; i < 40; i++) {
        verdict_fixture_deposit(&f, 1 + i * 7 % 60);
        verdict_fixture_cover(&f);
        is_right(&f);
    }
    struct verdict_runs_stats stats = verdict_runs_stats(f.runs);
    assert_in_range(stats.runs, 1, 8);
    assert_int_equal(stats.keys, f.deposits);
    assert_true(stats.made >= 40 && stats.merged > 5 && stats.errors == 0);
    uint64_t covered = verdict_runs_covered(f.runs);
    reopen(&f, 32);
    assert_int_equal(verdict_runs_covered(f.runs), covered);
    assert_int_equal(f.report.dropped, 0);
    assert_int_equal(f.report.keys, f.deposits);
    is_right(&f);
    verdict_fixture_end(&f);
}

TEST(verdict_runs, only_what_is_wanted_is_covered)
{
    static struct verdict_fixture f;
    verdict_fixture_begin(&f);
    verdict_fixture_deposit(&f, 200);
    verdict_fixture_open(&f, 32, FILTER);
    assert_int_equal(verdict_fixture_run(&f), VERDICT_IDLE);
    assert_int_equal(verdict_runs_covered(f.runs), 0);
    verdict_runs_want(f.runs, f.seqs[100]);
    assert_int_equal(verdict_fixture_run(&f), VERDICT_IDLE);
    assert_int_equal(verdict_runs_covered(f.runs), f.seqs[100]);
    is_right(&f);
    verdict_runs_want(f.runs, f.seqs[50]); /* says nothing */
    verdict_runs_want(f.runs, UINT64_MAX); /* as far as the log goes */
    assert_int_equal(verdict_fixture_run(&f), VERDICT_IDLE);
    assert_int_equal(verdict_runs_covered(f.runs), f.store->place.seq);
    is_right(&f);
    verdict_fixture_end(&f);
}

/* One large chunk: pages that are full spill into the next. */
TEST(verdict_runs, full_pages_spill_into_the_next)
{
    static struct verdict_fixture f;
    verdict_fixture_begin(&f);
    verdict_fixture_deposit(&f, 19000);
    verdict_fixture_open(&f, 19000, 1u << 15);
    verdict_fixture_cover(&f);
    assert_int_equal(verdict_runs_stats(f.runs).runs, 1);
    is_right(&f);
    verdict_fixture_end(&f);
}

/* A filter that is nearly always wrong costs look-ups and nothing else. */
TEST(verdict_runs, a_tiny_filter_is_right_all_the_same)
{
    static struct verdict_fixture f;
    verdict_fixture_begin(&f);
    verdict_fixture_deposit(&f, 500);
    verdict_fixture_open(&f, 64, 64);
    verdict_fixture_cover(&f);
    is_right(&f);
    verdict_fixture_end(&f);
}

/* ---- what is there when it is opened ---- */

static int name_first(void *owner, const char *name)
{
    char *to = owner;
    if (to[0] == '\0' || strcmp(name, to) < 0)
        (void)snprintf(to, DISK_NAME_BYTES_MAX + 1, "%s", name);
    return 0;
}

static void first_run(struct verdict_fixture *f, char name[DISK_NAME_BYTES_MAX + 1])
{
    struct disk *disk = faulty_disk_of(f->disk);
    name[0] = '\0';
    assert_int_equal(disk->ops->list(disk, name_first, name), 0);
    assert_true(name[0] != '\0');
}

static void covered_log(struct verdict_fixture *f)
{
    verdict_fixture_begin(f);
    verdict_fixture_deposit(f, 700);
    verdict_fixture_open(f, 64, FILTER);
    verdict_fixture_cover(f);
    verdict_fixture_close(f);
}

/* Each byte of the fields of the head, its checksum at the very end, and some of the others. */
static uint64_t next_byte(uint64_t at)
{
    const uint64_t end = VERDICT_PAGE_BYTES - 4;
    if (at < 100 || (at >= end && at < VERDICT_PAGE_BYTES))
        return at + 1;
    return at < end && at + 97 > end ? end : at + 97;
}

/* What is not sound is made again before covered() says that it is there. */
TEST(verdict_runs, no_flipped_bit_is_taken)
{
    static struct verdict_fixture f;
    char name[DISK_NAME_BYTES_MAX + 1];
    covered_log(&f);
    first_run(&f, name);
    struct faulty_disk *whole = f.disk;
    bool more = true;
    for (uint64_t at = 0; more; at = next_byte(at)) {
        f.disk = faulty_disk_crash(whole, faulty_disk_ops_count(whole), 1, FAULTY_DISK_NO_WHY);
        more = faulty_disk_flip(f.disk, name, at, at % 8);
        if (!more) {
            faulty_disk_free(f.disk);
            break;
        }
        verdict_fixture_open(&f, 64, FILTER);
        assert_int_equal(f.report.dropped, 1);
        assert_true(strncmp(f.report.text, name, strlen(name)) == 0);
        assert_true(verdict_runs_covered(f.runs) < f.store->place.seq);
        verdict_fixture_cover(&f);
        if (at % 5 == 0)
            is_right(&f);
        verdict_fixture_close(&f);
        faulty_disk_free(f.disk);
    }
    f.disk = whole;
    verdict_fixture_end(&f);
}

TEST(verdict_runs, missing_and_short_files_are_made_again)
{
    static struct verdict_fixture f;
    char name[DISK_NAME_BYTES_MAX + 1];
    covered_log(&f);
    for (int i = 0; i < 4; i++) {
        first_run(&f, name);
        if (i == 0)
            assert_true(faulty_disk_delete(f.disk, name));
        else
            assert_true(faulty_disk_set_size(f.disk, name, i == 1 ? 0 : i == 2 ? 4096 : 5000));
        verdict_fixture_open(&f, 64, FILTER);
        assert_int_equal(f.report.dropped, i == 0 ? 0 : 1);
        assert_int_equal(verdict_runs_covered(f.runs), 0);
        verdict_fixture_cover(&f);
        is_right(&f);
        verdict_fixture_close(&f);
    }
    verdict_fixture_end(&f);
}

TEST(verdict_runs, runs_of_another_log_are_not_taken)
{
    static struct verdict_fixture f, other;
    covered_log(&f);
    verdict_fixture_begin(&other); /* the same book, but shorter: it is a copy of before */
    verdict_fixture_deposit(&other, 300);
    faulty_disk_free(other.disk);
    other.disk = f.disk;
    verdict_fixture_open(&other, 64, FILTER);
    assert_true(other.report.dropped > 0);
    verdict_fixture_cover(&other);
    is_right(&other);
    verdict_fixture_close(&other);
    other.disk = faulty_disk_new();
    verdict_fixture_end(&other);
    verdict_fixture_end(&f);
}

TEST(verdict_runs, what_a_crash_left_unfinished_is_deleted)
{
    static struct verdict_fixture f;
    uint64_t bytes;
    covered_log(&f);
    char name[] = "verdicts-0000-0000000999.run.new";
    int file;
    struct disk *disk = faulty_disk_of(f.disk);
    assert_int_equal(disk->ops->open(disk, name, true, &file), 0);
    disk->ops->close(disk, file);
    verdict_fixture_open(&f, 64, FILTER);
    assert_null(faulty_disk_content(f.disk, name, &bytes));
    assert_int_equal(f.report.dropped, 0);
    verdict_fixture_end(&f);
}

/* ---- damage that is met later ---- */

TEST(verdict_runs, damage_is_never_told_as_a_new_key)
{
    static struct verdict_fixture f;
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t seq, covered;
    unsigned damaged = 0, unknown = 0;
    covered_log(&f);
    verdict_fixture_open(&f, 64, FILTER);
    first_run(&f, name); /* the oldest and largest */
    assert_true(faulty_disk_flip(f.disk, name, VERDICT_PAGE_BYTES + 900, 3));
    for (uint32_t n = 0; n < f.deposits; n++) {
        int error = verdict_runs_find(f.runs, verdict_fixture_key(&f, n), &seq, &covered);
        if (error == 0)
            assert_int_equal(seq, f.seqs[n]);
        else
            assert_int_equal(error, -ERR_CORRUPT);
        damaged += error == -ERR_CORRUPT;
    }
    assert_true(damaged > 20);
    assert_int_equal(verdict_runs_step(f.runs), VERDICT_MORE); /* it is dropped */
    assert_int_equal(verdict_runs_covered(f.runs), f.store->place.seq);
    for (uint32_t n = 0; n < f.deposits + 20; n++) {
        int error = verdict_runs_find(f.runs, verdict_fixture_key(&f, n), &seq, &covered);
        assert_true(error == 0 || error == -ERR_BUSY);
        unknown += error == -ERR_BUSY;
    }
    assert_true(unknown > 20);
    assert_int_equal(verdict_fixture_run(&f), VERDICT_IDLE);
    is_right(&f);
    assert_int_equal(verdict_runs_stats(f.runs).dropped, 1);
    reopen(&f, 64);
    assert_int_equal(f.report.dropped, 0);
    assert_int_equal(verdict_runs_covered(f.runs), f.store->place.seq);
    is_right(&f);
    verdict_fixture_end(&f);
}

/* The scrub met it first, in a head or page that nobody has looked at since the start. */
TEST(verdict_runs, a_run_that_is_distrusted_is_made_again)
{
    static struct verdict_fixture f;
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t bytes, serial;
    covered_log(&f);
    verdict_fixture_open(&f, 64, FILTER);
    first_run(&f, name);
    assert_true(verdict_run_name_parse(name, 0, &serial));
    verdict_runs_distrust(f.runs, serial + 1000); /* merged away meanwhile */
    assert_int_equal(verdict_runs_step(f.runs), VERDICT_IDLE);
    assert_true(faulty_disk_flip(f.disk, name, 4095, 3));
    verdict_runs_distrust(f.runs, serial);
    assert_int_equal(verdict_fixture_run(&f), VERDICT_IDLE);
    assert_null(faulty_disk_content(f.disk, name, &bytes));
    assert_string_equal(verdict_runs_text(f.runs), ""); /* it goes on: nothing is wrong for good */
    assert_int_equal(verdict_runs_stats(f.runs).dropped, 1);
    is_right(&f);
    reopen(&f, 64);
    assert_int_equal(f.report.dropped, 0);
    is_right(&f);
    verdict_fixture_end(&f);
}

static int name_last(void *owner, const char *name)
{
    char *last = owner;
    if (strstr(name, ".run") != NULL && strcmp(name, last) > 0)
        memcpy(last, name, strlen(name) + 1);
    return 0;
}

/* Behind a start nobody has wanted yet what was covered before; it is covered all the same. */
TEST(verdict_runs, the_last_run_is_made_again_without_being_wanted_anew)
{
    static struct verdict_fixture f;
    char name[DISK_NAME_BYTES_MAX + 1] = "";
    uint64_t serial, seq, covered;
    covered_log(&f);
    verdict_fixture_open(&f, 64, FILTER);
    struct disk *disk = faulty_disk_of(f.disk);
    assert_int_equal(disk->ops->list(disk, name_last, name), 0);
    assert_true(verdict_run_name_parse(name, 0, &serial));
    verdict_runs_distrust(f.runs, serial);
    for (int i = 0; i < 1000 && verdict_runs_step(f.runs) == VERDICT_MORE; i++)
        ;
    for (uint32_t n = 0; n < f.deposits; n++) {
        assert_int_equal(verdict_runs_find(f.runs, verdict_fixture_key(&f, n), &seq, &covered), 0);
        assert_int_equal(seq, f.seqs[n]);
    }
    verdict_fixture_end(&f);
}

TEST(verdict_runs, damage_that_a_merge_meets_costs_that_run_alone)
{
    static struct verdict_fixture f;
    char name[DISK_NAME_BYTES_MAX + 1];
    covered_log(&f);
    verdict_fixture_open(&f, 64, FILTER);
    first_run(&f, name);
    assert_true(faulty_disk_flip(f.disk, name, VERDICT_PAGE_BYTES + 900, 3));
    verdict_fixture_deposit(&f, 1500);
    verdict_fixture_cover(&f);
    assert_int_equal(verdict_runs_stats(f.runs).dropped, 1);
    is_right(&f);
    verdict_fixture_end(&f);
}

/* ---- the log ---- */

TEST(verdict_runs, a_key_with_two_verdicts_is_a_contradiction_wherever_they_stand)
{
    static const uint32_t distances[] = {3, 40, 600};
    for (int i = 0; i < 3; i++) {
        static struct verdict_fixture f;
        char expected[VERDICT_TEXT_BYTES];
        verdict_fixture_begin(&f);
        verdict_fixture_deposit(&f, 5 + SHARD_VERDICTS_BLOCK + distances[i]);
        verdict_fixture_again(&f, 5);
        (void)snprintf(expected, sizeof expected,
                       "L3: one key, one verdict: records %llu and %llu have one",
                       (unsigned long long)f.seqs[5], (unsigned long long)f.store->place.seq);
        verdict_fixture_deposit(&f, 1000);
        verdict_fixture_open(&f, 64, FILTER);
        verdict_runs_want(f.runs, f.store->place.seq);
        assert_int_equal(verdict_fixture_run(&f), -ERR_CORRUPT);
        assert_string_equal(verdict_runs_text(f.runs), expected);
        assert_int_equal(verdict_runs_step(f.runs), -ERR_CORRUPT);
        verdict_fixture_end(&f);
    }
}

/* ---- a disk that fails ---- */

TEST(verdict_runs, a_write_or_sync_that_fails_is_made_up_for)
{
    for (unsigned nth = 1; nth < 14; nth++)
        for (int sync = 0; sync < 2; sync++) {
            static struct verdict_fixture f;
            verdict_fixture_begin(&f);
            verdict_fixture_deposit(&f, 400);
            verdict_fixture_open(&f, 64, FILTER);
            verdict_runs_want(f.runs, f.store->place.seq);
            if (sync)
                faulty_disk_fail_sync(f.disk, nth);
            else
                faulty_disk_fail_write(f.disk, nth);
            assert_int_equal(verdict_fixture_run(&f), -ERR_IO);
            is_right(&f);
            verdict_fixture_cover(&f);
            is_right(&f);
            assert_int_equal(verdict_runs_stats(f.runs).errors, 1);
            reopen(&f, 64);
            assert_int_equal(f.report.dropped, 0);
            is_right(&f);
            verdict_fixture_end(&f);
        }
}

TEST(verdict_runs, a_full_disk_covers_no_more_and_forgets_nothing)
{
    static struct verdict_fixture f;
    verdict_fixture_begin(&f);
    verdict_fixture_deposit(&f, 400);
    verdict_fixture_open(&f, 64, FILTER);
    faulty_disk_limit(f.disk, 30000);
    verdict_runs_want(f.runs, f.store->place.seq);
    assert_int_equal(verdict_fixture_run(&f), -ERR_NO_SPACE);
    assert_true(verdict_runs_covered(f.runs) < f.store->place.seq);
    is_right(&f);
    faulty_disk_limit(f.disk, 0);
    verdict_fixture_cover(&f);
    is_right(&f);
    verdict_fixture_end(&f);
}

/* ---- crashes ---- */

/* Power fails behind any operation, any unsynced sector or name is there or not: what is open then
 * tells no lie, and after a sync was honest nothing has to be made again. NULL, or what is wrong.
 */
static const char *after_crash(struct verdict_fixture *f, struct faulty_disk *disk,
                               uint64_t promised)
{
    const char *wrong = NULL;
    struct faulty_disk *before = f->disk;
    f->disk = disk;
    verdict_fixture_open(f, 64, FILTER);
    if (f->report.dropped > 0 || verdict_runs_covered(f->runs) < promised)
        wrong = "what was covered has to be made again";
    const char *lie = verdict_fixture_wrong(f);
    verdict_fixture_cover(f);
    if (lie == NULL)
        lie = verdict_fixture_wrong(f);
    if (lie != NULL)
        fail_msg("%s", lie); /* whatever the disk did */
    verdict_fixture_close(f);
    f->disk = before;
    return wrong;
}

#define PROMISES 64

static const char *crash_search(int ignored_why)
{
    static struct verdict_fixture f;
    size_t ops[PROMISES];
    uint64_t promised[PROMISES];
    unsigned promises = 0;
    const char *wrong = NULL;
    verdict_fixture_begin(&f);
    verdict_fixture_deposit(&f, 200);
    verdict_fixture_open(&f, 64, FILTER);
    verdict_runs_want(f.runs, f.store->place.seq);
    do {
        if (promises == 0 || promised[promises - 1] < verdict_runs_covered(f.runs)) {
            assert_true(promises < PROMISES);
            ops[promises] = faulty_disk_ops_count(f.disk);
            promised[promises++] = verdict_runs_covered(f.runs);
        }
    } while (verdict_runs_step(f.runs) > 0);
    size_t count = faulty_disk_ops_count(f.disk);
    verdict_fixture_close(&f);
    for (size_t at = 0; wrong == NULL && at <= count; at++)
        for (uint64_t seed = 0; wrong == NULL && seed < 3; seed++) {
            uint64_t least = 0;
            for (unsigned i = 0; i < promises; i++)
                if (ops[i] <= at)
                    least = promised[i];
            struct faulty_disk *disk = faulty_disk_crash(f.disk, at, seed, ignored_why);
            wrong = after_crash(&f, disk, least);
            faulty_disk_free(disk);
        }
    verdict_fixture_end(&f);
    return wrong;
}

TEST(verdict_runs, no_crash_makes_an_old_key_look_new_or_loses_a_run)
{
    assert_null(crash_search(FAULTY_DISK_NO_WHY));
}

TEST(verdict_runs, needs_both_of_its_syncs)
{
    assert_non_null(crash_search(DISK_WHY_VERDICTS));
    assert_non_null(crash_search(DISK_WHY_VERDICTS_NAME));
}
