/* json_decode.c - contract in json_message.h: what a message is, and the image of a market. */
#include <stdlib.h>

#include "base/decimal.h"
#include "base/error.h"
#include "base/reserve.h"
#include "core/ids.h"
#include "core/settle.h"
#include "feeds/json_lines/json_message.h"
#include "feeds/json_lines/json_source.h"

#define VERSION_MAX      ((INT64_C(1) << 53) - 1)
#define BET_DELAY_MS_MAX 60000
#define CHANCE_PLACES    9

static const struct json_field members[MEMBERS_COUNT] = {
    [MEMBER_OP] = {"op", JSON_STRING},
    [MEMBER_PROVIDER] = {"provider", JSON_STRING},
    [MEMBER_TS] = {"ts", JSON_STRING},
    [MEMBER_MARKET_ID] = {"market_id", JSON_STRING},
    [MEMBER_EVENT_ID] = {"event_id", JSON_STRING},
    [MEMBER_EVENT_NAME] = {"event_name", JSON_STRING},
    [MEMBER_SPORT] = {"sport", JSON_STRING},
    [MEMBER_NAME] = {"name", JSON_STRING},
    [MEMBER_KIND] = {"kind", JSON_STRING},
    [MEMBER_STATUS] = {"status", JSON_STRING},
    [MEMBER_IN_PLAY] = {"in_play", JSON_TRUE},
    [MEMBER_BET_DELAY_MS] = {"bet_delay_ms", JSON_NUMBER},
    [MEMBER_VERSION] = {"version", JSON_NUMBER},
    [MEMBER_START_TIME] = {"start_time", JSON_STRING},
    [MEMBER_WINNERS] = {"winners", JSON_NUMBER},
    [MEMBER_ANTE_POST] = {"ante_post", JSON_TRUE},
    [MEMBER_EACH_WAY_ONLY] = {"each_way_only", JSON_TRUE},
    [MEMBER_PLACE_TERMS] = {"place_terms", JSON_OBJECT},
    [MEMBER_SCORE] = {"score", JSON_ARRAY},
    [MEMBER_RED_CARDS] = {"red_cards", JSON_ARRAY},
    [MEMBER_SELECTIONS] = {"selections", JSON_ARRAY},
    [MEMBER_RESULT_VERSION] = {"result_version", JSON_NUMBER},
    [MEMBER_CERTAINTY] = {"certainty", JSON_NUMBER},
    [MEMBER_VOID_FROM] = {"void_from", JSON_STRING},
    [MEMBER_VOID_UNTIL] = {"void_until", JSON_STRING},
    [MEMBER_LATE] = {"late", JSON_TRUE},
};

static enum json_op op_of(struct slice word)
{
    static const char *const words[] = {
        [JSON_OP_HEARTBEAT] = "heartbeat", [JSON_OP_MARKET] = "market",
        [JSON_OP_REMOVED] = "removed",     [JSON_OP_LATE] = "late",
        [JSON_OP_RESULT] = "result",       [JSON_OP_ROLLBACK] = "rollback",
        [JSON_OP_CANCEL] = "cancel",       [JSON_OP_UNDO_CANCEL] = "undo_cancel",
    };
    for (size_t i = JSON_OP_HEARTBEAT; i < sizeof words / sizeof *words; i++)
        if (slice_is(word, words[i]))
            return (enum json_op)i;
    return JSON_OP_OTHER;
}

int json_array_room(size_t count)
{
    return count < SELECTIONS_MAX ? 0 : -ERR_LIMIT;
}

/* ---- a selection ---- */

enum selection_member {
    SELECTION_ID,
    SELECTION_NAME,
    SELECTION_STATUS,
    SELECTION_ODDS,
    SELECTION_ODDS_EXACT,
    SELECTION_CHANCES,
    SELECTION_MEMBERS_COUNT
};
static const struct json_field selection_members[SELECTION_MEMBERS_COUNT] = {
    [SELECTION_ID] = {"id", JSON_STRING},
    [SELECTION_NAME] = {"name", JSON_STRING},
    [SELECTION_STATUS] = {"status", JSON_STRING},
    [SELECTION_ODDS] = {"odds", JSON_NUMBER},
    [SELECTION_ODDS_EXACT] = {"odds_exact", JSON_STRING},
    [SELECTION_CHANCES] = {"chances", JSON_OBJECT},
};

static const struct json_field chance_members[] = {{"win", JSON_NUMBER},
                                                   {"half_win", JSON_NUMBER},
                                                   {"refund", JSON_NUMBER},
                                                   {"half_lose", JSON_NUMBER}};
#define CHANCE_MEMBERS_COUNT (sizeof chance_members / sizeof *chance_members)

static bool take_chance(const struct json_fields *fields, size_t field, uint32_t *ret)
{
    struct decimal value;
    int64_t billionths = 0;
    if (!json_fields_have(fields, field))
        return true;
    if (decimal_parse(fields->text[field], &value) < 0 ||
        decimal_rescale(value, CHANCE_PLACES, &billionths) < 0 || billionths < 0 ||
        billionths > CHANCE_WHOLE)
        return false;
    *ret = (uint32_t)billionths;
    return true;
}

static bool take_chances(const struct json_fields *fields, struct leg_chances *ret)
{
    struct json_reader reader;
    struct json_fields chances;
    uint32_t *const parts[CHANCE_MEMBERS_COUNT] = {&ret->win, &ret->half_win, &ret->refund,
                                                   &ret->half_lose};
    if (!json_fields_have(fields, SELECTION_CHANCES))
        return true;
    json_begin(&reader, fields->text[SELECTION_CHANCES], NULL, 0);
    if (!json_fields_read(&reader, chance_members, CHANCE_MEMBERS_COUNT, &chances) ||
        json_end(&reader) < 0)
        return false;
    for (size_t i = 0; i < CHANCE_MEMBERS_COUNT; i++)
        if (!take_chance(&chances, i, parts[i]))
            return false;
    return leg_chances_valid(*ret);
}

/* The exact price binds; beside it the decimal one is for people. */
static bool take_odds(const struct json_fields *fields, struct odds *ret)
{
    if (json_fields_have(fields, SELECTION_ODDS_EXACT))
        return odds_parse_exact(fields->text[SELECTION_ODDS_EXACT], ret) == 0;
    return !json_fields_have(fields, SELECTION_ODDS) ||
           odds_parse_decimal(fields->text[SELECTION_ODDS], ret) == 0;
}

/* Active with a price, where it says nothing. */
static bool take_status(const struct json_fields *fields, struct feed_selection *ret)
{
    struct slice word = fields->text[SELECTION_STATUS];
    bool said = json_fields_have(fields, SELECTION_STATUS), priced = odds_present(ret->odds);
    if (!said)
        ret->status = priced ? SELECTION_ACTIVE : SELECTION_SUSPENDED;
    else if (slice_is(word, "active") && priced)
        ret->status = SELECTION_ACTIVE;
    else if (slice_is(word, "suspended"))
        ret->status = SELECTION_SUSPENDED;
    else if (slice_is(word, "removed"))
        ret->status = SELECTION_REMOVED;
    else
        return false;
    if (ret->status != SELECTION_ACTIVE)
        ret->odds = ODDS_NONE;
    return true;
}

static bool read_selection(struct json_reader *reader, struct feed_selection *ret)
{
    struct json_fields fields;
    if (!json_fields_read(reader, selection_members, SELECTION_MEMBERS_COUNT, &fields) ||
        !json_fields_have(&fields, SELECTION_ID))
        return false;
    *ret = (struct feed_selection){.odds = ODDS_NONE};
    if (!json_take_text(&fields, SELECTION_ID, SELECTION_ID_BYTES_MAX, &ret->id))
        return false;
    ret->name = ret->id;
    return json_take_text(&fields, SELECTION_NAME, NAME_BYTES_MAX, &ret->name) &&
           take_odds(&fields, &ret->odds) && take_status(&fields, ret) &&
           take_chances(&fields, &ret->chances);
}

static bool is_named(const struct feed_selection *selections, size_t count, struct slice id)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(selections[i].id, id))
            return true;
    return false;
}

/* ---- a market ---- */

static int read_selections(struct json_reader *reader, struct json_message *message)
{
    struct feed_market *market = &message->market;
    json_array_begin(reader);
    while (json_array_next(reader)) {
        struct feed_selection *selection = &message->selections[market->selections_count];
        TRY(json_array_room(market->selections_count));
        if (!read_selection(reader, selection) ||
            is_named(message->selections, market->selections_count, selection->id))
            return -ERR_FORMAT;
        market->selections_count++;
    }
    market->selections = message->selections;
    return json_end(reader);
}

enum place_member { PLACES, PLACE_NUMERATOR, PLACE_DENOMINATOR, PLACE_MEMBERS_COUNT };
static const struct json_field place_members[PLACE_MEMBERS_COUNT] = {
    [PLACES] = {"places", JSON_NUMBER},
    [PLACE_NUMERATOR] = {"numerator", JSON_NUMBER},
    [PLACE_DENOMINATOR] = {"denominator", JSON_NUMBER},
};

static bool take_places(const struct json_fields *fields, struct place_terms *ret)
{
    const struct json_range range = {1, PLACE_TERM_MAX};
    int64_t parts[PLACE_MEMBERS_COUNT] = {0};
    struct json_reader reader;
    struct json_fields terms;
    if (!json_fields_have(fields, MEMBER_PLACE_TERMS))
        return true;
    json_begin(&reader, fields->text[MEMBER_PLACE_TERMS], NULL, 0);
    if (!json_fields_read(&reader, place_members, PLACE_MEMBERS_COUNT, &terms) ||
        json_end(&reader) < 0)
        return false;
    for (size_t i = 0; i < PLACE_MEMBERS_COUNT; i++)
        if (!json_take_number(&terms, i, range, &parts[i]))
            return false;
    *ret = (struct place_terms){(uint8_t)parts[PLACES], (uint8_t)parts[PLACE_NUMERATOR],
                                (uint8_t)parts[PLACE_DENOMINATOR]};
    return place_terms_valid(*ret);
}

static bool take_texts(const struct json_fields *fields, struct feed_market *market)
{
    market->name = market->id;
    market->event_name = market->event_id;
    market->sport = market->kind = SLICE("other");
    return json_take_text(fields, MEMBER_EVENT_NAME, NAME_BYTES_MAX, &market->event_name) &&
           json_take_text(fields, MEMBER_SPORT, PROVIDER_ID_BYTES_MAX, &market->sport) &&
           json_take_text(fields, MEMBER_NAME, NAME_BYTES_MAX, &market->name) &&
           json_take_text(fields, MEMBER_KIND, NAME_BYTES_MAX, &market->kind);
}

static bool take_numbers(const struct json_fields *fields, struct feed_market *market)
{
    int64_t delay_ms = 0, version = 0, winners = 0;
    int64_t score[2] = {0, 0}, cards[2] = {0, 0};
    if (!json_take_number(fields, MEMBER_BET_DELAY_MS, (struct json_range){0, BET_DELAY_MS_MAX},
                          &delay_ms) ||
        !json_take_number(fields, MEMBER_VERSION, (struct json_range){0, VERSION_MAX}, &version) ||
        !json_take_number(fields, MEMBER_WINNERS, (struct json_range){0, UINT8_MAX}, &winners) ||
        !json_take_pair(fields, MEMBER_SCORE, UINT8_MAX, score) ||
        !json_take_pair(fields, MEMBER_RED_CARDS, UINT8_MAX, cards))
        return false;
    market->bet_delay_us = delay_ms * US_PER_MS;
    market->provider_version = (uint64_t)version;
    market->winners = (uint8_t)winners;
    for (size_t side = 0; side < 2; side++) {
        market->score[side] = (uint8_t)score[side];
        market->red_cards[side] = (uint8_t)cards[side];
    }
    return true;
}

/* "settled" is no word of a feed: results are told, and say so themselves. */
static bool take_market(const struct json_fields *fields, struct feed_market *market)
{
    struct slice status = fields->text[MEMBER_STATUS];
    if (!json_fields_have(fields, MEMBER_EVENT_ID) ||
        !json_fields_have(fields, MEMBER_SELECTIONS) ||
        !json_take_text(fields, MEMBER_EVENT_ID, EVENT_ID_BYTES_MAX, &market->event_id) ||
        !market_status_parse(status, &market->status) || market->status == MARKET_SETTLED)
        return false;
    json_take_bool(fields, MEMBER_IN_PLAY, &market->in_play);
    json_take_bool(fields, MEMBER_ANTE_POST, &market->ante_post);
    json_take_bool(fields, MEMBER_EACH_WAY_ONLY, &market->each_way_only);
    return take_texts(fields, market) && take_numbers(fields, market) &&
           take_places(fields, &market->place_terms) &&
           json_take_instant(fields, MEMBER_TS, &market->feed_time) &&
           json_take_instant(fields, MEMBER_START_TIME, &market->start_time) &&
           (!market->each_way_only || market->place_terms.places > 0);
}

/* ---- a message ---- */

static bool has_market(enum json_op op)
{
    return op != JSON_OP_OTHER && op != JSON_OP_HEARTBEAT && op != JSON_OP_LATE;
}

static bool take_common(const struct json_fields *fields, struct json_message *message)
{
    struct slice id = SLICE_NONE;
    if (!json_fields_have(fields, MEMBER_OP) ||
        !json_take_text(fields, MEMBER_PROVIDER, PROVIDER_ID_BYTES_MAX, &message->provider))
        return false;
    message->op = op_of(fields->text[MEMBER_OP]);
    if (!has_market(message->op))
        return message->op != JSON_OP_LATE || json_fields_have(fields, MEMBER_LATE);
    if (!json_fields_have(fields, MEMBER_MARKET_ID) ||
        !json_take_text(fields, MEMBER_MARKET_ID, MARKET_ID_BYTES_MAX, &id))
        return false;
    message->market.id = id;
    return true;
}

static int decode_kind(const struct json_fields *fields, struct json_reader *reader,
                       struct json_message *message)
{
    switch (message->op) {
    case JSON_OP_MARKET:
        return take_market(fields, &message->market) ? read_selections(reader, message)
                                                     : -ERR_FORMAT;
    case JSON_OP_RESULT:
    case JSON_OP_ROLLBACK:
    case JSON_OP_CANCEL:
    case JSON_OP_UNDO_CANCEL:
        return json_decode_result(fields, reader, message);
    case JSON_OP_LATE:
        json_take_bool(fields, MEMBER_LATE, &message->late);
        return 0;
    case JSON_OP_OTHER:
    case JSON_OP_HEARTBEAT:
    case JSON_OP_REMOVED:
        break;
    }
    return 0;
}

int json_decode(struct slice line, struct json_message *message)
{
    struct json_reader reader, inner;
    struct json_fields fields;
    if (line.bytes > JSON_FEED_LINE_BYTES_MAX)
        return -ERR_LIMIT;
    message->provider = SLICE_NONE;
    message->late = false;
    message->market = (struct feed_market){.selections_count = 0};
    json_begin(&reader, line, message->scratch, JSON_FEED_LINE_BYTES_MAX);
    if (!json_fields_read(&reader, members, MEMBERS_COUNT, &fields) || json_end(&reader) < 0 ||
        !take_common(&fields, message))
        return -ERR_FORMAT;
    struct slice selections =
        json_fields_have(&fields, MEMBER_SELECTIONS) ? fields.text[MEMBER_SELECTIONS] : SLICE("[]");
    json_begin(&inner, selections, message->scratch + reader.scratch_used,
               JSON_FEED_LINE_BYTES_MAX - reader.scratch_used);
    return decode_kind(&fields, &inner, message);
}

int json_message_new(struct json_message **ret_message)
{
    struct json_message *message = calloc(1, sizeof *message);
    if (message == NULL)
        return -ERR_MEMORY;
    message->selections = calloc(SELECTIONS_MAX, sizeof *message->selections);
    message->results = calloc(SELECTIONS_MAX, sizeof *message->results);
    message->scratch = reserve_new(JSON_FEED_LINE_BYTES_MAX, 1);
    if (message->selections == NULL || message->results == NULL || message->scratch == NULL) {
        json_message_free(message);
        return -ERR_MEMORY;
    }
    *ret_message = message;
    return 0;
}

void json_message_free(struct json_message *message)
{
    if (message == NULL)
        return;
    reserve_free(message->scratch, JSON_FEED_LINE_BYTES_MAX, 1);
    free(message->selections);
    free(message->results);
    free(message);
}
