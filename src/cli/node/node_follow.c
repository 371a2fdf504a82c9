/* node_follow.c - contract in node_follow.h. */
#include "cli/node/node_follow.h"

#include "adapters/embedded/odds_store_memory.h"
#include "adapters/redis/odds_message.h"
#include "app/book_follow.h"
#include "base/error.h"
#include "crypto/random.h"
#include "net/stream/tls_client.h"

static void on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                      const uint16_t *changed, size_t changed_count)
{
    const struct node_follow *follow = owner;
    (void)before_version, (void)changed, (void)changed_count;
    book_follow_price(follow->book, image);
}

static void on_removed(void *owner, const struct odds_image *image)
{
    book_follow_removed(((const struct node_follow *)owner)->book, ODDS_TEXT(image, market_id));
}

static void on_standing(void *owner, const struct odds_image *image)
{
    book_follow_price(((const struct node_follow *)owner)->book, image);
}

static void on_lease(void *owner, struct slice provider, int64_t valid_for_us)
{
    book_follow_lease(((const struct node_follow *)owner)->book, provider, valid_for_us);
}

static void on_level(void *owner)
{
    (void)owner; /* is_level() is asked */
}

/* That of the desk: feeds and their results come to one process. */
static uint64_t whose(void *owner)
{
    const struct node_follow *follow = owner;
    const uint8_t *id = follow->desk == NULL ? NULL : desk_link_book_id(follow->desk);
    return id == NULL ? 0 : odds_book_number(id);
}

/* ---- the book's questions ---- */

static int64_t as_of_us(void *owner, const struct odds_image *image, struct monotonic now)
{
    struct node_follow *follow = owner;
    if (follow->follower == NULL)
        return PRICE_NEVER_US;
    int64_t known_us = odds_follower_as_of_us(follow->follower, image);
    if (known_us != ODDS_FOLLOWER_NEVER && now.us >= known_us)
        metrics_record(&follow->lag, (uint64_t)(now.us - known_us));
    return known_us;
}

static bool is_level(void *owner)
{
    const struct node_follow *follow = owner;
    return follow->follower != NULL && odds_follower_is_ready(follow->follower);
}

_Static_assert(PRICE_NEVER_US == ODDS_FOLLOWER_NEVER,
               "what the follower answers is what the book asks");

struct price_source *node_follow_source(struct node_follow *follow)
{
    follow->source = (struct price_source){follow, as_of_us, is_level};
    return &follow->source;
}

/* ---- life ---- */

int node_follow_open(struct node_follow *follow, const struct node_odds_store_options *options,
                     const struct node_follow_parts *parts, struct buf *why)
{
    const struct odds_follower_listener listener = {.owner = follow,
                                                    .on_market = on_market,
                                                    .on_removed = on_removed,
                                                    .on_standing = on_standing,
                                                    .on_lease = on_lease,
                                                    .on_level = on_level,
                                                    .book = whose};
    struct odds_follower_options follower = {
        .fleet = {.place = options->place, .link = REDIS_LINK_OPTIONS_DEFAULT},
        .markets_max = (uint32_t)parts->markets_max,
    };
    follow->book = parts->book;
    follow->desk = parts->desk;
    metrics_histogram_init(&follow->lag, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    TRY(node_odds_store_tls(options, &follow->tls, why));
    follower.fleet.tls = follow->tls;
    random_fill(follower.hash_key, sizeof follower.hash_key);
    TRY(odds_store_memory_new((uint32_t)parts->markets_max, follower.hash_key, &follow->written));
    return odds_follower_new(parts->loop, &follower, follow->written, &listener, &follow->follower);
}

void node_follow_close(struct node_follow *follow)
{
    odds_follower_free(follow->follower);
    if (follow->written != NULL)
        follow->written->ops->free(follow->written);
    tls_client_free(follow->tls);
    *follow = (struct node_follow){.book = NULL};
}

int node_follow_register_metrics(struct node_follow *follow, struct metrics *metrics)
{
    if (follow->follower == NULL)
        return 0;
    TRY(metrics_add_histogram(
        metrics,
        (struct metrics_name){"overround_price_lag_seconds",
                              "Since when a price that was decided on is known to be the newest",
                              NULL, 6},
        &follow->lag));
    return odds_follower_register_metrics(follow->follower, metrics);
}
