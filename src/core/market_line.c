/* market_line.c - contract in market_line.h. */
#include "core/market_line.h"

#include "base/decimal.h"
#include "core/asian.h"

#define QUARTERS 4

/* A number of quarters, exactly, and not beyond what core/asian.h settles. */
static bool take_quarters(struct slice digits, int32_t *ret)
{
    struct decimal value;
    int64_t hundredths;
    if (digits.bytes > 0 && digits.at[0] == '+')
        digits = slice_skip(digits, 1);
    if (decimal_parse(digits, &value) < 0 || decimal_rescale(value, 2, &hundredths) < 0 ||
        hundredths % (100 / QUARTERS) != 0)
        return false;
    int64_t quarters = hundredths / (100 / QUARTERS);
    if (quarters < -ASIAN_LINE_MAX || quarters > ASIAN_LINE_MAX)
        return false;
    *ret = (int32_t)quarters;
    return true;
}

/* What stands behind the last such character; the whole when there is none. */
static struct slice behind_last(struct slice text, char mark)
{
    for (size_t i = text.bytes; i-- > 0;)
        if (text.at[i] == mark)
            return slice_skip(text, i + 1);
    return text;
}

static bool take_total(const struct line_names *names, struct market_line *ret)
{
    struct slice id = behind_last(names->market_id, '/');
    if (!slice_begins(id, SLICE("total:")) || !take_quarters(slice_skip(id, 6), &ret->quarters))
        return false;
    ret->side = slice_is(names->selection_id, "over") ? LINE_OVER : LINE_UNDER;
    return slice_is(names->selection_id, "over") || slice_is(names->selection_id, "under");
}

static bool take_handicap(const struct line_names *names, struct market_line *ret)
{
    struct slice id = behind_last(names->market_id, '/');
    if (!slice_begins(id, SLICE("ah:")) || !take_quarters(slice_skip(id, 3), &ret->quarters))
        return false;
    bool home = slice_is(names->selection_id, "home");
    ret->side = home ? LINE_HOME : LINE_AWAY;
    if (!home)
        ret->quarters = -ret->quarters;
    return home || slice_is(names->selection_id, "away");
}

static bool take_uof_total(const struct line_names *names, struct market_line *ret)
{
    struct slice id = behind_last(names->market_id, '/');
    ret->side = slice_is(names->selection_id, "12") ? LINE_OVER : LINE_UNDER;
    return slice_begins(id, SLICE("total=")) &&
           take_quarters(slice_skip(id, SLICE("total=").bytes), &ret->quarters) &&
           (slice_is(names->selection_id, "12") || slice_is(names->selection_id, "13"));
}

static bool take_uof_handicap(const struct line_names *names, struct market_line *ret)
{
    struct slice id = behind_last(names->market_id, '/');
    bool home = slice_is(names->selection_id, "1714");
    if (!slice_begins(id, SLICE("hcp=")) ||
        !take_quarters(slice_skip(id, SLICE("hcp=").bytes), &ret->quarters))
        return false;
    ret->side = home ? LINE_HOME : LINE_AWAY;
    if (!home)
        ret->quarters = -ret->quarters;
    return home || slice_is(names->selection_id, "1715");
}

static bool side_of_total(struct slice name, enum line_side *ret)
{
    *ret = slice_begins(name, SLICE("Over")) ? LINE_OVER : LINE_UNDER;
    return slice_begins(name, SLICE("Over")) || slice_begins(name, SLICE("Under"));
}

/* "OVER_UNDER_25": tenths. */
static bool take_over_under(const struct line_names *names, struct market_line *ret)
{
    struct slice digits = slice_skip(names->kind, SLICE("OVER_UNDER_").bytes);
    int64_t tenths = 0;
    for (size_t i = 0; i < digits.bytes; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9' || tenths > ASIAN_LINE_MAX)
            return false;
        tenths = tenths * 10 + (digits.at[i] - '0');
    }
    if (digits.bytes == 0 || tenths * QUARTERS % 10 != 0 || tenths * QUARTERS / 10 > ASIAN_LINE_MAX)
        return false;
    ret->quarters = (int32_t)(tenths * QUARTERS / 10);
    return side_of_total(names->selection_name, &ret->side);
}

/* The handicap of "ID@HC"; without one it is 0 (FORMATS 1.4). */
static bool take_own_handicap(struct slice selection_id, int32_t *ret)
{
    struct slice handicap = behind_last(selection_id, '@');
    *ret = 0;
    return handicap.bytes == selection_id.bytes || take_quarters(handicap, ret);
}

static bool take_goals(const struct line_names *names, struct market_line *ret)
{
    if (!take_own_handicap(names->selection_id, &ret->quarters))
        return false;
    if (ret->quarters < 0) /* it is written as what is added to the goals */
        ret->quarters = -ret->quarters;
    return side_of_total(names->selection_name, &ret->side);
}

/* The teams are those of "Home v Away"; where both are called alike nobody is. */
static bool side_of_team(struct slice event_name, struct slice name, enum line_side *ret)
{
    static const struct slice versus = {" v ", 3};
    bool home = event_name.bytes > name.bytes + versus.bytes && slice_begins(event_name, name) &&
                slice_begins(slice_skip(event_name, name.bytes), versus);
    bool away = false;
    if (event_name.bytes > name.bytes + versus.bytes) {
        struct slice tail = slice_skip(event_name, event_name.bytes - name.bytes - versus.bytes);
        away = slice_begins(tail, versus) && slice_equal(slice_skip(tail, versus.bytes), name);
    }
    *ret = home ? LINE_HOME : LINE_AWAY;
    return name.bytes > 0 && home != away;
}

bool market_line_of(const struct line_names *names, struct market_line *ret)
{
    struct market_line line = {0};
    bool known = false;
    if (slice_is(names->kind, "total"))
        known = take_total(names, &line);
    else if (slice_is(names->kind, "asian_handicap"))
        known = take_handicap(names, &line);
    else if (slice_is(names->kind, "uof:18"))
        known = take_uof_total(names, &line);
    else if (slice_is(names->kind, "uof:16"))
        known = take_uof_handicap(names, &line);
    else if (slice_begins(names->kind, SLICE("OVER_UNDER_")))
        known = take_over_under(names, &line);
    else if (slice_is(names->kind, "TOTAL_GOALS") || slice_is(names->kind, "ALT_TOTAL_GOALS"))
        known = take_goals(names, &line);
    else if (slice_is(names->kind, "ASIAN_HANDICAP"))
        known = take_own_handicap(names->selection_id, &line.quarters) &&
                side_of_team(names->event_name, names->selection_name, &line.side);
    bool total = line.side == LINE_OVER || line.side == LINE_UNDER;
    if (!known || (total && line.quarters < 0))
        return false;
    *ret = line;
    return true;
}

struct leg_result market_line_result(struct market_line line, const uint16_t score[2])
{
    int32_t home = score[0], away = score[1];
    switch (line.side) {
    case LINE_HOME:
        return asian_handicap(home, away, line.quarters);
    case LINE_AWAY:
        return asian_handicap(away, home, line.quarters);
    case LINE_OVER:
        return asian_total(TOTAL_OVER, score[0] + score[1], line.quarters);
    case LINE_UNDER:
        break;
    }
    return asian_total(TOTAL_UNDER, score[0] + score[1], line.quarters);
}
