/* replay_format.c - contract in replay_format.h. */
#include "feeds/replay/replay_format.h"

#include "base/error.h"
#include "base/json_read.h"

int replay_format_parse(struct slice word, enum replay_format *ret)
{
    if (slice_is(word, "uof") || slice_is(word, "json"))
        return -ERR_UNSUPPORTED;
    if (!slice_is(word, "betfair"))
        return -ERR_CONFIG;
    *ret = REPLAY_BETFAIR;
    return 0;
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

bool replay_format_pt(enum replay_format format, struct slice line, int64_t *ret_pt_ms)
{
    switch (format) {
    case REPLAY_BETFAIR:
        return betfair_pt(line, ret_pt_ms);
    }
    return false;
}

struct slice replay_format_heartbeat(enum replay_format format)
{
    switch (format) {
    case REPLAY_BETFAIR:
        return SLICE("{\"op\":\"heartbeat\"}");
    }
    return SLICE_NONE;
}
