/* odds_service.h - current prices to every screen: REST reads, WebSocket and SSE streams, and each
 * user's own bets and balance (CONTRACT, "HTTP" and "WebSocket /v1/stream").
 *
 * A price change is encoded once per channel and shared by reference (DESIGN part 5); everything
 * that came to a channel since the last flush goes to a follower as one piece. Flushes are a turn
 * apart while there is little to do, and further under load (flush_pace.h); only price changes
 * wait for one: answers, snapshots, and a user's own messages go out in their turn. A client that
 * lags costs a bounded list of markets: it gets `skipped` and then each market's full image (P3).
 * Versions of a market only rise here, whatever comes in (P1).
 *
 * Owned by the loop that runs the HTTP server. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "crypto/jwt.h"
#include "net/http/http_request.h"
#include "net/loop/loop.h"
#include "net/stream/shared_bytes.h"
#include "ports/odds_store.h"
#include "roles/bet/bet_port.h"
#include "roles/odds/odds_limits.h"

struct odds_service;
struct own_presence;

/* How an event stands, for the catalogue. */
struct odds_scoreboard {
    unsigned home, away;
    unsigned reds_home, reds_away;
    unsigned minute;   /* 0 before the start */
    const char *phase; /* "before", "first_half", "half_time", "second_half", "ended"; static */
};

/* False when nothing is known of the event. Called on the loop, while a catalogue is written. */
typedef bool (*odds_scoreboard_fn)(void *owner, struct slice event_id, struct odds_scoreboard *ret);

struct odds_service_options {
    struct odds_limits limits;
    int64_t heartbeat_ms;          /* SSE comment and longest silence of an event stream */
    odds_scoreboard_fn scoreboard; /* NULL: no event has one */
    void *scoreboard_owner;
    int64_t channel_keep_ms;    /* a channel without followers keeps its history so long */
    int64_t succession_keep_ms; /* markets of the process before wait so long for their provider */
    struct own_presence *presence; /* borrowed; tells another loop which users have sockets here
                                      (own_crossing.h). NULL: none asks */
    bool ops_unlimited;            /* ops_burst_max and ops_per_second_max do not hold */
    int64_t flush_us_max; /* messages wait at most so long for others (flush_pace.h); 0: none */
};

#define ODDS_SERVICE_OPTIONS_DEFAULT                                                               \
    ((struct odds_service_options){.limits = ODDS_LIMITS_DEFAULT,                                  \
                                   .heartbeat_ms = 15000,                                          \
                                   .channel_keep_ms = 60000,                                       \
                                   .succession_keep_ms = 60000,                                    \
                                   .flush_us_max = 20000})

/* `loop` and `store` are borrowed until odds_service_free. 0, -ERR_MEMORY, -ERR_LIMIT. */
int odds_service_new(const struct odds_service_options *options, struct loop *loop,
                     struct odds_store *store, struct odds_service **ret_service);
/* After the HTTP server is freed: no callback of a stream comes any more. Accepts NULL. */
void odds_service_free(struct odds_service *service);

/* Answers reads that wait, and lets none wait from now on: before the HTTP server drains. */
void odds_service_drain(struct odds_service *service);

/* ---- another process takes over; in this order ---- */

/* Begins nothing any more: what sockets ask for is not read, streams are refused with 503
 * RESTARTING. odds_service_drain() is part of it. */
void odds_service_leave(struct odds_service *service);
/* Whether every bet that came over a socket has its answer. */
bool odds_service_is_answered(const struct odds_service *service);
/* Everyone gets what is owed, is told when to come back (spread, so that they do not come at one
 * moment) and is closed: WebSockets with `reconnect` and 1012, event streams with `retry`. */
void odds_service_send_away(struct odds_service *service);
/* The numbers and the markets shown (odds_handover.h), after nobody can be sent any. The caller
 * owns *ret_state. -ERR_MEMORY, -ERR_LIMIT. */
int odds_service_hand_over(struct odds_service *service, struct shared_bytes **ret_state);
/* The successor's side, once, before odds_service_attach(): goes on behind those numbers. The
 * state is checked as a whole before any of it is used: -ERR_FORMAT, -ERR_UNSUPPORTED; then this
 * service is as new and its clients begin with snapshots. */
int odds_service_take_over(struct odds_service *service, struct slice state);

/* What is known of a provider, for reads (S1): ODDS_PROVIDER_ALIVE, its lease holds;
 * ODDS_PROVIDER_UNKNOWN; or the microseconds since it was last heard of. */
#define ODDS_PROVIDER_ALIVE   INT64_C(-1)
#define ODDS_PROVIDER_UNKNOWN INT64_C(-2)
typedef int64_t (*odds_silence_fn)(void *owner, struct slice provider);

/* What it asks besides its store; borrowed until odds_service_free. */
struct odds_sources {
    odds_silence_fn silence_us; /* NULL: no read is stale */
    void *owner;                /* of silence_us */
    struct bet_port *bets;      /* NULL: place_bet is answered with 503 */
};

/* Once, before the first request, after book_start. Shows what the store holds by then. */
void odds_service_attach(struct odds_service *service, const struct odds_sources *sources);

/* While held, because what is shown here may be older than what another loop has shown (P1): reads
 * and new streams are answered 503 CATCHING_UP with Retry-After. Open streams go on. Not held at
 * first. */
void odds_service_hold(struct odds_service *service, bool held);

/* Callbacks of struct book_listener; owner is the service. May be called before
 * odds_service_attach. */
void odds_service_on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                            const uint16_t *changed, size_t changed_count);
void odds_service_on_removed(void *owner, const struct odds_image *image);
/* The version that is shown stands in another light, which is not the book's: its provider is not
 * heard of here, or is again (P2). Told as a whole image of the same version; of another version
 * nothing is told. After the store has it. */
void odds_service_on_standing(void *owner, const struct odds_image *image);

/* Serves GET and HEAD of /v1/odds, /v1/odds/{market_id}, /v1/events, and GET of /v1/stream
 * (WebSocket by Upgrade, event stream by Accept). False: the path is none of these and nothing was
 * answered. `claims` are verified, copied, and may be NULL: prices may be read without a token. */
bool odds_service_handle(struct odds_service *service, struct http_request *request,
                         const struct jwt_claims *claims);

/* Whether this user has an open socket with authority to see their own messages; and sends them
 * one: {"op":OP, and the members of `object`, which has its braces. The op is ours. */
bool odds_service_has_user(struct odds_service *service, struct slice user_id);
void odds_service_push(struct odds_service *service, struct slice user_id, const char *op,
                       struct slice object);

/* Ends the authority of this user's open sockets to bet and to see their own messages, and tells
 * each (error AUTHORITY_ENDED); prices go on. For revoked tokens and exclusions. */
void odds_service_revoke(struct odds_service *service, struct slice user_id);

/* A message to a user was lost, and it is not known whose, but that it is one whom `is_one` tells
 * (NULL: anybody): all of them who may see own messages are sent away as by
 * odds_service_send_away(), and read their account when they are back. */
void odds_service_renew_users(struct odds_service *service,
                              bool (*is_one)(void *owner, struct slice user_id), void *owner);

/* Registers everything that is counted here. 0 or -ERR_LIMIT. */
int odds_service_metrics(struct odds_service *service, struct metrics *metrics);

/* Counted since start. */
struct odds_service_stats {
    struct metrics_counter deliveries;       /* market messages handed to a client */
    struct metrics_counter conflated;        /* market messages not sent: a newer image stood in */
    struct metrics_counter skipped;          /* `skipped` frames */
    struct metrics_counter images;           /* full images behind them */
    struct metrics_counter snapshots;        /* snapshot frames sent */
    struct metrics_counter resumes;          /* resumes served from versions or history */
    struct metrics_counter versions_dropped; /* P1: not newer than what is shown */
    struct metrics_counter own;              /* bet_update and balance frames sent */
    struct metrics_counter bets;             /* place_bet taken */
    struct metrics_counter errors;           /* error frames */
    struct metrics_counter held;             /* 503 CATCHING_UP */
    struct metrics_counter lag_closed;       /* closed: lag_ms_max */
    struct metrics_counter flushes;          /* price changes handed over, all channels together */
    struct metrics_counter flushes_put_off;  /* turns whose changes had to wait */
    struct metrics_counter store_hits, store_misses; /* REST reads */
    struct metrics_counter limit_reached[ODDS_LIMITS_COUNT];
    struct metrics_gauge websockets, event_streams, subscriptions, channels, lagging, markets;
    struct metrics_gauge late; /* clients conflated because they were late */
    struct metrics_gauge image_bytes, history_bytes, dirty, long_polls;
    struct metrics_gauge flush_interval;   /* us that changes wait now; 0: none */
    struct metrics_histogram push_latency; /* us: feed's message received -> queued to followers,
                                              with the wait for a flush */
};
const struct odds_service_stats *odds_service_stats(const struct odds_service *service);
