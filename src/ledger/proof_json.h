/* proof_json.h - proofs and signed heads as JSON (docs/LEDGER.md, "Proofs as JSON"), for answers,
 * receipts and the offline tools alike. Pure. Thread: any. */
#pragma once

#include "base/json_write.h"
#include "ledger/tree_head.h"

#define PROOF_JSON_HEAD_BYTES_MAX 1024
/* Of an entry with a record of so many bytes. */
#define PROOF_JSON_ENTRY_BYTES_MAX(record_bytes) (4096 + (record_bytes) / 3 * 4)

struct proof_json_entry {
    uint32_t shard;
    uint64_t seq;
    struct slice record;
    const struct merkle_proof *path;
    const unsigned char *head; /* TREE_HEAD_BYTES of them */
};

/* Each writes one value. A head is one that we signed, or that was checked; its readable members
 * repeat what its bytes say. */
void proof_json_head(struct json_writer *writer, const unsigned char head[TREE_HEAD_BYTES]);
void proof_json_path(struct json_writer *writer, const struct merkle_proof *path);
void proof_json_entry(struct json_writer *writer, const struct proof_json_entry *entry);
