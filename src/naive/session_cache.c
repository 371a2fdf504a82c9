/* session_cache.c - contract in session_cache.h.
 * What ends the connection inside of hiredis or a callback is only noted, and done behind it. */
#include "naive/session_cache.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"

#define TICK_US           INT64_C(50000)
#define RETRY_US          INT64_C(250000)
#define COMMAND_BYTES_MAX 256
#define QUEUE_BYTES_MAX   ((size_t)1 << 20)

struct question {
    session_value_fn fn; /* NULL: nobody waits */
    void *owner;
    int64_t asked_us;
};

struct session_cache {
    struct session_cache_options options;
    struct session_cache_stats stats;
    struct loop *loop;
    struct timer tick;
    struct conn_handle conn;
    bool connecting, up, dropping;
    int64_t since_us; /* of the attempt; when none: when to try again */
    redisReader *reader;
    uint32_t first, count;
    struct question questions[SESSION_IN_FLIGHT_MAX]; /* a ring */
};

/* In the connection's state: NULL once it is not the cache's any more. */
struct cache_conn {
    struct session_cache *cache;
};

static struct conn *conn_of(const struct session_cache *cache)
{
    return cache->connecting || cache->up ? conn_pool_find(cache->options.pool, cache->conn) : NULL;
}

static struct session_cache *cache_of(struct conn *conn)
{
    return ((struct cache_conn *)conn_state(conn))->cache;
}

/* ---- answers ---- */

static struct question take_first(struct session_cache *cache)
{
    struct question question = cache->questions[cache->first];
    cache->first = (cache->first + 1) % SESSION_IN_FLIGHT_MAX;
    cache->count--;
    return question;
}

static void answer(struct session_cache *cache, const redisReply *reply)
{
    struct question question = take_first(cache);
    struct slice value = SLICE_NONE;
    if (reply->type == REDIS_REPLY_STRING)
        value = slice_of(reply->str, (size_t)reply->len);
    metrics_record(&cache->stats.answer_us,
                   (uint64_t)(loop_now(cache->loop).us - question.asked_us));
    metrics_count(&cache->stats.unanswered, reply->type == REDIS_REPLY_ERROR);
    if (question.fn == NULL)
        return;
    metrics_count(&cache->stats.hits, reply->type == REDIS_REPLY_STRING);
    metrics_count(&cache->stats.misses, reply->type == REDIS_REPLY_NIL);
    question.fn(question.owner, value);
}

static void take_replies(struct session_cache *cache, struct slice bytes)
{
    void *reply = NULL;
    if (redisReaderFeed(cache->reader, bytes.at, bytes.bytes) != REDIS_OK) {
        cache->dropping = true;
        return;
    }
    while (!cache->dropping) {
        if (redisReaderGetReply(cache->reader, &reply) != REDIS_OK) {
            cache->dropping = true;
            return;
        }
        if (reply == NULL)
            return;
        if (cache->count == 0)
            cache->dropping = true; /* an answer to nothing */
        else
            answer(cache, reply);
        freeReplyObject(reply);
    }
}

/* ---- the connection ---- */

static void lose(struct session_cache *cache)
{
    struct conn *conn = conn_of(cache);
    if (!cache->connecting && !cache->up)
        return;
    if (conn != NULL) {
        ((struct cache_conn *)conn_state(conn))->cache = NULL;
        conn_close(conn, CONN_CLOSE_DONE);
    }
    metrics_count(&cache->stats.losses, cache->up);
    metrics_set(&cache->stats.up, 0);
    cache->connecting = cache->up = cache->dropping = false;
    cache->since_us = loop_now(cache->loop).us + RETRY_US;
    redisReaderFree(cache->reader);
    cache->reader = NULL;
    for (uint32_t due = cache->count; due > 0; due--) {
        struct question question = take_first(cache);
        metrics_count(&cache->stats.unanswered, 1);
        if (question.fn != NULL)
            question.fn(question.owner, SLICE_NONE);
    }
}

static size_t on_bytes(struct conn *conn, char *at, size_t bytes)
{
    struct session_cache *cache = cache_of(conn);
    if (cache == NULL)
        return bytes;
    take_replies(cache, slice_of(at, bytes));
    if (cache->dropping)
        lose(cache);
    return bytes;
}

static void on_connected(struct conn *conn)
{
    struct session_cache *cache = cache_of(conn);
    if (cache == NULL)
        return;
    cache->connecting = false;
    cache->up = true;
    metrics_set(&cache->stats.up, 1);
}

static void on_end(struct conn *conn)
{
    struct session_cache *cache = cache_of(conn);
    if (cache != NULL)
        lose(cache);
}

static void on_closed(struct conn *conn, enum conn_close reason)
{
    (void)reason;
    on_end(conn);
}

static void on_nothing(struct conn *conn)
{
    (void)conn;
}

static const struct conn_callbacks callbacks = {
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_drained = on_nothing,
    .on_deadline = on_nothing,
    .on_connected = on_connected,
    .on_closed = on_closed,
};

static void connect_now(struct session_cache *cache)
{
    struct conn *conn;
    int64_t now_us = loop_now(cache->loop).us;
    cache->since_us = now_us + RETRY_US;
    cache->reader = redisReaderCreate();
    if (cache->reader == NULL)
        return;
    if (conn_connect(cache->options.pool, &cache->options.address, &callbacks, &conn) < 0) {
        redisReaderFree(cache->reader);
        cache->reader = NULL;
        return;
    }
    ((struct cache_conn *)conn_state(conn))->cache = cache;
    cache->conn = conn_handle_of(conn);
    cache->connecting = true;
    cache->since_us = now_us;
}

/* ---- time ---- */

static bool is_late(const struct session_cache *cache, int64_t now_us)
{
    int64_t since_us = cache->count > 0 ? cache->questions[cache->first].asked_us : cache->since_us;
    return (cache->connecting || cache->count > 0) &&
           now_us - since_us > cache->options.answer_us_max;
}

static void on_tick(void *owner)
{
    struct session_cache *cache = owner;
    int64_t now_us = loop_now(cache->loop).us;
    if (!cache->connecting && !cache->up) {
        if (now_us >= cache->since_us)
            connect_now(cache);
    } else if (is_late(cache, now_us) || conn_of(cache) == NULL) {
        lose(cache);
    }
    loop_timer_set(cache->loop, &cache->tick, (struct monotonic){now_us + TICK_US});
}

/* ---- asking ---- */

static bool ask(struct session_cache *cache, const struct buf *command, session_value_fn fn,
                void *owner)
{
    struct conn *conn = cache->up ? conn_of(cache) : NULL;
    bool full = cache->count == SESSION_IN_FLIGHT_MAX ||
                (conn != NULL && conn_queued_bytes(conn) > QUEUE_BYTES_MAX);
    metrics_count(&cache->stats.in_flight_reached, full);
    if (conn == NULL || full || command->overflow) {
        metrics_count(&cache->stats.unanswered, 1);
        return false;
    }
    cache->questions[(cache->first + cache->count++) % SESSION_IN_FLIGHT_MAX] =
        (struct question){fn, owner, loop_now(cache->loop).us};
    (void)conn_send(conn, buf_slice(command)); /* false: it is lost, and that is told */
    return true;
}

static void put_key(struct buf *out, struct slice user)
{
    buf_printf(out, "$%zu\r\nsession:%.*s\r\n", user.bytes + 8, SLICE_ARG(user));
}

bool session_cache_get(struct session_cache *cache, struct slice user, session_value_fn fn,
                       void *owner)
{
    char memory[COMMAND_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    buf_put_text(&out, "*2\r\n$3\r\nGET\r\n");
    put_key(&out, user);
    return ask(cache, &out, fn, owner);
}

void session_cache_set(struct session_cache *cache, struct slice user, struct slice value)
{
    char memory[COMMAND_BYTES_MAX], seconds[24];
    struct buf out = buf_over(memory, sizeof memory);
    struct buf expiry = buf_over(seconds, sizeof seconds);
    buf_put_i64(&expiry, cache->options.session_s);
    buf_put_text(&out, "*5\r\n$3\r\nSET\r\n");
    put_key(&out, user);
    buf_printf(&out, "$%zu\r\n%.*s\r\n", value.bytes, SLICE_ARG(value));
    buf_printf(&out, "$2\r\nEX\r\n$%zu\r\n%.*s\r\n", expiry.bytes, SLICE_ARG(buf_slice(&expiry)));
    (void)ask(cache, &out, NULL, NULL);
}

void session_cache_forget(struct session_cache *cache, struct slice user)
{
    char memory[COMMAND_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    buf_put_text(&out, "*2\r\n$3\r\nDEL\r\n");
    put_key(&out, user);
    (void)ask(cache, &out, NULL, NULL);
}

/* ---- life ---- */

int session_cache_new(const struct session_cache_options *options, struct session_cache **ret)
{
    struct session_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return -ERR_MEMORY;
    cache->options = *options;
    cache->loop = conn_pool_loop(options->pool);
    metrics_histogram_init(&cache->stats.answer_us, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    timer_init(&cache->tick, on_tick, cache);
    loop_timer_set(cache->loop, &cache->tick, loop_now(cache->loop));
    *ret = cache;
    return 0;
}

void session_cache_free(struct session_cache *cache)
{
    if (cache == NULL)
        return;
    loop_timer_cancel(cache->loop, &cache->tick);
    lose(cache);
    free(cache);
}

bool session_cache_is_up(const struct session_cache *cache)
{
    return cache->up;
}

struct session_cache_stats *session_cache_stats(struct session_cache *cache)
{
    return &cache->stats;
}
