/* load_markets.c - contract in load_markets.h. A plain table walked from its beginning: a thousand
 * markets at most, and what changes is a handful. */
#include "load/load_markets.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/json_read.h"

int load_markets_new(struct load_markets *ret)
{
    struct load_market *rows = calloc(LOAD_MARKETS_MAX, sizeof *rows);
    if (rows == NULL)
        return -ERR_MEMORY;
    *ret = (struct load_markets){.rows = rows};
    return 0;
}

void load_markets_done(struct load_markets *markets)
{
    free(markets->rows);
    markets->rows = NULL;
}

/* False, and nothing is written, when the text does not fit with its end. */
static bool copy_text(char *to, size_t capacity, struct slice text)
{
    if (text.bytes >= capacity)
        return false;
    if (text.bytes > 0)
        memcpy(to, text.at, text.bytes);
    to[text.bytes] = '\0';
    return true;
}

static struct load_market *find_market(struct load_markets *markets, struct slice id)
{
    for (uint32_t i = 0; i < markets->count; i++)
        if (markets->rows[i].used && slice_is(id, markets->rows[i].id))
            return &markets->rows[i];
    return NULL;
}

static struct load_market *take_market(struct load_markets *markets, struct slice id)
{
    struct load_market *market = find_market(markets, id);
    for (uint32_t i = 0; market == NULL && i < LOAD_MARKETS_MAX; i++)
        if (!markets->rows[i].used)
            market = &markets->rows[i];
    if (market == NULL || id.bytes == 0 || id.bytes >= LOAD_ID_BYTES_MAX) {
        markets->beyond++;
        return NULL;
    }
    if (!market->used) {
        *market = (struct load_market){.used = true};
        (void)copy_text(market->id, sizeof market->id, id);
        uint32_t index = (uint32_t)(market - markets->rows);
        if (index >= markets->count)
            markets->count = index + 1;
    }
    return market;
}

struct selection_news {
    struct slice id, odds, odds_exact, status;
    bool has_odds, no_odds;
};

static void read_selection(struct json_reader *reader, struct selection_news *ret)
{
    struct slice key;
    struct selection_news news = {0};
    if (!json_object_begin(reader))
        return;
    while (json_object_next(reader, &key)) {
        bool is_text = json_peek(reader) == JSON_STRING;
        struct slice raw = SLICE_NONE;
        (void)json_raw(reader, &raw);
        struct slice text = is_text && raw.bytes >= 2 ? slice_of(raw.at + 1, raw.bytes - 2) : raw;
        if (slice_is(key, "id"))
            news.id = text;
        else if (slice_is(key, "status"))
            news.status = text;
        else if (slice_is(key, "odds_exact") && is_text)
            news.odds_exact = text;
        else if (slice_is(key, "odds")) {
            news.odds = text;
            news.has_odds = !is_text && !slice_is(text, "null");
            news.no_odds = !news.has_odds;
        }
    }
    *ret = news;
}

static void apply_selection(struct load_markets *markets, struct load_market *market,
                            const struct selection_news *news)
{
    struct load_selection *row = NULL;
    for (uint32_t i = 0; i < market->selections_count; i++)
        if (slice_is(news->id, market->selections[i].id))
            row = &market->selections[i];
    if (row == NULL) {
        if (market->selections_count == LOAD_SELECTIONS_MAX || news->id.bytes == 0 ||
            news->id.bytes >= LOAD_ID_BYTES_MAX) {
            markets->beyond++;
            return;
        }
        row = &market->selections[market->selections_count++];
        *row = (struct load_selection){.active = true};
        (void)copy_text(row->id, sizeof row->id, news->id);
    }
    if (news->has_odds) {
        if (row->odds[0] != '\0' && !slice_is(news->odds, row->odds))
            markets->moves++;
        memcpy(row->odds_before, row->odds, sizeof row->odds);
        row->odds_exact[0] = '\0';
        if (!copy_text(row->odds, sizeof row->odds, news->odds))
            row->odds[0] = '\0';
        (void)copy_text(row->odds_exact, sizeof row->odds_exact, news->odds_exact);
    }
    if (news->no_odds)
        row->odds[0] = '\0';
    if (news->status.bytes > 0)
        row->active = slice_is(news->status, "active");
}

static void apply_selections(struct load_markets *markets, struct load_market *market,
                             struct slice json)
{
    struct json_reader reader;
    json_begin(&reader, json, NULL, 0);
    if (!json_array_begin(&reader))
        return;
    while (json_array_next(&reader)) {
        struct selection_news news = {0};
        read_selection(&reader, &news);
        if (!reader.failed)
            apply_selection(markets, market, &news);
    }
}

/* What is newer than what is known; an image and a delta differ in nothing here. */
static void apply_news(struct load_markets *markets, const struct load_frame *news)
{
    struct load_market *market = take_market(markets, news->market_id);
    if (market == NULL)
        return;
    if (news->odds_version < market->odds_version) {
        markets->older++;
        return;
    }
    if (news->odds_version > market->odds_version) {
        market->version_before = market->odds_version;
        market->odds_version = news->odds_version;
    }
    markets->changes++;
    if (news->status.bytes > 0)
        market->active = slice_is(news->status, "active");
    if (news->selections.bytes > 0)
        apply_selections(markets, market, news->selections);
}

void load_markets_apply_image(struct load_markets *markets, struct slice json)
{
    struct load_frame news;
    if (load_frame_read(json, &news) == 0 && news.market_id.bytes > 0)
        apply_news(markets, &news);
}

static void apply_snapshot(struct load_markets *markets, struct slice json)
{
    struct json_reader reader;
    struct slice market;
    json_begin(&reader, json, NULL, 0);
    if (!json_array_begin(&reader))
        return;
    while (json_array_next(&reader))
        if (json_raw(&reader, &market))
            load_markets_apply_image(markets, market);
}

void load_markets_apply(struct load_markets *markets, const struct load_frame *frame)
{
    struct load_market *market;
    switch (frame->op) {
    case LOAD_OP_SNAPSHOT:
        apply_snapshot(markets, frame->markets);
        break;
    case LOAD_OP_IMAGE:
        load_markets_apply_image(markets, frame->market);
        break;
    case LOAD_OP_DELTA:
        if (find_market(markets, frame->market_id) != NULL)
            apply_news(markets, frame);
        break;
    case LOAD_OP_REMOVED:
        market = find_market(markets, frame->market_id);
        if (market != NULL)
            market->used = false;
        break;
    case LOAD_OP_OTHER:
    case LOAD_OP_SKIPPED:
    case LOAD_OP_BET:
    case LOAD_OP_BET_UPDATE:
    case LOAD_OP_BALANCE:
    case LOAD_OP_ERROR:
    case LOAD_OP_PONG:
        break;
    }
}

static bool may_be_bet(const struct load_market *market)
{
    return market->used && market->active && market->selections_count > 0;
}

uint32_t load_markets_active(const struct load_markets *markets)
{
    uint32_t active = 0;
    for (uint32_t i = 0; i < markets->count; i++)
        active += may_be_bet(&markets->rows[i]);
    return active;
}

bool load_markets_pick(const struct load_markets *markets, struct prng *prng,
                       const struct load_market **ret_market,
                       const struct load_selection **ret_selection)
{
    if (markets->count == 0)
        return false;
    /* From a random row on: exact evenness is not worth a count of all on each bet. */
    uint32_t from = (uint32_t)prng_below(prng, markets->count);
    for (uint32_t i = 0; i < markets->count; i++) {
        const struct load_market *market = &markets->rows[(from + i) % markets->count];
        if (!may_be_bet(market))
            continue;
        uint32_t first = (uint32_t)prng_below(prng, market->selections_count);
        for (uint32_t k = 0; k < market->selections_count; k++) {
            const struct load_selection *row =
                &market->selections[(first + k) % market->selections_count];
            if (!row->active || row->odds[0] == '\0')
                continue;
            *ret_market = market;
            *ret_selection = row;
            return true;
        }
    }
    return false;
}
