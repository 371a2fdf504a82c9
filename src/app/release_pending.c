/* release_pending.c - in-play bets, and cash-outs, whose delay is over (BETTING-RULES 4.7): status,
 * version, price and score are checked again, the money is held already, and a market that was
 * stopped meanwhile refuses although it is open again. Due times are monotonic, so that a clock
 * that is set neither skips nor stretches a delay; after a restart every pending bet is due and
 * is decided against the state as it then is. */
#include "app/cash_out_internal.h"
#include "app/follow_internal.h"
#include "app/refer_bet.h"
#include "core/bet.h"
#include "ledger/shard_settlement.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

#define RELEASES_PER_TURN_MAX 256

/* Whatever is amended at once waits beside those that customers may have waiting. */
static size_t room_of(const struct book *book)
{
    size_t late = book->ports.prices == NULL ? 0 : COMMIT_GROUPS_MAX * COMMIT_RECORDS_MAX;
    return book->options.pending_max + late;
}

bool book_pending_full(const struct book *book)
{
    return book->pending_count >= book->options.pending_max;
}

int book_pending_new(struct book *book)
{
    book->pending = calloc(room_of(book) + 1, sizeof *book->pending);
    return book->pending == NULL ? -ERR_MEMORY : 0;
}

static void swap(struct pending *a, struct pending *b)
{
    struct pending t = *a;
    *a = *b;
    *b = t;
}

/* Equal times keep the order of the bets, and behind them of the cash-outs: the heap's order is
 * (due, cash-out, bet). */
static bool before(const struct pending *a, const struct pending *b)
{
    if (a->due_us != b->due_us)
        return a->due_us < b->due_us;
    return a->cash_out != b->cash_out ? a->cash_out < b->cash_out : a->bet < b->bet;
}

static void rise(struct book *book, uint32_t at);

bool book_pending_add_again(struct book *book, struct pending pending)
{
    if (book->pending_count == room_of(book))
        return false;
    uint32_t at = book->pending_count++;
    book->pending[at] = pending;
    rise(book, at);
    return true;
}

bool book_pending_add(struct book *book, struct pending pending)
{
    pending.breaks = book->leases.breaks;
    return book_pending_add_again(book, pending);
}

static void sink(struct book *book, uint32_t at)
{
    struct pending *heap = book->pending;
    uint32_t count = book->pending_count;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < count && before(&heap[child + 1], &heap[child]))
            child++;
        if (child >= count || !before(&heap[child], &heap[at]))
            return;
        swap(&heap[at], &heap[child]);
        at = child;
    }
}

static void rise(struct book *book, uint32_t at)
{
    struct pending *heap = book->pending;
    for (; at > 0 && before(&heap[at], &heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&heap[at], &heap[(at - 1) / 2]);
}

static struct pending take_first(struct book *book)
{
    struct pending first = book->pending[0];
    book->pending[0] = book->pending[--book->pending_count];
    sink(book, 0);
    return first;
}

/* Found by looking at all: it follows a word of a person. */
void book_pending_move(struct book *book, uint32_t bet, int64_t due_us, bool rebinds)
{
    uint32_t at = 0;
    while (at < book->pending_count &&
           (book->pending[at].bet != bet || book->pending[at].cash_out != 0))
        at++;
    ASSERT(at < book->pending_count); /* L7: what waits is in the heap */
    book->pending[at].due_us = due_us;
    if (rebinds)
        book->pending[at].breaks = book->leases.breaks;
    rise(book, at);
    sink(book, at);
}

static void record_release(struct book *book, const struct shard_bet *bet,
                           const struct record_leg *legs, enum bet_outcome outcome)
{
    const struct shard_account *account =
        shard_state_account(book->state, (struct account_ref){bet->account});
    bool placed = outcome == BET_PLACED;
    struct record_posting postings[2] = {
        {bet->account, LEDGER_HELD, account->currency.iso, -bet->stake},
        {placed ? 0 : bet->account,
         placed ? LEDGER_HOUSE_STAKES : (uint16_t)shard_stake_account(bet->flags),
         account->currency.iso, bet->stake},
    };
    struct record_release body = {
        .bet_id = bet->bet_id,
        .previous_seq = bet->seq_last,
        .balance_after = shard_available_after(book->state, bet->account, postings, 2),
        .outcome = (uint16_t)outcome,
    };
    struct record_draft draft = {.type = RECORD_RELEASE,
                                 .time_us = book->wall.us,
                                 .account = bet->account,
                                 .body = &body,
                                 .items = legs,
                                 .items_count = bet->legs_count,
                                 .postings = postings,
                                 .postings_count = 2};
    commit_record(book->commit, &draft);
}

/* A leg of a bet whose delay is over. */
struct waiting_leg {
    const struct shard_bet *bet;
    const struct shard_leg *leg;
    uint64_t bound;  /* the record that binds it: its BET, or the offer that was taken */
    uint64_t breaks; /* when that was */
    struct leg_seen seen;
};

struct leg_seen book_see_again(struct book *book, const struct shard_leg *leg)
{
    struct market_ref market = {leg->market};
    const struct shard_selection *s = shard_state_selection(book->state, market, leg->selection);
    const struct odds_image *image =
        book->ports.store->ops->get(book->ports.store, shard_state_market_id(book->state, market));
    return (struct leg_seen){
        .image = image,
        .selection = image == NULL
                         ? SELECTION_NOT_FOUND
                         : book_find_selection(image, shard_state_text(book->state, s->id)),
        .market = market,
        .number = leg->selection,
    };
}

/* What happened while the bet waited, though the market is open again: it was stopped (a fence, a
 * result, a silence of its provider), or the match is another one than was bet on. A score says
 * more than the price that moved with it. */
static enum bet_outcome check_delay(const struct book *book, const struct waiting_leg *w,
                                    const struct record_leg *now, enum bet_outcome outcome)
{
    if (outcome != BET_PLACED && outcome != BET_ODDS_CHANGED)
        return outcome; /* the market itself refuses */
    if (shard_state_market(book->state, w->seen.market)->seq_stopped > w->bound ||
        leases_broke_since(&book->leases, ODDS_TEXT(w->seen.image, provider), w->breaks))
        return BET_MARKET_SUSPENDED;
    return book->options.bind_score && shard_score_differs(w->leg, now) ? BET_SCORE_CHANGED
                                                                        : outcome;
}

struct record_leg book_own_leg(struct book *book, const struct leg_seen *seen,
                               const struct shard_leg *own)
{
    const unsigned terms = LEG_BANKER | LEG_ANTE_POST | LEG_OFFERED; /* those of the request */
    const struct slip slip = {.odds = own->asked, .odds_version = own->asked_version};
    struct record_leg leg = book_leg(book, seen, &slip);
    leg.market = own->market; /* of a market that is not offered now, too */
    leg.selection = own->selection;
    leg.flags = (uint8_t)((leg.flags & ~terms) | (own->flags & terms));
    leg.places = own->places;
    leg.place_numerator = own->place_numerator;
    leg.place_denominator = own->place_denominator;
    return leg;
}

/* What became of one leg while the bet waited; *ret is the leg as it is taken now, at a price that
 * is never better than the one shown before the delay, or at the one that a trader named. */
static enum bet_outcome release_leg(struct book *book, const struct waiting_leg *w,
                                    struct record_leg *ret)
{
    const struct shard_leg *leg = w->leg;
    bool offered = (leg->flags & LEG_OFFERED) != 0;
    struct slip slip = {.stake = {w->bet->stake, {0}},
                        .odds = leg->asked,
                        .odds_version = leg->asked_version,
                        .policy = offered ? PRICE_ANY : (enum price_policy)w->bet->policy};
    struct market_view view = book_view(book, &w->seen);
    enum bet_outcome outcome =
        bet_decide_release(&slip, leg->odds, &view, &book->options.ticket_limits.bet);
    *ret = book_own_leg(book, &w->seen, leg);
    outcome = check_delay(book, w, ret, outcome);
    if (outcome == BET_PLACED) {
        struct odds taken = offered ? leg->odds : bet_release_odds(leg->odds, view.odds);
        ret->odds_numerator = taken.numerator;
        ret->odds_denominator = taken.denominator;
    }
    return outcome;
}

/* What follows from the last word on a bet that was referred; else, and when that let it pass,
 * BET_PLACED: it is decided as any other. */
static enum bet_outcome word_on(const struct shard_referral *row)
{
    switch (row == NULL ? REFERRAL_IS_ACCEPTED : (enum referral_stage)row->stage) {
    case REFERRAL_WAITS:
        return BET_REFERRAL_TIMEOUT;
    case REFERRAL_IS_OFFERED:
        return BET_OFFER_EXPIRED;
    case REFERRAL_IS_REJECTED:
        return BET_NOT_ACCEPTED_BY_TRADER;
    case REFERRAL_IS_DECLINED:
        return BET_RE_OFFERED;
    case REFERRAL_IS_ACCEPTED:
        break;
    }
    return BET_PLACED;
}

static void bind_legs(struct book *book, const struct shard_bet *bet)
{
    for (uint32_t i = 0; i < bet->legs_count; i++)
        book_bind_price(
            book, book_see_again(book, shard_state_leg(book->state, bet->legs_first + i)).image);
}

/* Every leg is looked at, so that the record shows them all; the first that refuses is the word. */
static void release(struct book *book, const struct pending *due)
{
    struct record_leg legs[BET_LEGS_MAX];
    uint32_t row = shard_state_find_referral(book->state, due->bet);
    const struct shard_referral *referral =
        row == REFERRAL_NONE ? NULL : shard_state_referral(book->state, row);
    enum bet_outcome outcome = word_on(referral);
    struct waiting_leg w = {.bet = shard_state_bet(book->state, due->bet), .breaks = due->breaks};
    w.bound = referral == NULL ? w.bet->seq_placed : referral->seq_bound;
    for (uint32_t i = 0; i < w.bet->legs_count; i++) {
        w.leg = shard_state_leg(book->state, w.bet->legs_first + i);
        w.seen = book_see_again(book, w.leg);
        enum bet_outcome one = release_leg(book, &w, &legs[i]);
        if (outcome == BET_PLACED)
            outcome = one;
    }
    if (outcome == BET_PLACED)
        book_keep_waiting(book, due);
    record_release(book, w.bet, legs, outcome);
    if (outcome == BET_PLACED)
        bind_legs(book, w.bet);
    if (referral != NULL)
        book->stats.referrals_by_outcome[outcome % BOOK_STATS_OUTCOMES]++;
    if (outcome == BET_PLACED)
        book_settle_accepted(book, w.bet);
}

static bool has_room(struct book *book)
{
    if (book->ports.prices != NULL && late_releases_full(&book->late_releases)) {
        book->stats.late_releases_reached++;
        return false;
    }
    return commit_has_reserve(book->commit);
}

void book_release_due(struct book *book)
{
    for (int i = 0; i < RELEASES_PER_TURN_MAX && book->pending_count > 0; i++) {
        if (book->pending[0].due_us > book->now.us || !has_room(book))
            return;
        struct pending due = take_first(book);
        if (due.cash_out != 0)
            book_decide_cash_out(book, &due);
        else
            release(book, &due);
    }
}

/* A bet that waits for a word goes on to wait, as far as the clock can be believed. */
static int64_t wait_left(const struct book *book, uint32_t bet)
{
    uint32_t row = shard_state_find_referral(book->state, bet);
    if (row == REFERRAL_NONE || shard_state_bet(book->state, bet)->state != BET_STATE_REFERRED)
        return 0;
    int64_t left = shard_state_referral(book->state, row)->until_us - book->wall.us;
    if (left < 0)
        return 0;
    return left < REFERRAL_US_MAX ? left : REFERRAL_US_MAX;
}

int book_pending_restore(struct book *book)
{
    for (uint32_t i = 0; i < shard_state_bets_count(book->state); i++) {
        const struct shard_bet *bet = shard_state_bet(book->state, i);
        bool cash_out = bet->cash_out_waits != CASH_OUT_NONE;
        bool waits = bet->state == BET_STATE_PENDING || bet->state == BET_STATE_REFERRED;
        struct pending pending = {
            .due_us = book->now.us, .bet = i, .cash_out = cash_out ? bet->cash_out_waits + 1 : 0};
        if (bet->state == BET_STATE_REFERRED)
            pending.due_us += wait_left(book, i);
        if ((cash_out || waits) && !book_pending_add(book, pending))
            return -ERR_LIMIT;
    }
    return 0;
}
