/* market_image.c - contract in market_image.h. All selections of a touched market are worked
 * out again: the best price is the last point of a ladder, so this is cheaper than knowing
 * which ones could have changed. */
#include "feeds/betfair_stream/market_image.h"

#include "base/assert.h"

static struct cached_runner *runner_at(const struct market_image_writer *writer, uint32_t index)
{
    return &writer->cache->runners[index];
}

/* The selections of a market are the runners that its definition has named; others are known
 * by their prices only. */
static uint32_t skip_unnamed(const struct market_image_writer *writer, uint32_t index)
{
    while (index != MARKET_CACHE_NONE && runner_at(writer, index)->mark == 0)
        index = runner_at(writer, index)->next;
    return index;
}

static uint32_t first(const struct market_image_writer *writer, const struct cached_market *market)
{
    return skip_unnamed(writer, market->first_runner);
}

static uint32_t next(const struct market_image_writer *writer, uint32_t index)
{
    return skip_unnamed(writer, runner_at(writer, index)->next);
}

/* Runner flags say what is paid: with the terms of its places, of an each-way market too. */
static bool is_settleable(const struct cached_market *market)
{
    return market->betting == MCM_BETTING_ODDS &&
           (!market->each_way || market->place_terms.places > 0);
}

static enum market_status status_of(const struct cached_market *market)
{
    if (market->status == MCM_MARKET_CLOSED && market->defined)
        return MARKET_CLOSED_STATUS;
    bool bettable = market->status == MCM_MARKET_OPEN && market->defined && !market->unsure &&
                    !market->overfull && is_settleable(market);
    return bettable ? MARKET_ACTIVE : MARKET_SUSPENDED_STATUS;
}

/* --- results --- */

enum verdict { VERDICT_OPEN = 0, VERDICT_REFUSED, VERDICT_SETTLED };

static enum verdict verdict_of(const struct market_image_writer *writer,
                               const struct cached_market *market)
{
    if (market->status != MCM_MARKET_CLOSED || !market->defined || !is_settleable(market) ||
        market->overfull || first(writer, market) == MARKET_CACHE_NONE)
        return VERDICT_OPEN;
    enum verdict verdict = VERDICT_SETTLED;
    for (uint32_t at = first(writer, market); at != MARKET_CACHE_NONE; at = next(writer, at)) {
        switch (runner_at(writer, at)->status) {
        case MCM_RUNNER_WINNER:
        case MCM_RUNNER_LOSER:
        case MCM_RUNNER_REMOVED:
            break;
        case MCM_RUNNER_ACTIVE:
            return VERDICT_OPEN;
        case MCM_RUNNER_PLACED:
            if (market->each_way)
                break;
            verdict = VERDICT_REFUSED;
            break;
        case MCM_RUNNER_UNKNOWN:
        case MCM_RUNNER_HIDDEN:
            verdict = VERDICT_REFUSED;
            break;
        }
    }
    return verdict;
}

static bool result_is_new(const struct market_image_writer *writer,
                          const struct cached_market *market)
{
    uint32_t count = 0;
    for (uint32_t at = first(writer, market); at != MARKET_CACHE_NONE; at = next(writer, at)) {
        const struct cached_runner *runner = runner_at(writer, at);
        if (runner->result != runner->status ||
            (runner->status == MCM_RUNNER_REMOVED &&
             runner->result_adjustment != runner->adjustment_milli))
            return true;
        count++;
    }
    return !market->result_sent || market->result_count != count;
}

/* It has to rise with every result that differs, whatever the provider's clock says. */
static uint64_t result_version_of(const struct cached_market *market)
{
    uint64_t last = market->result_sent ? market->result_version : 0;
    uint64_t settled_ms = (uint64_t)(market->settled_time.us / US_PER_MS);
    if (settled_ms > last)
        return settled_ms;
    return market->version > last ? market->version : last + 1;
}

/* More winners than places is a dead heat (1.7 trap 7); only in racing are the places what
 * numberOfWinners says. */
static struct leg_result won_result(const struct cached_market *market, uint32_t winners)
{
    if (!market->racing || market->each_way || market->winners < 1 || winners <= market->winners ||
        winners > DEAD_HEAT_TERM_MAX)
        return LEG_WON;
    return (struct leg_result){true, 0, (uint16_t)market->winners, (uint16_t)winners};
}

static uint32_t count_winners(const struct market_image_writer *writer,
                              const struct cached_market *market)
{
    uint32_t count = 0;
    for (uint32_t at = first(writer, market); at != MARKET_CACHE_NONE; at = next(writer, at))
        count += runner_at(writer, at)->status == MCM_RUNNER_WINNER;
    return count;
}

/* What a removed runner takes off the bets on the others, in hundredths of a percent; nothing
 * where nobody knows when it left. */
static uint32_t deduction_of(const struct cached_market *market, const struct cached_runner *runner)
{
    uint32_t permyriad =
        runner->adjustment_milli > 0 ? (uint32_t)(runner->adjustment_milli + 5) / 10 : 0;
    return market->racing && runner->removed.us > 0 && permyriad < DEDUCTION_WHOLE ? permyriad : 0;
}

static struct feed_selection_result selection_result(const struct cached_market *market,
                                                     const struct cached_runner *runner,
                                                     struct leg_result won)
{
    struct feed_selection_result result = {
        .selection_id = short_text_slice(&runner->key),
        .result = LEG_LOST,
        .reason = SLICE(""),
    };
    if (runner->status == MCM_RUNNER_WINNER)
        result.result = won;
    if (runner->status == MCM_RUNNER_PLACED)
        result.position = market->place_terms.places; /* somewhere among them: all are paid alike */
    if (runner->status == MCM_RUNNER_REMOVED) {
        result.result = LEG_VOID;
        result.reason = SLICE("runner removed");
        result.withdrawn_at = runner->removed;
        result.deduction = deduction_of(market, runner);
    }
    return result;
}

/* A reduction is of the whole price, in place markets of the winnings (BETTING-RULES 4.3). */
static enum deduction_model deduction_model_of(const struct cached_market *market)
{
    struct slice kind = short_text_slice(&market->kind);
    bool place = slice_is(kind, "PLACE") || slice_is(kind, "OTHER_PLACE");
    return place ? DEDUCT_WINNINGS : DEDUCT_PRICE;
}

/* Fills the writer's results. Answers how many of them deduct; more than a bet can carry do not,
 * in the customer's favour, and are counted. */
static uint32_t write_results(struct market_image_writer *writer,
                              const struct cached_market *market)
{
    struct leg_result won = won_result(market, count_winners(writer, market));
    uint32_t count = 0, deducting = 0;
    for (uint32_t at = first(writer, market); at != MARKET_CACHE_NONE; at = next(writer, at)) {
        struct cached_runner *runner = runner_at(writer, at);
        struct feed_selection_result *result = &writer->selection_results[count++];
        runner->result = runner->status;
        runner->result_adjustment = runner->adjustment_milli;
        *result = selection_result(market, runner, won);
        if (result->deduction != 0 && deducting == DEDUCTIONS_MAX) {
            result->deduction = 0;
            writer->deductions_left_out++;
        }
        deducting += result->deduction != 0;
    }
    return deducting;
}

static void send_result(struct market_image_writer *writer, struct cached_market *market,
                        struct instant feed_time)
{
    ASSERT(market->runners_count <= SELECTIONS_MAX);
    uint32_t deducting = write_results(writer, market);
    uint32_t count = 0;
    for (uint32_t at = first(writer, market); at != MARKET_CACHE_NONE; at = next(writer, at))
        count++;
    market->result_version = result_version_of(market);
    market->result_count = count;
    market->result_sent = true;
    struct feed_result result = {
        .provider = SLICE(BETFAIR_PROVIDER),
        .market_id = short_text_slice(&market->id),
        .kind = RESULT_SET,
        .result_version = market->result_version,
        .feed_time = feed_time,
        .deduction_model = deducting > 0 ? deduction_model_of(market) : 0,
        .selections = writer->selection_results,
        .selections_count = count,
    };
    writer->results++;
    writer->sink->ops->result(writer->sink, &result);
}

/* --- selections --- */

/* The best offer to back: full depth first, then the level ladders, of which the display one
 * comes later (FORMATS 1.4). */
static bool best_offer(const struct market_image_writer *writer, const struct cached_runner *runner,
                       int32_t *ret_milli)
{
    const struct ladder_pool *pool = writer->cache->ladders;
    uint32_t cents_min = writer->margin.offer_cents_min;
    return ladder_best_price(pool, &runner->ladders[LADDER_ATB], cents_min, ret_milli) ||
           ladder_best_level(pool, &runner->ladders[LADDER_BATB], cents_min, ret_milli) ||
           ladder_best_level(pool, &runner->ladders[LADDER_BDATB], cents_min, ret_milli);
}

static bool may_use_ltp(const struct market_image_writer *writer,
                        const struct cached_market *market)
{
    switch (writer->ltp_prices) {
    case BETFAIR_LTP_WITHOUT_LADDER:
        return !market->ladder_seen;
    case BETFAIR_LTP_NEVER:
        return false;
    case BETFAIR_LTP_ALWAYS:
        return true;
    }
    return false;
}

static uint32_t house_cents(const struct market_image_writer *writer,
                            const struct cached_market *market, const struct cached_runner *runner)
{
    int32_t best;
    if (market->betting == MCM_BETTING_OTHER)
        return 0; /* the price is a line or a range */
    if (!best_offer(writer, runner, &best)) {
        if (!may_use_ltp(writer, market))
            return 0;
        best = runner->ltp_milli;
    }
    return margin_rule_cents(&writer->margin, best);
}

static struct shown_selection settled_selection(enum mcm_runner_status status)
{
    if (status == MCM_RUNNER_WINNER)
        return (struct shown_selection){SELECTION_WON, 0};
    if (status == MCM_RUNNER_LOSER || status == MCM_RUNNER_PLACED)
        return (struct shown_selection){SELECTION_LOST, 0};
    return (struct shown_selection){SELECTION_VOID, 0};
}

static struct shown_selection selection_of(const struct market_image_writer *writer,
                                           const struct cached_market *market,
                                           const struct cached_runner *runner, enum verdict verdict)
{
    if (verdict == VERDICT_SETTLED)
        return settled_selection(runner->status);
    if (runner->status == MCM_RUNNER_REMOVED)
        return (struct shown_selection){SELECTION_REMOVED, 0};
    if (runner->status != MCM_RUNNER_ACTIVE || market->status == MCM_MARKET_CLOSED)
        return (struct shown_selection){SELECTION_SUSPENDED, 0};
    uint32_t cents = house_cents(writer, market, runner);
    return (struct shown_selection){cents > 0 ? SELECTION_ACTIVE : SELECTION_SUSPENDED, cents};
}

static void write_selection(struct feed_selection *to, const struct cached_runner *runner)
{
    *to = (struct feed_selection){
        .id = short_text_slice(&runner->key),
        .name = short_text_slice(runner->name.bytes > 0 ? &runner->name : &runner->key),
        .status = runner->shown.status,
        .odds = ODDS_NONE,
    };
    if (runner->shown.cents > 0) {
        bool made = odds_make(runner->shown.cents, 100, &to->odds);
        ASSERT(made); /* P: margin_rule_cents answers 101 .. MARGIN_PRICE_CENTS_MAX */
    }
}

/* Fills the writer's selections. Answers how many, and whether one is not as shown before. */
static size_t write_selections(struct market_image_writer *writer,
                               const struct cached_market *market, bool *ret_changed)
{
    enum verdict verdict = verdict_of(writer, market);
    size_t count = 0;
    for (uint32_t at = first(writer, market); at != MARKET_CACHE_NONE; at = next(writer, at)) {
        struct cached_runner *runner = runner_at(writer, at);
        struct shown_selection now = selection_of(writer, market, runner, verdict);
        if (now.status != runner->shown.status || now.cents != runner->shown.cents)
            *ret_changed = true;
        runner->shown = now;
        ASSERT(count < SELECTIONS_MAX);
        write_selection(&writer->selections[count++], runner);
    }
    return count;
}

/* --- the market --- */

static bool shown_equal(const struct shown_market *a, const struct shown_market *b)
{
    return a->shown == b->shown && a->status == b->status && a->in_play == b->in_play &&
           a->bet_delay_s == b->bet_delay_s;
}

/* Only in racing does numberOfWinners count winners (1.7 trap 1), and elsewhere where it is one. */
static uint8_t winners_of(const struct cached_market *market)
{
    bool counts = market->winners == 1 || (market->racing && market->winners > 1);
    return counts && market->winners <= UINT8_MAX ? (uint8_t)market->winners : 0;
}

static void send_image(struct market_image_writer *writer, const struct cached_market *market,
                       struct instant feed_time, size_t selections_count)
{
    bool named = market->name.bytes > 0;
    const struct short_text *event = market->event_id.bytes > 0 ? &market->event_id : &market->id;
    struct feed_market image = {
        .provider = SLICE(BETFAIR_PROVIDER),
        .id = short_text_slice(&market->id),
        .event_id = short_text_slice(event),
        .event_name = short_text_slice(market->event_name.bytes > 0 ? &market->event_name : event),
        .sport = market->sport,
        .name = short_text_slice(named ? &market->name : &market->id),
        .kind = short_text_slice(&market->kind),
        .status = market->shown.status,
        .in_play = market->in_play,
        .bet_delay_us = market->shown.bet_delay_s * US_PER_SECOND,
        .provider_version = market->version,
        .feed_time = feed_time,
        .start_time = market->start_time,
        .place_terms = market->place_terms,
        .each_way_only = market->each_way && market->place_terms.places > 0,
        .winners = winners_of(market),
        .selections = writer->selections,
        .selections_count = selections_count,
    };
    writer->sent++;
    writer->sink->ops->market(writer->sink, &image);
}

static void send_verdict(struct market_image_writer *writer, struct cached_market *market,
                         struct instant feed_time)
{
    enum verdict verdict = verdict_of(writer, market);
    if (verdict == VERDICT_SETTLED && result_is_new(writer, market))
        send_result(writer, market, feed_time);
    if (verdict == VERDICT_REFUSED && !market->refused)
        writer->results_refused++;
    market->refused = verdict == VERDICT_REFUSED;
}

/* A closed market without a way to settle it leaves the book, once. */
static void send_end(struct market_image_writer *writer, struct cached_market *market)
{
    writer->unsettled_closed++;
    market->ended = true;
    writer->sink->ops->removed(writer->sink, SLICE(BETFAIR_PROVIDER),
                               short_text_slice(&market->id));
}

void market_image_send(struct market_image_writer *writer, struct cached_market *market,
                       struct instant feed_time)
{
    if (market->mark == 0)
        return; /* never defined: it has no event and nobody may see it */
    if (market->status != MCM_MARKET_CLOSED)
        market->ended = false;
    if (market->ended)
        return;
    bool changed = market->changed;
    size_t count = write_selections(writer, market, &changed);
    struct shown_market now = {
        .shown = true,
        .status = status_of(market),
        .in_play = market->in_play,
        .bet_delay_s = market->in_play ? market->bet_delay_s : 0,
    };
    if (!changed && shown_equal(&now, &market->shown)) {
        writer->skipped++;
    } else {
        market->shown = now;
        market->changed = false;
        send_image(writer, market, feed_time, count);
    }
    if (now.status == MARKET_CLOSED_STATUS && !is_settleable(market))
        send_end(writer, market);
    else
        send_verdict(writer, market, feed_time);
}

void market_image_remove(struct market_image_writer *writer, struct cached_market *market)
{
    if (market->shown.shown && market->shown.status != MARKET_CLOSED_STATUS)
        writer->sink->ops->removed(writer->sink, SLICE(BETFAIR_PROVIDER),
                                   short_text_slice(&market->id));
    market->shown.shown = false;
}
