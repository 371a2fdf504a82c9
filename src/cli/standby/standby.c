/* standby.c - contract in standby.h: life, the way to the primary, and the takeover. */
#include "cli/standby/standby.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/embedded/ledger_file.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/standby/standby_internal.h"
#include "crypto/random.h"

#define TICK_US        50000
#define BACKOFF_US_MIN INT64_C(100000)
#define BACKOFF_US_MAX INT64_C(2000000)
#define SILENCE_US_MAX INT64_C(5000000) /* of the primary, whose beats come every SHIP_BEAT_US */
#define DRAIN_US_MAX   2000             /* ms: answers on their way, before it ends or takes over */
#define TOKENS_KEPT    64

/* ---- the end ---- */

static void on_drained(void *owner)
{
    struct standby *standby = owner;
    if (--standby->draining == 0)
        loop_stop(standby->loop);
}

static void end_with(struct standby *standby, enum node_end end)
{
    if (standby->ending)
        return;
    standby->ending = true;
    standby->end = end;
    standby->draining = 2;
    http_server_drain(standby->public_server, DRAIN_US_MAX, on_drained, standby);
    http_server_drain(standby->admin_server, DRAIN_US_MAX, on_drained, standby);
}

static void on_signal(void *owner, int signal)
{
    struct standby *standby = owner;
    if (++standby->signals > 1)
        _exit(128 + signal);
    end_with(standby, NODE_ENDED);
}

static void on_hangup(void *owner, int signal)
{
    struct standby *standby = owner;
    (void)signal;
    node_listen_reload(&standby->listen);
}

static void check_failed(struct standby *standby)
{
    if (standby->ending || !ship_receiver_stats(standby->receiver).failed)
        return;
    buf_put_text(standby->why, ship_receiver_text(standby->receiver));
    log_error("standby", "it follows no more", LOG_TEXT("reason", buf_slice(standby->why)));
    end_with(standby, NODE_FAILED);
}

/* A refusal that trying again cannot change ends the process; others are tried again. */
static void check_refusal(struct standby *standby)
{
    struct ship_receiver_stats stats = ship_receiver_stats(standby->receiver);
    struct slice reason = slice_text(ship_refusal_text(stats.refusal));
    if (stats.refusal == 0 || standby->ending)
        return;
    metrics_count(&standby->refused, 1);
    if (stats.refusal != standby->refusal_told)
        log_warn("standby", "the primary refuses", LOG_TEXT("reason", reason),
                 LOG_U64("record", stats.refusal_seq));
    standby->refusal_told = stats.refusal;
    switch ((enum ship_refusal)stats.refusal) {
    case SHIP_OTHER_LOG:
    case SHIP_KEYS_DIFFER:
        buf_printf(standby->why, "the primary refuses: %.*s", SLICE_ARG(reason));
        end_with(standby, NODE_CONFIG);
        break;
    case SHIP_DIVERGED:
    case SHIP_AHEAD:
        buf_printf(standby->why,
                   "the primary refuses: %.*s: records %llu to %llu of this log are not the "
                   "primary's; nothing was changed (docs/OPERATIONS.md says what to do)",
                   SLICE_ARG(reason), (unsigned long long)stats.refusal_seq,
                   (unsigned long long)stats.tail);
        end_with(standby, NODE_DAMAGED);
        break;
    case SHIP_FENCED:
    case SHIP_BUSY:
    case SHIP_OFF:
    case SHIP_BAD_MESSAGE:
    case SHIP_BAD_RECORD:
    case SHIP_NOT_HIGHER:
    case SHIP_FAILED:
    case SHIP_LATER_START:
        break;
    }
}

/* ---- the link ---- */

static bool link_send(void *owner, struct slice message)
{
    const struct standby *standby = owner;
    return send_is_queued(ws_conn_send_binary(standby->ws, message));
}

static size_t link_queued(void *owner)
{
    return ws_conn_queued_bytes(((const struct standby *)owner)->ws);
}

static void link_close(void *owner)
{
    ws_conn_close(((const struct standby *)owner)->ws, WS_CLOSE_NORMAL, SLICE_NONE);
}

/* While a group is under way nothing more is read: TCP tells the primary. */
static void pace(struct standby *standby)
{
    bool busy = ship_receiver_busy(standby->receiver);
    if (!standby->ws_open || busy == standby->ws_paused)
        return;
    standby->ws_paused = busy;
    if (busy)
        ws_conn_pause(standby->ws);
    else
        ws_conn_resume(standby->ws);
}

static void set_connect(struct standby *standby)
{
    standby->connecting = false;
    loop_timer_set(standby->loop, &standby->connect_timer,
                   (struct monotonic){loop_now(standby->loop).us + backoff_us(&standby->backoff)});
}

static void on_open(void *owner, struct ws_handle ws)
{
    struct standby *standby = owner;
    const struct ship_link link = {standby, link_send, link_queued, link_close};
    standby->ws = ws;
    standby->ws_open = true;
    standby->ws_paused = false;
    standby->connecting = false;
    standby->status_told = -1;
    ship_receiver_attach(standby->receiver, &link);
    pace(standby); /* a group of the session before may be under way */
}

static void on_refused(void *owner, int status)
{
    struct standby *standby = owner;
    if (status != standby->status_told)
        log_warn("standby", "the primary is not there", LOG_I64("status", status));
    standby->status_told = status;
    set_connect(standby);
}

static void on_binary(void *owner, struct ws_handle ws, struct slice bytes)
{
    struct standby *standby = owner;
    (void)ws;
    ship_receiver_message(standby->receiver, bytes);
    if (ship_receiver_stats(standby->receiver).following)
        backoff_reset(&standby->backoff);
    pace(standby);
    check_failed(standby);
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)text;
    on_binary(owner, ws, SLICE_NONE); /* no message: refused and counted */
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct standby *standby = owner;
    (void)ws, (void)code;
    standby->ws_open = false;
    ship_receiver_detached(standby->receiver);
    check_refusal(standby);
    if (!standby->ending)
        set_connect(standby);
}

static const struct ws_callbacks ws_callbacks = {
    .on_text = on_text, .on_closed = on_closed, .on_binary = on_binary};

static void connect_to(void *owner)
{
    struct standby *standby = owner;
    const struct http_client_ws ws = {
        .target = SLICE("/v1/ship"),
        .headers = slice_text(standby->authorization),
        .subprotocol = SLICE(SHIP_SUBPROTOCOL),
        .on_open = on_open,
        .on_refused = on_refused,
        .callbacks = &ws_callbacks,
        .owner = standby,
    };
    standby->connecting = true;
    if (http_client_open_websocket(standby->client, &standby->options->primary, &ws) < 0)
        set_connect(standby);
}

/* ---- time and the log ---- */

static void on_log_ready(void *owner)
{
    struct standby *standby = owner;
    if (standby->stores.log != NULL)
        standby->stores.log->ops->poll(standby->stores.log);
    pace(standby);
    check_failed(standby);
}

static void on_turn_begin(void *owner)
{
    struct standby *standby = owner;
    ship_receiver_tick(standby->receiver, loop_now(standby->loop).us);
}

static void on_tick(void *owner)
{
    struct standby *standby = owner;
    struct ship_receiver_stats stats = ship_receiver_stats(standby->receiver);
    int64_t now_us = loop_now(standby->loop).us;
    if (standby->ws_open && !standby->ws_paused && now_us - stats.heard_us > SILENCE_US_MAX)
        link_close(standby);
    pace(standby);
    check_failed(standby);
    loop_timer_set(standby->loop, &standby->tick, (struct monotonic){now_us + TICK_US});
}

/* ---- the takeover ---- */

int standby_promote(struct standby *standby)
{
    uint64_t epoch = 0;
    const struct ledger_log *log = standby->stores.log;
    if (standby->ending)
        return -ERR_STOPPED;
    if (log == NULL || ship_receiver_stats(standby->receiver).tail == 0)
        return -ERR_NOT_FOUND;
    int error = standby_take_over(standby, &epoch);
    if (error == -ERR_STOPPED) {
        buf_put_text(standby->why, "the promotion failed, and so did taking it back: the disk");
        end_with(standby, NODE_FAILED);
    }
    TRY(error);
    standby->promoted = true;
    standby->promoted_epoch = epoch;
    standby->promoted_seq = standby->stores.mark.seq;
    ship_receiver_stop(standby->receiver, epoch);
    log_warn("standby", "promoted: it is the primary from here on", LOG_U64("epoch", epoch),
             LOG_U64("record", standby->promoted_seq));
    end_with(standby, NODE_ENDED);
    return 0;
}

/* ---- life ---- */

static enum node_end fail(struct standby *standby, const char *what, int error)
{
    if (standby->why->bytes == 0)
        buf_printf(standby->why, "%s: %s", what, error_text(error));
    return error == -ERR_CORRUPT ? NODE_DAMAGED : NODE_FAILED;
}

static int open_begin(struct standby *standby)
{
    const struct node_options *node = &standby->options->node;
    (void)signal(SIGPIPE, SIG_IGN);
    TRY(loop_new(&standby->loop));
    TRY(loop_watch_signal(standby->loop, SIGTERM, on_signal, standby));
    TRY(loop_watch_signal(standby->loop, SIGINT, on_signal, standby));
    TRY(loop_watch_signal(standby->loop, SIGHUP, on_hangup, standby));
    TRY(node_listen_open(&standby->listen, standby->loop, &node->listen, standby->why));
    timer_init(&standby->tick, on_tick, standby);
    timer_init(&standby->connect_timer, connect_to, standby);
    if (mkdir(node->data, 0700) != 0 && errno != EEXIST) {
        buf_printf(standby->why, "cannot make the folder %s", node->data);
        return -ERR_IO;
    }
    TRY(local_keys_open(node->data, node->jwks, &standby->keys, standby->why));
    TRY(token_cache_new(TOKENS_KEPT, &standby->tokens));
    standby->bearer = (struct bearer){.cache = standby->tokens, .rules = standby->keys.rules};
    TRY(loop_wakeup_open(standby->loop, &standby->log_wakeup, on_log_ready, standby));
    standby->log_wakeup_open = true;
    return 0;
}

static int open_receiver(struct standby *standby)
{
    struct standby_stores *stores = &standby->stores;
    const struct ship_store store = standby_store(standby);
    const struct ship_receiver_options options = {
        .shard = standby->options->node.shard.shard,
        .creation = stores->log == NULL ? 0 : ledger_file_creation(stores->log),
        .epoch = stores->log == NULL ? 0 : ledger_file_epoch(stores->log),
        .keys_id = stores->keys_id,
    };
    return ship_receiver_new(&options, &store, stores->log, stores->state, &standby->receiver);
}

/* The primary that it becomes listens where it does: a port that the kernel chose stays. */
static int listen_at(struct standby *standby, struct http_server *server, struct http_listening how,
                     const struct http_handlers *handlers, struct net_address *address)
{
    how.address = *address;
    int error = http_server_listen_as(server, &how, handlers, address);
    if (error < 0) {
        buf_put_text(standby->why, "cannot listen at ");
        net_address_write(standby->why, address);
    }
    return error;
}

static int open_listeners(struct standby *standby)
{
    struct node_options *node = &standby->options->node;
    struct node_listen_options *listen = &node->listen;
    const struct http_handlers public_handlers = standby_public_handlers(standby);
    const struct http_handlers admin_handlers = standby_admin_handlers(standby);
    const struct http_listening plain = {.proxies = listen->plain_proxies.ranges,
                                         .proxies_count = listen->plain_proxies.count};
    const struct http_listening tls = {.tls = standby->listen.tls[NODE_TLS_PUBLIC].server,
                                       .proxies = listen->tls_proxies.ranges,
                                       .proxies_count = listen->tls_proxies.count};
    const struct http_listening admin = {.tls = standby->listen.tls[NODE_TLS_ADMIN].server};
    if (listen->plain)
        TRY(listen_at(standby, standby->public_server, plain, &public_handlers,
                      &node->public_address));
    if (listen->tls)
        TRY(listen_at(standby, standby->public_server, tls, &public_handlers,
                      &listen->tls_address));
    return listen_at(standby, standby->admin_server, admin, &admin_handlers, &node->admin_address);
}

static int open_net(struct standby *standby)
{
    struct net_limits client = net_limits_default();
    struct net_limits server = net_limits_default();
    client.connections_max = 2;
    client.ws_message_bytes_max = SHIP_MESSAGE_BYTES_MAX;
    server.connections_max = 1024;
    TRY(http_client_new(standby->loop, &client, &standby->client));
    if (standby->options->primary_tls.ca != NULL) {
        TRY(tls_client_new(&standby->options->primary_tls, &standby->tls, standby->why));
        http_client_use_tls(standby->client, standby->tls);
    }
    TRY(http_server_new(standby->loop, &server, &standby->public_server));
    TRY(http_server_new(standby->loop, &server, &standby->admin_server));
    TRY(standby_register_metrics(standby));
    return open_listeners(standby);
}

static void close_all(struct standby *standby)
{
    standby->ending = true;
    if (standby->loop == NULL)
        return;
    loop_at_turn_begin(standby->loop, NULL, NULL);
    http_client_free(standby->client);
    tls_client_free(standby->tls);
    http_server_free(standby->public_server);
    http_server_free(standby->admin_server);
    node_listen_close(&standby->listen);
    loop_timer_cancel(standby->loop, &standby->tick);
    loop_timer_cancel(standby->loop, &standby->connect_timer);
    standby_close_stores(standby);
    ship_receiver_free(standby->receiver);
    if (standby->log_wakeup_open)
        loop_wakeup_close(&standby->log_wakeup);
    token_cache_free(standby->tokens);
    local_keys_close(&standby->keys);
    loop_free(standby->loop);
    standby->loop = NULL;
}

static void say_follows(const struct standby *standby, standby_follows_fn follows)
{
    const struct node_options *node = &standby->options->node;
    follows(&(struct node_addresses){
        .plain = node->public_address,
        .tls = node->listen.tls_address,
        .admin = node->admin_address,
        .has_plain = node->listen.plain,
        .has_tls = node->listen.tls,
        .admin_is_tls = standby->listen.tls[NODE_TLS_ADMIN].server != NULL,
    });
}

static enum node_end follow(struct standby *standby, standby_follows_fn follows)
{
    int error = open_receiver(standby);
    if (error == 0)
        error = open_net(standby);
    if (error < 0)
        return fail(standby, "the standby cannot begin", error);
    say_follows(standby, follows);
    loop_at_turn_begin(standby->loop, on_turn_begin, standby);
    on_tick(standby);
    connect_to(standby);
    error = loop_run(standby->loop);
    return error < 0 ? fail(standby, "the loop ended", error) : standby->end;
}

/* The node goes on from the state that was kept warm, and tells the old primary. */
static enum node_end take_over(struct standby *standby, node_ready_fn ready)
{
    struct standby_options *options = standby->options;
    const struct ledger_duty_mark *mark = &standby->stores.mark;
    struct node_takeover takeover = {
        .state = standby->stores.state,
        .fence = {options->primary, &options->primary_tls, options->token, mark->creation,
                  mark->epoch, mark->seq},
    };
    options->node.takeover = &takeover;
    enum node_end end = node_run(&options->node, ready, standby->why);
    shard_state_free(takeover.state);
    return end;
}

enum node_end standby_run(struct standby_options *options, standby_follows_fn follows,
                          node_ready_fn ready, struct buf *why)
{
    static struct standby standby; /* one a process; too large for the stack */
    standby = (struct standby){.options = options, .why = why, .keys = {.folder = -1}};
    uint64_t seed;
    random_fill(&seed, sizeof seed);
    standby.backoff = backoff_begin(BACKOFF_US_MIN, BACKOFF_US_MAX, seed);
    standby.status_told = -1; /* nothing was told yet */
    standby.limits = node_shard_limits(&options->node);
    struct buf authorization = buf_over(standby.authorization, sizeof standby.authorization - 1);
    buf_printf(&authorization, "Authorization: Bearer %s\r\n", options->token);
    int error = open_begin(&standby);
    enum node_end end =
        error < 0 ? fail(&standby, "cannot begin", error) : standby_open_stores(&standby);
    if (end == NODE_ENDED)
        end = follow(&standby, follows);
    close_all(&standby);
    return end == NODE_ENDED && standby.promoted ? take_over(&standby, ready) : end;
}
