/* options_odds_store.h - where prices are that several processes share. */
#pragma once

#include "cli/node/node_odds_store.h"
#include "cli/options/options.h"

/* clang-format off */
#define ODDS_STORE_SPECS                                                                           \
    {"odds-store", "memory"},                                                                      \
    {"odds-store-ca", NULL},                                                                       \
    {"odds-store-name", NULL},                                                                     \
    {"odds-store-sentinel-auth", NULL},                                                            \
    {"odds-store-refresh-ms", "20000"}
/* clang-format on */

/* 0, or -ERR_CONFIG with a sentence in `why`. */
int options_odds_store(const struct options *options, struct node_odds_store_options *ret,
                       struct buf *why);
