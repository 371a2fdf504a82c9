/* shard_state.c - contract in shard_state.h: memory, look-ups and the frame of apply(). What each
 * type of record does is in shard_apply_*.c. */
#include "ledger/shard_state.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "core/bet.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_state_internal.h"

#define STAKE_LIMITS_MAX      4096
#define PROPOSALS_MAX_DEFAULT 256
#define PROPOSED_MAX_DEFAULT  16384
#define REFERRALS_MAX_DEFAULT 16384

/* Names of a market and its selections, many of them shared. */
static size_t texts_max(const struct shard_limits *limits)
{
    return (size_t)limits->selections_max * 2 + (size_t)limits->markets_max * 2;
}

static int reserve_arrays(struct shard_state *s)
{
    const struct shard_limits *l = &s->limits;
    s->accounts = reserve_new((size_t)l->accounts_max + 1, sizeof *s->accounts);
    s->markets = reserve_new((size_t)l->markets_max + 1, sizeof *s->markets);
    s->selections = reserve_new(l->selections_max, sizeof *s->selections);
    s->legs = reserve_new(l->legs_max, sizeof *s->legs);
    s->windows = reserve_new(l->windows_max, sizeof *s->windows);
    s->stake_limits = reserve_new(l->stake_limits_max, sizeof *s->stake_limits);
    s->proposals = reserve_new(l->proposals_max, sizeof *s->proposals);
    s->proposed = reserve_new(l->proposed_max, sizeof *s->proposed);
    s->bets = reserve_new(l->bets_max, sizeof *s->bets);
    s->cash_outs = reserve_new(l->cash_outs_max, sizeof *s->cash_outs);
    s->referrals = reserve_new(l->referrals_max, sizeof *s->referrals);
    if (s->accounts == NULL || s->markets == NULL || s->selections == NULL || s->legs == NULL ||
        s->windows == NULL || s->stake_limits == NULL || s->proposals == NULL ||
        s->proposed == NULL || s->bets == NULL || s->cash_outs == NULL || s->referrals == NULL)
        return -ERR_MEMORY;
    return table_new(l->stake_limits_max, &s->stake_limits_by_scope);
}

/* The empty text is interned first, so that ref 0 is "none" everywhere. */
static int new_symbols(size_t count_max, size_t text_bytes_max, const uint64_t key[2],
                       struct symbols **ret)
{
    uint32_t none;
    TRY(symbols_new(count_max + 1, (count_max + 1) * text_bytes_max, key, ret));
    TRY(symbols_intern(*ret, SLICE(""), &none));
    ASSERT(none == 0);
    return 0;
}

static int make_tables(struct shard_state *s)
{
    /* The key is fixed: refs are given in log order and must not depend on a key that is only
     * known after the first record. Who could choose colliding ids is our own feed or issuer. */
    static const uint64_t key[2] = {0x6f766572726f756eULL, 0x64206c6564676572ULL};
    const struct shard_limits *l = &s->limits;
    TRY(new_symbols(l->accounts_max, USER_ID_BYTES_MAX, key, &s->users));
    TRY(new_symbols(l->markets_max, MARKET_ID_BYTES_MAX, key, &s->market_ids));
    return new_symbols(texts_max(l), NAME_BYTES_MAX, key, &s->texts);
}

struct shard_limits shard_limits_whole(const struct shard_limits *limits)
{
    struct shard_limits whole = *limits;
    uint64_t legs = (uint64_t)limits->bets_max * 2 + BET_LEGS_MAX;
    if (whole.legs_max == 0)
        whole.legs_max = legs < LEG_NONE ? (uint32_t)legs : LEG_NONE - 1;
    if (whole.windows_max == 0)
        whole.windows_max = limits->markets_max;
    if (whole.stake_limits_max == 0)
        whole.stake_limits_max = STAKE_LIMITS_MAX;
    if (whole.proposals_max == 0)
        whole.proposals_max = PROPOSALS_MAX_DEFAULT;
    if (whole.proposed_max == 0)
        whole.proposed_max = PROPOSED_MAX_DEFAULT;
    if (whole.referrals_max == 0)
        whole.referrals_max = REFERRALS_MAX_DEFAULT;
    if (whole.cash_outs_max == 0)
        whole.cash_outs_max = limits->bets_max;
    return whole;
}

int shard_state_new(const struct shard_limits *limits, struct shard_state **ret_state)
{
    struct shard_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return -ERR_MEMORY;
    state->limits = shard_limits_whole(limits);
    int error = reserve_arrays(state);
    if (error == 0)
        error = make_tables(state);
    if (error == 0)
        error = shard_verdicts_new(state);
    if (error < 0) {
        shard_state_free(state);
        return error;
    }
    *ret_state = state;
    return 0;
}

void shard_state_free(struct shard_state *s)
{
    if (s == NULL)
        return;
    const struct shard_limits *l = &s->limits;
    symbols_free(s->users);
    symbols_free(s->market_ids);
    symbols_free(s->texts);
    reserve_free(s->accounts, (size_t)l->accounts_max + 1, sizeof *s->accounts);
    reserve_free(s->markets, (size_t)l->markets_max + 1, sizeof *s->markets);
    reserve_free(s->selections, l->selections_max, sizeof *s->selections);
    reserve_free(s->legs, l->legs_max, sizeof *s->legs);
    reserve_free(s->windows, l->windows_max, sizeof *s->windows);
    reserve_free(s->stake_limits, l->stake_limits_max, sizeof *s->stake_limits);
    table_free(s->stake_limits_by_scope);
    reserve_free(s->proposals, l->proposals_max, sizeof *s->proposals);
    reserve_free(s->proposed, l->proposed_max, sizeof *s->proposed);
    reserve_free(s->bets, l->bets_max, sizeof *s->bets);
    reserve_free(s->cash_outs, l->cash_outs_max, sizeof *s->cash_outs);
    reserve_free(s->referrals, l->referrals_max, sizeof *s->referrals);
    shard_verdicts_done(s);
    free(s);
}

int shard_corrupt(struct shard_state *state, const char *reason)
{
    state->reason = reason;
    return -ERR_CORRUPT;
}

static int apply_by_type(struct shard_state *state, const struct record_view *record)
{
    switch ((enum record_type)record->head->type) {
    case RECORD_GENESIS:
    case RECORD_OPENED:
    case RECORD_ACCOUNT:
        return shard_apply_book(state, record);
    case RECORD_MARKET:
        return shard_apply_market(state, record);
    case RECORD_SELECTIONS:
        return shard_apply_selections(state, record);
    case RECORD_FENCE:
        return shard_apply_fence(state, record);
    case RECORD_RESULT:
        return shard_apply_result(state, record);
    case RECORD_MONEY:
        return shard_apply_money(state, record);
    case RECORD_BET:
        return shard_apply_bet(state, record);
    case RECORD_RELEASE:
        return shard_apply_release(state, record);
    case RECORD_SETTLE:
        return shard_apply_settle(state, record);
    case RECORD_REVERSE:
        return shard_apply_reverse(state, record);
    case RECORD_LIMITS:
        return shard_apply_limits(state, record);
    case RECORD_PROPOSAL:
        return shard_apply_proposal(state, record);
    case RECORD_DECISION:
        return shard_apply_decision(state, record);
    case RECORD_CASH_OUT:
        return shard_apply_cash_out(state, record);
    case RECORD_ADJUSTMENT:
        return shard_apply_adjustment(state, record);
    case RECORD_REFERRAL:
        return shard_apply_referral(state, record);
    case RECORD_RELAYED:
        return shard_apply_relayed(state, record);
    }
    return shard_corrupt(state, "the record's type is unknown");
}

int shard_state_apply(struct shard_state *state, const struct record_view *record)
{
    const struct record_head *head = record->head;
    state->reason = "";
    REQUIRE(head->seq == state->seq + 1, "L1: sequence numbers are dense");
    REQUIRE(head->time_us >= state->time_us, "L1: record time never falls");
    REQUIRE(head->before_crc == state->record_crc, "L1: it was written behind another record");
    REQUIRE((head->seq == 1) == (head->type == RECORD_GENESIS),
            "L1: the first record, and only it, is GENESIS");
    TRY(apply_by_type(state, record));
    state->seq = head->seq;
    state->time_us = head->time_us;
    state->record_crc = head->crc;
    state->counts.records++;
    return 0;
}

const char *shard_state_reason(const struct shard_state *state)
{
    return state->reason == NULL ? "" : state->reason;
}

uint64_t shard_state_seq(const struct shard_state *state)
{
    return state->seq;
}

int64_t shard_state_time_us(const struct shard_state *state)
{
    return state->time_us;
}

uint32_t shard_state_record_crc(const struct shard_state *state)
{
    return state->record_crc;
}

bool shard_state_is_of(const struct shard_state *state, const struct record_view *genesis)
{
    const struct record_genesis *body = genesis->body;
    return genesis->head->type == RECORD_GENESIS && body->shard == state->shard &&
           (body->shards == 0 ? 1 : body->shards) == state->shards &&
           memcmp(body->book_id, state->book_id, sizeof state->book_id) == 0 &&
           memcmp(body->hash_key, state->hash_key, sizeof state->hash_key) == 0;
}

const uint8_t *shard_state_book_id(const struct shard_state *state)
{
    return state->book_id;
}

uint64_t shard_state_epoch(const struct shard_state *state)
{
    return state->epoch;
}

uint32_t shard_state_shard(const struct shard_state *state)
{
    return state->shard;
}

uint32_t shard_state_shards(const struct shard_state *state)
{
    return state->shards;
}

const struct shard_desk *shard_state_desk(const struct shard_state *state)
{
    return &state->desk;
}

const struct shard_counts *shard_state_counts(const struct shard_state *state)
{
    return &state->counts;
}

const struct shard_limits *shard_state_limits(const struct shard_state *state)
{
    return &state->limits;
}

bool shard_texts_room(const struct shard_state *state, size_t count)
{
    return symbols_count(state->texts) + count <= texts_max(&state->limits);
}

uint32_t shard_symbol(const struct symbols *symbols, struct slice text)
{
    uint32_t ref;
    return symbols_find(symbols, text, &ref) ? ref : 0;
}

const char *shard_state_market_room(const struct shard_state *state)
{
    const struct shard_limits *l = &state->limits;
    if (state->markets_count >= l->markets_max)
        return "markets_max";
    if (l->selections_max - state->selections_count < SELECTIONS_MAX)
        return "selections_max";
    if (!shard_texts_room(state, 2 * SELECTIONS_MAX + 8))
        return "texts_max";
    return NULL;
}

const char *shard_state_need_room(const struct shard_state *state, struct shard_need need)
{
    const struct shard_limits *l = &state->limits;
    if (l->markets_max - state->markets_count < need.markets)
        return "markets_max";
    if (l->selections_max - state->selections_count < need.selections)
        return "selections_max";
    if (!shard_texts_room(state, 2 * (size_t)need.selections + 8 * (size_t)need.markets))
        return "texts_max";
    return NULL;
}

const char *shard_state_room(const struct shard_state *state)
{
    const struct shard_limits *l = &state->limits;
    if (state->accounts_count >= l->accounts_max)
        return "accounts_max";
    if (state->bets_count >= l->bets_max)
        return "bets_max";
    if (l->legs_max - state->legs_count < BET_LEGS_MAX)
        return "legs_max";
    if (shard_verdicts_full(state))
        return "verdicts_max";
    return shard_state_market_room(state);
}

const char *shard_state_cash_out_room(const struct shard_state *state)
{
    if (state->cash_outs_count >= state->limits.cash_outs_max)
        return "cash_outs_max";
    return shard_verdicts_full(state) ? "verdicts_max" : NULL;
}

struct account_ref shard_state_find_account(const struct shard_state *state, struct slice user_id)
{
    return (struct account_ref){shard_symbol(state->users, user_id)};
}

struct shard_account *shard_account_at(struct shard_state *state, uint32_t ref)
{
    return ref == 0 || ref > state->accounts_count ? NULL : &state->accounts[ref];
}

const struct shard_account *shard_state_account(const struct shard_state *state,
                                                struct account_ref ref)
{
    return ref.n == 0 || ref.n > state->accounts_count ? NULL : &state->accounts[ref.n];
}

struct slice shard_state_user_id(const struct shard_state *state, struct account_ref ref)
{
    return ref.n == 0 ? SLICE_NONE : symbols_text(state->users, ref.n);
}

uint32_t shard_state_accounts_count(const struct shard_state *state)
{
    return state->accounts_count;
}

struct market_ref shard_state_find_market(const struct shard_state *state, struct slice market_id)
{
    return (struct market_ref){shard_symbol(state->market_ids, market_id)};
}

struct shard_market *shard_market_at(struct shard_state *state, uint32_t ref)
{
    return ref == 0 || ref > state->markets_count ? NULL : &state->markets[ref];
}

const struct shard_market *shard_state_market(const struct shard_state *state,
                                              struct market_ref ref)
{
    return ref.n == 0 || ref.n > state->markets_count ? NULL : &state->markets[ref.n];
}

struct slice shard_state_market_id(const struct shard_state *state, struct market_ref ref)
{
    return ref.n == 0 ? SLICE_NONE : symbols_text(state->market_ids, ref.n);
}

const struct shard_selection *shard_state_selection(const struct shard_state *state,
                                                    struct market_ref ref, uint16_t selection)
{
    const struct shard_market *market = shard_state_market(state, ref);
    if (market == NULL || selection >= market->selections_count)
        return NULL;
    return &state->selections[market->selections_first + selection];
}

uint16_t shard_state_find_selection(const struct shard_state *state, struct market_ref ref,
                                    struct slice selection_id)
{
    const struct shard_market *market = shard_state_market(state, ref);
    uint32_t id = shard_symbol(state->texts, selection_id);
    if (market == NULL || id == 0)
        return RECORD_SELECTION_NONE;
    const struct shard_selection *selections = &state->selections[market->selections_first];
    for (uint16_t i = 0; i < market->selections_count; i++)
        if (selections[i].id == id)
            return i;
    return RECORD_SELECTION_NONE;
}

const struct shard_selection *shard_state_selection_at(const struct shard_state *state,
                                                       uint32_t row)
{
    ASSERT(row < state->selections_count);
    return &state->selections[row];
}

uint32_t shard_state_selections_count(const struct shard_state *state)
{
    return state->selections_count;
}

uint32_t shard_state_markets_count(const struct shard_state *state)
{
    return state->markets_count;
}

struct slice shard_state_text(const struct shard_state *state, uint32_t symbol)
{
    return symbols_text(state->texts, symbol);
}

enum market_status shard_market_effective(const struct shard_market *market)
{
    if (market->status == MARKET_ACTIVE && market->holds != 0)
        return MARKET_SUSPENDED_STATUS;
    return (enum market_status)market->status;
}

/* Bet ids rise with the index, so the array is its own index. */
uint32_t shard_state_find_bet(const struct shard_state *state, struct bet_id id)
{
    uint32_t low = 0, high = state->bets_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (state->bets[middle].bet_id < id.n)
            low = middle + 1;
        else
            high = middle;
    }
    return low < state->bets_count && state->bets[low].bet_id == id.n ? low : BET_NONE;
}

struct shard_bet *shard_bet_of(struct shard_state *state, uint64_t bet_id)
{
    uint32_t index = shard_state_find_bet(state, (struct bet_id){bet_id});
    return index == BET_NONE ? NULL : &state->bets[index];
}

const struct shard_bet *shard_state_bet(const struct shard_state *state, uint32_t index)
{
    ASSERT(index < state->bets_count);
    return &state->bets[index];
}

uint32_t shard_state_bets_count(const struct shard_state *state)
{
    return state->bets_count;
}

struct bet_id shard_state_last_bet_id(const struct shard_state *state)
{
    return state->last_bet_id;
}

const struct shard_leg *shard_state_leg(const struct shard_state *state, uint32_t index)
{
    ASSERT(index < state->legs_count);
    return &state->legs[index];
}

uint32_t shard_state_legs_count(const struct shard_state *state)
{
    return state->legs_count;
}

const struct shard_cash_out *shard_state_cash_out(const struct shard_state *state, uint32_t index)
{
    ASSERT(index < state->cash_outs_count);
    return &state->cash_outs[index];
}

uint32_t shard_state_cash_outs_count(const struct shard_state *state)
{
    return state->cash_outs_count;
}

uint32_t shard_state_find_cash_out(const struct shard_state *state, uint64_t seq)
{
    uint32_t low = 0, high = state->cash_outs_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (state->cash_outs[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < state->cash_outs_count && state->cash_outs[low].seq == seq ? low : CASH_OUT_NONE;
}

const struct shard_window *shard_state_window(const struct shard_state *state, uint32_t index)
{
    ASSERT(index < state->windows_count);
    return &state->windows[index];
}

const struct shard_window *shard_state_find_window(const struct shard_state *state,
                                                   struct market_ref ref, int64_t from_us,
                                                   int64_t until_us)
{
    const struct shard_market *market = shard_state_market(state, ref);
    uint32_t at =
        market == NULL ? WINDOW_NONE : shard_find_window(state, market, from_us, until_us);
    return at == WINDOW_NONE ? NULL : &state->windows[at];
}

bool shard_state_windows_full(const struct shard_state *state, struct market_ref ref)
{
    const struct shard_market *market = shard_state_market(state, ref);
    return market != NULL && shard_count_windows(state, market) == WINDOWS_OF_MARKET_MAX;
}

bool shard_state_window_room(const struct shard_state *state, struct market_ref ref)
{
    const struct shard_market *market = shard_state_market(state, ref);
    return market != NULL && state->windows_count < state->limits.windows_max &&
           !shard_state_windows_full(state, ref);
}

struct shard_house *shard_house_of(struct shard_state *state, struct currency currency)
{
    for (size_t i = 0; i < state->houses_count; i++)
        if (currency_equal(state->houses[i].currency, currency))
            return &state->houses[i];
    ASSERT(currency_known(currency));
    ASSERT(state->houses_count < CURRENCIES_MAX);
    struct shard_house *house = &state->houses[state->houses_count++];
    *house = (struct shard_house){.currency = currency};
    return house;
}

const struct shard_house *shard_state_house(const struct shard_state *state, size_t index)
{
    return index < state->houses_count ? &state->houses[index] : NULL;
}

size_t shard_state_houses_count(const struct shard_state *state)
{
    return state->houses_count;
}
