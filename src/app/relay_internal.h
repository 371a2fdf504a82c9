/* relay_internal.h - what a desk that is elsewhere (book_relay.h) means to the other files of this
 * folder only. Thread: the book's. */
#pragma once

#include "app/book_internal.h"
#include "app/book_relay.h"

/* answers.c: as book_ready(), of a bet, which needs the desk. */
enum request_outcome book_bet_ready(struct book *book);
/* answers.c: as book_desk_ready(), of a word that concerns every shard: where the desk is elsewhere
 * it is said there. */
enum request_outcome book_all_shards_ready(struct book *book);
/* set_limits.c: records them; the scope is known, or needs no ref. 0: the state does not let them
 * be. */
uint64_t book_offer_limits(struct book *book, const struct limits_request *request,
                           const struct desk_word *word);
