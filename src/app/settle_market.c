/* settle_market.c - from a result to paid bets, exactly once (L7).
 *
 * "Still to do" is derived, never stored: a bet of the market that is open and has a result, or
 * is settled by other factors than those in force. So a crash at any record loses nothing and
 * repeats nothing; the walk begins again and finds what is left. A correction is two records
 * per bet, REVERSE and SETTLE. */
#include "app/book_internal.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

/* Bets looked at per record that may be written: a walk over settled ones is cheap, not free. */
#define LOOKED_AT_PER_RECORD 16

int book_settle_new(struct book *book)
{
    size_t markets = (size_t)book->options.limits.markets_max + 1;
    book->settle_capacity = (uint32_t)markets;
    book->settle_cursor = BET_NONE;
    book->settle_queue = calloc(markets, sizeof *book->settle_queue);
    book->settle_queued = calloc(markets, 1);
    return book->settle_queue == NULL || book->settle_queued == NULL ? -ERR_MEMORY : 0;
}

static const struct shard_market *first_market(const struct book *book)
{
    return shard_state_market(book->state,
                              (struct market_ref){book->settle_queue[book->settle_first]});
}

/* A market that is queued again starts again: its result may be a newer one. */
void book_settle_queue(struct book *book, struct market_ref market)
{
    if (book->settle_queued[market.n]) {
        if (book->settle_queue[book->settle_first] == market.n)
            book->settle_cursor = first_market(book)->bets_last;
        return;
    }
    uint32_t at = (book->settle_first + book->settle_count) % book->settle_capacity;
    book->settle_queue[at] = market.n;
    book->settle_queued[market.n] = 1;
    if (book->settle_count++ == 0)
        book->settle_cursor = first_market(book)->bets_last;
}

static void next_market(struct book *book)
{
    book->settle_queued[book->settle_queue[book->settle_first]] = 0;
    book->settle_first = (book->settle_first + 1) % book->settle_capacity;
    if (--book->settle_count > 0)
        book->settle_cursor = first_market(book)->bets_last;
}

static void record_reverse(struct book *book, const struct shard_bet *bet)
{
    const struct shard_account *account =
        shard_state_account(book->state, (struct account_ref){bet->account});
    uint16_t currency = account->currency.iso;
    struct record_reverse body = {
        .bet_id = bet->bet_id,
        .reverses_seq = bet->seq_settled,
        .previous_seq = bet->seq_last,
        .result_seq = first_market(book)->seq_result,
        .result_version = first_market(book)->result_version,
        .payout = bet->payout,
        .balance_after = account->available - bet->payout,
        .currency = currency,
    };
    struct record_posting postings[3] = {
        {0, LEDGER_HOUSE_STAKES, currency, bet->stake},
        {bet->account, LEDGER_AVAILABLE, currency, -bet->payout},
        {0, LEDGER_HOUSE_RESULT, currency, bet->payout - bet->stake},
    };
    struct record_draft draft = {.type = RECORD_REVERSE,
                                 .time_us = book->wall.us,
                                 .account = bet->account,
                                 .body = &body,
                                 .postings = postings,
                                 .postings_count = 3};
    commit_record(book->commit, &draft);
    book->stats.reversed++;
}

static void record_settle(struct book *book, const struct shard_bet *bet,
                          struct record_leg_result factors)
{
    const struct shard_account *account =
        shard_state_account(book->state, (struct account_ref){bet->account});
    uint16_t currency = account->currency.iso;
    struct money payout = settle_single(money_of(bet->stake, account->currency), bet->odds,
                                        record_factors(factors), (enum rounding)bet->rounding);
    struct record_settle body = {
        .bet_id = bet->bet_id,
        .result_seq = first_market(book)->seq_result,
        .result_version = first_market(book)->result_version,
        .previous_seq = bet->seq_last,
        .stake = bet->stake,
        .payout = payout.minor,
        .balance_after = account->available + payout.minor,
        .odds_numerator = bet->odds.numerator,
        .odds_denominator = bet->odds.denominator,
        .factors = factors,
        .settlement = (uint16_t)(bet->settlement + 1),
        .currency = currency,
        .rounding = bet->rounding,
    };
    struct record_posting postings[3] = {
        {0, LEDGER_HOUSE_STAKES, currency, -bet->stake},
        {bet->account, LEDGER_AVAILABLE, currency, payout.minor},
        {0, LEDGER_HOUSE_RESULT, currency, bet->stake - payout.minor},
    };
    struct record_draft draft = {.type = RECORD_SETTLE,
                                 .time_us = book->wall.us,
                                 .account = bet->account,
                                 .body = &body,
                                 .postings = postings,
                                 .postings_count = 3};
    commit_record(book->commit, &draft);
    book->stats.settled++;
}

/* Brings one bet to the result in force. Returns how many records that took. */
static uint32_t settle_bet(struct book *book, const struct shard_bet *bet)
{
    struct record_leg_result factors = shard_state_bet_result(book->state, bet);
    uint32_t records = 0;
    if (bet->state == BET_STATE_SETTLED && memcmp(&bet->factors, &factors, sizeof factors) != 0) {
        record_reverse(book, bet);
        records++;
    }
    if (bet->state == BET_STATE_OPEN && factors.known == 1) {
        record_settle(book, bet, factors);
        records++;
    }
    return records;
}

void book_settle_step(struct book *book)
{
    uint32_t records = 0;
    uint32_t looks = book->options.settle_per_turn_max * LOOKED_AT_PER_RECORD;
    while (book->settle_count > 0 && looks-- > 0 && records < book->options.settle_per_turn_max) {
        if (!commit_has_room(book->commit))
            return; /* the disk is behind: bets and fences go first */
        if (book->settle_cursor == BET_NONE) {
            next_market(book);
            continue;
        }
        const struct shard_bet *bet = shard_state_bet(book->state, book->settle_cursor);
        records += settle_bet(book, bet);
        book->settle_cursor = bet->next_of_market;
    }
}

void book_settle_restore(struct book *book)
{
    for (uint32_t ref = 1; ref <= shard_state_markets_count(book->state); ref++) {
        const struct shard_market *m = shard_state_market(book->state, (struct market_ref){ref});
        if (m->seq_result != 0 && m->bets_last != BET_NONE)
            book_settle_queue(book, (struct market_ref){ref});
    }
}

/* ---- results ---- */

static bool is_offered(const struct odds_image *image, struct slice selection_id)
{
    return image != NULL && book_find_selection(image, selection_id) != SELECTION_NOT_FOUND;
}

/* Puts the result's factors in the order of the ledger's selections; those it does not name
 * keep what they had. One that is offered but has no number, for want of room, has no bets and is
 * left out. False when it names a selection that the market never had. */
static bool map_result(struct book *book, const struct feed_result *result, struct market_ref ref,
                       struct record_leg_result *items)
{
    const struct odds_image *image =
        book->ports.store->ops->get(book->ports.store, result->market_id);
    const struct shard_market *market = shard_state_market(book->state, ref);
    for (uint16_t i = 0; i < market->selections_count; i++)
        items[i] = shard_state_selection(book->state, ref, i)->result;
    for (size_t i = 0; i < result->selections_count; i++) {
        const struct feed_selection_result *r = &result->selections[i];
        uint16_t number = shard_state_find_selection(book->state, ref, r->selection_id);
        if (!leg_result_valid(r->result))
            return false;
        if (number != RECORD_SELECTION_NONE)
            items[number] = record_factors_of(r->result);
        else if (!is_offered(image, r->selection_id))
            return false;
    }
    return true;
}

static bool same_result(struct book *book, struct market_ref ref,
                        const struct record_leg_result *items)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    for (uint16_t i = 0; i < market->selections_count; i++)
        if (memcmp(&shard_state_selection(book->state, ref, i)->result, &items[i], sizeof *items) !=
            0)
            return false;
    return market->seq_result != 0;
}

/* The market's ref; every selection that the result names is registered, while there is room: a
 * full table must not keep those from their money who have bet already. */
static struct market_ref find_market(struct book *book, const struct feed_result *result)
{
    const struct odds_image *image =
        book->ports.store->ops->get(book->ports.store, result->market_id);
    if (image == NULL || shard_state_market_room(book->state) != NULL)
        return shard_state_find_market(book->state, result->market_id);
    struct market_ref ref = book_market(book, image);
    for (size_t i = 0; i < image->selections_count; i++)
        (void)book_selection(book, image, i, ref);
    return ref;
}

enum request_outcome book_record_result(struct book *book, const struct feed_result *result,
                                        enum fence_cause cause, const struct desk_word *word,
                                        uint64_t *ret_seq)
{
    struct record_leg_result items[SELECTIONS_MAX];
    struct market_ref ref = find_market(book, result);
    const struct shard_market *market = shard_state_market(book->state, ref);
    if (market == NULL)
        return book_unregistered(book, result->market_id);
    if (!map_result(book, result, ref, items))
        return REQUEST_INVALID;
    if (same_result(book, ref, items))
        return REQUEST_NO_CHANGE;
    if (market->seq_result != 0 && result->result_version <= market->result_version)
        return REQUEST_OLD_VERSION;
    struct record_result body = {.result_version = result->result_version,
                                 .previous_seq = market->seq_result,
                                 .market = ref.n,
                                 .cause = (uint16_t)cause,
                                 .actor_bytes = (uint16_t)word->actor.bytes,
                                 .reason_bytes = (uint16_t)word->reason.bytes};
    struct slice texts[2] = {word->actor, word->reason};
    struct record_draft draft = {.type = RECORD_RESULT,
                                 .time_us = book->wall.us,
                                 .body = &body,
                                 .items = items,
                                 .items_count = market->selections_count,
                                 .texts = texts,
                                 .texts_count = 2};
    *ret_seq = commit_record(book->commit, &draft)->head->seq;
    book->stats.results++;
    book_settle_queue(book, ref);
    book_republish(book, result->market_id);
    return REQUEST_TAKEN;
}
