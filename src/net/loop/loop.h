/* loop.h - one thread's event loop: sockets, timers, wake-ups from other threads, signals.
 *
 * A turn is: wait (epoll) -> cached time is renewed -> the turn-begin hook -> timers that are due
 * -> ready sources, wake-ups and signals -> the turn-end hooks in the order of their stages ->
 * next turn.
 *
 * Contract (after libuv):
 * - The caller owns every struct loop_source, loop_timer and loop_wakeup and keeps it, at the same
 *   address, until it is removed, cancelled or closed (or, for a timer, has fired).
 * - No callback ever runs inside a call that submits something: only from loop_run*().
 * - After _remove / _cancel / _close returns, its callback does not run any more, not even for an
 *   event that this turn had already collected. Calling them from any callback is allowed.
 * - Callbacks may add, change and remove anything.
 * Thread: everything here belongs to the thread that runs the loop, except loop_wakeup_signal(). */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "net/loop/timer_wheel.h"

#define LOOP_HOOKS_MAX   160 /* turn-end hooks, over all stages: a front has 2 for each shard */
#define LOOP_SIGNALS_MAX 8   /* distinct signals that are watched */
#define LOOP_EVENTS_MAX  512 /* ready sources taken from the kernel in one turn */

struct loop;

/* The order in which turn-end hooks run. Within a stage: in the order of registration. */
enum loop_stage {
    LOOP_STAGE_WORK = 0, /* roles: hand the turn's batch to the log, fan out prices */
    LOOP_STAGE_FLUSH,    /* connections: one write per connection for all output of the turn */
    LOOP_STAGE_CLOSE,    /* connections: on_closed callbacks and reuse of the memory */
};

/* *ret_loop is owned by the caller. Fails with -ERR_IO or -ERR_MEMORY. */
int loop_new(struct loop **ret_loop);
/* Every source, wake-up and timer must be removed before. Accepts NULL. */
void loop_free(struct loop *loop);

/* Runs turns until loop_stop(). 0, or -ERR_IO when the kernel refuses to wait. */
int loop_run(struct loop *loop);
/* The turn in progress is the last one. From another thread: through a wake-up. */
void loop_stop(struct loop *loop);
/* One turn that waits at most wait_us for something to happen (0: only looks). */
int loop_run_once(struct loop *loop, int64_t wait_us);

/* Monotonic and wall time as of this turn's beginning; costs nothing. */
struct monotonic loop_now(const struct loop *loop);
struct instant loop_wall(const struct loop *loop);
/* Turns run so far. */
uint64_t loop_turns(const struct loop *loop);

/* fn(owner) runs at the beginning of every turn, before anything that the turn brings. One only:
 * set again, it is replaced; NULL takes it out. */
void loop_at_turn_begin(struct loop *loop, void (*fn)(void *owner), void *owner);
/* fn(owner) runs once at the end of every turn, after everything that was ready was handled and
 * before the loop waits again. -ERR_LIMIT beyond LOOP_HOOKS_MAX. */
int loop_at_turn_end(struct loop *loop, enum loop_stage stage, void (*fn)(void *owner),
                     void *owner);
/* Takes the hook out again; safe inside a hook. Nothing happens when it is not there. */
void loop_remove_hook(struct loop *loop, void (*fn)(void *owner), void *owner);
/* There is work left that no descriptor will report: the next turn does not wait. */
void loop_turn_again(struct loop *loop);

/* ---- file descriptors, level-triggered ---- */

struct loop_source {
    void (*fn)(void *owner, uint32_t events); /* events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP .. */
    void *owner;
    int fd;          /* borrowed; the caller closes it after loop_source_remove() */
    uint32_t events; /* asked for now */
};

/* events may be 0: only errors are reported. -ERR_IO when epoll refuses. */
int loop_source_add(struct loop *loop, struct loop_source *source);
int loop_source_change(struct loop *loop, struct loop_source *source, uint32_t events);
void loop_source_remove(struct loop *loop, struct loop_source *source);

/* ---- timers: O(1) to set and cancel; never early, late by at most one tick plus the turn ---- */

/* Set again while set: moved. fn is kept in the timer: see timer_init() in timer_wheel.h. */
void loop_timer_set(struct loop *loop, struct timer *timer, struct monotonic due);
void loop_timer_cancel(struct loop *loop, struct timer *timer);

/* ---- wake-ups from other threads ---- */

struct loop_wakeup {
    struct loop *loop;
    struct loop_source source;
    atomic_bool pending;
    void (*fn)(void *owner);
    void *owner;
};

/* Before: fn and owner are set by this call. Fails with -ERR_IO. */
int loop_wakeup_open(struct loop *loop, struct loop_wakeup *wakeup, void (*fn)(void *owner),
                     void *owner);
void loop_wakeup_close(struct loop_wakeup *wakeup);
/* fn(owner) will run on the loop's thread at least once after this call; many signals may give
 * one run. Everything written before the signal is visible to fn. Async-signal-safe.
 * Thread: any. */
void loop_wakeup_signal(struct loop_wakeup *wakeup);

/* ---- signals ---- */

/* The signal is blocked in the calling thread (block it in the others too: start threads after)
 * and fn(owner, signal) runs from the loop instead. -ERR_LIMIT, -ERR_IO. Undone by loop_free(). */
int loop_watch_signal(struct loop *loop, int signal, void (*fn)(void *owner, int signal),
                      void *owner);
