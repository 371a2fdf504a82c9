/* json_results.c - contract in json_message.h: results, their corrections, and windows of time. */
#include "base/error.h"
#include "core/dead_heat.h"
#include "core/ids.h"
#include "feeds/json_lines/json_message.h"

#define RESULT_VERSION_MAX ((INT64_C(1) << 53) - 1)
#define POSITION_MAX       UINT16_MAX
#define CERTAINTY_MAX      2

enum result_member {
    RESULT_SELECTION,
    RESULT_WORD,
    RESULT_DEAD_HEAT,
    RESULT_POSITION,
    RESULT_TIED,
    RESULT_WITHDRAWN_AT,
    RESULT_REASON,
    RESULT_MEMBERS_COUNT
};
static const struct json_field result_members[RESULT_MEMBERS_COUNT] = {
    [RESULT_SELECTION] = {"selection_id", JSON_STRING},
    [RESULT_WORD] = {"result", JSON_STRING},
    [RESULT_DEAD_HEAT] = {"dead_heat", JSON_ARRAY},
    [RESULT_POSITION] = {"position", JSON_NUMBER},
    [RESULT_TIED] = {"tied", JSON_NUMBER},
    [RESULT_WITHDRAWN_AT] = {"withdrawn_at", JSON_STRING},
    [RESULT_REASON] = {"reason", JSON_STRING},
};

static enum result_kind kind_of(enum json_op op)
{
    return op == JSON_OP_RESULT     ? RESULT_SET
           : op == JSON_OP_ROLLBACK ? RESULT_ROLLBACK
           : op == JSON_OP_CANCEL   ? RESULT_CANCEL
                                    : RESULT_UNDO_CANCEL;
}

/* "OPEN" is a result that there is not (any more). */
static bool take_word(const struct json_fields *fields, struct feed_selection_result *ret)
{
    struct slice word = fields->text[RESULT_WORD];
    int64_t share[2] = {1, 1};
    ret->open = slice_is(word, "OPEN");
    ret->result = LEG_LOST; /* does not count where it is open */
    if ((!ret->open && !leg_result_parse(word, &ret->result)) ||
        !json_take_pair(fields, RESULT_DEAD_HEAT, DEAD_HEAT_TERM_MAX, share))
        return false;
    ret->result.dead_heat_numerator = (uint16_t)share[0];
    ret->result.dead_heat_denominator = (uint16_t)share[1];
    return leg_result_valid(ret->result);
}

static bool take_place(const struct json_fields *fields, struct feed_selection_result *ret)
{
    int64_t position = 0, tied = 0;
    if (!json_take_number(fields, RESULT_POSITION, (struct json_range){1, POSITION_MAX},
                          &position) ||
        !json_take_number(fields, RESULT_TIED, (struct json_range){1, DEAD_HEAT_TERM_MAX}, &tied) ||
        (tied > 0 && position == 0))
        return false;
    ret->position = (uint32_t)position;
    ret->tied = (uint32_t)tied;
    return true;
}

static bool read_selection(struct json_reader *reader, struct feed_selection_result *ret)
{
    struct json_fields fields;
    *ret = (struct feed_selection_result){.open = false};
    if (!json_fields_read(reader, result_members, RESULT_MEMBERS_COUNT, &fields) ||
        !json_fields_have(&fields, RESULT_SELECTION) ||
        !json_take_text(&fields, RESULT_SELECTION, SELECTION_ID_BYTES_MAX, &ret->selection_id) ||
        !json_take_text(&fields, RESULT_REASON, REASON_BYTES_MAX, &ret->reason) ||
        !json_take_instant(&fields, RESULT_WITHDRAWN_AT, &ret->withdrawn_at))
        return false;
    /* Who did not run is void, whatever else is said. */
    return take_word(&fields, ret) && take_place(&fields, ret) &&
           (ret->withdrawn_at.us == 0 || ret->result.void_halves == 2);
}

static bool is_named(const struct json_message *message, struct slice id)
{
    for (size_t i = 0; i < message->result.selections_count; i++)
        if (slice_equal(message->results[i].selection_id, id))
            return true;
    return false;
}

static int read_selections(struct json_reader *reader, struct json_message *message)
{
    struct feed_result *result = &message->result;
    json_array_begin(reader);
    while (json_array_next(reader)) {
        struct feed_selection_result *next = &message->results[result->selections_count];
        TRY(json_array_room(result->selections_count));
        if (!read_selection(reader, next) || is_named(message, next->selection_id))
            return -ERR_FORMAT;
        /* What a rollback names is open again; a result says what it is. */
        if (result->kind == RESULT_ROLLBACK && !next->open)
            return -ERR_FORMAT;
        result->selections_count++;
    }
    return json_end(reader);
}

static bool take_window(const struct json_fields *fields, struct feed_result *result)
{
    return json_fields_have(fields, MEMBER_VOID_FROM) &&
           json_fields_have(fields, MEMBER_VOID_UNTIL) &&
           json_take_instant(fields, MEMBER_VOID_FROM, &result->void_from) &&
           json_take_instant(fields, MEMBER_VOID_UNTIL, &result->void_until) &&
           result->void_from.us < result->void_until.us;
}

static bool take_head(const struct json_fields *fields, struct feed_result *result)
{
    int64_t version = 0, certainty = 0, score[2] = {0, 0};
    if (!json_fields_have(fields, MEMBER_RESULT_VERSION) ||
        !json_take_number(fields, MEMBER_RESULT_VERSION, (struct json_range){1, RESULT_VERSION_MAX},
                          &version) ||
        !json_take_number(fields, MEMBER_CERTAINTY, (struct json_range){1, CERTAINTY_MAX},
                          &certainty) ||
        !json_take_pair(fields, MEMBER_SCORE, UINT16_MAX, score) ||
        !json_take_instant(fields, MEMBER_TS, &result->feed_time))
        return false;
    result->result_version = (uint64_t)version;
    result->certainty = (uint8_t)certainty;
    result->score_known = result->kind == RESULT_SET && json_fields_have(fields, MEMBER_SCORE);
    result->score[0] = (uint16_t)score[0];
    result->score[1] = (uint16_t)score[1];
    return true;
}

int json_decode_result(const struct json_fields *fields, struct json_reader *reader,
                       struct json_message *message)
{
    struct feed_result *result = &message->result;
    *result = (struct feed_result){.market_id = message->market.id, .kind = kind_of(message->op)};
    bool window = result->kind == RESULT_CANCEL || result->kind == RESULT_UNDO_CANCEL;
    if (!take_head(fields, result) || (window && !take_window(fields, result)))
        return -ERR_FORMAT;
    if (!window)
        TRY(read_selections(reader, message));
    result->selections = message->results;
    return result->kind != RESULT_SET || result->selections_count > 0 ? 0 : -ERR_FORMAT;
}
