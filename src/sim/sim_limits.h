/* sim_limits.h - what the desk lets be staked, and by whose word; this folder only. */
#pragma once

#include "core/stake_limits.h"
#include "ledger/record.h"

#define SIM_LIMITS_MAX 64

struct sim;

/* Of one customer, market, event or sport; in force, or asked for. */
struct sim_limits {
    uint8_t scope; /* enum limit_scope */
    bool removed;
    uint8_t id_bytes;
    char id[96];  /* of an event or a sport; of a request: of whatever it is */
    uint32_t ref; /* account, or index of the market */
    uint64_t seq;
    struct stake_limits limits;
};

/* What holds for a leg, by the rules of BETTING-RULES 4.12. */
struct sim_bounds {
    int64_t stake_min, stake_max, payout_max, payout_day_max, liability_max, delay_us;
    int64_t refer_above; /* a higher stake is for the desk to decide */
    bool refers;         /* and what these limits refuse */
};

struct sim_bounds sim_bounds_of(const struct sim *sim, uint32_t account, uint32_t market);
void sim_limits_step(struct sim *sim); /* the desk sets some, or takes them away */
void sim_oracle_limits(struct sim *sim, const struct record_view *record);
