/* log_reader.c - contract in log_reader.h. */
#include "app/log_reader.h"

#include <stdlib.h>

#include "base/error.h"

#define PAGE_BYTES ((size_t)256 << 10) /* of events, between two looks at how many were visited */

struct log_reader {
    struct event_reader reader;
    struct log_reader_ports ports;
    bool taken;
    uint64_t generation;
    struct event_place kept, place; /* of the bookmark; behind what was visited */
    event_visit visit;              /* of the read under way, and how many are left of it */
    void *owner;
    int left;
    int count;
};

/* Ends a page when enough was visited; never seen outside. */
#define ENOUGH (-100000)

static struct log_reader *reader_of(struct event_reader *reader)
{
    return (struct log_reader *)reader;
}

/* 1: the place is ours; 0: another member has it. */
static int take_place(struct log_reader *r)
{
    struct event_bookmark *bookmark = r->ports.bookmark;
    if (r->taken)
        return 1;
    int error = bookmark->ops->take(bookmark, &r->kept);
    if (error == -ERR_BUSY)
        return 0;
    TRY(error);
    r->place = r->kept;
    r->taken = true;
    r->generation++;
    return 1;
}

static int on_event(void *owner, const struct event *event)
{
    struct log_reader *r = owner;
    if (r->left == 0)
        return ENOUGH;
    TRY(r->visit(r->owner, event));
    r->left--;
    r->count++;
    return 0;
}

/* 1: there may be more to visit now; 0: there is not. */
static int read_page(struct log_reader *r)
{
    struct event_pages *pages = r->ports.pages;
    int ours = take_place(r);
    if (ours <= 0)
        return ours;
    int more = pages->ops->read(pages, &r->place, PAGE_BYTES, on_event, r);
    return more == ENOUGH ? 0 : more;
}

static int reader_read(struct event_reader *reader, int events_max, int wait_ms, event_visit visit,
                       void *owner)
{
    struct log_reader *r = reader_of(reader);
    int more = 1;
    r->visit = visit;
    r->owner = owner;
    r->left = events_max;
    r->count = 0;
    for (int waited = 0;;) {
        while (more > 0 && r->left > 0)
            more = read_page(r);
        TRY(more);
        if (r->count > 0 || waited >= wait_ms)
            return r->count;
        r->ports.rest(r->ports.owner, r->ports.rest_ms);
        waited += r->ports.rest_ms;
        more = 1;
    }
}

static uint64_t reader_generation(const struct event_reader *reader)
{
    return ((const struct log_reader *)reader)->generation;
}

static int reader_commit(struct event_reader *reader)
{
    struct log_reader *r = reader_of(reader);
    struct event_bookmark *bookmark = r->ports.bookmark;
    if (!r->taken || (r->place.position == r->kept.position && r->place.skip == r->kept.skip))
        return 0;
    int error = bookmark->ops->keep(bookmark, &r->place);
    if (error < 0)
        return error == -ERR_MEMORY ? error : -ERR_ABSENT;
    r->kept = r->place;
    return 0;
}

static int reader_stay(struct event_reader *reader, int wait_ms)
{
    struct log_reader *r = reader_of(reader);
    r->ports.rest(r->ports.owner, wait_ms);
    return 0;
}

static uint64_t reader_lag(struct event_reader *reader)
{
    struct log_reader *r = reader_of(reader);
    return r->taken ? r->ports.pages->ops->lag(r->ports.pages) : 0;
}

static const char *reader_problem(const struct event_reader *reader)
{
    const struct log_reader *r = (const struct log_reader *)reader;
    return r->ports.pages->ops->problem(r->ports.pages);
}

static void free_ports(const struct log_reader_ports *ports)
{
    ports->pages->ops->free(ports->pages);
    ports->bookmark->ops->free(ports->bookmark);
}

static void reader_free(struct event_reader *reader)
{
    struct log_reader *r = reader_of(reader);
    free_ports(&r->ports);
    free(r);
}

static const struct event_reader_ops reader_ops = {
    .read = reader_read,
    .generation = reader_generation,
    .commit = reader_commit,
    .stay = reader_stay,
    .lag = reader_lag,
    .problem = reader_problem,
    .free = reader_free,
};

int log_reader_new(const struct log_reader_ports *ports, struct event_reader **ret_reader)
{
    struct log_reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        free_ports(ports);
        return -ERR_MEMORY;
    }
    r->reader.ops = &reader_ops;
    r->ports = *ports;
    *ret_reader = &r->reader;
    return 0;
}
