/* verdict_runs.c - contract in verdict_runs.h: the list of runs, opening it and finding in it.
 *
 * The list is step()'s to change; find() takes what it reads under the lock and marks each run as
 * used, so that a run that was merged away is closed and deleted only when nobody reads it. */
#include "adapters/embedded/verdict_runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/verdict_runs_internal.h"
#include "base/assert.h"
#include "base/error.h"
#include "ledger/record.h"

#define FILES_MAX 256 /* looked at by open(); what is beyond is deleted */

/* ---- what is known of the log ---- */

struct look {
    struct verdict_runs *runs;
    uint64_t seq;
    uint32_t crc;
    bool seen;
};

/* -ERR_STOPPED: seen, no more. */
static int look_at(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct look *look = owner;
    struct record_view view;
    (void)shard;
    if (record_view_of(record, bytes, &view) < 0)
        return -ERR_CORRUPT;
    look->seen = view.head->seq == look->seq;
    look->crc = view.head->crc;
    if (look->seen && view.head->type == RECORD_GENESIS) {
        const struct record_genesis *genesis = view.body;
        memcpy(look->runs->book_id, genesis->book_id, sizeof look->runs->book_id);
        memcpy(look->runs->hash_key, genesis->hash_key, sizeof look->runs->hash_key);
        look->runs->book_known = true;
    }
    return -ERR_STOPPED;
}

int verdict_runs_record_crc(struct verdict_runs *runs, uint64_t seq, uint32_t *ret_crc)
{
    struct ledger_cursor *cursor = runs->cursor;
    struct look look = {.runs = runs, .seq = seq};
    if (cursor->ops->look(cursor) < seq)
        return -ERR_NOT_FOUND;
    cursor->ops->seek(cursor, seq);
    int more = 1;
    while (more > 0)
        more = cursor->ops->step(cursor, VERDICT_COLLECT_STEP, look_at, &look);
    if (more < 0 && more != -ERR_STOPPED)
        return more;
    *ret_crc = look.crc;
    return look.seen ? 0 : -ERR_NOT_FOUND;
}

int verdict_runs_learn(struct verdict_runs *runs)
{
    uint32_t crc;
    if (runs->book_known)
        return 0;
    TRY(verdict_runs_record_crc(runs, 1, &crc));
    return runs->book_known ? 0 : -ERR_CORRUPT;
}

struct verdict_run_head verdict_runs_head(struct verdict_runs *runs)
{
    struct verdict_run_head head = {.shard = runs->options.shard, .serial = ++runs->serial};
    memcpy(head.book_id, runs->book_id, sizeof head.book_id);
    return head;
}

/* ---- the list ---- */

/* Where the runs from record 1 on end. */
static uint64_t reach(const struct verdict_list *list)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < list->count && list->runs[i]->head.seq_first == last + 1; i++)
        last = list->runs[i]->head.seq_last;
    return last;
}

/* With the lock. */
static void count_list(struct verdict_runs *runs)
{
    struct verdict_runs_stats *stats = &runs->stats;
    stats->runs = runs->list.count;
    stats->keys = stats->bytes = 0;
    for (uint32_t i = 0; i < runs->list.count; i++) {
        stats->keys += runs->list.runs[i]->head.keys;
        stats->bytes += (1 + runs->list.runs[i]->head.pages) * VERDICT_PAGE_BYTES;
    }
}

static void insert(struct verdict_list *list, uint32_t at, struct verdict_run *run)
{
    ASSERT(list->count < VERDICT_RUNS_MAX);
    memmove(&list->runs[at + 1], &list->runs[at], (list->count - at) * sizeof *list->runs);
    list->runs[at] = run;
    list->count++;
}

static void take_out(struct verdict_list *list, uint32_t at)
{
    list->count--;
    memmove(&list->runs[at], &list->runs[at + 1], (list->count - at) * sizeof *list->runs);
}

/* Closes and deletes those out of the list that nobody reads. */
static void drop_retired(struct verdict_runs *runs)
{
    for (uint32_t i = runs->retired.count; i-- > 0;) {
        struct verdict_run *run = runs->retired.runs[i];
        pthread_mutex_lock(&runs->lock);
        bool used = run->users > 0;
        pthread_mutex_unlock(&runs->lock);
        if (used)
            continue;
        take_out(&runs->retired, i);
        (void)runs->disk->ops->unlink(runs->disk, run->name); /* else at the next open */
        verdict_run_close(runs->disk, run);
    }
}

/* Out of the list, with the lock; there is room among the retired. */
static void retire(struct verdict_runs *runs, uint32_t at)
{
    insert(&runs->retired, runs->retired.count, runs->list.runs[at]);
    take_out(&runs->list, at);
}

int verdict_runs_install(struct verdict_runs *runs, uint64_t serial, uint32_t first, uint32_t count)
{
    struct verdict_run *run = NULL;
    TRY(verdict_run_open(runs->disk, runs->options.shard, serial, &run));
    pthread_mutex_lock(&runs->lock);
    for (uint32_t i = 0; i < count; i++)
        retire(runs, first);
    insert(&runs->list, first, run);
    count_list(runs);
    runs->stats.made += count == 0;
    runs->stats.merged += count > 0;
    uint64_t covered = reach(&runs->list);
    pthread_mutex_unlock(&runs->lock);
    if (runs->merge.busy && count == 0 && first <= runs->merge.first)
        runs->merge.first++;
    if (covered > verdict_runs_covered(runs))
        __atomic_store_n(&runs->covered, covered, __ATOMIC_RELEASE);
    return 0;
}

/* ---- damage ---- */

int verdict_runs_fail(struct verdict_runs *runs, const char *text)
{
    runs->failed = true;
    (void)snprintf(runs->text, sizeof runs->text, "%s", text);
    return -ERR_CORRUPT;
}

int verdict_runs_contradiction(struct verdict_runs *runs, uint64_t seq, uint64_t other)
{
    char text[VERDICT_TEXT_BYTES];
    (void)snprintf(text, sizeof text, "L3: one key, one verdict: records %llu and %llu have one",
                   (unsigned long long)(seq < other ? seq : other),
                   (unsigned long long)(seq < other ? other : seq));
    return verdict_runs_fail(runs, text);
}

/* A run in which damage was met is made again. Until then what it had is not known: find(). */
static bool drop_damaged(struct verdict_runs *runs)
{
    for (uint32_t i = 0; i < runs->list.count; i++) {
        struct verdict_run *run = runs->list.runs[i];
        if (!__atomic_load_n(&run->damaged, __ATOMIC_RELAXED) ||
            runs->retired.count == VERDICT_RUNS_MAX)
            continue;
        if (runs->merge.busy)
            verdict_merge_abandon(runs);
        pthread_mutex_lock(&runs->lock);
        retire(runs, i);
        count_list(runs);
        runs->stats.dropped++;
        pthread_mutex_unlock(&runs->lock);
        return true;
    }
    return false;
}

/* ---- steps ---- */

static int step_of(struct verdict_runs *runs)
{
    bool build = verdict_build_due(runs), merge = verdict_merge_due(runs);
    if (!build && !merge)
        return VERDICT_IDLE;
    runs->turn = !runs->turn;
    if (build && (!merge || runs->turn))
        return verdict_build_step(runs);
    return verdict_merge_step(runs);
}

int verdict_runs_step(struct verdict_runs *runs)
{
    if (runs->failed)
        return -ERR_CORRUPT;
    drop_retired(runs);
    if (drop_damaged(runs))
        return VERDICT_MORE;
    int result = step_of(runs);
    if (result == VERDICT_IDLE && verdict_merge_due(runs))
        return VERDICT_MORE; /* the log had nothing for the build */
    if (result < 0 && !runs->failed) {
        pthread_mutex_lock(&runs->lock);
        runs->stats.errors++;
        pthread_mutex_unlock(&runs->lock);
    }
    return result;
}

/* ---- anyone's ---- */

uint64_t verdict_runs_covered(const struct verdict_runs *runs)
{
    return __atomic_load_n(&runs->covered, __ATOMIC_ACQUIRE);
}

void verdict_runs_want(struct verdict_runs *runs, uint64_t seq)
{
    if (seq > __atomic_load_n(&runs->wanted, __ATOMIC_RELAXED))
        __atomic_store_n(&runs->wanted, seq, __ATOMIC_RELAXED);
}

const char *verdict_runs_text(const struct verdict_runs *runs)
{
    return runs->text;
}

bool verdict_runs_may_have(const struct verdict_runs *runs, struct hash128 key)
{
    return verdict_filter_may_have(runs->filter, key);
}

void verdict_runs_prefetch(const struct verdict_runs *runs, struct hash128 key)
{
    verdict_filter_prefetch(runs->filter, key);
}

struct verdict_runs_stats verdict_runs_stats(struct verdict_runs *runs)
{
    pthread_mutex_lock(&runs->lock);
    struct verdict_runs_stats stats = runs->stats;
    pthread_mutex_unlock(&runs->lock);
    return stats;
}

void verdict_runs_distrust(struct verdict_runs *runs, uint64_t serial)
{
    pthread_mutex_lock(&runs->lock);
    for (uint32_t i = 0; i < runs->list.count; i++)
        if (runs->list.runs[i]->head.serial == serial)
            __atomic_store_n(&runs->list.runs[i]->damaged, true, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&runs->lock);
}

/* ---- finding ---- */

static bool is_larger(const struct verdict_run *a, const struct verdict_run *b)
{
    return a->head.keys > b->head.keys;
}

/* A copy of the list, the largest first, each marked as used. */
static void use(struct verdict_runs *runs, struct verdict_list *ret_used, uint64_t *ret_covered)
{
    pthread_mutex_lock(&runs->lock);
    ret_used->count = 0;
    for (uint32_t i = 0; i < runs->list.count; i++) {
        struct verdict_run *run = runs->list.runs[i];
        uint32_t at = ret_used->count;
        while (at > 0 && is_larger(run, ret_used->runs[at - 1]))
            at--;
        insert(ret_used, at, run);
        run->users++;
    }
    *ret_covered = reach(&runs->list);
    pthread_mutex_unlock(&runs->lock);
}

static void let_go(struct verdict_runs *runs, const struct verdict_list *used, bool damaged)
{
    pthread_mutex_lock(&runs->lock);
    for (uint32_t i = 0; i < used->count; i++)
        used->runs[i]->users--;
    runs->stats.pages_read = runs->finder.pages;
    runs->stats.pages_damaged += damaged;
    pthread_mutex_unlock(&runs->lock);
}

int verdict_runs_find(struct verdict_runs *runs, struct hash128 key, uint64_t *ret_seq,
                      uint64_t *ret_covered)
{
    struct verdict_list used;
    uint64_t promised = verdict_runs_covered(runs);
    uint64_t covered;
    int error = -ERR_NOT_FOUND;
    use(runs, &used, &covered);
    for (uint32_t i = 0; error == -ERR_NOT_FOUND && i < used.count; i++) {
        error = verdict_run_find(&runs->finder, used.runs[i], key, ret_seq);
        if (error == -ERR_CORRUPT)
            __atomic_store_n(&used.runs[i]->damaged, true, __ATOMIC_RELAXED);
    }
    let_go(runs, &used, error == -ERR_CORRUPT);
    *ret_covered = covered;
    return error == -ERR_NOT_FOUND && covered < promised ? -ERR_BUSY : error; /* a hole */
}

/* ---- opening ---- */

struct listing {
    struct verdict_runs *runs;
    struct verdict_run *found[FILES_MAX]; /* owns */
    uint32_t count;
    char names[FILES_MAX][DISK_NAME_BYTES_MAX + 1]; /* to be deleted */
    uint32_t names_count;
    struct verdict_runs_report *report;
};

static void note_drop(struct listing *listing, const char *name, const char *why)
{
    listing->report->dropped++;
    (void)snprintf(listing->report->text, sizeof listing->report->text, "%s: %s", name, why);
}

static void delete_later(struct listing *listing, const char *name)
{
    if (listing->names_count < FILES_MAX)
        (void)snprintf(listing->names[listing->names_count++], DISK_NAME_BYTES_MAX + 1, "%s", name);
}

static bool is_fresh(const char *name)
{
    size_t bytes = strlen(name), tail = sizeof VERDICT_RUN_FRESH - 1;
    return strncmp(name, "verdicts-", 9) == 0 && bytes > tail &&
           strcmp(name + bytes - tail, VERDICT_RUN_FRESH) == 0;
}

static int note_file(void *owner, const char *name)
{
    struct listing *listing = owner;
    struct verdict_runs *runs = listing->runs;
    uint64_t serial;
    if (is_fresh(name))
        delete_later(listing, name);
    if (!verdict_run_name_parse(name, runs->options.shard, &serial))
        return 0;
    if (serial > runs->serial)
        runs->serial = serial;
    struct verdict_run *run = NULL;
    int error = listing->count == FILES_MAX
                    ? -ERR_CORRUPT
                    : verdict_run_open(runs->disk, runs->options.shard, serial, &run);
    if (error == -ERR_MEMORY)
        return error;
    if (error < 0) {
        note_drop(listing, name, "it is no whole run");
        delete_later(listing, name);
        return 0;
    }
    listing->found[listing->count++] = run;
    return 0;
}

/* Older records first; of those that begin alike the one that reaches furthest. */
static int in_order(const void *a, const void *b)
{
    const struct verdict_run_head *x = &(*(struct verdict_run *const *)a)->head;
    const struct verdict_run_head *y = &(*(struct verdict_run *const *)b)->head;
    if (x->seq_first != y->seq_first)
        return x->seq_first < y->seq_first ? -1 : 1;
    if (x->seq_last != y->seq_last)
        return x->seq_last > y->seq_last ? -1 : 1;
    return x->serial > y->serial ? -1 : 1;
}

/* Every page, into the filter. */
static int scan_run(struct verdict_runs *runs, const struct verdict_run *run)
{
    struct verdict_scan scan;
    struct verdict_entry entry;
    int more = verdict_scan_new(runs->disk, run, &scan);
    if (more < 0)
        return more;
    while ((more = verdict_scan_next(&scan, &entry)) > 0)
        verdict_filter_put(runs->filter, entry.key);
    verdict_scan_done(&scan);
    return more;
}

/* Is it whole, and of this log? 0; or the reason in *ret_why, or an error. */
static int check_run(struct verdict_runs *runs, const struct verdict_run *run, const char **ret_why)
{
    uint32_t crc = 0;
    *ret_why = NULL;
    if (!runs->book_known || memcmp(run->head.book_id, runs->book_id, sizeof runs->book_id) != 0) {
        *ret_why = "it is of another book";
        return 0;
    }
    int error = verdict_runs_record_crc(runs, run->head.seq_last, &crc);
    if (error == -ERR_NOT_FOUND || (error == 0 && crc != run->head.record_crc)) {
        *ret_why = "its last record is not the log's";
        return 0;
    }
    TRY(error);
    error = scan_run(runs, run);
    if (error == -ERR_CORRUPT || error == -ERR_IO)
        *ret_why = "it is damaged";
    return *ret_why != NULL ? 0 : error;
}

/* Takes those that continue each other; the others were merged, or are useless. */
static int take_runs(struct listing *listing)
{
    struct verdict_runs *runs = listing->runs;
    uint64_t last = 0;
    qsort(listing->found, listing->count, sizeof *listing->found, in_order);
    for (uint32_t i = 0; i < listing->count; i++) {
        struct verdict_run *run = listing->found[i];
        const char *why = NULL;
        bool new = run->head.seq_first > last && runs->list.count < VERDICT_RUNS_MAX;
        if (new)
            TRY(check_run(runs, run, &why));
        if (why != NULL)
            note_drop(listing, run->name, why);
        if (!new || why != NULL) {
            delete_later(listing, run->name);
            continue;
        }
        last = run->head.seq_last;
        runs->list.runs[runs->list.count++] = run;
        listing->found[i] = NULL;
    }
    return 0;
}

static struct listing *listing_new(struct verdict_runs *runs, struct verdict_runs_report *report)
{
    struct listing *listing = calloc(1, sizeof *listing);
    if (listing != NULL)
        *listing = (struct listing){.runs = runs, .report = report};
    return listing;
}

static int load(struct verdict_runs *runs, struct verdict_runs_report *report)
{
    struct listing *listing = listing_new(runs, report);
    if (listing == NULL)
        return -ERR_MEMORY;
    int error = verdict_runs_learn(runs);
    if (error == -ERR_NOT_FOUND) /* an empty log: no run can be its */
        error = 0;
    if (error == 0)
        error = runs->disk->ops->list(runs->disk, note_file, listing);
    if (error == 0)
        error = take_runs(listing);
    for (uint32_t i = 0; i < listing->count; i++)
        verdict_run_close(runs->disk, listing->found[i]);
    for (uint32_t i = 0; error == 0 && i < listing->names_count; i++)
        (void)runs->disk->ops->unlink(runs->disk, listing->names[i]);
    free(listing);
    return error;
}

static struct verdict_runs *runs_new(const struct verdict_runs_options *options, struct disk *disk,
                                     struct ledger_cursor *cursor)
{
    struct verdict_runs *runs = calloc(1, sizeof *runs);
    if (runs == NULL)
        return NULL;
    runs->options = *options;
    runs->disk = runs->finder.disk = disk;
    runs->cursor = cursor;
    pthread_mutex_init(&runs->lock, NULL);
    return runs;
}

int verdict_runs_open(const struct verdict_runs_options *options, struct disk *disk,
                      struct ledger_cursor *cursor, struct verdict_runs_report *ret_report,
                      struct verdict_runs **ret_runs)
{
    struct verdict_runs *runs = runs_new(options, disk, cursor);
    *ret_report = (struct verdict_runs_report){.text = ""};
    if (runs == NULL)
        return -ERR_MEMORY;
    int error = verdict_build_new(runs);
    if (error == 0)
        error = verdict_merge_new(runs);
    if (error == 0)
        error = verdict_filter_new(options->filter_bytes, &runs->filter);
    if (error == 0)
        error = load(runs, ret_report);
    if (error < 0) {
        verdict_runs_free(runs);
        return error;
    }
    count_list(runs);
    runs->covered = reach(&runs->list);
    runs->stats.dropped = ret_report->dropped;
    ret_report->runs = runs->stats.runs;
    ret_report->keys = runs->stats.keys;
    *ret_runs = runs;
    return 0;
}

static void close_list(struct verdict_runs *runs, struct verdict_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        verdict_run_close(runs->disk, list->runs[i]);
}

void verdict_runs_free(struct verdict_runs *runs)
{
    if (runs == NULL)
        return;
    verdict_build_done(runs);
    verdict_merge_done(runs);
    close_list(runs, &runs->list);
    close_list(runs, &runs->retired); /* deleted by the next open */
    verdict_filter_free(runs->filter);
    pthread_mutex_destroy(&runs->lock);
    free(runs);
}
