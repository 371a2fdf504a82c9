/* timer_wheel.c - contract in timer_wheel.h.
 *
 * A timer stands at the level of the highest 6-bit digit in which its tick differs from the
 * wheel's, in the slot of that digit. So at level L only slots above the wheel's own digit are in
 * use, lower levels always come first, and when the wheel reaches a slot of a higher level its
 * timers move down. `tick` is the last tick that was handled. */
#include "net/loop/timer_wheel.h"

#include "base/assert.h"

#define DIGIT_BITS 6
#define DIGIT_MASK 63
#define NO_TICK    UINT64_MAX

_Static_assert(TIMER_SLOTS == DIGIT_MASK + 1, "a slot per digit value");
_Static_assert(TIMER_LEVELS *DIGIT_BITS >= 63 - TIMER_TICK_SHIFT, "every instant has a slot");

static uint64_t tick_of(struct monotonic at)
{
    return (uint64_t)at.us >> TIMER_TICK_SHIFT;
}

void timer_wheel_init(struct timer_wheel *wheel, struct monotonic now)
{
    ASSERT(now.us >= 0);
    wheel->tick = tick_of(now);
    wheel->count = 0;
    for (int level = 0; level < TIMER_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (int slot = 0; slot < TIMER_SLOTS; slot++) {
            struct timer *head = &wheel->slots[level][slot];
            *head = (struct timer){.next = head, .previous = head};
        }
    }
}

static void unlink_timer(struct timer *timer)
{
    timer->previous->next = timer->next;
    timer->next->previous = timer->previous;
    timer->next = NULL;
    timer->previous = NULL;
}

static void append(struct timer *head, struct timer *timer)
{
    timer->previous = head->previous;
    timer->next = head;
    head->previous->next = timer;
    head->previous = timer;
}

static void place(struct timer_wheel *wheel, struct timer *timer)
{
    unsigned top_bit = 63 - (unsigned)__builtin_clzll((timer->due_tick ^ wheel->tick) | 1);
    unsigned level = top_bit / DIGIT_BITS;
    unsigned slot = (unsigned)(timer->due_tick >> (level * DIGIT_BITS)) & DIGIT_MASK;
    ASSERT(level < TIMER_LEVELS);
    append(&wheel->slots[level][slot], timer);
    wheel->occupied[level] |= UINT64_C(1) << slot;
    timer->at = (uint16_t)(level * TIMER_SLOTS + slot);
}

void timer_wheel_set(struct timer_wheel *wheel, struct timer *timer, struct monotonic due)
{
    ASSERT(timer->fn != NULL);
    timer_wheel_cancel(wheel, timer);
    uint64_t us = due.us > 0 ? (uint64_t)due.us : 0;
    uint64_t tick = (us + (UINT64_C(1) << TIMER_TICK_SHIFT) - 1) >> TIMER_TICK_SHIFT;
    timer->due_tick = tick > wheel->tick ? tick : wheel->tick + 1;
    place(wheel, timer);
    wheel->count++;
}

void timer_wheel_cancel(struct timer_wheel *wheel, struct timer *timer)
{
    if (!timer_is_set(timer))
        return;
    unlink_timer(timer);
    wheel->count--;
    struct timer *head = &wheel->slots[timer->at / TIMER_SLOTS][timer->at % TIMER_SLOTS];
    if (head->next == head)
        wheel->occupied[timer->at / TIMER_SLOTS] &= ~(UINT64_C(1) << timer->at % TIMER_SLOTS);
}

/* The tick at which the next slot in use begins. */
static uint64_t next_tick(const struct timer_wheel *wheel)
{
    for (unsigned level = 0; level < TIMER_LEVELS; level++) {
        unsigned shift = level * DIGIT_BITS;
        unsigned digit = (unsigned)(wheel->tick >> shift) & DIGIT_MASK;
        uint64_t above = digit == DIGIT_MASK ? 0 : wheel->occupied[level] >> (digit + 1);
        if (above == 0)
            continue;
        uint64_t slot = digit + 1 + (unsigned)__builtin_ctzll(above);
        uint64_t upper = wheel->tick >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS);
        return upper | slot << shift;
    }
    return NO_TICK;
}

/* Empties a slot into `list`, which becomes a list head. */
static void take_slot(struct timer_wheel *wheel, unsigned level, unsigned slot, struct timer *list)
{
    struct timer *head = &wheel->slots[level][slot];
    *list = (struct timer){.next = list, .previous = list};
    wheel->occupied[level] &= ~(UINT64_C(1) << slot);
    if (head->next == head)
        return;
    list->next = head->next;
    list->previous = head->previous;
    list->next->previous = list;
    list->previous->next = list;
    head->next = head;
    head->previous = head;
}

static void move_down(struct timer_wheel *wheel)
{
    unsigned top = (unsigned)__builtin_ctzll(wheel->tick) / DIGIT_BITS; /* digits below are 0 */
    for (unsigned level = top < TIMER_LEVELS ? top : TIMER_LEVELS - 1; level > 0; level--) {
        unsigned slot = (unsigned)(wheel->tick >> (level * DIGIT_BITS)) & DIGIT_MASK;
        if ((wheel->occupied[level] & UINT64_C(1) << slot) == 0)
            continue;
        struct timer list;
        take_slot(wheel, level, slot, &list);
        while (list.next != &list) {
            struct timer *timer = list.next;
            unlink_timer(timer);
            place(wheel, timer);
        }
    }
}

/* The slot is emptied first: callbacks may set and cancel anything, also what is on the list. */
static void fire(struct timer_wheel *wheel)
{
    unsigned slot = (unsigned)wheel->tick & DIGIT_MASK;
    struct timer list;
    take_slot(wheel, 0, slot, &list);
    while (list.next != &list) {
        struct timer *timer = list.next;
        unlink_timer(timer);
        ASSERT(timer->due_tick == wheel->tick);
        wheel->count--;
        timer->fn(timer->owner);
    }
}

void timer_wheel_advance(struct timer_wheel *wheel, struct monotonic now)
{
    uint64_t target = tick_of(now);
    while (wheel->tick < target) {
        uint64_t next = next_tick(wheel);
        if (next > target) { /* no slot in use is passed by, so nothing has to move */
            wheel->tick = target;
            return;
        }
        wheel->tick = next;
        move_down(wheel);
        fire(wheel);
    }
}

int64_t timer_wheel_wait_us(const struct timer_wheel *wheel, struct monotonic now)
{
    uint64_t next = next_tick(wheel);
    if (next == NO_TICK)
        return INT64_MAX;
    int64_t at_us = (int64_t)(next << TIMER_TICK_SHIFT);
    return at_us > now.us ? at_us - now.us : 0;
}
