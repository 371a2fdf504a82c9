/* options_trading.h - what the house offers and takes. Thread: any. */
#pragma once

#include "cli/node/node.h"
#include "cli/options/options.h"

/* One a line, so that those who add one do not meet. */
/* clang-format off */
#define TRADING_SPECS                                                                              \
    {"margin-permyriad", "500"},                                                                   \
    {"price-cents-min", "101"},                                                                    \
    {"offer-cents-min", "0"},                                                                      \
    {"uof-delay-ms", "5000"},                                                                      \
    {"stake-minor-min", "1"},                                                                      \
    {"stake-minor-max", "1000000"},                                                                \
    {"payout-minor-max", "100000000"},                                                             \
    {"payout-day-minor-max", "0"},                                                                 \
    {"liability-minor-max", "0"},                                                                  \
    {"legs-max", "30"},                                                                            \
    {"lines-max", "20000"},                                                                        \
    {"total-odds-max", "0"},                                                                       \
    {"deposit-minor-max", "10000000"},                                                             \
    {"tolerance-permyriad", "500"},                                                                \
    {"rounding", "down"},                                                                          \
    {"write-off-minor-max", "0"},                                                                 \
    {"settle-per-turn-max", "256"},                                                                \
    {"cash-out", "on"},                                                                            \
    {"cash-out-margin", "500"},                                                                    \
    {"cash-out-valid-ms", "5000"},                                                                 \
    {"referrals", "off"},                                                                          \
    {"referral-timeout-ms", "60000"},                                                              \
    {"referral-offer-ms", "30000"},                                                                \
    {"referrals-max", "1024"},                                                                     \
    {"pending-max", "65536"},                                                                      \
    {"bind-score", "on"}
/* clang-format on */

/* 0, or -ERR_CONFIG with a sentence. */
int options_trading(const struct options *options, struct node_trading *ret, struct buf *why);
