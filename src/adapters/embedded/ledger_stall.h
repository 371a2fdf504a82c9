/* ledger_stall.h - when a log gives up waiting for a disk: the rule of ledger_file.h, without clock
 * or thread. Thread: one at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ledger_stall {
    int64_t limit_us;  /* an append that waits longer is a stall; 0: nobody looks */
    int64_t append_us; /* since when an append waits */
    int64_t hand_us;   /* since when it waits for the active directory */
    bool stalled;      /* it waits longer than the limit, wherever */
};

/* An append begins to wait. */
static inline void ledger_stall_begin(struct ledger_stall *stall, int64_t now_us)
{
    stall->append_us = stall->hand_us = now_us;
}

/* It waits for another directory from now on. */
static inline void ledger_stall_moved(struct ledger_stall *stall, int64_t now_us)
{
    stall->hand_us = now_us;
}

static inline void ledger_stall_end(struct ledger_stall *stall)
{
    stall->stalled = false;
}

/* An append waits. True: this is the begin of a stall. */
static inline bool ledger_stall_begins(struct ledger_stall *stall, int64_t now_us)
{
    if (stall->limit_us == 0 || stall->stalled || now_us - stall->append_us < stall->limit_us)
        return false;
    stall->stalled = true;
    return true;
}

/* An append waits. True: the active directory has had its time, and another is to go on. */
static inline bool ledger_stall_leaves(const struct ledger_stall *stall, int64_t now_us)
{
    return stall->limit_us != 0 && now_us - stall->hand_us >= stall->limit_us;
}
