/* book_copy.h - the calls of a book whose ledger is on another machine as well: it waits for the
 * copy, and goes on from what a copy has kept warm. Owned by the book's loop, as all of book.h. */
#pragma once

#include "app/book.h"

/* Before book_start: a state folded from the same log, under the same limits, takes the place of
 * snapshots; only what is behind its last record is folded. Takes *state. */
void book_adopt(struct book *book, struct shard_state **state);

/* Takes no request until it is resumed (NULL), as at the named limit (static), and answers those
 * that wait as when the log failed (503: nobody knows): what is recorded cannot be told for now,
 * and may yet be. Prices, results and fences go on as far as groups have room. */
void book_pause(struct book *book, const char *limit);
/* The limit, or NULL. */
const char *book_paused(const struct book *book);

/* Of this start: the odds epoch, and the newest position in the odds log (0: none). */
void book_odds_end(const struct book *book, uint32_t *ret_epoch, uint64_t *ret_position);
