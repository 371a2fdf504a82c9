/* sim_fate.h - what the results in force make of a bet, as the oracle sees it: every line by
 * itself, with exact fractions, from BETTING-RULES and docs/LEDGER.md alone; this folder only. */
#pragma once

#include "sim/sim_types.h"

struct sim_leg_fate {
    bool cancelled; /* by a window of time */
    struct record_leg_result win, place;
    uint16_t position, tied;
    uint8_t deducted_from, deductions_count;
    uint16_t deductions[SIM_SELECTIONS_MAX];
    const struct leg_chances *chances; /* open: what may become of it; NULL: it wins */
};

struct sim_fate {
    bool decided, token_back;
    int64_t payout;
    uint64_t result_seq, result_version; /* of the newest RESULT on its markets */
    struct sim_leg_fate legs[SIM_LEGS_MAX];
};

void sim_fate_of(const struct sim *sim, const struct sim_bet *bet, struct sim_fate *ret);
/* Is the settlement in force another one? Of what it did not know it says nothing. */
bool sim_fate_differs(const struct sim *sim, const struct sim_bet *bet,
                      const struct sim_fate *fate);

/* What such a ticket pays if every leg wins and is placed. */
struct sim_shape {
    int64_t stake;
    uint32_t sizes, legs_count;
    uint8_t flags; /* enum bet_flag */
};
struct sim_shape sim_shape_of(const struct sim_bet *bet);
int64_t sim_returns(const struct sim *sim, const struct sim_shape *shape,
                    const struct sim_bet_leg *legs);
/* What the stake of a running bet is worth, less a margin, rounded down; open legs have chances. */
int64_t sim_worth(const struct sim_shape *shape, const struct sim_bet_leg *legs,
                  const struct sim_leg_fate *fates, uint32_t margin_permyriad);
/* A leg of a record is what the oracle says of it; its deductions are the next of the texts. */
void sim_check_settled_leg(struct sim *sim, const struct record_settled_leg *item,
                           const struct sim_bet_leg *leg, const struct sim_leg_fate *f,
                           struct slice *texts);
/* Lines, each-way ones once; 0: sizes and legs do not go together. */
uint32_t sim_lines(const struct sim_shape *shape, const struct sim_bet_leg *legs);
