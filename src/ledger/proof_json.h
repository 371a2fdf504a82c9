/* proof_json.h - proofs and signed heads as JSON (docs/LEDGER.md, "Proofs as JSON"), for answers,
 * receipts and the offline tools alike. Pure. Thread: any. */
#pragma once

#include "base/json_write.h"
#include "ledger/tree_link.h"

#define PROOF_JSON_HEAD_BYTES_MAX 1024
#define PROOF_JSON_LINK_BYTES_MAX 1024
/* Of the links in a proof. */
#define PROOF_JSON_LINKS_BYTES_MAX(count) (32 + (count) * (TREE_LINK_TEXT_BYTES + 3))
/* Of an entry with a record of so many bytes. */
#define PROOF_JSON_ENTRY_BYTES_MAX(record_bytes) (4096 + (record_bytes) / 3 * 4)

struct proof_json_entry {
    uint32_t shard;
    uint64_t seq;
    struct slice record;
    const struct merkle_proof *path;
    const unsigned char *head; /* TREE_HEAD_BYTES of them */
};

/* Each writes one value. A head or a link is one that we signed, or that was checked; its readable
 * members repeat what its bytes say. */
void proof_json_head(struct json_writer *writer, const unsigned char head[TREE_HEAD_BYTES]);
void proof_json_link(struct json_writer *writer, const unsigned char link[TREE_LINK_BYTES]);
/* The member "links" of a proof, the bytes of each; nothing when there are none. */
void proof_json_links(struct json_writer *writer, const unsigned char (*links)[TREE_LINK_BYTES],
                      uint32_t count);
void proof_json_path(struct json_writer *writer, const struct merkle_proof *path);
void proof_json_entry(struct json_writer *writer, const struct proof_json_entry *entry);
