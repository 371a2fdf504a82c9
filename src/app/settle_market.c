/* settle_market.c - from a result to paid bets, exactly once (L7).
 *
 * "Still to do" is derived, never stored: a bet with a leg on the market that is open although the
 * results in force decide it, or settled otherwise than they do (ledger/shard_settlement.h). So a
 * crash at any record loses nothing and repeats nothing; the walk begins again and finds what is
 * left. A correction is two records per bet, REVERSE and SETTLE; REVERSE alone when the bet is open
 * again. */
#include "app/follow_internal.h"
#include "app/write_off.h"

#include "ledger/shard_settlement.h"

void book_settle_queue(struct book *book, struct market_ref ref)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    settle_queue_put(book->settle_queue, ref, market->legs_last, market->bets_count);
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
    book_write_offs_look(book);
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

/* The market of the bet with the newest result; n = 0: none of them has any. */
static struct market_ref newest_result(const struct book *book, const struct shard_bet *bet)
{
    struct market_ref newest = {0};
    uint64_t seq = 0;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        struct market_ref ref = {shard_state_leg(book->state, bet->legs_first + i)->market};
        const struct shard_market *market = shard_state_market(book->state, ref);
        if (market->seq_result <= seq)
            continue;
        seq = market->seq_result;
        newest = ref;
    }
    return newest;
}

/* Then it is what all of its results make of it, and needs no arithmetic: a system, say, when the
 * markets of its other legs are walked, and all but a few bets of a book that starts. */
static bool settled_by_newest(const struct book *book, const struct shard_bet *bet)
{
    if (bet->state != BET_STATE_SETTLED)
        return false;
    struct market_ref ref = newest_result(book, bet);
    return bet->seq_result == shard_state_market(book->state, ref)->seq_result;
}

/* Brings one bet to the results in force. Returns how many records that took. */
static uint32_t settle_bet(struct book *book, const struct shard_bet *bet)
{
    struct settlement settlement;
    uint32_t records = 0;
    if ((bet->state != BET_STATE_OPEN && bet->state != BET_STATE_SETTLED) ||
        settled_by_newest(book, bet))
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

/* A walk over the market finds it again: seldom, so no second way of settling is needed. */
void book_settle_accepted(struct book *book, const struct shard_bet *bet)
{
    struct settlement settlement;
    bool windows = false;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_leg *leg = shard_state_leg(book->state, bet->legs_first + i);
        const struct shard_market *market =
            shard_state_market(book->state, (struct market_ref){leg->market});
        windows = windows || market->windows_last != WINDOW_NONE;
    }
    if (!windows)
        return;
    shard_settlement_of(book->state, bet, &settlement);
    if (settlement.decided)
        book_settle_queue(book, (struct market_ref){settlement.legs[0].market});
}

static const struct shard_leg *next_leg(const struct book *book)
{
    return shard_state_leg(book->state, settle_queue_leg(book->settle_queue));
}

/* It is settled when its own records are durable, a moment later. */
static bool must_wait(const struct book *book, const struct shard_leg *leg)
{
    return book_may_be_late(book, shard_state_bet(book->state, leg->bet)->seq_last);
}

void book_settle_step(struct book *book)
{
    struct settle_queue *queue = book->settle_queue;
    uint32_t looks_left = book->options.settle_per_turn_max * SETTLE_LOOKS_PER_RECORD;
    while (queue->count > 0 && commit_has_spare(book->commit)) { /* bets and fences go first */
        const struct shard_leg *leg = next_leg(book);
        if (must_wait(book, leg))
            return;
        const struct shard_bet *bet = shard_state_bet(book->state, leg->bet);
        uint32_t records = settle_bet(book, bet);
        uint32_t looks = records == 0 ? 1 : records * SETTLE_LOOKS_PER_RECORD;
        bool accepted = bet->state != BET_STATE_PENDING && bet->state != BET_STATE_REFERRED &&
                        bet->state != BET_STATE_NOT_ACCEPTED;
        settle_queue_looked(queue, leg->next_of_market, looks, accepted);
        if (looks >= looks_left)
            return;
        looks_left -= looks;
    }
}

bool book_settle_due(const struct book *book)
{
    return book->settle_queue->count > 0 && commit_has_spare(book->commit) &&
           !must_wait(book, next_leg(book));
}

size_t book_settlements(const struct book *book, struct book_settlement *ret, size_t most)
{
    const struct settle_queue *queue = book->settle_queue;
    size_t count = queue->count < most ? queue->count : most;
    for (size_t i = 0; i < count; i++) {
        struct market_ref ref = settle_queue_market_at(queue, (uint32_t)i);
        const struct shard_market *market = shard_state_market(book->state, ref);
        ret[i] = (struct book_settlement){
            .market_id = shard_state_market_id(book->state, ref),
            .event_id = shard_state_text(book->state, market->event_id),
            .event_name = shard_state_text(book->state, market->event_name),
            .bets = queue->jobs[ref.n].bets,
            .bets_left = queue->jobs[ref.n].left};
    }
    return count;
}

static bool may_be_left(const struct book *book, const struct shard_bet *bet, struct market_ref ref)
{
    if (ref.n == 0 || settle_queue_holds(book->settle_queue, ref))
        return false;
    return bet->state == BET_STATE_OPEN ||
           (bet->state == BET_STATE_SETTLED && !settled_by_newest(book, bet));
}

void book_settle_restore(struct book *book)
{
    struct settlement settlement;
    for (uint32_t i = 0; i < shard_state_bets_count(book->state); i++) {
        const struct shard_bet *bet = shard_state_bet(book->state, i);
        struct market_ref ref = newest_result(book, bet);
        if (!may_be_left(book, bet, ref))
            continue;
        shard_settlement_of(book->state, bet, &settlement);
        if (bet->state == BET_STATE_OPEN ? settlement.decided
                                         : shard_settlement_differs(book->state, bet, &settlement))
            book_settle_queue(book, ref);
    }
}
