/* send_wait.h - for how long a peer has left waiting what is queued to it.
 *
 * What the kernel did not take waits. The end of the queue is marked with the time; once everything
 * before the mark is sent, the new end is marked. So the oldest byte that waits has waited for at
 * least the mark's age, and a queue that moves never looks older than what is in it, however long
 * it lasts. Pure: microseconds of one monotonic clock. Thread: any (one user). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct send_wait {
    int64_t since_us; /* when the end was marked; 0: nothing waits */
    size_t ahead;     /* bytes before the mark that still wait */
};

/* The kernel was offered the queue and took `taken` bytes of it; `left` stay. */
static inline void send_wait_offered(struct send_wait *wait, size_t taken, size_t left,
                                     int64_t now_us)
{
    if (left == 0)
        *wait = (struct send_wait){0};
    else if (wait->since_us == 0 || taken >= wait->ahead)
        *wait = (struct send_wait){now_us, left};
    else
        wait->ahead -= taken;
}

/* 0: nothing waits. */
static inline int64_t send_wait_us(const struct send_wait *wait, int64_t now_us)
{
    return wait->since_us == 0 ? 0 : now_us - wait->since_us;
}
