/* outbox.c - contract in outbox.h. */
#include "net/stream/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

struct segment {
    struct shared_bytes *shared; /* NULL: the bytes stand in the block */
    uint32_t at;                 /* offset in the shared bytes or in the block's memory */
    uint32_t bytes;
};

#define MEMORY_BYTES (OUTBOX_BLOCK_BYTES - 16)
#define SEGMENTS_MAX (MEMORY_BYTES / sizeof(struct segment))

struct outbox_block {
    struct outbox_block *next;
    uint16_t copied_bytes;
    uint16_t segments_begin; /* the first that is not sent; counted from the back */
    uint16_t segments_end;
    uint16_t unused;
    union {
        char memory[MEMORY_BYTES];
        struct segment segments[SEGMENTS_MAX]; /* number i at [SEGMENTS_MAX - 1 - i] */
    };
};

_Static_assert(sizeof(struct outbox_block) == OUTBOX_BLOCK_BYTES, "a block is one page");
_Static_assert(MEMORY_BYTES % sizeof(struct segment) == 0, "segments end with the block");

static struct segment *segment_at(struct outbox_block *block, size_t number)
{
    return &block->segments[SEGMENTS_MAX - 1 - number];
}

static size_t room_in(const struct outbox_block *block)
{
    return MEMORY_BYTES - block->copied_bytes - block->segments_end * sizeof(struct segment);
}

void outbox_pool_init(struct outbox_pool *pool, size_t bytes_max, struct net_stats *stats)
{
    *pool = (struct outbox_pool){.bytes_max = bytes_max, .stats = stats};
}

void outbox_pool_done(struct outbox_pool *pool)
{
    ASSERT(pool->held_bytes == 0);
    while (pool->spare != NULL) {
        struct outbox_block *block = pool->spare;
        pool->spare = block->next;
        free(block);
    }
    pool->spare_count = 0;
}

static bool may_hold(struct outbox_pool *pool, size_t bytes)
{
    if (bytes <= pool->bytes_max && pool->held_bytes <= pool->bytes_max - bytes)
        return true;
    net_stats_hit(pool->stats, NET_LIMIT_outbox_total_bytes_max);
    return false;
}

static struct outbox_block *block_new(struct outbox_pool *pool)
{
    if (!may_hold(pool, OUTBOX_BLOCK_BYTES))
        return NULL;
    struct outbox_block *block = pool->spare;
    if (block != NULL) {
        pool->spare = block->next;
        pool->spare_count--;
    } else {
        block = malloc(sizeof *block);
        if (block == NULL)
            return NULL;
    }
    pool->held_bytes += OUTBOX_BLOCK_BYTES;
    block->next = NULL;
    block->copied_bytes = 0;
    block->segments_begin = 0;
    block->segments_end = 0;
    return block;
}

static void block_free(struct outbox_pool *pool, struct outbox_block *block)
{
    pool->held_bytes -= OUTBOX_BLOCK_BYTES;
    if (pool->spare_count == OUTBOX_SPARE_BLOCKS) {
        free(block);
        return;
    }
    block->next = pool->spare;
    pool->spare = block;
    pool->spare_count++;
}

/* The last block when it has room for a segment and `bytes` more, else a new one. */
static struct outbox_block *block_with_room(struct outbox_pool *pool, struct outbox *outbox,
                                            size_t bytes)
{
    if (outbox->last != NULL && room_in(outbox->last) >= bytes + sizeof(struct segment))
        return outbox->last;
    struct outbox_block *block = block_new(pool);
    if (block == NULL)
        return NULL;
    if (outbox->last != NULL)
        outbox->last->next = block;
    else
        outbox->first = block;
    outbox->last = block;
    return block;
}

static void count_queued(struct outbox_pool *pool, struct outbox *outbox, size_t bytes)
{
    outbox->bytes += bytes;
    net_count(&pool->stats->outbox_bytes, bytes);
}

static void copy_into(struct outbox_block *block, struct slice bytes)
{
    struct segment *last =
        block->segments_end > 0 ? segment_at(block, block->segments_end - 1U) : NULL;
    memcpy(block->memory + block->copied_bytes, bytes.at, bytes.bytes);
    /* A last segment of copied bytes always ends at copied_bytes, so it just grows. */
    if (last != NULL && last->shared == NULL)
        last->bytes += (uint32_t)bytes.bytes;
    else
        *segment_at(block, block->segments_end++) =
            (struct segment){NULL, block->copied_bytes, (uint32_t)bytes.bytes};
    block->copied_bytes = (uint16_t)(block->copied_bytes + bytes.bytes);
}

static bool put_long(struct outbox_pool *pool, struct outbox *outbox, struct slice bytes)
{
    struct shared_bytes *shared;
    if (!may_hold(pool, bytes.bytes) || shared_bytes_copy(bytes, &shared) < 0)
        return false;
    bool done = outbox_put_shared(pool, outbox, shared);
    shared_bytes_give(shared);
    return done;
}

static bool put_copied(struct outbox_pool *pool, struct outbox *outbox, struct slice bytes)
{
    while (bytes.bytes > 0) {
        struct outbox_block *block = block_with_room(pool, outbox, 1);
        if (block == NULL)
            return false;
        size_t room = room_in(block) - sizeof(struct segment);
        size_t now = bytes.bytes < room ? bytes.bytes : room;
        copy_into(block, slice_of(bytes.at, now));
        count_queued(pool, outbox, now);
        bytes = slice_skip(bytes, now);
    }
    return true;
}

/* The shared bytes from `at` on become a segment. */
static bool put_referred(struct outbox_pool *pool, struct outbox *outbox,
                         struct shared_bytes *shared, size_t at)
{
    if (!may_hold(pool, shared->bytes))
        return false;
    struct outbox_block *block = block_with_room(pool, outbox, 0);
    if (block == NULL)
        return false;
    *segment_at(block, block->segments_end++) =
        (struct segment){shared_bytes_take(shared), (uint32_t)at, (uint32_t)(shared->bytes - at)};
    pool->held_bytes += shared->bytes;
    count_queued(pool, outbox, shared->bytes - at);
    return true;
}

static void drop_alone(struct outbox_pool *pool, struct outbox *outbox)
{
    pool->held_bytes -= outbox->alone->bytes;
    shared_bytes_give(outbox->alone);
    outbox->alone = NULL;
    outbox->alone_at = 0;
}

/* What was alone goes to a block, where others can stand behind it. */
static bool join_others(struct outbox_pool *pool, struct outbox *outbox)
{
    if (outbox->alone == NULL)
        return true;
    struct shared_bytes *shared = shared_bytes_take(outbox->alone);
    size_t at = outbox->alone_at;
    drop_alone(pool, outbox);
    net_count_off(&pool->stats->outbox_bytes, outbox->bytes);
    outbox->bytes = 0;
    struct slice rest = slice_skip(shared_bytes_slice(shared), at);
    bool done = rest.bytes <= OUTBOX_COPY_BYTES_MAX ? put_copied(pool, outbox, rest)
                                                    : put_referred(pool, outbox, shared, at);
    shared_bytes_give(shared);
    return done;
}

bool outbox_put(struct outbox_pool *pool, struct outbox *outbox, struct slice bytes)
{
    if (bytes.bytes > OUTBOX_CHAIN_BYTES_MAX)
        return put_long(pool, outbox, bytes);
    return join_others(pool, outbox) && put_copied(pool, outbox, bytes);
}

static bool put_alone(struct outbox_pool *pool, struct outbox *outbox, struct shared_bytes *shared)
{
    if (!may_hold(pool, shared->bytes))
        return false;
    outbox->alone = shared_bytes_take(shared);
    outbox->alone_at = 0;
    pool->held_bytes += shared->bytes;
    count_queued(pool, outbox, shared->bytes);
    return true;
}

bool outbox_put_shared(struct outbox_pool *pool, struct outbox *outbox, struct shared_bytes *shared)
{
    if (shared->bytes == 0)
        return true;
    if (outbox->bytes == 0)
        return put_alone(pool, outbox, shared);
    if (!join_others(pool, outbox))
        return false;
    return shared->bytes <= OUTBOX_COPY_BYTES_MAX
               ? put_copied(pool, outbox, shared_bytes_slice(shared))
               : put_referred(pool, outbox, shared, 0);
}

size_t outbox_pieces(const struct outbox *outbox, struct iovec *pieces, size_t max)
{
    size_t count = 0;
    if (outbox->alone != NULL && max > 0)
        pieces[count++] = (struct iovec){outbox->alone->at + outbox->alone_at, outbox->bytes};
    for (struct outbox_block *block = outbox->first; block != NULL; block = block->next)
        for (size_t i = block->segments_begin; i < block->segments_end; i++) {
            if (count == max)
                return count;
            struct segment *segment = segment_at(block, i);
            char *from = segment->shared != NULL ? segment->shared->at : block->memory;
            pieces[count++] = (struct iovec){from + segment->at, segment->bytes};
        }
    return count;
}

static void drop_segment(struct outbox_pool *pool, struct outbox_block *block)
{
    struct segment *segment = segment_at(block, block->segments_begin++);
    if (segment->shared == NULL)
        return;
    pool->held_bytes -= segment->shared->bytes;
    shared_bytes_give(segment->shared);
}

static void drop_block(struct outbox_pool *pool, struct outbox *outbox)
{
    struct outbox_block *block = outbox->first;
    outbox->first = block->next;
    if (outbox->first == NULL)
        outbox->last = NULL;
    block_free(pool, block);
}

void outbox_sent(struct outbox_pool *pool, struct outbox *outbox, size_t bytes)
{
    ASSERT(bytes <= outbox->bytes);
    outbox->bytes -= bytes;
    net_count_off(&pool->stats->outbox_bytes, bytes);
    if (outbox->alone != NULL) {
        outbox->alone_at += bytes;
        if (outbox->bytes == 0)
            drop_alone(pool, outbox);
        return;
    }
    while (outbox->first != NULL) {
        struct outbox_block *block = outbox->first;
        while (block->segments_begin < block->segments_end) {
            struct segment *segment = segment_at(block, block->segments_begin);
            if (bytes < segment->bytes) {
                segment->at += (uint32_t)bytes;
                segment->bytes -= (uint32_t)bytes;
                return;
            }
            bytes -= segment->bytes;
            drop_segment(pool, block);
        }
        drop_block(pool, outbox);
    }
    ASSERT(bytes == 0);
}

void outbox_clear(struct outbox_pool *pool, struct outbox *outbox)
{
    net_count_off(&pool->stats->outbox_bytes, outbox->bytes);
    outbox->bytes = 0;
    if (outbox->alone != NULL)
        drop_alone(pool, outbox);
    while (outbox->first != NULL) {
        while (outbox->first->segments_begin < outbox->first->segments_end)
            drop_segment(pool, outbox->first);
        drop_block(pool, outbox);
    }
}
