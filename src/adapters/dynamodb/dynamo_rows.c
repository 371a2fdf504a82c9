/* dynamo_rows.c - contract in dynamo_rows.h. */
#include "adapters/dynamodb/dynamo_rows.h"

#include <string.h>

#include "adapters/dynamodb/dynamo_page.h"
#include "adapters/dynamodb/dynamo_place.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/reserve.h"

#define ASK_BYTES_MAX     (128 * 1024) /* keys of PROJECTION_COMPARE_MAX rows, or an older rest */
#define ITEM_SHOWN_BYTES  1400         /* of one that differs */
#define REST_BYTES_MAX    (8 * 1024)   /* where a scan goes on */
#define PATIENCE_TRIES    60           /* without an answer that is one */
#define PATIENCE_PAUSE_US US_PER_SECOND
#define PAUSE_US_MIN      (20 * US_PER_MS) /* after an answer that left keys out */

struct dynamo_rows {
    struct dynamo_link *link; /* borrowed */
    /* A comparison under way. */
    const struct projection_rows *asked;
    struct dynamo_row expected[PROJECTION_COMPARE_MAX];
    bool seen[PROJECTION_COMPARE_MAX];
    size_t wrong; /* the first row that differs; asked->count: none yet */
    size_t left;  /* not seen yet */
    uint64_t ahead;
    struct slice shown; /* what is there for it */
    char item[ITEM_SHOWN_BYTES];
    /* A count under way. */
    const struct projection_range *range;
    struct projection_count count;
    char rest[REST_BYTES_MAX];
    char ask[ASK_BYTES_MAX];
};

struct dynamo_rows *dynamo_rows_new(struct dynamo_link *link)
{
    struct dynamo_rows *rows = reserve_new(1, sizeof *rows);
    if (rows != NULL)
        rows->link = link;
    return rows;
}

void dynamo_rows_free(struct dynamo_rows *rows)
{
    reserve_free(rows, 1, sizeof *rows);
}

/* ---- asking ---- */

/* A store_answer that is none for now is waited out. */
static int ask(struct dynamo_rows *rows, enum dynamo_question question, const struct buf *text,
               struct slice *ret_body)
{
    struct dynamo_link *link = rows->link;
    struct dynamo_verdict verdict = dynamo_link_ask_again(link, question, text, ret_body);
    for (int i = 1; i < PATIENCE_TRIES && verdict.answer == STORE_AGAIN; i++) {
        if (!link->client->ops->pause(link->client, PATIENCE_PAUSE_US))
            break;
        verdict = dynamo_link_ask(link, question, text, ret_body);
    }
    return store_error(verdict.answer);
}

static int refuse(struct dynamo_rows *rows, const char *why)
{
    dynamo_link_explain(rows->link, why);
    return -ERR_IO;
}

/* ---- comparing ---- */

static size_t find(const struct dynamo_rows *rows, const struct dynamo_row *there)
{
    for (size_t i = 0; i < rows->asked->count; i++)
        if (!rows->seen[i] && dynamo_row_same_key(&rows->expected[i], there))
            return i;
    return rows->asked->count;
}

/* A customer's newest row, of a step behind the place. */
static bool is_ahead(const struct dynamo_rows *rows, const struct dynamo_row *there)
{
    uint64_t seq = 0;
    return rows->asked->balances != NULL && dynamo_row_number(there, "seq", &seq) &&
           seq > rows->asked->seq_last;
}

static void show(struct dynamo_rows *rows, size_t wrong, struct slice item)
{
    size_t bytes = item.bytes < ITEM_SHOWN_BYTES ? item.bytes : ITEM_SHOWN_BYTES;
    if (wrong >= rows->wrong)
        return;
    if (bytes > 0)
        memcpy(rows->item, item.at, bytes);
    rows->shown = slice_of(rows->item, bytes);
    rows->wrong = wrong;
}

static void compare_item(void *owner, struct slice item)
{
    struct dynamo_rows *rows = owner;
    struct dynamo_row there;
    dynamo_row_read(&there, item);
    size_t i = find(rows, &there);
    if (i == rows->asked->count)
        return;
    rows->seen[i] = true;
    rows->left--;
    if (dynamo_row_same(&rows->expected[i], &there))
        return;
    if (is_ahead(rows, &there))
        rows->ahead++;
    else
        show(rows, i, item);
}

static int begin_comparison(struct dynamo_rows *rows, const struct projection_rows *asked)
{
    ASSERT(asked->count <= PROJECTION_COMPARE_MAX);
    rows->asked = asked;
    rows->wrong = rows->left = asked->count;
    rows->ahead = 0;
    for (size_t i = 0; i < asked->count; i++) {
        rows->seen[i] = false;
        if (asked->balances == NULL)
            dynamo_row_of_bet(&rows->expected[i], &asked->bets[i]);
        else
            dynamo_row_of_balance(&rows->expected[i], &asked->balances[i]);
        if (!rows->expected[i].whole)
            return refuse(rows, "a row is longer than any can be");
    }
    return 0;
}

/* The service answers as many as it likes, and names the others. */
static int fetch(struct dynamo_rows *rows)
{
    struct buf text = buf_over(rows->ask, sizeof rows->ask);
    struct slice body, rest;
    int64_t pause_us = PAUSE_US_MIN;
    dynamo_page_ask_keys(&text, rows->link->url.table, rows->expected, rows->asked->count);
    for (int vain = 0; vain < PATIENCE_TRIES;) {
        size_t left = rows->left;
        TRY(ask(rows, DYNAMO_BATCH_GET, &text, &body));
        if (dynamo_page_read(body, compare_item, rows, &rest) < 0)
            return refuse(rows, "an answer with rows cannot be read");
        if (rest.bytes == 0)
            return 0;
        vain = rows->left < left ? 0 : vain + 1;
        pause_us = vain == 0                  ? PAUSE_US_MIN
                   : pause_us < US_PER_SECOND ? 2 * pause_us
                                              : US_PER_SECOND;
        if (!rows->link->client->ops->pause(rows->link->client, pause_us))
            break;
        text = buf_over(rows->ask, sizeof rows->ask);
        dynamo_page_ask_rest(&text, rest);
    }
    dynamo_link_explain(rows->link, "it answers no rows for too long");
    return -ERR_ABSENT;
}

int dynamo_rows_compare(struct dynamo_rows *rows, const struct projection_rows *asked,
                        struct projection_difference *ret)
{
    if (asked->count == 0)
        return 0;
    TRY(begin_comparison(rows, asked));
    TRY(fetch(rows));
    for (size_t i = 0; i < rows->wrong; i++)
        if (!rows->seen[i])
            show(rows, i, SLICE_NONE);
    ret->ahead = rows->ahead;
    if (rows->wrong == asked->count)
        return 0;
    ret->row = rows->wrong;
    ret->there = rows->shown;
    return 1;
}

/* ---- counting ---- */

static bool is_balance(const struct dynamo_row *item)
{
    return slice_begins(dynamo_row_value(item, "bet_record", 'S'), SLICE("#balance#"));
}

static void count_item(void *owner, struct slice item)
{
    struct dynamo_rows *rows = owner;
    struct projection_count *count = &rows->count;
    struct dynamo_row there;
    uint64_t shard = 0, seq = 0;
    dynamo_row_read(&there, item);
    if (dynamo_place_is(&there))
        return;
    if (!dynamo_row_number(&there, "shard", &shard) || !dynamo_row_number(&there, "seq", &seq)) {
        count->strays++;
        return;
    }
    if (shard != rows->range->shard)
        return;
    bool ahead = seq > rows->range->seq_last;
    if (is_balance(&there))
        *(ahead ? &count->balances_ahead : &count->balances) += 1;
    else
        *(ahead ? &count->bets_ahead : &count->bets) += 1;
    count->seq_max = seq > count->seq_max ? seq : count->seq_max;
}

/* Where the next page begins, out of an answer that the next one replaces. */
static int keep_rest(struct dynamo_rows *rows, struct slice *rest)
{
    static const char why[] = "a scan of its table does not go on";
    if (rest->bytes > sizeof rows->rest)
        return refuse(rows, why);
    memcpy(rows->rest, rest->at, rest->bytes);
    *rest = slice_of(rows->rest, rest->bytes);
    return 0;
}

int dynamo_rows_count(struct dynamo_rows *rows, const struct projection_range *range,
                      struct projection_count *ret)
{
    struct slice from = SLICE_NONE, body;
    rows->range = range;
    rows->count = (struct projection_count){.bets = 0};
    do {
        struct slice rest;
        struct buf text = buf_over(rows->ask, sizeof rows->ask);
        dynamo_page_ask_scan(&text, rows->link->url.table, from);
        TRY(ask(rows, DYNAMO_SCAN, &text, &body));
        if (dynamo_page_read(body, count_item, rows, &rest) < 0)
            return refuse(rows, "an answer with rows cannot be read");
        if (rest.bytes > 0 && slice_equal(rest, from))
            return refuse(rows, "a scan of its table does not go on");
        if (rest.bytes > 0)
            TRY(keep_rest(rows, &rest));
        from = rest;
    } while (from.bytes > 0);
    *ret = rows->count;
    return 0;
}
