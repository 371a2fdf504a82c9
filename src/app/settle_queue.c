/* settle_queue.c - contract in settle_queue.h. */
#include "app/settle_queue.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

int settle_queue_new(uint32_t markets_max, struct settle_queue **ret_queue)
{
    size_t refs = (size_t)markets_max + 1;
    struct settle_queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        return -ERR_MEMORY;
    queue->capacity = markets_max + 1;
    queue->markets = calloc(refs, sizeof *queue->markets);
    queue->jobs = calloc(refs, sizeof *queue->jobs);
    if (queue->markets == NULL || queue->jobs == NULL) {
        settle_queue_free(queue);
        return -ERR_MEMORY;
    }
    *ret_queue = queue;
    return 0;
}

void settle_queue_free(struct settle_queue *queue)
{
    if (queue == NULL)
        return;
    free(queue->markets);
    free(queue->jobs);
    free(queue);
}

static void append(struct settle_queue *queue, uint32_t ref)
{
    ASSERT(queue->count < queue->capacity); /* a market is queued once */
    queue->markets[(queue->first + queue->count) % queue->capacity] = ref;
    queue->count++;
}

static uint32_t take_first(struct settle_queue *queue)
{
    uint32_t ref = queue->markets[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    queue->slice_left = SETTLE_SLICE_LOOKS;
    return ref;
}

void settle_queue_put(struct settle_queue *queue, struct market_ref market, uint32_t next,
                      uint32_t bets)
{
    struct settle_job *job = &queue->jobs[market.n];
    if (next == LEG_NONE)
        return;
    if (queue->count == 0) {
        queue->bets = queue->bets_left = 0;
        queue->slice_left = SETTLE_SLICE_LOOKS;
    }
    if (job->queued) {
        queue->bets -= job->bets;
        queue->bets_left -= job->left;
    } else {
        append(queue, market.n);
    }
    *job = (struct settle_job){next, bets, bets, true};
    queue->bets += bets;
    queue->bets_left += bets;
}

bool settle_queue_holds(const struct settle_queue *queue, struct market_ref market)
{
    return queue->jobs[market.n].queued;
}

struct market_ref settle_queue_market(const struct settle_queue *queue)
{
    return (struct market_ref){queue->count == 0 ? 0 : queue->markets[queue->first]};
}

struct market_ref settle_queue_market_at(const struct settle_queue *queue, uint32_t place)
{
    ASSERT(place < queue->count);
    return (struct market_ref){queue->markets[(queue->first + place) % queue->capacity]};
}

static struct settle_job *first_job(const struct settle_queue *queue)
{
    ASSERT(queue->count > 0);
    return &queue->jobs[queue->markets[queue->first]];
}

uint32_t settle_queue_leg(const struct settle_queue *queue)
{
    return first_job(queue)->next;
}

void settle_queue_looked(struct settle_queue *queue, uint32_t next, uint32_t looks, bool counted)
{
    struct settle_job *job = first_job(queue);
    job->next = next;
    if (counted && job->left > 0) {
        job->left--;
        queue->bets_left--;
    }
    if (next == LEG_NONE) {
        queue->bets_left -= job->left;
        job->left = 0;
        job->queued = false;
        take_first(queue);
    } else if (looks >= queue->slice_left) {
        append(queue, take_first(queue));
    } else {
        queue->slice_left -= looks;
    }
}
