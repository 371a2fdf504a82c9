/* book_referral.h - a book asked about bets that wait for the trading desk (BETTING-RULES 4.12:
 * manual referral with timeout and re-offer). Part of book.h, whose turns and callbacks these calls
 * share. Thread: the book's loop.
 *
 * A word is recorded (ledger/record_referral.h) and then durable; what becomes of the bet is its
 * RELEASE, at once when it has no delay. A refused word leaves no record, and the bet waits on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/book_request.h"
#include "base/instant.h"
#include "core/bet.h"
#include "core/ids.h"
#include "core/referral.h"

struct book;

struct referral_options {
    bool on;            /* every refusal by a limit is referred, not those of scopes that say so */
    int64_t timeout_us; /* a bet waits for the desk's first word */
    int64_t offer_us;   /* an offer holds, unless the trader says how long */
};
/* Of either, and of what a trader says. */
#define REFERRAL_US_MAX (INT64_C(600) * US_PER_SECOND)

/* A trader's word on a bet, decoded. */
struct referral_request {
    struct bet_id bet;
    enum referral_word word;   /* ACCEPTED, REJECTED, OFFERED */
    bool lifts;                /* `lifted` is said; else what referred the bet is lifted */
    unsigned lifted;           /* enum referral_lift; ACCEPTED, OFFERED */
    int64_t stake;             /* OFFERED: minor units, at most the bet's; 0: as it is */
    int64_t valid_us;          /* OFFERED: 0: as the options say; <= REFERRAL_US_MAX */
    uint32_t prices_count;     /* OFFERED: of this many first legs; <= BET_LEGS_MAX */
    const struct odds *prices; /* ODDS_NONE: as it is bound */
};

/* A customer's answer to an offer, decoded. */
struct offer_answer {
    struct slice user_id;
    struct bet_id bet;
    uint64_t offer_seq; /* its record */
    bool takes;         /* else it is declined */
    enum record_transport transport;
};

/* What a word that is not taken is refused for; where the book's call says REQUEST_INVALID. */
struct word_refusal {
    enum bet_outcome outcome; /* STAKE_LIMIT, LIABILITY_LIMIT, MARKET_SUSPENDED, ... */
    int64_t stake_minor_max;  /* of the two limits: what would pass */
};

/* TAKEN: the answer has the REFERRAL. UNKNOWN: there is no such bet, or it is not referred any
 * more; CONFLICT: it is not the desk's turn, or it had its offers; INVALID: *ret_refusal says what
 * the bet breaks that is not lifted, UNKNOWN_SELECTION for more prices than legs. */
enum request_outcome book_say_referral(struct book *book, const struct referral_request *request,
                                       const struct desk_word *word, struct book_reply reply,
                                       struct word_refusal *ret_refusal);
/* The same of the customer. UNKNOWN: the user has no such bet; CONFLICT: it is not the offer that
 * holds now (which it may have been: its answer is in the bet's history). */
enum request_outcome book_answer_offer(struct book *book, const struct offer_answer *answer,
                                       struct book_reply reply, struct word_refusal *ret_refusal);
