/* tree_heads.h - the signed heads of one shard: kept in `heads-SSSS`, 192 bytes each, in the order
 * of signing, and appended as lines of base64 to a file elsewhere. For tree_keeper and the audit.
 * Thread: one at a time. */
#pragma once

#include <stdbool.h>

#include "adapters/embedded/disk.h"
#include "ledger/tree_link.h"

/* They are written without a sync each, so a power failure may lose any of the newest ones: at
 * most so many, for then they are synced. */
#define TREE_HEADS_UNSYNCED_MAX 256

struct tree_heads {
    struct disk *disk; /* borrowed */
    int file;          /* -1: not open */
    uint64_t count;
    uint64_t synced;     /* of them */
    const char *outside; /* path, or NULL */
    int outside_file;    /* -1: not open */
    uint64_t outside_errors;
    struct tree_head newest; /* when count > 0 */
    unsigned char newest_bytes[TREE_HEAD_BYTES];
};

/* Opens; the newest that is whole and signed is the last that counts, and what stands behind it is
 * overwritten. With `create`, holes that a power failure left among the newest are filled, durably,
 * by the head behind each. Without it nothing is changed, and a missing file is an empty one. 0, or
 * the disk's error. */
int tree_heads_open(struct tree_heads *heads, struct disk *disk, uint32_t shard, bool create);
void tree_heads_close(struct tree_heads *heads);
/* "heads-SSSS" into DISK_NAME_BYTES_MAX + 1 bytes. */
void tree_heads_name(uint32_t shard, char *ret_name);
/* The bytes of head number `index`, and what they say without asking whether they are signed.
 * Answers as below. */
int tree_heads_bytes(struct tree_heads *heads, uint64_t index, unsigned char *ret);
int tree_heads_parse(struct tree_heads *heads, uint64_t index, struct tree_head *ret);
/* Head number `index`, checked: 0, -ERR_CORRUPT, or the disk's error. -ERR_CORRUPT of one
 * of the last TREE_HEADS_UNSYNCED_MAX is a hole of a power failure, until a start fills it. */
int tree_heads_read(struct tree_heads *heads, uint64_t index, struct tree_head *ret);
/* Keeps a signed head, and says it outside. 0, or the disk's error. */
int tree_heads_keep(struct tree_heads *heads, const struct tree_head *head,
                    const unsigned char bytes[TREE_HEAD_BYTES]);
/* Appends a line to the file outside, also of a link. It may fail: that is counted, and the file is
 * opened again for the next. */
void tree_heads_anchor(struct tree_heads *heads, struct slice signed_bytes);
int tree_heads_sync(struct tree_heads *heads);
