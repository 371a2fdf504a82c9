/* follow_internal.h - prices of another process: what follow_price.c asks of publish_price.c, and
 * the other files of this folder of it. Thread: the book's loop. */
#pragma once

#include "app/book_internal.h"

/* ---- publish_price.c ---- */

/* The scratch image, complete but for what the lease and the ledger add to it; `old` is the one
 * that the store has, or NULL. */
void book_publish_scratch(struct book *book, const struct odds_image *old);
/* Which selections are others than in `old` (all without one), and whether the market is. */
size_t book_find_changed(const struct odds_image *now, const struct odds_image *old,
                         uint16_t *changed);
bool book_market_changed(const struct odds_image *now, const struct odds_image *old);

/* ---- follow_price.c ---- */

/* The scratch image, complete, takes the place of `old` in the store; the version is not ours. */
void book_show_followed(struct book *book, const struct odds_image *old);
/* The image's price may be bet on: its provider's lease holds (P2), and where it is followed it is
 * known to be the newest as of price_lag_us_max ago at most (L6). */
bool book_price_holds(struct book *book, const struct odds_image *image);

/* ---- late_group.c ---- */

/* The record just made takes that price: it is to be written while it holds. Nothing, of a book
 * that makes its prices. */
void book_bind_price(struct book *book, const struct odds_image *image);
/* The RELEASE made next places what waited: it is kept until that is durable. Nothing, of a book
 * that makes its prices. There is room (late_releases_full). */
void book_keep_waiting(struct book *book, const struct pending *due);
/* A record of a bet that may yet be one that waits, since its group may be late: nobody was told of
 * it, and until it is durable none may stand behind it that counts on it. Never, of a book that
 * makes its prices. */
bool book_may_be_late(const struct book *book, uint64_t seq);
/* commit_events.on_late of a book. */
void book_group_late(void *owner);
