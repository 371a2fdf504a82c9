/* shared_bytes.h - bytes that are encoded once and sent by many connections.
 *
 * Reference-counted and immutable once shared. The same bytes in another form are made when
 * somebody first needs them, and kept with them. The count is not atomic: Thread: one loop. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum shared_form {
    SHARED_PACKED = 0, /* compressed; itself: that does not pay, or must not be */
    SHARED_BINARY,     /* the same message as the layer above writes it in binary */
};
#define SHARED_FORMS 2

struct shared_bytes {
    uint32_t references;
    uint32_t bytes;
    struct shared_bytes *forms[SHARED_FORMS]; /* owned, unless itself; NULL: not made */
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

/* It is never compressed. Before it was shared. */
static inline void shared_bytes_keep_plain(struct shared_bytes *shared)
{
    shared->forms[SHARED_PACKED] = shared;
}

/* One owner less; the last one frees. Accepts NULL. */
void shared_bytes_give(struct shared_bytes *shared);

static inline struct slice shared_bytes_slice(const struct shared_bytes *shared)
{
    return (struct slice){shared->at, shared->bytes};
}
