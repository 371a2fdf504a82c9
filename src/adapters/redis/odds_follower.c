/* odds_follower.c - contract in odds_follower.h.
 * What is kept of a market besides its image, its row, is found by its id; rows and the store's
 * markets are the same ones. An image that is shown suspended for want of a lease has
 * ODDS_PROVIDER_LOST set here, which its row knows, so that it can be shown as it was. */
#include "adapters/redis/odds_follower.h"

#include <inttypes.h>
#include <stdlib.h>

#include "adapters/redis/odds_claims.h"
#include "adapters/redis/odds_ears.h"
#include "adapters/redis/odds_gaps.h"
#include "adapters/redis/odds_gone.h"
#include "adapters/redis/odds_leases.h"
#include "adapters/redis/odds_message.h"
#include "adapters/redis/odds_round.h"
#include "adapters/redis/odds_script.h"
#include "adapters/redis/odds_value.h"
#include "adapters/redis/redis_command.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/reserve.h"
#include "base/table.h"

#define TICK_US        INT64_C(50000)
#define SILENT_US      INT64_C(3000000)  /* a writer's connection says each second that it lives */
#define ROUND_US       INT64_C(30000000) /* between rounds when nothing is missing */
#define ROUND_AGAIN_US INT64_C(200000)   /* and when something is */
#define ROUND_PART_US  INT64_C(1000000)  /* and after one that was not whole */
#define KEPT_US        ((int64_t)ODDS_LIFE_MS * US_PER_MS)
#define WALK_SLOTS_MAX 4096 /* looked at in one tick */
#define NO_ROW         UINT32_MAX
#define AGE_US_MAX     (60 * US_PER_SECOND) /* of a message; else the clocks differ */

struct row {
    int64_t heard_us;
    bool dimmed; /* shown suspended for want of a lease */
    uint32_t next_free;
};

struct odds_follower {
    struct odds_follower_options options;
    struct odds_follower_listener listener;
    struct odds_store *store; /* borrowed */
    struct loop *loop;
    struct redis_fleet *fleet; /* owned, as all below */
    struct table *by_id;
    struct row *rows;
    uint32_t rows_used, free_first;
    struct odds_gone gone;
    struct odds_image *image, *shown; /* scratch */
    char *scratch;
    uint16_t changed[SELECTIONS_MAX];
    struct odds_ears ears;
    struct odds_gaps gaps;
    struct odds_leases leases;
    struct odds_claims claims;
    struct odds_round round;
    bool level;   /* all keys were read once */
    bool missing; /* something was not heard: a round is due */
    bool part;    /* the newest round was not whole */
    bool walking; /* leases changed: markets are looked at */
    size_t walk;
    int64_t round_us, sweep_us;
    struct timer tick;
    struct metrics_counter messages, values, older, gaps_found, rounds, rounds_failed, bad, foreign,
        refused;
    struct metrics_gauge ready, markets, dimmed;
    struct metrics_histogram freshness;
};

static int64_t now_of(const struct odds_follower *f)
{
    return loop_now(f->loop).us;
}

/* ---- rows ---- */

static struct hash128 key_of(const struct odds_follower *f, struct slice id)
{
    return siphash128(f->options.hash_key, id.at, id.bytes);
}

static uint32_t find_row(const struct odds_follower *f, struct slice id)
{
    uint32_t at;
    return table_find(f->by_id, key_of(f, id), &at) ? at : NO_ROW;
}

/* As many as the store has room for. */
static uint32_t add_row(struct odds_follower *f, struct slice id)
{
    uint32_t at = f->free_first;
    if (at != NO_ROW)
        f->free_first = f->rows[at].next_free;
    else if (f->rows_used < f->options.markets_max)
        at = f->rows_used++;
    else
        return NO_ROW;
    f->rows[at] = (struct row){.next_free = NO_ROW};
    enum table_outcome outcome = table_insert(f->by_id, key_of(f, id), at);
    ASSERT(outcome == TABLE_OK);
    metrics_change(&f->markets, 1);
    return at;
}

static void free_row(struct odds_follower *f, struct slice id)
{
    uint32_t at = find_row(f, id);
    ASSERT(at != NO_ROW);
    (void)table_remove(f->by_id, key_of(f, id));
    metrics_change(&f->dimmed, f->rows[at].dimmed ? -1 : 0);
    metrics_change(&f->markets, -1);
    f->rows[at] = (struct row){.next_free = f->free_first};
    f->free_first = at;
}

/* As the book does: the listener first, while the store has it. */
static void remove_market(struct odds_follower *f, const struct odds_image *image)
{
    char memory[MARKET_ID_BYTES_MAX];
    struct slice id = slice_of(memory, image->market_id_bytes);
    memcpy(memory, image->market_id, image->market_id_bytes);
    f->listener.on_removed(f->listener.owner, image);
    free_row(f, id);
    f->store->ops->remove(f->store, id);
}

/* ---- the light of a lease ---- */

static bool is_alive(const struct odds_follower *f, const struct odds_image *image)
{
    return odds_leases_alive(&f->leases, ODDS_TEXT(image, provider), now_of(f));
}

static void set_dimmed(struct odds_follower *f, struct row *row, struct odds_image *image, bool dim)
{
    metrics_change(&f->dimmed, (int64_t)dim - (int64_t)row->dimmed);
    row->dimmed = dim;
    if (dim) {
        image->flags |= ODDS_PROVIDER_LOST;
        image->status = MARKET_SUSPENDED_STATUS;
    } else {
        image->flags &= (uint8_t)~ODDS_PROVIDER_LOST;
        image->status = MARKET_ACTIVE;
    }
}

/* Only what is active is dimmed, so what was dimmed was active. */
static void look_at_light(struct odds_follower *f, const struct odds_image *image)
{
    uint32_t at = find_row(f, ODDS_TEXT(image, market_id));
    ASSERT(at != NO_ROW);
    struct row *row = &f->rows[at];
    bool alive = is_alive(f, image);
    if (row->dimmed ? !alive : alive || image->status != MARKET_ACTIVE)
        return;
    memcpy(f->shown, image, odds_image_bytes(image->selections_count));
    set_dimmed(f, row, f->shown, !row->dimmed);
    f->store->ops->remove(f->store, ODDS_TEXT(f->shown, market_id));
    enum odds_put put = f->store->ops->put(f->store, f->shown);
    ASSERT(put != ODDS_PUT_OLDER);
    if (put == ODDS_PUT_OK) {
        f->listener.on_standing(f->listener.owner, f->shown);
        return;
    }
    f->listener.on_removed(f->listener.owner, f->shown); /* no memory: it comes back by a round */
    free_row(f, ODDS_TEXT(f->shown, market_id));
    f->missing = true;
}

/* ---- values ---- */

static size_t find_changed(struct odds_follower *f, const struct odds_image *old)
{
    const struct odds_image *now = f->image;
    size_t count = 0;
    for (size_t i = 0; i < now->selections_count; i++) {
        const struct odds_selection *a = &now->selections[i];
        const struct odds_selection *b =
            old != NULL && i < old->selections_count ? &old->selections[i] : NULL;
        if (b == NULL || a->status != b->status || !odds_equal(a->odds, b->odds))
            f->changed[count++] = (uint16_t)i;
    }
    return count;
}

/* When the feed's message came, on our clock; a difference that cannot be is none. */
static void put_received(struct odds_follower *f, struct instant received)
{
    int64_t age_us = loop_wall(f->loop).us - received.us;
    bool known = received.us > 0 && age_us >= 0 && age_us < AGE_US_MAX;
    f->image->received = (struct monotonic){now_of(f) - (known ? age_us : 0)};
    if (known)
        metrics_record(&f->freshness, (uint64_t)age_us);
}

static void show(struct odds_follower *f, const struct odds_image *old, uint32_t at)
{
    uint64_t before = old == NULL ? 0 : old->odds_version;
    size_t count = find_changed(f, old); /* the old image goes with the put */
    if (f->image->status == MARKET_ACTIVE && !is_alive(f, f->image))
        set_dimmed(f, &f->rows[at], f->image, true);
    else
        metrics_change(&f->dimmed, f->rows[at].dimmed ? -1 : 0), f->rows[at].dimmed = false;
    enum odds_put put = f->store->ops->put(f->store, f->image);
    ASSERT(put != ODDS_PUT_OLDER); /* P1: it was compared */
    metrics_count(&f->values, 1);
    if (put == ODDS_PUT_OK) {
        f->listener.on_market(f->listener.owner, f->image, before, f->changed, count);
        return;
    }
    metrics_count(&f->refused, 1);
    if (old == NULL)
        free_row(f, ODDS_TEXT(f->image, market_id));
}

static void take_tombstone(struct odds_follower *f, const struct odds_image *old)
{
    if (old != NULL && old->odds_version > f->image->odds_version)
        return;
    odds_gone_note(&f->gone, key_of(f, ODDS_TEXT(f->image, market_id)), f->image->odds_version,
                   now_of(f));
    if (old != NULL)
        remove_market(f, old);
}

/* An older one than it was taken out in, or one of which that is not known any more: what a round
 * reads was asked for before it came. */
static bool is_past(struct odds_follower *f, struct slice id, bool by_round)
{
    if (by_round && f->gone.early_us >= f->round_us && f->gone.early_us != 0) {
        f->missing = true;
        return true;
    }
    return odds_gone_version(&f->gone, key_of(f, id)) >= f->image->odds_version;
}

static void take_image(struct odds_follower *f, const struct odds_value_facts *facts, bool by_round)
{
    struct slice id = ODDS_TEXT(f->image, market_id);
    const struct odds_image *old = f->store->ops->get(f->store, id);
    uint32_t at = find_row(f, id);
    if (facts->removed) {
        take_tombstone(f, old);
        return;
    }
    if (old == NULL && is_past(f, id, by_round)) {
        metrics_count(&f->older, 1);
        return;
    }
    if (old == NULL) {
        odds_gone_forget(&f->gone, key_of(f, id));
        at = add_row(f, id);
    }
    if (at == NO_ROW) {
        metrics_count(&f->refused, 1);
        return;
    }
    bool older = old != NULL && old->odds_version > f->image->odds_version;
    metrics_count(&f->older, older);
    if (!older)
        f->rows[at].heard_us = now_of(f);
    if (old != NULL && old->odds_version >= f->image->odds_version)
        return;
    put_received(f, facts->received);
    show(f, old, at);
}

static uint64_t own_book(const struct odds_follower *f)
{
    return f->listener.book == NULL ? 0 : f->listener.book(f->listener.owner);
}

static bool is_foreign(struct odds_follower *f, uint64_t book)
{
    uint64_t own = own_book(f);
    bool foreign = book != 0 && own != 0 && book != own;
    metrics_count(&f->foreign, foreign);
    return foreign;
}

static void take_value(struct odds_follower *f, struct slice value, bool by_round)
{
    struct odds_value_facts facts;
    if (value.bytes > ODDS_VALUE_BYTES_MAX ||
        odds_value_read(value, f->scratch, f->image, &facts) < 0)
        metrics_count(&f->bad, 1); /* another program's: ours are good */
    else if (!is_foreign(f, facts.book))
        take_image(f, &facts, by_round);
}

static void on_read(void *owner, struct slice value)
{
    take_value(owner, value, true);
}

/* ---- the channel ---- */

static void hear_lease(struct odds_follower *f, const struct odds_message *message)
{
    struct slice provider = slice_of(message->provider, message->provider_bytes);
    bool holds = message->valid_for_us > 0;
    odds_leases_hear(&f->leases, provider, message->valid_for_us, now_of(f));
    const struct odds_lease *lease = odds_leases_find(&f->leases, provider);
    if (lease == NULL)
        return; /* ODDS_LEASES_MAX */
    odds_claims_lease(&f->claims, message->session, (unsigned)(lease - f->leases.rows), holds);
    if (f->listener.on_lease != NULL)
        f->listener.on_lease(f->listener.owner, provider, message->valid_for_us);
}

static void hear(struct odds_follower *f, const struct odds_message *message)
{
    switch (message->kind) {
    case ODDS_MESSAGE_VALUE:
        if (message->value.bytes > 0)
            take_value(f, message->value, false);
        break;
    case ODDS_MESSAGE_LEASE:
        hear_lease(f, message);
        break;
    case ODDS_MESSAGE_ALIVE:
        if (message->claim.ranges_count > 0 && !is_foreign(f, message->claim.book))
            /* Not the turn's time: a long turn would have heard it before it was sent. */
            odds_claims_hear(&f->claims, message->session, &message->claim,
                             clock_us(CLOCK_MONOTONIC));
        break;
    }
}

static void on_push(void *owner, struct slice payload)
{
    struct odds_follower *f = owner;
    struct odds_message message;
    int64_t now_us = now_of(f);
    metrics_count(&f->messages, 1);
    if (odds_message_read(payload, &message) < 0) {
        metrics_count(&f->bad, 1);
        return;
    }
    enum odds_heard heard = message.number == 0
                                ? ODDS_HEARD_NEXT
                                : odds_gaps_hear(&f->gaps, message.session, message.number, now_us);
    if (heard == ODDS_HEARD_BEFORE)
        return; /* by the other ear */
    if (heard == ODDS_HEARD_BEHIND_A_HOLE) {
        metrics_count(&f->gaps_found, 1);
        odds_claims_miss(&f->claims, message.session);
        f->missing = true;
    }
    hear(f, &message);
}

/* From here on nothing is missed without being noticed; what was before is in the keys. */
static void on_begin(void *owner)
{
    struct odds_follower *f = owner;
    f->missing = true;
    odds_round_cancel(&f->round); /* it began before */
    odds_gaps_begin(&f->gaps);
    odds_claims_begin(&f->claims);
}

/* ---- rounds ---- */

static bool was_read(void *owner, uint16_t slot)
{
    const struct odds_follower *f = owner;
    return odds_round_has_read(&f->round, redis_fleet_serves(f->fleet, slot));
}

static void on_round_end(void *owner, bool whole)
{
    struct odds_follower *f = owner;
    odds_claims_read(&f->claims, f->round_us, was_read, f);
    metrics_count(whole ? &f->rounds : &f->rounds_failed, 1);
    f->part = !whole;
    if (!whole) {
        f->missing = true;
        return;
    }
    f->gaps.complete = true;
    f->level = true;
    f->listener.on_level(f->listener.owner);
}

static void tend_round(struct odds_follower *f, int64_t now_us)
{
    int64_t pause_us = !f->missing ? ROUND_US : f->part ? ROUND_PART_US : ROUND_AGAIN_US;
    if (!odds_ears_hear(&f->ears) || f->round.running || now_us - f->round_us < pause_us)
        return;
    f->round_us = now_us;
    if (odds_round_begin(&f->round))
        f->missing = false;
}

/* ---- time ---- */

static bool is_gone(const struct odds_follower *f, const struct odds_image *image, int64_t now_us)
{
    uint32_t at = find_row(f, ODDS_TEXT(image, market_id));
    ASSERT(at != NO_ROW);
    return odds_ears_hear(&f->ears) && is_alive(f, image) &&
           now_us - f->rows[at].heard_us > KEPT_US + ROUND_US;
}

/* A few at a time, so that no tick is long. */
static void walk(struct odds_follower *f, int64_t now_us)
{
    size_t slots = f->store->ops->slots(f->store);
    for (size_t i = 0; i < WALK_SLOTS_MAX && f->walk < slots; i++, f->walk++) {
        const struct odds_image *image = f->store->ops->at(f->store, f->walk);
        if (image == NULL)
            continue;
        if (!is_gone(f, image, now_us)) {
            look_at_light(f, image);
            continue;
        }
        odds_gone_note(&f->gone, key_of(f, ODDS_TEXT(image, market_id)), image->odds_version - 1,
                       now_us); /* that version may be there again */
        remove_market(f, image);
    }
    f->walking = f->walk < slots;
}

static void on_tick(void *owner)
{
    struct odds_follower *f = owner;
    int64_t now_us = now_of(f);
    odds_ears_tend(&f->ears);
    if (odds_gaps_forget(&f->gaps, SILENT_US, now_us) > 0)
        f->missing = true;
    odds_claims_forget(&f->claims, SILENT_US, now_us);
    odds_gone_tend(&f->gone, now_us);
    f->missing |= !f->round.running && odds_claims_want_round(&f->claims);
    tend_round(f, now_us);
    if (odds_leases_changed(&f->leases, now_us) || now_us - f->sweep_us > ROUND_US) {
        f->sweep_us = now_us;
        f->walking = true;
        f->walk = 0;
    }
    if (f->walking)
        walk(f, now_us);
    metrics_set(&f->ready, odds_follower_is_ready(f));
    loop_timer_set(f->loop, &f->tick, (struct monotonic){now_us + TICK_US});
}

/* ---- life ---- */

static void on_fleet_up(void *owner, struct redis_link *link)
{
    (void)owner, (void)link; /* the tick sees it */
}

static int open_parts(struct odds_follower *f)
{
    const struct redis_fleet_listener fleet = {f, on_fleet_up, NULL};
    const struct odds_round_listener round = {f, on_read, on_round_end};
    const struct odds_ears_listener ears = {f, on_push, on_begin};
    f->image = malloc(ODDS_VALUE_IMAGE_BYTES);
    f->shown = malloc(ODDS_VALUE_IMAGE_BYTES);
    f->scratch = malloc(ODDS_VALUE_BYTES_MAX);
    f->rows = reserve_new(f->options.markets_max, sizeof *f->rows);
    if (f->image == NULL || f->shown == NULL || f->scratch == NULL || f->rows == NULL)
        return -ERR_MEMORY;
    TRY(table_new(f->options.markets_max, &f->by_id));
    TRY(odds_gone_init(&f->gone, f->options.markets_max));
    TRY(redis_fleet_new(f->loop, &f->options.fleet, &fleet, &f->fleet));
    odds_round_init(&f->round, f->fleet, &round);
    odds_ears_init(&f->ears, f->fleet, &ears);
    return 0;
}

int odds_follower_new(struct loop *loop, const struct odds_follower_options *options,
                      struct odds_store *store, const struct odds_follower_listener *listener,
                      struct odds_follower **ret_follower)
{
    struct odds_follower *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -ERR_MEMORY;
    f->options = *options;
    f->listener = *listener;
    f->store = store;
    f->loop = loop;
    f->free_first = NO_ROW;
    f->round_us = loop_now(loop).us - ROUND_US;
    f->sweep_us = loop_now(loop).us;
    timer_init(&f->tick, on_tick, f);
    metrics_histogram_init(&f->freshness, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    int error = open_parts(f);
    if (error < 0) {
        odds_follower_free(f);
        return error;
    }
    loop_timer_set(loop, &f->tick, loop_now(loop));
    *ret_follower = f;
    return 0;
}

void odds_follower_free(struct odds_follower *f)
{
    if (f == NULL)
        return;
    loop_timer_cancel(f->loop, &f->tick);
    odds_round_cancel(&f->round);
    odds_ears_close(&f->ears);
    redis_fleet_free(f->fleet);
    table_free(f->by_id);
    odds_gone_done(&f->gone);
    reserve_free(f->rows, f->options.markets_max, sizeof *f->rows);
    free(f->image);
    free(f->shown);
    free(f->scratch);
    free(f);
}

bool odds_follower_is_ready(const struct odds_follower *f)
{
    return f->level && odds_ears_hear(&f->ears);
}

int64_t odds_follower_silence_us(const struct odds_follower *f, struct slice provider)
{
    const struct odds_lease *lease = odds_leases_find(&f->leases, provider);
    if (lease == NULL)
        return ODDS_FOLLOWER_UNKNOWN;
    if (odds_ears_hear(&f->ears) && now_of(f) < lease->holds_till_us)
        return ODDS_FOLLOWER_ALIVE;
    return now_of(f) - lease->heard_us;
}

int64_t odds_follower_as_of_us(const struct odds_follower *f, const struct odds_image *image)
{
    char memory[MARKET_ID_BYTES_MAX + 8];
    struct buf key = buf_over(memory, sizeof memory);
    const struct odds_lease *lease = odds_leases_find(&f->leases, ODDS_TEXT(image, provider));
    if (!odds_ears_hear(&f->ears) || lease == NULL)
        return ODDS_NEVER_US;
    buf_put_slice(&key, ODDS_KEY_PREFIX);
    buf_put_slice(&key, ODDS_TEXT(image, market_id));
    ASSERT(!key.overflow);
    uint32_t at = find_row(f, ODDS_TEXT(image, market_id));
    ASSERT(at != NO_ROW);
    const struct odds_asked asked = {.lease = (unsigned)(lease - f->leases.rows),
                                     .slot = redis_slot_of(buf_slice(&key)),
                                     .epoch = image->odds_version >> 32,
                                     .book = own_book(f),
                                     .heard_us = f->rows[at].heard_us};
    return odds_claims_as_of_us(&f->claims, &asked);
}

int odds_follower_register_metrics(struct odds_follower *f, struct metrics *metrics)
{
    const struct metrics_row counters[] = {
        {{"overround_odds_messages_total", "Messages of the odds store's channel", NULL, 0},
         &f->messages.value},
        {{"overround_odds_values_total", "Versions taken from the odds store", NULL, 0},
         &f->values.value},
        {{"overround_odds_older_total", "Versions below the one shown, passed over", NULL, 0},
         &f->older.value},
        {{"overround_odds_deaf_total", "Times that the channel was heard nowhere any more", NULL,
          0},
         &f->ears.deaf},
        {{"overround_odds_gaps_total", "Messages of the channel that were missing", NULL, 0},
         &f->gaps_found.value},
        {{"overround_odds_rounds_total", "Times that all keys were read", "outcome=\"whole\"", 0},
         &f->rounds.value},
        {{"overround_odds_rounds_total", "Times that all keys were read", "outcome=\"failed\"", 0},
         &f->rounds_failed.value},
        {{"overround_odds_foreign_total", "Values and claims of another book's writer", NULL, 0},
         &f->foreign.value},
        {{"overround_odds_bad_values_total", "Values and messages that are none", NULL, 0},
         &f->bad.value},
        {{"overround_limit_reached_total", "How often a limit was reached",
          "limit=\"follower_markets_max\"", 0},
         &f->refused.value},
        {{"overround_limit_reached_total", "How often a limit was reached",
          "limit=\"follower_gone_max\"", 0},
         &f->gone.early.value},
    };
    const struct metrics_gauge_row gauges[] = {
        {{"overround_odds_follower_ready", "1: the odds store is followed", NULL, 0}, &f->ready},
        {{"overround_odds_follower_markets", "Markets of the odds store", NULL, 0}, &f->markets},
        {{"overround_odds_follower_gone", "Markets that were taken out, and are remembered", NULL,
          0},
         &f->gone.count},
        {{"overround_odds_follower_dimmed",
          "Markets shown suspended as their provider is not heard of", NULL, 0},
         &f->dimmed},
    };
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(metrics_add_histogram(
        metrics,
        (struct metrics_name){"overround_odds_freshness_seconds",
                              "Feed receipt to the odds store of this process", NULL, 6},
        &f->freshness));
    return redis_fleet_register_metrics(f->fleet, metrics);
}
