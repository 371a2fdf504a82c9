/* dynamo_batch.h - the batches of adapters/shared/batch_store.h as items of a table in DynamoDB
 * (dynamo_ask.h; docs/LEDGER.md, "The log in a database").
 *
 * A refused condition is looked at before it is believed: whoever carries requests may send one
 * twice, and then it is our own item that has the key. */
#pragma once

#include "adapters/dynamodb/dynamo_url.h"
#include "adapters/shared/batch_store.h"
#include "ports/signed_client.h"

/* `client` is taken, also on failure. Finds the keys; does not connect. 0, -ERR_MEMORY, or
 * -ERR_CONFIG with a sentence in `why`. */
int dynamo_batch_new(const struct dynamo_url *url, struct signed_client *client,
                     struct batch_store **ret_store, struct buf *why);
