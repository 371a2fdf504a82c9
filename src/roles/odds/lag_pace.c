/* lag_pace.c - contract in lag_pace.h. */
#include "roles/odds/lag_pace.h"

#include "base/assert.h"

void lag_pace_init(struct lag_pace *pace, uint8_t spread)
{
    *pace = (struct lag_pace){.spread = spread};
}

static int32_t between(int64_t least, int64_t us, int64_t most)
{
    return (int32_t)(us < least ? least : us > most ? most : us);
}

/* What the trial that has just failed says about the next one. */
static void fail_trial(struct lag_pace *pace, int64_t now_us)
{
    bool lasted = now_us - pace->judge_us >= pace->calm_us;
    int64_t calm_us = lasted ? pace->calm_us / 2 : (int64_t)pace->calm_us * 2;
    pace->calm_us = between(LAG_CALM_US_MIN, calm_us, LAG_CALM_US_MAX);
}

static int64_t judge_at(const struct lag_pace *pace, int64_t now_us)
{
    return now_us + pace->calm_us + (int64_t)pace->calm_us * pace->spread / 256;
}

bool lag_pace_late(struct lag_pace *pace, int64_t interval_us_max, int64_t now_us)
{
    ASSERT(interval_us_max >= 0 && interval_us_max <= INT32_MAX);
    int32_t before_us = pace->interval_us;
    if (before_us == 0)
        fail_trial(pace, now_us);
    int64_t doubled_us = before_us == 0 ? LAG_PACE_US_MIN : (int64_t)before_us * 2;
    pace->interval_us = between(0, doubled_us, interval_us_max);
    pace->judge_us = judge_at(pace, now_us);
    return pace->interval_us != before_us;
}

bool lag_pace_calm(struct lag_pace *pace, int64_t now_us)
{
    if (pace->interval_us == 0 || now_us < pace->judge_us)
        return false;
    pace->interval_us /= 2;
    if (pace->interval_us < LAG_PACE_US_MIN) {
        pace->interval_us = 0;
        pace->judge_us = now_us; /* the trial begins */
    } else {
        pace->judge_us = judge_at(pace, now_us);
    }
    return true;
}
