/* dynamo_batch.c - contract in dynamo_batch.h. */
#include "adapters/dynamodb/dynamo_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/dynamodb/dynamo_answer.h"
#include "adapters/dynamodb/dynamo_ask.h"
#include "adapters/dynamodb/dynamo_keys.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/reserve.h"

#define ASK_TRIES         8 /* of a question that changes nothing: four seconds of haste */
#define ASK_PAUSE_US_MIN  (20 * US_PER_MS)
#define MAKING_PAUSE_US   (200 * US_PER_MS)
#define MAKING_TRIES      300 /* a minute */
#define ITEM_RECORDS_MAX  (400 * 1024)
#define CONTENT_TYPE      "Content-Type: application/x-amz-json-1.0"
#define ALREADY_THERE_WHY "its table has other keys than shard and batch_no, or is being removed"

struct dynamo_batch {
    struct batch_store store;     /* first */
    struct signed_client *client; /* owned */
    struct dynamo_url url;
    struct dynamo_keys keys;
    char *ask;     /* owned; DYNAMO_ASK_BYTES_MAX */
    char *records; /* owned; ITEM_RECORDS_MAX */
    char problem[DYNAMO_PROBLEM_BYTES];
};

static struct dynamo_batch *dynamo_of(struct batch_store *store)
{
    return (struct dynamo_batch *)store;
}

/* ---- one question ---- */

static void explain(struct dynamo_batch *d, const char *text)
{
    (void)snprintf(d->problem, sizeof d->problem, "%s", text);
}

/* Keys in a file are replaced there before they end. */
static void renew_keys(struct dynamo_batch *d)
{
    char text[DYNAMO_PROBLEM_BYTES];
    struct buf why = buf_over(text, sizeof text);
    (void)dynamo_keys_find(d->url.credentials, &d->keys, &why); /* the old ones stay */
}

static struct dynamo_verdict ask(struct dynamo_batch *d, enum dynamo_question question,
                                 const struct buf *text, struct slice *ret_body)
{
    char target[64];
    struct signed_answer answer = {.status = 0};
    const struct signed_keys keys = {d->keys.id, d->keys.secret, d->keys.token};
    const struct signed_request request = {.headers = {CONTENT_TYPE, target},
                                           .body = buf_slice(text)};
    struct dynamo_verdict verdict = {.answer = STORE_REFUSED};
    (void)snprintf(target, sizeof target, "X-Amz-Target: %s", dynamo_ask_target(question));
    if (text->overflow) {
        explain(d, "a question is too long");
        return verdict;
    }
    enum signed_fate fate = d->client->ops->post(d->client, &keys, &request, &answer);
    if (fate != SIGNED_ANSWERED) {
        verdict.answer = fate == SIGNED_UNSENT ? STORE_AWAY : STORE_LOST;
        explain(d, d->client->ops->problem(d->client));
        return verdict;
    }
    verdict = dynamo_answer_judge(answer.status, answer.body);
    if (verdict.problem[0] != '\0')
        explain(d, verdict.problem);
    if (verdict.stale_key)
        renew_keys(d);
    *ret_body = answer.body;
    return verdict;
}

/* A question that changes nothing is asked again, where it is refused for now after a pause. */
static struct dynamo_verdict ask_again(struct dynamo_batch *d, enum dynamo_question question,
                                       const struct buf *text, struct slice *ret_body)
{
    struct dynamo_verdict verdict = ask(d, question, text, ret_body);
    int64_t pause_us = ASK_PAUSE_US_MIN;
    for (int i = 1; i < ASK_TRIES; i++, pause_us *= 2) {
        bool again = verdict.answer == STORE_LOST || verdict.answer == STORE_AGAIN;
        if (!again || !d->client->ops->pause(d->client, pause_us))
            break;
        verdict = ask(d, question, text, ret_body);
    }
    return verdict;
}

static int error_of(enum store_answer answer)
{
    switch (answer) {
    case STORE_TAKEN:
        return 0;
    case STORE_AWAY:
    case STORE_LOST:
    case STORE_AGAIN:
    case STORE_FULL:
        return -ERR_ABSENT;
    case STORE_REFUSED:
        break;
    }
    return -ERR_IO;
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
    explain(d, error == -ERR_CONFIG ? "its items were made by a newer program"
                                    : "an item cannot be read");
    return error == -ERR_CONFIG ? error : -ERR_CORRUPT;
}

/* ---- preparing ---- */

static int create_table(struct dynamo_batch *d)
{
    struct buf text = question_of(d);
    struct slice body;
    dynamo_ask_create(&text, d->url.table);
    struct dynamo_verdict verdict = ask(d, DYNAMO_CREATE, &text, &body);
    /* A lost answer, and another program that makes it too, are seen when it is described. */
    if (verdict.in_use || verdict.answer == STORE_LOST || verdict.answer == STORE_AGAIN)
        return 0;
    return error_of(verdict.answer);
}

static int describe_table(struct dynamo_batch *d, bool *ret_absent, enum dynamo_table *ret_table)
{
    struct buf text = question_of(d);
    struct slice body;
    dynamo_ask_describe(&text, d->url.table);
    struct dynamo_verdict verdict = ask_again(d, DYNAMO_DESCRIBE, &text, &body);
    *ret_absent = verdict.absent;
    if (verdict.absent)
        return 0;
    TRY(error_of(verdict.answer));
    *ret_table = dynamo_answer_table(body);
    return 0;
}

static int dynamo_prepare(struct batch_store *store, const char **ret_why)
{
    struct dynamo_batch *d = dynamo_of(store);
    for (int i = 0; i < MAKING_TRIES; i++) {
        enum dynamo_table table = DYNAMO_TABLE_MAKING;
        bool absent = false;
        TRY(describe_table(d, &absent, &table));
        if (absent)
            TRY(create_table(d));
        else if (table == DYNAMO_TABLE_READY)
            return 0;
        else if (table == DYNAMO_TABLE_OTHER) {
            *ret_why = ALREADY_THERE_WHY;
            return -ERR_CONFIG;
        }
        if (!d->client->ops->pause(d->client, MAKING_PAUSE_US))
            break;
    }
    *ret_why = "its table is not ready";
    return -ERR_ABSENT;
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
    dynamo_ask_newest(&text, d->url.table, shard);
    TRY(error_of(ask_again(d, DYNAMO_QUERY, &text, &body).answer));
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
    dynamo_ask_get(&text, d->url.table, shard, batch_no);
    TRY(error_of(ask_again(d, DYNAMO_GET, &text, &body).answer));
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
    dynamo_ask_get(&text, d->url.table, shard, batch->place.batch_no);
    struct dynamo_verdict verdict = ask(d, DYNAMO_GET, &text, &body);
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
    dynamo_ask_put(&text, d->url.table, shard, batch);
    struct dynamo_verdict verdict = ask(d, DYNAMO_PUT, &text, &body);
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
    int64_t last; /* of the batches that were visited */
};

static int visit_batch(void *owner, const struct batch *batch)
{
    struct paging *paging = owner;
    if (batch->place.batch_no <= paging->last)
        return -ERR_CORRUPT; /* not in order: the rest would be asked for for ever */
    paging->last = batch->place.batch_no;
    return paging->visit(paging->owner, batch);
}

/* The store ends a page where it is large; the next question begins behind it. */
static int dynamo_page(struct batch_store *store, const struct batch_page *page, batch_visit visit,
                       void *owner, const char **ret_why)
{
    struct dynamo_batch *d = dynamo_of(store);
    struct batch_page rest = *page;
    struct paging paging = {visit, owner, page->batch_no - 1};
    while (rest.batch_no < rest.behind) {
        struct buf text = question_of(d);
        struct slice body;
        dynamo_ask_page(&text, d->url.table, &rest);
        TRY(error_of(ask_again(d, DYNAMO_QUERY, &text, &body).answer));
        int error = read_batches(d, body, visit_batch, &paging);
        if (error == -ERR_CORRUPT && **ret_why == '\0')
            *ret_why = "an item cannot be read, or is not in its order";
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
    return d->client->ops->pause(d->client, us);
}

static void dynamo_leave(struct batch_store *store)
{
    struct dynamo_batch *d = dynamo_of(store);
    d->client->ops->leave(d->client);
}

static const char *dynamo_problem(const struct batch_store *store)
{
    return ((const struct dynamo_batch *)store)->problem;
}

static void dynamo_free(struct batch_store *store)
{
    struct dynamo_batch *d = dynamo_of(store);
    d->client->ops->free(d->client);
    reserve_free(d->ask, DYNAMO_ASK_BYTES_MAX, 1);
    reserve_free(d->records, ITEM_RECORDS_MAX, 1);
    explicit_bzero(&d->keys, sizeof d->keys);
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
    d->client = client;
    d->url = *url;
    int error = d->ask == NULL || d->records == NULL ? -ERR_MEMORY : 0;
    if (error == 0)
        error = dynamo_keys_find(url->credentials, &d->keys, why);
    if (error < 0) {
        dynamo_free(&d->store);
        return error;
    }
    *ret_store = &d->store;
    return 0;
}
