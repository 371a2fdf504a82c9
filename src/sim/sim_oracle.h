/* sim_oracle.h - the oracle's fold of the durable records; this folder only. */
#pragma once

#include "base/table.h"
#include "core/each_way.h"
#include "ledger/shard_state.h"
#include "sim/sim_limits.h"
#include "sim/sim_proposals.h"

#define SIM_USERS_MAX   48
#define SIM_MARKETS_MAX 8192

struct sim_account {
    uint16_t user, currency;
    int64_t available, held, free, bonus;
    uint64_t seq_last;   /* the newest record that moved its money */
    int64_t stakes_open; /* of open and pending bets */
    uint32_t bets_last;  /* its newest bet, or UINT32_MAX */
};

struct sim_bet_leg {
    uint32_t market; /* index of sim.markets */
    uint16_t selection;
    bool banker, ante_post;
    bool named; /* its price, by a trader */
    struct place_terms terms;
    struct odds odds;
    struct record_leg_result win, place; /* of the settlement in force */
};

/* Of a bet that was referred to the desk. */
struct sim_referral {
    uint8_t cause;      /* enum referral_cause; 0: it was not */
    uint8_t stage;      /* enum referral_stage */
    uint8_t lifted;     /* enum referral_lift, by the newest word of the desk */
    uint8_t offers;     /* it had so many */
    uint64_t bound_seq; /* the BET, or the newest OFFERED */
    int64_t breaks;     /* of leases, when that was */
    int64_t offered;    /* stake of the newest offer; 0: none */
    int64_t until_us;   /* record time of the end of waiting */
    uint32_t since_in;  /* incarnation in which this waiting began, or went on, */
    int64_t due_us;     /* and its end, monotonic */
};

struct sim_bet {
    uint64_t bet_id, seq_last, seq_settled, result_seq;
    uint32_t entry, account, next_of_account;
    uint32_t legs_first, sizes;
    uint16_t legs_count, settlements;
    uint8_t state, flags; /* enum bet_state, bet_flag */
    bool token_back;
    int64_t placed_us;
    int64_t stake, returns, payout; /* the stake that is left */
    int64_t stake_placed, stake_sold, cashed_out;
    uint32_t selling; /* the entry of the cash-out that waits, or UINT32_MAX */
    uint32_t cash_outs;
    struct sim_referral referral;
};

#define SIM_CURRENCIES 4
struct sim_house {
    uint16_t currency;
    int64_t cash, stakes, result, promo, customers;
};

/* The oracle: an own fold of the durable records, simple and in other words than the ledger's. */
struct sim_oracle {
    uint64_t seq, epoch;
    int64_t time_us;
    uint32_t *crcs; /* owns; [seq], of every durable record ever seen */
    size_t crcs_max;
    struct sim_account accounts[SIM_USERS_MAX + 1]; /* [ref] */
    uint32_t accounts_count;
    uint32_t markets[SIM_MARKETS_MAX + 1]; /* [ref] -> index of sim.markets */
    uint32_t markets_count;
    struct sim_bet *bets;                             /* owns */
    uint32_t bets_count, bets_max, pending, referred; /* the last two: that wait */
    struct sim_bet_leg *legs;                         /* owns; of the bets, in their order */
    uint32_t legs_count, legs_max;
    struct table *bets_by_id; /* owns */
    struct sim_proposal proposals[SIM_PROPOSALS_MAX];
    uint32_t proposals_count; /* that wait, oldest first */
    struct sim_limits limits[SIM_LIMITS_MAX];
    uint32_t limits_count;
    struct sim_house houses[SIM_CURRENCIES];
    size_t houses_count;
};
