/* sim_limits.c - the desk sets limits of customers, markets, events and sports, and takes them
 * away; the oracle keeps them, and says which hold for a leg, apart from core/stake_limits.c. */
#include "sim/sim_limits.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "sim/sim_world.h"

/* ---- what holds ---- */

static bool is_unlimited(int64_t minor)
{
    return minor > MONEY_MINOR_MAX;
}

/* `factor` permyriad to the power of the scopes before: scaled once, and rounded down once. */
struct factors {
    unsigned __int128 top, bottom;
};

static int64_t scaled(int64_t minor, const struct factors *f)
{
    if (f->top == 0)
        return 0;
    return is_unlimited(minor) ? INT64_MAX
                               : (int64_t)((unsigned __int128)minor * f->top / f->bottom);
}

static void narrow(struct sim_bounds *b, const struct stake_limits *l, struct factors *f)
{
    int64_t stake = scaled(l->stake_minor_max, f), liability = scaled(l->liability_minor_max, f);
    b->stake_min = l->stake_minor_min > b->stake_min ? l->stake_minor_min : b->stake_min;
    b->stake_max = stake < b->stake_max ? stake : b->stake_max;
    b->payout_max = l->payout_minor_max < b->payout_max ? l->payout_minor_max : b->payout_max;
    b->payout_day_max =
        l->payout_day_minor_max < b->payout_day_max ? l->payout_day_minor_max : b->payout_day_max;
    b->liability_max = liability < b->liability_max ? liability : b->liability_max;
    b->delay_us = l->delay_us > b->delay_us ? l->delay_us : b->delay_us;
    b->refer_above = l->refer_minor_above < b->refer_above ? l->refer_minor_above : b->refer_above;
    b->refers = b->refers || l->refers != 0;
    f->top *= l->factor_permyriad;
    f->bottom *= 10000;
}

static bool is_of(const struct sim *sim, const struct sim_limits *l, uint32_t account,
                  uint32_t market)
{
    const struct sim_market *m = &sim->markets[market];
    struct slice id = slice_of(l->id, l->id_bytes);
    switch ((enum limit_scope)l->scope) {
    case LIMIT_OF_PLAYER:
        return l->ref == account;
    case LIMIT_OF_MARKET:
        return l->ref == market;
    case LIMIT_OF_EVENT:
        return slice_equal(id, slice_of(m->event, m->event_bytes));
    case LIMIT_OF_SPORT:
        return slice_equal(id, slice_text(m->sport));
    case LIMIT_OF_NONE:
    case LIMIT_OF_LEAGUE:
    case LIMIT_OF_PLATFORM:
    case LIMIT_SCOPES:
        break;
    }
    return false;
}

struct sim_bounds sim_bounds_of(const struct sim *sim, uint32_t account, uint32_t market)
{
    static const uint8_t order[] = {LIMIT_OF_PLAYER, LIMIT_OF_MARKET, LIMIT_OF_EVENT,
                                    LIMIT_OF_SPORT};
    const struct book_options *book = &sim->mix.book;
    const struct sim_oracle *o = &sim->oracle;
    struct sim_bounds bounds = {0,         INT64_MAX, INT64_MAX, INT64_MAX,
                                INT64_MAX, 0,         INT64_MAX, book->referral.on};
    struct factors factors = {1, 1};
    for (size_t k = 0; o->limits_count > 0 && market != SIM_NONE && k < sizeof order; k++)
        for (uint32_t i = 0; i < o->limits_count; i++)
            if (o->limits[i].scope == order[k] && is_of(sim, &o->limits[i], account, market))
                narrow(&bounds, &o->limits[i].limits, &factors);
    const struct stake_limits platform = {
        .stake_minor_min = book->ticket_limits.bet.stake_minor_min,
        .stake_minor_max = book->ticket_limits.bet.stake_minor_max,
        .payout_minor_max = book->ticket_limits.bet.payout_minor_max,
        .liability_minor_max = book->liability_minor_max,
        .payout_day_minor_max = book->payout_day_minor_max,
        .refer_minor_above = INT64_MAX,
        .factor_permyriad = 10000};
    narrow(&bounds, &platform, &factors);
    return bounds;
}

/* ---- the records ---- */

static struct stake_limits said(const struct record_limits *body)
{
    return (struct stake_limits){.stake_minor_min = body->stake_minor_min,
                                 .stake_minor_max = body->stake_minor_max,
                                 .payout_minor_max = body->payout_minor_max,
                                 .liability_minor_max = body->liability_minor_max,
                                 .delay_us = body->delay_us,
                                 .factor_permyriad = body->factor_permyriad,
                                 .refer_minor_above = body->refer_minor_above,
                                 .refers = body->refers,
                                 .payout_day_minor_max = body->payout_day_minor_max};
}

void sim_oracle_limits(struct sim *sim, const struct record_view *record)
{
    struct sim_oracle *o = &sim->oracle;
    const struct record_limits *body = record->body;
    struct slice texts = record->texts, id = record_text(&texts, body->id_bytes);
    struct sim_limits row = {.scope = body->scope,
                             .id_bytes = (uint8_t)id.bytes,
                             .ref = record->head->account,
                             .seq = record->head->seq,
                             .limits = said(body)};
    if (body->scope == LIMIT_OF_MARKET) {
        SIM_CHECK(body->market >= 1 && body->market <= o->markets_count, "L1",
                  "limits of no market");
        row.ref = o->markets[body->market];
    }
    ASSERT(id.bytes <= sizeof row.id);
    if (id.bytes > 0)
        memcpy(row.id, id.at, id.bytes);
    uint32_t at = 0;
    while (at < o->limits_count &&
           (o->limits[at].scope != row.scope || o->limits[at].ref != row.ref ||
            !slice_equal(slice_of(o->limits[at].id, o->limits[at].id_bytes), id)))
        at++;
    SIM_CHECK(body->previous_seq == (at < o->limits_count ? o->limits[at].seq : 0), "L7",
              "limits are no chain");
    SIM_CHECK(at < o->limits_count || (!body->removed && at < SIM_LIMITS_MAX), "S2",
              "limits of nobody are removed, or there are too many");
    o->limits_count += at == o->limits_count;
    o->limits[at] = body->removed ? o->limits[--o->limits_count] : row;
    sim_count(sim, body->removed ? SIM_LIMITS_REMOVED : SIM_LIMITS_SET);
}

/* ---- the desk ---- */

static void on_limits(const struct book_answer *answer)
{
    struct sim *sim = answer->cookie.owner;
    const struct sim_limits *asked = &sim->limits_asked[answer->cookie.words[0]];
    SIM_CHECK(answer->cookie.words[1] == sim->incarnation, "L2", "an answer of a dead process");
    sim->waiting--;
    if (answer->failed || asked->seq != answer->cookie.words[2])
        return; /* it is over, or as many were asked since as are kept */
    const struct record_limits *body = answer->record->body;
    const struct stake_limits limits = said(body);
    sim_record_told(sim, answer->record);
    SIM_CHECK(body->scope == asked->scope && (body->removed != 0) == asked->removed &&
                  (asked->removed || memcmp(&limits, &asked->limits, sizeof limits) == 0),
              "L7", "other limits were set than asked for");
}

static int64_t some(struct sim *sim, int64_t below)
{
    return sim_chance(sim, 500) ? INT64_MAX : (int64_t)sim_below(sim, (uint64_t)below);
}

static void choose_numbers(struct sim *sim, struct stake_limits *l)
{
    l->stake_minor_min = sim_chance(sim, 200) ? (int64_t)sim_below(sim, 100) : 0;
    l->stake_minor_max = some(sim, 3000);
    l->payout_minor_max = some(sim, 20000);
    l->liability_minor_max = some(sim, 20000);
    l->delay_us = sim_chance(sim, 250) ? (int64_t)sim_below(sim, 3000000) : 0;
    l->factor_permyriad = sim_chance(sim, 400) ? sim_below(sim, 20001) : LIMIT_FACTOR_WHOLE;
    l->refer_minor_above = INT64_MAX;
    l->payout_day_minor_max = INT64_MAX;
    if (sim_chance(sim, 20))
        l->delay_us = LIMIT_DELAY_US_MAX + 1;
    if (sim->mix.referrals == 0)
        return;
    l->refers = sim_chance(sim, 500);
    if (sim_chance(sim, 250))
        l->refer_minor_above = 50 * (1 + (int64_t)sim_below(sim, 12));
}

static void choose_scope(struct sim *sim, struct sim_limits *asked)
{
    uint64_t back = sim->markets_count < 40 ? sim->markets_count : 40;
    const struct sim_market *m = &sim->markets[sim->markets_count - 1 - sim_below(sim, back)];
    static const uint8_t scopes[] = {LIMIT_OF_PLAYER, LIMIT_OF_MARKET, LIMIT_OF_EVENT,
                                     LIMIT_OF_SPORT};
    char user[32];
    int bytes = snprintf(user, sizeof user, "user-%u", (unsigned)sim_below(sim, sim->mix.users));
    struct slice id = slice_of(user, (size_t)bytes);
    asked->scope = scopes[sim_below(sim, sim_chance(sim, 150) ? 4 : 3)]; /* the sport stops all */
    if (asked->scope == LIMIT_OF_MARKET)
        id = slice_of(m->id, m->id_bytes);
    else if (asked->scope == LIMIT_OF_EVENT)
        id = slice_of(m->event, m->event_bytes);
    else if (asked->scope == LIMIT_OF_SPORT)
        id = slice_text(m->sport);
    ASSERT(id.bytes <= sizeof asked->id);
    asked->id_bytes = (uint8_t)id.bytes;
    memcpy(asked->id, id.at, id.bytes);
}

/* Does the ledger have, or would it give, a number to whom they are for? */
static enum request_outcome expect_scope(struct sim *sim, const struct sim_limits *asked)
{
    const struct shard_state *state = book_state(sim->book);
    struct slice id = slice_of(asked->id, asked->id_bytes);
    uint32_t market = sim_market_find(sim, id);
    if (asked->scope == LIMIT_OF_PLAYER)
        return shard_state_find_account(state, id).n == 0 ? REQUEST_UNKNOWN : REQUEST_TAKEN;
    if (asked->scope != LIMIT_OF_MARKET || shard_state_find_market(state, id).n != 0)
        return REQUEST_TAKEN;
    if (market == SIM_NONE || !sim->markets[market].present)
        return REQUEST_UNKNOWN;
    return shard_state_market_room(state) != NULL ? REQUEST_BUSY : REQUEST_TAKEN;
}

static enum request_outcome expect(struct sim *sim, const struct sim_limits *asked)
{
    const struct shard_state *state = book_state(sim->book);
    const struct shard_stake_limits *before = book_limits_of(
        sim->book, (enum limit_scope)asked->scope, slice_of(asked->id, asked->id_bytes));
    if (book_stopped(sim->book))
        return REQUEST_STOPPED;
    if (!asked->removed && asked->limits.delay_us > LIMIT_DELAY_US_MAX)
        return REQUEST_INVALID;
    if (before == NULL && asked->removed)
        return REQUEST_UNKNOWN;
    if (before == NULL && !shard_state_stake_limits_room(state))
        return REQUEST_BUSY;
    if (before != NULL && !asked->removed &&
        memcmp(&before->limits, &asked->limits, sizeof asked->limits) == 0)
        return REQUEST_NO_CHANGE;
    return expect_scope(sim, asked);
}

void sim_limits_step(struct sim *sim)
{
    uint32_t index = (uint32_t)(sim->limits_asked_count++ % SIM_LIMITS_MAX);
    struct sim_limits *asked = &sim->limits_asked[index];
    *asked = (struct sim_limits){.seq = sim->limits_asked_count, .removed = sim_chance(sim, 400)};
    choose_scope(sim, asked);
    if (asked->id_bytes == 0)
        return;
    choose_numbers(sim, &asked->limits);
    if (asked->scope == LIMIT_OF_PLAYER && sim_chance(sim, 400))
        asked->limits.payout_day_minor_max = (int64_t)sim_below(sim, 60000);
    const struct limits_request request = {.scope = (enum limit_scope)asked->scope,
                                           .id = slice_of(asked->id, asked->id_bytes),
                                           .remove = asked->removed,
                                           .limits = asked->limits};
    const struct desk_word word = {.actor = SLICE("tia"), .reason = SLICE("too good")};
    const struct book_reply reply = {on_limits, {sim, {index, sim->incarnation, asked->seq, 0}}};
    enum request_outcome expected = expect(sim, asked);
    sim->waiting++;
    enum request_outcome outcome = book_set_limits(sim->book, &request, &word, reply);
    if (outcome != REQUEST_TAKEN)
        sim->waiting--;
    SIM_CHECK(outcome == expected || (outcome == REQUEST_BUSY && sim_desk_is_shed(sim)), "L7",
              "limits are answered %d, not %d", outcome, expected);
}
