/* settle_market.c - from a result to paid bets, exactly once (L7).
 *
 * "Still to do" is derived, never stored: a bet with a leg on the market that is open although the
 * results in force decide it, or settled otherwise than they do (ledger/shard_settlement.h). So a
 * crash at any record loses nothing and repeats nothing; the walk begins again and finds what is
 * left. A correction is two records per bet, REVERSE and SETTLE; REVERSE alone when the bet is open
 * again. */
#include "app/book_internal.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "ledger/shard_settlement.h"

/* Bets looked at per record that may be written: a walk over settled ones is cheap, not free. */
#define LOOKED_AT_PER_RECORD 16

int book_settle_new(struct book *book)
{
    size_t markets = (size_t)book->options.limits.markets_max + 1;
    book->settle_capacity = (uint32_t)markets;
    book->settle_cursor = LEG_NONE;
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
            book->settle_cursor = first_market(book)->legs_last;
        return;
    }
    uint32_t at = (book->settle_first + book->settle_count) % book->settle_capacity;
    book->settle_queue[at] = market.n;
    book->settle_queued[market.n] = 1;
    if (book->settle_count++ == 0)
        book->settle_cursor = first_market(book)->legs_last;
}

static void next_market(struct book *book)
{
    book->settle_queued[book->settle_queue[book->settle_first]] = 0;
    book->settle_first = (book->settle_first + 1) % book->settle_capacity;
    if (--book->settle_count > 0)
        book->settle_cursor = first_market(book)->legs_last;
}

static void record_reverse(struct book *book, const struct shard_bet *bet,
                           const struct settlement *settlement)
{
    struct record_posting postings[SETTLEMENT_POSTINGS_MAX];
    bool token_back = shard_token_is_back(book->state, bet);
    size_t count = shard_settlement_postings(
        book->state, bet, (struct settled_money){bet->payout, token_back, -1}, postings);
    struct record_reverse body = {
        .bet_id = bet->bet_id,
        .reverses_seq = bet->seq_settled,
        .previous_seq = bet->seq_last,
        .result_seq = settlement->result_seq,
        .result_version = settlement->result_version,
        .payout = bet->payout,
        .balance_after = shard_available_after(book->state, bet->account, postings, count),
        .currency = postings[0].currency,
    };
    struct record_draft draft = {.type = RECORD_REVERSE,
                                 .time_us = book->wall.us,
                                 .account = bet->account,
                                 .body = &body,
                                 .postings = postings,
                                 .postings_count = count};
    commit_record(book->commit, &draft);
    book->stats.reversed++;
}

static void record_settle(struct book *book, const struct shard_bet *bet,
                          const struct settlement *settlement)
{
    struct record_posting postings[SETTLEMENT_POSTINGS_MAX];
    size_t count = shard_settlement_postings(
        book->state, bet, (struct settled_money){settlement->payout, settlement->token_back, 1},
        postings);
    struct record_settle body = {
        .bet_id = bet->bet_id,
        .result_seq = settlement->result_seq,
        .result_version = settlement->result_version,
        .previous_seq = bet->seq_last,
        .stake = bet->stake,
        .payout = settlement->payout,
        .balance_after = shard_available_after(book->state, bet->account, postings, count),
        .sizes = bet->sizes,
        .settlement = (uint16_t)(bet->settlement + 1),
        .currency = postings[0].currency,
        .rounding = bet->rounding,
        .flags = bet->flags,
        .token_back = settlement->token_back,
    };
    struct slice deductions = slice_of(settlement->deductions, settlement->deductions_count *
                                                                   sizeof *settlement->deductions);
    struct record_draft draft = {.type = RECORD_SETTLE,
                                 .time_us = book->wall.us,
                                 .account = bet->account,
                                 .body = &body,
                                 .items = settlement->legs,
                                 .items_count = settlement->legs_count,
                                 .postings = postings,
                                 .postings_count = count,
                                 .texts = &deductions,
                                 .texts_count = 1};
    commit_record(book->commit, &draft);
    book->stats.settled++;
}

/* Brings one bet to the results in force. Returns how many records that took. */
static uint32_t settle_bet(struct book *book, const struct shard_bet *bet)
{
    struct settlement settlement;
    uint32_t records = 0;
    if (bet->state != BET_STATE_OPEN && bet->state != BET_STATE_SETTLED)
        return 0;
    shard_settlement_of(book->state, bet, &settlement);
    if (bet->state == BET_STATE_SETTLED &&
        shard_settlement_differs(book->state, bet, &settlement)) {
        record_reverse(book, bet, &settlement);
        records++;
    }
    if (bet->state == BET_STATE_OPEN && settlement.decided) {
        record_settle(book, bet, &settlement);
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
        if (book->settle_cursor == LEG_NONE) {
            next_market(book);
            continue;
        }
        const struct shard_leg *leg = shard_state_leg(book->state, book->settle_cursor);
        records += settle_bet(book, shard_state_bet(book->state, leg->bet));
        book->settle_cursor = leg->next_of_market;
    }
}

void book_settle_restore(struct book *book)
{
    for (uint32_t ref = 1; ref <= shard_state_markets_count(book->state); ref++) {
        const struct shard_market *m = shard_state_market(book->state, (struct market_ref){ref});
        if (m->seq_result != 0 && m->legs_last != LEG_NONE)
            book_settle_queue(book, (struct market_ref){ref});
    }
}
