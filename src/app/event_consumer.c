/* event_consumer.c - contract in event_consumer.h. */
#include "app/event_consumer.h"

#include <stdlib.h>

#include "base/error.h"

enum phase { PHASE_READ = 0, PHASE_SETTLE, PHASE_ENDED };

struct event_consumer {
    struct event_reader *reader;
    struct event_sink *sink;
    enum phase phase;
    int error;      /* of PHASE_ENDED */
    uint64_t taken; /* since the last commit */
    struct consumer_stats stats;
};

int event_consumer_new(struct event_reader *reader, struct event_sink *sink,
                       struct event_consumer **ret_consumer)
{
    struct event_consumer *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ERR_MEMORY;
    c->reader = reader;
    c->sink = sink;
    *ret_consumer = c;
    return 0;
}

void event_consumer_free(struct event_consumer *consumer)
{
    free(consumer);
}

static void set(uint64_t *stat, uint64_t value)
{
    __atomic_store_n(stat, value, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *stat)
{
    return __atomic_load_n(stat, __ATOMIC_RELAXED);
}

struct consumer_stats event_consumer_stats(const struct event_consumer *consumer)
{
    const struct consumer_stats *s = &consumer->stats;
    return (struct consumer_stats){
        .events = get(&s->events),
        .commits = get(&s->commits),
        .failures = get(&s->failures),
        .generation = get(&s->generation),
        .lag = get(&s->lag),
        .away = __atomic_load_n(&s->away, __ATOMIC_RELAXED),
    };
}

static int end_with(struct event_consumer *c, int error)
{
    c->phase = PHASE_ENDED;
    c->error = error;
    return error;
}

static int absent(struct event_consumer *c)
{
    set(&c->stats.failures, c->stats.failures + 1);
    __atomic_store_n(&c->stats.away, true, __ATOMIC_RELAXED);
    return CONSUMER_AWAY;
}

static void look_at_share(struct event_consumer *c)
{
    uint64_t generation = c->reader->ops->generation(c->reader);
    if (generation == c->stats.generation)
        return;
    c->sink->ops->renew(c->sink);
    set(&c->stats.generation, generation);
}

static int on_event(void *owner, const struct event *event)
{
    struct event_consumer *c = owner;
    look_at_share(c);
    TRY(c->sink->ops->take(c->sink, event));
    c->taken++;
    set(&c->stats.events, c->stats.events + 1);
    return 0;
}

static int read_some(struct event_consumer *c)
{
    int wait_ms = c->taken > 0 ? 0 : CONSUMER_READ_MS;
    int count = c->reader->ops->read(c->reader, CONSUMER_READ_EVENTS_MAX, wait_ms, on_event, c);
    look_at_share(c);
    set(&c->stats.lag, c->reader->ops->lag(c->reader));
    if (count == -ERR_ABSENT && c->taken == 0)
        return absent(c);
    if (count < 0 && count != -ERR_BUSY && count != -ERR_ABSENT)
        return end_with(c, count);
    if (count >= 0)
        __atomic_store_n(&c->stats.away, false, __ATOMIC_RELAXED);
    bool more = count == CONSUMER_READ_EVENTS_MAX && c->taken < CONSUMER_EVENTS_MAX;
    if (c->taken > 0 && !more)
        c->phase = PHASE_SETTLE;
    return CONSUMER_GOES_ON;
}

/* Staying may give the share to another member: what was taken of it comes to that one too. */
static int stay(struct event_consumer *c)
{
    int error = c->reader->ops->stay(c->reader, 0);
    look_at_share(c);
    return error < 0 && error != -ERR_ABSENT ? end_with(c, error) : CONSUMER_GOES_ON;
}

/* What is not known to be committed is committed again, unless its share has gone meanwhile, which
 * only staying tells. */
static int commit(struct event_consumer *c)
{
    int error = c->reader->ops->commit(c->reader);
    if (error == -ERR_ABSENT) {
        TRY(stay(c));
        return absent(c);
    }
    if (error < 0)
        return end_with(c, error);
    c->taken = 0;
    c->phase = PHASE_READ;
    set(&c->stats.commits, c->stats.commits + 1);
    return CONSUMER_GOES_ON;
}

static int settle(struct event_consumer *c)
{
    int settled = c->sink->ops->settle(c->sink);
    if (settled < 0)
        return end_with(c, settled);
    return settled > 0 ? commit(c) : stay(c);
}

int event_consumer_step(struct event_consumer *consumer)
{
    switch (consumer->phase) {
    case PHASE_READ:
        return read_some(consumer);
    case PHASE_SETTLE:
        return settle(consumer);
    case PHASE_ENDED:
        break;
    }
    return consumer->error;
}

bool event_consumer_is_settled(const struct event_consumer *consumer)
{
    return consumer->taken == 0 || consumer->phase == PHASE_ENDED;
}

int event_consumer_settle(struct event_consumer *consumer)
{
    return consumer->phase == PHASE_ENDED ? consumer->error
           : consumer->taken > 0          ? settle(consumer)
                                          : CONSUMER_GOES_ON;
}
