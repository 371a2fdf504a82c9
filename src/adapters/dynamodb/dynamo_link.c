/* dynamo_link.c - contract in dynamo_link.h. */
#include "adapters/dynamodb/dynamo_link.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/instant.h"

#define ASK_TRIES        8 /* four seconds of haste */
#define ASK_PAUSE_US_MIN (20 * US_PER_MS)
#define MAKING_PAUSE_US  (200 * US_PER_MS)
#define MAKING_TRIES     300 /* a minute */
#define CONTENT_TYPE     "Content-Type: application/x-amz-json-1.0"

void dynamo_link_explain(struct dynamo_link *link, const char *text)
{
    (void)snprintf(link->problem, sizeof link->problem, "%s", text);
}

int dynamo_link_init(struct dynamo_link *link, const struct dynamo_url *url,
                     struct signed_client *client, struct buf *why)
{
    *link = (struct dynamo_link){.client = client, .url = *url};
    int error = dynamo_keys_find(url->credentials, &link->keys, why);
    if (error < 0)
        dynamo_link_done(link);
    return error;
}

void dynamo_link_done(struct dynamo_link *link)
{
    if (link->client != NULL)
        link->client->ops->free(link->client);
    link->client = NULL;
    explicit_bzero(&link->keys, sizeof link->keys);
}

/* Keys in a file are replaced there before they end. */
static void renew_keys(struct dynamo_link *link)
{
    char text[DYNAMO_PROBLEM_BYTES];
    struct buf why = buf_over(text, sizeof text);
    (void)dynamo_keys_find(link->url.credentials, &link->keys, &why); /* the old ones stay */
}

struct dynamo_verdict dynamo_link_ask(struct dynamo_link *link, enum dynamo_question question,
                                      const struct buf *text, struct slice *ret_body)
{
    char target[64];
    struct signed_answer answer = {.status = 0};
    const struct signed_keys keys = {link->keys.id, link->keys.secret, link->keys.token};
    const struct signed_request request = {.headers = {CONTENT_TYPE, target},
                                           .body = buf_slice(text)};
    struct dynamo_verdict verdict = {.answer = STORE_REFUSED};
    (void)snprintf(target, sizeof target, "X-Amz-Target: %s", dynamo_ask_target(question));
    if (text->overflow) {
        dynamo_link_explain(link, "a question is too long");
        return verdict;
    }
    enum signed_fate fate = link->client->ops->post(link->client, &keys, &request, &answer);
    if (fate != SIGNED_ANSWERED) {
        verdict.answer = fate == SIGNED_UNSENT ? STORE_AWAY : STORE_LOST;
        dynamo_link_explain(link, link->client->ops->problem(link->client));
        return verdict;
    }
    verdict = dynamo_answer_judge(answer.status, answer.body);
    if (verdict.problem[0] != '\0')
        dynamo_link_explain(link, verdict.problem);
    if (verdict.stale_key)
        renew_keys(link);
    *ret_body = answer.body;
    return verdict;
}

struct dynamo_verdict dynamo_link_ask_again(struct dynamo_link *link, enum dynamo_question question,
                                            const struct buf *text, struct slice *ret_body)
{
    struct dynamo_verdict verdict = dynamo_link_ask(link, question, text, ret_body);
    int64_t pause_us = ASK_PAUSE_US_MIN;
    for (int i = 1; i < ASK_TRIES; i++, pause_us *= 2) {
        bool again = verdict.answer == STORE_LOST || verdict.answer == STORE_AGAIN;
        if (!again || !link->client->ops->pause(link->client, pause_us))
            break;
        verdict = dynamo_link_ask(link, question, text, ret_body);
    }
    return verdict;
}

/* ---- the table ---- */

static int create(struct dynamo_link *link, const struct dynamo_shape *shape, struct buf memory)
{
    struct buf text = buf_over(memory.at, memory.capacity);
    struct slice body;
    dynamo_ask_create(&text, link->url.table, shape);
    struct dynamo_verdict verdict = dynamo_link_ask(link, DYNAMO_CREATE, &text, &body);
    /* A lost answer, and another program that makes it too, are seen when it is described. */
    if (verdict.in_use || verdict.answer == STORE_LOST || verdict.answer == STORE_AGAIN)
        return 0;
    return store_error(verdict.answer);
}

static int describe(struct dynamo_link *link, const struct dynamo_shape *shape, struct buf text,
                    enum dynamo_table *ret_table)
{
    struct slice body;
    dynamo_ask_describe(&text, link->url.table);
    struct dynamo_verdict verdict = dynamo_link_ask_again(link, DYNAMO_DESCRIBE, &text, &body);
    if (verdict.absent) {
        *ret_table = DYNAMO_TABLE_MAKING;
        return create(link, shape, text);
    }
    TRY(store_error(verdict.answer));
    *ret_table = dynamo_answer_table(body, shape);
    return 0;
}

int dynamo_link_prepare(struct dynamo_link *link, const struct dynamo_shape *shape,
                        struct buf memory)
{
    for (int i = 0; i < MAKING_TRIES; i++) {
        enum dynamo_table table = DYNAMO_TABLE_MAKING;
        TRY(describe(link, shape, memory, &table));
        if (table == DYNAMO_TABLE_READY)
            return 0;
        if (table == DYNAMO_TABLE_OTHER) {
            dynamo_link_explain(link, "its table has other keys or indexes, or is being removed");
            return -ERR_CONFIG;
        }
        if (!link->client->ops->pause(link->client, MAKING_PAUSE_US))
            break;
    }
    dynamo_link_explain(link, "its table is not ready");
    return -ERR_ABSENT;
}
