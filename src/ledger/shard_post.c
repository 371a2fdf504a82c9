/* shard_post.c - what records move: their postings (L4), and the sums of what open bets may cost.
 */
#include "base/assert.h"
#include "ledger/shard_state_internal.h"

bool shard_postings_are(const struct record_view *record, const struct record_posting *expected,
                        size_t count)
{
    int64_t sum = 0;
    if (record->head->postings_count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct record_posting *p = &record->postings[i];
        if (memcmp(p, &expected[i], sizeof *p) != 0)
            return false;
        sum += p->amount;
    }
    return sum == 0; /* L4: all postings of a record are in one currency */
}

static const struct shard_house *find_house(const struct shard_state *state, uint16_t currency)
{
    static const struct shard_house none;
    for (size_t i = 0; i < state->houses_count; i++)
        if (state->houses[i].currency.iso == currency)
            return &state->houses[i];
    return &none;
}

static int64_t balance_of(const struct shard_state *state, const struct record_posting *posting)
{
    const struct shard_house *house = find_house(state, posting->currency);
    switch ((enum ledger_account)posting->kind) {
    case LEDGER_AVAILABLE:
        return state->accounts[posting->account].available;
    case LEDGER_HELD:
        return state->accounts[posting->account].held;
    case LEDGER_HOUSE_CASH:
        return house->cash;
    case LEDGER_HOUSE_STAKES:
        return house->stakes;
    case LEDGER_HOUSE_RESULT:
        return house->result;
    case LEDGER_FREE:
        return state->accounts[posting->account].free;
    case LEDGER_BONUS:
        return state->accounts[posting->account].bonus;
    case LEDGER_HOUSE_PROMO:
        break;
    }
    return house->promo;
}

bool shard_postings_fit(const struct shard_state *state, const struct record_view *record)
{
    for (size_t i = 0; i < record->head->postings_count; i++) {
        int64_t after = balance_of(state, &record->postings[i]) + record->postings[i].amount;
        if (after > SHARD_BALANCE_MAX || after < -SHARD_BALANCE_MAX)
            return false;
    }
    return true;
}

/* Moves what the postings say; they were checked. */
void shard_post(struct shard_state *state, const struct record_view *record)
{
    for (size_t i = 0; i < record->head->postings_count; i++) {
        const struct record_posting *p = &record->postings[i];
        struct shard_house *house = shard_house_of(state, (struct currency){p->currency});
        switch ((enum ledger_account)p->kind) {
        case LEDGER_AVAILABLE:
            state->accounts[p->account].available += p->amount;
            break;
        case LEDGER_HELD:
            state->accounts[p->account].held += p->amount;
            break;
        case LEDGER_HOUSE_CASH:
            house->cash += p->amount;
            break;
        case LEDGER_HOUSE_STAKES:
            house->stakes += p->amount;
            break;
        case LEDGER_HOUSE_RESULT:
            house->result += p->amount;
            break;
        case LEDGER_FREE:
            state->accounts[p->account].free += p->amount;
            break;
        case LEDGER_BONUS:
            state->accounts[p->account].bonus += p->amount;
            break;
        case LEDGER_HOUSE_PROMO:
            house->promo += p->amount;
            break;
        }
    }
    if (record->head->postings_count > 0) /* all that move money are somebody's */
        state->accounts[record->head->account].seq_last = record->head->seq;
}

/* ---- what open bets may cost ---- */

/* Of one bet, on each of the markets that it has a leg on. */
struct open_sums {
    int64_t stake, single, returns, costs;
};

static struct open_sums sums_of(const struct shard_bet *bet)
{
    bool cash = (bet->flags & (BET_FREE | BET_BONUS)) == 0;
    bool single = bet->legs_count == 1 && (bet->flags & BET_EACH_WAY) == 0;
    return (struct open_sums){bet->stake, cash && single ? bet->stake : 0, bet->returns,
                              cash && !single ? bet->returns - bet->stake : bet->returns};
}

bool shard_liability_fits(const struct shard_state *state, const struct shard_bet *bet,
                          const struct shard_leg *legs)
{
    const struct open_sums sums = sums_of(bet);
    const struct shard_account *account = &state->accounts[bet->account];
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_market *market = &state->markets[legs[i].market];
        const struct shard_selection *selection =
            &state->selections[market->selections_first + legs[i].selection];
        int64_t costs = selection->costs_open + sums.costs;
        if (market->stakes_open > SHARD_BALANCE_MAX - sums.stake ||
            market->returns_open > SHARD_BALANCE_MAX - sums.returns || costs > SHARD_BALANCE_MAX ||
            costs < -SHARD_BALANCE_MAX)
            return false;
    }
    return account->stakes_open <= SHARD_BALANCE_MAX - sums.stake &&
           find_house(state, account->currency.iso)->returns_open <=
               SHARD_BALANCE_MAX - sums.returns;
}

void shard_add_liability(struct shard_state *state, const struct shard_bet *bet, int sign)
{
    const struct open_sums sums = sums_of(bet);
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_leg *leg = &state->legs[bet->legs_first + i];
        struct shard_market *market = &state->markets[leg->market];
        market->stakes_open += sign * sums.stake;
        market->stakes_single += sign * sums.single;
        market->returns_open += sign * sums.returns;
        state->selections[market->selections_first + leg->selection].costs_open +=
            sign * sums.costs;
    }
    struct shard_account *account = &state->accounts[bet->account];
    account->stakes_open += sign * sums.stake;
    shard_house_of(state, account->currency)->returns_open += sign * sums.returns;
}
