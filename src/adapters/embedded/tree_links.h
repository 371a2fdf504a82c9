/* tree_links.h - the links of a shard's signing keys (ledger/tree_link.h), kept in `keys-SSSS`, 256
 * bytes each, in order. For tree_signer and the audit. Thread: one at a time. */
#pragma once

#include <stdbool.h>

#include "adapters/embedded/disk.h"
#include "ledger/tree_link.h"

#define TREE_LINKS_TEXT_BYTES 128

struct tree_links {
    struct disk *disk;  /* borrowed */
    struct sha256 *sha; /* borrowed */
    int file;           /* -1: not there yet */
    char name[32];
    struct tree_chain chain;
};

/* Opens what is there. A link that was being written when the machine failed is not there (zeros).
 * 0; -ERR_CORRUPT with a sentence in ret_text (TREE_LINKS_TEXT_BYTES) for one that does not follow;
 * or the disk's error. */
int tree_links_open(struct tree_links *links, struct disk *disk, uint32_t shard, struct sha256 *sha,
                    char *ret_text);
void tree_links_close(struct tree_links *links);
/* What was opened is durable when it answers 0: a sync that failed before may have left the last
 * link in the cache alone, where every later sync would call it durable. Else the disk's error. */
int tree_links_renew(struct tree_links *links);
/* Appends a link that follows and makes it durable. 0, or the disk's error: then nobody knows
 * whether it is there, until it is opened again. */
int tree_links_append(struct tree_links *links, const unsigned char bytes[TREE_LINK_BYTES]);
