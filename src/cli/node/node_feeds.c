/* node_feeds.c - the feeds of a node, by format: contract in node_internal.h. */
#include "base/error.h"
#include "cli/node/node_internal.h"
#include "crypto/random.h"
#include "feeds/betfair_stream/betfair_source.h"
#include "feeds/json_lines/json_source.h"
#include "feeds/uof/uof_source.h"

/* Taken together by all markets: some have three runners, some a hundred. */
#define FEED_MARKET_RUNNERS 16
#define FEED_MARKET_POINTS  64

/* A feed may offer as many markets as the book holds. */
static void size_betfair(const struct node *node, struct betfair_options *betfair)
{
    int64_t markets = node->options->markets_max;
    if (markets <= betfair->markets_max)
        return;
    if (markets > BETFAIR_MARKETS_LIMIT)
        markets = BETFAIR_MARKETS_LIMIT;
    betfair->markets_max = (uint32_t)markets;
    if (betfair->runners_max < markets * FEED_MARKET_RUNNERS)
        betfair->runners_max = (uint32_t)markets * FEED_MARKET_RUNNERS;
    if (betfair->ladder_points_max < markets * FEED_MARKET_POINTS)
        betfair->ladder_points_max = (uint32_t)markets * FEED_MARKET_POINTS;
}

static int open_uof(struct node *node)
{
    struct uof_options uof = uof_options_default();
    int64_t markets = node->options->markets_max;
    if (markets > UOF_MARKETS_LIMIT)
        markets = UOF_MARKETS_LIMIT;
    if (markets > uof.markets_max) {
        uof.markets_max = (uint32_t)markets;
        uof.outcomes_max = (uint32_t)markets * FEED_MARKET_RUNNERS;
    }
    uof.in_play_delay_us = node->options->trading.uof_delay_ms * US_PER_MS;
    random_fill(uof.hash_key, sizeof uof.hash_key);
    node->uof = uof_source_new(&uof, book_sink(node->book));
    return node->uof == NULL ? -ERR_MEMORY : 0;
}

/* Without an odds-worker none is taken. */
int node_open_feeds(struct node *node)
{
    struct betfair_options betfair = betfair_options_default();
    if (node->options->follows)
        return 0;
    size_betfair(node, &betfair);
    betfair.margin = (struct margin_rule){
        .margin_permyriad = (uint32_t)node->options->trading.margin_permyriad,
        .price_cents_min = (uint32_t)node->options->trading.price_cents_min,
        .offer_cents_min = (uint32_t)node->options->trading.offer_cents_min,
    };
    random_fill(betfair.hash_key, sizeof betfair.hash_key);
    node->betfair = betfair_source_new(&betfair, book_sink(node->book));
    if (node->betfair == NULL)
        return -ERR_MEMORY;
    TRY(open_uof(node));
    node->json = json_source_new(book_sink(node->book));
    if (node->json == NULL)
        return -ERR_MEMORY;
    node->formats[0] = (struct feed_format){"betfair", node->betfair};
    node->formats[1] = (struct feed_format){"uof", node->uof};
    node->formats[2] = (struct feed_format){"json", node->json};
    node->formats_count = 3;
    return 0;
}
