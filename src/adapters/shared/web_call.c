/* web_call.c - contract in web_call.h. */
#include "adapters/shared/web_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"

struct web_call {
    struct web_client *client; /* owned */
    int ready;                 /* an eventfd: the client has something to say */
    bool answered;
    int status;
    char problem[WEB_PROBLEM_BYTES];
};

static void on_ready(void *owner)
{
    const uint64_t one = 1;
    ssize_t bytes = write(((struct web_call *)owner)->ready, &one, sizeof one);
    (void)bytes; /* a counter that is full says it as well */
}

int web_call_new(struct web_client *client, struct web_call **ret_call)
{
    struct web_call *call = calloc(1, sizeof *call);
    int ready = call == NULL ? -1 : eventfd(0, EFD_CLOEXEC);
    if (ready < 0) {
        client->ops->free(client);
        free(call);
        return call == NULL ? -ERR_MEMORY : -ERR_IO;
    }
    call->client = client;
    call->ready = ready;
    client->notify = on_ready;
    client->notify_owner = call;
    *ret_call = call;
    return 0;
}

void web_call_free(struct web_call *call)
{
    if (call == NULL)
        return;
    call->client->ops->free(call->client);
    (void)close(call->ready);
    free(call);
}

static void on_done(struct web_request *request, int status, const char *problem)
{
    struct web_call *call = request->owner;
    call->answered = true;
    call->status = status;
    (void)snprintf(call->problem, sizeof call->problem, "%s", problem);
}

/* A request has an end of its own, so this one does. */
static int wait_answer(struct web_call *call, int begun)
{
    uint64_t count = 0;
    while (begun == 0 && !call->answered) {
        ssize_t bytes = read(call->ready, &count, sizeof count);
        (void)bytes; /* a signal came: looked at again */
        call->client->ops->poll(call->client);
    }
    return begun == 0 ? call->status : 0;
}

static void prepare(struct web_call *call, struct web_request *request)
{
    call->answered = false;
    call->problem[0] = '\0';
    request->on_done = on_done;
    request->owner = call;
}

int web_call_get(struct web_call *call, struct web_request *request)
{
    prepare(call, request);
    return wait_answer(call, call->client->ops->get(call->client, request));
}

int web_call_post(struct web_call *call, struct web_request *request)
{
    prepare(call, request);
    return wait_answer(call, call->client->ops->post(call->client, request));
}

const char *web_call_problem(const struct web_call *call)
{
    return call->problem;
}
