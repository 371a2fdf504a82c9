/* fuzz_bet_decode.c - bodies of bets, money, cash-outs and results from strangers. What is taken
 * satisfies everything that the book asserts about a request; what is refused names a fault;
 * reading twice gives the same; and a bet that is written out again plainly is the same request. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/json_write.h"
#include "roles/backoffice/result_decode.h"
#include "roles/bet/bet_decode.h"

static struct bet_scratch scratch, scratch_again;
static struct result_decoded results;
static struct bet_decoded again[2]; /* as a single, as a multiple */

static struct decode_context context_of(struct bet_scratch *memory)
{
    return (struct decode_context){
        .header_key = SLICE("k"), .account_currency = {826}, .scratch = memory};
}

static void put_leg(struct json_writer *writer, const struct bet_decoded *bet, uint32_t at)
{
    const struct ticket_leg *leg = &bet->ticket.legs[at];
    char odds[64];
    struct buf exact = buf_over(odds, sizeof odds);
    json_write_key(writer, "market_id");
    json_write_text(writer, bet->names[at].market_id);
    json_write_key(writer, "selection_id");
    json_write_text(writer, bet->names[at].selection_id);
    if (odds_present(leg->odds)) {
        odds_write_exact(&exact, leg->odds);
        json_write_key(writer, "odds_exact");
        json_write_text(writer, buf_slice(&exact));
    }
    if (leg->odds_version == 0)
        return;
    json_write_key(writer, "odds_version");
    json_write_u64(writer, leg->odds_version);
}

static void put_legs(struct json_writer *writer, const struct bet_decoded *bet)
{
    json_write_key(writer, "legs");
    json_write_array_open(writer);
    for (uint32_t i = 0; i < bet->ticket.legs_count; i++) {
        json_write_object_open(writer);
        put_leg(writer, bet, i);
        json_write_key(writer, "banker");
        json_write_bool(writer, bet->ticket.legs[i].banker);
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

static void put_words(struct json_writer *writer, const struct ticket *ticket)
{
    static const char *const kinds[] = {"cash", "free", "bonus"};
    json_write_key(writer, "stake");
    json_write_decimal(writer, ticket->stake.minor, currency_scale(ticket->stake.currency));
    json_write_key(writer, "currency");
    json_write_text(writer, slice_text(currency_code(ticket->stake.currency)));
    json_write_key(writer, "price_policy");
    json_write_text(writer, slice_text(price_policy_text(ticket->policy)));
    json_write_key(writer, "each_way");
    json_write_bool(writer, ticket->each_way);
    json_write_key(writer, "stake_kind");
    json_write_text(writer, slice_text(kinds[ticket->stake_kind]));
}

/* A bet of one leg is written as a single and as a multiple: it was one of the two. A system's unit
 * is not kept, so systems are not written. */
static void check_again(const struct bet_decoded *bet, bool multiple)
{
    static char text[64 * 1024];
    struct buf out = buf_over(text, sizeof text);
    struct json_writer writer = json_write_begin(&out);
    struct decode_context context = context_of(&scratch_again);
    struct request_refusal refusal;
    json_write_object_open(&writer);
    if (multiple) {
        json_write_key(&writer, "type");
        json_write_text(&writer, SLICE("multiple"));
        put_legs(&writer, bet);
    } else {
        put_leg(&writer, bet, 0);
    }
    put_words(&writer, &bet->ticket);
    json_write_object_close(&writer);
    if (out.overflow)
        return; /* texts that take more room escaped */
    ASSERT(bet_decode(buf_slice(&out), &context, &again[multiple], &refusal));
}

static bool same_hash(const struct bet_decoded *a, const struct bet_decoded *b)
{
    return a->request_hash[0] == b->request_hash[0] && a->request_hash[1] == b->request_hash[1];
}

static void check_bet(struct slice body)
{
    struct decode_context context = context_of(&scratch);
    struct bet_decoded bet;
    struct request_refusal refusal = {REQUEST_FAULT_NONE, SLICE_NONE};
    if (!bet_decode(body, &context, &bet, &refusal)) {
        ASSERT(request_fault_text(refusal.fault) != NULL);
        return;
    }
    const struct ticket *ticket = &bet.ticket;
    ASSERT(ticket->stake.minor > 0 && ticket->stake.minor <= MONEY_MINOR_MAX);
    ASSERT(currency_known(ticket->stake.currency));
    ASSERT(bet.key.bytes >= 1 && bet.key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX);
    ASSERT(ticket->legs_count >= 1 && ticket->legs_count <= BET_LEGS_MAX);
    for (uint32_t i = 0; i < ticket->legs_count; i++) {
        const struct leg_names *names = &bet.names[i];
        ASSERT(names->market_id.bytes >= 1 && names->market_id.bytes <= MARKET_ID_BYTES_MAX);
        ASSERT(names->selection_id.bytes >= 1 &&
               names->selection_id.bytes <= SELECTION_ID_BYTES_MAX);
        ASSERT(ticket->policy == PRICE_ANY || odds_present(ticket->legs[i].odds));
    }
    if (ticket->sizes.mask != 0)
        return;
    again[0] = again[1] = (struct bet_decoded){0};
    check_again(&bet, true);
    if (ticket->legs_count == 1)
        check_again(&bet, false);
    ASSERT(again[1].names == NULL || same_hash(&bet, &again[0]) || same_hash(&bet, &again[1]));
}

static void check_money(struct slice body)
{
    struct decode_context context = context_of(&scratch);
    struct money_decoded money;
    struct request_refusal refusal = {REQUEST_FAULT_NONE, SLICE_NONE};
    if (money_decode(body, &context, &money, &refusal))
        ASSERT(money.amount.minor > 0 && money.amount.minor <= MONEY_MINOR_MAX);
    else
        ASSERT(request_fault_text(refusal.fault) != NULL);
}

static void check_selection(const struct feed_result *result,
                            const struct feed_selection_result *selection)
{
    ASSERT(selection->selection_id.bytes >= 1);
    ASSERT(selection->selection_id.bytes <= SELECTION_ID_BYTES_MAX);
    ASSERT(selection->reason.bytes <= REASON_BYTES_MAX);
    ASSERT(selection->open == (result->kind == RESULT_ROLLBACK));
    ASSERT(leg_result_valid(selection->result));
    ASSERT(selection->tied == 0 || selection->position != 0);
    ASSERT(selection->deduction < DEDUCTION_WHOLE);
    ASSERT(selection->deduction == 0 || selection->withdrawn_at.us > 0);
    ASSERT(selection->deduction == 0 || result->deduction_model != 0);
    ASSERT(result->deduction_model != DEDUCT_RULE4 || selection->deduction % 100 == 0);
}

static void check_result(const struct feed_result *result)
{
    bool window = result->kind == RESULT_CANCEL || result->kind == RESULT_UNDO_CANCEL;
    ASSERT(!window || result->void_from.us < result->void_until.us);
    ASSERT(!window || result->selections_count == 0);
    ASSERT(result->kind != RESULT_SET || result->selections_count >= 1 || result->score_known);
    for (size_t j = 0; j < result->selections_count; j++)
        check_selection(result, &result->selections[j]);
}

static void check_results(struct slice body)
{
    struct request_refusal refusal = {REQUEST_FAULT_NONE, SLICE_NONE};
    if (!result_decode(body, &RESULT_POLICY_DEFAULT, &results, &refusal)) {
        ASSERT(request_fault_text(refusal.fault) != NULL);
        return;
    }
    ASSERT(results.reason.bytes <= REASON_BYTES_MAX);
    for (size_t i = 0; i < results.markets_count; i++) {
        const struct feed_result *result = &results.markets[i];
        ASSERT(result->result_version > 0);
        ASSERT(result->market_id.bytes >= 1 && result->market_id.bytes <= MARKET_ID_BYTES_MAX);
        check_result(result);
    }
}

static void check_cash_out(struct slice body)
{
    struct decode_context context = context_of(&scratch);
    struct cash_out_decoded sale, same;
    struct request_refusal refusal = {.fault = REQUEST_FAULT_NONE};
    const struct bet_id bet = {7};
    if (!cash_out_decode(body, &context, bet, &sale, &refusal)) {
        ASSERT(refusal.fault != REQUEST_FAULT_NONE);
        return;
    }
    ASSERT(sale.key.bytes > 0 && sale.key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX);
    ASSERT(sale.offer.bytes > 0 && sale.offer.bytes <= CASH_OUT_OFFER_BYTES);
    ASSERT(sale.amount > 0 && sale.amount <= MONEY_MINOR_MAX);
    ASSERT(sale.stake >= 0 && sale.stake <= MONEY_MINOR_MAX);
    ASSERT(sale.fraction > 0 && sale.fraction <= 10000 && sale.tolerance <= 10000);
    struct decode_context other = context_of(&scratch_again);
    ASSERT(cash_out_decode(body, &other, bet, &same, &refusal));
    ASSERT(memcmp(sale.request_hash, same.request_hash, sizeof same.request_hash) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = slice_of(data, size);
    if (size > BET_BODY_BYTES_MAX)
        return 0;
    check_bet(body);
    check_money(body);
    check_cash_out(body);
    check_results(body);
    return 0;
}
