/* odds_crossing.c - contract in odds_crossing.h. */
#include "roles/odds/odds_crossing.h"

#include "base/error.h"
#include "base/hash.h"

/* Behind it: the image, then the indexes of what changed. */
struct market_record {
    uint32_t kind;
    uint32_t round;
    uint64_t before_version;
    uint64_t changed_count;
};

/* Behind it: the market's id. */
struct removed_record {
    uint32_t kind;
    uint32_t id_bytes;
};

struct round_end_record {
    uint32_t kind;
    uint32_t round;
};

_Static_assert(sizeof(struct market_record) % _Alignof(struct odds_image) == 0,
               "the image is aligned where its record is");
_Static_assert(sizeof(struct odds_image) + SELECTIONS_MAX * sizeof(struct odds_selection) <=
                   256 * 1024,
               "what a ring must hold");

/* ---- the sender ---- */

static void fall_behind(struct odds_sender *sender)
{
    sender->behind = true;
    sender->ended = false;
    sender->round++;
    sender->slots = sender->left = sender->store->ops->slots(sender->store);
    atomic_store_explicit(&sender->level->behind, true, memory_order_release);
}

void odds_sender_init(struct odds_sender *sender, struct crossing_down *down,
                      struct odds_level *level, struct odds_store *store)
{
    *sender = (struct odds_sender){.down = down, .level = level, .store = store};
    fall_behind(sender);
}

static bool send_market(struct odds_sender *sender, const struct odds_image *image,
                        uint64_t before_version, const uint16_t *changed, size_t changed_count)
{
    const struct market_record head = {
        .kind = CROSSING_MARKET,
        .round = sender->round,
        .before_version = before_version,
        .changed_count = changed_count,
    };
    size_t image_bytes = odds_image_bytes(image->selections_count);
    size_t changed_bytes = changed_count * sizeof *changed;
    size_t bytes = sizeof head + image_bytes + changed_bytes;
    char *at = crossing_begin(sender->down, bytes);
    if (at == NULL)
        return false;
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, image, image_bytes);
    if (changed_bytes > 0)
        memcpy(at + sizeof head + image_bytes, changed, changed_bytes);
    ring_end(sender->down->ring, bytes);
    return true;
}

void odds_sender_on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                           const uint16_t *changed, size_t changed_count)
{
    struct odds_sender *sender = owner;
    if (send_market(sender, image, before_version, changed, changed_count))
        return;
    sender->left_out++;
    fall_behind(sender);
}

void odds_sender_on_removed(void *owner, const struct odds_image *image)
{
    struct odds_sender *sender = owner;
    const struct removed_record head = {CROSSING_REMOVED, image->market_id_bytes};
    char *at = crossing_begin(sender->down, sizeof head + head.id_bytes);
    if (at == NULL) {
        sender->left_out++;
        fall_behind(sender);
        return;
    }
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, image->market_id, head.id_bytes);
    ring_end(sender->down->ring, sizeof head + head.id_bytes);
}

/* Slots that were added since stand behind the last one, where the round may have to pass before it
 * comes to where it began. */
static void note_slots(struct odds_sender *sender)
{
    size_t slots = sender->store->ops->slots(sender->store);
    ASSERT(slots >= sender->slots);
    sender->left += slots - sender->slots;
    sender->slots = slots;
}

/* False: the ring is full. */
static bool name_next(struct odds_sender *sender)
{
    if (sender->cursor >= sender->slots)
        sender->cursor = 0;
    const struct odds_image *image = sender->store->ops->at(sender->store, sender->cursor);
    if (image != NULL && !send_market(sender, image, 0, NULL, 0))
        return false;
    sender->named += image != NULL;
    sender->cursor++;
    sender->left--;
    return true;
}

static void end_round(struct odds_sender *sender)
{
    const struct round_end_record record = {CROSSING_ROUND_END, sender->round};
    void *at = crossing_begin(sender->down, sizeof record);
    if (at == NULL)
        return;
    memcpy(at, &record, sizeof record);
    ring_end(sender->down->ring, sizeof record);
    sender->ended = true;
}

bool odds_sender_turn(struct odds_sender *sender)
{
    if (atomic_load_explicit(&sender->level->again, memory_order_relaxed) &&
        atomic_exchange_explicit(&sender->level->again, false, memory_order_acquire))
        fall_behind(sender);
    if (!sender->behind)
        return false;
    note_slots(sender);
    for (size_t i = 0; sender->left > 0; i++) {
        if (i == ODDS_SENDER_SLOTS_MAX)
            return true;
        if (!name_next(sender))
            return false; /* the receiver makes room, and then there is a turn */
    }
    end_round(sender);
    return false;
}

void odds_sender_turn_over(struct odds_sender *sender)
{
    if (!sender->ended)
        return;
    sender->behind = sender->ended = false;
    atomic_store_explicit(&sender->level->behind, false, memory_order_release);
}

/* ---- the receiver ---- */

int odds_receiver_init(struct odds_receiver *receiver, struct odds_store *store,
                       struct odds_level *level, size_t markets_max, const uint64_t hash_key[2])
{
    *receiver = (struct odds_receiver){
        .store = store, .level = level, .hash_key = {hash_key[0], hash_key[1]}};
    return table_new(markets_max, &receiver->named);
}

void odds_receiver_done(struct odds_receiver *receiver)
{
    table_free(receiver->named);
}

static bool is_behind(const struct odds_receiver *receiver)
{
    return atomic_load_explicit(&receiver->level->behind, memory_order_acquire);
}

void odds_receiver_begin_look(struct odds_receiver *receiver)
{
    receiver->level_seen = !is_behind(receiver);
}

bool odds_receiver_is_level(const struct odds_receiver *receiver)
{
    return receiver->level_seen && !receiver->lacking;
}

static struct hash128 key_of(const struct odds_receiver *receiver, struct slice id)
{
    return siphash128(receiver->hash_key, id.at, id.bytes);
}

static void note_named(struct odds_receiver *receiver, struct slice id, uint32_t round)
{
    struct hash128 key = key_of(receiver, id);
    if (table_replace(receiver->named, key, round))
        return;
    enum table_outcome outcome = table_insert(receiver->named, key, round);
    ASSERT(outcome == TABLE_OK); /* as many as the store has at most */
}

static void ask_again(struct odds_receiver *receiver)
{
    atomic_store_explicit(&receiver->level->again, true, memory_order_release);
}

/* Markets that are gone still stand in the store: the end of the round under way takes them out,
 * and only then is it of use to ask for the others again. */
static void refuse_market(struct odds_receiver *receiver)
{
    metrics_count(&receiver->refused, 1);
    receiver->missing = receiver->lacking = true;
    if (!is_behind(receiver))
        ask_again(receiver);
}

static void take_market(struct odds_receiver *receiver, struct slice record)
{
    struct market_record head;
    ASSERT(record.bytes > sizeof head + sizeof(struct odds_image));
    memcpy(&head, record.at, sizeof head);
    const void *at = record.at + sizeof head;
    const struct odds_image *image = at;
    size_t image_bytes = odds_image_bytes(image->selections_count);
    ASSERT(record.bytes == sizeof head + image_bytes + head.changed_count * sizeof(uint16_t));
    const void *changed = record.at + sizeof head + image_bytes;
    enum odds_put put = receiver->store->ops->put(receiver->store, image);
    if (put == ODDS_PUT_FULL) {
        refuse_market(receiver);
        return;
    }
    note_named(receiver, ODDS_TEXT(image, market_id), head.round);
    if (put == ODDS_PUT_OK)
        receiver->listener.on_market(receiver->listener.owner, image, head.before_version, changed,
                                     (size_t)head.changed_count);
}

/* As the book does: the listener first, while the store has it. */
static void remove_market(struct odds_receiver *receiver, struct slice id)
{
    const struct odds_image *image = receiver->store->ops->get(receiver->store, id);
    if (image == NULL)
        return; /* it came and went while the sender was behind */
    char memory[MARKET_ID_BYTES_MAX];
    memcpy(memory, id.at, id.bytes);
    struct slice own = slice_of(memory, id.bytes); /* `id` may stand in the image */
    receiver->listener.on_removed(receiver->listener.owner, image);
    bool removed = table_remove(receiver->named, key_of(receiver, own));
    ASSERT(removed);
    receiver->store->ops->remove(receiver->store, own);
}

static void take_removed(struct odds_receiver *receiver, struct slice record)
{
    struct removed_record head;
    ASSERT(record.bytes >= sizeof head);
    memcpy(&head, record.at, sizeof head);
    ASSERT(record.bytes == sizeof head + head.id_bytes);
    remove_market(receiver, slice_skip(record, sizeof head));
}

static void take_round_end(struct odds_receiver *receiver, struct slice record)
{
    struct round_end_record end;
    ASSERT(record.bytes == sizeof end);
    memcpy(&end, record.at, sizeof end);
    size_t slots = receiver->store->ops->slots(receiver->store);
    for (size_t i = 0; i < slots; i++) {
        const struct odds_image *image = receiver->store->ops->at(receiver->store, i);
        uint32_t round;
        if (image == NULL)
            continue;
        bool known =
            table_find(receiver->named, key_of(receiver, ODDS_TEXT(image, market_id)), &round);
        ASSERT(known);
        if (round != end.round)
            remove_market(receiver, ODDS_TEXT(image, market_id));
    }
    receiver->lacking = receiver->missing;
    if (receiver->missing)
        ask_again(receiver);
    receiver->missing = false;
}

void odds_receiver_take(struct odds_receiver *receiver, struct slice record)
{
    uint32_t kind = crossing_kind_of(record);
    if (kind == CROSSING_MARKET)
        take_market(receiver, record);
    else if (kind == CROSSING_REMOVED)
        take_removed(receiver, record);
    else
        take_round_end(receiver, record);
}

int odds_receiver_register_metrics(const struct odds_receiver *receiver, struct metrics *metrics)
{
    return metrics_add_counter(metrics,
                               (struct metrics_name){"overround_limit_reached_total",
                                                     "How often a limit was reached",
                                                     "limit=\"loop_markets_max\"", 0},
                               &receiver->refused);
}
