/* adjustment_desk.h - GET /v1/admin/adjustments: what corrections took below zero
 * (docs/PROTOCOL.md, section 5; docs/decisions/0009; any of the staff's roles). By `list`:
 *
 * - written_off (default): what the book wrote off, newest first, read from the log; at most
 *   BOOK_HISTORY_MAX a page. `cursor` is the number of the record to begin with.
 * - below_zero: the accounts that owe something now. A page looks at ADJUSTMENT_ACCOUNTS_MAX
 *   accounts at most, so that it may be short of rows, or have none, and still have a next one;
 *   `cursor` is the first of them.
 *
 * An answer is given when all that it tells is durable. Thread: the book's loop. */
#pragma once

#include "app/book.h"
#include "base/metrics.h"
#include "net/http/http_request.h"

#define ADJUSTMENT_READS_MAX    16 /* that wait for the disk: then 503 OVERLOADED */
#define ADJUSTMENT_ACCOUNTS_MAX 16384

struct adjustment_desk;

/* book is borrowed until adjustment_desk_free. 0 or -ERR_MEMORY. */
int adjustment_desk_new(struct book *book, struct adjustment_desk **ret_desk);
void adjustment_desk_free(struct adjustment_desk *desk); /* after the HTTP server; accepts NULL */

/* Answers the request, now or later. */
void adjustment_desk_list(struct adjustment_desk *desk, struct http_request *request);

/* 0 or -ERR_LIMIT. */
int adjustment_desk_register_metrics(struct adjustment_desk *desk, struct metrics *metrics);
