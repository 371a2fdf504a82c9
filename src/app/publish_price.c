/* publish_price.c - the path of a price: feed -> image -> version -> fence -> odds log -> store ->
 * listeners, in this order, in one call. A market is shown active only when the ledger knows
 * it as active too, so that no bet can follow a fence that stops it (L6). */
#include "app/follow_internal.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"

#define WALK_SLOTS_PER_TURN 512

int book_publish_new(struct book *book)
{
    book->ended = reserve_new(ENDED_MAX, sizeof *book->ended);
    return book->ended == NULL ? -ERR_MEMORY : 0;
}

static struct book *book_of(struct feed_sink *sink)
{
    return (struct book *)((char *)sink - offsetof(struct book, sink));
}

/* ---- the image of what the feed says ---- */

static bool put_text(char *to, uint8_t *to_bytes, size_t capacity, struct slice from)
{
    size_t bytes = from.bytes < capacity ? from.bytes : capacity;
    if (bytes > 0)
        memcpy(to, from.at, bytes);
    *to_bytes = (uint8_t)bytes;
    return bytes == from.bytes;
}

/* Ids must fit; names may be cut, they are for reading. */
static bool put_identity(struct odds_image *image, const struct feed_market *m)
{
    bool fits = put_text(image->market_id, &image->market_id_bytes, MARKET_ID_BYTES_MAX, m->id);
    fits &= put_text(image->event_id, &image->event_id_bytes, EVENT_ID_BYTES_MAX, m->event_id);
    fits &= put_text(image->provider, &image->provider_bytes, PROVIDER_ID_BYTES_MAX, m->provider);
    (void)put_text(image->sport, &image->sport_bytes, PROVIDER_ID_BYTES_MAX, m->sport);
    (void)put_text(image->event_name, &image->event_name_bytes, NAME_BYTES_MAX, m->event_name);
    (void)put_text(image->name, &image->name_bytes, NAME_BYTES_MAX, m->name);
    (void)put_text(image->kind, &image->kind_bytes, NAME_BYTES_MAX, m->kind);
    return fits && m->id.bytes > 0;
}

static bool put_selection(struct odds_selection *to, const struct feed_selection *from)
{
    bool fits = put_text(to->id, &to->id_bytes, SELECTION_ID_BYTES_MAX, from->id);
    (void)put_text(to->name, &to->name_bytes, NAME_BYTES_MAX, from->name);
    to->odds = from->odds;
    to->status = (uint8_t)from->status;
    if (to->status == SELECTION_ACTIVE && !odds_present(to->odds))
        to->status = SELECTION_SUSPENDED;
    to->chances = leg_chances_valid(from->chances) ? from->chances : (struct leg_chances){.win = 0};
    return fits && from->id.bytes > 0;
}

/* Where the feed's selection stands in the image; most feeds keep their order. */
static size_t place_of(const struct odds_image *image, size_t guess, struct slice id)
{
    if (guess < image->selections_count &&
        slice_equal(slice_of(image->selections[guess].id, image->selections[guess].id_bytes), id))
        return guess;
    return book_find_selection(image, id);
}

/* The old selections keep their places; those the feed no longer names are removed. */
static bool put_selections(struct odds_image *image, const struct odds_image *old,
                           const struct feed_market *m)
{
    bool named[SELECTIONS_MAX] = {false};
    image->selections_count = old == NULL ? 0 : old->selections_count;
    if (old != NULL)
        memcpy(image->selections, old->selections, old->selections_count * sizeof *old->selections);
    for (size_t i = 0; i < m->selections_count; i++) {
        size_t at = place_of(image, i, m->selections[i].id);
        if (at == SELECTION_NOT_FOUND) {
            if (image->selections_count == SELECTIONS_MAX)
                return false;
            at = image->selections_count++;
            image->selections[at] = (struct odds_selection){.odds = ODDS_NONE};
        }
        if (!put_selection(&image->selections[at], &m->selections[i]))
            return false;
        named[at] = true;
    }
    for (size_t i = 0; i < image->selections_count; i++)
        if (!named[i]) {
            image->selections[i].odds = ODDS_NONE;
            image->selections[i].chances = (struct leg_chances){.win = 0};
            image->selections[i].status = SELECTION_REMOVED;
        }
    return true;
}

/* ---- what the book adds to it ---- */

/* There is no result any more: what had one has no price until the feed's next word. */
static void open_selections(struct odds_image *image)
{
    if ((image->flags & ODDS_RESULTED) == 0)
        return;
    image->flags &= (uint8_t)~ODDS_RESULTED;
    for (size_t i = 0; i < image->selections_count; i++) {
        struct odds_selection *s = &image->selections[i];
        if (s->status == SELECTION_WON || s->status == SELECTION_LOST ||
            s->status == SELECTION_VOID)
            s->status = SELECTION_SUSPENDED;
    }
}

static enum selection_status status_of(const struct record_selection_result *result)
{
    if (result->win.void_halves == 2)
        return SELECTION_VOID;
    return result->win.won != 0 ? SELECTION_WON : SELECTION_LOST;
}

/* The ledger's word on the market: holds, and results that no feed undoes. One whose runners are
 * withdrawn goes on without them. */
static void put_ledger_state(struct book *book, struct odds_image *image, struct market_ref ref)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    if (market == NULL)
        return;
    image->holds = market->holds;
    if (market->has_result == 0)
        open_selections(image);
    else
        image->flags |= ODDS_RESULTED;
    if (market->seq_result == 0)
        return;
    for (size_t i = 0; i < image->selections_count; i++) {
        struct odds_selection *s = &image->selections[i];
        uint16_t number =
            shard_state_find_selection(book->state, ref, slice_of(s->id, s->id_bytes));
        const struct shard_selection *known = shard_state_selection(book->state, ref, number);
        if (known == NULL || known->result.win.known == 0)
            continue;
        s->odds = ODDS_NONE;
        s->chances = (struct leg_chances){.win = 0};
        s->status = (uint8_t)status_of(&known->result);
    }
}

static enum market_status effective_status(const struct odds_image *image)
{
    if ((image->flags & ODDS_RESULTED) != 0)
        return MARKET_SETTLED;
    if (image->feed_status == MARKET_ACTIVE &&
        (image->holds != 0 || (image->flags & ODDS_PROVIDER_LOST) != 0))
        return MARKET_SUSPENDED_STATUS;
    return (enum market_status)image->feed_status;
}

/* Records what stops or resumes betting, when the ledger knows the market and says otherwise. */
static bool fence(struct book *book, const struct odds_image *image, struct market_ref ref)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    if (market == NULL || market->has_result == 1 ||
        (market->status == image->feed_status && market->holds == image->holds))
        return true;
    if (!commit_has_reserve(book->commit))
        return false;
    struct record_fenced item = {
        .market = ref.n, .status = image->feed_status, .holds = image->holds};
    struct record_fence body = {.cause = FENCE_FEED, .actor_bytes = image->provider_bytes};
    struct slice actor = ODDS_TEXT(image, provider);
    struct record_draft draft = {.type = RECORD_FENCE,
                                 .time_us = book->wall.us,
                                 .body = &body,
                                 .items = &item,
                                 .items_count = 1,
                                 .texts = &actor,
                                 .texts_count = 1};
    commit_record(book->commit, &draft);
    return true;
}

/* ---- what changed ---- */

size_t book_find_changed(const struct odds_image *now, const struct odds_image *old,
                         uint16_t *changed)
{
    size_t count = 0;
    for (size_t i = 0; i < now->selections_count; i++) {
        const struct odds_selection *a = &now->selections[i];
        const struct odds_selection *b =
            old != NULL && i < old->selections_count ? &old->selections[i] : NULL;
        if (b == NULL || a->status != b->status || !odds_equal(a->odds, b->odds) ||
            !leg_chances_equal(a->chances, b->chances))
            changed[count++] = (uint16_t)i;
    }
    return count;
}

bool book_market_changed(const struct odds_image *now, const struct odds_image *old)
{
    return old == NULL || now->status != old->status || now->in_play != old->in_play ||
           now->bet_delay_us != old->bet_delay_us || now->holds != old->holds ||
           now->feed_status != old->feed_status || now->flags != old->flags ||
           now->winners != old->winners ||
           memcmp(&now->place_terms, &old->place_terms, sizeof now->place_terms) != 0 ||
           memcmp(now->score, old->score, sizeof now->score) != 0 ||
           memcmp(now->red_cards, old->red_cards, sizeof now->red_cards) != 0;
}

static uint64_t next_version(const struct book *book, const struct odds_image *old)
{
    uint64_t first = odds_version_make(book->odds_epoch, 1);
    uint64_t last = old != NULL ? old->odds_version : book->version_left;
    return last < first ? first : last + 1;
}

static uint64_t log_change(struct book *book, const struct odds_image *image, size_t count)
{
    struct odds_log_selection selections[SELECTIONS_MAX];
    for (size_t i = 0; i < count; i++) {
        const struct odds_selection *s = &image->selections[book->changed[i]];
        selections[i] = (struct odds_log_selection){
            slice_of(s->id, s->id_bytes), (enum selection_status)s->status, s->odds, s->chances};
    }
    struct odds_log_change change = {
        .market_id = ODDS_TEXT(image, market_id),
        .event_id = ODDS_TEXT(image, event_id),
        .provider = ODDS_TEXT(image, provider),
        .status = (enum market_status)image->status,
        .odds_version = image->odds_version,
        .received = book->wall,
        .feed_time = image->feed_time,
        .selections = selections,
        .selections_count = count,
    };
    uint64_t position = book->ports.odds_log->ops->append(book->ports.odds_log, &change);
    if (position != 0)
        book->odds_position = position;
    return position;
}

static bool ended(const struct odds_image *image)
{
    return image != NULL && image->status >= MARKET_CLOSED_STATUS;
}

/* Remembers to drop it from the store later; when too many wait, the oldest goes at once. */
static void add_ended(struct book *book, const struct odds_image *image)
{
    if (book->ended_count == ENDED_MAX)
        book->ended[book->ended_first].drop_us = 0, book_drop_ended(book);
    struct ended_market *e = &book->ended[(book->ended_first + book->ended_count++) % ENDED_MAX];
    e->drop_us = book->now.us + book->options.closed_keep_us;
    (void)put_text(e->id, &e->id_bytes, sizeof e->id, ODDS_TEXT(image, market_id));
}

/* What the ledger says of the scratch image, and the fence of what the image says. */
static void add_ledger(struct book *book)
{
    struct odds_image *image = book->scratch;
    struct market_ref ref = shard_state_find_market(book->state, ODDS_TEXT(image, market_id));
    put_ledger_state(book, image, ref);
    image->status = (uint8_t)effective_status(image);
    /* While the ledger is stopped odds go on (S1): bets get 503 whatever is shown. */
    if (!commit_stopped(book->commit) && !fence(book, image, ref)) {
        book->fences_missing = true;
        if (image->status == MARKET_ACTIVE)
            image->status = MARKET_SUSPENDED_STATUS;
    }
}

/* The scratch image is complete but for what the book adds. Publishes it if anything changed. */
static void publish(struct book *book, const struct odds_image *old)
{
    struct odds_image *image = book->scratch;
    add_ledger(book);
    if (book->ports.prices != NULL) {
        book_show_followed(book, old);
        return;
    }
    /* What the odds log did not take (position 0) was never told: then all of it is told now. */
    const struct odds_image *told = old != NULL && old->odds_position == 0 ? NULL : old;
    size_t count = book_find_changed(image, told, book->changed);
    if (count == 0 && !book_market_changed(image, old))
        return;
    image->odds_version = next_version(book, old);
    image->updated = book->wall;
    image->received = book->now;
    image->odds_position = log_change(book, image, count);
    if (image->odds_position == 0 && image->status == MARKET_ACTIVE)
        image->status = MARKET_SUSPENDED_STATUS; /* an offer that was not logged is none */
    uint64_t before = old == NULL ? 0 : old->odds_version;
    bool ends = ended(image) && !ended(old);
    if (book->ports.store->ops->put(book->ports.store, image) != ODDS_PUT_OK) {
        book->stats.feed_dropped++;
        return;
    }
    book->stats.prices++;
    book->stats.selections_changed += count;
    if (ends)
        add_ended(book, image);
    if (book->listener.on_market != NULL)
        book->listener.on_market(book->listener.owner, image, before, book->changed, count);
}

static void begin_image(struct book *book, const struct odds_image *old)
{
    if (old == NULL)
        memset(book->scratch, 0, sizeof *book->scratch);
    else
        memcpy(book->scratch, old, odds_image_bytes(old->selections_count));
}

static void set_flag(struct odds_image *image, enum odds_flag flag, bool on)
{
    image->flags = (uint8_t)(on ? image->flags | flag : image->flags & ~(unsigned)flag);
}

static void set_provider_flag(struct book *book, struct odds_image *image)
{
    if (leases_alive(&book->leases, ODDS_TEXT(image, provider), book->now))
        image->flags &= (uint8_t)~ODDS_PROVIDER_LOST;
    else
        image->flags |= ODDS_PROVIDER_LOST;
}

void book_publish_scratch(struct book *book, const struct odds_image *old)
{
    set_provider_flag(book, book->scratch);
    publish(book, old);
}

void book_republish(struct book *book, struct slice market_id)
{
    const struct odds_image *old = book->ports.store->ops->get(book->ports.store, market_id);
    if (old == NULL)
        return;
    begin_image(book, old);
    book_publish_scratch(book, old);
}

/* Without a result nothing is known of its prices until the feed's next word, though the feed may
 * have said that it is active before. */
void book_republish_result(struct book *book, struct market_ref ref)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    const struct odds_image *old =
        book->ports.store->ops->get(book->ports.store, shard_state_market_id(book->state, ref));
    if (old == NULL)
        return;
    begin_image(book, old);
    if (market->status == MARKET_SUSPENDED_STATUS && book->scratch->feed_status == MARKET_ACTIVE)
        book->scratch->feed_status = MARKET_SUSPENDED_STATUS;
    book_publish_scratch(book, old);
}

/* ---- the sink ---- */

static void sink_market(struct feed_sink *sink, const struct feed_market *m)
{
    struct book *book = book_of(sink);
    const struct odds_image *old = book->ports.store->ops->get(book->ports.store, m->id);
    struct odds_image *image = book->scratch;
    if (leases_heard(&book->leases, m->provider, book->now) == NULL ||
        m->selections_count > SELECTIONS_MAX) {
        book->stats.feed_dropped++;
        return;
    }
    begin_image(book, old);
    if (!put_identity(image, m) || !put_selections(image, old, m)) {
        book->stats.feed_dropped++;
        return;
    }
    image->feed_status = (uint8_t)m->status;
    image->in_play = m->in_play;
    image->place_terms = m->place_terms;
    image->winners = m->winners;
    memcpy(image->score, m->score, sizeof image->score);
    memcpy(image->red_cards, m->red_cards, sizeof image->red_cards);
    set_flag(image, ODDS_ANTE_POST, m->ante_post);
    set_flag(image, ODDS_EACH_WAY_ONLY, m->each_way_only);
    image->bet_delay_us = m->bet_delay_us;
    image->provider_version = m->provider_version;
    image->feed_time = m->feed_time;
    image->start_time = m->start_time;
    set_provider_flag(book, image);
    publish(book, old);
}

static void sink_result(struct feed_sink *sink, const struct feed_result *result)
{
    struct book *book = book_of(sink);
    uint64_t seq;
    if (commit_stopped(book->commit) || !commit_has_reserve(book->commit)) {
        book->stats.feed_dropped++; /* the intake looks at book_feed_ready before each message */
        return;
    }
    struct desk_word word = {.actor = result->provider};
    enum request_outcome outcome = book_record_result(book, result, FENCE_FEED, &word, &seq);
    if (outcome == REQUEST_UNKNOWN || outcome == REQUEST_INVALID)
        book->stats.feed_dropped++;
}

/* A market may come back, and its version must then be above all that it had (P1). Nobody keeps
 * what each one had: it goes on above the highest version that any market left with. */
static void leave_store(struct book *book, const struct odds_image *image, struct slice market_id)
{
    if (image->odds_version > book->version_left)
        book->version_left = image->odds_version;
    if (book->listener.on_removed != NULL)
        book->listener.on_removed(book->listener.owner, image);
    book->ports.store->ops->remove(book->ports.store, market_id);
}

static void sink_removed(struct feed_sink *sink, struct slice provider, struct slice market_id)
{
    struct book *book = book_of(sink);
    const struct odds_image *old = book->ports.store->ops->get(book->ports.store, market_id);
    if (old == NULL || !slice_equal(ODDS_TEXT(old, provider), provider))
        return;
    begin_image(book, old);
    if (book->scratch->feed_status == MARKET_ACTIVE)
        book->scratch->feed_status = MARKET_SUSPENDED_STATUS; /* bets on it wait for a result */
    publish(book, old);
    leave_store(book, book->ports.store->ops->get(book->ports.store, market_id), market_id);
}

static void sink_alive(struct feed_sink *sink, struct slice provider)
{
    struct book *book = book_of(sink);
    if (leases_touch(&book->leases, provider, book->now) == NULL)
        book->stats.feed_dropped++;
}

static void sink_producer(struct feed_sink *sink, const struct feed_producer *producer)
{
    struct book *book = book_of(sink);
    if (leases_produce(&book->leases, producer, book->now) == NULL)
        book->stats.feed_dropped++;
}

static void sink_late(struct feed_sink *sink, struct slice provider, bool late)
{
    struct book *book = book_of(sink);
    (void)leases_late(&book->leases, provider, book->now, late); /* as many as may are known */
}

const struct feed_sink_ops *book_sink_ops(void)
{
    static const struct feed_sink_ops ops = {.market = sink_market,
                                             .result = sink_result,
                                             .removed = sink_removed,
                                             .alive = sink_alive,
                                             .producer = sink_producer,
                                             .late = sink_late};
    return &ops;
}

bool book_feed_ready(const struct book *book)
{
    return commit_stopped(book->commit) || commit_has_reserve(book->commit);
}

void book_end_prices(struct book *book)
{
    book->leases.closed = true;
}

bool book_prices_ended(const struct book *book)
{
    for (size_t i = 0; i < book->leases.count; i++)
        if (!book->leases.leases[i].shown_lost || book->leases.leases[i].walking)
            return false;
    return book->leases.closed;
}

/* ---- walks over the store: a few markets per turn, so that no turn is long ---- */

static size_t walk(struct book *book, size_t slot, const struct lease *lease)
{
    size_t end = book->ports.store->ops->slots(book->ports.store);
    for (size_t i = 0; i < WALK_SLOTS_PER_TURN && slot < end; i++, slot++) {
        const struct odds_image *image = book->ports.store->ops->at(book->ports.store, slot);
        if (image != NULL &&
            slice_equal(ODDS_TEXT(image, provider), slice_of(lease->id, lease->id_bytes)))
            book_republish(book, ODDS_TEXT(image, market_id));
    }
    return slot < end ? slot : SIZE_MAX;
}

bool book_publish_walking(const struct book *book)
{
    for (size_t i = 0; i < book->leases.count; i++)
        if (book->leases.leases[i].walking)
            return true;
    return false;
}

void book_check_leases(struct book *book)
{
    bool repair = book->fences_missing && commit_has_reserve(book->commit);
    for (size_t i = 0; i < book->leases.count; i++) {
        struct lease *lease = &book->leases.leases[i];
        bool lost = !lease_holds(&book->leases, lease, book->now);
        if (lost != lease->shown_lost || repair) {
            book->stats.leases_lost += lost && !lease->shown_lost;
            lease->shown_lost = lost;
            lease->walking = true;
            lease->walk = 0;
        }
        if (!lease->walking)
            continue;
        lease->walk = walk(book, lease->walk, lease);
        lease->walking = lease->walk != SIZE_MAX;
    }
    if (repair)
        book->fences_missing = false; /* a walk that meets no room sets it again */
}

void book_drop_ended(struct book *book)
{
    while (book->ended_count > 0) {
        const struct ended_market *e = &book->ended[book->ended_first];
        struct slice id = slice_of(e->id, e->id_bytes);
        if (e->drop_us > book->now.us)
            return;
        const struct odds_image *image = book->ports.store->ops->get(book->ports.store, id);
        if (ended(image))
            leave_store(book, image, id);
        book->ended_first = (book->ended_first + 1) % ENDED_MAX;
        book->ended_count--;
    }
}
