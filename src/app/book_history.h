/* book_history.h - records that are read back from the log: those of a bet, and what was written
 * off. Part of a book (book.h), with its rules: one thread, answers later, each request once. */
#pragma once

#include "app/book_request.h"
#include "core/ids.h"

struct book;

/* The records of one bet, oldest first, read from the log. count 0 when failed. */
typedef void (*book_history_fn)(struct book_cookie cookie, const struct record_view *records,
                                size_t count);
#define BOOK_HISTORY_MAX 64
enum request_outcome book_bet_history(struct book *book, struct bet_id id, book_history_fn answer,
                                      struct book_cookie cookie);

/* What the book wrote off of balances below zero (docs/decisions/0009): ADJUSTMENT records, oldest
 * first, the BOOK_HISTORY_MAX that end with record `from_seq`, or with the newest (0). UNKNOWN:
 * there is none, or not so late. A `from_seq` that is no ADJUSTMENT is told with what it is. */
enum request_outcome book_adjustments(struct book *book, uint64_t from_seq, book_history_fn answer,
                                      struct book_cookie cookie);
