/* ledger_folder.h - which shard's log lies in a folder, as the names of its files say. For whoever
 * opens a folder without having been told, and to refuse one that is another shard's. Thread: one
 * at a time. */
#pragma once

#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "base/buf.h"

/* 0 where there is no file of a log. 0; -ERR_CONFIG: there are those of several, and only one shard
 * lies in a folder; or the disk's error. */
int ledger_folder_shard(struct disk *disk, uint32_t *ret_shard);
/* The same of a shard that is known: 0, or -ERR_CONFIG with a sentence in `why`. */
int ledger_folder_check(struct disk *disk, uint32_t shard, struct buf *why);
