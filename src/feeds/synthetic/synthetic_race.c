/* synthetic_race.c - contract in synthetic_race.h. */
#include "feeds/synthetic/synthetic_race.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "core/rule4.h"
#include "core/settle.h"
#include "feeds/synthetic/synthetic_market.h"
#include "feeds/synthetic/synthetic_match.h"

#define PROVIDER           SLICE("sim")
#define REPRICE_MS         700
#define REOPEN_MS          2000
#define WITHDRAWN_PERMILLE 400 /* of races in which a runner is withdrawn */
#define TIED_PERMILLE      150 /* of places that are shared */

/* Invented, all of them. */
static const char *const names[] = {
    "Copper Lantern", "Quiet Thunder", "Harbour Bell", "Second Breakfast",
    "Marmalade Sky",  "Old Compass",   "Velvet Anvil", "Paper Crown",
    "Distant Drum",   "Saffron Gale",  "Tin Whistle",  "Left Luggage",
    "Winter Apple",   "Idle Gossip",   "Brass Monkey", "Lucky Dip",
};
#define NAMES_COUNT (sizeof names / sizeof names[0])

void synthetic_race_init(struct synthetic_race *race, const struct synthetic_card *card)
{
    *race = (struct synthetic_race){.card = *card};
    prng_seed(&race->prng, card->seed ^ UINT64_C(0x72616365));
}

static bool runs(const struct synthetic_runner *runner)
{
    return runner->withdrawn_at.us == 0;
}

/* ---- what is said ---- */

/* Room for the texts of one image; the sink borrows them for the call. */
struct texts {
    char market_id[MARKET_ID_BYTES_MAX];
    char ids[SYNTHETIC_RUNNERS_MAX][8];
};

static struct slice market_id(const struct synthetic_race *race, struct texts *texts)
{
    int bytes = snprintf(texts->market_id, sizeof texts->market_id, "%s/win", race->event_id);
    return slice_of(texts->market_id, (size_t)bytes);
}

static struct slice runner_id(struct texts *texts, uint32_t runner)
{
    int bytes = snprintf(texts->ids[runner], sizeof texts->ids[runner], "%u", runner + 1);
    return slice_of(texts->ids[runner], (size_t)bytes);
}

static void send_image(struct synthetic_race *race, struct feed_sink *sink, struct instant now)
{
    struct texts texts;
    struct feed_selection selections[SYNTHETIC_RUNNERS_MAX];
    char event_name[NAME_BYTES_MAX];
    for (uint32_t i = 0; i < race->count; i++) {
        const struct synthetic_runner *runner = &race->runners[i];
        bool priced =
            runs(runner) && odds_present(runner->odds) && race->status != MARKET_CLOSED_STATUS;
        selections[i] = (struct feed_selection){
            .id = runner_id(&texts, i),
            .name = slice_text(names[runner->name]),
            .status = !runs(runner) ? SELECTION_REMOVED
                      : priced      ? SELECTION_ACTIVE
                                    : SELECTION_SUSPENDED,
            .odds = priced ? runner->odds : ODDS_NONE,
        };
    }
    int bytes = snprintf(event_name, sizeof event_name, "Fernhaven, race %llu",
                         (unsigned long long)race->number);
    const struct feed_market image = {
        .winners = 1,
        .provider = PROVIDER,
        .id = market_id(race, &texts),
        .event_id = slice_text(race->event_id),
        .event_name = slice_of(event_name, (size_t)bytes),
        .sport = SLICE("horse_racing"),
        .name = SLICE("To win"),
        .kind = SLICE("win"),
        .status = race->status,
        .provider_version = ++race->version,
        .feed_time = now,
        .start_time = race->off,
        .place_terms = race->terms,
        .selections = selections,
        .selections_count = race->count,
    };
    sink->ops->market(sink, &image);
}

static struct feed_selection_result result_of(const struct synthetic_race *race, uint32_t runner,
                                              struct texts *texts)
{
    const struct synthetic_runner *r = &race->runners[runner];
    struct feed_selection_result result = {
        .selection_id = runner_id(texts, runner), .result = LEG_LOST, .reason = SLICE("")};
    if (!runs(r)) {
        result.result = LEG_VOID;
        result.reason = SLICE("withdrawn");
        result.withdrawn_at = r->withdrawn_at;
        result.deduction = r->pence * 100;
        return result;
    }
    result.position = r->position;
    result.tied = r->tied;
    if (r->position == 1)
        result.result = (struct leg_result){true, 0, 1, r->tied};
    return result;
}

static void send_result(struct synthetic_race *race, struct feed_sink *sink, struct instant now)
{
    struct texts texts;
    struct feed_selection_result results[SYNTHETIC_RUNNERS_MAX];
    for (uint32_t i = 0; i < race->count; i++)
        results[i] = result_of(race, i, &texts);
    const struct feed_result result = {
        .provider = PROVIDER,
        .market_id = market_id(race, &texts),
        .kind = RESULT_SET,
        .result_version = 1,
        .feed_time = now,
        .certainty = 2,
        .deduction_model = DEDUCT_RULE4,
        .cap_pence = RULE4_CAP_PENCE,
        .selections = results,
        .selections_count = race->count,
    };
    sink->ops->result(sink, &result);
}

/* ---- what happens ---- */

static void begin(struct synthetic_race *race, struct instant now)
{
    uint64_t taken = 0;
    race->number++;
    race->over = false;
    race->status = MARKET_ACTIVE;
    race->version = 0;
    race->off.us = now.us + race->card.before_us;
    race->withdraw_at = race->reopen_at = (struct instant){0};
    if (prng_below(&race->prng, 1000) < WITHDRAWN_PERMILLE)
        race->withdraw_at.us = now.us + race->card.before_us / 2;
    race->count =
        SYNTHETIC_RUNNERS_MIN +
        (uint32_t)prng_below(&race->prng, SYNTHETIC_RUNNERS_MAX - SYNTHETIC_RUNNERS_MIN + 1);
    for (uint32_t i = 0; i < race->count; i++) {
        uint64_t name = prng_below(&race->prng, NAMES_COUNT);
        while ((taken >> name & 1) != 0)
            name = (name + 1) % NAMES_COUNT;
        taken |= UINT64_C(1) << name;
        race->runners[i] = (struct synthetic_runner){
            .name = (uint8_t)name, .form = 0.2 + 3 * synthetic_uniform(&race->prng)};
    }
    bool known = place_terms_standard(true, race->count, &race->terms);
    ASSERT(known); /* eight run at least */
    (void)snprintf(race->event_id, sizeof race->event_id, "sim:%.*s-r%llu",
                   SLICE_ARG(race->card.prefix), (unsigned long long)race->number);
}

static double form_of_all(const struct synthetic_race *race)
{
    double sum = 0;
    for (uint32_t i = 0; i < race->count; i++)
        sum += runs(&race->runners[i]) ? race->runners[i].form : 0;
    return sum;
}

static void quote(struct synthetic_race *race, struct feed_sink *sink, struct instant now)
{
    race->reprice_at.us = now.us + REPRICE_MS * US_PER_MS;
    for (uint32_t i = 0; i < race->count; i++)
        race->runners[i].form *= 0.97 + 0.06 * synthetic_uniform(&race->prng);
    double all = form_of_all(race);
    for (uint32_t i = 0; i < race->count; i++) {
        struct synthetic_runner *runner = &race->runners[i];
        runner->odds = ODDS_NONE;
        if (runs(runner) &&
            !synthetic_market_price(runner->form / all, race->card.margin_permyriad, &runner->odds))
            runner->odds = ODDS_NONE;
    }
    race->status = MARKET_ACTIVE;
    send_image(race, sink, now);
}

/* Suspended first, then shown without him, and open again a moment later at new prices. */
static void withdraw(struct synthetic_race *race, struct feed_sink *sink, struct instant now)
{
    struct synthetic_runner *runner = &race->runners[prng_below(&race->prng, race->count)];
    race->withdraw_at = (struct instant){0};
    race->reopen_at.us = now.us + REOPEN_MS * US_PER_MS;
    race->status = MARKET_SUSPENDED_STATUS;
    send_image(race, sink, now);
    runner->pence = odds_present(runner->odds) ? rule4_pence(RULE4_DECIMAL, runner->odds) : 0;
    runner->withdrawn_at = now;
    send_image(race, sink, now);
}

/* Whoever comes next is drawn by his share of those that still run. */
static struct synthetic_runner *next_home(struct synthetic_race *race)
{
    double left = 0;
    for (uint32_t i = 0; i < race->count; i++)
        left +=
            runs(&race->runners[i]) && race->runners[i].position == 0 ? race->runners[i].form : 0;
    double at = synthetic_uniform(&race->prng) * left;
    struct synthetic_runner *last = NULL;
    for (uint32_t i = 0; i < race->count; i++) {
        struct synthetic_runner *runner = &race->runners[i];
        if (!runs(runner) || runner->position != 0)
            continue;
        last = runner;
        at -= runner->form;
        if (at < 0)
            break;
    }
    return last;
}

static void finish(struct synthetic_race *race)
{
    uint16_t place = 1;
    struct synthetic_runner *runner, *other;
    while ((runner = next_home(race)) != NULL) {
        runner->position = place++;
        runner->tied = 1;
        if (prng_below(&race->prng, 1000) >= TIED_PERMILLE || (other = next_home(race)) == NULL)
            continue;
        other->position = runner->position;
        runner->tied = other->tied = 2;
        place++;
    }
}

void synthetic_race_step(struct synthetic_race *race, struct feed_sink *sink, struct instant now)
{
    int64_t home_us = race->off.us + race->card.run_us;
    if (race->number == 0 || (race->over && now.us >= home_us + race->card.after_us)) {
        begin(race, now);
        quote(race, sink, now);
    } else if (!race->over && now.us >= home_us) {
        finish(race);
        race->over = true;
        race->status = MARKET_CLOSED_STATUS;
        send_image(race, sink, now);
        send_result(race, sink, now);
    } else if (!race->over && now.us >= race->off.us) {
        if (race->status == MARKET_SUSPENDED_STATUS)
            return;
        race->status = MARKET_SUSPENDED_STATUS; /* they are off */
        send_image(race, sink, now);
    } else if (!race->over && race->withdraw_at.us != 0 && now.us >= race->withdraw_at.us) {
        withdraw(race, sink, now);
    } else if (!race->over && now.us >= race->reprice_at.us && now.us >= race->reopen_at.us) {
        quote(race, sink, now);
    }
}
