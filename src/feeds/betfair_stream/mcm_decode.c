/* mcm_decode.c - contract in mcm_message.h. The hot path is runner_change and rows: a busy
 * second of a race is thousands of ladder rows. */
#include "feeds/betfair_stream/mcm_decode.h"

#include <stdlib.h>

#include "base/decimal.h"
#include "base/error.h"
#include "base/rfc3339.h"

#define PRICE_SCALE     3
#define PRICE_MILLI_MAX 2000000000
#define SIZE_SCALE      2
#define PT_MS_MAX       (RFC3339_US_MAX / US_PER_MS)
#define STATUS_LATE     503

/* --- shared by the decoder's files --- */

bool mcm_limit(struct mcm_decoder *decoder)
{
    decoder->limit = true;
    json_fail(&decoder->json);
    return false;
}

bool mcm_null(struct mcm_decoder *decoder)
{
    return json_peek(&decoder->json) == JSON_NULL && json_null(&decoder->json);
}

static bool refuse(struct mcm_decoder *decoder)
{
    json_fail(&decoder->json);
    return false;
}

bool mcm_milli(struct mcm_decoder *decoder, int32_t *ret_milli)
{
    struct slice digits;
    struct decimal value;
    int64_t milli;
    if (!json_number(&decoder->json, &digits))
        return false;
    if (decimal_parse(digits, &value) < 0 || decimal_rescale(value, PRICE_SCALE, &milli) < 0)
        return refuse(decoder);
    if (milli < -PRICE_MILLI_MAX || milli > PRICE_MILLI_MAX)
        return refuse(decoder);
    *ret_milli = (int32_t)milli;
    return true;
}

bool mcm_text(struct mcm_decoder *decoder, struct slice *ret_text)
{
    *ret_text = SLICE_NONE;
    return mcm_null(decoder) || json_string(&decoder->json, ret_text);
}

bool mcm_flag(struct mcm_decoder *decoder, bool *ret_flag)
{
    *ret_flag = false;
    return mcm_null(decoder) || json_bool(&decoder->json, ret_flag);
}

bool mcm_whole(struct mcm_decoder *decoder, bool *ret_has, int64_t *ret)
{
    *ret_has = !mcm_null(decoder);
    return !*ret_has || json_i64(&decoder->json, ret);
}

/* --- rows --- */

/* Rounded up, so that a size which is not nothing never reads as "remove". */
static bool size_cents(struct mcm_decoder *decoder, uint32_t *ret_cents)
{
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    struct slice digits;
    struct decimal value;
    int64_t cents;
    if (!json_number(&decoder->json, &digits))
        return false;
    if (decimal_parse(digits, &value) < 0 || value.mantissa < 0)
        return refuse(decoder);
    if (value.scale > SIZE_SCALE) {
        int64_t divisor = powers[value.scale - SIZE_SCALE];
        cents = value.mantissa / divisor + (value.mantissa % divisor != 0);
    } else if (decimal_rescale(value, SIZE_SCALE, &cents) < 0) {
        return refuse(decoder);
    }
    *ret_cents = cents > UINT32_MAX ? UINT32_MAX : (uint32_t)cents;
    return true;
}

static bool level(struct mcm_decoder *decoder, uint8_t *ret_level)
{
    int64_t value;
    if (!json_array_next(&decoder->json) || !json_i64(&decoder->json, &value))
        return refuse(decoder);
    if (value < 0 || value >= LADDER_LEVELS_MAX)
        return refuse(decoder);
    *ret_level = (uint8_t)value;
    return true;
}

/* [price, size] or [level, price, size]. */
static bool row(struct mcm_decoder *decoder, bool by_level, struct mcm_row *ret)
{
    struct json_reader *json = &decoder->json;
    json_array_begin(json);
    if (by_level && !level(decoder, &ret->level))
        return false;
    if (!json_array_next(json) || !mcm_milli(decoder, &ret->price_milli))
        return refuse(decoder);
    if (!json_array_next(json) || !size_cents(decoder, &ret->size_cents))
        return refuse(decoder);
    return !json_array_next(json) ? !json->failed : refuse(decoder);
}

static bool rows(struct mcm_decoder *decoder, enum ladder_kind ladder)
{
    struct mcm_message *message = decoder->message;
    json_array_begin(&decoder->json);
    while (json_array_next(&decoder->json)) {
        if (message->rows_count == MCM_ROWS_MAX)
            return mcm_limit(decoder);
        struct mcm_row *at = &message->rows[message->rows_count++];
        *at = (struct mcm_row){.ladder = (uint8_t)ladder};
        if (!row(decoder, ladder >= LADDER_BATB, at))
            return false;
    }
    return !decoder->json.failed;
}

/* trd, spb, spl: not kept, but a message in which they are broken is broken. Their prices may
 * have any number of places: once the starting price is fixed, the bets on it stand at it
 * (38.387036360669896 in 1-206064380.bz2). */
static bool unused_rows(struct mcm_decoder *decoder)
{
    struct slice ignored;
    json_array_begin(&decoder->json);
    while (json_array_next(&decoder->json)) {
        int numbers = 0;
        json_array_begin(&decoder->json);
        while (json_array_next(&decoder->json) && json_number(&decoder->json, &ignored))
            numbers++;
        if (numbers != 2)
            return refuse(decoder);
    }
    return !decoder->json.failed;
}

/* --- runner changes --- */

/* "NaN" and "Infinity" stand in number places (FORMATS 1.4): unknown. */
static bool number_or_word(struct mcm_decoder *decoder)
{
    struct slice ignored;
    enum json_kind kind = json_peek(&decoder->json);
    if (kind == JSON_NULL || kind == JSON_STRING)
        return json_skip(&decoder->json);
    return json_number(&decoder->json, &ignored);
}

static bool last_traded(struct mcm_decoder *decoder, struct mcm_runner_change *change)
{
    change->has_ltp = true;
    change->ltp_milli = 0;
    enum json_kind kind = json_peek(&decoder->json);
    if (kind == JSON_STRING)
        return json_skip(&decoder->json);
    change->has_ltp = kind != JSON_NULL;
    return kind == JSON_NULL ? json_null(&decoder->json) : mcm_milli(decoder, &change->ltp_milli);
}

static bool ladder_field(struct mcm_decoder *decoder, struct slice key, bool *ret_known)
{
    static const char *const names[LADDERS_COUNT] = {
        [LADDER_ATB] = "atb",   [LADDER_ATL] = "atl",     [LADDER_BATB] = "batb",
        [LADDER_BATL] = "batl", [LADDER_BDATB] = "bdatb", [LADDER_BDATL] = "bdatl",
    };
    *ret_known = true;
    for (int i = 0; i < LADDERS_COUNT; i++)
        if (slice_is(key, names[i]))
            return mcm_null(decoder) || rows(decoder, (enum ladder_kind)i);
    if (slice_is(key, "trd") || slice_is(key, "spb") || slice_is(key, "spl"))
        return mcm_null(decoder) || unused_rows(decoder);
    *ret_known = false;
    return true;
}

static bool change_field(struct mcm_decoder *decoder, struct slice key,
                         struct mcm_runner_change *change, bool *has_id)
{
    bool known;
    if (slice_is(key, "id")) {
        *has_id = true;
        return json_i64(&decoder->json, &change->id);
    }
    if (!ladder_field(decoder, key, &known) || known)
        return !decoder->json.failed;
    if (slice_is(key, "ltp"))
        return last_traded(decoder, change);
    if (slice_is(key, "hc")) {
        change->hc_milli = 0;
        return mcm_null(decoder) || mcm_milli(decoder, &change->hc_milli);
    }
    if (slice_is(key, "tv") || slice_is(key, "spn") || slice_is(key, "spf"))
        return number_or_word(decoder);
    return json_skip(&decoder->json);
}

static bool runner_change(struct mcm_decoder *decoder)
{
    struct mcm_message *message = decoder->message;
    struct slice key;
    bool has_id = false;
    if (message->changes_count == MCM_RUNNER_CHANGES_MAX)
        return mcm_limit(decoder);
    struct mcm_runner_change *change = &message->changes[message->changes_count++];
    *change = (struct mcm_runner_change){.rows_first = message->rows_count};
    json_object_begin(&decoder->json);
    while (json_object_next(&decoder->json, &key))
        if (!change_field(decoder, key, change, &has_id))
            return false;
    change->rows_count = message->rows_count - change->rows_first;
    return has_id ? !decoder->json.failed : refuse(decoder);
}

static bool runner_changes(struct mcm_decoder *decoder, struct mcm_market_change *market)
{
    market->changes_first = decoder->message->changes_count;
    market->changes_count = 0;
    if (mcm_null(decoder))
        return true;
    json_array_begin(&decoder->json);
    while (json_array_next(&decoder->json))
        if (!runner_change(decoder))
            return false;
    market->changes_count = decoder->message->changes_count - market->changes_first;
    return !decoder->json.failed;
}

/* --- market changes --- */

static bool market_field(struct mcm_decoder *decoder, struct slice key,
                         struct mcm_market_change *market)
{
    if (slice_is(key, "id"))
        return json_string(&decoder->json, &market->id);
    if (slice_is(key, "rc"))
        return runner_changes(decoder, market);
    if (slice_is(key, "img"))
        return mcm_flag(decoder, &market->image);
    if (slice_is(key, "tv"))
        return number_or_word(decoder);
    if (!slice_is(key, "marketDefinition"))
        return json_skip(&decoder->json);
    market->has_definition = !mcm_null(decoder);
    return !market->has_definition || mcm_definition_decode(decoder, &market->definition);
}

static bool market_change(struct mcm_decoder *decoder)
{
    struct mcm_message *message = decoder->message;
    struct slice key;
    if (message->markets_count == MCM_MARKETS_MAX)
        return mcm_limit(decoder);
    struct mcm_market_change *market = &message->markets[message->markets_count++];
    *market = (struct mcm_market_change){.id = SLICE_NONE};
    json_object_begin(&decoder->json);
    while (json_object_next(&decoder->json, &key))
        if (!market_field(decoder, key, market))
            return false;
    if (market->id.bytes == 0 || market->id.bytes > MCM_MARKET_ID_BYTES_MAX)
        return refuse(decoder);
    return !decoder->json.failed;
}

static bool market_changes(struct mcm_decoder *decoder)
{
    decoder->message->markets_count = 0;
    if (mcm_null(decoder))
        return true;
    json_array_begin(&decoder->json);
    while (json_array_next(&decoder->json))
        if (!market_change(decoder))
            return false;
    return !decoder->json.failed;
}

/* --- the message --- */

static bool change_type(struct mcm_decoder *decoder)
{
    struct slice word;
    enum mcm_change_type *type = &decoder->message->change_type;
    if (!mcm_text(decoder, &word))
        return false;
    *type = MCM_UPDATE;
    if (slice_is(word, "SUB_IMAGE"))
        *type = MCM_SUB_IMAGE;
    else if (slice_is(word, "RESUB_DELTA"))
        *type = MCM_RESUB_DELTA;
    else if (slice_is(word, "HEARTBEAT"))
        *type = MCM_HEARTBEAT;
    return true;
}

static bool segment(struct mcm_decoder *decoder)
{
    struct slice word;
    enum mcm_segment *segment = &decoder->message->segment;
    if (!mcm_text(decoder, &word))
        return false;
    *segment = MCM_WHOLE;
    if (slice_is(word, "SEG_START"))
        *segment = MCM_SEG_START;
    else if (slice_is(word, "SEG"))
        *segment = MCM_SEG;
    else if (slice_is(word, "SEG_END"))
        *segment = MCM_SEG_END;
    else if (word.bytes > 0)
        return refuse(decoder); /* whether the image is complete would be a guess */
    return true;
}

static bool publish_time(struct mcm_decoder *decoder)
{
    struct mcm_message *message = decoder->message;
    if (!mcm_whole(decoder, &message->has_pt, &message->pt_ms))
        return false;
    if (message->has_pt && (message->pt_ms < 0 || message->pt_ms > PT_MS_MAX))
        return refuse(decoder);
    return true;
}

static bool status(struct mcm_decoder *decoder)
{
    bool has;
    int64_t code = 0;
    if (!mcm_whole(decoder, &has, &code))
        return false;
    decoder->message->late = has && code == STATUS_LATE;
    return true;
}

static bool message_field(struct mcm_decoder *decoder, struct slice key)
{
    struct mcm_message *message = decoder->message;
    if (slice_is(key, "mc"))
        return market_changes(decoder);
    if (slice_is(key, "pt"))
        return publish_time(decoder);
    if (slice_is(key, "clk"))
        return mcm_text(decoder, &message->clk);
    if (slice_is(key, "id"))
        return mcm_whole(decoder, &message->has_id, &message->id);
    if (slice_is(key, "ct"))
        return change_type(decoder);
    if (slice_is(key, "status"))
        return status(decoder);
    if (slice_is(key, "segmentType"))
        return segment(decoder);
    if (slice_is(key, "initialClk"))
        return mcm_text(decoder, &message->initial_clk);
    return json_skip(&decoder->json);
}

/* Other operations are only looked at as far as their `op`; it comes first in every message
 * seen, and where it does not, what stands before it is read as in an mcm. */
static bool fields(struct mcm_decoder *decoder)
{
    struct slice key;
    struct slice op = SLICE_NONE;
    bool other = false;
    json_object_begin(&decoder->json);
    while (json_object_next(&decoder->json, &key)) {
        if (slice_is(key, "op")) {
            if (!json_string(&decoder->json, &op))
                return false;
            other = !slice_is(op, "mcm");
        } else if (!(other ? json_skip(&decoder->json) : message_field(decoder, key))) {
            return false;
        }
    }
    decoder->message->op = other ? MCM_OP_OTHER : MCM_OP_MCM;
    return op.bytes > 0;
}

static void clear(struct mcm_message *message)
{
    struct mcm_message empty = {
        .markets = message->markets,
        .runner_defs = message->runner_defs,
        .changes = message->changes,
        .rows = message->rows,
        .scratch = message->scratch,
    };
    *message = empty;
}

int mcm_decode(struct mcm_message *message, struct slice line)
{
    if (line.bytes > MCM_LINE_BYTES_MAX)
        return -ERR_LIMIT;
    struct mcm_decoder decoder = {.message = message};
    clear(message);
    json_begin(&decoder.json, line, message->scratch, MCM_LINE_BYTES_MAX);
    if (!fields(&decoder))
        json_fail(&decoder.json);
    int result = json_end(&decoder.json);
    return decoder.limit ? -ERR_LIMIT : result;
}

int mcm_message_new(struct mcm_message **ret)
{
    struct mcm_message *message = calloc(1, sizeof *message);
    if (message == NULL)
        return -ERR_MEMORY;
    message->markets = calloc(MCM_MARKETS_MAX, sizeof *message->markets);
    message->runner_defs = calloc(MCM_RUNNER_DEFS_MAX, sizeof *message->runner_defs);
    message->changes = calloc(MCM_RUNNER_CHANGES_MAX, sizeof *message->changes);
    message->rows = calloc(MCM_ROWS_MAX, sizeof *message->rows);
    message->scratch = calloc(1, MCM_LINE_BYTES_MAX);
    if (message->markets == NULL || message->runner_defs == NULL || message->changes == NULL ||
        message->rows == NULL || message->scratch == NULL) {
        mcm_message_free(message);
        return -ERR_MEMORY;
    }
    *ret = message;
    return 0;
}

void mcm_message_free(struct mcm_message *message)
{
    if (message == NULL)
        return;
    free(message->markets);
    free(message->runner_defs);
    free(message->changes);
    free(message->rows);
    free(message->scratch);
    free(message);
}
