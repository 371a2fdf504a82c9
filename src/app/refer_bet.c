/* refer_bet.c - bets that wait for the trading desk: whether one is referred, the trader's word and
 * the customer's answer (BETTING-RULES 4.12). What lets a bet pass looks again at all that decides
 * a bet, at the prices that are bound, but for the limits that the trader lifts; what may have
 * changed since is looked at by its RELEASE (release_pending.c). */
#include "app/refer_bet.h"

#include "base/assert.h"
#include "ledger/shard_settlement.h"

/* A bet that waits, what it is looked at with, and the word on it. */
struct referred {
    const struct shard_bet *bet;
    const struct shard_referral *row;
    uint32_t index; /* of the bet */
    int64_t stake;
    const struct odds *named; /* by the trader, of the first legs; NULL: none */
    uint32_t named_count;
    struct leg_seen seen[BET_LEGS_MAX];
    struct ticket_leg legs[BET_LEGS_MAX];
    struct ticket_leg_view views[BET_LEGS_MAX];
    struct ticket_verdict verdict;
    int64_t delay_us; /* the longest of its legs */
};

/* ---- a new bet ---- */

bool book_referral_room(struct book *book)
{
    bool room = shard_state_referral_room(book->state) && !book_pending_full(book);
    book->stats.referrals_reached += !room;
    return room;
}

/* ---- looking again ---- */

static bool take_bet(const struct book *book, struct bet_id id, struct referred *r)
{
    r->index = shard_state_find_bet(book->state, id);
    if (r->index == BET_NONE)
        return false;
    uint32_t row = shard_state_find_referral(book->state, r->index);
    r->bet = shard_state_bet(book->state, r->index);
    r->row = row == REFERRAL_NONE ? NULL : shard_state_referral(book->state, row);
    r->named = NULL;
    r->named_count = 0;
    r->delay_us = 0;
    return true;
}

static bool is_named(const struct referred *r, uint32_t leg)
{
    return leg < r->named_count && odds_present(r->named[leg]);
}

static struct odds price_of(const struct book *book, const struct referred *r, uint32_t leg)
{
    return is_named(r, leg) ? r->named[leg]
                            : shard_state_leg(book->state, r->bet->legs_first + leg)->odds;
}

/* The leg at the price that is bound, in its market as that is now. What legs are to each other was
 * looked at before the bet was referred. */
static void look_at(struct book *book, struct referred *r, uint32_t leg,
                    struct stake_limits_combined *all)
{
    const struct shard_leg *own = shard_state_leg(book->state, r->bet->legs_first + leg);
    struct ticket_leg_view *view = &r->views[leg];
    struct stake_limits_combined limits = book->platform;
    r->seen[leg] = book_see_again(book, own);
    *view = (struct ticket_leg_view){
        .market = book_view(book, &r->seen[leg]),
        .event = leg + 1,
        .market_number = leg + 1,
        .terms = {own->places, own->place_numerator, own->place_denominator},
    };
    book_leg_limits(book, (struct account_ref){r->bet->account}, &r->seen[leg], &limits);
    view->liability_room =
        book_liability_room(book, &r->seen[leg], limits.limits.liability_minor_max);
    if (limits.limits.delay_us > view->market.bet_delay_us)
        view->market.bet_delay_us = limits.limits.delay_us;
    if (view->market.bet_delay_us > r->delay_us)
        r->delay_us = view->market.bet_delay_us;
    view->market.odds = price_of(book, r, leg);
    r->legs[leg] =
        (struct ticket_leg){.odds = view->market.odds, .banker = (own->flags & LEG_BANKER) != 0};
    if (leg == 0)
        *all = limits;
    else
        stake_limits_join(all, &limits);
}

static enum stake_kind kind_of(const struct shard_bet *bet)
{
    if ((bet->flags & BET_FREE) != 0)
        return STAKE_FREE;
    return (bet->flags & BET_BONUS) != 0 ? STAKE_BONUS : STAKE_CASH;
}

/* PLACED, PENDING, or what refuses it. The bet itself is among those that are alike. */
static enum bet_outcome look_again(struct book *book, struct referred *r, unsigned lifted)
{
    const struct account_ref account = {r->bet->account};
    const struct money stake =
        money_of(r->stake, shard_state_account(book->state, account)->currency);
    struct stake_limits_combined all = book->platform;
    struct ticket_limits limits = book->options.ticket_limits;
    for (uint32_t i = 0; i < r->bet->legs_count; i++)
        look_at(book, r, i, &all);
    int64_t alike = book_staked_alike(book, account, r->seen, r->bet->legs_count);
    limits.bet.stake_minor_min = all.limits.stake_minor_min;
    limits.bet.stake_minor_max = stake_limits_left(
        all.limits.stake_minor_max, alike > r->bet->stake ? alike - r->bet->stake : 0);
    book_take_day(book, account, r->index, &all);
    limits.bet.payout_minor_max = all.limits.payout_minor_max;
    if (all.limits.stake_minor_max > 0 && (lifted & LIFT_STAKE) != 0)
        limits.bet.stake_minor_max = INT64_MAX; /* whatever is open alike */
    referral_lift_limits(lifted, &limits, r->views, r->bet->legs_count);
    const struct ticket ticket = {.stake = stake,
                                  .policy = PRICE_ANY,
                                  .legs = r->legs,
                                  .legs_count = r->bet->legs_count,
                                  .sizes = {r->bet->sizes},
                                  .each_way = (r->bet->flags & BET_EACH_WAY) != 0,
                                  .stake_kind = kind_of(r->bet)};
    ticket_decide(&ticket, r->views, &limits, stake, &r->verdict);
    return r->verdict.outcome;
}

static bool passes(struct book *book, struct referred *r, unsigned lifted, struct word_refusal *ret)
{
    enum bet_outcome outcome = look_again(book, r, lifted);
    if (outcome == BET_PLACED || outcome == BET_PENDING)
        return true;
    *ret = (struct word_refusal){outcome, r->verdict.stake_minor_max};
    return false;
}

/* ---- the record ---- */

/* An offer binds each leg, with what is known of its market now. */
static void bind_leg(struct book *book, const struct referred *r, uint32_t leg,
                     struct record_leg *ret)
{
    const struct shard_leg *own = shard_state_leg(book->state, r->bet->legs_first + leg);
    const struct odds odds = price_of(book, r, leg);
    *ret = book_own_leg(book, &r->seen[leg], own);
    ret->odds_numerator = odds.numerator;
    ret->odds_denominator = odds.denominator;
    if (is_named(r, leg))
        ret->flags |= LEG_OFFERED;
}

static const struct record_view *record_word(struct book *book, const struct referred *r,
                                             struct record_referral *body,
                                             const struct desk_word *word)
{
    struct record_leg legs[BET_LEGS_MAX];
    const struct shard_account *account =
        shard_state_account(book->state, (struct account_ref){r->bet->account});
    bool offers = body->word == REFERRAL_OFFERED;
    int64_t rest = body->word == REFERRAL_TAKEN ? r->bet->stake - body->stake : 0;
    struct slice texts[2] = {word->actor, word->reason};
    struct record_posting postings[2] = {
        {r->bet->account, LEDGER_HELD, account->currency.iso, -rest},
        {r->bet->account, (uint16_t)shard_stake_account(r->bet->flags), account->currency.iso,
         rest},
    };
    size_t count = rest == 0 ? 0 : 2;
    for (uint32_t i = 0; offers && i < r->bet->legs_count; i++)
        bind_leg(book, r, i, &legs[i]);
    body->bet_id = r->bet->bet_id;
    body->previous_seq = r->bet->seq_last;
    body->currency = account->currency.iso;
    body->balance_after = shard_available_after(book->state, r->bet->account, postings, count);
    body->actor_bytes = (uint16_t)word->actor.bytes;
    body->reason_bytes = (uint16_t)word->reason.bytes;
    if (offers || body->word == REFERRAL_TAKEN)
        body->potential_return = r->verdict.potential_return.minor;
    struct record_draft draft = {.type = RECORD_REFERRAL,
                                 .time_us = book->wall.us,
                                 .account = r->bet->account,
                                 .body = body,
                                 .items = legs,
                                 .items_count = offers ? r->bet->legs_count : 0,
                                 .postings = postings,
                                 .postings_count = count,
                                 .texts = texts,
                                 .texts_count = 2};
    book->stats.referral_words[body->word]++;
    return commit_record(book->commit, &draft);
}

static enum request_outcome say(struct book *book, struct referred *r, struct record_referral *body,
                                const struct desk_word *word, const struct book_reply *reply)
{
    int64_t now_us = book_record_time_us(book);
    int64_t wait_us = body->until_us == 0 ? 0 : body->until_us - now_us;
    const struct record_view *record = record_word(book, r, body, word);
    book_pending_move(book, r->index, book->now.us + wait_us, body->word == REFERRAL_OFFERED);
    bool waits = book_answer_record(book, record->head->seq, reply->answer, reply->cookie, false);
    ASSERT(waits); /* book_desk_ready looked */
    return REQUEST_TAKEN;
}

/* ---- the trader's ---- */

static bool is_desks_turn(const struct referred *r, enum referral_word word)
{
    bool waits = r->row->stage == REFERRAL_WAITS, offered = r->row->stage == REFERRAL_IS_OFFERED;
    if (word == REFERRAL_ACCEPTED)
        return waits;
    if (word == REFERRAL_OFFERED && r->row->offers >= REFERRAL_OFFERS_MAX)
        return false;
    return waits || offered;
}

/* What the offer is, in *body; false: *ret says why it cannot be. */
static bool make_offer(struct book *book, const struct referral_request *request,
                       struct referred *r, struct record_referral *body, struct word_refusal *ret)
{
    int64_t valid_us = request->valid_us == 0 ? book->options.referral.offer_us : request->valid_us;
    r->stake = r->bet->stake; /* what is held has to be of a size too, at these prices */
    if (!passes(book, r, REFERRAL_LIFTS_ALL, ret))
        return false;
    r->stake = body->stake = request->stake == 0 ? r->bet->stake : request->stake;
    body->until_us = book_record_time_us(book) + valid_us;
    return passes(book, r, body->lifted, ret);
}

enum request_outcome book_say_referral(struct book *book, const struct referral_request *request,
                                       const struct desk_word *word, struct book_reply reply,
                                       struct word_refusal *ret_refusal)
{
    struct referred r;
    ASSERT(word->actor.bytes > 0 && word->actor.bytes <= USER_ID_BYTES_MAX);
    ASSERT(word->reason.bytes <= REASON_BYTES_MAX);
    ASSERT(request->valid_us >= 0 && request->valid_us <= REFERRAL_US_MAX);
    enum request_outcome ready = book_desk_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    if (!take_bet(book, request->bet, &r) || r.row == NULL)
        return REQUEST_UNKNOWN;
    if (!is_desks_turn(&r, request->word))
        return REQUEST_CONFLICT;
    struct record_referral body = {.word = (uint16_t)request->word};
    *ret_refusal = (struct word_refusal){BET_UNKNOWN_SELECTION, 0};
    if (request->word != REFERRAL_REJECTED)
        body.lifted =
            (uint8_t)(request->lifts ? request->lifted
                                     : referral_lift_of((enum referral_cause)r.row->cause));
    if (request->word == REFERRAL_OFFERED) {
        r.named = request->prices;
        r.named_count = request->prices_count;
        if (request->prices_count > r.bet->legs_count)
            return REQUEST_INVALID;
        *ret_refusal = (struct word_refusal){BET_STAKE_LIMIT, r.bet->stake};
        if (request->stake > r.bet->stake || !make_offer(book, request, &r, &body, ret_refusal))
            return REQUEST_INVALID;
    }
    if (request->word == REFERRAL_ACCEPTED) {
        r.stake = r.bet->stake;
        if (!passes(book, &r, body.lifted, ret_refusal))
            return REQUEST_INVALID;
        body.until_us = book_record_time_us(book) + r.delay_us;
    }
    return say(book, &r, &body, word, &reply);
}

/* ---- the customer's ---- */

enum request_outcome book_answer_offer(struct book *book, const struct offer_answer *answer,
                                       struct book_reply reply, struct word_refusal *ret_refusal)
{
    static const struct desk_word nobody;
    struct referred r;
    struct account_ref account = shard_state_find_account(book->state, answer->user_id);
    if (!take_bet(book, answer->bet, &r) || r.bet->account != account.n)
        return REQUEST_UNKNOWN;
    if (r.row == NULL || r.row->stage != REFERRAL_IS_OFFERED ||
        r.row->seq_bound != answer->offer_seq || book_record_time_us(book) > r.row->until_us)
        return REQUEST_CONFLICT;
    enum request_outcome ready = book_offer_answer_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    struct record_referral body = {
        .offer_seq = answer->offer_seq,
        .word = answer->takes ? REFERRAL_TAKEN : REFERRAL_DECLINED,
        .transport = (uint8_t)answer->transport,
    };
    if (answer->takes) {
        r.stake = body.stake = r.row->stake;
        if (!passes(book, &r, r.row->lifted, ret_refusal))
            return REQUEST_INVALID;
        body.until_us = book_record_time_us(book) + r.delay_us;
    }
    return say(book, &r, &body, &nobody, &reply);
}
