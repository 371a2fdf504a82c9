/* sim_tree.c - the Merkle tree in the simulated machine (L8): the production keeper, stepped by the
 * one thread that there is. The world holds every head that it was ever shown and asks for proofs;
 * all of them are held against a tree of the world's own (sim_history.h). */
#include "sim/sim_tree.h"

#include <string.h>

#include "adapters/embedded/ledger_file.h"
#include "base/assert.h"
#include "base/error.h"
#include "sim/sim_world.h"

#define RING_BYTES RECORD_BYTES_MAX

int sim_tree_new(struct sim *sim)
{
    return sim_history_init(&sim->tree.history, sim->oracle.crcs_max);
}

void sim_tree_free(struct sim *sim)
{
    sim_history_done(&sim->tree.history);
    sign_key_free(sim->tree.key);
}

/* ---- the machine ---- */

static int64_t clock_us(void *owner, bool wall)
{
    const struct sim *sim = owner;
    return wall ? sim_wall(sim).us : sim->now_us;
}

static void on_notify(void *owner)
{
    ((struct sim *)owner)->tree.head_new = true;
}

static int replay(void *owner, uint64_t seq_first, ledger_visit visit, void *visitor,
                  char *ret_text)
{
    const struct ledger_store *store = owner;
    struct ledger_view view = ledger_store_view(store);
    return ledger_replay(&view, seq_first, visit, visitor, ret_text);
}

struct tree_log sim_tree_log(struct ledger_store *store)
{
    return (struct tree_log){store->creation, replay, store};
}

int sim_tree_keeper_new(struct sim *sim, struct tree_keeper **ret_keeper)
{
    struct tree_keeper_options options = {.interval_us = sim->mix.head_interval_us,
                                          .on_demand_per_s = 1000,
                                          .ring_bytes = RING_BYTES,
                                          .checkpoint_records = sim->mix.checkpoint_records,
                                          .clock_us = clock_us,
                                          .clock_owner = sim};
    sim_tree_key_options(sim, &options);
    return tree_keeper_new(&options, ret_keeper);
}

/* What does not fit together is begun again at once; what was not damaged fits together. */
static void see_damage_at_start(struct sim *sim, bool checkpoint)
{
    struct sim_tree *tree = &sim->tree;
    struct tree_keeper_stats stats;
    tree_keeper_stats(tree->keeper, &stats);
    if (stats.size > 0 || !checkpoint) {
        if (tree->noticed) /* it is made of the log again */
            tree->damaged = tree->noticed = false;
        return;
    }
    SIM_CHECK(tree->damaged, "L8", "a tree that nobody damaged is begun again");
    if (!tree->noticed)
        sim_count(sim, SIM_TREE_DAMAGE_FOUND);
    tree->noticed = true; /* the damaged files stay until the next checkpoint */
}

int sim_tree_start(struct sim *sim, const char **ret_reason)
{
    static char text[TREE_KEEPER_TEXT_BYTES];
    struct sim_tree *tree = &sim->tree;
    const struct tree_log log = sim_tree_log(sim->store);
    if (sim->mix.tree_pace == 0)
        return 0;
    TRY(sim_tree_key_open(sim));
    TRY(sim_tree_keeper_new(sim, &tree->keeper));
    sim->log.follower = tree_keeper_follower(tree->keeper);
    struct ledger_tree *port = tree_keeper_tree(tree->keeper);
    port->notify = on_notify;
    port->notify_owner = sim;
    tree->head_new = true;
    tree->size_last = tree->gaps = 0;
    tree->time_last = 0;
    tree->stopped = false;
    *ret_reason = text;
    uint64_t bytes = 0;
    bool checkpoint = faulty_disk_content(sim->disk, "tree-0000", &bytes) != NULL;
    TRY(tree_keeper_open(tree->keeper, faulty_disk_of(sim->disk), &log, sim->store->place.seq,
                         text));
    see_damage_at_start(sim, checkpoint);
    return 0;
}

static void forget_asks(struct sim *sim)
{
    for (int i = 0; i < SIM_ASKS_MAX; i++)
        sim->tree.asks[i].used = false;
}

void sim_tree_drop(struct sim *sim)
{
    if (sim->tree.keeper != NULL)
        tree_keeper_abandon(sim->tree.keeper);
    sim->tree.keeper = NULL;
    forget_asks(sim);
}

void sim_tree_stop(struct sim *sim)
{
    if (sim->tree.keeper == NULL)
        return;
    tree_keeper_detach(sim->tree.keeper);
    tree_keeper_free(sim->tree.keeper);
    sim->tree.keeper = NULL;
    forget_asks(sim);
}

void sim_tree_crashed(struct sim *sim)
{
    if (sim->mix.rotate > 0 && sim_chance(sim, 300)) { /* a machine without its battery */
        sim->wall_offset_us -= (int64_t)sim_below(sim, 30 * US_PER_SECOND);
        sim_count(sim, SIM_CLOCK_BACK);
    }
    sim->tree.damaged = sim->tree.noticed = false; /* damage at rest was not written through */
}

/* ---- heads ---- */

static void hold_head(struct sim_tree *tree, const struct tree_head *head)
{
    size_t at = tree->heads_count;
    if (at == SIM_HEADS_MAX)
        return;
    for (; at > 0 && tree->heads[at - 1].root.size > head->root.size; at--)
        tree->heads[at] = tree->heads[at - 1];
    tree->heads[at] = *head;
    tree->heads_count++;
}

/* A head may cover records that are durable and that nobody was told of yet: the oracle learns of
 * them now, or after a crash, and they must be the same then. */
static void check_root(struct sim *sim, const struct tree_head *head)
{
    if (head->root.size == 0 || head->root.size > sim->tree.history.size)
        return;
    struct sim_hash root = sim_history_root(&sim->tree.history, head->root.size);
    SIM_CHECK(memcmp(root.at, head->root.hash.at, sizeof root) == 0, "L8",
              "the head of %llu records is signed over another history",
              (unsigned long long)head->root.size);
}

/* One head is shown many times: these very bytes were found well signed before. */
static int read_head(struct sim_tree *tree, const unsigned char bytes[TREE_HEAD_BYTES],
                     struct tree_head *ret)
{
    if (tree->sound_known && memcmp(bytes, tree->sound, TREE_HEAD_BYTES) == 0)
        return tree_head_parse(bytes, ret);
    TRY(tree_head_read(bytes, ret));
    memcpy(tree->sound, bytes, TREE_HEAD_BYTES);
    tree->sound_known = true;
    return 0;
}

/* Any head that leaves the machine: somebody holds it from now on. */
static struct tree_head check_head(struct sim *sim, const unsigned char bytes[TREE_HEAD_BYTES])
{
    struct sim_tree *tree = &sim->tree;
    struct tree_head head;
    SIM_CHECK(read_head(tree, bytes, &head) == 0 && head.shard == 0, "L8",
              "a head is shown that its key did not sign");
    uint32_t number = sim_key_number(sim, head.key);
    if (head.time_us > tree->time_shown)
        tree->time_shown = head.time_us;
    if (number > tree->key_shown) {
        tree->key_shown = number;
        sim->ops_safe = sim_clock(sim); /* whoever has the head knows that the link is durable */
    }
    SIM_CHECK(memcmp(head.log_id, sim->mix.book.genesis_random, sizeof head.log_id) == 0, "L8",
              "a head of another book");
    SIM_CHECK(head.root.size <= sim->store->place.seq, "L8",
              "a head covers %llu records, and %llu are durable",
              (unsigned long long)head.root.size, (unsigned long long)sim->store->place.seq);
    check_root(sim, &head);
    hold_head(tree, &head);
    return head;
}

static void take_head(struct sim *sim, const unsigned char bytes[TREE_HEAD_BYTES])
{
    struct sim_tree *tree = &sim->tree;
    struct tree_head head = check_head(sim, bytes);
    SIM_CHECK(head.root.size >= tree->size_last && head.time_us >= tree->time_last, "L8",
              "a head of %llu records after one of %llu, or an older one",
              (unsigned long long)head.root.size, (unsigned long long)tree->size_last);
    if (head.root.size > tree->size_last)
        sim_count(sim, SIM_HEAD);
    tree->size_last = head.root.size;
    tree->time_last = head.time_us;
}

/* After a start: what is held outside is still the begin of what is there. */
void sim_tree_check_held(struct sim *sim)
{
    const struct sim_tree *tree = &sim->tree;
    for (size_t i = 0; i < tree->heads_count; i++) {
        SIM_CHECK(tree->heads[i].root.size <= tree->history.size, "L8",
                  "a head of %llu records is held, and the log has %llu",
                  (unsigned long long)tree->heads[i].root.size,
                  (unsigned long long)tree->history.size);
        check_root(sim, &tree->heads[i]);
    }
}

/* ---- proofs ---- */

static void check_path(struct sim *sim, const struct tree_entry *entry,
                       const struct tree_head *head)
{
    struct sim_hash expected[MERKLE_PROOF_MAX];
    if (head->root.size > sim->tree.history.size)
        return; /* of records that nobody was told of yet */
    size_t count = sim_history_path(&sim->tree.history, entry->seq - 1, head->root.size, expected);
    SIM_CHECK(entry->path->count == count &&
                  memcmp(entry->path->hashes, expected, count * sizeof *expected) == 0,
              "L8", "the proof of record %llu does not lead to the head of %llu",
              (unsigned long long)entry->seq, (unsigned long long)head->root.size);
    sim_count(sim, SIM_PROOF);
}

static void check_consistency(struct sim *sim, const struct tree_ask *ask,
                              const struct tree_head *head)
{
    struct sim_hash expected[MERKLE_PROOF_MAX];
    if (head->root.size > sim->tree.history.size)
        return;
    size_t count =
        sim_history_consistency(&sim->tree.history, ask->from, head->root.size, expected);
    SIM_CHECK(ask->consistency_path.count == count &&
                  memcmp(ask->consistency_path.hashes, expected, count * sizeof *expected) == 0,
              "L8", "the proof that the head of %llu begins with that of %llu is another one",
              (unsigned long long)head->root.size, (unsigned long long)ask->from);
    sim_count(sim, SIM_CONSISTENCY);
}

static void check_refused(struct sim *sim, const struct tree_ask *ask, int error)
{
    struct tree_keeper_stats stats;
    tree_keeper_stats(sim->tree.keeper, &stats);
    if (error == -ERR_CORRUPT && sim->tree.damaged) {
        sim->tree.noticed = true;
        sim_count(sim, SIM_TREE_DAMAGE_FOUND);
        return;
    }
    /* A head that is kept may be of less than one that was shown before the power failed. */
    bool allowed = error == -ERR_BUSY ||
                   (error == -ERR_NOT_FOUND && (ask->consistency || sim->tree.size_last == 0)) ||
                   (error == -ERR_IO && sim->disk_failing) ||
                   (error == -ERR_NO_SPACE && sim->disk_full) ||
                   (stats.error < 0 && (error == -ERR_STOPPED || error == stats.error));
    SIM_CHECK(allowed, "L8", "a proof is refused: %s", error_text(error));
}

static void on_asked(struct tree_ask *ask, int error)
{
    struct sim_ask *own = ask->owner;
    struct sim *sim = own->sim;
    SIM_CHECK(own->used && own->incarnation == sim->incarnation, "L8", "a proof for nobody");
    own->used = false;
    if (error < 0) {
        check_refused(sim, ask, error);
        return;
    }
    struct tree_head head = check_head(sim, ask->head);
    for (uint32_t i = 0; i < ask->count; i++)
        check_path(sim, &ask->entries[i], &head);
    if (ask->consistency)
        check_consistency(sim, ask, &head);
}

/* A record of which the answer was given; false when it is too long for what is kept here. */
static bool read_record(struct sim *sim, uint64_t seq, char memory[SIM_ASK_RECORD_BYTES],
                        struct tree_entry *ret)
{
    const struct ledger_read read = {
        .seq_first = seq, .count = 1, .memory = memory, .capacity = SIM_ASK_RECORD_BYTES};
    struct ledger_view view = ledger_store_view(sim->store);
    size_t bytes = 0;
    int error = ledger_lookup_read(sim->log.lookup, &view, &read, &bytes);
    SIM_CHECK(error == 0 || error == -ERR_LIMIT, "L2", "record %llu cannot be read: %s",
              (unsigned long long)seq, error_text(error));
    ret->seq = seq;
    ret->record = slice_of(memory, bytes);
    return error == 0;
}

static void ask(struct sim *sim, struct sim_ask *own)
{
    struct sim_tree *tree = &sim->tree;
    struct ledger_tree *port = tree_keeper_tree(tree->keeper);
    *own = (struct sim_ask){.sim = sim, .incarnation = sim->incarnation};
    own->ask = (struct tree_ask){.entries = own->entries, .on_done = on_asked, .owner = own};
    uint64_t wanted = sim->oracle.seq == 0 ? 0 : sim_below(sim, SIM_ASK_ENTRIES_MAX + 1);
    for (uint32_t i = 0; i < wanted; i++) {
        struct tree_entry *entry = &own->entries[own->ask.count];
        uint64_t seq = sim_chance(sim, 300) ? sim->oracle.seq : 1 + sim_below(sim, sim->oracle.seq);
        entry->path = &own->paths[own->ask.count];
        own->ask.count += read_record(sim, seq, own->records[own->ask.count], entry);
    }
    own->ask.consistency = tree->heads_count > 0 && sim_chance(sim, 500);
    if (own->ask.consistency)
        own->ask.from = tree->heads[sim_below(sim, tree->heads_count)].root.size;
    own->used = port->ops->ask(port, &own->ask) == 0;
    SIM_CHECK(own->used, "S2", "few ask for proofs, and one is refused");
}

static void ask_sometimes(struct sim *sim)
{
    for (int i = 0; i < SIM_ASKS_MAX; i++)
        if (!sim->tree.asks[i].used && sim_chance(sim, 10))
            ask(sim, &sim->tree.asks[i]);
}

/* ---- steps ---- */

static void look_at_stats(struct sim *sim)
{
    struct sim_tree *tree = &sim->tree;
    struct tree_keeper_stats stats;
    tree_keeper_stats(tree->keeper, &stats);
    sim->report.counts[SIM_TREE_GAP] += stats.gaps - tree->gaps;
    tree->gaps = stats.gaps;
    if (stats.error == 0 || tree->stopped)
        return;
    tree->stopped = true;
    sim_count(sim, SIM_TREE_STOPPED);
    if (stats.error == -ERR_CORRUPT && tree->damaged) {
        tree->noticed = true;
        sim_count(sim, SIM_TREE_DAMAGE_FOUND);
        return;
    }
    SIM_CHECK(sim->disk_full || sim->disk_failing, "L8", "the tree stopped without a fault: %s",
              error_text(stats.error));
}

/* Nothing is new any more: everything durable gets into the tree. */
void sim_tree_settle(struct sim *sim)
{
    struct tree_keeper_stats stats = {.behind = 1};
    if (sim->tree.keeper == NULL)
        return;
    for (int steps = 0; steps < 100 && stats.behind > 0 && stats.error == 0; steps++) {
        tree_keeper_step(sim->tree.keeper);
        tree_keeper_stats(sim->tree.keeper, &stats);
    }
    SIM_CHECK(stats.behind == 0 || stats.error < 0, "L8", "%llu records never get into the tree",
              (unsigned long long)stats.behind);
}

void sim_tree_step(struct sim *sim)
{
    struct sim_tree *tree = &sim->tree;
    unsigned char bytes[TREE_HEAD_BYTES];
    if (tree->keeper == NULL)
        return;
    if (!sim->quiet)
        ask_sometimes(sim);
    if (sim->mix.rotate > 0 && !sim->quiet)
        sim_tree_rotate(sim);
    if (sim_chance(sim, sim->mix.tree_pace))
        tree_keeper_step(tree->keeper);
    struct ledger_tree *port = tree_keeper_tree(tree->keeper);
    port->ops->poll(port);
    if (tree->head_new && port->ops->newest(port, bytes))
        take_head(sim, bytes);
    tree->head_new = false;
    look_at_stats(sim);
}
