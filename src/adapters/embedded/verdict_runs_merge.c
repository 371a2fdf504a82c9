/* verdict_runs_merge.c - neighbouring runs into one, so that there are few. Contract in
 * verdict_runs.h. */
#include <string.h>

#include "adapters/embedded/verdict_runs_internal.h"
#include "base/assert.h"
#include "base/error.h"

#define MERGE_STEP (VERDICT_STEP_PAGES * VERDICT_PAGE_FILL) /* keys */

int verdict_merge_new(struct verdict_runs *runs)
{
    runs->merge.writer.file = -1;
    return verdict_run_writer_new(runs->disk, &runs->merge.writer);
}

static void end_scans(struct verdict_merge *merge)
{
    for (uint32_t i = 0; i < VERDICT_RUNS_MAX; i++)
        verdict_scan_done(&merge->scans[i]);
    merge->busy = false;
}

void verdict_merge_abandon(struct verdict_runs *runs)
{
    verdict_run_abandon(&runs->merge.writer);
    end_scans(&runs->merge);
}

void verdict_merge_done(struct verdict_runs *runs)
{
    end_scans(&runs->merge);
    verdict_run_writer_done(&runs->merge.writer);
}

static bool follows(const struct verdict_list *list, uint32_t at)
{
    return list->runs[at]->head.seq_last + 1 == list->runs[at + 1]->head.seq_first;
}

/* Neighbours without a hole between them: the oldest that is no larger than all newer ones
 * together, and those. 0: none. */
static uint32_t choose(const struct verdict_list *list, uint32_t *ret_first)
{
    uint64_t newer = 0;
    uint32_t first = list->count, end = list->count;
    for (uint32_t at = list->count; at-- > 0;) {
        if (at + 1 < end && !follows(list, at)) {
            if (first < end)
                break;
            first = end = at + 1; /* what is before the hole */
            newer = 0;
        }
        if (at + 1 < end && list->runs[at]->head.keys <= newer)
            first = at;
        newer += list->runs[at]->head.keys;
    }
    *ret_first = first;
    return end - first;
}

bool verdict_merge_due(const struct verdict_runs *runs)
{
    uint32_t first;
    if (runs->merge.busy)
        return true;
    return runs->retired.count == 0 && choose(&runs->list, &first) > 0;
}

static int next_of(struct verdict_runs *runs, uint32_t i)
{
    struct verdict_merge *merge = &runs->merge;
    int more = verdict_scan_next(&merge->scans[i], &merge->heads[i]);
    merge->more[i] = more > 0;
    if (more == -ERR_CORRUPT) { /* the run is dropped by the next step */
        __atomic_store_n(&runs->list.runs[merge->first + i]->damaged, true, __ATOMIC_RELAXED);
        return -ERR_FORMAT;
    }
    return more < 0 ? more : 0;
}

static int begin(struct verdict_runs *runs)
{
    struct verdict_merge *merge = &runs->merge;
    struct verdict_run_head head = verdict_runs_head(runs);
    merge->count = choose(&runs->list, &merge->first);
    if (merge->count == 0)
        return VERDICT_IDLE;
    merge->busy = true;
    const struct verdict_run_head *oldest = &runs->list.runs[merge->first]->head;
    const struct verdict_run_head *newest = &runs->list.runs[merge->first + merge->count - 1]->head;
    head.seq_first = oldest->seq_first;
    head.seq_last = newest->seq_last;
    head.record_crc = newest->record_crc;
    for (uint32_t i = 0; i < merge->count; i++) {
        const struct verdict_run *run = runs->list.runs[merge->first + i];
        head.keys += run->head.keys;
        TRY(verdict_scan_new(runs->disk, run, &merge->scans[i]));
        TRY(next_of(runs, i));
    }
    TRY(verdict_run_begin(&merge->writer, &head));
    return VERDICT_MORE;
}

/* The run whose next key is the lowest; count: all are at their end. */
static uint32_t lowest(const struct verdict_merge *merge)
{
    uint32_t best = merge->count;
    for (uint32_t i = 0; i < merge->count; i++)
        if (merge->more[i] &&
            (best == merge->count ||
             verdict_key_compare(merge->heads[i].key, merge->heads[best].key) < 0))
            best = i;
    return best;
}

static int finish(struct verdict_runs *runs)
{
    struct verdict_merge *merge = &runs->merge;
    TRY(verdict_run_end(&merge->writer));
    end_scans(merge);
    TRY(verdict_runs_install(runs, merge->writer.head.serial, merge->first, merge->count));
    return VERDICT_MORE;
}

/* The two records that say one key. */
static int contradiction(struct verdict_runs *runs, struct verdict_entry entry)
{
    const struct verdict_merge *merge = &runs->merge;
    const struct verdict_page *page = &merge->writer.at[merge->writer.held - 1];
    uint64_t other = page->count == 0 ? 0 : page->entries[page->count - 1].seq;
    return verdict_runs_contradiction(runs, entry.seq, other);
}

static int merge_some(struct verdict_runs *runs)
{
    struct verdict_merge *merge = &runs->merge;
    for (uint32_t i = 0; i < MERGE_STEP; i++) {
        uint32_t run = lowest(merge);
        if (run == merge->count)
            return finish(runs);
        int error = verdict_run_put(&merge->writer, &merge->heads[run]);
        if (error == -ERR_CORRUPT)
            return contradiction(runs, merge->heads[run]);
        TRY(error);
        TRY(next_of(runs, run));
    }
    return VERDICT_MORE;
}

int verdict_merge_step(struct verdict_runs *runs)
{
    int result = runs->merge.busy ? merge_some(runs) : begin(runs);
    if (result >= 0)
        return result;
    verdict_merge_abandon(runs);
    return result == -ERR_FORMAT ? VERDICT_MORE : result;
}
