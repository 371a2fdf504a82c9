/* dynamo_link.h - questions to DynamoDB over a signed client: the keys, the table they are about,
 * and what the answers mean. Blocks; thread: one at a time, but for leaving the client. */
#pragma once

#include "adapters/dynamodb/dynamo_answer.h"
#include "adapters/dynamodb/dynamo_ask.h"
#include "adapters/dynamodb/dynamo_keys.h"
#include "adapters/dynamodb/dynamo_url.h"
#include "ports/signed_client.h"

struct dynamo_link {
    struct signed_client *client; /* owned */
    struct dynamo_url url;
    struct dynamo_keys keys;
    char problem[DYNAMO_PROBLEM_BYTES]; /* of the newest answer that was none of success */
};

/* In the caller's memory. `client` is taken, also on failure. Finds the keys. 0, or -ERR_CONFIG
 * with a sentence in `why`: there is nothing to be ended then. */
int dynamo_link_init(struct dynamo_link *link, const struct dynamo_url *url,
                     struct signed_client *client, struct buf *why);
void dynamo_link_done(struct dynamo_link *link);

/* One question. *ret_body after STORE_TAKEN without conflict; borrowed until the next. */
struct dynamo_verdict dynamo_link_ask(struct dynamo_link *link, enum dynamo_question question,
                                      const struct buf *text, struct slice *ret_body);
/* One that may be asked twice: again where its answer was lost, and after a pause where it is
 * refused for now, for some seconds. */
struct dynamo_verdict dynamo_link_ask_again(struct dynamo_link *link, enum dynamo_question question,
                                            const struct buf *text, struct slice *ret_body);
void dynamo_link_explain(struct dynamo_link *link, const char *text);

/* Makes a table where it is missing, and waits until it can be used: at most a minute. `memory` is
 * for the questions. 0; -ERR_CONFIG (another one has the name), -ERR_ABSENT or -ERR_IO. */
int dynamo_link_prepare(struct dynamo_link *link, const struct dynamo_shape *shape,
                        struct buf memory);
