/* clients.c - who is connected: what they are sent, how they lag, and whose they are. */
#include "roles/odds/odds_calls.h"

#include "base/json_write.h"
#include "net/http/http_server.h"
#include "roles/odds/own_crossing.h"

/* ---- lists ---- */

static void link_lagging(struct client *client)
{
    struct odds_service *s = client->service;
    client->lag_next = s->lag_first;
    client->lag_previous = SLOT_NONE;
    if (s->lag_first != SLOT_NONE)
        s->clients[s->lag_first].lag_previous = client_slot(client);
    s->lag_first = client_slot(client);
    metrics_change(&s->stats.lagging, 1);
}

static void unlink_lagging(struct client *client)
{
    struct odds_service *s = client->service;
    if (client->lag_previous == SLOT_NONE)
        s->lag_first = client->lag_next;
    else
        s->clients[client->lag_previous].lag_next = client->lag_next;
    if (client->lag_next != SLOT_NONE)
        s->clients[client->lag_next].lag_previous = client->lag_previous;
    metrics_change(&s->stats.lagging, -1);
}

static void link_sse(struct client *client)
{
    struct odds_service *s = client->service;
    client->sse_next = s->sse_first;
    client->sse_previous = SLOT_NONE;
    if (s->sse_first != SLOT_NONE)
        s->clients[s->sse_first].sse_previous = client_slot(client);
    s->sse_first = client_slot(client);
}

static void unlink_sse(struct client *client)
{
    struct odds_service *s = client->service;
    if (client->sse_previous == SLOT_NONE)
        s->sse_first = client->sse_next;
    else
        s->clients[client->sse_previous].sse_next = client->sse_next;
    if (client->sse_next != SLOT_NONE)
        s->clients[client->sse_next].sse_previous = client->sse_previous;
}

/* ---- whose ---- */

static uint32_t find_user(struct odds_service *s, struct slice user_id, bool add)
{
    struct hash128 key = siphash128(s->hash_key, user_id.at, user_id.bytes);
    uint32_t slot;
    if (table_find(s->users_by_key, key, &slot))
        return slot;
    slot = add ? slot_pool_take(&s->users_pool) : SLOT_NONE;
    if (slot == SLOT_NONE)
        return SLOT_NONE;
    s->users[slot] = (struct user){.key = key, .first = SLOT_NONE};
    if (s->options.presence != NULL)
        s->users[slot].cell = own_presence_take(s->options.presence, user_id);
    enum table_outcome outcome = table_insert(s->users_by_key, key, slot);
    ASSERT(outcome == TABLE_OK); /* as many users as clients at most */
    return slot;
}

uint32_t client_find_user(struct odds_service *s, struct slice user_id)
{
    return find_user(s, user_id, false);
}

void client_drop_identity(struct client *client)
{
    struct odds_service *s = client->service;
    if (client->identity == SLOT_NONE)
        return;
    struct identity *identity = &s->identities[client->identity];
    struct user *user = &s->users[identity->user];
    if (identity->previous == SLOT_NONE)
        user->first = identity->next;
    else
        s->identities[identity->previous].next = identity->next;
    if (identity->next != SLOT_NONE)
        s->identities[identity->next].previous = identity->previous;
    if (--user->count == 0) {
        bool removed = table_remove(s->users_by_key, user->key);
        ASSERT(removed);
        if (s->options.presence != NULL)
            own_presence_give(s->options.presence, user->cell);
        slot_pool_give(&s->users_pool, identity->user);
    }
    slot_pool_give(&s->identities_pool, client->identity);
    client->identity = SLOT_NONE;
}

void client_end_authority(struct client *client)
{
    client_drop_identity(client);
    client_error(client, "AUTHORITY_ENDED", SLICE_NONE);
}

static void drop_oldest(struct odds_service *s, uint32_t user)
{
    uint32_t at = s->users[user].first;
    while (s->identities[at].next != SLOT_NONE)
        at = s->identities[at].next;
    odds_limit_hit(s, ODDS_LIMIT_sockets_per_user_max);
    client_end_authority(&s->clients[s->identities[at].client]);
}

static void put_personal(struct identity *identity, const struct http_request *request)
{
    struct buf text = buf_over(identity->personal, sizeof identity->personal);
    net_address_write_ip(&text, &request->client);
    buf_put_char(&text, '\n');
    struct slice agent = http_request_header(request, "user-agent");
    size_t room = text.capacity - text.bytes;
    if (agent.bytes > 0)
        buf_put(&text, agent.at, agent.bytes < room ? agent.bytes : room);
    identity->personal_bytes = (uint8_t)text.bytes;
}

static void take_identity(struct client *client, const struct jwt_claims *claims,
                          const struct http_request *request)
{
    struct odds_service *s = client->service;
    uint32_t slot = slot_pool_take(&s->identities_pool);
    ASSERT(slot != SLOT_NONE); /* as many as clients */
    uint32_t user = find_user(s, jwt_sub(claims), true);
    ASSERT(user != SLOT_NONE);
    if (s->users[user].count >= s->options.limits.sockets_per_user_max)
        drop_oldest(s, user); /* never the last one: the limit is at least 2 */
    struct identity *identity = &s->identities[slot];
    *identity = (struct identity){.claims = *claims,
                                  .user = user,
                                  .next = s->users[user].first,
                                  .previous = SLOT_NONE,
                                  .client = client_slot(client)};
    put_personal(identity, request);
    if (identity->next != SLOT_NONE)
        s->identities[identity->next].previous = slot;
    s->users[user].first = slot;
    s->users[user].count++;
    client->identity = slot;
}

bool client_has_authority(struct client *client)
{
    struct odds_service *s = client->service;
    if (client->identity == SLOT_NONE)
        return false;
    int64_t now_s = loop_wall(s->loop).us / US_PER_SECOND;
    if (jwt_check_time(&s->identities[client->identity].claims, now_s, 0) == JWT_OK)
        return true;
    client_end_authority(client);
    return false;
}

/* ---- life ---- */

struct client *client_new(struct odds_service *s, const struct jwt_claims *claims,
                          const struct http_request *request)
{
    uint32_t slot = slot_pool_take(&s->clients_pool);
    if (slot == SLOT_NONE) {
        odds_limit_hit(s, ODDS_LIMIT_clients_max);
        return NULL;
    }
    struct client *client = &s->clients[slot];
    uint32_t generation = client->generation + 1;
    s->net = http_server_stats(request->reply_to.server); /* the same for all of them */
    *client = (struct client){.service = s,
                              .generation = generation,
                              .used = true,
                              .first = SLOT_NONE,
                              .identity = SLOT_NONE,
                              .sent_us = loop_now(s->loop).us};
    lag_pace_init(&client->pace, (uint8_t)slot);
    if (claims != NULL)
        take_identity(client, claims, request);
    return client;
}

void client_begin_sse(struct client *client)
{
    client->is_sse = true;
    link_sse(client);
    metrics_change(&client->service->stats.event_streams, 1);
}

void client_free(struct client *client)
{
    struct odds_service *s = client->service;
    while (client->first != SLOT_NONE)
        subscription_close(client, &s->subscriptions[client->first]);
    ASSERT(client->count == 0);
    if (client->lagging)
        unlink_lagging(client);
    if (client->pace.interval_us > 0)
        metrics_change(&s->stats.late, -1);
    if (client->is_sse) {
        unlink_sse(client);
        metrics_change(&s->stats.event_streams, -1);
    }
    client_drop_identity(client);
    client->used = false;
    slot_pool_give(&s->clients_pool, client_slot(client));
}

uint32_t client_slot(const struct client *client)
{
    return (uint32_t)(client - client->service->clients);
}

/* ---- sending ---- */

static void mark(struct client *client, uint8_t reason, bool on)
{
    struct odds_service *s = client->service;
    for (uint32_t at = client->first; at != SLOT_NONE; at = s->subscriptions[at].client_next) {
        uint8_t *slow = &s->subscriptions[at].slow;
        *slow = (uint8_t)(on ? *slow | reason : *slow & ~reason);
    }
}

void client_sent(struct client *client, enum send_outcome outcome)
{
    switch (outcome) {
    case SEND_OK:
        return;
    case SEND_LAGGING:
    case SEND_LATE:
        client->late |= outcome == SEND_LATE;
        if (client->lagging)
            return;
        client->lagging = true;
        client->lagging_since_us = loop_now(client->service->loop).us;
        link_lagging(client);
        mark(client, SLOW_LAGGING, true);
        return;
    case SEND_FULL:
    case SEND_GONE:
        client->ended = true; /* on_closed follows */
        mark(client, SLOW_ENDED, true);
        return;
    }
}

void client_end(struct client *client, const char *reason)
{
    if (!client->ended && !client->is_sse)
        ws_conn_close(client->ws, WS_CLOSE_TRY_LATER, slice_text(reason));
    client_sent(client, SEND_FULL);
}

static void send_event(struct client *client, struct slice text)
{
    struct odds_service *s = client->service;
    struct buf out = buf_over(s->out, OUT_BYTES + ODDS_JSON_MARKET_BYTES_MAX);
    event_stream_put_id(&out, client);
    buf_put_text(&out, "data: ");
    buf_put_slice(&out, text);
    buf_put_text(&out, "\n\n");
    ASSERT(!out.overflow); /* no text of ours is longer than one part of a snapshot */
    client->sent_us = loop_now(s->loop).us;
    client_sent(client, http_stream_write(client->to, buf_slice(&out)));
}

void client_send_frame(struct client *client, struct shared_bytes *frame)
{
    if (client->ended)
        return;
    if (client->is_sse) {
        send_event(client, odds_json_frame_text(frame));
        return;
    }
    if (client->binary)
        frame = odds_cbor_frames(frame, client->service->cbor);
    if (frame == NULL)
        client_end(client, "out of memory");
    else
        client_sent(client, ws_conn_send_shared(client->ws, frame));
}

static void send_binary(struct client *client, struct slice text)
{
    struct buf whole = client->service->cbor;
    size_t half = whole.capacity / 2;
    struct buf out = buf_over(whole.at, half);
    int result = odds_cbor_write(&out, text, buf_over(whole.at + half, half));
    ASSERT(result == 0); /* ours: one JSON text, and no longer than a frame's */
    client_sent(client, ws_conn_send_binary(client->ws, buf_slice(&out)));
}

void client_send_text(struct client *client, struct slice text)
{
    if (client->ended)
        return;
    if (client->is_sse)
        send_event(client, text);
    else if (client->binary)
        send_binary(client, text);
    else
        client_sent(client, ws_conn_send_text(client->ws, text));
}

/* ---- those who were late ---- */

void client_set_interval(const struct client *client, struct subscription *sub)
{
    int64_t late_us = client->pace.interval_us;
    sub->conflate_us = sub->asked_us > late_us ? sub->asked_us : late_us;
    sub->slow =
        (uint8_t)(sub->conflate_us > 0 ? sub->slow | SLOW_CONFLATE : sub->slow & ~SLOW_CONFLATE);
}

static void set_intervals(struct client *client)
{
    struct odds_service *s = client->service;
    for (uint32_t at = client->first; at != SLOT_NONE; at = s->subscriptions[at].client_next)
        client_set_interval(client, &s->subscriptions[at]);
}

static void end_lag(struct client *client)
{
    struct odds_service *s = client->service;
    int64_t now_us = loop_now(s->loop).us;
    bool was_paced = client->pace.interval_us > 0;
    bool late = client->late || now_us - client->lagging_since_us >= LAG_LATE_US;
    client->lagging = client->late = false;
    unlink_lagging(client);
    mark(client, SLOW_LAGGING, false);
    if (!late)
        return;
    int64_t max_us = s->options.limits.late_conflate_ms_max * US_PER_MS;
    if (lag_pace_late(&client->pace, max_us, now_us))
        set_intervals(client);
    else
        odds_limit_hit(s, ODDS_LIMIT_late_conflate_ms_max);
    metrics_change(&s->stats.late, (client->pace.interval_us > 0) - was_paced);
}

void client_calm(struct client *client)
{
    if (!lag_pace_calm(&client->pace, loop_now(client->service->loop).us))
        return;
    set_intervals(client);
    if (client->pace.interval_us == 0)
        metrics_change(&client->service->stats.late, -1);
}

void client_drained(struct client *client)
{
    struct odds_service *s = client->service;
    if (!client->lagging || client->ended)
        return;
    end_lag(client);
    for (uint32_t at = client->first; at != SLOT_NONE && !client->lagging;) {
        struct subscription *sub = &s->subscriptions[at];
        at = sub->client_next;
        if ((sub->slow & SLOW_BEHIND) != 0)
            fanout_pump(s, sub);
    }
}

void client_error(struct client *client, const char *code, struct slice channel)
{
    char memory[96 + 6 * STREAM_CHANNEL_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    if (channel.bytes > STREAM_CHANNEL_BYTES_MAX)
        channel.bytes = STREAM_CHANNEL_BYTES_MAX;
    buf_printf(&text, "{\"op\":\"error\",\"code\":\"%s\"", code);
    if (channel.bytes > 0) {
        buf_put_text(&text, ",\"channel\":");
        json_write_string(&text, channel);
    }
    buf_put_char(&text, '}');
    ASSERT(!text.overflow);
    metrics_count(&client->service->stats.errors, 1);
    client_send_text(client, buf_slice(&text));
}

/* ---- once a second ---- */

static void close_lagging(struct odds_service *s, int64_t now_us)
{
    for (uint32_t at = s->lag_first; at != SLOT_NONE;) {
        struct client *client = &s->clients[at];
        at = client->lag_next;
        if (client->ended ||
            now_us - client->lagging_since_us < s->options.limits.lag_ms_max * US_PER_MS)
            continue;
        odds_limit_hit(s, ODDS_LIMIT_lag_ms_max);
        metrics_count(&s->stats.lag_closed, 1);
        client_end(client, "lag_ms_max");
    }
}

/* Streams that were ended inside of a fan-out, where nobody may be freed. */
static void end_streams(struct odds_service *s)
{
    for (uint32_t at = s->sse_first; at != SLOT_NONE;) {
        struct client *client = &s->clients[at];
        at = client->sse_next;
        if (!client->ended)
            continue;
        http_stream_end(client->to); /* no on_closed after it */
        client_free(client);
    }
}

static void send_heartbeats(struct odds_service *s, int64_t now_us)
{
    for (uint32_t at = s->sse_first; at != SLOT_NONE;) {
        struct client *client = &s->clients[at];
        at = client->sse_next;
        if (client->ended || client->lagging ||
            now_us - client->sent_us < s->options.heartbeat_ms * US_PER_MS)
            continue;
        client->sent_us = now_us;
        client_sent(client, http_stream_write(client->to, SLICE(": \n\n")));
    }
}

void clients_tick(struct odds_service *s)
{
    int64_t now_us = loop_now(s->loop).us;
    close_lagging(s, now_us);
    end_streams(s);
    send_heartbeats(s, now_us);
}
