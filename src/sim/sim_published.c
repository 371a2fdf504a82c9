/* sim_published.c - the model of what was published: the listener writes it, decisions are
 * checked against it. It also holds the model of the providers' leases, fed by the sink that
 * stands between every feed and the book. */
#include <ctype.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "sim/sim_world.h"

static const uint64_t id_key[2] = {0x73696d2069642031, 0x73696d2069642032};

uint32_t sim_market_find(struct sim *sim, struct slice id)
{
    uint32_t index;
    return table_find(sim->markets_by_id, siphash128(id_key, id.at, id.bytes), &index) ? index
                                                                                       : SIM_NONE;
}

uint32_t sim_market_of(struct sim *sim, struct slice id)
{
    uint32_t index = sim_market_find(sim, id);
    if (index != SIM_NONE)
        return index;
    ASSERT(sim->markets_count < SIM_MARKETS_MAX);
    index = sim->markets_count++;
    enum table_outcome outcome =
        table_insert(sim->markets_by_id, siphash128(id_key, id.at, id.bytes), index);
    ASSERT(outcome == TABLE_OK);
    struct sim_market *market = &sim->markets[index];
    ASSERT(id.bytes <= sizeof market->id);
    memcpy(market->id, id.at, id.bytes);
    market->id_bytes = (uint8_t)id.bytes;
    return index;
}

int sim_provider_find(const struct sim *sim, struct slice name)
{
    for (int i = 0; i < SIM_PROVIDERS; i++)
        if (slice_is(name, sim->providers[i].name))
            return i;
    return -1;
}

static bool same(const struct sim_selection *kept, const struct odds_selection *s)
{
    return slice_equal(slice_of(kept->id, kept->id_bytes), slice_of(s->id, s->id_bytes)) &&
           kept->status == s->status && odds_equal(kept->odds, s->odds) &&
           memcmp(&kept->chances, &s->chances, sizeof s->chances) == 0;
}

/* Who follows the changes alone must end with the same image. */
static void check_changes(struct sim *sim, const struct sim_market *market,
                          const struct odds_image *image, const uint16_t *changed, size_t count)
{
    bool named[SELECTIONS_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        SIM_CHECK(changed[i] < image->selections_count, "P1", "a change names no selection");
        named[changed[i]] = true;
    }
    for (size_t i = 0; i < image->selections_count; i++)
        SIM_CHECK(named[i] || (market->present && i < market->selections_count &&
                               same(&market->selections[i], &image->selections[i])),
                  "P1", "market %.*s: selection %zu changed and was not named",
                  SLICE_ARG(ODDS_TEXT(image, market_id)), i);
}

/* A message that changes nothing is no change: a million followers need not hear of it. */
static void check_any_change(struct sim *sim, const struct sim_market *market,
                             const struct odds_image *image, size_t changed_count)
{
    SIM_CHECK(changed_count > 0 || !market->present || market->status != image->status ||
                  market->in_play != image->in_play ||
                  market->bet_delay_us != image->bet_delay_us ||
                  market->feed_status != image->feed_status || market->holds != image->holds ||
                  market->flags != image->flags ||
                  memcmp(&market->terms, &image->place_terms, sizeof market->terms) != 0,
              "P1", "market %.*s: a new version without any change",
              SLICE_ARG(ODDS_TEXT(image, market_id)));
}

static void keep_selections(struct sim_market *market, const struct odds_image *image)
{
    ASSERT(image->selections_count <= SIM_SELECTIONS_MAX);
    for (size_t i = 0; i < image->selections_count; i++) {
        const struct odds_selection *s = &image->selections[i];
        struct sim_selection *kept = &market->selections[i];
        if (!market->present || i >= market->selections_count)
            *kept = (struct sim_selection){.logged = ODDS_NONE};
        memcpy(kept->id, s->id, s->id_bytes);
        kept->id_bytes = s->id_bytes;
        kept->status = s->status;
        kept->odds = s->odds;
        kept->chances = s->chances;
    }
    market->selections_count = image->selections_count;
}

/* A price can be bet on, and chances be paid by, only when the odds log has them: else nobody
 * could check it later (L6). */
static void check_logged(struct sim *sim, struct sim_market *market, const struct odds_image *image)
{
    static const struct odds_log_change none;
    const struct odds_log_change *change =
        image->odds_position == 0 ? &none : sim_odds_log_newest(&sim->odds_log);
    for (size_t i = 0; i < image->selections_count; i++) {
        struct sim_selection *s = &market->selections[i];
        for (size_t k = 0; k < change->selections_count; k++)
            if (slice_equal(change->selections[k].id, slice_of(s->id, s->id_bytes))) {
                s->logged = change->selections[k].odds;
                s->chances_logged = change->selections[k].chances;
            }
        SIM_CHECK(image->status != MARKET_ACTIVE || s->status != SELECTION_ACTIVE ||
                      (odds_equal(s->logged, s->odds) &&
                       memcmp(&s->chances_logged, &s->chances, sizeof s->chances) == 0),
                  "L6", "market %.*s offers a price that the odds log does not have",
                  SLICE_ARG(ODDS_TEXT(image, market_id)));
    }
}

/* Half of a stake, or all of it, may come back: the word of the feed, whatever its case. */
static bool may_return(struct slice kind)
{
    char word[NAME_BYTES_MAX + 1] = "";
    for (size_t i = 0; i < kind.bytes && i < NAME_BYTES_MAX; i++)
        word[i] = (char)tolower((unsigned char)kind.at[i]);
    return strstr(word, "asian") != NULL || strstr(word, "handicap") != NULL ||
           strstr(word, "draw_no_bet") != NULL || strstr(word, "total") != NULL;
}

/* By a word that waited until this turn: what was to be decided in the turn was. */
static bool has_new_result(const struct sim *sim, struct slice market_id)
{
    const struct shard_state *state = book_state(sim->book);
    const struct shard_market *market =
        shard_state_market(state, shard_state_find_market(state, market_id));
    return market != NULL && market->seq_result > sim->ending_seq;
}

static void on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                      const uint16_t *changed, size_t changed_count)
{
    struct sim *sim = owner;
    struct sim_market *market = &sim->markets[sim_market_of(sim, ODDS_TEXT(image, market_id))];
    SIM_CHECK(image->odds_version > market->version, "P1", "market %.*s: version %llx after %llx",
              SLICE_ARG(ODDS_TEXT(image, market_id)), (unsigned long long)image->odds_version,
              (unsigned long long)market->version);
    SIM_CHECK(before_version == (market->present ? market->version : 0), "P1",
              "market %.*s: the change names another version before it",
              SLICE_ARG(ODDS_TEXT(image, market_id)));
    check_changes(sim, market, image, changed, changed_count);
    check_any_change(sim, market, image, changed_count);
    market->provider = (uint8_t)sim_provider_find(sim, ODDS_TEXT(image, provider));
    if (image->status < MARKET_CLOSED_STATUS)
        market->ended_us = 0;
    else if (!market->present || market->status < MARKET_CLOSED_STATUS)
        market->ended_us = sim->now_us;
    market->status = image->status;
    market->feed_status = image->feed_status;
    market->holds = image->holds;
    market->flags = image->flags;
    ASSERT(image->sport_bytes < sizeof market->sport);
    memcpy(market->sport, ODDS_TEXT(image, sport).at, image->sport_bytes);
    market->sport[image->sport_bytes] = '\0';
    market->returning = may_return(ODDS_TEXT(image, kind));
    market->in_play = image->in_play;
    market->bet_delay_us = image->bet_delay_us;
    market->terms = image->place_terms;
    market->event_bytes = image->event_id_bytes;
    ASSERT(image->event_id_bytes <= sizeof market->event);
    memcpy(market->event, ODDS_TEXT(image, event_id).at, image->event_id_bytes);
    market->version = image->odds_version;
    market->position = image->odds_position;
    keep_selections(market, image);
    market->present = true;
    check_logged(sim, market, image);
    if (sim->ending && !has_new_result(sim, ODDS_TEXT(image, market_id)))
        sim_clients_before_end(sim);
}

static void on_removed(void *owner, const struct odds_image *image)
{
    struct sim *sim = owner;
    uint32_t index = sim_market_find(sim, ODDS_TEXT(image, market_id));
    SIM_CHECK(index != SIM_NONE && sim->markets[index].present, "P1",
              "a market left that was not there");
    sim->markets[index].present = false;
}

static void on_record(void *owner, const struct record_view *record)
{
    sim_ship_told(owner, record->head->seq);
    sim_oracle_record(owner, record);
}

static void on_stopped(void *owner)
{
    struct sim *sim = owner;
    SIM_CHECK(!sim->stopped_told, "S1", "the book stopped twice");
    sim->stopped_told = true;
}

struct book_listener sim_listener(struct sim *sim)
{
    return (struct book_listener){.owner = sim,
                                  .on_market = on_market,
                                  .on_removed = on_removed,
                                  .on_record = on_record,
                                  .on_stopped = on_stopped};
}

bool sim_provider_alive(const struct sim *sim, const struct sim_provider *p)
{
    return p->known && !p->late && sim->now_us - p->last_byte_us <= 5 * US_PER_SECOND; /* P2 */
}

struct sim_view sim_view_of(const struct sim *sim, uint32_t market_index, struct slice selection)
{
    const struct sim_market *market = market_index == SIM_NONE ? NULL : &sim->markets[market_index];
    if (market == NULL || !market->present)
        return (struct sim_view){.known = false};
    const struct sim_provider *p = &sim->providers[market->provider];
    struct sim_view view = {.known = true,
                            .alive = sim_provider_alive(sim, p),
                            .breaks = sim->breaks,
                            .back = p->back,
                            .in_play = market->in_play,
                            .ante_post = (market->flags & ODDS_ANTE_POST) != 0,
                            .each_way_only = (market->flags & ODDS_EACH_WAY_ONLY) != 0,
                            .terms = market->terms,
                            .status = market->status,
                            .version = market->version,
                            .position = market->position,
                            .delay_us = market->bet_delay_us};
    for (size_t i = 0; i < market->selections_count; i++) {
        const struct sim_selection *s = &market->selections[i];
        if (!slice_equal(slice_of(s->id, s->id_bytes), selection))
            continue;
        view.selection_known = true;
        view.selection_status = s->status;
        view.odds = s->odds;
    }
    return view;
}

void sim_published_forget(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->markets_count; i++)
        sim->markets[i].present = false;
    for (int i = 0; i < SIM_PROVIDERS; i++) {
        sim->providers[i].known = sim->providers[i].late = false;
        sim->providers[i].back = 0;
    }
}
