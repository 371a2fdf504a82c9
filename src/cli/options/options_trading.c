/* options_trading.c - contract in options_trading.h. */
#include "cli/options/options_trading.h"

#include "base/error.h"

static int take_rounding(const struct options *options, enum rounding *ret, struct buf *why)
{
    static const struct {
        const char *name;
        enum rounding rounding;
    } names[] = {{"down", ROUND_DOWN}, {"half-up", ROUND_HALF_UP}, {"half-even", ROUND_HALF_EVEN}};
    const char *text = options_text(options, "rounding");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(slice_text(text), names[i].name)) {
            *ret = names[i].rounding;
            return 0;
        }
    buf_printf(why, "--rounding is down, half-up or half-even, not: %s", text);
    return -ERR_CONFIG;
}

int options_trading(const struct options *options, struct node_trading *ret, struct buf *why)
{
    const struct {
        const char *key;
        int64_t *to;
        struct number_range range;
    } numbers[] = {
        {"margin-permyriad", &ret->margin_permyriad, {0, 5000}},
        {"price-cents-min", &ret->price_cents_min, {101, 100000}},
        {"offer-cents-min", &ret->offer_cents_min, {0, 100000000}},
        {"uof-delay-ms", &ret->uof_delay_ms, {0, 60000}},
        {"stake-minor-min", &ret->stake_minor_min, {1, MONEY_MINOR_MAX}},
        {"stake-minor-max", &ret->stake_minor_max, {1, MONEY_MINOR_MAX}},
        {"payout-minor-max", &ret->payout_minor_max, {1, MONEY_MINOR_MAX}},
        {"payout-day-minor-max", &ret->payout_day_minor_max, {0, MONEY_MINOR_MAX}},
        {"liability-minor-max", &ret->liability_minor_max, {0, MONEY_MINOR_MAX}},
        {"legs-max", &ret->legs_max, {1, BET_LEGS_MAX}},
        {"lines-max", &ret->lines_max, {1, INT64_C(1) << 32}},
        {"total-odds-max", &ret->total_odds_max, {0, TOTAL_ODDS_UNLIMITED - 1}},
        {"deposit-minor-max", &ret->deposit_minor_max, {1, MONEY_MINOR_MAX}},
        {"tolerance-permyriad", &ret->tolerance_permyriad, {0, 9999}},
        {"write-off-minor-max", &ret->write_off_minor_max, {0, MONEY_MINOR_MAX}},
        {"settle-per-turn-max", &ret->settle_per_turn_max, {1, 4096}},
        {"cash-out-margin", &ret->cash_out_margin, {0, 10000}},
        {"cash-out-valid-ms", &ret->cash_out_valid_ms, {100, 600000}},
        {"referral-timeout-ms", &ret->referral_timeout_ms, {100, REFERRAL_US_MAX / US_PER_MS}},
        {"referral-offer-ms", &ret->referral_offer_ms, {100, REFERRAL_US_MAX / US_PER_MS}},
        {"referrals-max", &ret->referrals_max, {1, 16384}},
        {"pending-max", &ret->pending_max, {1, 10000000}},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        TRY(options_number(options, numbers[i].key, numbers[i].range, numbers[i].to, why));
    if (ret->stake_minor_min > ret->stake_minor_max) {
        buf_put_text(why, "--stake-minor-min is above --stake-minor-max");
        return -ERR_CONFIG;
    }
    TRY(options_switch(options, "bind-score", &ret->bind_score, why));
    TRY(options_switch(options, "cash-out", &ret->cash_out, why));
    TRY(options_switch(options, "referrals", &ret->referrals, why));
    return take_rounding(options, &ret->rounding, why);
}
