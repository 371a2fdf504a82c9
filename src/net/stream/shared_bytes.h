/* shared_bytes.h - bytes that are encoded once and sent by many connections.
 *
 * Reference-counted and immutable once shared. The count is not atomic: Thread: one loop. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct shared_bytes {
    uint32_t references;
    uint32_t bytes;
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

/* One owner less; the last one frees. Accepts NULL. */
void shared_bytes_give(struct shared_bytes *shared);

static inline struct slice shared_bytes_slice(const struct shared_bytes *shared)
{
    return (struct slice){shared->at, shared->bytes};
}
