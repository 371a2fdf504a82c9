/* decision.c - the market as the decision sees it, and as the record keeps it (L6). */
#include "app/book_internal.h"

#include "base/assert.h"

size_t book_find_selection(const struct odds_image *image, struct slice selection_id)
{
    for (size_t i = 0; i < image->selections_count; i++)
        if (slice_equal(slice_of(image->selections[i].id, image->selections[i].id_bytes),
                        selection_id))
            return i;
    return SELECTION_NOT_FOUND;
}

struct market_view book_view(struct book *book, const struct odds_image *image, size_t selection)
{
    if (image == NULL) /* DESIGN 6.8: a missing key on a bet is MARKET_SUSPENDED */
        return (struct market_view){.status = MARKET_SUSPENDED_STATUS};
    struct market_view view = {
        .status = (enum market_status)image->status,
        .provider_alive = leases_alive(&book->leases, ODDS_TEXT(image, provider), book->now),
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
static void name_leg(struct book *book, const struct odds_image *image, size_t selection,
                     struct record_leg *leg)
{
    struct market_ref ref = book_market(book, image);
    leg->market = ref.n;
    if (selection != SELECTION_NOT_FOUND)
        leg->selection = book_selection(book, image, selection, ref);
}

struct record_leg book_leg(struct book *book, const struct odds_image *image, size_t selection,
                           const struct slip *slip)
{
    struct record_leg leg = {
        .selection = RECORD_SELECTION_NONE,
        .asked_numerator = slip->odds.numerator,
        .asked_denominator = slip->odds.denominator,
        .asked_version = slip->odds_version,
    };
    if (image == NULL)
        return leg;
    name_leg(book, image, selection, &leg);
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
    if (selection != SELECTION_NOT_FOUND) {
        leg.odds_numerator = image->selections[selection].odds.numerator;
        leg.odds_denominator = image->selections[selection].odds.denominator;
    }
    return leg;
}
