/* decision.h - what a bet is decided on: each leg as the odds store and the ledger know it, as the
 * decision sees it and as the record keeps it (L6); and what the ledger's state leaves to be
 * staked. For the files of this folder. Owned by the book's loop. */
#pragma once

#include "app/book.h"
#include "core/stake_limits.h"
#include "ports/odds_store.h"

#define SELECTION_NOT_FOUND SIZE_MAX
/* What a leg is on, as the odds store and the ledger know it. */
struct leg_seen {
    const struct odds_image *image; /* NULL: nothing is known of the market */
    size_t selection;               /* of the image, or SELECTION_NOT_FOUND */
    struct market_ref market;       /* 0: the ledger does not know it yet */
    uint16_t number;                /* of the selection, or RECORD_SELECTION_NONE: likewise */
};
struct leg_seen book_see(struct book *book, const struct leg_names *names);
struct market_view book_view(struct book *book, const struct leg_seen *seen);
size_t book_find_selection(const struct odds_image *image, struct slice selection_id);
/* Gives the refs that the ledger does not know yet. Of what is not known the leg says so. */
struct record_leg book_leg(struct book *book, const struct leg_seen *seen, const struct slip *slip);

/* ---- bet_limits.c: what the ledger's state leaves to be staked ---- */

/* What the platform's options let be staked. */
struct stake_limits_combined book_platform_limits(const struct book_options *options);
/* The limits of all that the leg is of: the customer, market, event, sport, the platform. */
void book_leg_limits(const struct book *book, struct account_ref account,
                     const struct leg_seen *seen, struct stake_limits_combined *ret);
/* What the selection may cost the book yet, of this most (core/liability.h). */
int64_t book_liability_room(const struct book *book, const struct leg_seen *seen,
                            int64_t liability_minor_max);
/* What the account's open and pending bets on just these selections stake together, found among its
 * REPEATS_WALK_MAX newest bets; where that was not enough it is counted. */
#define REPEATS_WALK_MAX 1024
int64_t book_staked_alike(struct book *book, struct account_ref account,
                          const struct leg_seen *seen, uint32_t legs_count);
/* Lowers the highest payout to what the account's limit of a day leaves (UTC, of when bets were
 * asked for): bets of that day count with what they have paid and may pay yet; the bet `but` does
 * not count (BET_NONE: all do). With more than REPEATS_WALK_MAX bets on a day nothing is left. */
void book_take_day(struct book *book, struct account_ref account, uint32_t but,
                   struct stake_limits_combined *all);
