/* bench_settle.c - the engine alone, settling: from results to paid bets. JSON on stdout.
 *
 *   bench-settle DIRECTORY BETS EVENTS MARKETS [PROOFS [LEGS SIZE]]
 *
 * EVENTS events of MARKETS markets each, BETS singles of 100,000 customers over all of them, or
 * systems of every SIZE of LEGS (at most EVENTS) events in a row; then
 * the results of all markets at once. The time is from the first of these until every bet is
 * settled, its record durable and its customer credited. PROOFS 1: the tree is kept and signed
 * beside, as the server does; `tree_s` is what it then took to catch up. What was paid is compared
 * with what the bets are worth. Then the book is started again: `restart_s` is the replay,
 * `restart_walk_s` what looking for settlements that a crash may have left to do takes the loop, in
 * turns of which the longest is `restart_turn_us_max`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/prng.h"
#include "host.h"

#define ACCOUNTS 100000
#define GROUP    256
#define PAYOUT   210 /* of a stake of 1.00 on the selection that won */

struct settling {
    uint64_t bets, events, markets; /* markets of one event */
    uint32_t legs, size;            /* systems: every `size` of so many; 0: singles */
    int64_t worth;                  /* of all bets */
    double seconds, cpu_seconds, tree_seconds;
    uint64_t groups;
    double restart_seconds, walk_seconds;
    int64_t turn_ns_max;
};

static struct shard_limits limits_of(const struct settling *s)
{
    struct shard_limits limits = BOOK_OPTIONS_DEFAULT.limits;
    limits.bets_max = (uint32_t)s->bets + 1024;
    limits.verdicts_max = limits.bets_max + ACCOUNTS;
    if (s->legs > 2)
        limits.legs_max = limits.bets_max * s->legs;
    if (s->events * s->markets > limits.markets_max)
        limits.markets_max = (uint32_t)(s->events * s->markets);
    if (limits.selections_max < limits.markets_max * HOST_SELECTIONS)
        limits.selections_max = limits.markets_max * HOST_SELECTIONS;
    return limits;
}

static uint64_t choose(uint64_t n, uint64_t k)
{
    uint64_t ways = 1;
    for (uint64_t i = 1; i <= k && k <= n; i++)
        ways = ways * (n - k + i) / i;
    return k <= n ? ways : 0;
}

static int64_t place_single(struct host *host, const struct settling *s, uint64_t n, uint64_t r)
{
    struct host_bet bet = {.n = n + 1,
                           .user = r % ACCOUNTS,
                           .market = (unsigned)(n % (s->events * s->markets)),
                           .selection = (unsigned)((r >> 20) % HOST_SELECTIONS)};
    host_place(host, &bet);
    return bet.selection == 0 ? PAYOUT : 0;
}

/* Legs on events in a row. All prices are the same: what it is worth follows from how many of its
 * legs won. */
static int64_t place_system(struct host *host, const struct settling *s, uint64_t n,
                            struct prng *prng)
{
    struct host_system bet = {
        .n = n + 1, .user = prng_below(prng, ACCOUNTS), .legs = s->legs, .size = s->size};
    uint32_t won = 0;
    for (uint32_t i = 0; i < s->legs; i++) {
        bet.market[i] = (unsigned)((n + i) % s->events * s->markets + n % s->markets);
        bet.selection[i] = prng_below(prng, 2) == 0 ? 0 : 1;
        won += bet.selection[i] == 0;
    }
    host_place_system(host, &bet);
    unsigned __int128 minor = choose(won, s->size);
    for (uint32_t i = 0; i < s->size; i++)
        minor *= 21;
    for (uint32_t i = 0; i < s->size; i++)
        minor /= 10; /* rounded down at each is rounded down once */
    return (int64_t)minor;
}

static void place_all(struct host *host, struct settling *s)
{
    struct prng prng;
    uint64_t before = host->answered;
    prng_seed(&prng, 1);
    for (uint64_t n = 0; n < s->bets; n++) {
        if (n % GROUP == 0)
            host_begin_turn(host);
        s->worth += s->legs == 0 ? place_single(host, s, n, prng_next(&prng))
                                 : place_system(host, s, n, &prng);
        if (n % GROUP == GROUP - 1 || n == s->bets - 1) {
            book_end_turn(host->book);
            host_poll(host, 0);
        }
    }
    while (host->answered < before + s->bets)
        host_poll(host, 1000);
    while (!book_idle(host->book))
        host_poll(host, 100);
}

static void on_durable(const struct book_answer *answer)
{
    *(bool *)answer->cookie.owner = true;
}

static void settle_all(struct host *host, struct settling *s)
{
    bool durable = false;
    uint64_t groups = book_stats(host->book)->groups;
    int64_t begun = host_now_ns(CLOCK_MONOTONIC), cpu = host_now_ns(CLOCK_PROCESS_CPUTIME_ID);
    host_begin_turn(host);
    for (uint64_t m = 0; m < s->events * s->markets; m++)
        host_result(host, (unsigned)m);
    book_end_turn(host->book);
    while (book_stats(host->book)->settled < s->bets)
        host_poll(host, 1000);
    struct book_cookie cookie = {&durable, {0}};
    if (book_when_durable(host->book, on_durable, cookie) != REQUEST_TAKEN)
        host_die("no word of what is durable", -ERR_LIMIT);
    while (!durable)
        host_poll(host, 1000);
    s->seconds = (double)(host_now_ns(CLOCK_MONOTONIC) - begun) / 1e9;
    s->groups = book_stats(host->book)->groups - groups;
    if (host->proofs)
        (void)tree_keeper_catch_up(host->keeper); /* its time is a cost of the settlements, too */
    s->tree_seconds = (double)(host_now_ns(CLOCK_MONOTONIC) - begun) / 1e9 - s->seconds;
    s->cpu_seconds = (double)(host_now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9;
}

static void start(struct host *host, const struct settling *s, const char *directory)
{
    const struct shard_limits limits = limits_of(s);
    const struct book_ports others = {0};
    host_open_log(host, directory);
    host_start_book(host, &limits, &others, (uint32_t)(s->events * s->markets));
}

static void end(struct host *host)
{
    host_end_book(host);
    host_free_book(host);
    host_close_log(host);
}

static void restart(struct host *host, struct settling *s, const char *directory)
{
    int64_t begun = host_now_ns(CLOCK_MONOTONIC);
    start(host, s, directory);
    int64_t started = host_now_ns(CLOCK_MONOTONIC);
    int64_t turn = started;
    s->restart_seconds = (double)(started - begun) / 1e9;
    while (book_stats(host->book)->settle_backlog > 0) {
        host_begin_turn(host);
        book_end_turn(host->book);
        int64_t now = host_now_ns(CLOCK_MONOTONIC);
        s->turn_ns_max = now - turn > s->turn_ns_max ? now - turn : s->turn_ns_max;
        turn = now;
    }
    s->walk_seconds = (double)(turn - started) / 1e9;
}

/* What all customers have, in minor units. */
static int64_t available(const struct host *host)
{
    const struct shard_state *state = book_state(host->book);
    int64_t sum = 0;
    for (uint32_t ref = 1; ref <= shard_state_accounts_count(state); ref++)
        sum += shard_state_account(state, (struct account_ref){ref})->available;
    return sum;
}

static void print(const struct host *host, const struct settling *s, uint64_t settled,
                  bool credited)
{
    printf("{\"bench\":\"settle_engine\",\"bets\":%llu,\"events\":%llu,\"markets_per_event\":%llu,"
           "\"lines_per_bet\":%llu,\"proofs\":%s,\"seconds\":%.3f,\"settlements_per_s\":%.0f,"
           "\"cpu_us_per_settlement\":%.3f,\"tree_s\":%.3f,\"groups\":%llu,\"settled\":%llu,"
           "\"credited\":%s,\"restart_s\":%.3f,\"restart_walk_s\":%.4f,"
           "\"restart_turn_us_max\":%.0f}\n",
           (unsigned long long)s->bets, (unsigned long long)s->events,
           (unsigned long long)s->markets,
           (unsigned long long)(s->legs == 0 ? 1 : choose(s->legs, s->size)),
           host->proofs ? "true" : "false", s->seconds, (double)s->bets / s->seconds,
           s->cpu_seconds * 1e6 / (double)s->bets, s->tree_seconds, (unsigned long long)s->groups,
           (unsigned long long)settled, credited ? "true" : "false", s->restart_seconds,
           s->walk_seconds, (double)s->turn_ns_max / 1e3);
}

int main(int argc, char **argv)
{
    struct host host = {.proofs = argc > 5 && strcmp(argv[5], "1") == 0};
    if (argc < 5) {
        fprintf(stderr, "usage: bench-settle DIRECTORY BETS EVENTS MARKETS [PROOFS [LEGS SIZE]]\n");
        return 2;
    }
    struct settling s = {.bets = strtoull(argv[2], NULL, 10),
                         .events = strtoull(argv[3], NULL, 10),
                         .markets = strtoull(argv[4], NULL, 10)};
    if (argc > 7) {
        s.legs = (uint32_t)strtoul(argv[6], NULL, 10);
        s.size = (uint32_t)strtoul(argv[7], NULL, 10);
    }
    if (s.legs > SYSTEM_LEGS_MAX || s.legs > s.events || s.size > s.legs)
        host_die("LEGS, SIZE", -ERR_LIMIT);
    host_init(&host, "bench-settle");
    start(&host, &s, argv[1]);
    host_begin_turn(&host);
    for (uint64_t m = 0; m < s.events * s.markets; m++)
        host_publish(&host, (unsigned)m, (unsigned)(m / s.markets));
    host_fund(&host, ACCOUNTS);
    place_all(&host, &s);
    int64_t before = available(&host);
    settle_all(&host, &s);
    bool credited = available(&host) - before == s.worth;
    uint64_t settled = book_stats(host.book)->settled;
    end(&host);
    restart(&host, &s, argv[1]);
    credited = credited && available(&host) - before == s.worth;
    end(&host);
    print(&host, &s, settled, credited);
    return credited && host.placed == s.bets ? 0 : 1;
}
