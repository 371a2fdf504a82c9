/* outbox.h - what one connection still has to send: copied bytes and shared bytes, in order.
 *
 * A shared piece that is alone is only referred to: a message to ten thousand connections takes no
 * memory for each. Whatever comes to it makes the outbox a list of 4 KiB blocks from a pool; an
 * empty one owns no memory. A block is filled from both ends: copied bytes from the front, segments
 * (what to send, in order) from the back. Bytes copied one after another are one segment, so many
 * small answers are one piece of a write.
 * The pool bounds all outboxes together. Thread: one loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/slice.h"
#include "net/stream/net_limits.h"
#include "net/stream/shared_bytes.h"

#define OUTBOX_BLOCK_BYTES  4096
#define OUTBOX_SPARE_BLOCKS 2048 /* kept for reuse; more are given back to the system */
/* Copying is cheaper than sharing below: a segment costs the kernel more than these bytes (measured
 * with bench-ws: the best of 128, 512 and 2048 for payloads of 200 to 1900 bytes). */
#define OUTBOX_COPY_BYTES_MAX 512
/* Longer pieces are copied into bytes of their own instead of a chain of blocks. */
#define OUTBOX_CHAIN_BYTES_MAX (4 * OUTBOX_BLOCK_BYTES)

struct outbox_block;

struct outbox_pool {
    struct outbox_block *spare;
    size_t spare_count;
    size_t held_bytes; /* by all outboxes: blocks and shared bytes (once per reference) */
    size_t bytes_max;  /* of held_bytes */
    struct net_stats *stats;
};

struct outbox {
    struct shared_bytes *alone; /* all there is, a reference is owned; NULL: see the blocks */
    struct outbox_block *first, *last;
    size_t bytes;    /* queued */
    size_t alone_at; /* sent of it */
};

void outbox_pool_init(struct outbox_pool *pool, size_t bytes_max, struct net_stats *stats);
/* All outboxes must be empty. */
void outbox_pool_done(struct outbox_pool *pool);

/* Queue; false when the pool is at its limit or out of memory: the outbox may then hold a part of
 * the bytes and its connection must be closed. */
bool outbox_put(struct outbox_pool *pool, struct outbox *outbox, struct slice bytes);
/* Takes a reference of its own, or copies when that is cheaper (not when it is alone). */
bool outbox_put_shared(struct outbox_pool *pool, struct outbox *outbox,
                       struct shared_bytes *shared);
/* The front as up to `max` pieces; answers how many. They stay until outbox_sent(). */
size_t outbox_pieces(const struct outbox *outbox, struct iovec *pieces, size_t max);
/* The first `bytes` were taken by the kernel. */
void outbox_sent(struct outbox_pool *pool, struct outbox *outbox, size_t bytes);
/* Drops everything. */
void outbox_clear(struct outbox_pool *pool, struct outbox *outbox);
