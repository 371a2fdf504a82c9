/* tree_audit.h - checks a log against everything that was ever said about its tree: the tiles, the
 * heads that were kept, and heads that somebody else holds (L8).
 *
 * The tree is computed anew from the log's records, so each of these shows: a log that was cut
 * (shorter than a head), rewritten or reordered (another root at a head's size), or forked (agrees
 * with some heads only). Every head must be signed by the key that was in use, by the links that
 * were kept or, without those, that somebody else holds. Offline; blocking. */
#pragma once

#include "adapters/embedded/disk.h"
#include "adapters/embedded/tree_log.h"
#include "ledger/tree_link.h"

#define TREE_AUDIT_TEXT_BYTES 320

struct tree_audit {
    struct tree_log log;
    uint32_t shard;
    struct disk *disk;               /* of the tree; borrowed; NULL: there is none */
    const struct tree_head *outside; /* signatures checked; by rising size */
    size_t outside_count;
    const struct tree_chain *links_outside; /* or NULL: none */
};

struct tree_audit_report {
    struct merkle_root root; /* of the log */
    uint64_t tiles_size;     /* records that the tiles cover */
    uint64_t heads_kept;     /* checked */
    uint64_t heads_outside;  /* checked */
    uint64_t links;          /* of the signing keys, checked */
    uint64_t breaks;         /* of them: not signed by the old key */
    bool key_known;
    uint8_t key[SIGN_PUBLIC_BYTES];   /* that signs now, as far as it was told */
    char text[TREE_AUDIT_TEXT_BYTES]; /* what is wrong, or "" */
};

/* 0; -ERR_CORRUPT with report->text; or the disk's error. */
int tree_audit(const struct tree_audit *audit, struct tree_audit_report *report);
