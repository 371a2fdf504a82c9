/* bet_service.c - contract in bet_service.h: bets and movements of money. Reading back is in
 * bet_service_read.c. */
#include "roles/bet/bet_service.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "crypto/random.h"
#include "roles/bet/bet_answer.h"
#include "roles/bet/bet_json.h"
#include "roles/bet/bet_problem.h"
#include "roles/bet/bet_service_internal.h"
#include "roles/shared/problem.h"

#define US_PER_MINUTE (60 * US_PER_SECOND)

static int new_rate(struct bet_service *service)
{
    struct rate_limit_options options = {
        .burst = service->options.bets_per_minute_max,
        .interval_us = US_PER_MINUTE / service->options.bets_per_minute_max,
        .keys_max = service->options.users_tracked_max,
    };
    random_fill(options.hash_key, sizeof options.hash_key);
    return rate_limit_new(&options, &service->rate);
}

static int new_slots(struct bet_service *service)
{
    uint32_t asks = service->options.in_flight_max;
    service->asks = calloc(asks, sizeof *service->asks);
    service->held = calloc(BET_SERVICE_READS_MAX, sizeof *service->held);
    if (service->asks == NULL || service->held == NULL)
        return -ERR_MEMORY;
    for (uint32_t i = asks; i-- > 0;) {
        service->asks[i].service = service;
        service->asks[i].next_free = service->free_ask;
        service->free_ask = &service->asks[i];
    }
    for (uint32_t i = BET_SERVICE_READS_MAX; i-- > 0;) {
        service->held[i].service = service;
        service->held[i].next_free = service->free_held;
        service->free_held = &service->held[i];
    }
    return 0;
}

int bet_service_new(const struct bet_service_options *options, struct book *book,
                    struct bet_service **ret_service)
{
    ASSERT(options->in_flight_max > 0);
    struct bet_service *service = calloc(1, sizeof *service);
    if (service == NULL)
        return -ERR_MEMORY;
    service->options = *options;
    service->book = book;
    int error = new_slots(service);
    if (error == 0 && options->bets_per_minute_max > 0)
        error = new_rate(service);
    if (error < 0) {
        bet_service_free(service);
        return error;
    }
    *ret_service = service;
    return 0;
}

void bet_service_free(struct bet_service *service)
{
    if (service == NULL)
        return;
    rate_limit_free(service->rate);
    free(service->asks);
    free(service->held);
    free(service);
}

void bet_service_begin_turn(struct bet_service *service, struct monotonic now)
{
    service->now = now;
}

const struct bet_service_stats *bet_service_stats(const struct bet_service *service)
{
    return &service->stats;
}

const uint64_t *bet_service_users_forgotten(const struct bet_service *service)
{
    return service->rate != NULL ? rate_limit_forgotten(service->rate) : NULL;
}

/* ---- answers that need no record ---- */

#define RETRY_BUSY_S    1
#define RETRY_STOPPED_S 5

static int retry_after_s(int status, const char *code)
{
    if (status != 503)
        return 0;
    return slice_is(SLICE("OVERLOADED"), code) ? RETRY_BUSY_S : RETRY_STOPPED_S;
}

static const char *refusal_detail(const char *code)
{
    static const struct {
        const char *code, *detail;
    } details[] = {
        {"LEDGER_UNAVAILABLE", "No bets or money at this moment; what became of a request that "
                               "was under way can be asked with the same key."},
        {"LEDGER_STALLED",
         "The ledger's disk does not answer at this moment; nothing was done, try "
         "again."},
        {"LEDGER_FULL", "The ledger takes no bets or money until it has space; nothing was done."},
        {"OVERLOADED", "Too much is waiting; nothing was done, try again."},
        {"IDEMPOTENCY_CONFLICT", "The key was used for another request."},
        {"ROLE_REQUIRED", "The token does not have the role that this needs."},
    };
    for (size_t i = 0; i < sizeof details / sizeof *details; i++)
        if (slice_is(slice_text(code), details[i].code))
            return details[i].detail;
    return "";
}

void bet_service_refuse(struct bet_service *service, int status, const char *code,
                        bet_service_answer_fn answer, struct book_cookie cookie)
{
    struct buf out = buf_over(service->out, sizeof service->out);
    struct json_writer writer = problem_open(&out, status, code, slice_text(refusal_detail(code)));
    if (slice_is(SLICE("OVERLOADED"), code))
        put_word_member(&writer, "limit", book_busy_limit(service->book));
    json_write_object_close(&writer);
    answer(&(struct bet_service_answer){
        .cookie = cookie,
        .status = status,
        .retry_after_s = retry_after_s(status, code),
        .body = buf_slice(&out),
    });
}

void bet_service_untaken(struct bet_service *service, enum request_outcome outcome,
                         bet_service_answer_fn answer, struct book_cookie cookie)
{
    switch (outcome) {
    case REQUEST_CONFLICT:
        bet_service_refuse(service, 409, "IDEMPOTENCY_CONFLICT", answer, cookie);
        return;
    case REQUEST_STOPPED:
        bet_service_refuse(service, 503, "LEDGER_UNAVAILABLE", answer, cookie);
        return;
    case REQUEST_STALLED:
        bet_service_refuse(service, 503, "LEDGER_STALLED", answer, cookie);
        return;
    case REQUEST_FULL:
        bet_service_refuse(service, 503, "LEDGER_FULL", answer, cookie);
        return;
    case REQUEST_BUSY:
        bet_service_refuse(service, 503, "OVERLOADED", answer, cookie);
        return;
    case REQUEST_DESK_AWAY:
        bet_service_refuse(service, 503, "DESK_AWAY", answer, cookie);
        return;
    case REQUEST_ELSEWHERE:
        bet_service_refuse(service, 421, "WRONG_SHARD", answer, cookie);
        return;
    case REQUEST_SAME_ACTOR:
    case REQUEST_OTHER_ACTOR:
    case REQUEST_UNKNOWN:
        bet_service_refuse(service, 404, "NOT_FOUND", answer, cookie);
        return;
    case REQUEST_TAKEN:
    case REQUEST_NO_CHANGE:
    case REQUEST_OLD_VERSION:
    case REQUEST_INVALID:
        break;
    }
    ASSERT(false); /* not an answer to a customer's request (book.h) */
}

void bet_service_refuse_fault(struct bet_service *service, const struct request_refusal *refusal,
                              bet_service_answer_fn answer, struct book_cookie cookie)
{
    struct buf out = buf_over(service->out, sizeof service->out);
    service->stats.malformed++;
    refusal_write(refusal, &out);
    answer(&(struct bet_service_answer){.cookie = cookie, .status = 400, .body = buf_slice(&out)});
}

/* ---- requests that the book takes ---- */

struct ask *bet_service_take_ask(struct bet_service *service, bet_service_answer_fn answer,
                                 struct book_cookie cookie)
{
    struct ask *ask = service->free_ask;
    if (ask == NULL) {
        service->stats.in_flight_reached++;
        bet_service_refuse(service, 503, "OVERLOADED", answer, cookie);
        return NULL;
    }
    service->free_ask = ask->next_free;
    service->stats.in_flight++;
    ask->answer = answer;
    ask->cookie = cookie;
    return ask;
}

void bet_service_give_ask(struct ask *ask)
{
    struct bet_service *service = ask->service;
    ask->next_free = service->free_ask;
    service->free_ask = ask;
    service->stats.in_flight--;
}

void bet_service_on_verdict(const struct book_answer *verdict)
{
    struct ask *ask = verdict->cookie.owner;
    struct bet_service *service = ask->service;
    bet_service_answer_fn tell = ask->answer;
    struct bet_service_answer answer = {.cookie = ask->cookie, .replayed = verdict->replayed};
    bet_service_give_ask(ask);
    if (verdict->untaken != REQUEST_TAKEN) {
        bet_service_untaken(service, verdict->untaken, tell, answer.cookie);
        return;
    }
    if (verdict->failed || verdict->record == NULL) {
        bet_service_refuse(service, 503, "LEDGER_UNAVAILABLE", tell, answer.cookie);
        return;
    }
    struct buf out = buf_over(service->out, sizeof service->out);
    answer.status =
        bet_answer_write(book_state(service->book), verdict->record, verdict->replayed, &out);
    ASSERT(!out.overflow);
    answer.body = buf_slice(&out);
    tell(&answer);
}

/* What every request that moves money has to pass first. */
bool bet_service_admit(struct bet_service *service, const struct bet_service_request *request,
                       bet_service_answer_fn answer, struct book_cookie cookie)
{
    service->stats.requests++;
    if (jwt_has_role(request->claims, JWT_BETTOR))
        return true;
    bet_service_refuse(service, 403, "ROLE_REQUIRED", answer, cookie);
    return false;
}

static bool admit_rate(struct bet_service *service, const struct jwt_claims *claims,
                       bet_service_answer_fn answer, struct book_cookie cookie)
{
    if (service->rate == NULL)
        return true;
    int64_t wait_us = rate_limit_take(service->rate, jwt_sub(claims), service->now);
    if (wait_us == 0)
        return true;
    service->stats.rate_limited++;
    bet_problem_tell(
        &(struct bet_problem){
            .status = 429,
            .code = "RATE_LIMITED",
            .detail = "Too many bets in a minute.",
            .retry_after_s = (int)((wait_us + US_PER_SECOND - 1) / US_PER_SECOND),
        },
        answer, cookie);
    return false;
}

static struct decode_context context_of(struct bet_service *service,
                                        const struct bet_service_request *request)
{
    const struct shard_state *state = book_state(service->book);
    struct account_ref ref = shard_state_find_account(state, jwt_sub(request->claims));
    return (struct decode_context){
        .header_key = request->key,
        .account_currency = ref.n == 0 ? CURRENCY_NONE : shard_state_account(state, ref)->currency,
        .scratch = &service->scratch,
    };
}

void bet_service_taken_or_not(struct ask *ask, enum request_outcome outcome)
{
    if (outcome == REQUEST_TAKEN)
        return; /* the ask may be given back already */
    bet_service_answer_fn answer = ask->answer;
    struct book_cookie cookie = ask->cookie;
    struct bet_service *service = ask->service;
    bet_service_give_ask(ask);
    bet_service_untaken(service, outcome, answer, cookie);
}

void bet_service_place(struct bet_service *service, const struct bet_service_request *request,
                       bet_service_answer_fn answer, struct book_cookie cookie)
{
    struct bet_decoded bet;
    struct request_refusal refusal;
    if (!bet_service_admit(service, request, answer, cookie) ||
        !admit_rate(service, request->claims, answer, cookie))
        return;
    struct decode_context context = context_of(service, request);
    if (!bet_decode(request->body, &context, &bet, &refusal)) {
        bet_service_refuse_fault(service, &refusal, answer, cookie);
        return;
    }
    struct ask *ask = bet_service_take_ask(service, answer, cookie);
    if (ask == NULL)
        return;
    struct bet_request asked = {
        .user_id = jwt_sub(request->claims),
        .key = bet.key,
        .ticket = bet.ticket,
        .names = bet.names,
        .accept_alternative = bet.accept_alternative,
        .request_hash = {bet.request_hash[0], bet.request_hash[1]},
        .transport = request->transport,
        .personal = request->personal,
    };
    bet_service_taken_or_not(ask, book_place_bet(service->book, &asked, bet_service_on_verdict,
                                                 (struct book_cookie){.owner = ask}));
}

static void move_money(struct bet_service *service, const struct bet_service_request *request,
                       enum money_kind kind, bet_service_answer_fn answer,
                       struct book_cookie cookie)
{
    struct money_decoded money;
    struct request_refusal refusal;
    if (!bet_service_admit(service, request, answer, cookie))
        return;
    struct decode_context context = context_of(service, request);
    if (!money_decode(request->body, &context, &money, &refusal)) {
        bet_service_refuse_fault(service, &refusal, answer, cookie);
        return;
    }
    struct ask *ask = bet_service_take_ask(service, answer, cookie);
    if (ask == NULL)
        return;
    struct money_request asked = {
        .user_id = jwt_sub(request->claims),
        .key = money.key,
        .kind = kind,
        .amount = money.amount,
        .request_hash = {money.request_hash[0], money.request_hash[1]},
    };
    bet_service_taken_or_not(ask, book_move_money(service->book, &asked, bet_service_on_verdict,
                                                  (struct book_cookie){.owner = ask}));
}

void bet_service_deposit(struct bet_service *service, const struct bet_service_request *request,
                         bet_service_answer_fn answer, struct book_cookie cookie)
{
    move_money(service, request, MONEY_DEPOSIT, answer, cookie);
}

void bet_service_withdraw(struct bet_service *service, const struct bet_service_request *request,
                          bet_service_answer_fn answer, struct book_cookie cookie)
{
    move_money(service, request, MONEY_WITHDRAWAL, answer, cookie);
}

/* The user's own bet of this id. */
bool bet_service_own_bet(struct bet_service *service, const struct bet_service_request *request,
                         struct bet_id *ret_id)
{
    const struct shard_state *state = book_state(service->book);
    uint32_t index =
        bet_id_parse(request->bet_id, ret_id) ? shard_state_find_bet(state, *ret_id) : BET_NONE;
    return index != BET_NONE && shard_state_bet(state, index)->account ==
                                    shard_state_find_account(state, jwt_sub(request->claims)).n;
}

void bet_service_cash_out(struct bet_service *service, const struct bet_service_request *request,
                          bet_service_answer_fn answer, struct book_cookie cookie)
{
    struct cash_out_decoded sale;
    struct request_refusal refusal;
    struct bet_id id = {0};
    if (!bet_service_admit(service, request, answer, cookie) ||
        !admit_rate(service, request->claims, answer, cookie))
        return;
    if (!bet_service_own_bet(service, request, &id)) {
        bet_service_refuse(service, 404, "NOT_FOUND", answer, cookie);
        return;
    }
    struct decode_context context = context_of(service, request);
    if (!cash_out_decode(request->body, &context, id, &sale, &refusal)) {
        bet_service_refuse_fault(service, &refusal, answer, cookie);
        return;
    }
    struct ask *ask = bet_service_take_ask(service, answer, cookie);
    if (ask == NULL)
        return;
    struct cash_out_request asked = {
        .user_id = jwt_sub(request->claims),
        .key = sale.key,
        .bet = id,
        .offer = sale.offer,
        .accepted = sale.amount,
        .stake = sale.stake,
        .fraction = sale.fraction,
        .tolerance = sale.tolerance,
        .request_hash = {sale.request_hash[0], sale.request_hash[1]},
        .transport = request->transport,
    };
    bet_service_taken_or_not(ask, book_cash_out(service->book, &asked, bet_service_on_verdict,
                                                (struct book_cookie){.owner = ask}));
}

bool bet_service_push(struct bet_service *service, const struct record_view *record,
                      struct buf *out, const char **ret_op)
{
    return bet_answer_push(book_state(service->book), record, out, ret_op);
}
