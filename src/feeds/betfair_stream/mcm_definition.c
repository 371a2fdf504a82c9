/* mcm_definition.c - marketDefinition (FORMATS 1.5). A definition replaces the one before it
 * whole, so one without status or runners would wipe a market: it is malformed. */
#include "base/rfc3339.h"
#include "feeds/betfair_stream/mcm_decode.h"

/* What must be there in a runner and in a definition. */
enum { HAS_ID = 1, HAS_STATUS = 2, HAS_RUNNERS = 4 };

static enum mcm_runner_status runner_status(struct slice word)
{
    static const struct {
        const char *word;
        enum mcm_runner_status status;
    } rows[] = {
        {"ACTIVE", MCM_RUNNER_ACTIVE}, {"WINNER", MCM_RUNNER_WINNER},
        {"LOSER", MCM_RUNNER_LOSER},   {"REMOVED", MCM_RUNNER_REMOVED},
        {"PLACED", MCM_RUNNER_PLACED}, {"REMOVED_VACANT", MCM_RUNNER_REMOVED},
        {"HIDDEN", MCM_RUNNER_HIDDEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (slice_is(word, rows[i].word))
            return rows[i].status;
    return MCM_RUNNER_UNKNOWN;
}

static enum mcm_market_status market_status(struct slice word)
{
    if (slice_is(word, "OPEN"))
        return MCM_MARKET_OPEN;
    if (slice_is(word, "SUSPENDED"))
        return MCM_MARKET_SUSPENDED;
    if (slice_is(word, "CLOSED"))
        return MCM_MARKET_CLOSED;
    return slice_is(word, "INACTIVE") ? MCM_MARKET_INACTIVE : MCM_MARKET_UNKNOWN;
}

static enum mcm_betting betting(struct slice word)
{
    if (slice_is(word, "ODDS"))
        return MCM_BETTING_ODDS;
    return slice_begins(word, SLICE("ASIAN_HANDICAP")) ? MCM_BETTING_ASIAN : MCM_BETTING_OTHER;
}

static bool runner_field(struct mcm_decoder *decoder, struct slice key,
                         struct mcm_runner_def *runner, unsigned *has)
{
    bool present;
    struct slice word = SLICE_NONE;
    if (slice_is(key, "id")) {
        *has |= HAS_ID;
        return json_i64(&decoder->json, &runner->id);
    }
    if (slice_is(key, "hc")) {
        runner->hc_milli = 0;
        return mcm_null(decoder) || mcm_milli(decoder, &runner->hc_milli);
    }
    if (slice_is(key, "sortPriority"))
        return mcm_whole(decoder, &present, &runner->sort_priority);
    if (slice_is(key, "name"))
        return mcm_text(decoder, &runner->name);
    if (slice_is(key, "adjustmentFactor"))
        return mcm_null(decoder) || mcm_milli(decoder, &runner->adjustment_milli);
    if (!slice_is(key, "status"))
        return json_skip(&decoder->json);
    *has |= HAS_STATUS;
    if (!json_string(&decoder->json, &word))
        return false;
    runner->status = runner_status(word);
    return true;
}

static bool runner_def(struct mcm_decoder *decoder)
{
    struct mcm_message *message = decoder->message;
    struct slice key;
    unsigned has = 0;
    if (message->runner_defs_count == MCM_RUNNER_DEFS_MAX)
        return mcm_limit(decoder);
    struct mcm_runner_def *runner = &message->runner_defs[message->runner_defs_count++];
    *runner = (struct mcm_runner_def){.name = SLICE_NONE};
    json_object_begin(&decoder->json);
    while (json_object_next(&decoder->json, &key))
        if (!runner_field(decoder, key, runner, &has))
            return false;
    if (has != (HAS_ID | HAS_STATUS))
        json_fail(&decoder->json);
    return !decoder->json.failed;
}

static bool runners(struct mcm_decoder *decoder, struct mcm_definition *ret)
{
    ret->runners_first = decoder->message->runner_defs_count;
    json_array_begin(&decoder->json);
    while (json_array_next(&decoder->json))
        if (!runner_def(decoder))
            return false;
    ret->runners_count = decoder->message->runner_defs_count - ret->runners_first;
    return !decoder->json.failed;
}

/* A time that is not understood is unknown and no reason to lose the prices beside it. */
static bool time_field(struct mcm_decoder *decoder, struct instant *ret)
{
    struct slice text;
    if (!mcm_text(decoder, &text))
        return false;
    if (rfc3339_parse(text, ret) < 0)
        *ret = (struct instant){0};
    return true;
}

static bool version_field(struct mcm_decoder *decoder, uint64_t *ret)
{
    bool present;
    int64_t version = 0;
    if (!mcm_whole(decoder, &present, &version))
        return false;
    if (version < 0)
        json_fail(&decoder->json);
    *ret = (uint64_t)version;
    return version >= 0;
}

static bool bet_delay_field(struct mcm_decoder *decoder, int64_t *ret)
{
    bool present;
    int64_t delay = 0;
    if (!mcm_whole(decoder, &present, &delay))
        return false;
    if (delay < 0 || delay > MCM_BET_DELAY_S_MAX)
        json_fail(&decoder->json);
    *ret = delay;
    return !decoder->json.failed;
}

static bool identity_field(struct mcm_decoder *decoder, struct slice key,
                           struct mcm_definition *ret)
{
    const struct {
        const char *key;
        struct slice *text;
    } rows[] = {
        {"eventId", &ret->event_id},
        {"eventTypeId", &ret->event_type_id},
        {"name", &ret->name},
        {"eventName", &ret->event_name},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (slice_is(key, rows[i].key))
            return mcm_text(decoder, rows[i].text);
    return json_skip(&decoder->json);
}

static bool kind_field(struct mcm_decoder *decoder, struct slice key, struct mcm_definition *ret)
{
    bool present;
    struct slice word;
    if (slice_is(key, "bettingType")) {
        if (!mcm_text(decoder, &word))
            return false;
        ret->betting = betting(word);
        return true;
    }
    if (slice_is(key, "marketType"))
        return mcm_text(decoder, &ret->market_type);
    if (slice_is(key, "eachWayDivisor")) {
        ret->each_way = json_peek(&decoder->json) != JSON_NULL;
        return mcm_null(decoder) || mcm_milli(decoder, &ret->each_way_milli);
    }
    if (slice_is(key, "numberOfWinners"))
        return mcm_whole(decoder, &present, &ret->winners);
    return identity_field(decoder, key, ret);
}

static bool definition_field(struct mcm_decoder *decoder, struct slice key,
                             struct mcm_definition *ret, unsigned *has)
{
    struct slice word;
    if (slice_is(key, "runners")) {
        *has |= HAS_RUNNERS;
        return runners(decoder, ret);
    }
    if (slice_is(key, "status")) {
        *has |= HAS_STATUS;
        if (!json_string(&decoder->json, &word))
            return false;
        ret->status = market_status(word);
        return true;
    }
    if (slice_is(key, "inPlay"))
        return mcm_flag(decoder, &ret->in_play);
    if (slice_is(key, "betDelay"))
        return bet_delay_field(decoder, &ret->bet_delay_s);
    if (slice_is(key, "version"))
        return version_field(decoder, &ret->version);
    if (slice_is(key, "marketTime"))
        return time_field(decoder, &ret->market_time);
    if (slice_is(key, "settledTime"))
        return time_field(decoder, &ret->settled_time);
    return kind_field(decoder, key, ret);
}

bool mcm_definition_decode(struct mcm_decoder *decoder, struct mcm_definition *ret)
{
    struct slice key;
    unsigned has = 0;
    *ret = (struct mcm_definition){.event_id = SLICE_NONE};
    json_object_begin(&decoder->json);
    while (json_object_next(&decoder->json, &key))
        if (!definition_field(decoder, key, ret, &has))
            return false;
    if (has != (HAS_STATUS | HAS_RUNNERS))
        json_fail(&decoder->json);
    if (slice_is(ret->market_type, "EACH_WAY"))
        ret->each_way = true;
    return !decoder->json.failed;
}
