/* succession.c - one process of the odds service gives way to the next: its clients are sent away,
 * its numbers are handed over, and the next one goes on behind them (P1).
 *
 * The new one knows no price until a provider says it again, but it knows which markets were shown:
 * they stand in its index without an image in the store, so that whoever resumes with them keeps
 * them (as suspended, which is the last that the old process said), a newer image replaces them,
 * and those that nobody offers again within succession_keep_ms are told as removed. */
#include "roles/odds/odds_calls.h"

#include "roles/odds/odds_handover.h"

#define AWAY_CLIENTS_PER_MS 5 /* that come back: connections and resumes cost the next one */
#define AWAY_MS_MIN         200
#define AWAY_MS_MAX         10000

_Static_assert(ODDS_HANDOVER_SID_BYTES == SID_BYTES, "one stream id");

/* ---- giving way ---- */

void odds_service_leave(struct odds_service *s)
{
    s->leaving = true;
    odds_service_drain(s);
}

bool odds_service_is_answered(const struct odds_service *s)
{
    return s->flights_pool.count == 0;
}

/* So long all of them together take to come back. */
static uint64_t away_window_ms(uint64_t clients)
{
    uint64_t ms = clients / AWAY_CLIENTS_PER_MS;
    return ms < AWAY_MS_MIN ? AWAY_MS_MIN : ms > AWAY_MS_MAX ? AWAY_MS_MAX : ms;
}

/* Whoever wanted one message per interval gets the rest of it now. */
static void send_owed(struct odds_service *s, struct client *client)
{
    for (uint32_t at = client->first; at != SLOT_NONE && !client->ended;) {
        struct subscription *sub = &s->subscriptions[at];
        at = sub->client_next;
        if ((sub->slow & SLOW_BEHIND) != 0 && (sub->slow & SLOW_LAGGING) == 0)
            fanout_pump(s, sub);
    }
}

static void send_away(struct odds_service *s, struct client *client, uint64_t after_ms)
{
    char memory[64];
    struct buf text = buf_over(memory, sizeof memory);
    send_owed(s, client);
    if (client->ended)
        return;
    if (client->is_sse) {
        buf_printf(&text, "retry: %llu\n\n", (unsigned long long)after_ms);
        client_sent(client, http_stream_write(client->to, buf_slice(&text)));
        return; /* the stream ends below, where it may be freed */
    }
    buf_printf(&text, "{\"op\":\"reconnect\",\"after_ms\":%llu}", (unsigned long long)after_ms);
    client_send_text(client, buf_slice(&text));
    ws_conn_close(client->ws, WS_CLOSE_RESTART, SLICE("restart"));
    client_sent(client, SEND_GONE);
}

static void end_event_streams(struct odds_service *s)
{
    while (s->sse_first != SLOT_NONE) {
        struct client *client = &s->clients[s->sse_first];
        http_stream_end(client->to); /* no on_closed after it */
        client_free(client);
    }
}

void odds_service_send_away(struct odds_service *s)
{
    uint64_t clients = s->clients_pool.count, window_ms = away_window_ms(clients), number = 0;
    ASSERT(s->leaving);
    fanout_flush(s); /* what waits goes before */
    for (uint32_t i = 0; i < s->clients_pool.end; i++)
        if (s->clients[i].used)
            send_away(s, &s->clients[i], window_ms * number++ / clients);
    end_event_streams(s);
}

static void renew_user(struct odds_service *s, struct client *client, uint64_t after_ms)
{
    send_away(s, client, after_ms);
    if (!client->is_sse)
        return;
    http_stream_end(client->to); /* no on_closed after it */
    client_free(client);
}

void odds_service_renew_users(struct odds_service *s,
                              bool (*is_one)(void *owner, struct slice user_id), void *owner)
{
    uint64_t users = s->identities_pool.count, window_ms = away_window_ms(users), number = 0;
    for (uint32_t i = 0; i < s->clients_pool.end; i++) {
        struct client *client = &s->clients[i];
        if (!client->used || client->identity == SLOT_NONE || client->ended)
            continue;
        struct slice user_id = jwt_sub(&s->identities[client->identity].claims);
        if (is_one == NULL || is_one(owner, user_id))
            renew_user(s, client, window_ms * number++ / users);
    }
}

/* ---- handing over ---- */

static struct odds_handover_market market_row(const struct odds_service *s,
                                              const struct market_entry *market)
{
    struct odds_handover_market row = {.version = market->version, .id = market_entry_id(market)};
    if (market->group[GROUP_EVENT] != SLOT_NONE) {
        const struct market_group *event =
            &s->index.groups[GROUP_EVENT][market->group[GROUP_EVENT]];
        row.event_id = slice_of(event->id, event->id_bytes);
    }
    if (market->group[GROUP_SPORT] != SLOT_NONE) {
        const struct market_group *sport =
            &s->index.groups[GROUP_SPORT][market->group[GROUP_SPORT]];
        row.sport = slice_of(sport->id, sport->id_bytes);
    }
    return row;
}

static bool is_shown(const struct odds_service *s, uint32_t slot)
{
    return market_index_find(&s->index, market_entry_id(&s->index.markets[slot])) == slot;
}

/* Writes all of it; twice, the first time only to know how long it is. */
static void put_all(const struct odds_service *s, struct buf *out, struct odds_handover_head *head)
{
    odds_handover_put_head(out, head);
    head->channels = head->markets = 0;
    for (uint32_t i = 0; i < s->channels_pool.end; i++) {
        const struct channel *channel = &s->channels[i];
        if (!channel->used)
            continue;
        const struct odds_handover_channel row = {channel->seq, channel_name(channel)};
        odds_handover_put_channel(out, &row);
        head->channels++;
        head->seq_floor = channel->seq > head->seq_floor ? channel->seq : head->seq_floor;
    }
    for (uint32_t i = 0; i < s->index.markets_pool.end; i++) {
        if (!is_shown(s, i))
            continue;
        const struct odds_handover_market row = market_row(s, &s->index.markets[i]);
        odds_handover_put_market(out, &row);
        head->markets++;
    }
}

/* No less than put_all writes. */
static size_t bytes_max(const struct odds_service *s)
{
    return ODDS_HANDOVER_HEAD_BYTES +
           (size_t)s->channels_pool.count * (9 + STREAM_CHANNEL_BYTES_MAX) +
           (size_t)s->index.markets_pool.count *
               (11 + MARKET_ID_BYTES_MAX + EVENT_ID_BYTES_MAX + PROVIDER_ID_BYTES_MAX);
}

int odds_service_hand_over(struct odds_service *s, struct shared_bytes **ret_state)
{
    struct shared_bytes *state;
    struct odds_handover_head head = {.sid = slice_of(s->sid, SID_BYTES),
                                      .seq_floor = s->seq_floor};
    ASSERT(s->leaving);
    TRY(shared_bytes_new(bytes_max(s), &state));
    struct buf out = buf_over(state->at, state->bytes);
    put_all(s, &out, &head); /* counts, too, and the head is then written again over itself */
    ASSERT(!out.overflow);
    state->bytes = (uint32_t)out.bytes;
    out.bytes = 0;
    odds_handover_put_head(&out, &head);
    *ret_state = state;
    return 0;
}

/* ---- going on ---- */

/* -ERR_LIMIT: this process has room for fewer; no number of such a channel is used again. */
static int continue_channel(struct odds_service *s, const struct odds_handover_channel *row)
{
    enum group_kind kind = GROUP_MARKET;
    struct slice id;
    bool named = stream_op_channel(row->name, &kind, &id);
    ASSERT(named); /* odds_handover_check() */
    if (row->seq > s->seq_floor)
        s->seq_floor = row->seq;
    if (s->channels_pool.count == (uint32_t)s->options.limits.channels_max)
        return -ERR_LIMIT;
    uint32_t slot = channel_open(s, kind, id);
    if (slot == SLOT_NONE)
        return -ERR_LIMIT;
    struct channel *channel = &s->channels[slot];
    channel->seq = channel->handed = row->seq;
    channel->kept_from = row->seq + 1;
    return 0;
}

static void put_id(char *to, uint8_t *to_bytes, struct slice from)
{
    if (from.bytes > 0)
        memcpy(to, from.at, from.bytes);
    *to_bytes = (uint8_t)from.bytes;
}

static void expect_market(struct odds_service *s, const struct odds_handover_market *row)
{
    struct odds_image image = {.odds_version = row->version};
    uint32_t full;
    put_id(image.market_id, &image.market_id_bytes, row->id);
    put_id(image.event_id, &image.event_id_bytes, row->event_id);
    put_id(image.sport, &image.sport_bytes, row->sport);
    if (market_index_find(&s->index, row->id) != SLOT_NONE)
        return;
    uint32_t slot = market_index_add(&s->index, &image, &full);
    if (slot == SLOT_NONE) {
        odds_limit_hit(s, ODDS_LIMIT_markets_max);
        return;
    }
    s->index.markets[slot].version = row->version;
    metrics_change(&s->stats.markets, 1);
}

int odds_service_take_over(struct odds_service *s, struct slice state)
{
    struct odds_handover_head head;
    struct odds_handover_channel channel;
    struct odds_handover_market market;
    ASSERT(!s->attached && s->channels_pool.count == 0 && s->index.markets_pool.count == 0);
    TRY(odds_handover_check(state));
    TRY(odds_handover_take_head(&state, &head));
    memcpy(s->sid, head.sid.at, SID_BYTES);
    s->seq_floor = head.seq_floor;
    for (uint32_t i = 0; i < head.channels; i++) {
        TRY(odds_handover_take_channel(&state, &channel));
        if (continue_channel(s, &channel) < 0)
            odds_limit_hit(s, ODDS_LIMIT_channels_max);
    }
    for (uint32_t i = 0; i < head.markets; i++) {
        TRY(odds_handover_take_market(&state, &market));
        expect_market(s, &market);
    }
    s->expected_until_us = loop_now(s->loop).us + s->options.succession_keep_ms * US_PER_MS;
    return 0;
}

void succession_tick(struct odds_service *s)
{
    if (s->expected_until_us == 0 || loop_now(s->loop).us < s->expected_until_us)
        return;
    s->expected_until_us = 0;
    for (uint32_t i = 0; i < s->index.markets_pool.end; i++)
        if (is_shown(s, i) &&
            s->store->ops->get(s->store, market_entry_id(&s->index.markets[i])) == NULL)
            odds_remove_market(s, i);
}
