/* shared_bytes.h - bytes that are encoded once and sent by many connections.
 *
 * Reference-counted and immutable once shared. The same message in another form (compressed) is
 * its twin, made when somebody first needs it. The count is not atomic: Thread: one loop. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct shared_bytes {
    uint32_t references;
    uint32_t bytes;
    struct shared_bytes *twin; /* owned, not longer; NULL: not made; itself: none is needed */
    char at[];
};

/* `bytes` uninitialised bytes with one reference, owned by the caller, who fills them before
 * sharing. -ERR_MEMORY; -ERR_LIMIT above 2^31. */
int shared_bytes_new(size_t bytes, struct shared_bytes **ret_shared);
/* The same, filled with a copy of `content`. */
int shared_bytes_copy(struct slice content, struct shared_bytes **ret_shared);

/* One more owner; answers its argument. */
static inline struct shared_bytes *shared_bytes_take(struct shared_bytes *shared)
{
    shared->references++;
    return shared;
}

/* It goes out as it is, whatever other form its reader could take. Before it has a twin. */
static inline void shared_bytes_keep_plain(struct shared_bytes *shared)
{
    shared->twin = shared;
}

/* One owner less; the last one frees. Accepts NULL. */
void shared_bytes_give(struct shared_bytes *shared);

static inline struct slice shared_bytes_slice(const struct shared_bytes *shared)
{
    return (struct slice){shared->at, shared->bytes};
}
