/* test_liability.c - what an outcome may cost (core/liability.h; BETTING-RULES 4.12). */
#include "test.h"

#include "base/prng.h"
#include "core/bet_return.h"
#include "core/liability.h"

#ifdef OVERROUND_SLOW_ASSERTS
#define ROUNDS 300 /* the build with sanitizers */
#else
#define ROUNDS 3000
#endif

#define GBP ((struct currency){826})

#define MARKETS  3
#define OUTCOMES 3
#define WORLDS   27 /* OUTCOMES to the power of MARKETS */
#define TICKETS  8

static struct ticket ticket_of(int64_t stake, uint32_t legs, enum stake_kind kind)
{
    return (struct ticket){.stake = money_of(stake, GBP), .legs_count = legs, .stake_kind = kind};
}

TEST(liability, a_single_costs_what_it_wins_and_its_stake_covers_the_others)
{
    /* A market of two: 100 at 3.00 on one, 200 at 1.50 on the other. */
    struct ticket a = ticket_of(100, 1, STAKE_CASH);
    struct ticket b = ticket_of(200, 1, STAKE_CASH);
    struct liability_share of_a = liability_of_ticket(&a, 300);
    struct liability_share of_b = liability_of_ticket(&b, 300);
    assert_int_equal(of_a.returns_minor, 300);
    assert_int_equal(of_a.stake_minor, 100);
    struct outcome_exposure first = {of_a.returns_minor, 0, of_a.stake_minor + of_b.stake_minor};
    assert_int_equal(liability_of_outcome(&first), 0); /* 300 out, 300 in */
    first.beside_minor = of_b.returns_minor;           /* the other may win as well */
    assert_int_equal(liability_of_outcome(&first), 300);
    assert_int_equal(liability_room(500, &first), 200);
    assert_int_equal(liability_room(250, &first), -50);
    assert_int_equal(liability_room(LIABILITY_UNLIMITED, &first), LIABILITY_UNLIMITED);
}

TEST(liability, other_bets_count_in_full_on_each_leg)
{
    static const struct {
        const char *name;
        uint32_t legs;
        bool each_way;
        enum stake_kind kind;
        int64_t returns, stake;
    } rows[] = {
        {"a single", 1, false, STAKE_CASH, 900, 100},
        {"a double", 2, false, STAKE_CASH, 800, 0},
        {"each-way", 1, true, STAKE_CASH, 800, 0},
        {"a token", 1, false, STAKE_FREE, 900, 0},
        {"bonus", 1, false, STAKE_BONUS, 900, 0},
        {"a free double", 2, false, STAKE_FREE, 900, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ticket ticket = ticket_of(100, rows[i].legs, rows[i].kind);
        ticket.each_way = rows[i].each_way;
        struct liability_share share = liability_of_ticket(&ticket, 900);
        if (share.returns_minor != rows[i].returns || share.stake_minor != rows[i].stake)
            fail_msg("%s: %jd less %jd", rows[i].name, (intmax_t)share.returns_minor,
                     (intmax_t)share.stake_minor);
        assert_int_equal(share.returns_minor - share.stake_minor, liability_cost(&ticket, 900));
    }
}

TEST(liability, sums_stop_at_the_ends)
{
    struct outcome_exposure exposure = {INT64_MAX, 1, -1};
    assert_int_equal(liability_of_outcome(&exposure), INT64_MAX);
    assert_int_equal(liability_room(-1, &exposure), INT64_MIN);
    assert_int_equal(liability_room(-5, &exposure), INT64_MIN);
    exposure = (struct outcome_exposure){INT64_MIN, -1, 1};
    assert_int_equal(liability_of_outcome(&exposure), INT64_MIN);
    assert_int_equal(liability_room(5, &exposure), INT64_MAX);
}

TEST(liability, stops_at_a_mistake)
{
    struct ticket ticket = ticket_of(100, 1, STAKE_CASH);
    expect_assert_failure(liability_of_ticket(&ticket, -1));
}

/* Of the outcomes beside one, the dearest sets: by brute force over all sets of so many. */
TEST(liability, the_dearest_that_win_beside_it_are_found_in_any_order)
{
    struct prng prng;
    prng_seed(&prng, 77);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t costs[10];
        uint32_t count = (uint32_t)prng_below(&prng, 11), winners = (uint32_t)prng_below(&prng, 6);
        struct liability_beside beside = liability_beside_begin(winners);
        for (uint32_t i = 0; i < count; i++) {
            costs[i] = (int64_t)prng_below(&prng, 50);
            liability_beside_put(&beside, costs[i]);
        }
        int64_t dearest = 0;
        for (uint32_t set = 0; set < 1u << count; set++) {
            int64_t sum = 0;
            if (winners != 0 && __builtin_popcount(set) > (int)winners - 1)
                continue;
            for (uint32_t i = 0; i < count; i++)
                sum += set >> i & 1 ? costs[i] : 0;
            dearest = sum > dearest ? sum : dearest;
        }
        assert_int_equal(beside.sum_minor, dearest);
    }
}

TEST(liability, more_winners_than_are_kept_apart_count_all)
{
    struct liability_beside beside = liability_beside_begin(LIABILITY_BESIDE_MAX + 2);
    for (int i = 0; i < 40; i++)
        liability_beside_put(&beside, 10);
    assert_int_equal(beside.sum_minor, 400);
    beside = liability_beside_begin(LIABILITY_BESIDE_MAX + 1);
    for (int i = 0; i < 40; i++)
        liability_beside_put(&beside, 10 + i);
    assert_int_equal(beside.sum_minor, 15 * 42); /* 35 to 49 */
}

/* ---- a whole book ---- */

struct booked {
    struct ticket ticket;
    struct ticket_leg ticket_legs[MARKETS];
    struct bet bet;
    struct bet_leg legs[MARKETS];
    int market[MARKETS], outcome[MARKETS];
};

struct world {
    int winner[MARKETS];
};

static struct booked booked[TICKETS];
static struct outcome_exposure exposures[MARKETS][OUTCOMES];

/* Legs on as many markets from `first` on, accumulators and systems. */
static void book_any(struct booked *b, struct prng *prng)
{
    *b = (struct booked){0};
    uint32_t legs = 1 + (uint32_t)prng_below(prng, MARKETS);
    int first = (int)prng_below(prng, MARKETS);
    uint32_t mask = legs > 1 && prng_below(prng, 2) > 0
                        ? 1 + (uint32_t)prng_below(prng, (UINT64_C(1) << legs) - 1)
                        : 0;
    for (uint32_t i = 0; i < legs; i++) {
        b->market[i] = (first + (int)i) % MARKETS;
        b->outcome[i] = (int)prng_below(prng, OUTCOMES);
        while (!odds_make(101 + prng_below(prng, 400), 100, &b->legs[i].odds))
            ;
        b->legs[i].banker = b->ticket_legs[i].banker = mask == 0;
        b->legs[i].win.result = LEG_WON;
    }
    b->ticket =
        ticket_of(1 + (int64_t)prng_below(prng, 1000), legs, (enum stake_kind)prng_below(prng, 3));
    b->bet = (struct bet){.legs = b->legs,
                          .legs_count = legs,
                          .sizes = {mask},
                          .free = b->ticket.stake_kind == STAKE_FREE,
                          .stake = b->ticket.stake};
}

static int64_t pays(const struct booked *b)
{
    struct money money;
    assert_true(bet_return(&b->bet, ROUND_DOWN, &money));
    return money.minor;
}

static void expose(const struct booked *b)
{
    struct liability_share share = liability_of_ticket(&b->ticket, pays(b));
    for (uint32_t i = 0; i < b->bet.legs_count; i++) {
        struct outcome_exposure *market = exposures[b->market[i]];
        market[b->outcome[i]].returns_minor += share.returns_minor;
        for (int outcome = 0; outcome < OUTCOMES; outcome++)
            market[outcome].market_stakes_minor += share.stake_minor;
    }
}

static int64_t lost_in(const struct world *world)
{
    int64_t lost = 0;
    for (int t = 0; t < TICKETS; t++) {
        struct booked *b = &booked[t];
        for (uint32_t i = 0; i < b->bet.legs_count; i++)
            b->legs[i].win.result =
                world->winner[b->market[i]] == b->outcome[i] ? LEG_WON : LEG_LOST;
        lost += pays(b) - (b->ticket.stake_kind == STAKE_CASH ? b->ticket.stake.minor : 0);
    }
    return lost;
}

TEST(liability, a_book_never_loses_more_than_the_liabilities_of_what_won)
{
    struct prng prng;
    prng_seed(&prng, 541);
    int exact = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < MARKETS * OUTCOMES; i++)
            exposures[i / OUTCOMES][i % OUTCOMES] = (struct outcome_exposure){0};
        for (int t = 0; t < TICKETS; t++) {
            book_any(&booked[t], &prng);
            expose(&booked[t]);
        }
        for (int n = 0; n < WORLDS; n++) {
            struct world world = {{n % 3, n / 3 % 3, n / 9}};
            int64_t liability = 0;
            for (int market = 0; market < MARKETS; market++)
                liability += liability_of_outcome(&exposures[market][world.winner[market]]);
            int64_t lost = lost_in(&world);
            if (lost > liability)
                fail_msg("round %d: %jd lost, %jd foreseen", round, (intmax_t)lost,
                         (intmax_t)liability);
            exact += lost == liability;
        }
    }
    assert_true(exact > ROUNDS / 100); /* it is no wild overstatement */
}
