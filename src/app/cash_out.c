/* cash_out.c - buying bets back: the value now, offers, requests, and those whose delay is over
 * (BETTING-RULES 4.8; docs/decisions/0007).
 *
 * A value is computed from a record to be (ledger/cash_out_record.h), so that what is offered, what
 * is paid and what the fold accepts are one computation. An offer binds nobody: what is paid is the
 * value at the instant of the acceptance, or of the release, never more. */
#include "app/cash_out_internal.h"
#include "app/follow_internal.h"

#include "base/assert.h"
#include "core/cash_out.h"
#include "core/market_chances.h"
#include "ledger/cash_out_record.h"
#include "ledger/shard_settlement.h"

/* A bet, the part of it that is looked at, and what that is worth now. */
struct valued {
    const struct shard_bet *bet;
    struct record_cash_out body; /* of the record to be */
    struct record_cash_out_leg legs[BET_LEGS_MAX];
    struct settlement now;
    int64_t delay_us; /* the longest of its legs in play */
};

/* Record time as the next record will have it (L1). */
static int64_t record_time(const struct book *book)
{
    int64_t newest_us = shard_state_time_us(book->state);
    return book->wall.us > newest_us ? book->wall.us : newest_us;
}

/* ---- chances ---- */

/* The market's selections that can still win, all of them at a price. A withdrawn runner may take
 * something off the bet that no price says, and a winner beside it means that several win. */
static enum bet_outcome sum_book(const struct odds_image *image, uint64_t *ret_book)
{
    *ret_book = 0;
    for (size_t i = 0; i < image->selections_count; i++) {
        const struct odds_selection *s = &image->selections[i];
        switch ((enum selection_status)s->status) {
        case SELECTION_ACTIVE:
            if (!odds_present(s->odds))
                return BET_MARKET_SUSPENDED;
            *ret_book += chances_inverse(s->odds);
            break;
        case SELECTION_SUSPENDED:
            return BET_MARKET_SUSPENDED;
        case SELECTION_LOST:
            break;
        case SELECTION_REMOVED:
        case SELECTION_WON:
        case SELECTION_VOID:
            return BET_CASH_OUT_UNAVAILABLE;
        }
    }
    return BET_PLACED;
}

static enum bet_outcome market_open(struct book *book, const struct odds_image *image)
{
    if (image == NULL)
        return BET_MARKET_SUSPENDED;
    if (image->status == MARKET_SUSPENDED_STATUS)
        return BET_MARKET_SUSPENDED;
    if (image->status != MARKET_ACTIVE)
        return BET_MARKET_CLOSED;
    return book_price_holds(book, image) ? BET_PLACED : BET_MARKET_SUSPENDED;
}

/* What the market's book says of a selection with this price. */
static enum bet_outcome take_book(const struct odds_image *image, struct odds odds,
                                  struct record_cash_out_leg *leg)
{
    enum bet_outcome outcome = sum_book(image, &leg->book);
    if (outcome != BET_PLACED)
        return outcome;
    if (!chances_kind(ODDS_TEXT(image, kind)))
        return BET_CASH_OUT_UNAVAILABLE;
    leg->chances = (struct leg_chances){.win = chances_of(odds, leg->book)};
    return leg->chances.win == 0 ? BET_CASH_OUT_UNAVAILABLE : BET_PLACED;
}

/* The price of now, and the chances: the provider's, or those that its prices say. */
static enum bet_outcome take_chances(const struct odds_image *image, size_t at,
                                     struct record_cash_out_leg *leg)
{
    if (at == SELECTION_NOT_FOUND)
        return BET_CASH_OUT_UNAVAILABLE;
    const struct odds_selection *s = &image->selections[at];
    if (s->status == SELECTION_SUSPENDED)
        return BET_MARKET_SUSPENDED;
    if (s->status != SELECTION_ACTIVE || !odds_present(s->odds))
        return BET_CASH_OUT_UNAVAILABLE;
    leg->now_numerator = s->odds.numerator;
    leg->now_denominator = s->odds.denominator;
    if (!leg_chances_known(s->chances))
        return take_book(image, s->odds, leg);
    leg->chances = s->chances;
    return leg_chances_agree(s->chances, s->odds) ? BET_PLACED : BET_CASH_OUT_UNAVAILABLE;
}

static enum bet_outcome value_leg(struct book *book, struct valued *v, uint32_t at)
{
    const struct shard_leg *own = shard_state_leg(book->state, v->bet->legs_first + at);
    struct record_cash_out_leg *leg = &v->legs[at];
    struct market_ref market = {own->market};
    *leg = (struct record_cash_out_leg){.settled = v->now.legs[at]};
    if (leg->settled.win.known == 1)
        return BET_PLACED;
    const struct odds_image *image =
        book->ports.store->ops->get(book->ports.store, shard_state_market_id(book->state, market));
    enum bet_outcome outcome = market_open(book, image);
    if (outcome != BET_PLACED)
        return outcome;
    const struct shard_selection *s = shard_state_selection(book->state, market, own->selection);
    outcome =
        take_chances(image, book_find_selection(image, shard_state_text(book->state, s->id)), leg);
    leg->odds_version = image->odds_version;
    leg->odds_position = image->odds_position;
    leg->market_status = image->status;
    leg->flags = LEG_PROVIDER_ALIVE | (image->in_play ? LEG_IN_PLAY : 0);
    if (image->in_play && image->bet_delay_us > v->delay_us)
        v->delay_us = image->bet_delay_us;
    return outcome;
}

/* ---- the value ---- */

static void begin_value(const struct book *book, struct valued *v, const struct shard_bet *bet,
                        int64_t stake)
{
    v->bet = bet;
    v->delay_us = 0;
    v->body = (struct record_cash_out){
        .bet_id = bet->bet_id,
        .stake = stake,
        .sizes = bet->sizes,
        .currency =
            shard_state_account(book->state, (struct account_ref){bet->account})->currency.iso,
        .flags = bet->flags,
    };
}

/* May anything of this bet be bought back at all? */
static enum bet_outcome bet_for_sale(const struct book *book, const struct shard_bet *bet)
{
    if (!book->options.cash_out.on || bet->state != BET_STATE_OPEN ||
        book_may_be_late(book, bet->seq_verdict)) /* it may wait on */
        return BET_CASH_OUT_UNAVAILABLE;
    if (bet->cash_out_waits != CASH_OUT_NONE)
        return BET_CASH_OUT_PENDING;
    return bet->cash_outs == CASH_OUTS_OF_BET_MAX ? BET_CASH_OUT_LIMIT : BET_PLACED;
}

/* BET_PLACED, and the body and legs say what the stake is worth; or why it has no value. */
static enum bet_outcome value_now(struct book *book, struct valued *v)
{
    const struct shard_bet *bet = v->bet;
    int64_t stake = v->body.stake;
    if (!book->options.cash_out.on || bet->state != BET_STATE_OPEN || stake == 0 ||
        stake > bet->stake || (bet->flags & BET_EACH_WAY) != 0)
        return BET_CASH_OUT_UNAVAILABLE;
    shard_settlement_of(book->state, bet, &v->now);
    if (v->now.decided)
        return BET_MARKET_CLOSED; /* its settlement is due */
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        enum bet_outcome outcome = value_leg(book, v, i);
        if (outcome != BET_PLACED)
            return outcome;
    }
    v->body.margin = (uint16_t)book->options.cash_out.margin_permyriad;
    const struct cash_out_parts parts = {
        &v->body, v->legs, bet->legs_count,
        slice_of(v->now.deductions, v->now.deductions_count * sizeof *v->now.deductions)};
    if (!cash_out_record_value(&parts, &v->body.fair, &v->body.value) || v->body.value == 0)
        return BET_CASH_OUT_UNAVAILABLE; /* a lost line alone, or less than the least coin */
    return BET_PLACED;
}

/* ---- offers ---- */

enum bet_outcome book_offer_cash_out(struct book *book, struct bet_id id,
                                     struct cash_out_offer *ret)
{
    struct valued v;
    uint32_t index = shard_state_find_bet(book->state, id);
    ASSERT(index != BET_NONE); /* the caller looked whose it is */
    const struct shard_bet *bet = shard_state_bet(book->state, index);
    begin_value(book, &v, bet, bet->stake);
    enum bet_outcome outcome = bet_for_sale(book, bet);
    if (outcome == BET_PLACED)
        outcome = value_now(book, &v);
    if (outcome != BET_PLACED)
        return outcome;
    const struct cash_out_terms terms = {id, bet->seq_last,
                                         record_time(book) + book->options.cash_out.valid_us,
                                         bet->stake, v.body.value};
    struct buf text = buf_over(ret->id, sizeof ret->id);
    cash_out_offer_write(&text, book->offer_key, &terms);
    ASSERT(!text.overflow);
    struct currency currency = {v.body.currency};
    ret->stake = money_of(bet->stake, currency);
    ret->amount = money_of(v.body.value, currency);
    ret->valid_until = (struct instant){terms.until_us};
    ret->delay_us = v.delay_us;
    ret->legs_count = bet->legs_count;
    memcpy(ret->legs, v.legs, bet->legs_count * sizeof *v.legs);
    book->stats.cash_outs_offered++;
    return BET_PLACED;
}

/* ---- the record ---- */

static bool says_value(enum bet_outcome outcome)
{
    return outcome == BET_PLACED || outcome == BET_PENDING || outcome == BET_CASH_OUT_CHANGED;
}

/* What the outcome moves, and what is left then. */
static size_t make_postings(struct book *book, struct valued *v, struct record_posting *postings)
{
    struct shard_bet part = *v->bet;
    struct record_cash_out *body = &v->body;
    size_t count = 0;
    part.stake = body->stake;
    body->stake_left = v->bet->stake;
    if (body->outcome == BET_PLACED) {
        body->stake_left -= body->stake;
        count = shard_settlement_postings(
            book->state, &part, (struct settled_money){.payout = body->paid, .sign = 1}, postings);
    }
    body->balance_after = shard_available_after(book->state, v->bet->account, postings, count);
    return count;
}

static const struct record_view *record_cash_out(struct book *book, struct valued *v,
                                                 enum bet_outcome outcome, struct slice key)
{
    struct record_posting postings[SETTLEMENT_POSTINGS_MAX];
    struct slice texts[2] = {key, SLICE_NONE};
    bool valued = says_value(outcome);
    v->body.outcome = (uint16_t)outcome;
    v->body.key_bytes = (uint16_t)key.bytes;
    if (valued)
        texts[1] = slice_of(v->now.deductions, v->now.deductions_count * sizeof *v->now.deductions);
    else
        v->body.fair = v->body.value = v->body.margin = 0;
    size_t postings_count = make_postings(book, v, postings);
    struct record_draft draft = {.type = RECORD_CASH_OUT,
                                 .time_us = book->wall.us,
                                 .account = v->bet->account,
                                 .body = &v->body,
                                 .items = v->legs,
                                 .items_count = valued ? v->bet->legs_count : 0,
                                 .postings = postings,
                                 .postings_count = postings_count,
                                 .texts = texts,
                                 .texts_count = 2};
    book->stats.cash_outs_by_outcome[outcome % BOOK_STATS_OUTCOMES]++;
    return commit_record(book->commit, &draft);
}

/* ---- requests ---- */

/* The part of what is left; 0 is none. */
static int64_t asked_stake(const struct cash_out_request *request, const struct shard_bet *bet)
{
    if (request->stake != 0)
        return request->stake;
    return (int64_t)((__int128)bet->stake * request->fraction / CASH_OUT_WHOLE);
}

/* The offer's end, 0 when it is none of ours: it is of this bet as it is now, and holds. */
static enum bet_outcome check_offer(const struct book *book, const struct cash_out_request *request,
                                    struct valued *v)
{
    struct cash_out_terms terms;
    if (!cash_out_offer_read(request->offer, book->offer_key, &terms))
        return BET_OFFER_EXPIRED;
    v->body.offer_until_us = terms.until_us;
    return terms.bet.n == v->bet->bet_id && terms.bet_seq == v->bet->seq_last &&
                   record_time(book) <= terms.until_us
               ? BET_PLACED
               : BET_OFFER_EXPIRED;
}

static enum bet_outcome decide(struct book *book, const struct cash_out_request *request,
                               struct valued *v)
{
    enum bet_outcome outcome = bet_for_sale(book, v->bet);
    if (outcome == BET_PLACED)
        outcome = check_offer(book, request, v);
    if (outcome == BET_PLACED)
        outcome = value_now(book, v);
    if (outcome != BET_PLACED)
        return outcome;
    if (v->body.value < cash_out_least(request->accepted, request->tolerance))
        return BET_CASH_OUT_CHANGED;
    if (v->delay_us == 0)
        return BET_PLACED;
    return book_pending_full(book) /* S2: nothing waits for it */
               ? BET_MARKET_SUSPENDED
               : BET_PENDING;
}

/* What is paid is the value at prices that hold. */
static void bind_prices(struct book *book, const struct valued *v, enum bet_outcome outcome)
{
    for (uint32_t i = 0; outcome == BET_PLACED && i < v->bet->legs_count; i++) {
        struct market_ref market = {v->legs[i].settled.market};
        if (v->legs[i].settled.win.known == 0)
            book_bind_price(
                book, book->ports.store->ops->get(book->ports.store,
                                                  shard_state_market_id(book->state, market)));
    }
}

static void wait_for_delay(struct book *book, const struct valued *v)
{
    bool added = book_pending_add(
        book, (struct pending){.due_us = book->now.us + v->delay_us,
                               .bet = (uint32_t)shard_state_find_bet(
                                   book->state, (struct bet_id){v->bet->bet_id}),
                               .cash_out = shard_state_cash_outs_count(book->state)});
    ASSERT(added); /* decide() looked */
}

enum request_outcome book_cash_out_new(struct book *book, const struct cash_out_request *request,
                                       const struct book_reply *reply)
{
    struct valued v;
    enum request_outcome ready = book_cash_out_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    const struct shard_bet *bet =
        shard_state_bet(book->state, shard_state_find_bet(book->state, request->bet));
    begin_value(book, &v, bet, asked_stake(request, bet));
    v.body.request_hash[0] = request->request_hash[0];
    v.body.request_hash[1] = request->request_hash[1];
    v.body.accepted = request->accepted;
    v.body.tolerance = (uint16_t)request->tolerance;
    v.body.transport = (uint8_t)request->transport;
    enum bet_outcome outcome = decide(book, request, &v);
    bool chained = outcome == BET_PLACED || outcome == BET_PENDING;
    v.body.previous_seq = chained ? bet->seq_last : 0;
    v.body.paid = outcome == BET_PLACED ? v.body.value : 0;
    v.body.decide_at_us = outcome == BET_PENDING ? record_time(book) + v.delay_us : 0;
    const struct record_view *record = record_cash_out(book, &v, outcome, request->key);
    bind_prices(book, &v, outcome);
    if (outcome == BET_PENDING)
        wait_for_delay(book, &v);
    bool waits = book_answer_record(book, record->head->seq, reply->answer, reply->cookie, false);
    ASSERT(waits); /* book_cash_out_ready looked */
    return REQUEST_TAKEN;
}

enum request_outcome book_cash_out(struct book *book, const struct cash_out_request *request,
                                   book_answer_fn answer, struct book_cookie cookie)
{
    const struct shard_verdict *verdict = NULL;
    const struct book_reply reply = {answer, cookie};
    ASSERT(request->key.bytes > 0 && request->key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX);
    ASSERT(request->accepted > 0 && request->accepted <= MONEY_MINOR_MAX);
    ASSERT(request->tolerance <= CASH_OUT_WHOLE && request->fraction <= CASH_OUT_WHOLE);
    ASSERT(request->stake >= 0 && request->stake <= MONEY_MINOR_MAX);
    ASSERT(request->offer.bytes <= CASH_OUT_OFFER_BYTES);
    struct account_ref account = shard_state_find_account(book->state, request->user_id);
    uint32_t bet = shard_state_find_bet(book->state, request->bet);
    if (bet == BET_NONE || shard_state_bet(book->state, bet)->account != account.n ||
        book_may_be_late(book, shard_state_bet(book->state, bet)->seq_placed))
        return REQUEST_UNKNOWN; /* of the last nobody was told: its id was guessed */
    const struct asked_key key = book_asked_key(book, account, OPERATION_CASH_OUT, request->key);
    switch (book_look_up(book, &key, &verdict)) {
    case KEY_DECIDED:
        return book_replay_verdict(book, verdict, request->request_hash, answer, cookie);
    case KEY_MAYBE_OLD:
        return book_cash_out_waits(book, request, &key, &reply);
    case KEY_NEW:
        break;
    }
    return book_cash_out_new(book, request, &reply);
}

/* ---- those whose delay is over ---- */

/* Was who gives this price silent meanwhile? A settled leg has none. */
static bool silent_since(const struct book *book, const struct record_cash_out_leg *leg,
                         uint64_t breaks)
{
    struct market_ref market = {leg->settled.market};
    if (leg->settled.win.known == 1)
        return false;
    const struct odds_image *image =
        book->ports.store->ops->get(book->ports.store, shard_state_market_id(book->state, market));
    return leases_broke_since(&book->leases, ODDS_TEXT(image, provider), breaks);
}

/* A market was stopped meanwhile, though it is open again: a fence, a result, a silence. All legs
 * have a value. */
static bool stopped_since(const struct book *book, const struct valued *v, uint64_t seq,
                          uint64_t breaks)
{
    for (uint32_t i = 0; i < v->bet->legs_count; i++) {
        const struct record_cash_out_leg *leg = &v->legs[i];
        const struct shard_market *market =
            shard_state_market(book->state, (struct market_ref){leg->settled.market});
        if (market->seq_stopped > seq || silent_since(book, leg, breaks))
            return true;
    }
    return false;
}

void book_decide_cash_out(struct book *book, const struct pending *due)
{
    struct valued v;
    const struct shard_cash_out *row = shard_state_cash_out(book->state, due->cash_out - 1);
    const struct shard_bet *bet = shard_state_bet(book->state, row->bet);
    begin_value(book, &v, bet, row->stake);
    v.body.previous_seq = bet->seq_last;
    v.body.asked_seq = row->seq;
    v.body.accepted = row->accepted;
    v.body.tolerance = row->tolerance;
    enum bet_outcome outcome = value_now(book, &v);
    if (outcome == BET_PLACED && stopped_since(book, &v, row->seq, due->breaks))
        outcome = BET_MARKET_SUSPENDED;
    if (outcome == BET_PLACED && v.body.value < cash_out_least(row->accepted, row->tolerance))
        outcome = BET_CASH_OUT_CHANGED;
    if (outcome == BET_PLACED) /* a delay never makes it more */
        v.body.paid = v.body.value < row->bound ? v.body.value : row->bound;
    (void)record_cash_out(book, &v, outcome, SLICE_NONE);
    bind_prices(book, &v, outcome);
}
