/* place_bet.c - the path of a bet: key, decision, one record, one durable group, one answer. */
#include "app/follow_internal.h"
#include "app/refer_bet.h"
#include "app/relay_internal.h"

#include "base/assert.h"
#include "core/bet.h"
#include "core/stake_limits.h"
#include "ledger/shard_settlement.h"

/* Everything that is known before the record is made. */
struct placing {
    const struct bet_request *request;
    struct leg_seen seen[BET_LEGS_MAX];
    struct account_ref account;
    struct ticket ticket;  /* the request's; its stake may be lowered */
    int64_t stake_lowered; /* from what was asked, to that of the ticket; 0: it is as asked */
    struct ticket_limits limits;
    struct stake_limits_combined combined; /* of all legs; whose they are */
    int64_t stake_max;                     /* of these, before what is staked alike is taken off */
    enum limit_scope refused_by;           /* or referred */
    enum referral_cause referred;
    struct ticket_verdict verdict;
};

/* Legs of one event have one number: that of the first of them, from 1. 0: nobody knows. */
static uint32_t event_number(const struct placing *p, uint32_t leg)
{
    const struct odds_image *image = p->seen[leg].image;
    if (image->event_id_bytes == 0)
        return 0;
    for (uint32_t i = 0; i < leg; i++)
        if (p->seen[i].image != NULL &&
            slice_equal(ODDS_TEXT(p->seen[i].image, event_id), ODDS_TEXT(image, event_id)))
            return i + 1;
    return leg + 1;
}

static uint32_t market_number(const struct placing *p, uint32_t leg)
{
    for (uint32_t i = 0; i < leg; i++)
        if (slice_equal(p->request->names[i].market_id, p->request->names[leg].market_id))
            return i + 1;
    return leg + 1;
}

static struct ticket_leg_view leg_view(struct book *book, struct placing *p, uint32_t leg)
{
    struct leg_seen *seen = &p->seen[leg];
    *seen = book_see(book, &p->request->names[leg]);
    struct ticket_leg_view view = {.market = book_view(book, seen),
                                   .liability_room = LIABILITY_UNLIMITED};
    if (seen->image == NULL)
        return view;
    view.event = event_number(p, leg);
    view.market_number = market_number(p, leg);
    view.terms = seen->image->place_terms;
    view.each_way_only = (seen->image->flags & ODDS_EACH_WAY_ONLY) != 0;
    return view;
}

/* What may be staked, of the kind that the ticket is staked with; nothing while cash is owed. */
static struct money funds_of(const struct shard_account *account, enum stake_kind kind)
{
    int64_t minor = kind == STAKE_FREE    ? account->free
                    : kind == STAKE_BONUS ? account->bonus
                                          : account->available;
    return money_of(account->available < 0 ? 0 : minor, account->currency);
}

/* The leg's own limits. With none set by the desk those of the platform are all there is. */
static void limit_leg(struct book *book, struct placing *p, uint32_t leg,
                      struct ticket_leg_view *view)
{
    struct stake_limits_combined limits = book->platform;
    if (shard_state_stake_limits_count(book->state) > 0)
        book_leg_limits(book, p->account, &p->seen[leg], &limits);
    view->liability_room =
        book_liability_room(book, &p->seen[leg], limits.limits.liability_minor_max);
    if (limits.limits.delay_us > view->market.bet_delay_us)
        view->market.bet_delay_us = limits.limits.delay_us;
    if (leg == 0)
        p->combined = limits;
    else
        stake_limits_join(&p->combined, &limits);
}

/* Repeated identical bets are summed (BETTING-RULES 4.12); nothing is looked for while all that the
 * account has open is within the limit. */
static void lower_stake_max(struct book *book, struct placing *p,
                            const struct shard_account *account)
{
    int64_t *most = &p->combined.limits.stake_minor_max;
    p->stake_max = *most;
    if (account->stakes_open <= *most - p->ticket.stake.minor)
        return;
    *most = stake_limits_left(
        *most, book_staked_alike(book, p->account, p->seen, p->request->ticket.legs_count));
}

/* Whose limit a refusal is about; of a liability that of the leg that was refused. */
static enum limit_scope refused_by(struct book *book, const struct placing *p)
{
    struct stake_limits_combined leg = p->combined;
    if (p->verdict.outcome == BET_LIABILITY_LIMIT)
        book_leg_limits(book, p->account, &p->seen[p->verdict.leg], &leg);
    return stake_limits_binding(&leg, p->verdict.outcome, p->ticket.stake.minor);
}

/* The customer takes the highest stake that passes where a limit refuses his. It is never above
 * what he asked for. */
static bool takes_alternative(const struct placing *p)
{
    return p->request->accept_alternative &&
           (p->verdict.outcome == BET_STAKE_LIMIT || p->verdict.outcome == BET_LIABILITY_LIMIT) &&
           p->verdict.stake_minor_max > 0 && p->verdict.stake_minor_max < p->ticket.stake.minor;
}

/* A limit's refusal becomes a question to the desk where all but the limits lets the bet pass; what
 * a scope wants to be asked about is asked. Without room the refusal stands, or becomes one. */
static void refer(struct book *book, struct placing *p, struct ticket_leg_view *views,
                  struct money funds)
{
    struct stake_limits_combined most = p->combined;
    struct ticket_verdict verdict = p->verdict;
    most.limits.stake_minor_max = p->stake_max;
    enum referral_cause cause =
        referral_cause_of(verdict.outcome, p->ticket.stake.minor, &most, book->options.referral.on);
    if (cause == REFERRED_NOT)
        return;
    if (cause == REFERRED_BY_RULE) {
        p->refused_by = p->combined.refer_of;
        verdict.stake_minor_max = most.limits.refer_minor_above;
    } else {
        struct ticket_limits limits = p->limits;
        limits.bet.stake_minor_max = p->stake_max;
        referral_lift_limits(REFERRAL_LIFTS_ALL, &limits, views, p->ticket.legs_count);
        ticket_decide(&p->ticket, views, &limits, funds, &verdict);
        if (verdict.outcome != BET_PLACED && verdict.outcome != BET_PENDING)
            return;
        verdict.stake_minor_max = p->verdict.stake_minor_max;
    }
    bool room = book_referral_room(book);
    if (!room && cause != REFERRED_BY_RULE)
        return;
    p->referred = room ? cause : REFERRED_NOT;
    p->verdict = verdict;
    p->verdict.outcome = room ? BET_PENDING : BET_STAKE_LIMIT;
    p->verdict.bet_delay_us = book->options.referral.timeout_us;
    book->stats.referral_words[0] += room;
}

static void decide(struct book *book, struct placing *p)
{
    const struct ticket *ticket = &p->ticket;
    const struct shard_account *account = shard_state_account(book->state, p->account);
    struct ticket_leg_view views[BET_LEGS_MAX];
    for (uint32_t i = 0; i < ticket->legs_count; i++) {
        views[i] = leg_view(book, p, i);
        limit_leg(book, p, i, &views[i]);
    }
    lower_stake_max(book, p, account);
    book_take_day(book, p->account, BET_NONE, &p->combined);
    p->limits = book->options.ticket_limits;
    p->limits.bet.stake_minor_min = p->combined.limits.stake_minor_min;
    p->limits.bet.stake_minor_max = p->combined.limits.stake_minor_max;
    p->limits.bet.payout_minor_max = p->combined.limits.payout_minor_max;
    const struct money funds = funds_of(account, ticket->stake_kind);
    ticket_decide(ticket, views, &p->limits, funds, &p->verdict);
    p->refused_by = refused_by(book, p);
    if (takes_alternative(p)) {
        p->stake_lowered = ticket->stake.minor;
        p->ticket.stake.minor = p->verdict.stake_minor_max;
        ticket_decide(ticket, views, &p->limits, funds, &p->verdict);
    }
    refer(book, p, views, funds);
    if (p->verdict.outcome == BET_PENDING && book_pending_full(book))
        p->verdict.outcome = BET_MARKET_SUSPENDED; /* S2: pending_max; nothing is held for it */
}

/* ---- the record ---- */

/* The leg that was refused, from 1; 0: none in particular. */
static uint16_t refused_leg(const struct placing *p)
{
    return p->verdict.leg == TICKET_NO_LEG ? 0 : (uint16_t)(p->verdict.leg + 1);
}

/* What was asked, as text, when a ref cannot say it. */
static struct slice asked_text(const struct placing *p, char *memory, size_t capacity)
{
    struct buf text = buf_over(memory, capacity);
    uint32_t leg = p->verdict.leg == TICKET_NO_LEG ? 0 : p->verdict.leg;
    if (p->seen[leg].selection != SELECTION_NOT_FOUND)
        return SLICE_NONE;
    buf_put_slice(&text, p->request->names[leg].market_id);
    buf_put_char(&text, '\n');
    buf_put_slice(&text, p->request->names[leg].selection_id);
    return text.overflow ? SLICE_NONE : buf_slice(&text);
}

static struct slice seal_personal(struct book *book, const struct placing *p,
                                  char sealed[PERSONAL_SEALED_BYTES_MAX])
{
    size_t bytes = 0;
    if (book->ports.vault == NULL || p->request->personal.bytes == 0)
        return SLICE_NONE;
    if (book->ports.vault->ops->seal(book->ports.vault, p->account, p->request->personal, sealed,
                                     &bytes) < 0)
        return SLICE_NONE; /* erased, or no key: the field stays empty, never in clear */
    return slice_of(sealed, bytes);
}

static uint8_t flags_of(const struct ticket *ticket)
{
    unsigned kind = ticket->stake_kind == STAKE_FREE    ? BET_FREE
                    : ticket->stake_kind == STAKE_BONUS ? BET_BONUS
                                                        : 0;
    return (uint8_t)(kind | (ticket->each_way ? BET_EACH_WAY : 0));
}

static struct record_bet bet_body(struct book *book, const struct placing *p, bool accepted)
{
    const struct ticket *ticket = &p->ticket;
    const struct shard_account *account = shard_state_account(book->state, p->account);
    bool cash = ticket->stake_kind == STAKE_CASH;
    struct record_bet body = {
        .request_hash = {p->request->request_hash[0], p->request->request_hash[1]},
        .stake = ticket->stake.minor,
        .balance_after = account->available - (accepted && cash ? ticket->stake.minor : 0),
        .promo_stake = cash ? 0 : ticket->stake.minor,
        .outcome = (uint16_t)p->verdict.outcome,
        .currency = ticket->stake.currency.iso,
        .policy = (uint8_t)ticket->policy,
        .rounding = (uint8_t)book->options.ticket_limits.bet.rounding,
        .transport = (uint8_t)p->request->transport,
        .flags = flags_of(ticket),
        .key_bytes = (uint16_t)p->request->key.bytes,
        .redemption_days = book->options.redemption_days,
        .sizes = ticket->sizes.mask,
        .stake_max = p->verdict.stake_minor_max,
    };
    if (!accepted) {
        if (p->stake_lowered != 0) /* refused all the same: as it was asked */
            body.stake = p->stake_lowered;
        body.promo_stake = cash ? 0 : body.stake;
        body.refused_leg = refused_leg(p);
        if (body.outcome == BET_STAKE_LIMIT || body.outcome == BET_LIABILITY_LIMIT)
            body.limit_scope = (uint8_t)p->refused_by;
        return body;
    }
    if (p->stake_lowered != 0) {
        body.stake_asked = p->stake_lowered;
        body.stake_max = body.stake;
    }
    if (p->referred != REFERRED_NOT) {
        body.referred = (uint8_t)p->referred;
        body.limit_scope = (uint8_t)p->refused_by;
    }
    body.potential_return = p->verdict.potential_return.minor;
    body.bet_id = bet_id_next(shard_state_last_bet_id(book->state), book->wall,
                              shard_state_shard(book->state))
                      .n;
    if (p->verdict.outcome == BET_PENDING)
        body.decide_at_us = book->wall.us + p->verdict.bet_delay_us;
    return body;
}

/* Each leg as it was seen, and what it is bound to. */
static void make_legs(struct book *book, const struct placing *p, struct record_leg *legs)
{
    const struct ticket *ticket = &p->request->ticket;
    for (uint32_t i = 0; i < ticket->legs_count; i++) {
        const struct odds_image *image = p->seen[i].image;
        struct slip slip = {.odds = ticket->legs[i].odds,
                            .odds_version = ticket->legs[i].odds_version};
        legs[i] = book_leg(book, &p->seen[i], &slip);
        if (ticket->legs[i].banker)
            legs[i].flags |= LEG_BANKER;
        if (!ticket->each_way || image == NULL)
            continue;
        legs[i].places = image->place_terms.places;
        legs[i].place_numerator = image->place_terms.numerator;
        legs[i].place_denominator = image->place_terms.denominator;
    }
}

static const struct record_view *record_bet(struct book *book, const struct placing *p)
{
    char asked[MARKET_ID_BYTES_MAX + SELECTION_ID_BYTES_MAX + 1];
    char sealed[PERSONAL_SEALED_BYTES_MAX];
    struct record_leg legs[BET_LEGS_MAX];
    bool accepted = p->verdict.outcome == BET_PLACED || p->verdict.outcome == BET_PENDING;
    bool pending = p->verdict.outcome == BET_PENDING;
    make_legs(book, p, legs);
    struct record_bet body = bet_body(book, p, accepted);
    struct slice texts[3] = {p->request->key, seal_personal(book, p, sealed),
                             accepted ? SLICE_NONE : asked_text(p, asked, sizeof asked)};
    body.personal_bytes = (uint16_t)texts[1].bytes;
    body.asked_bytes = (uint16_t)texts[2].bytes;
    if (body.decide_at_us != 0 && body.decide_at_us < shard_state_time_us(book->state))
        body.decide_at_us = shard_state_time_us(book->state); /* a clock set back: L1 */
    struct record_posting postings[2] = {
        {p->account.n, (uint16_t)shard_stake_account(body.flags), body.currency, -body.stake},
        {pending ? p->account.n : 0, pending ? LEDGER_HELD : LEDGER_HOUSE_STAKES, body.currency,
         body.stake},
    };
    struct record_draft draft = {.type = RECORD_BET,
                                 .time_us = book->wall.us,
                                 .account = p->account.n,
                                 .body = &body,
                                 .items = legs,
                                 .items_count = p->request->ticket.legs_count,
                                 .postings = postings,
                                 .postings_count = accepted ? 2 : 0,
                                 .texts = texts,
                                 .texts_count = 3};
    return commit_record(book->commit, &draft);
}

enum request_outcome book_place_new(struct book *book, const struct bet_request *request,
                                    struct account_ref account, const struct book_reply *reply)
{
    struct placing p;
    p.request = request; /* the arrays are written leg by leg */
    p.ticket = request->ticket;
    p.stake_lowered = 0;
    p.referred = REFERRED_NOT;
    p.combined = book->platform;
    p.account = account;
    enum request_outcome ready = book_bet_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    const char *limit = request->ticket.legs_count > 1 ? book_legs_room(book, request) : NULL;
    if (limit != NULL) /* of a single book_bet_ready has asked it */
        return book_busy(book, limit);
    if (p.account.n == 0)
        p.account = book_account(book, request->user_id);
    decide(book, &p);
    const struct record_view *record = record_bet(book, &p);
    if (p.verdict.outcome == BET_PLACED)
        for (uint32_t i = 0; i < p.ticket.legs_count; i++)
            book_bind_price(book, p.seen[i].image);
    book->stats.bets_by_outcome[p.verdict.outcome % BOOK_STATS_OUTCOMES]++;
    if (p.verdict.outcome == BET_PENDING) {
        bool added = book_pending_add(
            book, (struct pending){.due_us = book->now.us + p.verdict.bet_delay_us,
                                   .bet = shard_state_bets_count(book->state) - 1});
        ASSERT(added); /* decide() looked */
    }
    if (p.verdict.outcome == BET_PLACED)
        book_settle_accepted(book,
                             shard_state_bet(book->state, shard_state_bets_count(book->state) - 1));
    bool waits = book_answer_record(book, record->head->seq, reply->answer, reply->cookie, false);
    ASSERT(waits); /* book_bet_ready looked */
    return REQUEST_TAKEN;
}

enum request_outcome book_place_bet(struct book *book, const struct bet_request *request,
                                    book_answer_fn answer, struct book_cookie cookie)
{
    const struct shard_verdict *verdict = NULL;
    const struct book_reply reply = {answer, cookie};
    ASSERT(request->key.bytes > 0 && request->key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX);
    ASSERT(request->user_id.bytes > 0 && request->user_id.bytes <= USER_ID_BYTES_MAX);
    if (!book_has_user(book, request->user_id))
        return REQUEST_ELSEWHERE;
    struct account_ref account = shard_state_find_account(book->state, request->user_id);
    const struct asked_key key = book_asked_key(book, account, OPERATION_BET, request->key);
    switch (book_look_up(book, &key, &verdict)) {
    case KEY_DECIDED:
        return book_replay_verdict(book, verdict, request->request_hash, answer, cookie);
    case KEY_MAYBE_OLD:
        return book_bet_waits(book, request, &key, &reply);
    case KEY_NEW:
        break;
    }
    return book_place_new(book, request, account, &reply);
}
