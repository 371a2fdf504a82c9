/* load_feed.h - the provider of a world: messages of the JSON feed (PROTOCOL, "A feed of your own")
 * over one request that lasts, with a heartbeat each second. Thread: the loop's. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "load/load_match.h"
#include "load/load_pool.h"

struct load_feed;

/* `target` is the admin listener, `token` has the role feed; both borrowed. 0, -ERR_MEMORY,
 * -ERR_NETWORK, -ERR_LIMIT (the token is too long). */
int load_feed_new(struct loop *loop, const struct load_target *target, struct slice token,
                  struct load_feed **ret_feed);
void load_feed_free(struct load_feed *feed); /* accepts NULL */

/* Sends it now, as market load_feed_market(). `prefix` makes the markets of a run its own. */
void load_feed_tell(struct load_feed *feed, struct slice prefix,
                    const struct load_match_move *move);
/* Appends PREFIX-N. */
void load_feed_market(struct buf *out, struct slice prefix, uint32_t market);
/* It was refused, or the connection ended: prices have stopped. */
bool load_feed_failed(const struct load_feed *feed);
