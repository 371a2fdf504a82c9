/* dynamo_batch.c - contract in dynamo_batch.h. */
#include "adapters/dynamodb/dynamo_batch.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/dynamodb/dynamo_link.h"
#include "base/error.h"
#include "base/reserve.h"

#define ITEM_RECORDS_MAX (400 * 1024)

struct dynamo_batch {
    struct batch_store store; /* first */
    struct dynamo_link link;
    char *ask;     /* owned; DYNAMO_ASK_BYTES_MAX */
    char *records; /* owned; ITEM_RECORDS_MAX */
};

static struct dynamo_batch *dynamo_of(struct batch_store *store)
{
    return (struct dynamo_batch *)store;
}

static struct buf question_of(struct dynamo_batch *d)
{
    return buf_over(d->ask, DYNAMO_ASK_BYTES_MAX);
}

/* The visitor's errors are its own, whatever they are. */
struct relay {
    batch_visit visit;
    void *owner;
    int said;
};

static int pass_on(void *owner, const struct batch *batch)
{
    struct relay *relay = owner;
    relay->said = relay->visit(relay->owner, batch);
    return relay->said;
}

/* 0; the visitor's negative answer; -ERR_CORRUPT; -ERR_CONFIG: an item of a newer format. */
static int read_batches(struct dynamo_batch *d, struct slice body, batch_visit visit, void *owner)
{
    const struct dynamo_items items = {body, d->records, ITEM_RECORDS_MAX};
    struct relay relay = {visit, owner, 0};
    int error = dynamo_answer_batches(&items, pass_on, &relay);
    if (error == 0 || relay.said < 0)
        return error;
    dynamo_link_explain(&d->link, error == -ERR_CONFIG ? "its items were made by a newer program"
                                                       : "an item cannot be read");
    return error == -ERR_CONFIG ? error : -ERR_CORRUPT;
}

static int dynamo_prepare(struct batch_store *store, const char **ret_why)
{
    struct dynamo_batch *d = dynamo_of(store);
    (void)ret_why; /* problem() says it */
    return dynamo_link_prepare(&d->link, &dynamo_ledger_shape, question_of(d));
}

/* ---- single items ---- */

struct glance {
    struct batch batch;
    bool there;
};

static int look_at(void *owner, const struct batch *batch)
{
    struct glance *glance = owner;
    *glance = (struct glance){*batch, true};
    return 0;
}

static int dynamo_newest(struct batch_store *store, uint32_t shard, struct batch_place *ret_place)
{
    struct dynamo_batch *d = dynamo_of(store);
    struct buf text = question_of(d);
    struct glance glance = {.there = false};
    struct slice body;
    dynamo_ask_newest(&text, d->link.url.table, shard);
    TRY(store_error(dynamo_link_ask_again(&d->link, DYNAMO_QUERY, &text, &body).answer));
    TRY(read_batches(d, body, look_at, &glance));
    *ret_place = glance.batch.place;
    return 0;
}

static int dynamo_seq_last(struct batch_store *store, uint32_t shard, int64_t batch_no,
                           uint64_t *ret_seq)
{
    struct dynamo_batch *d = dynamo_of(store);
    struct buf text = question_of(d);
    struct glance glance = {.there = false};
    struct slice body;
    dynamo_ask_get(&text, d->link.url.table, shard, batch_no);
    TRY(store_error(dynamo_link_ask_again(&d->link, DYNAMO_GET, &text, &body).answer));
    TRY(read_batches(d, body, look_at, &glance));
    if (!glance.there)
        return -ERR_NOT_FOUND;
    *ret_seq = glance.batch.place.seq_last;
    return 0;
}

static enum store_answer dynamo_look(struct batch_store *store, uint32_t shard,
                                     const struct batch *batch, enum batch_found *ret_found)
{
    struct dynamo_batch *d = dynamo_of(store);
    struct buf text = question_of(d);
    struct glance glance = {.there = false};
    struct slice body;
    *ret_found = BATCH_NONE;
    dynamo_ask_get(&text, d->link.url.table, shard, batch->place.batch_no);
    struct dynamo_verdict verdict = dynamo_link_ask(&d->link, DYNAMO_GET, &text, &body);
    if (verdict.answer != STORE_TAKEN)
        return verdict.answer;
    if (read_batches(d, body, look_at, &glance) < 0)
        return STORE_REFUSED; /* what stands there is no batch of this program's */
    const struct batch *found = &glance.batch;
    if (glance.there)
        *ret_found = found->writer == batch->writer && found->place.epoch == batch->place.epoch &&
                             found->place.seq_last == batch->place.seq_last &&
                             found->crc == batch->crc
                         ? BATCH_OURS
                         : BATCH_OTHER;
    return STORE_TAKEN;
}

static enum store_answer dynamo_insert(struct batch_store *store, uint32_t shard,
                                       const struct batch *batch, bool *ret_won)
{
    struct dynamo_batch *d = dynamo_of(store);
    struct buf text = question_of(d);
    enum batch_found found = BATCH_NONE;
    struct slice body;
    *ret_won = false;
    dynamo_ask_put(&text, d->link.url.table, shard, batch);
    struct dynamo_verdict verdict = dynamo_link_ask(&d->link, DYNAMO_PUT, &text, &body);
    *ret_won = verdict.answer == STORE_TAKEN && !verdict.conflict;
    if (!verdict.conflict)
        return verdict.answer;
    if (dynamo_look(store, shard, batch, &found) != STORE_TAKEN || found == BATCH_NONE)
        return STORE_LOST; /* to be looked for until it is known */
    *ret_won = found == BATCH_OURS;
    return STORE_TAKEN;
}

/* ---- pages ---- */

struct paging {
    batch_visit visit;
    void *owner;
    int64_t last;    /* of the batches that were visited */
    const char *why; /* of -ERR_CORRUPT; NULL: the visitor's own */
};

static int visit_batch(void *owner, const struct batch *batch)
{
    struct paging *paging = owner;
    if (batch->place.batch_no <= paging->last) {
        paging->why = "an item is not in its order"; /* the rest would be asked for for ever */
        return -ERR_CORRUPT;
    }
    paging->last = batch->place.batch_no;
    int error = paging->visit(paging->owner, batch);
    if (error < 0)
        paging->why = NULL;
    return error;
}

/* The store ends a page where it is large; the next question begins behind it. */
static int dynamo_page(struct batch_store *store, const struct batch_page *page, batch_visit visit,
                       void *owner, const char **ret_why)
{
    struct dynamo_batch *d = dynamo_of(store);
    struct batch_page rest = *page;
    struct paging paging = {visit, owner, page->batch_no - 1, "an item cannot be read"};
    while (rest.batch_no < rest.behind) {
        struct buf text = question_of(d);
        struct slice body;
        dynamo_ask_page(&text, d->link.url.table, &rest);
        TRY(store_error(dynamo_link_ask_again(&d->link, DYNAMO_QUERY, &text, &body).answer));
        int error = read_batches(d, body, visit_batch, &paging);
        if (error == -ERR_CORRUPT && paging.why != NULL)
            *ret_why = paging.why;
        if (error < 0)
            return error;
        if (paging.last < rest.batch_no)
            break; /* there are no more */
        rest.batch_no = paging.last + 1;
    }
    return 0;
}

/* ---- the rest ---- */

static bool dynamo_pause(struct batch_store *store, int64_t us)
{
    struct dynamo_batch *d = dynamo_of(store);
    return d->link.client->ops->pause(d->link.client, us);
}

static void dynamo_leave(struct batch_store *store)
{
    struct dynamo_batch *d = dynamo_of(store);
    d->link.client->ops->leave(d->link.client);
}

static const char *dynamo_problem(const struct batch_store *store)
{
    return ((const struct dynamo_batch *)store)->link.problem;
}

static void dynamo_free(struct batch_store *store)
{
    struct dynamo_batch *d = dynamo_of(store);
    dynamo_link_done(&d->link);
    reserve_free(d->ask, DYNAMO_ASK_BYTES_MAX, 1);
    reserve_free(d->records, ITEM_RECORDS_MAX, 1);
    free(d);
}

static const struct batch_store_ops dynamo_ops = {
    .prepare = dynamo_prepare,
    .newest = dynamo_newest,
    .seq_last = dynamo_seq_last,
    .insert = dynamo_insert,
    .look = dynamo_look,
    .page = dynamo_page,
    .pause = dynamo_pause,
    .leave = dynamo_leave,
    .problem = dynamo_problem,
    .free = dynamo_free,
};

static struct dynamo_batch *store_new(void)
{
    struct dynamo_batch *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->store.ops = &dynamo_ops;
    d->ask = reserve_new(DYNAMO_ASK_BYTES_MAX, 1);
    d->records = reserve_new(ITEM_RECORDS_MAX, 1);
    return d;
}

int dynamo_batch_new(const struct dynamo_url *url, struct signed_client *client,
                     struct batch_store **ret_store, struct buf *why)
{
    struct dynamo_batch *d = store_new();
    if (d == NULL) {
        client->ops->free(client);
        return -ERR_MEMORY;
    }
    int error = dynamo_link_init(&d->link, url, client, why);
    if (error == 0 && (d->ask == NULL || d->records == NULL))
        error = -ERR_MEMORY;
    if (error < 0) {
        dynamo_free(&d->store);
        return error;
    }
    *ret_store = &d->store;
    return 0;
}
