/* bet_port.h - where a transport asks about bets and money, wherever the book is.
 *
 * On the book's own loop the port is the counter: it calls the bet service and the proof service,
 * at once. On a network loop it is the asker of bet_crossing.h, which carries the question to the
 * book's loop and the answer back. A transport sees no difference. Thread: that of its loop. */
#pragma once

#include <stdbool.h>

#include "base/metrics.h"
#include "core/user_shard.h"
#include "roles/bet/bet_service.h"

struct proof_service;

enum bet_call {
    BET_CALL_PLACE = 0,
    BET_CALL_DEPOSIT,
    BET_CALL_WITHDRAW,
    BET_CALL_ACCOUNT,
    BET_CALL_LIST,
    BET_CALL_READ,
    BET_CALL_PROOF,
    BET_CALL_HEAD,
    BET_CALL_KEYS,
    BET_CALL_OFFER,         /* what a bet would be bought back for */
    BET_CALL_CASH_OUT,      /* buy it back */
    BET_CALL_TAKE_OFFER,    /* of the desk, on a bet that waits */
    BET_CALL_DECLINE_OFFER, /* the same */
};
#define BET_CALLS_COUNT 13

/* What bet_service.h and proof_service.h take; borrowed for the call. */
struct bet_question {
    enum bet_call call;
    enum record_transport transport; /* PLACE, DEPOSIT, WITHDRAW, CASH_OUT, .._OFFER */
    const struct jwt_claims *claims; /* verified; NULL with HEAD and KEYS */
    struct slice key;                /* the same */
    struct slice words;              /* the same: JSON; LIST, HEAD, KEYS: the query; else the id */
    struct slice personal;           /* PLACE, DEPOSIT, WITHDRAW */
    struct slice bet_id;             /* CASH_OUT, .._OFFER */
};

struct bet_port {
    /* Calls `answer` exactly once, inside the call or in a later turn, unless the port ends
     * before. */
    void (*ask)(struct bet_port *port, const struct bet_question *question,
                bet_service_answer_fn answer, struct book_cookie cookie);
};

static inline void bet_port_ask(struct bet_port *port, const struct bet_question *question,
                                bet_service_answer_fn answer, struct book_cookie cookie)
{
    port->ask(port, question, answer, cookie);
}

/* The port on the book's loop. */
struct bet_counter {
    struct bet_port port;
    struct bet_service *bets;     /* borrowed */
    struct proof_service *proofs; /* borrowed; NULL: PROOF, HEAD and KEYS are answered 404 */
    struct shard_place place;     /* of this book: what is another's is answered 421 WRONG_SHARD */
    uint64_t misdirected;         /* counted: those */
    bool closed; /* set by the owner: the shard may be another's now, and every question is answered
                    503 BOOK_AWAY */
};

/* `proofs` may be NULL. */
void bet_counter_init(struct bet_counter *counter, struct shard_place place,
                      struct bet_service *bets, struct proof_service *proofs);
/* Registers what both services count, and their limits. -ERR_LIMIT. */
int bet_counter_register_metrics(const struct bet_counter *counter, struct metrics *metrics);
