/* limit_desk.h - limits of customers, markets, events and sports over HTTP: PUT, GET and DELETE of
 * /v1/admin/limits/{scope}/{id} (docs/PROTOCOL.md; roles trader and admin).
 *
 * A body states every limit that is to hold; what it leaves out is unlimited. Actor (the token's
 * subject) and reason stand in the record (G-16). Answers are given when what they say is durable,
 * and in all shards' logs what concerns them all (shard_words.h).
 * Thread: the book's loop. */
#pragma once

#include "app/book.h"
#include "base/metrics.h"
#include "crypto/jwt.h"
#include "net/http/http_request.h"
#include "roles/backoffice/shard_words.h"

#define LIMIT_BODY_BYTES_MAX     4096
#define LIMIT_OPERATIONS_MAX     16 /* that wait for the disk: then 503 OVERLOADED */
#define LIMIT_SCOPE_ID_BYTES_MAX MARKET_ID_BYTES_MAX

struct limit_desk;

/* book is borrowed until limit_desk_free. 0 or -ERR_MEMORY. */
int limit_desk_new(struct book *book, const struct shard_words *words,
                   struct limit_desk **ret_desk);
void limit_desk_free(struct limit_desk *desk); /* after the HTTP server; accepts NULL */

/* "customer", "market", "event" or "sport" of a path; LIMIT_OF_NONE for another word. */
enum limit_scope limit_desk_scope(struct slice word);
/* Answers a PUT, GET or DELETE, now or when it is durable. The id is decoded. */
void limit_desk_serve(struct limit_desk *desk, struct http_request *request,
                      const struct jwt_claims *claims, enum limit_scope scope, struct slice id);

/* 0 or -ERR_LIMIT. */
int limit_desk_register_metrics(struct limit_desk *desk, struct metrics *metrics);
