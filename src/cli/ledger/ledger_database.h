/* ledger_database.h - a ledger that stands in somebody else's database, named by a URL:
 * postgresql:// or dynamodb:// (adapters/shared/batch_store.h). Whoever opens one, serves, follows
 * or reads it, does it here. Thread: any; a log or a cursor is then its owner's. */
#pragma once

#include "adapters/shared/batch_ledger.h"
#include "base/buf.h"
#include "ports/ledger_cursor.h"
#include "ports/ledger_log.h"

#define LEDGER_DATABASE_URLS "postgresql:// or dynamodb://" /* for a sentence */

/* It begins like the URL of one. */
bool ledger_database_is(const char *url);

struct ledger_database_options {
    const char *url;
    uint32_t shard;
    int64_t stall_us; /* batch_ledger.h, as the next two */
    int64_t close_us_max;
    bool read_only;
};

/* Connects and finds the end of the log; makes the table where it is missing, unless it only reads.
 * 0; -ERR_ABSENT (nobody answers); -ERR_CONFIG (the URL, keys to sign with, a table that is not
 * ours); -ERR_CORRUPT, -ERR_IO or -ERR_MEMORY, with `why`. */
int ledger_database_open(const struct ledger_database_options *options, struct ledger_log **ret_log,
                         struct buf *why);
/* The shards that have a batch, in the order of their numbers. As above, with `why`; no table is
 * -ERR_IO. */
int ledger_database_shards(const char *url, uint32_t ret_shards[BATCH_SHARDS_MAX],
                           size_t *ret_count, struct buf *why);
/* To follow what another process writes, on a connection of its own (adapters/shared/
 * batch_cursor.h, whose leave and problem it answers to). Does not connect. 0, -ERR_MEMORY, or
 * -ERR_CONFIG with `why`. */
int ledger_database_follow(const char *url, uint32_t shard, struct ledger_cursor **ret_cursor,
                           struct buf *why);
