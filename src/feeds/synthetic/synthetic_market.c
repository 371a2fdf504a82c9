/* synthetic_market.c - contract in synthetic_market.h. */
#include "feeds/synthetic/synthetic_market.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "core/asian.h"

#define CORRECT_SIDE   (SYNTHETIC_CORRECT_MAX + 1)
#define CORRECT_OTHER  (CORRECT_SIDE * CORRECT_SIDE)
#define ODDS_CENTS_MAX 100000 /* 1000.00 */
#define ODDS_CENTS_MIN 101

static_assert(CORRECT_OTHER + 1 == SYNTHETIC_SELECTIONS_MAX, "one selection per score and other");

static void line_write(struct buf *buf, int quarters, bool sign);
static void correct_chances(const struct synthetic_grid *grid, double *ret);
static struct leg_result result_at(const struct synthetic_market *market,
                                   struct synthetic_score score, size_t selection);

/* What is won or lost, never half. */
static struct leg_result yes_or_no(bool happened)
{
    return happened ? LEG_WON : LEG_LOST;
}

/* 0 home, 1 draw, 2 away. */
static size_t winner_of(struct synthetic_score score)
{
    return (size_t)((score.home < score.away) - (score.home > score.away) + 1);
}

const struct synthetic_market *synthetic_market_opening(size_t index)
{
    /* Half, quarter and whole lines of totals; handicaps around level. */
    static const struct synthetic_market markets[] = {
        {SYNTHETIC_1X2, 0},
        {SYNTHETIC_TOTAL, 2},
        {SYNTHETIC_TOTAL, 6},
        {SYNTHETIC_TOTAL, 9},
        {SYNTHETIC_TOTAL, 10},
        {SYNTHETIC_TOTAL, 11},
        {SYNTHETIC_TOTAL, 12},
        {SYNTHETIC_TOTAL, 14},
        {SYNTHETIC_TOTAL, 18},
        {SYNTHETIC_ASIAN_HANDICAP, -6},
        {SYNTHETIC_ASIAN_HANDICAP, -4},
        {SYNTHETIC_ASIAN_HANDICAP, -3},
        {SYNTHETIC_ASIAN_HANDICAP, -2},
        {SYNTHETIC_ASIAN_HANDICAP, -1},
        {SYNTHETIC_ASIAN_HANDICAP, 0},
        {SYNTHETIC_ASIAN_HANDICAP, 1},
        {SYNTHETIC_ASIAN_HANDICAP, 2},
        {SYNTHETIC_ASIAN_HANDICAP, 4},
        {SYNTHETIC_NEXT_GOAL, 1},
        {SYNTHETIC_CORRECT_SCORE, 0},
        {SYNTHETIC_BUILDER, 10},
    };
    return index < sizeof markets / sizeof markets[0] ? &markets[index] : NULL;
}

const char *synthetic_market_kind_text(enum synthetic_kind kind)
{
#define KIND_TEXT(code, text, delay_ms) text,
    static const char *const texts[] = {SYNTHETIC_KIND_LIST(KIND_TEXT)};
#undef KIND_TEXT
    static_assert(sizeof texts / sizeof texts[0] == SYNTHETIC_KINDS, "one text per kind");
    return texts[kind];
}

size_t synthetic_market_selections_count(const struct synthetic_market *market)
{
    switch (market->kind) {
    case SYNTHETIC_1X2:
    case SYNTHETIC_NEXT_GOAL:
        return 3;
    case SYNTHETIC_TOTAL:
    case SYNTHETIC_ASIAN_HANDICAP:
        return 2;
    case SYNTHETIC_BUILDER:
        return 6;
    case SYNTHETIC_CORRECT_SCORE:
        return SYNTHETIC_SELECTIONS_MAX;
    }
    return 0;
}

void synthetic_market_id_write(struct buf *buf, const struct synthetic_market *market)
{
    switch (market->kind) {
    case SYNTHETIC_1X2:
        buf_put_text(buf, "1x2");
        break;
    case SYNTHETIC_TOTAL:
        buf_put_text(buf, "total:");
        line_write(buf, market->line, false);
        break;
    case SYNTHETIC_ASIAN_HANDICAP:
        buf_put_text(buf, "ah:");
        line_write(buf, market->line, false);
        break;
    case SYNTHETIC_NEXT_GOAL:
        buf_printf(buf, "next-goal:%d", market->line);
        break;
    case SYNTHETIC_CORRECT_SCORE:
        buf_put_text(buf, "correct-score");
        break;
    case SYNTHETIC_BUILDER:
        buf_put_text(buf, "builder:1x2+total:");
        line_write(buf, market->line, false);
        break;
    }
}

void synthetic_market_name_write(struct buf *buf, const struct synthetic_market *market,
                                 const char *home)
{
    switch (market->kind) {
    case SYNTHETIC_1X2:
        buf_put_text(buf, "Match result");
        break;
    case SYNTHETIC_TOTAL:
        buf_put_text(buf, "Total goals ");
        line_write(buf, market->line, false);
        break;
    case SYNTHETIC_ASIAN_HANDICAP:
        buf_printf(buf, "Asian handicap %s ", home);
        line_write(buf, market->line, true);
        break;
    case SYNTHETIC_NEXT_GOAL:
        buf_printf(buf, "Who scores goal %d", market->line);
        break;
    case SYNTHETIC_CORRECT_SCORE:
        buf_put_text(buf, "Correct score");
        break;
    case SYNTHETIC_BUILDER:
        buf_put_text(buf, "Bet builder: result and goals ");
        line_write(buf, market->line, false);
        break;
    }
}

void synthetic_market_selection_id_write(struct buf *buf, const struct synthetic_market *market,
                                         size_t selection)
{
    static const char *const sides[3] = {"home", "draw", "away"};
    static const char *const goals[3] = {"home", "none", "away"};
    static const char *const totals[2] = {"over", "under"};
    ASSERT(selection < synthetic_market_selections_count(market));
    switch (market->kind) {
    case SYNTHETIC_1X2:
        buf_put_text(buf, sides[selection]);
        break;
    case SYNTHETIC_NEXT_GOAL:
        buf_put_text(buf, goals[selection]);
        break;
    case SYNTHETIC_TOTAL:
        buf_put_text(buf, totals[selection]);
        break;
    case SYNTHETIC_BUILDER:
        buf_printf(buf, "%s+%s", sides[selection / 2], totals[selection % 2]);
        break;
    case SYNTHETIC_ASIAN_HANDICAP:
        buf_put_text(buf, selection == 0 ? "home" : "away");
        break;
    case SYNTHETIC_CORRECT_SCORE:
        if (selection == CORRECT_OTHER)
            buf_put_text(buf, "other");
        else
            buf_printf(buf, "%zu-%zu", selection / CORRECT_SIDE, selection % CORRECT_SIDE);
        break;
    }
}

void synthetic_market_selection_name_write(struct buf *buf, const struct synthetic_market *market,
                                           size_t selection, const char *const teams[2])
{
    ASSERT(selection < synthetic_market_selections_count(market));
    switch (market->kind) {
    case SYNTHETIC_1X2:
    case SYNTHETIC_NEXT_GOAL:
        if (selection == SYNTHETIC_NOBODY)
            buf_put_text(buf, market->kind == SYNTHETIC_1X2 ? "Draw" : "No further goal");
        else
            buf_put_text(buf, teams[selection / 2]);
        break;
    case SYNTHETIC_BUILDER:
        buf_printf(buf, "%s & %s ", selection / 2 == 1 ? "Draw" : teams[selection / 4],
                   selection % 2 == 0 ? "over" : "under");
        line_write(buf, market->line, false);
        break;
    case SYNTHETIC_TOTAL:
        buf_put_text(buf, selection == 0 ? "Over " : "Under ");
        line_write(buf, market->line, false);
        break;
    case SYNTHETIC_ASIAN_HANDICAP:
        buf_printf(buf, "%s ", teams[selection]);
        line_write(buf, selection == 0 ? market->line : -market->line, true);
        break;
    case SYNTHETIC_CORRECT_SCORE:
        if (selection == CORRECT_OTHER)
            buf_put_text(buf, "Any other score");
        else
            buf_printf(buf, "%zu:%zu", selection / CORRECT_SIDE, selection % CORRECT_SIDE);
        break;
    }
}

void synthetic_market_chances(const struct synthetic_market *market,
                              const struct synthetic_grid *grid, const double next[3],
                              double ret[SYNTHETIC_SELECTIONS_MAX])
{
    size_t count = synthetic_market_selections_count(market);
    if (market->kind == SYNTHETIC_NEXT_GOAL) {
        memcpy(ret, next, 3 * sizeof ret[0]);
        return;
    }
    if (market->kind == SYNTHETIC_CORRECT_SCORE) {
        correct_chances(grid, ret);
        return;
    }
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        ret[i] = 0;
        for (uint8_t home = 0; home <= SYNTHETIC_GOALS_MAX; home++)
            for (uint8_t away = 0; away <= SYNTHETIC_GOALS_MAX; away++) {
                struct leg_result result =
                    result_at(market, (struct synthetic_score){home, away}, i);
                if (result.won)
                    ret[i] += grid->chance[home][away] * (2 - result.void_halves) / 2;
            }
        total += ret[i];
    }
    ASSERT(total > 0);
    for (size_t i = 0; i < count; i++)
        ret[i] /= total;
}

/* Where a result of this kind adds up; NULL: a loss. */
static double *kind_of(struct leg_result result, double by_kind[4])
{
    if (result.won)
        return &by_kind[result.void_halves]; /* won, half won, returned */
    return result.void_halves == 0 ? NULL : &by_kind[result.void_halves == 1 ? 3 : 2];
}

static uint32_t billionths(double chance)
{
    double whole = chance * CHANCE_WHOLE;
    return whole >= CHANCE_WHOLE ? CHANCE_WHOLE : whole > 0 ? (uint32_t)whole : 0;
}

struct leg_chances synthetic_market_leg_chances(const struct synthetic_market *market,
                                                const struct synthetic_grid *grid, double share,
                                                size_t selection)
{
    double by_kind[4] = {0};
    if (market->kind != SYNTHETIC_TOTAL && market->kind != SYNTHETIC_ASIAN_HANDICAP)
        return (struct leg_chances){.win = billionths(share)};
    for (uint8_t home = 0; home <= SYNTHETIC_GOALS_MAX; home++)
        for (uint8_t away = 0; away <= SYNTHETIC_GOALS_MAX; away++) {
            double *kind = kind_of(
                result_at(market, (struct synthetic_score){home, away}, selection), by_kind);
            if (kind != NULL)
                *kind += grid->chance[home][away];
        }
    return (struct leg_chances){billionths(by_kind[0]), billionths(by_kind[1]),
                                billionths(by_kind[2]), billionths(by_kind[3])};
}

bool synthetic_market_price(double chance, uint32_t margin_permyriad, struct odds *ret)
{
    if (!(chance > 1e-9))
        return false;
    double cents = 100 / (chance * (1 + margin_permyriad / 10000.0));
    if (cents < ODDS_CENTS_MIN)
        return false;
    uint64_t whole = cents > ODDS_CENTS_MAX ? ODDS_CENTS_MAX : (uint64_t)cents;
    return odds_make(whole, 100, ret);
}

bool synthetic_market_decided(const struct synthetic_market *market, struct synthetic_score score)
{
    int goals = score.home + score.away;
    switch (market->kind) {
    case SYNTHETIC_1X2:
    case SYNTHETIC_ASIAN_HANDICAP:
    case SYNTHETIC_BUILDER: /* what is lost already is no price, and waits for the others */
        return false;
    case SYNTHETIC_TOTAL: /* a goal more can still turn half won into won */
        return leg_result_equal(asian_total(TOTAL_OVER, goals, market->line), LEG_WON);
    case SYNTHETIC_NEXT_GOAL:
        return goals >= market->line;
    case SYNTHETIC_CORRECT_SCORE:
        return score.home > SYNTHETIC_CORRECT_MAX || score.away > SYNTHETIC_CORRECT_MAX;
    }
    return false;
}

struct leg_result synthetic_market_result(const struct synthetic_market *market,
                                          const struct synthetic_outcome *outcome, size_t selection)
{
    ASSERT(selection < synthetic_market_selections_count(market));
    if (market->kind != SYNTHETIC_NEXT_GOAL)
        return result_at(market, outcome->score, selection);
    int goals = outcome->score.home + outcome->score.away;
    size_t scorer =
        goals >= market->line ? outcome->scorers[market->line - 1] : (size_t)SYNTHETIC_NOBODY;
    return yes_or_no(scorer == selection);
}

static struct leg_result result_at(const struct synthetic_market *market,
                                   struct synthetic_score score, size_t selection)
{
    int home = score.home, away = score.away;
    switch (market->kind) {
    case SYNTHETIC_1X2:
        return yes_or_no(winner_of(score) == selection);
    case SYNTHETIC_BUILDER: /* both, or neither */
        return yes_or_no(winner_of(score) == selection / 2 &&
                         (4 * (home + away) > market->line) == (selection % 2 == 0));
    case SYNTHETIC_TOTAL:
        return selection == 0 ? asian_total(TOTAL_OVER, home + away, market->line)
                              : asian_total(TOTAL_UNDER, home + away, market->line);
    case SYNTHETIC_ASIAN_HANDICAP:
        return selection == 0 ? asian_handicap(home, away, market->line)
                              : asian_handicap(away, home, -market->line);
    case SYNTHETIC_CORRECT_SCORE:
        if (home > SYNTHETIC_CORRECT_MAX || away > SYNTHETIC_CORRECT_MAX)
            return yes_or_no(selection == CORRECT_OTHER);
        return yes_or_no((size_t)(home * CORRECT_SIDE + away) == selection);
    case SYNTHETIC_NEXT_GOAL:
        break; /* depends on the order of the goals: synthetic_market_result */
    }
    ASSERT(market->kind != SYNTHETIC_NEXT_GOAL);
    return LEG_VOID;
}

static void correct_chances(const struct synthetic_grid *grid, double *ret)
{
    memset(ret, 0, SYNTHETIC_SELECTIONS_MAX * sizeof ret[0]);
    for (size_t home = 0; home <= SYNTHETIC_GOALS_MAX; home++)
        for (size_t away = 0; away <= SYNTHETIC_GOALS_MAX; away++) {
            bool inside = home <= SYNTHETIC_CORRECT_MAX && away <= SYNTHETIC_CORRECT_MAX;
            ret[inside ? home * CORRECT_SIDE + away : CORRECT_OTHER] += grid->chance[home][away];
        }
}

/* Quarters as a decimal without needless zeros: 11 is 2.75, -2 is -0.5, 12 is 3. */
static void line_write(struct buf *buf, int quarters, bool sign)
{
    static const char *const fractions[4] = {"", ".25", ".5", ".75"};
    if (quarters < 0)
        buf_put_char(buf, '-');
    else if (sign && quarters > 0)
        buf_put_char(buf, '+');
    int size = abs(quarters);
    buf_printf(buf, "%d%s", size / 4, fractions[size % 4]);
}
