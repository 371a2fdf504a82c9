/* record_referral.h - the body of REFERRAL: a word on a bet that was referred to the desk (its BET
 * is BET_PENDING and says `referred`). Part of record.h, which says how records lie. Thread: any.
 *
 * The trader accepts, rejects, or offers another stake or other prices; the customer takes an offer
 * or declines it. A word moves no money, but for an offer that is taken with a lower stake, which
 * gives back the rest. What becomes of the bet is its RELEASE, behind the last word or behind none.
 * Items are the legs as an OFFERED binds them from then on, with what was known of each market at
 * that instant; no other word has any. A leg whose price the trader names has LEG_OFFERED. */
#pragma once

#include <stdint.h>

#include "ledger/record_bets.h"

/* Of one bet: so many offers are all that it can have. */
#define REFERRAL_OFFERS_MAX 4

enum referral_word {
    REFERRAL_ACCEPTED = 1, /* the trader: as it was asked for */
    REFERRAL_REJECTED = 2, /* the trader */
    REFERRAL_OFFERED = 3,  /* the trader: with this stake and these prices, until then */
    REFERRAL_TAKEN = 4,    /* the customer takes the offer */
    REFERRAL_DECLINED = 5, /* the customer does not */
};

struct record_referral {
    uint64_t bet_id;
    uint64_t previous_seq;    /* the bet's record before this one */
    uint64_t offer_seq;       /* TAKEN, DECLINED: the OFFERED that is meant; else 0 */
    int64_t stake;            /* OFFERED, TAKEN: of the offer, at most what is held; else 0 */
    int64_t potential_return; /* OFFERED, TAKEN: of that stake at the legs' prices; else 0 */
    int64_t until_us;         /* OFFERED: the offer's end; ACCEPTED, TAKEN: when it is released */
    int64_t balance_after;    /* available after this record */
    uint16_t word;            /* enum referral_word */
    uint16_t currency;
    uint16_t actor_bytes;  /* texts: the trader, */
    uint16_t reason_bytes; /* and why; none of a customer's word */
    uint8_t lifted;        /* ACCEPTED, OFFERED: enum referral_lift */
    uint8_t transport;     /* of a customer's word: enum record_transport; else 0 */
    uint8_t reserved[6];
};

_Static_assert(sizeof(struct record_referral) == 72, "format");
