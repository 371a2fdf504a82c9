/* shard_types.h - the rows of a shard's folded state (shard_state.h), for reading. Thread: any. */
#pragma once

#include <stdint.h>

#include "base/hash.h"
#include "core/money.h"
#include "core/odds.h"
#include "core/stake_limits.h"
#include "ledger/record.h"
#include "ledger/shard_desk.h"
#include "ledger/shard_limits.h"
#include "ledger/shard_referral.h"

enum bet_state {
    BET_STATE_PENDING = 1,
    BET_STATE_OPEN,
    BET_STATE_SETTLED,
    BET_STATE_NOT_ACCEPTED,
    BET_STATE_CASHED_OUT, /* the whole of it was bought back: nothing settles it any more */
    BET_STATE_REFERRED,   /* held, until the desk or the customer has spoken: no liability yet */
    BET_STATES,           /* one more than the last */
};

#define BET_NONE UINT32_MAX

#define LEG_NONE UINT32_MAX

#define CASH_OUT_NONE UINT32_MAX

/* Of one bet, those that were refused at once not counted: so many records, twice, are all that it
 * can have of them. */
#define CASH_OUTS_OF_BET_MAX 20

/* One accepted or pending bet. Its legs lie together, in the order of the record. */
struct shard_bet {
    uint64_t bet_id;
    uint64_t seq_placed;  /* its BET record */
    uint64_t seq_last;    /* its newest record; each names the one before */
    uint64_t seq_settled; /* its SETTLE in force; 0 = none */
    uint64_t seq_result;  /* the RESULT it was settled by; 0 = none */
    uint64_t seq_verdict; /* answers its key: its BET, and from its RELEASE on that */
    int64_t placed_us;    /* record time of what accepted it: its BET, or its RELEASE */
    int64_t stake; /* what still stands: less than at placement when a part was bought back */
    int64_t stake_placed;
    int64_t cashed_out; /* paid for the parts bought back, for good */
    int64_t payout;     /* of the settlement in force */
    int64_t returns;    /* what it pays if every leg wins, at the prices taken */
    uint32_t account;
    uint32_t next_of_account; /* the account's bet before this one, or BET_NONE */
    uint32_t legs_first;      /* in the table of legs */
    uint32_t sizes;           /* core/system.h; 0: one line of all legs */
    uint16_t legs_count;
    uint16_t settlement; /* how often it was settled */
    uint8_t state;       /* enum bet_state */
    uint8_t policy;
    uint8_t rounding;
    uint8_t flags;           /* enum bet_flag */
    uint32_t cash_out_waits; /* the cash-out that waits for its delay, or CASH_OUT_NONE */
    uint32_t cash_outs;      /* waiting, done, or refused after a delay */
};

/* One leg of a bet. */
struct shard_leg {
    struct odds odds; /* as taken */
    struct odds asked;
    uint64_t asked_version;
    uint32_t bet; /* its index */
    uint32_t market;
    uint32_t next_of_market; /* the leg before this one on the same market, or LEG_NONE */
    uint16_t selection;
    uint8_t flags; /* enum leg_flag */
    uint8_t places;
    uint8_t place_numerator;
    uint8_t place_denominator;
    uint8_t score[2]; /* when it was taken */
    uint8_t red_cards[2];
    uint16_t reserved;
    struct record_leg_result win; /* of the settlement in force; known = 0: none, or open in it */
    struct record_leg_result place;
};

/* A cash-out that had to wait for a delay, for ever: its key's answer is another record than its
 * own. In the order of seq. */
struct shard_cash_out {
    uint64_t seq;         /* its CASH_OUT record */
    uint64_t seq_verdict; /* answers its key: its own until it is decided */
    int64_t stake;        /* to be bought back */
    int64_t accepted;
    int64_t bound; /* its value when it was asked for: a delay never makes it more */
    uint32_t bet;  /* its index */
    uint16_t tolerance;
    uint16_t reserved;
};

/* Bets on the market that were placed within it are void, while it is in force. */
struct shard_window {
    int64_t from_us, until_us, skew_us;
    uint64_t version; /* of the newest word on it */
    uint32_t market;
    uint32_t next_of_market; /* or WINDOW_NONE */
    uint8_t in_force;
    uint8_t reserved[7];
};

/* What the desk set for one customer, market, event or sport. */
struct shard_stake_limits {
    struct stake_limits limits;
    uint64_t seq;  /* its LIMITS */
    uint32_t ref;  /* account, market, or symbol of the id */
    uint8_t scope; /* enum limit_scope */
    uint8_t reserved[3];
};

#define WINDOW_NONE           UINT32_MAX
#define WINDOWS_OF_MARKET_MAX 16

struct shard_account {
    struct currency currency; /* 0: no money yet */
    uint16_t reserved[3];
    int64_t available;
    int64_t held;        /* stakes of pending and referred bets, of whatever kind */
    int64_t free;        /* free bets */
    int64_t bonus;       /* bonus money */
    uint32_t bets_last;  /* its newest bet, or BET_NONE */
    uint32_t bets_open;  /* open, pending or referred */
    uint64_t seq_last;   /* newest record that moved its money */
    int64_t stakes_open; /* of open, pending and referred bets, of whatever kind */
};

struct shard_selection {
    uint32_t id; /* symbols */
    uint32_t name;
    struct record_selection_result result; /* in force; win.known = 0: none */
    /* What open and pending bets on it cost the book if it wins, all currencies together: returns
     * of singles to win, returns less stake of others (as if all their other legs had won; a place
     * half may win beside another outcome, so its stake covers none). Less the
     * market's stakes_single that is its liability. */
    int64_t costs_open;
    uint64_t result_version; /* of the word on it that is in force; 0: there was none */
    uint8_t deduction_model; /* in which its deduction was said; 0: it deducts nothing */
    uint8_t reserved[7];
};

struct shard_market {
    uint32_t event_id, provider, sport, event_name, name, kind; /* symbols */
    uint32_t selections_first;
    uint16_t selections_count;
    uint8_t status;          /* enum market_status: the feed's word at the last fence */
    uint8_t holds;           /* enum market_hold bits */
    uint8_t deduction_model; /* enum deduction_model, by the newest word that says one; 0: none */
    uint8_t cap_pence;       /* RULE4 */
    uint8_t waive_pence;
    uint8_t has_result;      /* that of a selection is known which was not withdrawn */
    uint32_t legs_last;      /* newest leg on it, or LEG_NONE */
    uint32_t windows_last;   /* newest window of time, or WINDOW_NONE */
    uint32_t bets_count;     /* ever accepted (not the refused, not the not accepted) */
    uint32_t bets_unsettled; /* accepted and not settled by the result in force */
    uint32_t bets_pending;
    uint64_t result_version; /* the highest of any word on results or their rollback */
    uint64_t opened_version; /* of the newest rollback of everything; 0: there was none */
    uint64_t model_version;  /* of the word that said how they deduct, or that nothing does */
    uint64_t newest_version; /* that the newest RESULT names, of whatever kind */
    uint64_t seq_result;     /* the newest RESULT of whatever kind; 0 = none */
    uint64_t seq_stopped; /* the newest FENCE or RESULT that left it not open to bets; 0 = none */
    /* Of open and pending bets with a leg on it, all currencies together: for display, and for the
     * limit of liability. */
    int64_t stakes_open;
    int64_t stakes_single; /* of those that are cash, to win only, and have no other leg */
    int64_t returns_open;  /* what all of them pay if each of them wins */
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
    int64_t cash, stakes, result, promo;
    int64_t returns_open; /* no balance: what open and pending bets pay if each of them wins */
};

struct shard_counts {
    uint64_t records, bets_placed, bets_pending, bets_refused, bets_not_accepted, bets_settled,
        settlements_reversed, deposits, withdrawals, money_refused, fences, results;
    uint64_t cash_outs_asked; /* with a key, whatever became of them */
    uint64_t cash_outs_done, cash_outs_refused;
    uint64_t bets_referred;  /* of those pending */
    uint64_t promotions;     /* what the desk moved, of whatever kind */
    uint64_t adjustments;    /* balances below zero that the book wrote off, */
    uint64_t adjustment_seq; /* and the newest such record, from which they are a chain; 0: none */
};
