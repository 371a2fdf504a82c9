/* keys_copy.h - the keys of a server's folder, to a place of their own and back. They are no part
 * of a backup of the ledger: who has both can open every personal field, and a copy of a key
 * outlives its erasure (docs/OPERATIONS.md). Thread: one. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* DATA/keys to the folder, which is made (0700) when missing and then holds this copy and no older
 * one. Beside a server, too. 0, or an error with a sentence in `why`. */
int keys_copy_out(const char *data, const char *to, struct buf *why);
/* And back, into a folder that has no keys. Keys of persons above number `accounts` are left out:
 * these numbers will be given to others. The same. */
int keys_copy_in(const char *from, const char *data, uint64_t accounts, struct buf *why);
