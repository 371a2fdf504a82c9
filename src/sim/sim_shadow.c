/* sim_shadow.c - the second fold in the simulated machine: it writes snapshots beside the log,
 * starts begin with them, and it finds a live state that has drifted (L1, L4, L5). The world
 * damages snapshots at rest, cuts the power while one is written, and lets bits of the live
 * state fall over. */
#include <string.h>

#include "adapters/embedded/ledger_cursor_file.h"
#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/snapshot_file.h"
#include "base/assert.h"
#include "base/error.h"
#include "sim/sim_world.h"

#define DRIFT_TURNS_MAX 4000

/* ---- what a start must find ---- */

static void keep_forget(struct sim_shadow *shadow, size_t at)
{
    memmove(&shadow->kept[at], &shadow->kept[at + 1],
            (--shadow->kept_count - at) * sizeof *shadow->kept);
}

/* The store keeps so many at or below the newest saved, whether they are sound or not. */
static void keep_add(struct sim *sim, uint64_t seq)
{
    struct sim_shadow *shadow = &sim->shadow;
    if (shadow->kept_count == SIM_KEPT_MAX)
        keep_forget(shadow, 0);
    size_t at = shadow->kept_count++;
    for (; at > 0 && shadow->kept[at - 1].seq >= seq; at--)
        shadow->kept[at] = shadow->kept[at - 1];
    shadow->kept[at] = (struct sim_kept){seq, sim_clock(sim), false};
    for (size_t below = at + 1; below > sim->mix.snapshots_keep; below--)
        keep_forget(shadow, 0);
}

/* The number of the newest sound one. */
static uint64_t newest_sound(const struct sim_shadow *shadow)
{
    for (size_t i = shadow->kept_count; i-- > 0;)
        if (!shadow->kept[i].damaged)
            return shadow->kept[i].seq;
    return 0;
}

/* Power failed behind this operation: what was kept later may or may not be there. What was
 * damaged at rest is whole again, for the world does not write damage through. */
void sim_shadow_crashed(struct sim *sim, size_t op)
{
    struct sim_shadow *shadow = &sim->shadow;
    for (size_t i = shadow->kept_count; i-- > 0;) {
        if (shadow->kept[i].ops > op)
            keep_forget(shadow, i);
        else
            shadow->kept[i] = (struct sim_kept){shadow->kept[i].seq, 0, false};
    }
    shadow->damaged = false;
}

/* ---- the machine ---- */

int sim_shadow_open(struct sim *sim)
{
    struct sim_shadow *shadow = &sim->shadow;
    const struct snapshot_file_options files = {.keep = sim->mix.snapshots_keep};
    if (sim->mix.snapshot_records == 0)
        return 0;
    TRY(snapshot_file_new(&files, faulty_disk_of(sim->disk), &shadow->of_book));
    TRY(snapshot_file_new(&files, faulty_disk_of(sim->disk), &shadow->own));
    return reconcile_new(&shadow->reconcile);
}

static struct ledger_view durable_now(void *owner)
{
    const struct sim *sim = owner;
    return ledger_store_view(sim->store);
}

/* The live state after a start: what the oracle folded, and the snapshot that was to be found. */
static void check_start(struct sim *sim)
{
    struct sim_shadow *shadow = &sim->shadow;
    const struct book_restart *restart = book_restart(sim->book);
    uint64_t least = newest_sound(shadow);
    SIM_CHECK(restart->snapshots_passed == 0 || shadow->damaged, "L5",
              "a snapshot that nobody damaged is passed over: %s", restart->text);
    SIM_CHECK(restart->snapshot_seq >= least, "L2",
              "a start begins with the snapshot of %llu; that of %llu was kept",
              (unsigned long long)restart->snapshot_seq, (unsigned long long)least);
    sim->report.counts[SIM_SNAPSHOT_PASSED] += restart->snapshots_passed;
    if (restart->snapshot_seq == 0)
        return;
    sim_count(sim, SIM_SNAPSHOT_START);
    sim_check_rows(sim, book_state(sim->book));
}

int sim_shadow_start(struct sim *sim)
{
    struct sim_shadow *shadow = &sim->shadow;
    const struct ledger_cursor_log log = {durable_now, sim};
    const struct shadow_options options = {sim->mix.book.limits, sim->mix.snapshot_records};
    if (shadow->own == NULL)
        return 0;
    check_start(sim);
    TRY(ledger_cursor_file_new(&log, &shadow->cursor));
    const struct shadow_ports ports = {.cursor = shadow->cursor,
                                       .snapshots = shadow->own,
                                       .reconcile = shadow->reconcile,
                                       .verdicts = sim->verdicts.store};
    shadow->snapshots = shadow->errors = shadow->samples = 0;
    shadow->ended = shadow->drifting = false;
    return shadow_new(&options, &ports, &shadow->shadow);
}

void sim_shadow_done(struct sim *sim)
{
    struct sim_shadow *shadow = &sim->shadow;
    shadow_free(shadow->shadow);
    if (shadow->cursor != NULL)
        shadow->cursor->ops->free(shadow->cursor);
    reconcile_free(shadow->reconcile);
    if (shadow->of_book != NULL)
        shadow->of_book->ops->free(shadow->of_book);
    if (shadow->own != NULL)
        shadow->own->ops->free(shadow->own);
    shadow->shadow = NULL;
    shadow->cursor = NULL;
    shadow->reconcile = NULL;
    shadow->of_book = shadow->own = NULL;
    shadow->saved = false;
}

static void count_saved(struct sim *sim, const struct shadow_stats *stats)
{
    struct sim_shadow *shadow = &sim->shadow;
    if (stats->snapshots > shadow->snapshots) {
        SIM_CHECK(stats->snapshot_seq <= sim->store->place.seq, "L2",
                  "a snapshot of %llu, which is not durable",
                  (unsigned long long)stats->snapshot_seq);
        keep_add(sim, stats->snapshot_seq);
        sim_count(sim, SIM_SNAPSHOT);
    }
    if (stats->snapshot_errors > shadow->errors) {
        SIM_CHECK(sim->disk_full || sim->disk_failing || shadow->failing, "S1",
                  "a snapshot failed without a fault");
        shadow->kept_count = 0; /* its name may be there or not, and counts among those kept */
        sim_count(sim, SIM_SNAPSHOT_FAILED);
    }
    shadow->saved = stats->snapshots + stats->snapshot_errors > shadow->snapshots + shadow->errors;
    shadow->snapshots = stats->snapshots;
    shadow->errors = stats->snapshot_errors;
}

void sim_shadow_step(struct sim *sim)
{
    struct sim_shadow *shadow = &sim->shadow;
    shadow->saved = false;
    if (shadow->shadow == NULL || shadow->ended || !sim_chance(sim, sim->mix.shadow_pace))
        return;
    shadow->ops_before = sim_clock(sim);
    shadow->failing = sim->mix.faults > 0 && !sim->disk_failing && sim_chance(sim, 5);
    if (shadow->failing)
        sim_disks_fail_next(sim, true);
    int result = shadow_step(shadow->shadow);
    if (shadow->failing)
        sim_disks_fail_next(sim, false);
    struct shadow_stats stats = shadow_stats(shadow->shadow);
    uint64_t samples = reconcile_stats(shadow->reconcile).samples;
    count_saved(sim, &stats);
    sim->report.counts[SIM_SAMPLE] += samples - shadow->samples;
    shadow->samples = samples;
    if (result >= 0)
        return;
    shadow->ended = true;
    SIM_CHECK(shadow->drifting, "L5", "the second fold ends: %s", shadow_text(shadow->shadow));
}

/* ---- the world ---- */

/* One of the snapshots on the disk loses a bit, its end, or itself. */
void sim_shadow_damage(struct sim *sim)
{
    struct sim_shadow *shadow = &sim->shadow;
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    size_t count = 0;
    uint64_t bytes = 0;
    int error = snapshot_file_list(faulty_disk_of(sim->disk), 0, names, &count);
    ASSERT(error == 0);
    if (count == 0)
        return;
    const struct snapshot_name *name = &names[sim_below(sim, count)];
    (void)faulty_disk_content(sim->disk, name->name, &bytes);
    uint64_t kind = sim_below(sim, 4), at = sim_below(sim, bytes + 1);
    unsigned bit = (unsigned)sim_below(sim, 8);
    if (kind == 0)
        (void)faulty_disk_delete(sim->disk, name->name);
    else if (kind == 1 || at == bytes)
        (void)faulty_disk_set_size(sim->disk, name->name, at);
    else
        (void)faulty_disk_flip(sim->disk, name->name, at, bit);
    shadow->damaged = true;
    for (size_t i = shadow->kept_count; i-- > 0;)
        if (shadow->kept[i].seq == name->seq && kind == 0)
            keep_forget(shadow, i);
        else if (shadow->kept[i].seq == name->seq)
            shadow->kept[i].damaged = true;
    sim_count(sim, SIM_SNAPSHOT_DAMAGED);
}

/* What of the live state falls over, and what reconciliation must say of it. */
struct fallen {
    int64_t *at;
    enum reconcile_kind kind;
    uint32_t ref;
    const char *field;
};

static struct fallen choose_row(struct sim *sim)
{
    const struct shard_state *state = book_state(sim->book);
    uint32_t bets = shard_state_bets_count(state), accounts = shard_state_accounts_count(state);
    uint64_t kind = sim_below(sim, 4);
    if (kind == 0 && bets > 0) {
        uint32_t index = (uint32_t)sim_below(sim, bets);
        struct shard_bet *bet = (struct shard_bet *)shard_state_bet(state, index);
        return (struct fallen){&bet->payout, RECONCILE_BET, index, "payout"};
    }
    if (kind == 1 && shard_state_houses_count(state) > 0) {
        size_t index = sim_below(sim, shard_state_houses_count(state));
        struct shard_house *house = (struct shard_house *)shard_state_house(state, index);
        return (struct fallen){&house->result, RECONCILE_HOUSE, (uint32_t)index, "result"};
    }
    if (accounts == 0)
        return (struct fallen){.at = NULL};
    struct account_ref ref = {1 + (uint32_t)sim_below(sim, accounts)};
    struct shard_account *account = (struct shard_account *)shard_state_account(state, ref);
    bool held = kind == 2;
    return (struct fallen){held ? &account->held : &account->available, RECONCILE_ACCOUNT, ref.n,
                           held ? "held" : "available"};
}

static void check_drift(struct sim *sim, const struct fallen *fallen, int64_t before)
{
    const struct reconcile_drift *drift = live_reconcile_explained(sim->shadow.reconcile);
    SIM_CHECK(drift != NULL, "L4", "a drift stopped the book and was never explained");
    SIM_CHECK(drift->kind == fallen->kind && drift->ref == fallen->ref &&
                  strcmp(drift->field, fallen->field) == 0,
              "L4", "%s of row %u of kind %d fell over; found was: %s", fallen->field, fallen->ref,
              (int)fallen->kind, drift->text);
    SIM_CHECK(drift->live == *fallen->at && drift->refolded == before, "L4",
              "a drift from %lld to %lld is told as: %s", (long long)before, (long long)*fallen->at,
              drift->text);
    SIM_CHECK(strstr(book_stop_reason(sim->book), "drifted") != NULL, "L4",
              "a drift stopped the book, and it says: %s", book_stop_reason(sim->book));
}

/* The book rests. A bit of its state falls over; it must stop before it decides on it for long,
 * and say which row. */
void sim_shadow_drift(struct sim *sim)
{
    struct fallen fallen = choose_row(sim);
    if (sim->shadow.shadow == NULL || fallen.at == NULL)
        return;
    int64_t before = *fallen.at;
    *fallen.at ^= INT64_C(1) << sim_below(sim, 40);
    sim->shadow.drifting = true;
    sim->quiet = true;
    for (int turns = 0; !sim->shadow.ended || !book_stopped(sim->book); turns++) {
        SIM_CHECK(turns < DRIFT_TURNS_MAX, "L4", "%s of row %u of kind %d drifts, and nobody sees",
                  fallen.field, fallen.ref, (int)fallen.kind);
        sim->now_us += 20000;
        sim_turn(sim);
    }
    sim->quiet = false;
    check_drift(sim, &fallen, before);
    sim_count(sim, SIM_DRIFT);
    sim_machine_kill(sim);
}
