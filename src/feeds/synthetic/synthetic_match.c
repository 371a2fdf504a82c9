/* synthetic_match.c - contract in synthetic_match.h.
 * What a tick holds is drawn when the tick begins, from the chances of the model at that
 * moment, and its time is uniform in the tick: so the chain that plays is the chain that is
 * priced. */
#include "feeds/synthetic/synthetic_match.h"

#include "base/assert.h"

#define HALF_TICKS (45 * 60 / SYNTHETIC_TICK_SECONDS)

static void tick_begin(struct synthetic_match *match);
static void tick_draw(struct synthetic_match *match);
static enum synthetic_happening play_take(struct synthetic_match *match);
static enum synthetic_happening phase_end(struct synthetic_match *match);
static bool half_is_over(const struct synthetic_match *match);

void synthetic_match_init(struct synthetic_match *match, uint64_t seed, struct instant kick_off,
                          const struct synthetic_pace *pace)
{
    ASSERT(pace->tick_us > 0);
    ASSERT(pace->disallowed_permille < 1000);
    *match = (struct synthetic_match){
        .phase = SYNTHETIC_BEFORE, .kick_off = kick_off, .pace = *pace, .due_us = kick_off.us};
    prng_seed(&match->prng, seed);
    double total = 2.2 + 1.0 * synthetic_uniform(&match->prng);
    double ahead = 0.25 + 1.4 * (synthetic_uniform(&match->prng) - 0.5); /* at home */
    match->model.goals_home = (total + ahead) / 2;
    match->model.goals_away = (total - ahead) / 2;
    match->first_half_ticks = HALF_TICKS + 4 + (uint32_t)prng_below(&match->prng, 9);
    match->model.ticks_count =
        match->first_half_ticks + HALF_TICKS + 8 + (uint32_t)prng_below(&match->prng, 13);
}

enum synthetic_happening synthetic_match_advance(struct synthetic_match *match, struct instant now,
                                                 struct instant *ret_at)
{
    while (match->phase != SYNTHETIC_ENDED) {
        if (match->play != SYNTHETIC_NOTHING) {
            if (match->play_us > now.us)
                return SYNTHETIC_NOTHING;
            ret_at->us = match->play_us;
            return play_take(match);
        }
        if (match->due_us > now.us)
            return SYNTHETIC_NOTHING;
        bool playing =
            match->phase == SYNTHETIC_FIRST_HALF || match->phase == SYNTHETIC_SECOND_HALF;
        if (match->tick_running) {
            match->tick_running = false;
            match->position.tick++;
        }
        if (playing && !half_is_over(match)) {
            tick_begin(match);
            continue;
        }
        ret_at->us = match->due_us;
        return phase_end(match);
    }
    return SYNTHETIC_NOTHING;
}

struct synthetic_position synthetic_match_position(const struct synthetic_match *match,
                                                   struct instant now)
{
    struct synthetic_position position = match->position;
    if (!match->tick_running)
        return position;
    /* A tick that has already had its goal has no second one: it counts as over. */
    if (match->play == SYNTHETIC_NOTHING && match->play_side != SYNTHETIC_NOBODY) {
        position.tick++;
        return position;
    }
    int64_t left_us = match->due_us - now.us;
    if (left_us > 0 && left_us < match->pace.tick_us)
        position.tick_played = 1 - (double)left_us / (double)match->pace.tick_us;
    return position;
}

uint32_t synthetic_match_minute(const struct synthetic_match *match)
{
    uint32_t minute = match->position.tick * SYNTHETIC_TICK_SECONDS / 60 + 1;
    switch (match->phase) {
    case SYNTHETIC_BEFORE:
        return 0;
    case SYNTHETIC_FIRST_HALF:
        return minute < 45 ? minute : 45;
    case SYNTHETIC_HALF_TIME:
        return 45;
    case SYNTHETIC_SECOND_HALF:
        minute = (match->position.tick - match->first_half_ticks + HALF_TICKS) *
                     SYNTHETIC_TICK_SECONDS / 60 +
                 1;
        return minute < 90 ? minute : 90;
    case SYNTHETIC_ENDED:
        return 90;
    }
    return 0;
}

double synthetic_uniform(struct prng *prng)
{
    return (double)(prng_next(prng) >> 11) * 0x1p-53;
}

static bool half_is_over(const struct synthetic_match *match)
{
    uint32_t end =
        match->phase == SYNTHETIC_FIRST_HALF ? match->first_half_ticks : match->model.ticks_count;
    return match->position.tick >= end;
}

static void tick_begin(struct synthetic_match *match)
{
    match->tick_running = true;
    match->play = SYNTHETIC_NOTHING;
    match->play_side = SYNTHETIC_NOBODY;
    int64_t begin_us = match->due_us;
    match->due_us += match->pace.tick_us;
    tick_draw(match);
    double moment = synthetic_uniform(&match->prng);
    match->play_us = begin_us + (int64_t)(moment * (double)match->pace.tick_us);
}

/* Goals first and by one draw, so that nothing else that may happen changes their chances. */
static void tick_draw(struct synthetic_match *match)
{
    double home, away;
    synthetic_model_rates(&match->model, &match->position, &home, &away);
    double draw = synthetic_uniform(&match->prng);
    double other = synthetic_uniform(&match->prng);
    bool first = prng_below(&match->prng, 2) == 0;
    double disallowed = match->pace.disallowed_permille / 1000.0;
    double red = match->pace.red_permille / 1000.0 / match->model.ticks_count;
    if (draw < home + away) {
        match->play = SYNTHETIC_GOAL;
        match->play_side = draw < home ? SYNTHETIC_HOME : SYNTHETIC_AWAY;
    } else if (other < (home + away) * disallowed / (1 - disallowed)) {
        match->play = SYNTHETIC_GOAL_DISALLOWED;
    } else if (other > 1 - 2 * red) {
        if ((first ? match->position.reds_home : match->position.reds_away) < SYNTHETIC_REDS_MAX) {
            match->play = SYNTHETIC_RED_CARD;
            match->play_side = first ? SYNTHETIC_HOME : SYNTHETIC_AWAY;
        }
    }
}

static enum synthetic_happening play_take(struct synthetic_match *match)
{
    enum synthetic_happening play = match->play;
    struct synthetic_position *position = &match->position;
    bool home = match->play_side == SYNTHETIC_HOME;
    match->play = SYNTHETIC_NOTHING;
    if (play == SYNTHETIC_GOAL) {
        ASSERT(match->play_side != SYNTHETIC_NOBODY);
        match->scorers[position->score.home + position->score.away] = (uint8_t)match->play_side;
        *(home ? &position->score.home : &position->score.away) += 1;
    } else if (play == SYNTHETIC_RED_CARD) {
        *(home ? &position->reds_home : &position->reds_away) += 1;
        match->play_side = SYNTHETIC_NOBODY;
    }
    return play;
}

static enum synthetic_happening phase_end(struct synthetic_match *match)
{
    switch (match->phase) {
    case SYNTHETIC_BEFORE:
        match->phase = SYNTHETIC_FIRST_HALF;
        return SYNTHETIC_KICK_OFF;
    case SYNTHETIC_FIRST_HALF:
        match->phase = SYNTHETIC_HALF_TIME;
        match->due_us += match->pace.half_time_us;
        return SYNTHETIC_HALF_TIME_BEGINS;
    case SYNTHETIC_HALF_TIME:
        match->phase = SYNTHETIC_SECOND_HALF;
        return SYNTHETIC_SECOND_HALF_BEGINS;
    case SYNTHETIC_SECOND_HALF:
        match->phase = SYNTHETIC_ENDED;
        return SYNTHETIC_FULL_TIME;
    case SYNTHETIC_ENDED:
        break;
    }
    return SYNTHETIC_NOTHING;
}
