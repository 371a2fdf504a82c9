/* bet_service_internal.h - the service's memory, shared by the files bet_service*.c only. */
#pragma once

#include "roles/bet/bet_decode.h"
#include "roles/bet/bet_service.h"
#include "roles/shared/rate_limit.h"

/* A request that the book has taken. */
struct ask {
    struct bet_service *service;
    bet_service_answer_fn answer;
    struct book_cookie cookie;
    struct ask *next_free;
};

/* An answer that is written already and waits until what it tells is durable. */
struct held {
    struct bet_service *service;
    bet_service_answer_fn answer;
    struct book_cookie cookie;
    struct held *next_free;
    int status;
    size_t bytes;
    char body[BET_READ_BYTES_MAX];
};

struct bet_service {
    struct bet_service_options options;
    struct book *book;       /* borrowed */
    struct rate_limit *rate; /* owned; NULL: off */
    struct monotonic now;
    struct ask *asks; /* owned; in_flight_max */
    struct ask *free_ask;
    struct held *held; /* owned; BET_SERVICE_READS_MAX */
    struct held *free_held;
    struct bet_service_stats stats;
    struct bet_scratch scratch;
    char out[BET_READ_BYTES_MAX]; /* of the answer being written */
};

/* ---- bet_service.c ---- */

/* A request that may be asked for now; else it was answered. */
bool bet_service_admit(struct bet_service *service, const struct bet_service_request *request,
                       bet_service_answer_fn answer, struct book_cookie cookie);
/* The user's own bet of this id. */
bool bet_service_own_bet(struct bet_service *service, const struct bet_service_request *request,
                         struct bet_id *ret_id);
void bet_service_refuse_fault(struct bet_service *service, const struct request_refusal *refusal,
                              bet_service_answer_fn answer, struct book_cookie cookie);
/* NULL: in_flight_max wait, and it was answered. */
struct ask *bet_service_take_ask(struct bet_service *service, bet_service_answer_fn answer,
                                 struct book_cookie cookie);
void bet_service_give_ask(struct ask *ask);
/* For the book's calls; cookie.owner is the ask. */
void bet_service_on_verdict(const struct book_answer *verdict);
/* Answers what the book did not take. */
void bet_service_taken_or_not(struct ask *ask, enum request_outcome outcome);

/* Answers at once with a problem: 503 with Retry-After for OVERLOADED and LEDGER_UNAVAILABLE. */
void bet_service_refuse(struct bet_service *service, int status, const char *code,
                        bet_service_answer_fn answer, struct book_cookie cookie);
/* What the book said instead of taking the request. */
void bet_service_untaken(struct bet_service *service, enum request_outcome outcome,
                         bet_service_answer_fn answer, struct book_cookie cookie);
