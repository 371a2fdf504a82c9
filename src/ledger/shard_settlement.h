/* shard_settlement.h - what the results in force make of a bet: the one answer to "is it decided,
 * what does it pay, and why", from the state alone. The book writes it as a SETTLE record, the fold
 * asks again and accepts nothing else (L7).
 *
 * A leg is void when a window of time in force covers the moment at which the bet was accepted;
 * else it has its selection's result, less what runners deduct that were withdrawn after that
 * moment. What they deduct has to be said in one model, that of the newest word that says any; a
 * leg that deductions of several models apply to is not decided. A bet is decided when each leg is,
 * or when a leg is lost and nothing that the open ones may still do can make it pay. So what it
 * comes to depends on what is in force and never on the order in which it came. Pure. Thread: the
 * state's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/bet.h"
#include "ledger/shard_state.h"

#define SETTLEMENT_DEDUCTIONS_MAX (BET_LEGS_MAX * DEDUCTIONS_MAX)
#define SETTLEMENT_POSTINGS_MAX   5

/* Of the record SETTLE, or what is missing to it. Only the first of each array are written. */
struct settlement {
    bool decided;
    bool token_back;
    int64_t payout;      /* when decided */
    uint64_t result_seq; /* of the newest RESULT among its legs' markets; 0: none has any */
    uint64_t result_version;
    uint32_t legs_count, deductions_count;
    struct record_settled_leg legs[BET_LEGS_MAX];
    uint16_t deductions[SETTLEMENT_DEDUCTIONS_MAX];
};

/* The bet is open or settled. */
void shard_settlement_of(const struct shard_state *state, const struct shard_bet *bet,
                         struct settlement *ret);
/* Does it differ from the settlement in force, so that this one has to be reversed? What a lost
 * bet's open legs came to later does not count. The bet is settled. */
bool shard_settlement_differs(const struct shard_state *state, const struct shard_bet *bet,
                              const struct settlement *settlement);

/* What settling moves (sign 1), and what taking it back does (-1). */
struct settled_money {
    int64_t payout;
    bool token_back;
    int sign;
};
/* Answers how many postings. */
size_t shard_settlement_postings(const struct shard_state *state, const struct shard_bet *bet,
                                 struct settled_money money,
                                 struct record_posting ret[SETTLEMENT_POSTINGS_MAX]);
/* Its available balance after these postings. */
int64_t shard_available_after(const struct shard_state *state, uint32_t account,
                              const struct record_posting *postings, size_t count);
/* The customer's account from which a bet with these flags is staked. */
enum ledger_account shard_stake_account(unsigned flags);

/* What a bet pays when each of its legs wins, and is placed, at these prices: the odds, banker flag
 * and place terms of each leg. False: it is no valid bet, or pays more than MONEY_MINOR_MAX. */
struct bet_terms {
    struct money stake;
    uint32_t sizes;
    uint8_t flags; /* enum bet_flag */
    enum rounding rounding;
};
bool shard_potential_return(const struct bet_terms *terms, const struct record_leg *legs,
                            size_t legs_count, int64_t *ret_minor);
