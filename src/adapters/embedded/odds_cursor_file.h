/* odds_cursor_file.h - the odds_cursor port over the segments of an odds_log_file, beside its
 * writer. Every record's checksum is verified. Holds one file open, a chunk of 256 KiB and the
 * texts of a segment. Thread: as the port's. */
#pragma once

#include "adapters/embedded/odds_log_file.h"
#include "ports/odds_cursor.h"

/* Borrows the log, which is not read only, until free. 0 or -ERR_MEMORY. */
int odds_cursor_file_new(struct odds_log *log, struct odds_cursor **ret_cursor);
