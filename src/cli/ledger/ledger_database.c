/* ledger_database.c - contract in ledger_database.h. */
#include "cli/ledger/ledger_database.h"

#include "adapters/dynamodb/dynamo_batch.h"
#include "adapters/dynamodb/dynamo_ledger.h"
#include "adapters/dynamodb/dynamo_shards.h"
#include "adapters/postgres/pg_batch.h"
#include "adapters/postgres/pg_ledger.h"
#include "adapters/shared/batch_cursor.h"
#include "base/error.h"
#include "cli/node/dynamo_clients.h"

bool ledger_database_is(const char *url)
{
    return pg_url_is(url) || dynamo_url_is(url);
}

static int reach_dynamo(const char *text, size_t count, struct dynamo_url *ret_url,
                        struct signed_client **ret_clients, struct buf *why)
{
    TRY(dynamo_url_read(text, ret_url, why));
    return dynamo_clients_make(ret_url, ret_clients, count, why);
}

/* ---- a log ---- */

static int open_dynamo(const struct ledger_database_options *asked, struct ledger_log **ret_log,
                       struct buf *why)
{
    struct dynamo_url url;
    struct dynamo_ledger_options options = {.url = &url,
                                            .shard = asked->shard,
                                            .stall_us = asked->stall_us,
                                            .close_us_max = asked->close_us_max,
                                            .read_only = asked->read_only};
    TRY(reach_dynamo(asked->url, DYNAMO_LEDGER_CLIENTS, &url, options.clients, why));
    return dynamo_ledger_open(&options, ret_log, why);
}

int ledger_database_open(const struct ledger_database_options *asked, struct ledger_log **ret_log,
                         struct buf *why)
{
    const struct pg_ledger_options options = {.conninfo = asked->url,
                                              .shard = asked->shard,
                                              .stall_us = asked->stall_us,
                                              .close_us_max = asked->close_us_max,
                                              .read_only = asked->read_only};
    return dynamo_url_is(asked->url) ? open_dynamo(asked, ret_log, why)
                                     : pg_ledger_open(&options, ret_log, why);
}

/* ---- shards ---- */

static int find_dynamo(const char *text, uint32_t ret_shards[BATCH_SHARDS_MAX], size_t *ret_count,
                       struct buf *why)
{
    struct signed_client *client = NULL;
    struct dynamo_url url;
    TRY(reach_dynamo(text, 1, &url, &client, why));
    return dynamo_shards(&url, client, ret_shards, ret_count, why);
}

int ledger_database_shards(const char *url, uint32_t ret_shards[BATCH_SHARDS_MAX],
                           size_t *ret_count, struct buf *why)
{
    return dynamo_url_is(url) ? find_dynamo(url, ret_shards, ret_count, why)
                              : pg_batch_shards(url, ret_shards, ret_count, why);
}

/* ---- a cursor ---- */

static int make_dynamo(const char *text, struct batch_store **ret_store, struct buf *why)
{
    struct signed_client *client = NULL;
    struct dynamo_url url;
    TRY(reach_dynamo(text, 1, &url, &client, why));
    return dynamo_batch_new(&url, client, ret_store, why);
}

int ledger_database_follow(const char *url, uint32_t shard, struct ledger_cursor **ret_cursor,
                           struct buf *why)
{
    struct batch_store *store = NULL;
    int error = dynamo_url_is(url) ? make_dynamo(url, &store, why) : pg_batch_new(url, &store);
    if (error == -ERR_CONFIG && why->bytes == 0)
        buf_put_text(why, "its URL cannot be read");
    return error < 0 ? error : batch_cursor_new(store, shard, ret_cursor);
}
