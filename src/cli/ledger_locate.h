/* ledger_locate.h - where on the disk a record of the embedded ledger stands, for an auditor who
 * wants to look at it. Thread: one. */
#pragma once

#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "base/buf.h"

/* Appends "FILE at byte N" of record `seq` of shard 0, whose log lies on `disk` and, where it has a
 * second directory, on `second` (else NULL). The log must be closed: it is opened here.
 * 0, -ERR_NOT_FOUND, or the error of the log or the disk; nothing is then appended. */
int ledger_locate(struct disk *disk, struct disk *second, uint64_t seq, struct buf *ret_text);
