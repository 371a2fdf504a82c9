/* event_pages.h - a log as events (ports/event_stream.h), read in pieces from any place, and where
 * the readers of such a log keep theirs: for consumers that follow the log itself, with no topic
 * between (DESIGN part 2: "the logs themselves, read by cursor").
 *
 * Calls block, so a thread of its own hosts them. Thread: one user each. */
#pragma once

#include "ports/event_stream.h"

/* Behind the first `skip` events that follow this position of the log. All 0: before all. */
struct event_place {
    uint64_t position;
    uint32_t skip;
    uint64_t log; /* which it is a place in, where that is told; 0: whichever it is */
};

/* ---- the log ---- */

struct event_pages;

struct event_pages_ops {
    /* Visits events behind the place, after about bytes_max bytes of them no more, and moves the
     * place behind each that was visited. 1: there is more; 0: there is not, now; the visitor's
     * negative answer, and the place is before that event; -ERR_ABSENT: nobody answers, later;
     * -ERR_CONFIG: whoever has the log refuses us; -ERR_CORRUPT: it has not got so far, or cannot
     * be read; or another error of reading. */
    int (*read)(struct event_pages *pages, struct event_place *place, size_t bytes_max,
                event_visit visit, void *owner);
    /* How many records (of the odds log: changes) there were behind the last page, then. */
    uint64_t (*lag)(const struct event_pages *pages);
    /* A sentence about the last failure, or "". */
    const char *(*problem)(const struct event_pages *pages);
    void (*free)(struct event_pages *pages);
};

struct event_pages {
    const struct event_pages_ops *ops;
};

/* ---- a group's place in it ---- */

struct event_bookmark;

struct event_bookmark_ops {
    /* The group's place is this one's until free(), or the end of the process: 0 and where it is;
     * -ERR_BUSY: another member has it; -ERR_CORRUPT; or the disk's error. */
    int (*take)(struct event_bookmark *bookmark, struct event_place *ret_place);
    /* Of who has taken it: durable when it answers 0; else the old or the new one is kept. */
    int (*keep)(struct event_bookmark *bookmark, const struct event_place *place);
    void (*free)(struct event_bookmark *bookmark);
};

struct event_bookmark {
    const struct event_bookmark_ops *ops;
};
