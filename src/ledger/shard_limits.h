/* shard_limits.h - how much a shard may hold in memory. Thread: any. */
#pragma once

#include <stdint.h>

struct shard_limits {
    uint32_t accounts_max;
    uint32_t markets_max;      /* markets that were ever bet on or had a result */
    uint32_t selections_max;   /* of all of those together */
    uint32_t bets_max;         /* accepted or pending, settled ones too */
    uint32_t legs_max;         /* of all these bets together; 0: twice bets_max and 100 */
    uint32_t windows_max;      /* of time, of all markets together; 0: markets_max */
    uint32_t stake_limits_max; /* scopes with limits of their own; 0: 4096 */
    uint32_t proposals_max;    /* of results, that wait; 0: 256 */
    uint32_t proposed_max;     /* selections that all of these name together; 0: 16,384 */
    uint32_t referrals_max;    /* bets that wait for the desk; 0: 16,384 */
    uint32_t cash_outs_max;    /* that ever waited for a delay; 0: bets_max */
    uint32_t verdicts_max;     /* idempotency keys in memory: shard_verdicts.h */
};

/* Enough for a demo or a small book; 1 GiB at most when full. */
#define SHARD_LIMITS_DEFAULT                                                                       \
    ((struct shard_limits){.accounts_max = 262144,                                                 \
                           .markets_max = 131072,                                                  \
                           .selections_max = 1048576,                                              \
                           .bets_max = 2097152,                                                    \
                           .verdicts_max = 4194304})
