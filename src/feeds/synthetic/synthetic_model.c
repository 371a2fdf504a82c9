/* synthetic_model.c - contract in synthetic_model.h.
 * The forward equation of the chain, solved in place: a cell is reached only from cells with
 * fewer goals, so walking from the highest score down never reads what was already written. */
#include "feeds/synthetic/synthetic_model.h"

#include <stdbool.h>
#include <string.h>

#include "base/assert.h"

#define SCORES (SYNTHETIC_GOALS_MAX + 1)

/* Of one tick: [0] home behind, [1] level, [2] home ahead. */
struct tick_rates {
    double home[3], away[3];
};

static void tick_rates_of(const struct synthetic_model *model,
                          const struct synthetic_position *position, uint32_t tick,
                          struct tick_rates *ret);
static void tick_apply(struct synthetic_grid *grid, struct synthetic_score from,
                       const struct tick_rates *rates);
static int lead_of(int home, int away);
static double reds_factor(int own, int other);
static double rest_of_tick(const struct synthetic_position *position, uint32_t tick,
                           const struct tick_rates *rates, int lead);

void synthetic_model_rates(const struct synthetic_model *model,
                           const struct synthetic_position *position, double *ret_home,
                           double *ret_away)
{
    struct tick_rates rates;
    tick_rates_of(model, position, position->tick, &rates);
    int lead = lead_of(position->score.home, position->score.away);
    *ret_home = position->score.home < SYNTHETIC_GOALS_MAX ? rates.home[lead] : 0;
    *ret_away = position->score.away < SYNTHETIC_GOALS_MAX ? rates.away[lead] : 0;
}

void synthetic_model_final(const struct synthetic_model *model,
                           const struct synthetic_position *position, struct synthetic_grid *ret)
{
    ASSERT(position->tick <= model->ticks_count);
    ASSERT(position->score.home < SCORES);
    ASSERT(position->score.away < SCORES);
    memset(ret, 0, sizeof *ret);
    ret->chance[position->score.home][position->score.away] = 1;
    for (uint32_t tick = position->tick; tick < model->ticks_count; tick++) {
        struct tick_rates rates;
        tick_rates_of(model, position, tick, &rates);
        int lead = lead_of(position->score.home, position->score.away);
        double rest = rest_of_tick(position, tick, &rates, lead);
        for (int i = 0; i < 3; i++) {
            rates.home[i] *= rest;
            rates.away[i] *= rest;
        }
        tick_apply(ret, position->score, &rates);
    }
}

void synthetic_model_next_goal(const struct synthetic_model *model,
                               const struct synthetic_position *position, double ret[3])
{
    ret[SYNTHETIC_HOME] = ret[SYNTHETIC_AWAY] = 0;
    double none = 1;
    struct synthetic_position at = *position;
    for (; at.tick < model->ticks_count; at.tick++) {
        double home, away;
        synthetic_model_rates(model, &at, &home, &away);
        double rest = (1 - at.tick_played) / (1 - (home + away) * at.tick_played);
        ret[SYNTHETIC_HOME] += none * home * rest;
        ret[SYNTHETIC_AWAY] += none * away * rest;
        none *= 1 - (home + away) * rest;
        at.tick_played = 0;
    }
    ret[SYNTHETIC_NOBODY] = none;
}

static void tick_rates_of(const struct synthetic_model *model,
                          const struct synthetic_position *position, uint32_t tick,
                          struct tick_rates *ret)
{
    static const double home_by_lead[3] = {1.12, 1.0, 0.94};
    ASSERT(model->ticks_count >= 100);
    double ticks = model->ticks_count;
    double late = 0.8 + 0.4 * (tick + 0.5) / ticks; /* mean 1 over the match */
    double home =
        model->goals_home / ticks * late * reds_factor(position->reds_home, position->reds_away);
    double away =
        model->goals_away / ticks * late * reds_factor(position->reds_away, position->reds_home);
    for (int i = 0; i < 3; i++) {
        ret->home[i] = home * home_by_lead[i];
        ret->away[i] = away * home_by_lead[2 - i];
        ASSERT(ret->home[i] + ret->away[i] < 0.5);
    }
}

static void tick_apply(struct synthetic_grid *grid, struct synthetic_score from,
                       const struct tick_rates *rates)
{
    for (int home = SYNTHETIC_GOALS_MAX; home >= from.home; home--) {
        for (int away = SYNTHETIC_GOALS_MAX; away >= from.away; away--) {
            double chance = grid->chance[home][away];
            int lead = lead_of(home, away);
            double leave = (home < SYNTHETIC_GOALS_MAX ? rates->home[lead] : 0) +
                           (away < SYNTHETIC_GOALS_MAX ? rates->away[lead] : 0);
            chance -= chance * leave;
            if (home > from.home)
                chance += grid->chance[home - 1][away] * rates->home[lead_of(home - 1, away)];
            if (away > from.away)
                chance += grid->chance[home][away - 1] * rates->away[lead_of(home, away - 1)];
            grid->chance[home][away] = chance;
        }
    }
}

static int lead_of(int home, int away)
{
    return (home > away) - (home < away) + 1;
}

static double reds_factor(int own, int other)
{
    double factor = 1;
    for (int i = 0; i < own; i++)
        factor *= 0.72;
    for (int i = 0; i < other; i++)
        factor *= 1.25;
    return factor;
}

/* What is left of the running tick's chances when part of it passed without a goal; the moment
 * of a goal is uniform in its tick. Only the running tick's own position can be left by it, so
 * the rates at the present score are the right ones. */
static double rest_of_tick(const struct synthetic_position *position, uint32_t tick,
                           const struct tick_rates *rates, int lead)
{
    if (tick != position->tick)
        return 1;
    double played = position->tick_played;
    double home = position->score.home < SYNTHETIC_GOALS_MAX ? rates->home[lead] : 0;
    double away = position->score.away < SYNTHETIC_GOALS_MAX ? rates->away[lead] : 0;
    return (1 - played) / (1 - (home + away) * played);
}
