/* bet_limits.c - what the ledger's state leaves to be staked (BETTING-RULES 4.12). */
#include "app/book_internal.h"
#include "core/liability.h"

#define DAY_US (24 * 60 * 60 * US_PER_SECOND)

struct stake_limits_combined book_platform_limits(const struct book_options *options)
{
    const struct bet_limits *bet = &options->ticket_limits.bet;
    const struct stake_limits platform = {.stake_minor_min = bet->stake_minor_min,
                                          .stake_minor_max = bet->stake_minor_max,
                                          .payout_minor_max = bet->payout_minor_max,
                                          .liability_minor_max = options->liability_minor_max,
                                          .factor_permyriad = LIMIT_FACTOR_WHOLE,
                                          .refer_minor_above = INT64_MAX,
                                          .payout_day_minor_max = options->payout_day_minor_max};
    struct stake_limits_combined combined;
    stake_limits_combine(
        (const struct stake_limits *const[LIMIT_SCOPES]){[LIMIT_OF_PLATFORM] = &platform},
        &combined);
    return combined;
}

struct stake_limits book_account_limits(const struct book *book, struct account_ref account)
{
    const struct shard_stake_limits *own =
        account.n == 0 ? NULL : shard_state_stake_limits(book->state, LIMIT_OF_PLAYER, account.n);
    const struct stake_limits *scopes[LIMIT_SCOPES] = {
        [LIMIT_OF_PLAYER] = own == NULL ? NULL : &own->limits,
        [LIMIT_OF_PLATFORM] = &book->platform.limits};
    struct stake_limits_combined combined;
    stake_limits_combine(scopes, &combined);
    return combined.limits;
}

/* What the leg is of, as numbers; 0 where the ledger has none for it. */
static void refs_of(const struct book *book, struct account_ref account,
                    const struct leg_seen *seen, uint32_t ret_refs[LIMIT_SCOPES])
{
    const struct shard_market *market = shard_state_market(book->state, seen->market);
    ret_refs[LIMIT_OF_PLAYER] = account.n;
    ret_refs[LIMIT_OF_MARKET] = seen->market.n;
    if (market != NULL) {
        ret_refs[LIMIT_OF_EVENT] = market->event_id;
        ret_refs[LIMIT_OF_SPORT] = market->sport;
    } else if (seen->image != NULL) { /* the first bet on it */
        ret_refs[LIMIT_OF_EVENT] =
            shard_state_find_text(book->state, ODDS_TEXT(seen->image, event_id));
        ret_refs[LIMIT_OF_SPORT] =
            shard_state_find_text(book->state, ODDS_TEXT(seen->image, sport));
    }
}

void book_leg_limits(const struct book *book, struct account_ref account,
                     const struct leg_seen *seen, struct stake_limits_combined *ret)
{
    const struct stake_limits *scopes[LIMIT_SCOPES] = {NULL};
    uint32_t refs[LIMIT_SCOPES] = {0};
    bool any = false;
    refs_of(book, account, seen, refs);
    for (enum limit_scope scope = LIMIT_OF_PLAYER; scope < LIMIT_OF_PLATFORM; scope++) {
        const struct shard_stake_limits *row =
            refs[scope] == 0 ? NULL : shard_state_stake_limits(book->state, scope, refs[scope]);
        scopes[scope] = row == NULL ? NULL : &row->limits;
        any = any || row != NULL;
    }
    if (!any) { /* nearly every leg */
        *ret = book->platform;
        return;
    }
    scopes[LIMIT_OF_PLATFORM] = &book->platform.limits;
    stake_limits_combine(scopes, ret);
}

/* The dearest of the outcomes that can win beside this one. */
static int64_t cost_beside(const struct book *book, const struct leg_seen *seen)
{
    const struct shard_market *market = shard_state_market(book->state, seen->market);
    struct liability_beside beside =
        liability_beside_begin(seen->image == NULL ? 0 : seen->image->winners);
    for (uint16_t n = 0; beside.most > 0 && n < market->selections_count; n++)
        if (n != seen->number)
            liability_beside_put(&beside,
                                 shard_state_selection(book->state, seen->market, n)->costs_open);
    return beside.sum_minor;
}

int64_t book_liability_room(const struct book *book, const struct leg_seen *seen, int64_t most)
{
    if (most == LIABILITY_UNLIMITED || seen->market.n == 0)
        return most;                    /* what the ledger does not know costs nothing yet */
    most /= book->options.place.shards; /* a share of what all shards may come to together */
    const struct shard_market *market = shard_state_market(book->state, seen->market);
    const struct shard_selection *selection =
        shard_state_selection(book->state, seen->market, seen->number);
    /* The stake of singles is in both sums, so that one subtraction is left (shard_types.h). */
    const struct outcome_exposure exposure = {.returns_minor =
                                                  selection == NULL ? 0 : selection->costs_open,
                                              .beside_minor = cost_beside(book, seen),
                                              .market_stakes_minor = market->stakes_single};
    return liability_room(most, &exposure);
}

static bool is_among(const struct shard_leg *leg, const struct leg_seen *seen, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (seen[i].market.n == leg->market && seen[i].number == leg->selection)
            return true;
    return false;
}

/* A bet has one leg of a market, so as many that are all among these are these. */
static bool is_alike(const struct book *book, const struct shard_bet *bet,
                     const struct leg_seen *seen, uint32_t legs_count)
{
    if (bet->legs_count != legs_count)
        return false;
    for (uint32_t i = 0; i < legs_count; i++)
        if (!is_among(shard_state_leg(book->state, bet->legs_first + i), seen, legs_count))
            return false;
    return true;
}

/* By its newest bets: those that are open are among them, and nothing has to be kept for each
 * selection of each account, which every bet and every settlement would pay for. */
int64_t book_staked_alike(struct book *book, struct account_ref account,
                          const struct leg_seen *seen, uint32_t legs_count)
{
    const struct shard_account *of = shard_state_account(book->state, account);
    uint32_t open = of->bets_open, at = of->bets_last;
    int64_t staked = 0;
    for (uint32_t walked = 0; open > 0; walked++) {
        if (walked == REPEATS_WALK_MAX) {
            book->stats.repeats_walk_reached++;
            return staked;
        }
        const struct shard_bet *bet = shard_state_bet(book->state, at);
        at = bet->next_of_account;
        if (bet->state != BET_STATE_OPEN && bet->state != BET_STATE_PENDING &&
            bet->state != BET_STATE_REFERRED)
            continue;
        open--;
        if (is_alike(book, bet, seen, legs_count))
            staked += bet->stake;
    }
    return staked;
}

/* What a bet has paid, and what it may pay yet. */
static int64_t paid_by(const struct shard_bet *bet)
{
    switch ((enum bet_state)bet->state) {
    case BET_STATE_PENDING:
    case BET_STATE_OPEN:
    case BET_STATE_REFERRED:
        return bet->cashed_out + bet->returns;
    case BET_STATE_SETTLED:
    case BET_STATE_CASHED_OUT:
        return bet->cashed_out + bet->payout;
    case BET_STATE_NOT_ACCEPTED:
    case BET_STATES:
        break;
    }
    return 0;
}

/* Bet ids are the times at which bets were asked for, so the newest of the account are the day's.
 * What cannot be looked at might be too much. */
void book_take_day(struct book *book, struct account_ref account, uint32_t but,
                   struct stake_limits_combined *all)
{
    int64_t today = book_record_time_us(book) / DAY_US, paid = 0;
    uint32_t at = shard_state_account(book->state, account)->bets_last;
    if (all->limits.payout_day_minor_max == INT64_MAX)
        return; /* nearly every customer */
    for (uint32_t walked = 0; at != BET_NONE; walked++) {
        const struct shard_bet *bet = shard_state_bet(book->state, at);
        if (bet_id_instant((struct bet_id){bet->bet_id}).us / DAY_US < today)
            break;
        if (walked == REPEATS_WALK_MAX) {
            book->stats.repeats_walk_reached++;
            paid = MONEY_MINOR_MAX;
            break;
        }
        paid += at == but ? 0 : paid_by(bet);
        at = bet->next_of_account;
    }
    stake_limits_take_day(all, paid > MONEY_MINOR_MAX ? MONEY_MINOR_MAX : paid);
}
