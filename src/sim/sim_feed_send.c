/* sim_feed_send.c - the line between a provider and the book: messages are delayed, dropped,
 * duplicated and reordered; every byte that arrives renews the provider's lease in the model. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "sim/sim_world.h"

static void enqueue(struct sim *sim, const struct sim_message *message)
{
    if (sim->messages_count < SIM_MESSAGES_MAX)
        sim->messages[sim->messages_count++] = *message;
}

static void send(struct sim *sim, const struct sim_slot *slot, enum sim_message_kind kind,
                 struct sim_word word)
{
    struct sim_provider *p = &sim->providers[slot->provider];
    struct sim_message message = {.kind = kind, .slot = *slot, .word = word};
    int64_t due = sim->now_us + 1000 + (int64_t)sim_below(sim, 30000);
    if (sim_chance(sim, sim->mix.feed_drop)) {
        sim_count(sim, SIM_FEED_DROPPED);
        return;
    }
    bool window = word.kind == RESULT_CANCEL || word.kind == RESULT_UNDO_CANCEL;
    if (kind == SIM_MESSAGE_RESULT && !window && sim_chance(sim, 20)) {
        message.invalid = true;
        sim_count(sim, SIM_RESULT_INVALID);
    }
    if (sim_chance(sim, sim->mix.feed_reorder)) {
        message.due_us = due + (int64_t)sim_below(sim, 2000000);
        sim_count(sim, SIM_FEED_REORDERED);
    } else {
        p->queue_us = due > p->queue_us ? due : p->queue_us + 1;
        message.due_us = p->queue_us;
    }
    enqueue(sim, &message);
    if (sim_chance(sim, sim->mix.feed_duplicate)) {
        message.due_us += (int64_t)sim_below(sim, 500000);
        enqueue(sim, &message);
        sim_count(sim, SIM_FEED_DUPLICATED);
    }
}

void sim_feed_send(struct sim *sim, const struct sim_slot *slot, enum sim_message_kind kind)
{
    send(sim, slot, kind, (struct sim_word){.kind = RESULT_SET});
}

void sim_feed_say(struct sim *sim, const struct sim_slot *slot, struct sim_word word)
{
    send(sim, slot, SIM_MESSAGE_RESULT, word);
}

/* ---- the book's side of the line ---- */

static struct feed_sink *book_side(struct sim *sim)
{
    return sim->book == NULL ? NULL : book_sink(sim->book);
}

static struct sim *sim_of(struct feed_sink *sink)
{
    return (struct sim *)((char *)sink - offsetof(struct sim, sink));
}

static void note_return(struct sim *sim, struct sim_provider *p, bool lost)
{
    if (lost && sim_provider_alive(sim, p))
        p->back = ++sim->breaks;
}

static void touch(struct sim *sim, struct slice provider)
{
    int index = sim_provider_find(sim, provider);
    ASSERT(index >= 0);
    struct sim_provider *p = &sim->providers[index];
    bool lost = p->known && !sim_provider_alive(sim, p);
    p->known = true;
    p->last_byte_us = sim->now_us;
    note_return(sim, p, lost);
}

static void sink_market(struct feed_sink *sink, const struct feed_market *market)
{
    struct sim *sim = sim_of(sink);
    if (book_side(sim) == NULL)
        return;
    touch(sim, market->provider);
    book_side(sim)->ops->market(book_side(sim), market);
}

static void sink_result(struct feed_sink *sink, const struct feed_result *result)
{
    struct sim *sim = sim_of(sink);
    if (book_side(sim) != NULL)
        sim_result_give(sim, result, false);
}

static void sink_removed(struct feed_sink *sink, struct slice provider, struct slice market_id)
{
    struct sim *sim = sim_of(sink);
    if (book_side(sim) != NULL)
        book_side(sim)->ops->removed(book_side(sim), provider, market_id);
}

static void sink_alive(struct feed_sink *sink, struct slice provider)
{
    struct sim *sim = sim_of(sink);
    if (book_side(sim) == NULL)
        return;
    touch(sim, provider);
    book_side(sim)->ops->alive(book_side(sim), provider);
}

static void sink_late(struct feed_sink *sink, struct slice provider, bool late)
{
    struct sim *sim = sim_of(sink);
    if (book_side(sim) == NULL)
        return;
    touch(sim, provider);
    struct sim_provider *p = &sim->providers[sim_provider_find(sim, provider)];
    bool lost = !sim_provider_alive(sim, p);
    p->late = late;
    note_return(sim, p, lost);
    book_side(sim)->ops->late(book_side(sim), provider, late);
}

const struct feed_sink_ops *sim_sink_ops(void)
{
    static const struct feed_sink_ops ops = {
        .market = sink_market,
        .result = sink_result,
        .removed = sink_removed,
        .alive = sink_alive,
        .late = sink_late, /* no producers: its feeds are links themselves */
    };
    return &ops;
}

/* ---- arrival ---- */

struct names {
    char market[32], event[32], selections[SIM_OWN_SELECTIONS][8];
};

static struct slice selection_id(struct names *names, int i)
{
    return slice_of(names->selections[i], (size_t)snprintf(names->selections[i], 8, "s%d", i));
}

static void arrive_market(struct sim *sim, const struct sim_slot *slot, struct names *names)
{
    static const char *const kinds[SIM_KINDS] = {"MATCH_ODDS", "ASIAN_HANDICAP", "Total_Goals",
                                                 "draw_no_bet"};
    struct feed_selection selections[SIM_OWN_SELECTIONS];
    for (int i = 0; i < slot->selections_count; i++) {
        struct odds odds = ODDS_NONE;
        if (slot->selection_status[i] == SELECTION_ACTIVE)
            (void)odds_make(slot->price[i], 100, &odds);
        selections[i] =
            (struct feed_selection){.id = selection_id(names, i),
                                    .name = SLICE("a name"),
                                    .status = (enum selection_status)slot->selection_status[i],
                                    .odds = odds};
        if (odds_present(odds))
            selections[i].chances = slot->chances[i];
    }
    struct feed_market market = {
        .winners = 1,
        .provider = slice_text(sim->providers[slot->provider].name),
        .id = slice_text(names->market),
        .event_id = slice_text(names->event),
        .event_name = SLICE("A v B"),
        .sport = SLICE("football"),
        .name = SLICE("Match Odds"),
        .kind = slice_text(kinds[slot->kind]),
        .status = (enum market_status)slot->status,
        .in_play = slot->in_play,
        .bet_delay_us = slot->bet_delay_us,
        .provider_version = slot->version,
        .feed_time = sim_wall(sim),
        .place_terms = slot->terms,
        .each_way_only = slot->each_way_only,
        .ante_post = slot->ante_post,
        .selections = selections,
        .selections_count = slot->selections_count,
    };
    sim->sink.ops->market(&sim->sink, &market);
}

/* The selections that a word names: all that is known, or what a rollback of some opens. */
static size_t said_selections(const struct sim_message *message, struct names *names,
                              struct feed_selection_result *ret)
{
    const struct sim_slot *slot = &message->slot;
    bool set = message->word.kind == RESULT_SET;
    size_t count = 0;
    for (int i = 0; i < slot->selections_count; i++) {
        const struct sim_outcome *o = &slot->outcomes[i];
        if (set ? !o->known : o->known || !message->word.one)
            continue;
        ret[count++] = (struct feed_selection_result){.selection_id = selection_id(names, i),
                                                      .open = !o->known,
                                                      .result = o->result,
                                                      .position = o->position,
                                                      .tied = o->tied,
                                                      .withdrawn_at = {o->withdrawn_us},
                                                      .deduction = o->deduction};
    }
    if (message->invalid)
        ret[count++] = (struct feed_selection_result){
            .selection_id = SLICE("never"), .open = !set, .result = LEG_WON};
    return count;
}

static void arrive_result(struct sim *sim, const struct sim_message *message, struct names *names)
{
    const struct sim_slot *slot = &message->slot;
    const struct sim_said_window *window = &slot->windows[message->word.window];
    struct feed_selection_result selections[SIM_OWN_SELECTIONS + 1];
    struct feed_result result = {.provider = slice_text(sim->providers[slot->provider].name),
                                 .market_id = slice_text(names->market),
                                 .kind = message->word.kind,
                                 .result_version = slot->result_version,
                                 .feed_time = sim_wall(sim)};
    if (result.kind == RESULT_CANCEL || result.kind == RESULT_UNDO_CANCEL) {
        result.result_version = window->version;
        result.void_from.us = window->from_us;
        result.void_until.us = window->until_us;
    } else {
        result.selections = selections;
        result.selections_count = said_selections(message, names, selections);
    }
    if (result.kind == RESULT_SET) {
        result.certainty = slot->certainty;
        result.deduction_model = (enum deduction_model)slot->model;
        result.cap_pence = slot->cap_pence;
        result.waive_pence = slot->waive_pence;
    }
    sim->sink.ops->alive(&sim->sink, result.provider);
    sim->sink.ops->result(&sim->sink, &result);
}

static void arrive(struct sim *sim, const struct sim_message *message)
{
    struct names names;
    struct slice provider = slice_text(sim->providers[message->slot.provider].name);
    snprintf(names.market, sizeof names.market, "m%u", message->slot.number);
    snprintf(names.event, sizeof names.event, "e%u", message->slot.number / 3);
    switch (message->kind) {
    case SIM_MESSAGE_MARKET:
        arrive_market(sim, &message->slot, &names);
        break;
    case SIM_MESSAGE_RESULT:
        arrive_result(sim, message, &names);
        break;
    case SIM_MESSAGE_REMOVED:
        sim->sink.ops->alive(&sim->sink, provider);
        sim->sink.ops->removed(&sim->sink, provider, slice_text(names.market));
        break;
    }
}

/* Earliest first; those of one time in the order of sending. */
static size_t next_due(const struct sim *sim)
{
    size_t best = SIM_MESSAGES_MAX;
    for (size_t i = 0; i < sim->messages_count; i++) {
        const struct sim_message *m = &sim->messages[i];
        if (m->due_us > sim->now_us ||
            sim->providers[m->slot.provider].silent_until_us > sim->now_us)
            continue;
        if (best == SIM_MESSAGES_MAX || m->due_us < sim->messages[best].due_us)
            best = i;
    }
    return best;
}

void sim_feed_deliver(struct sim *sim)
{
    for (int i = 0; i < SIM_PROVIDERS; i++) {
        struct sim_provider *p = &sim->providers[i];
        if (p->silent_until_us > sim->now_us || p->heartbeat_us > sim->now_us)
            continue;
        p->heartbeat_us = sim->now_us + 500000;
        sim->sink.ops->alive(&sim->sink, slice_text(p->name));
    }
    for (;;) {
        size_t at = next_due(sim);
        if (at == SIM_MESSAGES_MAX || !book_feed_ready(sim->book))
            break;
        struct sim_message message = sim->messages[at];
        sim->messages_count--;
        memmove(&sim->messages[at], &sim->messages[at + 1],
                (sim->messages_count - at) * sizeof message);
        arrive(sim, &message);
    }
    if (sim->synthetic != NULL && !sim->quiet && book_feed_ready(sim->book) &&
        sim->providers[SIM_PROVIDERS - 1].silent_until_us <= sim->now_us)
        synthetic_feed_step(sim->synthetic, (struct instant){sim->now_us});
}
