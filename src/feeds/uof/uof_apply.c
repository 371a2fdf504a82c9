/* uof_apply.c - contract in uof_apply.h. */
#include "feeds/uof/uof_apply.h"

/* A message that was generated before what is known of the market does not change it, but what a
 * recovery brings does: it is asked for to be believed (FORMATS 2.3). */
static bool is_old(const struct cached_market *market, const struct uof_message *message)
{
    return message->timestamp_ms < market->timestamp_ms &&
           (!message->has_request || market->owner != message->product);
}

/* A market belongs to the producer that last sent its odds. Of another one only odds count, and
 * with them it takes over; its suspensions and hand-overs are about what it has given up. */
static bool may_change(struct uof_apply *apply, const struct cached_market *market,
                       const struct uof_message *message, const struct uof_market *named)
{
    bool owned = market->owner == 0 || market->owner == message->product;
    if (!owned && (!named->priced || named->status == UOF_MARKET_HANDED_OVER)) {
        apply->not_owned++;
        return false;
    }
    if (is_old(market, message)) {
        apply->old++;
        return false;
    }
    return true;
}

/* A market that is not open often comes without its outcomes: they stay for display. */
static void change_market(struct uof_apply *apply, struct cached_market *market,
                          const struct uof_message *message, const struct uof_market *named)
{
    market->owner = message->product;
    market->status = (int8_t)named->status;
    market->timestamp_ms = message->timestamp_ms;
    if (named->status == UOF_MARKET_ACTIVE || named->outcomes_count > 0 || named->overfull)
        uof_cache_replace(apply->cache, market, message, named);
}

static void apply_market(struct uof_apply *apply, struct cached_event *event,
                         const struct uof_message *message, const struct uof_market *named)
{
    if (named->key.bytes == 0)
        return; /* counted where it was read */
    struct cached_market *market =
        uof_cache_add(apply->cache, event, named->key, uof_image_remove, apply->writer);
    if (market == NULL || !may_change(apply, market, message, named))
        return;
    change_market(apply, market, message, named);
    uof_image_send(apply->writer, market);
}

/* What the message says of the event, in the place of what was known. True: something shown of its
 * markets is another now. */
static bool change_status(struct cached_event *event, const struct uof_message *message)
{
    const struct uof_event_status *said = &message->event_status;
    struct uof_event_status status = event->status;
    bool reopened = message->has_odds ? message->reopened : event->reopened;
    if (said->known) {
        status.known = true;
        status.status = said->status;
        status.match_status = said->match_status;
    }
    if (said->score_known) {
        status.score_known = true;
        memcpy(status.score, said->score, sizeof status.score);
    }
    if (said->cards_known) {
        status.cards_known = true;
        memcpy(status.red_cards, said->red_cards, sizeof status.red_cards);
    }
    bool changed =
        status.known != event->status.known || status.status != event->status.status ||
        memcmp(status.score, event->status.score, sizeof status.score) != 0 ||
        memcmp(status.red_cards, event->status.red_cards, sizeof status.red_cards) != 0 ||
        reopened != event->reopened;
    event->status = status;
    event->reopened = reopened;
    return changed;
}

/* A market that no producer has sent yet is not shown. */
static void send_all(struct uof_apply *apply, const struct cached_event *event)
{
    for (uint32_t at = event->markets_first; at != UOF_NONE; at = apply->cache->markets[at].next)
        if (apply->cache->markets[at].owner != 0)
            uof_image_send(apply->writer, &apply->cache->markets[at]);
}

/* A status that was overtaken says nothing of now; what a recovery brings is not older than it. */
static bool status_counts(struct cached_event *event, const struct uof_message *message)
{
    if (message->timestamp_ms < event->timestamp_ms && !message->has_request)
        return false;
    event->timestamp_ms = message->timestamp_ms;
    return true;
}

void uof_apply_odds_change(struct uof_apply *apply, const struct uof_message *message)
{
    struct cached_event *event =
        uof_cache_hear(apply->cache, message->event_id, uof_image_remove, apply->writer);
    if (event == NULL)
        return;
    if (status_counts(event, message) && change_status(event, message))
        send_all(apply, event);
    for (uint32_t i = 0; i < message->markets_count; i++)
        apply_market(apply, event, message, &message->markets[i]);
}

/* Only what is open is closed by it, and only by who owns it. Which groups a market belongs to
 * stands in descriptions that the feed does not carry: a market without one is stopped as well
 * (FORMATS 2.5), so every group stops all. */
void uof_apply_bet_stop(struct uof_apply *apply, const struct uof_message *message)
{
    struct cached_event *event = uof_cache_event(apply->cache, message->event_id);
    if (event == NULL)
        return;
    for (uint32_t at = event->markets_first; at != UOF_NONE; at = apply->cache->markets[at].next) {
        struct cached_market *market = &apply->cache->markets[at];
        if (market->owner != message->product || market->status != UOF_MARKET_ACTIVE)
            continue;
        if (is_old(market, message)) {
            apply->old++;
            continue;
        }
        market->status = (int8_t)message->stop_with;
        market->timestamp_ms = message->timestamp_ms;
        apply->stopped++;
        uof_image_send(apply->writer, market);
    }
}

/* It says to fetch the fixture again; what stands in the message itself is the start. */
void uof_apply_fixture_change(struct uof_apply *apply, const struct uof_message *message)
{
    if (message->start_ms < 0)
        return;
    struct cached_event *event =
        uof_cache_hear(apply->cache, message->event_id, uof_image_remove, apply->writer);
    if (event == NULL || event->start_ms == message->start_ms)
        return;
    event->start_ms = message->start_ms;
    send_all(apply, event);
}
