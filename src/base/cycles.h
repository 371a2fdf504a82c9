/* cycles.h - where a thread's time goes, by stage, in processor cycles: cheap enough to be read a
 * dozen times for each request (a clock is not).
 *
 * A thread with a meter is in exactly one stage at any time, so the stages add up to all of its
 * time, and the sum over a known time gives the cycles of a second. A stage counts what passes in
 * it, also while another thread has the core. Without a meter (the normal case) entering a stage
 * is one test. For profiles only: nothing decides by it. Thread: each has its own. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* X(NAME, text) */
#define CYCLES_STAGE_LIST(X)                                                                       \
    X(OTHER, "other")   /* of the loop, routing, timers */                                         \
    X(WAIT, "wait")     /* for something to happen: idle, and what the kernel does meanwhile */    \
    X(READ, "read")     /* recv() */                                                               \
    X(PARSE, "parse")   /* HTTP heads */                                                           \
    X(AUTH, "auth")     /* the token of a request */                                               \
    X(DECIDE, "decide") /* JSON, idempotency, price, limits, balance, the record, its fold */      \
    X(COMMIT, "commit") /* handing a group to the log; the log's own thread writes it */           \
    X(ANSWER, "answer") /* from the durable record to the bytes of the answer */                   \
    X(WRITE, "write")   /* sendmsg() */

#define CYCLES_STAGE_ENUM(name, text) CYCLES_##name,
enum cycles_stage { CYCLES_STAGE_LIST(CYCLES_STAGE_ENUM) };
#undef CYCLES_STAGE_ENUM
#define CYCLES_STAGE_ONE(name, text) +1
#define CYCLES_STAGES_COUNT          (0 CYCLES_STAGE_LIST(CYCLES_STAGE_ONE))

struct cycles {
    uint64_t spent[CYCLES_STAGES_COUNT]; /* by enum cycles_stage; a metrics_counter each */
    uint64_t since;
    enum cycles_stage stage;
};

/* The calling thread's meter, or NULL. */
extern _Thread_local struct cycles *cycles_meter;

/* From now on the calling thread is metered; borrowed until it is called with NULL. */
void cycles_begin(struct cycles *meter);

/* 0 on processors that we cannot ask: then nothing is ever spent. */
static inline uint64_t cycles_now(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return 0;
#endif
}

/* Answers the stage before, to which the caller returns by the same call. */
static inline enum cycles_stage cycles_enter(enum cycles_stage stage)
{
    struct cycles *meter = cycles_meter;
    if (__builtin_expect(meter == NULL, 1))
        return stage;
    enum cycles_stage before = meter->stage;
    uint64_t now = cycles_now();
    uint64_t *spent = &meter->spent[before];
    __atomic_store_n(spent, *spent + (now - meter->since), __ATOMIC_RELAXED);
    meter->since = now;
    meter->stage = stage;
    return before;
}
