/* replay_format.c - contract in replay_format.h. */
#include "feeds/replay/replay_format.h"

#include "base/error.h"
#include "base/instant.h"
#include "base/json_read.h"
#include "base/rfc3339.h"

int replay_format_parse(struct slice word, enum replay_format *ret)
{
    static const struct {
        const char *word;
        enum replay_format format;
    } formats[] = {{"betfair", REPLAY_BETFAIR}, {"uof", REPLAY_UOF}, {"json", REPLAY_JSON}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (slice_is(word, formats[i].word)) {
            *ret = formats[i].format;
            return 0;
        }
    return -ERR_CONFIG;
}

/* `pt` stands before `mc` in every recording seen, so the prices are not read. */
static bool betfair_pt(struct slice line, int64_t *ret_pt_ms)
{
    struct json_reader json;
    struct slice key;
    json_begin(&json, line, NULL, 0);
    json_object_begin(&json);
    while (json_object_next(&json, &key)) {
        if (slice_is(key, "pt"))
            return json_peek(&json) == JSON_NUMBER && json_i64(&json, ret_pt_ms);
        json_skip(&json);
    }
    return false;
}

static bool json_ts(struct slice line, int64_t *ret_pt_ms)
{
    struct json_reader json;
    struct slice key, text;
    struct instant at;
    json_begin(&json, line, NULL, 0);
    json_object_begin(&json);
    while (json_object_next(&json, &key)) {
        if (slice_is(key, "ts")) {
            if (json_peek(&json) != JSON_STRING || !json_string(&json, &text) ||
                rfc3339_parse(text, &at) < 0)
                return false;
            *ret_pt_ms = at.us / US_PER_MS;
            return true;
        }
        json_skip(&json);
    }
    return false;
}

bool replay_format_joins(enum replay_format format)
{
    return format == REPLAY_UOF;
}

/* The root's timestamp. Where another text looks like it the pace is wrong, and nothing else. */
static bool uof_timestamp(struct slice line, int64_t *ret_pt_ms)
{
    static const struct slice name = {" timestamp=", 11};
    const char *at = memmem(line.at, line.bytes, name.at, name.bytes);
    if (at == NULL)
        return false;
    struct slice rest = slice_skip(line, (size_t)(at - line.at) + name.bytes);
    int64_t value = 0;
    size_t i = 1; /* behind the quote */
    for (; i < rest.bytes && rest.at[i] >= '0' && rest.at[i] <= '9'; i++) {
        if (value > INT64_MAX / 10 - 1)
            return false;
        value = value * 10 + (rest.at[i] - '0');
    }
    *ret_pt_ms = value;
    return i > 1;
}

bool replay_format_pt(enum replay_format format, struct slice line, int64_t *ret_pt_ms)
{
    switch (format) {
    case REPLAY_BETFAIR:
        return betfair_pt(line, ret_pt_ms);
    case REPLAY_UOF:
        return uof_timestamp(line, ret_pt_ms);
    case REPLAY_JSON:
        return json_ts(line, ret_pt_ms);
    }
    return false;
}

struct slice replay_format_heartbeat(enum replay_format format)
{
    switch (format) {
    case REPLAY_BETFAIR:
    case REPLAY_JSON:
        return SLICE("{\"op\":\"heartbeat\"}");
    case REPLAY_UOF:
        return SLICE("<heartbeat replay=\"1\"/>");
    }
    return SLICE_NONE;
}
