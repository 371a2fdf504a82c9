/* test_any_order.c - results, corrections, rollbacks, windows of time and their undoing come in
 * every order, twice, with restarts between: what is paid in the end is what the highest word of
 * each axis says, to the minor unit (L7). */
#include <stdio.h>
#include <string.h>

#include "book_fixture.h"
#include "test.h"

#include "base/prng.h"
#include "ledger/shard_state_internal.h"

#define GBP        826
#define MARKETS    4
#define SELECTIONS 4
#define BETS       14
/* Under sanitizers one order in eight, by chance: they cost five times as much. */
#ifdef __SANITIZE_ADDRESS__
#define ONE_ORDER_IN 8
#else
#define ONE_ORDER_IN 1
#endif
#define PROMOTION 50000 /* free bets, and as much bonus money */

/* ---- the book before any result ---- */

struct pick {
    char market, selection; /* '1' .. '4', 'a' .. 'd' */
    bool chosen;            /* of a system: else it stands in every line */
};

struct shape {
    struct pick picks[MARKETS];
    int64_t stake;
    uint32_t sizes; /* bit k - 1: every k of those chosen */
    bool each_way;
    enum stake_kind kind;
};

static const struct shape shapes[BETS] = {
    {{{'1', 'a', false}}, 1000, 0, false, STAKE_CASH},
    {{{'1', 'b', false}}, 1000, 0, true, STAKE_CASH},
    {{{'1', 'd', false}}, 700, 0, false, STAKE_CASH},
    {{{'2', 'b', false}}, 334, 0, true, STAKE_BONUS},
    {{{'1', 'a', false}, {'2', 'a', false}}, 501, 0, false, STAKE_CASH},
    {{{'1', 'b', false}, {'2', 'c', false}}, 501, 0, false, STAKE_CASH}, /* its second leg loses */
    {{{'1', 'c', false}, {'2', 'a', false}, {'3', 'a', false}}, 640, 0, true, STAKE_CASH},
    {{{'1', 'a', true}, {'2', 'b', true}, {'3', 'a', true}, {'4', 'a', true}},
     1500,
     0xF,
     false,
     STAKE_CASH}, /* Lucky 15 */
    {{{'1', 'b', true}, {'2', 'a', true}, {'3', 'b', true}, {'4', 'c', true}},
     3000,
     0xF,
     true,
     STAKE_CASH},
    {{{'1', 'b', false}, {'2', 'a', true}, {'3', 'a', true}, {'4', 'a', true}},
     900,
     0x2,
     false,
     STAKE_CASH}, /* a banker, and two of three */
    {{{'1', 'a', false}}, 250, 0, false, STAKE_FREE},
    {{{'1', 'd', false}}, 260, 0, false, STAKE_FREE}, /* its token comes back */
    {{{'1', 'b', true}, {'2', 'a', true}, {'3', 'a', true}}, 700, 0x7, false, STAKE_FREE},
    {{{'1', 'c', false}, {'4', 'a', false}}, 777, 0, false, STAKE_BONUS},
};

static const unsigned prices[SELECTIONS] = {210, 333, 475, 1600}; /* hundredths */

static struct slice letter(const char *at)
{
    return slice_of(at, 1);
}

static void send_market(struct fixture *f, int number)
{
    static const char ids[] = "abcd";
    char id[2] = {'m', (char)('0' + number)}, event[2] = {'e', (char)('0' + number)};
    struct feed_selection selections[SELECTIONS];
    for (int i = 0; i < SELECTIONS; i++) {
        selections[i] = (struct feed_selection){
            letter(&ids[i]), SLICE("A"), SELECTION_ACTIVE, ODDS_NONE, {.win = 0}};
        assert_true(odds_make(prices[i] + (unsigned)number, 100, &selections[i].odds));
    }
    const struct feed_market market = {.provider = SLICE("p"),
                                       .id = slice_of(id, 2),
                                       .event_id = slice_of(event, 2),
                                       .event_name = SLICE("2.30"),
                                       .sport = SLICE("horse_racing"),
                                       .name = SLICE("Win"),
                                       .kind = SLICE("WIN"),
                                       .status = MARKET_ACTIVE,
                                       .feed_time = f->wall,
                                       .place_terms = {2, 1, 4},
                                       .selections = selections,
                                       .selections_count = SELECTIONS};
    struct feed_sink *sink = book_sink(f->book);
    sink->ops->alive(sink, market.provider);
    sink->ops->market(sink, &market);
}

static void place(struct fixture *f, const struct shape *shape, int number)
{
    struct ticket_leg legs[MARKETS] = {0};
    struct leg_names names[MARKETS];
    char ids[MARKETS][2], key[8];
    uint32_t count = 0;
    for (; count < MARKETS && shape->picks[count].market != 0; count++) {
        ids[count][0] = 'm';
        ids[count][1] = shape->picks[count].market;
        legs[count].banker = !shape->picks[count].chosen;
        names[count] =
            (struct leg_names){slice_of(ids[count], 2), letter(&shape->picks[count].selection)};
    }
    const struct bet_request request = {
        .user_id = SLICE("ann"),
        .key = slice_of(key, (size_t)snprintf(key, sizeof key, "k%d", number)),
        .ticket = {.stake = {shape->stake, {GBP}},
                   .policy = PRICE_ANY,
                   .legs = legs,
                   .legs_count = count,
                   .sizes = {shape->sizes},
                   .each_way = shape->each_way,
                   .stake_kind = shape->kind},
        .names = names,
        .request_hash = {(uint64_t)number, 1},
        .transport = TRANSPORT_HTTP,
    };
    assert_int_equal(book_place_bet(f->book, &request, fixture_answer, fixture_cookie(f)),
                     REQUEST_TAKEN);
    fixture_turn(f, 1000);
    assert_int_equal(f->outcome, BET_PLACED);
}

/* What no record gives yet: free bets and bonus money, once the account is there. */
static void promote(struct shard_state *state)
{
    state->accounts[1].free += PROMOTION;
    state->accounts[1].bonus += PROMOTION;
    state->houses[0].promo -= 2 * PROMOTION;
}

static int fold_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct record_view view;
    (void)shard;
    assert_int_equal(record_view_of(record, bytes, &view), 0);
    int error = shard_state_apply(owner, &view);
    assert_string_equal(shard_state_reason(owner), "");
    if (view.head->type == RECORD_MONEY)
        promote(owner);
    return error;
}

static struct shard_state *fold(struct fixture *f)
{
    struct shard_state *state;
    assert_int_equal(shard_state_new(shard_state_limits(book_state(f->book)), &state), 0);
    assert_int_equal(f->log.port.ops->replay(&f->log.port, 0, 1, fold_record, state), 0);
    return state;
}

/* Half of each kind of bet before the window's end and the withdrawal, half behind. */
#define BETWEEN_US (INT64_C(1795000000) * US_PER_SECOND + 5 * US_PER_SECOND)

static void begin(struct fixture *f)
{
    fixture_begin(f);
    assert_int_equal(fixture_deposit(f, "ann", "d", 1000000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    promote((struct shard_state *)book_state(f->book));
    for (int wave = 0; wave < 2; wave++) {
        for (int i = 1; i <= MARKETS; i++)
            send_market(f, i);
        for (int i = 0; i < BETS; i++)
            place(f, &shapes[i], wave * BETS + i);
        assert_int_equal(f->wall.us < BETWEEN_US, wave == 0);
        fixture_turn(f, BETWEEN_US + 1 - f->wall.us);
    }
}

/* ---- words ---- */

struct word {
    enum result_kind kind;
    char market;
    uint64_t version;
    struct leg_result results[SELECTIONS];
    uint32_t position[SELECTIONS], tied[SELECTIONS];
    enum deduction_model model;
    uint32_t deduction; /* of the last selection, which is withdrawn between the waves */
    int64_t until_us;   /* of a window; 0: between the waves */
    unsigned only;      /* a bit for each selection that it names; 0: it is of all */
};

#define HEAT(n, of) ((struct leg_result){true, 0, n, of})
#define WIN         LEG_WON
#define LOSE        LEG_LOST

static const struct word first_wins = {
    RESULT_SET, '1', 1, {WIN, LOSE, LOSE, LOSE}, {1, 2, 3, 4}, {0}, 0, 0, 0, 0};
/* Corrected: two share the first place, and the last had not run. */
static const struct word two_tie = {RESULT_SET,
                                    '1',
                                    2,
                                    {HEAT(1, 2), HEAT(1, 2), LOSE, LEG_VOID},
                                    {1, 1, 3, 0},
                                    {2, 2, 0, 0},
                                    DEDUCT_RULE4,
                                    500,
                                    0,
                                    0};
static const struct word rolled_back = {.kind = RESULT_ROLLBACK, .market = '1', .version = 3};
/* Two share the last place that is paid. */
static const struct word again = {
    RESULT_SET, '1', 4, {LOSE, WIN, LOSE, LEG_VOID}, {2, 1, 2, 0}, {2, 0, 2, 0}, DEDUCT_WINNINGS,
    1620,       0,   0};
static const struct word cancelled = {.kind = RESULT_CANCEL, .market = '1', .version = 1};
static const struct word not_cancelled = {.kind = RESULT_UNDO_CANCEL, .market = '1', .version = 2};
static const struct word cancelled_after_all = {.kind = RESULT_CANCEL, .market = '1', .version = 3};
static const struct word second_race = {RESULT_SET,
                                        '2',
                                        7,
                                        {HEAT(1, 3), HEAT(1, 3), LOSE, LEG_VOID},
                                        {1, 1, 0, 0},
                                        {3, 3, 0, 0},
                                        DEDUCT_PRICE,
                                        2500,
                                        0,
                                        0};
static const struct word second_race_corrected = {
    RESULT_SET, '2', 8, {WIN, LOSE, LOSE, LEG_HALF_WON}, {1, 2, 0, 0}, {0}, 0, 0, 0, 0};
static const struct word third_race = {
    RESULT_SET, '3', 1, {WIN, LEG_HALF_LOST, LOSE, LOSE}, {1, 2, 0, 0}, {0}, 0, 0, 0, 0};
static const struct word fourth_race = {
    RESULT_SET, '4', 1, {WIN, LOSE, LOSE, LOSE}, {1, 3, 2, 4}, {0}, 0, 0, 0, 0};

static bool names(const struct word *word, int selection)
{
    return word->only == 0 ? word->kind == RESULT_SET : (word->only >> selection & 1) != 0;
}

/* Those that it names, one behind the other. */
static size_t said_of(const struct word *word, struct feed_selection_result *ret)
{
    static const char ids[] = "abcd";
    size_t count = 0;
    for (int i = 0; i < SELECTIONS; i++) {
        if (!names(word, i))
            continue;
        ret[count] = (struct feed_selection_result){.selection_id = letter(&ids[i]),
                                                    .open = word->kind == RESULT_ROLLBACK,
                                                    .result = word->results[i],
                                                    .position = word->position[i],
                                                    .tied = word->tied[i]};
        if (i == SELECTIONS - 1 && word->deduction != 0) {
            ret[count].withdrawn_at.us = BETWEEN_US;
            ret[count].deduction = word->deduction;
        }
        count++;
    }
    return count;
}

static void say(struct fixture *f, const struct word *word)
{
    struct feed_selection_result selections[SELECTIONS];
    bool window = word->kind >= RESULT_CANCEL;
    char id[2] = {'m', word->market};
    const struct feed_result result = {
        .provider = SLICE("p"),
        .market_id = slice_of(id, 2),
        .kind = word->kind,
        .result_version = word->version,
        .feed_time = f->wall,
        .void_from = {window ? 1 : 0},
        .void_until = {!window               ? 0
                       : word->until_us == 0 ? BETWEEN_US
                                             : word->until_us},
        .deduction_model = word->model,
        .cap_pence = word->model == DEDUCT_RULE4 ? 90 : 0,
        .selections = selections,
        .selections_count = window ? 0 : said_of(word, selections),
    };
    struct feed_sink *sink = book_sink(f->book);
    sink->ops->alive(sink, result.provider);
    sink->ops->result(sink, &result);
}

/* ---- what is left in the end ---- */

struct ending {
    int64_t available, held, free, bonus;
    int64_t cash, stakes, result, promo;
    struct ending_bet {
        uint8_t state;
        bool token_back;
        int64_t payout;
        struct record_leg_result win[MARKETS], place[MARKETS];
    } bets[2 * BETS];
};

static struct ending_bet ending_of(const struct shard_state *state, const struct shard_bet *bet)
{
    struct ending_bet ret;
    memset(&ret, 0, sizeof ret);
    ret.state = bet->state;
    ret.token_back = shard_token_is_back(state, bet);
    ret.payout = bet->payout;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_leg *leg = shard_state_leg(state, bet->legs_first + i);
        /* What a bet that is lost anyhow knew of its other legs is a matter of the order. */
        if (bet->payout == 0 && !ret.token_back)
            continue;
        ret.win[i] = leg->win;
        ret.place[i] = leg->place;
    }
    return ret;
}

static void check_ending(const struct ending *e)
{
    assert_int_equal(e->available + e->held + e->free + e->bonus + e->cash + e->stakes + e->result +
                         e->promo,
                     0); /* L4 */
}

/* The book rests: what it holds, which a fold of its log says as well (L5). */
static struct ending end(struct fixture *f, uint64_t *ret_records)
{
    struct ending e;
    uint8_t live[32], folded[32];
    for (int i = 0; i < 40; i++)
        fixture_turn(f, 1000);
    struct shard_state *state = (struct shard_state *)book_state(f->book), *other = fold(f);
    assert_int_equal(shard_state_check(state), 0);
    assert_int_equal(shard_state_hash(state, live), 0);
    assert_int_equal(shard_state_hash(other, folded), 0);
    assert_memory_equal(live, folded, sizeof live);
    shard_state_free(other);
    const struct shard_account *account = shard_state_account(state, (struct account_ref){1});
    const struct shard_house *house = shard_state_house(state, 0);
    memset(&e, 0, sizeof e);
    e.available = account->available, e.held = account->held;
    e.free = account->free, e.bonus = account->bonus;
    e.cash = house->cash, e.stakes = house->stakes;
    e.result = house->result, e.promo = house->promo;
    for (uint32_t i = 0; i < 2 * BETS; i++)
        e.bets[i] = ending_of(state, shard_state_bet(state, i));
    check_ending(&e);
    *ret_records = shard_state_seq(state);
    fixture_end(f);
    return e;
}

/* ---- orders ---- */

/* How a sequence of words is given: by chance there are turns, duplicates and restarts between. */
struct giving {
    struct prng prng;
    bool restarts, duplicates;
    uint64_t fewest, most; /* records that it took */
};

/* A crash loses what was not durable; the feed says it all again. */
static void restart(struct fixture *f, const struct word *const *words, size_t count)
{
    f->warm = fold(f);
    fixture_restart(f);
    for (size_t i = 0; i < count; i++)
        say(f, words[i]);
}

static struct ending give(struct giving *how, const struct word *const *words, size_t count)
{
    struct fixture f;
    uint64_t records;
    begin(&f);
    for (size_t i = 0; i < count; i++) {
        say(&f, words[i]);
        if (how->duplicates && prng_below(&how->prng, 2) == 0)
            say(&f, words[prng_below(&how->prng, i + 1)]);
        for (uint64_t turns = prng_below(&how->prng, 4); turns > 0; turns--)
            fixture_turn(&f, 1000);
        if (how->restarts && prng_below(&how->prng, 4) == 0)
            restart(&f, words, i + 1);
    }
    struct ending e = end(&f, &records);
    how->fewest = how->fewest == 0 || records < how->fewest ? records : how->fewest;
    how->most = records > how->most ? records : how->most;
    return e;
}

static void must_be(const struct ending *e, const struct ending *expected)
{
    for (size_t i = 0; i < 2 * BETS; i++) {
        assert_int_equal(e->bets[i].state, expected->bets[i].state);
        assert_int_equal(e->bets[i].payout, expected->bets[i].payout);
        assert_memory_equal(&e->bets[i], &expected->bets[i], sizeof e->bets[i]);
    }
    assert_memory_equal(e, expected, sizeof *e);
}

static void swap(const struct word **a, const struct word **b)
{
    const struct word *t = *a;
    *a = *b;
    *b = t;
}

/* Every order of the words from `at` on; those before it stay where they are. */
static void every_order(struct giving *how, const struct word **words, size_t at, size_t count,
                        const struct ending *expected)
{
    if (at == count) {
        if (prng_below(&how->prng, ONE_ORDER_IN) != 0)
            return;
        const struct ending e = give(how, words, count);
        must_be(&e, expected);
        return;
    }
    for (size_t i = at; i < count; i++) {
        swap(&words[at], &words[i]);
        every_order(how, words, at + 1, count, expected);
        swap(&words[at], &words[i]);
    }
}

#define COUNT_OF(words) (sizeof(words) / sizeof *(words))

static struct ending only(const struct word *const *words, size_t count)
{
    struct giving plainly = {.restarts = false};
    prng_seed(&plainly.prng, 1);
    return give(&plainly, words, count);
}

TEST(any_order, a_rollback_is_the_highest_word)
{
    const struct word *words[] = {&third_race, &first_wins,    &two_tie,    &rolled_back,
                                  &cancelled,  &not_cancelled, &second_race};
    const struct word *const highest[] = {&rolled_back, &not_cancelled, &second_race, &third_race};
    struct giving how = {.restarts = true};
    prng_seed(&how.prng, 2);
    const struct ending expected = only(highest, COUNT_OF(highest));
    assert_int_equal(expected.bets[0].state, BET_STATE_OPEN);
    every_order(&how, words, 1, COUNT_OF(words), &expected);
    assert_true(how.most > how.fewest + 20); /* bets were paid and taken back in some of them */
}

TEST(any_order, a_window_and_a_correction_are_the_highest_words)
{
    const struct word *words[] = {
        &fourth_race,   &cancelled,           &first_wins,  &two_tie,
        &not_cancelled, &cancelled_after_all, &second_race, &second_race_corrected};
    const struct word *const highest[] = {&two_tie, &cancelled_after_all, &second_race_corrected,
                                          &fourth_race};
    struct giving how = {.duplicates = true};
    prng_seed(&how.prng, 3);
    const struct ending expected = only(highest, COUNT_OF(highest));
    assert_int_equal(expected.bets[0].payout, 1000);                /* within the window */
    assert_int_equal(expected.bets[BETS].payout, 1000 * 211 / 200); /* half at 2.11 */
    assert_true(expected.bets[11].token_back && expected.bets[BETS + 11].token_back);
    every_order(&how, words, 2, COUNT_OF(words), &expected);
    assert_true(how.most > how.fewest + 20);
}

TEST(any_order, many_words_by_chance_with_duplicates_and_restarts)
{
    const struct word *words[] = {&first_wins, &two_tie,       &rolled_back, &again,
                                  &cancelled,  &not_cancelled, &second_race, &second_race_corrected,
                                  &third_race, &fourth_race};
    const struct word *const highest[] = {&again, &not_cancelled, &second_race_corrected,
                                          &third_race, &fourth_race};
    struct giving how = {.duplicates = true, .restarts = true};
    prng_seed(&how.prng, 4);
    const struct ending expected = only(highest, COUNT_OF(highest));
    for (size_t i = 0; i < 2 * BETS; i++)
        assert_int_equal(expected.bets[i].state, BET_STATE_SETTLED);
    for (int i = 0; i < 400 / ONE_ORDER_IN; i++) {
        for (size_t k = COUNT_OF(words) - 1; k > 0; k--)
            swap(&words[k], &words[prng_below(&how.prng, k + 1)]);
        const struct ending e = give(&how, words, COUNT_OF(words));
        must_be(&e, &expected);
    }
    assert_true(how.most > how.fewest + 20);
}

/* ---- words on some selections ---- */

enum { A = 1, B = 2, C = 4, D = 8 };

static const struct word only_a_rolled_back = {
    .kind = RESULT_ROLLBACK, .market = '1', .version = 5, .only = A};
static const struct word only_b_and_d = {.kind = RESULT_SET,
                                         .market = '1',
                                         .version = 6,
                                         .results = {LOSE, WIN, LOSE, LEG_VOID},
                                         .position = {0, 1, 0, 0},
                                         .model = DEDUCT_WINNINGS,
                                         .deduction = 1500,
                                         .only = B | D};
static const struct word only_c_voided = {.kind = RESULT_SET,
                                          .market = '1',
                                          .version = 7,
                                          .results = {LOSE, LOSE, LEG_VOID, LOSE},
                                          .only = C};
static const struct word only_a_won = {.kind = RESULT_SET,
                                       .market = '1',
                                       .version = 8,
                                       .results = {WIN, LOSE, LOSE, LOSE},
                                       .position = {1, 0, 0, 0},
                                       .only = A};
static const struct word only_d_withdrawn = {.kind = RESULT_SET,
                                             .market = '1',
                                             .version = 1,
                                             .results = {LOSE, LOSE, LOSE, LEG_VOID},
                                             .model = DEDUCT_RULE4,
                                             .deduction = 500,
                                             .only = D};
static const struct word only_d_ran = {
    .kind = RESULT_ROLLBACK, .market = '1', .version = 9, .only = D};
static const struct word only_d_reduced = {.kind = RESULT_SET,
                                           .market = '1',
                                           .version = 10,
                                           .results = {LOSE, LOSE, LOSE, LEG_VOID},
                                           .model = DEDUCT_PRICE,
                                           .deduction = 1100,
                                           .only = D};

TEST(any_order, a_rollback_of_one_selection_counts_before_and_behind_its_result)
{
    const struct word *words[] = {&third_race,         &second_race, &two_tie,
                                  &only_a_rolled_back, &first_wins,  &only_d_withdrawn};
    const struct word *const rising[] = {&third_race, &second_race, &two_tie, &only_a_rolled_back};
    struct giving how = {.restarts = true, .duplicates = true};
    prng_seed(&how.prng, 5);
    const struct ending expected = only(rising, COUNT_OF(rising));
    assert_int_equal(expected.bets[0].state, BET_STATE_OPEN);
    assert_int_equal(expected.bets[2].state, BET_STATE_SETTLED);
    every_order(&how, words, 1, COUNT_OF(words), &expected);
}

TEST(any_order, words_on_some_selections_count_each_for_itself)
{
    const struct word *words[] = {&third_race,   &second_race,   &fourth_race,
                                  &two_tie,      &rolled_back,   &only_a_rolled_back,
                                  &only_b_and_d, &only_c_voided, &only_a_won};
    const struct word *const rising[] = {&third_race,   &second_race,   &fourth_race, &rolled_back,
                                         &only_b_and_d, &only_c_voided, &only_a_won};
    struct giving how = {.restarts = true, .duplicates = true};
    prng_seed(&how.prng, 6);
    const struct ending expected = only(rising, COUNT_OF(rising));
    for (size_t i = 0; i < 2 * BETS; i++)
        assert_int_equal(expected.bets[i].state, BET_STATE_SETTLED);
    assert_int_equal(expected.bets[0].payout, 1000 + 1110 * 85 / 100); /* 15% of its winnings */
    every_order(&how, words, 3, COUNT_OF(words), &expected);
    assert_true(how.most > how.fewest + 20);
}

/* Its model is the newest word's, whether its runner was withdrawn by that or before. */
TEST(any_order, how_withdrawn_runners_deduct_is_the_newest_word)
{
    const struct word *words[] = {&second_race, &third_race, &fourth_race,    &first_wins,
                                  &two_tie,     &only_d_ran, &only_d_reduced, &only_b_and_d};
    const struct word *const rising[] = {&second_race, &third_race,   &fourth_race,
                                         &two_tie,     &only_b_and_d, &only_d_reduced};
    struct giving how = {.restarts = true, .duplicates = true};
    prng_seed(&how.prng, 7);
    const struct ending expected = only(rising, COUNT_OF(rising));
    every_order(&how, words, 3, COUNT_OF(words), &expected);
}

/* Nothing is paid by a guess: the bet waits until somebody says it in one model. */
TEST(any_order, deductions_of_two_models_decide_nothing)
{
    struct word by_another = only_a_won;
    by_another.model = DEDUCT_RULE4; /* behind only_b_and_d, whose runner deducts from winnings */
    const struct word *words[] = {&second_race,  &third_race,    &fourth_race, &rolled_back,
                                  &only_b_and_d, &only_c_voided, &by_another};
    struct giving how = {.restarts = true, .duplicates = true};
    prng_seed(&how.prng, 8);
    const struct ending expected = only(words, COUNT_OF(words));
    assert_int_equal(expected.bets[0].state, BET_STATE_OPEN);
    assert_int_equal(expected.bets[BETS].state, BET_STATE_SETTLED); /* placed behind it */
    assert_int_equal(expected.bets[BETS].payout, 2110);
    every_order(&how, words, 3, COUNT_OF(words), &expected);
}

/* The window's end is still to come when the bet is placed. */
TEST(any_order, a_bet_within_a_window_in_force_is_void)
{
    struct fixture f;
    uint64_t records;
    struct word later = cancelled;
    begin(&f);
    later.until_us = f.wall.us + US_PER_SECOND;
    say(&f, &later);
    send_market(&f, 1);
    place(&f, &shapes[0], 100);
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    uint32_t last = shard_state_bets_count(book_state(f.book)) - 1;
    const struct shard_bet *bet = shard_state_bet(book_state(f.book), last);
    assert_int_equal(bet->state, BET_STATE_SETTLED);
    assert_int_equal(bet->payout, 1000);
    (void)end(&f, &records);
}

TEST(any_order, a_rollback_of_one_selection_leaves_the_deductions_of_another)
{
    struct fixture f;
    uint64_t records;
    struct word one = rolled_back;
    begin(&f);
    say(&f, &two_tie);
    one.only = 1;
    say(&f, &one);
    const struct shard_market *market =
        shard_state_market(book_state(f.book), (struct market_ref){1});
    assert_int_equal(market->result_version, 3);
    assert_int_equal(market->deduction_model, DEDUCT_RULE4);
    assert_int_equal(market->cap_pence, 90);
    const struct ending e = end(&f, &records);
    assert_int_equal(e.bets[0].state, BET_STATE_OPEN);
    assert_int_equal(e.bets[2].state, BET_STATE_SETTLED); /* on the last, which was withdrawn */
}
