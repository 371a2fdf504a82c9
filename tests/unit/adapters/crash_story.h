/* crash_story.h - what a ledger log promises, held against every crash that could follow.
 *
 * A workload runs on a recording disk. Then, for every prefix of its operations and for many
 * choices of what the unsynced sectors and names became, the log is opened again and held
 * against what had been promised by then (L1, L2); before that it is opened to be read only, which
 * must find the same end and change nothing.
 *
 * Each life answers NULL, or what some crash brought to light. Syncs for the reason `ignored_why`
 * are taken as if they had never been called (FAULTY_DISK_NO_WHY: none), and `seed` chooses the
 * workload. Thread: one. */
#pragma once

#include <stdint.h>

#include "adapters/faulty/faulty_disk.h"

/* Creation, epoch, and enough groups to roll several times; `seeds` crashes at each operation. */
const char *crash_first_life(uint64_t seed, uint64_t seeds, int ignored_why);
/* After a crash that tore a group: cut, go on, crash again. *cuts counts the torn groups. */
const char *crash_second_life(uint64_t seed, int ignored_why, unsigned *cuts);
/* A log of two directories, after a clean first life in one of them: they are made a pair, and the
 * log fails over and back, from a writer that hangs (and may write late, in whole or in part) and
 * from one that fails. The power fails for both disks at once, and each loses what it will.
 * *failovers counts those done. */
const char *crash_failover_life(uint64_t seed, uint64_t seeds, int ignored_why,
                                unsigned *failovers);
/* The n-th sync fails, which stops the log or is survived; the process dies and comes back on
 * the same kernel; then the power fails. */
const char *crash_failed_sync(unsigned nth, uint64_t seed, int ignored_why);
/* Sealed segments are packed while groups are appended; after each crash the log is packed to its
 * end as well. */
const char *crash_packing(uint64_t seed, uint64_t seeds, int ignored_why);
/* The n-th sync (even seeds) or write of the packing fails: it begins the segment again. Answers
 * for every crash from the packing's begin on; *ret_failed: there was an n-th. */
const char *crash_failed_packing(unsigned nth, uint64_t seed, bool *ret_failed);
