/* websocket.c - the WebSocket of /v1/stream: what clients ask for (CONTRACT, "WebSocket"). */
#include "roles/odds/odds_calls.h"

#include "base/json_write.h"
#include "net/http/http_reply.h"
#include "net/http/http_upgrade.h"

/* ---- ops ---- */

struct wanted_seq {
    struct slice channel;
    uint64_t seq;
    bool found;
};

static void note_seq(void *owner, struct slice name, uint64_t number)
{
    struct wanted_seq *wanted = owner;
    if (!slice_equal(name, wanted->channel))
        return;
    wanted->seq = number;
    wanted->found = true;
}

struct have_notes {
    struct odds_service *s;
    bool unknown; /* the client has a market that is gone: only a whole snapshot tells */
};

static void note_have(void *owner, struct slice name, uint64_t number)
{
    struct have_notes *notes = owner;
    uint32_t slot = market_index_find(&notes->s->index, name);
    if (slot == SLOT_NONE) {
        notes->unknown = true;
        return;
    }
    struct market_entry *market = &notes->s->index.markets[slot];
    market->have_stamp = notes->s->have_stamp;
    market->have_version = number;
}

static struct buf op_scratch(struct odds_service *s)
{
    return buf_over(s->input + WS_MESSAGE_BYTES_MAX, WS_MESSAGE_BYTES_MAX);
}

/* Message numbers mean something only within the stream that gave them. */
static bool replay(struct client *client, struct subscription *sub, const struct stream_op *op,
                   struct slice channel)
{
    struct odds_service *s = client->service;
    struct wanted_seq wanted = {.channel = channel};
    struct buf scratch = op_scratch(s);
    return slice_equal(op->sid, slice_of(s->sid, SID_BYTES)) && op->seq.bytes > 0 &&
           stream_op_numbers(op->seq, &scratch, note_seq, &wanted) && wanted.found &&
           subscription_replay(s, sub, wanted.seq);
}

static bool read_have(struct odds_service *s, const struct stream_op *op, bool *ret_usable)
{
    struct have_notes notes = {.s = s};
    struct buf scratch = op_scratch(s);
    s->have_stamp++;
    if (op->has_versions && !stream_op_numbers(op->have, &scratch, note_have, &notes))
        return false;
    *ret_usable = op->has_versions && !notes.unknown;
    return true;
}

static void follow_channels(struct client *client, const struct stream_op *op, bool have)
{
    struct odds_service *s = client->service;
    for (size_t i = 0; i < op->channels_count && !client->ended; i++) {
        struct subscription *sub = subscription_open(client, op->channels[i], op->conflate_ms);
        if (sub == NULL || replay(client, sub, op, op->channels[i]))
            continue;
        if (have)
            subscription_renew(s, sub);
        else
            subscription_restart(s, sub);
    }
}

static void unsubscribe(struct client *client, const struct stream_op *op)
{
    struct odds_service *s = client->service;
    for (size_t i = 0; i < op->channels_count; i++) {
        enum group_kind kind;
        struct slice id;
        uint32_t group = SLOT_NONE;
        if (stream_op_channel(op->channels[i], &kind, &id))
            group = market_index_find_group(&s->index, kind, id);
        uint32_t channel = group == SLOT_NONE ? SLOT_NONE : s->index.groups[kind][group].channel;
        struct subscription *sub = channel == SLOT_NONE ? NULL : subscription_find(client, channel);
        if (sub == NULL) {
            client_error(client, "NOT_SUBSCRIBED", op->channels[i]);
            continue;
        }
        uint64_t seq = s->channels[channel].seq;
        fanout_catch_up(s, sub);
        subscription_close(client, sub);
        char memory[96 + 6 * STREAM_CHANNEL_BYTES_MAX];
        struct buf text = buf_over(memory, sizeof memory);
        odds_json_open(&text, "unsubscribed", op->channels[i], seq);
        buf_put_char(&text, '}');
        ASSERT(!text.overflow);
        client_send_text(client, buf_slice(&text));
    }
}

/* A token bucket as one instant: when it is full again. */
static bool admit(struct client *client)
{
    const struct odds_limits *limits = &client->service->options.limits;
    if (client->service->options.ops_unlimited)
        return true;
    int64_t now_us = loop_now(client->service->loop).us;
    int64_t interval_us = US_PER_SECOND / limits->ops_per_second_max;
    int64_t full_us = client->ops_full_us > now_us ? client->ops_full_us : now_us;
    if (full_us + interval_us - now_us > limits->ops_burst_max * interval_us) {
        odds_limit_hit(client->service, ODDS_LIMIT_ops_burst_max);
        return false;
    }
    client->ops_full_us = full_us + interval_us;
    return true;
}

/* What has an `id` gets it back, as with every other answer: who asks for several at once knows
 * else not which of them was refused, and waits for it without end. */
static void refuse_rate(struct client *client, const struct stream_op *op)
{
    switch (op->kind) {
    case STREAM_PLACE_BET:
    case STREAM_ACCEPT_OFFER:
    case STREAM_DECLINE_OFFER:
        own_refuse_rate(client, op);
        return;
    case STREAM_SUBSCRIBE:
    case STREAM_RESUME:
    case STREAM_UNSUBSCRIBE:
    case STREAM_PING:
        client_error(client, "RATE_LIMITED", SLICE_NONE);
        return;
    }
}

static void malformed(struct client *client)
{
    struct odds_service *s = client->service;
    client_error(client, "MALFORMED", SLICE_NONE);
    if (++client->malformed < s->options.limits.malformed_max || client->ended)
        return;
    odds_limit_hit(s, ODDS_LIMIT_malformed_max);
    ws_conn_close(client->ws, WS_CLOSE_POLICY, SLICE("malformed_max"));
    client_sent(client, SEND_GONE);
}

static void obey(struct client *client, const struct stream_op *op)
{
    bool have = false;
    switch (op->kind) {
    case STREAM_SUBSCRIBE:
        follow_channels(client, op, false);
        return;
    case STREAM_RESUME:
        if (!read_have(client->service, op, &have))
            malformed(client);
        else
            follow_channels(client, op, have);
        return;
    case STREAM_UNSUBSCRIBE:
        unsubscribe(client, op);
        return;
    case STREAM_PLACE_BET:
        own_ask(client, op, BET_CALL_PLACE);
        return;
    case STREAM_ACCEPT_OFFER:
        own_ask(client, op, BET_CALL_TAKE_OFFER);
        return;
    case STREAM_DECLINE_OFFER:
        own_ask(client, op, BET_CALL_DECLINE_OFFER);
        return;
    case STREAM_PING:
        client_send_text(client, SLICE("{\"op\":\"pong\"}"));
        return;
    }
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    struct client *client = owner;
    struct odds_service *s = client->service;
    struct stream_op op;
    (void)ws;                        /* the client's own */
    if (client->ended || s->leaving) /* what has no answer is asked again, of the next process */
        return;
    /* Read first, so that a refusal can name it; malformed_max bounds what cannot be read. */
    enum stream_op_outcome outcome = stream_op_decode(text, s->input, WS_MESSAGE_BYTES_MAX, &op);
    bool admitted = admit(client);
    if (!admitted && (outcome == STREAM_OP_UNKNOWN || outcome == STREAM_OP_CHANNELS)) {
        client_error(client, "RATE_LIMITED", SLICE_NONE);
        return;
    }
    switch (outcome) {
    case STREAM_OP_OK:
        if (admitted)
            obey(client, &op);
        else
            refuse_rate(client, &op);
        return;
    case STREAM_OP_MALFORMED:
        malformed(client);
        return;
    case STREAM_OP_UNKNOWN:
        client_error(client, "UNKNOWN_OP", SLICE_NONE);
        return;
    case STREAM_OP_CHANNELS:
        odds_limit_hit(s, ODDS_LIMIT_channels_per_client_max);
        client_error(client, "TOO_MANY_CHANNELS", SLICE_NONE);
        return;
    }
}

/* ---- life ---- */

static void on_drained(void *owner, struct ws_handle ws)
{
    (void)ws; /* the client's own */
    client_drained(owner);
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct client *client = owner;
    (void)ws;
    (void)code; /* net counts why connections end */
    metrics_change(&client->service->stats.websockets, -1);
    client_free(client);
}

static const struct ws_callbacks callbacks = {
    .on_text = on_text, .on_drained = on_drained, .on_closed = on_closed};

/* A browser that offers subprotocols needs one of them back: the binary form when it is among them,
 * else the one that carries the token. */
static struct slice choose_subprotocol(const struct http_request *request)
{
    size_t cursor = 0;
    struct slice offered, chosen = SLICE_NONE;
    while (http_upgrade_subprotocol(request, &cursor, &offered)) {
        if (slice_is(offered, ODDS_CBOR_PROTOCOL))
            return offered;
        if (chosen.bytes == 0 && slice_begins(offered, SLICE("bearer.")))
            chosen = offered;
    }
    return chosen;
}

void websocket_begin(struct odds_service *s, struct http_request *request,
                     const struct jwt_claims *claims)
{
    struct client *client = client_new(s, claims, request);
    if (client == NULL) {
        http_reply_problem_with(request->reply_to, 503, "TOO_MANY_STREAMS", SLICE_NONE,
                                SLICE("Retry-After: 5\r\n"));
        return;
    }
    struct slice subprotocol = choose_subprotocol(request);
    client->binary = slice_is(subprotocol, ODDS_CBOR_PROTOCOL);
    if (http_upgrade_websocket(request, subprotocol, &callbacks, client, &client->ws) !=
        HTTP_UPGRADE_DONE) {
        client_free(client);
        return;
    }
    metrics_change(&s->stats.websockets, 1);
}
