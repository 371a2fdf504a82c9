/* sim_oracle_referrals.c - the oracle's fold of bets that wait for the desk: each ends once, by the
 * last word on it or when its time is over and not before; who is let pass has the stake and the
 * prices of the word that let it, breaks no limit that was not lifted, and its stake is held until
 * then. No word is said out of turn, by somebody else, or twice. */
#include <string.h>

#include "base/assert.h"
#include "sim/sim_fate.h"
#include "sim/sim_fold.h"
#include "sim/sim_referrals.h"
#include "sim/sim_tickets.h"
#include "sim/sim_world.h"

#define REFERRALS_MAX_DEFAULT 16384
#define LATE_US               (60 * US_PER_SECOND)

bool sim_referrals_room(const struct sim *sim)
{
    uint32_t most = sim->mix.book.limits.referrals_max;
    return sim->oracle.referred < (most == 0 ? REFERRALS_MAX_DEFAULT : most);
}

/* ---- a bet is referred ---- */

void sim_refer(struct sim *sim, struct sim_bet *bet, const struct record_view *record)
{
    const struct record_bet *b = record->body;
    const struct sim_entry *entry = &sim->entries[bet->entry];
    const int64_t timeout_us = sim->mix.book.referral.timeout_us;
    SIM_CHECK(b->decide_at_us >= record->head->time_us &&
                  b->decide_at_us <= record->head->time_us + timeout_us,
              "L7", "a bet waits for the desk longer than it may");
    SIM_CHECK(b->limit_scope != LIMIT_OF_NONE && b->limit_scope < LIMIT_SCOPES, "L7",
              "a bet is referred for nobody's limit");
    bet->referral = (struct sim_referral){.cause = b->referred,
                                          .stage = REFERRAL_WAITS,
                                          .bound_seq = record->head->seq,
                                          .until_us = b->decide_at_us,
                                          .since_in = entry->decided_in,
                                          .due_us = entry->decided_us + timeout_us};
    sim->oracle.referred++;
    sim_count(sim, SIM_REFERRED);
    sim->report.counts[SIM_REFERRED_LIABILITY] += b->referred == REFERRED_LIABILITY_LIMIT;
    sim->report.counts[SIM_REFERRED_RULE] += b->referred == REFERRED_BY_RULE;
}

/* ---- what a word says ---- */

/* Without a word about it, what referred the bet is lifted. */
static unsigned lifted_by(const struct sim_bet *bet, const struct sim_spoken *said)
{
    if (said->word != REFERRAL_ACCEPTED && said->word != REFERRAL_OFFERED)
        return 0;
    if (said->lifts)
        return said->lifted;
    return bet->referral.cause == REFERRED_STAKE_LIMIT       ? LIFT_STAKE
           : bet->referral.cause == REFERRED_LIABILITY_LIMIT ? LIFT_LIABILITY
                                                             : 0;
}

/* What the customer would have after it. */
static int64_t stake_by(const struct sim_bet *bet, const struct sim_spoken *said)
{
    if (said->word == REFERRAL_TAKEN)
        return bet->referral.offered;
    return said->word == REFERRAL_OFFERED && said->stake != 0 ? said->stake : bet->stake;
}

static bool names(const struct sim_spoken *said, uint32_t leg)
{
    return said->word == REFERRAL_OFFERED && leg < said->prices_count &&
           odds_present(said->prices[leg]);
}

static struct sim_look look_by(const struct sim *sim, const struct sim_bet *bet,
                               const struct sim_spoken *said, int64_t time_us)
{
    struct sim_look look = {.views = said->views, .time_us = time_us};
    look.lifted = said->word == REFERRAL_TAKEN ? bet->referral.lifted : lifted_by(bet, said);
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        look.legs[i] = sim->oracle.legs[bet->legs_first + i];
        if (!names(said, i))
            continue;
        look.legs[i].odds = said->prices[i];
        look.legs[i].named = true;
    }
    return look;
}

enum bet_outcome sim_expect_said(const struct sim *sim, const struct sim_bet *bet,
                                 const struct sim_spoken *said, int64_t time_us)
{
    struct sim_look look = look_by(sim, bet, said, time_us), free_look = look;
    if (said->word == REFERRAL_REJECTED || said->word == REFERRAL_DECLINED)
        return BET_PLACED;
    free_look.lifted = LIFT_STAKE | LIFT_LIABILITY;
    enum bet_outcome outcome = BET_PLACED;
    if (said->word == REFERRAL_OFFERED) /* what is held has to be a bet at these prices */
        outcome = sim_expect_look(sim, bet, &free_look, bet->stake);
    return outcome == BET_PLACED ? sim_expect_look(sim, bet, &look, stake_by(bet, said)) : outcome;
}

/* ---- the record of a word ---- */

/* What is said, and by whom: words that a crash took may have had the same number. */
static const struct sim_spoken *said_in(struct sim *sim, uint64_t seq, uint64_t bet_id)
{
    for (uint32_t i = sim->words_count; i-- > 0;)
        if (sim->words[i].seq == seq) {
            SIM_CHECK(sim->words[i].bet_id == bet_id, "L7", "a word is on another bet");
            return &sim->words[i];
        }
    sim_broken(sim, "L7", "record %llu: a word that nobody said", (unsigned long long)seq);
}

static void check_turn(struct sim *sim, const struct sim_bet *bet, const struct sim_spoken *said)
{
    const struct sim_referral *r = &bet->referral;
    bool waits = r->stage == REFERRAL_WAITS, offered = r->stage == REFERRAL_IS_OFFERED;
    SIM_CHECK(bet->state == BET_STATE_REFERRED, "L7", "a word on a bet that waits for none");
    switch ((enum referral_word)said->word) {
    case REFERRAL_ACCEPTED:
        SIM_CHECK(waits, "L7", "a bet is accepted that had a word");
        return;
    case REFERRAL_REJECTED:
        SIM_CHECK(waits || offered, "L7", "a bet is rejected that had its word");
        return;
    case REFERRAL_OFFERED:
        SIM_CHECK((waits || offered) && r->offers < 4, "L7", "one offer too many");
        return;
    case REFERRAL_TAKEN:
    case REFERRAL_DECLINED:
        SIM_CHECK(offered && said->offer_seq == r->bound_seq, "L7",
                  "an offer is answered that does not hold");
        SIM_CHECK(sim->oracle.time_us <= r->until_us, "L7", "an offer is answered after its end");
        return;
    }
    sim_broken(sim, "L7", "no such word");
}

static void check_speaker(struct sim *sim, const struct record_view *record,
                          const struct sim_spoken *said)
{
    const struct record_referral *r = record->body;
    struct slice texts = record->texts, actor = record_text(&texts, r->actor_bytes);
    struct slice reason = record_text(&texts, r->reason_bytes);
    bool desk = said->actor != NULL;
    SIM_CHECK(r->word == said->word && slice_is(actor, desk ? said->actor : "") &&
                  slice_is(reason, desk ? "as I see it" : "") &&
                  r->transport == (desk ? 0 : TRANSPORT_WEBSOCKET),
              "L7", "another word than was said");
}

/* What it lets the bet be, and what that moves. */
static void check_terms(struct sim *sim, const struct record_view *record,
                        const struct sim_bet *bet, const struct sim_spoken *said,
                        const struct sim_look *look)
{
    const struct record_referral *r = record->body;
    const struct sim_account *account = &sim->oracle.accounts[bet->account];
    bool taken = said->word == REFERRAL_TAKEN, deals = taken || said->word == REFERRAL_OFFERED;
    struct sim_shape shape = sim_shape_of(bet);
    shape.stake = stake_by(bet, said);
    int64_t rest = taken ? bet->stake - shape.stake : 0;
    uint16_t from = sim_staked_from(bet);
    const struct record_posting postings[] = {
        {bet->account, LEDGER_HELD, account->currency, -rest},
        {bet->account, from, account->currency, rest},
    };
    SIM_CHECK(sim_posted(record, postings, rest == 0 ? 0 : 2), "L4", "postings of a word");
    SIM_CHECK(r->balance_after == account->available + (from == LEDGER_AVAILABLE ? rest : 0), "L4",
              "balance_after of a word");
    SIM_CHECK(r->stake == (deals ? shape.stake : 0) &&
                  r->potential_return == (deals ? sim_returns(sim, &shape, look->legs) : 0),
              "L7", "a word is on a stake of %lld that returns %lld", (long long)r->stake,
              (long long)r->potential_return);
    SIM_CHECK(r->lifted == lifted_by(bet, said), "L7", "another limit is lifted than was said");
    SIM_CHECK(r->offer_seq == said->offer_seq, "L7", "another offer is answered");
}

/* An offer binds every leg, at what was to be seen. */
static void check_legs(struct sim *sim, const struct record_view *record, const struct sim_bet *bet,
                       const struct sim_spoken *said, const struct sim_look *look)
{
    const struct record_leg *legs = record->items;
    uint32_t count = said->word == REFERRAL_OFFERED ? bet->legs_count : 0;
    SIM_CHECK(record->head->items_count == count, "L6", "a word of other legs");
    for (uint32_t i = 0; i < count; i++) {
        const struct sim_bet_leg *own = &sim->oracle.legs[bet->legs_first + i];
        const struct sim_market *market = sim_check_open(sim, &legs[i]);
        SIM_CHECK(market == &sim->markets[own->market] && legs[i].selection == own->selection, "L6",
                  "an offer is on another selection");
        sim_check_leg(sim, &said->views[i], &legs[i], look->legs[i].odds);
        SIM_CHECK(((legs[i].flags & LEG_OFFERED) != 0) == look->legs[i].named &&
                      ((legs[i].flags & LEG_BANKER) != 0) == own->banker &&
                      ((legs[i].flags & LEG_ANTE_POST) != 0) == own->ante_post &&
                      legs[i].places == own->terms.places,
                  "L6", "an offer changes the terms of a leg");
    }
}

/* ---- after a word ---- */

static void take_offer(struct sim *sim, struct sim_bet *bet, const struct sim_spoken *said,
                       const struct sim_look *look, uint64_t seq)
{
    struct sim_referral *r = &bet->referral;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        sim->oracle.legs[bet->legs_first + i] = look->legs[i];
        sim->report.counts[SIM_REFERRAL_PRICED] += names(said, i);
    }
    const struct sim_shape shape = sim_shape_of(bet);
    bet->returns = sim_returns(sim, &shape, look->legs);
    sim->report.counts[SIM_REFERRAL_OFFERED_AGAIN] += r->offers > 0;
    r->offered = stake_by(bet, said);
    r->bound_seq = seq;
    r->breaks = said->views[0].breaks;
    r->offers++;
}

/* A pending bet as any other, from now on. */
static void let_pass(struct sim *sim, struct sim_bet *bet, const struct sim_spoken *said)
{
    sim_count_open(sim, bet, -1);
    if (said->word == REFERRAL_TAKEN) {
        sim->report.counts[SIM_REFERRAL_TAKEN_LOWER] += bet->referral.offered < bet->stake;
        bet->stake = bet->stake_placed = bet->referral.offered;
        const struct sim_shape shape = sim_shape_of(bet);
        bet->returns = sim_returns(sim, &shape, &sim->oracle.legs[bet->legs_first]);
    }
    bet->state = BET_STATE_PENDING;
    sim_count_open(sim, bet, 1);
}

static void apply(struct sim *sim, struct sim_bet *bet, const struct sim_spoken *said,
                  const struct sim_look *look, uint64_t seq)
{
    static const struct {
        uint8_t stage;
        enum sim_count count;
    } words[] = {
        [REFERRAL_ACCEPTED] = {REFERRAL_IS_ACCEPTED, SIM_REFERRAL_ACCEPTED},
        [REFERRAL_REJECTED] = {REFERRAL_IS_REJECTED, SIM_REFERRAL_REJECTED},
        [REFERRAL_OFFERED] = {REFERRAL_IS_OFFERED, SIM_REFERRAL_OFFERED},
        [REFERRAL_TAKEN] = {REFERRAL_IS_ACCEPTED, SIM_REFERRAL_TAKEN},
        [REFERRAL_DECLINED] = {REFERRAL_IS_DECLINED, SIM_REFERRAL_DECLINED},
    };
    if (said->actor != NULL)
        bet->referral.lifted = (uint8_t)lifted_by(bet, said);
    bet->referral.stage = words[said->word].stage;
    sim_count(sim, words[said->word].count);
    if (said->word == REFERRAL_OFFERED)
        take_offer(sim, bet, said, look, seq);
    else if (said->word == REFERRAL_ACCEPTED || said->word == REFERRAL_TAKEN)
        let_pass(sim, bet, said);
}

void sim_oracle_referral(struct sim *sim, const struct record_view *record)
{
    const struct record_referral *r = record->body;
    struct sim_bet *bet = sim_bet_next(sim, record, r->bet_id, r->previous_seq);
    const struct sim_spoken *said = said_in(sim, record->head->seq, r->bet_id);
    int64_t offer_us = said->valid_us == 0 ? sim->mix.book.referral.offer_us : said->valid_us;
    check_speaker(sim, record, said);
    check_turn(sim, bet, said);
    struct sim_look look = look_by(sim, bet, said, record->head->time_us);
    enum bet_outcome outcome = sim_expect_said(sim, bet, said, record->head->time_us);
    SIM_CHECK(outcome == BET_PLACED, "L7", "record %llu: a word lets pass what breaks %s",
              (unsigned long long)record->head->seq, bet_outcome_text(outcome));
    bool passes = said->word == REFERRAL_ACCEPTED || said->word == REFERRAL_TAKEN;
    int64_t wait_us = said->word == REFERRAL_OFFERED ? offer_us
                      : passes                       ? sim_expect_look_delay(sim, bet, &look)
                                                     : 0;
    bool waits = passes || said->word == REFERRAL_OFFERED;
    SIM_CHECK(r->until_us == (waits ? record->head->time_us + wait_us : 0), "L7",
              "a word holds until another time");
    check_terms(sim, record, bet, said, &look);
    check_legs(sim, record, bet, said, &look);
    bet->referral.until_us = r->until_us;
    bet->referral.since_in = said->said_in;
    bet->referral.due_us = said->said_us + wait_us;
    apply(sim, bet, said, &look, record->head->seq);
}

/* ---- its end ---- */

enum bet_outcome sim_expect_after_words(struct sim *sim, const struct sim_bet *bet)
{
    const struct sim_referral *r = &bet->referral;
    const struct sim_entry *entry = &sim->entries[bet->entry];
    if (r->cause == REFERRED_NOT)
        return sim_expect_release(sim, bet);
    SIM_CHECK(entry->released_in != r->since_in || entry->released_us >= r->due_us, "L7",
              "bet %llu ends %lld us before its time", (unsigned long long)bet->bet_id,
              (long long)(r->due_us - entry->released_us));
    switch ((enum referral_stage)r->stage) {
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
    return sim_expect_release(sim, bet);
}

void sim_referral_ends(struct sim *sim, const struct sim_bet *bet, enum bet_outcome outcome)
{
    const struct sim_bet_leg *legs = &sim->oracle.legs[bet->legs_first];
    bool named = false;
    for (uint32_t i = 0; i < bet->legs_count; i++)
        named = named || legs[i].named;
    uint64_t *counts = sim->report.counts;
    counts[SIM_REFERRAL_PLACED] += outcome == BET_PLACED;
    counts[SIM_REFERRAL_NAMED] += outcome == BET_PLACED && named;
    counts[SIM_REFERRAL_TIMEOUT] += outcome == BET_REFERRAL_TIMEOUT;
    counts[SIM_REFERRAL_EXPIRED] += outcome == BET_OFFER_EXPIRED;
    counts[SIM_REFERRAL_LATE] +=
        outcome != BET_PLACED && bet->referral.stage == REFERRAL_IS_ACCEPTED;
    sim->oracle.referred--;
}

void sim_wait_on(struct sim *sim, struct sim_bet *bet)
{
    struct sim_referral *r = &bet->referral;
    if (r->cause == REFERRED_NOT)
        return;
    int64_t left = bet->state == BET_STATE_REFERRED ? r->until_us - sim_wall(sim).us : 0;
    left = left < 0 ? 0 : left;
    r->since_in = sim->incarnation;
    r->due_us = sim->now_us + (left < REFERRAL_US_MAX ? left : REFERRAL_US_MAX);
    sim->report.counts[SIM_REFERRAL_OUTLIVED] += left > 0 && r->stage == REFERRAL_WAITS;
    sim->report.counts[SIM_OFFER_OUTLIVED] += left > 0 && r->stage == REFERRAL_IS_OFFERED;
}

void sim_check_waiting(struct sim *sim, const struct sim_entry *entry)
{
    if (!sim->quiet || entry->bet == SIM_NONE)
        return;
    const struct sim_bet *bet = &sim->oracle.bets[entry->bet];
    const struct sim_referral *r = &bet->referral;
    SIM_CHECK(r->cause == REFERRED_NOT || !sim_bet_waits(bet->state) ||
                  r->since_in != sim->incarnation || sim->now_us <= r->due_us + LATE_US,
              "L7", "bet %llu waits longer than its time", (unsigned long long)bet->bet_id);
}

/* ---- the whole ---- */

void sim_check_held(struct sim *sim, uint32_t account)
{
    const struct sim_oracle *o = &sim->oracle;
    int64_t held = 0;
    for (uint32_t at = o->accounts[account].bets_last; at != SIM_NONE;
         at = o->bets[at].next_of_account)
        held += sim_bet_waits(o->bets[at].state) ? o->bets[at].stake : 0;
    SIM_CHECK(held == o->accounts[account].held, "L4",
              "account %u holds %lld, its bets that wait stake %lld", account,
              (long long)o->accounts[account].held, (long long)held);
}

void sim_check_referrals(struct sim *sim, const struct shard_state *state)
{
    const struct sim_oracle *o = &sim->oracle;
    uint32_t count = shard_state_referrals_count(state);
    SIM_CHECK(count == o->referred, "L7", "%u bets wait for the desk, the oracle has %u", count,
              o->referred);
    for (uint32_t i = 0; i < count; i++) {
        const struct shard_referral *row = shard_state_referral(state, i);
        SIM_CHECK(row->bet < o->bets_count, "L7", "a bet waits that no record made");
        const struct sim_bet *bet = &o->bets[row->bet];
        const struct sim_referral *r = &bet->referral;
        SIM_CHECK(row->cause == r->cause && row->stage == r->stage && row->offers == r->offers &&
                      row->seq_bound == r->bound_seq && row->until_us == r->until_us &&
                      row->stake == r->offered && row->lifted == r->lifted,
                  "L7", "bet %llu waits for something else", (unsigned long long)bet->bet_id);
    }
}
