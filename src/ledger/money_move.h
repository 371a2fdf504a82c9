/* money_move.h - what each kind of MONEY record moves (docs/LEDGER.md, "What each type means"): one
 * rule for whoever writes the record and for the fold that checks it. Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ledger/record.h"

enum { MONEY_POSTINGS = 2 };

struct money_move {
    enum ledger_account from; /* of the two accounts the one that loses the amount, */
    enum ledger_account to;   /* and the one that gets it */
    bool opens;               /* may be an account's first money, and fixes its currency */
    bool by_desk;             /* somebody granted or took it, and said why; else the customer */
};

/* False: there is no such kind. */
bool money_move_of(unsigned kind, struct money_move *ret);
bool money_move_known(unsigned kind);
/* The account's side of it is written with its ref, the house's with 0. */
void money_move_postings(const struct money_move *move, uint32_t account, struct money amount,
                         struct record_posting ret[MONEY_POSTINGS]);
/* How much `available` changes by that amount. */
int64_t money_move_available(const struct money_move *move, int64_t amount);
