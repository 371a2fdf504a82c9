/* store_answer.h - what the answer of somebody else's store means for what was asked: it was
 * taken, it was refused and nothing is there, or nobody knows (DESIGN part 3, `unknown`). Each
 * adapter says which of its server's answers is which, once. */
#pragma once

enum store_answer {
    STORE_TAKEN = 0, /* and what it answers with is there */
    STORE_AWAY,      /* no connection, and nothing was sent */
    STORE_LOST,      /* sent, then no answer: it may have been taken */
    STORE_AGAIN,     /* refused for now, for what others do or for haste: nothing is there */
    STORE_FULL,      /* refused for want of space, memory or connections */
    STORE_REFUSED,   /* refused for good: rights, a table that is not there, a value */
};
