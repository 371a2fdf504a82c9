/* book_follow.h - a book without an odds-worker: its prices are those of another process, heard of
 * from an odds store that they share (ports/price_source.h). Versions, prices, status and places in
 * the odds log are imposed as that one gave them, so that one market has one version wherever it is
 * bet on (P1, L6); holds, results and fences are those of this book's ledger. A version that comes
 * in another light, of a lease or a word of this desk, keeps its number, and is told by on_standing
 * of book_listener.
 *
 * Thread: the book's loop, inside of a turn or outside; of a book that was made with
 * book_ports.prices. Nothing here fails: what there is no room for is not shown, and counted. */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "ports/odds_store.h"

struct book;

/* The newest version of the market, or the one that is known in another light. An older one than is
 * known does nothing (P1). */
void book_follow_price(struct book *book, const struct odds_image *image);
/* The market is no longer offered. */
void book_follow_removed(struct book *book, struct slice market_id);
/* The provider's lease holds so long from now on; 0: it does not (P2). */
void book_follow_lease(struct book *book, struct slice provider, int64_t valid_for_us);
