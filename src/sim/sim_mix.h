/* sim_mix.h - what a seed decides once; this folder only. */
#pragma once

#include "app/book.h"

/* What the seed decides once. Chances are in permille of a tick, or of a thing. */
struct sim_mix {
    uint32_t users, slots, bets_per_tick_max;
    uint32_t store_max; /* markets in the odds store */
    uint32_t faults;    /* permille: weight of everything that breaks the machine */
    uint32_t feed_drop, feed_duplicate, feed_reorder;
    uint32_t retry, other_body, disconnect;
    uint32_t multiples, each_way; /* permille of the tickets */
    uint32_t cash_outs;           /* of what customers ask for */
    uint32_t limits;              /* of the desk's turns, in which it sets some */
    uint32_t referrals;           /* in which it speaks of a bet; 0: no bet is referred */
    uint32_t alternatives;        /* of the tickets, for which a lower stake does */
    uint32_t promotions;          /* of the movements of money; and of the stakes, a fifth of it */
    uint32_t spenders; /* of the movements that take money, how many take all; 0: few are made */
    int64_t tick_us_max;
    int64_t delay_us_max, stall_us_max;
    bool synthetic, tiny, newest_only, burst;
    uint64_t segment_bytes;
    uint64_t snapshot_records; /* 0: no second fold, every start folds from record 1 */
    uint32_t snapshots_keep;
    uint32_t tree_pace; /* permille of the turns in which the tree gets a step; 0: no tree */
    int64_t head_interval_us;
    uint64_t checkpoint_records;
    uint32_t shadow_pace;    /* permille of the turns in which the second fold gets a step */
    uint64_t odds_bytes_max; /* of the odds log; 0: nothing is deleted */
    uint32_t verdicts_chunk; /* keys of a run; 0: no verdict is forgotten */
    uint32_t verdicts_pace;
    uint32_t vault_block; /* keys made at once; 0: no vault */
    bool two_volumes;     /* the log has a second directory */
    int64_t stall_limit_us;
    bool archive;
    uint32_t rotate;                 /* permille of the turns with another signing key */
    uint8_t ship_mode, ship_degrade; /* enum ship_mode: off, none; enum ship_degrade */
    int64_t ship_timeout_us, wire_us_max;
    uint32_t wire_faults; /* permille of the messages */
    uint32_t upkeep_pace; /* permille of the turns with a step of upkeep; 0: none */
    uint64_t pack_keep, archive_keep;
    struct book_options book;
};
