/* shown_markets.c - what the book tells about markets becomes messages of their channels.
 * P1: a version that is not newer than the one shown is dropped, whoever sends it. A market that is
 * new, or whose selections grew, is told whole: what a client does not know, a delta cannot
 * change. */
#include "roles/odds/odds_calls.h"

#include "base/json_write.h"
#include "net/http/http_reply.h"

/* ---- pre-encoded texts, within image_bytes_max ---- */

static void give_text(struct odds_service *s, struct shared_bytes **text)
{
    if (*text == NULL)
        return;
    metrics_change(&s->stats.image_bytes, -(int64_t)(*text)->bytes);
    shared_bytes_give(*text);
    *text = NULL;
}

static void give_texts(struct odds_service *s, struct market_entry *market)
{
    give_text(s, &market->page);
    for (int kind = 0; kind < GROUP_KINDS; kind++)
        give_text(s, &market->images[kind]);
}

/* Keeps a reference when there is room for it. */
static void keep_text(struct odds_service *s, struct shared_bytes **place,
                      struct shared_bytes *text)
{
    if (s->stats.image_bytes.value + text->bytes > s->options.limits.image_bytes_max) {
        odds_limit_hit(s, ODDS_LIMIT_image_bytes_max);
        return;
    }
    metrics_change(&s->stats.image_bytes, (int64_t)text->bytes);
    *place = shared_bytes_take(text);
}

/* The whole answer to a read of the market, made of its JSON. */
static void keep_page(struct odds_service *s, struct market_entry *market,
                      const struct odds_image *image, struct slice json)
{
    char head_memory[256], line_memory[128];
    struct buf head = buf_over(head_memory, sizeof head_memory);
    struct buf line = buf_over(line_memory, sizeof line_memory);
    struct shared_bytes *page;
    odds_put_validator(&line, image->odds_version);
    http_reply_put_page(&head, SLICE("application/json"), buf_slice(&line), json.bytes);
    ASSERT(!head.overflow && !line.overflow);
    if (shared_bytes_new(head.bytes + json.bytes, &page) < 0)
        return; /* it is encoded again when it is needed again */
    memcpy(page->at, head.at, head.bytes);
    memcpy(page->at + head.bytes, json.at, json.bytes);
    market->page_head_bytes = (uint32_t)head.bytes;
    keep_text(s, &market->page, page);
    shared_bytes_give(page);
}

void odds_put_etag(struct buf *out, uint64_t version)
{
    buf_put_char(out, '"');
    buf_put_u64(out, version);
    buf_put_char(out, '"');
}

void odds_put_validator(struct buf *lines, uint64_t version)
{
    buf_put_slice(lines, SLICE("Cache-Control: no-cache\r\nETag: "));
    odds_put_etag(lines, version);
    buf_put_slice(lines, SLICE("\r\n"));
}

struct slice odds_market_json(struct odds_service *s, uint32_t slot)
{
    struct market_entry *market = &s->index.markets[slot];
    if (market->page != NULL)
        return slice_skip(shared_bytes_slice(market->page), market->page_head_bytes);
    const struct odds_image *image = s->store->ops->get(s->store, market_entry_id(market));
    if (image == NULL)
        return SLICE_NONE;
    struct buf out = buf_over(s->text, ODDS_JSON_MARKET_BYTES_MAX);
    odds_json_market(&out, image);
    ASSERT(!out.overflow);
    keep_page(s, market, image, buf_slice(&out));
    return buf_slice(&out);
}

/* An image frame of the market; `seq` 0: without a number. */
static struct shared_bytes *encode_image(struct odds_service *s, struct channel *channel,
                                         uint32_t slot, uint64_t seq)
{
    struct slice json = odds_market_json(s, slot);
    struct shared_bytes *frame;
    if (json.bytes == 0)
        return NULL;
    char memory[64 + 6 * STREAM_CHANNEL_BYTES_MAX];
    struct buf head = buf_over(memory, sizeof memory);
    odds_json_open(&head, "image", channel_name(channel), seq);
    buf_put_text(&head, ",\"market\":");
    ASSERT(!head.overflow);
    struct buf out = buf_over(s->out, OUT_BYTES + ODDS_JSON_MARKET_BYTES_MAX);
    buf_put_slice(&out, json);
    buf_put_char(&out, '}');
    return odds_json_frame(buf_slice(&head), buf_slice(&out), &frame) < 0 ? NULL : frame;
}

struct shared_bytes *odds_market_image(struct odds_service *s, struct channel *channel,
                                       uint32_t slot)
{
    struct shared_bytes **kept = &s->index.markets[slot].images[channel->kind];
    if (*kept != NULL)
        return shared_bytes_take(*kept);
    struct shared_bytes *frame = encode_image(s, channel, slot, 0);
    if (frame != NULL)
        keep_text(s, kept, frame);
    return frame;
}

/* ---- messages ---- */

/* The channel of the market's group, or SLOT_NONE when there is none. */
static uint32_t channel_of(const struct odds_service *s, const struct market_entry *market,
                           int kind)
{
    uint32_t group = market->group[kind];
    return group == SLOT_NONE ? SLOT_NONE : s->index.groups[kind][group].channel;
}

/* A message that cannot be made for want of memory leaves a hole in the channel's numbers, and its
 * followers ask again. */
static void add_message(struct odds_service *s, uint32_t slot, struct message message)
{
    if (message.frame != NULL)
        channel_add(s, slot, message);
    else
        channel_break(s, slot);
}

static void tell_change(struct odds_service *s, uint32_t slot, struct slice members,
                        int64_t received_us)
{
    struct market_entry *market = &s->index.markets[slot];
    for (int kind = 0; kind < GROUP_KINDS; kind++) {
        uint32_t at = channel_of(s, market, kind);
        if (at == SLOT_NONE)
            continue;
        struct message message = {.received_us = received_us, .market = slot};
        char memory[64 + 6 * STREAM_CHANNEL_BYTES_MAX];
        struct buf head = buf_over(memory, sizeof memory);
        struct channel *channel = &s->channels[at];
        odds_json_open(&head, "delta", channel_name(channel), channel->seq + 1);
        buf_put_char(&head, ',');
        (void)odds_json_frame(buf_slice(&head), members, &message.frame); /* NULL on failure */
        add_message(s, at, message);
    }
}

static void tell_image(struct odds_service *s, uint32_t slot, int64_t received_us)
{
    struct market_entry *market = &s->index.markets[slot];
    for (int kind = 0; kind < GROUP_KINDS; kind++) {
        uint32_t at = channel_of(s, market, kind);
        if (at == SLOT_NONE)
            continue;
        struct message message = {
            .received_us = received_us, .market = slot, .kind = MESSAGE_IMAGE};
        struct channel *channel = &s->channels[at];
        message.frame = encode_image(s, channel, slot, channel->seq + 1);
        add_message(s, at, message);
    }
}

static void tell_removed(struct odds_service *s, uint32_t slot)
{
    struct market_entry *market = &s->index.markets[slot];
    for (int kind = 0; kind < GROUP_KINDS; kind++) {
        uint32_t at = channel_of(s, market, kind);
        if (at == SLOT_NONE)
            continue;
        char memory[128 + 6 * (STREAM_CHANNEL_BYTES_MAX + MARKET_ID_BYTES_MAX)];
        struct buf text = buf_over(memory, sizeof memory);
        struct message message = {.market = SLOT_NONE, .kind = MESSAGE_REMOVED};
        odds_json_open(&text, "removed", channel_name(&s->channels[at]), s->channels[at].seq + 1);
        buf_put_text(&text, ",\"market_id\":");
        json_write_string(&text, market_entry_id(market));
        buf_put_char(&text, '}');
        ASSERT(!text.overflow);
        (void)odds_json_frame(buf_slice(&text), SLICE_NONE, &message.frame);
        add_message(s, at, message);
    }
}

void odds_remove_market(struct odds_service *s, uint32_t slot)
{
    struct market_entry *market = &s->index.markets[slot];
    uint32_t channels[GROUP_KINDS];
    for (int kind = 0; kind < GROUP_KINDS; kind++) {
        channels[kind] = channel_of(s, market, kind);
        if (channels[kind] != SLOT_NONE)
            fanout_channel(s, channels[kind]); /* what is queued names the market by its slot */
    }
    for (int kind = 0; kind < GROUP_KINDS; kind++)
        if (channels[kind] != SLOT_NONE)
            fanout_forget_market(s, channels[kind]);
    tell_removed(s, slot);
    reads_forget(s, slot);
    give_texts(s, market);
    market_index_remove(&s->index, slot);
    metrics_change(&s->stats.markets, -1);
}

/* ---- the listener ---- */

static uint32_t add_market(struct odds_service *s, const struct odds_image *image)
{
    uint32_t full;
    uint32_t slot = market_index_add(&s->index, image, &full);
    if (slot == SLOT_NONE) {
        odds_limit_hit(s, ODDS_LIMIT_markets_max);
        return SLOT_NONE;
    }
    if ((full >> GROUP_EVENT & 1) != 0)
        odds_limit_hit(s, ODDS_LIMIT_events_max);
    if ((full >> GROUP_SPORT & 1) != 0)
        odds_limit_hit(s, ODDS_LIMIT_sports_max);
    metrics_change(&s->stats.markets, 1);
    return slot;
}

static bool is_each_way_only(const struct odds_image *image)
{
    return (image->flags & ODDS_EACH_WAY_ONLY) != 0;
}

static void note_state(struct market_entry *market, const struct odds_image *image)
{
    market->version = image->odds_version;
    market->selections_count = image->selections_count;
    market->in_play = image->in_play;
    market->bet_delay_us = image->bet_delay_us;
    market->place_terms = image->place_terms;
    market->each_way_only = is_each_way_only(image);
}

static bool each_way_differs(const struct market_entry *market, const struct odds_image *image)
{
    return is_each_way_only(image) != market->each_way_only ||
           memcmp(&image->place_terms, &market->place_terms, sizeof image->place_terms) != 0;
}

static void show_change(struct odds_service *s, uint32_t slot,
                        const struct odds_json_change *change)
{
    struct buf members = buf_over(s->text, ODDS_JSON_MARKET_BYTES_MAX);
    odds_json_delta(&members, change);
    buf_put_char(&members, '}');
    ASSERT(!members.overflow);
    tell_change(s, slot, buf_slice(&members), change->image->received.us);
}

void odds_service_on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                            const uint16_t *changed, size_t changed_count)
{
    struct odds_service *s = owner;
    uint32_t slot = market_index_find(&s->index, ODDS_TEXT(image, market_id));
    if (slot != SLOT_NONE && image->odds_version <= s->index.markets[slot].version) {
        metrics_count(&s->stats.versions_dropped, 1);
        return;
    }
    if (slot != SLOT_NONE && !market_index_agrees(&s->index, slot, image)) {
        odds_remove_market(s, slot); /* it moves to another event or sport */
        slot = SLOT_NONE;
    }
    bool whole = slot == SLOT_NONE;
    if (whole)
        slot = add_market(s, image);
    if (slot == SLOT_NONE)
        return;
    struct market_entry *market = &s->index.markets[slot];
    whole |=
        image->selections_count != market->selections_count || before_version != market->version;
    struct odds_json_change change = {
        .image = image,
        .changed = changed,
        .changed_count = changed_count,
        .in_play_changed = image->in_play != market->in_play,
        .bet_delay_changed = image->bet_delay_us != market->bet_delay_us,
        .each_way_changed = each_way_differs(market, image),
    };
    give_texts(s, market);
    note_state(market, image);
    if (whole)
        tell_image(s, slot, image->received.us);
    else
        show_change(s, slot, &change);
    reads_wake(s, slot);
}

void odds_service_on_removed(void *owner, const struct odds_image *image)
{
    struct odds_service *s = owner;
    uint32_t slot = market_index_find(&s->index, ODDS_TEXT(image, market_id));
    if (slot != SLOT_NONE)
        odds_remove_market(s, slot);
}

void odds_service_on_standing(void *owner, const struct odds_image *image)
{
    struct odds_service *s = owner;
    uint32_t slot = market_index_find(&s->index, ODDS_TEXT(image, market_id));
    if (slot == SLOT_NONE || s->index.markets[slot].version != image->odds_version)
        return;
    give_texts(s, &s->index.markets[slot]);
    tell_image(s, slot, loop_now(s->loop).us);
    reads_wake(s, slot);
}

void odds_show_store(struct odds_service *s)
{
    size_t slots = s->store->ops->slots(s->store);
    for (size_t i = 0; i < slots; i++) {
        const struct odds_image *image = s->store->ops->at(s->store, i);
        if (image != NULL)
            odds_service_on_market(s, image, 0, NULL, 0);
    }
}
