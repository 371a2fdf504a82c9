/* projection_url.c - contract in projection_url.h. */
#include "cli/consumers/projection_url.h"

#include "adapters/dynamodb/dynamo_projection.h"
#include "adapters/postgres/pg_batch.h"
#include "adapters/postgres/pg_projection.h"
#include "base/error.h"
#include "cli/node/dynamo_clients.h"

bool projection_url_is(const char *url)
{
    return pg_url_is(url) || dynamo_url_is(url);
}

static int open_dynamo(const char *text, struct projection_store **ret_store, struct buf *why)
{
    struct signed_client *clients[DYNAMO_PROJECTION_LANES];
    struct dynamo_url url;
    TRY(dynamo_url_read(text, &url, why));
    TRY(dynamo_clients_make(&url, clients, DYNAMO_PROJECTION_LANES, why));
    return dynamo_projection_new(&url, clients, ret_store, why);
}

int projection_url_open(const char *url, struct projection_store **ret_store, struct buf *why)
{
    if (dynamo_url_is(url))
        return open_dynamo(url, ret_store, why);
    int error = pg_projection_new(url, ret_store);
    if (error == -ERR_CONFIG)
        buf_put_text(why, "its URL cannot be read");
    return error;
}
