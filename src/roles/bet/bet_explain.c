/* bet_explain.c - contract in bet_explain.h.
 * The factor of a leg is v + (1 - v) * w * d * o' (BETTING-RULES 4.1), a line is stake times the
 * factors of its legs, a bet the sum of its lines. Every number is read from the record; the exact
 * value is shown before it is rounded, and the rounding is named. */
#include "roles/bet/bet_explain.h"

#include "base/assert.h"
#include "core/bet_outcome.h"
#include "core/bet_return.h"
#include "core/market_chances.h"
#include "core/money.h"
#include "core/odds.h"
#include "core/settle.h"
#include "ledger/settle_record.h"

#define PLACES_SHOWN      4 /* of what rounding cuts off */
#define FACTORS_SHOWN_MAX 8 /* of a line of more legs the product is not written out */
#define SCALE_MAX         INT64_C(100000000)

/* The record, and the bet that it is. */
struct told {
    const struct record_settle *settle;
    const struct record_settled_leg *legs;
    const struct bet *bet;
};

static void put_sentence(const struct bet_explain_to *to, const struct buf *sentence)
{
    ASSERT(!sentence->overflow);
    to->say(to->owner, buf_slice(sentence));
}

static void put_money_text(struct buf *buf, int64_t minor, const struct record_settle *settle)
{
    struct currency currency = {settle->currency};
    money_write(buf, money_of(minor, currency));
    buf_put_char(buf, ' ');
    buf_put_text(buf, currency_code(currency));
}

static void put_odds_text(struct buf *buf, struct odds odds)
{
    odds_write_decimal(buf, odds);
    if (odds_is_decimal(odds))
        return;
    buf_put_text(buf, " (exactly ");
    odds_write_exact(buf, odds);
    buf_put_char(buf, ')');
}

/* ---- what was staked ---- */

static void put_shape(struct buf *buf, const struct told *told)
{
    const struct bet *bet = told->bet;
    unsigned long long lines = (unsigned long long)bet_lines(bet);
    if (bet->legs_count == 1 && !bet->each_way) {
        buf_put_text(buf, " at odds of ");
        put_odds_text(buf, bet->legs[0].odds);
        return;
    }
    if (bet->legs_count == 1) {
        buf_put_text(buf, " each-way at odds of ");
        put_odds_text(buf, bet->legs[0].odds);
        buf_put_text(buf, ": half of it to win, half to be placed");
        return;
    }
    const struct named_system *named = system_by_sizes(bet->legs_count, bet->sizes);
    buf_printf(buf, " on a %s of %u selections%s, %llu line%s",
               bet->sizes.mask == 0 ? "multiple" : "system", bet->legs_count,
               bet->each_way ? " each-way" : "", lines, lines == 1 ? "" : "s");
    if (bet->sizes.mask != 0 && named != NULL)
        buf_printf(buf, " (%s)", named->name);
}

static void say_stake(const struct bet_explain_to *to, const struct told *told)
{
    char memory[EXPLAIN_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_put_text(&buf, "You staked ");
    put_money_text(&buf, told->settle->stake, told->settle);
    if (told->bet->free)
        buf_put_text(&buf, " of a free bet");
    put_shape(&buf, told);
    buf_put_char(&buf, '.');
    put_sentence(to, &buf);
}

/* ---- the legs ---- */

static const char *outcome_sentence(struct leg_result result)
{
    switch (leg_result_outcome(result)) {
    case LEG_OUTCOME_WON:
        return "The selection won: the stake is multiplied by the odds.";
    case LEG_OUTCOME_LOST:
        return "The selection lost: nothing is returned.";
    case LEG_OUTCOME_VOID:
        return "The selection is void: the stake is returned.";
    case LEG_OUTCOME_HALF_WON:
        return "The selection half won: half of the stake is returned and the other half is "
               "multiplied by the odds.";
    case LEG_OUTCOME_HALF_LOST:
        return "The selection half lost: half of the stake is returned and the other half is lost.";
    case LEG_OUTCOME_DEAD_HEAT:
        return "The selection won in a dead heat: the part of the stake that won is multiplied by "
               "the odds.";
    case LEG_OUTCOME_OPEN:
        break;
    }
    return "The selection has no result.";
}

/* Of a leg among others, whose factor is one of a product. */
static const char *leg_sentence(struct leg_result result)
{
    switch (leg_result_outcome(result)) {
    case LEG_OUTCOME_WON:
        return "The selection won.";
    case LEG_OUTCOME_LOST:
        return "The selection lost.";
    case LEG_OUTCOME_VOID:
        return "The selection is void: it counts with odds of 1.";
    case LEG_OUTCOME_HALF_WON:
        return "The selection half won: half counts with its odds, half with odds of 1.";
    case LEG_OUTCOME_HALF_LOST:
        return "The selection half lost: half is lost, half counts with odds of 1.";
    case LEG_OUTCOME_DEAD_HEAT:
        return "The selection won in a dead heat: a part of it counts.";
    case LEG_OUTCOME_OPEN:
        break;
    }
    return "The selection has no result.";
}

static void put_outcome(struct buf *buf, struct leg_result result, bool alone)
{
    buf_put_text(buf, alone ? outcome_sentence(result) : leg_sentence(result));
    if (leg_result_outcome(result) != LEG_OUTCOME_DEAD_HEAT)
        return;
    buf_printf(buf, " The dead heat factor is %u/%u.", result.dead_heat_numerator,
               result.dead_heat_denominator);
    if (result.void_halves == 1)
        buf_put_text(buf, " Half of the stake is void and returned.");
}

static void put_place(struct buf *buf, const struct record_settled_leg *leg)
{
    struct leg_result result = record_factors(leg->place);
    buf_printf(buf, " To be placed (%u place%s at %u/%u of the odds): %s", leg->places,
               leg->places == 1 ? "" : "s", leg->place_numerator, leg->place_denominator,
               leg_outcome_text(leg_result_outcome(result)));
    if (leg->position != 0)
        buf_printf(buf, ", position %u", leg->position);
    if (leg->tied > 1)
        buf_printf(buf, " shared by %u", leg->tied);
    if (leg_result_outcome(result) == LEG_OUTCOME_DEAD_HEAT)
        buf_printf(buf, ", dead heat factor %u/%u", result.dead_heat_numerator,
                   result.dead_heat_denominator);
    buf_put_char(buf, '.');
}

/* "Deducted from winnings for runners withdrawn after the bet: 25 %." */
static void put_deductions(struct buf *buf, const struct deductions *deductions)
{
    buf_put_text(buf, deductions->from == DEDUCTED_FROM_PRICE
                          ? " Taken off the odds for runners withdrawn after the bet:"
                          : " Taken off the winnings for runners withdrawn after the bet:");
    for (unsigned i = 0; i < deductions->count; i++) {
        buf_put_text(buf, i == 0 ? " " : ", then ");
        decimal_write(buf, deductions->permyriad[i], 2);
        buf_put_text(buf, " %");
    }
    if (deductions->from == DEDUCTED_FROM_PRICE)
        buf_printf(buf, ", to no less than %u.%02u", REDUCED_PRICE_LEAST / 100,
                   REDUCED_PRICE_LEAST % 100);
    buf_put_char(buf, '.');
}

static void say_leg(const struct bet_explain_to *to, const struct told *told, uint32_t at)
{
    char memory[EXPLAIN_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    const struct record_settled_leg *leg = &told->legs[at];
    const struct bet_leg *made = &told->bet->legs[at];
    if (told->bet->legs_count > 1) {
        buf_printf(&buf, "Leg %u%s at odds of ", at + 1,
                   told->bet->sizes.mask != 0 && made->banker ? " (banker)" : "");
        put_odds_text(&buf, made->odds);
        buf_put_text(&buf, ": ");
    }
    if ((leg->flags & SETTLED_CANCELLED) != 0)
        buf_put_text(&buf, "Bets placed at this time are void. ");
    if (leg->win.known == 0)
        buf_put_text(&buf, "The bet was lost without its result.");
    else
        put_outcome(&buf, made->win.result, told->bet->legs_count == 1 && !told->bet->each_way);
    if (leg->place.known == 1)
        put_place(&buf, leg);
    if (made->win.deductions.count > 0)
        put_deductions(&buf, &made->win.deductions);
    put_sentence(to, &buf);
}

/* ---- what a leg counts ---- */

static void put_price(struct buf *buf, struct odds odds)
{
    if (odds_is_decimal(odds))
        odds_write_decimal(buf, odds);
    else
        odds_write_exact(buf, odds);
}

/* The price, less what is deducted from it. */
static void put_reduced(struct buf *buf, const struct bet_leg *leg,
                        const struct deductions *deductions)
{
    bool reduced = deductions->count > 0 && deductions->from == DEDUCTED_FROM_PRICE;
    if (reduced)
        buf_put_char(buf, '(');
    put_price(buf, leg->odds);
    for (unsigned i = 0; reduced && i < deductions->count; i++) {
        buf_put_text(buf, " x ");
        decimal_write(buf, DEDUCTION_WHOLE - deductions->permyriad[i], 4);
    }
    if (reduced)
        buf_put_char(buf, ')');
}

/* Which half of an each-way bet is told; of another the whole. */
enum way { TO_WIN, TO_BE_PLACED };

static const struct leg_part *part_of(const struct bet_leg *leg, enum way way)
{
    return way == TO_WIN ? &leg->win : &leg->place;
}

/* o': that, for a place brought to its terms, less what is deducted from the winnings. */
static void put_pays(struct buf *buf, const struct bet_leg *leg, enum way way)
{
    const struct deductions *deductions = &part_of(leg, way)->deductions;
    bool winnings = deductions->count > 0 && deductions->from == DEDUCTED_FROM_WINNINGS;
    if (way == TO_WIN && !winnings) {
        put_reduced(buf, leg, deductions);
        return;
    }
    buf_put_text(buf, "(1 + (");
    put_reduced(buf, leg, deductions);
    buf_put_text(buf, " - 1)");
    if (way == TO_BE_PLACED)
        buf_printf(buf, " x %u/%u", leg->terms.numerator, leg->terms.denominator);
    for (unsigned i = 0; winnings && i < deductions->count; i++) {
        buf_put_text(buf, " x ");
        decimal_write(buf, DEDUCTION_WHOLE - deductions->permyriad[i], 4);
    }
    buf_put_char(buf, ')');
}

/* " x 2.10", or with the factors that are not 1 (or 0). */
static void put_factor(struct buf *buf, const struct bet_leg *leg, enum way way)
{
    struct leg_result result = part_of(leg, way)->result;
    if (result.void_halves == 2 || !result.won) {
        buf_put_text(buf, result.void_halves == 2   ? " x 1"
                          : result.void_halves == 1 ? " x 1/2"
                                                    : " x 0");
        return;
    }
    buf_put_text(buf, result.void_halves == 1 ? " x (1/2 + 1/2 x " : " x ");
    if (result.dead_heat_numerator != result.dead_heat_denominator)
        buf_printf(buf, "%u/%u x ", result.dead_heat_numerator, result.dead_heat_denominator);
    put_pays(buf, leg, way);
    if (result.void_halves == 1)
        buf_put_char(buf, ')');
}

/* What the bet, its way or its line has: minor units with a decimal where half of one is left. */
static void put_share(struct buf *buf, const struct told *told, int64_t share, int64_t of)
{
    struct currency currency = {told->settle->currency};
    int64_t tenths = share * 10 / of;
    if (tenths % 10 != 0) {
        decimal_write(buf, tenths, currency_scale(currency) + 1);
        buf_put_char(buf, ' ');
        buf_put_text(buf, currency_code(currency));
        return;
    }
    put_money_text(buf, share / of, told->settle);
}

/* The exact return, in units so small that what rounding cuts off is seen: false, too large. */
static bool exact_return(struct bet bet, int64_t *ret_scaled, int64_t *ret_scale)
{
    struct money scaled;
    int64_t scale = 1;
    while (scale < SCALE_MAX && bet.stake.minor <= MONEY_MINOR_MAX / 10) {
        bet.stake.minor *= 10;
        scale *= 10;
    }
    while (!bet_return(&bet, ROUND_DOWN, &scaled)) {
        if (scale == 1)
            return false;
        bet.stake.minor /= 10;
        scale /= 10;
    }
    *ret_scaled = scaled.minor;
    *ret_scale = scale;
    return true;
}

/* "3.5777..": false when it is whole minor units, or too large to be shown so; nothing is put. */
static bool put_fraction(struct buf *buf, const struct told *told, const struct bet *bet)
{
    struct currency currency = {told->settle->currency};
    int64_t scaled = 0, scale = 1, shown = 1;
    if (!exact_return(*bet, &scaled, &scale) || scaled % scale == 0)
        return false;
    for (int i = 0; i < PLACES_SHOWN && shown < scale; i++)
        shown *= 10;
    int places = 0;
    for (int64_t s = shown; s > 1; s /= 10)
        places++;
    decimal_write(buf, scaled / (scale / shown), currency_scale(currency) + places);
    if (scaled % (scale / shown) != 0)
        buf_put_text(buf, "..");
    return true;
}

/* What a part of the bet pays, before anything is rounded. */
static void put_part(struct buf *buf, const struct told *told, const struct bet *part)
{
    struct money whole;
    buf_put_text(buf, " = ");
    if (put_fraction(buf, told, part)) {
        buf_put_char(buf, ' ');
        buf_put_text(buf, currency_code((struct currency){told->settle->currency}));
    } else if (bet_return(part, ROUND_DOWN, &whole)) {
        put_money_text(buf, whole.minor, told->settle);
    }
    buf_put_char(buf, '.');
}

/* ---- lines ---- */

#define LINES_SHOWN_MAX 32

/* One line of a system, one way of an each-way bet. */
struct line {
    struct bet_leg legs[FACTORS_SHOWN_MAX];
    uint32_t numbers[FACTORS_SHOWN_MAX]; /* of its legs in the bet, from 1 */
    uint32_t count;
};

static void say_line(const struct bet_explain_to *to, const struct told *told, struct line *line,
                     enum way way)
{
    char memory[EXPLAIN_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    int64_t lines = (int64_t)bet_lines(told->bet);
    struct bet part = {.legs = line->legs, .legs_count = line->count, .stake = told->bet->stake};
    if (told->bet->sizes.mask != 0) {
        buf_put_text(&buf, line->count == 1 ? "Leg" : "Legs");
        for (uint32_t i = 0; i < line->count; i++)
            buf_printf(&buf, "%s%u",
                       i == 0                 ? " "
                       : i + 1 == line->count ? " and "
                                              : ", ",
                       line->numbers[i]);
        buf_put_text(&buf, told->bet->each_way ? ", " : ": ");
    }
    if (told->bet->each_way)
        buf_put_text(&buf, way == TO_WIN ? "to win: " : "to be placed: ");
    put_share(&buf, told, told->settle->stake, lines);
    for (uint32_t i = 0; i < line->count; i++) {
        put_factor(&buf, &line->legs[i], way);
        line->legs[i].win = *part_of(&line->legs[i], way);
    }
    part.stake.minor /= lines;
    if (way == TO_WIN && part.stake.minor * lines == told->settle->stake && !told->bet->free)
        put_part(&buf, told, &part);
    else
        buf_put_char(&buf, '.');
    put_sentence(to, &buf);
}

/* The line of these legs, a bit each; false when it is none of the system's. */
static bool take_line(const struct told *told, uint32_t mask, struct line *ret)
{
    uint32_t chosen = 0;
    ret->count = 0;
    for (uint32_t i = 0; i < told->bet->legs_count; i++) {
        bool in = (mask >> i & 1) != 0, banker = told->bet->legs[i].banker;
        if (banker && !in)
            return false;
        if (!in)
            continue;
        chosen += !banker;
        ret->numbers[ret->count] = i + 1;
        ret->legs[ret->count] = told->bet->legs[i];
        ret->legs[ret->count++].banker = true;
    }
    return told->bet->sizes.mask == 0 ? ret->count == told->bet->legs_count
                                      : system_has_size(told->bet->sizes, chosen);
}

/* Few enough to be told one by one, and more than the last sentence says. */
static bool lines_told(const struct told *told)
{
    const struct bet *bet = told->bet;
    return bet->legs_count <= FACTORS_SHOWN_MAX && bet_lines(bet) > 1 &&
           bet_lines(bet) <= LINES_SHOWN_MAX;
}

static void say_lines(const struct bet_explain_to *to, const struct told *told)
{
    if (!lines_told(told))
        return;
    for (uint32_t mask = 1; mask < 1u << told->bet->legs_count; mask++) {
        struct line line;
        if (!take_line(told, mask, &line))
            continue;
        struct line placed = line;
        say_line(to, told, &line, TO_WIN);
        if (told->bet->each_way)
            say_line(to, told, &placed, TO_BE_PLACED);
    }
}

/* ---- the return ---- */

/* "50.00 GBP x 21/10": of one line of few legs the product, else what it is the sum of. */
static void put_product(struct buf *buf, const struct told *told)
{
    const struct bet *bet = told->bet;
    if (bet_lines(bet) > 1) {
        buf_put_text(buf, lines_told(told)
                              ? "Together"
                              : "The sum over all lines of the stake of one line times what is "
                                "counted of each of its legs");
        return;
    }
    put_money_text(buf, told->settle->stake, told->settle);
    if (bet->legs_count > FACTORS_SHOWN_MAX) {
        buf_put_text(buf, " x what is counted of each leg");
        return;
    }
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        if (told->legs[i].win.known == 1)
            put_factor(buf, &bet->legs[i], TO_WIN);
    }
}

static const char *rounding_text(unsigned rounding)
{
    switch ((enum rounding)rounding) {
    case ROUND_DOWN:
        return ", rounded down to ";
    case ROUND_HALF_UP:
        return ", rounded half up to ";
    case ROUND_HALF_EVEN:
        return ", rounded half to even to ";
    }
    return ", rounded to ";
}

static void say_return(const struct bet_explain_to *to, const struct told *told)
{
    char memory[EXPLAIN_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    put_product(&buf, told);
    buf_put_text(&buf, told->bet->free ? ", without the stake = " : " = ");
    if (put_fraction(&buf, told, told->bet))
        buf_put_text(&buf, rounding_text(told->settle->rounding));
    put_money_text(&buf, told->settle->payout, told->settle);
    buf_put_char(&buf, '.');
    if (told->settle->token_back != 0)
        buf_put_text(&buf, " The free bet is there again.");
    put_sentence(to, &buf);
}

static void say_booking(const struct bet_explain_to *to, const struct record_view *record,
                        uint32_t shard)
{
    const struct record_settle *settle = record->body;
    char memory[EXPLAIN_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_printf(&buf,
               "Settlement %u, ledger record %u-%llu, follows from the result in record "
               "%u-%llu; the balance was then ",
               settle->settlement, shard, (unsigned long long)record->head->seq, shard,
               (unsigned long long)settle->result_seq);
    put_money_text(&buf, settle->balance_after, settle);
    buf_put_char(&buf, '.');
    put_sentence(to, &buf);
}

void bet_explain_settlement(const struct record_view *record, uint32_t shard,
                            const struct bet_explain_to *to)
{
    struct bet_leg legs[BET_LEGS_MAX];
    struct bet bet;
    ASSERT(record->head->type == RECORD_SETTLE);
    struct told told = {record->body, record->items, &bet};
    if (!settle_record_bet(record, legs, &bet)) {
        to->say(to->owner, SLICE("The record's numbers do not make a bet."));
        return;
    }
    say_stake(to, &told);
    for (uint32_t i = 0; i < bet.legs_count; i++)
        say_leg(to, &told, i);
    say_lines(to, &told);
    say_return(to, &told);
    say_booking(to, record, shard);
}

/* ---- cash-outs ---- */

#define EXPLAIN_BYTES 512

/* "50.00 GBP". */
static void put_amount(struct buf *buf, int64_t minor, const struct record_cash_out *cash_out)
{
    struct currency currency = {cash_out->currency};
    money_write(buf, money_of(minor, currency));
    buf_put_char(buf, ' ');
    buf_put_text(buf, currency_code(currency));
}

static void put_percent(struct buf *buf, uint64_t number, int places)
{
    decimal_write(buf, (int64_t)number, places);
    buf_put_text(buf, " %");
}

#define BOOK_PERCENT_UNIT (CHANCES_BOOK_WHOLE / 10000) /* a hundredth of a percent */
#define CHANCE_PLACES     7                            /* of a percent, in CHANCE_WHOLE */

/* "in a book of 105.00 % a chance of 47.6190476 %" */
static void put_book_chance(struct buf *buf, const struct record_cash_out_leg *leg)
{
    buf_put_text(buf, "in a book of ");
    put_percent(buf, leg->book / BOOK_PERCENT_UNIT, 2);
    buf_put_text(buf, " a chance of ");
    put_percent(buf, leg->chances.win, CHANCE_PLACES);
}

/* "by the provider's chances 40.0000000 % to win, 5.0000000 % to get the stake back"; those that
 * are nothing are not named. */
static void put_given_chances(struct buf *buf, struct leg_chances chances)
{
    const struct {
        uint32_t chance;
        const char *text;
    } parts[] = {{chances.win, " to win"},
                 {chances.half_win, " to win half"},
                 {chances.refund, " to get the stake back"},
                 {chances.half_lose, " to lose half"}};
    const char *before = "by the provider's chances ";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].chance == 0)
            continue;
        buf_put_text(buf, before);
        put_percent(buf, parts[i].chance, CHANCE_PLACES);
        buf_put_text(buf, parts[i].text);
        before = ", ";
    }
}

/* "Leg 1, taken at 3.00, is at 2.00 now: in a book of 105.00 % a chance of 47.6190476 %." */
static void say_sold_leg(const struct bet_explain_to *to, const struct record_cash_out_leg *leg,
                         uint32_t at)
{
    char memory[EXPLAIN_BYTES];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_printf(&buf, "Leg %u, taken at ", at + 1);
    put_odds_text(&buf, (struct odds){leg->settled.odds_numerator, leg->settled.odds_denominator});
    if (leg->settled.win.known == 1) {
        buf_put_text(&buf, ", counts as it would be settled: ");
        buf_put_text(&buf, outcome_sentence(record_factors(leg->settled.win)));
    } else {
        buf_put_text(&buf, ", is at ");
        put_odds_text(&buf, (struct odds){leg->now_numerator, leg->now_denominator});
        buf_put_text(&buf, " now: ");
        if (leg->book == 0)
            put_given_chances(&buf, leg->chances);
        else
            put_book_chance(&buf, leg);
        buf_put_char(&buf, '.');
    }
    put_sentence(to, &buf);
}

static void say_value(const struct bet_explain_to *to, const struct record_view *record,
                      uint32_t shard)
{
    const struct record_cash_out *cash_out = record->body;
    char memory[EXPLAIN_BYTES];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_put_text(&buf, "With these chances it was worth ");
    put_amount(&buf, cash_out->fair, cash_out);
    buf_put_text(&buf, "; less a margin of ");
    put_percent(&buf, cash_out->margin, 2);
    buf_put_text(&buf, ", rounded down, ");
    put_amount(&buf, cash_out->value, cash_out);
    if (cash_out->paid < cash_out->value)
        buf_put_text(&buf, "; no more than what was shown before the delay is paid");
    buf_printf(&buf, " (ledger record %u-%llu).", shard, (unsigned long long)record->head->seq);
    put_sentence(to, &buf);
}

void bet_explain_cash_out(const struct record_view *record, uint32_t shard,
                          const struct bet_explain_to *to)
{
    const struct record_cash_out *cash_out = record->body;
    const struct record_cash_out_leg *legs = record->items;
    char memory[EXPLAIN_BYTES];
    struct buf buf = buf_over(memory, sizeof memory);
    ASSERT(record->head->type == RECORD_CASH_OUT);
    ASSERT(cash_out->outcome == BET_PLACED);
    buf_put_text(&buf, "You sold ");
    put_amount(&buf, cash_out->stake, cash_out);
    buf_put_text(&buf, " of your stake back for ");
    put_amount(&buf, cash_out->paid, cash_out);
    buf_put_text(&buf, cash_out->stake_left == 0 ? ": the bet is over." : "; ");
    if (cash_out->stake_left > 0) {
        put_amount(&buf, cash_out->stake_left, cash_out);
        buf_put_text(&buf, " went on.");
    }
    put_sentence(to, &buf);
    for (uint32_t i = 0; i < record->head->items_count && i < FACTORS_SHOWN_MAX; i++)
        say_sold_leg(to, &legs[i], i);
    if (record->head->items_count > FACTORS_SHOWN_MAX)
        to->say(to->owner, SLICE("The other legs are in the ledger's record."));
    say_value(to, record, shard);
}
