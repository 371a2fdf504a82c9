/* bet_port.c - contract in bet_port.h. */
#include "roles/bet/bet_port.h"

#include "base/assert.h"
#include "roles/bet/proof_service.h"
#include "roles/shared/problem.h"

static void answer_not_found(bet_service_answer_fn answer, struct book_cookie cookie)
{
    char memory[256];
    struct buf body = buf_over(memory, sizeof memory);
    problem_write(&body, 404, "NOT_FOUND", SLICE("There is nothing at this path."));
    ASSERT(!body.overflow);
    answer(&(struct bet_service_answer){.cookie = cookie, .status = 404, .body = buf_slice(&body)});
}

static void ask_proofs(struct proof_service *proofs, const struct bet_question *question,
                       bet_service_answer_fn answer, struct book_cookie cookie)
{
    if (proofs == NULL)
        answer_not_found(answer, cookie);
    else if (question->call == BET_CALL_PROOF)
        proof_service_bet(proofs, question->claims, question->words, answer, cookie);
    else if (question->call == BET_CALL_HEAD)
        proof_service_head(proofs, question->words, answer, cookie);
    else
        proof_service_keys(proofs, answer, cookie);
}

static void ask(struct bet_port *port, const struct bet_question *question,
                bet_service_answer_fn answer, struct book_cookie cookie)
{
    struct bet_counter *counter = (struct bet_counter *)port;
    const struct bet_service_request request = {
        .claims = question->claims,
        .key = question->key,
        .body = question->words,
        .transport = question->transport,
        .personal = question->personal,
    };
    switch (question->call) {
    case BET_CALL_PLACE:
        bet_service_place(counter->bets, &request, answer, cookie);
        return;
    case BET_CALL_DEPOSIT:
        bet_service_deposit(counter->bets, &request, answer, cookie);
        return;
    case BET_CALL_WITHDRAW:
        bet_service_withdraw(counter->bets, &request, answer, cookie);
        return;
    case BET_CALL_ACCOUNT:
        bet_service_account(counter->bets, question->claims, answer, cookie);
        return;
    case BET_CALL_LIST:
        bet_service_list(counter->bets, question->claims, question->words, answer, cookie);
        return;
    case BET_CALL_READ:
        bet_service_read(counter->bets, question->claims, question->words, answer, cookie);
        return;
    case BET_CALL_PROOF:
    case BET_CALL_HEAD:
    case BET_CALL_KEYS:
        ask_proofs(counter->proofs, question, answer, cookie);
        return;
    }
}

void bet_counter_init(struct bet_counter *counter, struct bet_service *bets,
                      struct proof_service *proofs)
{
    *counter = (struct bet_counter){.port = {ask}, .bets = bets, .proofs = proofs};
}
