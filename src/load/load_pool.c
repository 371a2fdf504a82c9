/* load_pool.c - contract in load_pool.h.
 * Requests take the connections in turn from a ring of those that have room, so that all of them
 * are used alike; a connection is in the ring once, and is looked at again when it comes out.
 * Those that are down stand in a line: all wait equally long, so the first is due first, and none
 * of those that are open is looked at. */
#include "load/load_pool.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/decimal.h"
#include "base/error.h"
#include "load/load_frame.h"
#include "load/load_process.h"

#define CONNECTS_MAX 64

enum link_state { LINK_DOWN = 0, LINK_OPENING, LINK_OPEN };

struct link {
    struct load_pool *pool;
    uint8_t state;
    bool queued; /* in the ring */
    uint32_t index;
    uint32_t used; /* bit s: flights[s] is under way */
    int64_t retry_us;
    struct http_client_handle http;
    struct ws_handle ws;
    struct load_flight flights[LOAD_PIPELINE_MAX];
};

struct load_pool {
    struct loop *loop;
    struct http_client *client; /* owned */
    struct load_pool_options options;
    const struct load_pool_callbacks *callbacks;
    void *owner;
    bool freeing;
    uint32_t opening;
    struct link *links; /* owned */
    uint32_t *ring;     /* owned; `connections` places */
    uint32_t ring_from, ring_count;
    uint32_t *down; /* owned; `connections` places: a ring, too */
    uint32_t down_from, down_count;
    struct timer retry;
    struct load_pool_stats stats;
};

static void http_on_connected(void *owner, struct http_client_handle handle);
static void http_on_answer(void *owner, uint64_t tag, const struct http_answer *answer);
static void http_on_closed(void *owner, enum conn_close reason, uint32_t unanswered);
static void ws_on_open(void *owner, struct ws_handle ws);
static void ws_on_refused(void *owner, int status);
static void ws_on_text(void *owner, struct ws_handle ws, struct slice text);
static void ws_on_closed(void *owner, struct ws_handle ws, uint16_t code);

static const struct http_client_callbacks http_callbacks = {http_on_connected, http_on_answer, NULL,
                                                            http_on_closed};
static const struct ws_callbacks ws_callbacks = {ws_on_text, NULL, ws_on_closed, NULL};

/* ---- opening ---- */

static int open_websocket(struct load_pool *pool, struct link *link)
{
    char headers[2200];
    struct buf text = buf_over(headers, sizeof headers);
    struct slice token = SLICE_NONE;
    if (pool->options.token != NULL)
        token = pool->options.token(pool->options.token_owner, link->index);
    if (token.bytes > 0) {
        buf_put_text(&text, "Authorization: Bearer ");
        buf_put_slice(&text, token);
        buf_put_text(&text, "\r\n");
    }
    struct http_client_ws ws = {.target = SLICE("/v1/stream"),
                                .headers = buf_slice(&text),
                                .on_open = ws_on_open,
                                .on_refused = ws_on_refused,
                                .callbacks = &ws_callbacks,
                                .owner = link};
    return http_client_open_websocket(pool->client, &pool->options.target.address, &ws);
}

static void stand_in_line(struct load_pool *pool, uint32_t index)
{
    ASSERT(pool->down_count < pool->options.connections);
    uint32_t at = (pool->down_from + pool->down_count++) % pool->options.connections;
    pool->down[at] = index;
}

static void link_down(struct link *link)
{
    struct load_pool *pool = link->pool;
    link->state = LINK_DOWN;
    link->retry_us = load_process_now().us + LOAD_RECONNECT_MS * US_PER_MS;
    stand_in_line(pool, link->index);
}

static void open_link(struct load_pool *pool, struct link *link)
{
    int result;
    link->state = LINK_OPENING;
    pool->opening++;
    if (pool->options.transport == LOAD_TRANSPORT_WS)
        result = open_websocket(pool, link);
    else
        result = http_client_connect(pool->client, &pool->options.target.address, &http_callbacks,
                                     link, &link->http);
    if (result < 0) {
        pool->opening--;
        pool->stats.refused++;
        link_down(link);
    }
}

/* A listener's queue is short: thousands at once would be answered by resets. */
static void open_some(struct load_pool *pool)
{
    int64_t now_us = load_process_now().us;
    while (pool->down_count > 0 && pool->opening < pool->options.connects_max) {
        struct link *link = &pool->links[pool->down[pool->down_from]];
        if (link->retry_us > now_us)
            break;
        pool->down_from = (pool->down_from + 1) % pool->options.connections;
        pool->down_count--;
        open_link(pool, link);
    }
}

static void on_retry(void *owner)
{
    struct load_pool *pool = owner;
    open_some(pool);
    struct monotonic next = {loop_now(pool->loop).us + 20 * US_PER_MS};
    loop_timer_set(pool->loop, &pool->retry, next);
}

int load_pool_new(struct loop *loop, const struct load_pool_options *options,
                  const struct load_pool_callbacks *callbacks, void *owner,
                  struct load_pool **ret_pool)
{
    if (options->connections == 0 || options->connections > LOAD_CONNECTIONS_MAX ||
        options->pipeline == 0 || options->pipeline > LOAD_PIPELINE_MAX)
        return -ERR_LIMIT;
    struct net_limits limits = net_limits_default();
    limits.connections_max = options->connections;
    limits.http_body_bytes_max = 1024 * 1024;
    limits.ws_message_bytes_max = 1024 * 1024;
    /* Who has come first must not keep us from letting in the others. */
    limits.tls_handshakes_per_turn_max = LOAD_CONNECTIONS_MAX;
    limits.tls_handshakes_max = LOAD_CONNECTIONS_MAX;
    struct load_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return -ERR_MEMORY;
    pool->links = calloc(options->connections, sizeof *pool->links);
    pool->ring = calloc(options->connections, sizeof *pool->ring);
    pool->down = calloc(options->connections, sizeof *pool->down);
    int result = pool->links == NULL || pool->ring == NULL || pool->down == NULL
                     ? -ERR_MEMORY
                     : http_client_new(loop, &limits, &pool->client);
    if (result < 0) {
        free(pool->ring);
        free(pool->down);
        free(pool->links);
        free(pool);
        return result;
    }
    http_client_use_tls(pool->client, options->target.tls);
    pool->loop = loop;
    pool->options = *options;
    if (pool->options.connects_max == 0)
        pool->options.connects_max = CONNECTS_MAX;
    pool->callbacks = callbacks;
    pool->owner = owner;
    for (uint32_t i = 0; i < options->connections; i++) {
        pool->links[i] = (struct link){.pool = pool, .index = i};
        stand_in_line(pool, i);
    }
    timer_init(&pool->retry, on_retry, pool);
    on_retry(pool);
    *ret_pool = pool;
    return 0;
}

void load_pool_free(struct load_pool *pool)
{
    if (pool == NULL)
        return;
    pool->freeing = true;
    loop_timer_cancel(pool->loop, &pool->retry);
    http_client_free(pool->client); /* closes all: what is under way is reported lost */
    free(pool->ring);
    free(pool->down);
    free(pool->links);
    free(pool);
}

/* ---- room ---- */

static bool has_room(const struct link *link)
{
    return link->state == LINK_OPEN &&
           (uint32_t)__builtin_popcount(link->used) < link->pool->options.pipeline;
}

static void queue_link(struct link *link)
{
    struct load_pool *pool = link->pool;
    if (link->queued || !has_room(link))
        return;
    ASSERT(pool->ring_count < pool->options.connections);
    uint32_t at = (pool->ring_from + pool->ring_count++) % pool->options.connections;
    pool->ring[at] = link->index;
    link->queued = true;
}

bool load_pool_take(struct load_pool *pool, uint32_t *ret_connection)
{
    while (pool->ring_count > 0) {
        struct link *link = &pool->links[pool->ring[pool->ring_from]];
        pool->ring_from = (pool->ring_from + 1) % pool->options.connections;
        pool->ring_count--;
        link->queued = false;
        if (!has_room(link))
            continue;
        *ret_connection = link->index;
        return true;
    }
    return false;
}

void load_pool_give(struct load_pool *pool, uint32_t connection)
{
    queue_link(&pool->links[connection]);
}

bool load_pool_has_room(const struct load_pool *pool, uint32_t connection)
{
    return has_room(&pool->links[connection]);
}

/* ---- requests ---- */

uint32_t load_pool_next_id(const struct load_pool *pool, uint32_t connection)
{
    return (uint32_t)__builtin_ctz(~pool->links[connection].used);
}

bool load_pool_send(struct load_pool *pool, uint32_t connection, struct slice bytes,
                    const struct load_flight *flight)
{
    struct link *link = &pool->links[connection];
    ASSERT(has_room(link));
    uint32_t slot = load_pool_next_id(pool, connection);
    enum send_outcome outcome = pool->options.transport == LOAD_TRANSPORT_WS
                                    ? ws_conn_send_text(link->ws, bytes)
                                    : http_client_send_raw(link->http, bytes, false, slot);
    if (outcome == SEND_FULL || outcome == SEND_GONE)
        return false;
    link->flights[slot] = *flight;
    link->used |= UINT32_C(1) << slot;
    pool->stats.in_flight++;
    queue_link(link);
    return true;
}

bool load_pool_say(struct load_pool *pool, uint32_t connection, struct slice text)
{
    struct link *link = &pool->links[connection];
    ASSERT(pool->options.transport == LOAD_TRANSPORT_WS);
    if (link->state != LINK_OPEN)
        return false;
    return send_is_queued(ws_conn_send_text(link->ws, text));
}

#define CLOSE_GOING_AWAY 1001

void load_pool_close(struct load_pool *pool, uint32_t connection)
{
    struct link *link = &pool->links[connection];
    if (link->state != LINK_OPEN)
        return;
    if (pool->options.transport == LOAD_TRANSPORT_WS)
        ws_conn_close(link->ws, CLOSE_GOING_AWAY, SLICE_NONE);
    else
        http_client_close(link->http);
}

const struct load_pool_stats *load_pool_stats(const struct load_pool *pool)
{
    return &pool->stats;
}

/* ---- what comes ---- */

static void link_opened(struct link *link)
{
    struct load_pool *pool = link->pool;
    link->state = LINK_OPEN;
    pool->opening--;
    pool->stats.open++;
    pool->stats.opened++;
    queue_link(link);
    if (pool->callbacks->on_open != NULL)
        pool->callbacks->on_open(pool->owner, link->index);
    open_some(pool);
}

static void drop_flights(struct link *link)
{
    struct load_pool *pool = link->pool;
    uint32_t lost = link->used;
    link->used = 0;
    for (; lost != 0; lost &= lost - 1) {
        pool->stats.in_flight--;
        pool->callbacks->on_lost(pool->owner, &link->flights[__builtin_ctz(lost)]);
    }
}

void load_pool_drop(struct load_pool *pool)
{
    for (uint32_t i = 0; i < pool->options.connections; i++) {
        drop_flights(&pool->links[i]);
        queue_link(&pool->links[i]);
    }
}

static void link_closed(struct link *link)
{
    struct load_pool *pool = link->pool;
    if (link->state == LINK_OPEN) {
        pool->stats.open--;
        pool->stats.closed++;
    } else {
        pool->opening--;
        pool->stats.refused++;
    }
    link_down(link);
    drop_flights(link);
}

static void answered(struct link *link, uint32_t slot, struct load_pool_answer *answer)
{
    struct load_pool *pool = link->pool;
    if ((link->used >> slot & 1) == 0)
        return; /* dropped before */
    answer->connection = link->index;
    answer->flight = link->flights[slot];
    link->used &= ~(UINT32_C(1) << slot);
    pool->stats.in_flight--;
    queue_link(link);
    pool->callbacks->on_answer(pool->owner, answer);
}

static void http_on_connected(void *owner, struct http_client_handle handle)
{
    struct link *link = owner;
    link->http = handle;
    link_opened(link);
}

static void http_on_answer(void *owner, uint64_t tag, const struct http_answer *answer)
{
    struct load_pool_answer found = {.status = answer->status, .body = answer->body};
    struct slice replayed = http_head_find(answer->head, SLICE("idempotent-replayed"));
    found.replayed = slice_is(replayed, "true");
    answered(owner, (uint32_t)tag, &found);
}

static void http_on_closed(void *owner, enum conn_close reason, uint32_t unanswered)
{
    (void)reason;
    (void)unanswered;
    link_closed(owner);
}

static void ws_on_open(void *owner, struct ws_handle ws)
{
    struct link *link = owner;
    link->ws = ws;
    link_opened(link);
}

static void ws_on_refused(void *owner, int status)
{
    (void)status;
    link_closed(owner);
}

static uint32_t number_of(struct slice digits)
{
    struct decimal value;
    if (decimal_parse(digits, &value) < 0 || value.scale != 0 || value.mantissa < 0 ||
        value.mantissa > 999)
        return UINT32_MAX;
    return (uint32_t)value.mantissa;
}

/* Only `bet` frames and errors that name an id are answers; they begin like no price frame does,
 * so that prices are not read twice. */
static void ws_on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)ws;
    struct link *link = owner;
    struct load_pool *pool = link->pool;
    struct load_frame frame;
    bool may_answer =
        link->used != 0 && memmem(text.at, text.bytes, "\"op\":\"delta\"", 12) == NULL;
    if (may_answer && load_frame_read(text, &frame) == 0 &&
        (frame.op == LOAD_OP_BET || frame.op == LOAD_OP_ERROR) && frame.id.bytes > 0) {
        uint32_t slot = number_of(frame.id);
        uint32_t status = number_of(frame.code);
        if (slot < LOAD_PIPELINE_MAX) {
            bool is_bet = frame.op == LOAD_OP_BET;
            struct load_pool_answer found = {
                .status = is_bet && status != UINT32_MAX ? (int)status : 429,
                .body = is_bet ? frame.bet : text,
                .replayed = memmem(text.at, text.bytes, "\"replayed\":true", 15) != NULL};
            answered(link, slot, &found);
        }
        return;
    }
    if (pool->callbacks->on_text != NULL)
        pool->callbacks->on_text(pool->owner, link->index, text);
}

static void ws_on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    (void)ws;
    (void)code;
    link_closed(owner);
}
