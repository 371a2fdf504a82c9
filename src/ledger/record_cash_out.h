/* record_cash_out.h - body and item of CASH_OUT: the verdict on a request to sell a bet, or a part
 * of its stake, back to the book. Part of record.h, which says how records lie. Thread: any.
 *
 * A request has one record, or two when it had to wait for a market's delay: one whose outcome is
 * BET_PENDING, with its key, and one without a key that decides it (asked_seq). What was bought
 * back is never a bet again. Items are there when the value was computed: with every outcome that
 * is BET_PLACED, BET_PENDING or BET_CASH_OUT_CHANGED, and only then. They say all that the value is
 * made of, so it can be computed again from the record alone (cash_out_record.h). */
#pragma once

#include <stdint.h>

#include "core/leg_chances.h"
#include "ledger/record_bets.h"

struct record_cash_out {
    uint64_t bet_id;
    uint64_t request_hash[2]; /* of the decoded request; 0 of a record that decides one */
    uint64_t previous_seq;    /* the bet's record before this one; 0 of a request refused at once,
                                 which is none of the bet's records */
    uint64_t asked_seq;       /* the waiting CASH_OUT that this decides; 0: none */
    int64_t stake;            /* the part of the bet's stake that is to be bought back */
    int64_t accepted;         /* what the customer takes for it, less the tolerance */
    int64_t fair;             /* what it is worth now, rounded down; 0 without items */
    int64_t value;            /* less the margin, rounded down: what is offered for it now */
    int64_t paid;             /* BET_PLACED: never more than the value; else 0 */
    int64_t stake_left;       /* of the bet, after this record */
    int64_t balance_after;    /* available after this record */
    int64_t decide_at_us;     /* BET_PENDING: when it is decided; else 0 */
    int64_t offer_until_us;   /* the end of the offer that was accepted; 0 of a deciding record */
    uint32_t sizes;           /* as in the BET */
    uint16_t outcome;         /* enum bet_outcome; BET_PLACED: bought back */
    uint16_t currency;
    uint16_t tolerance; /* hundredths of a percent, <= CASH_OUT_WHOLE */
    uint16_t margin;    /* the same; 0 without items */
    uint16_t key_bytes; /* texts: idempotency key; then the deductions of the items */
    uint8_t transport;  /* enum record_transport; 0 of a deciding record */
    uint8_t flags;      /* enum bet_flag, as in the BET */
};

/* Item of CASH_OUT: a leg. Settled legs as in a SETTLE, and the rest 0; of an open one (its win is
 * not known) what its chance was taken from. */
struct record_cash_out_leg {
    struct record_settled_leg settled;
    uint32_t now_numerator; /* the selection's price now */
    uint32_t now_denominator;
    uint64_t book;              /* the sum of the market's inverse prices, from which the chance to
                                   win follows: core/market_chances.h; 0: the provider said them */
    uint64_t odds_version;      /* of that price and those chances */
    uint64_t odds_position;     /* of that version in the odds log; 0 unknown */
    struct leg_chances chances; /* in CHANCE_WHOLE */
    uint8_t market_status;      /* enum market_status as seen */
    uint8_t flags;              /* LEG_IN_PLAY, LEG_PROVIDER_ALIVE */
    uint8_t reserved[6];
};

_Static_assert(sizeof(struct record_cash_out) == 128, "format");
_Static_assert(sizeof(struct record_cash_out_leg) == 96, "format");
