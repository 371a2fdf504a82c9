/* bench_tickets.c - what deciding one ticket costs, by its shape (core/ticket.h), and for
 * comparison the decision of each of its legs as a single by core/bet_decide.h: the least that must
 * be asked. JSON on stdout.
 *
 *   bench-tickets [ROUNDS]
 *
 * The two are timed in turns, each until a millisecond is over; medians of ROUNDS. Every ticket is
 * placed; a shape that ends in `_limited` is refused by a payout limit instead, so that the stake
 * that would pass is computed, and so are its singles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/prng.h"
#include "core/ticket.h"

#define ROUNDS_MAX 1001
#define TICKETS    16
#define TIMED_NS   1000000
#define GBP        ((struct currency){826})

static const struct shape {
    const char *name;
    uint32_t bankers, chosen;
    uint32_t sizes; /* mask */
    bool each_way, limited;
} shapes[] = {
    {"single", 1, 0, 0, false, false},
    {"single_limited", 1, 0, 0, false, true},
    {"single_each_way", 1, 0, 0, true, false},
    {"double", 2, 0, 0, false, false},
    {"five_fold", 5, 0, 0, false, false},
    {"lucky_15", 0, 4, 0xF, false, false},
    {"lucky_15_each_way", 0, 4, 0xF, true, false},
    {"goliath", 0, 8, 0xFE, false, false},
    {"goliath_limited", 0, 8, 0xFE, false, true},
    {"8_of_16", 0, 16, 1u << 7, false, false},
    {"8_of_16_each_way_limited", 0, 16, 1u << 7, true, true},
    {"hundred_fold_limited", 100, 0, 0, false, true},
};

struct sample {
    struct ticket ticket;
    struct ticket_leg legs[BET_LEGS_MAX];
    struct ticket_leg_view views[BET_LEGS_MAX];
    struct ticket_limits limits;
    struct ticket_verdict verdict;
};

static uint64_t now_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void make(struct sample *sample, const struct shape *shape, struct prng *prng)
{
    uint32_t count = shape->bankers + shape->chosen;
    uint64_t lines = system_lines(shape->chosen, (struct system_sizes){shape->sizes});
    memset(sample, 0, sizeof *sample);
    sample->ticket = (struct ticket){.stake = money_of((int64_t)(lines * 200), GBP),
                                     .policy = PRICE_BETTER,
                                     .legs = sample->legs,
                                     .legs_count = count,
                                     .sizes = {shape->sizes},
                                     .each_way = shape->each_way};
    sample->limits = (struct ticket_limits){
        .bet = {1, MONEY_MINOR_MAX, shape->limited ? 100 : MONEY_MINOR_MAX, 500, ROUND_DOWN},
        .legs_max = BET_LEGS_MAX,
        .lines_max = UINT64_MAX,
        .total_odds_max = TOTAL_ODDS_UNLIMITED};
    for (uint32_t i = 0; i < count; i++) {
        struct odds odds;
        while (!odds_make(101 + prng_below(prng, 400), 100, &odds))
            ;
        sample->legs[i] = (struct ticket_leg){odds, 17, i < shape->bankers};
        sample->views[i] = (struct ticket_leg_view){
            .market = {MARKET_ACTIVE, true, true, SELECTION_ACTIVE, odds, 17, 0},
            .event = i + 1,
            .market_number = i + 1,
            .terms = {3, 1, 5},
            .liability_room = LIABILITY_UNLIMITED};
    }
}

static uint64_t whole(struct sample *sample)
{
    ticket_decide(&sample->ticket, sample->views, &sample->limits, money_of(MONEY_MINOR_MAX, GBP),
                  &sample->verdict);
    return (uint64_t)sample->verdict.outcome;
}

static uint64_t leg_by_leg(struct sample *sample)
{
    uint64_t outcome = 0;
    for (uint32_t i = 0; i < sample->ticket.legs_count; i++) {
        const struct ticket_leg *leg = &sample->legs[i];
        struct slip slip = {sample->ticket.stake, leg->odds, leg->odds_version,
                            sample->ticket.policy};
        struct bet_verdict verdict;
        bet_decide(&slip, &sample->views[i].market, &sample->limits.bet,
                   money_of(MONEY_MINOR_MAX, GBP), &verdict);
        outcome = (uint64_t)verdict.outcome;
    }
    return outcome;
}

static void expect(const struct shape *shape, struct sample *samples)
{
    uint64_t expected = shape->limited ? BET_STAKE_LIMIT : BET_PLACED;
    for (int i = 0; i < TICKETS; i++) {
        if (whole(&samples[i]) != expected || leg_by_leg(&samples[i]) != expected) {
            (void)fprintf(stderr, "bench-tickets: %s is decided otherwise\n", shape->name);
            exit(1);
        }
    }
}

static double time_of(uint64_t (*decide)(struct sample *), struct sample *samples, uint64_t *sink)
{
    uint64_t begin = now_ns();
    uint64_t passed;
    uint32_t count = 0;
    do {
        for (int i = 0; i < TICKETS; i++) /* reading the clock costs as much as a single */
            *sink += decide(&samples[i]);
        count += TICKETS;
        passed = now_ns() - begin;
    } while (passed < TIMED_NS);
    return (double)passed / count;
}

static int order(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void measure(const struct shape *shape, int rounds)
{
    static struct sample samples[TICKETS];
    static double ours[ROUNDS_MAX];
    static double singles[ROUNDS_MAX];
    struct prng prng;
    uint64_t sink = 0;
    prng_seed(&prng, 10001);
    for (int i = 0; i < TICKETS; i++)
        make(&samples[i], shape, &prng);
    expect(shape, samples);
    for (int round = 0; round < rounds; round++) {
        ours[round] = time_of(whole, samples, &sink);
        singles[round] = time_of(leg_by_leg, samples, &sink);
    }
    qsort(ours, (size_t)rounds, sizeof *ours, order);
    qsort(singles, (size_t)rounds, sizeof *singles, order);
    (void)printf("{\"bench\": \"tickets\", \"shape\": \"%s\", \"legs\": %u, \"rounds\": %d, "
                 "\"ns\": %.1f, \"singles_ns\": %.1f, \"ratio\": %.2f}%s\n",
                 shape->name, samples[0].ticket.legs_count, rounds, ours[rounds / 2],
                 singles[rounds / 2], ours[rounds / 2] / singles[rounds / 2], sink == 1 ? " " : "");
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 201;
    if (argc > 2 || rounds < 1 || rounds > ROUNDS_MAX) {
        (void)fprintf(stderr, "usage: bench-tickets [ROUNDS], at most %d\n", ROUNDS_MAX);
        return 1;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        measure(&shapes[i], rounds);
    return 0;
}
