/* test_scrub.c - adapters/embedded/scrub.h: a bit that fell anywhere at rest is found in one round,
 * with file and byte; what is being written or has gone is no damage; nothing is changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/ledger_archiver.h"
#include "adapters/embedded/ledger_packer.h"
#include "adapters/embedded/odds_log_file.h"
#include "adapters/embedded/scrub.h"
#include "adapters/embedded/snapshot_file.h"
#include "adapters/embedded/tree_file.h"
#include "adapters/embedded/verdict_run.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "log_records.h"
#include "maker.h"

#define SEGMENT_BYTES 8192u
#define SEGMENTS      6

struct rest {
    struct faulty_disk *here, *there, *odds, *tree, *verdicts;
    struct ledger_store *store;
    struct scrub *scrub;
    char snapshot[DISK_NAME_BYTES_MAX + 1];
    char odds_name[DISK_NAME_BYTES_MAX + 1];
    unsigned found; /* in the round made last */
};

static struct ledger_view view_of(void *owner)
{
    return ledger_store_view(((struct rest *)owner)->store);
}

static void append(struct rest *r)
{
    char record[408];
    uint64_t tail = r->store->place.seq;
    struct ledger_append append = {
        .epoch = r->store->epoch_taken, .expected_tail = tail, .records = record, .count = 1};
    append.bytes = log_records_make(record, sizeof record, tail + 1, 1, tail + 1);
    assert_int_equal(ledger_store_append(r->store, &append), APPEND_OK);
}

static void make_log(struct rest *r)
{
    struct ledger_store_options options = {
        .segment_bytes = SEGMENT_BYTES, .creation = 5, .archive = faulty_disk_of(r->there)};
    struct ledger_report report;
    uint64_t epoch = 0;
    assert_int_equal(ledger_store_open(&options, faulty_disk_of(r->here), &report, &r->store), 0);
    assert_int_equal(ledger_store_take_epoch(r->store, &epoch), 0);
    while (r->store->segments_count < SEGMENTS)
        append(r);
    append(r);
}

/* Of a state of its own, at a number above all: what matters here is its bytes. */
static void make_snapshot(struct rest *r)
{
    const struct snapshot_file_options options = {.keep = 2};
    struct snapshot_store *store = NULL;
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    struct maker maker;
    size_t count = 0;
    maker_open(&maker);
    assert_int_equal(snapshot_file_new(&options, faulty_disk_of(r->here), &store), 0);
    assert_int_equal(store->ops->save(store, maker.state), 0);
    store->ops->free(store);
    maker_done(&maker);
    assert_int_equal(snapshot_file_list(faulty_disk_of(r->here), 0, names, &count), 0);
    assert_int_equal(count, 1);
    memcpy(r->snapshot, names[0].name, sizeof r->snapshot);
}

/* A segment that two lives wrote: the first is sealed. */
static void make_odds(struct rest *r)
{
    for (int life = 0; life < 2; life++) {
        struct odds_log_file_options options = {.segment_bytes = ODDS_LOG_SEGMENT_BYTES_MIN};
        struct odds_log_report report;
        struct odds_log *log = NULL;
        assert_int_equal(odds_log_file_open(&options, faulty_disk_of(r->odds), &report, &log), 0);
        for (uint64_t i = 0; i < 20; i++) {
            struct odds_log_selection selection = {.id = SLICE("1"), .odds = {2, 1}};
            struct odds_log_change change = {.market_id = SLICE("m"),
                                             .event_id = SLICE("e"),
                                             .provider = SLICE("p"),
                                             .status = MARKET_ACTIVE,
                                             .odds_version = i,
                                             .selections = &selection,
                                             .selections_count = 1};
            (void)log->ops->append(log, &change);
        }
        log->ops->free(log);
    }
    (void)snprintf(r->odds_name, sizeof r->odds_name, "odds-%010u.log", 0);
}

/* Two whole tiles, a part of one, and two hashes above. */
#define TREE_RECORDS 600

static void make_tree(struct rest *r)
{
    const struct tree_file_options options = {.creation = 5, .size_max = TREE_RECORDS};
    struct tree_file *tree = NULL;
    assert_int_equal(tree_file_open(&options, faulty_disk_of(r->tree), &tree), 0);
    for (uint32_t i = 0; i < TREE_RECORDS; i++)
        assert_int_equal(tree_file_add(tree, slice_of(&i, sizeof i)), 0);
    assert_int_equal(tree_file_checkpoint(tree), 0);
    tree_file_free(tree);
}

static void make_verdicts(struct rest *r)
{
    const struct verdict_run_head what = {
        .serial = 1, .seq_first = 1, .seq_last = 300, .keys = 300};
    struct verdict_run_writer writer;
    assert_int_equal(verdict_run_writer_new(faulty_disk_of(r->verdicts), &writer), 0);
    assert_int_equal(verdict_run_begin(&writer, &what), 0);
    for (uint64_t i = 0; i < what.keys; i++) {
        const struct verdict_entry entry = {.key = {.high = i << 55, .low = i}, .seq = i + 1};
        assert_int_equal(verdict_run_put(&writer, &entry), 0);
    }
    assert_int_equal(verdict_run_end(&writer), 0);
    verdict_run_writer_done(&writer);
}

static void move_some(struct rest *r)
{
    const struct ledger_cursor_log log = {view_of, r};
    const struct ledger_packer_options packing = {.keep = 2};
    struct ledger_packer *packer = NULL;
    assert_int_equal(ledger_packer_new(&log, &packing, &packer), 0);
    while (ledger_packer_step(packer) > 0)
        ;
    ledger_packer_free(packer);
    /* The archiver asks for a snapshot that covers it: an empty file will do for a moment. */
    struct ledger_archiver *archiver = NULL;
    struct faulty_disk *names = faulty_disk_new();
    const struct ledger_archiver_options archiving = {.archive = faulty_disk_of(r->there),
                                                      .snapshots = faulty_disk_of(names),
                                                      .keep = 3,
                                                      .packs = false};
    int file = -1;
    struct disk *disk = faulty_disk_of(names);
    assert_int_equal(disk->ops->open(disk, "snapshot-0000-00000000000000900000.snap", true, &file),
                     0);
    disk->ops->close(disk, file);
    assert_int_equal(ledger_archiver_new(&log, &archiving, &archiver), 0);
    while (ledger_archiver_step(archiver) > 0)
        ;
    ledger_archiver_free(archiver);
    faulty_disk_free(names);
}

static void begin(struct rest *r)
{
    const struct ledger_cursor_log log = {view_of, r};
    *r = (struct rest){
        .here = faulty_disk_new(), .there = faulty_disk_new(), .odds = faulty_disk_new()};
    r->tree = faulty_disk_new();
    r->verdicts = faulty_disk_new();
    const struct scrub_options options = {.ledger = faulty_disk_of(r->here),
                                          .odds = faulty_disk_of(r->odds),
                                          .tree = faulty_disk_of(r->tree),
                                          .verdicts = faulty_disk_of(r->verdicts)};
    make_log(r);
    move_some(r);
    make_snapshot(r);
    make_odds(r);
    make_tree(r);
    make_verdicts(r);
    assert_int_equal(scrub_new(&log, &options, &r->scrub), 0);
}

static void end(struct rest *r)
{
    scrub_free(r->scrub);
    ledger_store_free(r->store);
    faulty_disk_free(r->here);
    faulty_disk_free(r->there);
    faulty_disk_free(r->odds);
    faulty_disk_free(r->tree);
    faulty_disk_free(r->verdicts);
}

/* One whole round; the problem found last, or "". */
static const char *round_of(struct rest *r)
{
    int result = 1;
    r->found = 0;
    while (result != 0) {
        result = scrub_step(r->scrub);
        assert_true(result >= 0 || result == -ERR_CORRUPT);
        r->found += result < 0;
    }
    return r->found > 0 ? scrub_problem(r->scrub) : "";
}

static size_t ops_of(const struct rest *r)
{
    return faulty_disk_ops_count(r->here) + faulty_disk_ops_count(r->there) +
           faulty_disk_ops_count(r->odds) + faulty_disk_ops_count(r->tree) +
           faulty_disk_ops_count(r->verdicts);
}

TEST(scrub, reads_everything_finds_nothing_and_changes_nothing)
{
    struct rest r;
    begin(&r);
    size_t ops = ops_of(&r);
    for (int i = 0; i < 3; i++)
        assert_string_equal(round_of(&r), "");
    struct scrub_stats stats = scrub_stats(r.scrub);
    assert_int_equal(stats.rounds, 3);
    assert_int_equal(stats.damage, 0);
    assert_int_equal(stats.damaged, 0);
    assert_int_equal(stats.missing, 0);
    assert_true(stats.bytes > 3 * (SEGMENTS - 1) * (SEGMENT_BYTES - DISK_SECTOR));
    assert_int_equal(ops_of(&r), ops);
    end(&r);
}

/* Every byte of the file, up to `used`: one bit of it falls, and one round names the file. */
static void find_every_bit(struct rest *r, struct faulty_disk *fake, const char *name,
                           uint64_t used)
{
    uint64_t bytes = 0;
    assert_non_null(faulty_disk_content(fake, name, &bytes));
    if (used == 0)
        used = bytes;
    for (uint64_t byte = 0; byte < used; byte += 3) {
        assert_true(faulty_disk_flip(fake, name, byte, byte % 8));
        const char *problem = round_of(r);
        if (r->found != 1 || strstr(problem, name) == NULL || strstr(problem, "at byte ") == NULL)
            print_error("%s, byte %llu: %s\n", name, (unsigned long long)byte, problem);
        assert_int_equal(r->found, 1);
        assert_non_null(strstr(problem, name));
        assert_non_null(strstr(problem, "at byte "));
        assert_int_equal(scrub_stats(r->scrub).damaged, 1);
        assert_true(faulty_disk_flip(fake, name, byte, byte % 8));
    }
    assert_string_equal(round_of(r), "");
    assert_int_equal(scrub_stats(r->scrub).damaged, 0);
}

TEST(scrub, finds_a_bit_in_a_plain_segment_and_in_the_newest)
{
    struct rest r;
    begin(&r);
    find_every_bit(&r, r.here, "ledger-0000-0000000003.seg", 0);
    find_every_bit(&r, r.here, "ledger-0000-0000000005.seg", r.store->offset);
    end(&r);
}

TEST(scrub, finds_a_bit_in_a_packed_segment_and_in_an_archived_one)
{
    struct rest r;
    begin(&r);
    find_every_bit(&r, r.here, "ledger-0000-0000000002.segz", 0);
    find_every_bit(&r, r.there, "ledger-0000-0000000001.segz", 0);
    find_every_bit(&r, r.here, "ledger-0000-0000000001.away", 0);
    end(&r);
}

TEST(scrub, finds_a_bit_in_a_snapshot)
{
    struct rest r;
    begin(&r);
    find_every_bit(&r, r.here, r.snapshot, 0);
    end(&r);
}

TEST(scrub, finds_a_bit_in_a_sealed_segment_of_the_odds_log)
{
    struct rest r;
    begin(&r);
    find_every_bit(&r, r.odds, r.odds_name, 0);
    end(&r);
}

/* Of some bytes all over the file; of a hash and what it is made of, either may be named. */
static void find_some_bits(struct rest *r, struct faulty_disk *fake, const char *name,
                           const char *named)
{
    uint64_t bytes = 0;
    assert_non_null(faulty_disk_content(fake, name, &bytes));
    for (uint64_t byte = 0; byte < bytes; byte += 31) {
        assert_true(faulty_disk_flip(fake, name, byte, byte % 8));
        const char *problem = round_of(r);
        if (r->found != 1 || strstr(problem, named) == NULL)
            print_error("%s, byte %llu: %s\n", name, (unsigned long long)byte, problem);
        assert_int_equal(r->found, 1);
        assert_non_null(strstr(problem, named));
        assert_true(faulty_disk_flip(fake, name, byte, byte % 8));
    }
    assert_string_equal(round_of(r), "");
}

TEST(scrub, finds_a_bit_in_a_tile_of_the_tree_in_what_is_above_and_in_its_state)
{
    struct rest r;
    begin(&r);
    find_some_bits(&r, r.tree, "tree-0000-0", "tree-0000-0 at byte ");
    find_some_bits(&r, r.tree, "tree-0000-1", "tree-0000-0 at byte ");
    find_some_bits(&r, r.tree, "tree-0000", "tree-0000 at byte 0");
    end(&r);
}

TEST(scrub, finds_a_bit_in_a_run_of_old_keys)
{
    struct rest r;
    begin(&r);
    const char *name = "verdicts-0000-0000000001.run";
    for (uint64_t byte = 0; byte < 3 * VERDICT_PAGE_BYTES; byte += 29) {
        assert_true(faulty_disk_flip(r.verdicts, name, byte, byte % 8));
        assert_non_null(strstr(round_of(&r), name));
        assert_int_equal(r.found, 1);
        assert_int_equal(scrub_damage(r.scrub), SCRUB_DAMAGE_RUN);
        assert_int_equal(scrub_damaged_run(r.scrub), 1);
        assert_true(faulty_disk_flip(r.verdicts, name, byte, byte % 8));
    }
    assert_string_equal(round_of(&r), "");
    end(&r);
}

TEST(scrub, goes_on_behind_what_is_damaged_and_counts_it_in_each_round)
{
    struct rest r;
    begin(&r);
    assert_true(faulty_disk_flip(r.here, "ledger-0000-0000000003.seg", 600, 0));
    assert_true(faulty_disk_flip(r.odds, r.odds_name, 70, 0));
    (void)round_of(&r);
    assert_int_equal(r.found, 2);
    (void)round_of(&r);
    assert_int_equal(r.found, 2);
    assert_int_equal(scrub_stats(r.scrub).damage, 4);
    assert_int_equal(scrub_stats(r.scrub).damaged, 2);
    end(&r);
}

TEST(scrub, takes_an_archived_file_that_is_away_for_missing_and_not_for_damaged)
{
    struct rest r;
    begin(&r);
    assert_true(faulty_disk_delete(r.there, "ledger-0000-0000000001.segz"));
    assert_string_equal(round_of(&r), "");
    assert_int_equal(scrub_stats(r.scrub).missing, 1);
    end(&r);
}

TEST(scrub, does_not_mind_what_is_written_or_dropped_meanwhile)
{
    struct rest r;
    begin(&r);
    for (int i = 0; i < 400; i++) {
        int result = scrub_step(r.scrub);
        assert_true(result >= 0);
        if (i % 3 == 0)
            append(&r);
        if (i == 40)
            assert_true(faulty_disk_delete(r.here, r.snapshot));
    }
    assert_true(scrub_stats(r.scrub).rounds > 1);
    assert_int_equal(scrub_stats(r.scrub).damage, 0);
    end(&r);
}
