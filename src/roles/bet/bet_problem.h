/* bet_problem.h - a problem as the whole answer to a question about bets or proofs.
 * Thread: any. */
#pragma once

#include "roles/bet/bet_service.h"

struct bet_problem {
    int status;
    const char *code;   /* docs/PROTOCOL.md */
    const char *detail; /* for people; may be empty */
    int retry_after_s;  /* > 0 with 429 and 503, else 0 */
};

/* Calls `answer` at once; the answer's body lives for that call. */
void bet_problem_tell(const struct bet_problem *problem, bet_service_answer_fn answer,
                      struct book_cookie cookie);
