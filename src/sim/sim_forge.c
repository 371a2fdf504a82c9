/* sim_forge.c - somebody with all rights on the disk cuts or rewrites the log (L8): a forged log
 * with good checksums, the same id and sound groups. Who holds one signed head must see it; so must
 * a start, when the log is shorter than what was signed. */
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/tree_audit.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "sim/sim_world.h"

#define GROUP_BYTES 16384

struct forge {
    struct sim *sim;
    struct faulty_disk *disk;   /* owns */
    struct ledger_store *store; /* owns */
    uint64_t epoch;
    uint64_t cut;     /* records that are left; UINT64_MAX: all */
    uint64_t changed; /* the record that is rewritten; 0: none */
    char memory[GROUP_BYTES + RECORD_BYTES_MAX] __attribute__((aligned(8)));
    size_t bytes;
    uint32_t count, last_crc;
    char last[RECORD_BYTES_MAX] __attribute__((aligned(8)));
};

static void flush(struct forge *forge)
{
    const struct ledger_append group = {.epoch = forge->epoch,
                                        .expected_tail = forge->store->place.seq,
                                        .records = forge->memory,
                                        .bytes = forge->bytes,
                                        .count = forge->count};
    if (forge->count == 0)
        return;
    enum append_outcome outcome = ledger_store_append(forge->store, &group);
    ASSERT(outcome == APPEND_OK);
    forge->bytes = 0;
    forge->count = 0;
}

static void seal(char *record, struct record_head *head)
{
    memcpy(record, head, sizeof *head);
    head->crc = crc32c(0, record + offsetof(struct record_head, seq),
                       head->bytes - offsetof(struct record_head, seq));
    memcpy(record, head, sizeof *head);
}

/* Any bit behind the head. */
static void rewrite(struct forge *forge, char *record, size_t bytes)
{
    size_t at =
        sizeof(struct record_head) + sim_below(forge->sim, bytes - sizeof(struct record_head));
    record[at] = (char)(record[at] ^ (1 << sim_below(forge->sim, 8)));
}

/* The last record once more, under the next number: something new to sign. */
static void lengthen(struct forge *forge)
{
    struct record_head head;
    memcpy(&head, forge->last, sizeof head);
    head.seq++;
    head.before_crc = forge->last_crc;
    seal(forge->last, &head);
    memcpy(forge->memory, forge->last, head.bytes);
    forge->bytes = head.bytes;
    forge->count = 1;
    flush(forge);
}

static int visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct forge *forge = owner;
    struct record_head head;
    (void)shard;
    memcpy(&head, record, sizeof head);
    if (head.seq > forge->cut)
        return -ERR_STOPPED;
    char *copy = forge->memory + forge->bytes;
    memcpy(copy, record, bytes);
    if (head.seq == forge->changed)
        rewrite(forge, copy, bytes);
    if (head.seq >= forge->changed) { /* each record says which one it was written behind */
        head.before_crc = forge->last_crc;
        seal(copy, &head);
    }
    forge->last_crc = head.crc;
    memcpy(forge->last, copy, bytes);
    forge->bytes += bytes;
    forge->count++;
    if (forge->bytes >= GROUP_BYTES)
        flush(forge);
    return 0;
}

static struct forge *forge_new(struct sim *sim, uint64_t cut, uint64_t changed)
{
    struct forge *forge = malloc(sizeof *forge);
    ASSERT(forge != NULL);
    *forge = (struct forge){.sim = sim, .disk = faulty_disk_new(), .cut = cut, .changed = changed};
    const struct ledger_store_options options = {.segment_bytes = UINT64_C(1) << 20,
                                                 .creation = sim->store->creation};
    struct ledger_report report;
    int error = ledger_store_open(&options, faulty_disk_of(forge->disk), &report, &forge->store);
    ASSERT(error == 0);
    error = ledger_store_take_epoch(forge->store, &forge->epoch);
    ASSERT(error == 0);
    error = sim->log.port.ops->replay(&sim->log.port, 0, 1, visit, forge);
    SIM_CHECK(error == 0 || error == -ERR_STOPPED, "L5", "the log cannot be replayed: %s",
              sim->log.problem);
    flush(forge);
    return forge;
}

static void forge_free(struct forge *forge)
{
    ledger_store_free(forge->store);
    faulty_disk_free(forge->disk);
    free(forge);
}

static int audit(struct sim *sim, struct ledger_store *store, bool tiles,
                 struct tree_audit_report *report)
{
    struct tree_chain chain = {0};
    const struct tree_audit audit = {.log = sim_tree_log(store),
                                     .disk = tiles ? faulty_disk_of(sim->disk) : NULL,
                                     .outside = sim->tree.heads,
                                     .outside_count = sim->tree.heads_count,
                                     .links_outside = tiles ? NULL : &chain};
    (void)sim_links_count(faulty_disk_of(sim->disk), &chain);
    return tree_audit(&audit, report);
}

/* The log as it is agrees with all that was ever signed. */
static void check_true(struct sim *sim)
{
    struct tree_audit_report report;
    int error = audit(sim, sim->store, true, &report);
    SIM_CHECK(error == 0 || sim->tree.damaged, "L8", "the audit of the true log says: %s",
              report.text);
    SIM_CHECK(error != 0 || report.heads_outside == sim->tree.heads_count, "L8",
              "%llu heads are held, %llu were checked", (unsigned long long)sim->tree.heads_count,
              (unsigned long long)report.heads_outside);
    sim_count(sim, SIM_TREE_AUDIT);
}

/* What the newest link of signing keys signs; 0: there is none. */
static uint64_t linked_size(const struct sim *sim)
{
    struct tree_chain chain;
    uint32_t count = sim_links_count(faulty_disk_of(sim->disk), &chain);
    return count == 0 ? 0 : chain.links[count - 1].root.size;
}

static uint64_t newest_held(const struct sim *sim)
{
    const struct sim_tree *tree = &sim->tree;
    return tree->heads_count == 0 ? 0 : tree->heads[tree->heads_count - 1].root.size;
}

static void copy_file(struct sim *sim, struct disk *disk, const char *name)
{
    uint64_t bytes = 0;
    int file = -1;
    const char *content = faulty_disk_content(sim->disk, name, &bytes);
    if (content == NULL)
        return;
    int error = disk->ops->open(disk, name, true, &file);
    ASSERT(error == 0);
    error = disk->ops->write(disk, file, 0, content, bytes);
    ASSERT(error == 0);
    disk->ops->close(disk, file);
}

/* Heads and links as the book keeps them, on a disk without a tree; for how much they sign. */
static struct faulty_disk *kept_heads(struct sim *sim, uint64_t *ret_size)
{
    struct faulty_disk *fake = faulty_disk_new();
    struct tree_head newest = {.root = {.size = 0}};
    uint64_t bytes = 0, linked = linked_size(sim);
    const char *content = faulty_disk_content(sim->disk, "heads-0000", &bytes);
    copy_file(sim, faulty_disk_of(fake), "heads-0000");
    copy_file(sim, faulty_disk_of(fake), "keys-0000");
    *ret_size = linked;
    if (content == NULL)
        return fake;
    /* What stands behind the newest whole one is what a power failure left. */
    for (uint64_t at = bytes / TREE_HEAD_BYTES; at-- > 0;) {
        if (tree_head_read((const unsigned char *)content + at * TREE_HEAD_BYTES, &newest) < 0)
            continue;
        if (newest.root.size > linked)
            *ret_size = newest.root.size;
        break;
    }
    return fake;
}

/* The tree is made anew over a rewritten log: what was signed once gets no successor. */
static void check_unsigned(struct sim *sim, struct ledger_store *store, uint64_t changed)
{
    char text[TREE_KEEPER_TEXT_BYTES];
    const struct tree_log log = sim_tree_log(store);
    struct tree_keeper_stats stats;
    struct tree_keeper *keeper = NULL;
    uint64_t kept = 0;
    struct faulty_disk *heads = kept_heads(sim, &kept);
    int error = sim_tree_keeper_new(sim, &keeper);
    ASSERT(error == 0);
    error = tree_keeper_open(keeper, faulty_disk_of(heads), &log, store->place.seq, text);
    SIM_CHECK(error == 0, "L8", "a tree cannot be made anew: %s", text);
    for (int steps = 0; steps < 3; steps++)
        tree_keeper_step(keeper);
    tree_keeper_stats(keeper, &stats);
    SIM_CHECK(stats.heads == 0 || kept < changed, "L8",
              "record %llu is rewritten, and a head is signed behind that of %llu",
              (unsigned long long)changed, (unsigned long long)kept);
    tree_keeper_abandon(keeper);
    faulty_disk_free(heads);
}

static void check_rewritten(struct sim *sim)
{
    struct tree_audit_report report;
    uint64_t changed = 1 + sim_below(sim, sim->store->place.seq);
    struct forge *forge = forge_new(sim, UINT64_MAX, changed);
    bool covered = changed <= newest_held(sim) || changed <= linked_size(sim);
    int error = audit(sim, forge->store, false, &report);
    SIM_CHECK(error == (covered ? -ERR_CORRUPT : 0), "L8",
              "record %llu is rewritten, a head of %llu is held, and the audit says %s: %s",
              (unsigned long long)changed, (unsigned long long)newest_held(sim), error_text(error),
              report.text);
    lengthen(forge);
    check_unsigned(sim, forge->store, changed);
    forge_free(forge);
    if (covered)
        sim_count(sim, SIM_REWRITE_FOUND);
}

/* A start over the shortened log, beside what this disk has of its tree. */
static int start_keeper(struct sim *sim, struct ledger_store *store, struct faulty_disk *disk)
{
    char text[TREE_KEEPER_TEXT_BYTES];
    const struct tree_log log = sim_tree_log(store);
    struct tree_keeper *keeper = NULL;
    int error = sim_tree_keeper_new(sim, &keeper);
    ASSERT(error == 0);
    error = tree_keeper_open(keeper, faulty_disk_of(disk), &log, store->place.seq, text);
    SIM_CHECK(error == 0 || text[0] != '\0', "L8", "a start is refused without a word");
    tree_keeper_abandon(keeper);
    return error;
}

/* Hashed or not, what was signed must be there: beside the tree, and beside the heads alone. */
static void check_cut_refused(struct sim *sim, struct ledger_store *store)
{
    uint64_t kept = 0, size = store->place.seq;
    struct faulty_disk *heads = kept_heads(sim, &kept);
    int error = sim->tree.damaged ? -ERR_CORRUPT : start_keeper(sim, store, sim->disk);
    SIM_CHECK(error == -ERR_CORRUPT, "L8",
              "the log is cut at %llu, more was signed, and a start says %s",
              (unsigned long long)size, error_text(error));
    error = kept > size ? start_keeper(sim, store, heads) : -ERR_CORRUPT;
    SIM_CHECK(error == -ERR_CORRUPT, "L8",
              "the log is cut at %llu, a head of %llu is kept without a tree, and a start says %s",
              (unsigned long long)size, (unsigned long long)kept, error_text(error));
    faulty_disk_free(heads);
}

static void check_cut(struct sim *sim)
{
    struct tree_audit_report report;
    uint64_t held = newest_held(sim);
    if (held < 2)
        return;
    struct forge *forge = forge_new(sim, 1 + sim_below(sim, held - 1), 0);
    int error = audit(sim, forge->store, false, &report);
    SIM_CHECK(error == -ERR_CORRUPT, "L8",
              "the log is cut at %llu, a head of %llu is held, and the audit says %s",
              (unsigned long long)forge->store->place.seq, (unsigned long long)held,
              error_text(error));
    check_cut_refused(sim, forge->store);
    forge_free(forge);
    sim_count(sim, SIM_CUT_FOUND);
}

void sim_forge(struct sim *sim)
{
    if (sim->mix.tree_pace == 0 || sim->store->place.seq == 0 || sim_disks_are_stopped(sim))
        return;
    sim_machine_heal(sim); /* whoever looks here has a disk that works */
    int error = sim_tree_key_open(sim);
    ASSERT(error == 0);
    check_true(sim);
    if (sim_chance(sim, 500))
        check_rewritten(sim);
    else
        check_cut(sim);
}
