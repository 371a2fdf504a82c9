/* shard_check.c - what holds over the whole state (L4, L7), and its hash (L5). Both walk
 * everything and are for verify, replay, tests and the simulator, never for the bet path. */
#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "crypto/sha256.h"
#include "ledger/shard_state_internal.h"

#define TALLIES_AHEAD 16 /* bets whose tallies are on their way from memory */

struct sums {
    __int128 customers[CURRENCIES_MAX]; /* available + held, per house index */
    __int128 stakes[CURRENCIES_MAX];    /* of open bets */
    __int128 returns[CURRENCIES_MAX];   /* of open and pending bets, if each wins */
};

/* What the bets say of one account and of one market, gathered from the oldest bet to the newest:
 * each must name the one before it of the same account, and of the same market. So the chains are
 * checked without following them, which would wait for memory at every step. */
struct account_tally {
    uint32_t last; /* newest bet so far, or BET_NONE */
    uint32_t open; /* or pending, or referred */
    int64_t held, stakes;
    int64_t returns; /* of open and pending bets, if each wins */
};

struct market_tally {
    uint32_t last; /* leg */
    uint32_t unsettled, pending, accepted;
    int64_t stakes_open, stakes_single, returns_open;
};

int shard_tallies_begin(const struct shard_state *state, struct shard_tallies *tallies)
{
    *tallies = (struct shard_tallies){.accounts_count = state->accounts_count + 1,
                                      .markets_count = state->markets_count + 1,
                                      .settled_alike = true};
    tallies->accounts = reserve_new(tallies->accounts_count, sizeof *tallies->accounts);
    tallies->markets = reserve_new(tallies->markets_count, sizeof *tallies->markets);
    tallies->selections_count = state->selections_count + (size_t)1;
    tallies->costs = reserve_new(tallies->selections_count, sizeof *tallies->costs);
    if (tallies->accounts == NULL || tallies->markets == NULL || tallies->costs == NULL)
        return -ERR_MEMORY;
    for (uint32_t ref = 0; ref <= state->accounts_count; ref++)
        tallies->accounts[ref].last = BET_NONE;
    for (uint32_t ref = 0; ref <= state->markets_count; ref++)
        tallies->markets[ref].last = LEG_NONE;
    return 0;
}

void shard_tallies_end(struct shard_tallies *tallies)
{
    reserve_free(tallies->accounts, tallies->accounts_count, sizeof *tallies->accounts);
    reserve_free(tallies->markets, tallies->markets_count, sizeof *tallies->markets);
    reserve_free(tallies->costs, tallies->selections_count, sizeof *tallies->costs);
    *tallies = (struct shard_tallies){NULL};
}

static bool is_open(const struct shard_bet *bet)
{
    return bet->state == BET_STATE_OPEN || bet->state == BET_STATE_PENDING;
}

/* What the bet adds to the open liability. */
static int64_t open_return(const struct shard_state *state, const struct shard_bet *bet)
{
    return is_open(bet) ? shard_returns_of(state, bet) : 0;
}

static int tally_account(struct shard_state *state, struct shard_tallies *tallies, uint32_t index,
                         int64_t returns)
{
    const struct shard_bet *bet = &state->bets[index];
    struct account_tally *tally = &tallies->accounts[bet->account];
    bool open = bet->state == BET_STATE_OPEN;
    bool pending = bet->state == BET_STATE_PENDING || bet->state == BET_STATE_REFERRED;
    REQUIRE(bet->next_of_account == tally->last, "L7: an account's counts are those of its bets");
    tally->last = index;
    tally->open += open || pending;
    REQUIRE(!__builtin_add_overflow(tally->held, pending ? bet->stake : 0, &tally->held) &&
                !__builtin_add_overflow(tally->stakes, open ? bet->stake : 0, &tally->stakes) &&
                !__builtin_add_overflow(tally->returns, returns, &tally->returns),
            "L4: a balance is beyond all limits");
    return 0;
}

/* One leg's part in its market's sums; only open bets have one. */
static bool tally_open(struct market_tally *tally, int64_t *costs, const struct shard_bet *bet,
                       int64_t returns)
{
    bool cash = (bet->flags & (BET_FREE | BET_BONUS)) == 0;
    bool single = bet->legs_count == 1 && (bet->flags & BET_EACH_WAY) == 0;
    int64_t cost = cash && !single ? returns - bet->stake : returns;
    return !__builtin_add_overflow(tally->stakes_open, bet->stake, &tally->stakes_open) &&
           !__builtin_add_overflow(tally->stakes_single, cash && single ? bet->stake : 0,
                                   &tally->stakes_single) &&
           !__builtin_add_overflow(tally->returns_open, returns, &tally->returns_open) &&
           !__builtin_add_overflow(*costs, cost, costs);
}

static int tally_leg(struct shard_state *state, struct shard_tallies *tallies, uint32_t index,
                     int64_t returns)
{
    const struct shard_leg *leg = &state->legs[index];
    const struct shard_bet *bet = &state->bets[leg->bet];
    REQUIRE(leg->market >= 1 && leg->market <= state->markets_count &&
                leg->selection < state->markets[leg->market].selections_count,
            "L7: a market's counts are those of its bets");
    struct market_tally *tally = &tallies->markets[leg->market];
    uint32_t selection = state->markets[leg->market].selections_first + leg->selection;
    REQUIRE(leg->next_of_market == tally->last, "L7: a market's counts are those of its bets");
    tally->last = index;
    tally->unsettled += bet->state == BET_STATE_OPEN;
    tally->pending += bet->state == BET_STATE_PENDING;
    tally->accepted += bet->state != BET_STATE_PENDING && bet->state != BET_STATE_REFERRED &&
                       bet->state != BET_STATE_NOT_ACCEPTED;
    REQUIRE(!is_open(bet) || tally_open(tally, &tallies->costs[selection], bet, returns),
            "L4: a balance is beyond all limits");
    return 0;
}

static int tally_bet(struct shard_state *state, struct shard_tallies *tallies, uint32_t index)
{
    const struct shard_bet *bet = &state->bets[index];
    REQUIRE(bet->account >= 1 && bet->account <= state->accounts_count,
            "L7: an account's counts are those of its bets");
    REQUIRE(bet->stake <= MONEY_MINOR_MAX &&
                (bet->state == BET_STATE_CASHED_OUT ? bet->stake == 0 : bet->stake > 0),
            "L4: a stake is within its limit");
    int64_t returns = open_return(state, bet);
    REQUIRE(returns >= 0 && (!is_open(bet) || returns == bet->returns) &&
                (bet->state != BET_STATE_REFERRED || shard_returns_of(state, bet) == bet->returns),
            "L4: the potential return is stake times odds");
    TRY(tally_account(state, tallies, index, returns));
    for (uint32_t i = 0; i < bet->legs_count; i++)
        TRY(tally_leg(state, tallies, bet->legs_first + i, returns));
    tallies->settled_alike &= (bet->state == BET_STATE_SETTLED) == (bet->seq_settled != 0);
    return 0;
}

/* Bets lie in the order of placement, what they are counted to does not. */
static void prefetch(const struct shard_state *state, const struct shard_tallies *tallies,
                     const struct shard_bet *bet)
{
    if (bet->account <= state->accounts_count) {
        __builtin_prefetch(&tallies->accounts[bet->account], 1);
        __builtin_prefetch(&state->accounts[bet->account].currency);
    }
    if (bet->legs_first >= state->legs_count)
        return;
    const struct shard_leg *leg = &state->legs[bet->legs_first]; /* comes by itself: in order */
    if (leg->market <= state->markets_count) {
        __builtin_prefetch(&tallies->markets[leg->market], 1);
        __builtin_prefetch(&state->markets[leg->market].selections_first);
    }
}

int shard_tallies_bets(struct shard_state *state, struct shard_tallies *tallies, uint32_t first,
                       uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        if (i + TALLIES_AHEAD < first + count)
            prefetch(state, tallies, &state->bets[i + TALLIES_AHEAD]);
        TRY(tally_bet(state, tallies, i));
    }
    return 0;
}

static size_t house_index(const struct shard_state *state, struct currency currency)
{
    size_t index = 0;
    while (index < state->houses_count && !currency_equal(state->houses[index].currency, currency))
        index++;
    return index;
}

static int check_account(struct shard_state *state, const struct account_tally *tally, uint32_t ref,
                         struct sums *sums)
{
    const struct shard_account *account = &state->accounts[ref];
    REQUIRE(account->held >= 0, "L4: what is held is not negative");
    REQUIRE(account->currency.iso != 0 || (account->available == 0 && account->held == 0 &&
                                           account->free == 0 && account->bonus == 0),
            "L4: an account without a currency has no money");
    REQUIRE(account->bets_last == tally->last && account->bets_open == tally->open,
            "L7: an account's counts are those of its bets");
    REQUIRE(account->held == tally->held, "L4: what is held are the stakes of pending bets");
    REQUIRE(account->stakes_open == tally->held + tally->stakes,
            "L7: an account's counts are those of its bets");
    if (account->currency.iso == 0) {
        REQUIRE(tally->last == BET_NONE, "L4: an account without a currency has no bets");
        return 0;
    }
    size_t house = house_index(state, account->currency);
    REQUIRE(house < state->houses_count, "L4: the currency of an account has its house accounts");
    sums->customers[house] +=
        (__int128)account->available + account->held + account->free + account->bonus;
    sums->stakes[house] += tally->stakes;
    sums->returns[house] += tally->returns;
    return 0;
}

static int check_market(struct shard_state *state, const struct market_tally *tally, uint32_t ref)
{
    const struct shard_market *market = &state->markets[ref];
    REQUIRE(market->legs_last == tally->last && market->bets_unsettled == tally->unsettled &&
                market->bets_pending == tally->pending && market->bets_count == tally->accepted &&
                market->stakes_open == tally->stakes_open &&
                market->stakes_single == tally->stakes_single,
            "L7: a market's counts are those of its bets");
    REQUIRE(market->returns_open == tally->returns_open,
            "L7: the open liability is what open bets pay if they win");
    return 0;
}

static int check_houses(struct shard_state *state, const struct sums *sums)
{
    for (size_t i = 0; i < state->houses_count; i++) {
        const struct shard_house *house = &state->houses[i];
        REQUIRE(house->stakes == sums->stakes[i], "L4: house stakes are the stakes of open bets");
        REQUIRE(house->returns_open == sums->returns[i],
                "L7: the open liability is what open bets pay if they win");
        REQUIRE(sums->customers[i] + house->cash + house->stakes + house->result + house->promo ==
                    0,
                "L4: all accounts of a currency sum to zero");
    }
    return 0;
}

/* Those that moved when their market grew are not looked at: nobody reads them. */
static int check_costs(struct shard_state *state, const struct shard_tallies *tallies)
{
    for (uint32_t ref = 1; ref <= state->markets_count; ref++) {
        const struct shard_market *market = &state->markets[ref];
        for (uint32_t i = market->selections_first;
             i < market->selections_first + market->selections_count; i++)
            REQUIRE(state->selections[i].costs_open == tallies->costs[i],
                    "L7: the open liability is what open bets pay if they win");
    }
    return 0;
}

int shard_tallies_check(struct shard_state *state, struct shard_tallies *tallies)
{
    struct sums sums = {0};
    for (uint32_t ref = 1; ref <= state->accounts_count; ref++)
        TRY(check_account(state, &tallies->accounts[ref], ref, &sums));
    REQUIRE(tallies->settled_alike, "L7: a settled bet has its settlement");
    for (uint32_t ref = 1; ref <= state->markets_count; ref++)
        TRY(check_market(state, &tallies->markets[ref], ref));
    TRY(check_costs(state, tallies));
    return check_houses(state, &sums);
}

int shard_state_check(struct shard_state *state)
{
    struct shard_tallies tallies = {NULL};
    state->reason = "";
    int error = shard_tallies_begin(state, &tallies);
    if (error == 0)
        error = shard_tallies_bets(state, &tallies, 0, state->bets_count);
    if (error == 0)
        error = shard_tallies_check(state, &tallies);
    shard_tallies_end(&tallies);
    return error;
}

/* The structs hold no padding (asserted), so their bytes are their values; symbols are given in
 * log order and so are equal on every machine. */
_Static_assert(sizeof(struct shard_account) == 64, "no padding");
_Static_assert(sizeof(struct shard_leg) == 64, "no padding");
_Static_assert(sizeof(struct shard_window) == 48, "no padding");
_Static_assert(sizeof(struct shard_bet) == 128, "no padding");
_Static_assert(sizeof(struct shard_cash_out) == 48, "no padding");
_Static_assert(sizeof(struct shard_market) == 128, "no padding");
_Static_assert(sizeof(struct shard_referral) == 48, "no padding");
_Static_assert(sizeof(struct shard_stake_limits) == 88, "no padding");
_Static_assert(sizeof(struct shard_house) == 48, "no padding");
_Static_assert(sizeof(struct shard_verdict) == 48, "no padding");
_Static_assert(sizeof(struct shard_selection) == 56, "no padding");

static void add_bytes(struct sha256 *sha, const void *at, size_t bytes)
{
    sha256_add(sha, slice_of(at, bytes));
}

static void hash_symbols(struct sha256 *sha, const struct symbols *symbols)
{
    for (uint32_t ref = 0; ref < symbols_count(symbols); ref++) {
        struct slice text = symbols_text(symbols, ref);
        add_bytes(sha, &text.bytes, sizeof text.bytes);
        sha256_add(sha, text);
    }
}

void shard_hash_place(const struct shard_state *state, struct sha256 *sha)
{
    add_bytes(sha, state->book_id, sizeof state->book_id);
    add_bytes(sha, state->hash_key, sizeof state->hash_key);
    add_bytes(sha, &state->shard, sizeof state->shard);
    if (state->shards > 1) /* a book of one shard is as it was before there were several */
        add_bytes(sha, &state->shards, sizeof state->shards);
    if (state->desk.seq != 0) /* the same: of one that nobody relays to */
        add_bytes(sha, &state->desk, sizeof state->desk);
    add_bytes(sha, &state->seq, sizeof state->seq);
    add_bytes(sha, &state->time_us, sizeof state->time_us);
    add_bytes(sha, &state->epoch, sizeof state->epoch);
}

int shard_state_hash(const struct shard_state *state, uint8_t ret_hash[32])
{
    struct sha256 *sha;
    TRY(sha256_new(&sha));
    sha256_begin(sha);
    shard_hash_place(state, sha);
    hash_symbols(sha, state->users);
    hash_symbols(sha, state->market_ids);
    hash_symbols(sha, state->texts);
    add_bytes(sha, state->accounts, (state->accounts_count + (size_t)1) * sizeof *state->accounts);
    add_bytes(sha, state->markets, (state->markets_count + (size_t)1) * sizeof *state->markets);
    add_bytes(sha, state->selections, state->selections_count * sizeof *state->selections);
    add_bytes(sha, state->legs, state->legs_count * sizeof *state->legs);
    add_bytes(sha, state->windows, state->windows_count * sizeof *state->windows);
    add_bytes(sha, state->stake_limits, state->stake_limits_count * sizeof *state->stake_limits);
    add_bytes(sha, state->proposals, state->proposals_count * sizeof *state->proposals);
    add_bytes(sha, state->proposed, state->proposed_count * sizeof *state->proposed);
    add_bytes(sha, state->bets, state->bets_count * sizeof *state->bets);
    add_bytes(sha, state->cash_outs, state->cash_outs_count * sizeof *state->cash_outs);
    add_bytes(sha, state->referrals, state->referrals_count * sizeof *state->referrals);
    add_bytes(sha, state->houses, state->houses_count * sizeof *state->houses);
    add_bytes(sha, &state->counts, sizeof state->counts);
    shard_verdicts_hash(state, sha);
    sha256_end(sha, ret_hash);
    sha256_free(sha);
    return 0;
}
