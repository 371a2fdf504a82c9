/* stream_publisher.c - contract in stream_publisher.h.
 * BEGIN asks the writer where it is; FILL reads events into the batch; SEND puts and commits it.
 * Every failure of the writer goes back to BEGIN with the batch as it is. */
#include "app/stream_publisher.h"

#include <stdlib.h>

#include "app/event_batch.h"
#include "base/error.h"

#define BATCH_CAPACITY (PUBLISHER_BATCH_BYTES + EVENT_STEP_BYTES_MAX)

enum phase { PHASE_BEGIN = 0, PHASE_FILL, PHASE_SEND, PHASE_ENDED };

struct stream_publisher {
    struct event_source *source;
    struct event_writer *writer;
    enum phase phase;
    int error;         /* of PHASE_ENDED */
    bool placed;       /* the source stands behind the batch */
    uint64_t from, to; /* positions before and behind the batch */
    bool sent;         /* it was put before: now it is a repeat, if it is put again */
    bool whole;        /* the source has nothing more at the moment */
    struct publisher_stats stats;
    struct event_batch *batch; /* owned */
};

int stream_publisher_new(struct event_source *source, struct event_writer *writer,
                         struct stream_publisher **ret_publisher)
{
    struct stream_publisher *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ERR_MEMORY;
    p->source = source;
    p->writer = writer;
    int error = event_batch_new(BATCH_CAPACITY, &p->batch);
    if (error < 0) {
        free(p);
        return error;
    }
    *ret_publisher = p;
    return 0;
}

void stream_publisher_free(struct stream_publisher *publisher)
{
    if (publisher == NULL)
        return;
    event_batch_free(publisher->batch);
    free(publisher);
}

static void set(uint64_t *stat, uint64_t value)
{
    __atomic_store_n(stat, value, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *stat)
{
    return __atomic_load_n(stat, __ATOMIC_RELAXED);
}

struct publisher_stats stream_publisher_stats(const struct stream_publisher *publisher)
{
    const struct publisher_stats *s = &publisher->stats;
    return (struct publisher_stats){
        .position = get(&s->position),
        .lag = get(&s->lag),
        .events = get(&s->events),
        .batches = get(&s->batches),
        .failures = get(&s->failures),
        .repeats = get(&s->repeats),
        .away = __atomic_load_n(&s->away, __ATOMIC_RELAXED),
    };
}

static void set_away(struct stream_publisher *p, bool away)
{
    __atomic_store_n(&p->stats.away, away, __ATOMIC_RELAXED);
}

/* ---- the batch ---- */

static void empty_batch(struct stream_publisher *p, uint64_t position)
{
    p->from = p->to = position;
    event_batch_empty(p->batch);
    p->sent = false;
    set(&p->stats.position, position);
}

static int put_batch(struct stream_publisher *p)
{
    struct event event;
    size_t at = 0;
    while (event_batch_next(p->batch, &at, &event))
        TRY(p->writer->ops->put(p->writer, &event));
    return 0;
}

/* ---- phases ---- */

static int end_with(struct stream_publisher *p, int error)
{
    p->phase = PHASE_ENDED;
    p->error = error;
    return error;
}

/* What the log has that was not read, and what was read and is not committed. */
static void count_lag(struct stream_publisher *p)
{
    set(&p->stats.lag, p->source->ops->lag(p->source) + event_batch_count(p->batch));
}

static int writer_failed(struct stream_publisher *p, int error)
{
    set(&p->stats.failures, p->stats.failures + 1);
    count_lag(p);
    set_away(p, true);
    p->phase = PHASE_BEGIN;
    return error == -ERR_ABSENT ? PUBLISHER_AWAY : end_with(p, error);
}

static int begin_first(struct stream_publisher *p, uint64_t position)
{
    int error = p->source->ops->seek(p->source, position);
    if (error < 0)
        return end_with(p, error);
    p->placed = true;
    empty_batch(p, position);
    p->phase = PHASE_FILL;
    return PUBLISHER_MORE;
}

/* The topic is before the batch or behind it, and nowhere else unless another writer has begun
 * since; one that only began, and wrote nothing, is passed over: it ends by the same rule. */
static int begin(struct stream_publisher *p)
{
    uint64_t position = 0;
    int error = p->writer->ops->begin(p->writer, &position);
    if (error < 0)
        return writer_failed(p, error);
    set_away(p, false);
    if (!p->placed)
        return begin_first(p, position);
    if (position == p->to) { /* only the answer to its commit was lost */
        set(&p->stats.events, p->stats.events + event_batch_count(p->batch));
        empty_batch(p, position);
    } else if (position != p->from) {
        return end_with(p, -ERR_STOPPED);
    }
    p->phase = p->sent ? PHASE_SEND : PHASE_FILL;
    return PUBLISHER_MORE;
}

static bool is_due(const struct stream_publisher *p)
{
    return event_batch_bytes(p->batch) >= PUBLISHER_BATCH_BYTES ||
           (p->whole && event_batch_count(p->batch) > 0) ||
           p->to - p->from >= PUBLISHER_SILENT_POSITIONS;
}

static int fill(struct stream_publisher *p)
{
    int more = p->source->ops->step(p->source, EVENT_STEP_BYTES, event_batch_put, p->batch, &p->to);
    if (more < 0)
        return end_with(p, more);
    p->whole = more == 0;
    count_lag(p);
    if (!is_due(p))
        return more == 0 ? PUBLISHER_IDLE : PUBLISHER_MORE;
    p->phase = PHASE_SEND;
    return PUBLISHER_MORE;
}

static int send_batch(struct stream_publisher *p)
{
    if (p->sent)
        set(&p->stats.repeats, p->stats.repeats + event_batch_count(p->batch));
    p->sent = true;
    int error = put_batch(p);
    if (error == 0)
        error = p->writer->ops->commit(p->writer, p->to);
    if (error < 0)
        return writer_failed(p, error);
    set(&p->stats.events, p->stats.events + event_batch_count(p->batch));
    set(&p->stats.batches, p->stats.batches + 1);
    empty_batch(p, p->to);
    count_lag(p);
    p->phase = PHASE_FILL;
    return p->whole ? PUBLISHER_IDLE : PUBLISHER_MORE;
}

int stream_publisher_step(struct stream_publisher *publisher)
{
    switch (publisher->phase) {
    case PHASE_BEGIN:
        return begin(publisher);
    case PHASE_FILL:
        return fill(publisher);
    case PHASE_SEND:
        return send_batch(publisher);
    case PHASE_ENDED:
        break;
    }
    return publisher->error;
}
