/* record_adjustment.h - the body of ADJUSTMENT: a balance that a correction took below zero is
 * brought back to zero by the house. Part of record.h, which says how records lie. Thread: any. */
#pragma once

#include <stdint.h>

/* By the book, when no settlement is under way: the desk's own is a MONEY record, with its key. */
struct record_adjustment {
    uint64_t previous_seq; /* the account's newest record that moved its money */
    uint64_t before_seq;   /* the ADJUSTMENT before this one, of whomever; 0: there was none */
    int64_t amount;        /* all that it was below zero */
    int64_t balance_after; /* what is available to the customer */
    uint16_t kind;         /* enum ledger_account: AVAILABLE, FREE or BONUS */
    uint16_t currency;
    uint32_t reserved;
};

_Static_assert(sizeof(struct record_adjustment) == 40, "format");
