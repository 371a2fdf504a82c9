/* snapshot_hasher.c - contract in snapshot_hasher.h. A ring of pieces: who adds waits when it is
 * full, which costs nothing, for the hash is then what everything waits for. */
#include "adapters/embedded/snapshot_hasher.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "crypto/sha256.h"

#define PIECES_MAX 256

struct piece {
    struct sha256 *sha;
    const void *at;
    size_t bytes;
};

struct snapshot_hasher {
    pthread_t thread;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t changed;
    struct piece pieces[PIECES_MAX];
    uint64_t added, done;
    bool ending;
};

static void *hash_loop(void *owner)
{
    struct snapshot_hasher *hasher = owner;
    pthread_mutex_lock(&hasher->lock);
    for (;;) {
        while (hasher->added == hasher->done && !hasher->ending)
            pthread_cond_wait(&hasher->changed, &hasher->lock);
        if (hasher->added == hasher->done)
            break;
        struct piece piece = hasher->pieces[hasher->done % PIECES_MAX];
        pthread_mutex_unlock(&hasher->lock);
        sha256_add(piece.sha, slice_of(piece.at, piece.bytes));
        pthread_mutex_lock(&hasher->lock);
        hasher->done++;
        pthread_cond_broadcast(&hasher->changed);
    }
    pthread_mutex_unlock(&hasher->lock);
    return NULL;
}

static void hasher_add(void *owner, struct sha256 *sha, const void *at, size_t bytes)
{
    struct snapshot_hasher *hasher = owner;
    pthread_mutex_lock(&hasher->lock);
    while (hasher->added - hasher->done == PIECES_MAX)
        pthread_cond_wait(&hasher->changed, &hasher->lock);
    hasher->pieces[hasher->added++ % PIECES_MAX] = (struct piece){sha, at, bytes};
    pthread_cond_broadcast(&hasher->changed);
    pthread_mutex_unlock(&hasher->lock);
}

static void hasher_wait(void *owner)
{
    struct snapshot_hasher *hasher = owner;
    pthread_mutex_lock(&hasher->lock);
    while (hasher->added != hasher->done)
        pthread_cond_wait(&hasher->changed, &hasher->lock);
    pthread_mutex_unlock(&hasher->lock);
}

struct shard_snapshot_hasher snapshot_hasher_of(struct snapshot_hasher *hasher)
{
    return (struct shard_snapshot_hasher){hasher_add, hasher_wait, hasher};
}

/* Signals are the role's business: none may be delivered to this thread. */
int snapshot_hasher_new(struct snapshot_hasher **ret_hasher)
{
    struct snapshot_hasher *hasher = calloc(1, sizeof *hasher);
    sigset_t all, before;
    if (hasher == NULL)
        return -ERR_MEMORY;
    pthread_mutex_init(&hasher->lock, NULL);
    pthread_cond_init(&hasher->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&hasher->thread, NULL, hash_loop, hasher);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        free(hasher);
        return -ERR_MEMORY;
    }
    *ret_hasher = hasher;
    return 0;
}

void snapshot_hasher_free(struct snapshot_hasher *hasher)
{
    if (hasher == NULL)
        return;
    pthread_mutex_lock(&hasher->lock);
    hasher->ending = true;
    pthread_cond_broadcast(&hasher->changed);
    pthread_mutex_unlock(&hasher->lock);
    pthread_join(hasher->thread, NULL);
    pthread_mutex_destroy(&hasher->lock);
    pthread_cond_destroy(&hasher->changed);
    free(hasher);
}
