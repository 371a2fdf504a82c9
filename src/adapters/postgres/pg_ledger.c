/* pg_ledger.c - contract in pg_ledger.h. */
#include "adapters/postgres/pg_ledger.h"

#include "adapters/postgres/pg_batch.h"
#include "base/error.h"

int pg_ledger_open(const struct pg_ledger_options *options, struct ledger_log **ret_log,
                   struct buf *why)
{
    struct batch_store *stores[3] = {NULL, NULL, NULL};
    int error = 0;
    for (size_t i = 0; i < 3 && error == 0; i++)
        error = pg_batch_new(options->conninfo, &stores[i]);
    if (error < 0) {
        if (error == -ERR_CONFIG)
            buf_put_text(why, "the connection's text cannot be read");
        for (size_t i = 0; i < 3; i++)
            if (stores[i] != NULL)
                stores[i]->ops->free(stores[i]);
        return error;
    }
    const struct batch_ledger_options of_batches = {.shard = options->shard,
                                                    .close_us_max = options->close_us_max,
                                                    .stall_us = options->stall_us,
                                                    .read_only = options->read_only,
                                                    .append_bytes_max = LEDGER_APPEND_BYTES_MAX,
                                                    .asking = stores[0],
                                                    .writing = stores[1],
                                                    .reading = stores[2]};
    return batch_ledger_open(&of_batches, ret_log, why);
}
