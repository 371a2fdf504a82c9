/* relay_fixture.h - a desk and two other shards with a link each: books on fake ports, both ends of
 * the links, and pipes between them that keep the order and may be cut. Each process has a clock of
 * its own. */
#pragma once

#include "app/relay_follower.h"
#include "app/relay_teller.h"
#include "book_fixture.h"

#define RELAY_PEERS       2 /* shards 1 and 2, of 3 */
#define RELAY_PIPE_MAX    8192
#define RELAY_ANSWERS_MAX 64
#define RELAY_CLOCK_LEADS INT64_C(7777000000) /* of shard 1's clock before the desk's */

/* Messages in one direction. */
struct relay_pipe {
    struct slice messages[RELAY_PIPE_MAX]; /* owned copies */
    uint32_t first, count;
};

struct relay_world;

struct relay_peer {
    struct relay_world *world;
    uint32_t shard;
    struct fixture f;
    struct relay_follower *follower;
    struct relay_pipe to_desk, to_shard;
    bool attached; /* the pipe is whole */
    bool closed;   /* one end gave it up: it is cut at the next turn */
    int link;      /* of the teller */
    bool stopped;  /* it gets no turns */
    char user[16]; /* who is of this shard */
    uint64_t refused_told, foreign_told;
};

struct relay_told {
    struct relay_wait_for words;
    uint32_t have_it, away_count, refused_count;
    uint16_t away[RELAY_PEERS], refused[RELAY_PEERS];
    bool told;
    void (*then)(struct relay_world *world, struct relay_told *told); /* or NULL */
    struct relay_world *world;
};

struct relay_world {
    struct fixture desk;
    struct relay_teller *teller;
    struct relay_peer peers[RELAY_PEERS];
    bool withholds; /* the desk grants nothing */
    bool mute;      /* what shards send stays in the pipes */
    struct relay_told answers[RELAY_ANSWERS_MAX];
    uint32_t answers_count;
};

void relay_world_begin(struct relay_world *w);
/* Checks all three books. */
void relay_world_end(struct relay_world *w);

/* Time for all, by `us`; those that are not stopped have a turn each, in which what has come is
 * taken. */
void relay_world_turn(struct relay_world *w, int64_t us);
/* So many turns. */
void relay_world_turns(struct relay_world *w, int turns, int64_t us);

void relay_connect(struct relay_peer *peer);
void relay_cut(struct relay_peer *peer);
/* Ends the process at once, and starts it again on what was durable; its link is cut. */
void relay_crash(struct relay_peer *peer);
void relay_crash_desk(struct relay_world *w);

/* At the desk, on market m1; then a turn of the desk alone, and it is durable. */
uint64_t relay_hold(struct relay_world *w, bool on);
void relay_result(struct relay_world *w, uint64_t version, struct leg_result a,
                  struct leg_result b);
/* The most that may be staked; a turn of the desk alone now and then, so that all finds room. */
void relay_limits(struct relay_world *w, enum limit_scope scope, const char *id, int64_t stake_max);
/* Voids what was placed then; shard 2 has room for one such word. */
void relay_window(struct relay_world *w, uint64_t version, int64_t from_us);
/* Waits for all words so far. */
struct relay_told *relay_ask(struct relay_world *w);

/* A bet of the peer's user: REQUEST_TAKEN and its outcome in f.outcome, or why not. */
enum request_outcome relay_bet(struct relay_peer *peer);
/* The last word of the desk that stands durably in the peer's log. */
uint64_t relay_logged(const struct relay_peer *peer);
/* Every word of the desk's log stands in the peer's once and in order, and nothing else does. */
void relay_check_logs(const struct relay_world *w);
