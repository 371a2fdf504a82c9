/* ledger_locate.h - where on the disk a record of the embedded ledger stands, for an auditor who
 * wants to look at it. Thread: one. */
#pragma once

#include <stdint.h>

#include "adapters/embedded/ledger_store.h"
#include "base/buf.h"

/* Appends "FILE at byte N" of record `seq`. The log must be closed: it is opened here, to be read.
 * 0, -ERR_NOT_FOUND, or the error of the log or the disk; nothing is then appended. */
int ledger_locate(const struct ledger_store_options *options, struct disk *disk, uint64_t seq,
                  struct buf *ret_text);
