/* shard_state.h - the state of one shard: a fold of its log and nothing else.
 *
 * Wallets, markets and their fences, bets, verdicts by idempotency key, house accounts. What
 * this holds can be thrown away and rebuilt by applying every record from number 1. apply()
 * checks all that a record claims against the state before it (L1, L3, L4, L6, L7), so the same
 * function serves the live book, the replay at start and `ledger verify`.
 *
 * All memory is reserved at _new from struct shard_limits and never grows; untouched memory
 * costs nothing. Owned by one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slice.h"
#include "core/bet_decide.h"
#include "core/ids.h"
#include "core/market.h"
#include "core/market_line.h"
#include "core/money.h"
#include "core/settle.h"
#include "ledger/record.h"
#include "ledger/shard_types.h"

struct shard_state;

/* The limits with what is 0 in them filled in. */
struct shard_limits shard_limits_whole(const struct shard_limits *limits);

/* An empty state. 0, -ERR_MEMORY or -ERR_CRYPTO. The caller owns *ret_state and ends it with
 * shard_state_free (accepts NULL). */
int shard_state_new(const struct shard_limits *limits, struct shard_state **ret_state);
void shard_state_free(struct shard_state *state);

/* Applies the next record. 0; -ERR_LIMIT (a limit is reached: state unchanged; the writer asks
 * shard_state_room before it writes, so a log that was written under these limits never meets
 * it); -ERR_CORRUPT: the record contradicts the state, which is then unchanged, and
 * shard_state_reason says how. Borrows the record for the call. */
int shard_state_apply(struct shard_state *state, const struct record_view *record);
/* Begins to load what applying this record will touch; for a replay, which knows records a few
 * places ahead (fewer than 64): without it each one waits for memory a few times. Any record. */
void shard_state_prefetch(struct shard_state *state, const struct record_view *record);
/* What the last -ERR_CORRUPT was about, with the invariant it breaks ("L4: ..."). */
const char *shard_state_reason(const struct shard_state *state);

/* The last record applied. */
uint64_t shard_state_seq(const struct shard_state *state);
int64_t shard_state_time_us(const struct shard_state *state);
uint32_t shard_state_record_crc(const struct shard_state *state); /* its checksum */
/* Is this the GENESIS record of the state's book? For a state from a snapshot: another log may
 * have a record with the same number and checksum. */
bool shard_state_is_of(const struct shard_state *state, const struct record_view *genesis);
/* The id of the book that GENESIS gave; zeros before. */
#define SHARD_BOOK_ID_BYTES 16
const uint8_t *shard_state_book_id(const struct shard_state *state);
uint64_t shard_state_epoch(const struct shard_state *state); /* of the last OPENED; 0 = none */
uint32_t shard_state_shard(const struct shard_state *state);
uint32_t shard_state_shards(const struct shard_state *state); /* of the book; 0 before GENESIS */
/* How far the desk's words have come here; seq 0: none has. */
const struct shard_desk *shard_state_desk(const struct shard_state *state);
const struct shard_counts *shard_state_counts(const struct shard_state *state);
const struct shard_limits *shard_state_limits(const struct shard_state *state);

/* NULL when there is room for one more of everything that one client request may add, or the
 * name of the limit that is reached ("accounts_max", ...). */
const char *shard_state_room(const struct shard_state *state);
/* What a ticket of many legs adds beside: markets and selections that have no ref yet. */
struct shard_need {
    uint32_t markets, selections;
};
const char *shard_state_need_room(const struct shard_state *state, struct shard_need need);
/* The same of one more cash-out. */
const char *shard_state_cash_out_room(const struct shard_state *state);
/* The same for a market and its selections alone: all that a hold or a result may add. */
const char *shard_state_market_room(const struct shard_state *state);

/* Accounts. find answers ref 0 when unknown. */
struct account_ref shard_state_find_account(const struct shard_state *state, struct slice user_id);
const struct shard_account *shard_state_account(const struct shard_state *state,
                                                struct account_ref ref);
struct slice shard_state_user_id(const struct shard_state *state, struct account_ref ref);
uint32_t shard_state_accounts_count(const struct shard_state *state);

/* Markets. */
struct market_ref shard_state_find_market(const struct shard_state *state, struct slice market_id);
const struct shard_market *shard_state_market(const struct shard_state *state,
                                              struct market_ref ref);
struct slice shard_state_market_id(const struct shard_state *state, struct market_ref ref);
const struct shard_selection *shard_state_selection(const struct shard_state *state,
                                                    struct market_ref ref, uint16_t selection);
/* RECORD_SELECTION_NONE when the market has no such selection. */
uint16_t shard_state_find_selection(const struct shard_state *state, struct market_ref ref,
                                    struct slice selection_id);
uint32_t shard_state_markets_count(const struct shard_state *state);
/* Rows of selections of all markets; of a market that grew, what it had before, too. */
const struct shard_selection *shard_state_selection_at(const struct shard_state *state,
                                                       uint32_t row);
uint32_t shard_state_selections_count(const struct shard_state *state);
/* The text behind a symbol of a market or selection; symbol 0 is "". */
struct slice shard_state_text(const struct shard_state *state, uint32_t symbol);

/* The word of a RESULT says nothing of this selection; all but that is zero. */
bool shard_result_kept(const struct record_selection_result *item);
/* The line of the market's selection, if it has one (core/market_line.h). */
bool shard_line_of(const struct shard_state *state, const struct shard_market *market,
                   uint16_t selection, struct market_line *ret);

/* Bets; index < shard_state_bets_count, in the order of placement. */
uint32_t shard_state_find_bet(const struct shard_state *state, struct bet_id id); /* or BET_NONE */
const struct shard_bet *shard_state_bet(const struct shard_state *state, uint32_t index);
uint32_t shard_state_bets_count(const struct shard_state *state);
/* Legs of all bets; those of one lie together. index < shard_state_legs_count. */
const struct shard_leg *shard_state_leg(const struct shard_state *state, uint32_t index);
uint32_t shard_state_legs_count(const struct shard_state *state);
/* Cash-outs that had to wait. find: CASH_OUT_NONE when the record with this number is none. */
const struct shard_cash_out *shard_state_cash_out(const struct shard_state *state, uint32_t index);
uint32_t shard_state_cash_outs_count(const struct shard_state *state);
uint32_t shard_state_find_cash_out(const struct shard_state *state, uint64_t seq);
/* Bets that wait for the desk, or whose word was said, until their RELEASE; in the order of the
 * bets. find: by the bet's index; REFERRAL_NONE when it is none of them. */
uint32_t shard_state_referrals_count(const struct shard_state *state);
const struct shard_referral *shard_state_referral(const struct shard_state *state, uint32_t index);
uint32_t shard_state_find_referral(const struct shard_state *state, uint32_t bet);
bool shard_state_referral_room(const struct shard_state *state); /* for one more */
/* A market's window of time (shard_market.windows_last and on). */
const struct shard_window *shard_state_window(const struct shard_state *state, uint32_t index);
struct bet_id shard_state_last_bet_id(const struct shard_state *state);

/* What the desk set for a scope; the ref is an account's, a market's or the symbol of an event or a
 * sport. NULL: nothing, and so where the count is 0. */
const struct shard_stake_limits *shard_state_stake_limits(const struct shard_state *state,
                                                          enum limit_scope scope, uint32_t ref);
uint32_t shard_state_stake_limits_count(const struct shard_state *state);
bool shard_state_stake_limits_room(const struct shard_state *state); /* for one more */
/* The symbol of a text of markets, events and sports; 0: it is in none. */
uint32_t shard_state_find_text(const struct shard_state *state, struct slice text);
/* What the record says. */
struct stake_limits shard_limits_of(const struct record_limits *body);
/* Amounts, delay and factor are within their bounds. */
bool shard_stake_limits_valid(const struct stake_limits *limits);

/* Verdicts, the stored answers to (user, operation, key): shard_verdicts.h. */
enum operation {
    OPERATION_BET = 1,
    OPERATION_DEPOSIT = 2,
    OPERATION_WITHDRAWAL = 3,
    OPERATION_CASH_OUT = 4,
    OPERATION_PROMOTION = 5, /* of any kind: what the desk grants or takes */
};
static inline enum operation operation_of_money(unsigned kind)
{
    return kind == MONEY_DEPOSIT      ? OPERATION_DEPOSIT
           : kind == MONEY_WITHDRAWAL ? OPERATION_WITHDRAWAL
                                      : OPERATION_PROMOTION;
}

/* House accounts; NULL when the currency was never used. */
const struct shard_house *shard_state_house(const struct shard_state *state, size_t index);
size_t shard_state_houses_count(const struct shard_state *state);

/* Checks what holds over the whole state: sums of wallets against house accounts per currency
 * (L4), counts and chains of bets per market and account (L7). 0, -ERR_CORRUPT with a reason, or
 * -ERR_MEMORY. O(size), 56 bytes for each account and market meanwhile. */
int shard_state_check(struct shard_state *state);

/* SHA-256 of the whole logical state at its sequence number (L5): equal for equal logs, whatever
 * the limits and whatever verdicts were forgotten. O(size). 0, -ERR_MEMORY or -ERR_CRYPTO. */
int shard_state_hash(const struct shard_state *state, uint8_t ret_hash[32]);

/* The market's status for betting: the feed's last word under the holds and the result. */
enum market_status shard_market_effective(const struct shard_market *market);
/* The market's window of time with this begin and end, in force or not; NULL: there is none. */
const struct shard_window *shard_state_find_window(const struct shard_state *state,
                                                   struct market_ref market, int64_t from_us,
                                                   int64_t until_us);
/* Are the score or the red cards of the same leg, seen later, others? */
bool shard_score_differs(const struct shard_leg *taken, const struct record_leg *seen);
/* Is there room for one more on this market? */
bool shard_state_window_room(const struct shard_state *state, struct market_ref market);
/* Where there is none: is it the market that has its most, and not the book? */
bool shard_state_windows_full(const struct shard_state *state, struct market_ref market);
/* Is the token of a free bet back where it came from, by the settlement in force? */
bool shard_token_is_back(const struct shard_state *state, const struct shard_bet *bet);
