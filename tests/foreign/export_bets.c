/* export_bets.c - random bets and what core says of them, one JSON object a line, for a checker in
 * another language (check_bets.py). Usage: export-bets COUNT [SEED]
 *
 *   {"stake": minor, "sizes": mask, "each_way": 0, "free": 0, "share": permyriad, "legs": [..],
 *    "pays": [down, half_up, half_even]}
 *
 * A leg is [n, d, places, n, d, banker, win, place], a part [won, void_halves, n, d, from,
 * [permyriad, ..], chances or null]. -1 is above the most that an amount can be. Every third bet
 * runs still: its share is what a margin leaves. */
#include <stdio.h>
#include <stdlib.h>

#include "core/bet_return.h"
#include "core/cash_out.h"
#include "random_bets.h"

static void put_part(const struct leg_part *part)
{
    (void)printf(",[%d,%u,%u,%u,%u,[", part->result.won, part->result.void_halves,
                 part->result.dead_heat_numerator, part->result.dead_heat_denominator,
                 part->deductions.from);
    for (int i = 0; i < part->deductions.count; i++)
        (void)printf(i > 0 ? ",%u" : "%u", part->deductions.permyriad[i]);
    if (part->open != NULL)
        (void)printf("],[%u,%u,%u,%u]]", part->open->win, part->open->half_win, part->open->refund,
                     part->open->half_lose);
    else
        (void)printf("],null]");
}

static void put_leg(const struct bet_leg *leg)
{
    (void)printf("[%u,%u,%u,%u,%u,%d", leg->odds.numerator, leg->odds.denominator,
                 leg->terms.places, leg->terms.numerator, leg->terms.denominator, leg->banker);
    put_part(&leg->win);
    put_part(&leg->place);
    (void)printf("]");
}

static int64_t paid(const struct bet *bet, uint32_t margin, bool running, enum rounding rounding)
{
    struct money money;
    bool fits =
        running ? cash_out_offer(bet, margin, rounding, &money) : bet_return(bet, rounding, &money);
    return fits ? money.minor : -1;
}

static void put_bet(struct prng *prng, bool running)
{
    struct random_bet random;
    random_bet_make(&random, prng, running);
    const struct bet *bet = &random.bet;
    uint32_t margin = running ? (uint32_t)prng_below(prng, CASH_OUT_WHOLE + 1) : 0;
    (void)printf("{\"stake\":%lld,\"sizes\":%u,\"each_way\":%d,\"free\":%d,\"share\":%u,\"legs\":[",
                 (long long)bet->stake.minor, bet->sizes.mask, bet->each_way, bet->free,
                 CASH_OUT_WHOLE - margin);
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        if (i > 0)
            (void)printf(",");
        put_leg(&bet->legs[i]);
    }
    (void)printf("],\"pays\":[%lld,%lld,%lld]}\n",
                 (long long)paid(bet, margin, running, ROUND_DOWN),
                 (long long)paid(bet, margin, running, ROUND_HALF_UP),
                 (long long)paid(bet, margin, running, ROUND_HALF_EVEN));
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        (void)fprintf(stderr, "usage: export-bets COUNT [SEED]\n");
        return 1;
    }
    struct prng prng;
    prng_seed(&prng, argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
    long long count = strtoll(argv[1], NULL, 10);
    for (long long i = 0; i < count; i++)
        put_bet(&prng, i % 3 == 2);
    return fflush(stdout) == 0 ? 0 : 1;
}
