/* odds_source.h - the topic `odds-updates` as a fold of the odds log: the event_source port over an
 * odds_cursor (docs/PROTOCOL.md, "Streams").
 *
 * The log has what changed; a message has the whole market as it is then. So the source keeps an
 * image of each market, in an odds store of its own. Positions are the log's: everything below was
 * told. `seq` is SHARD-POSITION of the change. Where the oldest changes were deleted before they
 * were told, a message has the selections that changed since. Thread: one user. */
#pragma once

#include "ports/event_stream.h"
#include "ports/odds_cursor.h"
#include "ports/odds_store.h"

struct odds_source_ports {
    struct odds_cursor *cursor; /* borrowed until free */
    struct odds_store *images;  /* the same; empty, and nobody else's */
    uint32_t shard;
};

/* 0 or -ERR_MEMORY. Its errors: those of the cursor. */
int odds_source_new(const struct odds_source_ports *ports, struct event_source **ret_source);
/* How often changes were deleted before they were told. Any thread. */
uint64_t odds_source_gaps(const struct event_source *source);
