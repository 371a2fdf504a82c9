/* uof_image.c - contract in uof_image.h. */
#include "feeds/uof/uof_image.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "feeds/uof/uof_key.h"

#define LIVE_PRODUCER    1
#define STATUS_LIVE      1
#define STATUS_PAUSED    2 /* cricket */
#define STATUS_ENDED     3 /* from here on nothing is left to bet on (FORMATS 2.4) */
#define STATUS_DELAYED   6
#define STATUS_BROKEN    7 /* interrupted: prices may go on */
#define STATUS_POSTPONED 8
#define SCORE_SHOWN_MAX  UINT8_MAX

int uof_image_new(struct uof_image_writer *writer)
{
    writer->selections = reserve_new(SELECTIONS_MAX, sizeof *writer->selections);
    writer->names = reserve_new(SELECTIONS_MAX + 1, sizeof *writer->names);
    return writer->selections == NULL || writer->names == NULL ? -ERR_MEMORY : 0;
}

void uof_image_done(struct uof_image_writer *writer)
{
    reserve_free(writer->selections, SELECTIONS_MAX, sizeof *writer->selections);
    reserve_free(writer->names, SELECTIONS_MAX + 1, sizeof *writer->names);
}

bool uof_in_play(const struct cached_event *event, const struct cached_market *market)
{
    if (!event->status.known)
        return market->owner == LIVE_PRODUCER;
    return event->status.status == STATUS_LIVE || event->status.status == STATUS_PAUSED ||
           event->status.status == STATUS_BROKEN;
}

static bool is_over(const struct cached_event *event)
{
    int32_t status = event->status.status;
    return event->status.known && status >= STATUS_ENDED && status != STATUS_DELAYED &&
           status != STATUS_BROKEN && status != STATUS_POSTPONED;
}

/* What just re-opened stays shut until the feed does not say so any more (betting_status). */
static enum market_status status_of(const struct cached_event *event,
                                    const struct cached_market *market)
{
    switch ((enum uof_market_status)market->status) {
    case UOF_MARKET_ACTIVE:
        return event->reopened || market->overfull || is_over(event) ? MARKET_SUSPENDED_STATUS
                                                                     : MARKET_ACTIVE;
    case UOF_MARKET_SETTLED:
        return MARKET_CLOSED_STATUS; /* its results come with a settlement, and make it settled */
    case UOF_MARKET_CANCELLED:
        return MARKET_CANCELLED;
    case UOF_MARKET_INACTIVE:
    case UOF_MARKET_SUSPENDED:
    case UOF_MARKET_HANDED_OVER:
        break;
    }
    return MARKET_SUSPENDED_STATUS;
}

static size_t put_selections(struct uof_image_writer *writer, const struct cached_market *market)
{
    size_t count = 0;
    for (uint32_t at = market->outcomes_first; at != UOF_NONE;
         at = writer->cache->outcomes[at].next) {
        const struct cached_outcome *outcome = &writer->cache->outcomes[at];
        struct slice id = slice_of(outcome->id, outcome->id_bytes);
        bool offered = outcome->active && odds_present(outcome->odds);
        ASSERT(count < SELECTIONS_MAX);
        writer->selections[count++] = (struct feed_selection){
            .id = id,
            .name = id,
            .status = offered ? SELECTION_ACTIVE : SELECTION_SUSPENDED,
            .odds = offered ? outcome->odds : ODDS_NONE,
            .chances = outcome->active ? outcome->chances : (struct leg_chances){.win = 0},
        };
    }
    return count;
}

/* Without descriptions the feed has numbers only, and a name says no more than they do. */
static struct slice name_of(struct uof_image_writer *writer, const struct cached_market *market)
{
    struct slice key = cached_key(market), specifiers = uof_key_specifiers(key);
    struct buf name = buf_over(writer->names[SELECTIONS_MAX], sizeof *writer->names);
    buf_put_text(&name, "Market ");
    buf_put_slice(&name, uof_key_id(key));
    if (specifiers.bytes > 0) {
        buf_put_char(&name, ' ');
        size_t room = name.capacity - name.bytes;
        buf_put(&name, specifiers.at, specifiers.bytes < room ? specifiers.bytes : room);
    }
    return buf_slice(&name);
}

static void put_score(struct feed_market *image, const struct uof_event_status *status)
{
    for (int side = 0; side < 2; side++) {
        image->score[side] = (uint8_t)(status->score[side] < SCORE_SHOWN_MAX ? status->score[side]
                                                                             : SCORE_SHOWN_MAX);
        image->red_cards[side] = status->red_cards[side];
    }
}

static struct slice owner_of(const struct uof_image_writer *writer,
                             const struct cached_market *market)
{
    const struct uof_producer *owner = uof_producers_find(writer->producers, market->owner);
    ASSERT(owner != NULL); /* it was met before it could send anything */
    return uof_producer_id(owner);
}

void uof_image_send(struct uof_image_writer *writer, const struct cached_market *market)
{
    const struct cached_event *event = &writer->cache->events[market->event];
    struct slice event_id = slice_of(event->id, event->id_bytes);
    char kind_memory[16];
    struct buf kind = buf_over(kind_memory, sizeof kind_memory);
    buf_put_text(&kind, UOF_LINK ":");
    buf_put_slice(&kind, uof_key_id(cached_key(market)));
    struct feed_market image = {
        .provider = owner_of(writer, market),
        .id = cached_key(market),
        .event_id = event_id,
        .event_name = event_id,
        .sport = SLICE("other"),
        .name = name_of(writer, market),
        .kind = buf_slice(&kind),
        .status = status_of(event, market),
        .in_play = uof_in_play(event, market),
        .provider_version = (uint64_t)market->timestamp_ms,
        .feed_time = {market->timestamp_ms * US_PER_MS},
        .start_time = {event->start_ms < 0 ? 0 : event->start_ms * US_PER_MS},
        .selections = writer->selections,
        .selections_count = put_selections(writer, market),
    };
    image.bet_delay_us = image.in_play ? writer->in_play_delay_us : 0;
    put_score(&image, &event->status);
    writer->sent++;
    writer->sink->ops->market(writer->sink, &image);
}

void uof_image_remove(void *owner, const struct cached_market *market)
{
    struct uof_image_writer *writer = owner;
    if (market->owner != 0)
        writer->sink->ops->removed(writer->sink, owner_of(writer, market), cached_key(market));
}
