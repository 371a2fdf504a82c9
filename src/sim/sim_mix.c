/* sim_mix.c - what a seed decides once: sizes, limits, and how much of which trouble there is.
 * Every seed is another world, so that a swarm meets mixes that nobody would think of. */
#include "sim/sim_world.h"

static uint32_t permille(struct sim *sim, uint32_t max)
{
    return sim_chance(sim, 200) ? 0 : (uint32_t)sim_below(sim, max + 1);
}

static void draw_book(struct sim *sim)
{
    static uint8_t genesis[32];
    struct book_options *book = &sim->mix.book;
    *book = BOOK_OPTIONS_DEFAULT;
    for (size_t i = 0; i < sizeof genesis; i++)
        genesis[i] = (uint8_t)prng_next(&sim->prng);
    book->genesis_random = genesis;
    book->ticket_limits.bet.rounding = (enum rounding)(ROUND_DOWN + sim_below(sim, 3));
    book->ticket_limits.bet.tolerance_permyriad = (uint32_t)sim_below(sim, 1500);
    book->ticket_limits.bet.stake_minor_max = 3000;
    book->ticket_limits.bet.payout_minor_max = 20000;
    book->deposit_minor_max = 39000;
    book->closed_keep_us = (int64_t)sim_below(sim, 20) * US_PER_SECOND;
    book->settle_per_turn_max = 1 + (uint32_t)sim_below(sim, sim_chance(sim, 300) ? 4 : 256);
    book->limits = (struct shard_limits){.accounts_max = SIM_USERS_MAX + 1,
                                         .markets_max = SIM_MARKETS_MAX,
                                         .selections_max = SIM_MARKETS_MAX * 8,
                                         .bets_max = sim->entries_max + 1,
                                         .legs_max = sim->legs_max + BET_LEGS_MAX,
                                         .stake_limits_max = 1 + (uint32_t)sim_below(sim, 48),
                                         .verdicts_max = sim->entries_max + 1};
    book->pending_max = 4096;
}

/* Limits that are met within the run (S2). */
static void draw_tiny(struct sim *sim)
{
    struct book_options *book = &sim->mix.book;
    book->pending_max = 1 + (uint32_t)sim_below(sim, 4);
    switch (sim_below(sim, 8)) {
    case 0:
        book->limits.accounts_max = 3 + (uint32_t)sim_below(sim, 6);
        break;
    case 1:
        book->limits.markets_max = 4 + (uint32_t)sim_below(sim, 30);
        break;
    case 2:
        book->limits.selections_max = SELECTIONS_MAX + 10 + (uint32_t)sim_below(sim, 100);
        break;
    case 3:
        book->limits.bets_max = 20 + (uint32_t)sim_below(sim, 1000);
        break;
    case 4:
        book->limits.legs_max = 100 + (uint32_t)sim_below(sim, 1500);
        break;
    case 5:
        sim->mix.store_max = 3 + (uint32_t)sim_below(sim, 20);
        break;
    case 6:
        book->limits.cash_outs_max = 1 + (uint32_t)sim_below(sim, 10);
        break;
    default:
        book->limits.verdicts_max = 100 + (uint32_t)sim_below(sim, 3000);
    }
}

/* How often the second fold gets its step, and when it writes. */
static void draw_shadow(struct sim *sim)
{
    static const uint32_t paces[] = {20, 100, 300, 1000};
    static const uint64_t records[] = {20, 300, 1000, 3000};
    sim->mix.shadow_pace = paces[sim_below(sim, 4)];
    sim->mix.snapshots_keep = 1 + (uint32_t)sim_below(sim, SIM_KEEP_MAX);
    sim->mix.snapshot_records = 1 + sim_below(sim, records[sim_below(sim, 4)]);
    if (sim_chance(sim, 150))
        sim->mix.snapshot_records = 0;
}

/* So little memory that most keys are old ones. */
static void draw_verdicts(struct sim *sim)
{
    static const uint32_t paces[] = {100, 500, 1000};
    sim->mix.verdicts_chunk = 1 + (uint32_t)sim_below(sim, 200);
    sim->mix.verdicts_pace = paces[sim_below(sim, 3)];
    sim->mix.book.limits.verdicts_max = 256 + 32 * (uint32_t)sim_below(sim, 30);
}

static void draw_tree(struct sim *sim)
{
    static const int64_t intervals[] = {200000, 1000000, 3000000, 20000000};
    static const uint32_t paces[] = {30, 300, 1000, 1000};
    sim->mix.head_interval_us = intervals[sim_below(sim, 4)];
    sim->mix.checkpoint_records = 1 + sim_below(sim, sim_chance(sim, 500) ? 300 : 3000);
    sim->mix.tree_pace = sim_chance(sim, 150) ? 0 : paces[sim_below(sim, 4)];
}

/* Many rolls. So little is done, and no stall so long, that a group could outgrow a segment. */
static void draw_short_segments(struct sim *sim)
{
    sim->mix.bets_per_tick_max = 1 + (uint32_t)sim_below(sim, 3);
    sim->mix.tick_us_max = 50000;
    sim->mix.stall_us_max = 300000;
    sim->mix.book.settle_per_turn_max = 1 + (uint32_t)sim_below(sim, 8);
    sim->mix.segment_bytes = UINT64_C(131072) + 512 * sim_below(sim, 300);
}

/* What only some runs have, from a sequence of its own: the others are as they were without. */
static void draw_disks(struct sim *sim)
{
    static const uint32_t paces[] = {100, 400, 1000};
    struct sim_mix *mix = &sim->mix;
    struct prng common = sim->prng;
    prng_seed(&sim->prng, sim->options.seed ^ 0x6469736b73);
    mix->stall_limit_us = 5 * US_PER_SECOND;
    mix->two_volumes = sim_chance(sim, 300);
    if (!mix->burst && !mix->synthetic && sim_chance(sim, 250)) {
        draw_short_segments(sim);
        mix->segment_bytes = UINT64_C(65536) + 512 * sim_below(sim, 100);
        mix->upkeep_pace = paces[sim_below(sim, 3)];
        mix->pack_keep = sim_below(sim, 3);
        mix->archive_keep = mix->pack_keep + sim_below(sim, 2);
        mix->archive = sim_chance(sim, 700);
        mix->snapshot_records = 1 + sim_below(sim, 300);
    }
    if (mix->two_volumes) /* short, so that no group outgrows a short segment */
        mix->stall_limit_us = 20000 + (int64_t)sim_below(sim, 200000);
    mix->rotate = sim_chance(sim, 300) ? 1 + (uint32_t)sim_below(sim, 20) : 0;
    if (sim_chance(sim, 250)) {
        mix->ship_mode = SHIP_MODE_ASYNC + (sim_chance(sim, 700) ? 1 : 0);
        mix->ship_degrade = sim_chance(sim, 400) ? SHIP_DEGRADE_ASYNC : SHIP_DEGRADE_STOP;
        mix->ship_timeout_us = 20000 + (int64_t)sim_below(sim, 1000000);
        mix->wire_us_max = 1 + (int64_t)sim_below(sim, sim_chance(sim, 500) ? 1000 : 30000);
        mix->wire_faults = permille(sim, 80);
    }
    sim->prng = common;
}

/* Whether the desk decides what limits refuse, and how fast everybody is; likewise. */
static void draw_referrals(struct sim *sim)
{
    struct sim_mix *mix = &sim->mix;
    struct referral_options *options = &mix->book.referral;
    struct prng common = sim->prng;
    prng_seed(&sim->prng, sim->options.seed ^ 0x726566657273);
    if (sim_chance(sim, 400)) {
        mix->referrals = 30 + (uint32_t)sim_below(sim, 600);
        options->on = sim_chance(sim, 500);
        options->timeout_us = 1 + (int64_t)sim_below(sim, sim_chance(sim, 300) ? 200000 : 8000000);
        options->offer_us = 1 + (int64_t)sim_below(sim, sim_chance(sim, 200) ? 200000 : 20000000);
        if (sim_chance(sim, 400))
            mix->limits += 5 + (uint32_t)sim_below(sim, 15);
        if (sim_chance(sim, 250))
            mix->book.limits.referrals_max = 1 + (uint32_t)sim_below(sim, 5);
    }
    sim->prng = common;
}

/* What is bet on, and what limits that has; the clock of the providers. */
static void draw_tickets(struct sim *sim)
{
    struct sim_mix *mix = &sim->mix;
    mix->multiples = permille(sim, 600);
    mix->each_way = permille(sim, 400);
    mix->book.ticket_limits.legs_max = 3 + (uint32_t)sim_below(sim, 4);
    mix->book.ticket_limits.lines_max = 20 + sim_below(sim, 50);
    if (sim_chance(sim, 200))
        mix->book.ticket_limits.total_odds_max = 10 + (uint32_t)sim_below(sim, 300);
    if (sim_chance(sim, 150))
        mix->book.liability_minor_max = 500 + (int64_t)sim_below(sim, 20000);
    if (sim_chance(sim, 700))
        mix->book.provider_skew_us = (int64_t)sim_below(sim, 8000000) - 4000000;
}

static void draw_policy(struct sim *sim)
{
    struct book_options *book = &sim->mix.book;
    if (sim_chance(sim, 500))
        book->write_off_minor_max = 1 + (int64_t)sim_below(sim, sim_chance(sim, 500) ? 200 : 5000);
    book->results_second_person = sim_chance(sim, 250);
    if (sim_chance(sim, 250))
        book->results_objection_us = 1 + (int64_t)sim_below(sim, 5000000);
    if (sim_chance(sim, 300))
        book->results_certainty_least = 2;
    book->limits.proposals_max = 1 + (uint32_t)sim_below(sim, 64);
}

static void draw_cash_outs(struct sim *sim)
{
    struct cash_out_options *options = &sim->mix.book.cash_out;
    sim->mix.cash_outs = permille(sim, 250);
    sim->mix.promotions = permille(sim, 500);
    sim->mix.spenders = sim_chance(sim, 400) ? 500 + (uint32_t)sim_below(sim, 500) : 0;
    if (sim->mix.spenders > 0)
        sim->mix.users = 6 + (uint32_t)sim_below(sim, 4);
    sim->mix.limits = permille(sim, 50);
    sim->mix.alternatives = permille(sim, 400);
    options->on = !sim_chance(sim, 50);
    options->margin_permyriad = (uint32_t)sim_below(sim, sim_chance(sim, 800) ? 1500 : 10001);
    options->valid_us = 1 + (int64_t)sim_below(sim, sim_chance(sim, 300) ? 50000 : 8000000);
}

void sim_mix_draw(struct sim *sim)
{
    static const int64_t ticks_us[] = {2000, 20000, 20000, 50000, 200000};
    struct sim_mix *mix = &sim->mix;
    /* One draw a statement: C leaves the order within one open. */
    *mix = (struct sim_mix){.store_max = SIM_MARKETS_MAX, .stall_us_max = 7000000};
    mix->users = 6 + (uint32_t)sim_below(sim, SIM_USERS_MAX - 6);
    mix->slots = 3 + (uint32_t)sim_below(sim, SIM_SLOTS_MAX - 3);
    mix->bets_per_tick_max = 1 + (uint32_t)sim_below(sim, 16);
    mix->faults = sim_chance(sim, 100) ? 0 : 1 + (uint32_t)sim_below(sim, 10);
    mix->feed_drop = permille(sim, 100);
    mix->feed_duplicate = permille(sim, 100);
    mix->feed_reorder = permille(sim, 100);
    mix->retry = permille(sim, 150);
    mix->other_body = permille(sim, 500);
    mix->disconnect = permille(sim, 100);
    mix->tick_us_max = ticks_us[sim_below(sim, 5)];
    mix->delay_us_max = sim_chance(sim, 300) ? 50000 : 5000000;
    mix->synthetic = sim_chance(sim, 200);
    mix->tiny = sim_chance(sim, 250);
    mix->newest_only = sim_chance(sim, 500);
    mix->burst = sim_chance(sim, 40);
    mix->segment_bytes = (UINT64_C(1) << 20) + 65536 * sim_below(sim, 16);
    sim->entries_max = (uint32_t)(sim->options.ticks * (mix->bets_per_tick_max + 1)) + 20000u;
    sim->legs_max = sim->entries_max * SIM_LEGS_MAX;
    draw_book(sim);
    draw_shadow(sim);
    draw_tree(sim);
    draw_tickets(sim);
    draw_cash_outs(sim);
    draw_policy(sim);
    mix->vault_block = sim_chance(sim, 150) ? 0 : 1 + (uint32_t)sim_below(sim, 10);
    mix->odds_bytes_max = sim_chance(sim, 300) ? 500 + sim_below(sim, 8000) : 0;
    if (sim_chance(sim, 500))
        draw_verdicts(sim);
    if (mix->tiny)
        draw_tiny(sim);
    if (!mix->burst && !mix->synthetic && sim_chance(sim, 250))
        draw_short_segments(sim);
    draw_disks(sim);
    draw_referrals(sim);
}
