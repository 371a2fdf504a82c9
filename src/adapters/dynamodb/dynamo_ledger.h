/* dynamo_ledger.h - the ledger_log port on a table in DynamoDB, or what speaks its API: a batch an
 * item, put where its key is free. All of adapters/shared/batch_ledger.h holds; a group holds
 * LEDGER_APPEND_BYTES_MIN at most, since an item may have 400 KB. */
#pragma once

#include "adapters/dynamodb/dynamo_url.h"
#include "adapters/shared/batch_ledger.h"
#include "ports/signed_client.h"

#define DYNAMO_LEDGER_CLIENTS 3

struct dynamo_ledger_options {
    const struct dynamo_url *url;
    uint32_t shard;
    int64_t stall_us;     /* batch_ledger.h */
    int64_t close_us_max; /* free() waits so long for the service, then leaves it */
    bool read_only;       /* batch_ledger.h */
    struct signed_client *clients[DYNAMO_LEDGER_CLIENTS]; /* of the service; taken, as ever */
};

/* Makes the table where it is missing, unless it only reads, and finds the end of the log. 0;
 * -ERR_ABSENT (no service there), -ERR_CONFIG (no keys, another table, newer items), -ERR_CORRUPT,
 * -ERR_IO or -ERR_MEMORY, with `why`. */
int dynamo_ledger_open(const struct dynamo_ledger_options *options, struct ledger_log **ret_log,
                       struct buf *why);
