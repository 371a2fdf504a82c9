/* referral.h - which bets are referred to the trading desk, and what a trader may let pass
 * (BETTING-RULES 4.12: manual referral with timeout and re-offer). Pure; thread: any.
 *
 * A bet is referred where a limit refuses it (never its price, its market or the funds) and policy
 * says so, or where a limit of somebody it is of says that all above a stake is. Not where the
 * stake is below the least, nor where nothing may be staked at all: that is no question of risk. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/stake_limits.h"
#include "core/ticket.h"

/* Stored in records by number. */
enum referral_cause {
    REFERRED_NOT = 0,
    REFERRED_STAKE_LIMIT = 1,     /* STAKE_LIMIT refused: a stake or a payout above the most */
    REFERRED_LIABILITY_LIMIT = 2, /* LIABILITY_LIMIT refused */
    REFERRED_BY_RULE = 3,         /* nothing refused: a stake above refer_minor_above */
};

/* What a trader lets pass; stored in records. */
enum referral_lift {
    LIFT_STAKE = 1,     /* the most that may be staked, and paid */
    LIFT_LIABILITY = 2, /* what the outcomes may cost */
};
#define REFERRAL_LIFTS_ALL ((unsigned)(LIFT_STAKE | LIFT_LIABILITY))

/* Why a ticket with this verdict and stake is referred; REFERRED_NOT: it is not. `limits` are those
 * of all its legs, before what the customer has staked alike; `on`: every refusal is referred,
 * whoever's limit it was. */
enum referral_cause referral_cause_of(enum bet_outcome outcome, int64_t stake_minor,
                                      const struct stake_limits_combined *limits, bool on);

/* What is lifted by a trader who accepts without a word about it. */
unsigned referral_lift_of(enum referral_cause cause);

/* Takes away from limits and rooms what is lifted; the stake of one who may stake nothing is never
 * lifted. views has `legs_count`. */
void referral_lift_limits(unsigned lifted, struct ticket_limits *limits,
                          struct ticket_leg_view *views, uint32_t legs_count);

/* "STAKE_LIMIT", "LIABILITY_LIMIT", "RULE"; NULL for another number. */
const char *referral_cause_text(enum referral_cause cause);
