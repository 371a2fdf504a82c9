/* odds_limits.h - every limit of the odds service by name, and how often each was reached
 * (DESIGN S2; overround_limit_reached_total{limit=NAME}). Thread: the loop's. */
#pragma once

#include <stdint.h>

/* X(name, default): what happens at the limit. */
#define ODDS_LIMIT_LIST(X)                                                                         \
    /* markets shown: a further one is not shown (the odds store's own limit comes first) */       \
    X(markets_max, 100000)                                                                         \
    /* events and sports that have markets: the market of a further one is in no such channel */   \
    X(events_max, 131072)                                                                          \
    X(sports_max, 256)                                                                             \
    /* bytes of pre-encoded markets: beyond it they are encoded for each reader */                 \
    X(image_bytes_max, 256 * 1024 * 1024)                                                          \
    /* sockets and event streams at once: 503 TOO_MANY_STREAMS */                                  \
    X(clients_max, 20000)                                                                          \
    /* channels that somebody follows: error CHANNELS_FULL */                                      \
    X(channels_max, 131072)                                                                        \
    /* channels that one client follows: error TOO_MANY_CHANNELS */                                \
    X(channels_per_client_max, 64)                                                                 \
    /* followers of a channel from which on its messages wait for the flush: fewer get them in     \
     * their turn, and each client's sends wait for one another in its own queue */                \
    X(paced_followers_min, 16)                                                                     \
    /* all clients' channels together: error SUBSCRIPTIONS_FULL */                                 \
    X(subscriptions_max, 262144)                                                                   \
    /* messages of a channel kept for a resume: an older one gets a snapshot */                    \
    X(history_messages_max, 64)                                                                    \
    /* the same in bytes, all channels together: the channel's oldest go first */                  \
    X(history_bytes_max, 64 * 1024 * 1024)                                                         \
    /* bytes of one snapshot frame: the rest follows in partial ones */                            \
    X(snapshot_bytes_max, 48 * 1024)                                                               \
    /* markets that one subscription of a lagging client may owe: beyond it, a new snapshot */     \
    X(dirty_per_subscription_max, 64)                                                              \
    /* the same, all subscriptions together */                                                     \
    X(dirty_max, 262144)                                                                           \
    /* a client that lags so long without a break: closed with 1013 */                             \
    X(lag_ms_max, 20000)                                                                           \
    /* between two newest states of a market to a client that was late again and again: they come  \
     * no more seldom */                                                                           \
    X(late_conflate_ms_max, 400)                                                                   \
    /* a longer conflate_ms is cut to it */                                                        \
    X(conflate_ms_max, 60000)                                                                      \
    /* messages a client may send at once, and how many more a second: RATE_LIMITED, in the answer \
     * of a bet that names its id, else as an error */                                             \
    X(ops_burst_max, 200)                                                                          \
    X(ops_per_second_max, 50)                                                                      \
    /* malformed messages before the socket is closed with 1008 */                                 \
    X(malformed_max, 8)                                                                            \
    /* bets of one socket without an answer: error TOO_MANY_BETS */                                \
    X(bets_per_client_max, 16)                                                                     \
    /* the same, all sockets together */                                                           \
    X(bets_in_flight_max, 65536)                                                                   \
    /* sockets of one user that get that user's own messages: the oldest one loses them */         \
    X(sockets_per_user_max, 16)                                                                    \
    /* reads that wait for a change: a further one is answered at once */                          \
    X(long_polls_max, 10000)                                                                       \
    /* a longer wait is cut to it */                                                               \
    X(long_poll_ms_max, 30000)                                                                     \
    /* markets of one GET /v1/odds?market_id=..: 400 TOO_MANY_MARKETS */                           \
    X(batch_markets_max, 100)                                                                      \
    /* events of one page of GET /v1/events: the rest by cursor */                                 \
    X(page_events_max, 100)                                                                        \
    /* bytes of such a page or batch: fewer events a page; 500 REPLY_TOO_LARGE for one event */    \
    X(reply_bytes_max, 4 * 1024 * 1024)

#define ODDS_LIMIT_FIELD(name, value) int64_t name;
struct odds_limits {
    ODDS_LIMIT_LIST(ODDS_LIMIT_FIELD)
};
#undef ODDS_LIMIT_FIELD

#define ODDS_LIMIT_ENUM(name, value) ODDS_LIMIT_##name,
enum odds_limit { ODDS_LIMIT_LIST(ODDS_LIMIT_ENUM) };
#undef ODDS_LIMIT_ENUM
#define ODDS_LIMIT_ONE(name, value) +1
#define ODDS_LIMITS_COUNT           (0 ODDS_LIMIT_LIST(ODDS_LIMIT_ONE))

#define ODDS_LIMIT_VALUE(name, value) .name = value,
#define ODDS_LIMITS_DEFAULT           ((struct odds_limits){ODDS_LIMIT_LIST(ODDS_LIMIT_VALUE)})
