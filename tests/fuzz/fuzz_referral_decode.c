/* fuzz_referral_decode.c - bodies of a trader's word on a bet that waits. What is taken is within
 * what the book asserts about it, whichever word it is read as; what is refused names a fault; and
 * reading twice gives the same. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "roles/backoffice/referral_decode.h"

static struct referral_decoded decoded, same;

static void check_request(const struct referral_decoded *word, enum referral_word kind)
{
    const struct referral_request *request = &word->request;
    bool offer = kind == REFERRAL_OFFERED;
    ASSERT(request->word == kind);
    ASSERT(word->reason.bytes >= 1 && word->reason.bytes <= REASON_BYTES_MAX);
    ASSERT(kind != REFERRAL_REJECTED || (!request->lifts && request->lifted == 0));
    ASSERT(request->lifts || request->lifted == 0);
    ASSERT((request->lifted & ~(unsigned)(LIFT_STAKE | LIFT_LIABILITY)) == 0);
    ASSERT(offer || (request->stake == 0 && request->prices_count == 0 && request->valid_us == 0));
    ASSERT(request->stake >= 0 && request->stake <= MONEY_MINOR_MAX);
    ASSERT(request->valid_us >= 0 && request->valid_us <= REFERRAL_US_MAX);
    ASSERT(request->prices_count <= BET_LEGS_MAX);
    for (uint32_t i = 0; i < request->prices_count; i++)
        ASSERT(!odds_present(request->prices[i]) ||
               request->prices[i].numerator > request->prices[i].denominator);
}

static void check_same(const struct referral_request *a, const struct referral_request *b)
{
    ASSERT(a->lifts == b->lifts && a->lifted == b->lifted && a->stake == b->stake &&
           a->valid_us == b->valid_us && a->prices_count == b->prices_count);
    ASSERT(a->prices_count == 0 ||
           memcmp(a->prices, b->prices, a->prices_count * sizeof *a->prices) == 0);
}

static void check(struct slice body, enum referral_word word, struct currency currency)
{
    struct request_refusal refusal = {REQUEST_FAULT_NONE, SLICE_NONE};
    if (!referral_decode(body, word, currency, &decoded, &refusal)) {
        ASSERT(request_fault_text(refusal.fault) != NULL);
        return;
    }
    check_request(&decoded, word);
    ASSERT(referral_decode(body, word, currency, &same, &refusal));
    ASSERT(slice_equal(decoded.reason, same.reason));
    check_same(&decoded.request, &same.request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum referral_word words[] = {REFERRAL_ACCEPTED, REFERRAL_REJECTED,
                                               REFERRAL_OFFERED};
    static const struct currency currencies[] = {{826}, {392}, {414}}; /* 2, 0 and 3 places */
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (size_t k = 0; k < sizeof currencies / sizeof *currencies; k++)
            check(slice_of(data, size), words[i], currencies[k]);
    return 0;
}
