/* timer_wheel.h - timers in a hierarchical wheel: 10 levels of 64 slots, a tick is 128 us; there
 * is no farthest time.
 *
 * Pure: time comes in as an argument. A timer is the caller's memory; the wheel only links it, so
 * there is no limit on timers here and no allocation. Insert and cancel are O(1); a far timer is
 * moved down at most once per level. Thread: the owner's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"

#define TIMER_LEVELS     10
#define TIMER_SLOTS      64
#define TIMER_TICK_SHIFT 7 /* 128 us */

struct timer {
    struct timer *next, *previous; /* NULL when not set */
    uint64_t due_tick;
    void (*fn)(void *owner);
    void *owner;
    uint16_t at; /* level * TIMER_SLOTS + slot while linked into the wheel */
};

struct timer_wheel {
    uint64_t tick;                                 /* everything due before it has fired */
    uint64_t count;                                /* timers set */
    uint64_t occupied[TIMER_LEVELS];               /* bit s: slot s of the level is not empty */
    struct timer slots[TIMER_LEVELS][TIMER_SLOTS]; /* list heads */
};

static inline void timer_init(struct timer *timer, void (*fn)(void *owner), void *owner)
{
    *timer = (struct timer){.fn = fn, .owner = owner};
}

static inline bool timer_is_set(const struct timer *timer)
{
    return timer->next != NULL;
}

/* The wheel lives at its address from now on. */
void timer_wheel_init(struct timer_wheel *wheel, struct monotonic now);
/* Due in the past: fires at the next advance. Set again while set: moved. */
void timer_wheel_set(struct timer_wheel *wheel, struct timer *timer, struct monotonic due);
void timer_wheel_cancel(struct timer_wheel *wheel, struct timer *timer);
/* Fires everything due at `now`; a timer set by a callback fires at the next advance at the
 * earliest. Timers of different ticks fire in order of time. Not re-entrant. */
void timer_wheel_advance(struct timer_wheel *wheel, struct monotonic now);
/* Microseconds from now to the moment when advance has something to do (a timer, or timers to
 * move down a level); INT64_MAX when no timer is set. */
int64_t timer_wheel_wait_us(const struct timer_wheel *wheel, struct monotonic now);
