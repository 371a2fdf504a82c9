/* bet_offer.c - a customer's answer to an offer of the trading desk (bet_service.h). The offer's id
 * is the key: asked again, the answer is that of the record which the first one made, read from the
 * bet's history. */
#include "base/assert.h"
#include "roles/bet/bet_answer.h"
#include "roles/bet/bet_json.h"
#include "roles/bet/bet_service_internal.h"
#include "roles/shared/json_fields.h"

/* ---- the body ---- */

/* "SHARD-SEQ", of this shard. */
static bool read_offer_id(struct slice text, uint32_t shard, uint64_t *ret_seq)
{
    char memory[16];
    struct buf prefix = buf_over(memory, sizeof memory);
    buf_printf(&prefix, "%u-", shard);
    return slice_begins(text, buf_slice(&prefix)) &&
           field_positive(slice_skip(text, prefix.bytes), INT64_MAX, ret_seq);
}

static bool decode(struct bet_service *service, struct slice body, uint64_t *ret_seq,
                   struct request_refusal *refusal)
{
    static const struct field fields[] = {{"offer_id", JSON_STRING}};
    struct json_reader reader;
    struct field_values values;
    struct slice name = SLICE("offer_id");
    if (body.bytes > BET_BODY_BYTES_MAX)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    json_begin(&reader, body, service->scratch.strings, sizeof service->scratch.strings);
    if (json_peek(&reader) != JSON_OBJECT)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!fields_read(&reader, fields, 1, &values, refusal))
        return false;
    if (json_end(&reader) < 0)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!field_seen(&values, 0))
        return refuse(refusal, FAULT_MISSING_FIELD, name);
    return read_offer_id(values.text[0], shard_state_shard(book_state(service->book)), ret_seq) ||
           refuse(refusal, FAULT_INVALID_FIELD, name);
}

/* ---- asked again ---- */

/* Cookie: the ask, the bet, the offer, whether it is taken. */
enum { WORD_BET, WORD_OFFER, WORD_TAKES };

static const struct record_view *find_word(const struct book_cookie *cookie,
                                           const struct record_view *records, size_t count)
{
    enum referral_word wanted = cookie->words[WORD_TAKES] != 0 ? REFERRAL_TAKEN : REFERRAL_DECLINED;
    for (size_t i = 0; i < count; i++) {
        const struct record_referral *word = records[i].body;
        if (records[i].head->type == RECORD_REFERRAL && word->word == wanted &&
            word->offer_seq == cookie->words[WORD_OFFER])
            return &records[i];
    }
    return NULL;
}

static void on_history(struct book_cookie cookie, const struct record_view *records, size_t count)
{
    struct ask *ask = cookie.owner;
    const struct record_view *word = find_word(&cookie, records, count);
    if (word != NULL) {
        bet_service_on_verdict(
            &(struct book_answer){.cookie = {.owner = ask}, .replayed = true, .record = word});
        return;
    }
    bet_service_answer_fn tell = ask->answer;
    struct book_cookie asked = ask->cookie;
    struct bet_service *service = ask->service;
    bet_service_give_ask(ask);
    if (count == 0)
        bet_service_refuse(service, 503, "LEDGER_UNAVAILABLE", tell, asked);
    else
        bet_service_refuse(service, 409, "OFFER_EXPIRED", tell, asked);
}

/* What was answered before is durable now, and so in the bet's history. */
static void on_durable(const struct book_answer *moment)
{
    struct ask *ask = moment->cookie.owner;
    const struct bet_id id = {moment->cookie.words[WORD_BET]};
    enum request_outcome outcome =
        moment->failed ? REQUEST_STOPPED
                       : book_bet_history(ask->service->book, id, on_history, moment->cookie);
    bet_service_taken_or_not(ask, outcome);
}

/* ---- the request ---- */

static void refuse_outcome(struct ask *ask, enum bet_outcome outcome)
{
    struct bet_service *service = ask->service;
    bet_service_answer_fn tell = ask->answer;
    struct bet_service_answer answer = {.cookie = ask->cookie, .status = bet_outcome_http(outcome)};
    struct buf out = buf_over(service->out, sizeof service->out);
    bet_service_give_ask(ask);
    bet_answer_write_outcome(outcome, &out);
    answer.body = buf_slice(&out);
    tell(&answer);
}

void bet_service_answer_offer(struct bet_service *service,
                              const struct bet_service_request *request, bool takes,
                              bet_service_answer_fn answer, struct book_cookie cookie)
{
    struct request_refusal refusal;
    struct word_refusal refused;
    struct offer_answer asked = {
        .user_id = jwt_sub(request->claims), .takes = takes, .transport = request->transport};
    if (!bet_service_admit(service, request, answer, cookie))
        return;
    if (!bet_service_own_bet(service, request, &asked.bet)) {
        bet_service_refuse(service, 404, "NOT_FOUND", answer, cookie);
        return;
    }
    if (!decode(service, request->body, &asked.offer_seq, &refusal)) {
        bet_service_refuse_fault(service, &refusal, answer, cookie);
        return;
    }
    struct ask *ask = bet_service_take_ask(service, answer, cookie);
    if (ask == NULL)
        return;
    enum request_outcome outcome =
        book_answer_offer(service->book, &asked,
                          (struct book_reply){bet_service_on_verdict, {.owner = ask}}, &refused);
    if (outcome == REQUEST_INVALID) {
        refuse_outcome(ask, refused.outcome);
        return;
    }
    if (outcome == REQUEST_CONFLICT)
        outcome =
            book_when_durable(service->book, on_durable,
                              (struct book_cookie){ask, {asked.bet.n, asked.offer_seq, takes}});
    bet_service_taken_or_not(ask, outcome);
}
