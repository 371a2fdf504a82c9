/* dynamo_projection.c - contract in dynamo_projection.h. A step's rows are dealt to the lanes one
 * by one; each lane is a thread for as long as the step takes. */
#include "adapters/dynamodb/dynamo_projection.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "adapters/dynamodb/dynamo_link.h"
#include "adapters/dynamodb/dynamo_place.h"
#include "adapters/dynamodb/dynamo_row.h"
#include "adapters/dynamodb/dynamo_rows.h"
#include "base/error.h"

struct lane {
    struct dynamo_projection *projection;
    struct dynamo_link link;
    char ask[DYNAMO_ROW_BYTES_MAX];
    pthread_t thread;
    bool runs; /* a thread does */
    int error;
};

struct dynamo_projection {
    struct projection_store store; /* first */
    struct lane lanes[DYNAMO_PROJECTION_LANES];
    const struct projection_step *step; /* under way */
    atomic_size_t next;                 /* of its rows */
    bool balances;                      /* there are any; known with the place */
    struct dynamo_rows *rows;           /* owned; to compare */
    const char *problem;
};

static struct dynamo_projection *projection_of(struct projection_store *store)
{
    return (struct dynamo_projection *)store;
}

static int fail(struct dynamo_projection *d, struct lane *lane, int error)
{
    if (error < 0)
        d->problem = lane->link.problem;
    return error;
}

/* ---- rows ---- */

static int put_row(struct lane *lane, const struct projection_step *step, size_t row)
{
    struct buf text = buf_over(lane->ask, sizeof lane->ask);
    const char *table = lane->link.url.table;
    struct slice body;
    if (row < step->bets_count)
        dynamo_row_put_bet(&text, table, &step->bets[row]);
    else
        dynamo_row_put_balance(&text, table, &step->balances[row - step->bets_count]);
    /* A conflict is the same row, of a try before, or a newer balance. */
    return store_error(dynamo_link_ask_again(&lane->link, DYNAMO_PUT, &text, &body).answer);
}

static size_t rows_of(const struct dynamo_projection *d)
{
    return d->step->bets_count + (d->balances ? d->step->balances_count : 0);
}

static void *put_rows(void *owner)
{
    struct lane *lane = owner;
    struct dynamo_projection *d = lane->projection;
    size_t count = rows_of(d);
    for (;;) {
        size_t row = atomic_fetch_add(&d->next, 1);
        if (row >= count)
            break;
        lane->error = put_row(lane, d->step, row);
        if (lane->error < 0)
            atomic_store(&d->next, count); /* the others end as well */
    }
    return NULL;
}

/* Signals are the role's business: none may be delivered to these threads. */
static void start_lanes(struct dynamo_projection *d, size_t rows)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 1; i < DYNAMO_PROJECTION_LANES && i < rows; i++) {
        struct lane *lane = &d->lanes[i];
        lane->runs = pthread_create(&lane->thread, NULL, put_rows, lane) == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The first lane is the caller's thread, so a step is made also where no thread can be had. */
static int put_all_rows(struct dynamo_projection *d, const struct projection_step *step)
{
    int error = 0;
    d->step = step;
    atomic_store(&d->next, 0);
    for (size_t i = 0; i < DYNAMO_PROJECTION_LANES; i++)
        d->lanes[i].error = 0;
    start_lanes(d, rows_of(d));
    (void)put_rows(&d->lanes[0]);
    for (size_t i = 0; i < DYNAMO_PROJECTION_LANES; i++) {
        struct lane *lane = &d->lanes[i];
        if (lane->runs)
            (void)pthread_join(lane->thread, NULL);
        lane->runs = false;
        if (lane->error < 0 && error != -ERR_IO) /* what is for good counts more */
            error = fail(d, lane, lane->error);
    }
    return error;
}

/* ---- the port ---- */

static int dynamo_prepare(struct projection_store *store, struct buf *why)
{
    struct lane *lane = &projection_of(store)->lanes[0];
    int error =
        dynamo_link_prepare(&lane->link, &dynamo_rows_shape, buf_over(lane->ask, sizeof lane->ask));
    if (error < 0)
        buf_put_text(why, lane->link.problem);
    return error;
}

static int dynamo_place(struct projection_store *store, uint32_t shard,
                        struct projection_place *ret)
{
    struct dynamo_projection *d = projection_of(store);
    struct lane *lane = &d->lanes[0];
    struct buf text = buf_over(lane->ask, sizeof lane->ask);
    struct slice body;
    dynamo_place_ask(&text, lane->link.url.table, shard);
    struct dynamo_verdict verdict = dynamo_link_ask_again(&lane->link, DYNAMO_GET, &text, &body);
    TRY(fail(d, lane, store_error(verdict.answer)));
    struct dynamo_place place;
    int error = dynamo_place_read(body, &place);
    if (error < 0) {
        dynamo_link_explain(&lane->link, error == -ERR_CONFIG
                                             ? "its rows are a newer program's"
                                             : "the place of a shard cannot be read");
        return fail(d, lane, -ERR_IO);
    }
    d->balances = place.balances;
    *ret = place.at;
    return 0;
}

static int dynamo_put(struct projection_store *store, const struct projection_step *step)
{
    struct dynamo_projection *d = projection_of(store);
    struct lane *lane = &d->lanes[0];
    struct slice body;
    TRY(put_all_rows(d, step));
    struct buf text = buf_over(lane->ask, sizeof lane->ask);
    dynamo_place_put(&text, lane->link.url.table, step, d->balances);
    struct dynamo_verdict verdict = dynamo_link_ask(&lane->link, DYNAMO_PUT, &text, &body);
    if (verdict.conflict)
        return fail(d, lane, -ERR_BUSY);
    return fail(d, lane, store_error(verdict.answer));
}

static int dynamo_compare(struct projection_store *store, const struct projection_rows *rows,
                          struct projection_difference *ret)
{
    struct dynamo_projection *d = projection_of(store);
    return fail(d, &d->lanes[0], dynamo_rows_compare(d->rows, rows, ret));
}

static int dynamo_count(struct projection_store *store, const struct projection_range *range,
                        struct projection_count *ret)
{
    struct dynamo_projection *d = projection_of(store);
    TRY(fail(d, &d->lanes[0], dynamo_rows_count(d->rows, range, ret)));
    ret->balances_kept = d->balances;
    return 0;
}

static void dynamo_leave(struct projection_store *store)
{
    struct dynamo_projection *d = projection_of(store);
    for (size_t i = 0; i < DYNAMO_PROJECTION_LANES; i++)
        d->lanes[i].link.client->ops->leave(d->lanes[i].link.client);
}

static const char *dynamo_problem(const struct projection_store *store)
{
    return ((const struct dynamo_projection *)store)->problem;
}

static void dynamo_free(struct projection_store *store)
{
    struct dynamo_projection *d = projection_of(store);
    for (size_t i = 0; i < DYNAMO_PROJECTION_LANES; i++)
        dynamo_link_done(&d->lanes[i].link);
    dynamo_rows_free(d->rows);
    free(d);
}

static const struct projection_store_ops dynamo_ops = {
    .prepare = dynamo_prepare,
    .place = dynamo_place,
    .put = dynamo_put,
    .compare = dynamo_compare,
    .count = dynamo_count,
    .leave = dynamo_leave,
    .problem = dynamo_problem,
    .free = dynamo_free,
};

/* ---- begin ---- */

static struct dynamo_projection *store_new(void)
{
    struct dynamo_projection *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->store.ops = &dynamo_ops;
    d->problem = "";
    for (size_t i = 0; i < DYNAMO_PROJECTION_LANES; i++)
        d->lanes[i].projection = d;
    d->rows = dynamo_rows_new(&d->lanes[0].link);
    if (d->rows == NULL) {
        free(d);
        return NULL;
    }
    return d;
}

int dynamo_projection_new(const struct dynamo_url *url,
                          struct signed_client *const clients[DYNAMO_PROJECTION_LANES],
                          struct projection_store **ret_store, struct buf *why)
{
    struct dynamo_projection *d = store_new();
    int error = d == NULL ? -ERR_MEMORY : 0;
    for (size_t i = 0; i < DYNAMO_PROJECTION_LANES; i++) {
        if (error == 0)
            error = dynamo_link_init(&d->lanes[i].link, url, clients[i], why);
        else
            clients[i]->ops->free(clients[i]);
    }
    if (error < 0) {
        if (d != NULL)
            dynamo_free(&d->store);
        return error;
    }
    *ret_store = &d->store;
    return 0;
}
