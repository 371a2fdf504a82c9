/* shard_apply_market.c - records of the book, its accounts, markets and fences. */
#include "base/assert.h"
#include "base/error.h"
#include "core/user_shard.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_state_internal.h"

static int apply_genesis(struct shard_state *state, const struct record_view *record)
{
    const struct record_genesis *genesis = record->body;
    const struct shard_place place = {genesis->shard, genesis->shards == 0 ? 1 : genesis->shards};
    REQUIRE(genesis->shards != 1 && genesis->shards <= SHARDS_MAX,
            "a number of shards that no book has");
    REQUIRE(shard_place_valid(place), "the shard number is too high");
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    memcpy(state->book_id, genesis->book_id, sizeof state->book_id);
    memcpy(state->hash_key, genesis->hash_key, sizeof state->hash_key);
    state->shard = place.shard;
    state->shards = place.shards;
    return 0;
}

static int apply_opened(struct shard_state *state, const struct record_view *record)
{
    const struct record_opened *opened = record->body;
    REQUIRE(opened->epoch > state->epoch, "L1: writer epochs rise");
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    state->epoch = opened->epoch;
    return 0;
}

static int apply_account(struct shard_state *state, const struct record_view *record)
{
    const struct record_account *body = record->body;
    struct slice texts = record->texts;
    struct slice user = record_text(&texts, body->user_bytes);
    uint32_t ref;
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    REQUIRE(user.bytes > 0 && user.bytes <= USER_ID_BYTES_MAX, "a user id has 1 to 64 bytes");
    REQUIRE(user_shard(user, state->shards) == state->shard, "the user is of another shard");
    REQUIRE(shard_symbol(state->users, user) == 0, "the user has an account already");
    REQUIRE(record->head->account == state->accounts_count + 1, "account refs are dense");
    if (state->accounts_count == state->limits.accounts_max)
        return -ERR_LIMIT;
    TRY(symbols_intern(state->users, user, &ref));
    ASSERT(ref == record->head->account);
    state->accounts_count++;
    state->accounts[ref] = (struct shard_account){.bets_last = BET_NONE};
    return 0;
}

int shard_apply_book(struct shard_state *state, const struct record_view *record)
{
    if (record->head->type == RECORD_GENESIS)
        return apply_genesis(state, record);
    if (record->head->type == RECORD_OPENED)
        return apply_opened(state, record);
    return apply_account(state, record);
}

bool shard_status_valid(unsigned status)
{
    return status >= MARKET_ACTIVE && status <= MARKET_CANCELLED;
}

/* Appends the record's selections; there is room (checked by the caller). What was said of all of
 * the market is said of these, too. */
static int add_selections(struct shard_state *state, const struct record_view *record,
                          struct slice *texts, uint64_t opened_version)
{
    const struct record_selection *items = record->items;
    for (size_t i = 0; i < record->head->items_count; i++) {
        struct shard_selection *selection = &state->selections[state->selections_count];
        *selection = (struct shard_selection){.result_version = opened_version};
        TRY(symbols_intern(state->texts, record_text(texts, items[i].id_bytes), &selection->id));
        struct slice name = record_text(texts, items[i].name_bytes);
        if (name.bytes > 0)
            TRY(symbols_intern(state->texts, name, &selection->name));
        state->selections_count++;
    }
    return 0;
}

static int intern_next(struct shard_state *state, struct slice *texts, uint16_t bytes,
                       uint32_t *ret)
{
    struct slice text = record_text(texts, bytes);
    if (text.bytes == 0)
        return 0; /* symbol 0 is the empty text */
    return symbols_intern(state->texts, text, ret);
}

static int check_selection_ids(struct shard_state *state, const struct record_view *record)
{
    const struct record_selection *items = record->items;
    for (size_t i = 0; i < record->head->items_count; i++)
        REQUIRE(items[i].id_bytes > 0 && items[i].id_bytes <= SELECTION_ID_BYTES_MAX &&
                    items[i].name_bytes <= NAME_BYTES_MAX,
                "a selection's texts have their limits");
    return 0;
}

/* The table of texts has room for so many of NAME_BYTES_MAX: a longer one could meet its end in
 * the middle of a record. */
static bool market_texts_valid(const struct record_market *body)
{
    return body->event_bytes <= NAME_BYTES_MAX && body->provider_bytes <= NAME_BYTES_MAX &&
           body->sport_bytes <= NAME_BYTES_MAX && body->event_name_bytes <= NAME_BYTES_MAX &&
           body->name_bytes <= NAME_BYTES_MAX && body->kind_bytes <= NAME_BYTES_MAX;
}

static int check_market(struct shard_state *state, const struct record_view *record)
{
    const struct record_market *body = record->body;
    struct slice id = {record->texts.at, body->market_bytes};
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    REQUIRE(id.bytes > 0 && id.bytes <= MARKET_ID_BYTES_MAX, "a market id has 1 to 120 bytes");
    REQUIRE(shard_symbol(state->market_ids, id) == 0, "the market has a ref already");
    REQUIRE(body->market == state->markets_count + 1, "market refs are dense");
    REQUIRE(shard_status_valid(body->status), "no such market status");
    REQUIRE(record->head->items_count <= SELECTIONS_MAX, "too many selections");
    REQUIRE(market_texts_valid(body), "a market's texts have their limits");
    TRY(check_selection_ids(state, record));
    if (state->markets_count == state->limits.markets_max ||
        state->limits.selections_max - state->selections_count < record->head->items_count ||
        !shard_texts_room(state, 2u * record->head->items_count + 8))
        return -ERR_LIMIT;
    return 0;
}

int shard_apply_market(struct shard_state *state, const struct record_view *record)
{
    const struct record_market *body = record->body;
    struct slice texts = record->texts;
    uint32_t ref = 0;
    TRY(check_market(state, record));
    struct shard_market market = {.selections_first = state->selections_count,
                                  .selections_count = record->head->items_count,
                                  .status = body->status,
                                  .holds = body->holds,
                                  .legs_last = LEG_NONE,
                                  .windows_last = WINDOW_NONE};
    TRY(symbols_intern(state->market_ids, record_text(&texts, body->market_bytes), &ref));
    ASSERT(ref == body->market);
    TRY(intern_next(state, &texts, body->event_bytes, &market.event_id));
    TRY(intern_next(state, &texts, body->provider_bytes, &market.provider));
    TRY(intern_next(state, &texts, body->sport_bytes, &market.sport));
    TRY(intern_next(state, &texts, body->event_name_bytes, &market.event_name));
    TRY(intern_next(state, &texts, body->name_bytes, &market.name));
    TRY(intern_next(state, &texts, body->kind_bytes, &market.kind));
    TRY(add_selections(state, record, &texts, 0));
    state->markets_count++;
    state->markets[ref] = market;
    return 0;
}

int shard_apply_selections(struct shard_state *state, const struct record_view *record)
{
    const struct record_selections *body = record->body;
    struct shard_market *market = shard_market_at(state, body->market);
    REQUIRE(market != NULL, "the market is unknown");
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    REQUIRE(body->first == market->selections_count, "selection numbers are dense");
    REQUIRE(body->first + record->head->items_count <= SELECTIONS_MAX, "too many selections");
    TRY(check_selection_ids(state, record));
    uint32_t total = (uint32_t)market->selections_count + record->head->items_count;
    if (state->limits.selections_max - state->selections_count < total ||
        !shard_texts_room(state, 2u * record->head->items_count))
        return -ERR_LIMIT;
    /* A market's selections stand together, so the old ones move to the end; this is rare. */
    memcpy(&state->selections[state->selections_count],
           &state->selections[market->selections_first],
           market->selections_count * sizeof *state->selections);
    market->selections_first = state->selections_count;
    state->selections_count += market->selections_count;
    struct slice texts = record->texts;
    TRY(add_selections(state, record, &texts, market->opened_version));
    market->selections_count = (uint16_t)total;
    return 0;
}

int shard_apply_fence(struct shard_state *state, const struct record_view *record)
{
    const struct record_fenced *items = record->items;
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    for (size_t i = 0; i < record->head->items_count; i++) {
        const struct shard_market *market = shard_market_at(state, items[i].market);
        REQUIRE(market != NULL, "the fenced market is unknown");
        REQUIRE(shard_status_valid(items[i].status), "no such market status");
        REQUIRE(market->has_result == 0 || items[i].status == market->status,
                "L7: a market with a result does not reopen");
    }
    for (size_t i = 0; i < record->head->items_count; i++) {
        struct shard_market *market = shard_market_at(state, items[i].market);
        market->status = items[i].status;
        market->holds = items[i].holds;
        if (shard_market_effective(market) != MARKET_ACTIVE)
            market->seq_stopped = record->head->seq;
    }
    state->counts.fences++;
    return 0;
}
