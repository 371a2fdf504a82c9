/* crash_story.c - contract in crash_story.h. */
#include "crash_story.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_packer.h"
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

/* The disks of one machine. */
struct disks {
    struct faulty_disk *first, *second; /* second: NULL, or that of the log's second directory */
};

/* What the world was told: after `ops` operations, record `seq` stands with `generation`. */
struct promise {
    size_t ops;
    uint64_t generation;
};

struct story {
    struct disks disks;
    struct promise promises[PROMISES_MAX]; /* by seq; ops = SIZE_MAX: never promised */
    uint64_t tail;                         /* highest promised seq */
    struct {
        size_t ops;
        uint64_t epoch;
    } epochs[16];
    size_t epochs_count;
    uint64_t generation;
    bool packs; /* after a crash the log is packed to its end too */
};

static struct story *story_new(struct disks disks)
{
    struct story *story = calloc(1, sizeof *story);
    assert_non_null(story);
    story->disks = disks;
    if (disks.second != NULL)
        faulty_disk_beside(disks.second, disks.first);
    return story;
}

static size_t now(struct disks disks)
{
    return (size_t)faulty_disk_clock(disks.first);
}

static void free_disks(struct disks disks)
{
    if (disks.second != NULL)
        faulty_disk_free(disks.second);
    faulty_disk_free(disks.first);
}

/* What a power failure behind the first `ops` operations leaves; each disk loses what it will. */
static struct disks crash(struct disks disks, size_t ops, uint64_t seed, int ignored_why)
{
    struct disks after = {NULL, NULL};
    if (disks.second == NULL) {
        after.first = faulty_disk_crash(disks.first, ops, seed, ignored_why);
        return after;
    }
    /* 0 and 1 lose and keep all: of both, and of either one alone. */
    static const uint64_t pairs[][2] = {{0, 0}, {1, 1}, {0, 1}, {1, 0}};
    uint64_t seeds[2] = {2 * seed, 2 * seed + 1};
    if (seed < sizeof pairs / sizeof *pairs)
        memcpy(seeds, pairs[seed], sizeof seeds);
    after.first =
        faulty_disk_crash(disks.first, faulty_disk_ops_at(disks.first, ops), seeds[0], ignored_why);
    after.second = faulty_disk_crash(disks.second, faulty_disk_ops_at(disks.second, ops), seeds[1],
                                     ignored_why);
    return after;
}

static int open_store(struct disks disks, struct ledger_report *report,
                      struct ledger_store **ret_store)
{
    struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .creation = 77};
    if (disks.second != NULL) {
        options.second = faulty_disk_of(disks.second);
        options.reserve_bytes = SEGMENT_BYTES;
    }
    return ledger_store_open(&options, faulty_disk_of(disks.first), report, ret_store);
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
    struct ledger_append append = {.epoch = store->epoch_taken,
                                   .expected_tail = store->place.seq,
                                   .records = record,
                                   .bytes = sizeof record,
                                   .count = 1};
    log_record_make(record, sizeof record, store->place.seq + 1, generation);
    if (ledger_store_append(store, &append) != APPEND_OK)
        return "the log does not go on";
    return NULL;
}

/* --- Packing --- */

static struct ledger_view view_of(void *owner)
{
    return ledger_store_view(owner);
}

static struct ledger_packer *new_packer(struct ledger_store *store)
{
    const struct ledger_cursor_log log = {view_of, store};
    const struct ledger_packer_options options = {.keep = 0};
    struct ledger_packer *packer = NULL;
    assert_int_equal(ledger_packer_new(&log, &options, &packer), 0);
    return packer;
}

static int pack_all(struct ledger_packer *packer)
{
    int result = 1;
    while (result > 0)
        result = ledger_packer_step(packer);
    return result;
}

/* Only the directory that is written to is touched: the other one may be failing. */
static const char *packing_wrong(struct disks after, struct ledger_store *store,
                                 const struct reading *before)
{
    struct faulty_disk *active = store->active == 0 ? after.first : after.second;
    static struct reading reading;
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t bytes = 0;
    struct ledger_packer *packer = new_packer(store);
    int result = pack_all(packer);
    ledger_packer_free(packer);
    if (result < 0)
        return "the log cannot be packed";
    for (uint64_t segment = 0; segment + 1 < store->segments_count; segment++) {
        ledger_segment_name(0, segment, name);
        if (store->segments[segment].volume == store->active &&
            faulty_disk_content(active, name, &bytes) != NULL)
            return "a sealed segment is still plain";
    }
    if (read_all(store, &reading) < 0 || reading.wrong || reading.seq < before->seq)
        return "the packed log has lost records";
    for (uint64_t seq = 1; seq <= before->seq; seq++)
        if (reading.generations[seq] != before->generations[seq])
            return "the packed log has other records";
    return NULL;
}

/* An audit makes no lock file; the fake disk knows no other lock. */
static void make_lock_file(struct faulty_disk *fake)
{
    struct disk *disk = faulty_disk_of(fake);
    int file = -1;
    assert_int_equal(disk->ops->open(disk, "ledger-0000.lock", true, &file), 0);
    disk->ops->close(disk, file);
}

static size_t count_ops(struct disks disks)
{
    return faulty_disk_ops_count(disks.first) +
           (disks.second == NULL ? 0 : faulty_disk_ops_count(disks.second));
}

/* An audit finds what the writer then finds, and changes nothing. */
static const char *audit_wrong(struct disks after, struct ledger_report *ret_report)
{
    struct ledger_store_options options = {.segment_bytes = SEGMENT_BYTES, .read_only = true};
    struct ledger_store *store = NULL;
    make_lock_file(after.first);
    if (after.second != NULL) {
        make_lock_file(after.second);
        options.second = faulty_disk_of(after.second);
    }
    size_t ops = count_ops(after);
    int error = ledger_store_open(&options, faulty_disk_of(after.first), ret_report, &store);
    ledger_store_free(store);
    if (error < 0 && error != -ERR_NOT_FOUND)
        return "the log cannot be audited";
    return count_ops(after) == ops ? NULL : "an audit changed the disk";
}

static bool is_same_end(const struct ledger_report *read, const struct ledger_report *found)
{
    return read->groups == found->groups && read->seq_tail == found->seq_tail &&
           read->epoch == found->epoch && read->cut_sectors == found->cut_sectors &&
           read->cut_segment == found->cut_segment && read->cut_offset == found->cut_offset &&
           read->volume == found->volume && read->superseded_groups == found->superseded_groups;
}

static const char *keep_text(const char *text)
{
    static char kept[LEDGER_REPORT_TEXT_BYTES];
    memcpy(kept, text, sizeof kept);
    return kept;
}

static const char *after_crash_wrong(const struct story *story, struct disks after, size_t ops)
{
    static struct reading reading;
    struct ledger_report read, report;
    struct ledger_store *store = NULL;
    const char *wrong = audit_wrong(after, &read);
    if (open_store(after, &report, &store) < 0)
        return report.text[0] != '\0' ? keep_text(report.text) : "the log does not open";
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
    if (wrong == NULL && story->packs)
        wrong = packing_wrong(after, store, &reading);
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

static void add_disk(struct digest *digest, struct faulty_disk *fake)
{
    struct disk *disk = faulty_disk_of(fake);
    digest->fake = fake;
    assert_int_equal(disk->ops->list(disk, add_file, digest), 0);
}

static bool is_new(struct cases *cases, const struct story *story, struct disks after, size_t ops)
{
    struct digest digest = {after.first, {0, 0}};
    uint64_t count = promised(story, ops);
    add_bytes(&digest, &count, sizeof count);
    add_disk(&digest, after.first);
    if (after.second != NULL)
        add_disk(&digest, after.second);
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
    struct disks after = crash(story->disks, ops, seed, ignored_why);
    const char *wrong = NULL;
    if (is_new(cases, story, after, ops))
        wrong = after_crash_wrong(story, after, ops);
    free_disks(after);
    if (wrong != NULL && ignored_why == FAULTY_DISK_NO_WHY)
        print_error("after %zu operations, seed %llu: %s\n", ops, (unsigned long long)seed, wrong);
    return wrong;
}

/* NULL when the story holds after every crash from operation `from` on. */
static const char *search(struct story *story, size_t from, uint64_t seeds, int ignored_why)
{
    size_t count = now(story->disks);
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
    story->promises[seq] = (struct promise){now(story->disks), generation};
    if (seq > story->tail)
        story->tail = seq;
}

/* What open() vouches for is promised too: it is answered from, and settled on. */
static struct ledger_store *begin(struct story *story, struct ledger_report *report)
{
    static struct reading reading;
    struct ledger_store *store = NULL;
    assert_int_equal(open_store(story->disks, report, &store), 0);
    assert_int_equal(read_all(store, &reading), 0);
    for (uint64_t seq = 1; seq <= reading.seq; seq++)
        promise(story, seq, reading.generations[seq]);
    uint64_t epoch = 0;
    assert_int_equal(ledger_store_take_epoch(store, &epoch), 0);
    story->epochs[story->epochs_count].ops = now(story->disks);
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
        .epoch = store->epoch_taken, .expected_tail = tail, .records = records, .count = count};
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
    free_disks(story->disks);
    free(story);
}

static struct disks one_disk(struct faulty_disk *fake)
{
    return (struct disks){fake, NULL};
}

const char *crash_first_life(uint64_t seed, uint64_t seeds, int ignored_why)
{
    struct ledger_report report;
    struct story *story = story_new(one_disk(faulty_disk_new()));
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
    struct story *first = story_new(one_disk(faulty_disk_new()));
    struct ledger_store *store = begin(first, &report);
    assert_int_equal(run(first, store, 6, seed), APPEND_OK);
    ledger_store_free(store);
    const char *wrong = NULL;
    size_t count = now(first->disks);
    for (size_t ops = count / 2; ops <= count && wrong == NULL; ops++) {
        struct story *second = story_new(crash(first->disks, ops, seed + 2, FAULTY_DISK_NO_WHY));
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
    struct story *story = story_new(one_disk(faulty_disk_new()));
    struct ledger_store *store = begin(story, &report);
    faulty_disk_fail_sync(story->disks.first, nth);
    (void)run(story, store, 8, seed);
    faulty_disk_fail_sync(story->disks.first, 0);
    ledger_store_free(store);
    faulty_disk_kill(story->disks.first);
    size_t from = now(story->disks);
    store = begin(story, &report);
    assert_int_equal(run(story, store, 2, seed + 1), APPEND_OK);
    const char *wrong = search(story, from, 6, ignored_why);
    end(story, store);
    return wrong;
}

/* --- While it is packed --- */

const char *crash_packing(uint64_t seed, uint64_t seeds, int ignored_why)
{
    struct ledger_report report;
    struct prng prng;
    struct story *story = story_new((struct disks){faulty_disk_new(), NULL});
    struct ledger_store *store = begin(story, &report);
    struct ledger_packer *packer = new_packer(store);
    story->packs = true;
    prng_seed(&prng, seed);
    for (int group = 0; group < 14; group++) {
        assert_int_equal(append_some(story, store, &prng), APPEND_OK);
        for (uint64_t steps = prng_below(&prng, 4); steps > 0; steps--)
            assert_true(ledger_packer_step(packer) >= 0);
    }
    assert_int_equal(pack_all(packer), 0);
    assert_int_equal(ledger_packer_stats(packer).segments, store->segments_count - 1);
    assert_true(store->segments_count > 3);
    const char *wrong = search(story, 0, seeds, ignored_why);
    ledger_packer_free(packer);
    end(story, store);
    return wrong;
}

const char *crash_failed_packing(unsigned nth, uint64_t seed, bool *ret_failed)
{
    struct ledger_report report;
    struct story *story = story_new((struct disks){faulty_disk_new(), NULL});
    struct ledger_store *store = begin(story, &report);
    assert_int_equal(run(story, store, 10, seed), APPEND_OK);
    struct ledger_packer *packer = new_packer(store);
    story->packs = true;
    size_t from = now(story->disks);
    if (seed % 2 == 0)
        faulty_disk_fail_sync(story->disks.first, nth);
    else
        faulty_disk_fail_write(story->disks.first, nth);
    *ret_failed = pack_all(packer) < 0;
    faulty_disk_fail_sync(story->disks.first, 0);
    faulty_disk_fail_write(story->disks.first, 0);
    assert_int_equal(pack_all(packer), 0);
    assert_int_equal(ledger_packer_stats(packer).errors, *ret_failed);
    const char *wrong = search(story, from, 4, FAULTY_DISK_NO_WHY);
    ledger_packer_free(packer);
    end(story, store);
    return wrong;
}

/* --- Two directories --- */

/* How a writer hangs. What it does in the end it may do late: while the log goes on elsewhere. */
enum hang {
    HANG_IDLE,       /* before anything of the group was written */
    HANG_IN_WRITE,   /* a part of it is */
    HANG_IN_SYNC,    /* all of it is */
    HANG_IN_HEAD,    /* it was beginning a segment, whose head is written */
    HANG_AFTER_HEAD, /* and synced, and a part of the group is written */
    FAIL_WRITE,      /* these do not hang, but end in an error */
    FAIL_SYNC,
    HANGS_COUNT
};

/* The rest of what a hanging writer does, and where. */
struct late {
    struct faulty_disk *fake; /* NULL: nothing is left to do */
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t offset;
    size_t bytes;
    char content[BYTES_MAX];
};

static void write_late(const struct late *late, size_t bytes, bool sync)
{
    struct disk *disk = faulty_disk_of(late->fake);
    int file = -1;
    assert_int_equal(disk->ops->open(disk, late->name, false, &file), 0);
    if (bytes > 0)
        assert_int_equal(disk->ops->write(disk, file, late->offset, late->content, bytes), 0);
    if (sync)
        assert_int_equal(disk->ops->sync(disk, file, DISK_WHY_GROUP), 0);
    disk->ops->close(disk, file);
}

static void do_late(struct late *late, struct prng *prng)
{
    if (late->fake == NULL)
        return;
    size_t bytes = prng_below(prng, 2) == 0 ? late->bytes : late->bytes / 1024 * 512;
    write_late(late, bytes, prng_below(prng, 2) == 0);
    late->fake = NULL;
}

/* The head that the writer was about to give the next segment. */
static void write_head(const struct ledger_store *store, const struct late *group, bool sync)
{
    struct late late = {.fake = group->fake, .offset = 0};
    struct ledger_segment_head head = {
        .segment = store->segments_count,
        .group_first = store->place.group + 1,
        .seq_first = store->place.seq + 1,
        .epoch = store->place.epoch,
        .creation = store->creation,
        .bytes = SEGMENT_BYTES,
        .previous = store->place.previous,
    };
    ledger_segment_head_seal(&head);
    memcpy(late.name, group->name, sizeof late.name);
    memcpy(late.content, &head, sizeof head);
    write_late(&late, sizeof head, sync);
}

/* The writer does a part of the append and then no more; what is left is kept in *late. */
static void hang(struct ledger_store *store, struct faulty_disk *fake, enum hang how,
                 const struct ledger_append *append, struct late *late)
{
    static struct ledger_sector sectors[BYTES_MAX / DISK_SECTOR + 8];
    struct ledger_append group = *append;
    struct ledger_place place = store->place;
    struct ledger_hand *hand = ledger_store_hand(store);
    uint64_t room = store->segments[store->segments_count - 1].bytes - store->offset;
    size_t bytes = ledger_group_sectors(append->bytes) * DISK_SECTOR;
    assert_true(bytes <= sizeof late->content);
    group.epoch = store->epoch;
    ledger_group_fill(sectors, &group, &place);
    memcpy(late->content, sectors, bytes);
    late->bytes = bytes;
    late->offset = store->offset;
    uint64_t segment = store->segments_count - 1;
    if (bytes > room) { /* it has to begin a segment first */
        how = how == HANG_IDLE || how == HANG_IN_HEAD ? how : HANG_AFTER_HEAD;
        late->offset = DISK_SECTOR;
        segment++;
        assert_int_equal(ledger_hand_prepare_all(hand), 0);
    }
    ledger_segment_name(0, segment, late->name);
    late->fake = fake;
    if (bytes > room && how != HANG_IDLE)
        write_head(store, late, how == HANG_AFTER_HEAD);
    size_t part = how == HANG_IN_SYNC                              ? bytes
                  : how == HANG_IN_WRITE || how == HANG_AFTER_HEAD ? bytes / 1024 * 512
                                                                   : 0;
    if (part > 0)
        write_late(late, part, false);
    if (bytes > room && how != HANG_AFTER_HEAD)
        late->fake = NULL; /* before the head is durable, nothing follows it */
}

static struct ledger_append next_append(struct story *story, struct ledger_store *store,
                                        struct prng *prng, char *records)
{
    uint32_t count = 1 + (uint32_t)prng_below(prng, 4);
    uint32_t bytes = LOG_RECORD_BYTES_MIN + 8 * (uint32_t)prng_below(prng, 50);
    struct ledger_append append = {.epoch = store->epoch_taken,
                                   .expected_tail = store->place.seq,
                                   .records = records,
                                   .count = count};
    append.bytes =
        log_records_make(records, bytes, store->place.seq + 1, count, ++story->generation);
    return append;
}

/* An append meets a disk that hangs or fails, and is made again in the other directory. */
static void append_over(struct story *story, struct ledger_store *store, struct prng *prng,
                        struct late *late)
{
    static char records[BYTES_MAX];
    struct faulty_disk *fake = store->active == 0 ? story->disks.first : story->disks.second;
    struct ledger_append append = next_append(story, store, prng, records);
    enum hang how = (enum hang)prng_below(prng, HANGS_COUNT);
    if (how == FAIL_WRITE || how == FAIL_SYNC) {
        /* a disk that failed is not used again; here it is, as after a restart */
        (how == FAIL_WRITE ? faulty_disk_fail_write : faulty_disk_fail_sync)(fake, 1);
        enum append_outcome outcome = ledger_store_append(store, &append);
        faulty_disk_fail_write(fake, 0);
        faulty_disk_fail_sync(fake, 0);
        assert_true(outcome == APPEND_UNKNOWN || outcome == APPEND_REFUSED);
        ledger_store_hand(store)->failed = false;
    } else {
        hang(store, fake, how, &append, late);
    }
    assert_int_equal(ledger_store_fail_over(store), 0);
    assert_int_equal(ledger_store_append(store, &append), APPEND_OK);
    for (uint64_t seq = append.expected_tail + 1; seq <= append.expected_tail + append.count; seq++)
        promise(story, seq, story->generation);
}

static void run_over(struct story *story, struct ledger_store *store, uint64_t seed,
                     unsigned *failovers)
{
    struct prng prng;
    struct late late = {.fake = NULL};
    prng_seed(&prng, seed);
    for (int i = 0; i < 5; i++) {
        int groups = (int)prng_below(&prng, 4);
        for (int at = 0; at < groups; at++) {
            assert_int_equal(append_some(story, store, &prng), APPEND_OK);
            if (prng_below(&prng, 3) == 0)
                do_late(&late, &prng);
        }
        if (prng_below(&prng, 2) == 0)
            (void)ledger_store_prepare_step(store);
        do_late(&late, &prng); /* the log fails back only to a directory where nobody hangs */
        append_over(story, store, &prng, &late);
        ledger_store_look(store);
        (*failovers)++;
    }
    do_late(&late, &prng);
}

const char *crash_failover_life(uint64_t seed, uint64_t seeds, int ignored_why, unsigned *failovers)
{
    struct ledger_report report;
    struct story *first = story_new(one_disk(faulty_disk_new()));
    struct ledger_store *store = begin(first, &report);
    assert_int_equal(run(first, store, 3, seed), APPEND_OK);
    ledger_store_free(store);
    struct disks disks = crash(first->disks, now(first->disks), 1, FAULTY_DISK_NO_WHY);
    end(first, NULL);
    disks.second = faulty_disk_new();
    struct story *story = story_new(disks);
    story->generation = 500;
    story->packs = ignored_why == FAULTY_DISK_NO_WHY && seed % 4 == 0;
    store = begin(story, &report);
    assert_true(report.paired);
    if (ignored_why != DISK_WHY_VOLUME && ignored_why != DISK_WHY_VOLUME_NAME) {
        /* what is ignored is a sync of the failovers, not one of the start */
        faulty_disk_ignore_from(disks.first, faulty_disk_ops_count(disks.first));
        faulty_disk_ignore_from(disks.second, faulty_disk_ops_count(disks.second));
    }
    run_over(story, store, seed, failovers);
    const char *wrong = search(story, 0, seeds, ignored_why);
    end(story, store);
    return wrong;
}
