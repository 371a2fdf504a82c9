/* grant_desk.h - POST /v1/admin/users/{user_id}/grants: the desk gives and takes promotional money
 * (docs/PROTOCOL.md, "Grants"; roles trader and admin).
 *
 * Idempotent like a deposit, by the key of the header; who and why stand in the record (G-16). An
 * answer is given when its record is durable. Thread: the book's loop. */
#pragma once

#include "app/book.h"
#include "base/metrics.h"
#include "crypto/jwt.h"
#include "net/http/http_request.h"

#define GRANTS_MAX           64 /* that wait for the disk: then 503 OVERLOADED */
#define GRANT_BODY_BYTES_MAX 4096

struct grant_desk;

/* book is borrowed until grant_desk_free. 0 or -ERR_MEMORY. */
int grant_desk_new(struct book *book, struct grant_desk **ret_desk);
void grant_desk_free(struct grant_desk *desk); /* after the HTTP server; accepts NULL */

/* Answers the request, now or when it is durable. The user's id is decoded, 1..USER_ID_BYTES_MAX
 * bytes. */
void grant_desk_move(struct grant_desk *desk, struct http_request *request,
                     const struct jwt_claims *claims, struct slice user_id);

/* 0 or -ERR_LIMIT. */
int grant_desk_register_metrics(struct grant_desk *desk, struct metrics *metrics);
