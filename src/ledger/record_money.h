/* record_money.h - the body of the record MONEY: money that comes, goes or changes its account
 * without a bet. Part of record.h, which says how records lie. Thread: any. */
#pragma once

#include <stdint.h>

enum money_kind {
    MONEY_DEPOSIT = 1,
    MONEY_WITHDRAWAL = 2,
    MONEY_GRANT_FREE = 3, /* from here on by the desk: docs/LEDGER.md, "Promotional money" */
    MONEY_GRANT_BONUS = 4,
    MONEY_FORFEIT_FREE = 5,
    MONEY_FORFEIT_BONUS = 6,
    MONEY_BONUS_TO_CASH = 7,
    MONEY_WRITE_OFF = 8, /* of what a correction took below zero, at most */
};

struct record_money {
    uint64_t request_hash[2];
    int64_t amount; /* > 0 */
    int64_t balance_after;
    uint16_t kind;    /* enum money_kind */
    uint16_t outcome; /* BET_PLACED: done; or a refusal */
    uint16_t currency;
    uint16_t key_bytes;    /* texts: idempotency key, */
    uint16_t actor_bytes;  /* who of the desk, */
    uint16_t reason_bytes; /* and why; both empty when the customer asked */
    uint16_t reserved[2];
};

_Static_assert(sizeof(struct record_money) == 48, "format");
