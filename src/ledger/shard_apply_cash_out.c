/* shard_apply_cash_out.c - bets bought back, whole or in part: the verdict on each request, and
 * what became of those that waited. Each record is checked whole against the state before it and
 * only then applied, so that a refused one leaves no trace.
 *
 * L7: the value is computed again from the record (cash_out_record.h); the settled legs in it are
 * those that a settlement would have now, and the open ones those of markets that take bets. What
 * was bought back leaves the stake for good, so no later settlement, reversal or correction can
 * speak of it. */
#include "base/assert.h"
#include "base/error.h"
#include "core/cash_out.h"
#include "ledger/cash_out_record.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_settlement.h"
#include "ledger/shard_state_internal.h"

/* ---- the value ---- */

/* L6: an open leg's market takes bets, and its own selection has no result. */
static int check_open_leg(struct shard_state *state, const struct record_cash_out_leg *leg)
{
    const struct shard_market *market = &state->markets[leg->settled.market];
    REQUIRE(shard_market_effective(market) == MARKET_ACTIVE,
            "L6: no cash-out stands after a fence that stops it");
    REQUIRE(leg->market_status == MARKET_ACTIVE, "L6: the market was seen active");
    REQUIRE((leg->flags & LEG_PROVIDER_ALIVE) != 0, "P2: the provider's lease held");
    REQUIRE(((unsigned)leg->flags & ~(unsigned)(LEG_IN_PLAY | LEG_PROVIDER_ALIVE)) == 0,
            "a leg's flags are known");
    return 0;
}

/* A settled leg has no price of now, so that a record has one form. */
static bool says_nothing_of_now(const struct record_cash_out_leg *leg)
{
    return leg->now_numerator == 0 && leg->now_denominator == 0 && leg->book == 0 &&
           leg->odds_version == 0 && leg->odds_position == 0 && !leg_chances_known(leg->chances) &&
           leg->market_status == 0 && leg->flags == 0;
}

static int check_legs(struct shard_state *state, const struct record_view *record,
                      const struct shard_bet *bet)
{
    const struct record_cash_out_leg *legs = record->items;
    const struct cash_out_parts parts = cash_out_parts_of(record);
    struct settlement now;
    REQUIRE(record->head->items_count == bet->legs_count, "a cash-out speaks of every leg");
    shard_settlement_of(state, bet, &now);
    REQUIRE(!now.decided, "L7: a bet that is decided is settled, not bought back");
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        REQUIRE(memcmp(&legs[i].settled, &now.legs[i], sizeof now.legs[i]) == 0,
                "L7: the factors are those of the results");
        if (now.legs[i].win.known == 0)
            TRY(check_open_leg(state, &legs[i]));
        else
            REQUIRE(says_nothing_of_now(&legs[i]), "a settled leg has no price of now");
    }
    REQUIRE(memcmp(parts.deductions.at, now.deductions,
                   now.deductions_count * sizeof *now.deductions) == 0,
            "L7: the factors are those of the results");
    return 0;
}

static int check_value(struct shard_state *state, const struct record_view *record,
                       const struct shard_bet *bet)
{
    const struct record_cash_out *c = record->body;
    const struct cash_out_parts parts = cash_out_parts_of(record);
    int64_t fair, value;
    REQUIRE(bet->state == BET_STATE_OPEN, "L7: only an open bet is bought back");
    REQUIRE(c->stake <= bet->stake, "L7: no more is bought back than there is");
    TRY(check_legs(state, record, bet));
    REQUIRE(cash_out_record_value(&parts, &fair, &value) && fair == c->fair && value == c->value,
            "L7: the value follows from stake, odds, factors and chances");
    return 0;
}

/* ---- what all records have in common ---- */

static bool says_value(unsigned outcome)
{
    return outcome == BET_PLACED || outcome == BET_PENDING || outcome == BET_CASH_OUT_CHANGED;
}

static int check_body(struct shard_state *state, const struct record_view *record,
                      const struct shard_bet *bet)
{
    const struct record_cash_out *c = record->body;
    const struct shard_account *account = &state->accounts[bet->account];
    REQUIRE(bet_outcome_text((enum bet_outcome)c->outcome) != NULL, "no such outcome");
    REQUIRE(shard_amount_valid(c->accepted) &&
                (shard_amount_valid(c->stake) || (c->stake == 0 && !says_value(c->outcome))),
            "L4: the amount is positive and within the limit");
    REQUIRE(c->tolerance <= CASH_OUT_WHOLE, "a tolerance is at most the whole");
    REQUIRE(c->sizes == bet->sizes && c->flags == bet->flags &&
                c->currency == account->currency.iso,
            "L7: the cash-out is of this bet");
    REQUIRE(c->outcome == BET_PLACED ||
                (c->paid == 0 && c->stake_left == bet->stake && record->head->postings_count == 0 &&
                 c->balance_after == account->available),
            "L4: a refusal moves no money");
    REQUIRE((c->outcome == BET_PENDING) == (c->decide_at_us != 0) &&
                (c->decide_at_us == 0 || c->decide_at_us >= record->head->time_us),
            "a waiting cash-out is decided later");
    if (says_value(c->outcome))
        return check_value(state, record, bet);
    REQUIRE(record->head->items_count == 0 && c->fair == 0 && c->value == 0 && c->margin == 0,
            "a refusal without a value says none");
    return 0;
}

/* The value against what was agreed to; `bound` is MONEY_MINOR_MAX where nothing waited. */
static int check_amount(struct shard_state *state, const struct record_cash_out *c, int64_t bound)
{
    int64_t least = cash_out_least(c->accepted, c->tolerance);
    if (c->outcome == BET_CASH_OUT_CHANGED) {
        REQUIRE(c->value < least || c->value == 0, "L7: a value that was agreed to is paid");
        return 0;
    }
    REQUIRE(c->value > 0 && c->value >= least, "L7: no less is paid than was agreed to");
    REQUIRE(c->outcome == BET_PENDING || c->paid == (c->value < bound ? c->value : bound),
            "L7: the value is what is paid");
    return 0;
}

/* What it moves: as a settlement of the part at the amount paid. */
static int check_paid(struct shard_state *state, const struct record_view *record,
                      const struct shard_bet *bet)
{
    const struct record_cash_out *c = record->body;
    struct shard_bet part = *bet;
    struct record_posting expected[SETTLEMENT_POSTINGS_MAX];
    part.stake = c->stake;
    size_t count = shard_settlement_postings(
        state, &part, (struct settled_money){.payout = c->paid, .sign = 1}, expected);
    REQUIRE(c->stake_left == bet->stake - c->stake, "L7: what is bought back is not staked");
    REQUIRE(c->balance_after == shard_available_after(state, bet->account, expected, count),
            "L4: the balance is the fold");
    REQUIRE(shard_postings_are(record, expected, count), "L4: the postings are those of the part");
    REQUIRE(shard_postings_fit(state, record) && c->paid <= MONEY_MINOR_MAX - bet->cashed_out,
            "L4: a balance is beyond all limits");
    return 0;
}

/* ---- requests ---- */

static int check_asked(struct shard_state *state, const struct record_view *record,
                       const struct shard_bet *bet, struct hash128 *ret_hash)
{
    const struct record_cash_out *c = record->body;
    bool chained = c->outcome == BET_PLACED || c->outcome == BET_PENDING;
    REQUIRE(c->key_bytes > 0 && c->key_bytes <= IDEMPOTENCY_KEY_BYTES_MAX,
            "L3: a key has 1 to 64 bytes");
    REQUIRE(shard_verdict_is_new(state, record, ret_hash), "L3: one key, one verdict");
    REQUIRE(c->previous_seq == (chained ? bet->seq_last : 0), "L7: the bet's records are a chain");
    if (chained) {
        REQUIRE(bet->cash_out_waits == CASH_OUT_NONE, "L7: a bet has one cash-out at a time");
        REQUIRE(bet->cash_outs < CASH_OUTS_OF_BET_MAX, "L7: a bet has so many cash-outs at most");
        REQUIRE(record->head->time_us <= c->offer_until_us, "L6: the offer held");
    }
    return says_value(c->outcome) ? check_amount(state, c, MONEY_MINOR_MAX) : 0;
}

static int check_deciding(struct shard_state *state, const struct record_view *record,
                          const struct shard_bet *bet)
{
    const struct record_cash_out *c = record->body;
    REQUIRE(bet->cash_out_waits != CASH_OUT_NONE, "L7: only a waiting cash-out is decided");
    const struct shard_cash_out *row = &state->cash_outs[bet->cash_out_waits];
    REQUIRE(row->seq == c->asked_seq && c->stake == row->stake && c->accepted == row->accepted &&
                c->tolerance == row->tolerance,
            "L7: what is decided is what was asked");
    REQUIRE(c->key_bytes == 0 && c->request_hash[0] == 0 && c->request_hash[1] == 0 &&
                c->transport == 0 && c->offer_until_us == 0 && c->outcome != BET_PENDING,
            "L3: what decides a cash-out is no request");
    REQUIRE(c->previous_seq == bet->seq_last, "L7: the bet's records are a chain");
    for (uint32_t i = 0; c->outcome == BET_PLACED && i < bet->legs_count; i++)
        REQUIRE(state->markets[state->legs[bet->legs_first + i].market].seq_stopped < row->seq,
                "L6: no cash-out stands after a suspension during its delay");
    return says_value(c->outcome) ? check_amount(state, c, row->bound) : 0;
}

/* ---- applying ---- */

static void buy_back(struct shard_state *state, const struct record_view *record,
                     struct shard_bet *bet)
{
    const struct record_cash_out *c = record->body;
    shard_post(state, record);
    state->counts.cash_outs_done++;
    bet->cashed_out += c->paid;
    if (c->stake_left == 0) {
        shard_count_unsettled(state, bet, -1);
        bet->state = BET_STATE_CASHED_OUT;
        bet->stake = bet->returns = 0;
        return;
    }
    shard_add_liability(state, bet, -1);
    bet->stake = c->stake_left;
    bet->returns = shard_returns_of(state, bet);
    ASSERT(bet->returns >= 0); /* less than before, which was within the limits */
    shard_add_liability(state, bet, 1);
}

static void add_waiting(struct shard_state *state, const struct record_view *record,
                        struct shard_bet *bet)
{
    const struct record_cash_out *c = record->body;
    bet->cash_out_waits = state->cash_outs_count;
    state->cash_outs[state->cash_outs_count++] = (struct shard_cash_out){
        .seq = record->head->seq,
        .seq_verdict = record->head->seq,
        .stake = c->stake,
        .accepted = c->accepted,
        .bound = c->value,
        .bet = (uint32_t)(bet - state->bets),
        .tolerance = c->tolerance,
    };
}

static void note_asked(struct shard_state *state, const struct record_view *record,
                       struct shard_bet *bet, struct hash128 hash)
{
    const struct record_cash_out *c = record->body;
    const struct shard_verdict verdict = {
        .key = hash,
        .request_hash = {c->request_hash[0], c->request_hash[1]},
        .seq = record->head->seq,
        .bet = BET_NONE, /* of a cash-out that waits the table of those knows the answer */
        .account = record->head->account,
    };
    state->counts.cash_outs_asked++;
    if (c->outcome == BET_PENDING)
        add_waiting(state, record, bet);
    if (c->outcome == BET_PENDING || c->outcome == BET_PLACED) {
        bet->cash_outs++;
        bet->seq_last = record->head->seq;
    }
    shard_verdict_add(state, &verdict);
}

static void note_decided(struct shard_state *state, const struct record_view *record,
                         struct shard_bet *bet)
{
    state->cash_outs[bet->cash_out_waits].seq_verdict = record->head->seq;
    bet->cash_out_waits = CASH_OUT_NONE;
    bet->seq_last = record->head->seq;
}

int shard_apply_cash_out(struct shard_state *state, const struct record_view *record)
{
    const struct record_cash_out *c = record->body;
    struct shard_bet *bet = shard_bet_of(state, c->bet_id);
    struct hash128 hash = {0};
    REQUIRE(bet != NULL, "L7: there is no such bet");
    REQUIRE(bet->account == record->head->account, "L7: the bet is another account's");
    TRY(check_body(state, record, bet));
    if (c->asked_seq == 0)
        TRY(check_asked(state, record, bet, &hash));
    else
        TRY(check_deciding(state, record, bet));
    if (c->outcome == BET_PLACED)
        TRY(check_paid(state, record, bet));
    if (c->asked_seq == 0 && shard_state_cash_out_room(state) != NULL)
        return -ERR_LIMIT;
    if (c->asked_seq == 0)
        note_asked(state, record, bet, hash);
    else
        note_decided(state, record, bet);
    if (c->outcome == BET_PLACED)
        buy_back(state, record, bet);
    else
        state->counts.cash_outs_refused += c->outcome != BET_PENDING;
    return 0;
}
