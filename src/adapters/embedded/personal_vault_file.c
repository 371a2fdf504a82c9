/* personal_vault_file.c - contract in personal_vault_file.h.
 *
 * Keys are made a block ahead of the newest account, because a sync takes a disk's time and the
 * loop that opens accounts takes bets too. The loop writes a block into the file; the thread here
 * does nothing but sync it. An account whose key is not durable yet waits for that sync, which
 * happens only when accounts come faster than the disk syncs blocks. */
#include "adapters/embedded/personal_vault_file.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

static_assert(PERSONAL_SEALED_BYTES_MAX == PERSONAL_PLAIN_BYTES_MAX + PERSONAL_OVERHEAD_BYTES,
              "the port's room is the sealed form's");
static_assert(PERSONAL_PLAIN_BYTES_MAX <= PERSONAL_TEXT_BYTES_MAX, "any plain text can be sealed");
static_assert(VAULT_BLOCK <= PERSONAL_AHEAD_MAX, "a block is written in one piece");

struct vault_file {
    struct personal_vault vault;
    struct personal_keys *keys;
    uint32_t accounts_max, block;
    bool stepped;
    uint32_t written;    /* keys below it are in the file */
    atomic_uint durable; /* ... and durable; written == durable: no sync is due */
    pthread_t thread;
    bool thread_begun;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    uint32_t sync_to; /* under the lock, as below: what the thread is to make durable */
    bool closing, broken;
};

static struct vault_file *file_of(struct personal_vault *vault)
{
    return (struct vault_file *)vault;
}

static struct personal_keys *keys_of(struct personal_vault *vault)
{
    return file_of(vault)->keys;
}

/* --- the thread --- */

/* With the lock, which is let go for the sync. False: everything is durable. */
static bool sync_block(struct vault_file *file)
{
    uint32_t to = file->sync_to;
    if (to == atomic_load(&file->durable))
        return false;
    pthread_mutex_unlock(&file->lock);
    int result = personal_keys_sync(file->keys);
    pthread_mutex_lock(&file->lock);
    if (result == 0)
        atomic_store(&file->durable, to);
    else
        file->broken = true; /* never "sync again and hope" */
    pthread_cond_signal(&file->done);
    return true;
}

static void *sync_blocks(void *argument)
{
    struct vault_file *file = argument;
    pthread_mutex_lock(&file->lock);
    while (!file->closing && !file->broken)
        if (!sync_block(file))
            pthread_cond_wait(&file->wake, &file->lock);
    pthread_mutex_unlock(&file->lock);
    return NULL;
}

void personal_vault_file_step(struct personal_vault *vault)
{
    struct vault_file *file = file_of(vault);
    pthread_mutex_lock(&file->lock);
    if (!file->broken)
        (void)sync_block(file);
    pthread_mutex_unlock(&file->lock);
}

/* --- keys ahead --- */

static int write_block(struct vault_file *file)
{
    uint32_t left = file->accounts_max - file->written;
    uint32_t count = left < file->block ? left : file->block;
    if (count == 0)
        return 0;
    TRY(personal_error(personal_keys_write(file->keys, file->written, count)));
    file->written += count;
    pthread_mutex_lock(&file->lock);
    file->sync_to = file->written;
    pthread_cond_signal(&file->wake);
    pthread_mutex_unlock(&file->lock);
    return 0;
}

static int wait_durable(struct vault_file *file, uint32_t account)
{
    if (account < atomic_load(&file->durable))
        return 0;
    if (file->stepped)
        personal_vault_file_step(&file->vault);
    pthread_mutex_lock(&file->lock);
    while (account >= atomic_load(&file->durable) && !file->broken && !file->stepped)
        pthread_cond_wait(&file->done, &file->lock);
    bool durable = account < atomic_load(&file->durable);
    pthread_mutex_unlock(&file->lock);
    return durable ? 0 : -ERR_IO;
}

static bool is_broken(struct vault_file *file)
{
    pthread_mutex_lock(&file->lock);
    bool broken = file->broken;
    pthread_mutex_unlock(&file->lock);
    return broken;
}

static int vault_make_key(struct personal_vault *vault, struct account_ref account)
{
    struct vault_file *file = file_of(vault);
    if (account.n >= file->accounts_max)
        return -ERR_LIMIT;
    /* Nothing follows what may not be durable: a start writes only the last blocks again. */
    bool broken = is_broken(file);
    if (broken && account.n >= atomic_load(&file->durable))
        return -ERR_IO;
    while (!broken && account.n + file->block >= file->written &&
           file->written < file->accounts_max)
        TRY(write_block(file));
    TRY(wait_durable(file, account.n));
    return personal_error(
        personal_key_make(file->keys, account.n)); /* it is there, or was erased */
}

/* --- the rest of the port --- */

static int vault_seal(struct personal_vault *vault, struct account_ref account, struct slice plain,
                      char ret_sealed[PERSONAL_SEALED_BYTES_MAX], size_t *ret_bytes)
{
    if (plain.bytes > PERSONAL_PLAIN_BYTES_MAX)
        return -ERR_LIMIT;
    if (account.n >= atomic_load(&file_of(vault)->durable))
        return -ERR_NOT_FOUND;
    TRY(personal_error(
        personal_seal(keys_of(vault), account.n, plain, (unsigned char *)ret_sealed)));
    *ret_bytes = plain.bytes + PERSONAL_OVERHEAD_BYTES;
    return 0;
}

static int vault_open(struct personal_vault *vault, struct account_ref account, struct slice sealed,
                      char ret_plain[PERSONAL_PLAIN_BYTES_MAX], size_t *ret_bytes)
{
    if (sealed.bytes > PERSONAL_SEALED_BYTES_MAX)
        return -ERR_LIMIT;
    if (sealed.bytes < PERSONAL_OVERHEAD_BYTES)
        return -ERR_CRYPTO;
    TRY(personal_error(
        personal_open(keys_of(vault), account.n, sealed, (unsigned char *)ret_plain)));
    *ret_bytes = sealed.bytes - PERSONAL_OVERHEAD_BYTES;
    return 0;
}

static int vault_erase(struct personal_vault *vault, struct account_ref account)
{
    return personal_error(personal_erase(keys_of(vault), account.n));
}

static void destroy(struct vault_file *file)
{
    personal_keys_free(file->keys);
    pthread_cond_destroy(&file->wake);
    pthread_cond_destroy(&file->done);
    pthread_mutex_destroy(&file->lock);
    free(file);
}

void personal_vault_file_abandon(struct personal_vault *vault)
{
    ASSERT(file_of(vault)->stepped);
    destroy(file_of(vault));
}

static void vault_free(struct personal_vault *vault)
{
    struct vault_file *file = file_of(vault);
    if (file->thread_begun) {
        pthread_mutex_lock(&file->lock);
        file->closing = true;
        pthread_cond_signal(&file->wake);
        pthread_mutex_unlock(&file->lock);
        pthread_join(file->thread, NULL);
    }
    uint32_t durable = atomic_load(&file->durable);
    if (file->keys != NULL && file->written > durable) /* nobody has used them */
        personal_keys_take_back(file->keys, durable, file->written - durable);
    destroy(file);
}

static const struct personal_vault_ops vault_ops = {
    .make_key = vault_make_key,
    .seal = vault_seal,
    .open = vault_open,
    .erase = vault_erase,
    .free = vault_free,
};

static int vault_new(const struct personal_vault_file_options *options,
                     struct vault_file **ret_file)
{
    struct vault_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return -ERR_MEMORY;
    file->vault.ops = &vault_ops;
    file->accounts_max = (uint32_t)options->accounts_max;
    file->block = options->block == 0 ? VAULT_BLOCK : options->block;
    file->stepped = options->stepped;
    pthread_mutex_init(&file->lock, NULL);
    pthread_cond_init(&file->wake, NULL);
    pthread_cond_init(&file->done, NULL);
    *ret_file = file;
    return 0;
}

/* Keys are written at most two blocks ahead of the newest that is durable, and used only then. */
#define UNSYNCED_BLOCKS 3

static int write_again(struct vault_file *file)
{
    uint32_t slots = personal_keys_slots(file->keys), most = UNSYNCED_BLOCKS * file->block;
    uint32_t first = slots > most ? slots - most : 0;
    while (first < slots) {
        uint32_t count = slots - first < PERSONAL_AHEAD_MAX ? slots - first : PERSONAL_AHEAD_MAX;
        TRY(personal_error(personal_keys_rewrite(file->keys, first, count)));
        first += count;
    }
    return 0;
}

/* What the file holds is made durable once: a process that was killed may have left slots that
 * no sync has followed, or one that failed. */
static int begin(struct vault_file *file)
{
    TRY(write_again(file));
    TRY(personal_keys_sync(file->keys));
    file->written = personal_keys_slots(file->keys);
    file->sync_to = file->written;
    atomic_store(&file->durable, file->written);
    if (file->stepped)
        return 0;
    if (pthread_create(&file->thread, NULL, sync_blocks, file) != 0)
        return -ERR_MEMORY;
    file->thread_begun = true;
    return 0;
}

int personal_vault_file_open(const struct personal_vault_file_options *options,
                             struct personal_vault **ret_vault)
{
    struct vault_file *file = NULL;
    int result = vault_new(options, &file);
    if (result < 0) {
        if (options->medium != NULL)
            options->medium->close(options->medium->owner);
        return result;
    }
    result = options->medium != NULL
                 ? personal_keys_open_on(options->medium, options->master, options->accounts_max,
                                         &file->keys)
                 : personal_keys_open(options->folder, options->name, options->master,
                                      options->accounts_max, &file->keys);
    if (result == 0)
        result = begin(file);
    if (result != 0) {
        vault_free(&file->vault);
        return personal_error(result);
    }
    *ret_vault = &file->vault;
    return 0;
}
