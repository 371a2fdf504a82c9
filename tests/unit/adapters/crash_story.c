/* crash_story.c - contract in crash_story.h. */
#include "crash_story.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/ledger_store.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/prng.h"
#include "log_records.h"
#include "test.h"

#define SEGMENT_BYTES 4096
#define PROMISES_MAX  4096
#define BYTES_MAX     8192

/* What the world was told: after `ops` operations, record `seq` stands with `generation`. */
struct promise {
    size_t ops;
    uint64_t generation;
};

struct story {
    struct faulty_disk *fake;
    struct promise promises[PROMISES_MAX]; /* by seq; ops = SIZE_MAX: never promised */
    uint64_t tail;                         /* highest promised seq */
    struct {
        size_t ops;
        uint64_t epoch;
    } epochs[16];
    size_t epochs_count;
    uint64_t generation;
    const char *failure;
};

static struct story *story_new(struct faulty_disk *fake)
{
    struct story *story = calloc(1, sizeof *story);
    assert_non_null(story);
    story->fake = fake;
    return story;
}

static int open_store(struct faulty_disk *fake, struct ledger_report *report,
                      struct ledger_store **ret_store)
{
    struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .creation = 77};
    return ledger_store_open(&options, faulty_disk_of(fake), report, ret_store);
}

/* --- Holding a log against its story --- */

struct reading {
    uint64_t seq;
    uint64_t generations[PROMISES_MAX];
    bool wrong;
};

static int read_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct reading *reading = owner;
    uint64_t seq = 0, generation = 0;
    if (shard != 0 || !log_record_is(record, bytes, &seq, &generation) || seq != reading->seq + 1 ||
        seq >= PROMISES_MAX) {
        reading->wrong = true;
        return -ERR_CORRUPT;
    }
    reading->seq = seq;
    reading->generations[seq] = generation;
    return 0;
}

static int read_all(const struct ledger_store *store, struct reading *reading)
{
    struct ledger_view view = ledger_store_view(store);
    char text[LEDGER_REPORT_TEXT_BYTES];
    memset(reading, 0, sizeof *reading);
    return ledger_replay(&view, 1, read_record, reading, text);
}

static const char *promises_wrong(const struct story *story, const struct reading *reading,
                                  size_t ops)
{
    for (uint64_t seq = 1; seq <= story->tail; seq++) {
        if (story->promises[seq].ops > ops)
            continue;
        if (seq > reading->seq)
            return "an acknowledged record is lost";
        if (story->promises[seq].generation != reading->generations[seq])
            return "an acknowledged record was replaced";
    }
    return NULL;
}

static const char *epochs_wrong(const struct story *story, struct ledger_store *store, size_t ops)
{
    uint64_t epoch = 0;
    if (ledger_store_take_epoch(store, &epoch) < 0)
        return "no epoch can be taken";
    for (size_t i = 0; i < story->epochs_count; i++)
        if (story->epochs[i].ops <= ops && story->epochs[i].epoch >= epoch)
            return "an epoch was given twice";
    return NULL;
}

static const char *goes_on_wrong(struct ledger_store *store, uint64_t generation)
{
    char record[LOG_RECORD_BYTES_MIN];
    struct ledger_append append = {.epoch = store->epoch,
                                   .expected_tail = store->place.seq,
                                   .records = record,
                                   .bytes = sizeof record,
                                   .count = 1};
    log_record_make(record, sizeof record, store->place.seq + 1, generation);
    if (ledger_store_append(store, &append) != APPEND_OK)
        return "the log does not go on";
    return NULL;
}

/* An audit finds what the writer then finds, and changes nothing. */
static const char *audit_wrong(struct faulty_disk *after, struct ledger_report *ret_report)
{
    const struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .read_only = true};
    struct ledger_store *store = NULL;
    int file = -1;
    struct disk *disk = faulty_disk_of(after);
    assert_int_equal(disk->ops->open(disk, "ledger-0000.lock", true, &file), 0);
    disk->ops->close(disk, file); /* it would be made, for the fake disk knows no other lock */
    size_t ops = faulty_disk_ops_count(after);
    int error = ledger_store_open(&options, disk, ret_report, &store);
    ledger_store_free(store);
    if (error < 0 && error != -ERR_NOT_FOUND)
        return "the log cannot be audited";
    return faulty_disk_ops_count(after) == ops ? NULL : "an audit changed the disk";
}

static bool is_same_end(const struct ledger_report *read, const struct ledger_report *found)
{
    return read->groups == found->groups && read->seq_tail == found->seq_tail &&
           read->epoch == found->epoch && read->cut_sectors == found->cut_sectors &&
           read->cut_segment == found->cut_segment && read->cut_offset == found->cut_offset;
}

static const char *after_crash_wrong(const struct story *story, struct faulty_disk *after,
                                     size_t ops)
{
    static struct reading reading;
    struct ledger_report read, report;
    struct ledger_store *store = NULL;
    const char *wrong = audit_wrong(after, &read);
    if (open_store(after, &report, &store) < 0)
        return "the log does not open";
    if (wrong == NULL && !is_same_end(&read, &report))
        wrong = "an audit found another end";
    if (wrong == NULL &&
        (read_all(store, &reading) < 0 || reading.wrong || reading.seq != store->place.seq))
        wrong = "what was appended by nobody is there, or numbers are not dense";
    if (wrong == NULL)
        wrong = promises_wrong(story, &reading, ops);
    if (wrong == NULL)
        wrong = epochs_wrong(story, store, ops);
    if (wrong == NULL)
        wrong = goes_on_wrong(store, 999);
    ledger_store_free(store);
    return wrong;
}

/* Most crashes leave what another one left: where nothing is unsynced, all seeds agree. What was
 * on the disk and how much had been promised by then is all that a verdict depends on. */
struct cases {
    struct hash128 *seen;
    size_t count;
};

struct digest {
    struct faulty_disk *fake;
    struct hash128 value;
};

static void add_bytes(struct digest *digest, const void *bytes, size_t count)
{
    const uint64_t key[2] = {digest->value.low, digest->value.high};
    digest->value = siphash128(key, bytes, count);
}

static int add_file(void *owner, const char *name)
{
    struct digest *digest = owner;
    uint64_t bytes = 0;
    const char *content = faulty_disk_content(digest->fake, name, &bytes);
    add_bytes(digest, name, strlen(name));
    add_bytes(digest, &bytes, sizeof bytes);
    if (bytes > 0)
        add_bytes(digest, content, bytes);
    return 0;
}

static uint64_t promised(const struct story *story, size_t ops)
{
    uint64_t count = 0; /* rises with ops: so it names the set */
    for (uint64_t seq = 1; seq <= story->tail; seq++)
        count += story->promises[seq].ops <= ops;
    for (size_t i = 0; i < story->epochs_count; i++)
        count += story->epochs[i].ops <= ops;
    return count;
}

static bool is_new(struct cases *cases, const struct story *story, struct faulty_disk *after,
                   size_t ops)
{
    struct digest digest = {after, {0, 0}};
    uint64_t count = promised(story, ops);
    add_bytes(&digest, &count, sizeof count);
    assert_int_equal(faulty_disk_of(after)->ops->list(faulty_disk_of(after), add_file, &digest), 0);
    for (size_t i = cases->count; i > 0; i--)
        if (memcmp(&cases->seen[i - 1], &digest.value, sizeof digest.value) == 0)
            return false;
    cases->seen[cases->count++] = digest.value;
    return true;
}

/* NULL when the story holds after a crash behind `ops` operations. */
static const char *try_crash(struct story *story, struct cases *cases, size_t ops, uint64_t seed,
                             int ignored_why)
{
    struct faulty_disk *after = faulty_disk_crash(story->fake, ops, seed, ignored_why);
    const char *wrong = NULL;
    if (is_new(cases, story, after, ops))
        wrong = after_crash_wrong(story, after, ops);
    faulty_disk_free(after);
    if (wrong != NULL && ignored_why == FAULTY_DISK_NO_WHY)
        print_error("after %zu operations, seed %llu: %s\n", ops, (unsigned long long)seed, wrong);
    return wrong;
}

/* NULL when the story holds after every crash from operation `from` on. */
static const char *search(struct story *story, size_t from, uint64_t seeds, int ignored_why)
{
    size_t count = faulty_disk_ops_count(story->fake);
    struct cases cases = {calloc((count + 1) * seeds, sizeof *cases.seen), 0};
    const char *wrong = NULL;
    assert_non_null(cases.seen);
    for (size_t ops = from; ops <= count && wrong == NULL; ops++)
        for (uint64_t seed = 0; seed < seeds && wrong == NULL; seed++)
            wrong = try_crash(story, &cases, ops, seed, ignored_why);
    free(cases.seen);
    return wrong;
}

/* --- Workloads --- */

static void promise(struct story *story, uint64_t seq, uint64_t generation)
{
    assert_true(seq < PROMISES_MAX);
    story->promises[seq] = (struct promise){faulty_disk_ops_count(story->fake), generation};
    if (seq > story->tail)
        story->tail = seq;
}

/* What open() vouches for is promised too: it is answered from, and settled on. */
static struct ledger_store *begin(struct story *story, struct ledger_report *report)
{
    static struct reading reading;
    struct ledger_store *store = NULL;
    assert_int_equal(open_store(story->fake, report, &store), 0);
    assert_int_equal(read_all(store, &reading), 0);
    for (uint64_t seq = 1; seq <= reading.seq; seq++)
        promise(story, seq, reading.generations[seq]);
    uint64_t epoch = 0;
    assert_int_equal(ledger_store_take_epoch(store, &epoch), 0);
    story->epochs[story->epochs_count].ops = faulty_disk_ops_count(story->fake);
    story->epochs[story->epochs_count++].epoch = epoch;
    return store;
}

static enum append_outcome append_some(struct story *story, struct ledger_store *store,
                                       struct prng *prng)
{
    static char records[BYTES_MAX];
    uint32_t count = 1 + (uint32_t)prng_below(prng, 6);
    uint32_t bytes = LOG_RECORD_BYTES_MIN + 8 * (uint32_t)prng_below(prng, 50);
    uint64_t tail = store->place.seq;
    uint64_t generation = ++story->generation;
    struct ledger_append append = {
        .epoch = store->epoch, .expected_tail = tail, .records = records, .count = count};
    append.bytes = log_records_make(records, bytes, tail + 1, count, generation);
    enum append_outcome outcome = ledger_store_append(store, &append);
    for (uint64_t seq = tail + 1; outcome == APPEND_OK && seq <= tail + count; seq++)
        promise(story, seq, generation);
    return outcome;
}

static enum append_outcome run(struct story *story, struct ledger_store *store, int groups,
                               uint64_t seed)
{
    struct prng prng;
    enum append_outcome outcome = APPEND_OK;
    prng_seed(&prng, seed);
    for (int i = 0; i < groups && outcome == APPEND_OK; i++) {
        outcome = append_some(story, store, &prng);
        if (outcome == APPEND_OK && prng_below(&prng, 3) == 0)
            (void)ledger_store_prepare_step(store);
    }
    return outcome;
}

static void end(struct story *story, struct ledger_store *store)
{
    if (store != NULL)
        ledger_store_free(store);
    faulty_disk_free(story->fake);
    free(story);
}

const char *crash_first_life(uint64_t seed, uint64_t seeds, int ignored_why)
{
    struct ledger_report report;
    struct story *story = story_new(faulty_disk_new());
    struct ledger_store *store = begin(story, &report);
    assert_true(report.created);
    assert_int_equal(run(story, store, 16, seed), APPEND_OK);
    assert_true(store->segments_count > 3);
    const char *wrong = search(story, 0, seeds, ignored_why);
    end(story, store);
    return wrong;
}

const char *crash_second_life(uint64_t seed, int ignored_why, unsigned *cuts)
{
    struct ledger_report report;
    struct story *first = story_new(faulty_disk_new());
    struct ledger_store *store = begin(first, &report);
    assert_int_equal(run(first, store, 6, seed), APPEND_OK);
    ledger_store_free(store);
    const char *wrong = NULL;
    size_t count = faulty_disk_ops_count(first->fake);
    for (size_t ops = count / 2; ops <= count && wrong == NULL; ops++) {
        struct story *second =
            story_new(faulty_disk_crash(first->fake, ops, seed + 2, FAULTY_DISK_NO_WHY));
        second->generation = 500;
        store = begin(second, &report);
        *cuts += report.cut_sectors > 0;
        assert_int_equal(run(second, store, 2, seed + ops), APPEND_OK);
        wrong = search(second, 0, 6, ignored_why);
        end(second, store);
    }
    end(first, NULL);
    return wrong;
}

const char *crash_failed_sync(unsigned nth, uint64_t seed, int ignored_why)
{
    struct ledger_report report;
    struct story *story = story_new(faulty_disk_new());
    struct ledger_store *store = begin(story, &report);
    faulty_disk_fail_sync(story->fake, nth);
    (void)run(story, store, 8, seed);
    faulty_disk_fail_sync(story->fake, 0);
    ledger_store_free(store);
    faulty_disk_kill(story->fake);
    size_t from = faulty_disk_ops_count(story->fake);
    store = begin(story, &report);
    assert_int_equal(run(story, store, 2, seed + 1), APPEND_OK);
    const char *wrong = search(story, from, 6, ignored_why);
    end(story, store);
    return wrong;
}
