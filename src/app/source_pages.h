/* source_pages.h - the event_pages port over an event_source: one step of it is in memory and is
 * visited from whichever event on. Whoever reads on where it ended costs no seek; going back, or
 * on elsewhere, costs one. Memory: what one step comes to, EVENT_STEP_BYTES_MAX at most. Thread:
 * one user. */
#pragma once

#include "ports/event_pages.h"

/* The source is borrowed until free, as is what `problem` says of it (NULL: it says nothing). 0 or
 * -ERR_MEMORY. */
int source_pages_new(struct event_source *source,
                     const char *(*problem)(const struct event_source *source),
                     struct event_pages **ret_pages);
