/* desk.h - the trading desk over HTTP: suspend, resume, results (CONTRACT; roles trader and admin).
 *
 * Actor (the token's subject) and reason stand in the record (G-16). An answer is given when its
 * records are durable, and what concerns all shards is in their logs (shard_words.h). Thread: the
 * book's loop. */
#pragma once

#include "app/book.h"
#include "base/metrics.h"
#include "crypto/jwt.h"
#include "net/http/http_request.h"
#include "roles/backoffice/result_policy.h"
#include "roles/backoffice/shard_words.h"

#define DESK_OPERATIONS_MAX 64 /* that wait for the disk: then 503 OVERLOADED */

struct desk;

/* Borrowed until desk_free, but for the policy and the words, which are copied. */
struct desk_parts {
    struct book *book;
    struct odds_store *store;
    const struct result_policy *policy; /* valid */
    struct shard_words words;
};
/* 0 or -ERR_MEMORY. */
int desk_new(const struct desk_parts *parts, struct desk **ret_desk);
void desk_free(struct desk *desk); /* after the HTTP server; accepts NULL */

/* Each answers the request, now or when it is durable. Ids are decoded. */
void desk_hold(struct desk *desk, struct http_request *request, const struct jwt_claims *claims,
               struct slice market_id, bool hold);
void desk_results(struct desk *desk, struct http_request *request, const struct jwt_claims *claims,
                  struct slice event_id);

/* Approves or rejects a proposal, by another actor than the one who made it, who alone withdraws
 * it.
 */
void desk_decide(struct desk *desk, struct http_request *request, const struct jwt_claims *claims,
                 struct slice proposal_id, enum decision_kind decision);
/* Those that wait; the query may be the proposal_id behind which the list begins. */
void desk_list_proposals(struct desk *desk, struct http_request *request);

/* 0 or -ERR_LIMIT. */
int desk_register_metrics(struct desk *desk, struct metrics *metrics);
