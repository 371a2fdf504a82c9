/* bench_lines.c - what settling one bet costs, by its shape: the exact return by core/bet_return.h,
 * and for comparison the sum of the same lines visited one by one in doubles (no exactness, the
 * least that an enumeration can cost). JSON on stdout.
 *
 *   bench-lines [ROUNDS]
 *
 * The two are timed in turns, each until a millisecond is over; medians of ROUNDS. Prices and
 * results differ from bet to bet: every seventh leg is lost, void, half won. reference_ns is absent
 * above a million lines. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/prng.h"
#include "core/bet_return.h"

#define ROUNDS_MAX    1001
#define BETS          16
#define TIMED_NS      1000000
#define LINES_VISITED 1000000

static const struct shape {
    const char *name;
    uint32_t bankers, chosen;
    uint32_t sizes; /* mask */
    bool each_way;
} shapes[] = {
    {"single", 1, 0, 0, false},
    {"double", 2, 0, 0, false},
    {"five_fold", 5, 0, 0, false},
    {"lucky_15", 0, 4, 0xF, false},
    {"lucky_15_each_way", 0, 4, 0xF, true},
    {"goliath", 0, 8, 0xFE, false},
    {"7_of_15", 0, 15, 1u << 6, false},
    {"8_of_16", 0, 16, 1u << 7, false},
    {"8_of_16_each_way", 0, 16, 1u << 7, true},
    {"16_of_32", 0, 32, 1u << 15, false},
    {"hundred_fold", 100, 0, 0, false},
};

struct sample {
    struct bet bet;
    struct bet_leg legs[BET_LEGS_MAX];
};

static uint64_t now_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void make(struct sample *sample, const struct shape *shape, struct prng *prng)
{
    static const struct leg_result others[] = {LEG_LOST, LEG_VOID, LEG_HALF_WON};
    *sample = (struct sample){.bet = {.legs = sample->legs,
                                      .legs_count = shape->bankers + shape->chosen,
                                      .sizes = {shape->sizes},
                                      .each_way = shape->each_way,
                                      .stake = {12345, {826}}}};
    for (uint32_t i = 0; i < sample->bet.legs_count; i++) {
        struct bet_leg *leg = &sample->legs[i];
        leg->banker = i < shape->bankers;
        leg->terms = (struct place_terms){3, 1, 5};
        while (!odds_make(101 + prng_below(prng, 400), 100, &leg->odds))
            ;
        uint64_t draw = prng_below(prng, 7 * 3);
        bool other = draw < 3 && (draw > 0 || !leg->banker); /* few long products are nothing */
        leg->win.result = other ? others[draw] : LEG_WON;
        leg->place.result = LEG_WON;
    }
}

/* ---- line by line ---- */

static double factor_of(const struct bet_leg *leg, bool place)
{
    double price = (double)leg->odds.numerator / leg->odds.denominator;
    if (place)
        price = 1 + (price - 1) * leg->terms.numerator / leg->terms.denominator;
    struct leg_result result = place ? leg->place.result : leg->win.result;
    double back = result.void_halves / 2.0;
    return back + (1 - back) * result.won * price;
}

struct walk {
    const double *factors;
    uint32_t count;
    uint32_t sizes;
    double sum;
};

/* Depth first: one multiplication a line is all that an enumeration needs. */
static void visit(struct walk *walk, uint32_t from, uint32_t size, double product)
{
    for (uint32_t i = from; i < walk->count; i++) {
        double line = product * walk->factors[i];
        if ((walk->sizes >> size & 1) > 0)
            walk->sum += line;
        if (walk->sizes >> (size + 1) > 0)
            visit(walk, i + 1, size + 1, line);
    }
}

static double sum_lines(const struct bet *bet, bool place)
{
    double factors[BET_LEGS_MAX];
    double bankers = 1;
    struct walk walk = {.factors = factors, .sizes = bet->sizes.mask};
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        double factor = factor_of(&bet->legs[i], place);
        if (bet->legs[i].banker)
            bankers *= factor;
        else
            factors[walk.count++] = factor;
    }
    if (walk.count == 0)
        return bankers;
    visit(&walk, 0, 0, 1);
    return bankers * walk.sum;
}

static double by_lines(const struct bet *bet)
{
    double sum = sum_lines(bet, false) + (bet->each_way ? sum_lines(bet, true) : 0);
    return sum * (double)bet->stake.minor / (double)bet_lines(bet);
}

/* ---- in turns ---- */

static double exactly(const struct bet *bet)
{
    struct money money = {0};
    return bet_return(bet, ROUND_DOWN, &money) ? (double)money.minor : -1;
}

static double time_of(double (*settle)(const struct bet *), const struct sample *samples,
                      double *sink)
{
    uint64_t begin = now_ns();
    uint64_t passed;
    uint32_t count = 0;
    do {
        *sink += settle(&samples[count++ % BETS].bet);
        passed = now_ns() - begin;
    } while (passed < TIMED_NS || count < BETS);
    return (double)passed / count;
}

static int order(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The reference must mean the same bets: whole and within a rounding of ours. */
static void compare(const struct shape *shape, const struct sample *samples)
{
    for (int i = 0; i < BETS; i++) {
        double exact = exactly(&samples[i].bet);
        double visited = by_lines(&samples[i].bet);
        if (exact >= 0 && (visited < exact * (1 - 1e-9) - 1 || visited > exact * (1 + 1e-9) + 1)) {
            (void)fprintf(stderr, "bench-lines: %s: %f is not %f\n", shape->name, visited, exact);
            exit(1);
        }
    }
}

static void measure(const struct shape *shape, int rounds)
{
    static struct sample samples[BETS];
    static double ours[ROUNDS_MAX];
    static double reference[ROUNDS_MAX];
    struct prng prng;
    double sink = 0;
    prng_seed(&prng, 10000);
    for (int i = 0; i < BETS; i++)
        make(&samples[i], shape, &prng);
    uint64_t lines = bet_lines(&samples[0].bet);
    bool visited = lines <= LINES_VISITED;
    if (visited)
        compare(shape, samples);
    for (int round = 0; round < rounds; round++) {
        ours[round] = time_of(exactly, samples, &sink);
        reference[round] = visited ? time_of(by_lines, samples, &sink) : 0;
    }
    qsort(ours, (size_t)rounds, sizeof *ours, order);
    qsort(reference, (size_t)rounds, sizeof *reference, order);
    (void)printf("{\"bench\": \"lines\", \"shape\": \"%s\", \"lines\": %llu, \"rounds\": %d, "
                 "\"ns\": %.0f",
                 shape->name, (unsigned long long)lines, rounds, ours[rounds / 2]);
    if (visited)
        (void)printf(", \"reference_ns\": %.0f, \"ratio\": %.3f", reference[rounds / 2],
                     ours[rounds / 2] / reference[rounds / 2]);
    (void)printf("%s}\n", sink == -1 ? " " : "");
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 201;
    if (argc > 2 || rounds < 1 || rounds > ROUNDS_MAX) {
        (void)fprintf(stderr, "usage: bench-lines [ROUNDS], at most %d\n", ROUNDS_MAX);
        return 1;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        measure(&shapes[i], rounds);
    return 0;
}
