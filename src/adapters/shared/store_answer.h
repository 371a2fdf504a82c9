/* store_answer.h - what the answer of somebody else's store means for what was asked: it was
 * taken, it was refused and nothing is there, or nobody knows (DESIGN part 3, `unknown`). Each
 * adapter says which of its server's answers is which, once. */
#pragma once

#include "base/error.h"

enum store_answer {
    STORE_TAKEN = 0, /* and what it answers with is there */
    STORE_AWAY,      /* no connection, and nothing was sent */
    STORE_LOST,      /* sent, then no answer: it may have been taken */
    STORE_AGAIN,     /* refused for now, for what others do or for haste: nothing is there */
    STORE_LATE,      /* refused, as the time for it has passed: nothing is there */
    STORE_FULL,      /* refused for want of space, memory or connections */
    STORE_REFUSED,   /* refused for good: rights, a table that is not there, a value */
};

/* As an error: 0; -ERR_ABSENT (nobody answers, or not now: to be tried again); -ERR_IO (refused for
 * good). */
static inline int store_error(enum store_answer answer)
{
    switch (answer) {
    case STORE_TAKEN:
        return 0;
    case STORE_AWAY:
    case STORE_LOST:
    case STORE_AGAIN:
    case STORE_LATE:
    case STORE_FULL:
        return -ERR_ABSENT;
    case STORE_REFUSED:
        break;
    }
    return -ERR_IO;
}
