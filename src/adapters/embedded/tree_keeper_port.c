/* tree_keeper_port.c - what others than the keeper's thread call: contract in ports/ledger_tree.h
 * and tree_keeper.h. They touch only what stands under the lock. */
#include <string.h>

#include "adapters/embedded/tree_keeper_internal.h"
#include "base/assert.h"
#include "base/error.h"

static struct tree_keeper *keeper_of(struct ledger_tree *tree)
{
    return (struct tree_keeper *)tree;
}

static int keeper_ask(struct ledger_tree *tree, struct tree_ask *ask)
{
    struct tree_keeper *keeper = keeper_of(tree);
    int result = 0;
    ASSERT(ask->on_done != NULL);
    ASSERT(ask->count <= TREE_ASK_RECORDS_MAX);
    pthread_mutex_lock(&keeper->lock);
    if (keeper->asks_under_way == TREE_ASKS_MAX || keeper->closing) {
        keeper->stats.asks_busy++;
        result = -ERR_BUSY;
    } else {
        keeper->waiting[keeper->waiting_in++ % TREE_ASKS_MAX] = ask;
        keeper->asks_under_way++;
        pthread_cond_signal(&keeper->wake);
    }
    pthread_mutex_unlock(&keeper->lock);
    return result;
}

static bool keeper_newest(struct ledger_tree *tree, unsigned char ret_head[TREE_HEAD_BYTES])
{
    struct tree_keeper *keeper = keeper_of(tree);
    pthread_mutex_lock(&keeper->lock);
    bool any = keeper->head_any;
    if (any)
        memcpy(ret_head, keeper->head, TREE_HEAD_BYTES);
    pthread_mutex_unlock(&keeper->lock);
    return any;
}

static bool poll_one(struct tree_keeper *keeper)
{
    struct tree_ask *ask = NULL;
    int error = 0;
    pthread_mutex_lock(&keeper->lock);
    if (keeper->done_in != keeper->done_out) {
        uint64_t at = keeper->done_out++ % TREE_ASKS_MAX;
        ask = keeper->done[at].ask;
        error = keeper->done[at].error;
        keeper->asks_under_way--;
    }
    pthread_mutex_unlock(&keeper->lock);
    if (ask != NULL)
        ask->on_done(ask, error);
    return ask != NULL;
}

static void poll_rotated(struct tree_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    struct tree_rotate *rotated = keeper->rotated;
    int error = keeper->rotated_error;
    keeper->rotated = NULL;
    pthread_mutex_unlock(&keeper->lock);
    if (rotated != NULL)
        rotated->on_done(rotated, error);
}

static void keeper_poll(struct ledger_tree *tree)
{
    poll_rotated(keeper_of(tree));
    for (unsigned i = 0; i < TREE_ASKS_MAX && poll_one(keeper_of(tree)); i++)
        ;
}

static uint32_t keeper_links(struct ledger_tree *tree, uint32_t from,
                             unsigned char (*ret_links)[TREE_LINK_BYTES])
{
    struct tree_keeper *keeper = keeper_of(tree);
    pthread_mutex_lock(&keeper->lock);
    uint32_t count = keeper->links_count;
    for (uint32_t i = from; i < count; i++)
        memcpy(ret_links[i - from], keeper->links[i], TREE_LINK_BYTES);
    pthread_mutex_unlock(&keeper->lock);
    return count;
}

static int keeper_rotate(struct ledger_tree *tree, struct tree_rotate *rotate)
{
    struct tree_keeper *keeper = keeper_of(tree);
    int result = -ERR_BUSY;
    ASSERT(rotate->on_done != NULL);
    pthread_mutex_lock(&keeper->lock);
    if (keeper->rotate == NULL && keeper->rotated == NULL && !keeper->closing &&
        keeper->options.next_key != NULL) {
        keeper->rotate = rotate;
        pthread_cond_signal(&keeper->wake);
        result = 0;
    }
    pthread_mutex_unlock(&keeper->lock);
    return result;
}

const struct ledger_tree_ops tree_keeper_ops = {
    .ask = keeper_ask,
    .newest = keeper_newest,
    .links = keeper_links,
    .rotate = keeper_rotate,
    .poll = keeper_poll,
};

void tree_keeper_distrust(struct tree_keeper *keeper)
{
    __atomic_store_n(&keeper->distrusted, true, __ATOMIC_RELEASE);
}

void tree_keeper_confirm(struct tree_keeper *keeper, uint64_t seq)
{
    pthread_mutex_lock(&keeper->lock);
    __atomic_store_n(&keeper->confirmed, seq, __ATOMIC_RELEASE);
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
}

struct ledger_tree *tree_keeper_tree(struct tree_keeper *keeper)
{
    return &keeper->tree;
}

void tree_keeper_stats(struct tree_keeper *keeper, struct tree_keeper_stats *ret_stats)
{
    pthread_mutex_lock(&keeper->lock);
    *ret_stats = keeper->stats;
    ret_stats->behind = keeper->durable - keeper->stats.size;
    pthread_mutex_unlock(&keeper->lock);
}

int tree_keeper_catch_up(struct tree_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    while (keeper->stats.error == 0 && keeper->stats.size < keeper->durable)
        pthread_cond_wait(&keeper->calm, &keeper->lock);
    int error = keeper->stats.error;
    pthread_mutex_unlock(&keeper->lock);
    return error;
}
