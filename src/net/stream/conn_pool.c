/* conn_pool.c - all connections of a loop: their memory, finding them, freeing the closed ones.
 * Contract in conn.h. Connections stand in slabs that are never given back before the pool is, so
 * that a handle can always be looked up. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/stream/conn_inside.h"

static void free_closed(void *owner);

int conn_pool_new(struct loop *loop, const struct net_limits *limits, struct conn_pool **ret_pool)
{
    struct conn_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return -ERR_MEMORY;
    pool->loop = loop;
    pool->limits = *limits;
    pool->slabs_max = (uint32_t)((limits->connections_max + CONN_SLAB - 1) / CONN_SLAB);
    pool->slabs = calloc(pool->slabs_max, sizeof *pool->slabs);
    pool->read_buffer = malloc(CONN_READ_BYTES);
    pool->dirty_tail = &pool->dirty;
    outbox_pool_init(&pool->outboxes, limits->outbox_total_bytes_max, &pool->stats);
    int result = -ERR_MEMORY;
    if (pool->slabs == NULL || pool->read_buffer == NULL)
        goto fail;
    result = loop_at_turn_end(loop, LOOP_STAGE_FLUSH, conn_flush_dirty, pool);
    if (result < 0)
        goto fail;
    result = loop_at_turn_end(loop, LOOP_STAGE_CLOSE, free_closed, pool);
    if (result < 0)
        goto fail;
    *ret_pool = pool;
    return 0;
fail:
    loop_remove_hook(loop, conn_flush_dirty, pool);
    free(pool->slabs);
    free(pool->read_buffer);
    free(pool);
    return result;
}

void conn_pool_close_all(struct conn_pool *pool)
{
    for (uint32_t i = 0; i < pool->conns_count; i++) {
        struct conn *conn = &pool->slabs[i / CONN_SLAB][i % CONN_SLAB];
        if (conn->phase != PHASE_FREE)
            conn_close(conn, CONN_CLOSE_DRAIN);
    }
}

void conn_pool_free(struct conn_pool *pool)
{
    if (pool == NULL)
        return;
    pool->freeing = true;
    conn_pool_close_all(pool);
    free_closed(pool);
    loop_remove_hook(pool->loop, conn_flush_dirty, pool);
    loop_remove_hook(pool->loop, free_closed, pool);
    outbox_pool_done(&pool->outboxes);
    for (uint32_t i = 0; i < pool->slabs_max; i++)
        free(pool->slabs[i]);
    free(pool->slabs);
    free(pool->read_buffer);
    free(pool->tls_input);
    free(pool);
}

void conn_pool_at_receive(struct conn_pool *pool, void (*fn)(void *owner), void *owner)
{
    pool->on_received = fn;
    pool->on_received_owner = owner;
}

/* It may have ended this connection, and then nothing has come. */
ssize_t conn_tell_received(struct conn *conn, ssize_t got)
{
    struct conn_pool *pool = conn->pool;
    uint8_t phase = conn->phase;
    if (pool->on_received == NULL)
        return got;
    pool->on_received(pool->on_received_owner);
    return conn->phase == phase ? got : 0;
}

struct net_stats *conn_pool_stats(struct conn_pool *pool)
{
    return &pool->stats;
}

const struct net_limits *conn_pool_limits(const struct conn_pool *pool)
{
    return &pool->limits;
}

struct loop *conn_pool_loop(const struct conn_pool *pool)
{
    return pool->loop;
}

struct conn *conn_pool_find(struct conn_pool *pool, struct conn_handle handle)
{
    if (handle.index >= pool->conns_count)
        return NULL;
    struct conn *conn = &pool->slabs[handle.index / CONN_SLAB][handle.index % CONN_SLAB];
    return conn->handle.generation == handle.generation && conn_is_open(conn) ? conn : NULL;
}

void conn_pool_prefetch(const struct conn_pool *pool, struct conn_handle handle)
{
    if (handle.index < pool->conns_count)
        conn_prefetch(&pool->slabs[handle.index / CONN_SLAB][handle.index % CONN_SLAB]);
}

void conn_pool_each(struct conn_pool *pool, void (*fn)(struct conn *conn, void *owner), void *owner)
{
    for (uint32_t i = 0; i < pool->conns_count; i++) {
        struct conn *conn = &pool->slabs[i / CONN_SLAB][i % CONN_SLAB];
        if (conn_is_open(conn))
            fn(conn, owner);
    }
}

bool conn_pool_hold(struct conn_pool *pool, size_t bytes)
{
    if (bytes > pool->outboxes.bytes_max ||
        pool->outboxes.held_bytes > pool->outboxes.bytes_max - bytes) {
        net_stats_hit(&pool->stats, NET_LIMIT_outbox_total_bytes_max);
        return false;
    }
    pool->outboxes.held_bytes += bytes;
    return true;
}

void conn_pool_release(struct conn_pool *pool, size_t bytes)
{
    ASSERT(pool->outboxes.held_bytes >= bytes);
    pool->outboxes.held_bytes -= bytes;
}

static int slab_new(struct conn_pool *pool)
{
    struct conn *slab = aligned_alloc(alignof(struct conn), CONN_SLAB * sizeof *slab);
    if (slab == NULL)
        return -ERR_MEMORY;
    memset(slab, 0, CONN_SLAB * sizeof *slab);
    pool->slabs[pool->conns_count / CONN_SLAB] = slab;
    for (uint32_t i = CONN_SLAB; i > 0; i--) { /* so that low indexes are used first */
        struct conn *conn = &slab[i - 1];
        conn->pool = pool;
        conn->handle = (struct conn_handle){pool->conns_count + i - 1, 1};
        conn->closed_next = pool->spare;
        pool->spare = conn;
    }
    pool->conns_count += CONN_SLAB;
    return 0;
}

int conn_pool_take(struct conn_pool *pool, struct conn **ret_conn)
{
    if (pool->stats.connections >= pool->limits.connections_max) {
        net_stats_hit(&pool->stats, NET_LIMIT_connections_max);
        return -ERR_LIMIT;
    }
    if (pool->spare == NULL)
        TRY(slab_new(pool));
    struct conn *conn = pool->spare;
    ASSERT(conn->phase == PHASE_FREE);
    pool->spare = conn->closed_next;
    struct conn_handle handle = conn->handle;
    memset(conn, 0, sizeof *conn);
    conn->pool = pool;
    conn->handle = handle;
    *ret_conn = conn;
    return 0;
}

void conn_pool_give(struct conn *conn)
{
    conn->phase = PHASE_FREE;
    if (++conn->handle.generation == 0) /* 0 is never valid */
        conn->handle.generation = 1;
    conn->closed_next = conn->pool->spare;
    conn->pool->spare = conn;
}

/* The last stage of a turn. on_closed may close others: they are freed in the same go. */
static void free_closed(void *owner)
{
    struct conn_pool *pool = owner;
    pool->freed_turn = loop_turns(pool->loop);
    while (pool->closed != NULL) {
        struct conn *conn = pool->closed;
        pool->closed = conn->closed_next;
        conn->callbacks->on_closed(conn, conn->reason);
        conn_free_kept(conn);
        conn_tls_free(conn);
        /* Between flush and here a list may have been joined again; its memory must not be reused
         * while it is on one, so it is closed in the next turn. */
        if ((conn->in_dirty || conn->in_resumed) && !pool->freeing)
            conn_flush_dirty(pool);
        conn_pool_give(conn);
    }
}
