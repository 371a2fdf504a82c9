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
#include "core/money.h"
#include "core/settle.h"
#include "ledger/record.h"

struct shard_limits {
    uint32_t accounts_max;
    uint32_t markets_max;    /* markets that were ever bet on or had a result */
    uint32_t selections_max; /* of all of those together */
    uint32_t bets_max;       /* accepted or pending, settled ones too */
    uint32_t verdicts_max;   /* idempotency keys of bets and money, refusals too (L3) */
};

/* Enough for a demo or a small book; 1 GiB at most when full. */
#define SHARD_LIMITS_DEFAULT                                                                       \
    ((struct shard_limits){.accounts_max = 262144,                                                 \
                           .markets_max = 131072,                                                  \
                           .selections_max = 1048576,                                              \
                           .bets_max = 2097152,                                                    \
                           .verdicts_max = 4194304})

enum bet_state {
    BET_STATE_PENDING = 1,
    BET_STATE_OPEN,
    BET_STATE_SETTLED,
    BET_STATE_NOT_ACCEPTED,
};

#define BET_NONE UINT32_MAX

/* One accepted or pending bet. */
struct shard_bet {
    uint64_t bet_id;
    uint64_t seq_placed;  /* its BET record */
    uint64_t seq_last;    /* its newest record; each names the one before */
    uint64_t seq_settled; /* its SETTLE in force; 0 = none */
    uint64_t seq_result;  /* the RESULT it was settled by; 0 = none */
    int64_t stake;
    int64_t payout;       /* in force */
    int64_t decide_at_us; /* while pending */
    struct odds odds;     /* as taken */
    struct odds asked;
    uint64_t asked_version;
    uint32_t account;
    uint32_t market;
    uint32_t next_of_account; /* the account's bet before this one, or BET_NONE */
    uint32_t next_of_market;
    uint16_t selection;
    uint16_t settlement; /* how often it was settled */
    uint8_t state;       /* enum bet_state */
    uint8_t policy;
    uint8_t rounding;
    uint8_t reserved;
    uint32_t verdict;                 /* index of its verdict */
    struct record_leg_result factors; /* of the settlement in force; known = 0: none */
    uint32_t reserved2;
};

struct shard_account {
    struct currency currency; /* 0: no money yet */
    uint16_t reserved[3];
    int64_t available;
    int64_t held;
    uint32_t bets_last; /* its newest bet, or BET_NONE */
    uint32_t bets_open; /* open or pending */
    uint64_t seq_last;  /* newest record that moved its money */
};

struct shard_selection {
    uint32_t id; /* symbols */
    uint32_t name;
    struct record_leg_result result; /* in force; known = 0: none */
};

struct shard_market {
    uint32_t event_id, provider, sport, event_name, name, kind; /* symbols */
    uint32_t selections_first;
    uint16_t selections_count;
    uint8_t status;          /* enum market_status: the feed's word at the last fence */
    uint8_t holds;           /* enum market_hold bits */
    uint32_t bets_last;      /* newest bet on it, or BET_NONE */
    uint32_t bets_count;     /* ever accepted (not the refused, not the not accepted) */
    uint32_t bets_unsettled; /* accepted and not settled by the result in force */
    uint32_t bets_pending;
    uint64_t result_version;
    uint64_t seq_result; /* the RESULT in force; 0 = none */
    int64_t stakes_open; /* per market, all currencies together: for display only */
};

/* The stored answer to one idempotency key. */
struct shard_verdict {
    uint64_t request_hash[2];
    uint64_t seq; /* the BET or MONEY record that answers it */
    uint32_t bet; /* index, or BET_NONE */
    uint32_t account;
};

#define CURRENCIES_MAX 32

struct shard_house {
    struct currency currency;
    uint16_t reserved[3];
    int64_t cash, stakes, result;
};

struct shard_counts {
    uint64_t records, bets_placed, bets_pending, bets_refused, bets_not_accepted, bets_settled,
        settlements_reversed, deposits, withdrawals, money_refused, fences, results;
};

struct shard_state;

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
uint64_t shard_state_epoch(const struct shard_state *state); /* of the last OPENED; 0 = none */
uint32_t shard_state_shard(const struct shard_state *state);
const struct shard_counts *shard_state_counts(const struct shard_state *state);
const struct shard_limits *shard_state_limits(const struct shard_state *state);

/* NULL when there is room for one more of everything that one client request may add, or the
 * name of the limit that is reached ("accounts_max", ...). */
const char *shard_state_room(const struct shard_state *state);

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
/* The text behind a symbol of a market or selection; symbol 0 is "". */
struct slice shard_state_text(const struct shard_state *state, uint32_t symbol);

/* Bets; index < shard_state_bets_count, in the order of placement. */
uint32_t shard_state_find_bet(const struct shard_state *state, struct bet_id id); /* or BET_NONE */
const struct shard_bet *shard_state_bet(const struct shard_state *state, uint32_t index);
uint32_t shard_state_bets_count(const struct shard_state *state);
struct bet_id shard_state_last_bet_id(const struct shard_state *state);

/* Verdicts: the stored answer to (user, operation, key), or NULL. */
enum operation { OPERATION_BET = 1, OPERATION_DEPOSIT, OPERATION_WITHDRAWAL };
const struct shard_verdict *shard_state_verdict(const struct shard_state *state,
                                                struct account_ref account,
                                                enum operation operation, struct slice key);

/* House accounts; NULL when the currency was never used. */
const struct shard_house *shard_state_house(const struct shard_state *state, size_t index);
size_t shard_state_houses_count(const struct shard_state *state);

/* Checks what holds over the whole state: sums of wallets against house accounts per currency
 * (L4), counts per market and account. 0, or -ERR_CORRUPT with a reason. O(size). */
int shard_state_check(struct shard_state *state);

/* SHA-256 of the whole logical state at its sequence number (L5). O(size). 0, -ERR_MEMORY or
 * -ERR_CRYPTO. */
int shard_state_hash(const struct shard_state *state, uint8_t ret_hash[32]);

/* The market's status for betting: the feed's last word under the holds and the result. */
enum market_status shard_market_effective(const struct shard_market *market);
/* The result in force of a bet's selection; known = 0: none. */
struct record_leg_result shard_state_bet_result(const struct shard_state *state,
                                                const struct shard_bet *bet);
