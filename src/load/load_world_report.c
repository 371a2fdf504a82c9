/* load_world_report.c - contract in load_world_internal.h. */
#include "load/load_world_internal.h"

#define PERCENT_PLACES 2

static void put_u64(struct json_writer *writer, const char *key, uint64_t value)
{
    json_write_key(writer, key);
    json_write_u64(writer, value);
}

static void put_percent(struct json_writer *writer, const char *key, uint64_t part, uint64_t whole)
{
    json_write_key(writer, key);
    json_write_decimal(writer, whole == 0 ? 0 : (int64_t)(part * 10000 / whole), PERCENT_PLACES);
}

static void put_histogram(struct json_writer *writer, const char *key,
                          const struct histogram *histogram)
{
    json_write_key(writer, key);
    load_tally_write_histogram(writer, histogram);
}

static uint64_t odds_changed(const struct load_tally *tally)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < tally->codes_count; i++)
        if (slice_is(slice_of(tally->codes[i].code, tally->codes[i].code_bytes), "ODDS_CHANGED"))
            count += tally->codes[i].count;
    return count;
}

static void put_options(struct json_writer *writer, const struct load_options *options)
{
    const struct load_world_options *world = &options->world;
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {{"users", options->users},
                {"markets", world->markets},
                {"poll_ms", world->poll_ms},
                {"bet_ms", world->bet_ms},
                {"balance_ms", world->balance_ms},
                {"leave_ms", world->leave_ms},
                {"burst", world->burst},
                {"calm_ms", world->calm_ms},
                {"volatile_ms", world->volatile_ms},
                {"goal_ms", world->goal_ms},
                {"suspended_ms", world->suspended_ms},
                {"timeout_ms", world->timeout_ms},
                {"retries_max", world->retries}};
    load_options_write(writer, "world", options);
    json_write_key(writer, "streams");
    json_write_bool(writer, world->streams);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put_u64(writer, rows[i].key, rows[i].value);
}

static void put_tallies(struct json_writer *writer, const struct world *world)
{
    static const struct {
        const char *key;
        enum load_act_kind kind;
    } rows[] = {{"polls", LOAD_ACT_POLL}, {"bets", LOAD_ACT_BET}, {"balances", LOAD_ACT_BALANCE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_write_key(writer, rows[i].key);
        json_write_object_open(writer);
        load_tally_write(writer, &world->tallies[rows[i].kind]);
        json_write_object_close(writer);
    }
}

static void put_counts(struct json_writer *writer, const struct world *world)
{
    const struct world_counts *counts = &world->counts;
    const struct load_tally *bets = &world->tallies[LOAD_ACT_BET];
    put_u64(writer, "absent", counts->absent);
    put_u64(writer, "not_offered", counts->not_offered);
    put_u64(writer, "retries", counts->retries);
    put_u64(writer, "replayed", counts->replayed);
    put_u64(writer, "duplicates", counts->duplicates);
    put_u64(writer, "disconnects", counts->leaves);
    put_u64(writer, "goals", counts->goals);
    put_u64(writer, "moves", counts->moves);
    put_percent(writer, "odds_changed_percent", odds_changed(bets), bets->answered);
    put_percent(writer, "on_old_price_percent", counts->on_old_price, world->stale_us.count);
    put_histogram(writer, "sight_us", &world->sight_us);
    put_histogram(writer, "stale_us", &world->stale_us);
}

static void put_machine_use(struct json_writer *writer, const struct world *world)
{
    int64_t share = load_permille(world->own_cpu_us, world->window_us);
    json_write_key(writer, "generator");
    json_write_object_open(writer);
    json_write_key(writer, "cpu_share");
    json_write_decimal(writer, share, 3);
    put_histogram(writer, "own_late_us", &world->own_late_us);
    put_u64(writer, "beyond", world->counts.beyond);
    json_write_key(writer, "saturated");
    json_write_bool(writer, load_is_saturated(share, &world->own_late_us,
                                              &world->tallies[LOAD_ACT_BET].latency_us));
    json_write_object_close(writer);
    if (world->server_cpu_us < 0)
        return;
    json_write_key(writer, "server_cpu_share");
    json_write_decimal(writer, load_permille(world->server_cpu_us, world->window_us), 3);
}

static void put_series(struct json_writer *writer, const struct world *world)
{
    json_write_key(writer, "series");
    json_write_array_open(writer);
    for (int64_t i = 0; i <= world->second; i++) {
        const struct world_second *second = &world->seconds[i];
        json_write_object_open(writer);
        put_u64(writer, "acts", second->acts);
        put_u64(writer, "bets", second->bets);
        put_u64(writer, "accepted", second->accepted);
        put_u64(writer, "refused", second->refused);
        put_u64(writer, "failed", second->failed);
        put_u64(writer, "latency_p99_us", second->latency_p99_us);
        put_u64(writer, "stale_p99_us", second->stale_p99_us);
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

void world_report(const struct world *world, struct buf *out)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_options(&writer, world->options);
    put_tallies(&writer, world);
    put_counts(&writer, world);
    put_machine_use(&writer, world);
    put_series(&writer, world);
    json_write_object_close(&writer);
}
