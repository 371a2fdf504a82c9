/* register.c - refs for users and markets: a record gives each its number before first use. */
#include "app/book_internal.h"

#include "base/assert.h"
#include "core/bet.h"

struct account_ref book_account(struct book *book, struct slice user_id)
{
    struct account_ref ref = shard_state_find_account(book->state, user_id);
    if (ref.n != 0)
        return ref;
    ref.n = shard_state_accounts_count(book->state) + 1;
    /* The key first: personal fields of the account's records are sealed with it. */
    if (book->ports.vault != NULL)
        (void)book->ports.vault->ops->make_key(book->ports.vault, ref); /* seal will say so */
    struct record_account body = {.user_bytes = (uint16_t)user_id.bytes};
    struct record_draft draft = {.type = RECORD_ACCOUNT,
                                 .time_us = book->wall.us,
                                 .account = ref.n,
                                 .body = &body,
                                 .texts = &user_id,
                                 .texts_count = 1};
    commit_record(book->commit, &draft);
    return ref;
}

static struct record_selection selection_item(const struct odds_selection *selection,
                                              struct slice texts[2])
{
    texts[0] = slice_of(selection->id, selection->id_bytes);
    texts[1] = slice_of(selection->name, selection->name_bytes);
    return (struct record_selection){selection->id_bytes, selection->name_bytes, 0};
}

static struct market_ref register_market(struct book *book, const struct odds_image *image)
{
    struct record_selection items[SELECTIONS_MAX];
    struct slice texts[7 + 2 * SELECTIONS_MAX] = {
        ODDS_TEXT(image, market_id), ODDS_TEXT(image, event_id),   ODDS_TEXT(image, provider),
        ODDS_TEXT(image, sport),     ODDS_TEXT(image, event_name), ODDS_TEXT(image, name),
        ODDS_TEXT(image, kind)};
    struct record_market body = {
        .market = shard_state_markets_count(book->state) + 1,
        .status = image->feed_status,
        .holds = image->holds,
        .market_bytes = image->market_id_bytes,
        .event_bytes = image->event_id_bytes,
        .provider_bytes = image->provider_bytes,
        .sport_bytes = image->sport_bytes,
        .event_name_bytes = image->event_name_bytes,
        .name_bytes = image->name_bytes,
        .kind_bytes = image->kind_bytes,
    };
    for (size_t i = 0; i < image->selections_count; i++)
        items[i] = selection_item(&image->selections[i], &texts[7 + 2 * i]);
    struct record_draft draft = {.type = RECORD_MARKET,
                                 .time_us = book->wall.us,
                                 .body = &body,
                                 .items = items,
                                 .items_count = image->selections_count,
                                 .texts = texts,
                                 .texts_count = 7 + 2u * image->selections_count};
    commit_record(book->commit, &draft);
    return (struct market_ref){body.market};
}

/* Selections that the feed added after the market was registered. */
static void register_selections(struct book *book, const struct odds_image *image,
                                struct market_ref ref)
{
    struct record_selection items[SELECTIONS_MAX];
    struct slice texts[2 * SELECTIONS_MAX];
    size_t count = 0;
    uint16_t first = shard_state_market(book->state, ref)->selections_count;
    for (size_t i = 0; i < image->selections_count; i++) {
        struct slice id = slice_of(image->selections[i].id, image->selections[i].id_bytes);
        if (shard_state_find_selection(book->state, ref, id) != RECORD_SELECTION_NONE ||
            first + count == SELECTIONS_MAX)
            continue;
        items[count] = selection_item(&image->selections[i], &texts[2 * count]);
        count++;
    }
    if (count == 0)
        return;
    struct record_selections body = {.market = ref.n, .first = first};
    struct record_draft draft = {.type = RECORD_SELECTIONS,
                                 .time_us = book->wall.us,
                                 .body = &body,
                                 .items = items,
                                 .items_count = count,
                                 .texts = texts,
                                 .texts_count = 2 * count};
    commit_record(book->commit, &draft);
}

struct market_ref book_market(struct book *book, const struct odds_image *image)
{
    struct market_ref ref = shard_state_find_market(book->state, ODDS_TEXT(image, market_id));
    if (ref.n == 0)
        return register_market(book, image);
    return ref;
}

uint16_t book_selection(struct book *book, const struct odds_image *image, size_t selection,
                        struct market_ref ref)
{
    const struct odds_selection *s = &image->selections[selection];
    struct slice id = slice_of(s->id, s->id_bytes);
    uint16_t number = shard_state_find_selection(book->state, ref, id);
    if (number != RECORD_SELECTION_NONE)
        return number;
    register_selections(book, image, ref);
    return shard_state_find_selection(book->state, ref, id);
}

/* A ticket on the longest markets, none of which has a ref, fits the groups that are left when a
 * client may still begin one, and leaves as many as before to what no client asked for. */
#define MARKET_RECORD_BYTES_MAX                                                                    \
    (sizeof(struct record_head) + sizeof(struct record_market) + 7 * NAME_BYTES_MAX +              \
     SELECTIONS_MAX *                                                                              \
         (sizeof(struct record_selection) + SELECTION_ID_BYTES_MAX + (size_t)NAME_BYTES_MAX))
#define TICKET_GROUPS_MAX (1 + BET_LEGS_MAX / (LEDGER_APPEND_BYTES_MIN / MARKET_RECORD_BYTES_MAX))
_Static_assert(MARKET_RECORD_BYTES_MAX <= RECORD_BYTES_MAX, "a market is one record");
_Static_assert(LEDGER_APPEND_BYTES_MIN <= COMMIT_BYTES_MAX, "the smallest group there is");
_Static_assert(COMMIT_CLIENT_GROUPS + TICKET_GROUPS_MAX + 2 <= COMMIT_GROUPS_MAX, "a ticket fits");

const char *book_legs_room(struct book *book, const struct bet_request *request)
{
    struct shard_need need = {0, 0};
    for (uint32_t i = 0; i < request->ticket.legs_count; i++) {
        const struct odds_image *image =
            book->ports.store->ops->get(book->ports.store, request->names[i].market_id);
        struct market_ref ref = shard_state_find_market(book->state, request->names[i].market_id);
        if (image == NULL)
            continue;
        need.markets += ref.n == 0;
        /* Of a market that grew all selections are written again. */
        if (ref.n == 0 ||
            shard_state_market(book->state, ref)->selections_count < image->selections_count)
            need.selections += image->selections_count;
    }
    return shard_state_need_room(book->state, need);
}
