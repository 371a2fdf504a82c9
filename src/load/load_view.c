/* load_view.c - contract in load_view.h. */
#include "load/load_view.h"

#include "base/decimal.h"
#include "base/json_read.h"
#include "load/load_frame.h"

const char *const load_view_selections[LOAD_MATCH_SELECTIONS] = {"home", "draw", "away"};

static uint32_t cents_of(struct slice digits)
{
    struct decimal value;
    int64_t cents = 0;
    if (decimal_parse(digits, &value) < 0 || decimal_rescale(value, 2, &cents) < 0 || cents < 0 ||
        cents > UINT32_MAX)
        return 0;
    return (uint32_t)cents;
}

static void read_selection(struct json_reader *reader, struct load_view *view)
{
    struct slice key, id = SLICE_NONE, odds = SLICE_NONE;
    if (!json_object_begin(reader))
        return;
    while (json_object_next(reader, &key)) {
        if (slice_is(key, "id") && json_peek(reader) == JSON_STRING)
            (void)json_string(reader, &id);
        else if (slice_is(key, "odds") && json_peek(reader) == JSON_NUMBER)
            (void)json_number(reader, &odds);
        else
            (void)json_skip(reader);
    }
    for (size_t i = 0; i < LOAD_MATCH_SELECTIONS; i++)
        if (slice_is(id, load_view_selections[i]))
            view->cents[i] = odds.bytes == 0 ? 0 : cents_of(odds);
}

static bool apply(struct load_view *view, const struct load_frame *news)
{
    struct json_reader reader;
    if (news->market_id.bytes == 0)
        return false;
    view->odds_version = news->odds_version;
    if (news->status.bytes > 0)
        view->active = slice_is(news->status, "active");
    if (news->selections.bytes == 0)
        return true;
    json_begin(&reader, news->selections, NULL, 0);
    json_array_begin(&reader);
    while (json_array_next(&reader))
        read_selection(&reader, view);
    return true;
}

bool load_view_read(struct load_view *view, struct slice json)
{
    struct load_frame news;
    return load_frame_read(json, &news) == 0 && apply(view, &news);
}

/* A snapshot of the channel of one market has just that one. */
static bool apply_snapshot(struct load_view *view, struct slice markets)
{
    struct json_reader reader;
    struct slice market;
    json_begin(&reader, markets, NULL, 0);
    return json_array_begin(&reader) && json_array_next(&reader) && json_raw(&reader, &market) &&
           load_view_read(view, market);
}

bool load_view_message(struct load_view *view, struct slice json)
{
    struct load_frame frame;
    if (load_frame_read(json, &frame) < 0)
        return false;
    switch (frame.op) {
    case LOAD_OP_SNAPSHOT:
        return apply_snapshot(view, frame.markets);
    case LOAD_OP_IMAGE:
        return load_view_read(view, frame.market);
    case LOAD_OP_DELTA:
        return apply(view, &frame);
    case LOAD_OP_OTHER:
    case LOAD_OP_SKIPPED:
    case LOAD_OP_REMOVED:
    case LOAD_OP_BET:
    case LOAD_OP_BET_UPDATE:
    case LOAD_OP_BALANCE:
    case LOAD_OP_ERROR:
    case LOAD_OP_PONG:
        break;
    }
    return false;
}
