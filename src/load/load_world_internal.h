/* load_world_internal.h - the parts of the run of `overround load world` (load_world.c): the bets
 * that are under way, and what was measured. Thread: the run's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load/load_crowd.h"
#include "load/load_feed.h"
#include "load/load_frame.h"
#include "load/load_match.h"
#include "load/load_options.h"
#include "load/load_pool.h"
#include "load/load_tally.h"
#include "load/load_view.h"
#include "load/load_wire.h"

#define WORLD_MOVES_KEPT     64 /* of a market: what a bettor may still see */
#define WORLD_SECONDS_MAX    3600
#define WORLD_BET_BYTES_MAX  384
#define WORLD_KEY_BYTES_MAX  48
#define WORLD_BET_ID_BYTES   32
#define WORLD_BETS_OF_A_USER 2 /* under way, on average */
#define WORLD_BETS_LEAST     64
#define WORLD_RETRY_LINKS    64

/* What the world knows of a market: its newest moves, by number % WORLD_MOVES_KEPT. */
struct world_market {
    uint64_t moves; /* told; the newest is number moves - 1 */
    struct world_move {
        int64_t at_us;
        uint32_t cents[LOAD_MATCH_SELECTIONS];
    } kept[WORLD_MOVES_KEPT];
};

struct world_user {
    struct load_view view;
    bool has_view, left;
    int64_t left_us; /* when the user closed the connection */
    uint64_t sight;  /* 1 + the number of the newest move that was seen; 0: none */
};

/* A bet from its moment until nothing more can come of it. */
struct world_bet {
    bool answered, counted;
    uint32_t place; /* in order[] */
    uint32_t user, tries, flights;
    int64_t due_us, sent_us; /* sent: the last time */
    uint32_t body_bytes, key_bytes, id_bytes;
    char body[WORLD_BET_BYTES_MAX], key[WORLD_KEY_BYTES_MAX], id[WORLD_BET_ID_BYTES];
};

/* What happened in one second, for the charts. */
struct world_second {
    uint32_t acts, bets, accepted, refused, failed;
    uint64_t latency_p99_us, stale_p99_us;
};

struct world_counts {
    uint64_t absent;      /* acts of users who had just left: nobody does them */
    uint64_t not_offered; /* bets that nobody wanted to place: no price was shown */
    uint64_t retries, replayed, duplicates, leaves, goals, moves, beyond;
    uint64_t on_old_price; /* bets that were asked for on a price that was none any more */
};

struct world {
    const struct load_options *options;
    struct loop *loop; /* owned; and all below */
    struct load_users users;
    struct load_pool *pool;  /* a connection for each user */
    struct load_pool *again; /* for bets that are sent again */
    struct load_feed *feed;
    struct load_match *match;
    struct load_crowd *crowd;
    struct world_market *markets;
    struct world_user *rows;
    struct world_bet *bets;
    uint32_t *order; /* of all bets: first those that are used, then the others */
    uint32_t bets_count, used_count;
    struct world_second *seconds;

    char prefix[32]; /* of markets */
    uint32_t prefix_bytes;
    uint64_t nonce, keys;
    int64_t begin_us;        /* monotonic: time 0 of the script */
    int64_t warm_us, end_us; /* of the script */
    int64_t swept_us;        /* when bets without an answer were looked for */
    bool running, window_open, window_closed;
    int64_t window_us, own_cpu_us, server_cpu_us; /* at its begin; then: in it */
    struct load_tally tallies[LOAD_ACTS_COUNT];
    struct histogram own_late_us;                /* due -> done, of all acts: our own fault */
    struct histogram sight_us;                   /* a move is told -> a bettor sees it */
    struct histogram stale_us;                   /* of the price that a bet was asked for on */
    struct histogram second_us, second_stale_us; /* of the second that runs */
    int64_t second;
    struct world_counts counts;
};

static inline struct slice world_prefix(const struct world *world)
{
    return slice_of(world->prefix, world->prefix_bytes);
}

/* Microseconds of the script. */
int64_t world_now_us(const struct world *world);
/* Is an act of this moment counted? */
bool world_counts(const struct world *world, int64_t due_us);
/* The second that this moment belongs to; earlier ones are closed. */
struct world_second *world_second(struct world *world, int64_t at_us);

/* load_world_bets.c */
void world_bet(struct world *world, uint32_t user, int64_t due_us);
void world_bet_answer(struct world *world, uint32_t index, const struct load_pool_answer *answer);
void world_bet_lost(struct world *world, uint32_t index);
/* Sends again what had no answer in its time. */
void world_bets_sweep(struct world *world, int64_t now_us);
int world_bets_new(struct world *world);
/* At the end: what has no answer is lost. */
void world_bets_end(struct world *world);

/* load_world_report.c: one JSON object. */
void world_report(const struct world *world, struct buf *out);
