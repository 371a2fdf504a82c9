/* source_pages.c - contract in source_pages.h. A step from one position is always of
 * EVENT_STEP_BYTES, and a log only grows: so the events behind a position are the same ones, or
 * more of them, whenever they are read. */
#include "app/source_pages.h"

#include <stdlib.h>

#include "app/event_batch.h"
#include "base/error.h"

struct source_pages {
    struct event_pages pages;
    struct event_source *source; /* borrowed */
    const char *(*source_problem)(const struct event_source *source);
    bool placed;               /* the source stands at `to` */
    bool more;                 /* and has more than this */
    uint64_t from, to;         /* positions before and behind the batch */
    struct event_batch *batch; /* owned */
    size_t at;                 /* byte of the next event, and */
    uint32_t index;            /* how many are before it */
};

static struct source_pages *pages_of(struct event_pages *pages)
{
    return (struct source_pages *)pages;
}

static void begin_batch(struct source_pages *p, uint64_t position)
{
    event_batch_empty(p->batch);
    p->from = p->to = position;
    p->at = 0;
    p->index = 0;
}

/* The batch is what follows the position. */
static int step(struct source_pages *p, uint64_t position)
{
    bool goes_on = p->placed && p->to == position;
    begin_batch(p, position);
    if (!goes_on) {
        p->placed = false;
        TRY(p->source->ops->seek(p->source, position));
    }
    int more = p->source->ops->step(p->source, EVENT_STEP_BYTES, event_batch_put, p->batch, &p->to);
    p->placed = more >= 0;
    if (more < 0)
        begin_batch(p, position);
    TRY(more);
    p->more = more > 0;
    return 0;
}

/* Where it ended early, what came since is behind the same position: anew. */
static bool is_here(const struct source_pages *p, const struct event_place *place)
{
    return p->placed && p->from == place->position && event_batch_count(p->batch) > place->skip;
}

static void find(struct source_pages *p, uint32_t index)
{
    struct event event;
    if (index < p->index) {
        p->at = 0;
        p->index = 0;
    }
    while (p->index < index && event_batch_next(p->batch, &p->at, &event))
        p->index++;
}

static int visit_some(struct source_pages *p, struct event_place *place, size_t bytes_max,
                      event_visit visit, void *owner)
{
    struct event event;
    size_t begun = p->at, at = p->at;
    while (at - begun < bytes_max && event_batch_next(p->batch, &at, &event)) {
        TRY(visit(owner, &event));
        p->at = at;
        place->skip = ++p->index;
    }
    return 0;
}

static int pages_read(struct event_pages *pages, struct event_place *place, size_t bytes_max,
                      event_visit visit, void *owner)
{
    struct source_pages *p = pages_of(pages);
    if (!is_here(p, place))
        TRY(step(p, place->position));
    find(p, place->skip);
    TRY(visit_some(p, place, bytes_max, visit, owner));
    if (p->at < event_batch_bytes(p->batch))
        return 1;
    *place = (struct event_place){p->to, 0, place->log};
    return p->more ? 1 : 0;
}

static uint64_t pages_lag(const struct event_pages *pages)
{
    const struct source_pages *p = (const struct source_pages *)pages;
    return p->source->ops->lag(p->source) + (event_batch_count(p->batch) - p->index);
}

static const char *pages_problem(const struct event_pages *pages)
{
    const struct source_pages *p = (const struct source_pages *)pages;
    return p->source_problem == NULL ? "" : p->source_problem(p->source);
}

static void pages_free(struct event_pages *pages)
{
    struct source_pages *p = pages_of(pages);
    event_batch_free(p->batch);
    free(p);
}

static const struct event_pages_ops pages_ops = {pages_read, pages_lag, pages_problem, pages_free};

int source_pages_new(struct event_source *source,
                     const char *(*problem)(const struct event_source *source),
                     struct event_pages **ret_pages)
{
    struct source_pages *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ERR_MEMORY;
    p->pages.ops = &pages_ops;
    p->source = source;
    p->source_problem = problem;
    int error = event_batch_new(EVENT_STEP_BYTES_MAX, &p->batch);
    if (error < 0) {
        free(p);
        return error;
    }
    *ret_pages = &p->pages;
    return 0;
}
