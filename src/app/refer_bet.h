/* refer_bet.h - what refer_bet.c has for the other files of this folder, and they for it. */
#pragma once

#include "app/book_internal.h"
#include "app/book_referral.h"

/* One more bet may wait for the desk; else it is counted (referrals_max, pending_max). */
bool book_referral_room(struct book *book);

/* ---- answers.c ---- */

/* As book_bet_ready(), for a customer's answer to an offer: its bet and its row are there, and it
 * has no key, so that no table that is full is in its way. */
enum request_outcome book_offer_answer_ready(struct book *book);

/* ---- release_pending.c ---- */

/* Of a leg that is bound: as it is seen now, and as its bet's next record keeps it. */
struct leg_seen book_see_again(struct book *book, const struct shard_leg *leg);
struct record_leg book_own_leg(struct book *book, const struct leg_seen *seen,
                               const struct shard_leg *own);
/* A bet that waits is due then instead. `rebinds`: what happened until now is forgotten. */
void book_pending_move(struct book *book, uint32_t bet, int64_t due_us, bool rebinds);
