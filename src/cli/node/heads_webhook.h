/* heads_webhook.h - posts each signed head, and each link of signing keys, as JSON to an address
 * that somebody else keeps, so that the history cannot be rewritten without them.
 *
 * One at a time, in order; an answer other than 2xx, or none, is tried again after 1 s, doubling to
 * 60 s. HEADS_WEBHOOK_MAX wait; then the oldest is dropped, since a newer head says all that it
 * says. A failure is logged once, and that it is over; never with the URL, which may hold a
 * secret. Thread: the loop's. */
#pragma once

#include "base/buf.h"
#include "base/metrics.h"
#include "ledger/tree_link.h"
#include "net/loop/loop.h"

#define HEADS_WEBHOOK_MAX 64

struct heads_webhook;

struct heads_webhook_stats {
    struct metrics_counter posted, failed, dropped;
};

/* `url` is http or https, borrowed until free; `ca_file` as of curl_client_new. 0, -ERR_MEMORY,
 * -ERR_IO, or -ERR_CONFIG with a sentence in `why`. */
int heads_webhook_new(struct loop *loop, const char *url, const char *ca_file,
                      struct heads_webhook **ret_webhook, struct buf *why);
void heads_webhook_free(struct heads_webhook *webhook); /* accepts NULL */
void heads_webhook_offer(struct heads_webhook *webhook, const unsigned char head[TREE_HEAD_BYTES]);
void heads_webhook_offer_link(struct heads_webhook *webhook,
                              const unsigned char link[TREE_LINK_BYTES]);
const struct heads_webhook_stats *heads_webhook_stats(const struct heads_webhook *webhook);
