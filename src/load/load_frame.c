/* load_frame.c - contract in load_frame.h. */
#include "load/load_frame.h"

#include "base/decimal.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/rfc3339.h"

static const struct {
    const char *text;
    enum load_op op;
} ops[] = {
    {"delta", LOAD_OP_DELTA},           {"snapshot", LOAD_OP_SNAPSHOT},
    {"image", LOAD_OP_IMAGE},           {"skipped", LOAD_OP_SKIPPED},
    {"removed", LOAD_OP_REMOVED},       {"bet", LOAD_OP_BET},
    {"bet_update", LOAD_OP_BET_UPDATE}, {"balance", LOAD_OP_BALANCE},
    {"error", LOAD_OP_ERROR},           {"pong", LOAD_OP_PONG},
};

static struct slice read_text(struct json_reader *reader)
{
    struct slice raw;
    if (!json_raw(reader, &raw) || raw.bytes < 2 || raw.at[0] != '"')
        return SLICE_NONE;
    struct slice inside = slice_of(raw.at + 1, raw.bytes - 2);
    return memchr(inside.at, '\\', inside.bytes) == NULL ? inside : SLICE_NONE;
}

static uint64_t read_count(struct json_reader *reader)
{
    int64_t value = 0;
    return json_i64(reader, &value) && value > 0 ? (uint64_t)value : 0;
}

static enum load_op read_op(struct json_reader *reader)
{
    struct slice text = read_text(reader);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (slice_is(text, ops[i].text))
            return ops[i].op;
    return LOAD_OP_OTHER;
}

/* The moments that a frame may carry, the best one last: the provider's, the version's, the
 * message's receipt. */
static bool read_stamp(struct json_reader *reader, struct slice key, struct load_frame *frame)
{
    static const char *const names[] = {"feed_ts", "updated_at", "received_at"};
    int rank = -1, rank_had = -1;
    for (int i = 0; i < 3; i++) {
        if (slice_is(key, names[i]))
            rank = i;
        if (slice_is(frame->stamp_name, names[i]))
            rank_had = i;
    }
    if (rank < 0)
        return false;
    struct instant at;
    struct slice text = read_text(reader);
    if (rank > rank_had && text.bytes > 0 && rfc3339_parse(text, &at) == 0) {
        frame->stamp = at;
        frame->stamp_name = slice_text(names[rank]);
    }
    return true;
}

static void read_member(struct json_reader *reader, struct slice key, struct load_frame *frame)
{
    const struct {
        const char *name;
        struct slice *to;
    } texts[] = {{"channel", &frame->channel},
                 {"market_id", &frame->market_id},
                 {"status", &frame->status},
                 {"id", &frame->id}},
      raws[] = {{"markets", &frame->markets},
                {"market", &frame->market},
                {"selections", &frame->selections},
                {"bet", &frame->bet}};
    for (size_t i = 0; i < 4; i++) {
        if (slice_is(key, texts[i].name) && json_peek(reader) == JSON_STRING) {
            *texts[i].to = read_text(reader);
            return;
        }
        if (slice_is(key, raws[i].name)) {
            (void)json_raw(reader, raws[i].to);
            return;
        }
    }
    if (slice_is(key, "code")) {
        if (json_peek(reader) == JSON_STRING)
            frame->code = read_text(reader);
        else
            (void)json_raw(reader, &frame->code);
    } else if (slice_is(key, "seq") && json_peek(reader) == JSON_NUMBER) {
        frame->has_seq = true;
        frame->seq = read_count(reader);
    } else if (slice_is(key, "odds_version") && json_peek(reader) == JSON_NUMBER) {
        frame->odds_version = read_count(reader);
    } else if (slice_is(key, "changes") && json_peek(reader) == JSON_NUMBER) {
        frame->changes = read_count(reader);
    } else if (slice_is(key, "op")) {
        frame->op = read_op(reader);
    } else if (!read_stamp(reader, key, frame)) {
        (void)json_skip(reader);
    }
}

int load_frame_read(struct slice text, struct load_frame *ret)
{
    struct json_reader reader;
    struct slice key;
    struct load_frame frame = {0};
    json_begin(&reader, text, NULL, 0);
    if (!json_object_begin(&reader))
        return -ERR_FORMAT;
    while (json_object_next(&reader, &key))
        read_member(&reader, key, &frame);
    TRY(json_end(&reader));
    *ret = frame;
    return 0;
}

struct slice load_frame_find_text(struct slice json, struct slice quoted_name)
{
    const char *at = memmem(json.at, json.bytes, quoted_name.at, quoted_name.bytes);
    if (at == NULL)
        return SLICE_NONE;
    const char *end = json.at + json.bytes;
    at += quoted_name.bytes;
    while (at < end && (*at == ':' || *at == ' '))
        at++;
    if (at == end || *at != '"')
        return SLICE_NONE;
    const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
    return close == NULL ? SLICE_NONE : slice_of(at + 1, (size_t)(close - at - 1));
}
