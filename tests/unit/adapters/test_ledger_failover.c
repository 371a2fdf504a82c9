/* test_ledger_failover.c - a log in two directories: which two belong together, what a failover
 * leaves behind, and that everything else is damage as ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_pair.h"
#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/ledger_store.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "log_records.h"
#include "test.h"

#define SEGMENT_BYTES 4096
#define SEGMENT(n)    "ledger-0000-000000000" #n ".seg"

struct pair {
    struct faulty_disk *fakes[2];
    struct ledger_store *store;
    struct ledger_report report;
    uint64_t epoch;
    struct ledger_store_options options;
};

static void pair_make(struct pair *pair)
{
    *pair = (struct pair){.options = {.segment_bytes = SEGMENT_BYTES, .creation = 77}};
    for (int i = 0; i < 2; i++)
        pair->fakes[i] = faulty_disk_new();
    pair->options.second = faulty_disk_of(pair->fakes[1]);
}

static void pair_free(struct pair *pair)
{
    ledger_store_free(pair->store);
    for (int i = 0; i < 2; i++)
        faulty_disk_free(pair->fakes[i]);
}

static int reopen(struct pair *pair)
{
    ledger_store_free(pair->store);
    pair->store = NULL;
    return ledger_store_open(&pair->options, faulty_disk_of(pair->fakes[0]), &pair->report,
                             &pair->store);
}

static void pair_open(struct pair *pair)
{
    assert_int_equal(reopen(pair), 0);
    assert_int_equal(ledger_store_take_epoch(pair->store, &pair->epoch), 0);
}

static void pair_close(struct pair *pair)
{
    ledger_store_free(pair->store);
    pair->store = NULL;
}

struct group {
    char records[1024];
    struct ledger_append append;
};

/* Two records of 48 bytes: one sector. */
static const struct ledger_append *group_of(struct pair *pair, struct group *group,
                                            uint64_t generation)
{
    group->append = (struct ledger_append){.epoch = pair->epoch,
                                           .expected_tail = pair->store->place.seq,
                                           .records = group->records,
                                           .count = 2};
    group->append.bytes =
        log_records_make(group->records, 48, pair->store->place.seq + 1, 2, generation);
    return &group->append;
}

static void append(struct pair *pair, int groups)
{
    struct group group;
    for (int i = 0; i < groups; i++)
        assert_int_equal(ledger_store_append(pair->store, group_of(pair, &group, 1)), APPEND_OK);
}

/* Whole groups of this epoch, behind the tail of the log, as a writer that hung leaves them. */
static void leave_behind(struct pair *pair, const char *name, uint64_t offset, int groups,
                         uint64_t epoch)
{
    struct ledger_place place = pair->store->place;
    for (int i = 0; i < groups; i++) {
        char records[128];
        struct ledger_sector sector;
        struct ledger_append group = {.epoch = epoch, .records = records, .count = 2};
        group.bytes = log_records_make(records, 48, place.seq + 1, 2, 9);
        ledger_group_fill(&sector, &group, &place);
        assert_true(faulty_disk_put(pair->fakes[pair->store->active], name,
                                    offset + (uint64_t)i * DISK_SECTOR, &sector, sizeof sector));
    }
}

/* A log of segments 0 and 1 in the first directory, 2 in the second, whose last group but one in
 * the first is superseded; closed. */
static void make_story(struct pair *pair)
{
    pair_make(pair);
    pair_open(pair);
    append(pair, 10);
    assert_int_equal(pair->store->segments_count, 2);
    leave_behind(pair, SEGMENT(1), pair->store->offset, 1, pair->epoch);
    assert_int_equal(ledger_store_fail_over(pair->store), 0);
    append(pair, 3);
    pair_close(pair);
}

static int check_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    uint64_t *seen = owner;
    uint64_t seq = 0, generation = 0;
    (void)shard;
    if (!log_record_is(record, bytes, &seq, &generation) || seq != *seen + 1 || generation != 1)
        return -ERR_FORMAT;
    *seen = seq;
    return 0;
}

/* Every record up to `tail`, none of them superseded, and no other. */
static void assert_reads(struct pair *pair, uint64_t tail)
{
    struct ledger_view view = ledger_store_view(pair->store);
    char text[LEDGER_REPORT_TEXT_BYTES];
    uint64_t seen = 0;
    assert_int_equal(ledger_replay(&view, 1, check_record, &seen, text), 0);
    assert_int_equal(seen, tail);
}

TEST(ledger_failover, goes_on_behind_the_last_durable_group)
{
    struct pair pair;
    make_story(&pair);
    assert_int_equal(reopen(&pair), 0);
    assert_int_equal(pair.report.seq_tail, 26);
    assert_int_equal(pair.report.groups, 13);
    assert_int_equal(pair.report.segments, 3);
    assert_int_equal(pair.report.volume, 1);
    assert_int_equal(pair.report.superseded_groups, 1);
    assert_int_equal(pair.report.epoch, 2);
    assert_reads(&pair, 26);
    pair_free(&pair);
}

TEST(ledger_failover, goes_there_and_back_any_number_of_times)
{
    struct pair pair;
    pair_make(&pair);
    pair.options.reserve_bytes = SEGMENT_BYTES;
    pair_open(&pair);
    for (int i = 0; i < 20; i++) {
        append(&pair, i % 4);
        leave_behind(&pair, pair.store->active == 0 ? SEGMENT(0) : SEGMENT(1), 0, 0, 0);
        assert_int_equal(ledger_store_fail_over(pair.store), 0);
        assert_int_equal(pair.store->active, (i + 1) % 2);
    }
    append(&pair, 1);
    assert_int_equal(pair.store->stats.failovers, 20);
    uint64_t tail = pair.store->place.seq;
    assert_reads(&pair, tail);
    pair_open(&pair);
    assert_int_equal(pair.epoch, 22); /* above that of every failover */
    append(&pair, 1);
    assert_reads(&pair, tail + 2);
    pair_free(&pair);
}

/* A restart with newest_only looks at heads alone in the older segments. */
TEST(ledger_failover, is_understood_from_heads_alone)
{
    struct pair pair;
    make_story(&pair);
    pair_open(&pair);
    append(&pair, 30);
    pair_close(&pair);
    pair.options.newest_only = true;
    assert_int_equal(reopen(&pair), 0);
    assert_reads(&pair, 86);
    pair_free(&pair);
}

TEST(ledger_failover, after_a_failed_write_the_failed_disk_is_not_used_again)
{
    struct pair pair;
    struct group group;
    pair_make(&pair);
    pair_open(&pair);
    append(&pair, 2);
    faulty_disk_fail_write(pair.fakes[0], 1);
    const struct ledger_append *again = group_of(&pair, &group, 1);
    assert_int_equal(ledger_store_append(pair.store, again), APPEND_UNKNOWN);
    assert_true(pair.store->stopped);
    assert_true(ledger_store_can_fail_over(pair.store));
    assert_int_equal(ledger_store_fail_over(pair.store), 0);
    assert_false(pair.store->stopped);
    assert_int_equal(ledger_store_append(pair.store, again), APPEND_OK);
    assert_false(ledger_store_can_fail_over(pair.store));
    assert_reads(&pair, 6);
    assert_int_equal(reopen(&pair), 0);
    assert_int_equal(pair.report.seq_tail, 6);
    assert_true(ledger_store_can_fail_over(pair.store)); /* a restart trusts it again */
    pair_free(&pair);
}

TEST(ledger_failover, stops_when_the_second_disk_fails_too)
{
    struct pair pair;
    pair_make(&pair);
    pair_open(&pair);
    append(&pair, 2);
    faulty_disk_fail_sync(pair.fakes[1], 2);
    assert_true(ledger_store_fail_over(pair.store) < 0);
    assert_true(pair.store->stopped);
    assert_false(ledger_store_can_fail_over(pair.store));
    assert_int_equal(reopen(&pair), 0);
    assert_int_equal(pair.report.seq_tail, 4);
    pair_free(&pair);
}

/* --- Which directories --- */

static void assert_refused(struct pair *pair, int error, const char *word)
{
    assert_int_equal(reopen(pair), error);
    assert_non_null(strstr(pair->report.text, word));
}

static void swap(struct pair *pair)
{
    struct faulty_disk *first = pair->fakes[0];
    pair->fakes[0] = pair->fakes[1];
    pair->fakes[1] = first;
    pair->options.second = faulty_disk_of(first);
}

TEST(ledger_failover, a_missing_directory_is_refused_by_name)
{
    struct pair pair;
    make_story(&pair);
    struct disk *second = pair.options.second;
    pair.options.second = NULL;
    assert_refused(&pair, -ERR_CONFIG, "--log-second");
    pair.options.read_only = true;
    assert_refused(&pair, -ERR_CONFIG, "--log-second");
    pair.options.read_only = false;
    pair.options.second = second;
    swap(&pair);
    struct disk *first = pair.options.second;
    pair.options.second = NULL;
    assert_refused(&pair, -ERR_CONFIG, "the second of the log's two directories");
    pair.options.second = first;
    assert_refused(&pair, -ERR_CONFIG, "swapped");
    swap(&pair);
    assert_int_equal(reopen(&pair), 0);
    pair_free(&pair);
}

TEST(ledger_failover, an_empty_directory_is_not_the_second_one)
{
    struct pair pair;
    make_story(&pair);
    struct faulty_disk *empty = faulty_disk_new();
    struct disk *second = pair.options.second;
    pair.options.second = faulty_disk_of(empty);
    assert_refused(&pair, -ERR_CONFIG, "not mounted");
    pair.options.second = second;
    assert_int_equal(reopen(&pair), 0);
    pair_close(&pair);
    faulty_disk_free(empty);
    pair_free(&pair);
}

TEST(ledger_failover, a_directory_with_a_log_becomes_nobodys_second)
{
    struct pair pair, other;
    pair_make(&other);
    other.options.second = NULL;
    pair_open(&other);
    append(&other, 1);
    pair_close(&other);
    pair_make(&pair);
    struct disk *own = pair.options.second;
    pair.options.second = faulty_disk_of(other.fakes[0]);
    assert_refused(&pair, -ERR_CONFIG, "holds a log already");
    pair.options.second = own;
    assert_int_equal(reopen(&pair), 0);
    assert_true(pair.report.paired);
    pair_free(&pair);
    pair_free(&other);
}

/* The second directory of before must not come back after it was given up for another. */
TEST(ledger_failover, a_directory_of_an_earlier_pairing_is_refused)
{
    struct pair pair;
    pair_make(&pair);
    pair_open(&pair);
    append(&pair, 2);
    pair_close(&pair);
    struct faulty_disk *fresh = faulty_disk_new();
    struct disk *before = pair.options.second;
    assert_int_equal(ledger_pair_end(faulty_disk_of(pair.fakes[0]), 0, 77), 0);
    pair.options.second = faulty_disk_of(fresh);
    assert_int_equal(reopen(&pair), 0);
    assert_true(pair.report.paired);
    pair.options.second = before;
    assert_refused(&pair, -ERR_CONFIG, "earlier pairing");
    pair_free(&pair);
    faulty_disk_free(fresh);
}

TEST(ledger_failover, a_log_whose_second_directory_was_given_up_opens_alone)
{
    struct pair pair;
    make_story(&pair);
    pair.options.second = NULL;
    pair.options.alone = pair.options.read_only = true;
    assert_int_equal(reopen(&pair), 0);
    assert_int_equal(pair.report.seq_tail, 22); /* the superseded group is the newest here */
    pair_close(&pair);
    assert_int_equal(ledger_pair_end(faulty_disk_of(pair.fakes[0]), 0, 77), 0);
    pair.options.alone = pair.options.read_only = false;
    assert_int_equal(reopen(&pair), 0);
    pair_free(&pair);
}

TEST(ledger_failover, an_interrupted_pairing_is_taken_up_again)
{
    for (size_t ops = 0;; ops++) {
        struct pair pair;
        pair_make(&pair);
        assert_int_equal(reopen(&pair), 0);
        pair_close(&pair);
        size_t count = faulty_disk_ops_count(pair.fakes[1]);
        struct faulty_disk *part = faulty_disk_crash(pair.fakes[1], ops, ops, FAULTY_DISK_NO_WHY);
        assert_true(faulty_disk_delete(pair.fakes[0], "volume-0000"));
        pair.options.second = faulty_disk_of(part);
        assert_int_equal(reopen(&pair), 0);
        assert_true(pair.report.paired);
        pair_free(&pair);
        faulty_disk_free(part);
        if (ops == count)
            break;
    }
}

/* --- Damage --- */

static void flip_every_byte(struct pair *pair, int volume, const char *name)
{
    uint64_t size = 0;
    assert_non_null(faulty_disk_content(pair->fakes[volume], name, &size));
    for (uint64_t byte = 0; byte < size; byte += 3) {
        assert_true(faulty_disk_flip(pair->fakes[volume], name, byte, byte % 8));
        assert_int_equal(reopen(pair), -ERR_CORRUPT);
        assert_non_null(strstr(pair->report.text, name));
        assert_true(faulty_disk_flip(pair->fakes[volume], name, byte, byte % 8));
    }
    assert_int_equal(reopen(pair), 0);
    pair_close(pair);
}

TEST(ledger_failover, any_flipped_bit_in_either_directory_is_refused)
{
    struct pair pair;
    make_story(&pair);
    flip_every_byte(&pair, 0, SEGMENT(0));
    flip_every_byte(&pair, 0, SEGMENT(1)); /* the superseded group too */
    flip_every_byte(&pair, 1, SEGMENT(2));
    flip_every_byte(&pair, 0, "epoch-0000");
    flip_every_byte(&pair, 1, "epoch-0000");
    flip_every_byte(&pair, 0, "volume-0000");
    flip_every_byte(&pair, 1, "volume-0000");
    pair_free(&pair);
}

TEST(ledger_failover, a_lost_file_in_either_directory_is_refused)
{
    static const struct {
        int volume;
        const char *name;
    } files[] = {
        {0, SEGMENT(0)}, {0, SEGMENT(1)}, {1, SEGMENT(2)}, {0, "epoch-0000"}, {1, "epoch-0000"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct pair pair;
        make_story(&pair);
        pair_open(&pair); /* what was lost since the last start only heads can tell (L8) */
        pair_close(&pair);
        assert_true(faulty_disk_delete(pair.fakes[files[i].volume], files[i].name));
        assert_int_equal(reopen(&pair), -ERR_CORRUPT);
        pair_free(&pair);
    }
}

/* Only the one group that was in flight may stand behind the end, and only of an older epoch. */
TEST(ledger_failover, what_is_behind_the_superseded_group_is_damage)
{
    static const struct {
        int groups;
        uint64_t epoch_more;
        int result;
    } cases[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, -ERR_CORRUPT}, {1, 1, -ERR_CORRUPT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair pair;
        pair_make(&pair);
        pair_open(&pair);
        append(&pair, 3);
        leave_behind(&pair, SEGMENT(0), pair.store->offset, cases[i].groups,
                     pair.epoch + cases[i].epoch_more);
        assert_int_equal(ledger_store_fail_over(pair.store), 0);
        append(&pair, 1);
        assert_int_equal(reopen(&pair), cases[i].result);
        pair_free(&pair);
    }
}

static struct ledger_segment_head head_of(struct pair *pair, int volume, const char *name)
{
    struct ledger_segment_head head;
    uint64_t size = 0;
    const char *content = faulty_disk_content(pair->fakes[volume], name, &size);
    assert_non_null(content);
    memcpy(&head, content, sizeof head);
    return head;
}

/* The segment that the first writer was about to begin, in the first directory. */
static void begin_loser(struct pair *pair, struct ledger_segment_head *head)
{
    struct disk *disk = faulty_disk_of(pair->fakes[0]);
    int file = -1;
    assert_int_equal(disk->ops->open(disk, SEGMENT(2), true, &file), 0);
    assert_int_equal(disk_write_zeros(disk, file, 0, SEGMENT_BYTES), 0);
    disk->ops->close(disk, file);
    ledger_segment_head_seal(head);
    assert_true(faulty_disk_put(pair->fakes[0], SEGMENT(2), 0, head, sizeof *head));
}

TEST(ledger_failover, a_segment_of_the_same_number_is_passed_over_only_where_a_writer_can_have_hung)
{
    struct pair pair;
    make_story(&pair);
    struct ledger_segment_head head = head_of(&pair, 1, SEGMENT(2));
    head.failover_epoch = head.previous_end = 0;
    begin_loser(&pair, &head);
    assert_int_equal(reopen(&pair), 0); /* the same place, older epoch */
    assert_reads(&pair, 26);
    pair_close(&pair);
    head.seq_first++;
    begin_loser(&pair, &head);
    assert_int_equal(reopen(&pair), -ERR_CORRUPT); /* another place */
    head = head_of(&pair, 1, SEGMENT(2));
    begin_loser(&pair, &head);
    assert_int_equal(reopen(&pair), -ERR_CORRUPT); /* a failover itself: which one counts? */
    pair_free(&pair);
}

TEST(ledger_failover, a_segment_does_not_change_its_directory_without_a_failover)
{
    struct pair pair;
    pair_make(&pair);
    pair_open(&pair);
    append(&pair, 10);
    assert_int_equal(ledger_store_fail_over(pair.store), 0);
    append(&pair, 1);
    pair_close(&pair);
    char copy[SEGMENT_BYTES];
    uint64_t size = 0;
    memcpy(copy, faulty_disk_content(pair.fakes[0], SEGMENT(1), &size), sizeof copy);
    struct disk *disk = faulty_disk_of(pair.fakes[1]);
    int file = -1;
    assert_int_equal(disk->ops->open(disk, SEGMENT(1), true, &file), 0);
    assert_int_equal(disk->ops->write(disk, file, 0, copy, sizeof copy), 0);
    disk->ops->close(disk, file);
    assert_int_equal(reopen(&pair), -ERR_CORRUPT); /* it stands in both */
    assert_true(faulty_disk_delete(pair.fakes[0], SEGMENT(1)));
    assert_int_equal(reopen(&pair), -ERR_CORRUPT); /* it was moved */
    pair_free(&pair);
}

TEST(ledger_failover, what_was_being_prepared_in_the_directory_that_was_left_is_dropped)
{
    struct pair pair;
    pair_make(&pair);
    pair_open(&pair);
    append(&pair, 1);
    while (ledger_store_prepare_step(pair.store))
        ;
    uint64_t size = 0;
    assert_non_null(faulty_disk_content(pair.fakes[0], SEGMENT(1), &size));
    assert_int_equal(ledger_store_fail_over(pair.store), 0);
    append(&pair, 1);
    assert_int_equal(reopen(&pair), 0);
    assert_null(faulty_disk_content(pair.fakes[0], SEGMENT(1), &size));
    assert_reads(&pair, 4);
    pair_free(&pair);
}

/* --- The reserve --- */

TEST(ledger_failover, the_reserve_is_used_when_the_disk_is_full_and_filled_up_again)
{
    struct pair pair;
    pair_make(&pair);
    pair.options.second = NULL;
    pair.options.reserve_bytes = 2 * SEGMENT_BYTES;
    pair.options.free_bytes_min = SEGMENT_BYTES;
    pair_open(&pair);
    struct ledger_hand *hand = ledger_store_hand(pair.store);
    assert_int_equal(hand->reserve, 2);
    assert_false(hand->full);
    /* all that there is, and a little */
    uint64_t used = 0;
    assert_int_equal(hand->disk->ops->free_bytes(hand->disk, &used), 0);
    faulty_disk_limit(pair.fakes[0], INT64_MAX - used + 100);
    ledger_store_look(pair.store);
    assert_true(hand->full);
    append(&pair, 20); /* the rest of this segment, and both of the reserve */
    assert_int_equal(pair.store->stats.reserve_used, 2);
    assert_int_equal(hand->reserve, 0);
    append(&pair, 1);
    struct group group;
    const struct ledger_append *again = group_of(&pair, &group, 1);
    assert_int_equal(ledger_store_append(pair.store, again), APPEND_REFUSED);
    assert_int_equal(ledger_store_append(pair.store, again), APPEND_REFUSED);
    faulty_disk_limit(pair.fakes[0], 0);
    assert_int_equal(ledger_store_append(pair.store, again), APPEND_OK);
    ledger_store_look(pair.store);
    assert_false(hand->full);
    ledger_store_look(pair.store);
    assert_int_equal(hand->reserve, 2);
    assert_reads(&pair, 44);
    assert_int_equal(reopen(&pair), 0);
    assert_reads(&pair, 44);
    pair_free(&pair);
}

/* A start takes it for one that was being prepared. */
static void leave_prepared(struct faulty_disk *fake, const char *name)
{
    struct disk *disk = faulty_disk_of(fake);
    int file = -1;
    assert_int_equal(disk->ops->open(disk, name, true, &file), 0);
    assert_int_equal(disk->ops->truncate(disk, file, SEGMENT_BYTES), 0);
    disk->ops->close(disk, file);
}

TEST(ledger_failover, a_reserve_that_cannot_be_synced_is_no_segment)
{
    struct pair pair;
    pair_make(&pair);
    pair.options.reserve_bytes = SEGMENT_BYTES;
    pair_open(&pair);
    append(&pair, 2);
    leave_prepared(pair.fakes[1], SEGMENT(1));
    faulty_disk_fail_sync(pair.fakes[1], 3); /* behind the epoch file and its name */
    assert_int_equal(ledger_store_fail_over(pair.store), 0);
    assert_int_equal(pair.store->hands[1].stats.reserve_used, 0);
    assert_int_equal(pair.store->hands[1].reserve, 0); /* what a sync lost is not asked again */
    append(&pair, 3);
    assert_reads(&pair, 10);
    assert_int_equal(reopen(&pair), 0);
    assert_int_equal(pair.report.seq_tail, 10);
    assert_reads(&pair, 10);
    pair_free(&pair);
}

TEST(ledger_failover, a_reserve_that_fails_on_a_full_disk_is_forgotten)
{
    struct pair pair;
    struct group group;
    pair_make(&pair);
    pair.options.second = NULL;
    pair.options.reserve_bytes = SEGMENT_BYTES;
    pair_open(&pair);
    struct ledger_hand *hand = ledger_store_hand(pair.store);
    uint64_t used = 0;
    assert_int_equal(hand->disk->ops->free_bytes(hand->disk, &used), 0);
    faulty_disk_limit(pair.fakes[0], INT64_MAX - used + 100);
    while (hand->tail.offset < SEGMENT_BYTES) /* a group is a sector */
        append(&pair, 1);
    const struct ledger_append *again = group_of(&pair, &group, 1);
    faulty_disk_fail_sync(pair.fakes[0], 1);
    assert_int_equal(ledger_store_append(pair.store, again), APPEND_REFUSED);
    faulty_disk_limit(pair.fakes[0], 0);
    assert_int_equal(ledger_store_append(pair.store, again), APPEND_OK);
    uint64_t tail = pair.store->place.seq;
    assert_int_equal(reopen(&pair), 0);
    assert_reads(&pair, tail);
    pair_free(&pair);
}
