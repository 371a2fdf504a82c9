/* fuzz_naive_slip.c - bodies of POST /bets of the naive book from strangers. What is taken keeps
 * V0's bounds and goes to the database as texts that end where they say; what is refused names a
 * fault and leaves the slip alone; reading twice gives the same; a slip that is written out again
 * plainly is the same slip; and whatever the row says, a verdict is one of V0's. */
#include <string.h>

#include "base/assert.h"
#include "base/json_write.h"
#include "naive/slip.h"

static const struct currency gbp = {826};

static bool same(const struct slip *a, const struct slip *b)
{
    return strcmp(a->market, b->market) == 0 && strcmp(a->selection, b->selection) == 0 &&
           a->version == b->version && a->stake.minor == b->stake.minor &&
           currency_equal(a->stake.currency, b->stake.currency);
}

static void check_again(const struct slip *slip)
{
    static char text[8 * (MARKET_ID_BYTES_MAX + SELECTION_ID_BYTES_MAX) + 256];
    struct buf out = buf_over(text, sizeof text);
    struct json_writer writer = json_write_begin(&out);
    struct slip again;
    struct request_refusal refusal;
    json_write_object_open(&writer);
    json_write_key(&writer, "market_id");
    json_write_text(&writer, slice_text(slip->market));
    json_write_key(&writer, "selection_id");
    json_write_text(&writer, slice_text(slip->selection));
    json_write_key(&writer, "odds_version");
    json_write_u64(&writer, slip->version);
    json_write_key(&writer, "stake");
    json_write_decimal(&writer, slip->stake.minor, currency_scale(slip->stake.currency));
    json_write_object_close(&writer);
    ASSERT(!out.overflow);
    ASSERT(slip_decode(buf_slice(&out), gbp, &again, &refusal));
    ASSERT(same(slip, &again));
}

/* The texts of a row are the database's, but a feed put some of them there. */
static void check_verdict(const struct slip *slip, struct slice text)
{
    const struct slip_market rows[] = {
        {.exists = false},
        {true, text, SLICE("active"), text, SLICE("active")},
        {true, SLICE("1"), text, SLICE("2.10"), text},
        {true, SLICE("1"), SLICE("active"), text, SLICE("active")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct odds odds = {0};
        enum slip_verdict verdict = slip_decide(slip, &rows[i], &odds);
        ASSERT(slip_verdict_text(verdict) != NULL);
        ASSERT((verdict == SLIP_PLACED) == (slip_verdict_status(verdict) == 201));
        ASSERT(verdict == SLIP_PLACED || i > 0 || verdict == SLIP_MARKET_SUSPENDED);
        if (verdict != SLIP_PLACED)
            continue;
        ASSERT(odds.numerator > odds.denominator);
        ASSERT(slip_payout(slip->stake, odds, SLIP_WON).minor >= slip->stake.minor);
    }
    (void)slip_is_covered(slip, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    static const struct slip untouched = {.version = 0};
    struct slip slip = {.version = 0}, again = {.version = 0};
    struct request_refusal refusal = {REQUEST_FAULT_NONE, SLICE_NONE};
    struct slice body = slice_of(at, bytes);
    if (!slip_decode(body, gbp, &slip, &refusal)) {
        ASSERT(refusal.fault != REQUEST_FAULT_NONE);
        ASSERT(request_fault_text(refusal.fault) != NULL);
        ASSERT(same(&slip, &untouched));
        return 0;
    }
    ASSERT(slip.market[0] != '\0');
    ASSERT(strlen(slip.market) <= MARKET_ID_BYTES_MAX);
    ASSERT(slip.selection[0] != '\0');
    ASSERT(strlen(slip.selection) <= SELECTION_ID_BYTES_MAX);
    ASSERT(slip.version > 0 && slip.version <= SLIP_VERSION_MAX);
    ASSERT(slip.stake.minor > 0 && slip.stake.minor <= SLIP_STAKE_MINOR_MAX);
    ASSERT(slip_decode(body, gbp, &again, &refusal));
    ASSERT(same(&slip, &again));
    check_again(&slip);
    check_verdict(&slip, slice_of(at, bytes < 64 ? bytes : 64));
    return 0;
}
