/* front_prices.c - contract in front_prices.h. */
#include "cli/node/front_prices.h"

#include "base/error.h"
#include "crypto/random.h"
#include "net/stream/tls_client.h"

_Static_assert(ODDS_PROVIDER_ALIVE == ODDS_FOLLOWER_ALIVE &&
                   ODDS_PROVIDER_UNKNOWN == ODDS_FOLLOWER_UNKNOWN,
               "what the follower answers is what the odds service asks");

static void on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                      const uint16_t *changed, size_t changed_count)
{
    const struct front_prices *prices = owner;
    if (prices->service != NULL)
        odds_service_on_market(prices->service, image, before_version, changed, changed_count);
}

static void on_removed(void *owner, const struct odds_image *image)
{
    const struct front_prices *prices = owner;
    if (prices->service != NULL)
        odds_service_on_removed(prices->service, image);
}

static void on_standing(void *owner, const struct odds_image *image)
{
    const struct front_prices *prices = owner;
    if (prices->service != NULL)
        odds_service_on_standing(prices->service, image);
}

static void on_level(void *owner)
{
    const struct front_prices *prices = owner;
    if (prices->service != NULL)
        odds_service_hold(prices->service, false);
}

int front_prices_open(struct front_prices *prices, const struct node_odds_store_options *options,
                      const struct front_prices_parts *parts, struct buf *why)
{
    const struct odds_follower_listener listener = {.owner = prices,
                                                    .on_market = on_market,
                                                    .on_removed = on_removed,
                                                    .on_standing = on_standing,
                                                    .on_level = on_level};
    struct odds_follower_options follower = {
        .fleet = {.place = options->place, .link = REDIS_LINK_OPTIONS_DEFAULT},
        .markets_max = parts->markets_max,
    };
    if (!options->shared)
        return 0;
    TRY(node_odds_store_tls(options, &prices->tls, why));
    follower.fleet.tls = prices->tls;
    random_fill(follower.hash_key, sizeof follower.hash_key);
    return odds_follower_new(parts->loop, &follower, parts->store, &listener, &prices->follower);
}

void front_prices_attach(struct front_prices *prices, struct odds_service *service)
{
    prices->service = service;
    odds_service_hold(service, prices->follower != NULL);
}

bool front_prices_is_ready(const struct front_prices *prices)
{
    return prices->follower == NULL || odds_follower_is_ready(prices->follower);
}

int64_t front_prices_silence_us(void *owner, struct slice provider)
{
    const struct front_prices *prices = owner;
    return prices->follower == NULL ? ODDS_PROVIDER_UNKNOWN
                                    : odds_follower_silence_us(prices->follower, provider);
}

void front_prices_close(struct front_prices *prices)
{
    odds_follower_free(prices->follower);
    tls_client_free(prices->tls);
    *prices = (struct front_prices){.service = NULL};
}

int front_prices_register_metrics(struct front_prices *prices, struct metrics *metrics)
{
    return prices->follower == NULL ? 0 : odds_follower_register_metrics(prices->follower, metrics);
}
