/* pending.h - what waits for its delay or for the desk, and what becomes of it then
 * (release_pending.c). Thread: the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct book;

/* A bet whose delay runs, or a cash-out of one, in a heap by the monotonic time of its release. */
struct pending {
    int64_t due_us;  /* monotonic */
    uint64_t breaks; /* of leases, that were counted when it began to wait (leases.h) */
    uint32_t bet;
    uint32_t cash_out; /* its index and one; 0: the bet itself waits */
};

int book_pending_new(struct book *book);
/* options.pending_max wait: no customer's bet or cash-out may be added. */
bool book_pending_full(const struct book *book);
/* Adds one; false where neither customers nor late groups have room, which a book that is running
 * does not meet. */
bool book_pending_add(struct book *book, struct pending pending);
/* The same of one that began to wait before: `breaks` is of then. */
bool book_pending_add_again(struct book *book, struct pending pending);
void book_release_due(struct book *book);
/* At start: every pending bet of the state, and every waiting cash-out, is due now. */
int book_pending_restore(struct book *book);
