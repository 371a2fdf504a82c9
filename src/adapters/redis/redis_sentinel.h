/* redis_sentinel.h - what is asked of a sentinel, and what it says (Redis documentation, "Sentinel
 * client spec"): where the master of that name is. Pure. Thread: any. */
#pragma once

#include <stdbool.h>

#include <hiredis/hiredis.h>

#include "base/buf.h"
#include "net/stream/net_address.h"

void redis_sentinel_put_question(struct buf *out, struct slice name);
/* False: it does not know, says something else, or the answer was lost (NULL). */
bool redis_sentinel_master(const redisReply *reply, struct net_address *ret_master);
