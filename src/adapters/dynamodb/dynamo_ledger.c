/* dynamo_ledger.c - contract in dynamo_ledger.h. */
#include "adapters/dynamodb/dynamo_ledger.h"

#include "adapters/dynamodb/dynamo_batch.h"
#include "base/error.h"

int dynamo_ledger_open(const struct dynamo_ledger_options *options, struct ledger_log **ret_log,
                       struct buf *why)
{
    struct batch_store *stores[DYNAMO_LEDGER_CLIENTS] = {NULL};
    int error = 0;
    for (size_t i = 0; i < DYNAMO_LEDGER_CLIENTS; i++) {
        if (error == 0)
            error = dynamo_batch_new(options->url, options->clients[i], &stores[i], why);
        else
            options->clients[i]->ops->free(options->clients[i]);
    }
    if (error < 0) {
        for (size_t i = 0; i < DYNAMO_LEDGER_CLIENTS; i++)
            if (stores[i] != NULL)
                stores[i]->ops->free(stores[i]);
        return error;
    }
    const struct batch_ledger_options of_batches = {.shard = options->shard,
                                                    .close_us_max = options->close_us_max,
                                                    .stall_us = options->stall_us,
                                                    .read_only = options->read_only,
                                                    .append_bytes_max = LEDGER_APPEND_BYTES_MIN,
                                                    .asking = stores[0],
                                                    .writing = stores[1],
                                                    .reading = stores[2]};
    return batch_ledger_open(&of_batches, ret_log, why);
}
