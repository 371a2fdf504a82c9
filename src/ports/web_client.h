/* web_client.h - the port of requests that we send to other people's servers by http and https:
 * webhooks, and whatever else needs no speed.
 *
 * The caller owns a struct web_request until its one callback, which never runs inside the
 * submitting call, only inside poll(). Nobody is believed but by a certificate that is good for the
 * name in the URL; redirects are not followed; what is answered is kept only by who gave room for
 * it. Neither URL, headers nor body are ever in a text for a log: they may hold secrets. Thread:
 * the owner's, but for what says otherwise. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

#define WEB_REQUESTS_MAX     16          /* under way */
#define WEB_REQUEST_MS_MAX   10000       /* from the begin to the end of the answer */
#define WEB_ANSWER_BYTES_MAX (64 * 1024) /* of a body that is not kept: more is a failure */
#define WEB_HEADERS_MAX      4
#define WEB_PROBLEM_BYTES    256

struct web_request {
    const char *url;                      /* borrowed until the callback, as all texts */
    const char *headers[WEB_HEADERS_MAX]; /* "Name: value"; NULL: no more */
    const char *content_type;             /* of the body, as the next: of a POST */
    struct slice body;
    char *answer;            /* the body of the answer is written there; NULL: it is not kept */
    size_t answer_bytes_max; /* a longer one is a failure */
    size_t answer_bytes;     /* written before the callback */
    /* status: of the answer; 0: there was none, and `problem` is a sentence. */
    void (*on_done)(struct web_request *request, int status, const char *problem);
    void *owner;

    char problem[WEB_PROBLEM_BYTES]; /* the adapter's, until the callback; as the next */
    int status;
    bool is_get;
};

struct web_client;

struct web_client_ops {
    /* 0, or -ERR_BUSY when WEB_REQUESTS_MAX are under way. */
    int (*post)(struct web_client *client, struct web_request *request);
    int (*get)(struct web_client *client, struct web_request *request); /* the same, with no body */
    /* Runs the callbacks of what was done. Called after `notify`. */
    void (*poll)(struct web_client *client);
    /* Requests under way are given up and get no callback. Accepts no NULL. */
    void (*free)(struct web_client *client);
};

struct web_client {
    const struct web_client_ops *ops;
    /* Set by the owner before the first request: called from any thread when poll() has work. */
    void (*notify)(void *notify_owner);
    void *notify_owner;
};
