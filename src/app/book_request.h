/* book_request.h - what a book is asked and what it answers: values only. All slices are borrowed
 * for the call that is given them. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/stake_limits.h"
#include "core/ticket.h"
#include "ledger/record.h"

/* Says which request an answer belongs to; given back unread. */
struct book_cookie {
    void *owner;
    uint64_t words[4];
};

/* What a request is told at once. Only REQUEST_TAKEN leads to the callback, exactly once. */
enum request_outcome {
    REQUEST_TAKEN = 0,
    REQUEST_CONFLICT,    /* the key was used for another request: 409 IDEMPOTENCY_CONFLICT */
    REQUEST_STOPPED,     /* 503: the ledger is unavailable */
    REQUEST_STALLED,     /* 503: the ledger's disk does not answer; nothing was recorded */
    REQUEST_FULL,        /* 503: the ledger's disk is full, nearly; nothing was recorded */
    REQUEST_BUSY,        /* 503 + Retry-After: a queue is full; see book_busy_limit */
    REQUEST_UNKNOWN,     /* no such market or bet: 404 */
    REQUEST_NO_CHANGE,   /* desk: nothing to do (same result, same hold): 200 */
    REQUEST_OLD_VERSION, /* result_version is not higher than the one in force: 409 */
    REQUEST_INVALID,     /* 422: impossible factors, unknown selection */
    REQUEST_SAME_ACTOR,  /* 403: nobody decides what they proposed themselves */
    REQUEST_OTHER_ACTOR, /* 403: only who proposed it withdraws it */
    REQUEST_ELSEWHERE,   /* 421: the user is of another shard, or the word is for the desk to say */
    REQUEST_DESK_AWAY,   /* 503: without its desk the book takes no bets */
};

struct book_answer {
    struct book_cookie cookie;
    bool failed;   /* the ledger stopped: 503, and nobody knows */
    bool replayed; /* the same key and request came before */
    /* REQUEST_TAKEN; or why a request that had to wait for its key (book.h) is refused after all,
     * as a call would have answered: then there is no record. */
    enum request_outcome untaken;
    const struct record_view
        *record; /* BET, RELEASE, CASH_OUT or MONEY verdict; RESULT, FENCE for desk calls;
                    NULL when failed or when there was nothing to record */
};

typedef void (*book_answer_fn)(const struct book_answer *answer);

/* Where an answer goes. */
struct book_reply {
    book_answer_fn answer;
    struct book_cookie cookie;
};

/* What a leg is on. */
struct leg_names {
    struct slice market_id;
    struct slice selection_id;
};

/* A bet, decoded. */
struct bet_request {
    struct slice user_id; /* 1..USER_ID_BYTES_MAX */
    struct slice key;     /* 1..IDEMPOTENCY_KEY_BYTES_MAX */
    struct ticket ticket;
    const struct leg_names *names; /* of each of its legs */
    bool accept_alternative;       /* a lower stake, where a limit refuses the ticket's */
    uint64_t request_hash[2];      /* of the decoded request, transport not included */
    enum record_transport transport;
    struct slice personal; /* plain, <= PERSONAL_PLAIN_BYTES_MAX; sealed by the book */
};

/* Money that moves without a bet, decoded. */
struct money_request {
    struct slice user_id;
    struct slice key;
    enum money_kind kind;
    struct money amount; /* > 0 */
    uint64_t request_hash[2];
    struct slice actor;  /* of a kind that the desk moves: 1..USER_ID_BYTES_MAX; else empty */
    struct slice reason; /* 1..REASON_BYTES_MAX; likewise */
};

/* What a customer, a market, an event or a sport may be staked with from now on. */
struct limits_request {
    enum limit_scope scope; /* PLAYER, MARKET, EVENT or SPORT */
    struct slice id;        /* 1 to as many bytes as the id of such a thing has */
    bool remove;            /* nothing of its own any more; limits do not count then */
    struct stake_limits limits;
};

/* Who at the trading desk, and why; both are kept in the record (G-16). */
struct desk_word {
    struct slice actor;    /* <= USER_ID_BYTES_MAX */
    struct slice reason;   /* <= REASON_BYTES_MAX */
    struct slice approver; /* who approved it; "" when nobody had to. <= USER_ID_BYTES_MAX */
};
