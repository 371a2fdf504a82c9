/* sim_tickets.c - what customers bet on: singles, multiples, systems with bankers, each-way, over
 * markets of one event and of several, at prices of now and of before. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "sim/sim_tickets.h"
#include "sim/sim_world.h"

/* ---- asking ---- */

struct sim_view sim_leg_view(const struct sim *sim, const struct sim_leg *leg)
{
    return sim_view_of(sim, leg->market, slice_of(leg->selection, leg->selection_bytes));
}

void sim_ticket_see(struct sim *sim, const struct sim_entry *entry)
{
    for (uint32_t i = 0; i < entry->legs_count; i++) {
        struct sim_leg *leg = &sim->legs[entry->legs_first + i];
        leg->view = sim_leg_view(sim, leg);
    }
}

enum request_outcome sim_ticket_ask(struct sim *sim, const struct sim_entry *entry, bool other,
                                    book_answer_fn answer, struct book_cookie cookie)
{
    char user[32], key[32], nobody[SIM_LEGS_MAX][32], personal[SIM_PERSONAL_BYTES];
    struct ticket_leg legs[SIM_LEGS_MAX];
    struct leg_names names[SIM_LEGS_MAX];
    for (uint32_t i = 0; i < entry->legs_count; i++) {
        const struct sim_leg *leg = &sim->legs[entry->legs_first + i];
        legs[i] = (struct ticket_leg){leg->odds, leg->odds_version, leg->banker};
        int bytes = snprintf(nobody[i], sizeof nobody[i], "nobody-%u-%u", entry->number, i);
        names[i] = (struct leg_names){slice_of(nobody[i], (size_t)bytes),
                                      slice_of(leg->selection, leg->selection_bytes)};
        if (leg->market != SIM_NONE)
            names[i].market_id =
                slice_of(sim->markets[leg->market].id, sim->markets[leg->market].id_bytes);
    }
    struct bet_request request = {
        .user_id = sim_user_text(entry, user),
        .key = sim_key_text(entry, key),
        .ticket = {.stake = {entry->amount + other, {entry->currency}},
                   .policy = (enum price_policy)entry->policy,
                   .legs = legs,
                   .legs_count = entry->legs_count,
                   .sizes = {entry->sizes},
                   .each_way = entry->each_way,
                   .stake_kind = (enum stake_kind)entry->stake_kind},
        .names = names,
        .accept_alternative = entry->accept_alternative,
        .request_hash = {entry->hash[0], entry->hash[1] + other},
        .transport = TRANSPORT_HTTP,
        .personal = sim_personal(sim, entry, personal),
    };
    return book_place_bet(sim->book, &request, answer, cookie);
}

/* ---- what is asked for ---- */

/* Mostly one that a provider offers now, sometimes any that was published of late, and now and
 * then one that nobody knows. */
static uint32_t some_market(struct sim *sim)
{
    uint32_t recent = sim->markets_count < 96 ? sim->markets_count : 96;
    uint32_t market = SIM_NONE;
    char id[32];
    if (sim_chance(sim, 4))
        return SIM_NONE;
    for (int i = 0; i < 4 && (!sim->mix.synthetic || sim_chance(sim, 500)); i++) {
        uint32_t number = sim->slots[sim_below(sim, sim->mix.slots)].number;
        market = sim_market_find(sim, slice_of(id, (size_t)snprintf(id, sizeof id, "m%u", number)));
        if (market != SIM_NONE && sim->markets[market].present &&
            sim->markets[market].status == MARKET_ACTIVE)
            return market;
    }
    for (int i = 0; recent > 0 && i < 4; i++) {
        market = sim->markets_count - 1 - (uint32_t)sim_below(sim, recent);
        if (sim->markets[market].present && sim->markets[market].status == MARKET_ACTIVE)
            break;
    }
    return market;
}

/* The highest price of which the current one is within the tolerance, or a hair more. */
static void choose_edge(struct sim *sim, struct sim_leg *leg)
{
    uint64_t kept = 10000 - sim->mix.book.ticket_limits.bet.tolerance_permyriad;
    (void)odds_make(leg->odds.numerator * UINT64_C(10000) + sim_below(sim, 2),
                    leg->odds.denominator * kept, &leg->odds);
}

static void choose_price(struct sim *sim, struct sim_leg *leg, uint8_t policy,
                         const struct sim_selection *s, uint64_t version)
{
    leg->odds = s != NULL && odds_present(s->odds) ? s->odds : (struct odds){21, 10};
    uint64_t kind = sim_below(sim, 100);
    if (kind < 12) /* what the customer saw is another price than now */
        (void)odds_make(leg->odds.numerator * (95 + sim_below(sim, 11)),
                        (uint64_t)leg->odds.denominator * 100, &leg->odds);
    else if (kind < 18 && policy == PRICE_WITHIN)
        choose_edge(sim, leg);
    else if (kind < 15 && policy == PRICE_ANY)
        leg->odds = ODDS_NONE;
    kind = sim_below(sim, 100);
    if (kind < 30)
        leg->odds_version = version;
    else if (kind < 34)
        leg->odds_version = version + 1 + sim_below(sim, 3);
    else if (kind < 40 && version > 2)
        leg->odds_version = version - 1;
}

/* Of all lines together; mostly whole on each. */
static int64_t some_stake(struct sim *sim, uint32_t lines)
{
    uint64_t kind = sim_below(sim, 100);
    const struct bet_limits *limits = &sim->mix.book.ticket_limits.bet;
    if (kind < 2)
        return limits->stake_minor_max + 1 + (int64_t)sim_below(sim, 1000);
    if (kind < 4)
        return (int64_t)sim_below(sim, (uint64_t)limits->stake_minor_max) + 1;
    if (lines > 1 && kind < 6)
        return 1 + (int64_t)sim_below(sim, 300);
    if (lines > 1)
        return lines * (1 + (int64_t)sim_below(sim, kind < 50 ? 3 : 1 + 300 / lines));
    return 1 + (int64_t)sim_below(sim, kind < 80 ? 300 : 3000);
}

/* Of what customers do wrong: a leg on an event of another one, or on a market that nobody has. */
static bool is_related(const struct sim *sim, const struct sim_entry *entry, uint32_t market)
{
    const struct sim_market *own = &sim->markets[market];
    for (uint32_t i = 0; i < entry->legs_count; i++) {
        uint32_t other = sim->legs[entry->legs_first + i].market;
        if (other != SIM_NONE &&
            slice_equal(slice_of(own->event, own->event_bytes),
                        slice_of(sim->markets[other].event, sim->markets[other].event_bytes)))
            return true;
    }
    return false;
}

static void add_leg(struct sim *sim, struct sim_entry *entry)
{
    struct sim_leg *leg = &sim->legs[sim->legs_count];
    uint32_t number = some_market(sim);
    for (int i = 0; i < 12 && number != SIM_NONE && is_related(sim, entry, number); i++)
        number = some_market(sim);
    ASSERT(sim->legs_count < sim->legs_max);
    const struct sim_market *market = number == SIM_NONE ? NULL : &sim->markets[number];
    const struct sim_selection *s = NULL;
    if (market != NULL && market->selections_count > 0 && !sim_chance(sim, 10))
        s = &market->selections[sim_below(sim, market->selections_count)];
    struct slice id = s == NULL ? SLICE("nothing") : slice_of(s->id, s->id_bytes);
    *leg = (struct sim_leg){.market = number, .selection_bytes = (uint8_t)id.bytes, .banker = true};
    memcpy(leg->selection, id.at, id.bytes);
    choose_price(sim, leg, entry->policy, s, market == NULL ? 0 : market->version);
    sim->legs_count++;
    entry->legs_count++;
}

static uint32_t lines_of(const struct sim *sim, const struct sim_entry *entry)
{
    uint32_t chosen = 0, lines = 0;
    for (uint32_t i = 0; i < entry->legs_count; i++)
        chosen += !sim->legs[entry->legs_first + i].banker;
    for (uint32_t mask = 1; mask < UINT32_C(1) << chosen; mask++)
        lines += entry->sizes >> (__builtin_popcount(mask) - 1) & 1;
    return (lines == 0 ? 1 : lines) * (entry->each_way ? 2 : 1);
}

/* Several legs: one line of all, or a system, with bankers or without; seldom one that is none. */
static void choose_system(struct sim *sim, struct sim_entry *entry)
{
    if (!sim_chance(sim, 500)) {
        entry->sizes = sim_chance(sim, 10) ? 2 : 0;
        return;
    }
    uint32_t chosen = 0;
    bool bankers = sim_chance(sim, 300);
    for (uint32_t i = 0; i < entry->legs_count; i++) {
        struct sim_leg *leg = &sim->legs[entry->legs_first + i];
        leg->banker = bankers && sim_chance(sim, 400);
        chosen += !leg->banker;
    }
    entry->sizes = (uint32_t)sim_below(sim, UINT64_C(1) << chosen);
    if (sim_chance(sim, 300))
        entry->sizes = (UINT32_C(1) << chosen) - 1; /* a Lucky */
    if (sim_chance(sim, 10))
        entry->sizes |= UINT32_C(1) << chosen;
}

uint32_t sim_ticket_new(struct sim *sim)
{
    uint32_t index = sim_entry_new(sim, OPERATION_BET, (uint32_t)sim_below(sim, sim->mix.users));
    struct sim_entry *entry = &sim->entries[index];
    uint64_t legs = 1;
    if (sim_chance(sim, sim->mix.multiples))
        legs = 2 + sim_below(sim, SIM_LEGS_MAX - 1);
    entry->policy = (uint8_t)(PRICE_BETTER + sim_below(sim, 4));
    entry->each_way = sim_chance(sim, sim->mix.each_way);
    entry->accept_alternative = sim_chance(sim, sim->mix.alternatives);
    entry->legs_first = sim->legs_count;
    if (sim_chance(sim, sim->mix.spenders > 0 ? 300 : 10 + sim->mix.promotions / 5))
        entry->stake_kind = (uint8_t)(STAKE_FREE + sim_below(sim, 2));
    for (uint64_t i = 0; i < legs; i++)
        add_leg(sim, entry);
    if (legs > 1)
        choose_system(sim, entry);
    else if (sim_chance(sim, 5))
        entry->sizes = 2; /* of a single leg: no such bet */
    entry->amount = some_stake(sim, lines_of(sim, entry));
    if (sim->mix.referrals > 0 && sim_chance(sim, 50)) /* what the desk is asked about */
        entry->amount *= 2 + (int64_t)sim_below(sim, 20);
    if (sim->mix.referrals > 0 && sim_chance(sim, 50)) /* just where it begins to be asked */
        entry->amount = 50 * (1 + (int64_t)sim_below(sim, 12));
    if (sim_chance(sim, 8))
        entry->currency = entry->currency == 826 ? 978 : 826;
    sim_count(sim, SIM_BET_ASKED);
    return index;
}
