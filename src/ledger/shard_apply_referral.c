/* shard_apply_referral.c - bets that wait for the desk: the words on them, and what a RELEASE may
 * say behind which. Each record is checked whole against the state before it and only then applied,
 * so that a refused one leaves no trace.
 *
 * While a bet waits its stake is held, and it costs its markets nothing: else one who asks for much
 * would keep others from betting. From the word that lets it pass on it is a pending bet as any
 * other, bound by its BET or by the offer that was taken. */
#include "base/assert.h"
#include "base/error.h"
#include "core/referral.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_referrals_internal.h"
#include "ledger/shard_settlement.h"

/* ---- reading ---- */

uint32_t shard_state_referrals_count(const struct shard_state *state)
{
    return state->referrals_count;
}

const struct shard_referral *shard_state_referral(const struct shard_state *state, uint32_t index)
{
    ASSERT(index < state->referrals_count);
    return &state->referrals[index];
}

bool shard_state_referral_room(const struct shard_state *state)
{
    return state->referrals_count < state->limits.referrals_max;
}

/* The first row of this bet or of one behind it. */
static uint32_t place_of(const struct shard_state *state, uint32_t bet)
{
    uint32_t low = 0, high = state->referrals_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (state->referrals[middle].bet < bet)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t shard_state_find_referral(const struct shard_state *state, uint32_t bet)
{
    uint32_t at = place_of(state, bet);
    return at < state->referrals_count && state->referrals[at].bet == bet ? at : REFERRAL_NONE;
}

struct shard_referral *shard_referral_of(struct shard_state *state, const struct shard_bet *bet)
{
    uint32_t at = state->referrals_count == 0
                      ? REFERRAL_NONE
                      : shard_state_find_referral(state, (uint32_t)(bet - state->bets));
    return at == REFERRAL_NONE ? NULL : &state->referrals[at];
}

/* ---- BET ---- */

int shard_check_referred(struct shard_state *state, const struct record_bet *bet)
{
    if (bet->referred == REFERRED_NOT) {
        REQUIRE(bet->limit_scope == 0, "no limit refuses an accepted bet");
        return 0;
    }
    REQUIRE(bet->outcome == BET_PENDING, "a referred bet is pending");
    REQUIRE(referral_cause_text((enum referral_cause)bet->referred) != NULL,
            "why a bet is referred is known");
    REQUIRE(bet->limit_scope >= LIMIT_OF_PLAYER && bet->limit_scope < LIMIT_SCOPES,
            "whose limit referred a bet is known");
    REQUIRE(bet->stake_max >= 0 && bet->stake_max <= MONEY_MINOR_MAX,
            "L4: a balance is beyond all limits");
    return shard_state_referral_room(state) ? 0 : -ERR_LIMIT;
}

void shard_add_referral(struct shard_state *state, const struct record_view *record)
{
    const struct record_bet *bet = record->body;
    state->referrals[state->referrals_count++] =
        (struct shard_referral){.seq_bound = record->head->seq,
                                .until_us = bet->decide_at_us,
                                .stake_max = bet->stake_max,
                                .bet = state->bets_count - 1,
                                .stage = REFERRAL_WAITS,
                                .cause = bet->referred,
                                .scope = bet->limit_scope};
}

/* ---- RELEASE ---- */

static bool of_referrals(unsigned outcome)
{
    return outcome == BET_REFERRAL_TIMEOUT || outcome == BET_RE_OFFERED ||
           outcome == BET_NOT_ACCEPTED_BY_TRADER || outcome == BET_OFFER_EXPIRED;
}

/* That a time is over is not asked: the wait is measured by a clock that nobody sets (DESIGN 5),
 * and record time is one that somebody may. */
int shard_check_release_word(struct shard_state *state, const struct shard_bet *bet,
                             unsigned outcome)
{
    const struct shard_referral *row = shard_referral_of(state, bet);
    unsigned expected = 0;
    switch (row == NULL ? REFERRAL_IS_ACCEPTED : (enum referral_stage)row->stage) {
    case REFERRAL_WAITS:
        expected = BET_REFERRAL_TIMEOUT;
        break;
    case REFERRAL_IS_OFFERED:
        expected = BET_OFFER_EXPIRED;
        break;
    case REFERRAL_IS_REJECTED:
        expected = BET_NOT_ACCEPTED_BY_TRADER;
        break;
    case REFERRAL_IS_DECLINED:
        expected = BET_RE_OFFERED;
        break;
    case REFERRAL_IS_ACCEPTED:
        break;
    }
    REQUIRE(expected == 0 ? !of_referrals(outcome) : outcome == expected,
            "L7: a release follows from the last word on a referred bet");
    return 0;
}

void shard_drop_referral(struct shard_state *state, const struct shard_bet *bet)
{
    struct shard_referral *row = shard_referral_of(state, bet);
    if (row == NULL)
        return;
    uint32_t behind = state->referrals_count - (uint32_t)(row - state->referrals) - 1;
    memmove(row, row + 1, behind * sizeof *row);
    state->referrals_count--;
}

/* Rows are in the order of their bets. */
bool shard_return_referral(struct shard_state *state, const struct shard_referral *row)
{
    if (state->referrals_count == state->limits.referrals_max)
        return false;
    uint32_t at = state->referrals_count++;
    for (; at > 0 && state->referrals[at - 1].bet > row->bet; at--)
        state->referrals[at] = state->referrals[at - 1];
    state->referrals[at] = *row;
    return true;
}

/* ---- words ---- */

/* What a word is about. */
struct spoken {
    const struct record_view *record;
    const struct record_referral *word;
    struct shard_bet *bet;
    struct shard_referral *row;
};

static bool is_traders(unsigned word)
{
    return word == REFERRAL_ACCEPTED || word == REFERRAL_REJECTED || word == REFERRAL_OFFERED;
}

static int check_speaker(struct shard_state *state, const struct record_referral *r)
{
    if (is_traders(r->word)) {
        REQUIRE(r->actor_bytes >= 1 && r->actor_bytes <= USER_ID_BYTES_MAX &&
                    r->reason_bytes <= REASON_BYTES_MAX && r->transport == 0 && r->offer_seq == 0,
                "a trader's word is somebody's");
        return 0;
    }
    REQUIRE(r->word == REFERRAL_TAKEN || r->word == REFERRAL_DECLINED, "no such word");
    REQUIRE(r->actor_bytes == 0 && r->reason_bytes == 0 && r->transport >= TRANSPORT_HTTP &&
                r->transport <= TRANSPORT_OTHER && r->lifted == 0,
            "a customer's word is the account's");
    return 0;
}

/* What a word has no use for is 0, so that it has one form. */
static int check_form(struct shard_state *state, const struct spoken *s)
{
    const struct record_referral *r = s->word;
    bool offers = r->word == REFERRAL_OFFERED, takes = r->word == REFERRAL_TAKEN;
    bool ends = r->word == REFERRAL_REJECTED || r->word == REFERRAL_DECLINED;
    REQUIRE(s->record->head->items_count == (offers ? s->bet->legs_count : 0),
            "an offer, and only an offer, speaks of every leg");
    REQUIRE(offers || takes || (r->stake == 0 && r->potential_return == 0),
            "an offer has a stake, and no other word");
    REQUIRE(ends ? r->until_us == 0 && r->lifted == 0 : r->until_us >= s->record->head->time_us,
            "what is not over ends later");
    REQUIRE(((unsigned)r->lifted & ~REFERRAL_LIFTS_ALL) == 0, "what is lifted is known");
    REQUIRE(r->currency == state->accounts[s->bet->account].currency.iso,
            "L4: an account has one currency");
    return 0;
}

/* Who may say it now. */
static int check_turn(struct shard_state *state, const struct spoken *s)
{
    const struct record_referral *r = s->word;
    bool waits = s->row->stage == REFERRAL_WAITS, offered = s->row->stage == REFERRAL_IS_OFFERED;
    switch ((enum referral_word)r->word) {
    case REFERRAL_ACCEPTED:
        REQUIRE(waits, "L7: what waits for the trader is accepted");
        return 0;
    case REFERRAL_REJECTED:
        REQUIRE(waits || offered, "L7: what waits is rejected");
        return 0;
    case REFERRAL_OFFERED:
        REQUIRE((waits || offered) && s->row->offers < REFERRAL_OFFERS_MAX,
                "L7: what waits has a few offers at most");
        return 0;
    case REFERRAL_TAKEN:
    case REFERRAL_DECLINED:
        break;
    }
    REQUIRE(offered && r->offer_seq == s->row->seq_bound, "L7: the newest offer is answered");
    return 0;
}

/* A price that the trader names is as he says; another stays what it was bound to. */
static int check_offered_leg(struct shard_state *state, const struct record_leg *leg,
                             const struct shard_leg *own)
{
    const struct odds odds = {leg->odds_numerator, leg->odds_denominator};
    TRY(shard_check_leg_open(state, leg));
    TRY(shard_check_leg_own(state, leg, own));
    if ((leg->flags & LEG_OFFERED) == 0)
        REQUIRE((own->flags & LEG_OFFERED) == 0 && odds_equal(odds, own->odds),
                "L6: a price that no offer names stays bound");
    return 0;
}

static int check_offer(struct shard_state *state, const struct spoken *s)
{
    const struct record_referral *r = s->word;
    const struct record_leg *legs = s->record->items;
    const struct bet_terms terms = {money_of(r->stake, (struct currency){r->currency}),
                                    s->bet->sizes, s->bet->flags, (enum rounding)s->bet->rounding};
    const struct bet_terms held = {money_of(s->bet->stake, terms.stake.currency), s->bet->sizes,
                                   s->bet->flags, (enum rounding)s->bet->rounding};
    int64_t returns;
    REQUIRE(r->stake > 0 && r->stake <= s->bet->stake, "L4: no more is offered than is held");
    for (uint32_t i = 0; i < s->bet->legs_count; i++)
        TRY(check_offered_leg(state, &legs[i], &state->legs[s->bet->legs_first + i]));
    REQUIRE(shard_potential_return(&held, legs, s->bet->legs_count, &returns) &&
                shard_potential_return(&terms, legs, s->bet->legs_count, &returns) &&
                returns == r->potential_return,
            "L4: the potential return is stake times odds");
    return 0;
}

/* An offer with a lower stake gives the rest back to where it came from. */
static size_t postings_of(const struct spoken *s, struct record_posting ret[2])
{
    int64_t rest = s->word->word == REFERRAL_TAKEN ? s->bet->stake - s->row->stake : 0;
    ret[0] = (struct record_posting){s->bet->account, LEDGER_HELD, s->word->currency, -rest};
    ret[1] = (struct record_posting){s->bet->account, (uint16_t)shard_stake_account(s->bet->flags),
                                     s->word->currency, rest};
    return rest == 0 ? 0 : 2;
}

static int check_taken(struct shard_state *state, const struct spoken *s)
{
    struct shard_bet bet = *s->bet;
    REQUIRE(s->word->stake == s->row->stake, "L7: an offer is taken as it is");
    REQUIRE(s->record->head->time_us <= s->row->until_us, "L6: the offer held");
    bet.stake = s->row->stake;
    REQUIRE(shard_returns_of(state, &bet) == s->word->potential_return,
            "L4: the potential return is stake times odds");
    return 0;
}

static int check_word(struct shard_state *state, const struct spoken *s)
{
    struct record_posting expected[2];
    TRY(check_speaker(state, s->word));
    TRY(check_form(state, s));
    TRY(check_turn(state, s));
    if (s->word->word == REFERRAL_OFFERED)
        TRY(check_offer(state, s));
    if (s->word->word == REFERRAL_TAKEN)
        TRY(check_taken(state, s));
    size_t count = postings_of(s, expected);
    REQUIRE(shard_postings_are(s->record, expected, count),
            "L4: the postings are those of the rest");
    REQUIRE(shard_postings_fit(state, s->record), "L4: a balance is beyond all limits");
    REQUIRE(s->word->balance_after ==
                shard_available_after(state, s->bet->account, expected, count),
            "L4: the balance is the fold");
    REQUIRE((s->word->word != REFERRAL_ACCEPTED && s->word->word != REFERRAL_TAKEN) ||
                shard_liability_fits(state, s->bet, &state->legs[s->bet->legs_first]),
            "L4: a balance is beyond all limits");
    return 0;
}

/* ---- applying ---- */

static void bind_offer(struct shard_state *state, const struct spoken *s)
{
    const struct record_leg *legs = s->record->items;
    for (uint32_t i = 0; i < s->bet->legs_count; i++) {
        struct shard_leg *own = &state->legs[s->bet->legs_first + i];
        own->odds = (struct odds){legs[i].odds_numerator, legs[i].odds_denominator};
        own->flags = legs[i].flags;
        memcpy(own->score, legs[i].score, sizeof own->score);
        memcpy(own->red_cards, legs[i].red_cards, sizeof own->red_cards);
    }
    s->bet->returns = shard_returns_of(state, s->bet);
    ASSERT(s->bet->returns >= 0); /* check_offer looked */
    s->row->stake = s->word->stake;
    s->row->seq_bound = s->record->head->seq;
    s->row->offers++;
}

/* It is a pending bet from now on. */
static void let_pass(struct shard_state *state, const struct spoken *s)
{
    struct shard_account *account = &state->accounts[s->bet->account];
    shard_post(state, s->record);
    account->stakes_open -= s->bet->stake; /* as one that was referred: shard_add_liability */
    if (s->word->word == REFERRAL_TAKEN) {
        s->bet->stake = s->bet->stake_placed = s->row->stake;
        s->bet->returns = s->word->potential_return;
    }
    s->bet->state = BET_STATE_PENDING;
    shard_add_liability(state, s->bet, 1);
    shard_count_bet(state, s->bet);
}

static void apply_word(struct shard_state *state, const struct spoken *s)
{
    s->row->lifted = is_traders(s->word->word) ? s->word->lifted : s->row->lifted;
    s->row->until_us = s->word->until_us;
    s->bet->seq_last = s->record->head->seq;
    switch ((enum referral_word)s->word->word) {
    case REFERRAL_ACCEPTED:
    case REFERRAL_TAKEN:
        s->row->stage = REFERRAL_IS_ACCEPTED;
        let_pass(state, s);
        return;
    case REFERRAL_OFFERED:
        s->row->stage = REFERRAL_IS_OFFERED;
        bind_offer(state, s);
        return;
    case REFERRAL_REJECTED:
        s->row->stage = REFERRAL_IS_REJECTED;
        return;
    case REFERRAL_DECLINED:
        s->row->stage = REFERRAL_IS_DECLINED;
        return;
    }
}

int shard_apply_referral(struct shard_state *state, const struct record_view *record)
{
    const struct record_referral *word = record->body;
    struct spoken s = {.record = record, .word = word};
    TRY(shard_find_bet(state, record, word->bet_id, word->previous_seq, &s.bet));
    s.row = shard_referral_of(state, s.bet);
    REQUIRE(s.bet->state == BET_STATE_REFERRED && s.row != NULL, "L7: only a referred bet waits");
    TRY(check_word(state, &s));
    apply_word(state, &s);
    return 0;
}

/* ---- a state from outside ---- */

static int check_row(struct shard_state *state, const struct shard_referral *row)
{
    static const uint8_t zeros[sizeof row->reserved];
    const struct shard_bet *bet = &state->bets[row->bet];
    bool accepted = row->stage == REFERRAL_IS_ACCEPTED;
    REQUIRE(row->stage >= REFERRAL_WAITS && row->stage <= REFERRAL_IS_DECLINED &&
                bet->state == (accepted ? BET_STATE_PENDING : BET_STATE_REFERRED),
            "L7: a bet that waits for the desk is referred");
    REQUIRE(row->seq_bound >= bet->seq_placed && row->seq_bound <= bet->seq_last,
            "L7: a referred bet is bound by one of its records");
    REQUIRE(referral_cause_text((enum referral_cause)row->cause) != NULL &&
                row->scope >= LIMIT_OF_PLAYER && row->scope < LIMIT_SCOPES &&
                ((unsigned)row->lifted & ~REFERRAL_LIFTS_ALL) == 0 &&
                row->offers <= REFERRAL_OFFERS_MAX &&
                memcmp(row->reserved, zeros, sizeof zeros) == 0,
            "why a bet is referred is known");
    REQUIRE(row->stake >= 0 && (row->stake <= bet->stake) && row->stake_max >= 0 &&
                row->stake_max <= MONEY_MINOR_MAX &&
                (row->stage != REFERRAL_IS_OFFERED || row->stake > 0),
            "L4: no more is offered than is held");
    return 0;
}

int shard_check_referrals(struct shard_state *state)
{
    uint32_t referred = 0, rows = 0;
    for (uint32_t i = 0; i < state->referrals_count; i++) {
        const struct shard_referral *row = &state->referrals[i];
        REQUIRE(row->bet < state->bets_count && (i == 0 || row->bet > state->referrals[i - 1].bet),
                "L7: a bet that waits for the desk is referred");
        TRY(check_row(state, row));
        rows += state->bets[row->bet].state == BET_STATE_REFERRED;
    }
    for (uint32_t i = 0; i < state->bets_count; i++)
        referred += state->bets[i].state == BET_STATE_REFERRED;
    REQUIRE(rows == referred, "L7: a bet that waits for the desk is referred");
    return 0;
}
