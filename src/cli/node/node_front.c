/* node_front.c - contract in node_front.h. */
#include "cli/node/node_front.h"

#include "base/error.h"
#include "cli/node/local_keys.h"
#include "cli/node/net_metrics.h"
#include "crypto/token_cache.h"

#define TOKENS_KEPT_MAX   8192
#define ADDRESSES_TRACKED 65536

/* ---- its part of the limits ---- */

/* At least one, and rounded up: a small limit stays one. */
static int64_t part_of(const struct node_front *front, int64_t limit)
{
    return (limit + front->parts.share - 1) / front->parts.share;
}

static struct net_limits net_limits_of(const struct node_front *front)
{
    struct net_limits limits = net_limits_default();
    size_t *const shared[] = {&limits.connections_max, &limits.receive_total_bytes_max,
                              &limits.outbox_total_bytes_max, &limits.tls_handshakes_max};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        *shared[i] = (size_t)part_of(front, (int64_t)*shared[i]);
    limits.ws_ping_ms = front->parts.options->ping_ms;
    limits.ws_pong_ms_max = front->parts.options->pong_ms_max;
    return limits;
}

static struct odds_limits odds_limits_of(const struct node_front *front)
{
    struct odds_limits limits = ODDS_LIMITS_DEFAULT;
    int64_t *const shared[] = {&limits.image_bytes_max,   &limits.clients_max,
                               &limits.subscriptions_max, &limits.history_bytes_max,
                               &limits.dirty_max,         &limits.bets_in_flight_max,
                               &limits.long_polls_max};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        *shared[i] = part_of(front, *shared[i]);
    limits.markets_max = front->parts.options->markets_max;
    limits.lag_ms_max = front->parts.options->lag_ms_max;
    return limits;
}

/* ---- opening ---- */

static int open_server(struct node_front *front)
{
    const struct net_limits limits = net_limits_of(front);
    TRY(http_server_new(front->parts.loop, &limits, &front->server));
    return front->parts.options->ws_deflate ? http_server_offer_deflate(front->server) : 0;
}

static int open_odds(struct node_front *front)
{
    const struct node_front_parts *parts = &front->parts;
    struct odds_service_options odds = ODDS_SERVICE_OPTIONS_DEFAULT;
    odds.scoreboard = parts->scoreboard;
    odds.scoreboard_owner = parts->owner;
    odds.presence = parts->presence;
    odds.flush_us_max = parts->options->flush_us_max;
    odds.limits = odds_limits_of(front);
    odds.ops_unlimited = parts->options->profile == PROFILE_BENCH; /* its rate limits are off */
    TRY(odds_service_new(&odds, parts->loop, parts->store, &front->odds));
    return parts->numbers.bytes > 0 ? odds_service_take_over(front->odds, parts->numbers) : 0;
}

static bool serve_odds(void *owner, struct http_request *request, const struct jwt_claims *claims)
{
    return odds_service_handle(owner, request, claims);
}

static int open_gateway(struct node_front *front)
{
    const struct node_front_parts *parts = &front->parts;
    uint32_t address_requests = (uint32_t)part_of(front, parts->options->address_requests);
    const struct gateway_options options = {
        .demo = parts->options->profile == PROFILE_DEMO && parts->options->jwks == NULL,
        .demo_kid = SLICE(LOCAL_KEY_ID),
        .address_requests_second = address_requests,
        .address_burst = 4 * address_requests,
        .addresses_tracked_max = ADDRESSES_TRACKED,
    };
    const struct gateway_parts gateway = {
        .loop = parts->loop,
        .bets = parts->bets,
        .takes_bets = parts->takes_bets,
        .takes_bets_owner = parts->owner,
        .bearer = &front->bearer,
        .odds = serve_odds,
        .odds_owner = front->odds,
    };
    return gateway_new(&options, &gateway, &front->gateway);
}

int node_front_open(struct node_front *front, const struct node_front_parts *parts)
{
    front->parts = *parts;
    TRY(token_cache_new(TOKENS_KEPT_MAX, &front->tokens));
    front->bearer = (struct bearer){.cache = front->tokens, .rules = *parts->rules};
    TRY(open_server(front));
    TRY(open_odds(front));
    return open_gateway(front);
}

void node_front_attach(struct node_front *front)
{
    odds_service_attach(front->odds, &(struct odds_sources){.silence_us = front->parts.silence_us,
                                                            .owner = front->parts.owner,
                                                            .bets = front->parts.bets});
}

int node_front_listen(struct node_front *front, struct node_front_listening *listening,
                      const struct net_address **ret_refused)
{
    const struct node_listen_options *options = listening->options;
    const struct http_handlers handlers = gateway_handlers(front->gateway);
    const struct http_listening plain = {.address = listening->plain,
                                         .inherited = listening->plain_inherited,
                                         .shares = listening->shares,
                                         .proxies = options->plain_proxies.ranges,
                                         .proxies_count = options->plain_proxies.count};
    const struct http_listening tls = {.address = listening->tls,
                                       .tls = listening->tls_server,
                                       .inherited = listening->tls_inherited,
                                       .shares = listening->shares,
                                       .proxies = options->tls_proxies.ranges,
                                       .proxies_count = options->tls_proxies.count};
    *ret_refused = &listening->plain;
    if (options->plain)
        TRY(http_server_listen_as(front->server, &plain, &handlers, &listening->plain));
    *ret_refused = &listening->tls;
    if (options->tls)
        TRY(http_server_listen_as(front->server, &tls, &handlers, &listening->tls));
    return 0;
}

/* ---- the end ---- */

void node_front_drain(struct node_front *front, int64_t deadline_ms,
                      void (*on_drained)(void *owner), void *owner)
{
    odds_service_drain(front->odds);
    http_server_drain(front->server, deadline_ms, on_drained, owner);
}

int node_front_register_metrics(struct node_front *front, struct metrics *metrics)
{
    TRY(net_metrics_register(metrics, front->server, false));
    TRY(gateway_register_metrics(front->gateway, metrics));
    return odds_service_metrics(front->odds, metrics);
}

void node_front_close(struct node_front *front)
{
    http_server_free(front->server);
    gateway_free(front->gateway);
    odds_service_free(front->odds);
    token_cache_free(front->tokens);
    *front = (struct node_front){.odds = NULL};
}
