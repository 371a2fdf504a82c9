/* bet_problem.c - contract in bet_problem.h. */
#include "roles/bet/bet_problem.h"

#include "base/assert.h"
#include "roles/shared/problem.h"

#define PROBLEM_BYTES_MAX 256 /* code and detail are short literals */

void bet_problem_tell(const struct bet_problem *problem, bet_service_answer_fn answer,
                      struct book_cookie cookie)
{
    char memory[PROBLEM_BYTES_MAX];
    struct buf body = buf_over(memory, sizeof memory);
    problem_write(&body, problem->status, problem->code, slice_text(problem->detail));
    ASSERT(!body.overflow);
    answer(&(struct bet_service_answer){
        .cookie = cookie,
        .status = problem->status,
        .retry_after_s = problem->retry_after_s,
        .body = buf_slice(&body),
    });
}
