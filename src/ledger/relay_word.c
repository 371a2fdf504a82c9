/* relay_word.c - contract in relay_word.h. */
#include "ledger/relay_word.h"

#include "base/assert.h"
#include "base/error.h"
#include "core/settle.h"
#include "ledger/record_encode.h"

/* ---- at the desk ---- */

bool relay_is_word(const struct record_view *record)
{
    if (record->head->type == RECORD_FENCE)
        return ((const struct record_fence *)record->body)->cause == FENCE_TRADER;
    if (record->head->type == RECORD_LIMITS)
        return ((const struct record_limits *)record->body)->scope != LIMIT_OF_PLAYER;
    return record->head->type == RECORD_RESULT;
}

static bool pack_market(const struct shard_state *state, uint32_t ref, struct buf *out)
{
    const struct shard_market *market = shard_state_market(state, (struct market_ref){ref});
    struct record_selection items[SELECTIONS_MAX];
    struct slice texts[7 + 2 * SELECTIONS_MAX] = {
        shard_state_market_id(state, (struct market_ref){ref}),
        shard_state_text(state, market->event_id),
        shard_state_text(state, market->provider),
        shard_state_text(state, market->sport),
        shard_state_text(state, market->event_name),
        shard_state_text(state, market->name),
        shard_state_text(state, market->kind)};
    const struct record_market body = {.market = ref,
                                       .status = market->status,
                                       .holds = market->holds,
                                       .market_bytes = (uint16_t)texts[0].bytes,
                                       .event_bytes = (uint16_t)texts[1].bytes,
                                       .provider_bytes = (uint16_t)texts[2].bytes,
                                       .sport_bytes = (uint16_t)texts[3].bytes,
                                       .event_name_bytes = (uint16_t)texts[4].bytes,
                                       .name_bytes = (uint16_t)texts[5].bytes,
                                       .kind_bytes = (uint16_t)texts[6].bytes};
    for (uint16_t i = 0; i < market->selections_count; i++) {
        const struct shard_selection *s = shard_state_selection(state, (struct market_ref){ref}, i);
        struct slice *pair = &texts[7 + 2 * i];
        pair[0] = shard_state_text(state, s->id);
        pair[1] = shard_state_text(state, s->name);
        items[i] = (struct record_selection){(uint16_t)pair[0].bytes, (uint16_t)pair[1].bytes, 0};
    }
    const struct record_draft draft = {.type = RECORD_MARKET,
                                       .body = &body,
                                       .items = items,
                                       .items_count = market->selections_count,
                                       .texts = texts,
                                       .texts_count = 7 + 2u * market->selections_count};
    return record_encode(out, &draft) != NULL;
}

static bool pack_markets(const struct shard_state *state, const struct record_view *record,
                         struct buf *out)
{
    const struct record_fenced *fenced = record->items;
    bool fits = true;
    if (record->head->type == RECORD_RESULT)
        return pack_market(state, ((const struct record_result *)record->body)->market, out);
    if (record->head->type == RECORD_LIMITS) {
        uint32_t market = ((const struct record_limits *)record->body)->market;
        return market == 0 || pack_market(state, market, out);
    }
    for (uint16_t i = 0; i < record->head->items_count && fits; i++)
        fits = pack_market(state, fenced[i].market, out);
    return fits && record->head->items_count <= RELAY_MARKETS_MAX;
}

bool relay_word_pack(const struct shard_state *state, const struct record_view *record,
                     struct buf *out)
{
    size_t begin = out->bytes;
    ASSERT(relay_is_word(record));
    if (pack_markets(state, record, out) && out->capacity - out->bytes >= record->head->bytes) {
        buf_put(out, record->head, record->head->bytes);
        if (out->bytes - begin <= RELAY_WORD_BYTES_MAX)
            return true;
    }
    out->bytes = begin;
    return false;
}

/* ---- in the shard ---- */

const struct record_view *relay_word_market(const struct relay_word *word, uint32_t desk_ref)
{
    for (uint32_t i = 0; i < word->markets_count; i++)
        if (((const struct record_market *)word->markets[i].body)->market == desk_ref)
            return &word->markets[i];
    return NULL;
}

struct slice relay_market_id(const struct record_view *market)
{
    return slice_of(market->texts.at, ((const struct record_market *)market->body)->market_bytes);
}

struct slice relay_selection_texts(const struct record_view *market)
{
    const struct record_market *m = market->body;
    return slice_skip(market->texts, (size_t)m->market_bytes + m->event_bytes + m->provider_bytes +
                                         m->sport_bytes + m->event_name_bytes + m->name_bytes +
                                         m->kind_bytes);
}

static bool market_fits(const struct record_view *market)
{
    const struct record_selection *items = market->items;
    struct slice id = relay_market_id(market);
    if (market->head->items_count > SELECTIONS_MAX || id.bytes == 0 ||
        id.bytes > MARKET_ID_BYTES_MAX)
        return false;
    for (uint16_t i = 0; i < market->head->items_count; i++)
        if (items[i].id_bytes == 0 || items[i].id_bytes > SELECTION_ID_BYTES_MAX ||
            items[i].name_bytes > NAME_BYTES_MAX)
            return false;
    return true;
}

static bool fence_fits(const struct relay_word *word)
{
    const struct record_fence *body = word->record.body;
    const struct record_fenced *items = word->record.items;
    if (body->actor_bytes > USER_ID_BYTES_MAX || body->reason_bytes > REASON_BYTES_MAX ||
        word->record.head->items_count == 0 || word->record.head->items_count > RELAY_MARKETS_MAX)
        return false;
    for (uint16_t i = 0; i < word->record.head->items_count; i++)
        if (relay_word_market(word, items[i].market) == NULL ||
            (items[i].holds & ~HOLD_TRADER) != 0)
            return false;
    return true;
}

static bool result_fits(const struct relay_word *word)
{
    const struct record_result *body = word->record.body;
    const struct record_selection_result *items = word->record.items;
    const struct record_view *market = relay_word_market(word, body->market);
    uint16_t count = word->record.head->items_count;
    if (market == NULL || count > market->head->items_count ||
        body->actor_bytes > USER_ID_BYTES_MAX || body->reason_bytes > REASON_BYTES_MAX ||
        (body->cause != FENCE_FEED && body->cause != FENCE_TRADER) || body->kind < RESULT_SET ||
        body->kind > RESULT_UNDO_CANCEL)
        return false;
    for (uint16_t i = 0; i < count; i++)
        if (items[i].reason_bytes > REASON_BYTES_MAX)
            return false;
    return true;
}

static bool limits_fit(const struct relay_word *word)
{
    const struct record_limits *body = word->record.body;
    bool of_market = body->scope == LIMIT_OF_MARKET;
    return body->actor_bytes <= USER_ID_BYTES_MAX && body->reason_bytes <= REASON_BYTES_MAX &&
           body->id_bytes <= NAME_BYTES_MAX && body->removed <= 1 &&
           (of_market || body->scope == LIMIT_OF_EVENT || body->scope == LIMIT_OF_SPORT) &&
           of_market == (body->market != 0) && of_market == (body->id_bytes == 0) &&
           (!of_market || relay_word_market(word, body->market) != NULL);
}

static bool word_fits(const struct relay_word *word)
{
    const struct record_head *head = word->record.head;
    if (!relay_is_word(&word->record) || head->account != 0 || head->postings_count != 0)
        return false;
    return head->type == RECORD_FENCE    ? fence_fits(word)
           : head->type == RECORD_RESULT ? result_fits(word)
                                         : limits_fit(word);
}

int relay_word_read(struct slice records, struct relay_word *ret)
{
    *ret = (struct relay_word){.markets_count = 0};
    if (records.bytes > RELAY_WORD_BYTES_MAX)
        return -ERR_FORMAT;
    for (;;) {
        struct record_view view;
        if (record_view_of(records.at, records.bytes, &view) < 0)
            return -ERR_FORMAT;
        records = slice_skip(records, view.head->bytes);
        if (view.head->type != RECORD_MARKET) {
            ret->record = view;
            return records.bytes == 0 && word_fits(ret) ? 0 : -ERR_FORMAT;
        }
        if (ret->markets_count == RELAY_MARKETS_MAX || !market_fits(&view))
            return -ERR_FORMAT;
        ret->markets[ret->markets_count++] = view;
    }
}
