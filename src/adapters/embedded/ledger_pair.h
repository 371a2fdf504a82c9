/* ledger_pair.h - the volume files: which directory of which log each one is.
 *
 * A log in two directories may have failed over at any time, so either of them alone may lack
 * acknowledged bets and look whole. Each therefore says that it is one of two, and which; what is
 * missing, swapped or of another pair is refused by name. The second is written before the first,
 * and both before the log may fail over. Format: docs/LEDGER.md. Thread: one at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "adapters/embedded/ledger_format.h"
#include "adapters/embedded/ledger_reader.h"

enum ledger_pairing {
    LEDGER_ALONE,   /* one directory */
    LEDGER_PAIRED,  /* these two belong together */
    LEDGER_TO_PAIR, /* the second may become one, if it holds no log */
};

/* 0; -ERR_CONFIG: these are not the directories of the log; -ERR_CORRUPT; or the disk's error, with
 * the reason in ret_text (LEDGER_REPORT_TEXT_BYTES). `alone`: one directory, whichever it is. */
int ledger_pair_look(const struct ledger_volumes *volumes, bool alone,
                     enum ledger_pairing *ret_pairing, char *ret_text);
/* Are those that have a volume file of the log with this creation id? As ledger_pair_look(). */
int ledger_pair_check(const struct ledger_volumes *volumes, uint64_t creation, char *ret_text);
/* Makes them a pair, durably. 0 or the disk's error. */
int ledger_pair_make(const struct ledger_volumes *volumes, uint64_t creation);
/* This directory is all of the log from now on, as the first. 0 or the disk's error. */
int ledger_pair_end(struct disk *disk, uint32_t shard, uint64_t creation);
