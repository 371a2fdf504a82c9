/* fanout.c - from a channel's messages to its followers (DESIGN part 5; P1, P3).
 * The send call is what fan-out costs, so all messages that came to a channel since the last flush
 * are one shared piece, handed once to each follower that is live; everyone else is served by
 * follow.h. A channel that few follow does not wait for that: its messages meet those of other
 * channels in the queue of each connection, where they wait for their turn to be sent. Somebody who
 * begins, drains or leaves between two flushes is served alone and is then ahead of the others:
 * nobody can make the server flush for everyone (P3). */
#include "roles/odds/odds_calls.h"

#include "base/clock.h"

/* Several frames after one another are one piece for a socket. */
static struct shared_bytes *join_frames(struct channel *channel, uint64_t from)
{
    if (from == channel->seq)
        return shared_bytes_take(channel_message(channel, from)->frame);
    size_t bytes = 0;
    for (uint64_t n = from; n <= channel->seq; n++)
        bytes += channel_message(channel, n)->frame->bytes;
    struct shared_bytes *piece;
    if (shared_bytes_new(bytes, &piece) < 0)
        return NULL;
    size_t at = 0;
    for (uint64_t n = from; n <= channel->seq; n++) {
        const struct shared_bytes *frame = channel_message(channel, n)->frame;
        memcpy(piece->at + at, frame->at, frame->bytes);
        at += frame->bytes;
    }
    return piece;
}

static void record_latency(struct odds_service *s, struct channel *channel, uint64_t from)
{
    int64_t now_us = clock_us(CLOCK_MONOTONIC); /* the loop's own stands still during a turn */
    for (uint64_t n = from; n <= channel->seq; n++) {
        int64_t received_us = channel_message(channel, n)->received_us;
        if (received_us > 0 && received_us <= now_us)
            metrics_record(&s->stats.push_latency, (uint64_t)(now_us - received_us));
    }
}

/* ---- those who are not live ---- */

static void hold_one(struct odds_service *s, struct subscription *sub, uint64_t seq)
{
    struct channel *channel = &s->channels[sub->channel];
    const struct message *message = channel_message(channel, seq);
    enum follow_hold held;
    if (message->kind == MESSAGE_REMOVED)
        held = follow_hold_removal(&s->debts, &sub->follow, seq);
    else
        held = follow_hold(&s->debts, &sub->follow, seq, message->market,
                           s->index.markets[message->market].joined);
    if (held == FOLLOW_RESTARTED && message->kind != MESSAGE_REMOVED)
        odds_limit_hit(s, s->debts.pool.count == s->debts.pool.max
                              ? ODDS_LIMIT_dirty_max
                              : ODDS_LIMIT_dirty_per_subscription_max);
}

static void hold(struct odds_service *s, struct subscription *sub, uint64_t from)
{
    uint64_t to = s->channels[sub->channel].seq;
    for (uint64_t n = from; n <= to; n++)
        if (n > sub->follow.synced || follow_is_walking(&sub->follow))
            hold_one(s, sub, n);
    sub->slow |= SLOW_BEHIND;
    metrics_set(&s->stats.dirty, (int64_t)s->debts.pool.count);
}

/* One after the other to a follower that is live. Events are always its own, because each names
 * where it stands. */
static void send_each(struct odds_service *s, struct subscription *sub, uint64_t from)
{
    struct channel *channel = &s->channels[sub->channel];
    struct client *client = &s->clients[sub->client];
    for (uint64_t n = from; n <= channel->seq; n++) {
        sub->follow.synced = n;
        client_send_frame(client, channel_message(channel, n)->frame);
        metrics_count(&s->stats.deliveries, 1);
    }
}

static void send_or_hold(struct odds_service *s, struct subscription *sub, uint64_t from)
{
    if ((sub->slow & ~(SLOW_SSE | SLOW_AHEAD)) == 0)
        send_each(s, sub, from);
    else
        hold(s, sub, from);
}

static void hand_over_slow(struct odds_service *s, struct subscription *sub, uint64_t from)
{
    if ((sub->slow & SLOW_AHEAD) != 0 && from <= sub->ahead)
        from = sub->ahead + 1;
    sub->slow &= (uint8_t)~SLOW_AHEAD;
    if ((sub->slow & SLOW_ENDED) != 0 || from > s->channels[sub->channel].seq)
        return;
    send_or_hold(s, sub, from);
    if ((sub->slow & SLOW_BEHIND) == 0 || (sub->slow & SLOW_LAGGING) != 0)
        return; /* the rest comes when it has drained */
    if ((sub->slow & SLOW_CONFLATE) != 0 && loop_now(s->loop).us < sub->due_us) {
        if (!timer_is_set(&sub->timer))
            loop_timer_set(s->loop, &sub->timer, (struct monotonic){sub->due_us});
        return;
    }
    fanout_pump(s, sub);
}

void fanout_begin_ahead(struct odds_service *s, struct subscription *sub)
{
    const struct channel *channel = &s->channels[sub->channel];
    sub->ahead = channel->seq;
    if (channel->handed < channel->seq)
        sub->slow |= SLOW_AHEAD;
    else
        sub->slow &= (uint8_t)~SLOW_AHEAD;
}

void fanout_catch_up(struct odds_service *s, struct subscription *sub)
{
    const struct channel *channel = &s->channels[sub->channel];
    uint64_t from = channel->handed + 1;
    if ((sub->slow & SLOW_AHEAD) != 0 && from <= sub->ahead)
        from = sub->ahead + 1;
    if ((sub->slow & SLOW_ENDED) != 0 || from > channel->seq)
        return;
    send_or_hold(s, sub, from);
    fanout_begin_ahead(s, sub);
}

/* ---- everyone ---- */

static struct shared_bytes *binary_form(struct odds_service *s, struct shared_bytes *piece)
{
    return piece == NULL ? NULL : odds_cbor_frames(piece, s->cbor);
}

/* Of the one that is next (its own lines were asked for one earlier), and the one behind it. */
static void prefetch(const struct odds_service *s, const struct subscription *next)
{
    if ((next->slow & SLOW_SSE) == 0)
        ws_conn_prefetch(next->ws);
    if (next->channel_next == SLOT_NONE)
        return;
    const struct subscription *behind = &s->subscriptions[next->channel_next];
    __builtin_prefetch(behind);
    __builtin_prefetch(&behind->channel_next);
}

void fanout_channel(struct odds_service *s, uint32_t slot)
{
    struct channel *channel = &s->channels[slot];
    uint64_t from = channel->handed + 1;
    if (from > channel->seq)
        return;
    struct shared_bytes *piece = channel->count > 0 ? join_frames(channel, from) : NULL;
    uint64_t messages = channel->seq - channel->handed, deliveries = 0;
    channel->handed = channel->seq;
    for (uint32_t at = channel->first; at != SLOT_NONE;) {
        struct subscription *sub = &s->subscriptions[at];
        at = sub->channel_next;
        if (at != SLOT_NONE)
            prefetch(s, &s->subscriptions[at]);
        struct shared_bytes *form = sub->binary ? binary_form(s, piece) : piece;
        if (sub->slow != 0 || form == NULL) {
            hand_over_slow(s, sub, from);
            continue;
        }
        ASSERT(sub->follow.synced == from - 1); /* P1 */
        sub->follow.synced = channel->seq;
        deliveries += messages;
        enum send_outcome outcome = ws_conn_send_shared(sub->ws, form);
        if (outcome != SEND_OK)
            client_sent(&s->clients[sub->client], outcome);
    }
    shared_bytes_give(piece);
    metrics_count(&s->stats.deliveries, deliveries);
    if (channel->count > 0)
        record_latency(s, channel, from);
}

/* With a hundred thousand channels none of this is in a cache. The next channel's own lines were
 * asked for one channel earlier; here what they lead to, and the lines of the one behind it. */
static void prefetch_channels(const struct odds_service *s, uint32_t slot)
{
    if (slot == SLOT_NONE)
        return;
    const struct channel *next = &s->channels[slot];
    __builtin_prefetch(&next->history[(next->handed + 1) % HISTORY_SLOTS]);
    if (next->first != SLOT_NONE)
        __builtin_prefetch(&s->subscriptions[next->first]);
    if (next->queue_next == SLOT_NONE)
        return;
    __builtin_prefetch(&s->channels[next->queue_next]);
    __builtin_prefetch(&s->channels[next->queue_next].queue_next);
}

static void begin_flush(struct odds_service *s, int64_t now_us)
{
    if (s->flush_begin_us != 0)
        return; /* what is handed over now joins it */
    s->flush_begin_us = now_us;
    s->flush_pushing_us = s->net != NULL ? s->net->pushing_us : 0;
    s->flush_left_at = s->net != NULL ? s->net->pushes_left : 0;
    metrics_count(&s->stats.flushes, 1);
}

/* Answers how many messages. */
static uint64_t hand_over_all(struct odds_service *s, uint32_t *queue)
{
    uint64_t messages = 0;
    while (*queue != SLOT_NONE) {
        struct channel *channel = &s->channels[*queue];
        uint32_t slot = *queue;
        *queue = channel->queue_next;
        prefetch_channels(s, *queue);
        channel->queued = false;
        messages += s->channels[slot].seq - s->channels[slot].handed;
        fanout_channel(s, slot);
    }
    return messages;
}

void fanout_flush(struct odds_service *s)
{
    (void)hand_over_all(s, &s->turn_queue);
    if (s->queue == SLOT_NONE)
        return;
    int64_t begin_us = clock_us(CLOCK_MONOTONIC);
    begin_flush(s, begin_us);
    s->flush_changes += hand_over_all(s, &s->queue);
    s->flush_hand_us += clock_us(CLOCK_MONOTONIC) - begin_us;
    s->flush_sent_at = s->net != NULL ? s->net->pushes_joined : 0;
}

/* Connections are pushed to in the order of their coming, so what joined later does not prolong
 * it: nobody who drains all the time can put off the next one. */
static bool is_sending(const struct odds_service *s)
{
    return s->flush_begin_us != 0 && s->net != NULL && s->net->pushes_left < s->flush_sent_at;
}

static bool may_join(const struct odds_service *s)
{
    return flush_pace_may_join(s->flush_changes, s->net->pushes_left - s->flush_left_at,
                               s->flush_sent_at - s->flush_left_at);
}

static bool is_flush_due(const struct odds_service *s)
{
    if (s->draining)
        return true;
    if (is_sending(s))
        return may_join(s);
    return flush_pace_wait_us(&s->pace, clock_us(CLOCK_MONOTONIC)) == 0;
}

void fanout_turn(void *owner)
{
    struct odds_service *s = owner;
    s->ended_turn = loop_turns(s->loop);
    (void)hand_over_all(s, &s->turn_queue);
    if (s->queue == SLOT_NONE)
        return;
    if (is_flush_due(s)) {
        fanout_flush(s);
        return;
    }
    metrics_count(&s->stats.flushes_put_off, 1);
    if (!is_sending(s) && !timer_is_set(&s->flush_timer)) /* else see fanout_turn_over() */
        loop_timer_set(s->loop, &s->flush_timer, (struct monotonic){s->pace.due_us});
}

static void end_flush(struct odds_service *s)
{
    const struct flush_span span = {
        .begin_us = s->flush_begin_us,
        .end_us = clock_us(CLOCK_MONOTONIC),
        .cost_us = s->flush_hand_us +
                   (s->net != NULL ? (int64_t)(s->net->pushing_us - s->flush_pushing_us) : 0),
    };
    if (s->flush_changes > 0)
        flush_pace_flushed(&s->pace, &span, s->flush_changes);
    metrics_set(&s->stats.flush_interval, s->pace.rest_us);
    s->flush_begin_us = s->flush_hand_us = 0;
    s->flush_changes = 0;
}

void fanout_turn_over(void *owner)
{
    struct odds_service *s = owner;
    if (s->flush_begin_us == 0 || is_sending(s))
        return;
    end_flush(s);
    if (s->queue != SLOT_NONE && !timer_is_set(&s->flush_timer)) /* came while it was sent */
        loop_timer_set(s->loop, &s->flush_timer, (struct monotonic){s->pace.due_us});
}

void fanout_forget_market(struct odds_service *s, uint32_t slot)
{
    struct channel *channel = &s->channels[slot];
    for (uint32_t at = channel->first; at != SLOT_NONE;) {
        struct subscription *sub = &s->subscriptions[at];
        at = sub->channel_next;
        if (follow_is_live(&sub->follow, channel->seq))
            continue;
        if ((sub->slow & (SLOW_LAGGING | SLOW_ENDED)) == 0)
            fanout_pump(s, sub);
        if (!follow_is_live(&sub->follow, channel->seq))
            follow_restart(&s->debts, &sub->follow, channel->seq);
    }
}

/* ---- paying what is owed ---- */

static void give_up(struct client *client)
{
    client_end(client, "out of memory");
}

static void pump_walk(struct odds_service *s, struct subscription *sub,
                      const struct follow_next *next)
{
    struct channel *channel = &s->channels[sub->channel];
    struct client *client = &s->clients[sub->client];
    struct snapshot_part part = {
        .seq = next->seq,
        .joined = sub->follow.walked,
        .changes = next->changes,
        .partial = sub->follow.walked > 0,
    };
    struct shared_bytes *frame =
        channel_snapshot(s, channel, &part, follow_walk_seq(&sub->follow, channel->seq));
    if (frame == NULL) {
        give_up(client);
        return;
    }
    metrics_count(&s->stats.conflated, next->changes);
    metrics_count(&s->stats.snapshots, 1);
    if (part.more)
        follow_walked(&sub->follow, part.joined);
    else
        follow_walk_ended(&sub->follow, channel->seq);
    client_send_frame(client, frame);
    shared_bytes_give(frame);
}

static void pump_replay(struct odds_service *s, struct subscription *sub,
                        const struct follow_next *next)
{
    const struct message *message = channel_message(&s->channels[sub->channel], next->seq);
    ASSERT(message->kind != MESSAGE_REMOVED);
    follow_replayed(&s->debts, &sub->follow, message->market);
    metrics_count(&s->stats.deliveries, 1);
    client_send_frame(&s->clients[sub->client], message->frame);
}

static void pump_image(struct odds_service *s, struct subscription *sub,
                       const struct follow_next *next)
{
    struct channel *channel = &s->channels[sub->channel];
    struct client *client = &s->clients[sub->client];
    struct shared_bytes *image = odds_market_image(s, channel, next->market);
    if (image == NULL) {
        give_up(client);
        return;
    }
    char memory[160 + 6 * (STREAM_CHANNEL_BYTES_MAX + MARKET_ID_BYTES_MAX)];
    struct buf text = buf_over(memory, sizeof memory);
    odds_json_skipped(&text, channel_name(channel), next->seq,
                      market_entry_id(&s->index.markets[next->market]), next->changes);
    ASSERT(!text.overflow);
    struct shared_bytes *skipped;
    if (odds_json_frame(buf_slice(&text), SLICE_NONE, &skipped) < 0) {
        shared_bytes_give(image);
        give_up(client);
        return;
    }
    client_send_frame(client, skipped);
    shared_bytes_give(skipped);
    follow_imaged(&s->debts, &sub->follow, channel->seq);
    client_send_frame(client, image);
    shared_bytes_give(image);
    metrics_count(&s->stats.conflated, next->changes);
    metrics_count(&s->stats.skipped, 1);
    metrics_count(&s->stats.images, 1);
}

void fanout_pump(struct odds_service *s, struct subscription *sub)
{
    const struct channel *channel = &s->channels[sub->channel];
    fanout_catch_up(s, sub); /* whoever becomes live has everything, also what waits */
    while ((sub->slow & (SLOW_LAGGING | SLOW_ENDED)) == 0) {
        struct follow_next next =
            follow_next(&s->debts, &sub->follow, channel->seq, channel->kept_from);
        switch (next.step) {
        case FOLLOW_DONE:
            sub->slow &= (uint8_t)~SLOW_BEHIND;
            client_calm(&s->clients[sub->client]);
            sub->due_us = loop_now(s->loop).us + sub->conflate_us;
            metrics_set(&s->stats.dirty, (int64_t)s->debts.pool.count);
            return;
        case FOLLOW_WALK:
            pump_walk(s, sub, &next);
            break;
        case FOLLOW_REPLAY:
            pump_replay(s, sub, &next);
            break;
        case FOLLOW_IMAGE:
            pump_image(s, sub, &next);
            break;
        }
    }
}
