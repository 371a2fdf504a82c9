/* bet_service.h - decoded requests about bets and money in, JSON answers out, for every
 * transport alike (HTTP, WebSocket): idempotency spans them (CONTRACT, "Idempotency").
 *
 * Decodes strictly, checks the bettor's rate limit, calls the book, and writes the answer from
 * the durable record. Bodies of refusals are RFC 9457 problems with a stable `code`. Knows no
 * socket. Owned by the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/book.h"
#include "base/buf.h"
#include "crypto/jwt.h"
#include "roles/bet/bet_explain.h"

struct bet_service;

struct bet_service_options {
    uint32_t bets_per_minute_max; /* per user; 0 = off (V1-73: 20) */
    uint32_t users_tracked_max;   /* rate limit slots */
    uint32_t in_flight_max;       /* bets and movements that wait for the disk: then 503 */
    int64_t deposit_minor_max;
};

#define BET_SERVICE_READS_MAX 256   /* answers to reads that wait for the disk: then 503 */
#define BET_LIST_LIMIT_MAX    100   /* rows of a page; 50 unless asked for */
#define BET_LIST_WALK_MAX     32768 /* newer bets passed over to find the page: then 422 */

/* The longest answers, as far as JSON can make them: a leg with its six texts, each byte escaped
 * to 6, and its numbers; so many legs, and what a bet has beside them. A message of this length is
 * never made of the names that feeds have, so memory for it is taken but not touched. */
#define BET_LEG_BYTES_MAX                                                                          \
    ((size_t)6 * (MARKET_ID_BYTES_MAX + SELECTION_ID_BYTES_MAX + 4 * NAME_BYTES_MAX) + 640)
#define BET_PUSH_BYTES(legs_count) ((legs_count)*BET_LEG_BYTES_MAX + 8192)
#define BET_PUSH_BYTES_MAX         BET_PUSH_BYTES(BET_LEGS_MAX)
/* One bet with all its records, of which two tell the evidence of each leg, and a sentence for each
 * leg; or a page of a list, which ends where one more row might not fit. */
#define BET_EVIDENCE_BYTES_MAX 400
#define BET_ENTRY_BYTES_MAX    640
#define BET_OFFERED_BYTES_MAX  128 /* a price that an offer names */
#define BET_READ_BYTES_MAX                                                                         \
    (BET_PUSH_BYTES_MAX + BET_LEGS_MAX * (2 * BET_EVIDENCE_BYTES_MAX + EXPLAIN_BYTES_MAX) +        \
     (size_t)EXPLAIN_LINES_MAX * EXPLAIN_BYTES_MAX +                                               \
     (size_t)(REFERRAL_OFFERS_MAX + 1) * BET_LEGS_MAX * BET_OFFERED_BYTES_MAX +                    \
     (size_t)BOOK_HISTORY_MAX * BET_ENTRY_BYTES_MAX)

/* 0 or -ERR_MEMORY. */
int bet_service_new(const struct bet_service_options *options, struct book *book,
                    struct bet_service **ret_service);
void bet_service_free(struct bet_service *service);
/* The time of this turn, for the rate limit; before the first request of each turn. */
void bet_service_begin_turn(struct bet_service *service, struct monotonic now);

/* Counted since start, for /metrics. */
struct bet_service_stats {
    uint64_t requests;          /* bets and movements asked for */
    uint64_t malformed;         /* answered 400 before the book */
    uint64_t rate_limited;      /* 429 */
    uint64_t in_flight_reached; /* in_flight_max */
    uint64_t reads_reached;     /* BET_SERVICE_READS_MAX */
    uint64_t walk_reached;      /* BET_LIST_WALK_MAX */
    uint64_t in_flight;         /* now */
};
const struct bet_service_stats *bet_service_stats(const struct bet_service *service);
/* How often users_tracked_max was reached; always current. NULL: there is no limit to bets. */
const uint64_t *bet_service_users_forgotten(const struct bet_service *service);

struct bet_service_answer {
    struct book_cookie cookie;
    int status;        /* HTTP status; the WebSocket `code` */
    bool replayed;     /* Idempotent-Replayed: true */
    int retry_after_s; /* > 0 with 429 and 503 */
    struct slice body; /* JSON (problem+json when status >= 400); borrowed for the call */
};

typedef void (*bet_service_answer_fn)(const struct bet_service_answer *answer);

/* Who asks and how. `key` may be empty when the body carries idempotency_key; both differing is
 * malformed. */
struct bet_service_request {
    const struct jwt_claims *claims; /* verified; role bettor is checked here */
    struct slice key;
    struct slice body; /* JSON */
    enum record_transport transport;
    struct slice personal; /* address and device, plain; sealed by the book */
    struct slice bet_id;   /* of a cash-out */
};

/* Each calls `answer` exactly once: at once for what needs no record, else when it is durable. */
void bet_service_place(struct bet_service *service, const struct bet_service_request *request,
                       bet_service_answer_fn answer, struct book_cookie cookie);
void bet_service_deposit(struct bet_service *service, const struct bet_service_request *request,
                         bet_service_answer_fn answer, struct book_cookie cookie);
void bet_service_withdraw(struct bet_service *service, const struct bet_service_request *request,
                          bet_service_answer_fn answer, struct book_cookie cookie);
/* GET and POST /v1/bets/{id}/cash-out: what the bet would be bought back for now; buying it back,
 * which counts among the bets of a minute. A foreign id is 404. */
void bet_service_offer(struct bet_service *service, const struct jwt_claims *claims,
                       struct slice bet_id, bet_service_answer_fn answer,
                       struct book_cookie cookie);
void bet_service_cash_out(struct bet_service *service, const struct bet_service_request *request,
                          bet_service_answer_fn answer, struct book_cookie cookie);
/* The customer takes an offer of the desk on a bet that waits, or declines it. */
void bet_service_answer_offer(struct bet_service *service,
                              const struct bet_service_request *request, bool takes,
                              bet_service_answer_fn answer, struct book_cookie cookie);
/* GET /v1/account, GET /v1/bets?..., GET /v1/bets/{id} (a foreign id is 404). `query` is still
 * encoded: from, to (RFC 3339), cursor, limit, order=asc|desc, user_id (auditor, regulator). */
void bet_service_account(struct bet_service *service, const struct jwt_claims *claims,
                         bet_service_answer_fn answer, struct book_cookie cookie);
void bet_service_list(struct bet_service *service, const struct jwt_claims *claims,
                      struct slice query, bet_service_answer_fn answer, struct book_cookie cookie);
void bet_service_read(struct bet_service *service, const struct jwt_claims *claims,
                      struct slice bet_id, bet_service_answer_fn answer, struct book_cookie cookie);

/* The codes by which a service refuses before it looks at the request, with 401, 403 and so on,
 * are in docs/PROTOCOL.md. */

/* The pushed form of a durable record about a user's own bet or money, without the outer
 * {"op":...}: *ret_op is "bet_update" or "balance". False when the record pushes nothing. Fits into
 * BET_PUSH_BYTES_MAX. */
bool bet_service_push(struct bet_service *service, const struct record_view *record,
                      struct buf *out, const char **ret_op);
