/* node_ready.c - contract in node_ready.h. */
#include "cli/node/node_ready.h"

#include "cli/node/node_internal.h"

/* Any provider's, of a feed that came by HTTP or of the simulator as well. */
static bool is_heard(const struct book *book)
{
    for (size_t i = 0; i < book_providers_count(book); i++) {
        int64_t age_us = 0;
        if (book_provider_alive(book, book_provider_at(book, i, &age_us)))
            return true;
    }
    return false;
}

bool node_is_hindered(void *owner, struct backoffice_hindrance *ret)
{
    const struct node *node = owner;
    if (!shard_place_is_desk(node->options->shard))
        return false;
    if (node_odds_store_behind_us(&node->odds_store) > NODE_PRICES_BEHIND_US_MAX) {
        *ret = (struct backoffice_hindrance){"ODDS_STORE_AWAY",
                                             SLICE("The odds store does not take the prices.")};
        return true;
    }
    if (!node_uof_is_up(&node->uof_link) && !is_heard(node->book)) {
        *ret = (struct backoffice_hindrance){
            "FEEDS_AWAY", SLICE("The broker of the feed is away, and no provider is heard.")};
        return true;
    }
    return false;
}
