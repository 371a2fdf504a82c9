/* ledger_replay.c - contract in ledger_replay.h.
 *
 * Slabs of records go round between the decoder (a thread of its own) and the visitor: few and
 * large, because a wake-up costs more than decoding a group. */
#include "adapters/embedded/ledger_replay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_scan.h"
#include "base/assert.h"
#include "base/error.h"
#include "ledger/record.h"

#define SLABS_COUNT 3
#define SLAB_BYTES  (4u << 20)
#define READ_BYTES  (256u << 10) /* stays in the second-level cache until it is checked */

struct slab {
    char *records;
    size_t bytes;
};

struct replay {
    const struct ledger_view *view;
    uint64_t seq_first;
    struct ledger_reader *reader; /* the decoder's */
    char *chunk;
    struct slab slabs[SLABS_COUNT];
    struct slab *filling; /* the decoder's */
    struct ledger_scan scan;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t filled;  /* slabs handed over, ever */
    uint64_t emptied; /* slabs given back, ever */
    bool ended;       /* the decoder has handed over its last */
    bool stop;        /* the visitor wants no more */
    int result;       /* the decoder's */
};

struct ledger_view ledger_store_view(const struct ledger_store *store)
{
    return (struct ledger_view){
        .volumes = &store->volumes,
        .segments = store->segments,
        .segments_count = store->segments_count,
        .end = store->place,
        .end_offset = store->offset,
    };
}

uint64_t ledger_view_segment(const struct ledger_view *view, uint64_t seq)
{
    ASSERT(seq > 0);
    ASSERT(seq <= view->end.seq);
    uint64_t low = 0;
    uint64_t high = view->segments_count; /* the answer is in low .. high - 1 */
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (view->segments[middle].before.seq < seq)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int ledger_view_open(const struct ledger_view *view, uint64_t segment, struct ledger_reader *reader)
{
    ASSERT(segment < view->segments_count);
    return ledger_reader_open(reader, view->volumes, segment, view->segments[segment].volume);
}

uint64_t ledger_view_end(const struct ledger_view *view, uint64_t segment,
                         struct ledger_place *ret_place)
{
    bool newest = segment + 1 == view->segments_count;
    *ret_place = newest ? view->end : view->segments[segment + 1].before;
    if (newest)
        return view->end_offset;
    /* What a failover superseded is behind previous_end, and no reader ever comes there. */
    uint64_t end = view->segments[segment + 1].previous_end;
    return end != 0 ? end : view->segments[segment].bytes;
}

static void add_size(struct ledger_sizes *sizes, const struct ledger_form *form)
{
    uint64_t *count = form->is_archived ? &sizes->archived
                      : form->is_packed ? &sizes->packed
                                        : &sizes->plain;
    uint64_t *bytes = form->is_archived ? &sizes->archived_bytes
                      : form->is_packed ? &sizes->packed_bytes
                                        : &sizes->plain_bytes;
    ++*count;
    *bytes += form->file_bytes;
}

int ledger_view_sizes(const struct ledger_view *view, struct ledger_sizes *ret_sizes,
                      char ret_text[LEDGER_REPORT_TEXT_BYTES])
{
    struct ledger_sizes sizes = {0};
    struct ledger_form form;
    struct ledger_reader *reader = NULL;
    TRY(ledger_reader_new(ret_text, &reader));
    int result = 0;
    for (uint64_t segment = 0; result == 0 && segment < view->segments_count; segment++) {
        result = ledger_reader_look(reader, view->volumes, segment, view->segments[segment].volume,
                                    &form);
        sizes.log_bytes += view->segments[segment].bytes;
        if (result == 0)
            add_size(&sizes, &form);
    }
    ledger_reader_free(reader);
    if (result == 0)
        *ret_sizes = sizes;
    return result;
}

/* --- The decoder --- */

/* False when the visitor has stopped. */
static bool wait_for_slab(struct replay *replay)
{
    pthread_mutex_lock(&replay->lock);
    while (!replay->stop && replay->filled - replay->emptied == SLABS_COUNT)
        pthread_cond_wait(&replay->changed, &replay->lock);
    bool go_on = !replay->stop;
    replay->filling = &replay->slabs[replay->filled % SLABS_COUNT];
    pthread_mutex_unlock(&replay->lock);
    replay->filling->bytes = 0;
    return go_on;
}

static void hand_over(struct replay *replay, bool ended, int result)
{
    pthread_mutex_lock(&replay->lock);
    replay->filled++;
    replay->ended = ended;
    replay->result = result;
    pthread_cond_broadcast(&replay->changed);
    pthread_mutex_unlock(&replay->lock);
}

/* The group that was gathered stays in the slab; the next one goes behind it. */
static int keep_group(struct replay *replay)
{
    struct slab *slab = replay->filling;
    slab->bytes += replay->scan.gathered;
    if (SLAB_BYTES - slab->bytes < LEDGER_APPEND_BYTES_MAX) {
        hand_over(replay, false, 0);
        if (!wait_for_slab(replay))
            return -ERR_STOPPED;
        slab = replay->filling;
    }
    ledger_scan_into(&replay->scan, slab->records + slab->bytes, SLAB_BYTES - slab->bytes);
    return 0;
}

static int decode_chunk(struct replay *replay, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += DISK_SECTOR) {
        const void *sector = replay->chunk + at;
        switch (ledger_scan_sector(&replay->scan, sector)) {
        case LEDGER_SCAN_MORE:
            break;
        case LEDGER_SCAN_GROUP:
            TRY(keep_group(replay));
            break;
        case LEDGER_SCAN_DAMAGE:
            return ledger_reader_corrupt(replay->reader, replay->scan.offset, replay->scan.problem);
        }
    }
    return 0;
}

/* Nothing but whole groups up to `end`, and there the place that the log says. */
static int check_end(struct replay *replay, const struct ledger_place *end)
{
    struct ledger_scan *scan = &replay->scan;
    if (ledger_scan_end(scan) == LEDGER_SCAN_DAMAGE)
        return ledger_reader_corrupt(replay->reader, scan->offset, scan->problem);
    if (scan->extent > 0)
        return ledger_reader_corrupt(replay->reader, scan->group_offset,
                                     "group: sectors are missing");
    if (scan->place.group != end->group || scan->place.seq != end->seq ||
        scan->place.previous != end->previous)
        return ledger_reader_corrupt(replay->reader, scan->group_offset, "groups are missing");
    return 0;
}

static int decode_segment(struct replay *replay, uint64_t segment)
{
    const struct ledger_view *view = replay->view;
    struct slab *slab = replay->filling;
    struct ledger_place end;
    uint64_t size = ledger_view_end(view, segment, &end);
    TRY(ledger_view_open(view, segment, replay->reader));
    ledger_scan_begin(&replay->scan, &view->segments[segment].before, DISK_SECTOR);
    ledger_scan_into(&replay->scan, slab->records + slab->bytes, SLAB_BYTES - slab->bytes);
    for (uint64_t offset = DISK_SECTOR; offset < size;) {
        size_t bytes = size - offset < READ_BYTES ? (size_t)(size - offset) : READ_BYTES;
        TRY(ledger_reader_fill(replay->reader, offset, replay->chunk, bytes));
        TRY(decode_chunk(replay, bytes));
        offset += bytes;
    }
    return check_end(replay, &end);
}

static void *decode(void *owner)
{
    struct replay *replay = owner;
    const struct ledger_view *view = replay->view;
    int result = 0;
    (void)wait_for_slab(replay); /* all are empty */
    uint64_t segment = ledger_view_segment(view, replay->seq_first);
    for (; result >= 0 && segment < view->segments_count; segment++)
        result = decode_segment(replay, segment);
    hand_over(replay, true, result);
    return NULL;
}

/* --- The visitor --- */

static int visit_slab(const struct replay *replay, const struct slab *slab, ledger_visit visit,
                      void *owner)
{
    const char *at = slab->records;
    const char *end = at + slab->bytes;
    while (at < end) {
        struct record_head head;
        memcpy(&head, at, sizeof head); /* checked by the scanner */
        if (head.seq >= replay->seq_first)
            TRY(visit(owner, replay->view->volumes->shard, at, head.bytes));
        at += head.bytes;
    }
    return 0;
}

static int visit_all(struct replay *replay, ledger_visit visit, void *owner)
{
    int result = 0;
    bool more = true;
    while (result >= 0 && more) {
        pthread_mutex_lock(&replay->lock);
        while (!replay->ended && replay->filled == replay->emptied)
            pthread_cond_wait(&replay->changed, &replay->lock);
        struct slab *slab = &replay->slabs[replay->emptied % SLABS_COUNT];
        pthread_mutex_unlock(&replay->lock);
        result = visit_slab(replay, slab, visit, owner);
        pthread_mutex_lock(&replay->lock);
        replay->emptied++;
        more = !replay->ended || replay->emptied < replay->filled;
        replay->stop = result < 0;
        pthread_cond_broadcast(&replay->changed);
        pthread_mutex_unlock(&replay->lock);
    }
    return result;
}

static void replay_free(struct replay *replay)
{
    for (size_t i = 0; i < SLABS_COUNT; i++)
        free(replay->slabs[i].records);
    free(replay->chunk);
    ledger_reader_free(replay->reader);
    pthread_mutex_destroy(&replay->lock);
    pthread_cond_destroy(&replay->changed);
}

static int replay_new(struct replay *replay, char *text)
{
    pthread_mutex_init(&replay->lock, NULL);
    pthread_cond_init(&replay->changed, NULL);
    bool complete = ledger_reader_new(text, &replay->reader) == 0;
    complete = complete && (replay->chunk = malloc(READ_BYTES)) != NULL;
    for (size_t i = 0; i < SLABS_COUNT; i++)
        complete = complete && (replay->slabs[i].records = malloc(SLAB_BYTES)) != NULL;
    return complete ? 0 : -ERR_MEMORY;
}

int ledger_replay(const struct ledger_view *view, uint64_t seq_first, ledger_visit visit,
                  void *owner, char ret_text[LEDGER_REPORT_TEXT_BYTES])
{
    struct replay replay = {.view = view, .seq_first = seq_first};
    pthread_t decoder;
    ret_text[0] = '\0';
    if (seq_first == 0)
        replay.seq_first = 1;
    if (replay.seq_first > view->end.seq)
        return 0;
    int result = replay_new(&replay, ret_text);
    if (result == 0 && pthread_create(&decoder, NULL, decode, &replay) != 0)
        result = -ERR_MEMORY;
    if (result == 0) {
        result = visit_all(&replay, visit, owner);
        pthread_join(decoder, NULL);
        if (result >= 0)
            result = replay.result;
    }
    replay_free(&replay);
    return result;
}
