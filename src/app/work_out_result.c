/* work_out_result.c - from what is said of a market's results to the factors that are recorded, one
 * for each of the ledger's selections. Pure but for what it reads of the book. */
#include "app/book_internal.h"

#include "core/market_line.h"

static bool is_offered(const struct odds_image *image, struct slice selection_id)
{
    return image != NULL && book_find_selection(image, selection_id) != SELECTION_NOT_FOUND;
}

/* What is said of one selection, as the record keeps it. False: it is impossible. */
static bool result_item(const struct book *book, const struct feed_selection_result *r,
                        struct record_selection_result *ret)
{
    int64_t withdrawn_us = r->withdrawn_at.us;
    *ret = (struct record_selection_result){0};
    if (r->open)
        return true;
    if (!leg_result_valid(r->result) || r->position > UINT16_MAX || r->tied > DEAD_HEAT_TERM_MAX ||
        (r->tied != 0 && r->position == 0) || r->deduction >= DEDUCTION_WHOLE ||
        r->withdrawn_at.us < 0 || (r->deduction != 0 && r->withdrawn_at.us == 0))
        return false;
    ret->win = record_factors_of(r->result);
    ret->position = (uint16_t)r->position;
    ret->tied = (uint16_t)r->tied;
    ret->deduction = (uint16_t)r->deduction;
    if (withdrawn_us != 0) /* the provider's clock, as that of windows; never 0: that says it ran */
        withdrawn_us -= book->options.provider_skew_us;
    ret->withdrawn_at_us = r->withdrawn_at.us != 0 && withdrawn_us < 1 ? 1 : withdrawn_us;
    return true;
}

/* Puts what is said in the order of the ledger's selections. One that is offered but has no number,
 * for want of room, has no bets and is left out. False when it names a selection that the market
 * never had, and may not. */
static bool map_named(const struct book *book, const struct feed_result *result,
                      struct market_ref ref, struct record_selection_result *items)
{
    const struct odds_image *image =
        book->ports.store->ops->get(book->ports.store, result->market_id);
    for (size_t i = 0; i < result->selections_count; i++) {
        const struct feed_selection_result *r = &result->selections[i];
        uint16_t number = shard_state_find_selection(book->state, ref, r->selection_id);
        struct record_selection_result item;
        if (!result_item(book, r, &item) || (result->kind == RESULT_ROLLBACK && !r->open) ||
            (item.deduction != 0 && result->deduction_model == 0))
            return false;
        if (number != RECORD_SELECTION_NONE)
            items[number] = item;
        else if (!result->names_others && !is_offered(image, r->selection_id))
            return false;
    }
    return true;
}

static bool is_named(const struct feed_result *result, struct slice selection_id)
{
    for (size_t i = 0; i < result->selections_count; i++)
        if (slice_equal(result->selections[i].selection_id, selection_id))
            return true;
    return false;
}

/* Lines are settled from the score alone (BETTING-RULES 4.1); a factor that is said beside it has
 * to be what the score says. False: it is not, or nothing of the market follows from a score and
 * nothing else was said. */
static bool settle_lines(const struct book *book, const struct feed_result *result,
                         struct market_ref ref, struct record_selection_result *items)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    size_t said = result->selections_count;
    if (result->score[0] > LINE_SCORE_MAX || result->score[1] > LINE_SCORE_MAX)
        return false;
    for (uint16_t i = 0; i < market->selections_count; i++) {
        const struct shard_selection *row = shard_state_selection(book->state, ref, i);
        struct market_line line;
        if (!shard_line_of(book->state, market, i, &line))
            continue;
        struct record_leg_result win = record_factors_of(market_line_result(line, result->score));
        if (is_named(result, shard_state_text(book->state, row->id)) && items[i].win.known == 1 &&
            memcmp(&items[i].win, &win, sizeof win) != 0)
            return false;
        items[i] = (struct record_selection_result){.win = win};
        said++;
    }
    return said > 0;
}

bool book_work_out_result(const struct book *book, const struct feed_result *result,
                          struct market_ref ref, struct record_selection_result *items)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    for (uint16_t i = 0; i < market->selections_count; i++)
        items[i] = (struct record_selection_result){.win.known = RESULT_KEPT};
    if (!map_named(book, result, ref, items))
        return false;
    return result->kind != RESULT_SET || !result->score_known ||
           settle_lines(book, result, ref, items);
}
