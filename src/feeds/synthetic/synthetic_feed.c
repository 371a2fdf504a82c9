/* synthetic_feed.c - contract in synthetic_feed.h.
 * A slot holds one match at a time: its course (synthetic_match) is asked what happened up to
 * now, and each happening changes what is offered (synthetic_offer). */
#include "feeds/synthetic/synthetic_feed.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "feeds/synthetic/synthetic_offer.h"
#include "feeds/synthetic/synthetic_race.h"

#define OFFERS_MAX  (24 + 2 * SYNTHETIC_GOALS_MAX) /* the opening ones and one per goal */
#define TEAMS_COUNT (sizeof teams / sizeof teams[0])
/* Real durations at speed 1. */
#define FIRST_KICK_OFF_MS 5000
#define STAGGER_MS_MAX    12000
#define BEFORE_MS         15000
#define HALF_TIME_MS      8000
#define AFTER_MS          8000
#define RACE_BEFORE_MS    90000
#define RACE_RUN_MS       20000
#define RACE_AFTER_MS     10000
#define SEEN_LATE_MS      3000 /* not divided either: bets are placed in real time */
#define REPRICE_MS_MIN    200  /* not divided by the speed: a screen can show no more */
#define REPRICE_MS_MAX    550

/* Invented, all of them. */
static const char *const teams[] = {
    "Ashmere Rovers",  "Brindlewick",      "Castlemoor City", "Dunhollow Athletic",
    "Eastfold United", "Fernhaven",        "Glenharrow",      "Hollowmere Town",
    "Ironvale Works",  "Juniper Heath",    "Kingsreach",      "Larkspur Wanderers",
    "Mossgate",        "Northwater",       "Orchardby",       "Pellamore Albion",
    "Quarrystone",     "Ravensholt",       "Saltmarsh Bay",   "Thornquay",
    "Umberfield",      "Valewick Rangers", "Westerlune",      "Yarrowfold",
    "Amberlough",      "Blackfennel",      "Corriemount",     "Driftwood Harbour",
    "Elmswater Vale",  "Foxglove Park",    "Greywhistle",     "Harebell County",
};

struct slot {
    bool used;
    uint8_t team_index[2];
    struct synthetic_fixture fixture;
    struct synthetic_match match;
    struct prng prng;               /* opinions and waits; the course has its own */
    double opinion[2];              /* what the market believes beyond the model */
    struct instant suspended_until; /* us = 0: not suspended */
    struct instant reprice_at;
    struct instant ended_at;
    size_t offers_count;
    struct synthetic_offer offers[OFFERS_MAX];
};

struct synthetic_feed {
    struct synthetic_options options;
    char prefix[SYNTHETIC_PREFIX_BYTES_MAX + 1];
    struct feed_sink *sink;
    struct synthetic_pace pace;
    struct prng prng; /* which teams meet */
    struct instant now;
    uint64_t matches_begun;
    uint32_t slot_first; /* which slot comes first in the next step: they take turns */
    bool quoted;         /* in this step: one plain round of prices, so that a step stays short */
    struct slot slots[SYNTHETIC_MATCHES_MAX];
    struct synthetic_race race;
};

static bool options_valid(const struct synthetic_options *options);
static bool prefix_valid(struct slice prefix);
static int64_t paced_us(const struct synthetic_feed *feed, int64_t ms);
static void slot_step(struct synthetic_feed *feed, struct slot *slot, struct instant now);
static struct instant first_kick_off(const struct synthetic_feed *feed, const struct slot *slot);
static void slot_begin(struct synthetic_feed *feed, struct slot *slot, struct instant kick_off);
static void slot_teams(struct synthetic_feed *feed, struct slot *slot);
static bool team_is_free(const struct synthetic_feed *feed, uint64_t team);
static void offer_add(struct synthetic_feed *feed, struct slot *slot,
                      struct synthetic_market market);
static void slot_happening(struct synthetic_feed *feed, struct slot *slot,
                           enum synthetic_happening happening, struct instant at);
static void slot_seen_late(struct slot *slot, struct instant at);
static void slot_suspend(struct slot *slot, struct instant at, int64_t wait_us);
static int64_t wait_between(struct synthetic_feed *feed, struct slot *slot, int64_t ms_min,
                            int64_t ms_max);
static void slot_reopen(struct synthetic_feed *feed, struct slot *slot, struct instant now);
static void slot_quote(struct synthetic_feed *feed, struct slot *slot, bool all,
                       struct instant now);
static void opinion_move(double *opinion, struct prng *prng, uint32_t noise_permyriad);
static void offers_settle(struct synthetic_feed *feed, struct slot *slot, bool all,
                          struct instant now);
static bool offers_correct(struct slot *slot, struct instant now);

void synthetic_options_init(struct synthetic_options *ret_options)
{
#define KIND_DELAY(code, text, delay_ms) delay_ms *US_PER_MS,
    *ret_options = (struct synthetic_options){
        .matches_count = 6,
        .match_seconds = 300,
        .speed_permille = 1000,
        .margin_permyriad = 500,
        .noise_permyriad = 100,
        .disallowed_permille = 100,
        .red_permille = 80,
        .correction_permille = 4,
        .late_permille = 50,
        .races = true,
        .bet_delay_us = {SYNTHETIC_KIND_LIST(KIND_DELAY)},
    };
#undef KIND_DELAY
}

int synthetic_feed_new(const struct synthetic_options *options, struct feed_sink *sink,
                       struct synthetic_feed **ret_feed)
{
    if (!options_valid(options))
        return -ERR_CONFIG;
    struct synthetic_feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL)
        return -ERR_MEMORY;
    feed->options = *options;
    memcpy(feed->prefix, options->id_prefix.at, options->id_prefix.bytes);
    feed->options.id_prefix = slice_text(feed->prefix);
    feed->sink = sink;
    feed->now = options->start;
    prng_seed(&feed->prng, options->seed);
    int64_t match_us = paced_us(feed, (int64_t)options->match_seconds * 1000);
    int64_t tick_us = match_us * SYNTHETIC_TICK_SECONDS / (90 * 60);
    feed->pace = (struct synthetic_pace){
        .tick_us = tick_us > 0 ? tick_us : 1,
        .half_time_us = paced_us(feed, HALF_TIME_MS),
        .disallowed_permille = options->disallowed_permille,
        .red_permille = options->red_permille,
    };
    const struct synthetic_card card = {.prefix = feed->options.id_prefix,
                                        .seed = options->seed,
                                        .margin_permyriad = options->margin_permyriad,
                                        .before_us = paced_us(feed, RACE_BEFORE_MS),
                                        .run_us = paced_us(feed, RACE_RUN_MS),
                                        .after_us = paced_us(feed, RACE_AFTER_MS)};
    synthetic_race_init(&feed->race, &card);
    *ret_feed = feed;
    return 0;
}

void synthetic_feed_free(struct synthetic_feed *feed)
{
    free(feed);
}

void synthetic_feed_step(struct synthetic_feed *feed, struct instant now)
{
    if (now.us < feed->now.us)
        now = feed->now;
    feed->now = now;
    feed->sink->ops->alive(feed->sink, SLICE("sim"));
    feed->quoted = false;
    uint32_t count = feed->options.matches_count;
    for (uint32_t i = 0; i < count; i++)
        slot_step(feed, &feed->slots[(feed->slot_first + i) % count], now);
    if (feed->options.races)
        synthetic_race_step(&feed->race, feed->sink, now);
    feed->slot_first = (feed->slot_first + 1) % count;
}

bool synthetic_feed_scoreboard(const struct synthetic_feed *feed, size_t index,
                               struct synthetic_scoreboard *ret)
{
    if (index >= feed->options.matches_count || !feed->slots[index].used)
        return false;
    const struct slot *slot = &feed->slots[index];
    *ret = (struct synthetic_scoreboard){
        .event_id = slice_text(slot->fixture.event_id),
        .event_name = slice_text(slot->fixture.event_name),
        .score = slot->match.position.score,
        .reds_home = slot->match.position.reds_home,
        .reds_away = slot->match.position.reds_away,
        .phase = slot->match.phase,
        .minute = synthetic_match_minute(&slot->match),
    };
    return true;
}

static bool options_valid(const struct synthetic_options *options)
{
    for (size_t i = 0; i < SYNTHETIC_KINDS; i++)
        if (options->bet_delay_us[i] < 0 || options->bet_delay_us[i] > 5 * US_PER_SECOND)
            return false;
    return prefix_valid(options->id_prefix) && options->start.us >= 0 &&
           options->matches_count >= 1 && options->matches_count <= SYNTHETIC_MATCHES_MAX &&
           options->match_seconds >= 10 && options->match_seconds <= 86400 &&
           options->speed_permille >= 1 && options->speed_permille <= 1000000 &&
           options->margin_permyriad <= 5000 && options->noise_permyriad <= 1000 &&
           options->disallowed_permille <= 900 && options->red_permille <= 1000 &&
           options->correction_permille <= 1000 && options->late_permille <= 1000;
}

static bool prefix_valid(struct slice prefix)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (prefix.bytes < 1 || prefix.bytes > SYNTHETIC_PREFIX_BYTES_MAX)
        return false;
    for (size_t i = 0; i < prefix.bytes; i++)
        if (memchr(allowed, prefix.at[i], sizeof allowed - 1) == NULL)
            return false;
    return true;
}

static int64_t paced_us(const struct synthetic_feed *feed, int64_t ms)
{
    return ms * US_PER_MS * 1000 / feed->options.speed_permille;
}

static void slot_step(struct synthetic_feed *feed, struct slot *slot, struct instant now)
{
    struct instant at;
    enum synthetic_happening happening;
    if (!slot->used) {
        if (!feed->quoted)
            slot_begin(feed, slot, first_kick_off(feed, slot));
        return;
    }
    while ((happening = synthetic_match_advance(&slot->match, now, &at)) != SYNTHETIC_NOTHING)
        slot_happening(feed, slot, happening, at);
    bool pending = offers_correct(slot, now);
    if (slot->match.phase == SYNTHETIC_ENDED) {
        bool over = now.us - slot->ended_at.us >= paced_us(feed, AFTER_MS);
        if (over && !pending && !feed->quoted)
            slot_begin(feed, slot, (struct instant){now.us + paced_us(feed, BEFORE_MS)});
    } else if (slot->suspended_until.us != 0) {
        if (now.us >= slot->suspended_until.us)
            slot_reopen(feed, slot, now);
    } else if (now.us >= slot->reprice_at.us && !feed->quoted) {
        slot_quote(feed, slot, false, now);
    }
}

/* One after the other, so that a screen shows matches in all their phases. */
static struct instant first_kick_off(const struct synthetic_feed *feed, const struct slot *slot)
{
    int64_t stagger_ms = (int64_t)feed->options.match_seconds * 1000 / feed->options.matches_count;
    if (stagger_ms > STAGGER_MS_MAX)
        stagger_ms = STAGGER_MS_MAX;
    int64_t wait_us = paced_us(feed, FIRST_KICK_OFF_MS + stagger_ms * (slot - feed->slots));
    return (struct instant){feed->options.start.us + wait_us};
}

static void slot_begin(struct synthetic_feed *feed, struct slot *slot, struct instant kick_off)
{
    uint64_t number = ++feed->matches_begun;
    slot->used = false;
    slot_teams(feed, slot);
    struct synthetic_fixture *fixture = &slot->fixture;
    *fixture = (struct synthetic_fixture){
        .sink = feed->sink,
        .teams = {teams[slot->team_index[0]], teams[slot->team_index[1]]},
        .start = kick_off,
    };
    (void)snprintf(fixture->event_id, sizeof fixture->event_id, "sim:%s-%llu", feed->prefix,
                   (unsigned long long)number);
    (void)snprintf(fixture->event_name, sizeof fixture->event_name, "%s v %s", fixture->teams[0],
                   fixture->teams[1]);
    uint64_t seed = feed->options.seed + number * UINT64_C(0x9E3779B97F4A7C15);
    prng_seed(&slot->prng, ~seed);
    synthetic_match_init(&slot->match, seed, kick_off, &feed->pace);
    slot->opinion[0] = slot->opinion[1] = 0;
    slot->suspended_until = slot->ended_at = (struct instant){0};
    slot->offers_count = 0;
    slot->used = true;
    const struct synthetic_market *market;
    while ((market = synthetic_market_opening(slot->offers_count)) != NULL)
        offer_add(feed, slot, *market);
    slot_quote(feed, slot, true, feed->now);
}

static void slot_teams(struct synthetic_feed *feed, struct slot *slot)
{
    static_assert(TEAMS_COUNT >= 2 * SYNTHETIC_MATCHES_MAX, "no team plays twice at once");
    uint64_t picked[2] = {TEAMS_COUNT, TEAMS_COUNT};
    for (int i = 0; i < 2; i++) {
        uint64_t team = prng_below(&feed->prng, TEAMS_COUNT);
        while (!team_is_free(feed, team) || team == picked[0])
            team = (team + 1) % TEAMS_COUNT;
        picked[i] = team;
        slot->team_index[i] = (uint8_t)team;
    }
}

static bool team_is_free(const struct synthetic_feed *feed, uint64_t team)
{
    for (size_t i = 0; i < SYNTHETIC_MATCHES_MAX; i++) {
        const struct slot *slot = &feed->slots[i];
        if (slot->used && (slot->team_index[0] == team || slot->team_index[1] == team))
            return false;
    }
    return true;
}

static void offer_add(struct synthetic_feed *feed, struct slot *slot,
                      struct synthetic_market market)
{
    ASSERT(slot->offers_count < OFFERS_MAX);
    slot->offers[slot->offers_count++] = (struct synthetic_offer){
        .market = market,
        .bet_delay_us = feed->options.bet_delay_us[market.kind],
    };
}

static void slot_happening(struct synthetic_feed *feed, struct slot *slot,
                           enum synthetic_happening happening, struct instant at)
{
    slot->fixture.score = slot->match.position.score;
    slot->fixture.reds[0] = slot->match.position.reds_home;
    slot->fixture.reds[1] = slot->match.position.reds_away;
    switch (happening) {
    case SYNTHETIC_NOTHING:
        break;
    case SYNTHETIC_KICK_OFF:
        slot->fixture.in_play = true;
        slot_suspend(slot, at, paced_us(feed, 1000));
        break;
    case SYNTHETIC_GOAL:
        slot_suspend(slot, at, wait_between(feed, slot, 4000, 8000));
        if (feed->options.late_permille > 0 &&
            prng_below(&slot->prng, 1000) < feed->options.late_permille)
            slot_seen_late(slot, at);
        break;
    case SYNTHETIC_GOAL_DISALLOWED:
        slot_suspend(slot, at, wait_between(feed, slot, 6000, 12000));
        break;
    case SYNTHETIC_RED_CARD:
        slot_suspend(slot, at, wait_between(feed, slot, 2000, 4000));
        break;
    case SYNTHETIC_HALF_TIME_BEGINS:
    case SYNTHETIC_SECOND_HALF_BEGINS:
        slot_suspend(slot, at, paced_us(feed, 1000));
        break;
    case SYNTHETIC_FULL_TIME:
        slot->ended_at = at;
        offers_settle(feed, slot, true, at);
        break;
    }
}

/* Who bet on the next goal just before may have seen it. */
static void slot_seen_late(struct slot *slot, struct instant at)
{
    struct instant from = {at.us - SEEN_LATE_MS * US_PER_MS};
    for (size_t i = 0; i < slot->offers_count; i++)
        if (slot->offers[i].market.kind == SYNTHETIC_NEXT_GOAL &&
            slot->offers[i].result_version == 0)
            synthetic_offer_cancel(&slot->offers[i], &slot->fixture, from, at);
}

/* All markets of the match at once, and never for less long than was already meant. */
static void slot_suspend(struct slot *slot, struct instant at, int64_t wait_us)
{
    if (slot->suspended_until.us < at.us + wait_us)
        slot->suspended_until.us = at.us + wait_us;
    for (size_t i = 0; i < slot->offers_count; i++)
        if (slot->offers[i].result_version == 0)
            synthetic_offer_suspend(&slot->offers[i], &slot->fixture, at);
}

static int64_t wait_between(struct synthetic_feed *feed, struct slot *slot, int64_t ms_min,
                            int64_t ms_max)
{
    ASSERT(ms_max >= ms_min);
    uint64_t more = prng_below(&slot->prng, (uint64_t)(ms_max - ms_min) + 1);
    return paced_us(feed, ms_min + (int64_t)more);
}

/* What the goal decided gets its result first, so that nothing decided is ever active again. */
static void slot_reopen(struct synthetic_feed *feed, struct slot *slot, struct instant now)
{
    slot->suspended_until = (struct instant){0};
    offers_settle(feed, slot, false, now);
    struct synthetic_score score = slot->match.position.score;
    int goals = score.home + score.away;
    bool open = false;
    for (size_t i = 0; i < slot->offers_count; i++) {
        const struct synthetic_market *market = &slot->offers[i].market;
        open = open || (market->kind == SYNTHETIC_NEXT_GOAL && market->line == goals + 1);
    }
    if (!open && goals < 2 * SYNTHETIC_GOALS_MAX)
        offer_add(feed, slot, (struct synthetic_market){SYNTHETIC_NEXT_GOAL, goals + 1});
    slot_quote(feed, slot, true, now);
}

/* One opinion for all of a match's markets, so that they move together as real ones do; without
 * `all`, a quarter of the markets follow it at a time. */
static void slot_quote(struct synthetic_feed *feed, struct slot *slot, bool all, struct instant now)
{
    feed->quoted = true;
    uint64_t wait_ms =
        REPRICE_MS_MIN + prng_below(&slot->prng, REPRICE_MS_MAX - REPRICE_MS_MIN + 1);
    slot->reprice_at.us = now.us + (int64_t)wait_ms * US_PER_MS;
    opinion_move(&slot->opinion[0], &slot->prng, feed->options.noise_permyriad);
    opinion_move(&slot->opinion[1], &slot->prng, feed->options.noise_permyriad);
    struct synthetic_model model = slot->match.model;
    model.goals_home *= 1 + slot->opinion[0];
    model.goals_away *= 1 + slot->opinion[1];
    struct synthetic_position position = synthetic_match_position(&slot->match, now);
    struct synthetic_grid grid;
    double next[3];
    synthetic_model_final(&model, &position, &grid);
    synthetic_model_next_goal(&model, &position, next);
    struct synthetic_quote quote = {&grid, next, feed->options.margin_permyriad};
    for (size_t i = 0; i < slot->offers_count; i++) {
        struct synthetic_offer *offer = &slot->offers[i];
        if (offer->result_version != 0 || (!all && prng_below(&slot->prng, 4) != 0))
            continue;
        bool many = offer->market.kind == SYNTHETIC_CORRECT_SCORE;
        quote.margin_permyriad = feed->options.margin_permyriad * (many ? 2 : 1);
        synthetic_offer_quote(offer, &slot->fixture, &quote, now);
    }
}

/* A random walk that is drawn back to nothing, so that prices wander but stay sane. */
static void opinion_move(double *opinion, struct prng *prng, uint32_t noise_permyriad)
{
    double step = synthetic_uniform(prng) + synthetic_uniform(prng) + synthetic_uniform(prng) - 1.5;
    *opinion = 0.97 * *opinion + step * noise_permyriad / 10000.0;
    if (*opinion > 0.25)
        *opinion = 0.25;
    if (*opinion < -0.25)
        *opinion = -0.25;
}

static void offers_settle(struct synthetic_feed *feed, struct slot *slot, bool all,
                          struct instant now)
{
    struct synthetic_outcome outcome = {slot->match.position.score, slot->match.scorers};
    for (size_t i = 0; i < slot->offers_count; i++) {
        struct synthetic_offer *offer = &slot->offers[i];
        if (offer->result_version != 0)
            continue;
        if (!all && !synthetic_market_decided(&offer->market, outcome.score))
            continue;
        bool mistaken = prng_below(&slot->prng, 1000) < feed->options.correction_permille;
        if (synthetic_offer_settle(offer, &slot->fixture, &outcome, mistaken, now))
            offer->correct_at.us = now.us + wait_between(feed, slot, 6000, 15000);
    }
}

/* Sends the corrections that are due; true while any is still to come. A correction during the
 * match says the same as one after it: what is decided stays decided. */
static bool offers_correct(struct slot *slot, struct instant now)
{
    struct synthetic_outcome outcome = {slot->match.position.score, slot->match.scorers};
    bool pending = false;
    for (size_t i = 0; i < slot->offers_count; i++) {
        struct synthetic_offer *offer = &slot->offers[i];
        if (offer->correct_at.us == 0)
            continue;
        if (offer->correct_at.us <= now.us)
            synthetic_offer_correct(offer, &slot->fixture, &outcome, now);
        else
            pending = true;
    }
    return pending;
}
