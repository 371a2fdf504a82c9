/* uof_message.h - one message of the Unified Odds Feed, decoded but not yet applied.
 *
 * Source: FORMATS part 2. A message is decoded whole before anything of it is applied, so that a
 * malformed one has no partial effect. Memory is taken once, for the limits below, and touched only
 * as far as messages need it; slices live until the next decode. Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ids.h"
#include "core/leg_chances.h"
#include "core/odds.h"
#include "core/settle.h"
#include "feeds/uof/uof_xml.h"

/* Limits of one message; beyond them it is refused whole with -ERR_LIMIT. A real one was seen with
 * 34 markets and 876 outcomes (FORMATS 2.11). */
#define UOF_LINE_BYTES_MAX      (4u << 20)
#define UOF_MARKETS_MAX         8192u
#define UOF_OUTCOMES_MAX        65536u
#define UOF_MARKET_OUTCOMES_MAX 1024u /* of a market, which goes on without the rest */
#define UOF_SPECIFIERS_MAX      16u   /* of a market; one with more is refused alone */
#define UOF_PRODUCT_MAX         9999
#define UOF_TIME_MS_MAX         INT64_C(253402300799999) /* the end of the year 9999 */

enum uof_kind {
    UOF_OTHER = 0, /* what we do not know: taken as a sign of life */
    UOF_HEARTBEAT, /* of who brings the messages, see uof_source.h */
    UOF_ALIVE,
    UOF_SNAPSHOT_COMPLETE,
    UOF_ODDS_CHANGE,
    UOF_BET_STOP,
    UOF_BET_SETTLEMENT,
    UOF_ROLLBACK_BET_SETTLEMENT,
    UOF_BET_CANCEL,
    UOF_ROLLBACK_BET_CANCEL,
    UOF_FIXTURE_CHANGE,
};

/* As the feed numbers them (FORMATS 2.3). */
enum uof_market_status {
    UOF_MARKET_ACTIVE = 1,
    UOF_MARKET_INACTIVE = 0,
    UOF_MARKET_SUSPENDED = -1,
    UOF_MARKET_HANDED_OVER = -2,
    UOF_MARKET_SETTLED = -3,
    UOF_MARKET_CANCELLED = -4,
};

struct uof_outcome {
    struct slice id;  /* 1 to SELECTION_ID_BYTES_MAX bytes */
    struct odds odds; /* ODDS_NONE: not offered now */
    struct leg_chances chances;
    bool active;
    bool has_result; /* false and -1, undecided: there is none */
    struct leg_result result;
};

struct uof_market {
    struct slice key;              /* "EVENT/ID" or "EVENT/ID/k=v,k=v"; empty: it cannot be named */
    enum uof_market_status status; /* one that we do not know is as suspended */
    bool refused;                  /* results that a leg cannot have, or two of one outcome */
    bool overfull;                 /* it has outcomes that are not among these */
    bool priced;                   /* an outcome has odds */
    int32_t void_reason;           /* -1: none */
    uint32_t outcomes_first;
    uint32_t outcomes_count;
};

/* sport_event_status; what a message does not say stays as it was. */
struct uof_event_status {
    bool known;
    int32_t status;       /* FORMATS 2.4: 0 not started, 1 live, 3 ended, 4 confirmed, ... */
    int32_t match_status; /* 100: ended in the regular time */
    bool score_known;
    uint16_t score[2]; /* home, away */
    bool cards_known;
    uint8_t red_cards[2];
};

struct uof_message {
    enum uof_kind kind;
    bool replayed; /* heartbeat: of a replay */
    uint16_t product;
    struct slice event_id;
    int64_t timestamp_ms;
    bool has_request;                 /* it answers a recovery */
    int64_t request_id;               /* whose; 0: none */
    bool subscribed;                  /* alive */
    struct slice groups;              /* bet_stop: names joined by | */
    enum uof_market_status stop_with; /* bet_stop */
    uint8_t certainty;                /* bet_settlement: 1 or 2 */
    int64_t start_ms, end_ms;         /* of a cancel; -1: not said. start_ms: also of a fixture */
    bool has_odds;                    /* odds_change: it speaks of markets */
    bool reopened;                    /* odds_change: betting_status, just open again */
    struct uof_event_status event_status;
    struct uof_market *markets; /* owned, UOF_MARKETS_MAX */
    uint32_t markets_count;
    struct uof_outcome *outcomes; /* owned, UOF_OUTCOMES_MAX */
    uint32_t outcomes_count;
    char *texts; /* owned */
    size_t texts_bytes;
    uint64_t limits_reached;  /* ids too long, specifiers too many: of this message */
    uint64_t chances_refused; /* of this message: below 0, above 1, or together above 1 */
    uint64_t prices_refused;  /* no price that can be kept exactly: as if none were offered */
};

/* 0 or -ERR_MEMORY. */
int uof_message_new(struct uof_message **ret);
void uof_message_free(struct uof_message *message); /* accepts NULL */

/* 0; -ERR_FORMAT: no XML, a required attribute is missing, or an attribute is not what it must be;
 * -ERR_LIMIT. The message's content then means nothing. */
int uof_decode(struct uof_xml *xml, struct slice line, struct uof_message *message);
