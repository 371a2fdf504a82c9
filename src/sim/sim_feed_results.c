/* sim_feed_results.c - what the providers say of results: who won, who was placed and tied, who was
 * withdrawn and deducts, corrections, rollbacks, windows of time and that there were none. Any of
 * it may be wrong, late or twice; the book has to make sense of the highest word. */
#include "base/assert.h"
#include "core/deductions.h"
#include "sim/sim_world.h"

static struct leg_result some_result(struct sim *sim)
{
    static const struct leg_result results[] = {LEG_WON, LEG_LOST, LEG_VOID, LEG_HALF_WON,
                                                LEG_HALF_LOST};
    if (sim_chance(sim, 100)) {
        uint16_t of = (uint16_t)(2 + sim_below(sim, 3));
        return (struct leg_result){true, 0, (uint16_t)(1 + sim_below(sim, of)), of};
    }
    return results[sim_chance(sim, 750) ? sim_below(sim, 2) : sim_below(sim, 5)];
}

static int64_t provider_us(const struct sim *sim)
{
    return sim_wall(sim).us + sim->mix.book.provider_skew_us;
}

static void draw_model(struct sim *sim, struct sim_slot *slot)
{
    slot->model = (uint8_t)sim_below(sim, 4); /* 0: who is withdrawn deducts nothing */
    slot->cap_pence = slot->waive_pence = 0;
    if (slot->model != DEDUCT_RULE4)
        return;
    slot->cap_pence = sim_chance(sim, 500) ? 90 : (uint8_t)(1 + sim_below(sim, 99));
    slot->waive_pence = sim_chance(sim, 500) ? 0 : 5;
}

static void withdraw(struct sim *sim, struct sim_slot *slot, struct sim_outcome *outcome)
{
    outcome->result = sim_chance(sim, 950) ? LEG_VOID : LEG_LOST;
    outcome->position = outcome->tied = 0;
    outcome->withdrawn_us = provider_us(sim) - (int64_t)sim_below(sim, 30 * US_PER_SECOND);
    if (slot->model != 0)
        outcome->deduction = sim_chance(sim, 700) ? (uint16_t)(500 * (1 + sim_below(sim, 18)))
                                                  : (uint16_t)(1 + sim_below(sim, 9999));
    sim_count(sim, SIM_WITHDRAWN);
}

static struct sim_outcome some_outcome(struct sim *sim, struct sim_slot *slot)
{
    struct sim_outcome outcome = {.known = true, .result = some_result(sim)};
    if (sim_chance(sim, 600)) {
        outcome.position = (uint8_t)(1 + sim_below(sim, 5));
        outcome.tied = (uint8_t)sim_below(sim, sim_chance(sim, 700) ? 2 : 4);
        sim->report.counts[SIM_TIE] += outcome.tied > 1;
    }
    if (sim_chance(sim, 120))
        withdraw(sim, slot, &outcome);
    return outcome;
}

static void draw_results(struct sim *sim, struct sim_slot *slot)
{
    slot->partial = sim_chance(sim, 150);
    slot->certainty = sim_chance(sim, 500) ? 0 : (uint8_t)(1 + sim_below(sim, 2));
    draw_model(sim, slot);
    for (int i = 0; i < slot->selections_count; i++) {
        bool known = slot->outcomes[i].known || !slot->partial || sim_chance(sim, 500) || i == 0;
        slot->outcomes[i] = some_outcome(sim, slot);
        slot->outcomes[i].known = known;
    }
}

void sim_feed_give_result(struct sim *sim, struct sim_slot *slot)
{
    uint64_t step = sim_below(sim, 1000);
    slot->result_version =
        slot->result_version == 0 ? 1000 + step : slot->result_version + 1 + step;
    draw_results(sim, slot);
    slot->resulted = true;
    slot->rolled_back = false;
    slot->status = MARKET_CLOSED_STATUS;
    sim_feed_send(sim, slot, SIM_MESSAGE_MARKET);
    sim_feed_say(sim, slot, (struct sim_word){.kind = RESULT_SET});
    sim_count(sim, SIM_RESULT);
}

/* Nothing is known any more, and the market may go on; or of some selections nothing is. */
static void roll_back(struct sim *sim, struct sim_slot *slot)
{
    bool one = sim_chance(sim, 400);
    slot->result_version += 1 + sim_below(sim, 10);
    for (int i = 0; i < slot->selections_count; i++)
        if (!one || i == 0 || sim_chance(sim, 300))
            slot->outcomes[i] = (struct sim_outcome){.result = LEG_LOST};
    sim_feed_say(sim, slot, (struct sim_word){.kind = RESULT_ROLLBACK, .one = one});
    sim_count(sim, one ? SIM_ROLLBACK_ONE : SIM_ROLLBACK);
    if (one)
        return;
    slot->resulted = false;
    slot->rolled_back = true;
    slot->status = sim_chance(sim, 600) ? MARKET_ACTIVE : MARKET_CLOSED_STATUS;
    sim_feed_send(sim, slot, SIM_MESSAGE_MARKET);
}

/* After the first result: the same again, another with a higher, an equal or a lower version. */
void sim_feed_correct(struct sim *sim, struct sim_slot *slot)
{
    struct sim_slot other = *slot;
    uint64_t kind = sim_below(sim, 7);
    struct sim_word word = {.kind = RESULT_SET};
    bool unsure = slot->certainty == 1 && slot->resulted && sim_chance(sim, 500);
    if (kind == 0 || unsure) { /* the very same, of which it may be sure now */
        if (unsure || (slot->certainty == 1 && sim_chance(sim, 500)))
            slot->certainty = 2;
        sim_feed_say(sim, slot, word);
        return;
    }
    if (kind >= 5) {
        slot->corrections_left--;
        roll_back(sim, slot);
        return;
    }
    draw_results(sim, &other);
    if (kind == 1 || kind == 2) {
        other.result_version -= kind == 1 ? 0 : 1 + sim_below(sim, 900);
        if (sim_chance(sim, 200))
            word = (struct sim_word){.kind = RESULT_ROLLBACK};
        sim_feed_say(sim, &other, word);
        sim_count(sim, SIM_RESULT_NOT_HIGHER);
        return;
    }
    slot->corrections_left--;
    other.result_version += 1 + sim_below(sim, 10);
    other.corrections_left = slot->corrections_left;
    *slot = other;
    sim_feed_say(sim, slot, word);
    sim_count(sim, SIM_RESULT_HIGHER);
}

/* A new window of time, or another word on an old one, now and then with a version that is not
 * higher. */
void sim_feed_window(struct sim *sim, struct sim_slot *slot)
{
    bool fresh =
        slot->windows_count == 0 || (slot->windows_count < SIM_OWN_WINDOWS && sim_chance(sim, 400));
    uint8_t at = fresh ? slot->windows_count++ : (uint8_t)sim_below(sim, slot->windows_count);
    struct sim_said_window *window = &slot->windows[at];
    if (fresh) {
        window->from_us = provider_us(sim) - (int64_t)sim_below(sim, 20 * US_PER_SECOND);
        window->until_us = window->from_us + (int64_t)sim_below(sim, 20 * US_PER_SECOND);
        window->version = 1 + sim_below(sim, 5);
        window->cancelled = sim_chance(sim, 850);
    } else {
        uint64_t step = sim_below(sim, 4);
        window->version = window->version + step > 1 ? window->version + step - 1 : 1;
        window->cancelled = sim_chance(sim, 300) ? window->cancelled : !window->cancelled;
    }
    const struct sim_word word = {.kind = window->cancelled ? RESULT_CANCEL : RESULT_UNDO_CANCEL,
                                  .window = at};
    sim_feed_say(sim, slot, word);
    sim_count(sim, window->cancelled ? SIM_WINDOW : SIM_WINDOW_UNDONE);
}

void sim_feed_repeat_results(struct sim *sim, const struct sim_slot *slot)
{
    if (slot->resulted || slot->rolled_back)
        sim_feed_say(sim, slot,
                     (struct sim_word){.kind = slot->resulted ? RESULT_SET : RESULT_ROLLBACK});
    for (uint8_t i = 0; i < slot->windows_count; i++)
        sim_feed_say(sim, slot,
                     (struct sim_word){.kind = slot->windows[i].cancelled ? RESULT_CANCEL
                                                                          : RESULT_UNDO_CANCEL,
                                       .window = i});
}
