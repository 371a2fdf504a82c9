/* personal_copy.h - the file of personal keys (personal.h) as bytes, for a standby that keeps a
 * copy of it: slots wrapped by the master key, which is not needed here, go as they are.
 *
 * A copy is opened by whoever follows, and by nobody else meanwhile: it is locked. A source is read
 * beside the process that has the file open. Thread: one user of each. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "crypto/personal.h"

struct personal_copy {
    int fd; /* owned; -1: closed */
};

/* `folder` as of key_files_open. To be read: -ERR_NOT_FOUND when there is no file. To be written:
 * it is made when missing. 0, -ERR_IO, -ERR_BUSY (locked), -ERR_CONFIG (others can reach it). */
int personal_copy_open(int folder, const char *name, bool to_write, struct personal_copy *ret);
void personal_copy_close(struct personal_copy *copy);

/* Whole slots, in bytes; 0 also when it cannot be told. */
uint64_t personal_copy_size(const struct personal_copy *copy);
/* Whole slots from `offset` on: how many bytes, 0 at the end, or -ERR_IO. */
int personal_copy_read(const struct personal_copy *copy, uint64_t offset, void *to,
                       size_t capacity);
/* Whole slots; each must be none, erased, or sound (-ERR_FORMAT: nothing was written). 0, -ERR_IO,
 * -ERR_NO_SPACE. */
int personal_copy_write(const struct personal_copy *copy, uint64_t offset, struct slice slots);
/* What was written is durable. 0 or -ERR_IO: then it is not to be trusted any more. */
int personal_copy_sync(const struct personal_copy *copy);
