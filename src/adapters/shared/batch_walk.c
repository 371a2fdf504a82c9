/* batch_walk.c - contract in batch_walk.h. */
#include "adapters/shared/batch_walk.h"

#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "ledger/record.h"

static int corrupt(const char **ret_why, const char *why)
{
    *ret_why = why;
    return -ERR_CORRUPT;
}

/* The batch that holds seq_first, or the one behind which it would be: by halving, as batches say
 * their last record and are dense. */
static int find(struct batch_store *store, const struct batch_range *range, int64_t *ret_batch_no,
                const char **ret_why)
{
    int64_t low = 1, high = range->end.batch_no; /* the first whose seq_last >= seq_first */
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        uint64_t last = 0;
        int error = store->ops->seq_last(store, range->shard, middle, &last);
        if (error == -ERR_NOT_FOUND)
            return corrupt(ret_why, "a batch is missing");
        if (error < 0)
            return error;
        if (last >= range->seq_first)
            high = middle;
        else
            low = middle + 1;
    }
    *ret_batch_no = low;
    return 0;
}

struct walk {
    struct batch_place before; /* of the next batch; batch_no 0: any */
    int64_t first;             /* of the page */
    batch_visit visit;
    void *owner;
    const char **why;
};

static int check(const struct walk *walk, const struct batch *batch)
{
    const struct batch_place *place = &batch->place, *before = &walk->before;
    if (batch->crc != crc32c(0, batch->records, batch->bytes))
        return corrupt(walk->why, "the records of a batch do not match their sum");
    if (batch->seq_first < 1 || place->seq_last < batch->seq_first - 1 ||
        (place->seq_last < batch->seq_first) != (batch->bytes == 0))
        return corrupt(walk->why, "a batch has impossible numbers");
    if (before->batch_no == 0
            ? place->batch_no != walk->first
            : place->batch_no != before->batch_no + 1 || batch->seq_first != before->seq_last + 1)
        return corrupt(walk->why, "a batch is missing");
    if (place->epoch < before->epoch)
        return corrupt(walk->why, "an epoch falls");
    return 0;
}

static int take_batch(void *owner, const struct batch *batch)
{
    struct walk *walk = owner;
    TRY(check(walk, batch));
    walk->before = batch->place;
    return walk->visit(walk->owner, batch);
}

int batch_walk(struct batch_store *store, const struct batch_range *range, batch_visit visit,
               void *owner, const char **ret_why)
{
    struct walk walk = {.visit = visit, .owner = owner, .why = ret_why};
    struct batch_page page = {.shard = range->shard};
    *ret_why = "";
    if (range->seq_first == 0 || range->seq_first > range->end.seq_last)
        return -ERR_NOT_FOUND;
    TRY(find(store, range, &walk.first, ret_why));
    page.batch_no = walk.first;
    while (page.batch_no <= range->end.batch_no) {
        page.behind = page.batch_no + BATCH_PAGE;
        if (page.behind > range->end.batch_no)
            page.behind = range->end.batch_no + 1;
        TRY(store->ops->page(store, &page, take_batch, &walk, ret_why));
        if (walk.before.batch_no != page.behind - 1)
            return corrupt(ret_why, "a batch is missing");
        page.batch_no = page.behind;
    }
    return 0;
}

struct records {
    uint32_t shard;
    uint64_t seq_first;
    ledger_visit visit;
    void *owner;
    const char **why;
};

static int visit_records(void *owner, const struct batch *batch)
{
    struct records *records = owner;
    uint64_t seq = batch->seq_first;
    struct record_head head;
    for (size_t at = 0; at < batch->bytes; at += head.bytes, seq++) {
        if (batch->bytes - at < sizeof head)
            break;
        memcpy(&head, batch->records + at, sizeof head);
        if (head.bytes < sizeof head || head.bytes % 8 != 0 || head.bytes > batch->bytes - at ||
            head.seq != seq)
            break;
        if (seq >= records->seq_first)
            TRY(records->visit(records->owner, records->shard, batch->records + at, head.bytes));
    }
    if (seq == batch->place.seq_last + 1)
        return 0;
    return corrupt(records->why, "the records of a batch are not those that it says");
}

int batch_walk_records(struct batch_store *store, const struct batch_range *range,
                       ledger_visit visit, void *owner, const char **ret_why)
{
    struct records records = {range->shard, range->seq_first, visit, owner, ret_why};
    return batch_walk(store, range, visit_records, &records, ret_why);
}
