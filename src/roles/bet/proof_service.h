/* proof_service.h - proofs of bets, signed heads, and receipts (L8, CONTRACT "…/proof").
 *
 * A proof is one entry for each record of the bet: its bytes, its place, the path to a signed head
 * that covers it. A receipt is the same of one record, pushed to the bettor's open sockets as soon
 * as a head covers it. Everything here is a read of the log and of the tree; nothing waits for it.
 * Owned by the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/book.h"
#include "crypto/jwt.h"
#include "ports/ledger_tree.h"
#include "roles/bet/bet_service.h"

struct proof_service;

#define PROOF_ASKS_MAX     32   /* proofs of bets under way: then 503 */
#define PROOF_RECEIPTS_MAX 4096 /* waiting for a head: then none is pushed */

/* Borrowed until proof_service_free. */
struct proof_parts {
    struct book *book;
    struct ledger_tree *tree;
    /* Whether anybody would get this user's receipts, and pushes one: the members of a JSON
     * object, with its braces. */
    bool (*wants)(void *owner, struct slice user_id);
    void (*push)(void *owner, struct slice user_id, struct slice object);
    void *owner;
};

/* 0 or -ERR_MEMORY. The tree's callbacks must have ended before free; it accepts NULL. */
int proof_service_new(const struct proof_parts *parts, struct proof_service **ret_service);
void proof_service_free(struct proof_service *service);

/* GET /v1/bets/{id}/proof (a foreign id is 404 but for auditor and regulator) and
 * GET /v1/ledger/head, with ?from=SIZE and a consistency proof. Each calls `answer` exactly once.
 */
void proof_service_bet(struct proof_service *service, const struct jwt_claims *claims,
                       struct slice bet_id, bet_service_answer_fn answer,
                       struct book_cookie cookie);
void proof_service_head(struct proof_service *service, struct slice query,
                        bet_service_answer_fn answer, struct book_cookie cookie);
/* GET /v1/ledger/keys: the key that signs now, and the links that lead to it. Answers at once. */
void proof_service_keys(struct proof_service *service, bet_service_answer_fn answer,
                        struct book_cookie cookie);

/* A durable record, as struct book_listener tells it. */
void proof_service_on_record(struct proof_service *service, const struct record_view *record);
/* After the tree's notify: runs its callbacks, pushes receipts. True when there is a head that was
 * not there at the last call; it is in ret_head. */
bool proof_service_poll(struct proof_service *service, unsigned char ret_head[TREE_HEAD_BYTES]);

/* Counted since start, for /metrics. */
struct proof_service_stats {
    uint64_t proofs;           /* answered 200 */
    uint64_t asks_reached;     /* PROOF_ASKS_MAX */
    uint64_t receipts;         /* pushed */
    uint64_t receipts_reached; /* PROOF_RECEIPTS_MAX: not pushed */
};
const struct proof_service_stats *proof_service_stats(const struct proof_service *service);
