/* fuzz_bet_decode.c - bodies of bets, money and results from strangers. What is taken satisfies
 * everything that the book asserts about a request; what is refused names a fault; reading twice
 * gives the same; and a bet that is written out again plainly is the same request. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/json_write.h"
#include "roles/backoffice/result_decode.h"
#include "roles/bet/bet_decode.h"

static struct bet_scratch scratch, scratch_again;
static struct result_decoded results;

static struct decode_context context_of(struct bet_scratch *memory)
{
    return (struct decode_context){
        .header_key = SLICE("k"), .account_currency = {826}, .scratch = memory};
}

static void check_again(const struct bet_decoded *bet)
{
    static char text[8192];
    struct buf out = buf_over(text, sizeof text);
    struct json_writer writer = json_write_begin(&out);
    struct decode_context context = context_of(&scratch_again);
    struct bet_decoded again;
    struct request_refusal refusal;
    char odds[64];
    struct buf exact = buf_over(odds, sizeof odds);
    json_write_object_open(&writer);
    json_write_key(&writer, "market_id");
    json_write_text(&writer, bet->market_id);
    json_write_key(&writer, "selection_id");
    json_write_text(&writer, bet->selection_id);
    if (odds_present(bet->slip.odds)) {
        odds_write_exact(&exact, bet->slip.odds);
        json_write_key(&writer, "odds_exact");
        json_write_text(&writer, buf_slice(&exact));
    }
    if (bet->slip.odds_version != 0) {
        json_write_key(&writer, "odds_version");
        json_write_u64(&writer, bet->slip.odds_version);
    }
    json_write_key(&writer, "stake");
    json_write_decimal(&writer, bet->slip.stake.minor, currency_scale(bet->slip.stake.currency));
    json_write_key(&writer, "currency");
    json_write_text(&writer, slice_text(currency_code(bet->slip.stake.currency)));
    json_write_key(&writer, "price_policy");
    json_write_text(&writer, slice_text(price_policy_text(bet->slip.policy)));
    json_write_object_close(&writer);
    ASSERT(!out.overflow);
    ASSERT(bet_decode(buf_slice(&out), &context, &again, &refusal));
    ASSERT(again.request_hash[0] == bet->request_hash[0]);
    ASSERT(again.request_hash[1] == bet->request_hash[1]);
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
    ASSERT(bet.slip.stake.minor > 0 && bet.slip.stake.minor <= MONEY_MINOR_MAX);
    ASSERT(currency_known(bet.slip.stake.currency));
    ASSERT(bet.key.bytes >= 1 && bet.key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX);
    if (!bet.single)
        return;
    ASSERT(bet.market_id.bytes >= 1 && bet.market_id.bytes <= MARKET_ID_BYTES_MAX);
    ASSERT(bet.selection_id.bytes >= 1 && bet.selection_id.bytes <= SELECTION_ID_BYTES_MAX);
    ASSERT(bet.slip.policy == PRICE_ANY || odds_present(bet.slip.odds));
    check_again(&bet);
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

static void check_results(struct slice body)
{
    struct request_refusal refusal = {REQUEST_FAULT_NONE, SLICE_NONE};
    if (!result_decode(body, &results, &refusal)) {
        ASSERT(request_fault_text(refusal.fault) != NULL);
        return;
    }
    ASSERT(results.reason.bytes <= REASON_BYTES_MAX);
    for (size_t i = 0; i < results.markets_count; i++) {
        const struct feed_result *result = &results.markets[i];
        ASSERT(result->result_version > 0);
        ASSERT(result->market_id.bytes >= 1 && result->market_id.bytes <= MARKET_ID_BYTES_MAX);
        ASSERT(result->selections_count >= 1);
        for (size_t j = 0; j < result->selections_count; j++)
            ASSERT(leg_result_valid(result->selections[j].result));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = slice_of(data, size);
    if (size > BET_BODY_BYTES_MAX)
        return 0;
    check_bet(body);
    check_money(body);
    check_results(body);
    return 0;
}
