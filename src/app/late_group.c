/* late_group.c - records that could not be written while the prices held that they were decided on
 * (L6), of a book whose prices are another process's. Nobody was told of them. A bet becomes one
 * that waits, and is released at once: decided again, at the price of now, as if it had a delay.
 * One that was decided at the end of a wait stays where its prices still are the newest, or waits
 * on, as it was before. A cash-out stays so, too, or the book stops, and a start decides it: what
 * it paid may be staked already. */
#include "app/follow_internal.h"

#include "base/assert.h"
#include "ledger/shard_amend.h"

static int64_t until_us(const struct book *book, const struct odds_image *image)
{
    const struct price_source *prices = book->ports.prices;
    int64_t known_us = prices->as_of_us(prices->owner, image, book->now);
    return known_us == PRICE_NEVER_US ? INT64_MIN : known_us + book->options.price_lag_us_max;
}

void book_bind_price(struct book *book, const struct odds_image *image)
{
    if (book->ports.prices != NULL)
        commit_bind(book->commit, until_us(book, image));
}

bool book_may_be_late(const struct book *book, uint64_t seq)
{
    return book->ports.prices != NULL && seq > commit_durable_seq(book->commit);
}

/* The version that was taken is the newest yet; *ret_until_us is lowered to until when that holds.
 */
static bool still_holds(struct book *book, uint32_t market, uint64_t version, int64_t *ret_until_us)
{
    const struct odds_image *image = book->ports.store->ops->get(
        book->ports.store, shard_state_market_id(book->state, (struct market_ref){market}));
    if (image == NULL || image->odds_version != version || image->status != MARKET_ACTIVE ||
        !book_price_holds(book, image))
        return false;
    int64_t until = until_us(book, image);
    if (until < *ret_until_us)
        *ret_until_us = until;
    return true;
}

static bool wait_again(struct book *book, struct record_head *record, const struct record_bet *body)
{
    uint32_t bet = shard_state_find_bet(book->state, (struct bet_id){body->bet_id});
    const struct pending pending = {.due_us = book->now.us, .bet = bet};
    if (!shard_amend_to_pending(book->state, record))
        return false;
    book->stats.bets_late++;
    return book_pending_add(book, pending);
}

void book_keep_waiting(struct book *book, const struct pending *due)
{
    if (book->ports.prices == NULL)
        return;
    struct late_release *row =
        late_releases_add(&book->late_releases, shard_state_seq(book->state) + 1);
    row->breaks = due->breaks;
    shard_waiting_keep(book->state, due->bet, &row->waiting);
}

/* It is due at once, and bound by what bound it before. */
static bool wait_on(struct book *book, struct record_head *record)
{
    const struct late_release *row = late_releases_find(&book->late_releases, record->seq);
    ASSERT(row != NULL); /* its RELEASE is not durable */
    const struct pending pending = {
        .due_us = book->now.us,
        .breaks = row->breaks,
        .bet = shard_state_find_bet(book->state, (struct bet_id){row->waiting.bet.bet_id})};
    if (!shard_amend_to_waiting(book->state, record, &row->waiting))
        return false;
    book->stats.releases_late++;
    return book_pending_add_again(book, pending);
}

static bool stays(struct book *book, const struct record_view *view, int64_t *ret_until_us)
{
    const struct record_leg *legs = view->items;
    for (size_t i = 0; i < view->head->items_count; i++)
        if (!still_holds(book, legs[i].market, legs[i].odds_version, ret_until_us))
            return false;
    return true;
}

static bool keep_cash_out(struct book *book, const struct record_view *view, int64_t *ret_until_us)
{
    const struct record_cash_out_leg *legs = view->items;
    for (size_t i = 0; i < view->head->items_count; i++)
        if (legs[i].settled.win.known == 0 &&
            !still_holds(book, legs[i].settled.market, legs[i].odds_version, ret_until_us))
            return false;
    return true;
}

static bool amend(void *owner, struct record_head *record, int64_t *ret_until_us)
{
    struct book *book = owner;
    struct record_view view;
    int error = record_view_of(record, record->bytes, &view);
    ASSERT(error == 0);
    if (record->type == RECORD_BET) {
        const struct record_bet *body = view.body;
        return body->outcome != BET_PLACED || wait_again(book, record, body);
    }
    if (record->type == RECORD_RELEASE)
        return ((const struct record_release *)view.body)->outcome != BET_PLACED ||
               stays(book, &view, ret_until_us) || wait_on(book, record);
    if (record->type == RECORD_CASH_OUT)
        return ((const struct record_cash_out *)view.body)->outcome != BET_PLACED ||
               keep_cash_out(book, &view, ret_until_us);
    return true;
}

void book_group_late(void *owner)
{
    struct book *book = owner;
    if (book->ports.reconcile != NULL)
        live_reconcile_recall(book->ports.reconcile, commit_durable_seq(book->commit));
    if (!commit_amend(book->commit, amend, book))
        book_stop(book, "what was decided could not be written while its prices held");
}
