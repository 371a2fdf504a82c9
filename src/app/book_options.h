/* book_options.h - what a book is made with, and what holds unless it is said. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/book_cash_out.h"
#include "app/book_referral.h"
#include "base/instant.h"
#include "core/ticket.h"
#include "core/user_shard.h"
#include "ledger/shard_types.h"

struct book_options {
    struct shard_place place; /* of the book's shards */
    bool has_desk;            /* elsewhere (book_relay.h): its words come by a link */
    struct shard_limits limits;
    struct ticket_limits ticket_limits; /* per currency alike, in minor units */
    int64_t payout_day_minor_max;       /* of a customer's bets of one day; INT64_MAX: unlimited */
    int64_t liability_minor_max;        /* of one outcome (core/liability.h); LIABILITY_UNLIMITED */
    int64_t deposit_minor_max;          /* of one movement */
    int64_t silence_us_max;             /* P2: 5 s */
    int64_t price_lag_us_max;           /* L6, of a book that follows prices: 250 ms */
    int64_t closed_keep_us;             /* how long an ended market stays in the odds store */
    int64_t write_off_minor_max;  /* a balance that a correction took below zero; 0: it is owed */
    uint32_t settle_per_turn_max; /* settlement records per turn; bets go first */
    uint32_t pending_max;         /* bets waiting for their delay */
    bool bind_score; /* a bet whose score or red cards changed during its delay is refused */
    uint16_t redemption_days; /* G-10 */
    struct cash_out_options cash_out;
    struct referral_options referral;
    bool results_second_person;      /* a result by hand needs another's approval */
    int64_t results_objection_us;    /* for so long one may object to it; 0: not at all */
    uint8_t results_certainty_least; /* of a feed's, to take force by itself; below: a proposal */
    int64_t provider_skew_us;        /* of feeds' clocks against ours, for windows of time: added */
    uint8_t binary_sha256[32];       /* for the OPENED record (G-04) */
    const char *version;
    /* Book id and hash key of a new log, 32 bytes; NULL: from the kernel. For the simulator, in
     * which one seed gives the same bytes every time. */
    const uint8_t *genesis_random;
};

#define BOOK_OPTIONS_DEFAULT                                                                       \
    ((struct book_options){.place = {0, 1},                                                        \
                           .limits = SHARD_LIMITS_DEFAULT,                                         \
                           .ticket_limits = {.bet = {.stake_minor_min = 1,                         \
                                                     .stake_minor_max = 1000000,                   \
                                                     .payout_minor_max = 100000000,                \
                                                     .tolerance_permyriad = 500,                   \
                                                     .rounding = ROUND_DOWN},                      \
                                             .legs_max = 30,                                       \
                                             .lines_max = 20000,                                   \
                                             .total_odds_max = TOTAL_ODDS_UNLIMITED},              \
                           .payout_day_minor_max = INT64_MAX,                                      \
                           .liability_minor_max = LIABILITY_UNLIMITED,                             \
                           .deposit_minor_max = 10000000,                                          \
                           .silence_us_max = 5 * US_PER_SECOND,                                    \
                           .price_lag_us_max = 250000,                                             \
                           .closed_keep_us = 600 * US_PER_SECOND,                                  \
                           .settle_per_turn_max = 256,                                             \
                           .pending_max = 65536,                                                   \
                           .bind_score = true,                                                     \
                           .redemption_days = 365,                                                 \
                           .results_certainty_least = 1,                                           \
                           .cash_out = {true, 500, 5 * US_PER_SECOND},                             \
                           .referral = {false, 60 * US_PER_SECOND, 30 * US_PER_SECOND},            \
                           .version = "0"})
