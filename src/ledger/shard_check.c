/* shard_check.c - what holds over the whole state (L4, L7), and its hash (L5). Both walk
 * everything and are for verify, replay, tests and the simulator, never for the bet path. */
#include "base/assert.h"
#include "base/error.h"
#include "crypto/sha256.h"
#include "ledger/shard_state_internal.h"

struct sums {
    int64_t customers[CURRENCIES_MAX]; /* available + held, per house index */
    int64_t stakes[CURRENCIES_MAX];    /* of open bets */
};

static size_t house_index(const struct shard_state *state, struct currency currency)
{
    for (size_t i = 0; i < state->houses_count; i++)
        if (currency_equal(state->houses[i].currency, currency))
            return i;
    ASSERT(state->houses_count > CURRENCIES_MAX); /* every account's currency has its house */
    return 0;
}

static int sum_accounts(struct shard_state *state, struct sums *sums)
{
    for (uint32_t ref = 1; ref <= state->accounts_count; ref++) {
        const struct shard_account *account = &state->accounts[ref];
        REQUIRE(account->held >= 0, "L4: what is held is not negative");
        if (account->currency.iso == 0) {
            REQUIRE(account->available == 0 && account->held == 0,
                    "L4: an account without a currency has no money");
            continue;
        }
        sums->customers[house_index(state, account->currency)] +=
            account->available + account->held;
    }
    return 0;
}

static int sum_bets(struct shard_state *state, struct sums *sums)
{
    int64_t held = 0, held_accounts = 0;
    for (uint32_t i = 0; i < state->bets_count; i++) {
        const struct shard_bet *bet = &state->bets[i];
        struct currency currency = state->accounts[bet->account].currency;
        if (bet->state == BET_STATE_OPEN)
            sums->stakes[house_index(state, currency)] += bet->stake;
        if (bet->state == BET_STATE_PENDING)
            held += bet->stake;
        REQUIRE((bet->state == BET_STATE_SETTLED) == (bet->seq_settled != 0),
                "L7: a settled bet has its settlement");
    }
    for (uint32_t ref = 1; ref <= state->accounts_count; ref++)
        held_accounts += state->accounts[ref].held;
    REQUIRE(held == held_accounts, "L4: what is held are the stakes of pending bets");
    return 0;
}

static int check_markets(struct shard_state *state)
{
    for (uint32_t ref = 1; ref <= state->markets_count; ref++) {
        const struct shard_market *market = &state->markets[ref];
        uint32_t unsettled = 0, pending = 0, accepted = 0;
        for (uint32_t i = market->bets_last; i != BET_NONE; i = state->bets[i].next_of_market) {
            unsettled += state->bets[i].state == BET_STATE_OPEN;
            pending += state->bets[i].state == BET_STATE_PENDING;
            accepted +=
                state->bets[i].state == BET_STATE_OPEN || state->bets[i].state == BET_STATE_SETTLED;
        }
        REQUIRE(unsettled == market->bets_unsettled && pending == market->bets_pending &&
                    accepted == market->bets_count,
                "L7: a market's counts are those of its bets");
    }
    return 0;
}

int shard_state_check(struct shard_state *state)
{
    struct sums sums = {0};
    int error = sum_accounts(state, &sums);
    if (error == 0)
        error = sum_bets(state, &sums);
    if (error == 0)
        error = check_markets(state);
    if (error < 0)
        return error;
    for (size_t i = 0; i < state->houses_count; i++) {
        const struct shard_house *house = &state->houses[i];
        REQUIRE(house->stakes == sums.stakes[i], "L4: house stakes are the stakes of open bets");
        REQUIRE(sums.customers[i] + house->cash + house->stakes + house->result == 0,
                "L4: all accounts of a currency sum to zero");
    }
    return 0;
}

/* The structs hold no padding (asserted), so their bytes are their values; symbols are given in
 * log order and so are equal on every machine. */
_Static_assert(sizeof(struct shard_account) == 40, "no padding");
_Static_assert(sizeof(struct shard_bet) == 128, "no padding");
_Static_assert(sizeof(struct shard_market) == 72, "no padding");
_Static_assert(sizeof(struct shard_house) == 32, "no padding");
_Static_assert(sizeof(struct shard_verdict) == 32, "no padding");
_Static_assert(sizeof(struct shard_selection) == 16, "no padding");

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

int shard_state_hash(const struct shard_state *state, uint8_t ret_hash[32])
{
    struct sha256 *sha;
    TRY(sha256_new(&sha));
    sha256_begin(sha);
    add_bytes(sha, &state->seq, sizeof state->seq);
    add_bytes(sha, &state->time_us, sizeof state->time_us);
    add_bytes(sha, &state->epoch, sizeof state->epoch);
    hash_symbols(sha, state->users);
    hash_symbols(sha, state->market_ids);
    hash_symbols(sha, state->texts);
    add_bytes(sha, state->accounts, (state->accounts_count + (size_t)1) * sizeof *state->accounts);
    add_bytes(sha, state->markets, (state->markets_count + (size_t)1) * sizeof *state->markets);
    add_bytes(sha, state->selections, state->selections_count * sizeof *state->selections);
    add_bytes(sha, state->bets, state->bets_count * sizeof *state->bets);
    add_bytes(sha, state->verdicts, state->verdicts_count * sizeof *state->verdicts);
    add_bytes(sha, state->houses, state->houses_count * sizeof *state->houses);
    add_bytes(sha, &state->counts, sizeof state->counts);
    sha256_end(sha, ret_hash);
    sha256_free(sha);
    return 0;
}
