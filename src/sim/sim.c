/* sim.c - contract in sim.h: the order of things, and the report. */
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "crypto/sha256.h"
#include "sim/sim_cash_out.h"
#include "sim/sim_referrals.h"
#include "sim/sim_world.h"

#define RECORDS_PER_ENTRY 16                     /* far more than a bet with all its corrections */
#define BEGIN_US          (1000 * US_PER_SECOND) /* of monotonic time */
#define WALL_BASE_US      (INT64_C(1795000000) * US_PER_SECOND)

/* ---- turns ---- */

void sim_turn(struct sim *sim)
{
    sim->turn++;
    sim->log.now_us = sim->odds_log.now_us = sim->now_us;
    if (sim_chance(sim, 500))
        book_poll(sim->book);
    if (sim->log.died)
        return;
    book_begin_turn(sim->book, sim_wall(sim), (struct monotonic){sim->now_us});
    sim_feed_deliver(sim);
    if (!sim->quiet) {
        sim_feed_step(sim);
        sim_clients_step(sim);
        sim_desk_step(sim);
    }
    sim->ending = true;
    sim->ending_seq = shard_state_seq(book_state(sim->book));
    sim_clients_before_end(sim);
    book_end_turn(sim->book);
    sim->ending = false;
    sim_verdicts_end_turn(sim);
    sim_clients_end_turn(sim);
    book_poll(sim->book);
    if (!sim->log.died)
        sim_ship_step(sim);
    if (!sim->log.died) {
        sim_odds_step(sim);
        sim_verdicts_step(sim);
        sim_vault_step(sim);
        sim_shadow_step(sim);
        sim_tree_step(sim);
        sim_upkeep_step(sim);
    }
}

static bool nothing_left(struct sim *sim)
{
    return book_idle(sim->book) && sim->waiting == 0 && sim->pending_count == 0 &&
           sim->selling_count == 0 && sim->messages_count == 0 && book_due_us(sim->book) != 0;
}

bool sim_settle_down(struct sim *sim)
{
    /* One record a turn is the least that a book may be set to, and each result walks anew. */
    int64_t turns_max = 20000 + (int64_t)sim->oracle.bets_count * 40;
    sim->quiet = true;
    sim_machine_make_space(sim);
    for (int i = 0; i < SIM_PROVIDERS; i++)
        sim->providers[i].silent_until_us = 0;
    for (int64_t turns = 0; !book_stopped(sim->book) && !sim->log.died; turns++) {
        SIM_CHECK(turns < turns_max, "L7", "the book never comes to rest");
        if (turns > 2 && nothing_left(sim))
            break;
        SIM_CHECK(sim->pending_count + sim->selling_count == 0 || book_due_us(sim->book) >= 0, "L7",
                  "a bet waits for its delay, and the book has nothing due");
        sim->now_us += 20000;
        sim_turn(sim);
    }
    sim->quiet = false;
    return !book_stopped(sim->book) && !sim->log.died;
}

static void tick(struct sim *sim)
{
    sim->now_us += 1 + (int64_t)sim_below(sim, (uint64_t)sim->mix.tick_us_max);
    if (sim_chance(sim, 3))
        sim->now_us += (int64_t)sim_below(sim, 7000000);
    if (sim->book == NULL) {
        if (sim->now_us >= sim->down_until_us)
            sim_machine_start(sim);
        return;
    }
    sim_turn(sim);
    sim_machine_after_turn(sim);
    if (sim->book != NULL)
        sim_faults_step(sim);
}

/* ---- life ---- */

static struct sim *sim_new(const struct sim_options *options)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (sim == NULL)
        return NULL;
    sim->options = *options;
    sim->now_us = BEGIN_US;
    sim->wall_offset_us = WALL_BASE_US;
    prng_seed(&sim->prng, options->seed);
    sim_mix_draw(sim);
    sim_disks_new(sim);
    sim_ship_new(sim);
    prng_seed(&sim->vault.prng, options->seed ^ 0x7661756c74);
    sim_odds_log_init(&sim->odds_log);
    return sim;
}

static int make_memory(struct sim *sim)
{
    struct sim_oracle *o = &sim->oracle;
    sim->pending_max = o->bets_max = sim->entries_max;
    sim->entries = reserve_new(sim->entries_max, sizeof *sim->entries);
    sim->pending = reserve_new(sim->pending_max, sizeof *sim->pending);
    sim->sales_max = sim->entries_max;
    sim->sales = reserve_new(sim->sales_max, sizeof *sim->sales);
    sim->selling = reserve_new(sim->sales_max, sizeof *sim->selling);
    sim->words_max = sim->mix.referrals > 0 ? sim->entries_max : 1;
    sim->words = reserve_new(sim->words_max, sizeof *sim->words);
    sim->markets = reserve_new(SIM_MARKETS_MAX, sizeof *sim->markets);
    o->bets = reserve_new(o->bets_max, sizeof *o->bets);
    o->legs_max = sim->legs_max;
    o->legs = reserve_new(o->legs_max, sizeof *o->legs);
    sim->legs = reserve_new(sim->legs_max, sizeof *sim->legs);
    o->crcs_max = (size_t)sim->entries_max * RECORDS_PER_ENTRY;
    o->crcs = reserve_new(o->crcs_max, sizeof *o->crcs);
    for (int i = OPERATION_BET; i < SIM_OPERATIONS; i++) {
        sim->by_number[i] = reserve_new(sim->entries_max, sizeof **sim->by_number);
        if (sim->by_number[i] == NULL)
            return -ERR_MEMORY;
    }
    if (sim->entries == NULL || sim->pending == NULL || sim->markets == NULL || o->bets == NULL ||
        o->crcs == NULL || o->legs == NULL || sim->legs == NULL || sim->sales == NULL ||
        sim->selling == NULL || sim->words == NULL)
        return -ERR_MEMORY;
    TRY(table_new(SIM_MARKETS_MAX, &sim->markets_by_id));
    TRY(sim_tree_new(sim));
    return table_new(o->bets_max, &o->bets_by_id);
}

static void free_memory(struct sim *sim)
{
    struct sim_oracle *o = &sim->oracle;
    reserve_free(sim->entries, sim->entries_max, sizeof *sim->entries);
    reserve_free(sim->pending, sim->pending_max, sizeof *sim->pending);
    reserve_free(sim->sales, sim->sales_max, sizeof *sim->sales);
    reserve_free(sim->selling, sim->sales_max, sizeof *sim->selling);
    reserve_free(sim->words, sim->words_max, sizeof *sim->words);
    reserve_free(sim->markets, SIM_MARKETS_MAX, sizeof *sim->markets);
    reserve_free(o->bets, o->bets_max, sizeof *o->bets);
    reserve_free(o->legs, o->legs_max, sizeof *o->legs);
    reserve_free(sim->legs, sim->legs_max, sizeof *sim->legs);
    for (int i = OPERATION_BET; i < SIM_OPERATIONS; i++)
        reserve_free(sim->by_number[i], sim->entries_max, sizeof **sim->by_number);
    table_free(sim->markets_by_id);
    table_free(o->bets_by_id);
    reserve_free(o->crcs, o->crcs_max, sizeof *o->crcs);
    synthetic_feed_free(sim->synthetic);
    sim_tree_free(sim);
    sim_odds_log_done(&sim->odds_log);
    sim_ship_free(sim);
    sim_disks_free(sim);
    free(sim);
}

/* The last word: everything is healed, the feeds say all again, and the books must be right. */
static void finish(struct sim *sim)
{
    do {
        sim_machine_heal(sim);
        if (sim->book != NULL && (book_stopped(sim->book) || sim->log.died ||
                                  sim->odds_log.stopped || sim_disks_are_stopped(sim)))
            sim_machine_kill(sim);
        if (sim->book == NULL)
            sim_machine_start(sim);
    } while (sim->book == NULL);
    for (int i = 0; i < SIM_PROVIDERS; i++)
        sim->providers[i].silent_until_us = 0;
    sim->mix.feed_drop = 0;
    sim_feed_reconnect(sim);
    bool calm = sim_settle_down(sim);
    SIM_CHECK(calm, "L2", "the book stopped without a fault");
    sim_check_state(sim);
    sim_tree_settle(sim);
    sim_check_refold(sim);
    sim_check_audit(sim);
    sim_vault_search(sim);
}

static void take_hash(struct sim *sim)
{
    struct sim_report *report = &sim->report;
    uint8_t state[32];
    struct sim_hash records = sim_history_root(&sim->tree.history, sim->tree.history.size);
    struct sha256 *sha = NULL;
    int error = shard_state_hash(book_state(sim->book), state);
    ASSERT(error == 0);
    error = sha256_new(&sha);
    ASSERT(error == 0);
    sha256_begin(sha);
    sha256_add(sha, slice_of(state, sizeof state));
    sha256_add(sha, slice_of(records.at, sizeof records.at));
    sha256_add(sha, slice_of(report->counts, sizeof report->counts));
    sha256_add(sha, slice_of(&sim->now_us, sizeof sim->now_us));
    sha256_end(sha, report->state_hash);
    sha256_free(sha);
}

int sim_run(const struct sim_options *options, struct sim_report *ret)
{
    struct sim *sim = sim_new(options);
    if (sim == NULL)
        return -ERR_MEMORY;
    int error = make_memory(sim);
    if (error == 0)
        error = sim_feed_new(sim);
    if (error == 0) {
        sim_fail_watch(sim);
        for (sim->tick = 1; sim->tick <= options->ticks; sim->tick++)
            tick(sim);
        finish(sim);
        take_hash(sim);
        sim->report.seed = options->seed;
        sim->report.ticks = options->ticks;
        sim->report.virtual_us = sim->now_us - BEGIN_US;
        *ret = sim->report;
        sim_machine_kill(sim);
        sim_fail_watch(NULL);
    }
    free_memory(sim);
    return error;
}
