/* test_shard_model.c - 20,000 random records, applied to the fold and to the model of model.h:
 * after every one they agree on all money, and the same record with one thing changed that
 * matters is refused before it. */
#include "test.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/prng.h"
#include "maker.h"
#include "model.h"

#define STEPS 20000

struct walk {
    struct maker maker;
    struct model model;
    struct prng prng;
    unsigned keys;
    unsigned done[RECORD_CASH_OUT + 1], pending, refused, not_accepted;
    unsigned mutants;
};

static unsigned below(struct walk *w, unsigned bound)
{
    return (unsigned)prng_below(&w->prng, bound);
}

/* A new key each time; the text lives until the next call. */
static const char *new_key(struct walk *w)
{
    static char text[16];
    struct buf key = buf_over(text, sizeof text);
    buf_printf(&key, "k%u%c", w->keys++, 0);
    return text;
}

/* ---- agreement ---- */

static enum bet_state state_of(enum model_bet_state state)
{
    switch (state) {
    case MODEL_PENDING:
        return BET_STATE_PENDING;
    case MODEL_OPEN:
        return BET_STATE_OPEN;
    case MODEL_PAID:
        return BET_STATE_SETTLED;
    case MODEL_BOUGHT_BACK:
        return BET_STATE_CASHED_OUT;
    case MODEL_NOT_ACCEPTED:
        break;
    }
    return BET_STATE_NOT_ACCEPTED;
}

static void agree_on_bet(const struct walk *w, int index)
{
    const struct model_bet *bet = &w->model.bets[index];
    const struct shard_bet *folded = shard_state_bet(w->maker.state, (uint32_t)index);
    assert_int_equal(folded->state, state_of(bet->state));
    assert_int_equal(folded->stake, bet->stake);
    assert_int_equal(folded->payout, bet->paid);
    assert_int_equal(folded->settlement, bet->payments);
    const struct shard_leg *leg = shard_state_leg(w->maker.state, folded->legs_first);
    assert_int_equal(leg->odds.numerator, bet->odds_over);
    assert_int_equal(leg->odds.denominator, bet->odds_under);
}

static void agree(const struct walk *w)
{
    const struct shard_state *state = w->maker.state;
    for (uint32_t user = 0; user < MODEL_USERS; user++) {
        const struct shard_account *account =
            shard_state_account(state, (struct account_ref){user + 1});
        assert_int_equal(account->available, w->model.available[user]);
        assert_int_equal(account->held, w->model.held[user]);
        assert_int_equal(account->bets_open, w->model.open_bets[user]);
    }
    const struct shard_house *house = shard_state_house(state, 0);
    assert_int_equal(house->cash, w->model.cash);
    assert_int_equal(house->stakes, w->model.stakes);
    assert_int_equal(house->result, w->model.result);
    assert_int_equal(shard_state_bets_count(state), w->model.bets_count);
}

/* ---- mutants ---- */

/* Flips a bit of the record made last, with a right checksum, at a place that must matter: the
 * money, the refs, the numbers. `begin` and `bytes` are of the body. */
static void mutate(struct walk *w, size_t begin, size_t bytes)
{
    struct maker *m = &w->maker;
    struct record_head *head = (struct record_head *)(void *)m->memory;
    char *at = m->memory + sizeof *head + begin + below(w, (unsigned)bytes);
    char mask = (char)(1 << below(w, 8));
    struct record_view view;
    uint64_t seq = shard_state_seq(m->state);
    *at = (char)(*at ^ mask);
    head->crc = crc32c(0, m->memory + 8, head->bytes - 8);
    int error = record_view_of(head, head->bytes, &view);
    if (error == 0)
        error = shard_state_apply(m->state, &view);
    if (error != -ERR_CORRUPT || shard_state_seq(m->state) != seq)
        fail_msg("seq %llu type %u: a mutant at byte %zu of the body was applied",
                 (unsigned long long)head->seq, head->type,
                 (size_t)(at - m->memory) - sizeof *head);
    *at = (char)(*at ^ mask);
    head->crc = crc32c(0, m->memory + 8, head->bytes - 8);
    w->mutants++;
}

/* The record with a posting too many, too few, or a bit of a posting flipped. */
static void mutate_postings(struct walk *w, const struct parts *good)
{
    struct parts bad = *good;
    unsigned which = below(w, (unsigned)good->draft.postings_count);
    char *at = (char *)&bad.postings[which] + below(w, sizeof bad.postings[0]);
    *at = (char)(*at ^ 1 << below(w, 8));
    assert_int_equal(maker_apply(&w->maker, &bad), -ERR_CORRUPT);
    bad = *good;
    bad.draft.postings_count--;
    assert_int_equal(maker_apply(&w->maker, &bad), -ERR_CORRUPT);
    w->mutants += 2;
}

#define FIELDS(type, from, to)                                                                     \
    offsetof(struct type, from), offsetof(struct type, to) - offsetof(struct type, from)

static void mutate_any(struct walk *w, const struct parts *good)
{
    if (good->draft.postings_count > 0)
        mutate_postings(w, good);
    struct parts bad = *good;
    bad.draft.seq += 1 + below(w, 3);
    assert_int_equal(maker_apply(&w->maker, &bad), -ERR_CORRUPT);
    maker_encode(&w->maker, good);
    switch (good->draft.type) {
    case RECORD_MONEY:
        mutate(w, FIELDS(record_money, balance_after, kind));
        if (good->draft.postings_count > 0) /* what was refused may be any amount */
            mutate(w, FIELDS(record_money, amount, balance_after));
        break;
    case RECORD_BET:
        mutate(w, FIELDS(record_bet, balance_after, decide_at_us));
        if (good->draft.postings_count > 0)
            mutate(w, FIELDS(record_bet, stake, balance_after));
        break;
    case RECORD_RELEASE:
        mutate(w, FIELDS(record_release, bet_id, outcome));
        break;
    case RECORD_SETTLE:
        mutate(w, FIELDS(record_settle, bet_id, reserved));
        break;
    case RECORD_REVERSE:
        mutate(w, FIELDS(record_reverse, bet_id, reserved));
        break;
    case RECORD_CASH_OUT:
        mutate(w, FIELDS(record_cash_out, stake, accepted));
        mutate(w, FIELDS(record_cash_out, fair, offer_until_us));
        break;
    case RECORD_RESULT:
        mutate(w, FIELDS(record_result, previous_seq, market));
        break;
    case RECORD_REFERRAL:
    case RECORD_LIMITS:
    case RECORD_ADJUSTMENT:
    case RECORD_PROPOSAL:
    case RECORD_DECISION:
    case RECORD_RELAYED:
    case RECORD_FENCE:
    case RECORD_GENESIS:
    case RECORD_OPENED:
    case RECORD_ACCOUNT:
    case RECORD_MARKET:
    case RECORD_SELECTIONS:
        break;
    }
}

static void apply(struct walk *w, const struct parts *parts)
{
    mutate_any(w, parts);
    maker_accept(&w->maker, parts);
    w->done[parts->draft.type]++;
}

/* ---- steps; each answers false when there is nothing to do it to ---- */

static bool step_cash(struct walk *w)
{
    int user = (int)below(w, MODEL_USERS);
    int64_t amount = 1 + below(w, 5000);
    if (below(w, 3) > 0) {
        struct parts deposit = parts_deposit(&w->maker, (uint32_t)user + 1, amount, new_key(w));
        apply(w, &deposit);
        model_cash(&w->model, user, amount);
        return true;
    }
    bool enough = w->model.available[user] >= amount;
    struct parts out = enough ? parts_withdrawal(&w->maker, (uint32_t)user + 1, amount, new_key(w))
                              : parts_money_refused(&w->maker, (uint32_t)user + 1, new_key(w));
    apply(w, &out);
    if (enough)
        model_cash(&w->model, user, -amount);
    return true;
}

static struct odds random_odds(struct walk *w)
{
    uint32_t under = 1 + below(w, 200);
    return (struct odds){under + 1 + below(w, 2000), under};
}

static bool step_bet(struct walk *w)
{
    int user = (int)below(w, MODEL_USERS), market = (int)below(w, MODEL_MARKETS);
    int64_t stake = 1 + below(w, 3000);
    struct odds odds = random_odds(w);
    struct model_bet bet = {.state = below(w, 3) == 0 ? MODEL_PENDING : MODEL_OPEN,
                            .user = user,
                            .market = market,
                            .runner = (int)below(w, MODEL_RUNNERS),
                            .stake = stake,
                            .odds_over = odds.numerator,
                            .odds_under = odds.denominator,
                            .rounding = 1 + (int)below(w, 3),
                            .stops_before = w->model.stops_count[market]};
    bool open = !w->model.stopped[market] && w->model.results_count[market] == 0;
    bool yes = open && w->model.available[user] >= stake && w->model.bets_count < MODEL_BETS;
    uint32_t account = (uint32_t)user + 1, ref = (uint32_t)market + 1;
    struct parts parts = !yes ? parts_refused(&w->maker, account, ref, new_key(w))
                         : bet.state == MODEL_PENDING
                             ? parts_pending(&w->maker, account, ref, new_key(w))
                             : parts_bet(&w->maker, account, ref, new_key(w));
    parts.items.legs[0].selection = (uint16_t)bet.runner;
    parts.body.bet.rounding = (uint8_t)bet.rounding;
    parts_stake(&w->maker, &parts, stake, odds);
    if (yes)
        parts.body.bet.potential_return = model_return(
            stake, bet.odds_over, bet.odds_under, (struct model_result){1, 1, 0, 1}, bet.rounding);
    apply(w, &parts);
    if (yes)
        model_place(&w->model, &bet);
    w->pending += yes && bet.state == MODEL_PENDING;
    w->refused += !yes;
    return true;
}

/* A random bet in this state, from a random place on; -1 for none. */
static int find_bet(struct walk *w, enum model_bet_state state)
{
    const struct model *m = &w->model;
    if (m->bets_count == 0)
        return -1;
    int first = (int)below(w, (unsigned)m->bets_count);
    for (int i = 0; i < m->bets_count; i++) {
        int index = (first + i) % m->bets_count;
        if (m->bets[index].state == state)
            return index;
    }
    return -1;
}

static bool step_release(struct walk *w)
{
    int index = find_bet(w, MODEL_PENDING);
    if (index < 0)
        return false;
    struct model_bet *bet = &w->model.bets[index];
    bool open = w->model.stops_count[bet->market] == bet->stops_before &&
                w->model.results_count[bet->market] == 0;
    bool yes = open && below(w, 4) > 0;
    struct parts release =
        parts_release(&w->maker, (uint32_t)index, yes ? BET_PLACED : BET_MARKET_SUSPENDED);
    int64_t over = bet->odds_over;
    if (yes && over > bet->odds_under + 1 && below(w, 2) == 0)
        over--; /* the price fell meanwhile */
    release.items.legs[0].odds_numerator = (uint32_t)over;
    apply(w, &release);
    if (yes)
        model_accept(&w->model, index, over, bet->odds_under);
    else
        model_give_back(&w->model, index);
    w->not_accepted += !yes;
    agree_on_bet(w, index);
    return true;
}

static bool step_fence(struct walk *w)
{
    int market = (int)below(w, MODEL_MARKETS);
    if (w->model.results_count[market] > 0)
        return false;
    bool stop = below(w, 3) == 0;
    struct parts fence = parts_fence(&w->maker, (uint32_t)market + 1,
                                     stop ? MARKET_SUSPENDED_STATUS : MARKET_ACTIVE);
    if (stop && below(w, 2) == 0)
        fence.items.fenced[0] =
            (struct record_fenced){(uint32_t)market + 1, MARKET_ACTIVE, HOLD_TRADER, 0};
    apply(w, &fence);
    w->model.stopped[market] = stop;
    w->model.stops_count[market] += stop;
    return true;
}

/* A market with a result takes no bets any more, so the first result is rare. */
static bool step_result(struct walk *w)
{
    int market = (int)below(w, MODEL_MARKETS);
    if (w->model.results_count[market] == 0 && (market == 0 || below(w, 150) > 0))
        return false;
    struct parts result = parts_result(&w->maker, (uint32_t)market + 1, LEG_WON);
    for (int runner = 0; runner < MODEL_RUNNERS; runner++) {
        struct model_result r = {below(w, 8) > 0, below(w, 2) == 0, (int)below(w, 3),
                                 1 + (int)below(w, 3)};
        if (!r.known)
            r = (struct model_result){0, 0, 0, 0};
        w->model.results[market][runner] = r;
        result.items.results[runner].win = (struct record_leg_result){
            (uint8_t)r.known,         (uint8_t)r.won,    (uint8_t)r.void_halves, 0,
            (uint16_t)(r.known != 0), (uint16_t)r.tie_of};
    }
    apply(w, &result);
    w->model.results_count[market]++;
    return true;
}

static bool step_settle(struct walk *w)
{
    int index = find_bet(w, MODEL_OPEN);
    if (index < 0)
        return false;
    const struct model_bet *bet = &w->model.bets[index];
    struct model_result r = w->model.results[bet->market][bet->runner];
    struct parts settle = parts_settle(&w->maker, (uint32_t)index);
    if (!r.known) {
        assert_int_equal(maker_apply(&w->maker, &settle), -ERR_CORRUPT);
        return false;
    }
    /* What is paid is the model's word, not that of the code under test. */
    int64_t paid = model_return(bet->stake, bet->odds_over, bet->odds_under, r, bet->rounding);
    settle.body.settle.payout = paid;
    settle.body.settle.balance_after = w->model.available[bet->user] + paid;
    settle.postings[1].amount = paid;
    settle.postings[2].amount = bet->stake - paid;
    apply(w, &settle);
    model_pay(&w->model, index);
    agree_on_bet(w, index);
    return true;
}

static bool step_reverse(struct walk *w)
{
    int index = find_bet(w, MODEL_PAID);
    if (index < 0)
        return false;
    const struct model_bet *bet = &w->model.bets[index];
    struct model_result now = w->model.results[bet->market][bet->runner];
    struct parts reverse = parts_reverse(&w->maker, (uint32_t)index);
    if (memcmp(&now, &bet->paid_by, sizeof now) == 0) {
        assert_int_equal(maker_apply(&w->maker, &reverse), -ERR_CORRUPT);
        return false;
    }
    apply(w, &reverse);
    model_take_back(&w->model, index);
    agree_on_bet(w, index);
    return true;
}

static bool step_cash_out(struct walk *w)
{
    int index = find_bet(w, MODEL_OPEN);
    if (index < 0)
        return false;
    const struct model_bet *bet = &w->model.bets[index];
    bool open = !w->model.stopped[bet->market] && w->model.results_count[bet->market] == 0;
    int64_t part = below(w, 2) == 0 ? bet->stake : 1 + (int64_t)below(w, (unsigned)bet->stake);
    if (bet->buys == CASH_OUTS_OF_BET_MAX || model_value(bet, part) == 0)
        return false;
    struct parts parts = parts_cash_out(&w->maker, (uint32_t)index, part, new_key(w));
    if (!open) {
        assert_int_equal(maker_apply(&w->maker, &parts), -ERR_CORRUPT);
        return false;
    }
    assert_int_equal(parts.body.cash_out.value, model_value(bet, part));
    apply(w, &parts);
    model_buy_back(&w->model, index, part);
    agree_on_bet(w, index);
    return true;
}

static void begin(struct walk *w, uint64_t seed)
{
    static const char *const users[MODEL_USERS] = {"ada", "bob", "cy", "di", "ed", "flo"};
    prng_seed(&w->prng, seed);
    maker_begin(&w->maker);
    for (uint32_t user = 0; user < MODEL_USERS; user++) {
        struct parts account = parts_account(&w->maker, users[user]);
        maker_accept(&w->maker, &account);
        struct parts deposit = parts_deposit(&w->maker, user + 1, 10000, new_key(w));
        maker_accept(&w->maker, &deposit);
        model_cash(&w->model, (int)user, 10000);
    }
    for (int market = 0; market < MODEL_MARKETS; market++) {
        char id[2] = {(char)('1' + market), 0};
        struct parts parts = parts_market(&w->maker, id, MODEL_RUNNERS);
        maker_accept(&w->maker, &parts);
    }
}

static bool step(struct walk *w)
{
    static bool (*const steps[])(struct walk *) = {
        step_cash,    step_bet,    step_bet,    step_bet,    step_bet,     step_release,
        step_release, step_fence,  step_result, step_settle, step_settle,  step_settle,
        step_reverse, step_settle, step_settle, step_bet,    step_reverse, step_cash_out,
    };
    return steps[below(w, sizeof steps / sizeof *steps)](w);
}

static void run(uint64_t seed)
{
    struct walk *w = test_calloc(1, sizeof *w);
    begin(w, seed);
    for (int steps = 0; steps < STEPS;) {
        if (!step(w))
            continue;
        agree(w);
        if (++steps % 1000 == 0) {
            assert_int_equal(shard_state_check(w->maker.state), 0);
            for (int i = 0; i < w->model.bets_count; i++)
                agree_on_bet(w, i);
        }
    }
    /* The walk was no walk past the interesting places. */
    assert_true(w->done[RECORD_SETTLE] > 500 && w->done[RECORD_REVERSE] > 100);
    assert_true(w->done[RECORD_CASH_OUT] > 100);
    assert_true(w->done[RECORD_RESULT] > 100 && w->done[RECORD_FENCE] > 100);
    assert_true(w->pending > 100 && w->refused > 100 && w->not_accepted > 20);
    assert_true(w->mutants > STEPS);
    maker_done(&w->maker);
    test_free(w);
}

TEST(shard_model, the_fold_agrees_with_a_slow_model_over_random_records)
{
    run(20261122);
}

TEST(shard_model, the_fold_agrees_with_a_slow_model_on_another_walk)
{
    run(7);
}

/* The model itself, on figures of BETTING-RULES 4.1 and 4.2. */
TEST(shard_model, the_model_pays_the_worked_examples)
{
    const struct model_result won = {1, 1, 0, 1}, lost = {1, 0, 0, 1}, half = {1, 1, 1, 1};
    const struct model_result half_lost = {1, 0, 1, 1}, tie = {1, 1, 0, 3};
    assert_int_equal(model_return(1000, 41, 20, won, 1), 2050);
    assert_int_equal(model_return(1000, 41, 20, lost, 1), 0);
    assert_int_equal(model_return(1000, 41, 20, half, 1), 1525);
    assert_int_equal(model_return(101, 2, 1, half_lost, 1), 50);
    assert_int_equal(model_return(101, 2, 1, half_lost, 2), 51);
    assert_int_equal(model_return(101, 2, 1, half_lost, 3), 50);
    assert_int_equal(model_return(2000, 4, 1, tie, 1), 2666);
}
