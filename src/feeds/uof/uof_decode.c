/* uof_decode.c - contract in uof_message.h: from elements and attributes to a message.
 * Every attribute that we read is checked where it stands; those that we do not know, and elements
 * where they do not belong, are passed over, as the feed's rules want it. */
#include "feeds/uof/uof_message.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "feeds/uof/uof_key.h"
#include "feeds/uof/uof_number.h"

/* Texts are copied out of the document, and each market's key is a text of its own. */
#define TEXTS_BYTES (UOF_LINE_BYTES_MAX + UOF_MARKETS_MAX * MARKET_ID_BYTES_MAX)

enum element {
    ELEMENT_OTHER = 0,
    ELEMENT_ROOT,
    ELEMENT_STATUS,     /* sport_event_status */
    ELEMENT_STATISTICS, /* of it */
    ELEMENT_LIST,       /* odds, outcomes: holds markets */
    ELEMENT_MARKET,
    ELEMENT_OUTCOME,
};

struct decoder {
    struct uof_message *message;
    enum element path[UOF_DEPTH_MAX + 1]; /* by depth */
};

int uof_message_new(struct uof_message **ret)
{
    struct uof_message *message = calloc(1, sizeof *message);
    if (message == NULL)
        return -ERR_MEMORY;
    message->markets = reserve_new(UOF_MARKETS_MAX, sizeof *message->markets);
    message->outcomes = reserve_new(UOF_OUTCOMES_MAX, sizeof *message->outcomes);
    message->texts = reserve_new(TEXTS_BYTES, 1);
    if (message->markets == NULL || message->outcomes == NULL || message->texts == NULL) {
        uof_message_free(message);
        return -ERR_MEMORY;
    }
    *ret = message;
    return 0;
}

void uof_message_free(struct uof_message *message)
{
    if (message == NULL)
        return;
    reserve_free(message->markets, UOF_MARKETS_MAX, sizeof *message->markets);
    reserve_free(message->outcomes, UOF_OUTCOMES_MAX, sizeof *message->outcomes);
    reserve_free(message->texts, TEXTS_BYTES, 1);
    free(message);
}

/* ---- attributes ---- */

struct attributes {
    const char *const *at;
};

static bool find(struct attributes attributes, const char *name, struct slice *ret)
{
    for (size_t i = 0; attributes.at[i] != NULL; i += 2)
        if (strcmp(attributes.at[i], name) == 0) {
            *ret = slice_text(attributes.at[i + 1]);
            return true;
        }
    return false;
}

/* Leaves *value as it is when there is none. */
static int take_whole(struct attributes attributes, const char *name, int64_t min, int64_t max,
                      int64_t *value)
{
    struct slice text;
    return !find(attributes, name, &text) || uof_whole(text, min, max, value) ? 0 : -ERR_FORMAT;
}

static int take_needed(struct attributes attributes, const char *name, int64_t min, int64_t max,
                       int64_t *value)
{
    struct slice text;
    return find(attributes, name, &text) && uof_whole(text, min, max, value) ? 0 : -ERR_FORMAT;
}

/* "0", "1", and as xsd:boolean. */
static int take_flag(struct attributes attributes, const char *name, bool *value)
{
    struct slice text;
    if (!find(attributes, name, &text))
        return 0;
    bool yes = slice_is(text, "1") || slice_is(text, "true");
    if (!yes && !slice_is(text, "0") && !slice_is(text, "false"))
        return -ERR_FORMAT;
    *value = yes;
    return 0;
}

/* A copy that lives as long as the message. */
static int keep(struct uof_message *message, struct slice text, struct slice *ret)
{
    if (text.bytes > TEXTS_BYTES - message->texts_bytes)
        return -ERR_LIMIT;
    char *at = message->texts + message->texts_bytes;
    memcpy(at, text.at, text.bytes);
    message->texts_bytes += text.bytes;
    *ret = slice_of(at, text.bytes);
    return 0;
}

/* ---- the root ---- */

static enum uof_kind kind_of(const char *name)
{
    static const struct {
        const char *name;
        enum uof_kind kind;
    } rows[] = {
        {"odds_change", UOF_ODDS_CHANGE},
        {"bet_stop", UOF_BET_STOP},
        {"bet_settlement", UOF_BET_SETTLEMENT},
        {"rollback_bet_settlement", UOF_ROLLBACK_BET_SETTLEMENT},
        {"bet_cancel", UOF_BET_CANCEL},
        {"rollback_bet_cancel", UOF_ROLLBACK_BET_CANCEL},
        {"fixture_change", UOF_FIXTURE_CHANGE},
        {"alive", UOF_ALIVE},
        {"snapshot_complete", UOF_SNAPSHOT_COMPLETE},
        {"heartbeat", UOF_HEARTBEAT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(name, rows[i].name) == 0)
            return rows[i].kind;
    return UOF_OTHER;
}

static enum uof_market_status status_of(int64_t number)
{
    return number >= UOF_MARKET_CANCELLED && number <= UOF_MARKET_ACTIVE
               ? (enum uof_market_status)number
               : UOF_MARKET_SUSPENDED;
}

static int take_event(struct uof_message *message, struct attributes attributes)
{
    struct slice id;
    if (!find(attributes, "event_id", &id) || !uof_id_valid(id, EVENT_ID_BYTES_MAX))
        return -ERR_FORMAT;
    return keep(message, id, &message->event_id);
}

static int take_bet_stop(struct uof_message *message, struct attributes attributes)
{
    struct slice groups;
    int64_t status = UOF_MARKET_SUSPENDED;
    if (!find(attributes, "groups", &groups) || groups.bytes == 0)
        return -ERR_FORMAT;
    TRY(take_whole(attributes, "market_status", INT8_MIN, INT8_MAX, &status));
    message->stop_with = status_of(status);
    if (message->stop_with == UOF_MARKET_ACTIVE)
        message->stop_with = UOF_MARKET_SUSPENDED; /* no stop opens anything */
    return keep(message, groups, &message->groups);
}

static int take_alive(struct uof_message *message, struct attributes attributes)
{
    int64_t subscribed;
    TRY(take_needed(attributes, "subscribed", 0, 1, &subscribed));
    message->subscribed = subscribed == 1;
    return 0;
}

static int take_certainty(struct uof_message *message, struct attributes attributes)
{
    int64_t certainty = 1; /* old samples have none (FORMATS 2.6) */
    TRY(take_whole(attributes, "certainty", 1, 2, &certainty));
    message->certainty = (uint8_t)certainty;
    return 0;
}

static int take_times(struct uof_message *message, struct attributes attributes)
{
    TRY(take_whole(attributes, "start_time", 0, UOF_TIME_MS_MAX, &message->start_ms));
    return take_whole(attributes, "end_time", 0, UOF_TIME_MS_MAX, &message->end_ms);
}

static int take_own(struct uof_message *message, struct attributes attributes)
{
    switch (message->kind) {
    case UOF_ALIVE:
        return take_alive(message, attributes);
    case UOF_BET_STOP:
        return take_bet_stop(message, attributes);
    case UOF_BET_SETTLEMENT:
        return take_certainty(message, attributes);
    case UOF_BET_CANCEL:
    case UOF_ROLLBACK_BET_CANCEL:
    case UOF_FIXTURE_CHANGE:
        return take_times(message, attributes);
    case UOF_OTHER:
    case UOF_HEARTBEAT:
    case UOF_SNAPSHOT_COMPLETE:
    case UOF_ODDS_CHANGE:
    case UOF_ROLLBACK_BET_SETTLEMENT:
        break;
    }
    return 0;
}

static int start_root(struct uof_message *message, const char *name, struct attributes attributes)
{
    int64_t product;
    struct slice text;
    message->kind = kind_of(name);
    if (message->kind == UOF_OTHER)
        return 0;
    if (message->kind == UOF_HEARTBEAT)
        return take_flag(attributes, "replay", &message->replayed);
    TRY(take_needed(attributes, "product", 1, UOF_PRODUCT_MAX, &product));
    TRY(take_needed(attributes, "timestamp", 0, UOF_TIME_MS_MAX, &message->timestamp_ms));
    message->product = (uint16_t)product;
    message->request_id = 0;
    message->has_request = find(attributes, "request_id", &text);
    if (message->has_request && !uof_whole(text, INT64_MIN, INT64_MAX, &message->request_id))
        return -ERR_FORMAT;
    if (message->kind != UOF_ALIVE && message->kind != UOF_SNAPSHOT_COMPLETE)
        TRY(take_event(message, attributes));
    return take_own(message, attributes);
}

/* ---- sport_event_status ---- */

static int start_status(struct uof_message *message, struct attributes attributes)
{
    struct uof_event_status *status = &message->event_status;
    struct slice home, away;
    int64_t number, match;
    TRY(take_needed(attributes, "status", 0, INT16_MAX, &number));
    TRY(take_needed(attributes, "match_status", 0, INT16_MAX, &match));
    status->known = true;
    status->status = (int32_t)number;
    status->match_status = (int32_t)match;
    if (!find(attributes, "home_score", &home) || !find(attributes, "away_score", &away))
        return 0;
    status->score_known = uof_score(home, &status->score[0]) && uof_score(away, &status->score[1]);
    return status->score_known ? 0 : -ERR_FORMAT;
}

/* red_cards and yellow_red_cards: each takes a player off. */
static int add_cards(struct uof_message *message, struct attributes attributes)
{
    struct uof_event_status *status = &message->event_status;
    int64_t home = 0, away = 0;
    TRY(take_whole(attributes, "home", 0, 99, &home));
    TRY(take_whole(attributes, "away", 0, 99, &away));
    int64_t all_home = status->red_cards[0] + home, all_away = status->red_cards[1] + away;
    status->red_cards[0] = (uint8_t)(all_home < 99 ? all_home : 99);
    status->red_cards[1] = (uint8_t)(all_away < 99 ? all_away : 99);
    status->cards_known = true;
    return 0;
}

/* ---- markets ---- */

static int take_key(struct uof_message *message, struct attributes attributes,
                    struct uof_market *market)
{
    char memory[2 * MARKET_ID_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    struct slice id, specifiers = SLICE_NONE;
    int64_t number;
    if (!find(attributes, "id", &id) || !uof_whole(id, 0, INT32_MAX, &number))
        return -ERR_FORMAT;
    (void)find(attributes, "specifiers", &specifiers);
    if (!uof_key_write(&buf, message->event_id, id, specifiers)) {
        message->limits_reached++;
        return 0;
    }
    return keep(message, buf_slice(&buf), &market->key);
}

static int start_market(struct uof_message *message, struct attributes attributes)
{
    int64_t status = UOF_MARKET_ACTIVE, reason = -1; /* no status: active (FORMATS 2.3) */
    if (message->markets_count == UOF_MARKETS_MAX)
        return -ERR_LIMIT;
    struct uof_market *market = &message->markets[message->markets_count++];
    *market = (struct uof_market){.outcomes_first = message->outcomes_count};
    TRY(take_whole(attributes, "status", INT8_MIN, INT8_MAX, &status));
    TRY(take_whole(attributes, "void_reason", 0, INT16_MAX, &reason));
    market->status = status_of(status);
    market->void_reason = (int32_t)reason;
    return take_key(message, attributes, market);
}

static int take_chance(struct uof_message *message, struct attributes attributes, const char *name,
                       uint32_t *chance)
{
    struct slice text;
    if (!find(attributes, name, &text))
        return 0;
    if (!uof_chance(text, chance))
        return -ERR_FORMAT;
    if (*chance == UINT32_MAX) {
        *chance = 0;
        message->chances_refused++;
    }
    return 0;
}

/* `probabilities` is the chance to win, where the finer ones do not stand (FORMATS 2.3). */
static int take_chances(struct uof_message *message, struct attributes attributes,
                        struct uof_outcome *outcome)
{
    struct leg_chances *chances = &outcome->chances;
    TRY(take_chance(message, attributes, "probabilities", &chances->win));
    TRY(take_chance(message, attributes, "win_probabilities", &chances->win));
    TRY(take_chance(message, attributes, "half_win_probabilities", &chances->half_win));
    TRY(take_chance(message, attributes, "refund_probabilities", &chances->refund));
    TRY(take_chance(message, attributes, "half_lose_probabilities", &chances->half_lose));
    if (leg_chances_valid(*chances))
        return 0;
    *chances = (struct leg_chances){.win = 0};
    message->chances_refused++;
    return 0;
}

static int take_price(struct uof_message *message, struct attributes attributes,
                      struct uof_market *market, struct uof_outcome *outcome)
{
    struct slice text;
    if (find(attributes, "odds", &text)) {
        if (!uof_odds(text, &outcome->odds))
            return -ERR_FORMAT;
        message->prices_refused += !odds_present(outcome->odds);
    }
    market->priced |= odds_present(outcome->odds);
    TRY(take_flag(attributes, "active", &outcome->active));
    return take_chances(message, attributes, outcome);
}

static int take_result(struct attributes attributes, struct uof_market *market,
                       struct uof_outcome *outcome)
{
    struct slice text;
    int64_t number;
    TRY(take_needed(attributes, "result", -1, 1, &number));
    outcome->has_result = number >= 0;
    outcome->result = (struct leg_result){number == 1, 0, 1, 1};
    if (find(attributes, "void_factor", &text) && !uof_void_factor(text, &outcome->result))
        market->refused = true;
    if (find(attributes, "dead_heat_factor", &text) &&
        !uof_dead_heat_factor(text, &outcome->result))
        market->refused = true;
    market->refused |= !leg_result_valid(outcome->result);
    return 0;
}

static bool is_named_already(const struct uof_message *message, const struct uof_market *market,
                             struct slice id)
{
    for (uint32_t i = 0; i < market->outcomes_count; i++)
        if (slice_equal(message->outcomes[market->outcomes_first + i].id, id))
            return true;
    return false;
}

/* Why the outcome is not taken, which leaves its market with more outcomes than we know: it stands
 * there already, or is beyond our limits. */
static bool is_left_out(struct uof_message *message, struct uof_market *market, struct slice id)
{
    bool twice = is_named_already(message, market, id);
    if (!twice && uof_id_valid(id, SELECTION_ID_BYTES_MAX) &&
        market->outcomes_count < UOF_MARKET_OUTCOMES_MAX)
        return false;
    market->overfull = true;
    market->refused |= twice; /* it contradicts itself */
    message->limits_reached += !twice;
    return true;
}

static int start_outcome(struct uof_message *message, struct attributes attributes)
{
    struct uof_market *market = &message->markets[message->markets_count - 1];
    struct uof_outcome outcome = {.active = true, .odds = ODDS_NONE};
    struct slice id;
    if (!find(attributes, "id", &id))
        return -ERR_FORMAT;
    if (message->kind == UOF_ODDS_CHANGE)
        TRY(take_price(message, attributes, market, &outcome));
    if (message->kind == UOF_BET_SETTLEMENT)
        TRY(take_result(attributes, market, &outcome));
    if (is_left_out(message, market, id))
        return 0;
    if (message->outcomes_count == UOF_OUTCOMES_MAX)
        return -ERR_LIMIT;
    TRY(keep(message, id, &outcome.id));
    message->outcomes[message->outcomes_count++] = outcome;
    market->outcomes_count++;
    return 0;
}

/* ---- elements ---- */

static bool speaks_of_markets(enum uof_kind kind)
{
    return kind == UOF_ODDS_CHANGE || kind == UOF_BET_SETTLEMENT ||
           kind == UOF_ROLLBACK_BET_SETTLEMENT || kind == UOF_BET_CANCEL ||
           kind == UOF_ROLLBACK_BET_CANCEL;
}

/* In odds changes and settlements markets stand in a list, in the other kinds in the root. */
static enum element element_of(const struct uof_message *message, enum element parent,
                               const char *name)
{
    bool odds = message->kind == UOF_ODDS_CHANGE;
    bool settlement = message->kind == UOF_BET_SETTLEMENT;
    if (!speaks_of_markets(message->kind))
        return ELEMENT_OTHER;
    if (parent == ELEMENT_ROOT && odds && strcmp(name, "sport_event_status") == 0)
        return ELEMENT_STATUS;
    if (parent == ELEMENT_STATUS && strcmp(name, "statistics") == 0)
        return ELEMENT_STATISTICS;
    if (parent == ELEMENT_ROOT && strcmp(name, odds ? "odds" : "outcomes") == 0)
        return odds || settlement ? ELEMENT_LIST : ELEMENT_OTHER;
    if (strcmp(name, "market") == 0 && parent == (odds || settlement ? ELEMENT_LIST : ELEMENT_ROOT))
        return ELEMENT_MARKET;
    if (parent == ELEMENT_MARKET && strcmp(name, "outcome") == 0)
        return ELEMENT_OUTCOME;
    return ELEMENT_OTHER;
}

static int start_list(struct uof_message *message, struct attributes attributes)
{
    struct slice text;
    message->has_odds = true;
    message->reopened = message->reopened || find(attributes, "betting_status", &text);
    return 0;
}

static int on_start(void *owner, unsigned depth, const char *name, const char *const *at)
{
    struct decoder *decoder = owner;
    struct uof_message *message = decoder->message;
    struct attributes attributes = {at};
    ASSERT(depth >= 1);
    ASSERT(depth <= UOF_DEPTH_MAX);
    if (depth == 1) {
        decoder->path[1] = ELEMENT_ROOT;
        return start_root(message, name, attributes);
    }
    enum element parent = decoder->path[depth - 1];
    if (parent == ELEMENT_STATISTICS &&
        (strcmp(name, "red_cards") == 0 || strcmp(name, "yellow_red_cards") == 0))
        TRY(add_cards(message, attributes));
    decoder->path[depth] = element_of(message, parent, name);
    switch (decoder->path[depth]) {
    case ELEMENT_STATUS:
        return start_status(message, attributes);
    case ELEMENT_LIST:
        return start_list(message, attributes);
    case ELEMENT_MARKET:
        return start_market(message, attributes);
    case ELEMENT_OUTCOME:
        return start_outcome(message, attributes);
    case ELEMENT_OTHER:
    case ELEMENT_ROOT:
    case ELEMENT_STATISTICS:
        break;
    }
    return 0;
}

int uof_decode(struct uof_xml *xml, struct slice line, struct uof_message *message)
{
    struct decoder decoder = {.message = message};
    *message = (struct uof_message){.start_ms = -1,
                                    .end_ms = -1,
                                    .markets = message->markets,
                                    .outcomes = message->outcomes,
                                    .texts = message->texts};
    return line.bytes > UOF_LINE_BYTES_MAX ? -ERR_LIMIT
                                           : uof_xml_parse(xml, line, on_start, &decoder);
}
