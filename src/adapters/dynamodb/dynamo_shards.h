/* dynamo_shards.h - which shards a ledger's table in DynamoDB has (dynamo_ask.h).
 *
 * Each is asked for behind the one before, in the service's own order: so it costs a question a
 * shard, however many batches there are. Blocks. Thread: any. */
#pragma once

#include "adapters/dynamodb/dynamo_url.h"
#include "adapters/shared/batch_store.h"
#include "ports/signed_client.h"

/* Those that have a batch, in the order of their numbers. `client` is taken, also on failure. 0;
 * -ERR_ABSENT (no service there, or not now); -ERR_IO (refused, no such table, or keys that are not
 * of a ledger); -ERR_CONFIG (no keys to sign with); each with a sentence in `why`. */
int dynamo_shards(const struct dynamo_url *url, struct signed_client *client,
                  uint32_t ret_shards[BATCH_SHARDS_MAX], size_t *ret_count, struct buf *why);
