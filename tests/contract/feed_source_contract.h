/* feed_source_contract.h - what every decoder of a provider's messages must do, whatever its format
 * (ports/feed_source.h, ports/feed_sink.h): used as
 *
 *     FEED_SOURCE_CONTRACT(suite, words)
 *
 * where `words` says the same conversation in that format. What a format says beyond that is tested
 * beside its decoder. */
#pragma once

#include <stdbool.h>

#include "ports/feed_sink.h"
#include "ports/feed_source.h"

struct feed_words {
    struct feed_source *(*source_new)(struct feed_sink *sink);
    void (*check)(const struct feed_source *source); /* aborts where an invariant is broken */
    const char *opening;                             /* before all others; NULL: none is needed */
    const char *market;      /* a market MARKET of EVENT that can be bet on, its first price 2.00 */
    const char *moved;       /* its first price is 2.50 */
    const char *known_again; /* after a reset, as the provider would say it: on sale again */
    const char *half;        /* a sound change of that market, and then one that is malformed */
    const char *alive;       /* nothing but a sign of life */
    const char *market_id;   /* what MARKET is called */
    bool tells_all;          /* a message says all of its market: a reset leaves nothing unknown */
    size_t line_bytes_max;
};

/* Words of ours have ' for " where a format needs them. */
#define FEED_SOURCE_CONTRACT_LIST(X, suite, words)                                                 \
    X(suite, words, what_is_said_is_shown_and_counted)                                             \
    X(suite, words, each_message_is_a_sign_of_life)                                                \
    X(suite, words, nothing_of_a_line_is_kept)                                                     \
    X(suite, words, a_message_that_is_cut_short_is_refused_whole)                                  \
    X(suite, words, a_message_that_is_half_wrong_is_refused_whole)                                 \
    X(suite, words, a_line_beyond_its_bound_is_refused_whole)                                      \
    X(suite, words, any_bytes_are_answered_and_change_no_rule)                                     \
    X(suite, words, after_a_reset_nothing_is_on_sale_until_it_is_known_again)                      \
    X(suite, words, two_sources_know_nothing_of_each_other)

#define FEED_SOURCE_CONTRACT_DECLARE(suite, words, name)                                           \
    void feed_source_contract_##name(const struct feed_words *words);
FEED_SOURCE_CONTRACT_LIST(FEED_SOURCE_CONTRACT_DECLARE, , )

#define FEED_SOURCE_CONTRACT_TEST(suite, words, name)                                              \
    TEST(suite, name)                                                                              \
    {                                                                                              \
        feed_source_contract_##name(&(words));                                                     \
    }
#define FEED_SOURCE_CONTRACT(suite, words)                                                         \
    FEED_SOURCE_CONTRACT_LIST(FEED_SOURCE_CONTRACT_TEST, suite, words)
