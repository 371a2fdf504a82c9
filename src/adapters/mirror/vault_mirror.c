/* vault_mirror.c - contract in vault_mirror.h.
 *
 * The owner makes the keys of a block and hands their slots to the thread, which brings them to the
 * store and writes what stands there into the file: another process may have been first. Only then
 * are they used, so nothing is ever sealed with a key that does not stand. The thread alone writes
 * into the file, one thing after the other; the owner reads. */
#include "adapters/mirror/vault_mirror.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/instant.h"

static_assert(VAULT_MIRROR_BLOCK <= PERSONAL_STORE_PLACES_MAX, "a block is one question");
static_assert(VAULT_MIRROR_BLOCK <= PERSONAL_AHEAD_MAX, "a block is made at once");
static_assert(PERSONAL_SEALED_BYTES_MAX == PERSONAL_PLAIN_BYTES_MAX + PERSONAL_OVERHEAD_BYTES,
              "the port's room is the sealed form's");

#define ERASED_ROOM 256

struct vault_mirror {
    struct personal_vault vault;  /* first */
    struct personal_keys *keys;   /* owned */
    struct personal_store *store; /* owned; asked with store_lock */
    uint32_t accounts_max, block, ahead;
    atomic_uint ready;  /* accounts below it have a key that stands */
    atomic_bool forget; /* slots were overwritten of which the owner may have keys in memory */
    pthread_mutex_t store_lock;
    uint64_t erased_known; /* as the store counted when they were last read; with store_lock */
    pthread_mutex_t lock;  /* of all below, with the condition */
    pthread_cond_t wake;
    pthread_t thread;
    bool thread_begun, closing;
    uint32_t first, count; /* the block that is asked; count 0: none */
    char slots[VAULT_MIRROR_BLOCK * PERSONAL_SLOT_BYTES];
    struct vault_mirror_stats stats;
};

static struct vault_mirror *mirror_of(struct personal_vault *vault)
{
    return (struct vault_mirror *)vault;
}

/* ---- the thread ---- */

static void note(struct vault_mirror *mirror, int error, uint64_t erased)
{
    pthread_mutex_lock(&mirror->lock);
    mirror->stats.failures += error < 0;
    mirror->stats.away = error < 0;
    mirror->stats.erased += erased;
    pthread_mutex_unlock(&mirror->lock);
}

/* Nobody else touches the block while its count is not 0. */
static int bring_block(struct vault_mirror *mirror, uint32_t first, uint32_t count)
{
    struct personal_store *store = mirror->store;
    pthread_mutex_lock(&mirror->store_lock);
    int error = store->ops->join(store, (uint64_t)first + 1, count, mirror->slots);
    if (error == 0)
        error = personal_keys_put(mirror->keys, first, count, mirror->slots);
    pthread_mutex_unlock(&mirror->store_lock);
    note(mirror, error, 0);
    if (error < 0)
        return error;
    atomic_store(&mirror->ready, first + count);
    pthread_mutex_lock(&mirror->lock);
    mirror->count = 0;
    pthread_mutex_unlock(&mirror->lock);
    return 0;
}

/* With store_lock. Durable when it returns; *counted is one more where there was a key. */
static int overwrite(struct vault_mirror *mirror, uint32_t user, uint64_t *counted)
{
    char slot[PERSONAL_SLOT_BYTES];
    TRY(personal_keys_read(mirror->keys, user, 1, slot));
    if (personal_slot_state(slot) == PERSONAL_SLOT_ERASED)
        return 0;
    personal_slot_erase(slot);
    TRY(personal_keys_put(mirror->keys, user, 1, slot));
    atomic_store(&mirror->forget, true);
    *counted += 1;
    return personal_keys_sync(mirror->keys);
}

/* All of them again: they are few, and it is done when there are more. */
static int overwrite_erased(struct vault_mirror *mirror, uint64_t *counted)
{
    struct personal_store *store = mirror->store;
    uint64_t places[ERASED_ROOM], next = 1;
    uint32_t count = ERASED_ROOM;
    while (count == ERASED_ROOM) {
        TRY(store->ops->erased(store, next, places, ERASED_ROOM, &count));
        for (uint32_t i = 0; i < count; i++)
            if (places[i] - 1 < atomic_load(&mirror->ready))
                TRY(overwrite(mirror, (uint32_t)(places[i] - 1), counted));
        if (count > 0)
            next = places[count - 1] + 1;
    }
    return 0;
}

static int look_for_erased(struct vault_mirror *mirror)
{
    struct personal_store *store = mirror->store;
    struct personal_store_count there = {0};
    uint64_t counted = 0;
    pthread_mutex_lock(&mirror->store_lock);
    int error = store->ops->count(store, &there);
    if (error == 0 && there.erased != mirror->erased_known) {
        error = overwrite_erased(mirror, &counted);
        if (error == 0)
            mirror->erased_known = there.erased;
    }
    pthread_mutex_unlock(&mirror->store_lock);
    note(mirror, error, counted);
    return error;
}

static uint32_t asked_block(struct vault_mirror *mirror, uint32_t *ret_first)
{
    pthread_mutex_lock(&mirror->lock);
    uint32_t count = mirror->count;
    *ret_first = mirror->first;
    pthread_mutex_unlock(&mirror->lock);
    return count;
}

/* Until a block is asked, but no longer than that; false: the end. */
static bool rest(struct vault_mirror *mirror, int64_t us, bool for_block)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + us % US_PER_SECOND * 1000;
    until.tv_sec += us / US_PER_SECOND + ns / (1000 * US_PER_SECOND);
    until.tv_nsec = ns % (1000 * US_PER_SECOND);
    int timed = 0;
    pthread_mutex_lock(&mirror->lock);
    while (!mirror->closing && timed == 0 && !(for_block && mirror->count > 0))
        timed = pthread_cond_timedwait(&mirror->wake, &mirror->lock, &until);
    bool on = !mirror->closing;
    pthread_mutex_unlock(&mirror->lock);
    return on;
}

/* A store that fails is asked again later, for whatever it was. */
static void *run(void *argument)
{
    struct vault_mirror *mirror = argument;
    int64_t look_us = clock_us(CLOCK_MONOTONIC) + VAULT_MIRROR_LOOK_US;
    bool on = true;
    while (on) {
        uint32_t first = 0, count = asked_block(mirror, &first);
        int error = count > 0 ? bring_block(mirror, first, count) : 0;
        int64_t left_us = look_us - clock_us(CLOCK_MONOTONIC);
        if (error == 0 && left_us <= 0) {
            error = look_for_erased(mirror);
            look_us = clock_us(CLOCK_MONOTONIC) + VAULT_MIRROR_LOOK_US;
            left_us = VAULT_MIRROR_LOOK_US;
        }
        on = error < 0 ? rest(mirror, VAULT_MIRROR_AGAIN_US, false) : rest(mirror, left_us, true);
    }
    return NULL;
}

void vault_mirror_step(struct personal_vault *vault)
{
    struct vault_mirror *mirror = mirror_of(vault);
    uint32_t first = 0, count = asked_block(mirror, &first);
    int error = count > 0 ? bring_block(mirror, first, count) : 0;
    if (error == 0)
        (void)look_for_erased(mirror);
}

/* ---- the owner ---- */

static void drop_erased(struct vault_mirror *mirror)
{
    if (atomic_load(&mirror->forget) && atomic_exchange(&mirror->forget, false))
        personal_keys_forget(mirror->keys);
}

/* The next block, when too few keys are left and none is under way. */
static int ask_ahead(struct vault_mirror *mirror, uint32_t account)
{
    uint32_t ready = atomic_load(&mirror->ready), left = mirror->accounts_max - ready;
    uint32_t first, count = left < mirror->block ? left : mirror->block;
    uint64_t wanted = (uint64_t)account + mirror->ahead;
    if (count == 0 || wanted < ready || asked_block(mirror, &first) > 0)
        return 0;
    TRY(personal_error(personal_keys_fill(mirror->keys, ready, count, mirror->slots)));
    pthread_mutex_lock(&mirror->lock);
    mirror->first = ready;
    mirror->count = count;
    pthread_cond_signal(&mirror->wake);
    pthread_mutex_unlock(&mirror->lock);
    return 0;
}

/* -ERR_ABSENT: not yet. It has one as soon as the store has taken the block that it is in. */
static int vault_make_key(struct personal_vault *vault, struct account_ref account)
{
    struct vault_mirror *mirror = mirror_of(vault);
    char slot[PERSONAL_SLOT_BYTES];
    if (account.n >= mirror->accounts_max)
        return -ERR_LIMIT;
    drop_erased(mirror);
    TRY(ask_ahead(mirror, account.n));
    if (account.n >= atomic_load(&mirror->ready))
        return -ERR_ABSENT;
    TRY(personal_keys_read(mirror->keys, account.n, 1, slot));
    return personal_slot_state(slot) == PERSONAL_SLOT_KEY ? 0 : -ERR_NOT_FOUND;
}

static void note_unready(struct vault_mirror *mirror)
{
    pthread_mutex_lock(&mirror->lock);
    mirror->stats.unready++;
    pthread_mutex_unlock(&mirror->lock);
}

static int vault_seal(struct personal_vault *vault, struct account_ref account, struct slice plain,
                      char ret_sealed[PERSONAL_SEALED_BYTES_MAX], size_t *ret_bytes)
{
    struct vault_mirror *mirror = mirror_of(vault);
    if (plain.bytes > PERSONAL_PLAIN_BYTES_MAX)
        return -ERR_LIMIT;
    drop_erased(mirror);
    if (account.n >= atomic_load(&mirror->ready)) {
        note_unready(mirror);
        (void)ask_ahead(mirror, account.n);
        return -ERR_NOT_FOUND;
    }
    TRY(personal_error(personal_seal(mirror->keys, account.n, plain, (unsigned char *)ret_sealed)));
    *ret_bytes = plain.bytes + PERSONAL_OVERHEAD_BYTES;
    return 0;
}

static int vault_open(struct personal_vault *vault, struct account_ref account, struct slice sealed,
                      char ret_plain[PERSONAL_PLAIN_BYTES_MAX], size_t *ret_bytes)
{
    struct vault_mirror *mirror = mirror_of(vault);
    if (sealed.bytes > PERSONAL_SEALED_BYTES_MAX)
        return -ERR_LIMIT;
    if (sealed.bytes < PERSONAL_OVERHEAD_BYTES)
        return -ERR_CRYPTO;
    drop_erased(mirror);
    if (account.n >= atomic_load(&mirror->ready))
        return -ERR_NOT_FOUND;
    TRY(personal_error(personal_open(mirror->keys, account.n, sealed, (unsigned char *)ret_plain)));
    *ret_bytes = sealed.bytes - PERSONAL_OVERHEAD_BYTES;
    return 0;
}

/* The store first: what is erased only here would come back. */
static int vault_erase(struct personal_vault *vault, struct account_ref account)
{
    struct vault_mirror *mirror = mirror_of(vault);
    char slot[PERSONAL_SLOT_BYTES];
    uint64_t counted = 0;
    if (account.n >= mirror->accounts_max)
        return -ERR_LIMIT;
    personal_slot_erase(slot);
    pthread_mutex_lock(&mirror->store_lock);
    int error = mirror->store->ops->join(mirror->store, (uint64_t)account.n + 1, 1, slot);
    if (error == 0 && account.n < atomic_load(&mirror->ready))
        error = overwrite(mirror, account.n, &counted);
    pthread_mutex_unlock(&mirror->store_lock);
    note(mirror, error, counted);
    drop_erased(mirror);
    return error;
}

static void vault_free(struct personal_vault *vault)
{
    struct vault_mirror *mirror = mirror_of(vault);
    if (mirror->thread_begun) {
        mirror->store->ops->leave(mirror->store);
        pthread_mutex_lock(&mirror->lock);
        mirror->closing = true;
        pthread_cond_signal(&mirror->wake);
        pthread_mutex_unlock(&mirror->lock);
        pthread_join(mirror->thread, NULL);
    }
    if (mirror->keys != NULL)
        (void)personal_keys_sync(mirror->keys); /* it is a copy */
    personal_keys_free(mirror->keys);
    mirror->store->ops->free(mirror->store);
    pthread_cond_destroy(&mirror->wake);
    pthread_mutex_destroy(&mirror->lock);
    pthread_mutex_destroy(&mirror->store_lock);
    free(mirror);
}

static const struct personal_vault_ops vault_ops = {
    .make_key = vault_make_key,
    .seal = vault_seal,
    .open = vault_open,
    .erase = vault_erase,
    .free = vault_free,
};

struct vault_mirror_stats vault_mirror_stats(struct personal_vault *vault)
{
    struct vault_mirror *mirror = mirror_of(vault);
    pthread_mutex_lock(&mirror->lock);
    struct vault_mirror_stats stats = mirror->stats;
    pthread_mutex_unlock(&mirror->lock);
    stats.ready = atomic_load(&mirror->ready);
    return stats;
}

/* ---- a start ---- */

static struct vault_mirror *mirror_new(const struct vault_mirror_options *options)
{
    pthread_condattr_t monotonic;
    struct vault_mirror *mirror = calloc(1, sizeof *mirror);
    if (mirror == NULL) {
        options->store->ops->free(options->store);
        return NULL;
    }
    mirror->vault.ops = &vault_ops;
    mirror->store = options->store;
    mirror->accounts_max = (uint32_t)options->accounts_max;
    mirror->block = options->block == 0 ? VAULT_MIRROR_BLOCK : options->block;
    mirror->ahead = options->ahead == 0 ? VAULT_MIRROR_AHEAD : options->ahead;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&mirror->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&mirror->lock, NULL);
    pthread_mutex_init(&mirror->store_lock, NULL);
    return mirror;
}

/* The first accounts have keys before there is a thread: nobody waits for them yet. */
static int make_first(struct vault_mirror *mirror)
{
    for (uint32_t first, count = 1; count > 0;) {
        TRY(ask_ahead(mirror, 0));
        count = asked_block(mirror, &first);
        if (count > 0)
            TRY(bring_block(mirror, first, count));
    }
    return personal_keys_sync(mirror->keys);
}

/* Signals are the loop's: none may be delivered to this thread. */
static int start_thread(struct vault_mirror *mirror)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    mirror->thread_begun = pthread_create(&mirror->thread, NULL, run, mirror) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return mirror->thread_begun ? 0 : -ERR_MEMORY;
}

static int begin(struct vault_mirror *mirror, const struct vault_mirror_options *options,
                 struct vault_join_report *report, struct buf *why)
{
    const struct vault_join_options join = {.folder = options->folder,
                                            .name = options->name,
                                            .master = options->master,
                                            .accounts_max = options->accounts_max,
                                            .store = options->store};
    TRY(vault_join(&join, &mirror->keys, report, why));
    atomic_store(&mirror->ready, (uint32_t)report->slots);
    TRY(make_first(mirror));
    return options->stepped ? 0 : start_thread(mirror);
}

int vault_mirror_open(const struct vault_mirror_options *options, struct personal_vault **ret_vault,
                      struct vault_join_report *ret_report, struct buf *why)
{
    struct vault_mirror *mirror = mirror_new(options);
    if (mirror == NULL)
        return -ERR_MEMORY;
    int error = begin(mirror, options, ret_report, why);
    if (error != 0) {
        vault_free(&mirror->vault);
        return personal_error(error);
    }
    *ret_vault = &mirror->vault;
    return 0;
}
