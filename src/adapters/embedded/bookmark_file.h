/* bookmark_file.h - the event_bookmark port as a file of a directory that the members of a group
 * share: NAME.place, replaced whole, and NAME.lock, which the member that has it holds until it
 * ends, however it ends. Thread: one user. */
#pragma once

#include "adapters/embedded/disk.h"
#include "base/buf.h"
#include "ports/event_pages.h"

/* The name is of letters, digits, '-', '_' and '.', so that it can be a file's. The disk is
 * borrowed until free. 0, -ERR_MEMORY, or -ERR_CONFIG with a sentence in `why`. */
int bookmark_file_new(struct disk *disk, struct slice name, struct event_bookmark **ret_bookmark,
                      struct buf *why);
