/* uof_link.c - contract in uof_link.h.
 * Silence is counted in ticks of this loop, not read off the clock: after a turn that took long,
 * timers come before sockets, and what has come meanwhile is not there yet. */
#include "feeds/uof/uof_link.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/backoff.h"
#include "base/error.h"
#include "net/stream/conn.h"
#include "net/stream/net_limits.h"

#define TICK_US           INT64_C(100000)
#define HEARTBEAT_US      (UOF_HEARTBEAT_S * INT64_C(1000000) / 2) /* between ours */
#define RECEIVE_BYTES_MAX (4 * UOF_FRAME_BYTES_MAX)                /* of the connection */
#define CONNECTIONS_MAX   4 /* one; and those that are being closed */
#define MESSAGES_PER_LOOK 8 /* messages between two looks at the clock */
#define HEARTBEAT_LINE    "<heartbeat/>"

enum link_state { LINK_AWAY = 0, LINK_CONNECTING, LINK_GREETING, LINK_UP, LINK_ENDED };

struct uof_link {
    struct uof_link_options options;
    struct uof_link_listener listener;
    struct uof_session *session; /* owned, as the next */
    struct conn_pool *pool;
    struct loop *loop;
    struct conn_handle conn;
    enum link_state state;
    bool paused;         /* messages wait in the connection */
    struct slice broken; /* why the connection is to be ended; bytes 0: it goes on */
    int64_t waited_us;   /* in ticks: since the attempt began, or since the last byte */
    int64_t tick_us, said_us, connect_us;
    int64_t received_us; /* of the oldest byte that is held */
    int64_t turn_ends_us;
    uint64_t turn; /* to which turn_ends_us belongs */
    struct backoff backoff;
    struct timer tick;
    struct uof_link_stats stats;
};

/* In the connection's state: NULL once it is not the link's any more. */
struct link_conn {
    struct uof_link *link;
};

static bool stands(const struct uof_link *link)
{
    return link->state == LINK_CONNECTING || link->state == LINK_GREETING || link->state == LINK_UP;
}

static struct conn *conn_of(const struct uof_link *link)
{
    return stands(link) ? conn_pool_find(link->pool, link->conn) : NULL;
}

static int64_t real_us(const struct uof_link *link)
{
    return link->listener.now_us(link->listener.owner);
}

/* ---- the end of a connection ---- */

static void break_off(struct uof_link *link, struct slice why)
{
    if (link->broken.bytes == 0)
        link->broken = why;
}

/* What the session still has to say goes out before the end. */
static void let_go(struct uof_link *link)
{
    struct conn *conn = conn_of(link);
    if (conn == NULL)
        return;
    ((struct link_conn *)conn_state(conn))->link = NULL;
    if (conn_is_paused(conn))
        conn_close(conn, CONN_CLOSE_DONE);
    else
        conn_finish(conn, CONN_CLOSE_DONE);
}

static void lose(struct uof_link *link)
{
    struct slice problem = link->broken;
    bool was_up = link->state == LINK_UP;
    if (!stands(link))
        return;
    let_go(link);
    link->state = LINK_AWAY;
    link->broken = SLICE_NONE;
    link->paused = false;
    link->connect_us = loop_now(link->loop).us + backoff_us(&link->backoff);
    metrics_set(&link->stats.up, 0);
    metrics_set(&link->stats.held_bytes, 0);
    if (was_up) {
        metrics_count(&link->stats.losses, 1);
        link->options.source->ops->reset(link->options.source);
    }
    link->listener.on_down(link->listener.owner, was_up, problem);
}

/* ---- what comes ---- */

static void send_out(struct uof_link *link, struct conn *conn)
{
    struct buf *out = uof_session_out(link->session);
    if (out->bytes == 0)
        return;
    (void)conn_send(conn, buf_slice(out)); /* false: it is being closed, which is told */
    out->bytes = 0;
    link->said_us = loop_now(link->loop).us;
}

static void take_message(struct uof_link *link)
{
    struct feed_source *source = link->options.source;
    uint64_t changes = source->counts.market_changes;
    metrics_count(&link->stats.messages, 1);
    if (source->ops->message(source, uof_session_message(link->session)) < 0)
        metrics_count(&link->stats.malformed, 1);
    if (source->counts.market_changes != changes)
        metrics_record(&link->stats.freshness, (uint64_t)(real_us(link) - link->received_us));
}

static void come_up(struct uof_link *link)
{
    link->state = LINK_UP;
    backoff_reset(&link->backoff);
    metrics_count(&link->stats.ups, 1);
    metrics_set(&link->stats.up, 1);
    link->listener.on_up(link->listener.owner);
}

static void fail(struct uof_link *link, int error)
{
    metrics_count(error == -ERR_LIMIT ? &link->stats.too_long : &link->stats.broken, 1);
    break_off(link, uof_session_problem(link->session));
}

/* True: go on. */
static bool step(struct uof_link *link, struct conn *conn, struct slice *bytes,
                 enum uof_session_event *ret_event)
{
    size_t used = 0;
    int error = uof_session_step(link->session, *bytes, &used, ret_event);
    *bytes = slice_skip(*bytes, used);
    send_out(link, conn);
    if (error < 0) {
        fail(link, error);
        return false;
    }
    switch (*ret_event) {
    case UOF_SESSION_WAITS:
        return false;
    case UOF_SESSION_ON:
        break;
    case UOF_SESSION_UP:
        come_up(link);
        break;
    case UOF_SESSION_MESSAGE:
        take_message(link);
        break;
    case UOF_SESSION_ENDED:
        break_off(link, uof_session_problem(link->session));
        return false;
    }
    return true;
}

static int64_t turn_ends_us(struct uof_link *link)
{
    if (link->turn != loop_turns(link->loop)) {
        link->turn = loop_turns(link->loop);
        link->turn_ends_us = real_us(link) + UOF_LINK_TURN_US_MAX;
    }
    return link->turn_ends_us;
}

/* What is left waits for the next turns. */
static bool has_time(struct uof_link *link, unsigned messages)
{
    if (!link->listener.ready(link->listener.owner)) {
        metrics_count(&link->stats.book_reached, 1);
        return false;
    }
    if (messages % MESSAGES_PER_LOOK == 0 && real_us(link) >= turn_ends_us(link)) {
        metrics_count(&link->stats.turn_reached, 1);
        return false;
    }
    return true;
}

static void take(struct uof_link *link, struct conn *conn, struct slice *bytes)
{
    unsigned messages = 0;
    enum uof_session_event event = UOF_SESSION_ON;
    (void)turn_ends_us(link);
    while (step(link, conn, bytes, &event)) {
        if (event != UOF_SESSION_MESSAGE)
            continue;
        if (!has_time(link, ++messages)) {
            link->paused = true;
            break;
        }
    }
    if (messages == 0 && link->state == LINK_UP)
        (void)link->options.source->ops->message(link->options.source, SLICE(HEARTBEAT_LINE));
}

/* ---- the connection ---- */

static struct uof_link *link_of(struct conn *conn)
{
    return ((struct link_conn *)conn_state(conn))->link;
}

static void note_bytes(struct uof_link *link, size_t bytes)
{
    size_t held = (size_t)link->stats.held_bytes.value;
    if (held == 0)
        link->received_us = real_us(link);
    if (bytes > held)
        metrics_count(&link->stats.bytes, bytes - held);
    if (link->state == LINK_UP)
        link->waited_us = 0; /* on the way up all of it counts: setup_us_max */
}

static size_t on_bytes(struct conn *conn, char *at, size_t bytes)
{
    struct uof_link *link = link_of(conn);
    struct slice left = slice_of(at, bytes);
    if (link == NULL)
        return bytes;
    note_bytes(link, bytes);
    take(link, conn, &left);
    metrics_set(&link->stats.held_bytes, (int64_t)left.bytes);
    if (link->broken.bytes > 0) {
        lose(link);
        return bytes;
    }
    if (link->paused)
        conn_pause(conn);
    return bytes - left.bytes;
}

static void on_connected(struct conn *conn)
{
    struct uof_link *link = link_of(conn);
    if (link == NULL)
        return;
    link->state = LINK_GREETING;
    uof_session_begin(link->session);
    send_out(link, conn);
}

static void on_end(struct conn *conn)
{
    struct uof_link *link = link_of(conn);
    if (link == NULL)
        return;
    break_off(link, SLICE("the broker closed the connection"));
    lose(link);
}

static void on_closed(struct conn *conn, enum conn_close reason)
{
    struct uof_link *link = link_of(conn);
    if (link == NULL)
        return;
    break_off(link, slice_text(conn_close_text(reason)));
    lose(link);
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

static void connect_now(struct uof_link *link)
{
    struct conn *conn;
    metrics_count(&link->stats.connects, 1);
    link->waited_us = 0;
    if (conn_connect(link->pool, &link->options.address, &callbacks, &conn) < 0) {
        link->connect_us = loop_now(link->loop).us + backoff_us(&link->backoff);
        return;
    }
    ((struct link_conn *)conn_state(conn))->link = link;
    link->conn = conn_handle_of(conn);
    link->state = LINK_CONNECTING;
    if (link->options.tls != NULL && conn_connect_tls(conn, link->options.tls) < 0)
        conn_close(conn, CONN_CLOSE_CONNECT_FAILED);
}

/* ---- time ---- */

static void look_at_silence(struct uof_link *link)
{
    if (link->state == LINK_UP && link->waited_us > link->options.silence_us_max) {
        metrics_count(&link->stats.silences, 1);
        break_off(link, SLICE("the broker is silent"));
    } else if (link->state != LINK_UP && link->waited_us > link->options.setup_us_max) {
        metrics_count(&link->stats.setups, 1);
        break_off(link, SLICE("the broker takes too long to serve us"));
    }
}

static void look(struct uof_link *link, int64_t now_us)
{
    struct conn *conn = conn_of(link);
    if (!stands(link)) {
        if (now_us >= link->connect_us)
            connect_now(link);
        return;
    }
    look_at_silence(link);
    if (conn == NULL)
        break_off(link, SLICE("the connection is gone"));
    if (link->broken.bytes > 0) {
        lose(link);
        return;
    }
    if (link->state == LINK_UP && now_us - link->said_us >= HEARTBEAT_US) {
        uof_put_heartbeat(uof_session_out(link->session));
        metrics_count(&link->stats.heartbeats, 1);
        send_out(link, conn);
    }
}

static void on_tick(void *owner)
{
    struct uof_link *link = owner;
    int64_t now_us = loop_now(link->loop).us;
    int64_t passed_us = now_us - link->tick_us;
    link->tick_us = now_us;
    if (!link->paused) /* we do not read: the broker's silence is ours */
        link->waited_us += passed_us < 2 * TICK_US ? passed_us : 2 * TICK_US;
    look(link, now_us);
    int64_t next_us = now_us + TICK_US;
    if (link->state == LINK_AWAY && link->connect_us < next_us)
        next_us = link->connect_us;
    loop_timer_set(link->loop, &link->tick, (struct monotonic){next_us});
}

/* What was left over by on_bytes: the connection gives it again. */
static void on_turn_end(void *owner)
{
    struct uof_link *link = owner;
    struct conn *conn = conn_of(link);
    if (!link->paused || conn == NULL || !link->listener.ready(link->listener.owner))
        return; /* when it is the book that is full, the end of an append brings the next turn */
    if (link->turn == loop_turns(link->loop)) {
        loop_turn_again(link->loop); /* this turn has had its time */
        return;
    }
    link->paused = false;
    conn_resume(conn);
}

/* ---- life ---- */

static int open_parts(struct uof_link *link)
{
    struct net_limits limits = net_limits_default();
    limits.connections_max = CONNECTIONS_MAX;
    limits.receive_bytes_max = RECEIVE_BYTES_MAX;
    TRY(loop_at_turn_end(link->loop, LOOP_STAGE_WORK, on_turn_end, link));
    TRY(uof_session_new(&link->options.session, &link->session));
    return conn_pool_new(link->loop, &limits, &link->pool);
}

int uof_link_new(struct loop *loop, const struct uof_link_options *options,
                 const struct uof_link_listener *listener, struct uof_link **ret_link)
{
    struct uof_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return -ERR_MEMORY;
    link->options = *options;
    link->listener = *listener;
    link->loop = loop;
    link->backoff = backoff_begin(options->backoff_us_min, options->backoff_us_max, options->seed);
    metrics_histogram_init(&link->stats.freshness, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    timer_init(&link->tick, on_tick, link);
    int error = open_parts(link);
    if (error < 0) {
        uof_link_free(link);
        return error;
    }
    link->tick_us = loop_now(loop).us;
    loop_timer_set(loop, &link->tick, loop_now(loop));
    *ret_link = link;
    return 0;
}

void uof_link_end(struct uof_link *link)
{
    struct conn *conn = conn_of(link);
    loop_timer_cancel(link->loop, &link->tick);
    if (conn != NULL && link->state == LINK_UP) {
        uof_put_close(uof_session_out(link->session));
        send_out(link, conn);
    }
    let_go(link);
    link->state = LINK_ENDED;
    link->paused = false;
    metrics_set(&link->stats.up, 0);
}

void uof_link_free(struct uof_link *link)
{
    if (link == NULL)
        return;
    uof_link_end(link);
    loop_remove_hook(link->loop, on_turn_end, link);
    conn_pool_free(link->pool);
    uof_session_free(link->session);
    free(link);
}

const struct uof_link_stats *uof_link_stats(const struct uof_link *link)
{
    return &link->stats;
}

static int register_counters(const struct uof_link_stats *stats, struct metrics *metrics)
{
    const struct metrics_row counters[] = {
        {{"overround_uof_connects_total", "Attempts to connect to the broker", NULL, 0},
         &stats->connects.value},
        {{"overround_uof_ups_total", "How often messages began to come", NULL, 0},
         &stats->ups.value},
        {{"overround_uof_losses_total", "How often they ceased to, not by us", NULL, 0},
         &stats->losses.value},
        {{"overround_uof_messages_total", "Messages of the broker's", NULL, 0},
         &stats->messages.value},
        {{"overround_uof_malformed_total", "Messages that were refused whole", NULL, 0},
         &stats->malformed.value},
        {{"overround_uof_bytes_total", "Bytes of the broker's, frames and all", NULL, 0},
         &stats->bytes.value},
        {{"overround_uof_heartbeats_total", "Heartbeats sent to the broker", NULL, 0},
         &stats->heartbeats.value},
        {{"overround_uof_broken_total", "Connections ended for what the broker sent", NULL, 0},
         &stats->broken.value},
#define LIMIT(text, member)                                                                        \
    {{"overround_limit_reached_total", "How often a named limit was reached",                      \
      "limit=\"" text "\"", 0},                                                                    \
     &stats->member.value}
        LIMIT("uof_silence_us_max", silences),
        LIMIT("uof_setup_us_max", setups),
        LIMIT("uof_bytes_max", too_long),
        LIMIT("uof_turn_us_max", turn_reached),
        LIMIT("uof_book_ready", book_reached),
#undef LIMIT
    };
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}

int uof_link_register_metrics(const struct uof_link *link, struct metrics *metrics)
{
    const struct uof_link_stats *stats = &link->stats;
    const struct metrics_gauge_row gauges[] = {
        {{"overround_uof_connected", "1 while messages come from the broker", NULL, 0}, &stats->up},
        {{"overround_uof_held_bytes", "Received of the broker and not taken yet", NULL, 0},
         &stats->held_bytes},
    };
    TRY(register_counters(stats, metrics));
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    return metrics_add_histogram(
        metrics,
        (struct metrics_name){"overround_uof_freshness_seconds",
                              "From a broker's bytes to their prices in the store", NULL, 6},
        &stats->freshness);
}
