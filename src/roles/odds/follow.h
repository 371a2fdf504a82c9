/* follow.h - what one follower of a channel has, and what it must be sent next: the conflation
 * state machine (DESIGN P1, P3; CONTRACT, "a later delta never stands for a skipped one").
 *
 * A follower is
 *   live     it has every message of the channel; the next one goes to it at once;
 *   behind   messages were held back: the markets that they changed are listed, each once, with
 *            how many changes it owes. Each is paid by the market's full image, or, when none
 *            changed twice and the messages are still kept, by these messages themselves;
 *   walking  it gets a snapshot, in parts, in the order in which markets joined. A message about
 *            a market that was not sent yet is not owed: the snapshot will hold it.
 * When the list is full the follower starts to walk afresh.
 *
 * A follower's `synced` only reaches a message when everything before it is queued, so that a
 * client that loses its connection may resume from the last number it saw.
 * Pure: no I/O, no clock, no sockets. Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "roles/odds/slot_pool.h"

#define FOLLOW_NO_WALK UINT64_MAX

/* One market that a follower owes. */
struct follow_debt {
    uint32_t next;
    uint32_t market;
    uint32_t changes;
};

/* The debts of all followers, in one bounded pool. */
struct follow_debts {
    struct slot_pool pool;
    struct follow_debt *debts; /* owned */
    uint32_t per_follower_max;
};

struct follow {
    uint64_t synced; /* the client has every message up to this one, or what stands for it */
    uint64_t walked; /* walking: markets that joined up to here were sent; else FOLLOW_NO_WALK */
    uint32_t first, last; /* debts, oldest first */
    uint32_t count;
    uint32_t restart_changes; /* messages that the walk under way stands for */
};

/* 0 or -ERR_MEMORY. */
int follow_debts_new(struct follow_debts *debts, uint32_t max, uint32_t per_follower_max);
void follow_debts_done(struct follow_debts *debts);

/* A follower that has everything up to `synced` (live when that is the channel's seq). */
void follow_begin(struct follow *follow, uint64_t synced);
/* Gives its debts back. */
void follow_end(struct follow_debts *debts, struct follow *follow);
/* Forgets everything and walks the channel, whose newest message is `seq`. */
void follow_restart(struct follow_debts *debts, struct follow *follow, uint64_t seq);

static inline bool follow_is_walking(const struct follow *follow)
{
    return follow->walked != FOLLOW_NO_WALK;
}

static inline bool follow_is_live(const struct follow *follow, uint64_t seq)
{
    return !follow_is_walking(follow) && follow->synced == seq;
}

enum follow_hold {
    FOLLOW_HELD = 0,  /* the market is owed */
    FOLLOW_AHEAD,     /* nothing is owed: the snapshot under way will hold it */
    FOLLOW_RESTARTED, /* the list or the pool is full: a snapshot is owed instead */
};

/* Holds message `seq`, about this market, back. `joined` is the market's place in the walk. */
enum follow_hold follow_hold(struct follow_debts *debts, struct follow *follow, uint64_t seq,
                             uint32_t market, uint64_t joined);
/* Holds a removal back: what was sent can only be taken back by a fresh snapshot. */
enum follow_hold follow_hold_removal(struct follow_debts *debts, struct follow *follow,
                                     uint64_t seq);

enum follow_step {
    FOLLOW_DONE = 0, /* live */
    FOLLOW_WALK,     /* send a part of the snapshot, then follow_walked() */
    FOLLOW_REPLAY,   /* send message `seq` as it was, then follow_replayed() */
    FOLLOW_IMAGE,    /* send `skipped` with changes and seq, then the image; follow_imaged() */
};

struct follow_next {
    enum follow_step step;
    uint64_t seq;
    uint32_t market;
    uint32_t changes; /* IMAGE: of the market; WALK: restart_changes, at its beginning only */
};

/* What is to be sent next. The channel's newest message is `seq`; messages from `kept_from` on are
 * kept. DONE also makes the follower live. */
struct follow_next follow_next(const struct follow_debts *debts, struct follow *follow,
                               uint64_t seq, uint64_t kept_from);
/* The part that was sent ended with the market that joined at `joined`. */
void follow_walked(struct follow *follow, uint64_t joined);
/* The part that was sent was the last one. */
void follow_walk_ended(struct follow *follow, uint64_t seq);
/* The number that the last part of a walk brings the client to. */
uint64_t follow_walk_seq(const struct follow *follow, uint64_t seq);
void follow_replayed(struct follow_debts *debts, struct follow *follow, uint32_t market);
void follow_imaged(struct follow_debts *debts, struct follow *follow, uint64_t seq);
