/* sim_oracle.h - the oracle's fold of the durable records; this folder only. */
#pragma once

#include "base/table.h"
#include "ledger/shard_state.h"

#define SIM_USERS_MAX   48
#define SIM_MARKETS_MAX 8192

struct sim_account {
    uint16_t user, currency;
    int64_t available, held;
};

struct sim_bet {
    uint64_t bet_id, seq_last, seq_settled, result_seq;
    uint32_t entry, account, market;
    uint16_t selection, settlements;
    uint8_t state; /* enum bet_state */
    int64_t stake, payout;
    struct odds odds;
    struct record_leg_result factors;
};

#define SIM_CURRENCIES 4
struct sim_house {
    uint16_t currency;
    int64_t cash, stakes, result, customers;
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
    struct sim_bet *bets; /* owns */
    uint32_t bets_count, bets_max, pending;
    struct table *bets_by_id; /* owns */
    struct sim_house houses[SIM_CURRENCIES];
    size_t houses_count;
};
