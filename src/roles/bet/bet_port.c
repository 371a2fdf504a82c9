/* bet_port.c - contract in bet_port.h. */
#include "roles/bet/bet_port.h"

#include "base/error.h"
#include "roles/bet/bet_problem.h"
#include "roles/bet/bet_shard.h"
#include "roles/bet/proof_service.h"

static const struct bet_problem nothing_here = {404, "NOT_FOUND", "There is nothing at this path.",
                                                0};
static const struct bet_problem away = {503, "BOOK_AWAY", "No bets are taken now.", 1};
static const struct bet_problem elsewhere = {421, "WRONG_SHARD",
                                             "Another shard of the book has it.", 0};

static void ask_proofs(struct proof_service *proofs, const struct bet_question *question,
                       bet_service_answer_fn answer, struct book_cookie cookie)
{
    if (proofs == NULL)
        bet_problem_tell(&nothing_here, answer, cookie);
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
    uint32_t shard = counter->place.shard;
    if (counter->closed) {
        bet_problem_tell(&away, answer, cookie);
        return;
    }
    if (bet_question_shard(question, counter->place.shards, &shard) &&
        shard != counter->place.shard) {
        counter->misdirected++;
        bet_problem_tell(&elsewhere, answer, cookie);
        return;
    }
    const struct bet_service_request request = {
        .claims = question->claims,
        .key = question->key,
        .body = question->words,
        .transport = question->transport,
        .personal = question->personal,
        .bet_id = question->bet_id,
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
    case BET_CALL_OFFER:
        bet_service_offer(counter->bets, question->claims, question->words, answer, cookie);
        return;
    case BET_CALL_CASH_OUT:
        bet_service_cash_out(counter->bets, &request, answer, cookie);
        return;
    case BET_CALL_TAKE_OFFER:
    case BET_CALL_DECLINE_OFFER:
        bet_service_answer_offer(counter->bets, &request, question->call == BET_CALL_TAKE_OFFER,
                                 answer, cookie);
        return;
    case BET_CALL_PROOF:
    case BET_CALL_HEAD:
    case BET_CALL_KEYS:
        ask_proofs(counter->proofs, question, answer, cookie);
        return;
    }
}

void bet_counter_init(struct bet_counter *counter, struct shard_place place,
                      struct bet_service *bets, struct proof_service *proofs)
{
    *counter = (struct bet_counter){.port = {ask}, .place = place, .bets = bets, .proofs = proofs};
}

/* ---- metrics ---- */

static const char limits[] = "overround_limit_reached_total";
static const char help[] = "How often a named limit was reached";

static int add_proofs(const struct proof_service *proofs, struct metrics *metrics)
{
    const struct proof_service_stats *stats = proof_service_stats(proofs);
    const struct metrics_row counters[] = {
        {{limits, help, "limit=\"proofs_waiting_max\"", 0}, &stats->asks_reached},
        {{limits, help, "limit=\"receipts_waiting_max\"", 0}, &stats->receipts_reached},
        {{"overround_proofs_total", "Proofs answered", NULL, 0}, &stats->proofs},
        {{"overround_receipts_total", "Receipts pushed", NULL, 0}, &stats->receipts},
    };
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}

int bet_counter_register_metrics(const struct bet_counter *counter, struct metrics *metrics)
{
    const struct bet_service_stats *bets = bet_service_stats(counter->bets);
    const struct metrics_row counters[] = {
        {{limits, help, "limit=\"bets_per_minute_max\"", 0}, &bets->rate_limited},
        {{limits, help, "limit=\"bets_waiting_max\"", 0}, &bets->in_flight_reached},
        {{limits, help, "limit=\"reads_waiting_max\"", 0}, &bets->reads_reached},
        {{limits, help, "limit=\"list_walk_max\"", 0}, &bets->walk_reached},
        {{"overround_requests_misdirected_total", "Requests answered 421: of another shard", NULL,
          0},
         &counter->misdirected},
        {{"overround_requests_malformed_total", "Bets and movements answered 400", NULL, 0},
         &bets->malformed},
    };
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    const struct metrics_row users = {{limits, help, "limit=\"users_tracked_max\"", 0},
                                      bet_service_users_forgotten(counter->bets)};
    if (users.value != NULL)
        TRY(metrics_add_counters(metrics, &users, 1));
    return counter->proofs != NULL ? add_proofs(counter->proofs, metrics) : 0;
}
