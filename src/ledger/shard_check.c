/* shard_check.c - what holds over the whole state (L4, L7), and its hash (L5). Both walk
 * everything and are for verify, replay, tests and the simulator, never for the bet path. */
#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "crypto/sha256.h"
#include "ledger/shard_state_internal.h"

struct sums {
    __int128 customers[CURRENCIES_MAX]; /* available + held, per house index */
    __int128 stakes[CURRENCIES_MAX];    /* of open bets */
};

static size_t house_index(const struct shard_state *state, struct currency currency)
{
    size_t index = 0;
    while (index < state->houses_count && !currency_equal(state->houses[index].currency, currency))
        index++;
    ASSERT(index < state->houses_count); /* every account's currency has its house */
    return index;
}

/* What the bets of one account say. */
struct account_bets {
    uint32_t open;
    uint64_t chained;
    int64_t held;
    bool own;
};

/* Bets of a chain have falling indexes, so a chain that is damaged ends too. */
static struct account_bets walk_account(const struct shard_state *state, uint32_t ref)
{
    struct account_bets sum = {.own = true};
    uint32_t before = state->bets_count;
    for (uint32_t i = state->accounts[ref].bets_last; i < before;
         before = i, i = state->bets[before].next_of_account) {
        const struct shard_bet *bet = &state->bets[i];
        sum.chained++;
        sum.own &= bet->account == ref;
        sum.open += bet->state == BET_STATE_OPEN || bet->state == BET_STATE_PENDING;
        sum.held += bet->state == BET_STATE_PENDING ? bet->stake : 0;
    }
    return sum;
}

static int check_accounts(struct shard_state *state, struct sums *sums)
{
    uint64_t chained = 0;
    for (uint32_t ref = 1; ref <= state->accounts_count; ref++) {
        const struct shard_account *account = &state->accounts[ref];
        struct account_bets bets = walk_account(state, ref);
        REQUIRE(account->held >= 0, "L4: what is held is not negative");
        REQUIRE(account->currency.iso != 0 || (account->available == 0 && account->held == 0),
                "L4: an account without a currency has no money");
        REQUIRE(bets.own && bets.open == account->bets_open,
                "L7: an account's counts are those of its bets");
        REQUIRE(bets.held == account->held, "L4: what is held are the stakes of pending bets");
        chained += bets.chained;
        if (account->currency.iso != 0)
            sums->customers[house_index(state, account->currency)] +=
                (__int128)account->available + account->held;
    }
    REQUIRE(chained == state->bets_count, "L7: an account's counts are those of its bets");
    return 0;
}

static int sum_bets(struct shard_state *state, struct sums *sums)
{
    for (uint32_t i = 0; i < state->bets_count; i++) {
        const struct shard_bet *bet = &state->bets[i];
        struct currency currency = state->accounts[bet->account].currency;
        if (bet->state == BET_STATE_OPEN)
            sums->stakes[house_index(state, currency)] += bet->stake;
        REQUIRE((bet->state == BET_STATE_SETTLED) == (bet->seq_settled != 0),
                "L7: a settled bet has its settlement");
    }
    return 0;
}

/* What the bets of one market say. */
struct market_bets {
    uint32_t unsettled, pending, accepted;
    uint64_t chained;
    __int128 stakes_open;
    bool own;
};

static struct market_bets walk_market(const struct shard_state *state, uint32_t ref)
{
    struct market_bets sum = {.own = true};
    uint32_t before = state->bets_count;
    for (uint32_t i = state->markets[ref].bets_last; i < before;
         before = i, i = state->bets[before].next_of_market) {
        const struct shard_bet *bet = &state->bets[i];
        bool open = bet->state == BET_STATE_OPEN, pending = bet->state == BET_STATE_PENDING;
        sum.chained++;
        sum.own &= bet->market == ref;
        sum.unsettled += open;
        sum.pending += pending;
        sum.accepted += open || bet->state == BET_STATE_SETTLED;
        sum.stakes_open += open || pending ? bet->stake : 0;
    }
    return sum;
}

static int check_markets(struct shard_state *state)
{
    uint64_t chained = 0;
    for (uint32_t ref = 1; ref <= state->markets_count; ref++) {
        const struct shard_market *market = &state->markets[ref];
        struct market_bets bets = walk_market(state, ref);
        REQUIRE(bets.own && bets.unsettled == market->bets_unsettled &&
                    bets.pending == market->bets_pending && bets.accepted == market->bets_count &&
                    bets.stakes_open == market->stakes_open,
                "L7: a market's counts are those of its bets");
        chained += bets.chained;
    }
    REQUIRE(chained == state->bets_count, "L7: a market's counts are those of its bets");
    return 0;
}

int shard_state_check(struct shard_state *state)
{
    struct sums sums = {0};
    state->reason = "";
    TRY(check_accounts(state, &sums));
    TRY(sum_bets(state, &sums));
    TRY(check_markets(state));
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

/* Which request has which verdict: the table's keys, in the order of the verdicts. */
struct verdict_keys {
    struct hash128 *at;
    uint32_t count;
};

static void keep_key(void *context, struct hash128 key, uint32_t value)
{
    struct verdict_keys *keys = context;
    ASSERT(value < keys->count);
    keys->at[value] = key;
}

static int hash_verdict_keys(struct sha256 *sha, const struct shard_state *state)
{
    struct verdict_keys keys = {NULL, state->verdicts_count};
    if (keys.count == 0)
        return 0;
    ASSERT(table_count(state->verdicts_by_key) == keys.count); /* L3: one key, one verdict */
    keys.at = reserve_new(keys.count, sizeof *keys.at);
    if (keys.at == NULL)
        return -ERR_MEMORY;
    table_each(state->verdicts_by_key, keep_key, &keys);
    add_bytes(sha, keys.at, keys.count * sizeof *keys.at);
    reserve_free(keys.at, keys.count, sizeof *keys.at);
    return 0;
}

int shard_state_hash(const struct shard_state *state, uint8_t ret_hash[32])
{
    struct sha256 *sha;
    TRY(sha256_new(&sha));
    sha256_begin(sha);
    add_bytes(sha, state->book_id, sizeof state->book_id);
    add_bytes(sha, state->hash_key, sizeof state->hash_key);
    add_bytes(sha, &state->shard, sizeof state->shard);
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
    int error = hash_verdict_keys(sha, state);
    if (error == 0)
        sha256_end(sha, ret_hash);
    sha256_free(sha);
    return error;
}
