/* book_cash_out.h - a book asked to buy bets back (BETTING-RULES 4.8; docs/decisions/0007). Part of
 * book.h, whose turns and callbacks these calls share. Thread: the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/book_request.h"
#include "app/cash_out_offer.h"
#include "base/instant.h"
#include "core/bet.h"

struct book;

struct cash_out_options {
    bool on;                   /* offers are made, and requests decided */
    uint32_t margin_permyriad; /* of the fair value, kept by the book; <= CASH_OUT_WHOLE */
    int64_t valid_us;          /* how long an offer holds */
};

/* To sell a bet back, or a part of its stake, decoded. Its bet is there. */
struct cash_out_request {
    struct slice user_id;
    struct slice key;
    struct bet_id bet;
    struct slice offer; /* its id, as the customer says it; <= CASH_OUT_OFFER_BYTES */
    int64_t accepted;   /* minor units of the account's currency, > 0 */
    int64_t stake;      /* the part of what is left; 0: the fraction says it */
    uint32_t fraction;  /* of what is left, in hundredths of a percent; the part is rounded down */
    uint32_t tolerance; /* the same: how much less than `accepted` is taken */
    uint64_t request_hash[2];
    enum record_transport transport;
};

/* What is offered for all that is left of a bet, now. */
struct cash_out_offer {
    char id[CASH_OUT_OFFER_BYTES]; /* no end mark */
    struct money stake;
    struct money amount;
    struct instant valid_until;
    int64_t delay_us; /* an acceptance waits so long; 0: it is decided at once */
    size_t legs_count;
    struct record_cash_out_leg legs[BET_LEGS_MAX]; /* what it was taken from */
};

/* What is offered now for a bet, which is there; nothing is recorded. BET_PLACED, or why nothing is
 * offered: CASH_OUT_UNAVAILABLE, _PENDING, _LIMIT, MARKET_SUSPENDED, MARKET_CLOSED. */
enum bet_outcome book_offer_cash_out(struct book *book, struct bet_id id,
                                     struct cash_out_offer *ret);
/* Sells it back. Verdicts as for bets; REQUEST_UNKNOWN: the user has no such bet. */
enum request_outcome book_cash_out(struct book *book, const struct cash_out_request *request,
                                   book_answer_fn answer, struct book_cookie cookie);
