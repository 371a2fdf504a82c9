/* subscribe.c - joining a client to a channel, and where it begins: a snapshot, the messages that
 * it missed, or what is newer than what it has (CONTRACT, `resume`). */
#include "roles/odds/odds_calls.h"

struct subscription *subscription_find(struct client *client, uint32_t channel)
{
    struct odds_service *s = client->service;
    uint32_t at = client->first;
    while (at != SLOT_NONE && s->subscriptions[at].channel != channel)
        at = s->subscriptions[at].client_next;
    return at == SLOT_NONE ? NULL : &s->subscriptions[at];
}

static void on_conflate(void *owner)
{
    struct subscription *sub = owner;
    fanout_pump(sub->service, sub);
}

/* Appends it to the channel's and to the client's list. */
static void link_both(struct odds_service *s, struct client *client, struct subscription *sub)
{
    struct channel *channel = &s->channels[sub->channel];
    uint32_t slot = (uint32_t)(sub - s->subscriptions);
    if (channel->count == 0)
        channel_wake(s, sub->channel);
    sub->channel_next = SLOT_NONE;
    sub->channel_previous = channel->last;
    if (channel->last == SLOT_NONE)
        channel->first = slot;
    else
        s->subscriptions[channel->last].channel_next = slot;
    channel->last = slot;
    channel->count++;
    uint32_t *link = &client->first;
    while (*link != SLOT_NONE)
        link = &s->subscriptions[*link].client_next;
    *link = slot;
    sub->client_next = SLOT_NONE;
    client->count++;
    metrics_change(&s->stats.subscriptions, 1);
}

static struct subscription *subscription_new(struct client *client, uint32_t channel)
{
    struct odds_service *s = client->service;
    uint32_t slot = slot_pool_take(&s->subscriptions_pool);
    if (slot == SLOT_NONE) {
        odds_limit_hit(s, ODDS_LIMIT_subscriptions_max);
        return NULL;
    }
    struct subscription *sub = &s->subscriptions[slot];
    *sub = (struct subscription){.ws = client->ws,
                                 .service = s,
                                 .binary = client->binary,
                                 .client = client_slot(client),
                                 .channel = channel};
    timer_init(&sub->timer, on_conflate, sub);
    follow_begin(&sub->follow, s->channels[channel].seq);
    link_both(s, client, sub);
    return sub;
}

static void set_pace(struct odds_service *s, struct client *client, struct subscription *sub,
                     int64_t conflate_ms)
{
    if (conflate_ms > s->options.limits.conflate_ms_max) {
        odds_limit_hit(s, ODDS_LIMIT_conflate_ms_max);
        conflate_ms = s->options.limits.conflate_ms_max;
    }
    sub->asked_us = conflate_ms * US_PER_MS;
    sub->due_us = 0;
    sub->slow = (uint8_t)((client->is_sse ? SLOW_SSE : 0) | (client->lagging ? SLOW_LAGGING : 0) |
                          (client->ended ? SLOW_ENDED : 0));
    client_set_interval(client, sub);
    fanout_begin_ahead(s, sub);
}

struct subscription *subscription_open(struct client *client, struct slice name,
                                       int64_t conflate_ms)
{
    struct odds_service *s = client->service;
    enum group_kind kind;
    struct slice id;
    if (!stream_op_channel(name, &kind, &id)) {
        client_error(client, "BAD_CHANNEL", name);
        return NULL;
    }
    uint32_t channel = channel_open(s, kind, id);
    if (channel == SLOT_NONE) {
        client_error(client, "CHANNELS_FULL", name);
        return NULL;
    }
    struct subscription *sub = subscription_find(client, channel);
    if (sub == NULL && client->count >= s->options.limits.channels_per_client_max) {
        odds_limit_hit(s, ODDS_LIMIT_channels_per_client_max);
        client_error(client, "TOO_MANY_CHANNELS", name);
        return NULL;
    }
    if (sub == NULL)
        sub = subscription_new(client, channel);
    if (sub == NULL)
        client_error(client, "SUBSCRIPTIONS_FULL", name);
    else
        set_pace(s, client, sub, conflate_ms);
    return sub;
}

void subscription_close(struct client *client, struct subscription *sub)
{
    struct odds_service *s = client->service;
    struct channel *channel = &s->channels[sub->channel];
    uint32_t slot = (uint32_t)(sub - s->subscriptions);
    if (sub->channel_previous == SLOT_NONE)
        channel->first = sub->channel_next;
    else
        s->subscriptions[sub->channel_previous].channel_next = sub->channel_next;
    if (sub->channel_next == SLOT_NONE)
        channel->last = sub->channel_previous;
    else
        s->subscriptions[sub->channel_next].channel_previous = sub->channel_previous;
    if (--channel->count == 0)
        channel_sleep(s, sub->channel);
    uint32_t *link = &client->first;
    while (*link != slot)
        link = &s->subscriptions[*link].client_next;
    *link = sub->client_next;
    client->count--;
    loop_timer_cancel(s->loop, &sub->timer);
    follow_end(&s->debts, &sub->follow);
    metrics_set(&s->stats.dirty, (int64_t)s->debts.pool.count);
    slot_pool_give(&s->subscriptions_pool, slot);
    metrics_change(&s->stats.subscriptions, -1);
}

/* Whatever begins here is brought to the channel's newest message by who called. */
static void begin_at(struct odds_service *s, struct subscription *sub, uint64_t seq)
{
    follow_end(&s->debts, &sub->follow);
    follow_begin(&sub->follow, seq);
    fanout_begin_ahead(s, sub);
}

void subscription_restart(struct odds_service *s, struct subscription *sub)
{
    uint64_t seq = s->channels[sub->channel].seq;
    begin_at(s, sub, seq);
    follow_restart(&s->debts, &sub->follow, seq);
    sub->slow |= SLOW_BEHIND;
    fanout_pump(s, sub);
}

static void send_resumed(struct odds_service *s, struct client *client,
                         const struct channel *channel, uint64_t seq)
{
    char memory[128 + 6 * STREAM_CHANNEL_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    odds_json_open(&text, "resumed", channel_name(channel), seq);
    buf_printf(&text, ",\"sid\":\"%.*s\"}", SID_BYTES, s->sid);
    ASSERT(!text.overflow);
    client_send_text(client, buf_slice(&text));
}

bool subscription_replay(struct odds_service *s, struct subscription *sub, uint64_t seq)
{
    struct channel *channel = &s->channels[sub->channel];
    struct client *client = &s->clients[sub->client];
    if (seq > channel->seq || seq + 1 < channel->kept_from)
        return false;
    begin_at(s, sub, seq);
    if (!client->is_sse)
        send_resumed(s, client, channel, seq);
    for (uint64_t n = seq + 1; n <= channel->seq; n++) {
        sub->follow.synced = n;
        client_send_frame(client, channel_message(channel, n)->frame);
        metrics_count(&s->stats.deliveries, 1);
    }
    metrics_count(&s->stats.resumes, 1);
    return true;
}

void subscription_renew(struct odds_service *s, struct subscription *sub)
{
    struct channel *channel = &s->channels[sub->channel];
    struct snapshot_part part = {.seq = channel->seq, .partial = true, .newer_only = true};
    struct shared_bytes *frame = channel_snapshot(s, channel, &part, channel->seq);
    if (frame == NULL || part.more) { /* it has so little of it that all of it is no more */
        shared_bytes_give(frame);
        subscription_restart(s, sub);
        return;
    }
    begin_at(s, sub, channel->seq);
    metrics_count(&s->stats.resumes, 1);
    metrics_count(&s->stats.snapshots, 1);
    client_send_frame(&s->clients[sub->client], frame);
    shared_bytes_give(frame);
}
