/* shared_bytes.c - contract in shared_bytes.h. */
#include "net/stream/shared_bytes.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

int shared_bytes_new(size_t bytes, struct shared_bytes **ret_shared)
{
    if (bytes > INT32_MAX)
        return -ERR_LIMIT;
    struct shared_bytes *shared = malloc(sizeof *shared + bytes);
    if (shared == NULL)
        return -ERR_MEMORY;
    shared->references = 1;
    shared->bytes = (uint32_t)bytes;
    memset(shared->forms, 0, sizeof shared->forms);
    *ret_shared = shared;
    return 0;
}

int shared_bytes_copy(struct slice content, struct shared_bytes **ret_shared)
{
    TRY(shared_bytes_new(content.bytes, ret_shared));
    if (content.bytes > 0)
        memcpy((*ret_shared)->at, content.at, content.bytes);
    return 0;
}

void shared_bytes_give(struct shared_bytes *shared)
{
    struct shared_bytes *left[2 * SHARED_FORMS]; /* a binary form may have a packed one */
    size_t count = 0;
    if (shared != NULL)
        left[count++] = shared;
    while (count > 0) {
        struct shared_bytes *one = left[--count];
        ASSERT(one->references > 0);
        if (--one->references > 0)
            continue;
        for (size_t i = 0; i < SHARED_FORMS; i++)
            if (one->forms[i] != NULL && one->forms[i] != one)
                left[count++] = one->forms[i];
        free(one);
    }
}
