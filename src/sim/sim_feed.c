/* sim_feed.c - the providers: random markets that live, are suspended, go in play, close, get
 * results and corrections, disappear and come back. What is true at the provider is a slot; what
 * reaches the book are messages, each a whole image as of its sending (sim_feed_send.c). */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "sim/sim_world.h"

/* Now and then those that an each-way bet cannot go by. */
static void draw_terms(struct sim *sim, struct sim_slot *slot)
{
    static const struct place_terms terms[] = {
        {2, 1, 4}, {3, 1, 5}, {1, 1, 1}, {4, 1, 4}, {2, 1, 3}};
    slot->terms = terms[sim_below(sim, sizeof terms / sizeof *terms)];
    if (sim_chance(sim, 200))
        slot->terms = (struct place_terms){0};
    slot->each_way_only = slot->terms.places > 0 && sim_chance(sim, 60);
    slot->ante_post = sim_chance(sim, 60);
}

/* About what the price says, and now and then more than it allows. */
static void draw_chances(struct sim *sim, struct sim_slot *slot, int i)
{
    uint64_t win = UINT64_C(100) * CHANCE_WHOLE / slot->price[i] * (40 + sim_below(sim, 65)) / 100;
    struct leg_chances *chances = &slot->chances[i];
    if (!slot->says_chances || sim_chance(sim, 50)) {
        *chances = (struct leg_chances){0};
        return;
    }
    chances->win = win > CHANCE_WHOLE ? CHANCE_WHOLE : (uint32_t)win;
    uint32_t left = CHANCE_WHOLE - chances->win;
    chances->half_win = sim_chance(sim, 300) ? (uint32_t)sim_below(sim, left / 8 + 1) : 0;
    chances->refund = sim_chance(sim, 300) ? (uint32_t)sim_below(sim, left / 4 + 1) : 0;
    chances->half_lose = sim_chance(sim, 300) ? (uint32_t)sim_below(sim, left / 2 + 1) : 0;
}

static void slot_open(struct sim *sim, struct sim_slot *slot)
{
    *slot = (struct sim_slot){
        .number = sim->slots_next++,
        .provider = (uint8_t)sim_below(sim, SIM_PROVIDERS - 1),
        .status = MARKET_ACTIVE,
        .selections_count = (uint8_t)(2 + sim_below(sim, 3)),
        .version = 1,
        .corrections_left = (uint8_t)sim_below(sim, 4),
    };
    for (int i = 0; i < SIM_OWN_SELECTIONS; i++) {
        slot->selection_status[i] = SELECTION_ACTIVE;
        slot->price[i] = (uint16_t)(101 + sim_below(sim, 900));
        slot->outcomes[i].result = LEG_LOST;
    }
    slot->kind = (uint8_t)(sim_chance(sim, 150) ? 1 + sim_below(sim, SIM_KINDS - 1) : 0);
    slot->says_chances = sim_chance(sim, 400);
    for (int i = 0; i < SIM_OWN_SELECTIONS; i++)
        draw_chances(sim, slot, i);
    draw_terms(sim, slot);
}

static void after_result(struct sim *sim, struct sim_slot *slot)
{
    if (sim_chance(sim, 40))
        sim_feed_window(sim, slot);
    if (slot->corrections_left > 0 && sim_chance(sim, 500))
        sim_feed_correct(sim, slot);
    else if (sim_chance(sim, 200) && sim->markets_count + SIM_SLOTS_MAX < SIM_MARKETS_MAX / 2)
        slot_open(sim, slot);
}

static void move_prices(struct sim *sim, struct sim_slot *slot)
{
    for (int i = 0; i < slot->selections_count; i++) {
        if (sim_chance(sim, 400))
            continue;
        uint64_t price = slot->price[i] * (90 + sim_below(sim, 21)) / 100;
        slot->price[i] = (uint16_t)(price < 101 ? 101 : price > 60000 ? 60000 : price);
        draw_chances(sim, slot, i);
    }
    if (sim_chance(sim, 40)) {
        uint8_t *status = &slot->selection_status[sim_below(sim, slot->selections_count)];
        *status = *status == SELECTION_ACTIVE ? (uint8_t)(SELECTION_SUSPENDED + sim_below(sim, 2))
                                              : SELECTION_ACTIVE;
    }
}

static void while_open(struct sim *sim, struct sim_slot *slot)
{
    uint64_t kind = sim_below(sim, 1000);
    if (kind < 8)
        sim_feed_window(sim, slot);
    if (kind < 800) {
        move_prices(sim, slot);
    } else if (kind < 900) {
        slot->status = slot->status == MARKET_ACTIVE && sim_chance(sim, 600)
                           ? MARKET_SUSPENDED_STATUS
                           : (uint8_t)MARKET_ACTIVE;
    } else if (kind < 930) {
        slot->in_play = !slot->in_play;
        slot->bet_delay_us = (int64_t)sim_below(sim, (uint64_t)sim->mix.delay_us_max + 1);
        if (!sim_chance(sim, 850))
            slot->bet_delay_us = 0;
    } else if (kind < 945 && slot->selections_count < SIM_OWN_SELECTIONS) {
        slot->selections_count++;
    } else if (kind < 965) {
        slot->removed = true;
        sim_feed_send(sim, slot, SIM_MESSAGE_REMOVED);
        sim_count(sim, SIM_FEED_REMOVED);
        return;
    } else if (kind < 975) {
        slot->status = sim_chance(sim, 100) ? MARKET_CANCELLED : MARKET_CLOSED_STATUS;
    } else if (kind < 1000) {
        sim_feed_give_result(sim, slot);
        return;
    }
    sim_feed_send(sim, slot, SIM_MESSAGE_MARKET);
}

static void slot_step(struct sim *sim, struct sim_slot *slot)
{
    slot->version++;
    if (sim_chance(sim, 3)) /* another provider takes the market over */
        slot->provider = (uint8_t)sim_below(sim, SIM_PROVIDERS - 1);
    if (slot->resulted) {
        after_result(sim, slot);
    } else if (slot->removed) {
        slot->removed = !sim_chance(sim, 300);
        if (!slot->removed)
            sim_feed_send(sim, slot, SIM_MESSAGE_MARKET);
    } else if (slot->status >= MARKET_CLOSED_STATUS) {
        if (sim_chance(sim, 300))
            sim_feed_give_result(sim, slot);
        else if (sim_chance(sim, 100)) { /* it was closed by mistake */
            slot->status = MARKET_ACTIVE;
            sim_feed_send(sim, slot, SIM_MESSAGE_MARKET);
        }
    } else {
        while_open(sim, slot);
    }
}

static void trouble(struct sim *sim)
{
    struct sim_provider *p = &sim->providers[sim_below(sim, SIM_PROVIDERS)];
    if (sim_chance(sim, 500)) {
        p->silent_until_us = sim->now_us + 1000000 + (int64_t)sim_below(sim, 9000000);
        sim_count(sim, SIM_FEED_SILENT);
        return;
    }
    if (p->silent_until_us > sim->now_us || !book_feed_ready(sim->book))
        return;
    bool late = !p->late;
    sim->sink.ops->late(&sim->sink, slice_text(p->name), late);
    sim_count(sim, SIM_FEED_LATE);
}

void sim_feed_step(struct sim *sim)
{
    uint64_t steps = sim_below(sim, 3);
    for (uint64_t i = 0; i < steps; i++)
        slot_step(sim, &sim->slots[sim_below(sim, sim->mix.slots)]);
    for (int i = 0; i < SIM_PROVIDERS; i++) /* "late" never stays for ever */
        if (sim->providers[i].late && sim_chance(sim, 30))
            sim->sink.ops->late(&sim->sink, slice_text(sim->providers[i].name), false);
    if (sim_chance(sim, 4))
        trouble(sim);
}

void sim_feed_reconnect(struct sim *sim)
{
    sim->messages_count = 0;
    for (uint32_t i = 0; i < sim->mix.slots; i++) {
        const struct sim_slot *slot = &sim->slots[i];
        if (!slot->removed)
            sim_feed_send(sim, slot, SIM_MESSAGE_MARKET);
        sim_feed_repeat_results(sim, slot);
    }
}

static int synthetic_new(struct sim *sim)
{
    struct synthetic_options options;
    synthetic_options_init(&options);
    options.seed = prng_next(&sim->prng);
    options.id_prefix = SLICE("run");
    options.start = sim_wall(sim);
    options.matches_count = 2;
    options.match_seconds = 10;
    options.correction_permille = 300;
    return synthetic_feed_new(&options, &sim->sink, &sim->synthetic);
}

int sim_feed_new(struct sim *sim)
{
    static const char *const names[SIM_PROVIDERS] = {"pa", "pb", "pc", "sim"};
    sim->sink.ops = sim_sink_ops();
    for (int i = 0; i < SIM_PROVIDERS; i++)
        snprintf(sim->providers[i].name, sizeof sim->providers[i].name, "%s", names[i]);
    for (uint32_t i = 0; i < sim->mix.slots; i++)
        slot_open(sim, &sim->slots[i]);
    return sim->mix.synthetic ? synthetic_new(sim) : 0;
}
