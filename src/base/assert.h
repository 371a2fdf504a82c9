/* assert.h - programmer errors: stop at once, on every build.
 *
 * ASSERT stays on in production: money wrong is worse than the process down. It is for
 * mistakes of ours only; input from outside is answered with an outcome or an error.
 * ASSERT_SLOW is for whole-state checks and is compiled in with -DOVERROUND_SLOW_ASSERTS.
 * Thread: any. */
#pragma once

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            assert_failed(__FILE__, __LINE__, #condition);                                         \
    } while (0)

#ifdef OVERROUND_SLOW_ASSERTS
#define ASSERT_SLOW(condition) ASSERT(condition)
#else
#define ASSERT_SLOW(condition) ((void)0)
#endif

/* Prints file, line and condition on stderr and aborts. Never returns. */
_Noreturn void assert_failed(const char *file, int line, const char *condition);
