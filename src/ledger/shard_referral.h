/* shard_referral.h - a bet that waits for the desk, as the fold keeps it. Part of shard_types.h.
 * Thread: any. */
#pragma once

#include <stdint.h>

#define REFERRAL_NONE UINT32_MAX

/* Whose word a referred bet has had last. */
enum referral_stage {
    REFERRAL_WAITS = 1,   /* nobody's */
    REFERRAL_IS_OFFERED,  /* the trader's, who waits for the customer's */
    REFERRAL_IS_ACCEPTED, /* either's: its delay runs, if it has one */
    REFERRAL_IS_REJECTED, /* the trader's */
    REFERRAL_IS_DECLINED, /* the customer's */
};

/* A bet that was referred to the desk, until its RELEASE. In the order of the bets. */
struct shard_referral {
    uint64_t seq_bound; /* its BET, or its newest OFFERED: what it is bound by */
    int64_t until_us;   /* record time of the end of waiting, of the offer, of the delay */
    int64_t stake;      /* offered; 0: nothing is */
    int64_t stake_max;  /* what would have passed the limit that referred it */
    uint32_t bet;       /* its index */
    uint8_t stage;      /* enum referral_stage */
    uint8_t cause;      /* enum referral_cause */
    uint8_t scope;      /* enum limit_scope: whose limit */
    uint8_t lifted;     /* enum referral_lift, by its newest word */
    uint8_t offers;     /* it had so many */
    uint8_t reserved[7];
};
