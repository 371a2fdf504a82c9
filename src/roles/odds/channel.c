/* channel.c - channels: their numbers, their history and their snapshots.
 * A number is never used twice in the life of a stream id: a channel that is made anew begins above
 * everything that any channel had, so that a resume can tell what it does not know. */
#include "roles/odds/odds_calls.h"

static void give_message(struct odds_service *s, struct message *message)
{
    if (message->frame == NULL)
        return;
    metrics_change(&s->stats.history_bytes, -(int64_t)message->frame->bytes);
    shared_bytes_give(message->frame);
    message->frame = NULL;
}

static void forget_oldest(struct odds_service *s, struct channel *channel)
{
    ASSERT(channel->kept_from <= channel->seq);
    give_message(s, channel_message(channel, channel->kept_from));
    channel->kept_from++;
}

static void unlink_idle(struct odds_service *s, struct channel *channel)
{
    if (channel->idle_previous == SLOT_NONE)
        s->idle_first = channel->idle_next;
    else
        s->channels[channel->idle_previous].idle_next = channel->idle_next;
    if (channel->idle_next == SLOT_NONE)
        s->idle_last = channel->idle_previous;
    else
        s->channels[channel->idle_next].idle_previous = channel->idle_previous;
}

static void channel_free(struct odds_service *s, uint32_t slot)
{
    struct channel *channel = &s->channels[slot];
    ASSERT(channel->count == 0);
    if (channel->queued)
        fanout_flush(s); /* it stands in the list, which is then empty */
    unlink_idle(s, channel);
    while (channel->kept_from <= channel->seq)
        forget_oldest(s, channel);
    shared_bytes_give(channel->snapshot);
    if (channel->seq > s->seq_floor)
        s->seq_floor = channel->seq;
    enum group_kind kind = (enum group_kind)channel->kind;
    s->index.groups[kind][channel->group].channel = SLOT_NONE;
    market_index_drop_group(&s->index, kind, channel->group);
    channel->used = false;
    slot_pool_give(&s->channels_pool, slot);
    metrics_change(&s->stats.channels, -1);
}

static void put_name(struct channel *channel, enum group_kind kind, struct slice id)
{
    static const char *const prefixes[GROUP_KINDS] = {"market:", "event:", "sport:"};
    struct buf name = buf_over(channel->name, sizeof channel->name);
    buf_put_text(&name, prefixes[kind]);
    buf_put_slice(&name, id);
    ASSERT(!name.overflow); /* stream_op_channel() checked it */
    channel->name_bytes = (uint8_t)name.bytes;
}

static uint32_t take_slot(struct odds_service *s)
{
    uint32_t slot = slot_pool_take(&s->channels_pool);
    if (slot == SLOT_NONE && s->idle_first != SLOT_NONE) {
        channel_free(s, s->idle_first);
        slot = slot_pool_take(&s->channels_pool);
    }
    if (slot == SLOT_NONE)
        odds_limit_hit(s, ODDS_LIMIT_channels_max);
    return slot;
}

uint32_t channel_open(struct odds_service *s, enum group_kind kind, struct slice id)
{
    uint32_t group = market_index_find_group(&s->index, kind, id);
    if (group != SLOT_NONE && s->index.groups[kind][group].channel != SLOT_NONE)
        return s->index.groups[kind][group].channel;
    uint32_t slot = take_slot(s); /* may free another channel and its group */
    if (slot == SLOT_NONE)
        return SLOT_NONE;
    group = market_index_hold_group(&s->index, kind, id);
    if (group == SLOT_NONE) {
        slot_pool_give(&s->channels_pool, slot);
        odds_limit_hit(s, kind == GROUP_SPORT ? ODDS_LIMIT_sports_max : ODDS_LIMIT_events_max);
        return SLOT_NONE;
    }
    struct channel *channel = &s->channels[slot];
    uint64_t seq = ++s->seq_floor;
    *channel = (struct channel){.seq = seq,
                                .handed = seq,
                                .kept_from = seq + 1,
                                .group = group,
                                .kind = (uint8_t)kind,
                                .used = true,
                                .first = SLOT_NONE,
                                .last = SLOT_NONE};
    put_name(channel, kind, id);
    s->index.groups[kind][group].channel = slot;
    metrics_change(&s->stats.channels, 1);
    channel_sleep(s, slot);
    return slot;
}

void channel_sleep(struct odds_service *s, uint32_t slot)
{
    struct channel *channel = &s->channels[slot];
    channel->idle_since_us = loop_now(s->loop).us;
    channel->idle_next = SLOT_NONE;
    channel->idle_previous = s->idle_last;
    if (s->idle_last == SLOT_NONE)
        s->idle_first = slot;
    else
        s->channels[s->idle_last].idle_next = slot;
    s->idle_last = slot;
}

void channel_wake(struct odds_service *s, uint32_t slot)
{
    unlink_idle(s, &s->channels[slot]);
}

void channel_tidy(struct odds_service *s)
{
    int64_t before = loop_now(s->loop).us - s->options.channel_keep_ms * US_PER_MS;
    while (s->idle_first != SLOT_NONE && s->channels[s->idle_first].idle_since_us <= before)
        channel_free(s, s->idle_first);
}

void channels_done(struct odds_service *s)
{
    for (uint32_t i = 0; s->channels != NULL && i < s->channels_pool.end; i++) {
        struct channel *channel = &s->channels[i];
        if (!channel->used)
            continue;
        while (channel->kept_from <= channel->seq)
            forget_oldest(s, channel);
        shared_bytes_give(channel->snapshot);
    }
}

void channel_add(struct odds_service *s, uint32_t slot, struct message message)
{
    struct channel *channel = &s->channels[slot];
    uint64_t kept_max = (uint64_t)s->options.limits.history_messages_max;
    if (channel->seq + 1 - channel->kept_from >= kept_max)
        forget_oldest(s, channel);
    channel->seq++;
    *channel_message(channel, channel->seq) = message;
    metrics_change(&s->stats.history_bytes, (int64_t)message.frame->bytes);
    while (s->stats.history_bytes.value > s->options.limits.history_bytes_max &&
           channel->kept_from <= channel->handed) {
        odds_limit_hit(s, ODDS_LIMIT_history_bytes_max);
        forget_oldest(s, channel);
    }
    if (channel->count == 0)
        channel->handed = channel->seq; /* to nobody */
    if (channel->seq - channel->handed >= kept_max)
        fanout_channel(s, slot); /* after it is added: images that are sent now have it in them */
    if (channel->queued || channel->handed == channel->seq)
        return;
    bool paced = channel->count >= s->options.limits.paced_followers_min;
    if (paced)
        odds_limit_hit(s, ODDS_LIMIT_paced_followers_min);
    uint32_t *queue = paced ? &s->queue : &s->turn_queue;
    channel->queued = true;
    channel->queue_next = *queue;
    *queue = slot;
    if (s->ended_turn == loop_turns(s->loop))
        loop_turn_again(s->loop); /* this turn's end is over: do not wait with it */
}

/* ---- snapshots ---- */

static bool is_wanted(const struct odds_service *s, const struct market_entry *market,
                      const struct snapshot_part *part)
{
    return !part->newer_only || market->have_stamp != s->have_stamp ||
           market->have_version < market->version;
}

/* Fills the scratch with the markets of the part. */
static size_t put_markets(struct odds_service *s, const struct channel *channel,
                          struct snapshot_part *part)
{
    enum group_kind kind = (enum group_kind)channel->kind;
    struct buf out = buf_over(s->markets, s->markets_bytes);
    size_t limit = (size_t)s->options.limits.snapshot_bytes_max;
    uint32_t at = market_index_after(&s->index, kind, channel->group, part->joined);
    for (; at != SLOT_NONE; at = s->index.markets[at].next[kind]) {
        const struct market_entry *market = &s->index.markets[at];
        struct slice json = is_wanted(s, market, part) ? odds_market_json(s, at) : SLICE_NONE;
        if (json.bytes > 0 && out.bytes > 0 && out.bytes + json.bytes > limit) {
            part->more = true;
            return out.bytes;
        }
        if (json.bytes > 0 && out.bytes > 0)
            buf_put_char(&out, ',');
        buf_put_slice(&out, json);
        ASSERT(!out.overflow); /* it has room for the limit and one market of any size */
        part->joined = market->joined;
    }
    part->more = false;
    return out.bytes;
}

struct shared_bytes *channel_snapshot(struct odds_service *s, struct channel *channel,
                                      struct snapshot_part *part, uint64_t last_seq)
{
    bool whole = part->joined == 0 && !part->partial && part->changes == 0;
    if (whole && channel->snapshot != NULL && channel->snapshot_seq == last_seq &&
        last_seq == channel->seq) {
        part->more = false;
        return shared_bytes_take(channel->snapshot);
    }
    size_t bytes = put_markets(s, channel, part);
    char memory[64 + 6 * STREAM_CHANNEL_BYTES_MAX + 160];
    struct buf head = buf_over(memory, sizeof memory);
    odds_json_open(&head, "snapshot", channel_name(channel), part->more ? part->seq : last_seq);
    buf_printf(&head, ",\"sid\":\"%.*s\"", SID_BYTES, s->sid);
    buf_put_text(&head, part->partial ? ",\"partial\":true" : "");
    buf_put_text(&head, part->more ? ",\"more\":true" : "");
    if (part->changes > 0)
        buf_printf(&head, ",\"changes\":%u", part->changes);
    buf_put_text(&head, ",\"markets\":[");
    ASSERT(!head.overflow);
    struct buf tail = buf_over(s->markets, s->markets_bytes);
    tail.bytes = bytes;
    buf_put_text(&tail, "]}");
    struct shared_bytes *frame;
    if (odds_json_frame(buf_slice(&head), buf_slice(&tail), &frame) < 0)
        return NULL;
    if (whole && !part->more && last_seq == channel->seq) {
        shared_bytes_give(channel->snapshot);
        channel->snapshot = shared_bytes_take(frame);
        channel->snapshot_seq = last_seq;
    }
    return frame;
}

void channel_break(struct odds_service *s, uint32_t slot)
{
    struct channel *channel = &s->channels[slot];
    fanout_channel(s, slot);
    while (channel->kept_from <= channel->seq)
        forget_oldest(s, channel);
    channel->seq++;
    channel->handed = channel->seq;
    channel->kept_from = channel->seq + 1;
    for (uint32_t at = channel->first; at != SLOT_NONE;) {
        struct subscription *sub = &s->subscriptions[at];
        at = sub->channel_next;
        subscription_restart(s, sub);
    }
}
