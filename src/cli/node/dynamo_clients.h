/* dynamo_clients.h - connections to the service that a dynamodb:// URL names. */
#pragma once

#include "adapters/dynamodb/dynamo_url.h"
#include "ports/signed_client.h"

/* Makes `count` of them; none connects. 0, or an error with `why`: then there are none. */
int dynamo_clients_make(const struct dynamo_url *url, struct signed_client **ret_clients,
                        size_t count, struct buf *why);
