/* json_source.h - a feed of this program's own: one JSON object a line, for whoever has prices and
 * no provider's format (docs/PROTOCOL.md, "A feed of your own").
 *
 * A message says all that it is about: a `market` is the whole image of one, so nothing is kept
 * here but the names of the providers that were met. A line is taken whole or not at all; members
 * and kinds of messages that are unknown are passed over, so that newer senders may say more.
 *
 * Limits: the named ones here and in core/ids.h. Pure: no clock, no I/O. Thread: one loop, which is
 * the sink's. */
#pragma once

#include "ports/feed_sink.h"
#include "ports/feed_source.h"

#define JSON_FEED_LINE_BYTES_MAX (1024 * 1024)
#define JSON_FEED_PROVIDERS_MAX  16
#define JSON_FEED_PROVIDER       "json" /* of messages that name none */

/* NULL when memory is short. The caller owns the source and ends it with ops->free; it borrows the
 * sink until then. */
struct feed_source *json_source_new(struct feed_sink *sink);

/* Aborts when an invariant is broken. For tests. */
void json_source_check(const struct feed_source *source);
