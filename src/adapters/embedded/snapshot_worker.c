/* snapshot_worker.c - contract in snapshot_worker.h. A ring of pieces: who adds waits when it is
 * full, which costs nothing, for this thread is then what everything waits for. */
#include "adapters/embedded/snapshot_worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

#define PIECES_MAX 256

struct piece {
    shard_snapshot_work work;
    void *context;
    const void *at;
    size_t bytes;
};

struct snapshot_worker {
    pthread_t thread;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t changed;
    struct piece pieces[PIECES_MAX];
    uint64_t added, done;
    bool ending;
};

static void *work_loop(void *owner)
{
    struct snapshot_worker *worker = owner;
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        while (worker->added == worker->done && !worker->ending)
            pthread_cond_wait(&worker->changed, &worker->lock);
        if (worker->added == worker->done)
            break;
        struct piece piece = worker->pieces[worker->done % PIECES_MAX];
        pthread_mutex_unlock(&worker->lock);
        piece.work(piece.context, piece.at, piece.bytes);
        pthread_mutex_lock(&worker->lock);
        worker->done++;
        pthread_cond_broadcast(&worker->changed);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static void worker_add(void *owner, shard_snapshot_work work, void *context, struct slice piece)
{
    struct snapshot_worker *worker = owner;
    pthread_mutex_lock(&worker->lock);
    while (worker->added - worker->done == PIECES_MAX)
        pthread_cond_wait(&worker->changed, &worker->lock);
    worker->pieces[worker->added++ % PIECES_MAX] =
        (struct piece){work, context, piece.at, piece.bytes};
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

static void worker_wait(void *owner)
{
    struct snapshot_worker *worker = owner;
    pthread_mutex_lock(&worker->lock);
    while (worker->added != worker->done)
        pthread_cond_wait(&worker->changed, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
}

struct shard_snapshot_worker snapshot_worker_of(struct snapshot_worker *worker)
{
    return (struct shard_snapshot_worker){worker_add, worker_wait, worker};
}

/* Signals are the role's business: none may be delivered to this thread. */
int snapshot_worker_new(struct snapshot_worker **ret_worker)
{
    struct snapshot_worker *worker = calloc(1, sizeof *worker);
    sigset_t all, before;
    if (worker == NULL)
        return -ERR_MEMORY;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&worker->thread, NULL, work_loop, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        free(worker);
        return -ERR_MEMORY;
    }
    *ret_worker = worker;
    return 0;
}

void snapshot_worker_free(struct snapshot_worker *worker)
{
    if (worker == NULL)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->ending = true;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->changed);
    free(worker);
}
