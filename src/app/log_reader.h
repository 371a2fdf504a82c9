/* log_reader.h - the event_reader port on a log itself: a group's place in it is a bookmark, which
 * one member has at a time; the others wait, and the next one goes on when it ends. What a topic
 * shares out among members is not shared here: a log is one part, partition 0.
 *
 * No clock: it is told how to wait. Thread: one user. */
#pragma once

#include "ports/event_pages.h"

struct log_reader_ports {
    struct event_pages *pages;       /* owned by the reader, as the next */
    struct event_bookmark *bookmark; /* of the group */
    void (*rest)(void *owner, int ms);
    void *owner;
    int rest_ms; /* between two looks at a log that has nothing new */
};

/* Takes both in any case. 0 or -ERR_MEMORY. Its errors: those of the pages, and of the bookmark. */
int log_reader_new(const struct log_reader_ports *ports, struct event_reader **ret_reader);
