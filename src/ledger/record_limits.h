/* record_limits.h - the body of LIMITS: what may be staked by whose rules. Part of record.h, which
 * says how records lie. Thread: any. */
#pragma once

#include <stdint.h>

/* All of one scope's limits from now on (core/stake_limits.h); an account's stand in a record of
 * its own. INT64_MAX is "unlimited". */
struct record_limits {
    uint64_t previous_seq; /* the scope's LIMITS in force before; 0: it had none */
    int64_t stake_minor_min;
    int64_t stake_minor_max;
    int64_t payout_minor_max;
    int64_t liability_minor_max;
    int64_t delay_us;
    int64_t refer_minor_above; /* a higher stake waits for the desk */
    uint32_t factor_permyriad;
    uint32_t market;       /* MARKET: its ref; else 0 */
    uint8_t scope;         /* enum limit_scope: PLAYER, MARKET, EVENT or SPORT */
    uint8_t removed;       /* it has none from now on: the numbers above are those of no limit */
    uint16_t id_bytes;     /* texts: of EVENT and SPORT the id, */
    uint16_t actor_bytes;  /* who, */
    uint16_t reason_bytes; /* and why */
    uint8_t refers;        /* 1: what these limits refuse waits for the desk */
    uint8_t reserved[7];
    int64_t payout_day_minor_max; /* PLAYER: of all that is asked for in one day; else INT64_MAX */
};

_Static_assert(sizeof(struct record_limits) == 88, "format");
