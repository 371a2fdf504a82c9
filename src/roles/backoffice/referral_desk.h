/* referral_desk.h - a trader's words on bets that wait, over HTTP: POST
 * /v1/admin/referrals/{bet_id}/accept, /reject and /offer (docs/PROTOCOL.md; roles trader and
 * admin). Actor (the token's subject) and reason stand in the record (G-16). Answers are given when
 * what they say is durable. Thread: the book's loop. */
#pragma once

#include "app/book.h"
#include "base/metrics.h"
#include "crypto/jwt.h"
#include "net/http/http_request.h"

#define REFERRAL_OPERATIONS_MAX 16 /* that wait for the disk: then 503 OVERLOADED */

struct referral_desk;

/* book is borrowed until referral_desk_free. 0 or -ERR_MEMORY. */
int referral_desk_new(struct book *book, struct referral_desk **ret_desk);
void referral_desk_free(struct referral_desk *desk); /* after the HTTP server; accepts NULL */

/* Answers a POST, now or when it is durable. The id is decoded. */
void referral_desk_say(struct referral_desk *desk, struct http_request *request,
                       const struct jwt_claims *claims, struct slice bet_id,
                       enum referral_word word);

/* What is counted of referrals, and the limits. 0 or -ERR_LIMIT. */
int referral_desk_register_metrics(struct referral_desk *desk, struct metrics *metrics);
