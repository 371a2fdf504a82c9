/* sim_verdicts.c - old idempotency keys on the disk (L3): the memory for verdicts is tiny here, the
 * filter is wrong most of the time, and still one key has one verdict for ever. The production
 * keeper, without its threads. */
#include "sim/sim_verdicts.h"
#include "sim/sim_referrals.h"

#include <stdio.h>
#include <string.h>

#include "adapters/embedded/ledger_cursor_file.h"
#include "base/assert.h"
#include "base/error.h"
#include "ledger/shard_verdicts.h"
#include "sim/sim_cash_out.h"
#include "sim/sim_world.h"

#define FILTER_BYTES 64

/* ---- the machine ---- */

static struct ledger_view durable_now(void *owner)
{
    const struct sim *sim = owner;
    return ledger_store_view(sim->store);
}

int sim_verdicts_start(struct sim *sim, const char **ret_reason)
{
    static struct verdict_runs_report report;
    struct sim_verdicts *verdicts = &sim->verdicts;
    const struct verdict_runs_options options = {.chunk_keys = sim->mix.verdicts_chunk,
                                                 .filter_bytes = FILTER_BYTES};
    const struct ledger_cursor_log log = {durable_now, sim};
    if (sim->mix.verdicts_chunk == 0)
        return 0;
    *ret_reason = report.text;
    verdicts->made = verdicts->merged = 0;
    TRY(ledger_cursor_file_new(&log, &verdicts->cursor));
    TRY(verdict_keeper_open(&options, faulty_disk_of(sim->disk), verdicts->cursor, &report,
                            &verdicts->store));
    sim->report.counts[SIM_VERDICTS_AGAIN] += report.dropped;
    return 0;
}

void sim_verdicts_done(struct sim *sim)
{
    struct sim_verdicts *verdicts = &sim->verdicts;
    if (verdicts->store != NULL)
        verdicts->store->ops->free(verdicts->store);
    if (verdicts->cursor != NULL)
        verdicts->cursor->ops->free(verdicts->cursor);
    verdicts->store = NULL;
    verdicts->cursor = NULL;
    for (uint32_t i = 0; i < verdicts->looking_count; i++)
        sim->entries[verdicts->looking[i]].looking = false;
    verdicts->looking_count = 0;
}

void sim_verdicts_step(struct sim *sim)
{
    struct sim_verdicts *verdicts = &sim->verdicts;
    if (verdicts->store == NULL || !(sim->quiet || sim_chance(sim, sim->mix.verdicts_pace)))
        return;
    (void)verdict_keeper_turn(verdicts->store, (unsigned)sim_below(sim, 4));
    const struct verdict_keeper_metrics *m = verdict_keeper_metrics(verdicts->store);
    sim->report.counts[SIM_VERDICT_RUN] += m->made.value - verdicts->made;
    sim->report.counts[SIM_VERDICT_MERGE] += m->merged.value - verdicts->merged;
    verdicts->made = m->made.value;
    verdicts->merged = m->merged.value;
    SIM_CHECK(verdicts->store->ops->problem(verdicts->store)[0] == '\0' || verdicts->damaged ||
                  sim->disk_failing || sim->disk_full,
              "L3", "the store of old keys says: %s",
              verdicts->store->ops->problem(verdicts->store));
}

/* ---- who waits ---- */

/* The call was taken, and decides later. */
void sim_verdicts_look(struct sim *sim, uint32_t index)
{
    struct sim_verdicts *verdicts = &sim->verdicts;
    struct sim_entry *entry = &sim->entries[index];
    entry->looked_in = sim->incarnation;
    sim_count(sim, SIM_OLD_KEY_ASKED);
    if (entry->seq != 0 || entry->decided_in == sim->incarnation || entry->looking)
        return;
    ASSERT(verdicts->looking_count < VERDICT_ASKS_MAX);
    entry->looking = true;
    verdicts->looking[verdicts->looking_count++] = index;
}

static const struct shard_verdict *verdict_of(struct sim *sim, const struct sim_entry *entry)
{
    const struct shard_state *state = book_state(sim->book);
    char user[32], key[32];
    struct account_ref account = shard_state_find_account(
        state, slice_of(user, (size_t)snprintf(user, sizeof user, "user-%u", entry->user)));
    struct slice text = slice_of(key, (size_t)snprintf(key, sizeof key, "k%u", entry->number / 2));
    if (account.n == 0)
        return NULL;
    return shard_state_verdict(state, shard_verdict_key(shard_state_hash_key(state), account,
                                                        (enum operation)entry->operation, text));
}

/* It was decided in the turn that ends, by what is published now. */
static void decided(struct sim *sim, uint32_t index, const struct shard_verdict *verdict)
{
    struct sim_entry *entry = &sim->entries[index];
    entry->decided_in = sim->incarnation;
    entry->decided_us = sim->now_us;
    if (entry->operation == OPERATION_CASH_OUT) {
        uint32_t row = shard_state_find_cash_out(book_state(sim->book), verdict->seq);
        if (row != CASH_OUT_NONE)
            sim_sale_waits(sim, index, row);
        return;
    }
    if (verdict->bet == BET_NONE ||
        !sim_bet_waits(shard_state_bet(book_state(sim->book), verdict->bet)->state))
        return;
    ASSERT(sim->pending_count < sim->pending_max);
    sim->pending[sim->pending_count++] = (struct sim_pending){verdict->bet, index};
}

void sim_verdicts_end_turn(struct sim *sim)
{
    struct sim_verdicts *verdicts = &sim->verdicts;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < verdicts->looking_count; i++) {
        uint32_t index = verdicts->looking[i];
        struct sim_entry *entry = &sim->entries[index];
        const struct shard_verdict *verdict = verdict_of(sim, entry);
        if (verdict != NULL && entry->decided_in != sim->incarnation)
            decided(sim, index, verdict);
        entry->looking = verdict == NULL && entry->waiting > 0;
        if (entry->looking)
            verdicts->looking[kept++] = index;
    }
    verdicts->looking_count = kept;
}

/* ---- damage at rest ---- */

struct verdict_files {
    struct sim *sim;
    uint64_t count, chosen, bytes;
    char name[DISK_NAME_BYTES_MAX + 1];
};

static int visit(void *owner, const char *name)
{
    struct verdict_files *files = owner;
    uint64_t bytes = 0;
    (void)faulty_disk_content(files->sim->disk, name, &bytes);
    if (strncmp(name, "verdicts-", 9) != 0 || bytes == 0 || files->count++ != files->chosen)
        return 0;
    memcpy(files->name, name, strlen(name) + 1);
    files->bytes = bytes;
    return 0;
}

static bool choose(struct sim *sim, struct verdict_files *ret)
{
    struct disk *disk = faulty_disk_of(sim->disk);
    struct verdict_files files = {.sim = sim, .chosen = UINT64_MAX};
    int error = disk->ops->list(disk, visit, &files);
    ASSERT(error == 0);
    if (files.count == 0)
        return false;
    *ret = (struct verdict_files){.sim = sim, .chosen = sim_below(sim, files.count)};
    error = disk->ops->list(disk, visit, ret);
    ASSERT(error == 0);
    return true;
}

bool sim_verdicts_choose(struct sim *sim, char ret_name[DISK_NAME_BYTES_MAX + 1],
                         uint64_t *ret_bytes)
{
    struct verdict_files files;
    uint64_t serial;
    if (!choose(sim, &files) || !verdict_run_name_parse(files.name, 0, &serial))
        return false;
    memcpy(ret_name, files.name, sizeof files.name);
    *ret_bytes = files.bytes;
    return true;
}

void sim_verdicts_damage(struct sim *sim)
{
    struct verdict_files files;
    if (!choose(sim, &files))
        return;
    uint64_t at = sim_below(sim, files.bytes);
    unsigned bit = (unsigned)sim_below(sim, 8);
    if (sim_chance(sim, 300))
        (void)faulty_disk_delete(sim->disk, files.name);
    else
        (void)faulty_disk_flip(sim->disk, files.name, at, bit);
    sim->verdicts.damaged = true;
    sim_count(sim, SIM_VERDICTS_DAMAGED);
}
