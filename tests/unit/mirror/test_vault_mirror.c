/* test_vault_mirror.c - adapters/mirror/vault_mirror.h over a store of the test's own: what stands
 * is used and nothing else, whoever was first, and what was erased stays so. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/mirror/vault_mirror.h"
#include "base/error.h"
#include "test.h"

#define PLACES   1000
#define ACCOUNTS 600
#define BLOCK    8
#define AHEAD    16
#define FILE     "personal.keys"
#define ASIDE    FILE VAULT_ASIDE_SUFFIX

static const unsigned char master[PERSONAL_MASTER_BYTES] = {1, 2, 3};
static const unsigned char other_master[PERSONAL_MASTER_BYTES] = {4, 5, 6};

/* ---- the store: what the port says, in memory ---- */

static struct {
    char slots[PLACES][PERSONAL_SLOT_BYTES];
    int error;              /* of each call; 0: none */
    unsigned lost;          /* so many joins are done and answered with an error */
    unsigned joins, erases; /* erases: calls of erased() */
} shared;

static int fake_read(struct personal_store *store, uint64_t first, uint32_t count, void *ret_slots)
{
    (void)store;
    assert_true(first + count <= PLACES);
    memcpy(ret_slots, shared.slots[first], (size_t)count * PERSONAL_SLOT_BYTES);
    return shared.error;
}

static int fake_join(struct personal_store *store, uint64_t first, uint32_t count, void *slots)
{
    (void)store;
    assert_true(first + count <= PLACES);
    shared.joins++;
    if (shared.error < 0)
        return shared.error;
    for (uint32_t i = 0; i < count; i++) {
        char *there = shared.slots[first + i], *slot = (char *)slots + i * PERSONAL_SLOT_BYTES;
        assert_true(personal_slot_is_sound(first + i, slot));
        if (personal_slot_state(slot) > personal_slot_state(there))
            memcpy(there, slot, PERSONAL_SLOT_BYTES);
        memcpy(slot, there, PERSONAL_SLOT_BYTES);
    }
    if (shared.lost == 0)
        return 0;
    shared.lost--;
    return -ERR_ABSENT;
}

static int fake_count(struct personal_store *store, struct personal_store_count *ret)
{
    (void)store;
    *ret = (struct personal_store_count){0};
    for (uint64_t place = 0; place < PLACES; place++) {
        enum personal_slot_state state = personal_slot_state(shared.slots[place]);
        ret->places = state == PERSONAL_SLOT_NONE ? ret->places : place + 1;
        ret->erased += state == PERSONAL_SLOT_ERASED;
    }
    return shared.error;
}

static int fake_erased(struct personal_store *store, uint64_t first, uint64_t *ret_places,
                       uint32_t room, uint32_t *ret_count)
{
    (void)store;
    shared.erases++;
    *ret_count = 0;
    for (uint64_t place = first; place < PLACES && *ret_count < room; place++)
        if (personal_slot_state(shared.slots[place]) == PERSONAL_SLOT_ERASED)
            ret_places[(*ret_count)++] = place;
    return shared.error;
}

static const char *fake_problem(const struct personal_store *store)
{
    (void)store;
    return "away";
}

static void fake_nothing(struct personal_store *store)
{
    (void)store;
}

static const struct personal_store_ops fake_ops = {.read = fake_read,
                                                   .join = fake_join,
                                                   .count = fake_count,
                                                   .erased = fake_erased,
                                                   .problem = fake_problem,
                                                   .leave = fake_nothing,
                                                   .free = fake_nothing};

/* ---- machines: a folder each ---- */

struct machine {
    char path[64];
    int folder;
    struct personal_store store;
    struct personal_vault *vault;
    struct vault_join_report report;
};

static struct machine machine_new(void)
{
    struct machine m = {.store = {&fake_ops}};
    (void)snprintf(m.path, sizeof m.path, "/tmp/vault-test-XXXXXX");
    assert_non_null(mkdtemp(m.path));
    m.folder = open(m.path, O_RDONLY | O_DIRECTORY);
    assert_true(m.folder >= 0);
    return m;
}

static int try_open(struct machine *m, const unsigned char *key)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    const struct vault_mirror_options options = {.folder = m->folder,
                                                 .name = FILE,
                                                 .master = key,
                                                 .accounts_max = ACCOUNTS,
                                                 .store = &m->store,
                                                 .block = BLOCK,
                                                 .ahead = AHEAD,
                                                 .stepped = true};
    return vault_mirror_open(&options, &m->vault, &m->report, &why);
}

static void open_vault(struct machine *m)
{
    assert_int_equal(try_open(m, master), 0);
}

static void close_vault(struct machine *m)
{
    m->vault->ops->free(m->vault);
    m->vault = NULL;
}

static void machine_end(struct machine *m)
{
    if (m->vault != NULL)
        close_vault(m);
    (void)unlinkat(m->folder, FILE, 0);
    (void)unlinkat(m->folder, ASIDE, 0);
    close(m->folder);
    assert_int_equal(rmdir(m->path), 0);
}

static void begin(void)
{
    memset(&shared, 0, sizeof shared);
}

/* A field under seal. */
struct field {
    uint32_t account;
    char sealed[PERSONAL_SEALED_BYTES_MAX];
    size_t bytes;
};

static int seal(struct machine *m, uint32_t account, struct field *ret)
{
    ret->account = account;
    return m->vault->ops->seal(m->vault, (struct account_ref){account}, SLICE("10.0.0.1"),
                               ret->sealed, &ret->bytes);
}

static int unseal(struct machine *m, const struct field *field)
{
    char plain[PERSONAL_PLAIN_BYTES_MAX];
    size_t bytes = 0;
    TRY(m->vault->ops->open(m->vault, (struct account_ref){field->account},
                            slice_of(field->sealed, field->bytes), plain, &bytes));
    assert_true(slice_is(slice_of(plain, bytes), "10.0.0.1"));
    return 0;
}

static int make_key(struct machine *m, uint32_t account)
{
    return m->vault->ops->make_key(m->vault, (struct account_ref){account});
}

static int erase(struct machine *m, uint32_t account)
{
    return m->vault->ops->erase(m->vault, (struct account_ref){account});
}

TEST(vault_mirror, opens_elsewhere_what_was_sealed_here)
{
    begin();
    struct machine a = machine_new(), b = machine_new();
    struct field field, again;
    open_vault(&a);
    assert_int_equal(make_key(&a, 7), 0);
    assert_int_equal(seal(&a, 7, &field), 0);
    close_vault(&a);
    open_vault(&b); /* and a is gone for ever */
    assert_int_equal(unseal(&b, &field), 0);
    assert_int_equal(make_key(&b, 7), 0);
    assert_int_equal(seal(&b, 7, &again), 0);
    assert_int_equal(b.report.brought, 0);
    assert_true(b.report.fetched > 7);
    open_vault(&a);
    assert_int_equal(unseal(&a, &again), 0);
    assert_int_equal(a.report.fetched, 0);
    machine_end(&a);
    machine_end(&b);
}

TEST(vault_mirror, seals_nothing_with_a_key_that_does_not_stand)
{
    begin();
    struct machine a = machine_new(), b = machine_new();
    struct field field;
    open_vault(&a);
    uint32_t ready = (uint32_t)vault_mirror_stats(a.vault).ready;
    assert_true(ready >= AHEAD);
    shared.error = -ERR_ABSENT;
    assert_int_equal(make_key(&a, ready - 1), 0); /* those ahead are used up */
    assert_int_equal(seal(&a, ready - 1, &field), 0);
    for (int i = 0; i < 3; i++) {
        vault_mirror_step(a.vault);
        assert_int_equal(make_key(&a, ready), -ERR_ABSENT);
        assert_int_equal(seal(&a, ready, &field), -ERR_NOT_FOUND);
    }
    struct vault_mirror_stats stats = vault_mirror_stats(a.vault);
    assert_true(stats.away);
    assert_int_equal(stats.failures, 3);
    assert_int_equal(stats.unready, 3);
    shared.error = 0;
    vault_mirror_step(a.vault);
    assert_int_equal(seal(&a, ready, &field), 0);
    assert_false(vault_mirror_stats(a.vault).away);
    open_vault(&b);
    assert_int_equal(unseal(&b, &field), 0);
    machine_end(&a);
    machine_end(&b);
}

TEST(vault_mirror, brings_a_block_again_whose_answer_was_lost)
{
    begin();
    struct machine a = machine_new(), b = machine_new();
    struct field field;
    open_vault(&a);
    uint32_t ready = (uint32_t)vault_mirror_stats(a.vault).ready;
    shared.lost = 2;
    assert_int_equal(make_key(&a, ready), -ERR_ABSENT);
    for (int i = 0; i < 3; i++)
        vault_mirror_step(a.vault);
    assert_int_equal(shared.lost, 0);
    assert_int_equal(make_key(&a, ready), 0);
    assert_int_equal(seal(&a, ready, &field), 0);
    open_vault(&b);
    assert_int_equal(unseal(&b, &field), 0);
    machine_end(&a);
    machine_end(&b);
}

/* A process that has lost the shard may bring a block yet. */
TEST(vault_mirror, uses_the_key_that_came_first_of_two_holders)
{
    begin();
    struct machine a = machine_new(), b = machine_new();
    struct field of_a, of_b;
    open_vault(&a);
    open_vault(&b);
    uint32_t ready = (uint32_t)vault_mirror_stats(a.vault).ready;
    assert_int_equal(vault_mirror_stats(b.vault).ready, ready);
    assert_int_equal(make_key(&a, ready), -ERR_ABSENT); /* both have made one of their own */
    assert_int_equal(make_key(&b, ready), -ERR_ABSENT);
    vault_mirror_step(a.vault);
    vault_mirror_step(b.vault);
    assert_int_equal(seal(&a, ready, &of_a), 0);
    assert_int_equal(seal(&b, ready, &of_b), 0);
    assert_int_equal(unseal(&a, &of_b), 0);
    assert_int_equal(unseal(&b, &of_a), 0);
    machine_end(&a);
    machine_end(&b);
}

static bool file_has(const struct machine *m, const char *name, const char *slot)
{
    char bytes[PERSONAL_SLOT_BYTES];
    bool found = false;
    int fd = openat(m->folder, name, O_RDONLY);
    assert_true(fd >= 0);
    for (off_t at = 0; pread(fd, bytes, sizeof bytes, at) == (ssize_t)sizeof bytes;
         at += (off_t)sizeof bytes)
        found |= memcmp(bytes, slot, sizeof bytes) == 0;
    close(fd);
    return found;
}

TEST(vault_mirror, erases_everywhere_and_for_ever)
{
    begin();
    struct machine a = machine_new(), b = machine_new(), old = machine_new();
    struct field field, more;
    char slot[PERSONAL_SLOT_BYTES];
    open_vault(&old); /* its file stays as it is now */
    close_vault(&old);
    open_vault(&a);
    open_vault(&b);
    assert_int_equal(seal(&a, 3, &field), 0);
    assert_int_equal(unseal(&b, &field), 0); /* the key is in its memory */
    memcpy(slot, shared.slots[4], sizeof slot);
    assert_true(file_has(&b, FILE, slot) && file_has(&old, FILE, slot));
    shared.error = -ERR_ABSENT; /* what does not stand is not answered */
    assert_int_equal(erase(&a, 3), -ERR_ABSENT);
    assert_int_equal(unseal(&a, &field), 0);
    shared.error = 0;
    assert_int_equal(erase(&a, 3), 0);
    assert_int_equal(unseal(&a, &field), -ERR_NOT_FOUND);
    assert_int_equal(make_key(&a, 3), -ERR_NOT_FOUND);
    assert_false(file_has(&a, FILE, slot));
    vault_mirror_step(b.vault); /* it hears of it */
    assert_false(file_has(&b, FILE, slot));
    assert_int_equal(vault_mirror_stats(b.vault).erased, 1);
    assert_int_equal(unseal(&b, &field), -ERR_NOT_FOUND);
    assert_int_equal(seal(&b, 3, &more), -ERR_NOT_FOUND);
    unsigned looked = shared.erases;
    vault_mirror_step(b.vault);
    assert_int_equal(shared.erases, looked); /* nothing new, nothing read */
    open_vault(&old);                        /* an old copy brings nothing back */
    assert_int_equal(personal_slot_state(shared.slots[4]), PERSONAL_SLOT_ERASED);
    assert_int_equal(unseal(&old, &field), -ERR_NOT_FOUND);
    assert_false(file_has(&old, FILE, slot));
    machine_end(&a);
    machine_end(&b);
    machine_end(&old);
}

/* Who has no key yet is erased as well, and the block that comes later does not make one. */
TEST(vault_mirror, erases_who_has_no_key_yet)
{
    begin();
    struct machine a = machine_new();
    struct field field;
    open_vault(&a);
    uint32_t ready = (uint32_t)vault_mirror_stats(a.vault).ready;
    assert_int_equal(erase(&a, ready + 2), 0);
    assert_int_equal(make_key(&a, ready), -ERR_ABSENT);
    vault_mirror_step(a.vault);
    assert_int_equal(make_key(&a, ready), 0);
    assert_int_equal(make_key(&a, ready + 2), -ERR_NOT_FOUND);
    assert_int_equal(seal(&a, ready + 2, &field), -ERR_NOT_FOUND);
    assert_int_equal(seal(&a, ready + 3, &field), 0);
    machine_end(&a);
}

/* A folder of before, whose keys stood nowhere else. */
TEST(vault_mirror, brings_the_keys_that_a_folder_has_already)
{
    begin();
    struct machine a = machine_new(), b = machine_new();
    struct personal_keys *keys = NULL;
    struct field field = {.account = 5, .bytes = 8 + PERSONAL_OVERHEAD_BYTES};
    assert_int_equal(personal_keys_open(a.folder, FILE, master, ACCOUNTS, &keys), 0);
    assert_int_equal(personal_keys_write(keys, 0, 40), 0);
    assert_int_equal(personal_seal(keys, 5, SLICE("10.0.0.1"), (unsigned char *)field.sealed), 0);
    assert_int_equal(personal_erase(keys, 6), 0);
    personal_keys_free(keys);
    open_vault(&a);
    assert_int_equal(a.report.brought, 40);
    assert_int_equal(unseal(&a, &field), 0);
    open_vault(&b);
    assert_int_equal(unseal(&b, &field), 0);
    assert_int_equal(make_key(&b, 6), -ERR_NOT_FOUND);
    machine_end(&a);
    machine_end(&b);
}

TEST(vault_mirror, takes_a_damaged_slot_from_the_store)
{
    begin();
    struct machine a = machine_new();
    struct field field, of_new;
    open_vault(&a);
    assert_int_equal(seal(&a, 5, &field), 0);
    close_vault(&a);
    int fd = openat(a.folder, FILE, O_RDWR);
    assert_int_equal(pwrite(fd, "damage", 6, 6 * PERSONAL_SLOT_BYTES), 6);
    open_vault(&a);
    assert_int_equal(a.report.damaged, 0);
    assert_int_equal(a.report.fetched, 1);
    assert_int_equal(unseal(&a, &field), 0);
    close_vault(&a);
    /* Damaged here and lost there: it is said, and the user gets another. */
    assert_int_equal(pwrite(fd, "damage", 6, 6 * PERSONAL_SLOT_BYTES), 6);
    memset(shared.slots[6], 0, PERSONAL_SLOT_BYTES);
    open_vault(&a);
    assert_int_equal(a.report.damaged, 1);
    assert_int_equal(unseal(&a, &field), -ERR_CRYPTO);
    assert_int_equal(seal(&a, 5, &of_new), 0);
    assert_int_equal(unseal(&a, &of_new), 0);
    close(fd);
    machine_end(&a);
}

/* Two folders had the shard before its keys stood anywhere: neither's are lost. */
TEST(vault_mirror, keeps_other_keys_aside)
{
    begin();
    struct machine a = machine_new(), b = machine_new();
    struct personal_keys *keys = NULL;
    struct field field = {.account = 5, .bytes = 8 + PERSONAL_OVERHEAD_BYTES}, of_a;
    char slot[PERSONAL_SLOT_BYTES];
    assert_int_equal(personal_keys_open(b.folder, FILE, master, ACCOUNTS, &keys), 0);
    assert_int_equal(personal_keys_write(keys, 0, 10), 0);
    assert_int_equal(personal_seal(keys, 5, SLICE("10.0.0.1"), (unsigned char *)field.sealed), 0);
    assert_int_equal(personal_keys_read(keys, 5, 1, slot), 0);
    personal_keys_free(keys);
    open_vault(&a);
    assert_int_equal(seal(&a, 5, &of_a), 0);
    open_vault(&b);
    assert_int_equal(b.report.aside, 10);
    assert_int_equal(unseal(&b, &of_a), 0);
    assert_int_equal(unseal(&b, &field), -ERR_CRYPTO);
    assert_true(file_has(&b, ASIDE, slot) && !file_has(&b, FILE, slot));
    close_vault(&b);
    /* A second time would take the first one's place. */
    assert_int_equal(unlinkat(b.folder, FILE, 0), 0);
    assert_int_equal(personal_keys_open(b.folder, FILE, master, ACCOUNTS, &keys), 0);
    assert_int_equal(personal_keys_write(keys, 0, 10), 0);
    personal_keys_free(keys);
    assert_int_equal(try_open(&b, master), -ERR_CONFIG);
    assert_true(file_has(&b, ASIDE, slot));
    machine_end(&a);
    machine_end(&b);
}

TEST(vault_mirror, does_not_mix_keys_of_two_master_keys)
{
    begin();
    struct machine a = machine_new(), b = machine_new();
    char before[sizeof shared.slots];
    open_vault(&a);
    memcpy(before, shared.slots, sizeof before);
    assert_int_equal(try_open(&b, other_master), -ERR_CONFIG);
    assert_memory_equal(before, shared.slots, sizeof before);
    machine_end(&a);
    machine_end(&b);
}

TEST(vault_mirror, needs_the_store_to_begin_and_not_to_go_on)
{
    begin();
    struct machine a = machine_new();
    struct field field;
    shared.error = -ERR_ABSENT;
    assert_int_equal(try_open(&a, master), -ERR_ABSENT);
    shared.error = 0;
    open_vault(&a);
    shared.error = -ERR_IO; /* refused: rights were taken away */
    assert_int_equal(seal(&a, 1, &field), 0);
    assert_int_equal(unseal(&a, &field), 0);
    machine_end(&a);
}

TEST(vault_mirror, ends_at_the_last_account_that_may_be)
{
    begin();
    struct machine a = machine_new();
    struct field field;
    open_vault(&a);
    for (uint32_t account = 0; account < ACCOUNTS; account += BLOCK)
        for (int i = 0; i < 5; i++) {
            (void)make_key(&a, account);
            vault_mirror_step(a.vault);
        }
    assert_int_equal(vault_mirror_stats(a.vault).ready, ACCOUNTS);
    assert_int_equal(seal(&a, ACCOUNTS - 1, &field), 0);
    assert_int_equal(make_key(&a, ACCOUNTS), -ERR_LIMIT);
    assert_int_equal(erase(&a, ACCOUNTS), -ERR_LIMIT);
    assert_int_equal(seal(&a, ACCOUNTS, &field), -ERR_NOT_FOUND);
    assert_int_equal(personal_slot_state(shared.slots[ACCOUNTS + 1]), PERSONAL_SLOT_NONE);
    machine_end(&a);
}

/* With its thread: keys come while the owner only asks. */
TEST(vault_mirror, makes_keys_beside_its_owner)
{
    begin();
    struct machine a = machine_new();
    struct field field;
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    const struct vault_mirror_options options = {.folder = a.folder,
                                                 .name = FILE,
                                                 .master = master,
                                                 .accounts_max = ACCOUNTS,
                                                 .store = &a.store,
                                                 .block = BLOCK,
                                                 .ahead = AHEAD};
    assert_int_equal(vault_mirror_open(&options, &a.vault, &a.report, &why), 0);
    for (uint32_t account = 0; account < 200; account++) {
        while (make_key(&a, account) == -ERR_ABSENT)
            (void)usleep(100);
        assert_int_equal(seal(&a, account, &field), 0);
        assert_int_equal(unseal(&a, &field), 0);
    }
    machine_end(&a);
}
