/* redis_link.c - contract in redis_link.h.
 * What ends a connection is only noted (`dropping`) and done behind whatever is under way, so that
 * no callback meets a pipe that is being emptied above it. */
#include "adapters/redis/redis_link.h"

#include <stdlib.h>

#include "adapters/redis/redis_command.h"
#include "base/assert.h"
#include "base/error.h"
#include "crypto/random.h"

#define TICK_US         INT64_C(100000)
#define PING_US         INT64_C(500000) /* nothing was asked for so long */
#define ROLE_BYTES_MAX  16
#define HELLO_BYTES_MAX 1024

enum link_state { LINK_AWAY = 0, LINK_CONNECTING, LINK_GREETING, LINK_UP };

struct redis_link {
    struct redis_link_options options;
    struct net_address address;
    struct redis_link_listener listener;
    struct redis_link_stats *stats; /* borrowed */
    struct loop *loop;
    struct redis_pipe pipe;
    struct conn_handle conn;
    enum link_state state;
    bool dropping, busy; /* busy: in a callback of the connection */
    int64_t since_us;    /* of the state, or of the newest command */
    struct backoff backoff;
    struct timer tick;
    int64_t connect_us; /* away: when to try again */
    uint64_t session, number;
    size_t role_bytes;
    char role[ROLE_BYTES_MAX];
};

/* In the connection's state: NULL once it is not the link's any more. */
struct link_conn {
    struct redis_link *link;
};

static void lose(struct redis_link *link);

static struct conn *conn_of(const struct redis_link *link)
{
    return link->state == LINK_AWAY ? NULL : conn_pool_find(link->options.pool, link->conn);
}

/* ---- greeting ---- */

static void on_role(void *owner, uint64_t word, const redisReply *reply)
{
    struct redis_link *link = owner;
    struct slice role = redis_text(redis_element(reply, 0));
    (void)word;
    if (role.bytes == 0 || role.bytes > ROLE_BYTES_MAX) {
        link->dropping = true; /* it loads its data, refuses us, or is no Redis */
        return;
    }
    memcpy(link->role, role.at, role.bytes);
    link->role_bytes = role.bytes;
    link->state = LINK_UP;
    link->number = 0;
    random_fill(&link->session, sizeof link->session);
    backoff_reset(&link->backoff);
    if (link->listener.on_up != NULL)
        link->listener.on_up(link->listener.owner, link);
}

static void on_auth(void *owner, uint64_t word, const redisReply *reply)
{
    struct redis_link *link = owner;
    (void)word;
    if (reply == NULL || redis_is_error(reply))
        link->dropping = true;
}

static bool ask(struct redis_link *link, struct slice command, struct redis_question question)
{
    struct conn *conn = conn_of(link);
    question.asked_us = link->since_us = loop_now(link->loop).us;
    if (conn == NULL || !redis_pipe_expect(&link->pipe, &question))
        return false;
    return conn_send(conn, command); /* false: it is being closed, and the answer is "lost" */
}

static void greet(struct redis_link *link)
{
    char memory[HELLO_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    bool has_user = link->options.user.bytes > 0;
    link->state = LINK_GREETING;
    link->role_bytes = 0;
    if (link->options.password.bytes > 0) {
        redis_put_command(&out, has_user ? 3 : 2);
        redis_put(&out, SLICE("AUTH"));
        if (has_user)
            redis_put(&out, link->options.user);
        redis_put(&out, link->options.password);
        ASSERT(!out.overflow);
        (void)ask(link, buf_slice(&out), (struct redis_question){on_auth, link, 0, 0});
    }
    (void)ask(link, SLICE("*1\r\n$4\r\nROLE\r\n"), (struct redis_question){on_role, link, 0, 0});
}

/* ---- the connection ---- */

static struct redis_link *link_of(struct conn *conn)
{
    return ((struct link_conn *)conn_state(conn))->link;
}

static size_t on_bytes(struct conn *conn, char *at, size_t bytes)
{
    struct redis_link *link = link_of(conn);
    if (link == NULL)
        return bytes;
    link->busy = true;
    if (redis_pipe_take(&link->pipe, slice_of(at, bytes)) < 0)
        link->dropping = true;
    link->busy = false;
    if (link->dropping)
        lose(link);
    return bytes;
}

static void on_connected(struct conn *conn)
{
    struct redis_link *link = link_of(conn);
    if (link != NULL)
        greet(link);
}

static void on_end(struct conn *conn)
{
    struct redis_link *link = link_of(conn);
    if (link != NULL)
        lose(link);
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

static void go_away(struct redis_link *link)
{
    link->state = LINK_AWAY;
    link->dropping = false;
    link->connect_us = loop_now(link->loop).us + backoff_us(&link->backoff);
}

static void connect_now(struct redis_link *link)
{
    struct conn *conn;
    metrics_count(&link->stats->connects, 1);
    if (conn_connect(link->options.pool, &link->address, &callbacks, &conn) < 0) {
        go_away(link);
        return;
    }
    ((struct link_conn *)conn_state(conn))->link = link;
    link->conn = conn_handle_of(conn);
    link->state = LINK_CONNECTING;
    link->since_us = loop_now(link->loop).us;
    if (link->options.tls != NULL && conn_connect_tls(conn, link->options.tls) < 0)
        conn_close(conn, CONN_CLOSE_CONNECT_FAILED);
}

/* Whoever waits is told after the state says that it is away: what they send then is refused. */
static void lose(struct redis_link *link)
{
    bool was_up = link->state == LINK_UP;
    struct conn *conn = conn_of(link);
    if (link->state == LINK_AWAY)
        return;
    if (conn != NULL) {
        ((struct link_conn *)conn_state(conn))->link = NULL;
        conn_close(conn, CONN_CLOSE_DONE);
    }
    go_away(link);
    redis_pipe_lose(&link->pipe);
    if (!was_up)
        return;
    metrics_count(&link->stats->losses, 1);
    if (link->listener.on_down != NULL)
        link->listener.on_down(link->listener.owner, link);
}

/* ---- time ---- */

static void on_pong(void *owner, uint64_t word, const redisReply *reply)
{
    struct redis_link *link = owner;
    (void)word;
    if (redis_is_error(reply))
        link->dropping = true;
}

static bool is_late(const struct redis_link *link, int64_t now_us)
{
    int64_t since_us =
        link->state == LINK_CONNECTING ? link->since_us : redis_pipe_waits_since_us(&link->pipe);
    return since_us != INT64_MAX && now_us - since_us > link->options.timeout_us;
}

static void look(struct redis_link *link, int64_t now_us)
{
    if (link->state == LINK_AWAY) {
        if (now_us >= link->connect_us)
            connect_now(link);
        return;
    }
    if (is_late(link, now_us)) {
        metrics_count(&link->stats->timeouts, 1);
        link->dropping = true;
    }
    if (link->dropping || conn_of(link) == NULL) {
        lose(link);
        return;
    }
    if (link->state == LINK_UP && link->pipe.count == 0 && now_us - link->since_us > PING_US)
        (void)redis_link_send(link, SLICE("*1\r\n$4\r\nPING\r\n"), on_pong, link, 0);
}

static void on_tick(void *owner)
{
    struct redis_link *link = owner;
    int64_t now_us = loop_now(link->loop).us;
    look(link, now_us);
    int64_t next_us = now_us + TICK_US;
    if (link->state == LINK_AWAY && link->connect_us < next_us)
        next_us = link->connect_us;
    loop_timer_set(link->loop, &link->tick, (struct monotonic){next_us});
}

/* ---- life ---- */

int redis_link_new(const struct redis_link_options *options, const struct net_address *address,
                   const struct redis_link_listener *listener, struct redis_link_stats *stats,
                   struct redis_link **ret_link)
{
    struct redis_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return -ERR_MEMORY;
    link->options = *options;
    link->address = *address;
    link->listener = *listener;
    link->stats = stats;
    link->loop = conn_pool_loop(options->pool);
    link->backoff = backoff_begin(options->backoff_us_min, options->backoff_us_max,
                                  options->seed ^ (uint64_t)(uintptr_t)link);
    timer_init(&link->tick, on_tick, link);
    if (redis_pipe_init(&link->pipe, options->in_flight_max) < 0) {
        redis_pipe_done(&link->pipe);
        free(link);
        return -ERR_MEMORY;
    }
    loop_timer_set(link->loop, &link->tick, loop_now(link->loop));
    *ret_link = link;
    return 0;
}

void redis_link_free(struct redis_link *link)
{
    if (link == NULL)
        return;
    ASSERT(!link->busy);
    loop_timer_cancel(link->loop, &link->tick);
    link->listener = (struct redis_link_listener){.owner = NULL};
    lose(link);
    redis_pipe_done(&link->pipe);
    free(link);
}

const struct net_address *redis_link_address(const struct redis_link *link)
{
    return &link->address;
}

bool redis_link_is_up(const struct redis_link *link)
{
    return link->state == LINK_UP && !link->dropping;
}

struct slice redis_link_role(const struct redis_link *link)
{
    return slice_of(link->role, link->role_bytes);
}

uint64_t redis_link_session(const struct redis_link *link)
{
    return link->session;
}

uint64_t redis_link_next_number(struct redis_link *link)
{
    return ++link->number;
}

uint64_t redis_link_numbered(const struct redis_link *link)
{
    return link->number;
}

bool redis_link_has_room(const struct redis_link *link, size_t bytes)
{
    const struct conn *conn = conn_of(link);
    return redis_link_is_up(link) && conn != NULL && !redis_pipe_is_full(&link->pipe) &&
           conn_queued_bytes(conn) + bytes <= link->options.queue_bytes_max;
}

bool redis_link_send(struct redis_link *link, struct slice command, redis_answer_fn answer,
                     void *owner, uint64_t word)
{
    if (!redis_link_has_room(link, command.bytes)) {
        metrics_count(&link->stats->full, redis_link_is_up(link));
        return false;
    }
    (void)ask(link, command, (struct redis_question){answer, owner, word, 0});
    metrics_set(&link->stats->queued, link->pipe.count);
    return true;
}

void redis_link_listen(struct redis_link *link, redis_push_fn push, void *owner)
{
    link->pipe.push = push;
    link->pipe.push_owner = owner;
}

void redis_link_drop(struct redis_link *link)
{
    if (link->state != LINK_AWAY)
        link->dropping = true; /* the tick ends it, or what is under way */
}
