/* shard_apply_limits.c - limits of customers, markets, events and sports: a table of few rows, and
 * an index by what each is of, so that a bet asks with numbers it has. */
#include "base/assert.h"
#include "base/error.h"
#include "core/stake_limits.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_state_internal.h"

static struct hash128 key_of(unsigned scope, uint32_t ref)
{
    return table_key_u64((uint64_t)scope << 32 | ref);
}

const struct shard_stake_limits *shard_state_stake_limits(const struct shard_state *state,
                                                          enum limit_scope scope, uint32_t ref)
{
    uint32_t at;
    if (state->stake_limits_count == 0 ||
        !table_find(state->stake_limits_by_scope, key_of(scope, ref), &at))
        return NULL;
    return &state->stake_limits[at];
}

uint32_t shard_state_stake_limits_count(const struct shard_state *state)
{
    return state->stake_limits_count;
}

bool shard_state_stake_limits_room(const struct shard_state *state)
{
    return state->stake_limits_count < state->limits.stake_limits_max && shard_texts_room(state, 1);
}

uint32_t shard_state_find_text(const struct shard_state *state, struct slice text)
{
    return shard_symbol(state->texts, text);
}

static bool amount_valid(int64_t minor)
{
    return minor == INT64_MAX || (minor >= 0 && minor <= MONEY_MINOR_MAX);
}

bool shard_stake_limits_valid(const struct stake_limits *limits)
{
    return limits->stake_minor_min >= 0 && limits->stake_minor_min <= MONEY_MINOR_MAX &&
           amount_valid(limits->stake_minor_max) && amount_valid(limits->payout_minor_max) &&
           amount_valid(limits->liability_minor_max) && limits->delay_us >= 0 &&
           limits->delay_us <= LIMIT_DELAY_US_MAX && limits->factor_permyriad <= LIMIT_FACTOR_MAX &&
           amount_valid(limits->refer_minor_above) && limits->refers <= 1 &&
           amount_valid(limits->payout_day_minor_max);
}

struct stake_limits shard_limits_of(const struct record_limits *body)
{
    return (struct stake_limits){.stake_minor_min = body->stake_minor_min,
                                 .stake_minor_max = body->stake_minor_max,
                                 .payout_minor_max = body->payout_minor_max,
                                 .liability_minor_max = body->liability_minor_max,
                                 .delay_us = body->delay_us,
                                 .factor_permyriad = body->factor_permyriad,
                                 .refer_minor_above = body->refer_minor_above,
                                 .refers = body->refers,
                                 .payout_day_minor_max = body->payout_day_minor_max};
}

/* A removal says no number of its own. */
static bool is_none(const struct stake_limits *limits)
{
    const struct stake_limits none = STAKE_LIMITS_NONE;
    return limits->stake_minor_min == none.stake_minor_min &&
           limits->stake_minor_max == none.stake_minor_max &&
           limits->payout_minor_max == none.payout_minor_max &&
           limits->liability_minor_max == none.liability_minor_max &&
           limits->delay_us == none.delay_us && limits->factor_permyriad == none.factor_permyriad &&
           limits->refer_minor_above == none.refer_minor_above && limits->refers == none.refers &&
           limits->payout_day_minor_max == none.payout_day_minor_max;
}

/* Whose they are is known, by a number: a ref, or the symbol of an id (0: it has none yet). */
static int find_scope(struct shard_state *state, const struct record_view *record, struct slice id,
                      uint32_t *ret_ref)
{
    const struct record_limits *body = record->body;
    bool by_text = body->scope == LIMIT_OF_EVENT || body->scope == LIMIT_OF_SPORT;
    bool of_player = body->scope == LIMIT_OF_PLAYER;
    REQUIRE(by_text || of_player || body->scope == LIMIT_OF_MARKET, "no such scope of limits");
    REQUIRE(by_text ? id.bytes >= 1 && id.bytes <= NAME_BYTES_MAX : id.bytes == 0,
            "events and sports, and only they, are named by their ids");
    REQUIRE(of_player == (record->head->account != 0), "a customer's limits are his account's");
    REQUIRE((body->scope == LIMIT_OF_MARKET) == (body->market != 0), "a market's limits name it");
    if (of_player) {
        REQUIRE(shard_account_at(state, record->head->account) != NULL, "the account is unknown");
        *ret_ref = record->head->account;
    } else if (by_text) {
        *ret_ref = shard_symbol(state->texts, id);
    } else {
        REQUIRE(shard_market_at(state, body->market) != NULL, "the market is unknown");
        *ret_ref = body->market;
    }
    return 0;
}

static int check_limits(struct shard_state *state, const struct record_view *record,
                        const struct shard_stake_limits *before)
{
    const struct record_limits *body = record->body;
    const struct stake_limits limits = shard_limits_of(body);
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    REQUIRE(body->previous_seq == (before == NULL ? 0 : before->seq),
            "limits name those that were in force before");
    REQUIRE(body->removed <= 1 && (body->removed == 0 || before != NULL),
            "limits are removed where there are some");
    REQUIRE(body->scope == LIMIT_OF_PLAYER || body->payout_day_minor_max == INT64_MAX,
            "what a day may pay is a customer's");
    REQUIRE(body->removed == 0 ? shard_stake_limits_valid(&limits) : is_none(&limits),
            "limits are within their bounds");
    if (before == NULL && !shard_state_stake_limits_room(state))
        return -ERR_LIMIT;
    return 0;
}

/* The last row takes its place, so that there is no gap. */
static void remove_row(struct shard_state *state, uint32_t at)
{
    struct shard_stake_limits *row = &state->stake_limits[at];
    uint32_t last = --state->stake_limits_count;
    bool there = table_remove(state->stake_limits_by_scope, key_of(row->scope, row->ref));
    ASSERT(there);
    if (at != last) {
        *row = state->stake_limits[last];
        there = table_replace(state->stake_limits_by_scope, key_of(row->scope, row->ref), at);
        ASSERT(there);
    }
    state->stake_limits[last] = (struct shard_stake_limits){0};
}

static uint32_t add_row(struct shard_state *state, unsigned scope, uint32_t ref)
{
    uint32_t at = state->stake_limits_count++;
    enum table_outcome added = table_insert(state->stake_limits_by_scope, key_of(scope, ref), at);
    ASSERT(added == TABLE_OK);
    return at;
}

int shard_apply_limits(struct shard_state *state, const struct record_view *record)
{
    const struct record_limits *body = record->body;
    struct slice texts = record->texts;
    struct slice id = record_text(&texts, body->id_bytes);
    uint32_t ref = 0;
    TRY(find_scope(state, record, id, &ref));
    const struct shard_stake_limits *before =
        ref == 0 ? NULL : shard_state_stake_limits(state, (enum limit_scope)body->scope, ref);
    TRY(check_limits(state, record, before));
    if (body->removed != 0) {
        remove_row(state, (uint32_t)(before - state->stake_limits));
        return 0;
    }
    if (ref == 0)
        TRY(symbols_intern(state->texts, id, &ref));
    uint32_t at = before != NULL ? (uint32_t)(before - state->stake_limits)
                                 : add_row(state, body->scope, ref);
    state->stake_limits[at] = (struct shard_stake_limits){.limits = shard_limits_of(body),
                                                          .ref = ref,
                                                          .seq = record->head->seq,
                                                          .scope = body->scope};
    return 0;
}

/* ---- of a state that came from outside ---- */

int shard_check_stake_limits(struct shard_state *state)
{
    size_t texts = symbols_count(state->texts);
    for (uint32_t i = 0; i < state->stake_limits_count; i++) {
        const struct shard_stake_limits *row = &state->stake_limits[i];
        uint32_t most = row->scope == LIMIT_OF_PLAYER   ? state->accounts_count
                        : row->scope == LIMIT_OF_MARKET ? state->markets_count
                                                        : (uint32_t)texts - 1;
        REQUIRE(row->scope == LIMIT_OF_PLAYER || row->scope == LIMIT_OF_MARKET ||
                    row->scope == LIMIT_OF_EVENT || row->scope == LIMIT_OF_SPORT,
                "no such scope of limits");
        REQUIRE(row->ref >= 1 && row->ref <= most, "limits are somebody's");
        REQUIRE(shard_stake_limits_valid(&row->limits) && row->reserved[0] == 0 &&
                    row->reserved[1] == 0 && row->reserved[2] == 0,
                "limits are within their bounds");
        REQUIRE(row->scope == LIMIT_OF_PLAYER || row->limits.payout_day_minor_max == INT64_MAX,
                "what a day may pay is a customer's");
        REQUIRE(row->seq <= state->seq, "L1: a number is beyond the last record");
        REQUIRE(table_insert(state->stake_limits_by_scope, key_of(row->scope, row->ref), i) ==
                    TABLE_OK,
                "limits of one scope stand once");
    }
    return 0;
}
