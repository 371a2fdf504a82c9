/* referral.c - contract in referral.h. */
#include "core/referral.h"

#include <stddef.h>

enum referral_cause referral_cause_of(enum bet_outcome outcome, int64_t stake_minor,
                                      const struct stake_limits_combined *limits, bool on)
{
    const struct stake_limits *most = &limits->limits;
    bool refers = on || most->refers != 0;
    if (most->stake_minor_max <= 0 || stake_minor < most->stake_minor_min)
        return REFERRED_NOT;
    if (outcome == BET_STAKE_LIMIT)
        return refers ? REFERRED_STAKE_LIMIT : REFERRED_NOT;
    if (outcome == BET_LIABILITY_LIMIT)
        return refers ? REFERRED_LIABILITY_LIMIT : REFERRED_NOT;
    bool taken = outcome == BET_PLACED || outcome == BET_PENDING;
    return taken && stake_minor > most->refer_minor_above ? REFERRED_BY_RULE : REFERRED_NOT;
}

unsigned referral_lift_of(enum referral_cause cause)
{
    switch (cause) {
    case REFERRED_STAKE_LIMIT:
        return LIFT_STAKE;
    case REFERRED_LIABILITY_LIMIT:
        return LIFT_LIABILITY;
    case REFERRED_NOT:
    case REFERRED_BY_RULE:
        break;
    }
    return 0;
}

void referral_lift_limits(unsigned lifted, struct ticket_limits *limits,
                          struct ticket_leg_view *views, uint32_t legs_count)
{
    if ((lifted & LIFT_STAKE) != 0 && limits->bet.stake_minor_max > 0) {
        limits->bet.stake_minor_max = INT64_MAX;
        limits->bet.payout_minor_max = INT64_MAX;
    }
    for (uint32_t i = 0; i < legs_count && (lifted & LIFT_LIABILITY) != 0; i++)
        views[i].liability_room = LIABILITY_UNLIMITED;
}

const char *referral_cause_text(enum referral_cause cause)
{
    switch (cause) {
    case REFERRED_STAKE_LIMIT:
        return "STAKE_LIMIT";
    case REFERRED_LIABILITY_LIMIT:
        return "LIABILITY_LIMIT";
    case REFERRED_BY_RULE:
        return "RULE";
    case REFERRED_NOT:
        break;
    }
    return NULL;
}
