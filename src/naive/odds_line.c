/* odds_line.c - one line of the feed: contract in odds_feed.h. */
#include "base/json_write.h"
#include "naive/odds_feed.h"

#define SCRATCH_BYTES 16384

struct selection {
    struct slice id, name, status, odds;
};

static bool has_no_zero(struct slice text)
{
    return text.bytes == 0 || memchr(text.at, '\0', text.bytes) == NULL; /* JSONB takes none */
}

static bool read_selection(struct json_reader *reader, struct selection *ret)
{
    struct slice key;
    *ret = (struct selection){.id = SLICE_NONE};
    if (!json_object_begin(reader))
        return false;
    while (json_object_next(reader, &key)) {
        if (slice_is(key, "id"))
            (void)json_string(reader, &ret->id);
        else if (slice_is(key, "name"))
            (void)json_string(reader, &ret->name);
        else if (slice_is(key, "status"))
            (void)json_string(reader, &ret->status);
        else if (slice_is(key, "odds") && json_peek(reader) == JSON_NUMBER)
            (void)json_number(reader, &ret->odds);
        else
            (void)json_skip(reader);
    }
    struct odds odds;
    return !reader->failed && ret->id.bytes > 0 && ret->id.bytes <= SELECTION_ID_BYTES_MAX &&
           has_no_zero(ret->id) && has_no_zero(ret->name) && has_no_zero(ret->status) &&
           ret->name.bytes <= NAME_BYTES_MAX &&
           ret->status.bytes < sizeof((struct odds_line *)0)->status &&
           (ret->odds.bytes == 0 || odds_parse_decimal(ret->odds, &odds) == 0);
}

static void write_selection(struct json_writer *writer, const struct selection *selection)
{
    struct slice status = selection->status;
    if (status.bytes == 0)
        status = selection->odds.bytes > 0 ? SLICE("active") : SLICE("suspended");
    json_write_object_open(writer);
    json_write_key(writer, "id");
    json_write_text(writer, selection->id);
    json_write_key(writer, "name");
    json_write_text(writer, selection->name);
    json_write_key(writer, "odds");
    json_write_raw(writer, selection->odds.bytes > 0 ? selection->odds : SLICE("null"));
    json_write_key(writer, "status");
    json_write_text(writer, status);
    json_write_object_close(writer);
}

static bool read_selections(struct json_reader *reader, struct buf *out)
{
    struct json_writer writer = json_write_begin(out);
    struct selection selection;
    int count = 0;
    if (!json_array_begin(reader))
        return false;
    json_write_array_open(&writer);
    while (json_array_next(reader)) {
        if (++count > SELECTIONS_MAX || !read_selection(reader, &selection))
            return false;
        write_selection(&writer, &selection);
    }
    json_write_array_close(&writer);
    buf_put_char(out, '\0');
    return !reader->failed && !out->overflow;
}

static enum odds_line_kind kind_of(struct slice op)
{
    if (slice_is(op, "market"))
        return ODDS_LINE_MARKET;
    if (slice_is(op, "removed"))
        return ODDS_LINE_REMOVED;
    return slice_is(op, "result") ? ODDS_LINE_RESULT : ODDS_LINE_OTHER;
}

static bool take_text(struct slice text, char *ret, size_t bytes)
{
    if (text.bytes == 0 || text.bytes >= bytes || !has_no_zero(text))
        return false;
    memcpy(ret, text.at, text.bytes);
    ret[text.bytes] = '\0';
    return true;
}

/* What the line is, and of whom; which members count is told by `op`, wherever it stands. */
static bool read_head(struct slice line, char *scratch, struct odds_line *ret,
                      struct slice *ret_selections)
{
    struct json_reader reader;
    struct slice key, op = SLICE_NONE, market = SLICE_NONE, status = SLICE_NONE;
    json_begin(&reader, line, scratch, SCRATCH_BYTES);
    if (!json_object_begin(&reader))
        return false;
    while (json_object_next(&reader, &key)) {
        if (slice_is(key, "op"))
            (void)json_string(&reader, &op);
        else if (slice_is(key, "market_id"))
            (void)json_string(&reader, &market);
        else if (slice_is(key, "status"))
            (void)json_string(&reader, &status);
        else if (slice_is(key, "selections"))
            (void)json_raw(&reader, ret_selections);
        else
            (void)json_skip(&reader);
    }
    if (json_end(&reader) < 0 || op.bytes == 0)
        return false;
    ret->kind = kind_of(op);
    if (ret->kind == ODDS_LINE_REMOVED)
        status = SLICE("closed");
    return ret->kind == ODDS_LINE_OTHER || ret->kind == ODDS_LINE_RESULT ||
           (take_text(market, ret->market, sizeof ret->market) &&
            take_text(status, ret->status, sizeof ret->status));
}

bool odds_line_read(struct slice line, struct buf *selections, struct settlement_order *ret_order,
                    struct odds_line *ret)
{
    char scratch[SCRATCH_BYTES];
    struct json_reader reader;
    struct slice array = SLICE_NONE;
    if (!read_head(line, scratch, ret, &array))
        return false;
    switch (ret->kind) {
    case ODDS_LINE_MARKET:
        json_begin(&reader, array, scratch, sizeof scratch);
        return read_selections(&reader, selections) && json_end(&reader) == 0;
    case ODDS_LINE_RESULT:
        json_begin(&reader, line, scratch, sizeof scratch);
        return settlement_order_read(&reader, ret_order) && json_end(&reader) == 0;
    case ODDS_LINE_OTHER:
    case ODDS_LINE_REMOVED:
        break;
    }
    return true;
}
