/* batch_walk.c - contract in batch_walk.h. */
#include "adapters/shared/batch_walk.h"

#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "ledger/record.h"

static int corrupt(struct batch_walk *walk, const char *why)
{
    walk->why = why;
    return -ERR_CORRUPT;
}

/* The batch that holds seq_first, or the one behind which it would be: by halving, as batches say
 * their last record and are dense. */
int batch_walk_begin(struct batch_walk *walk, uint64_t seq_first, const struct batch_place *end)
{
    int64_t low = 1, high = end->batch_no; /* the first whose seq_last >= seq_first */
    walk->why = "";
    walk->before = (struct batch_place){.batch_no = 0};
    if (seq_first == 0 || seq_first > end->seq_last)
        return -ERR_NOT_FOUND;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        uint64_t last = 0;
        int error = walk->store->ops->seq_last(walk->store, walk->shard, middle, &last);
        if (error == -ERR_NOT_FOUND)
            return corrupt(walk, "a batch is missing");
        if (error < 0)
            return error;
        if (last >= seq_first)
            high = middle;
        else
            low = middle + 1;
    }
    walk->next = low;
    return 0;
}

struct page {
    struct batch_walk *walk;
    batch_visit visit;
    void *owner;
};

static int check(struct batch_walk *walk, const struct batch *batch)
{
    const struct batch_place *place = &batch->place, *before = &walk->before;
    if (batch->crc != crc32c(0, batch->records, batch->bytes))
        return corrupt(walk, "the records of a batch do not match their sum");
    if (batch->seq_first < 1 || place->seq_last < batch->seq_first - 1 ||
        (place->seq_last < batch->seq_first) != (batch->bytes == 0))
        return corrupt(walk, "a batch has impossible numbers");
    if (place->batch_no != walk->next ||
        (before->batch_no != 0 && batch->seq_first != before->seq_last + 1))
        return corrupt(walk, "a batch is missing");
    if (place->epoch < before->epoch)
        return corrupt(walk, "an epoch falls");
    return 0;
}

static int take_batch(void *owner, const struct batch *batch)
{
    struct page *page = owner;
    struct batch_walk *walk = page->walk;
    TRY(check(walk, batch));
    TRY(page->visit(page->owner, batch));
    walk->before = batch->place;
    walk->next = batch->place.batch_no + 1;
    return 0;
}

int batch_walk_page(struct batch_walk *walk, int64_t last, batch_visit visit, void *owner)
{
    struct page of_walk = {walk, visit, owner};
    struct batch_page page = {walk->shard, walk->next, walk->next + BATCH_PAGE};
    if (walk->next > last)
        return 0;
    if (page.behind > last)
        page.behind = last + 1;
    TRY(walk->store->ops->page(walk->store, &page, take_batch, &of_walk, &walk->why));
    if (walk->next != page.behind)
        return corrupt(walk, "a batch is missing");
    return walk->next <= last;
}

struct records {
    struct batch_walk *walk;
    uint64_t seq_first;
    ledger_visit visit;
    void *owner;
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
            TRY(records->visit(records->owner, records->walk->shard, batch->records + at,
                               head.bytes));
    }
    if (seq == batch->place.seq_last + 1)
        return 0;
    return corrupt(records->walk, "the records of a batch are not those that it says");
}

int batch_walk_page_records(struct batch_walk *walk, int64_t last,
                            const struct batch_walk_visit *visit)
{
    struct records records = {walk, visit->seq_first, visit->visit, visit->owner};
    return batch_walk_page(walk, last, visit_records, &records);
}

int batch_walk_records(struct batch_walk *walk, const struct batch_place *end,
                       const struct batch_walk_visit *visit)
{
    int more = batch_walk_begin(walk, visit->seq_first, end);
    if (more == 0)
        do
            more = batch_walk_page_records(walk, end->batch_no, visit);
        while (more == 1);
    return more;
}
