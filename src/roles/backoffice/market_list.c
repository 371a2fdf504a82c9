/* market_list.c - contract in market_list.h. */
#include "roles/backoffice/market_list.h"

#include "base/json_write.h"
#include "base/rfc3339.h"
#include "core/odds_json.h"

/* A market as it is shown, as the ledger knows it, or both. */
struct row {
    const struct odds_image *image; /* NULL: no feed shows it */
    struct market_ref ref;          /* n = 0: the ledger does not know it */
    const struct shard_market *market;
    const struct shard_state *state;
};

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void put_number(struct json_writer *writer, const char *key, uint64_t value)
{
    json_write_key(writer, key);
    json_write_u64(writer, value);
}

static void put_flag(struct json_writer *writer, const char *key, bool value)
{
    json_write_key(writer, key);
    json_write_bool(writer, value);
}

/* ---- its selections ---- */

static void put_result(struct json_writer *writer, const struct row *row, uint16_t selection)
{
    if (row->ref.n == 0 || selection >= row->market->selections_count)
        return;
    const struct record_selection_result *result =
        &shard_state_selection(row->state, row->ref, selection)->result;
    if (result->win.known != 1)
        return;
    put_text(writer, "result",
             slice_text(leg_outcome_text(leg_result_outcome(record_factors(result->win)))));
    if (result->position != 0)
        put_number(writer, "position", result->position);
    if (result->withdrawn_at_us != 0)
        put_flag(writer, "withdrawn", true);
}

static void put_shown_selection(struct json_writer *writer, const struct row *row,
                                const struct odds_selection *selection)
{
    struct slice id = slice_of(selection->id, selection->id_bytes);
    json_write_object_open(writer);
    put_text(writer, "id", id);
    put_text(writer, "name", slice_of(selection->name, selection->name_bytes));
    odds_json_put(writer, selection->odds);
    put_text(writer, "status",
             slice_text(selection_status_text((enum selection_status)selection->status)));
    if (row->ref.n != 0)
        put_result(writer, row, shard_state_find_selection(row->state, row->ref, id));
    json_write_object_close(writer);
}

static void put_known_selection(struct json_writer *writer, const struct row *row, uint16_t index)
{
    const struct shard_selection *selection = shard_state_selection(row->state, row->ref, index);
    json_write_object_open(writer);
    put_text(writer, "id", shard_state_text(row->state, selection->id));
    put_text(writer, "name", shard_state_text(row->state, selection->name));
    odds_json_put(writer, ODDS_NONE);
    put_result(writer, row, index);
    json_write_object_close(writer);
}

static void put_selections(struct json_writer *writer, const struct row *row)
{
    json_write_key(writer, "selections");
    json_write_array_open(writer);
    if (row->image != NULL)
        for (uint16_t i = 0; i < row->image->selections_count; i++)
            put_shown_selection(writer, row, &row->image->selections[i]);
    else
        for (uint16_t i = 0; i < row->market->selections_count; i++)
            put_known_selection(writer, row, i);
    json_write_array_close(writer);
}

/* ---- the market ---- */

static void put_start(struct json_writer *writer, struct instant start)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    rfc3339_write(&text, start);
    if (start.us != 0 && !text.overflow)
        put_text(writer, "start_time", buf_slice(&text));
}

static void put_shown(struct json_writer *writer, const struct odds_image *image)
{
    put_text(writer, "market_id", ODDS_TEXT(image, market_id));
    put_text(writer, "event_id", ODDS_TEXT(image, event_id));
    put_text(writer, "event_name", ODDS_TEXT(image, event_name));
    put_text(writer, "sport", ODDS_TEXT(image, sport));
    put_text(writer, "name", ODDS_TEXT(image, name));
    put_text(writer, "kind", ODDS_TEXT(image, kind));
    put_text(writer, "status", slice_text(market_status_text((enum market_status)image->status)));
    put_flag(writer, "shown", true);
    put_flag(writer, "held", (image->holds & HOLD_TRADER) != 0);
    put_flag(writer, "in_play", image->in_play);
    put_number(writer, "places", image->place_terms.places);
    put_start(writer, image->start_time);
}

static void put_known(struct json_writer *writer, const struct row *row)
{
    const struct shard_market *market = row->market;
    put_text(writer, "market_id", shard_state_market_id(row->state, row->ref));
    put_text(writer, "event_id", shard_state_text(row->state, market->event_id));
    put_text(writer, "event_name", shard_state_text(row->state, market->event_name));
    put_text(writer, "sport", shard_state_text(row->state, market->sport));
    put_text(writer, "name", shard_state_text(row->state, market->name));
    put_text(writer, "kind", shard_state_text(row->state, market->kind));
    put_text(writer, "status", slice_text(market_status_text((enum market_status)market->status)));
    put_flag(writer, "shown", false);
    put_flag(writer, "held", (market->holds & HOLD_TRADER) != 0);
    put_flag(writer, "in_play", false);
    put_number(writer, "places", 0);
}

static void put_row(struct json_writer *writer, const struct row *row)
{
    static const struct shard_market unknown;
    const struct shard_market *market = row->market != NULL ? row->market : &unknown;
    json_write_object_open(writer);
    if (row->image != NULL)
        put_shown(writer, row->image);
    else
        put_known(writer, row);
    put_number(writer, "result_version", market->newest_version);
    put_flag(writer, "has_result", market->has_result != 0);
    put_number(writer, "bets", market->bets_count);
    put_number(writer, "bets_unsettled", market->bets_unsettled);
    put_selections(writer, row);
    json_write_object_close(writer);
}

static struct row row_of(const struct market_list_sources *sources, const struct odds_image *image,
                         struct slice market_id)
{
    struct row row = {.image = image, .state = sources->state};
    row.ref = shard_state_find_market(sources->state, market_id);
    if (row.ref.n != 0)
        row.market = shard_state_market(sources->state, row.ref);
    return row;
}

void market_list_write(struct buf *out, const struct market_list_sources *sources, uint64_t cursor)
{
    struct odds_store *store = sources->store;
    struct json_writer writer = json_write_begin(out);
    size_t slots = store->ops->slots(store), slot = cursor < slots ? (size_t)cursor : slots;
    size_t end = slots - slot > MARKET_LIST_SLOTS_MAX ? slot + MARKET_LIST_SLOTS_MAX : slots;
    json_write_object_open(&writer);
    json_write_key(&writer, "markets");
    json_write_array_open(&writer);
    for (; slot < end && out->bytes < MARKET_LIST_PAGE_BYTES; slot++) {
        const struct odds_image *image = store->ops->at(store, slot);
        if (image == NULL)
            continue;
        const struct row row = row_of(sources, image, ODDS_TEXT(image, market_id));
        put_row(&writer, &row);
    }
    json_write_array_close(&writer);
    json_write_key(&writer, "next_cursor");
    if (slot < slots)
        json_write_u64(&writer, slot);
    else
        json_write_null(&writer);
    json_write_object_close(&writer);
}

void market_list_write_one(struct buf *out, const struct market_list_sources *sources,
                           struct slice market_id)
{
    struct json_writer writer = json_write_begin(out);
    const struct odds_image *image = sources->store->ops->get(sources->store, market_id);
    const struct row row = row_of(sources, image, market_id);
    json_write_object_open(&writer);
    json_write_key(&writer, "markets");
    json_write_array_open(&writer);
    if (row.image != NULL || row.ref.n != 0)
        put_row(&writer, &row);
    json_write_array_close(&writer);
    json_write_key(&writer, "next_cursor");
    json_write_null(&writer);
    json_write_object_close(&writer);
}
