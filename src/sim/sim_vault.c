/* sim_vault.c - personal fields: no disk ever holds one in plain, what was sealed opens for as long
 * as its user was not erased, and an erased one stays erased, whatever crashes. */
#include "sim/sim_vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "sim/sim_world.h"

#define MARKER "the home address of"

static const unsigned char master[PERSONAL_MASTER_BYTES] = {7, 7, 7};

/* ---- the medium: the same disk as all else ---- */

struct medium {
    struct sim *sim;
    struct disk *disk;
    int file;
};

static int medium_read(void *owner, uint64_t offset, void *to, size_t bytes, size_t *ret_bytes)
{
    struct medium *medium = owner;
    return medium->disk->ops->read(medium->disk,
                                   (struct disk_piece){medium->file, offset, to, bytes}, ret_bytes);
}

static int medium_write(void *owner, uint64_t offset, const void *from, size_t bytes)
{
    struct medium *medium = owner;
    return medium->disk->ops->write(medium->disk, medium->file, offset, from, bytes);
}

static int medium_sync(void *owner)
{
    struct medium *medium = owner;
    return medium->disk->ops->sync(medium->disk, medium->file, DISK_WHY_KEY);
}

static int medium_size(void *owner, uint64_t *ret_bytes)
{
    struct medium *medium = owner;
    return medium->disk->ops->size(medium->disk, medium->file, ret_bytes);
}

static void medium_close(void *owner)
{
    struct medium *medium = owner;
    medium->disk->ops->close(medium->disk, medium->file);
    free(medium);
}

static void medium_random(void *owner, void *to, size_t bytes)
{
    struct prng *prng = &((struct medium *)owner)->sim->vault.prng;
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)to)[i] = (unsigned char)prng_next(prng);
}

static struct medium *medium_new(struct sim *sim, struct faulty_disk *fake)
{
    struct medium *medium = malloc(sizeof *medium);
    ASSERT(medium != NULL);
    *medium = (struct medium){sim, faulty_disk_of(fake), -1};
    return medium;
}

static int open_vault(struct sim *sim, struct faulty_disk *fake, struct personal_vault **ret_vault)
{
    struct medium *medium = medium_new(sim, fake);
    int error = medium->disk->ops->open(medium->disk, SIM_KEYS_NAME, true, &medium->file);
    if (error < 0) {
        free(medium);
        return error;
    }
    const struct personal_medium port = {.read = medium_read,
                                         .write = medium_write,
                                         .sync = medium_sync,
                                         .size = medium_size,
                                         .close = medium_close,
                                         .random = medium_random,
                                         .owner = medium};
    error = medium->disk->ops->sync_directory(medium->disk, DISK_WHY_KEY_NAME);
    if (error < 0) {
        medium_close(medium);
        return error;
    }
    const struct personal_vault_file_options options = {.medium = &port,
                                                        .master = master,
                                                        .accounts_max = SIM_USERS_MAX + 2,
                                                        .block = sim->mix.vault_block,
                                                        .stepped = true};
    return personal_vault_file_open(&options, ret_vault);
}

/* ---- what the book is given ---- */

static struct sim *sim_of(struct personal_vault *port)
{
    return (struct sim *)((char *)port - offsetof(struct sim, vault.port));
}

static int look_make_key(struct personal_vault *port, struct account_ref account)
{
    struct sim *sim = sim_of(port);
    int error = sim->vault.file->ops->make_key(sim->vault.file, account);
    struct sim_vault_account *known = &sim->vault.accounts[account.n];
    SIM_CHECK(error == 0 || sim->disk_failing || sim->disk_full || known->erased || known->unsure,
              "S1", "no key for account %u: %s", account.n, error_text(error));
    known->failed = error < 0;
    return error;
}

static int look_seal(struct personal_vault *port, struct account_ref account, struct slice plain,
                     char ret_sealed[PERSONAL_SEALED_BYTES_MAX], size_t *ret_bytes)
{
    struct sim *sim = sim_of(port);
    const struct sim_vault_account *known = &sim->vault.accounts[account.n];
    int error = sim->vault.file->ops->seal(sim->vault.file, account, plain, ret_sealed, ret_bytes);
    SIM_CHECK(error == 0 || known->erased || known->unsure || known->failed, "S1",
              "a field of account %u is not sealed: %s", account.n, error_text(error));
    SIM_CHECK(error < 0 || !known->erased, "S1", "a field of an erased user is sealed");
    return error;
}

static int look_open(struct personal_vault *port, struct account_ref account, struct slice sealed,
                     char ret_plain[PERSONAL_PLAIN_BYTES_MAX], size_t *ret_bytes)
{
    struct personal_vault *file = sim_of(port)->vault.file;
    return file->ops->open(file, account, sealed, ret_plain, ret_bytes);
}

static int look_erase(struct personal_vault *port, struct account_ref account)
{
    struct personal_vault *file = sim_of(port)->vault.file;
    return file->ops->erase(file, account);
}

static void look_free(struct personal_vault *port)
{
    (void)port;
}

/* ---- fields ---- */

struct slice sim_personal(const struct sim *sim, const struct sim_entry *entry,
                          char memory[SIM_PERSONAL_BYTES])
{
    if (sim->mix.vault_block == 0 || entry->number % 3 == 0)
        return SLICE_NONE;
    return slice_of(memory, (size_t)snprintf(memory, SIM_PERSONAL_BYTES, MARKER " user-%u, k%u",
                                             entry->user, entry->number));
}

/* A durable BET record of this entry. */
void sim_vault_record(struct sim *sim, const struct record_view *record,
                      const struct sim_entry *entry)
{
    const struct record_bet *body = record->body;
    char memory[SIM_PERSONAL_BYTES];
    struct slice plain = sim_personal(sim, entry, memory);
    struct sim_vault_account *account = &sim->vault.accounts[record->head->account];
    SIM_CHECK(body->personal_bytes == 0 ||
                  body->personal_bytes == plain.bytes + PERSONAL_OVERHEAD_BYTES,
              "S1", "a personal field of another length");
    if (body->personal_bytes == 0)
        return;
    account->seq = record->head->seq;
    account->entry = (uint32_t)(entry - sim->entries);
}

/* The sealed field of a durable record. */
static struct slice sealed_of(struct sim *sim, uint64_t seq, char memory[SIM_ASK_RECORD_BYTES])
{
    const struct ledger_read read = {
        .seq_first = seq, .count = 1, .memory = memory, .capacity = SIM_ASK_RECORD_BYTES};
    struct ledger_view view = ledger_store_view(sim->store);
    struct record_view record;
    size_t bytes = 0;
    int error = ledger_lookup_read(sim->log.lookup, &view, &read, &bytes);
    SIM_CHECK(error == 0, "L2", "record %llu cannot be read: %s", (unsigned long long)seq,
              error_text(error));
    error = record_view_of(memory, bytes, &record);
    ASSERT(error == 0);
    const struct record_bet *body = record.body;
    struct slice texts = record.texts;
    (void)record_text(&texts, body->key_bytes);
    return record_text(&texts, body->personal_bytes);
}

static void check_account(struct sim *sim, uint32_t ref)
{
    const struct sim_vault_account *account = &sim->vault.accounts[ref];
    char record[SIM_ASK_RECORD_BYTES] __attribute__((aligned(8)));
    char plain[PERSONAL_PLAIN_BYTES_MAX], memory[SIM_PERSONAL_BYTES];
    size_t bytes = 0;
    if (account->seq == 0 || account->seq > sim->store->place.seq)
        return;
    struct slice sealed = sealed_of(sim, account->seq, record);
    struct slice expected = sim_personal(sim, &sim->entries[account->entry], memory);
    int error = sim->vault.file->ops->open(sim->vault.file, (struct account_ref){ref}, sealed,
                                           plain, &bytes);
    if (account->erased) {
        SIM_CHECK(error == -ERR_NOT_FOUND, "S1", "account %u was erased, and its fields say %s",
                  ref, error_text(error));
        return;
    }
    SIM_CHECK(error == 0 || account->unsure, "S1", "a field of account %u does not open: %s", ref,
              error_text(error));
    SIM_CHECK(error < 0 || slice_equal(slice_of(plain, bytes), expected), "S1",
              "a field of account %u opens as another text", ref);
    sim->report.counts[SIM_OPENED] += error == 0;
}

/* The key as it was is nowhere in the file any more. */
static void check_destroyed(struct sim *sim, uint32_t ref)
{
    uint64_t bytes = 0;
    const char *content = faulty_disk_content(sim->disk, SIM_KEYS_NAME, &bytes);
    const struct sim_vault_account *account = &sim->vault.accounts[ref];
    static const char none[SIM_SLOT_BYTES];
    if (!account->erased || memcmp(account->slot, none, sizeof none) == 0)
        return;
    SIM_CHECK(content == NULL ||
                  memmem(content, bytes, account->slot, sizeof account->slot) == NULL,
              "S1", "the key of account %u was erased, and is on the disk again", ref);
}

static int search_file(void *owner, const char *name)
{
    struct sim *sim = owner;
    uint64_t bytes = 0;
    const char *content = faulty_disk_content(sim->disk, name, &bytes);
    SIM_CHECK(content == NULL || memmem(content, bytes, MARKER, sizeof MARKER - 1) == NULL, "S1",
              "%s holds a personal field in plain", name);
    return 0;
}

void sim_vault_search(struct sim *sim)
{
    struct disk *disk = faulty_disk_of(sim->disk);
    int error = disk->ops->list(disk, search_file, sim);
    ASSERT(error == 0);
    sim_count(sim, SIM_SEARCHED);
}

/* ---- the machine ---- */

int sim_vault_start(struct sim *sim)
{
    static const struct personal_vault_ops ops = {look_make_key, look_seal, look_open, look_erase,
                                                  look_free};
    if (sim->mix.vault_block == 0)
        return 0;
    sim->vault.port.ops = &ops;
    TRY(open_vault(sim, sim->disk, &sim->vault.file));
    for (uint32_t ref = 1; ref <= sim->oracle.accounts_count; ref++) {
        check_account(sim, ref);
        check_destroyed(sim, ref);
    }
    if (sim_chance(sim, 100))
        sim_vault_search(sim);
    return 0;
}

void sim_vault_stop(struct sim *sim)
{
    if (sim->vault.file != NULL)
        sim->vault.file->ops->free(sim->vault.file);
    sim->vault.file = NULL;
}

void sim_vault_drop(struct sim *sim)
{
    if (sim->vault.file != NULL)
        personal_vault_file_abandon(sim->vault.file);
    sim->vault.file = NULL;
}

/* ---- what the world asks ---- */

static void erase(struct sim *sim, uint32_t ref)
{
    struct sim_vault_account *account = &sim->vault.accounts[ref];
    uint64_t bytes = 0, at = (ref + UINT64_C(1)) * SIM_SLOT_BYTES;
    const char *content = faulty_disk_content(sim->disk, SIM_KEYS_NAME, &bytes);
    if (!account->erased && !account->unsure && content != NULL && at + SIM_SLOT_BYTES <= bytes)
        memcpy(account->slot, content + at, sizeof account->slot);
    int error = sim->vault.file->ops->erase(sim->vault.file, (struct account_ref){ref});
    SIM_CHECK(error == 0 || sim->disk_failing || sim->disk_full, "S1",
              "account %u is not erased: %s", ref, error_text(error));
    account->unsure = account->unsure || error < 0;
    if (error < 0)
        return;
    account->erased = true;
    sim->ops_safe = sim_clock(sim); /* somebody was told so */
    check_destroyed(sim, ref);
    sim_count(sim, SIM_ERASED);
}

void sim_vault_step(struct sim *sim)
{
    if (sim->vault.file == NULL || sim->oracle.accounts_count == 0)
        return;
    if (sim_chance(sim, 500))
        personal_vault_file_step(sim->vault.file);
    if (sim->quiet)
        return;
    uint32_t ref = 1 + (uint32_t)sim_below(sim, sim->oracle.accounts_count);
    if (sim_chance(sim, 20))
        check_account(sim, ref);
    if (sim_chance(sim, 3))
        erase(sim, ref);
}

/* ---- damage at rest ---- */

static void expect_damage(struct sim *sim, uint32_t ref)
{
    const struct sim_vault_account *account = &sim->vault.accounts[ref];
    char record[SIM_ASK_RECORD_BYTES] __attribute__((aligned(8)));
    char plain[PERSONAL_PLAIN_BYTES_MAX];
    size_t bytes = 0;
    struct slice sealed = sealed_of(sim, account->seq, record);
    int error = sim->vault.file->ops->open(sim->vault.file, (struct account_ref){ref}, sealed,
                                           plain, &bytes);
    SIM_CHECK(error == -ERR_CORRUPT || account->unsure, "S1",
              "the key of account %u is damaged, and its field says %s", ref, error_text(error));
}

/* The keys as they are, on a disk of their own: a vault writes its slots again when it is opened,
 * and a damage that this check undoes must not come back from what the real disk remembers. */
static struct faulty_disk *copy_of_keys(const char *content, uint64_t bytes)
{
    struct faulty_disk *copy = faulty_disk_new();
    struct disk *disk = faulty_disk_of(copy);
    int file = -1;
    int error = disk->ops->open(disk, SIM_KEYS_NAME, true, &file);
    if (error == 0)
        error = disk->ops->write(disk, file, 0, content, bytes);
    ASSERT(error == 0); /* nothing fails on it */
    disk->ops->close(disk, file);
    return copy;
}

/* A slot or the head is damaged: nobody gets another text, and the other users theirs. */
void sim_vault_flip(struct sim *sim)
{
    uint64_t bytes = 0;
    struct personal_vault *vault = NULL;
    const char *content = faulty_disk_content(sim->disk, SIM_KEYS_NAME, &bytes);
    if (sim->mix.vault_block == 0 || sim->oracle.accounts_count == 0 || content == NULL ||
        bytes == 0)
        return;
    uint64_t at = sim_below(sim, bytes);
    unsigned bit = (unsigned)sim_below(sim, 8);
    struct faulty_disk *copy = copy_of_keys(content, bytes);
    (void)faulty_disk_flip(copy, SIM_KEYS_NAME, at, bit);
    int error = open_vault(sim, copy, &vault);
    SIM_CHECK((error < 0) == (at < SIM_SLOT_BYTES), "S1",
              "byte %llu of the keys is damaged, and opening them says %s", (unsigned long long)at,
              error_text(error));
    for (uint32_t ref = 1; error == 0 && ref <= sim->oracle.accounts_count; ref++) {
        bool hit = at / SIM_SLOT_BYTES == ref + UINT64_C(1);
        bool erased = sim->vault.accounts[ref].erased;
        sim->vault.file = vault;
        if (!hit)
            check_account(sim, ref);
        else if (sim->vault.accounts[ref].seq != 0 && !erased)
            expect_damage(sim, ref);
    }
    if (vault != NULL)
        personal_vault_file_abandon(vault);
    sim->vault.file = NULL;
    faulty_disk_free(copy);
    sim_count(sim, SIM_KEYS_FLIPPED);
}

/* ---- a standby takes over ---- */

/* With the keys that it was sent each field opens that is in its log, up to record `last`. */
void sim_vault_check_standby(struct sim *sim, struct faulty_disk *disk, uint64_t last)
{
    uint64_t bytes = 0;
    struct personal_vault *own = sim->vault.file, *vault = NULL;
    const char *content = faulty_disk_content(disk, SIM_KEYS_NAME, &bytes);
    if (own == NULL)
        return;
    struct faulty_disk *copy = copy_of_keys(content, content == NULL ? 0 : bytes);
    int error = open_vault(sim, copy, &vault);
    SIM_CHECK(error == 0, "L2", "the keys that a standby was sent do not open: %s",
              error_text(error));
    sim->vault.file = vault;
    for (uint32_t ref = 1; ref <= sim->oracle.accounts_count; ref++) {
        const struct sim_vault_account *account = &sim->vault.accounts[ref];
        if (account->seq == 0 || account->seq > last || account->erased || account->unsure)
            continue;
        check_account(sim, ref);
        sim_count(sim, SIM_SHIP_KEY);
    }
    sim->vault.file = own;
    personal_vault_file_abandon(vault);
    faulty_disk_free(copy);
}
