/* decision.c - the market as the decision sees it, and as the record keeps it (L6). */
#include "app/follow_internal.h"

#include "base/assert.h"

size_t book_find_selection(const struct odds_image *image, struct slice selection_id)
{
    for (size_t i = 0; i < image->selections_count; i++)
        if (slice_equal(slice_of(image->selections[i].id, image->selections[i].id_bytes),
                        selection_id))
            return i;
    return SELECTION_NOT_FOUND;
}

struct leg_seen book_see(struct book *book, const struct leg_names *names)
{
    struct leg_seen seen = {.image =
                                book->ports.store->ops->get(book->ports.store, names->market_id),
                            .selection = SELECTION_NOT_FOUND,
                            .number = RECORD_SELECTION_NONE};
    if (seen.image == NULL)
        return seen;
    seen.selection = book_find_selection(seen.image, names->selection_id);
    seen.market = shard_state_find_market(book->state, names->market_id);
    if (seen.market.n != 0 && seen.selection != SELECTION_NOT_FOUND)
        seen.number = shard_state_find_selection(book->state, seen.market, names->selection_id);
    return seen;
}

struct market_view book_view(struct book *book, const struct leg_seen *seen)
{
    const struct odds_image *image = seen->image;
    size_t selection = seen->selection;
    if (image == NULL) /* DESIGN 6.8: a missing key on a bet is MARKET_SUSPENDED */
        return (struct market_view){.status = MARKET_SUSPENDED_STATUS};
    struct market_view view = {
        .status = (enum market_status)image->status,
        .provider_alive = book_price_holds(book, image),
        .odds_version = image->odds_version,
        .bet_delay_us = image->in_play ? image->bet_delay_us : 0,
    };
    if (selection == SELECTION_NOT_FOUND)
        return view;
    view.selection_known = true;
    view.selection_status = (enum selection_status)image->selections[selection].status;
    view.odds = image->selections[selection].odds;
    return view;
}

/* The refs are given only where the ledger needs them: a bet on nothing we know must not fill
 * the ledger with markets. */
static void name_leg(struct book *book, const struct leg_seen *seen, struct record_leg *leg)
{
    struct market_ref ref = seen->market.n != 0 ? seen->market : book_market(book, seen->image);
    leg->market = ref.n;
    leg->selection = seen->number;
    if (seen->number == RECORD_SELECTION_NONE && seen->selection != SELECTION_NOT_FOUND)
        leg->selection = book_selection(book, seen->image, seen->selection, ref);
}

struct record_leg book_leg(struct book *book, const struct leg_seen *seen, const struct slip *slip)
{
    const struct odds_image *image = seen->image;
    struct record_leg leg = {
        .selection = RECORD_SELECTION_NONE,
        .asked_numerator = slip->odds.numerator,
        .asked_denominator = slip->odds.denominator,
        .asked_version = slip->odds_version,
    };
    if (image == NULL)
        return leg;
    name_leg(book, seen, &leg);
    leg.market_status = image->status;
    leg.odds_version = image->odds_version;
    leg.odds_position = image->odds_position;
    leg.price_age_us = book->now.us - image->received.us;
    memcpy(leg.score, image->score, sizeof leg.score);
    memcpy(leg.red_cards, image->red_cards, sizeof leg.red_cards);
    if (image->in_play)
        leg.flags |= LEG_IN_PLAY;
    if ((image->flags & ODDS_ANTE_POST) != 0)
        leg.flags |= LEG_ANTE_POST;
    if (leases_alive(&book->leases, ODDS_TEXT(image, provider), book->now))
        leg.flags |= LEG_PROVIDER_ALIVE;
    if (seen->selection != SELECTION_NOT_FOUND) {
        leg.odds_numerator = image->selections[seen->selection].odds.numerator;
        leg.odds_denominator = image->selections[seen->selection].odds.denominator;
    }
    return leg;
}
