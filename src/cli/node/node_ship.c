/* node_ship.c - contract in node_ship.h. */
#include "cli/node/node_ship.h"

#include "adapters/embedded/ledger_duty.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/tree_keeper.h"
#include "app/book_copy.h"
#include "base/error.h"
#include "base/log.h"
#include "net/http/http_reply.h"
#include "net/http/http_upgrade.h"

/* ---- what the sender tells ---- */

static void on_note(void *owner, enum ship_note note, uint16_t refusal, uint64_t seq)
{
    struct slice reason = slice_text(ship_refusal_text(refusal));
    (void)owner;
    switch (note) {
    case SHIP_NOTE_FOLLOWS:
        log_info("ship", "a standby follows", LOG_U64("behind_record", seq));
        break;
    case SHIP_NOTE_CAUGHT_UP:
        log_info("ship", "the standby has all", LOG_U64("record", seq));
        break;
    case SHIP_NOTE_LOST:
        log_warn("ship", "the standby is gone", LOG_U64("acknowledged_record", seq));
        break;
    case SHIP_NOTE_REFUSED:
        log_warn("ship", "a standby was refused", LOG_TEXT("reason", reason),
                 LOG_U64("record", seq));
        break;
    case SHIP_NOTE_REFUSES:
        log_warn("ship", "the standby refuses", LOG_TEXT("reason", reason), LOG_U64("record", seq));
        break;
    case SHIP_NOTE_AWAY:
        log_error("ship", "the standby is away: nothing is acknowledged until it is back",
                  LOG_U64("acknowledged_record", seq));
        break;
    case SHIP_NOTE_DEGRADED:
        log_error("ship", "the standby is away: bets go on without it and may be lost",
                  LOG_U64("acknowledged_record", seq));
        break;
    case SHIP_NOTE_HEAD_KEY:
        log_warn("ship", "the standby would sign heads with another key (docs/OPERATIONS.md)");
        break;
    case SHIP_NOTE_BACK:
        log_info("ship", "the standby is back", LOG_U64("acknowledged_record", seq));
        break;
    }
}

static void on_away(void *owner, bool away)
{
    struct node_ship *ship = owner;
    if (ship->book != NULL)
        book_pause(ship->book, away ? "standby_away" : NULL);
}

static void on_confirmed(void *owner, uint64_t seq)
{
    struct node_ship *ship = owner;
    if (ship->mode == SHIP_MODE_SYNC)
        tree_keeper_confirm(ship->keeper, seq);
}

static int on_fenced(void *owner, uint64_t epoch, uint64_t seq)
{
    struct node_ship *ship = owner;
    char memory[160];
    struct buf reason = buf_over(memory, sizeof memory - 1);
    const struct ledger_duty_mark mark = {
        .duty = LEDGER_DUTY_FENCED, .creation = ship->creation, .epoch = epoch, .seq = seq};
    buf_printf(&reason, "fenced: a writer with epoch %llu has taken over behind record %llu",
               (unsigned long long)epoch, (unsigned long long)seq);
    memory[reason.bytes] = '\0';
    book_stop(ship->book, memory); /* at once, also when it cannot be remembered */
    int error = ledger_duty_write(ship->disk, ship->shard, &mark);
    if (error < 0)
        log_error("ship", "fenced, and it cannot be remembered", LOG_ERROR_CODE(error));
    return error;
}

/* ---- the WebSocket ---- */

static bool is_current(const struct node_ship *ship, struct ws_handle ws)
{
    return ship->ws_open && ws.conn.index == ship->ws.conn.index &&
           ws.conn.generation == ship->ws.conn.generation;
}

/* An append that waited for the standby may have ended. */
static void poll_book(struct node_ship *ship)
{
    if (ship->book != NULL && ship_sender_ready(ship->sender))
        book_poll(ship->book);
}

static void on_binary(void *owner, struct ws_handle ws, struct slice bytes)
{
    struct node_ship *ship = owner;
    if (!is_current(ship, ws))
        return;
    ship_sender_message(ship->sender, bytes);
    poll_book(ship);
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)text;
    on_binary(owner, ws, SLICE_NONE); /* no message: refused and counted */
}

static void on_drained(void *owner, struct ws_handle ws)
{
    struct node_ship *ship = owner;
    if (is_current(ship, ws))
        ship_sender_drained(ship->sender);
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct node_ship *ship = owner;
    (void)code;
    if (!is_current(ship, ws))
        return;
    ship->ws_open = false;
    ship_sender_detached(ship->sender);
}

static const struct ws_callbacks ws_callbacks = {
    .on_text = on_text, .on_drained = on_drained, .on_closed = on_closed, .on_binary = on_binary};

static bool link_send(void *owner, struct slice message)
{
    const struct node_ship *ship = owner;
    return send_is_queued(ws_conn_send_binary(ship->ws, message));
}

static size_t link_queued(void *owner)
{
    return ws_conn_queued_bytes(((const struct node_ship *)owner)->ws);
}

static void link_close(void *owner)
{
    ws_conn_close(((const struct node_ship *)owner)->ws, WS_CLOSE_NORMAL, SLICE_NONE);
}

static void refuse_busy(struct ws_handle ws)
{
    char memory[256];
    struct buf out = buf_over(memory, sizeof memory);
    const struct ship_message message = {.type = SHIP_REFUSED,
                                         .refused = {.refusal = SHIP_BUSY},
                                         .tail = slice_text(ship_refusal_text(SHIP_BUSY))};
    if (ship_encode(&out, &message))
        (void)ws_conn_send_binary(ws, buf_slice(&out)); /* gone: nobody is to be told */
    ws_conn_close(ws, WS_CLOSE_NORMAL, SLICE_NONE);
}

/* As of the newest head: the key may have been changed since the start. */
static void tell_head_key(struct node_ship *ship)
{
    struct ledger_tree *tree = tree_keeper_tree(ship->keeper);
    unsigned char bytes[TREE_HEAD_BYTES];
    struct tree_head head;
    struct ship_keys_id id;
    if (tree->ops->newest(tree, bytes) && tree_head_read(bytes, &head) == 0 &&
        ship_keys_head(head.key, &id) == 0)
        ship_sender_head_key(ship->sender, &id);
}

void node_ship_serve(void *owner, struct http_request *request)
{
    struct node_ship *ship = owner;
    const struct ship_link link = {ship, link_send, link_queued, link_close};
    struct ws_handle ws;
    if (!http_upgrade_is_asked(request) || !http_upgrade_offers(request, SLICE(SHIP_SUBPROTOCOL))) {
        http_reply_problem(request->reply_to, 400, "SHIP_PROTOCOL",
                           SLICE("A WebSocket with subprotocol " SHIP_SUBPROTOCOL " is served."));
        return;
    }
    if (http_upgrade_websocket(request, SLICE(SHIP_SUBPROTOCOL), &ws_callbacks, ship, &ws) !=
        HTTP_UPGRADE_DONE)
        return;
    tell_head_key(ship);
    if (!ship_sender_attach(ship->sender, &link)) {
        refuse_busy(ws);
        return;
    }
    ship->ws = ws; /* the one before, if it was silent, is closed and no longer ours */
    ship->ws_open = true;
}

/* ---- turns ---- */

static void show(void *owner)
{
    struct node_ship *ship = owner;
    struct ship_sender_stats stats = ship_sender_stats(ship->sender);
    metrics_set(&ship->attached, stats.attached);
    metrics_set(&ship->caught_up, stats.caught_up);
    metrics_set(&ship->away, stats.away);
    metrics_set(&ship->degraded, stats.degraded);
    metrics_set(&ship->fenced, stats.fenced);
    metrics_set(&ship->head_key_differs, stats.head_key_differs);
    metrics_set(&ship->acked, (int64_t)stats.acked);
    metrics_set(&ship->lag_records, (int64_t)stats.lag_records);
    metrics_set(&ship->lag_bytes, (int64_t)stats.lag_bytes);
    metrics_set(&ship->lag_us, stats.lag_us);
    metrics_count(&ship->sessions, stats.sessions - ship->sessions.value);
    metrics_count(&ship->refused, stats.refused - ship->refused.value);
    metrics_count(&ship->bad_messages, stats.bad_messages - ship->bad_messages.value);
    metrics_count(&ship->groups_live, stats.groups_live - ship->groups_live.value);
    metrics_count(&ship->groups_read, stats.groups_read - ship->groups_read.value);
    metrics_count(&ship->bytes_sent, stats.bytes_sent - ship->bytes_sent.value);
    metrics_count(&ship->queue_reached, stats.queue_reached - ship->queue_reached.value);
    metrics_count(&ship->timeouts, stats.timeouts - ship->timeouts.value);
}

void node_ship_turn(struct node_ship *ship)
{
    ship_sender_tick(ship->sender, loop_now(ship->loop).us);
    poll_book(ship);
}

static void on_tick(void *owner)
{
    struct node_ship *ship = owner;
    uint32_t epoch;
    uint64_t position;
    book_odds_end(ship->book, &epoch, &position);
    ship_sender_odds(ship->sender, epoch, position);
    loop_timer_set(ship->loop, &ship->tick,
                   (struct monotonic){loop_now(ship->loop).us + SHIP_TICK_US});
}

/* ---- life ---- */

int node_ship_open(struct node_ship *ship, const struct node_ship_options *options,
                   const struct node_ship_parts *parts)
{
    *ship = (struct node_ship){.loop = parts->loop,
                               .disk = parts->disk,
                               .shard = parts->shard,
                               .keeper = parts->keeper,
                               .mode = options->mode,
                               .creation = ledger_file_creation(parts->file_log)};
    timer_init(&ship->tick, on_tick, ship);
    ship_keys_file_init(&ship->keys, parts->keys_folder);
    if (ship->mode == SHIP_MODE_SYNC)
        tree_keeper_confirm(ship->keeper, 0);
    const struct ship_sender_options sender = {
        .shard = ship->shard,
        .mode = options->mode,
        .degrade = options->degrade,
        .timeout_us = options->timeout_us,
        .creation = ship->creation,
        .keys_id = parts->keys_id,
        .keys = ship_keys_file_source(&ship->keys),
    };
    const struct ship_sender_events events = {ship, on_note, on_away, on_confirmed, on_fenced};
    return ship_sender_new(&sender, parts->file_log, &events, &ship->sender);
}

void node_ship_start(struct node_ship *ship, struct book *book)
{
    ship->book = book;
    on_tick(ship);
}

void node_ship_stop(struct node_ship *ship)
{
    if (ship->loop != NULL)
        loop_timer_cancel(ship->loop, &ship->tick);
}

void node_ship_close(struct node_ship *ship)
{
    ship_sender_free(ship->sender);
    if (ship->loop != NULL)
        ship_keys_file_close(&ship->keys);
}

int node_ship_register_metrics(struct node_ship *ship, struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_ship_attached", "1: a standby is attached", NULL, 0}, &ship->attached},
        {{"overround_ship_caught_up", "1: the standby has every record", NULL, 0},
         &ship->caught_up},
        {{"overround_ship_away", "1: the standby kept an append waiting for too long", NULL, 0},
         &ship->away},
        {{"overround_ship_degraded", "1: bets go on without the standby", NULL, 0},
         &ship->degraded},
        {{"overround_ship_fenced", "1: another writer has taken over", NULL, 0}, &ship->fenced},
        {{"overround_ship_head_key_differs", "1: the standby would sign with another key", NULL, 0},
         &ship->head_key_differs},
        {{"overround_ship_acked_seq", "Last record that is durable on the standby", NULL, 0},
         &ship->acked},
        {{"overround_ship_lag_records", "Durable records that the standby has not", NULL, 0},
         &ship->lag_records},
        {{"overround_ship_lag_bytes", "Their bytes", NULL, 0}, &ship->lag_bytes},
        {{"overround_ship_lag_seconds", "Since the oldest of them was appended", NULL, 6},
         &ship->lag_us},
    };
    const struct metrics_row counters[] = {
        {{"overround_ship_sessions_total", "Times that a standby joined", NULL, 0},
         &ship->sessions.value},
        {{"overround_ship_refused_total", "Standbys refused", NULL, 0}, &ship->refused.value},
        {{"overround_ship_bad_messages_total", "Messages refused", NULL, 0},
         &ship->bad_messages.value},
        {{"overround_ship_groups_total", "Groups sent", "from=\"append\"", 0},
         &ship->groups_live.value},
        {{"overround_ship_groups_total", "Groups sent", "from=\"log\"", 0},
         &ship->groups_read.value},
        {{"overround_ship_sent_bytes_total", "Bytes of messages sent", NULL, 0},
         &ship->bytes_sent.value},
        {{"overround_limit_reached_total", "Times that a limit was reached",
          "limit=\"ship_queue_bytes_max\"", 0},
         &ship->queue_reached.value},
        {{"overround_limit_reached_total", "Times that a limit was reached",
          "limit=\"ship_timeout_ms\"", 0},
         &ship->timeouts.value},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    return metrics_add_refresh(metrics, show, ship);
}
