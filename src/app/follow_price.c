/* follow_price.c - contract in book_follow.h: another process's prices in this book's store.
 * What the writer shows is here what a feed says, so a suspension over there is a fence in this
 * ledger too; but that its provider is lost is no word on the market: the lease is heard of. */
#include "app/book_follow.h"

#include "app/book_relay.h"
#include "app/follow_internal.h"

#include "base/assert.h"

/* The writer's whole word on the market, as if a feed had said it. */
static enum market_status word_of(const struct odds_image *image)
{
    enum market_status status = (enum market_status)image->status;
    bool lost = (image->flags & ODDS_PROVIDER_LOST) != 0 && image->holds == 0;
    if ((image->flags & ODDS_RESULTED) != 0 && status != MARKET_CANCELLED)
        return MARKET_CLOSED_STATUS; /* the result is for this ledger's desk to say */
    if (status == MARKET_SUSPENDED_STATUS && lost && image->odds_position != 0)
        return (enum market_status)image->feed_status;
    return status;
}

void book_follow_price(struct book *book, const struct odds_image *image)
{
    ASSERT(book->ports.prices != NULL);
    const struct odds_image *old =
        book->ports.store->ops->get(book->ports.store, ODDS_TEXT(image, market_id));
    if (old != NULL && old->odds_version > image->odds_version)
        return; /* P1 */
    memcpy(book->scratch, image, odds_image_bytes(image->selections_count));
    book->scratch->feed_status = (uint8_t)word_of(image);
    book->scratch->holds = 0;
    book_publish_scratch(book, old);
}

static void tell_removed(const struct book *book, const struct odds_image *image)
{
    if (book->listener.on_removed != NULL)
        book->listener.on_removed(book->listener.owner, image);
}

static void tell_standing(const struct book *book)
{
    if (book->listener.on_standing != NULL)
        book->listener.on_standing(book->listener.owner, book->scratch);
}

static void tell_market(const struct book *book, uint64_t before, size_t count)
{
    if (book->listener.on_market != NULL)
        book->listener.on_market(book->listener.owner, book->scratch, before, book->changed, count);
}

/* A version stands once in the store: in another light it is put again. */
static enum odds_put put(struct book *book, bool standing)
{
    struct odds_store *store = book->ports.store;
    if (standing)
        store->ops->remove(store, ODDS_TEXT(book->scratch, market_id));
    return store->ops->put(store, book->scratch);
}

void book_show_followed(struct book *book, const struct odds_image *old)
{
    const struct odds_image *image = book->scratch;
    bool standing = old != NULL && old->odds_version == image->odds_version;
    size_t count = book_find_changed(image, old, book->changed);
    if (standing && count == 0 && !book_market_changed(image, old))
        return;
    uint64_t before = old == NULL ? 0 : old->odds_version;
    if (put(book, standing) != ODDS_PUT_OK) {
        book->stats.feed_dropped++;
        if (standing) /* no memory: it is not there any more */
            tell_removed(book, image);
        return;
    }
    book->stats.prices++;
    book->stats.selections_changed += count;
    if (standing)
        tell_standing(book);
    else
        tell_market(book, before, count);
}

void book_follow_removed(struct book *book, struct slice market_id)
{
    const struct odds_image *old = book->ports.store->ops->get(book->ports.store, market_id);
    if (old == NULL)
        return;
    tell_removed(book, old);
    book->ports.store->ops->remove(book->ports.store, market_id);
}

void book_follow_lease(struct book *book, struct slice provider, int64_t valid_for_us)
{
    if (leases_follow(&book->leases, provider, book->now, valid_for_us) == NULL)
        book->stats.feed_dropped++;
}

/* ---- how new it is ---- */

static int64_t as_of_us(const struct book *book, const struct odds_image *image)
{
    return book->ports.prices->as_of_us(book->ports.prices->owner, image, book->now);
}

bool book_price_holds(struct book *book, const struct odds_image *image)
{
    if (book_desk_away(book) || !leases_alive(&book->leases, ODDS_TEXT(image, provider), book->now))
        return false;
    if (book->ports.prices == NULL)
        return true;
    int64_t known_us = as_of_us(book, image);
    bool new =
        known_us != PRICE_NEVER_US && book->now.us - known_us <= book->options.price_lag_us_max;
    book->stats.prices_lagged += !new;
    return new;
}
