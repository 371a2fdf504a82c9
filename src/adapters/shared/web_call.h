/* web_call.h - one request at a time over a web_client (ports/web_client.h), waited for: for
 * threads that may. Thread: one user. */
#pragma once

#include "base/buf.h"
#include "ports/web_client.h"

struct web_call;

/* Takes the client, also when it fails. 0, -ERR_MEMORY or -ERR_IO. */
int web_call_new(struct web_client *client, struct web_call **ret_call);
void web_call_free(struct web_call *call); /* accepts NULL */
/* The status of the answer, or 0: there was none, and `problem` says why. What a request is called
 * back with is this call's. */
int web_call_get(struct web_call *call, struct web_request *request);
int web_call_post(struct web_call *call, struct web_request *request);
const char *web_call_problem(const struct web_call *call);
