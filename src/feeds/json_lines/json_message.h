/* json_message.h - one message of the JSON feed, decoded and checked as far as it alone can be
 * (json_source.h). Thread: one user. */
#pragma once

#include "base/slice.h"
#include "feeds/json_lines/json_fields.h"
#include "ports/feed_sink.h"

enum json_op {
    JSON_OP_OTHER = 0, /* a kind that is unknown: a sign of life */
    JSON_OP_HEARTBEAT,
    JSON_OP_MARKET,
    JSON_OP_REMOVED,
    JSON_OP_LATE,
    JSON_OP_RESULT,
    JSON_OP_ROLLBACK,
    JSON_OP_CANCEL,
    JSON_OP_UNDO_CANCEL,
};

/* Slices of the line, and of `scratch` where something was escaped. */
struct json_message {
    enum json_op op;
    struct slice provider; /* empty: it names none */
    bool late;
    struct feed_market market; /* its id: of every op but the first two and `late` */
    struct feed_result result;
    struct feed_selection *selections;     /* owned, SELECTIONS_MAX */
    struct feed_selection_result *results; /* owned, SELECTIONS_MAX */
    char *scratch;                         /* owned, JSON_FEED_LINE_BYTES_MAX */
};

/* 0 or -ERR_MEMORY. */
int json_message_new(struct json_message **ret_message);
void json_message_free(struct json_message *message); /* accepts NULL */

/* 0; -ERR_FORMAT; -ERR_LIMIT (a line or a market that is too large). The message borrows the line.
 */
int json_decode(struct slice line, struct json_message *message);

/* Members of a message, for json_decode.c and json_results.c. */
enum json_member {
    MEMBER_OP,
    MEMBER_PROVIDER,
    MEMBER_TS,
    MEMBER_MARKET_ID,
    MEMBER_EVENT_ID,
    MEMBER_EVENT_NAME,
    MEMBER_SPORT,
    MEMBER_NAME,
    MEMBER_KIND,
    MEMBER_STATUS,
    MEMBER_IN_PLAY,
    MEMBER_BET_DELAY_MS,
    MEMBER_VERSION,
    MEMBER_START_TIME,
    MEMBER_WINNERS,
    MEMBER_ANTE_POST,
    MEMBER_EACH_WAY_ONLY,
    MEMBER_PLACE_TERMS,
    MEMBER_SCORE,
    MEMBER_RED_CARDS,
    MEMBER_SELECTIONS,
    MEMBER_RESULT_VERSION,
    MEMBER_CERTAINTY,
    MEMBER_VOID_FROM,
    MEMBER_VOID_UNTIL,
    MEMBER_LATE,
    MEMBERS_COUNT
};

/* The members of `result`, `rollback`, `cancel` and `undo_cancel`, but the market's id. 0,
 * -ERR_FORMAT, -ERR_LIMIT. `reader` has the scratch that is left. */
int json_decode_result(const struct json_fields *fields, struct json_reader *reader,
                       struct json_message *message);

/* For the next element of an array: more than SELECTIONS_MAX are -ERR_LIMIT. */
int json_array_room(size_t count);
