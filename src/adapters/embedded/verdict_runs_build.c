/* verdict_runs_build.c - a run from the log: collect, sort, write. Contract in verdict_runs.h. */
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/verdict_runs_internal.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "ledger/record.h"
#include "ledger/shard_verdicts.h"

#define BUCKET_BITS_MAX 16
#define BUCKETS         (1 << BUCKET_BITS_MAX) /* of the sort, at most */
#define WRITE_STEP      (VERDICT_STEP_PAGES * VERDICT_PAGE_FILL)

int verdict_build_new(struct verdict_runs *runs)
{
    struct verdict_build *build = &runs->build;
    uint32_t keys = runs->options.chunk_keys;
    ASSERT(keys > 0);
    build->writer.file = -1;
    build->entries = reserve_new_huge(keys, sizeof *build->entries);
    build->sorted = reserve_new_huge(keys, sizeof *build->sorted);
    build->buckets = reserve_new_huge(BUCKETS + 1, sizeof *build->buckets);
    if (build->entries == NULL || build->sorted == NULL || build->buckets == NULL)
        return -ERR_MEMORY;
    return verdict_run_writer_new(runs->disk, &build->writer);
}

void verdict_build_done(struct verdict_runs *runs)
{
    struct verdict_build *build = &runs->build;
    uint32_t keys = runs->options.chunk_keys;
    verdict_run_writer_done(&build->writer);
    reserve_free(build->entries, keys, sizeof *build->entries);
    reserve_free(build->sorted, keys, sizeof *build->sorted);
    reserve_free(build->buckets, BUCKETS + 1, sizeof *build->buckets);
}

/* ---- what is missing ---- */

/* The records that are missing at the first hole in the list, or behind its end. */
static void gap(const struct verdict_runs *runs, uint64_t *ret_first, uint64_t *ret_last)
{
    uint64_t next = 1;
    uint32_t at = 0;
    for (; at < runs->list.count && runs->list.runs[at]->head.seq_first == next; at++)
        next = runs->list.runs[at]->head.seq_last + 1;
    *ret_first = next;
    *ret_last = at < runs->list.count ? runs->list.runs[at]->head.seq_first - 1 : UINT64_MAX;
}

/* What is wanted, and what was covered before: the last run, dropped for damage, is no hole. */
static uint64_t goal(const struct verdict_runs *runs)
{
    uint64_t wanted = __atomic_load_n(&runs->wanted, __ATOMIC_RELAXED);
    uint64_t covered = verdict_runs_covered(runs);
    return covered > wanted ? covered : wanted;
}

bool verdict_build_due(const struct verdict_runs *runs)
{
    uint64_t first, last;
    if (runs->build.phase != BUILD_NOTHING)
        return true;
    gap(runs, &first, &last);
    return (first <= goal(runs) || last != UINT64_MAX) && runs->list.count + 2 <= VERDICT_RUNS_MAX;
}

/* ---- collecting ---- */

static int begin(struct verdict_runs *runs)
{
    struct verdict_build *build = &runs->build;
    uint64_t last;
    uint64_t tail = runs->cursor->ops->look(runs->cursor);
    int error = verdict_runs_learn(runs);
    if (error == -ERR_NOT_FOUND)
        return VERDICT_IDLE;
    TRY(error);
    gap(runs, &build->seq_first, &last);
    build->seq_max = goal(runs);
    if (last != UINT64_MAX) /* a hole, which was covered before */
        build->seq_max = last;
    if (build->seq_first > tail)
        return VERDICT_IDLE;
    build->seq_last = build->seq_first - 1;
    build->count = 0;
    build->phase = BUILD_COLLECT;
    runs->cursor->ops->seek(runs->cursor, build->seq_first);
    return VERDICT_MORE;
}

/* -ERR_STOPPED: the run is full. */
static int collect_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct verdict_runs *runs = owner;
    struct verdict_build *build = &runs->build;
    struct record_view view;
    struct hash128 key;
    (void)shard;
    if (record_view_of(record, bytes, &view) < 0)
        return -ERR_CORRUPT;
    if (view.head->seq > build->seq_max || build->count == runs->options.chunk_keys)
        return -ERR_STOPPED;
    if (view.head->seq != build->seq_last + 1)
        return -ERR_CORRUPT; /* L1 */
    if (shard_verdict_key_of_record(runs->hash_key, &view, &key))
        build->entries[build->count++] = (struct verdict_entry){key, view.head->seq};
    build->seq_last = view.head->seq;
    build->record_crc = view.head->crc;
    return 0;
}

static int begin_write(struct verdict_runs *runs);

static int collect(struct verdict_runs *runs)
{
    struct verdict_build *build = &runs->build;
    struct ledger_cursor *cursor = runs->cursor;
    (void)cursor->ops->look(cursor);
    int more = cursor->ops->step(cursor, VERDICT_COLLECT_STEP, collect_record, runs);
    if (more < 0 && more != -ERR_STOPPED)
        return more == -ERR_CORRUPT
                   ? verdict_runs_fail(runs, "the log could not be read, for old verdict keys")
                   : more;
    bool full = more == -ERR_STOPPED || build->seq_last == build->seq_max;
    if (full || more == VERDICT_IDLE) /* the durable log ends: what there is, then */
        return build->seq_last >= build->seq_first ? begin_write(runs) : VERDICT_IDLE;
    return VERDICT_MORE;
}

/* ---- sorting ---- */

static void insertion_sort(struct verdict_entry *at, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct verdict_entry entry = at[i];
        uint32_t to = i;
        for (; to > 0 && verdict_key_compare(entry.key, at[to - 1].key) < 0; to--)
            at[to] = at[to - 1];
        at[to] = entry;
    }
}

/* By so many high bits of the key: no more buckets than a few keys are worth. */
static uint32_t bucket_bits(uint32_t count)
{
    uint32_t bits = 1;
    while (bits < BUCKET_BITS_MAX && UINT32_C(1) << bits < count)
        bits++;
    return bits;
}

/* The keys are hashes: evenly spread, so the buckets are small. */
static void sort(struct verdict_build *build)
{
    uint32_t *ends = build->buckets;
    uint32_t bits = bucket_bits(build->count), buckets = UINT32_C(1) << bits;
    memset(ends, 0, (buckets + 1) * sizeof *ends);
    for (uint32_t i = 0; i < build->count; i++)
        ends[(build->entries[i].key.high >> (64 - bits)) + 1]++;
    for (uint32_t i = 0; i < buckets; i++)
        ends[i + 1] += ends[i];
    for (uint32_t i = 0; i < build->count; i++)
        build->sorted[ends[build->entries[i].key.high >> (64 - bits)]++] = build->entries[i];
    for (uint32_t i = 0, from = 0; i < buckets; from = ends[i++])
        insertion_sort(build->sorted + from, ends[i] - from);
}

/* ---- writing ---- */

static int begin_write(struct verdict_runs *runs)
{
    struct verdict_build *build = &runs->build;
    struct verdict_run_head head = verdict_runs_head(runs);
    head.seq_first = build->seq_first;
    head.seq_last = build->seq_last;
    head.record_crc = build->record_crc;
    head.keys = build->count;
    sort(build);
    build->put = 0;
    build->phase = BUILD_WRITE;
    TRY(verdict_run_begin(&build->writer, &head));
    return VERDICT_MORE;
}

static int finish(struct verdict_runs *runs)
{
    struct verdict_build *build = &runs->build;
    uint32_t at = 0;
    TRY(verdict_run_end(&build->writer));
    for (uint32_t i = 0; i < build->count; i++) /* before covered() says that they are there */
        verdict_filter_put(runs->filter, build->sorted[i].key);
    while (at < runs->list.count && runs->list.runs[at]->head.seq_first < build->seq_first)
        at++; /* an earlier hole may have come about meanwhile */
    TRY(verdict_runs_install(runs, build->writer.head.serial, at, 0));
    build->phase = BUILD_NOTHING;
    return VERDICT_MORE;
}

static int write_some(struct verdict_runs *runs)
{
    struct verdict_build *build = &runs->build;
    for (uint32_t i = 0; i < WRITE_STEP && build->put < build->count; i++, build->put++) {
        const struct verdict_entry *entry = &build->sorted[build->put];
        int error = verdict_run_put(&build->writer, entry);
        if (error == -ERR_CORRUPT)
            return verdict_runs_contradiction(runs, entry->seq, entry[-1].seq);
        TRY(error);
    }
    return build->put < build->count ? VERDICT_MORE : finish(runs);
}

static int one_step(struct verdict_runs *runs)
{
    switch (runs->build.phase) {
    case BUILD_NOTHING:
        return begin(runs);
    case BUILD_COLLECT:
        return collect(runs);
    case BUILD_WRITE:
        return write_some(runs);
    }
    return VERDICT_IDLE;
}

int verdict_build_step(struct verdict_runs *runs)
{
    int result = one_step(runs);
    if (result >= 0)
        return result;
    verdict_run_abandon(&runs->build.writer);
    runs->build.phase = BUILD_NOTHING;
    return result;
}
