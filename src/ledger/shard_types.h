/* shard_types.h - the rows of a shard's folded state (shard_state.h), for reading. Thread: any. */
#pragma once

#include <stdint.h>

#include "base/hash.h"
#include "core/money.h"
#include "core/odds.h"
#include "ledger/record.h"

struct shard_limits {
    uint32_t accounts_max;
    uint32_t markets_max;    /* markets that were ever bet on or had a result */
    uint32_t selections_max; /* of all of those together */
    uint32_t bets_max;       /* accepted or pending, settled ones too */
    uint32_t verdicts_max;   /* idempotency keys in memory: shard_verdicts.h */
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
    uint64_t seq_verdict; /* answers its key: its BET, and from its RELEASE on that */
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
    struct record_leg_result factors; /* of the settlement in force; known = 0: none */
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
    uint64_t seq_result;  /* the RESULT in force; 0 = none */
    int64_t stakes_open;  /* of open and pending bets, all currencies together: for display only */
    int64_t returns_open; /* what these bets pay if each of them wins: the same */
};

/* The stored answer to one idempotency key. Never changes: what becomes of its bet is the bet's. */
struct shard_verdict {
    struct hash128 key; /* of account, operation and idempotency key */
    uint64_t request_hash[2];
    uint64_t seq; /* the BET or MONEY record that decided it */
    uint32_t bet; /* index, or BET_NONE */
    uint32_t account;
};

#define CURRENCIES_MAX 64 /* above the number that core/money.c knows: a test counts them */

struct shard_house {
    struct currency currency;
    uint16_t reserved[3];
    int64_t cash, stakes, result;
    int64_t returns_open; /* no balance: what open and pending bets pay if each of them wins */
};

struct shard_counts {
    uint64_t records, bets_placed, bets_pending, bets_refused, bets_not_accepted, bets_settled,
        settlements_reversed, deposits, withdrawals, money_refused, fences, results;
};
